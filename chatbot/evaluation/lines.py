"""Read JSON Lines into models, or say which line is not what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chatbot.errors import DatasetError

M = TypeVar("M", bound=BaseModel)


def lines(path: Path, model: type[M]) -> Iterator[tuple[int, M]]:
    """Each line's number and content; DatasetError names the first that is not of the model."""
    for place, value in json_lines(path):
        try:
            yield place, model.model_validate(value)
        except ValidationError as error:
            raise DatasetError(f"{path}, line {place}: {expected(error)}") from error


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and object; blank lines are passed over."""
    for place, line in enumerate(text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DatasetError(
                f"{path}, line {place}: expected one JSON object a line ({error.msg},"
                f" column {error.colno})"
            ) from error
        if not isinstance(value, dict):
            raise DatasetError(f"{path}, line {place}: expected a JSON object {{…}}")
        yield place, value


def text_of(path: Path) -> str:
    """A file's text; DatasetError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error


def expected(error: ValidationError) -> str:
    """The first complaint: which field, and what should stand there."""
    first = error.errors(include_url=False)[0]
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
    ).lstrip(".")
    message = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] == "missing":
        return f"the field {place!r} is missing"
    if first["type"] == "string_pattern_mismatch":
        message = "expected a text that is not blank"
    return f"{place}: {message}"
