"""The reader: question and passage read together, for the exact words and for whether they answer.

A small network (`chatbot.reader` trains it) goes on from the embedder's states half way up, which
are at hand for every passage that search compared token by token. So reading four passages costs
four runs of three layers. Without its file, or with another embedder, everything works as before.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import Hit, Phrase, Retriever
from index.embed import TokenVectors

MODEL = Path(__file__).parent / "models" / "reader-int8.onnx"
SHA256 = "36cb1a5c5c0ee2f9a11f8f12ce34e3f7344c7111edf4f5297515673f3cbef6fd"
LONGEST_PHRASE = 30
"""In tokens."""
RANKED = 0.1
"""What the probability that a passage answers adds to its score; see `tests/benchmarks`."""

log = logging.getLogger("ask_article")
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader made of a passage.

    `answers` is the logit that the passage answers; `begins` and `ends` (n,) the logits that an
    answer begins and ends at a token, against "nowhere"; `offsets` (n, 2) the tokens' places.
    """

    answers: float
    begins: Floats
    ends: Floats
    offsets: NDArray[np.int64]

    def phrase(self, start: int, end: int) -> Phrase | None:
        """The likeliest answer between two places of the passage; None where no token stands.

        Its score is the log-odds against "nowhere in this passage".
        """
        first = int(np.searchsorted(self.offsets[:, 0], start))
        last = int(np.searchsorted(self.offsets[:, 1], end, side="right"))
        if last <= first:
            return None
        begins, ends = self.begins[first:last], self.ends[first:last]
        size = last - first
        # An answer ends where it begins or after, and not too far.
        table = np.triu(begins[:, None] + ends[None, :]) + _band(size)
        row, column = divmod(int(table.argmax()), size)
        return Phrase(
            int(self.offsets[first + row, 0]),
            int(self.offsets[first + column, 1]),
            float(table[row, column]),
        )


class Reader:
    """Reads questions and passages; safe to share between threads."""

    def __init__(self, model: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="read")

    def read_hits(self, question: str, hits: Sequence[Hit], retriever: Retriever) -> list[Hit]:
        """Hits with what the reader makes of them, the best first; as they are if it cannot."""
        tokens = retriever.tokens(question, [hit.passage for hit in hits]) if hits else None
        if tokens is None or any(each.lower is None for each in (tokens[0], *tokens[1])):
            return list(hits)
        readings = self.read(*tokens)
        found = [_with(hit, reading) for hit, reading in zip(hits, readings, strict=True)]
        return sorted(found, key=lambda hit: -hit.score)

    def read(self, question: TokenVectors, passages: Sequence[TokenVectors]) -> list[Reading]:
        """A question and passages → what was made of each.

        All must have their lower states. Each pair runs alone, as its quantisation depends on
        what it is run with.
        """
        run = self._threads.map if len(passages) > 1 else map
        return list(run(lambda passage: self._read(question, passage), passages))

    def _read(self, question: TokenVectors, passage: TokenVectors) -> Reading:
        assert question.lower is not None
        assert passage.lower is not None
        asked = len(question.lower)
        states = np.concatenate([question.lower, passage.lower], dtype=np.float32)
        segments = np.zeros((1, len(states)), np.int64)
        segments[0, asked:] = 1
        spans, answers = self._run(states[None], segments)
        # The first token stands for "nowhere"; the passage's own are framed by two marks.
        logits = spans[0, asked + 1 : -1] - spans[0, 0]
        return Reading(float(answers[0]), logits[:, 0], logits[:, 1], passage.offsets)

    def _run(self, states: Floats, segments: NDArray[np.int64]) -> Any:
        return self._session.run(None, {"states": states, "segments": segments})


def _with(hit: Hit, reading: Reading) -> Hit:
    """A hit with its reading, and ranked by it, too."""
    begin = hit.passage.start
    sentences = []
    for each in hit.sentences:
        found = reading.phrase(each.sentence.start - begin, each.sentence.end - begin)
        if found:
            found = replace(found, start=found.start + begin, end=found.end + begin)
        sentences.append(replace(each, phrase=found))
    score = hit.score + RANKED / (1.0 + math.exp(-reading.answers))
    return replace(hit, score=score, answers=reading.answers, sentences=tuple(sentences))


@cache
def load(path: Path = MODEL) -> Reader | None:
    """The reader that ships; None, and a warning, where its file is missing or damaged."""
    try:
        model = path.read_bytes()
    except OSError:
        log.warning("the reader %s is missing: answering without it", path.name)
        return None
    if path == MODEL and hashlib.sha256(model).hexdigest() != SHA256:
        log.warning("the reader %s is damaged: answering without it", path.name)
        return None
    return Reader(model)


@lru_cache(64)
def _band(size: int) -> Floats:
    """(size, size), 0 where a phrase may go from row to column and far below elsewhere."""
    rows, columns = np.indices((size, size))
    allowed = (columns >= rows) & (columns - rows < LONGEST_PHRASE)
    found: Floats = np.where(allowed, 0.0, -1e9).astype(np.float32)
    return found
