"""What stands between the open web and the app: origins, sizes, headers, Gradio's routes.

All are plain ASGI, so that streams pass through unbuffered. The reasons are in the README's
section on safety; each has its test in `tests/test_guards.py`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.web.problems import problem

CHAT = "/chat"
API = ("/api/", "/v1/")
FRAME = "/embed"
_CHAT_READS = re.compile(
    r"/chat/?|/chat/(?:config|theme\.css|manifest\.json|(?:assets|static|svelte)/[\w./@-]+|"
    r"gradio_api/(?:info|startup-events|queue/data|heartbeat/\w+))"
)
_CHAT_WRITES = re.compile(r"/chat/gradio_api/(?:queue/join|cancel|reset|(?:run|api)/\w+)/?")
_BELIEVED = (b"x-forwarded-host", b"x-forwarded-prefix", b"x-gradio-server")
"""Headers that Gradio builds addresses from and caches, whoever sent them."""
_INLINE_SCRIPT = re.compile(r"<script(?=[\s>])")
_SOCIAL = re.compile(r"\s*<meta\s[^>]*?(?:property|name)=\"(?:og|twitter):[^>]*>")
_BODY = re.compile(r"<body[^>]*>")
SHELL = (Path(__file__).parent / "static" / "shell.html").read_text(encoding="utf-8")
CHAT_HEAD = """
		<meta name="description" content="Ask this article: every sentence cites its source." />
		<link rel="icon" href="/static/icon.svg" type="image/svg+xml" />
		<link rel="stylesheet" href="/static/page.css" />
		<script src="/static/page.js" defer></script>
	</head>"""


class Guard:
    """Everything that a request must pass, and what every response carries."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], max_body: int) -> None:
        self.app = app
        self.origins = frozenset(origins)
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with what must not be believed taken away."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _BELIEVED]
        refusal = self._refusal(scope)
        if refusal:
            await problem(*refusal)(scope, receive, self._with_headers(scope, send))
            return
        await self.app(scope, _limited(receive, self.max_body), self._with_headers(scope, send))

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        path, method = scope["path"], scope["method"]
        headers = Headers(scope=scope)
        changes = method not in ("GET", "HEAD", "OPTIONS")
        if changes or (path.startswith(API) and method != "OPTIONS"):
            origin = headers.get("origin")
            if origin is not None and not self._is_ours(origin, headers.get("host", "")):
                return 403, "Origin not allowed", f"pages of {origin[:200]} may not ask here"
        if changes:
            length = headers.get("content-length", "0")
            if not length.isdigit() or int(length) > self.max_body:
                return 413, "Too large", f"the body may have {self.max_body:,} bytes"
        if path == CHAT or path.startswith(f"{CHAT}/"):
            allowed = _CHAT_WRITES if method == "POST" else _CHAT_READS
            deep = b"deep_link" in scope.get("query_string", b"").lower()
            if method != "OPTIONS" and (deep or ".." in path or not allowed.fullmatch(path)):
                return 404, "Not found", "there is nothing here"
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        if origin in self.origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc == host

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        if scope["path"].rstrip("/") == CHAT and scope["method"] == "GET":
            return _ChatPage(send, self.origins).send
        framed = " ".join(["'self'", *sorted(self.origins)])
        ancestors = framed if scope["path"] == FRAME else "'none'"
        origin = Headers(scope=scope).get("origin", "")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _harden(headers)
                # What is refused before it comes to the app is said to the page that asked, too.
                if origin in self.origins and "access-control-allow-origin" not in headers:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers.add_vary_header("Origin")
                headers.setdefault(
                    "Content-Security-Policy", f"default-src 'none'; frame-ancestors {ancestors}"
                )
            await send(message)

        return sending


class _ChatPage:
    """Gradio's page, with our style and script, a policy, and without its social cards.

    The page is small and sent whole, so it is gathered, changed and sent.
    """

    def __init__(self, send: Send, origins: frozenset[str]) -> None:
        self._send = send
        self._ancestors = " ".join(["'self'", *sorted(origins)])
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body") or self._start is None:
            return
        headers = MutableHeaders(scope=self._start)
        _harden(headers)
        if headers.get("content-type", "").startswith("text/html"):
            nonce = secrets.token_urlsafe(16)
            headers["Content-Security-Policy"] = page_policy(nonce, self._ancestors)
            headers["Cache-Control"] = "no-store"
            self._body = dressed(self._body.decode(), nonce).encode()
            headers["Content-Length"] = str(len(self._body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})


def page_policy(nonce: str, ancestors: str) -> str:
    """The content security policy of the chat page: this host alone, no inline script."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; manifest-src 'self';"
        f" base-uri 'self'; form-action 'self'; frame-ancestors {ancestors}"
    )


def dressed(html: str, nonce: str) -> str:
    """Gradio's page as ours; another page, such as the one that waits for it, as it is."""
    if "<gradio-app" not in html:
        return html
    html = _SOCIAL.sub("", html)
    html = _INLINE_SCRIPT.sub(f'<script nonce="{nonce}"', html)
    html = html.replace("</head>", CHAT_HEAD, 1)
    return _BODY.sub(lambda match: match[0] + SHELL, html, count=1)


def _harden(headers: MutableHeaders) -> None:
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")


def _limited(receive: Receive, limit: int) -> Receive:
    """A body that says no length, or a false one, is cut off at the limit."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            return {"type": "http.disconnect"}
        return message

    return receiving
