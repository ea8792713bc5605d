"""The commands `evaluate` and `compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.terminal import (
    FAILED,
    MISSED,
    WRONG_USE,
    EmbedderOption,
    ReaderOption,
    edge,
    err,
    out,
    progress,
    settings_from,
    stop,
)

if TYPE_CHECKING:
    from chatbot.bot import Chatbot
    from chatbot.config import Settings
    from chatbot.evaluation.datasets import Dataset


@edge
def evaluate(
    dataset: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATASET",
            help="Questions with known answers: SQuAD 1.1 or 2.0 JSON, a BEIR folder, MTRAG"
            " conversations, or our own JSON Lines.",
            show_default=False,
        ),
    ] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="The articles that our own JSON Lines ask about; without any, seeds/.",
            show_default=False,
        ),
    ] = None,
    auto: Annotated[
        Path | None,
        typer.Option(
            metavar="ARTICLE",
            help="Needs no data set: make questions from this article by rule. A smoke test.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="squad, beir, mtrag or jsonl.  [default: guessed]"),
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The passages of MTRAG conversations.")
    ] = None,
    oracle: Annotated[
        bool,
        typer.Option(
            "--oracle",
            help="Hand over the gold passage instead of searching: tells reading from finding.",
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Answer from this confidence on; 0 never refuses.  [default: fitted]"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Ask only N questions, drawn with a fixed seed."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with plots and every failed question."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML for a CI server.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=VALUE",
            help="Exit with 4 unless the figure is at least (for rates of errors and for"
            " latency: at most) this; repeatable.",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="DIR", help="Ask this index instead of the data set's own texts."
        ),
    ] = None,
    embedder: EmbedderOption = None,
    reader: ReaderOption = None,
) -> None:
    """Measure finding, answering, citing and refusing.

    Every figure has a 95% bootstrap interval. The texts of a data set are indexed once and kept.

    Exit code: 0 done, 4 a required figure was missed, 2 wrong use or malformed data, 1 failure.

    Example: ask-article evaluate gold.jsonl articles/ --require false_answer_rate=0.1
    """
    from chatbot.evaluation.gates import requirements
    from chatbot.evaluation.report import html, table
    from chatbot.evaluation.report import junit as junit_xml
    from chatbot.evaluation.run import evaluate_bot

    required = requirements(require or [])
    for target in (report, junit):
        if target and not target.absolute().parent.is_dir():
            stop(f"{target}: there is no folder {target.absolute().parent}", WRONG_USE)
        if target and target.is_dir():
            stop(f"{target}: this is a folder; name a file", WRONG_USE)
    settings = settings_from(embedder=embedder, reader=reader, threshold=threshold)
    bot, questions = _prepared(dataset, sources, auto, format, passages, index, settings)
    if limit:
        questions = questions.sample(limit)
    with progress("Asking") as heard:
        result = evaluate_bot(bot, questions, oracle, heard)
    missed = [why for each in required if (why := each.missed(result))]
    if report:
        report.write_text(html(result, missed), encoding="utf-8")
    if junit:
        junit.write_text(junit_xml(result, required), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        out.print(table(result))
    if auto:
        err.print("Questions made by rule are a smoke test, not a benchmark.", style="yellow")
    for why in missed:
        err.print(f"missed: {why}", style="red", markup=False)
    if missed:
        raise typer.Exit(MISSED)


@edge
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="A result of evaluate --json.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another, of the same data.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Say what B won and lost against A, and whether chance would do as much.

    Example: ask-article compare before.json after.json
    """
    from dataclasses import asdict

    from chatbot.evaluation.compare import differences, read_result, shared_ids
    from chatbot.evaluation.report import comparison

    results = read_result(first), read_result(second)
    found = differences(*results)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        counts = [len(result["per_question"]) for result in results]
        names = f"{first} ({counts[0]:,} questions)", f"{second} ({counts[1]:,} questions)"
        out.print(comparison(found, names, len(shared_ids(*results))))


def _prepared(
    dataset: Path | None,
    sources: list[Path] | None,
    auto: Path | None,
    format: str | None,
    passages: Path | None,
    index: Path | None,
    settings: Settings,
) -> tuple[Chatbot, Dataset]:
    """The chatbot to ask and the questions to put to it, read whole before anything is indexed."""
    from chatbot.evaluation.corpus import open_corpus, open_sources
    from chatbot.evaluation.datasets import read_dataset

    if auto:
        if dataset:
            stop("--auto makes its own questions; leave the data set out", WRONG_USE)
        from chatbot.evaluation.auto import auto_dataset

        with progress() as heard:
            return auto_dataset(auto, settings, heard)
    if dataset is None:
        stop("name a data set, or an article: ask-article evaluate --auto ARTICLE", WRONG_USE)
    questions = read_dataset(dataset, format, passages)
    with progress() as heard:
        if index:
            from chatbot.bot import Chatbot
            from index import Index

            opened = Index.open(index, settings.embedder)
            opened.check()
            if not opened.catalog.entries():
                stop(f"{index}: nothing is indexed there", FAILED)
            return Chatbot(opened, settings), questions
        if questions.corpus:
            if sources:
                stop(f"{dataset} brings its own texts; leave the sources out", WRONG_USE)
            return open_corpus(questions.corpus, settings, heard), questions
        return open_sources(sources, settings, heard), questions
