"""What an answer is made from: the articles in scope, and a request with its evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from chatbot.answering.conversation import Intent
from chatbot.answering.extract import Quote, Scored
from chatbot.answers import Request
from index import Hit, Query
from index.catalog import Entry


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with what it wants and the evidence found for it."""

    request: Request
    intent: Intent
    queries: tuple[Query, ...] = ()
    hits: tuple[Hit, ...] = ()
    scored: tuple[Scored, ...] = ()
    summary: tuple[Quote, ...] = ()
    confidence: float = 1.0
    revision: str = ""
    search_ms: float = 0.0
    rewritten: Future[Prepared] | None = None
    """The same for the question as a language model put it anew, once that is there."""
    parts: tuple[Prepared, ...] = ()
    """Where a question asks several things: those of them that are told."""
    left_open: tuple[str, ...] = ()
    """And those that are not, in its own words."""


@dataclass(frozen=True, slots=True)
class View:
    """The articles in scope at one version of the index, by id and by URL.

    `revision` is a digest of them: while it is the same, the same answer is due.
    """

    version: int
    entries: tuple[Entry, ...]
    ids: tuple[str, ...]
    named: dict[str, Entry]
    revision: str

    @classmethod
    def of(cls, version: int, entries: Sequence[Entry]) -> View:
        """A view of these articles."""
        named = {entry.url: entry for entry in entries if entry.url}
        named |= {entry.id: entry for entry in entries}
        parts = "\x00".join(f"{entry.id}\x00{entry.content_hash}" for entry in entries)
        digest = hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:12]
        ids = tuple(entry.id for entry in entries)
        return cls(version, tuple(entries), ids, named, digest)
