"""The widget's script: put together from its parts, made smaller, and served with an ETag.

The parts in `static/widget/` are plain scripts and work as they are. What is served is what terser
and zopfli made of them, kept beside them; where they have been changed since, they themselves:

    python -m chatbot.web.widget        makes it anew

This needs Node's npx, once in reach of a registry, and zopfli, which is among what the tests need.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import logging
import re
import subprocess
import sys
import tempfile
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
"""Bytes that the script and the rest of any one language may have, gzipped."""
BUILT = FOLDER.parent / "widget.min.js"
ZIPPED = FOLDER.parent / "widget.min.js.gz"
TERSER = "terser@5.51.2"
log = logging.getLogger("ask_article")


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
    """What the script lacks of a language; of English where it is not spoken here."""
    spoken = languages()
    words = spoken.get((language or "en").lower().partition("-")[0], spoken["en"])
    return {name: text for name, text in words.items() if name not in BEFORE_OPENING}


@cache
def script() -> Script:
    """The whole script."""
    whole = source()
    built = BUILT.read_text(encoding="utf-8") if BUILT.is_file() else ""
    mark, _, small = built.partition("\n")
    if mark != mark_of(whole):
        log.warning("widget.min.js is older than its parts, which are served as they are")
        small = whole
    text = small.encode()
    zipped = ZIPPED.read_bytes() if small != whole and ZIPPED.is_file() else b""
    if not zipped or gzip.decompress(zipped) != text:
        zipped = gzip.compress(text, 9, mtime=0)
    return Script(text, zipped, f'"{hashlib.sha256(text).hexdigest()[:16]}"')


def mark_of(whole: str) -> str:
    """The first line of what was made of a script: which script it was."""
    return f"// {hashlib.sha256(whole.encode()).hexdigest()}"


def source() -> str:
    """The parts in their order, and the strings that are needed at once."""
    spoken = {
        name: {key: words[key] for key in BEFORE_OPENING} for name, words in languages().items()
    }
    strings: Any = json.dumps(spoken, ensure_ascii=False, separators=(",", ":"))
    style = json.dumps(tightened((FOLDER / "style.css").read_text(encoding="utf-8")))
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in PARTS]
    body = "\n".join([f"const STRINGS = {strings};", f"const STYLE = {style};", *parts])
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'


def tightened(style: str) -> str:
    """A style sheet without comments and without the spaces that mean nothing."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    style = re.sub(r"\s+", " ", style)
    style = re.sub(r" ?([{};>]) ?|([:,]) ", r"\1\2", style)
    return style.replace(";}", "}").strip()


def main() -> None:
    """Make the smaller script anew."""
    whole = source()
    options = [
        "-c",
        "passes=5,ecma=2022,unsafe_arrows=true,keep_fargs=false",
        "-m",
        "--ecma",
        "2022",
    ]
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder) / "widget.js"
        parts.write_text(whole, encoding="utf-8")
        command = ["npx", "--yes", TERSER, str(parts), *options]
        made = subprocess.run(command, check=True, capture_output=True, text=True)
    small = f"{made.stdout.strip()}\n"
    BUILT.write_text(f"{mark_of(whole)}\n{small}", encoding="utf-8")
    ZIPPED.write_bytes(importlib.import_module("zopfli.gzip").compress(small.encode()))
    sys.stdout.write(f"{BUILT}: {len(script().zipped):,} bytes gzipped\n")


if __name__ == "__main__":
    main()
