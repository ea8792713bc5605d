"""Questions → ranked passages: three kinds of evidence, mixed by score, and the best read again.

A passage's own vector, its best sentence's vector and BM25 find different things; mixing scores
keeps how sure each is, which fusing ranks would throw away. One article, or a small index, is
searched exactly; a large one through Chroma's and BM25's candidates, scored the same way. The
first few are then compared with the question token by token (`late`).
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Literal

import numpy as np

from index.build import lexicon_folder
from index.catalog import Entry
from index.embed import TokenVectors, Vectors
from index.errors import IndexMismatchError
from index.late import KEPT, LateReader, Tokens
from index.lexical import Lexicon
from index.opening import Index
from index.ranking import AROUND, DENSE, READ, Floats, Shelf, mixed, mixed_hits, reread_score
from index.records import Hit, Passage, Query, SentenceEvidence
from index.spelling import Speller
from index.store import stack, vector_ids

EXACT_PASSAGES = 2000
"""Up to so many passages in scope, all are scored; above, candidates are."""
HELD_PASSAGES = 20_000
"""Up to so many, `read_ahead` takes the vectors of a whole index into memory (some 15 KB a passage)
and all are scored, too: a third of the time, and nothing missed."""
CANDIDATES = 100
KEPT_SHELVES = 16

log = logging.getLogger(__name__)


class Retriever:
    """Searches an index; safe to share between threads."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._shelves: OrderedDict[tuple[str, ...], Shelf] = OrderedDict()
        self._global: tuple[Lexicon, list[str]] | None = None
        self._version = -1
        self._entries: list[Entry] = []
        self._everything: Shelf | None = None
        self._ahead: Literal["no", "reading", "read"] = "no"
        self._reader = LateReader(index.embedder)
        self._lock = threading.RLock()

    def search(
        self,
        queries: Sequence[Query],
        k: int = 10,
        articles: Iterable[str] | None = None,
        reread: bool = True,
    ) -> list[Hit]:
        """The k best passages for a mix of queries, best first.

        `articles` limits the search to these ids; None searches everything. Empty where nothing
        is indexed in scope. Without `reread` the first are not compared token by token, for one
        who reads them anyway.
        """
        entries = self._scope(articles)
        if not entries or not queries:
            return []
        queries = self._queries(queries, entries)
        vectors = [self.index.embedder.embed_query(query.text) for query in queries]
        if any(len(vector) != self.index.embedder.dimension for vector in vectors):
            raise IndexMismatchError("the embedder gives vectors of another dimension")
        shelf = self._held(entries)
        if shelf is not None:
            lexical = mixed(queries, [shelf.lexicon.scores(query.text) for query in queries])
        else:
            shelf, lexical = self._candidates(entries, queries, vectors)
        hits = mixed_hits(shelf, queries, vectors, lexical, max(k, READ))
        return (self._reread(hits, queries) if reread else hits)[:k]

    def _reread(self, hits: list[Hit], queries: Sequence[Query]) -> list[Hit]:
        """The first hits ranked anew by what comparing them token by token shows."""
        first = self._reader.read(queries, hits[:READ])
        ranked = [replace(hit, score=reread_score(hit)) for hit in first]
        return [*sorted(ranked, key=lambda hit: -hit.score), *hits[READ:]]

    def compare(
        self, queries: Sequence[Query], articles: Iterable[str], text: str, start: int
    ) -> Tokens | None:
        """What comparing queries with a text token by token shows of its part from `start` on.

        None where the embedder keeps its tokens.
        """
        entries = self._scope(articles)
        queries = self._queries(queries, entries)
        return self._reader.compare(queries, text, start)

    def read_ahead(self) -> None:
        """Take into memory what is not too large, so that questions need not wait for it.

        The vectors of all passages and, of a small index, their tokens. From then on, it is done
        again in the background whenever the index changes.
        """
        self._ahead = "reading"
        try:
            while self._read_version() != self._version:
                pass
        finally:
            self._ahead = "read"

    def _again(self) -> None:
        try:
            self.read_ahead()
        except Exception:  # an edge: the thread's own; questions find what they need without it
            log.warning("the index could not be read ahead", exc_info=True)

    def _read_version(self) -> int:
        """Take the index as it is into memory; returns which version that was."""
        entries = self._scope(None)
        version, count = self._version, passages_of(entries)
        if 0 < count <= KEPT:
            self._reader.read_ahead(self._shelf(entries).passages)
        elif EXACT_PASSAGES < count <= HELD_PASSAGES:
            shelf = self._made(entries)
            with self._lock:
                if version == self._version:
                    self._everything = shelf
        return version

    def tokens(self, passages: Sequence[Passage]) -> list[TokenVectors] | None:
        """The tokens of passages, as search compares them; None where the embedder keeps them."""
        return self._reader.tokens(passages)

    def passages(self, article: str) -> list[Passage]:
        """An article's passages in their order."""
        return self._passages(self._scope([article]))

    def mended(self, text: str, articles: Iterable[str] | None = None) -> str:
        """A question with its misspelt words as the articles in scope spell them."""
        entries = self._scope(articles)
        return self._mended(text, entries) if entries else text

    def _queries(self, queries: Sequence[Query], entries: list[Entry]) -> list[Query]:
        return [replace(query, text=self._mended(query.text, entries)) for query in queries]

    def _mended(self, text: str, entries: list[Entry]) -> str:
        shelf = self._held(entries)
        if shelf is None or shelf.speller is None:
            return text
        return shelf.speller.mend(text, self.index.embedder.knows)

    def lexicon(self, articles: Iterable[str] | None = None) -> Lexicon:
        """The words of a scope and their rarities."""
        entries = self._scope(articles)
        shelf = self._held(entries)
        return self._whole()[0] if shelf is None else shelf.lexicon

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
                self._global = self._everything = None
                self._version = version
                self._entries = self.index.catalog.entries()
                if self._ahead == "read":
                    self._ahead = "reading"
                    threading.Thread(target=self._again, name="read-ahead", daemon=True).start()
            entries = self._entries
        if articles is None:
            return entries
        wanted = set(articles)
        return [entry for entry in entries if entry.id in wanted]

    def _held(self, entries: list[Entry]) -> Shelf | None:
        """The vectors of a scope, where they are in memory or few enough to be taken there."""
        if passages_of(entries) <= EXACT_PASSAGES:
            return self._shelf(entries)
        with self._lock:
            everything = len(entries) == len(self._entries)
            return self._everything if everything else None

    def _shelf(self, entries: list[Entry]) -> Shelf:
        name = tuple(entry.key for entry in entries)
        with self._lock:
            if name in self._shelves:
                self._shelves.move_to_end(name)
                return self._shelves[name]
        shelf = self._made(entries)
        with self._lock:
            self._shelves[name] = shelf
            if len(self._shelves) > KEPT_SHELVES:
                self._shelves.popitem(last=False)
        return shelf

    def _made(self, entries: list[Entry]) -> Shelf:
        passages = self._passages(entries)
        texts = [passage.searched for passage in passages]
        return self._filled(passages, Lexicon.build(texts), Speller(texts))

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
        vectors = stack(found, ids, dimension)
        near = np.array(means, dtype=np.float32).reshape(-1, dimension)
        return Shelf(
            passages=tuple(passages),
            passage_vectors=vectors,
            placed_vectors=DENSE * vectors + AROUND * near,
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
        scores = mixed(queries, [lexicon.scores(query.text) for query in queries])
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


def passages_of(entries: Iterable[Entry]) -> int:
    """How many passages these articles have."""
    return sum(entry.passage_count for entry in entries)
