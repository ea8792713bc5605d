"""What is indexed: the articles' texts and passages, the stamp and the version, in one SQLite file.

Chroma holds vectors alone; which of them count is decided here, in one transaction an article. A
journal names vectors that are on their way in or out, so that an interrupted run leaves no trace.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from index.errors import IndexUnreadableError
from index.records import Article, Passage, Sentence

FILE_NAME = "catalog.sqlite"
CACHED_ARTICLES = 256

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS articles (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, title TEXT NOT NULL, url TEXT,
    source TEXT NOT NULL, root TEXT NOT NULL, file_hash TEXT NOT NULL, content_hash TEXT NOT NULL,
    passage_count INTEGER NOT NULL, sentence_count INTEGER NOT NULL,
    text TEXT NOT NULL, passages TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    key TEXT PRIMARY KEY, passage_count INTEGER NOT NULL, sentence_count INTEGER NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = (
    "id, key, title, url, source, root, file_hash, content_hash, passage_count, sentence_count"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One indexed article without its text; `key` starts the ids of its vectors."""

    id: str
    key: str
    title: str
    url: str | None
    source: str
    root: str
    file_hash: str
    content_hash: str
    passage_count: int
    sentence_count: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An indexed article; `starts[n]` is the number of sentences before passage n."""

    entry: Entry
    article: Article
    passages: tuple[Passage, ...]
    starts: tuple[int, ...]


def article_key(article: Article) -> str:
    """The start of the vectors' ids: of this article in this version and no other."""
    digest = hashlib.sha256(f"{article.id}\x00{article.content_hash}".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


class Catalog:
    """The SQLite file of an index; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.RLock()
        self._cache: OrderedDict[str, Stored] = OrderedDict()
        self._listed: tuple[int, list[Entry]] | None = None
        try:
            self._db = sqlite3.connect(self.path, check_same_thread=False, timeout=10)
            # A removed article's text shall not stay readable in the file's free pages.
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA journal_mode = WAL")
            # Losing power may lose the last commits, never the file; the next run makes up for it.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise IndexUnreadableError(f"{self.path}: cannot be opened ({error})") from error

    def close(self) -> None:
        """Close the file; the catalog cannot be used afterwards."""
        with self._lock:
            self._db.close()

    def get_meta(self, name: str) -> str | None:
        """One named value, or None."""
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_meta(self, name: str, value: str) -> None:
        """Store one named value."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def version(self) -> int:
        """A number that grows with every change that a search could notice."""
        return int(self.get_meta("version") or 0)

    def entries(self) -> list[Entry]:
        """Every article, by id; a list of its own for each caller."""
        with self._lock:
            version = self.version
            if self._listed is None or self._listed[0] != version:
                rows = self._db.execute(f"SELECT {_COLUMNS} FROM articles ORDER BY id").fetchall()
                self._listed = (version, [Entry(*row) for row in rows])
            return list(self._listed[1])

    def get(self, key: str) -> Stored | None:
        """An article with its passages by its key, or None where it is no longer indexed."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            row = self._db.execute(
                f"SELECT {_COLUMNS}, text, passages FROM articles WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                return None
            stored = _stored(Entry(*row[:-2]), row[-2], row[-1])
            self._cache[key] = stored
            if len(self._cache) > CACHED_ARTICLES:
                self._cache.popitem(last=False)
            return stored

    def passages(self) -> Iterator[Passage]:
        """Every passage, by article id."""
        for entry in self.entries():
            if stored := self.get(entry.key):
                yield from stored.passages

    def announce(self, coming: Iterable[tuple[str, Sequence[Passage]]]) -> None:
        """Write into the journal that these articles' vectors are about to be added."""
        rows = [(key, len(passages), _sentences(passages)) for key, passages in coming]
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", rows)

    def put(self, articles: Iterable[tuple[Article, Sequence[Passage], str]]) -> None:
        """Make these articles, each with its file's hash, the ones that count, all at once.

        The vectors of what they take the place of enter the journal.
        """
        with self._transaction() as db:
            for article, passages, hashed in articles:
                key = article_key(article)
                self._retire(db, article.id, but=key)
                db.execute("DELETE FROM journal WHERE key = ?", (key,))
                db.execute(
                    f"INSERT OR REPLACE INTO articles ({_COLUMNS}, text, passages)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(article.id, key, article.title, article.url, article.source),
                        *(article.root, hashed, article.content_hash, len(passages)),
                        *(_sentences(passages), _storable(article.text), _packed(passages)),
                    ),
                )
                self._cache.pop(key, None)
            self._raise_version(db)

    def drop(self, article_id: str) -> None:
        """Forget an article; its vectors enter the journal."""
        with self._transaction() as db:
            self._retire(db, article_id)
            db.execute("DELETE FROM articles WHERE id = ?", (article_id,))
            self._raise_version(db)

    def clear(self, meta: dict[str, str]) -> None:
        """Forget every article and the stamp; `meta` is kept or changed."""
        with self._transaction() as db:
            db.execute("DELETE FROM articles")
            db.execute("DELETE FROM journal")
            db.execute("DELETE FROM meta WHERE name = 'stamp'")
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(meta.items()))
            self._cache.clear()
            self._raise_version(db)

    def retired(self) -> list[tuple[str, int, int]]:
        """The journal: key, passages and sentences of vectors that do not count."""
        with self._lock:
            return self._db.execute("SELECT * FROM journal").fetchall()

    def forget(self, keys: Iterable[str]) -> None:
        """Strike vectors from the journal once they are gone."""
        with self._transaction() as db:
            db.executemany("DELETE FROM journal WHERE key = ?", [(key,) for key in keys])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            yield self._db

    def _retire(self, db: sqlite3.Connection, article_id: str, but: str = "") -> None:
        db.execute(
            "INSERT OR REPLACE INTO journal SELECT key, passage_count, sentence_count"
            " FROM articles WHERE id = ? AND key != ?",
            (article_id, but),
        )
        row = db.execute("SELECT key FROM articles WHERE id = ?", (article_id,)).fetchone()
        if row:
            self._cache.pop(row[0], None)

    def _raise_version(self, db: sqlite3.Connection) -> None:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('version', ?)", (str(self.version + 1),))


def _sentences(passages: Iterable[Passage]) -> int:
    return sum(len(passage.sentences) for passage in passages)


def _packed(passages: Iterable[Passage]) -> str:
    return json.dumps(
        [[[s.start, s.end, int(s.heading)] for s in passage.sentences] for passage in passages]
    )


def _storable(text: str) -> str | bytes:
    """SQLite's text is UTF-8; a text with lone surrogates is kept as bytes instead."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _stored(entry: Entry, raw: str | bytes, packed: str) -> Stored:
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass")
    passages = []
    for number, spans in enumerate(json.loads(packed)):
        sentences = tuple(Sentence(a, b, text[a:b], bool(heading)) for a, b, heading in spans)
        start, end = sentences[0].start, sentences[-1].end
        passages.append(
            Passage(
                id=f"{entry.key}:p{number}",
                article_id=entry.id,
                start=start,
                end=end,
                text=text[start:end],
                sentences=sentences,
                title=entry.title,
            )
        )
    article = Article(entry.id, entry.title, text, entry.url, entry.source, entry.root)
    counts = [len(passage.sentences) for passage in passages]
    return Stored(entry, article, tuple(passages), tuple(accumulate(counts, initial=0))[:-1])
