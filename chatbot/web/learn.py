"""Reading a page that is asked about: once, and only from the origins that the site allows.

A page is fetched from one of the `--learn` origins and from nowhere else: redirects that leave
the page's own origin end it, and no proxy, file or other scheme is followed.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from chatbot.bot import Chatbot
from chatbot.config import check_origin
from chatbot.errors import LearnError, SettingsError
from index import Article, build
from index.catalog import Entry
from index.formats import Draft, UnreadableError, read_html

MAX_PAGE = 5_000_000
MAX_PAGES = 1000
"""Pages that one run of the server learns: an address with a made-up query is a page too."""
SECONDS = 15.0
"""For the whole of a page, however slowly it comes."""
AGAIN_AFTER = 60.0
"""Seconds until a page that could not be read is tried again."""
ACCEPTED = ("text/html", "application/xhtml+xml")
AGENT = "ask-article (reads a page once, when its readers ask about it)"


class Learner:
    """Fetches and indexes pages, one at a time."""

    def __init__(self, origins: Sequence[str]) -> None:
        self.origins = frozenset(origins)
        self._one = threading.Lock()
        self._count = 0
        self._failed: dict[str, tuple[float, LearnError]] = {}

    def allows(self, url: str) -> bool:
        """Whether this page may be fetched."""
        return origin_of(url) in self.origins

    def learn(self, bot: Chatbot, url: str) -> Entry:
        """The page's article, fetched and indexed unless it is there already.

        Raises LearnError, which says why it cannot be.
        """
        url = url.split("#")[0]
        if not self.allows(url):
            raise LearnError("pages of this site are not read on request; see: serve --learn")
        with self._one:
            known = find(bot, url)
            if known:
                return known
            self._refuse_again(url)
            try:
                return self._index(bot, url)
            except LearnError as error:
                self._failed[url] = (time.monotonic(), error)
                raise

    def _refuse_again(self, url: str) -> None:
        now = time.monotonic()
        self._failed = {
            each: kept for each, kept in self._failed.items() if now - kept[0] < AGAIN_AFTER
        }
        if url in self._failed:
            raise self._failed[url][1]
        if self._count >= MAX_PAGES:
            raise LearnError("enough pages were read since the start; the rest has to wait")

    def _index(self, bot: Chatbot, url: str) -> Entry:
        self._count += 1
        try:
            draft = read_html(fetch(url))
        except UnreadableError as error:
            raise LearnError(f"{url}: {error}") from error
        article = self._article(url, draft)
        known = indexed(bot, article.id)
        if known is None:
            with bot.index.writing():
                build.add(bot.index, article)
            known = indexed(bot, article.id)
        if known is None:
            raise LearnError(f"{url}: no sentences were found in it")
        include(bot, known)
        return known

    def _article(self, url: str, draft: Draft) -> Article:
        # A page speaks for its own origin alone: another's name on it is not believed.
        named = (draft.url or "").split("#")[0]
        name = named if named and origin_of(named) == origin_of(url) else url
        return Article(id=name, title=draft.title or name, text=draft.text, url=name)


def find(bot: Chatbot, url: str) -> Entry | None:
    """The article of an address, whether or not a slash ends it and a fragment follows."""
    plain = url.split("#")[0]
    bare = plain.rstrip("/")
    named = {name: entry for entry in _entries(bot) for name in (entry.url, entry.id) if name}
    names = (url, plain, bare, f"{bare}/")
    return next((named[name] for name in names if name in named), None)


def indexed(bot: Chatbot, name: str) -> Entry | None:
    """The article of this id, in scope or not."""
    return next((e for e in bot.index.catalog.entries() if name in (e.id, e.url)), None)


def include(bot: Chatbot, entry: Entry) -> None:
    """Let an article be asked where only certain sources are served."""
    scope = bot.answerer.scope
    if scope is not None and entry.id not in scope:
        bot.answerer.scope = (*scope, entry.id)
        # The view of what can be asked is kept by the index's version, which may be the same.
        bot.answerer._whole = None


def origin_of(url: str) -> str | None:
    """The origin of an address, None where it has none that a browser would know."""
    with suppress(ValueError, SettingsError):
        parts = urlsplit(url)
        return check_origin(f"{parts.scheme}://{parts.netloc}")
    return None


def fetch(url: str) -> bytes:
    """A page's bytes; LearnError where it is not a page, too large, too slow, or elsewhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), _SameOrigin(),
        urllib.request.HTTPErrorProcessor(), urllib.request.HTTPDefaultErrorHandler(),
    ):  # fmt: skip
        opener.add_handler(handler)
    asked = urllib.request.Request(url, headers={"User-Agent": AGENT, "Accept": "text/html"})
    deadline = time.monotonic() + SECONDS
    try:
        with opener.open(asked, timeout=SECONDS / 3) as reply:
            if reply.headers.get_content_type() not in ACCEPTED:
                raise LearnError(f"{url}: not a page but {reply.headers.get_content_type()}")
            return _body(url, reply, deadline)
    except urllib.error.HTTPError as error:
        raise LearnError(f"{url}: the site answered {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LearnError(f"{url}: could not be fetched") from error


def _body(url: str, reply: IO[bytes], deadline: float) -> bytes:
    data = b""
    while piece := reply.read1(65536):  # type: ignore[attr-defined]
        data += piece
        if len(data) > MAX_PAGE:
            raise LearnError(f"{url}: larger than {MAX_PAGE // 1_000_000} MB")
        if time.monotonic() > deadline:
            raise LearnError(f"{url}: did not arrive within {SECONDS:.0f} seconds")
    return data


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within the origin, such as to a slash at the end."""

    max_redirections = 3

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if origin_of(newurl) != origin_of(req.full_url):
            raise LearnError(f"{req.full_url}: leads to another site")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _entries(bot: Chatbot) -> list[Entry]:
    from chatbot.errors import NothingIndexedError

    with suppress(NothingIndexedError):
        return bot.articles()
    return []
