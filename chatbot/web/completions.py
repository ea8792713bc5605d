"""OpenAI's chat completions, so that any client of theirs can ask an article.

`model` is `ask-article`, or `ask-article:ID` for one article; citations come as annotations, each
at its number in the text. What a client sends as instructions is not followed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from chatbot import answers
from chatbot.answers import Answer, Citation, conversation_of
from chatbot.bot import Chatbot
from chatbot.errors import QuestionError
from chatbot.web.api import STREAM_HEADERS, Piece, answer_of, read_object, streamed, told_of
from chatbot.web.guards import CHAT
from chatbot.web.warmup import Warmup

NAME = "ask-article"
CHARACTERS_A_TOKEN = 4


def make_completions(warmup: Warmup) -> APIRouter:
    """The routes below /v1."""
    router = APIRouter(prefix="/v1")

    @router.post("/chat/completions")
    async def completions(request: Request) -> Response:
        """Answer the last message of a conversation."""
        try:
            data = await read_object(request)
            asked = _request(data)
            form = Completion(asked, str(data.get("model") or NAME), str(request.base_url))
            if data.get("stream") is True:
                options = data.get("stream_options")
                form.with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
                body = streamed(warmup, asked, form)
                return StreamingResponse(
                    body, media_type="text/event-stream", headers=STREAM_HEADERS
                )
            answer = await anyio.to_thread.run_sync(answer_of, warmup, asked)
        except Exception as error:
            return _failure(error)
        return JSONResponse(form.whole(answer), headers={"Cache-Control": "no-store"})

    @router.get("/models")
    async def models() -> Response:
        """The names that `model` may have."""
        try:
            names = await anyio.to_thread.run_sync(lambda: _names(warmup.bot()))
        except Exception as error:
            return _failure(error)
        shape = {"object": "model", "created": 0, "owned_by": NAME}
        return JSONResponse({"object": "list", "data": [{"id": each} | shape for each in names]})

    return router


class Completion:
    """An answer in OpenAI's shapes, whole or in chunks."""

    def __init__(self, asked: answers.Request, model: str, base: str) -> None:
        self.asked, self.model, self.base = asked, model, base
        self.with_usage = False
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._begun = False

    def whole(self, answer: Answer) -> dict[str, Any]:
        """A `chat.completion`; the answer's own JSON is in `ask_article`."""
        message = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "annotations": self._annotations(answer),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._shape("chat.completion", [choice]) | {
            "usage": self._usage(answer.text),
            "ask_article": answer.to_json(),
        }

    def piece(self, piece: Piece) -> Iterator[str]:
        """A sentence, or the end, as chunks of a stream."""
        if isinstance(piece, Answer):
            end = {"annotations": self._annotations(piece)}
            yield self._chunk(end, "stop", ask_article=piece.to_json())
            if self.with_usage:
                usage = self._usage(piece.text)
                yield _data(self._shape("chat.completion.chunk", []) | {"usage": usage})
            yield "data: [DONE]\n\n"
            return
        begun, self._begun = self._begun, True
        if not begun:
            yield self._chunk({"role": "assistant", "content": ""})
        lead = f"{piece.phrase} — " if piece.phrase and not begun else " " * begun
        marks = "".join(f" [{citation.number}]" for citation in piece.citations)
        yield self._chunk({"content": f"{lead}{piece.text}{marks}"})

    def failed(self, state: str, message: str, request_id: str) -> str:
        """An error in the midst of a stream."""
        return _data({"error": _error(message, "server_error", state, request_id)})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _data(self._shape("chat.completion.chunk", [choice]) | more)

    def _shape(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"id": self._id, "object": kind, "created": self._created, "model": self.model}
        return head | {"choices": choices}

    def _annotations(self, answer: Answer) -> list[dict[str, Any]]:
        found = []
        place = 0
        for sentence in answer.sentences:
            for citation in sentence.citations:
                mark = f"[{citation.number}]"
                place = answer.text.index(mark, place)
                found.append(self._annotation(citation, place, place + len(mark)))
                place += len(mark)
        return found

    def _annotation(self, citation: Citation, start: int, end: int) -> dict[str, Any]:
        here = f"{self.base.rstrip('/')}{CHAT}/?article={quote(citation.article, safe='')}"
        cited = {"url": citation.url or here, "title": citation.title}
        cited |= {"start_index": start, "end_index": end}  # type: ignore[dict-item]
        source = {"start": citation.start, "end": citation.end, "quote": citation.quote}
        return {
            "type": "url_citation",
            "url_citation": cited | {"article": citation.article} | source,
        }

    def _usage(self, text: str) -> dict[str, int]:
        """About how many tokens: without a language model none are counted."""
        asked = len(self.asked.question) // CHARACTERS_A_TOKEN + 1
        said = len(text) // CHARACTERS_A_TOKEN + 1
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _request(data: dict[str, Any]) -> answers.Request:
    messages, model, article = data.get("messages"), data.get("model"), data.get("article")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise QuestionError('"messages" must be a list of {"role": …, "content": …}')
    if model is not None and not isinstance(model, str):
        raise QuestionError('"model" must be a text such as "ask-article"')
    if article is None and model and model.startswith(f"{NAME}:"):
        article = model.removeprefix(f"{NAME}:")
    if article is not None and not isinstance(article, str):
        raise QuestionError('"article" must be an id or a URL')
    return conversation_of([(str(each.get("role")), _text(each)) for each in messages], article)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [each.get("text") for each in content if isinstance(each, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _names(bot: Chatbot) -> list[str]:
    return [NAME, *(f"{NAME}:{entry.id}" for entry in bot.articles())]


def _failure(error: Exception) -> Response:
    """An error in OpenAI's shape, which is what its clients turn into exceptions."""
    status, state, message, request_id = told_of(error)
    kind = "invalid_request_error" if status < 500 else "server_error"
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "5"} if status == 503 else {})
    return JSONResponse({"error": _error(message, kind, state, request_id)}, status, headers)


def _error(message: str, kind: str, code: str, request_id: str) -> dict[str, Any]:
    return {
        "message": message,
        "type": kind,
        "param": None,
        "code": code,
        "request_id": request_id,
    }


def _data(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
