"""The API: /api/ask and what a page needs beside it. It holds no state between requests."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from chatbot import answers
from chatbot.answers import Answer, CitedSentence, make_request, read_history
from chatbot.bot import Chatbot
from chatbot.errors import AskArticleError, QuestionError
from chatbot.web.problems import new_request_id, problem, problem_of, state_of, status_of
from chatbot.web.warmup import Warmup
from index import paragraphs

HEARTBEAT = 10.0
MAX_BODY = 256 * 1024
STREAM_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
FEEDBACK = "feedback.jsonl"

log = logging.getLogger("ask_article")
Piece = CitedSentence | Answer


def make_api(warmup: Warmup) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api")

    @router.post("/ask")
    async def ask(request: Request) -> Response:
        """Answer a question, whole or as server-sent events."""
        try:
            asked, stream = await _read(request)
            if stream:
                body = streamed(warmup, asked, Events())
                return StreamingResponse(
                    body, media_type="text/event-stream", headers=STREAM_HEADERS
                )
            answer = await anyio.to_thread.run_sync(answer_of, warmup, asked)
        except Exception as error:
            return failure(error)
        return JSONResponse(answer.to_json(), headers={"Cache-Control": "no-store"})

    @router.get("/articles")
    async def articles() -> Response:
        """The articles that can be asked."""
        return await _told(warmup, _articles)

    @router.get("/article")
    async def article(id: str | None = None) -> Response:
        """One article with its text, paragraphs and questions to start from."""
        return await _told(warmup, lambda bot: article_page(bot, id))

    @router.post("/feedback")
    async def feedback(request: Request) -> Response:
        """Keep a reader's thumb, up or down, beside the index."""
        try:
            data = await read_object(request)
            helpful, question = data.get("helpful"), data.get("question")
            if not isinstance(helpful, bool) or not isinstance(question, str):
                raise QuestionError('expected {"question": text, "helpful": true or false}')
            bot = await anyio.to_thread.run_sync(warmup.bot)
            await anyio.to_thread.run_sync(keep_feedback, bot, question, helpful)
        except Exception as error:
            return failure(error)
        return Response(status_code=204)

    return router


def article_page(bot: Chatbot, article_id: str | None) -> dict[str, Any]:
    """What the chat page shows of an article; without an id, of the first."""
    entry = bot.answerer.entries(article_id)[0]
    article = bot.article(entry.id)
    return {
        "id": article.id,
        "reference": article_reference(article.id),
        "title": article.title,
        "url": article.url,
        "text": article.text,
        "paragraphs": [[p.start, p.end, p.heading] for p in paragraphs(article.text)],
        "starters": list(bot.starters(article.id)),
    }


def keep_feedback(bot: Chatbot, question: str, helpful: bool) -> None:
    """Append one line to the feedback file; it never leaves this machine."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "question": question[: answers.MAX_QUESTION],
        "helpful": helpful,
    }
    path = Path(bot.index.folder) / FEEDBACK
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def article_reference(article_id: str) -> str:
    """A short name for an article that can stand in a class or a fragment."""
    return hashlib.sha256(article_id.encode("utf-8", "replace")).hexdigest()[:10]


def _articles(bot: Chatbot) -> list[dict[str, Any]]:
    return [
        {"id": e.id, "reference": article_reference(e.id), "title": e.title, "url": e.url}
        for e in bot.articles()
    ]


async def _told(warmup: Warmup, question: Any) -> Response:
    """A question about the articles, answered as JSON or as a problem."""
    try:
        return JSONResponse(
            await anyio.to_thread.run_sync(lambda: question(warmup.bot())),
            headers={"Cache-Control": "no-store"},
        )
    except Exception as error:
        return failure(error)


def failure(error: Exception) -> Response:
    """An edge: a reader is told what is safe to show, and the log has the rest."""
    if isinstance(error, AskArticleError):
        return problem_of(error)
    status, state, message, request_id = told_of(error)
    title = "The question could not be answered"
    return problem(status, title, message, state=state, request_id=request_id)


def told_of(error: Exception) -> tuple[int, str, str, str]:
    """What a reader may hear of an error: status, state, message, and an id for the log."""
    request_id = new_request_id()
    if isinstance(error, AskArticleError):
        return status_of(error), state_of(error), str(error), request_id
    log.error("request %s failed", request_id, exc_info=error)
    return 500, "model_error", "Something went wrong. Please try again.", request_id


async def read_object(request: Request) -> dict[str, Any]:
    """A request's body as an object; QuestionError where it is none."""
    try:
        data = json.loads(await request.body())
    except (ValueError, UnicodeDecodeError) as error:
        raise QuestionError(f"the body is not JSON ({error})") from error
    if not isinstance(data, dict):
        raise QuestionError('the body must be an object such as {"question": "…"}')
    return data


