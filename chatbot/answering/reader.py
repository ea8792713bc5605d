"""The reader: question and passage read together, for the exact words and for whether they answer.

A small network that `chatbot.reader` trains, run as int8 ONNX. Without its file everything works
as before.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import Hit, Phrase
from index.embed import encodable
from index.minilm import tokenizer

MODEL = Path(__file__).parent / "models" / "reader-int8.onnx"
SHA256 = "b0f3f1522f9c3b89bcb75525232c962bc49323fcb408e84e0614e9d67ec3be74"
LONGEST_PHRASE = 30
"""In tokens."""
LONGEST_QUESTION, LONGEST_PASSAGE = 96, 400
"""In tokens; together they fit the network's 512 places. A passage of the index has about 220."""
KEPT_TEXTS = 4096
KEPT_READINGS = 2048
"""Of some 5 KB each: what is asked of an article is asked again, a suggested question above all."""
THREADS = 4
"""At most so many read one pair."""
RANKED = 0.1
"""What the probability that a passage answers adds to its score; see `tests/benchmarks`."""
SURE = 2.5
"""A passage whose logit is so high surely answers, and no other is read after it."""
BEHIND = 0.025
"""A passage so far behind the first in search's score is not read."""
FAR = 0.27
"""Where no sentence's cosine is so high, the question is about something else: the first passage
is read, and no other. Four in five off-topic questions end there, and 0.2% of those answered."""

log = logging.getLogger("ask_article")
Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as the network reads them.

    `ids` and `segments` (n,); the passage's tokens begin at `first` and stand in its characters at
    `offsets` (m, 2).
    """

    ids: Places
    segments: Places
    first: int
    offsets: Places


class Pairs:
    """Makes pairs of texts; what it made of each text is kept, as both come again."""

    def __init__(self) -> None:
        self._question = lru_cache(KEPT_TEXTS)(_Encoder(LONGEST_QUESTION))
        self._passage = lru_cache(KEPT_TEXTS)(_Encoder(LONGEST_PASSAGE))

    def of(self, question: str, passage: str) -> Pair:
        """A question and a passage, each cut where it is too long."""
        asked, _ = self._question(question)
        told, offsets = self._passage(passage)
        # Marks frame each text; the passage's first is the question's last.
        ids = np.concatenate([asked, told[1:]])
        segments = np.zeros_like(ids)
        segments[len(asked) :] = 1
        return Pair(ids, segments, len(asked), offsets)


class _Encoder:
    def __init__(self, most: int) -> None:
        self._tokenizer = tokenizer(most)

    def __call__(self, text: str) -> tuple[Places, Places]:
        encoded = self._tokenizer.encode(encodable(text))
        offsets = np.array(encoded.offsets[1:-1], dtype=np.int64).reshape(-1, 2)
        return np.array(encoded.ids, dtype=np.int64), offsets


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
        options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
        # A thread that spins takes the place of one that works, here and on a busy machine; and no
        # two pairs are as long as each other, so that plans of memory are made in vain.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _reading(self) -> Callable[[str, str], Reading]:
        pairs = Pairs()
        return lru_cache(KEPT_READINGS)(
            lambda question, passage: self._read(pairs.of(question, passage))
        )

    def read_hits(self, question: str, hits: Sequence[Hit], alone: bool = True) -> list[Hit]:
        """Hits, the best of search's first → with what the reader makes of them, the best first.

        Of a question that does not stand `alone` it misses what was said before, and their order
        is search's. It reads one after another, as long as the next can still win.
        """
        ranked = RANKED if alone else 0.0
        far = max((each.dense for hit in hits for each in hit.sentences), default=0.0) < FAR
        found: list[Hit] = []
        for hit in hits:
            if found and (far or hit.score < hits[0].score - BEHIND or sure(found[-1])):
                break
            found.append(_with(hit, self.read(question, hit.passage.text), ranked))
        return sorted([*found, *hits[len(found) :]], key=lambda hit: -hit.score)

    def read(self, question: str, passage: str) -> Reading:
        """What is made of a question and a passage.

        Each pair runs alone, as its quantisation depends on what it is run with.
        """
        return self._reading(question, passage)

    def _read(self, pair: Pair) -> Reading:
        spans, answers = self._run(pair.ids[None], pair.segments[None])
        # The first token stands for "nowhere"; the last only marks the end.
        logits = spans[0, pair.first : -1] - spans[0, 0]
        return Reading(float(answers[0]), logits[:, 0], logits[:, 1], pair.offsets)

    def _run(self, ids: Places, segments: Places) -> Any:
        return self._session.run(None, {"ids": ids, "segments": segments})


def sure(hit: Hit) -> bool:
    """Whether a passage surely answers."""
    return hit.answers is not None and hit.answers >= SURE


def _with(hit: Hit, reading: Reading, ranked: float) -> Hit:
    """A hit with its reading, and ranked by it, too."""
    begin = hit.passage.start
    sentences = []
    for each in hit.sentences:
        found = reading.phrase(each.sentence.start - begin, each.sentence.end - begin)
        if found:
            found = replace(found, start=found.start + begin, end=found.end + begin)
        sentences.append(replace(each, phrase=found))
    score = hit.score + ranked / (1.0 + math.exp(-reading.answers))
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
