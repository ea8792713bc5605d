"""Speed and memory beside the stock pipeline, in the same run on the same machine.

    .venv/bin/python tests/benchmarks/speed.py

The stock pipeline: LangChain's RecursiveCharacterTextSplitter (1,000 characters, 200 overlap),
HuggingFaceEmbeddings on the same model, langchain_chroma.Chroma, as_retriever(k=4). The 240
passages are the seed's sentences, drawn anew for each passage by a fixed seed. Machines differ and
are shared, so ratios count and not milliseconds; the two sides take turns.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "seeds" / "japan-india-alliance.txt"
PASSAGES, CHARACTERS = 240, 750
QUESTIONS = [
    "Where did the two prime ministers meet?", "What is the Quad?", "Which concerns does Modi name?",
    "How long ago was the last visit to China?", "Why did tariffs rise?", "What does the agreement include?",
]  # fmt: skip

STOCK = """
import sys, time
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_chroma import Chroma
from index.embed import packaged_minilm
embeddings = HuggingFaceEmbeddings(model_name=str(packaged_minilm()))
store = Chroma(collection_name="stock", embedding_function=embeddings, persist_directory=sys.argv[1])
print(len(store.as_retriever(search_kwargs={"k": 4}).invoke("What is the Quad?")))
"""


TIMED = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took = time.perf_counter() - started
print(took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory beside the stock pipeline.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", ANONYMIZED_TELEMETRY="False", PYTHONPATH=str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        figures = {**indexing(Path(folder), options.rounds), **cold(Path(folder), options.rounds)}
        figures |= {**warm(Path(folder)), **memory(Path(folder))}
    rows = [
        ("ask, cold process, / stock's first passages", "cold_ratio", 0.25),
        ("question on a warm server, p50, / stock's retrieval", "warm_ratio", 0.5),
        ("index 240 passages with sentences, / stock without", "index_ratio", 1.0),
        ("index 240 passages alone, / stock", "passages_ratio", 0.5),
        ("ask, peak memory, MB", "cold_mb", None),
        ("stock, peak memory, MB", "stock_mb", None),
        ("serve with the seed, resident, MB", "serve_mb", 500),
    ]
    for label, name, limit in rows:
        goal = f"   at most {limit}" if limit else ""
        sys.stdout.write(f"{label:<55}{figures[name]:>8.2f}{goal}\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def texts() -> list[str]:
    """240 passages of about 750 characters."""
    from index.chunk import sentence_spans

    text = SEED.read_text(encoding="utf-8")
    sentences = [text[a:b] for a, b in sentence_spans(text, (0, len(text)))]
    rng = random.Random(1)
    made = []
    for number in range(PASSAGES):
        parts = [f"Report {number}."]
        while sum(map(len, parts)) < CHARACTERS - 100:
            # A number of its own, so that no two sentences are the same and embedded once.
            place = sum(map(len, made)) + sum(map(len, parts))
            parts.append(f"{rng.choice(sentences)[:-1]} ({place}).")
        made.append(" ".join(parts))
    return made


def stock_store(folder: Path):
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    from index.embed import packaged_minilm

    embeddings = HuggingFaceEmbeddings(model_name=str(packaged_minilm()))
    embeddings.embed_query("warm")
    return Chroma(collection_name="stock", embedding_function=embeddings, persist_directory=str(folder))


def indexing(folder: Path, rounds: int) -> dict[str, float]:
    """Models loaded on both sides; each round writes a collection of its own."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    from index import Article, Index, chunk, make_embedder, sync
    from index.store import VectorStore

    passages = texts()
    (folder / "in").mkdir()
    for number, text in enumerate(passages):
        (folder / "in" / f"{number:03}.txt").write_text(text, encoding="utf-8")
    embedder = make_embedder()
    embedder.load()
    times: dict[str, list[float]] = {"stock": [], "whole": [], "alone": []}
    for turn in range(rounds):
        store = stock_store(folder / f"stock-{turn}")
        started = time.perf_counter()
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        store.add_documents(splitter.create_documents(passages))
        times["stock"].append(time.perf_counter() - started)

        index = Index.open(folder / f"ours-{turn}", embedder)
        started = time.perf_counter()
        sync(index, [folder / "in"])
        times["whole"].append(time.perf_counter() - started)

        vectors = VectorStore(folder / f"alone-{turn}", {})
        started = time.perf_counter()
        cut = [p for n, text in enumerate(passages) for p in chunk(Article(str(n), "", text), str(n))]
        vectors.add([p.id for p in cut], embedder.embed_documents([p.text for p in cut]))
        times["alone"].append(time.perf_counter() - started)
    stock = statistics.median(times["stock"])
    return {
        "index_ratio": statistics.median(times["whole"]) / stock,
        "passages_ratio": statistics.median(times["alone"]) / stock,
        "stock_index_s": stock,
    }


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of a process.

    A small process starts it, since the peak counts what the starting process held.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", TIMED, *command], cwd=folder, capture_output=True, text=True, check=True
    )
    seconds, kilobytes, code = done.stdout.split()
    if code != "0":
        raise SystemExit(f"failed: {' '.join(command)}")
    return float(seconds), float(kilobytes) / 1024


