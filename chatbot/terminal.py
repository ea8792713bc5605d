"""What every command shares: consoles, exit codes, options, and where errors become messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from index.errors import AskArticleError, EmbedderError

if TYPE_CHECKING:
    from chatbot.config import Settings

DONE, FAILED, WRONG_USE, NOT_IN_ARTICLE, MISSED = 0, 1, 2, 3, 4
"""Exit codes; MISSED: a required figure was missed."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[SOURCE]...",
        help="Files and folders of articles (.txt .md .html .pdf); without any, seeds/ and"
        " whatever is indexed already.",
        show_default=False,
    ),
]
IndexOption = Annotated[
    Path | None,
    typer.Option("--index", metavar="DIR", help="Where the index lives.  [default: .ask-article]"),
]
EmbedderOption = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        metavar="NAME",
        help="all-MiniLM-L6-v2, or sentence-transformers:MODEL.  [default: all-MiniLM-L6-v2]",
    ),
]
ReaderOption = Annotated[
    bool | None,
    typer.Option(
        "--reader/--no-reader",
        help="Read what is found with the trained reader, or compare only.  [default: read]",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PROVIDER:MODEL",
        help="A language model that writes the answers, such as openai:gpt-5-mini or ollama:qwen3;"
        " its key is read from the environment.  [default: extractive, the article's own words]",
    ),
]
ModelUrlOption = Annotated[
    str | None,
    typer.Option(
        "--model-url",
        metavar="URL",
        help="A server that speaks OpenAI's protocol, such as http://localhost:8000/v1.",
    ),
]
ModelTimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--model-timeout",
        min=0.1,
        help="Seconds of silence after which the model is given up.  [default: 30]",
    ),
]
CheckOption = Annotated[
    str | None,
    typer.Option(
        "--check",
        metavar="drop|mark|off",
        help="What becomes of the model's sentences that the article does not support."
        "  [default: drop]",
    ),
]
BudgetOption = Annotated[
    int | None,
    typer.Option(
        "--budget-tokens-per-day",
        min=0,
        help="Tokens that the model may use a day; after that, the article's own words."
        "  [default: 0, no limit]",
    ),
]
P = ParamSpec("P")


def edge(command: Callable[P, None]) -> Callable[P, None]:
    """Turn errors into messages and exit codes, in this one place."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        from chatbot.errors import (
            DatasetError,
            HistoryError,
            ModelError,
            QuestionError,
            SettingsError,
        )

        wrong_use = (
            QuestionError,
            HistoryError,
            SettingsError,
            DatasetError,
            EmbedderError,
            ModelError,
        )
        try:
            command(*args, **kwargs)
        except wrong_use as error:
            stop(str(error), WRONG_USE)
        except AskArticleError as error:
            stop(str(error), FAILED)
        except KeyboardInterrupt:
            stop("stopped; what was indexed is kept, and the next run does the rest", FAILED)

    return wrapped


def settings_from(**options: object) -> Settings:
    """The settings of the environment with the options that were given."""
    from chatbot.config import Settings

    return Settings.from_environment().but(**options)


@contextmanager
def progress(doing: str = "Indexing") -> Iterator[Callable[[str, float, float], None] | None]:
    """A bar while something long is done, on a terminal only."""
    if not err.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        "{task.percentage:>3.0f}%",
    )
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task("Opening the index", total=None)

        def heard(name: str, done: float, total: float) -> None:
            bars.update(task, description=f"{doing} {name}", completed=done, total=total)

        yield heard


def stop(message: str, code: int) -> NoReturn:
    """Say why on stderr and leave with an exit code."""
    err.print(message, style="red", markup=False)
    raise typer.Exit(code)
