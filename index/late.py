"""Late interaction: a question and a passage compared token by token.

Each token of the question finds its nearest among a sentence's, in the vectors that the embedder
gives tokens in their context (MaxSim, Khattab and Zaharia 2020, here without training). Function
words count as well: in context "who" is near to names and "when" to dates.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.embed import Embedder, TokenVectors, Vectors
from index.lexical import STOPWORDS
from index.records import Hit, Passage, Query

QUESTION_WORDS = frozenset(
    "who whom whose where when why how what which many much long old far often".split()  # noqa: SIM905
)
AHEAD = 8
KEPT = 384
"""So many passages' tokens are kept, in both layers some 80 MB at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's tokens (n, dimension), its share in the mix, and which of them are what."""

    weight: float
    vectors: Vectors
    content: NDArray[np.bool_]
    asking: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens of a sentence show: see SentenceEvidence."""

    late: float
    least: float
    asking: float


class LateReader:
    """Compares questions with passages; safe to share between threads."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._kept: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, queries: Sequence[Query], hits: Sequence[Hit]) -> list[Hit]:
        """The hits with `late` and `least`, unchanged where the embedder keeps its tokens."""
        asked = self._asked(queries)
        tokens = self.tokens([hit.passage for hit in hits]) if asked else None
        if tokens is None:
            return list(hits)
        return [_read(hit, each, asked) for hit, each in zip(hits, tokens, strict=True)]

    def compare(self, queries: Sequence[Query], text: str, start: int) -> Tokens | None:
        """What a text shows from `start` on, in its context.

        None where nothing stands there, or the embedder keeps its tokens.
        """
        asked = self._asked(queries)
        made = self.embedder.embed_tokens([text]) if asked else None
        if not made:
            return None
        vectors = made[0].vectors[made[0].offsets[:, 0] >= start]
        if not len(vectors):
            return None
        nearest = [(vectors @ each.vectors.T).max(axis=0, keepdims=True) for each in asked]
        ((late, least, asking),) = _figures(nearest, asked)
        return Tokens(float(late), float(least), float(asking))

    def read_ahead(self, passages: Sequence[Passage]) -> None:
        """Read passages before they are asked for, as many as are kept."""
        for start in range(0, min(len(passages), KEPT), AHEAD):
            if self.tokens(passages[start : min(start + AHEAD, KEPT)]) is None:
                return

    def _asked(self, queries: Sequence[Query]) -> list[Asked]:
        found = [self.embedder.embed_query_tokens(query.text) for query in queries]
        total = sum(query.weight for query in queries)
        asked = []
        for query, each in zip(queries, found, strict=True):
            if each is None:
                return []
            words = [query.text[start:end].casefold() for start, end in each.offsets]
            content = np.array([w[:1].isalnum() and w not in STOPWORDS for w in words], bool)
            asking = np.array([word in QUESTION_WORDS for word in words], bool)
            if len(each.vectors):
                asked.append(Asked(query.weight / total, each.vectors, content, asking))
        return asked

    def tokens(self, passages: Sequence[Passage]) -> list[TokenVectors] | None:
        """The passages' tokens, kept or made; None where the embedder keeps them."""
        found: dict[str, TokenVectors] = {}
        with self._lock:
            for passage in passages:
                if passage.text in self._kept:
                    self._kept.move_to_end(passage.text)
                    found[passage.text] = self._kept[passage.text]
        missing = list({p.text: None for p in passages if p.text not in found})
        if missing:
            made = self.embedder.embed_tokens(missing)
            if made is None:
                return None
            # Half the bits are enough here, and twice as many passages can be kept.
            halved = [each.halved() for each in made]
            found.update(zip(missing, halved, strict=True))
            with self._lock:
                self._kept.update((text, found[text]) for text in missing)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return [found[passage.text] for passage in passages]


def _read(hit: Hit, tokens: TokenVectors, asked: Sequence[Asked]) -> Hit:
    """A hit and its sentences with the token-by-token figures."""
    vectors = tokens.vectors.astype(np.float32)
    similar = [vectors @ each.vectors.T for each in asked]
    starts = [each.sentence.start - hit.passage.start for each in hit.sentences]
    # Tokens stand in the order of the text, so that a sentence's are a run of them.
    places = np.searchsorted(tokens.offsets[:, 0], starts)
    there = [place for place in range(len(places)) if places[place] < len(vectors)]
    figures = np.zeros((len(places), 3))
    if there:
        bounds = np.maximum.accumulate(places[there])
        figures[there] = _figures([np.maximum.reduceat(s, bounds, axis=0) for s in similar], asked)
    ((late, least, _),) = _figures([each.max(axis=0, keepdims=True) for each in similar], asked)
    sentences = tuple(
        replace(each, late=float(row[0]), least=float(row[1]), asking=float(row[2]))
        for each, row in zip(hit.sentences, figures, strict=True)
    )
    return replace(hit, sentences=sentences, late=float(late), least=float(least))


def _figures(nearest: Sequence[Vectors], asked: Sequence[Asked]) -> NDArray[np.float64]:
    """(n, tokens) of each question's nearest → (n, 3).

    The mean over the questions' tokens, the worst of the first's words, its question word's.
    """
    late = sum(q.weight * each.mean(axis=1) for q, each in zip(asked, nearest, strict=True))
    words, asking = nearest[0][:, asked[0].content], nearest[0][:, asked[0].asking]
    return np.stack(
        [
            late,
            words.min(axis=1) if words.shape[1] else late,
            asking.mean(axis=1) if asking.shape[1] else late,
        ],
        axis=1,
    ).astype(np.float64)
