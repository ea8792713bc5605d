"""The command `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from chatbot.terminal import DONE, FAILED, edge, out

MARKS = {"ok": ("✓", "green"), "hint": ("!", "yellow"), "bad": ("✗", "red")}


@edge
def doctor(
    page: Annotated[
        str,
        typer.Option(metavar="URL", help="A page with the widget on it, as its readers open it."),
    ],
    api: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The server; by default where the page's script is from."),
    ] = None,
) -> None:
    """Check a page that has the widget on it, and say what to change.

    Exit code: 0 nothing to change, 1 something is.
    """
    from chatbot.doctor import examine

    failed = False
    for finding in examine(page, api):
        mark, style = MARKS[finding.state]
        out.print(Text.assemble((f"{mark} ", style), finding.what))
        if finding.change:
            out.print(Text(f"    {finding.change}", style="bold"))
        failed = failed or finding.state == "bad"
    raise typer.Exit(FAILED if failed else DONE)