def cold(folder: Path, rounds: int) -> dict[str, float]:
    """From starting a process to its end, index present, file cache warm."""
    ours = [sys.executable, "-m", "chatbot", "ask", "What is the Quad?", "--index", str(folder / "ours-0")]
    stock = [sys.executable, "-c", STOCK, str(folder / "stock-0")]
    measured(ours, folder)
    measured(stock, folder)
    pairs = [(measured(ours, folder), measured(stock, folder)) for _ in range(rounds)]
    seconds = [statistics.median(pair[side][0] for pair in pairs) for side in (0, 1)]
    return {
        "cold_ratio": seconds[0] / seconds[1],
        "cold_s": seconds[0],
        "stock_cold_s": seconds[1],
        "cold_mb": max(pair[0][1] for pair in pairs),
        "stock_mb": max(pair[1][1] for pair in pairs),
    }


class Serving:
    """`ask-article serve` in a process of its own, ready."""

    def __init__(self, folder: Path, index: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index), "--port", str(port)]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)

    def __enter__(self):
        import httpx

        client = httpx.Client(base_url=self.url, timeout=60)
        for _ in range(600):
            try:
                if client.get("/readyz").status_code == 200:
                    return client
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise SystemExit("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def warm(folder: Path) -> dict[str, float]:
    """The whole answer over HTTP against the stock retriever in its own process."""
    retriever = stock_store(folder / "stock-0").as_retriever(search_kwargs={"k": 4})
    ours, stock = [], []
    with Serving(folder, folder / "ours-0") as client:
        # The plainest client there is, so that the server is measured and not the client.
        plain = http.client.HTTPConnection("127.0.0.1", client.base_url.port)
        for turn in range(60):
            question = f"{QUESTIONS[turn % len(QUESTIONS)]} {turn}"
            started = time.perf_counter()
            plain.request("POST", "/api/ask", body=json.dumps({"question": question}))
            assert json.loads(plain.getresponse().read())["question"] == question
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            retriever.invoke(question)
            stock.append(time.perf_counter() - started)
    first, second = statistics.median(ours[10:]), statistics.median(stock[10:])
    return {"warm_ratio": first / second, "warm_ms": first * 1000, "stock_warm_ms": second * 1000}


def memory(folder: Path) -> dict[str, float]:
    """Resident memory of a server with the seed, after it has shown its page and answered."""
    import psutil

    from chatbot import Chatbot

    Chatbot.open([SEED], folder / "seed").close()
    serving = Serving(folder, folder / "seed")
    with serving as client:
        client.get("/chat/")
        for question in QUESTIONS:
            client.post("/api/ask", json={"question": question}).raise_for_status()
        return {"serve_mb": psutil.Process(serving.process.pid).memory_info().rss / 1e6}


if __name__ == "__main__":
    main()
