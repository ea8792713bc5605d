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
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.naming import as_named, introduced
from index import Hit, Phrase
from index.embed import encodable
from index.minilm import tokenizer

MODEL = Path(__file__).parent / "models" / "reader-int8.onnx"
SHA256 = "d22e6139eb0108b782be538fab5c9c9f5b566bd3766bf8da13d0a26217106e1d"
LONGEST_PHRASE = 30
"""In tokens."""
LONGEST_QUESTION, LONGEST_PASSAGE = 96, 400
"""In tokens; together they fit the network's 512 places. A passage of the index has about 220."""
LONGEST_CHARS = 300
"""Of two questions together; a token of English has four characters or so, and seldom three."""
KEPT_TEXTS = 4096
KEPT_READINGS = 2048
"""Of some 5 KB each: what is asked of an article is asked again, a suggested question above all."""
RANKED = 0.07
"""What the probability that a passage answers adds to its score; see `tests/benchmarks`. From 0.05
to 0.15 one set's gain is another's loss."""
SURE = 1.5
"""A passage whose logit is so high surely answers: no other is read after it, and its own phrase is
shown, not that of a closer look (XQuAD, exact match: 0.577 with 2.5, 0.587 with this). Of 500
questions among 10,000 passages 0.46 need more than two (with 2.5 0.52), and two fewer of 350
answerable ones begin with the right sentence."""
BEHIND = (0.03, 0.03, 0.01)
"""A second, third or fourth passage so far behind the first in search's score is not read. With
0.03 for a fourth, too, 500 questions among 10,000 passages take one reading in eight more, and the
right one of 251 wins no more often; with 0.02 for a third, XQuAD loses two answers of 612."""
FAR = 0.27
"""Where no sentence's cosine is so high, the question is about something else: the first passage
is read, and no other. Four in five off-topic questions end there, and 0.2% of those answered."""

log = logging.getLogger("ask_article")
Floats = NDArray[np.float32]
Places = NDArray[np.int64]
T = TypeVar("T")


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
        # Two threads for one pair wait for each other at every step, which a busy machine makes
        # long: pairs run beside each other. No two are as long, so that plans of memory are vain.
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _reading(self) -> Callable[[str, str], Reading]:
        pairs = Pairs()
        return lru_cache(KEPT_READINGS)(
            lambda question, passage: self._read(pairs.of(question, passage))
        )

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="read")

    def read_hits(self, question: str, hits: Sequence[Hit], alone: bool = True) -> list[Hit]:
        """Hits, the best of search's first → with what the reader makes of them, the best first.

        Of a question that does not stand `alone` it misses what was answered before, and their
        order is search's. It reads one after another, as long as the next can still win: two at
        once on two cores take 1.3 times as long each, and the second is mostly needless.
        """
        ranked = RANKED if alone else 0.0
        names = introduced(question, [hit.passage.text for hit in hits])
        far = max((each.dense for hit in hits for each in hit.sentences), default=0.0) < FAR
        near = hits[:1] if far else _near(hits)
        found: list[Hit] = []
        for hit in near:
            (reading,) = self.read(question, [hit.passage.text], names)
            found.append(_with(hit, reading, ranked))
            if sure(found[-1]):
                break
        return sorted([*found, *hits[len(found) :]], key=lambda hit: -hit.score)

    def read(
        self, question: str, passages: Sequence[str], names: Sequence[str] = ()
    ) -> list[Reading]:
        """A question and passages → what was made of each.

        A passage may shorten the `names` in the question (`naming`). Each pair runs alone, as its
        quantisation depends on what it is run with.
        """
        asked = [as_named(question, passage, names) for passage in passages]
        run = self._threads.map if len(passages) > 1 else map
        return list(run(self._reading, asked, passages))

    def beside(self, work: Callable[[], T]) -> Future[T]:
        """Have other work done while it reads."""
        return self._threads.submit(work)

    def _read(self, pair: Pair) -> Reading:
        spans, answers = self._run(pair.ids[None], pair.segments[None])
        # The first token stands for "nowhere"; the last only marks the end.
        logits = spans[0, pair.first : -1] - spans[0, 0]
        return Reading(float(answers[0]), logits[:, 0], logits[:, 1], pair.offsets)

    def _run(self, ids: Places, segments: Places) -> Any:
        return self._session.run(None, {"ids": ids, "segments": segments})


def after(before: str, question: str) -> str:
    """A question as it is read: after the one before it, if there is one.

    Of a long one before it the end is read, lest the question itself be cut off.
    """
    room = LONGEST_CHARS - len(question)
    if len(before) > room:
        before = before[-room:].partition(" ")[2] if room > 0 else ""
    return f"{before} {question}" if before else question


def _near(hits: Sequence[Hit]) -> list[Hit]:
    """The first of search's hits, and those after it that can still win."""
    others = zip(hits[1:], BEHIND, strict=False)
    near = takewhile(lambda other: hits[0].score - other[0].score <= other[1], others)
    return [*hits[:1], *(hit for hit, _ in near)]


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
