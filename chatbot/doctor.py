"""What keeps the widget from working on a page, found from outside, and what to change."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

from chatbot.web.learn import origin_of

SECONDS = 20.0
SPREAD = 0.02
"""Seconds between the first and the last piece of an answer that was not held back."""
_JAVASCRIPT = ("text/javascript", "application/javascript")


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

    def __init__(self, text: str) -> None:
        super().__init__()
        self.widget: dict[str, str] | None = None
        self.canonical = ""
        self.policies: list[str] = []
        self.elements: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the few elements that count."""
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and urlsplit(given.get("src", "")).path.endswith("/widget.js"):
            self.widget = self.widget or given
        elif tag == "ask-article":
            self.elements.append(given)
        elif tag == "link" and "canonical" in given.get("rel", "").lower().split():
            self.canonical = self.canonical or given.get("href", "")
        elif tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))


def examine(url: str, api: str | None = None) -> Iterator[Finding]:
    """Look at a page as a browser would, one finding after the other."""
    try:
        reply = _ask(url)
        yield from _reachable(url, reply)
        page = _Page(reply.body.decode("utf-8", "replace"))
        server = api.rstrip("/") if api else ""
        if not server:
            server = yield from _server(page, reply)
        origin = origin_of(reply.url) or ""
        yield from _mixed(reply.url, server)
        yield from _script(server)
        yield from _policy(page, reply, server)
        foreign = origin_of(server) != origin
        if foreign:
            yield from _preflight(server, origin)
        yield from _article(page, reply, server, origin if foreign else None)
        yield from _stream(server, origin if foreign else None)
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


def _server(page: _Page, reply: Reply) -> Generator[Finding, None, str]:
    if page.widget is None:
        tag = '<script async src="https://HOST/widget.js"></script>'
        yield Finding("bad", "the page has no script …/widget.js", f"add {tag}, or name --api")
        raise _Stop
    source = urljoin(reply.url, page.widget.get("src", ""))
    yield Finding("ok", f"the page loads {source}")
    own = [page.widget.get("data-api", ""), *(each.get("api", "") for each in page.elements)]
    named = next((each for each in own if each), "")
    return (urljoin(reply.url, named) if named else urljoin(source, ".")).rstrip("/")


def _mixed(url: str, server: str) -> Iterator[Finding]:
    local = urlsplit(server).hostname in ("localhost", "127.0.0.1", "::1")
    if url.startswith("https:") and server.startswith("http:") and not local:
        change = "serve it over https; browsers block http within an https page"
        yield Finding("bad", f"mixed content: {server} in a page over https", change)
    else:
        yield Finding("ok", "no mixed content")


def _script(server: str) -> Iterator[Finding]:
    reply = _ask(f"{server}/widget.js")
    if reply.status != 200:
        how = reply.body.decode("utf-8", "replace")[:100] if not reply.status else reply.status
        yield Finding("bad", f"{server}/widget.js: {how}", "start the server, or check its address")
        raise _Stop
    kind = reply.headers.get_content_type()
    if kind in _JAVASCRIPT:
        yield Finding("ok", f"the script is {kind}")
    else:
        change = "let the proxy pass the Content-Type text/javascript; browsers refuse others"
        yield Finding("bad", f"the script comes as {kind}", change)


def _policy(page: _Page, reply: Reply, server: str) -> Iterator[Finding]:
    policies = [*(reply.headers.get_all("Content-Security-Policy") or []), *page.policies]
    missing = [
        name
        for policy in policies
        for name in ("script-src", "connect-src")
        if not _allows(policy, name, server, origin_of(reply.url) or "")
    ]
    if not policies:
        yield Finding("ok", "the page has no Content-Security-Policy, so it blocks nothing")
    elif missing:
        wanted = "; ".join(f"{name} {origin_of(server)}" for name in dict.fromkeys(missing))
        yield Finding(
            "bad", "the page's Content-Security-Policy blocks the widget", f"add {wanted}"
        )
    else:
        yield Finding("ok", "the page's Content-Security-Policy lets the widget work")


def _allows(policy: str, name: str, server: str, page: str) -> bool:
    rules = {words[0].lower(): words[1:] for part in policy.split(";") if (words := part.split())}
    names = ["script-src-elem", name] if name == "script-src" else [name]
    listed = next((rules[each] for each in [*names, "default-src"] if each in rules), None)
    if listed is None:
        return True
    # A nonce or hash may be the tag's own, which a browser would have to tell.
    if name == "script-src" and any(each.startswith(("'nonce-", "'sha")) for each in listed):
        return True
    return any(_matches(each, server, page) for each in listed)


def _matches(source: str, server: str, page: str) -> bool:
    parts = urlsplit(server)
    if source == "'self'":
        return origin_of(server) == page
    if source in ("*", f"{parts.scheme}:", f"{server}/widget.js"):
        return True
    pattern = source if "//" in source else f"{parts.scheme}://{source}"
    wild = re.escape(pattern.rstrip("/")).replace(r"\*", r"[^/]+")
    address = f"{parts.scheme}://{parts.netloc}"
    return bool(re.fullmatch(wild, address, re.IGNORECASE))


def _preflight(server: str, origin: str) -> Iterator[Finding]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    reply = _ask(f"{server}/api/ask", "OPTIONS", asked)
    allowed = reply.headers.get("Access-Control-Allow-Origin")
    if reply.status < 300 and allowed in (origin, "*"):
        yield Finding("ok", f"the server lets pages of {origin} ask")
    else:
        change = f"start it with: serve --allow-origin {origin}"
        yield Finding("bad", f"the server does not let pages of {origin} ask", change)
        raise _Stop


def _article(page: _Page, reply: Reply, server: str, origin: str | None) -> Iterator[Finding]:
    given = [(page.widget or {}).get("data-article", "")]
    given += [each.get("article", "") for each in page.elements]
    named = next((each for each in given if each), "")
    canonical = urljoin(reply.url, page.canonical) if page.canonical else reply.url
    article = named or canonical.split("#")[0]
    if not named and not page.canonical:
        change = 'add <link rel="canonical" href="…">, or data-article to the script'
        yield Finding("hint", "the page has no canonical link; its own address is used", change)
    headers = {"Origin": origin} if origin else {}
    about = _ask(f"{server}/api/about?article={quote(article, safe='')}", headers=headers).json()
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
