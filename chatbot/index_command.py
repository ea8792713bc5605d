"""The commands `index add`, `list` and `remove`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatbot.terminal import (
    FAILED,
    WRONG_USE,
    EmbedderOption,
    IndexOption,
    Sources,
    edge,
    err,
    out,
    progress,
    settings_from,
    stop,
)

if TYPE_CHECKING:
    from index import Index, Report, SourceError

index_app = typer.Typer(
    no_args_is_help=True, help="See and change which articles are indexed.",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@index_app.command("add")
@edge
def index_add(
    sources: Sources = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Make the whole index anew, as after another embedder."),
    ] = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
) -> None:
    """Index articles; files that have not changed are passed over, vanished ones forgotten."""
    from chatbot.bot import DEFAULT_SOURCE
    from index import build

    wanted: list[Path] = list(sources or ([DEFAULT_SOURCE] if DEFAULT_SOURCE.is_dir() else []))
    if not wanted and not rebuild:
        stop("name files or folders to index, such as: ask-article index add seeds/", WRONG_USE)
    opened = _open(index, embedder)
    with progress() as heard:
        report = (build.rebuild if rebuild else build.sync)(opened, wanted, heard)
    _print_report(report, opened)
    if report.problems:
        raise typer.Exit(FAILED)


@index_app.command("list")
@edge
def index_list(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    index: IndexOption = None,
) -> None:
    """List the indexed articles."""
    from dataclasses import asdict

    opened = _open(index, None)
    entries = opened.catalog.entries()
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, indent=2))
        return
    if not entries:
        err.print("Nothing is indexed yet; try: ask-article index add seeds/")
        return
    table = Table("article", "title", "passages", "sentences", "from", box=None, pad_edge=False)
    for entry in entries:
        counts = f"{entry.passage_count:,}", f"{entry.sentence_count:,}"
        cells = (entry.id, entry.title, *counts, _short(entry.source))
        table.add_row(*(Text(cell) for cell in cells))
    Console(soft_wrap=not sys.stdout.isatty()).print(table)


@index_app.command("remove")
@edge
def index_remove(
    articles: Annotated[
        list[str], typer.Argument(metavar="ARTICLE...", help="Ids, URLs, files or folders.")
    ],
    index: IndexOption = None,
    embedder: EmbedderOption = None,
) -> None:
    """Remove articles from the index; their files stay where they are."""
    from index import build

    removed, missing = build.remove(_open(index, embedder), articles)
    for each in removed:
        out.print(f"removed {each}", markup=False)
    for each in missing:
        err.print(f"{each}: not indexed; see: ask-article index list", style="red", markup=False)
    if missing:
        raise typer.Exit(FAILED)


def tell_problems(problems: Sequence[SourceError]) -> None:
    """Say what could not be read, and why."""
    for problem in problems:
        err.print(str(problem), style="red", markup=False)


def _open(index: Path | None, embedder: str | None) -> Index:
    from index import Index

    settings = settings_from(index=index, embedder=embedder)
    return Index.open(settings.index, settings.embedder)


def _print_report(report: Report, opened: Index) -> None:
    for word, ids in (
        ("added", report.added), ("updated", report.updated), ("removed", report.removed),
    ):  # fmt: skip
        for each in ids:
            out.print(f"{word} {each}", markup=False)
    tell_problems(report.problems)
    count = len(opened.catalog.entries())
    out.print(
        f"{count} article{'s' * (count != 1)} indexed in {opened.folder}"
        f" ({len(report.unchanged)} unchanged)",
        markup=False,
    )


def _short(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
