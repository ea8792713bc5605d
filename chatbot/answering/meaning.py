"""Whether a claim means what its sentences say: vectors and words, weighed by boosted trees.

`chatbot.answering.fit_check` fits them and writes `check.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.boosted import Boosted
from chatbot.answering.facts import Word
from chatbot.answering.sources import SourceSentence, around, carrying, holds, refers, share_held
from index.embed import TokenVectors, unit

WEIGHTS = Path(__file__).with_name("check.json")
FEATURES = ("cosine", "coverage", "words", "late", "least", "unheld", "worst", "in_order")


def features(
    words: Sequence[Word],
    vectors: TokenVectors | None,
    window: Sequence[SourceSentence],
    cited: Sequence[Sequence[SourceSentence]],
) -> list[float]:
    """What speaks for a claim, in the order of FEATURES; NaN where it is not known."""
    keys = frozenset(key for each in window for key in each.keys)
    if refers(window):
        # A name that a pronoun stands for is said by the pronoun.
        meant = around(window, cited)
        names = {word.key for word in words if word.kind in ("name", "initial")} & meant - keys
        words = [word for word in words if word.key not in names]
    plain = [word for word in words if word.kind in ("word", "initial")]
    unheld = [word for word in plain if not holds(keys, word.key)]
    late, least = _late(words, vectors, window)
    _, worst = _late(unheld, vectors, window) if unheld else (0.0, 1.0)
    ours = [word.key for word in words if word.kind != "form"]
    theirs = [word.key for each in window for word in each.words if word.kind != "form"]
    match = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    return [
        cosine(vectors, window),
        share_held(carrying(words), keys),
        share_held(carrying(plain), keys),
        late,
        least,
        math.log1p(len(unheld)),
        worst,
        match.size / max(1, len(ours)),
    ]


def cosine(vectors: TokenVectors | None, window: Sequence[SourceSentence]) -> float:
    """The claim's mean vector against that of the sentences; 0 where either has none."""
    if vectors is None or not len(vectors.vectors):
        return 0.0
    theirs = np.concatenate([each.vectors for each in window])
    if not len(theirs):
        return 0.0
    pair = unit(np.stack([vectors.vectors.mean(axis=0), theirs.mean(axis=0)]))
    return float(pair[0] @ pair[1])


def _late(
    words: Sequence[Word], vectors: TokenVectors | None, window: Sequence[SourceSentence]
) -> tuple[float, float]:
    """The claim's tokens against their nearest: on average, and the worst of its content."""
    theirs = np.concatenate([each.vectors for each in window])
    if vectors is None or not len(theirs) or not len(vectors.vectors):
        return math.nan, math.nan
    nearest: NDArray[np.float32] = (vectors.vectors @ theirs.T).max(axis=1)
    starts = {word.start for word in words if word.kind != "form"}
    content = [n for n, offset in enumerate(vectors.offsets[:, 0]) if int(offset) in starts]
    return float(nearest.mean()), float(nearest[content].min() if content else nearest.min())


ANYTHING = Boosted((0.0,) * len(FEATURES), 0.0, (), 0.0)
"""A model that lets every meaning pass, so that the rules alone decide."""


@cache
def model(path: Path = WEIGHTS) -> Boosted:
    """The model that the project ships: whether what a claim cites means the same."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if tuple(data["features"]) != FEATURES:
        raise ValueError(f"{path.name} was fitted on other features; run fit_check anew")
    return Boosted.of(data)
