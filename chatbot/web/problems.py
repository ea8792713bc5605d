"""Errors of the API as RFC 9457 problem details."""

from __future__ import annotations

import uuid

from fastapi.responses import JSONResponse

from chatbot.errors import (
    ArticleNotFoundError,
    AskArticleError,
    HistoryError,
    LearnError,
    NothingIndexedError,
    QuestionError,
)
from chatbot.web.warmup import NotReadyError

STATUS: dict[type[AskArticleError], tuple[int, str]] = {
    QuestionError: (422, "The question cannot be asked"),
    HistoryError: (422, "The history cannot be read"),
    ArticleNotFoundError: (404, "No such article"),
    LearnError: (422, "The page cannot be read"),
    NothingIndexedError: (503, "Nothing to ask"),
    NotReadyError: (503, "Not ready yet"),
}
"""Error → status and title; what is not here is the server's fault."""


def problem(status: int, title: str, detail: str, **more: object) -> JSONResponse:
    """A problem-details response with an id that the log can be searched for."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    body.setdefault("request_id", new_request_id())
    headers = {"Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = "5"
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def problem_of(error: AskArticleError) -> JSONResponse:
    """The problem that an error is."""
    status, title = STATUS.get(type(error), (500, "The question could not be answered"))
    more = {"state": state_of(error)} if status >= 500 else {}
    return problem(status, title, str(error), **more)


def status_of(error: AskArticleError) -> int:
    """The HTTP status of an error."""
    return STATUS.get(type(error), (500, ""))[0]


def state_of(error: AskArticleError) -> str:
    """The `state` of an error event."""
    return "warming" if isinstance(error, NotReadyError) else "model_error"


def new_request_id() -> str:
    """A short id for one request."""
    return uuid.uuid4().hex[:12]
