"""The widget's script: put together from its parts once, made smaller, and served with an ETag.

What is cut away is what a reader of the code needs and a browser does not: comments, spaces, the
length of private names. The parts in `static/widget/` are plain scripts and work as they are.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

FOLDER = Path(__file__).parent / "static" / "widget"
PARTS = ("stream", "locate", "style", "panel", "page", "element", "start")
BEFORE_OPENING = ("title", "select", "close", "offline", "retry")
"""What is said before the server has been heard; the rest of a language comes with its answer."""
BUDGET = 15 * 1024
"""Bytes that the script and one more language may have, gzipped."""
_TOKEN = re.compile(
    r"(?P<template>`(?:\\.|[^`\\])*`)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<comment>//[^\n]*)"
    r"|(?P<regex>(?<=[(=,:!&|?{};])\s*/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)"
    r"|(?P<space>\s+)",
    re.DOTALL,
)
_CLOSED = frozenset("{}()[];,=<>!?:&|*+-")
_NEEDLESS_BEFORE = _CLOSED - set("+-")
_OWN = re.compile(r"^(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_PRIVATE = re.compile(r"^\s*(?:async |get )*(#\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is sent, and the mark by which a browser knows that it has it."""

    text: bytes
    zipped: bytes
    etag: str


def make_widget() -> APIRouter:
    """The route of the script."""
    router = APIRouter()

    @router.get("/widget.js")
    async def widget(request: Request) -> Response:
        """The widget, for a page of any site; which of them may ask is another matter."""
        made = script()
        headers = {
            "ETag": made.etag,
            # Long enough for a visit; a new version then reaches every site the same day.
            "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Accept-Encoding",
        }
        if made.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = made.text
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = made.zipped, "gzip"
        return Response(body, headers=headers, media_type="text/javascript; charset=utf-8")

    return router


@cache
def languages() -> dict[str, dict[str, str]]:
    """What the widget says, by language."""
    read: dict[str, dict[str, str]] = json.loads(
        (FOLDER / "strings.json").read_text(encoding="utf-8")
    )
    return read


def words_for(language: str | None) -> dict[str, str]:
    """A language's strings, those of English where it is not spoken here."""
    spoken = languages()
    return spoken.get((language or "en").lower().partition("-")[0], spoken["en"])


@cache
def script() -> Script:
    """The whole script."""
    text = f'(() => {{"use strict";{minified(source())}}})();\n'.encode()
    zipped = gzip.compress(text, 9, mtime=0)
    return Script(text, zipped, f'"{hashlib.sha256(text).hexdigest()[:16]}"')


def source() -> str:
    """The parts in their order, and the strings that are needed at once."""
    spoken = {
        name: {key: words[key] for key in BEFORE_OPENING} for name, words in languages().items()
    }
    strings: Any = json.dumps(spoken, ensure_ascii=False, separators=(",", ":"))
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in PARTS]
    return "\n".join([f"const STRINGS = {strings};", *parts])


def minified(code: str) -> str:
    """The same program in fewer bytes.

    It knows the JavaScript that the parts are written in: every statement ends with a semicolon
    or a brace, no template stands inside another, and a template of several lines is CSS.
    """
    return _with_short_names("".join(_pieces(code)), code)


def _pieces(code: str) -> Iterator[str]:
    place, last = 0, ";"
    for token in _TOKEN.finditer(code):
        if plain := code[place : token.start()]:
            last = plain[-1]
            yield plain
        place = token.end()
        kind, text = token.lastgroup, token[0]
        if kind == "space":
            text = _space(text, last, code[place : place + 2])
        elif kind == "comment":
            text = ""
        elif kind == "template" and "\n" in text:
            text = _css(text)
        elif kind == "regex":
            text = text.strip()
        if text:
            last = text[-1]
            yield text
    yield code[place:]


def _space(text: str, before: str, after: str) -> str:
    """What is left of a space: a line's end may be all that ends a member of a class."""
    breaks = "\n" in text and before == "}"
    needless = (before in _CLOSED and not breaks) or after[:1] in _NEEDLESS_BEFORE
    if needless or not after or after == "//":
        return ""
    return "\n" if breaks else text[:1]


def _css(text: str) -> str:
    text = re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", text))
    return re.sub(r";\}", "}", re.sub(r"(?<=[\w-]):\s", ":", text))


def _with_short_names(text: str, code: str) -> str:
    """Private names are a class's own affair, and so are the parts' own where nothing else is
    called the same: no property, no word in a string."""
    private = sorted(set(_PRIVATE.findall(code)))
    own = [name for name in sorted(set(_OWN.findall(code))) if _is_only_a_name(name, text)]
    for number, name in enumerate(private):
        text = re.sub(rf"{name}\b", f"#{_letters(number)}", text)
    for number, name in enumerate(own):
        text = re.sub(rf"\b{name}\b", f"${_letters(number)}", text)
    return text


def _is_only_a_name(name: str, text: str) -> bool:
    whole = len(re.findall(rf"\b{name}\b", text))
    called = len(re.findall(rf"(?<![.\w#\"'`-]){name}(?=[(),;=\]}}. ])(?! *:)", text))
    return whole == called and len(name) > 3


def _letters(number: int) -> str:
    return chr(97 + number % 26) + (str(number // 26) if number > 25 else "")
