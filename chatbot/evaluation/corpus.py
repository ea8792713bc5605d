"""Index a data set's own texts, once: the index is kept by the texts' content."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from chatbot.bot import Chatbot
from chatbot.config import Settings
from index import Article, Index, add
from index.build import Progress
from index.chunk import CHUNKING

KEPT = 8
"""So many corpora are kept; the one used longest ago goes first."""


def open_corpus(
    corpus: Sequence[Article], settings: Settings, progress: Progress | None = None
) -> Chatbot:
    """A chatbot over these texts, whose index lies below `settings.cache`."""
    folder = settings.cache / "corpora" / _digest(corpus, settings.embedder)
    index = Index.open(folder, settings.embedder)
    known = {entry.id for entry in index.catalog.entries()}
    if missing := [article for article in corpus if article.id not in known]:
        with index.writing():
            add(index, *missing, progress=progress)
    _forget_old(folder.parent, folder)
    return Chatbot(index, settings)


def open_sources(
    sources: Sequence[Path] | None, settings: Settings, progress: Progress | None = None
) -> Chatbot:
    """A chatbot over these files, or without any over what `ask` would answer from.

    Raises SourceError for the first file that cannot be read, since figures over the others would
    mislead.
    """
    folder = None
    if sources:
        names = "\x00".join(sorted(str(source.absolute()) for source in sources))
        digest = hashlib.sha256(f"{settings.embedder}\x00{CHUNKING}\x00{names}".encode())
        folder = settings.cache / "sources" / digest.hexdigest()[:24]
    bot = Chatbot.open(sources, folder, settings=settings, progress=progress)
    for problem in bot.report.problems:
        raise problem
    if folder:
        _forget_old(folder.parent, folder)
    return bot


def _digest(corpus: Sequence[Article], embedder: str) -> str:
    digest = hashlib.sha256(f"{embedder}\x00{CHUNKING}".encode())
    for article in corpus:
        digest.update(f"\x00{article.id}\x00{article.content_hash}".encode("utf-8", "replace"))
    return digest.hexdigest()[:24]


def _forget_old(folder: Path, used: Path) -> None:
    os.utime(used)
    kept = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in kept[KEPT:]:
        shutil.rmtree(each, ignore_errors=True)
