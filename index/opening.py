"""An index on disk, opened: its parts, its stamp, and the right to write to it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from index.catalog import Catalog
from index.chunk import CHUNKING
from index.embed import DEFAULT_EMBEDDER, Embedder, make_embedder
from index.errors import IndexLockedError, IndexMismatchError, IndexUnreadableError
from index.store import FOLDER_NAME, VectorStore, vector_ids

DEFAULT_FOLDER = Path(".ask-article")
LOCK_NAME = "write.lock"


class Index:
    """A folder that holds the catalog, the vectors and, where it is large, the lexical index."""

    def __init__(self, folder: Path, catalog: Catalog, embedder: Embedder) -> None:
        self.folder = folder
        self.catalog = catalog
        self.embedder = embedder
        self._version = catalog.version
        self._opening = threading.RLock()
        self.store = self._open_store()

    @classmethod
    def open(
        cls, folder: str | Path = DEFAULT_FOLDER, embedder: str | Embedder = DEFAULT_EMBEDDER
    ) -> Index:
        """Open the index of a folder, making an empty one where there is none.

        Raises IndexUnreadableError where the folder cannot be used. An index made with another
        embedder or chunking opens; `check` and everything that reads or writes vectors refuse it.
        """
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise IndexUnreadableError(f"{path}: cannot be used as an index ({reason})") from error
        made = make_embedder(embedder) if isinstance(embedder, str) else embedder
        return cls(path, Catalog(path), made)

    def close(self) -> None:
        """Let go of the files; nothing is lost without it."""
        self.store.reopen()
        self.catalog.close()

    def check(self) -> None:
        """Raise IndexMismatchError where the stamp names another embedder or chunking."""
        stamp = self._stamp()
        for name, ours in (("embedder", self.embedder.name), ("chunking", CHUNKING)):
            theirs = stamp.get(name, ours)
            if theirs != ours:
                raise IndexMismatchError(
                    f"the index in {self.folder} was made with the {name} {theirs!r}, and this is"
                    f" {ours!r}. To make it anew: ask-article index add --rebuild"
                    + ("" if self.folder == DEFAULT_FOLDER else f" --index {self.folder}")
                )

    def refresh(self) -> int:
        """Notice what another process has written since; returns the version."""
        version = self.catalog.version
        with self._opening:
            if version != self._version:
                self.check()
                # A new object rather than a change of the old one, which a search may be reading.
                self.store = self._open_store()
                self._version = version
        return version

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write; IndexLockedError names the process that has it already."""
        with self.writing_anew():
            self.refresh()
            self.sweep()
            yield

    @contextmanager
    def writing_anew(self) -> Iterator[None]:
        """The same for an index whose vectors are to be thrown away and need not even open."""
        import filelock

        lock = filelock.FileLock(self.folder / LOCK_NAME, timeout=0)
        owner = self.folder / f"{LOCK_NAME}.owner"
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise IndexLockedError(_held_by(owner, self.folder)) from error
        except OSError as error:
            raise IndexUnreadableError(f"{self.folder}: cannot be written ({error})") from error
        try:
            owner.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
                        "since": datetime.now().isoformat(sep=" ", timespec="seconds"),
                    }
                )
            )
            yield
        finally:
            self._version = self.catalog.version
            owner.unlink(missing_ok=True)
            lock.release()

    def stamp(self) -> None:
        """Write what the vectors are made with, where that is not written yet."""
        if not self._stamp():
            stamp = {
                "embedder": self.embedder.name,
                "dimension": self.embedder.dimension,
                "chunking": CHUNKING,
            }
            self.catalog.set_meta("stamp", json.dumps(stamp))
            self.store = self._open_store()

    def sweep(self) -> None:
        """Remove vectors that do not count: of articles removed, or of a run interrupted."""
        retired = self.catalog.retired()
        if retired:
            self.store.delete([each for row in retired for each in vector_ids(*row)])
            self.catalog.forget([key for key, _, _ in retired])

    def clear(self) -> None:
        """Empty the index, whatever made it; only while `writing`."""
        generation = int(self.catalog.get_meta("generation") or 0) + 1
        with self.store.turn():
            self.store.reopen()
            self.catalog.clear({"generation": str(generation)})
            # Chroma never removes a collection's own folder, so the vectors start in a new one.
            shutil.rmtree(self.store.path, ignore_errors=True)
        self.store = self._open_store()

    def _stamp(self) -> dict[str, str]:
        return dict(json.loads(self.catalog.get_meta("stamp") or "{}"))

    def _open_store(self) -> VectorStore:
        generation = self.catalog.get_meta("generation")
        name = f"{FOLDER_NAME}-{generation}" if generation else FOLDER_NAME
        return VectorStore(self.folder / name, self._stamp())


def _held_by(owner: Path, folder: Path) -> str:
    try:
        held = json.loads(owner.read_text())
        who = f"process {held['pid']} ({held['command']}), since {held['since']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return f"the index in {folder} is being written by {who}. Try again when it has finished."
