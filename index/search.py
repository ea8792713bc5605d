"""Questions → ranked passages: three kinds of evidence, mixed by score, and the best read again.

A passage's own vector, its best sentence's vector and BM25 find different things; mixing scores
keeps how sure each is, which fusing ranks would throw away. One article, or a small index, is
searched exactly; a large one through Chroma's and BM25's candidates, scored the same way. The
first few are then compared with the question token by token (`late`).
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from index.build import lexicon_folder
from index.catalog import Entry
from index.embed import Vectors
from index.errors import IndexMismatchError
from index.late import KEPT, LateReader
from index.lexical import Lexicon, overlap, pairs
from index.opening import Index
from index.records import Hit, Passage, Query, SentenceEvidence
from index.spelling import Speller
from index.store import stack, vector_ids

DENSE, SENTENCE, LEXICAL, AROUND = 0.4, 0.4, 0.2, 0.3
"""The mix; success@1 on XQuAD-en is flat around it. AROUND is the mean cosine of a passage and its
neighbours: what is said near by tells what it is about (recall@5 on MTRAG-UN 0.887 to 0.897)."""
EXACT_PASSAGES = 2000
"""Up to so many passages in scope, all are scored; above, candidates are."""
CANDIDATES = 100
KEPT_SHELVES = 16
READ = 4
"""So many of the best passages are compared with the question token by token."""
LATE, LEAST, HELD, TOGETHER = 3.4, 0.27, 0.62, 0.45
"""Beside the mix: tokens on average, the worst of the question's words, the most of its words
that one sentence holds, and of its neighbouring ones. Fitted by `tests/benchmarks/ablation.py` on
new_wiki of SquadShifts; success@1 is flat around them."""
TOTAL = 1 + LATE + LEAST + HELD + TOGETHER

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Passages side by side with their vectors.

    `around_vectors` are the means of a passage's and its neighbours'; the sentence vectors of
    passage i begin at `starts[i]`.
    """

    passages: tuple[Passage, ...]
    passage_vectors: Vectors
    around_vectors: Vectors
    sentence_vectors: Vectors
    starts: NDArray[np.int64]
    lexicon: Lexicon
    speller: Speller | None


