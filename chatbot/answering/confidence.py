"""One calibrated probability that the article answers a question.

A logistic model over what search and words show. Its weights are fitted by
`python -m chatbot.answering.fit` and kept in `confidence.json` beside this file, with the name of
the embedder whose cosines they were fitted on.
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

from chatbot.answering.kinds import asked_kind, holds
from index import Hit
from index.lexical import STOPWORDS, Lexicon, overlap, token_set, tokens

WEIGHTS = Path(__file__).with_name("confidence.json")

FEATURES = (
    "sentence_cosine",
    "passage_cosine",
    "sentence_overlap",
    "passage_overlap",
    "unknown_share",
    "unknown_names",
    "missing_names",
    "missing_kind",
    "margin",
)
"""What the model sees, in the order of its weights."""

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
        """Features (len(FEATURES),) → the probability that the article answers."""
        parts = zip(features, self.means, self.scales, self.weights, strict=True)
        total = self.bias + sum((x - mean) / scale * w for x, mean, scale, w in parts)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


@cache
def fitted(path: Path = WEIGHTS) -> Confidence:
    """The model that the project ships."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if tuple(data["features"]) != FEATURES:
        raise ValueError(f"{path.name} was fitted on other features; run chatbot.answering.fit")
    means, scales, weights = (tuple(data[name]) for name in ("means", "scales", "weights"))
    return Confidence(means, scales, weights, data["bias"], data["threshold"])


def features(question: str, hits: Sequence[Hit], lexicon: Lexicon) -> list[float]:
    """What speaks for and against an answer in these hits, in the order of FEATURES."""
    best = max(hits, key=lambda hit: max(each.dense for each in hit.sentences))
    sentence = max((each for hit in hits for each in hit.sentences), key=lambda each: each.dense)
    names = _names(question)
    unknown = frozenset(name for name in names if not lexicon.knows(name))
    near = token_set(best.passage.text)
    weights = lexicon.weights(question)
    second = sorted((hit.score for hit in hits), reverse=True)[1:2] or [0.0]
    return [
        sentence.dense,
        max(hit.dense for hit in hits),
        max(each.lexical for hit in hits for each in hit.sentences),
        max(overlap(weights, hit.passage.text) for hit in hits[:5]),
        sum(share for token, share in weights.items() if not lexicon.knows(token)),
        float(min(len(unknown), 2)),
        float(min(len(names - near), 2)),
        _missing_kind(question, hits),
        hits[0].score - second[0],
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


def _missing_kind(question: str, hits: Sequence[Hit]) -> float:
    """1 where the question asks for a kind of thing that the best sentences do not hold."""
    kind = asked_kind(question)
    if kind is None:
        return 0.0
    sentences = (each for hit in hits for each in hit.sentences)
    best = sorted(sentences, key=lambda each: -(each.dense + each.lexical))[:2]
    return 0.0 if any(holds(kind, each.sentence.text, question) for each in best) else 1.0
