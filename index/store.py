"""The vectors: one Chroma collection of passages and sentences. The one door to chromadb.

Ids are `key:pN` for a passage and `key:sN` for a sentence of the article version `key`; the
collection keeps no texts. Chroma's distance is turned into cosine here and nowhere else.

Chroma is not safe between processes: one that reads brings its own copy of the vectors up to date
and may save that over what another has just written, or crash reading what is being written. So
processes take turns, for as long as one call takes, and open the files anew after another's turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from index.embed import Vectors, batches
from index.errors import IndexUnreadableError

FOLDER_NAME = "chroma"
COLLECTION = "articles"
TURN_NAME = "vectors.lock"
AT_ONCE = 1000
"""So many vectors are written in one turn, which takes some tenths of a second."""
PATIENCE, POLL = 60.0, 0.005
"""Seconds that a turn is waited for, and between two looks whether it has come."""
T = TypeVar("T")


class VectorStore:
    """A persistent Chroma collection with cosine distance, opened at the first use."""

    def __init__(self, path: Path, stamp: dict[str, str]) -> None:
        self.path = path
        self._stamp = stamp
        self._collection: Any = None
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._lock = threading.RLock()

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store unit vectors (len(ids), dimension) under ids, replacing those that exist."""
        for part in batches(len(ids), AT_ONCE):
            with self.turn():
                self._open().upsert(ids=list(ids[part]), embeddings=vectors[part])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; ids that are not there are passed over."""
        for part in batches(len(ids), AT_ONCE):
            with self.turn():
                self._open().delete(ids=list(ids[part]))

    def fetch(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors that are there, by id."""
        found: dict[str, Vectors] = {}
        for part in batches(len(ids), 5000):
            chosen = list(ids[part])
            rows = self._read(partial(_get, ids=chosen))
            found.update(zip(rows["ids"], rows["embeddings"], strict=True))
        return found

    def nearest(self, vector: Vectors, count: int) -> list[tuple[str, float]]:
        """The ids nearest to a vector with their cosine, best first (approximate)."""
        rows = self._read(
            lambda c: c.query(
                query_embeddings=vector[None, :], n_results=count, include=["distances"]
            )
        )
        return [
            (found, 1.0 - float(distance))
            for found, distance in zip(rows["ids"][0], rows["distances"][0], strict=True)
        ]

    def count(self) -> int:
        """How many vectors are stored."""
        return int(self._read(lambda c: c.count()))

    def reopen(self) -> None:
        """Let go of what is held in memory."""
        with self._lock:
            self._collection = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the files alone; they are opened anew where another had a turn meanwhile.

        Raises IndexUnreadableError where that takes too long or the folder cannot be written.
        """
        import filelock

        lock = filelock.FileLock(self.path.parent / TURN_NAME, PATIENCE, poll_interval=POLL)
        with self._lock:
            try:
                lock.acquire()
            except (OSError, filelock.Timeout) as error:
                raise IndexUnreadableError(f"{self.path}: cannot be locked ({error})") from error
            try:
                if self._seen != self._written():
                    self._collection = None
                yield
            finally:
                self._seen = self._written()
                lock.release()

    def _written(self) -> tuple[tuple[str, int, int], ...]:
        """What shows that somebody has written: when and how much."""
        files = [(each, each.stat()) for each in sorted(self.path.glob("**/*")) if each.is_file()]
        return tuple((each.name, stat.st_mtime_ns, stat.st_size) for each, stat in files)

    def _read(self, question: Callable[[Any], T]) -> T:
        from chromadb.errors import ChromaError

        with self.turn():
            try:
                return question(self._open())
            except ChromaError as error:
                raise IndexUnreadableError(f"{self.path}: cannot be read ({error})") from error

    def _open(self) -> Any:
        with self._lock:
            if self._collection is None:
                import chromadb
                from chromadb.api.shared_system_client import SharedSystemClient
                from chromadb.config import Settings

                # Clients of one path share a cache, which is what goes stale.
                SharedSystemClient.clear_system_cache()
                settings = Settings(anonymized_telemetry=False, allow_reset=False)
                try:
                    client = chromadb.PersistentClient(str(self.path), settings=settings)
                    self._collection = client.get_or_create_collection(
                        COLLECTION,
                        metadata=self._stamp or None,
                        configuration={"hnsw": {"space": "cosine"}},
                        embedding_function=None,
                    )
                except Exception as error:  # chromadb raises panics and bare errors alike here
                    raise IndexUnreadableError(
                        f"{self.path}: cannot be opened ({error})"
                    ) from error
            return self._collection


def _get(collection: Any, ids: list[str]) -> Any:
    return collection.get(ids=ids, include=["embeddings"])


def vector_ids(key: str, passage_count: int, sentence_count: int) -> list[str]:
    """The ids of all vectors of one article version: passages first, then sentences."""
    return [f"{key}:p{number}" for number in range(passage_count)] + [
        f"{key}:s{number}" for number in range(sentence_count)
    ]


def stack(found: dict[str, Vectors], ids: Sequence[str], dimension: int) -> Vectors:
    """The vectors of `ids` as (len(ids), dimension); zeros where one is missing."""
    missing = np.zeros(dimension, dtype=np.float32)
    rows = [found.get(identity, missing) for identity in ids]
    return np.array(rows, dtype=np.float32).reshape(len(ids), dimension)
