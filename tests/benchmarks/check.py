"""What checking a language model's sentences costs, and how soon the first one is there.

    python tests/benchmarks/check.py squad2-dev.json

The check is timed on claims made from a SQuAD file, a passage's tokens at hand as they are while a model answers. The first
sentence is timed from asking, against the time that a model of a steady pace needs to say it: a scripted one, as no real one runs
everywhere. The API's stream on loopback is included.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import SEEDS, Served
from scripted import Scripted

from chatbot import Chatbot, Settings
from chatbot.answering.check import check
from chatbot.answering.sources import Source
from chatbot.evaluation.claims import claims
from chatbot.reader.examples import read
from index import make_embedder

SENTENCE = "Both Japan and India are integral members of the Quadrilateral Security Dialogue, or Quad, a strategic forum that also includes the United States and Australia [1]. "
PACE = 0.05
"""Seconds a word: twenty words a second."""
out = Console()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--claims", type=int, default=400)
    options = parser.parse_args()
    taken = checking(options.file, options.claims)
    out.print(f"a check, {len(taken)} sentences: p50 {np.median(taken):.1f} ms, p95 {np.quantile(taken, 0.95):.1f} ms")
    ratios = streaming()
    out.print(f"the first sentence, from asking / the model's own time for it: {np.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})")


def checking(file, count):
    made = [claim for part in read([file]) for claim in claims(part, random.Random(3), 30)]
    random.Random(3).shuffle(made)
    embedder = make_embedder()
    taken = []
    for claim in made[:count]:
        source = Source([claim.passage], embedder.embed_tokens([claim.passage.text]))
        started = time.perf_counter()
        check(claim.text, [1], source, embedder.embed_query_tokens)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def streaming(runs=7):
    script = [each for word in SENTENCE.split(" ") for each in (PACE, f"{word} ")]
    with tempfile.TemporaryDirectory() as folder:
        bot = Chatbot.open([SEEDS], folder, settings=Settings(), model=Scripted([*script, *script]))
        served = Served(bot)
        own = PACE * len(SENTENCE.split(" "))
        ratios = []
        with httpx.Client(base_url=served.url, timeout=60) as client:
            for _ in range(runs):
                started = time.perf_counter()
                with client.stream("POST", "/api/ask", json={"question": "What is the Quad?", "stream": True}) as reply:
                    for line in reply.iter_lines():
                        if line.startswith("data: "):
                            assert "Quadrilateral" in json.loads(line[6:])["text"]
                            break
                    ratios.append((time.perf_counter() - started) / own)
        served.stop()
    return ratios


if __name__ == "__main__":
    main()
