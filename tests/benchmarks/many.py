"""How long a question takes where many passages are indexed.

    python tests/benchmarks/many.py squad2-dev.json --texts squadshifts-*.json mtrag-un-passages.jsonl --index FOLDER

The files are SQuAD's, or JSONL with a `text` a line. The paragraphs that the questions are about, and then the texts', are
indexed as articles of twenty (once; the folder is kept), repeated with a word more where there are too few. Then some of the
questions are asked of everything: each once, so that none has been read before. Search, reading and writing the answer are
counted. Questions that no paragraph answers take longest, as nothing ends the reading early; they are told apart where the
file marks them.
"""

import argparse
import itertools
import json
import random
import time
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.progress import track

from chatbot import Chatbot, Settings
from index import Article, Index, add
from index.search import passages_of

PARAGRAPHS = 20
out = Console()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--ask", type=int, default=200, help="so many questions")
    options = parser.parse_args()
    index = Index.open(options.index)
    for article in articles([options.questions, *options.texts]):
        count = passages_of(index.catalog.entries())
        if count >= options.passages:
            break
        out.print(f"\rindexed {count:,} passages", end="")
        with index.writing():
            add(index, article)
    bot = Chatbot(index, Settings())
    bot.warm()
    started = time.perf_counter()
    bot.retriever.read_ahead()
    out.print(f"\n{passages_of(bot.articles()):,} passages, taken into memory in {time.perf_counter() - started:.1f} s")
    asked = [q for part in json.loads(options.questions.read_text())["data"] for p in part["paragraphs"] for q in p["qas"]]
    taken = {"answerable": [], "open": []}
    for question in track(random.Random(1).sample(asked, min(options.ask, len(asked))), "asking", transient=True):
        started = time.perf_counter()
        bot.ask(question["question"])
        kind = "open" if question.get("is_impossible") else "answerable"
        taken[kind].append((time.perf_counter() - started) * 1000)
    for name, some in {"all": [*taken["answerable"], *taken["open"]], **taken}.items():
        if some:
            out.print(f"{name}: {len(some)} questions, p50 {np.median(some):.0f} ms, p95 {np.quantile(some, 0.95):.0f} ms")
    out.print(f"{psutil.Process().memory_info().rss / 2**20:.0f} MB")


def articles(paths):
    """Articles of twenty paragraphs, without end."""
    texts = list(dict.fromkeys(text for path in paths for text in paragraphs(path)))
    for turn in itertools.count():
        for start in range(0, len(texts), PARAGRAPHS):
            some = [f"{text} Again, {turn}." if turn else text for text in texts[start : start + PARAGRAPHS]]
            yield Article(f"{turn}-{start}", f"Article {start // PARAGRAPHS}", "\n\n".join(some))


def paragraphs(path):
    if path.suffix == ".jsonl":
        return [json.loads(line)["text"] for line in path.read_text().splitlines()]
    return [p["context"] for part in json.loads(path.read_text())["data"] for p in part["paragraphs"]]


if __name__ == "__main__":
    main()
