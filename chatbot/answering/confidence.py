"""One calibrated probability that the article answers a question.

A logistic model over what search, words and the reader show. Its weights are fitted by
`python -m chatbot.answering.fit` and kept in `confidence.json` and `confidence-reader.json` beside
this file, with the name of the embedder whose cosines they were fitted on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chatbot.answering.extract import Scored
from chatbot.answering.kinds import asked_kind, holds
from index import Hit
from index.lexical import STOPWORDS, Lexicon, overlap, token_set, tokens
from index.ranking import READ

WEIGHTS = Path(__file__).with_name("confidence.json")
READ_WEIGHTS = Path(__file__).with_name("confidence-reader.json")
"""With the reader's features, and without."""

FEATURES = (
    "sentence_cosine",
    "passage_cosine",
    "sentence_overlap",
    "passage_overlap",
    "before",
    "pairs",
    "late",
    "least",
    "passage_late",
    "asking",
    "unknown_names",
    "missing_names",
    "far_names",
    "missing_kind",
    "missing_measure",
    "kind_elsewhere",
    "missing_speaker",
    "missing_future",
    "ambiguity",
    "phrase",
    "phrase_anywhere",
    "answers",
    "answers_anywhere",
    "look",
    "look_phrase",
    "about_else",
    "other_words",
)
"""What the model sees, in the order of its weights; the last are for the reader's model alone."""
READER_FEATURES = 8
ABOUT = 0.35
"""A question whose nearest sentence has a lower cosine is likely about something else."""
HELD, NEAR = 0.4, 0.3
"""One whose words the passages hold to a lower share, though a sentence is nearer than that, puts
the thing in other words. Those that only look answerable mostly repeat the article's."""

MEASURES = ("money", "age", "duration", "share", "amount")
"""The kinds whose absence is told surely."""
_FUTURE = re.compile(
    r"\b(?:will|won't|shall|going to|future|next|upcoming|coming|plans?|planning|expect\w*|"
    r"predict\w*|forecast\w*|likely)\b",
    re.IGNORECASE,
)
_ASKS_FUTURE = re.compile(r"\b(?:will|won't|shall|going to|in (?:the )?future|by 20\d\d)\b", re.I)
_NAME = re.compile(r"(?<![.!?…\"“‘]\s)(?<!^)\b[A-Z][\w’'-]*\w")
_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Confidence:
    """A fitted model: `probability(features)` and the probability from which to answer."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probability(self, features: Sequence[float]) -> float:
        """Features (len(FEATURES),) → the probability that the article answers.

        A model without the reader's features sees the others only. NaN stands for what is not
        known, and speaks neither for nor against.
        """
        parts = zip(features, self.means, self.scales, self.weights, strict=False)
        known = (part for part in parts if not math.isnan(part[0]))
        total = self.bias + sum((x - mean) / scale * w for x, mean, scale, w in known)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


@cache
def fitted(path: Path = WEIGHTS) -> Confidence:
    """The model that the project ships."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    count = len(FEATURES) - (0 if path == READ_WEIGHTS else READER_FEATURES)
    if tuple(data["features"]) != FEATURES[:count]:
        raise ValueError(f"{path.name} was fitted on other features; run chatbot.answering.fit")
    means, scales, weights = (tuple(data[name]) for name in ("means", "scales", "weights"))
    return Confidence(means, scales, weights, data["bias"], data["threshold"])


def features(
    question: str, hits: Sequence[Hit], scored: Sequence[Scored], lexicon: Lexicon
) -> list[float]:
    """What speaks for and against an answer in these hits, in the order of FEATURES.

    `scored` are the sentences of the hits, best first.
    """
    hit, best, _ = scored[0]
    sentences = [each for _, each, _ in scored]
    names = _names(question)
    unknown = frozenset(name for name in names if not lexicon.knows(name))
    weights = lexicon.weights(question)
    kind = asked_kind(question)
    helds = [kind is None or holds(kind, each.sentence.text, question) for each in sentences[:2]]
    held = any(helds)
    text = " ".join(each.sentence.text for each in sentences[:2])
    asks_future = bool(_ASKS_FUTURE.search(question))
    scores = [score for *_, score in scored]
    # An embedder that keeps its tokens leaves these unknown, which is not the same as 0.
    read = best.late != 0
    # How near all tokens are on average is for where no reader has read: beside one it adds nothing
    # but trust in questions about something else.
    compared = all(each.late for each in hits)
    nearest = max(each.dense for each in sentences)
    held_words = max(overlap(weights, each.passage.searched) for each in hits[:READ])
    return [
        nearest,
        max(each.dense for each in hits),
        best.lexical,
        held_words,
        best.before,
        best.pairs,
        best.late if compared else math.nan,
        best.least if read else math.nan,
        max(each.late for each in hits) if compared else math.nan,
        best.asking if read else math.nan,
        float(min(len(unknown), 2)),
        float(min(len(names - token_set(hit.passage.searched)), 2)),
        float(min(len(names - token_set(best.sentence.text)), 2)),
        float(not held and kind in ("name", "time", "reason")),
        float(not held and kind in MEASURES),
        float(held and not helds[0]),
        float(not held and kind == "quotation"),
        float(asks_future and not _FUTURE.search(text)),
        math.log(sum(math.exp(max(score - scores[0], -20.0)) for score in scores)),
        best.phrase.score if best.phrase else math.nan,
        max((each.phrase.score for each in sentences if each.phrase), default=math.nan),
        math.nan if hit.answers is None else hit.answers,
        max((each.answers for each in hits if each.answers is not None), default=math.nan),
        best.look.answers if best.look else math.nan,
        best.look.phrase.score if best.look and best.look.phrase else math.nan,
        max(0.0, ABOUT - nearest),
        max(0.0, HELD - held_words) * max(0.0, nearest - NEAR),
    ]


def _names(question: str) -> frozenset[str]:
    """Stems of the names and numbers that a question speaks of."""
    found = [match[0] for match in _NAME.finditer(question)]
    # The first word is capital anyway; it is a name where it is no question word.
    first = question.split(maxsplit=1)[0] if question else ""
    if first[:1].isupper() and first.casefold().strip("'’s") not in STOPWORDS:
        found.append(first)
    found += _NUMBER.findall(question)
    return frozenset(token for name in found for token in tokens(name))
