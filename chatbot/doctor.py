"""What keeps the widget from working on a page, found from outside, and what to change."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

from chatbot import csp
from chatbot.web.learn import origin_of

SECONDS = 20.0
SPREAD = 0.02
"""Seconds between the first and the last piece of an answer that was not held back."""
_JAVASCRIPT = ("text/javascript", "application/javascript")
_ASKED = ("/api/about", "/api/ask", "/api/learn", "/api/feedback")
"""What the widget asks of the server."""
_SHARED = "Access-Control-Allow-Origin"
_DIGESTS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it stands, and what to change."""

    state: Literal["ok", "hint", "bad"]
    what: str
    change: str = ""


@dataclass(slots=True)
class Reply:
    """An answer of a server, whatever its status; `times` tell when its pieces came."""

    status: int
    headers: Message
    body: bytes
    url: str
    times: list[float] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The body as an object, an empty one where it is none."""
        try:
            data = json.loads(self.body)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


class _Stop(Exception):
    """Nothing more can be looked at."""


class _Page(HTMLParser):
    """What of a page matters here: its scripts, its canonical link, its policies."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.url = reply.url
        self.base = ""
        self.script: dict[str, str] | None = None
        self.canonical = ""
        self.policies: list[str] = []
        self.elements: list[dict[str, str]] = []
        self.feed(reply.body.decode("utf-8", "replace"))
        headers = reply.headers.get_all("Content-Security-Policy") or []
        # Several policies may come in one header; all of them hold.
        self.sent = [each for header in headers for each in header.split(",")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the few elements that count."""
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and urlsplit(given.get("src", "")).path.endswith("/widget.js"):
            self.script = self.script or given
        elif tag == "ask-article":
            self.elements.append(given)
        elif tag == "base":
            self.base = self.base or given.get("href", "")
        elif tag == "link" and "canonical" in given.get("rel", "").lower().split():
            self.canonical = self.canonical or given.get("href", "")
        elif tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies += given.get("content", "").split(",")

    @property
    def options(self) -> dict[str, str]:
        """The attributes of its `<ask-article>`, or those that the script will give to one."""
        if self.elements:
            return self.elements[0]
        given = self.script or {}
        return {name[5:]: value for name, value in given.items() if name.startswith("data-")}

    def address(self, value: str) -> str:
        """An address on the page, whole; empty where it is none of the web."""
        found = urljoin(urljoin(self.url, self.base), value).split("#")[0]
        return found if urlsplit(found).scheme in ("http", "https") else ""

    @property
    def article(self) -> str:
        """What the widget takes the page's article to be."""
        if named := self.options.get("article"):
            return named
        if canonical := self.address(self.canonical) if self.canonical else "":
            return canonical
        own = urlsplit(self.url)
        below = own.path + (f"?{own.query}" if own.query else "")
        site = self.address(self.options["site"]) if self.options.get("site") else self.url
        return urljoin(site or self.url, below)


def examine(url: str, api: str | None = None) -> Iterator[Finding]:
    """Look at a page as a browser would, one finding after the other."""
    try:
        reply = _ask(url)
        yield from _reachable(url, reply)
        page = _Page(reply)
        if api:
            server, source = api.rstrip("/"), f"{api.rstrip('/')}/widget.js"
        else:
            server, source = yield from _server(page)
        origin = origin_of(page.url) or ""
        yield from _mixed(page.url, source if source.startswith("http:") else server)
        script = yield from _script(source)
        yield from _policy(page, server, source)
        yield from _integrity(page, script, source)
        foreign = origin if origin_of(server) != origin else None
        if foreign:
            yield from _preflight(server, foreign)
        yield from _article(page, server, foreign)
        yield from _stream(server, foreign)
    except _Stop:
        return


def _reachable(url: str, reply: Reply) -> Iterator[Finding]:
    if reply.status == 0:
        yield Finding("bad", f"{url} cannot be reached", reply.body.decode())
        raise _Stop
    if reply.status >= 400:
        yield Finding("bad", f"{url} answers {reply.status}", "give the address of a page")
        raise _Stop
    kind = reply.headers.get_content_type()
    if kind not in ("text/html", "application/xhtml+xml"):
        yield Finding("bad", f"{url} is {kind}", "send the page as text/html")
        raise _Stop
    yield Finding("ok", f"the page is there ({reply.status}, {kind})")


def _server(page: _Page) -> Generator[Finding, None, tuple[str, str]]:
    if page.script is None:
        tag = '<script async src="https://HOST/widget.js"></script>'
        yield Finding("bad", "the page has no script …/widget.js", f"add {tag}, or name --api")
        raise _Stop
    source = page.address(page.script.get("src", ""))
    yield Finding("ok", f"the page loads {source}")
    named = page.options.get("api", "")
    return (page.address(named) if named else urljoin(source, ".")).rstrip("/"), source


def _mixed(url: str, server: str) -> Iterator[Finding]:
    local = urlsplit(server).hostname in ("localhost", "127.0.0.1", "::1")
    if url.startswith("https:") and server.startswith("http:") and not local:
        change = "serve it over https; browsers block http within an https page"
        yield Finding("bad", f"mixed content: {server} in a page over https", change)
    else:
        yield Finding("ok", "no mixed content")


def _script(source: str) -> Generator[Finding, None, bytes]:
    reply = _ask(source)
    if reply.status != 200:
        how = reply.body.decode("utf-8", "replace")[:100] if not reply.status else reply.status
        yield Finding("bad", f"{source}: {how}", "start the server, or check its address")
        raise _Stop
    kind = reply.headers.get_content_type()
    if kind in _JAVASCRIPT:
        yield Finding("ok", f"the script is {kind}")
    else:
        change = "let the proxy pass the Content-Type text/javascript; browsers refuse others"
        yield Finding("bad", f"the script comes as {kind}", change)
    return reply.body


def _policy(page: _Page, server: str, source: str) -> Iterator[Finding]:
    sent = [csp.rules(each) for each in page.sent]
    policies = [*sent, *(csp.rules(each) for each in page.policies)]
    wanted: list[str] = []
    for policy in policies:
        if not csp.runs(policy, page.script, source, page.url):
            nonce = "give the script's tag the nonce of the policy"
            address = f"add script-src {origin_of(source)}"
            wanted.append(nonce if csp.wants_nonce(policy) else address)
        if not all(csp.reaches(policy, server + each, page.url) for each in _ASKED):
            wanted.append(f"add connect-src {origin_of(server)}")
    # In an element of the page's own a sandbox means nothing.
    for policy in sent:
        if needed := csp.missing_in_sandbox(policy):
            wanted.append(f"add to its sandbox {' '.join(needed)}")
    if not any(policies):
        yield Finding("ok", "the page has no Content-Security-Policy, so it blocks nothing")
    elif wanted:
        change = "; ".join(dict.fromkeys(wanted))
        yield Finding("bad", "the page's Content-Security-Policy blocks the widget", change)
    else:
        yield Finding("ok", "the page's Content-Security-Policy lets the widget work")


def _integrity(page: _Page, script: bytes, source: str) -> Iterator[Finding]:
    tag = page.script or {}
    digests = tag.get("integrity", "").split()
    if not digests:
        return
    # Browsers look at the strongest kind alone.
    kind = max(each.partition("-")[0] for each in digests)
    change = "take integrity off the tag; it changes with every version"
    if kind in _DIGESTS and f"{kind}-{_digest(kind, script)}" not in digests:
        yield Finding("bad", "the script is not the one that its tag's integrity names", change)
    elif "crossorigin" not in tag and origin_of(source) != origin_of(page.url):
        yield Finding("bad", "the script's tag has integrity and no crossorigin", change)
    else:
        yield Finding("ok", "the script is the one that its tag's integrity names")


def _digest(name: str, data: bytes) -> str:
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


def _preflight(server: str, origin: str) -> Iterator[Finding]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    reply = _ask(f"{server}/api/ask", "OPTIONS", asked)
    if reply.status >= 300 or reply.headers.get(_SHARED) not in (origin, "*"):
        change = f"start it with: serve --allow-origin {origin}"
        yield Finding("bad", f"the server does not let pages of {origin} ask", change)
        raise _Stop
    headers = reply.headers.get("Access-Control-Allow-Headers", "").lower()
    if "content-type" not in headers and headers.strip() != "*":
        change = "let the proxy leave OPTIONS to the server"
        yield Finding("bad", "the preflight does not allow the header Content-Type", change)
        raise _Stop
    yield Finding("ok", f"the server lets pages of {origin} ask")


def _shared(what: str, reply: Reply, origin: str | None) -> Iterator[Finding]:
    """A browser lets a page read only what is marked as its own to read."""
    if origin and reply.status and reply.headers.get(_SHARED) not in (origin, "*"):
        change = f"let the proxy pass {_SHARED} with every answer, not with OPTIONS alone"
        yield Finding("bad", f"the answer to {what} has no {_SHARED}", change)
        raise _Stop


def _article(page: _Page, server: str, origin: str | None) -> Iterator[Finding]:
    article = page.article
    if not page.options.get("article") and not page.canonical:
        change = 'add <link rel="canonical" href="…">, or data-article to the script'
        yield Finding("hint", f"the page has no canonical link; {article} is used", change)
    headers = {"Origin": origin} if origin else {}
    reply = _ask(f"{server}/api/about?article={quote(article, safe='')}", headers=headers)
    yield from _shared("GET", reply, origin)
    about = reply.json()
    if about.get("known"):
        yield Finding("ok", f"{article} is indexed ({about.get('title')})")
    elif about.get("learnable"):
        yield Finding("hint", f"{article} is not indexed yet; a reader can have it read")
    else:
        change = f"index it, or start the server with: --learn {origin_of(article) or 'ORIGIN'}"
        yield Finding("bad", f"{article} is not indexed", change)


def _stream(server: str, origin: str | None) -> Iterator[Finding]:
    body = json.dumps({"question": "Summarise the article", "stream": True}).encode()
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    reply = _ask(
        f"{server}/api/ask", "POST", headers | ({"Origin": origin} if origin else {}), body
    )
    yield from _shared("POST", reply, origin)
    kind = reply.headers.get_content_type()
    if reply.status != 200 or kind != "text/event-stream" or b"event: answer" not in reply.body:
        detail = reply.json().get("detail") or kind
        yield Finding("bad", f"no answer came ({reply.status}, {detail})", "see the server's log")
    elif reply.headers.get("Content-Encoding"):
        change = "switch compression off for text/event-stream in the proxy"
        yield Finding("bad", "answers are compressed, which holds them back", change)
    elif len(reply.times) < 2 and reply.headers.get("Content-Length"):
        change = "switch buffering off for /api/ask in the proxy"
        yield Finding("bad", "answers come in one piece", change)
    elif len(reply.times) < 2:
        change = "if a proxy stands between, switch its buffering off for /api/ask"
        yield Finding("hint", "the answer came in one piece; it may be short, or held back", change)
    else:
        spread = reply.times[-1] - reply.times[0]
        yield Finding("ok", f"answers come piece by piece ({len(reply.times)} in {spread:.3f} s)")


def _ask(
    url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """A request whose failure is an answer too: status 0, and the reason as its body."""
    try:
        request = urllib.request.Request(url, body, headers or {}, method=method)
        request.add_header("User-Agent", "ask-article doctor")
        try:
            opened = urllib.request.urlopen(request, timeout=SECONDS)
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read(), url)
        with opened as reply:
            pieces: list[bytes] = []
            times: list[float] = []
            while piece := reply.read1(65536):
                pieces.append(piece)
                times.append(time.monotonic())
            return Reply(reply.status, reply.headers, b"".join(pieces), reply.url, times)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Reply(0, Message(), str(reason).encode(), url)