class Retriever:
    """Searches an index; safe to share between threads."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._shelves: OrderedDict[tuple[str, ...], Shelf] = OrderedDict()
        self._global: tuple[Lexicon, list[str]] | None = None
        self._version = -1
        self._reader = LateReader(index.embedder)
        self._lock = threading.RLock()

    def search(
        self, queries: Sequence[Query], k: int = 10, articles: Iterable[str] | None = None
    ) -> list[Hit]:
        """The k best passages for a mix of queries, best first.

        `articles` limits the search to these ids; None searches everything. Empty where nothing
        is indexed in scope.
        """
        entries = self._scope(articles)
        if not entries or not queries:
            return []
        queries = [replace(query, text=self._mended(query.text, entries)) for query in queries]
        vectors = [self.index.embedder.embed_query(query.text) for query in queries]
        if any(len(vector) != self.index.embedder.dimension for vector in vectors):
            raise IndexMismatchError("the embedder gives vectors of another dimension")
        if sum(entry.passage_count for entry in entries) <= EXACT_PASSAGES:
            shelf = self._shelf(entries)
            lexical = _mixed(queries, [shelf.lexicon.scores(query.text) for query in queries])
        else:
            shelf, lexical = self._candidates(entries, queries, vectors)
        hits = _mixed_hits(shelf, queries, vectors, lexical, max(k, READ))
        return self._reread(hits, queries)[:k]

    def _reread(self, hits: list[Hit], queries: Sequence[Query]) -> list[Hit]:
        """The first hits ranked anew by what comparing them token by token shows."""
        first = self._reader.read(queries, hits[:READ])
        ranked = [replace(hit, score=_score(hit)) for hit in first]
        return [*sorted(ranked, key=lambda hit: -hit.score), *hits[READ:]]

    def read_ahead(self) -> None:
        """Read the passages of a small index now, so that its questions need not wait for it."""
        entries = self._scope(None)
        if 0 < sum(entry.passage_count for entry in entries) <= KEPT:
            self._reader.read_ahead(self._shelf(entries).passages)

    def mended(self, text: str, articles: Iterable[str] | None = None) -> str:
        """A question with its misspelt words as the articles in scope spell them."""
        entries = self._scope(articles)
        return self._mended(text, entries) if entries else text

    def _mended(self, text: str, entries: list[Entry]) -> str:
        if sum(entry.passage_count for entry in entries) > EXACT_PASSAGES:
            return text
        speller = self._shelf(entries).speller
        return speller.mend(text, self.index.embedder.knows) if speller else text

    def lexicon(self, articles: Iterable[str] | None = None) -> Lexicon:
        """The words of a scope and their rarities."""
        entries = self._scope(articles)
        if sum(entry.passage_count for entry in entries) <= EXACT_PASSAGES:
            return self._shelf(entries).lexicon
        return self._whole()[0]

    def sentences(self, article: str) -> tuple[list[SentenceEvidence], Vectors]:
        """An article's sentences in order with their vectors (n, dimension), for summaries.

        A sentence's `dense` is its cosine to the mean of all.
        """
        shelf = self._shelf(self._scope([article]))
        vectors = shelf.sentence_vectors
        centre = vectors.mean(axis=0)
        cosines = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-12))
        sentences = [s for passage in shelf.passages for s in passage.sentences]
        pairs = zip(sentences, cosines, strict=True)
        return [SentenceEvidence(s, float(cosine), 0.0) for s, cosine in pairs], vectors

    def _scope(self, articles: Iterable[str] | None) -> list[Entry]:
        version = self.index.refresh()
        with self._lock:
            if version != self._version:
                self._shelves.clear()
                self._global = None
                self._version = version
                self._entries = self.index.catalog.entries()
            entries = self._entries
        if articles is None:
            return entries
        wanted = set(articles)
        return [entry for entry in entries if entry.id in wanted]

    def _shelf(self, entries: list[Entry]) -> Shelf:
        name = tuple(entry.key for entry in entries)
        with self._lock:
            if name in self._shelves:
                self._shelves.move_to_end(name)
                return self._shelves[name]
        passages = self._passages(entries)
        texts = [passage.searched for passage in passages]
        shelf = self._filled(passages, Lexicon.build(texts), Speller(texts))
        with self._lock:
            self._shelves[name] = shelf
            if len(self._shelves) > KEPT_SHELVES:
                self._shelves.popitem(last=False)
        return shelf

    def _passages(self, entries: Iterable[Entry]) -> list[Passage]:
        found = (self.index.catalog.get(entry.key) for entry in entries)
        return [passage for stored in found if stored for passage in stored.passages]

    def _filled(
        self, passages: Sequence[Passage], lexicon: Lexicon, speller: Speller | None = None
    ) -> Shelf:
        sentence_ids = [
            identity for passage in passages for identity in self._sentence_ids(passage)
        ]
        counts = [len(passage.sentences) for passage in passages]
        ids = [passage.id for passage in passages]
        around = [self._around(passage) for passage in passages]
        wanted = dict.fromkeys([*ids, *chain.from_iterable(around), *sentence_ids])
        found = self.index.store.fetch(list(wanted))
        dimension = self.index.embedder.dimension
        means = [
            np.mean([found[each] for each in near if each in found], axis=0) for near in around
        ]
        return Shelf(
            passages=tuple(passages),
            passage_vectors=stack(found, ids, dimension),
            around_vectors=np.array(means, dtype=np.float32).reshape(-1, dimension),
            sentence_vectors=stack(found, sentence_ids, dimension),
            starts=np.cumsum([0, *counts[:-1]], dtype=np.int64),
            lexicon=lexicon,
            speller=speller,
        )

    def _around(self, passage: Passage) -> list[str]:
        """The ids of a passage, the one before it and the one after it."""
        key, _, name = passage.id.rpartition(":p")
        stored = self.index.catalog.get(key)
        count, number = len(stored.passages) if stored else 0, int(name)
        near = range(max(0, number - 1), min(count, number + 2))
        return [f"{key}:p{each}" for each in near] or [passage.id]

    def _sentence_ids(self, passage: Passage) -> list[str]:
        key, _, number = passage.id.rpartition(":p")
        stored = self.index.catalog.get(key)
        start = stored.starts[int(number)] if stored else 0
        return [f"{key}:s{start + place}" for place in range(len(passage.sentences))]

    def _whole(self) -> tuple[Lexicon, list[str]]:
        """The lexical index of everything, and the passage id at each of its places."""
        with self._lock:
            if self._global is None:
                entries = self.index.catalog.entries()
                ids = [i for e in entries for i in vector_ids(e.key, e.passage_count, 0)]
                try:
                    lexicon = Lexicon.load(lexicon_folder(self.index))
                except (OSError, ValueError):
                    texts = [passage.searched for passage in self._passages(entries)]
                    lexicon = Lexicon.build(texts)
                self._global = (lexicon, ids)
            return self._global

    def _candidates(
        self, entries: list[Entry], queries: Sequence[Query], vectors: list[Vectors]
    ) -> tuple[Shelf, Floats]:
        lexicon, ids = self._whole()
        scores = _mixed(queries, [lexicon.scores(query.text) for query in queries])
        lexical = dict(zip(ids, scores.tolist(), strict=True))
        keys = {entry.key for entry in entries}
        best = np.argsort(-scores, kind="stable")[:CANDIDATES]
        named = [ids[place] for place in best if scores[place] > 0]
        for vector in vectors:
            named += [found for found, _ in self.index.store.nearest(vector, CANDIDATES)]
        chosen: dict[str, Passage] = {}
        for identity in named:
            passage = self._passage_of(identity)
            if passage and identity.rpartition(":")[0] in keys:
                chosen[passage.id] = passage
        shelf = self._filled(list(chosen.values()), lexicon)
        values = [lexical[passage.id] for passage in shelf.passages]
        return shelf, np.array(values, dtype=np.float32)

    def _passage_of(self, identity: str) -> Passage | None:
        """The passage that a vector's id belongs to; None where it was removed meanwhile."""
        key, _, name = identity.rpartition(":")
        stored = self.index.catalog.get(key)
        if stored is None:
            return None
        number = int(name[1:])
        place = number if name[0] == "p" else bisect_right(stored.starts, number) - 1
        return stored.passages[place]


