"""Settings: one object, made at the edge from the environment and options, and passed in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatbot.errors import SettingsError
from index import DEFAULT_EMBEDDER, DEFAULT_FOLDER

PREFIX = "ASK_ARTICLE_"
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
EXTRACTIVE = "extractive"
"""The name of no model: answers in the article's own words."""
CHECKS = ("drop", "mark", "off")
DEFAULT_CACHE = (
    Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "ask-article"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; the environment variable is ASK_ARTICLE_ and the name in capitals."""

    index: Path = DEFAULT_FOLDER
    """The folder of the index."""
    embedder: str = DEFAULT_EMBEDDER
    """The embedder's name, or `sentence-transformers:MODEL`."""
    host: str = "127.0.0.1"
    """The address that `serve` listens on."""
    port: int = 7860
    """The port that `serve` listens on."""
    allow_origin: tuple[str, ...] = ()
    """Other origins whose pages may ask, parted by spaces in the environment."""
    learn: tuple[str, ...] = ()
    """Origins whose pages are fetched and indexed when they are asked about."""
    cache: Path = DEFAULT_CACHE
    """The folder where `evaluate` keeps the indexes of data sets; they can be made again."""
    reader: bool = True
    """Whether the trained reader reads what search finds; in the environment 1 or 0."""
    threshold: float | None = None
    """Answer only where the confidence is at least this; empty: the fitted value."""
    model: str = EXTRACTIVE
    """A chat model of LangChain as PROVIDER:MODEL; `extractive` is the article's own words."""
    model_url: str = ""
    """A server that speaks OpenAI's protocol, instead of a provider: http://…/v1."""
    model_timeout: float = 30.0
    """Seconds of silence after which a model is given up."""
    check: str = "drop"
    """What becomes of a model's sentences that the source does not support: drop, mark or off."""
    budget_tokens_per_day: int = 0
    """Tokens that the model may use a day (UTC); 0: no limit."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read ASK_ARTICLE_*; SettingsError names a variable that cannot be used."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for item in fields(cls):
            name = PREFIX + item.name.upper()
            if environment.get(name):
                values[item.name] = _converted(item.name, name, environment[name])
        return cls(**values)

    def but(self, **options: object) -> Settings:
        """The same with the options that are not None."""
        given = {name: value for name, value in options.items() if value not in (None, (), [])}
        for name in ("allow_origin", "learn"):
            if name in given:
                given[name] = tuple(check_origin(each) for each in given[name])  # type: ignore[attr-defined]
        if given.get("check", self.check) not in CHECKS:
            raise SettingsError(f"--check {given['check']!r} is none of {', '.join(CHECKS)}")
        return replace(self, **given)  # type: ignore[arg-type]


def check_origin(value: str) -> str:
    """An origin as browsers send it (`https://example.org`, no path); else SettingsError."""
    try:
        parts = urlsplit(value.strip())
        port = parts.port
        # As browsers send it: the names of other scripts in their ASCII form.
        name = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except ValueError:
        parts, port, name = urlsplit(""), -1, ""
    # What stands in a policy's header must not be able to end it, or to mean many hosts.
    bad = parts.scheme not in ("http", "https") or port == -1 or not _HOST.fullmatch(name)
    if bad or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(
            f"{value!r} is not an origin; give scheme and host, such as https://example.org"
        )
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def _converted(field: str, name: str, value: str) -> object:
    try:
        if field in ("port", "budget_tokens_per_day"):
            return int(value)
        if field in ("threshold", "model_timeout"):
            return float(value)
    except ValueError as error:
        raise SettingsError(f"{name}={value!r} is not a number") from error
    if field == "reader":
        if value not in ("0", "1"):
            raise SettingsError(f"{name}={value!r} is neither 0 nor 1")
        return value == "1"
    if field == "check" and value not in CHECKS:
        raise SettingsError(f"{name}={value!r} is none of {', '.join(CHECKS)}")
    if field in ("allow_origin", "learn"):
        return tuple(check_origin(each) for each in value.split())
    return Path(value) if field in ("index", "cache") else value