async def _read(request: Request) -> tuple[answers.Request, bool]:
    data = await read_object(request)
    question, article = data.get("question"), data.get("article")
    if not isinstance(question, str):
        raise QuestionError('"question" must be a text')
    if article is not None and not isinstance(article, str):
        raise QuestionError('"article" must be an id, a URL or null')
    asked = make_request(question, read_history(data.get("history") or []), article)
    wanted = "text/event-stream" in request.headers.get("accept", "")
    return asked, data.get("stream", wanted) is True


def answer_of(warmup: Warmup, asked: answers.Request) -> Answer:
    """The whole answer to a request, once the articles are open."""
    return warmup.bot().chain.invoke(asked)


class Form(Protocol):
    """How the pieces of an answer are written into a stream."""

    def piece(self, piece: Piece) -> Iterable[str]:
        """A sentence or the whole answer as events."""

    def failed(self, state: str, message: str, request_id: str) -> str:
        """A failure as an event."""


class Events:
    """Our own events: `sentence`, then `answer` or `error`."""

    def piece(self, piece: Piece) -> Iterable[str]:
        """One event."""
        return [_event("answer" if isinstance(piece, Answer) else "sentence", piece.to_json())]

    def failed(self, state: str, message: str, request_id: str) -> str:
        """The event `error`."""
        return _event("error", {"state": state, "message": message, "request_id": request_id})


async def streamed(warmup: Warmup, asked: answers.Request, form: Form) -> AsyncIterator[str]:
    """The events of one answer; a comment now and then keeps proxies from hanging up."""
    send, receive = anyio.create_memory_object_stream[str](16)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_produce, warmup, asked, form, send)
        async with receive:
            while True:
                try:
                    with anyio.fail_after(HEARTBEAT):
                        yield await receive.receive()
                except TimeoutError:
                    yield ": still here\n\n"
                except anyio.EndOfStream:
                    break
        # The reader may have gone; what is still being made is of no use.
        tasks.cancel_scope.cancel()


async def _produce(warmup: Warmup, asked: answers.Request, form: Form, send: Any) -> None:
    pieces: _Pieces | None = None
    async with send:
        try:
            if not warmup.ready:
                await send.send(": the articles are still being read\n\n")
            bot = await anyio.to_thread.run_sync(warmup.bot, abandon_on_cancel=True)
            pieces = _Pieces(bot.chain.stream(asked))
            while (piece := await anyio.to_thread.run_sync(pieces.next)) is not None:
                for event in form.piece(piece):
                    await send.send(event)
        except Exception as error:  # an edge: the reader is told, the log has the rest
            _, state, message, request_id = told_of(error)
            await send.send(form.failed(state, message, request_id))
        finally:
            # A reader who has gone needs no more of a language model's words.
            if pieces is not None:
                pieces.close()


class _Pieces:
    """An answer's pieces, which may be given up while a thread waits for the next one."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces = pieces
        self._busy = threading.Lock()
        self._gone = False

    def next(self) -> Piece | None:
        """The next piece; None after the last."""
        with self._busy:
            piece = next(self._pieces, None)
        if self._gone:
            self.close()
        return piece

    def close(self) -> None:
        """Stop what makes them, now or as soon as its thread comes back."""
        self._gone = True
        if self._busy.acquire(blocking=False):
            self._pieces.close()  # type: ignore[attr-defined]
            self._busy.release()


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