def _score(hit: Hit) -> float:
    held = max(each.lexical for each in hit.sentences)
    together = max(each.pairs for each in hit.sentences)
    total = hit.mix + LATE * hit.late + LEAST * hit.least + HELD * held + TOGETHER * together
    return total / TOTAL


def _mixed(queries: Sequence[Query], scores: Sequence[Floats]) -> Floats:
    """Scores of several queries → one, each query's first divided by its best."""
    total = sum(query.weight for query in queries)
    parts = [
        (query.weight / total) * each / max(float(each.max(initial=0.0)), 1e-9)
        for query, each in zip(queries, scores, strict=True)
    ]
    mixed: Floats = np.sum(parts, axis=0, dtype=np.float32)
    return mixed


def _mixed_hits(
    shelf: Shelf, queries: Sequence[Query], vectors: list[Vectors], lexical: Floats, k: int
) -> list[Hit]:
    """The k best passages by the mix."""
    if not shelf.passages:
        return []
    total = sum(query.weight for query in queries)
    weighted = [query.weight / total * v for query, v in zip(queries, vectors, strict=True)]
    # Cosines are linear in the question, so the mixed vector gives the mixed score.
    vector = np.sum(weighted, axis=0)
    dense = shelf.passage_vectors @ vector
    sentence = shelf.sentence_vectors @ vector
    best = np.maximum.reduceat(sentence, shelf.starts)
    around = shelf.around_vectors @ vector
    score = DENSE * dense + SENTENCE * best + LEXICAL * lexical + AROUND * around
    asked = queries[0].text
    words, neighbours = shelf.lexicon.weights(asked), pairs(asked)
    hits = []
    for place in np.argsort(-score, kind="stable")[:k].tolist():
        passage = shelf.passages[place]
        start = int(shelf.starts[place])
        evidence = []
        before = ""
        for n, each in enumerate(passage.sentences):
            held = overlap(words, each.text)
            added = overlap(words, f"{before} {each.text}") - held if before else 0.0
            together = len(neighbours & pairs(each.text)) / max(len(neighbours), 1)
            evidence.append(
                SentenceEvidence(each, float(sentence[start + n]), held, added, together)
            )
            before = each.text
        mix = float(score[place])
        hits.append(
            Hit(
                passage=passage,
                score=mix / TOTAL,
                dense=float(dense[place]),
                lexical=float(lexical[place]),
                sentences=tuple(evidence),
                mix=mix,
            )
        )
    return hits
