"""Paths → articles. What cannot be read is named, and the rest is read all the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from index.errors import SourceError
from index.formats import READERS, UnreadableError
from index.records import Article

MAX_BYTES = 50_000_000
ACCEPTED = ", ".join(READERS)
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to index: where it is, the root it was found under, and its name below that."""

    path: Path
    root: Path
    name: str


def discover(sources: Iterable[str | Path]) -> tuple[list[SourceFile], list[SourceError]]:
    """The files that `sources` (files and folders) hold, and what is wrong with the others.

    Hidden files and folders below a source are passed over.
    """
    found: dict[Path, SourceFile] = {}
    problems: list[SourceError] = []
    for source in sources:
        root = Path(source)
        if root.is_dir():
            files = [path for path in sorted(root.rglob("*")) if _is_candidate(path, root)]
            if not files:
                problems.append(SourceError(source, f"no articles here; accepted: {ACCEPTED}"))
        elif root.exists():
            files = [root]
        else:
            problems.append(SourceError(source, "no such file or folder"))
            continue
        for path in files:
            if path.suffix.lower() not in READERS:
                kind = f"the suffix {path.suffix!r} is" if path.suffix else "no suffix is"
                problems.append(SourceError(path, f"{kind} not accepted; accepted: {ACCEPTED}"))
                continue
            name = path.relative_to(root).as_posix() if root.is_dir() else path.name
            found.setdefault(path.resolve(), SourceFile(path.resolve(), root.resolve(), name))
    return list(found.values()), problems


def _is_candidate(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.is_file() and not hidden


def read_bytes(file: SourceFile) -> bytes:
    """The file's bytes; SourceError where it cannot be read or is too large."""
    try:
        if file.path.stat().st_size > MAX_BYTES:
            raise SourceError(file.path, f"larger than {MAX_BYTES // 1_000_000} MB")
        return file.path.read_bytes()
    except OSError as error:
        raise SourceError(file.path, error.strerror or type(error).__name__) from error


def file_hash(data: bytes) -> str:
    """A digest of the file as it is, to tell whether it must be read again."""
    return hashlib.sha256(data).hexdigest()


def parse(file: SourceFile, data: bytes) -> Article:
    """Bytes → Article; SourceError where they hold none."""
    if not data.strip():
        raise SourceError(file.path, "the file is empty")
    try:
        draft = READERS[file.path.suffix.lower()](data)
    except UnreadableError as error:
        raise SourceError(file.path, str(error)) from error
    if not _WORD.search(draft.text):
        raise SourceError(file.path, "there are no words in it")
    return Article(
        id=draft.url or file.name,
        title=draft.title or _title_line(draft.text) or _title_from(file.path.stem),
        text=draft.text,
        url=draft.url,
        source=str(file.path),
        root=str(file.root),
    )


def _title_line(text: str) -> str | None:
    """The first line, where it stands alone, is short and does not end like a sentence."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if not rest.strip() or not 3 <= len(first) <= 120 or first.endswith(tuple(".!?…:;,")):
        return None
    # A line that goes on in lower case below is a wrapped paragraph, not a title.
    return None if not rest.startswith(("\n", "\r")) and rest[0].islower() else first


def _title_from(stem: str) -> str:
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return " ".join(word[:1].upper() + word[1:] for word in words.split()) or stem
