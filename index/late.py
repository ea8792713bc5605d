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
KEPT = 384
"""So many passages' tokens are kept, some 40 MB at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's tokens (n, dimension), its share in the mix, and which of them are what."""

    weight: float
    vectors: Vectors
    content: NDArray[np.bool_]
    asking: NDArray[np.bool_]


class LateReader:
    """Compares questions with passages; safe to share between threads."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._kept: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, queries: Sequence[Query], hits: Sequence[Hit]) -> list[Hit]:
        """The hits with `late` and `least`, unchanged where the embedder keeps its tokens."""
        asked = self._asked(queries)
        tokens = self._tokens([hit.passage for hit in hits]) if asked else None
        if tokens is None:
            return list(hits)
        return [_read(hit, each, asked) for hit, each in zip(hits, tokens, strict=True)]

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

    def _tokens(self, passages: Sequence[Passage]) -> list[TokenVectors] | None:
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
            halved = [TokenVectors(t.vectors.astype(np.float16), t.offsets) for t in made]
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
    whole = _figures(similar, asked, np.ones(len(vectors), bool))
    starts, ends = tokens.offsets[:, 0], tokens.offsets[:, 1]
    sentences = []
    for evidence in hit.sentences:
        start = evidence.sentence.start - hit.passage.start
        end = evidence.sentence.end - hit.passage.start
        late, least, asking = _figures(similar, asked, (starts >= start) & (ends <= end))
        sentences.append(replace(evidence, late=late, least=least, asking=asking))
    return replace(hit, sentences=tuple(sentences), late=whole[0], least=whole[1])


def _figures(
    similar: Sequence[Vectors], asked: Sequence[Asked], among: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """The mean over the questions' tokens, the worst of the first's words, and its question word's.

    Only the tokens of the passage that are `among` count.
    """
    if not among.any():
        return 0.0, 0.0, 0.0
    nearest = [each[among].max(axis=0) for each in similar]
    late = sum(q.weight * float(each.mean()) for q, each in zip(asked, nearest, strict=True))
    words = nearest[0][asked[0].content]
    asking = nearest[0][asked[0].asking]
    return (
        late,
        float(words.min()) if len(words) else late,
        float(asking.mean()) if len(asking) else late,
    )
