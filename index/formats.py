"""File formats: bytes → title, text and URL. A format is one function and one line in READERS."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_HYPHENATED = re.compile(r"(?<=\w)-\n(?=[a-z])")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class UnreadableError(ValueError):
    """Raised by a reader with the reason why bytes are not an article; `load` adds the path."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found; without a title, one is made from the first line or the file's name."""

    text: str
    title: str | None = None
    url: str | None = None


def read_text(data: bytes) -> Draft:
    """Plain text, unchanged but for its decoding (UTF-8, UTF-16 with a mark, else Windows-1252)."""
    return Draft(decode(data))


def read_markdown(data: bytes) -> Draft:
    """Markdown as the plain text a reader sees; front matter may give `title` and `url`."""
    from markdown_it import MarkdownIt

    source = decode(data)
    meta: dict[str, Any] = {}
    if match := _FRONT_MATTER.match(source):
        meta = _yaml(match[1])
        source = source[match.end() :]
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(source)
    blocks = list(_markdown_blocks(tokens))
    headline = next((text for tag, text in blocks if tag == "h1"), None)
    return Draft(
        text="\n\n".join(text for _, text in blocks),
        title=_string(meta.get("title")) or headline,
        url=_web_url(meta.get("canonical_url") or meta.get("canonical") or meta.get("url")),
    )


def read_html(data: bytes) -> Draft:
    """A web page's main text, as trafilatura finds it, with its title and canonical URL."""
    import trafilatura

    document: Any = trafilatura.bare_extraction(
        data, with_metadata=True, include_comments=False, deduplicate=False
    )
    if document is None or not (document.text or "").strip():
        raise UnreadableError("no article text was found in this page")
    text = "\n\n".join(line for line in document.text.split("\n") if line.strip())
    return Draft(text=text, title=_string(document.title), url=_web_url(document.url))


def read_pdf(data: bytes) -> Draft:
    """A PDF's text; lines are joined into paragraphs and words parted by a hyphen made whole."""
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("this PDF needs a password")
        pages = [page.extract_text() for page in reader.pages]
        title = _string(reader.metadata.title if reader.metadata else None)
    except UnreadableError:
        raise
    # A damaged PDF fails anywhere in the parser, with whatever that part happens to raise.
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OSError,
        RecursionError,
        AssertionError,
        ArithmeticError,
        NotImplementedError,
    ) as error:
        raise UnreadableError(f"this PDF cannot be read ({error})") from error
    except ImportError as error:
        raise UnreadableError("this PDF is encrypted; save it without a password") from error
    text = "\n".join(pages).strip()
    if not text:
        raise UnreadableError("this PDF has no text in it; is it a scan?")
    return Draft(text=_HYPHENATED.sub("", text), title=title)


READERS: dict[str, Callable[[bytes], Draft]] = {
    ".txt": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
}
"""Suffix → reader."""


def decode(data: bytes) -> str:
    """Bytes → text, raising UnreadableError where they are not text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(_CONTROL.findall(text)) * 100 <= len(text):
            return text
        break
    raise UnreadableError("this is not text (is it another kind of file, renamed?)")


def _markdown_blocks(tokens: list[Token]) -> list[tuple[str, str]]:
    """Tokens → (tag of the block, plain text), one for each paragraph, heading, item or row."""
    blocks: list[tuple[str, str]] = []
    tag, row = "", list[str]()
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            blocks.append(("tr", " | ".join(row)))
        elif token.nesting == 1:
            tag = token.tag
        elif token.type == "inline":
            text = _inline_text(token.children or []).strip()
            if tag in ("td", "th"):
                row.append(text)
            elif text:
                blocks.append((tag, text))
        elif token.type in ("fence", "code_block") and token.content.strip():
            blocks.append(("code", token.content.strip("\n")))
    return blocks


def _inline_text(children: list[Token]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)


def _yaml(source: str) -> dict[str, Any]:
    import yaml

    try:
        meta = yaml.safe_load(source)
    except yaml.YAMLError as error:
        where = str(error).splitlines()[0]
        raise UnreadableError(f"its front matter is not valid YAML ({where})") from error
    return meta if isinstance(meta, dict) else {}


def _string(value: object) -> str | None:
    text = " ".join(str(value).split()) if value is not None else ""
    return text or None


def _web_url(value: object) -> str | None:
    text = _string(value)
    return text if text and text.startswith(("http://", "https://")) else None
