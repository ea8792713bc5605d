"""Write articles to an index, many at a time: one round of embedding, one of Chroma, one commit.

A batch is announced in the catalog's journal before its vectors are added, and counts from its
commit on. Whatever interrupts it, the index holds whole articles and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from index.catalog import Entry, article_key
from index.chunk import chunk
from index.embed import Vectors
from index.opening import Index
from index.records import Article, Passage
from index.store import stack, vector_ids

BATCH_TEXTS = 512
"""Passages and sentences that are written together; some ten seconds of work on two cores."""


@dataclass(frozen=True, slots=True)
class Job:
    """An article to write: its file's hash, and the entry it takes the place of."""

    article: Article
    hashed: str
    before: Entry | None
    passages: tuple[Passage, ...]

    @property
    def ids(self) -> list[str]:
        """The ids of its vectors, in the order of `texts`."""
        count = sum(len(passage.sentences) for passage in self.passages)
        return vector_ids(article_key(self.article), len(self.passages), count)

    @property
    def texts(self) -> list[str]:
        """What is embedded."""
        return texts_of(self.passages)


class Batch:
    """Articles on their way into an index; only while `index.writing()`."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.jobs: list[Job] = []
        self._size = 0

    def put(self, article: Article, hashed: str, before: Entry | None) -> None:
        """Take an article in; it is not written before `flush`."""
        passages = tuple(chunk(article, article_key(article)))
        self.jobs.append(Job(article, hashed, before, passages))
        self._size += len(self.jobs[-1].ids)

    @property
    def full(self) -> bool:
        """Whether it is time to flush."""
        return self._size >= BATCH_TEXTS

    def flush(self, progress: Callable[[float], None] = lambda _: None) -> list[Job]:
        """Write what was taken in and return it; `progress` hears the share that is done."""
        jobs, self.jobs, self._size = self.jobs, [], 0
        if not jobs:
            return []
        self.index.stamp()
        self.index.catalog.announce([(article_key(job.article), job.passages) for job in jobs])
        vectors = self._embed(jobs, progress)
        ids = [identity for job in jobs for identity in job.ids]
        self.index.store.add(ids, vectors)
        self.index.catalog.put([(job.article, job.passages, job.hashed) for job in jobs])
        self.index.sweep()
        return jobs

    def _embed(self, jobs: list[Job], progress: Callable[[float], None]) -> Vectors:
        """Vectors of all texts; what an article's earlier version had is not made again."""
        texts = [text for job in jobs for text in job.texts]
        known: dict[str, Vectors] = {}
        for job in jobs:
            if job.before:
                known |= self._vectors_of(job.before)
        new = [text for text in dict.fromkeys(texts) if text not in known]
        done = 0

        def heard(count: int) -> None:
            nonlocal done
            done += count
            progress(done / len(new))

        made = self.index.embedder.embed_documents(new, heard)
        known.update(zip(new, made, strict=True))
        return stack(known, texts, self.index.embedder.dimension)

    def _vectors_of(self, before: Entry) -> dict[str, Vectors]:
        stored = self.index.catalog.get(before.key)
        if stored is None:
            return {}
        ids = vector_ids(before.key, before.passage_count, before.sentence_count)
        found = self.index.store.fetch(ids)
        pairs = zip(texts_of(stored.passages), ids, strict=True)
        return {text: found[identity] for text, identity in pairs if identity in found}


def texts_of(passages: Iterable[Passage]) -> list[str]:
    """Texts in the order of `vector_ids`: passages first, then sentences."""
    passages = list(passages)
    sentences = (sentence.text for passage in passages for sentence in passage.sentences)
    return [*(passage.searched for passage in passages), *sentences]
