"""Lexical evidence: BM25 over passages (bm25s), and overlap of a question with a sentence."""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer
from numpy.typing import NDArray

_TOKEN = re.compile(r"[^\W_]+(?:['’](?=[^\W_])[^\W_]+)*")
# A stemmer keeps state while it works, so each thread has its own.
_LOCAL = threading.local()

STOPWORDS = frozenset(
    """
    a about an and any are as at be been being but by can could did do does for from get give had
    has have he her hers him his how i if in into is it its just many may me might much must my of
    on or our please shall she should so some such tell than that the their them then there these
    they this those to us was we were what when where which who whom whose why will with would you
    your
    """.split()  # noqa: SIM905 - 130 strings in quotes are harder to read
)
"""Words that carry a question's form and not its subject."""


def tokens(text: str) -> list[str]:
    """Lower-cased, stemmed words without stop words, in order; a possessive 's is dropped."""
    words = (match[0].casefold().replace("’", "'") for match in _TOKEN.finditer(text))
    kept = [word.removesuffix("'s") for word in words if word not in STOPWORDS]
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("english")
    return list(_LOCAL.stemmer.stemWords(kept))


@lru_cache(maxsize=20_000)
def token_set(text: str) -> frozenset[str]:
    """The distinct tokens of a sentence."""
    return frozenset(tokens(text))


@lru_cache(maxsize=20_000)
def pairs(text: str) -> frozenset[tuple[str, str]]:
    """The neighbouring tokens of a text, stop words left out."""
    words = tokens(text)
    return frozenset(itertools.pairwise(words))


def overlap(weights: dict[str, float], text: str) -> float:
    """The share of a question's tokens, by rarity, that a text holds (0 to 1)."""
    held = token_set(text)
    return sum(share for token, share in weights.items() if token in held)


class Lexicon:
    """BM25 (Lucene's variant, k1 1.5, b 0.75) over a list of passages, with their rarities."""

    def __init__(self, bm25: Any, frequencies: Counter[str], count: int) -> None:
        self._bm25 = bm25
        self._frequencies = frequencies
        self.count = count

    @classmethod
    def build(cls, texts: Sequence[str]) -> Lexicon:
        """Index the texts; a score's place is its text's."""
        import bm25s

        documents = [tokens(text) for text in texts]
        frequencies = Counter(token for document in documents for token in set(document))
        bm25 = None
        if frequencies:
            bm25 = bm25s.BM25(k1=1.5, b=0.75)
            bm25.index(documents, show_progress=False)
        return cls(bm25, frequencies, len(documents))

    def scores(self, text: str) -> NDArray[np.float32]:
        """BM25 of each passage (count,), 0 where no word is shared."""
        known = [token for token in tokens(text) if token in self._frequencies]
        if not known or self._bm25 is None:
            return np.zeros(self.count, dtype=np.float32)
        return np.asarray(self._bm25.get_scores(known), dtype=np.float32)

    def rarity(self, token: str) -> float:
        """Inverse document frequency, as BM25 counts it; highest for a word nobody uses."""
        having = self._frequencies.get(token, 0)
        return math.log(1 + (self.count - having + 0.5) / (having + 0.5))

    def knows(self, token: str) -> bool:
        """Whether any passage holds the token."""
        return token in self._frequencies

    def weights(self, question: str) -> dict[str, float]:
        """A question's tokens and the share that each has in it, by rarity; they sum to 1."""
        rarities = {token: self.rarity(token) for token in token_set(question)}
        total = sum(rarities.values())
        return {token: rarity / total for token, rarity in rarities.items()} if total else {}

    def save(self, folder: Path) -> None:
        """Write the index to a folder, for a process that shall not build it again."""
        import json

        folder.mkdir(parents=True, exist_ok=True)
        if self._bm25 is not None:
            self._bm25.save(folder, show_progress=False)
        (folder / "frequencies.json").write_text(
            json.dumps({"count": self.count, "frequencies": self._frequencies}), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """Read what `save` wrote; OSError or ValueError where that is not there or damaged."""
        import json

        import bm25s

        data = json.loads((folder / "frequencies.json").read_text(encoding="utf-8"))
        bm25 = bm25s.BM25.load(folder, mmap=True) if data["frequencies"] else None
        return cls(bm25, Counter(data["frequencies"]), data["count"])
