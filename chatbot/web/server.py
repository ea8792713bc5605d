"""The server: what is mounted where, and how it starts.

The port answers at once; the articles and the chat page are opened in the background, since
importing Gradio alone takes seconds. Until then /healthz is up, /readyz is not, and a question
waits for its answer.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from chatbot.bot import DEFAULT_SOURCE, Chatbot
from chatbot.config import Settings
from chatbot.errors import (
    NOTHING_TO_ASK,
    AddressError,
    AskArticleError,
    NothingIndexedError,
)
from chatbot.web.api import MAX_BODY, make_api
from chatbot.web.completions import make_completions
from chatbot.web.guards import CHAT, Guard
from chatbot.web.problems import problem
from chatbot.web.site import make_site
from chatbot.web.warmup import Warmup, settle
from chatbot.web.widget import make_widget
from index import Index
from index.build import Progress

STATIC = Path(__file__).parent / "static"
GRACE = 3
"""Seconds that an open tab may hold up the end."""

log = logging.getLogger("ask_article")
Say = Callable[[str], None]

WAITING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Ask this article</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="1"><link rel="stylesheet" href="/static/page.css">
<body class="waiting"><p role="status">One moment: the article is being read …</p></html>"""


class _Chat:
    """The Gradio page once it is built, and a page that waits for it until then."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is not None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].rstrip("/") == CHAT:
            await HTMLResponse(WAITING)(scope, receive, send)
        else:
            await problem(404, "Not found", "there is nothing here")(scope, receive, send)


def create_app(warmup: Warmup, settings: Settings) -> FastAPI:
    """The whole web application; opening the chatbot and the page starts with its lifespan."""
    chat = _Chat()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warmup.start()
        async with AsyncExitStack() as stack:
            mounting = asyncio.create_task(_mount(chat, warmup, settings, stack))
            yield
            mounting.cancel()
        warmup.close()

    app = FastAPI(title="ask-article", lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_cors(app, settings)
    app.add_middleware(Guard, origins=settings.allow_origin, max_body=MAX_BODY)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process is up."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        """Whether a question is answered and the page shown without waiting."""
        if warmup.ready and chat.app is not None:
            return JSONResponse({"status": "ready"})
        waiting = "the articles" if not warmup.ready else "the chat page"
        return problem(503, "Not ready yet", f"{waiting} are being opened", state="warming")

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse(f"{CHAT}/", 307)

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    @app.get("/manifest.json", include_in_schema=False)
    async def manifest() -> Response:
        icons = [{"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}]
        return JSONResponse({"name": "Ask this article", "start_url": f"{CHAT}/", "icons": icons})

    app.include_router(make_api(warmup))
    app.include_router(make_completions(warmup))
    app.include_router(make_site(warmup, settings))
    app.include_router(make_widget())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.router.routes.append(Mount("", app=chat))
    return app


def _add_cors(app: FastAPI, settings: Settings) -> None:
    # Gradio reflects any origin, with credentials, unless the app it is mounted in has exactly
    # this class.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.allow_origin),
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Accept"],
        expose_headers=["Retry-After"],
        max_age=600,
    )


async def _mount(chat: _Chat, warmup: Warmup, settings: Settings, stack: AsyncExitStack) -> None:
    """Build the page in a thread, start its queue, then let requests through to it."""
    try:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        _add_cors(app, settings)

        def build() -> None:
            from chatbot.web.page import mount_page

            mount_page(app, warmup, CHAT)
            settle()

        await asyncio.to_thread(build)
        await stack.enter_async_context(app.router.lifespan_context(app))
        chat.app = app
    except Exception:  # an edge: the API works without the page
        log.exception("the chat page could not be built")


def run(settings: Settings, sources: Sequence[Path], progress: Progress | None, say: Say) -> int:
    """Serve until stopped; returns the exit code.

    What would fail later is checked first: the port, and the index's stamp.
    """
    import uvicorn

    listener = _listen(settings)
    index = Index.open(settings.index, settings.embedder)
    index.check()
    if not sources and not DEFAULT_SOURCE.is_dir() and not index.catalog.entries():
        raise NothingIndexedError(NOTHING_TO_ASK)
    index.close()

    def opener() -> Chatbot:
        bot = Chatbot.open(sources, settings=settings, progress=progress)
        for each in bot.report.problems:
            say(str(each))
        if bot.locked:
            say(f"{bot.locked} Answering from what is indexed.")
        bot.articles()
        # Imported here, in the background, rather than at the first question.
        _ = bot.chain
        return bot

    def announce() -> None:
        if warmup.error is not None:
            server.should_exit = True
            return
        count = len(warmup.bot().articles())
        say(f"Ready: {count} article{'s' * (count != 1)} at {address}  (Ctrl-C stops)")

    warmup = Warmup(opener, announce)
    app = create_app(warmup, settings)
    config: dict[str, Any] = {"log_level": "warning", "timeout_graceful_shutdown": GRACE}
    server = uvicorn.Server(uvicorn.Config(app, **config))

    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(f"Starting {address}")
    # Ctrl-C is how a server is stopped, and no failure.
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if isinstance(warmup.error, AskArticleError):
        raise warmup.error
    if warmup.error is not None:
        log.error("the articles could not be opened", exc_info=warmup.error)
        return 1
    return 0


def _listen(settings: Settings) -> socket.socket:
    """A socket on the settings' address; AddressError where that cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise AddressError(
            f"cannot listen on {settings.host}:{settings.port} ({reason});"
            f" choose another port, such as --port {settings.port + 1}"
        ) from error
    return listener
