"""The command line: `ask-article ask|serve|mcp|index|evaluate|compare|doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from chatbot.doctor_command import doctor
from chatbot.evaluation.command import compare, evaluate
from chatbot.index_command import index_app, tell_problems
from chatbot.terminal import (
    DONE,
    FAILED,
    NOT_IN_ARTICLE,
    BudgetOption,
    CheckOption,
    EmbedderOption,
    IndexOption,
    ModelOption,
    ModelTimeoutOption,
    ModelUrlOption,
    ReaderOption,
    Sources,
    edge,
    err,
    out,
    progress,
    settings_from,
)
from index.errors import AskArticleError

if TYPE_CHECKING:
    from chatbot.answers import Answer, Citation, Turn

app = typer.Typer(
    name="ask-article",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Ask an article. Every sentence of an answer cites the exact words it rests on, or you are"
    " told plainly that the article does not say.",
    epilog="Start here: ask-article serve   (then open http://127.0.0.1:7860)",
)
app.add_typer(index_app, name="index")
app.command()(evaluate)
app.command()(compare)
app.command()(doctor)


@app.command()
@edge
def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know.")],
    sources: Sources = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Earlier turns, so that follow-ups work: JSON [{"question": …, "answer": …}].',
        ),
    ] = None,
    article: Annotated[
        str | None, typer.Option(metavar="ID", help="Ask only this article (id or URL).")
    ] = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reader: ReaderOption = None,
    model: ModelOption = None,
    model_url: ModelUrlOption = None,
    model_timeout: ModelTimeoutOption = None,
    check: CheckOption = None,
    budget_tokens_per_day: BudgetOption = None,
) -> None:
    """Ask a question and print the answer with its sources.

    Exit code: 0 answered, 3 not in the article, 2 wrong use, 1 failure.

    Example: ask-article ask "Who met in Tokyo?" seeds/
    """
    from chatbot.answers import make_request
    from chatbot.bot import Chatbot

    turns = _history(history)
    if not question.strip() and sys.stdin.isatty():
        question = typer.prompt("The question is empty. What would you like to know?")
    make_request(question)
    settings = settings_from(
        index=index,
        embedder=embedder,
        reader=reader,
        model=model,
        model_url=model_url,
        model_timeout=model_timeout,
        check=check,
        budget_tokens_per_day=budget_tokens_per_day,
    )
    _must_exist(sources)
    with progress() as heard:
        bot = Chatbot.open(sources, settings=settings, progress=heard)
    tell_problems(bot.report.problems)
    if bot.locked:
        err.print(f"{bot.locked} Answering from what is indexed.", style="yellow", markup=False)
    answer = bot.ask(question, turns, article)
    if as_json:
        typer.echo(json.dumps(answer.to_json(), ensure_ascii=False, indent=2))
    else:
        _print_answer(answer)
    if sources and bot.report.problems:
        raise typer.Exit(FAILED)
    raise typer.Exit(NOT_IN_ARTICLE if answer.state == "not_in_article" else DONE)


@app.command()
@edge
def serve(
    sources: Sources = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on.  [default: 7860]")
    ] = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reader: ReaderOption = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Another site whose pages may ask and frame, such as https://example.org;"
            " repeatable.",
        ),
    ] = None,
    learn: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A site whose pages are read when asked about."),
    ] = None,
    model: ModelOption = None,
    model_url: ModelUrlOption = None,
    model_timeout: ModelTimeoutOption = None,
    check: CheckOption = None,
    budget_tokens_per_day: BudgetOption = None,
) -> None:
    """Serve the chat page, the API and the widget; open the address it prints in a browser."""
    origins = {"allow_origin": tuple(allow_origin or ()), "learn": tuple(learn or ())}
    settings = settings_from(
        index=index,
        embedder=embedder,
        reader=reader,
        host=host,
        port=port,
        model=model,
        model_url=model_url,
        model_timeout=model_timeout,
        check=check,
        budget_tokens_per_day=budget_tokens_per_day,
        **origins,
    )
    from chatbot.web.server import run

    with progress() as heard:
        code = run(settings, sources or [], heard, lambda line: err.print(line, markup=False))
    raise typer.Exit(code)


@app.command()
@edge
def mcp(
    sources: Sources = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    reader: ReaderOption = None,
    model: ModelOption = None,
    model_url: ModelUrlOption = None,
    model_timeout: ModelTimeoutOption = None,
    check: CheckOption = None,
    budget_tokens_per_day: BudgetOption = None,
) -> None:
    """Offer the articles to other programs as tools, by the Model Context Protocol.

    It speaks over standard input and output: ask_article, search_article, get_passage.
    """
    from chatbot.bot import Chatbot
    from chatbot.mcp_server import make_server

    settings = settings_from(
        index=index,
        embedder=embedder,
        reader=reader,
        model=model,
        model_url=model_url,
        model_timeout=model_timeout,
        check=check,
        budget_tokens_per_day=budget_tokens_per_day,
    )
    _must_exist(sources)
    bot = Chatbot.open(sources, settings=settings)
    tell_problems(bot.report.problems)
    bot.articles()
    make_server(bot).run("stdio")


def main() -> None:
    """Run the command line."""
    app()


def _must_exist(sources: Sequence[Path] | None) -> None:
    """Where not one source is there, there is nothing to ask, whatever else is indexed."""
    if sources and not any(source.exists() for source in sources):
        raise AskArticleError("; ".join(f"{source}: no such file or folder" for source in sources))


def _history(path: Path | None) -> tuple[Turn, ...]:
    from chatbot.answers import read_history
    from chatbot.errors import HistoryError

    if path is None:
        return ()
    try:
        return read_history(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise HistoryError(f"{path}: not JSON ({error})") from error
    except HistoryError as error:
        raise HistoryError(f"{path}: {error}") from error


def _print_answer(answer: Answer) -> None:
    body = Text()
    if answer.phrase:
        body.append(f"{answer.phrase}\n", style="bold")
    for sentence in answer.sentences:
        before, phrase, after = sentence.parts
        body.append(before).append(phrase, style="bold").append(f"{after} ")
        for citation in sentence.citations:
            body.append(f"[{citation.number}] ", style="cyan")
        if not sentence.supported:
            body.append("(not found in the article) ", style="yellow")
    body.rstrip()
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(body)
    if answer.notice:
        err.print(answer.notice.message, style="yellow", markup=False)
    if answer.citations:
        out.print()
    for citation in answer.citations:
        out.print(_footnote(citation))
    if answer.nearest:
        out.print("\nNearest in the article:", style="bold")
        for citation in answer.nearest:
            quote = " ".join(citation.quote.split())
            out.print(Text.assemble("  “", quote, "”\n    ", (_place(citation), "dim")))


def _footnote(citation: Citation) -> Text:
    return Text.assemble((f"[{citation.number}] ", "cyan"), (_place(citation), "dim"))


def _place(citation: Citation) -> str:
    where = citation.url or citation.article
    return f"{citation.title} ({where}, characters {citation.start}–{citation.end})"
