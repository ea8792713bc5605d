"""What can go wrong with a language model, told apart whatever its provider.

A fault is never a refusal: it has a kind and a message for the reader, and the article's own words
stand in for what the model did not say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MESSAGES = {
    "timeout": "The language model took too long.",
    "unauthorized": "The language model refused the server's key.",
    "rate_limited": "The language model has too many questions to answer just now.",
    "overloaded": "The language model has a fault of its own.",
    "unavailable": "The language model cannot be reached.",
    "interrupted": "The language model broke off.",
    "malformed": "The language model sent what cannot be read.",
    "empty": "The language model said nothing.",
    "too_long": "The passages are too long for the language model.",
    "unsupported": "Nothing that the language model wrote is supported by the article.",
    "budget": "Today's share of the language model is used up.",
    "failed": "The language model failed.",
}
"""Kind → what a reader is told; what stands in is said after it."""
RETRIED = frozenset(
    {"rate_limited", "overloaded", "unavailable", "interrupted", "malformed", "empty"}
)
"""Kinds that may be gone when the model is asked again."""
_LONG = ("context_length", "context length", "context window", "too long", "too many tokens")


class Fault(Exception):
    """One kind of MESSAGES; `retry_after` are the seconds that the provider asks to wait."""

    def __init__(self, kind: str, retry_after: float | None = None) -> None:
        super().__init__(MESSAGES[kind])
        self.kind = kind
        self.retry_after = retry_after


class NotSaid(Exception):
    """The model read the passages and says that they do not answer."""


def fault_of(error: BaseException) -> Fault:
    """The fault that a provider's error is, by its HTTP status and its name."""
    if isinstance(error, Fault):
        return error
    chain = list(_chain(error))
    for each in chain:
        status = _status(each)
        if status is not None:
            return Fault(_kind_of(status, str(each)), _retry_after(each))
    names = " ".join(base.__name__ for each in chain for base in type(each).__mro__)
    if "Timeout" in names:
        return Fault("timeout")
    if any(isinstance(each, (json.JSONDecodeError, UnicodeDecodeError)) for each in chain):
        return Fault("malformed")
    if "RemoteProtocolError" in names or "ReadError" in names or "IncompleteRead" in names:
        return Fault("interrupted")
    if "Connect" in names or any(isinstance(each, OSError) for each in chain):
        return Fault("unavailable")
    if any(word in str(error).casefold() for word in _LONG):
        return Fault("too_long")
    malformed = ("ValidationError", "KeyError", "TypeError", "AttributeError", "ValueError")
    return Fault("malformed" if any(name in names for name in malformed) else "failed")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _kind_of(status: int, message: str) -> str:
    if status == 413 or (status in (400, 422) and any(w in message.casefold() for w in _LONG)):
        return "too_long"
    kinds = {401: "unauthorized", 403: "unauthorized", 404: "unavailable", 408: "timeout"}
    kinds |= {429: "rate_limited", 504: "timeout"}
    return kinds.get(status, "overloaded" if status >= 500 else "failed")


def _retry_after(error: BaseException) -> float | None:
    """Seconds, from a header that holds seconds or a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = str(headers.get("retry-after") or "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
