"""Routes for pages of other sites: what the widget asks first, learning, the demo, the frame."""

from __future__ import annotations

import gzip
import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import AskArticleError, QuestionError
from chatbot.web.api import failure, read_object
from chatbot.web.guards import CHAT
from chatbot.web.learn import Learner, find
from chatbot.web.warmup import Warmup
from chatbot.web.widget import words_for
from index import Article, paragraphs

NO_STORE = {"Cache-Control": "no-store"}
DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self';"
    " font-src 'self'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors 'self'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<title>{title}</title><link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/demo.css">{head}</head>
<body>{body}</body></html>
"""  # noqa: E501
STANDFIRST = 320


def make_site(warmup: Warmup, settings: Settings) -> APIRouter:
    """What a site embeds, beside the script and `/api/ask`."""
    router = APIRouter()
    learner = Learner(settings.learn)
    friends = sorted(settings.allow_origin)

    @router.get("/api/about")
    async def about(request: Request, article: str = "", lang: str | None = None) -> Response:
        """Whether an article can be asked, and questions to start from."""
        try:
            told = await anyio.to_thread.run_sync(lambda: _about(warmup.bot(), learner, article))
        except Exception as error:
            return failure(error)
        strings = {"strings": words_for(lang)} if lang else {}
        reply = JSONResponse({**told, **strings}, headers={**NO_STORE, "Vary": "Accept-Encoding"})
        return _zipped(reply) if "gzip" in request.headers.get("accept-encoding", "") else reply

    @router.post("/api/learn")
    async def learn(request: Request) -> Response:
        """Fetch and index a page of a site that allows it."""
        try:
            url = (await read_object(request)).get("article")
            if not isinstance(url, str):
                raise QuestionError('expected {"article": URL}')

            def learned() -> dict[str, Any]:
                bot = warmup.bot()
                return _about(bot, learner, learner.learn(bot, url).id)

            return JSONResponse(await anyio.to_thread.run_sync(learned), headers=NO_STORE)
        except Exception as error:
            return failure(error)

    @router.get("/embed")
    async def embed(article: str = "") -> Response:
        """The chat as a page for an iframe, for sites that allow no script."""
        try:
            # Until the articles are open the chat page waits by itself.
            entry = find(warmup.bot(), article) if article and warmup.ready else None
        except AskArticleError as error:
            return _note(str(error), 503, friends)
        if article and warmup.ready and entry is None:
            return _note("This page is not indexed yet.", 404, friends)
        query = urlencode({"article": entry.id if entry else article, "embed": "1"})
        return RedirectResponse(f"{CHAT}/?{query}", 307)

    @router.get("/demo")
    async def demo(article: str = "") -> Response:
        """An article set as a newspaper page, with the widget on it."""
        try:
            shown = await anyio.to_thread.run_sync(lambda: _demo(warmup.bot(), article))
        except AskArticleError as error:
            return _note(str(error), 503)
        return shown

    return router


def _zipped(reply: Response) -> Response:
    body = gzip.compress(bytes(reply.body), 9, mtime=0)
    reply.headers["Content-Encoding"] = "gzip"
    headers = {name: value for name, value in reply.headers.items() if name != "content-length"}
    return Response(body, reply.status_code, headers)


def _about(bot: Chatbot, learner: Learner, article: str) -> dict[str, Any]:
    entry = find(bot, article)
    if entry is None:
        return {"known": False, "learnable": learner.allows(article)}
    return {
        "known": True,
        "id": entry.id,
        "title": entry.title,
        "starters": list(bot.starters(entry.id)),
    }


def _demo(bot: Chatbot, name: str) -> Response:
    entries = bot.articles()
    # Articles of files come before pages that were read on request.
    own = next((each for each in entries if each.source), entries[0])
    entry = (find(bot, name) if name else None) or own
    article = bot.article(entry.id)
    attributes = f'data-article="{html.escape(article.id)}" data-selector="article"'
    script = f'<script async src="/widget.js" {attributes}></script>'
    return _page(article.title, "".join(_newspaper(article)), 200, script)


def _newspaper(article: Article) -> Sequence[str]:
    """The article as a page of a newspaper: masthead, headline, standfirst, columns."""
    parts = ['<header class="masthead"><p>The Demonstrator</p></header><main><article>']
    parts.append(f"<h1>{html.escape(article.title)}</h1>")
    for place, paragraph in enumerate(paragraphs(article.text)):
        words = article.text[paragraph.start : paragraph.end]
        if place == 0 and words == article.title:
            continue
        tag = "h2" if paragraph.heading else "p"
        first = place == 0 and len(words) < STANDFIRST and not paragraph.heading
        style = ' class="standfirst"' if first else ""
        parts.append(f"<{tag}{style}>{html.escape(words)}</{tag}>")
    parts.append("</article></main><footer><p>Ask this article: the button is below.</p></footer>")
    return parts


def _note(words: str, status: int, friends: Sequence[str] = ()) -> HTMLResponse:
    """A page that says why there is no chat; those who may frame the chat see it in their frame."""
    body = f'<p class="note">{html.escape(words)}</p>'
    return _page("Ask this article", body, status, friends=friends)


def _page(
    title: str, body: str, status: int, head: str = "", friends: Sequence[str] = ()
) -> HTMLResponse:
    text = PAGE.format(title=html.escape(title), body=body, head=head)
    policy = " ".join([DEMO_POLICY, *friends])
    return HTMLResponse(text, status, {**NO_STORE, "Content-Security-Policy": policy})
