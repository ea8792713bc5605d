"""A result as a table, as one HTML page, and as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chatbot.evaluation.compare import Difference
from chatbot.evaluation.gates import Requirement
from chatbot.evaluation.metrics import LOWER_IS_BETTER
from chatbot.evaluation.result import FIGURES, Result

TEMPLATE = Path(__file__).with_name("report.html")
SHOWN = 40
HEADINGS = {
    "retrieval": "Finding the passage",
    "answers": "Answering",
    "abstention": "Refusing",
    "citations": "Citing",
    "first_turns": "Finding: first turns",
    "follow_ups": "Finding: follow-ups",
    "latency_ms": "Milliseconds",
}
SAYS = {
    "success@1": "the right passage first",
    "success@3": "among the first 3",
    "success@5": "among the first 5",
    "recall@5": "share of right passages in the first 5",
    "rr@10": "reciprocal rank",
    "ndcg@5": "normalised discounted gain, first 5",
    "ndcg@10": "the same, first 10",
    "first_sentence": "the first sentence holds the evidence",
    "any_sentence": "the answer holds it",
    "exact_match": "marked phrase equals a gold phrase",
    "f1_v2": "the same F1, and 1 for an open question refused",
    "f1": "words shared with the gold answer",
    "precision": "refusals that were right",
    "recall": "open questions refused",
    "auroc": "confidence tells answerable from open",
    "false_answer_rate": "open questions answered",
    "false_refusal_rate": "answerable questions refused",
    "calibration_error": "confidence against truth",
    "risk_coverage_area": "wrong answers, mean over coverage",
    "verbatim": "citations that are the article's exact words",
    "evidence_precision": "citations that hold gold evidence",
    "p50": "half of the questions",
    "p95": "95 of 100",
}


def table(result: Result) -> RenderableType:
    """The figures with their intervals."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    # Names and figures are never cut; where there is little room, what they mean is wrapped.
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column("95% interval", no_wrap=True)
    grid.add_column()
    for group, names in FIGURES.items():
        rows = [name for name in names if result.figures[group][name] is not None]
        if not rows or (group == "first_turns" and not _known(result, "follow_ups")):
            continue
        grid.add_row(Text(HEADINGS[group], style="bold"))
        for name in rows:
            ends = result.intervals.get(f"{group}.{name}")
            value = result.figures[group][name]
            between = f"{_number(group, ends[0])} – {_number(group, ends[1])}" if ends else ""
            says = "" if group == "abstention" and name == "f1" else SAYS.get(name, "")
            cells = f"  {name}", _number(group, value), between, Text(says, style="dim")
            grid.add_row(*cells)
    count = len(result.outcomes)
    title = f"{result.dataset}: {count:,} questions"
    title += ", gold passages handed over" if result.oracle else ""
    return Group(Text(title, style="bold"), grid, *_kinds(result))


def comparison(found: Sequence[Difference], names: tuple[str, str], shared: int) -> RenderableType:
    """What B won and lost against A, of the questions that they share."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "A", "B", "B - A", "95% interval", "p", "won", "lost", ""):
        grid.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for each in found:
        verdict = "by chance"
        if each.significant:
            verdict = "better" if len(each.won) > len(each.lost) else "worse"
        grid.add_row(
            each.name, f"{each.a:.3f}", f"{each.b:.3f}", f"{each.b - each.a:+.3f}",
            f"{each.low:+.3f} – {each.high:+.3f}", f"{each.p:.4f}",
            str(len(each.won)), str(len(each.lost)), verdict,
        )  # fmt: skip
    changed: list[RenderableType] = []
    for each in found:
        for word, ids in (("won", each.won), ("lost", each.lost)):
            if ids:
                more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
                text = f"{each.name} {word}: {', '.join(ids[:SHOWN])}{more}"
                changed.append(Text(text, style="dim"))
    about = f"A: {names[0]}\nB: {names[1]}\nCompared: the {shared:,} that both have\n"
    told = Text("by chance: not significant, p of 0.05 or more", style="dim")
    return Group(Text(about), grid, told, Text(), *changed)


def html(result: Result, missed: Sequence[str] = ()) -> str:
    """One page that needs nothing else: plots, figures, and every failed question."""
    from jinja2 import Environment, select_autoescape

    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    groups: list[dict[str, Any]] = []
    for group, names in FIGURES.items():
        rows = [
            {
                "name": name,
                "says": "" if (group, name) == ("abstention", "f1") else SAYS.get(name, ""),
                "value": result.figures[group][name],
                "text": _number(group, result.figures[group][name]),
                "ends": result.intervals.get(f"{group}.{name}"),
                "low_high": [
                    _number(group, end) for end in result.intervals.get(f"{group}.{name}") or ()
                ],
                "bar": group != "latency_ms",
                "less": name in LOWER_IS_BETTER,
            }
            for name in names
            if result.figures[group][name] is not None
        ]
        if rows:
            groups.append({"heading": HEADINGS[group], "rows": rows})
    return template.render(
        result=result, groups=groups, missed=missed, curve=result.risk_coverage,
        bins=_bins(result), kinds=result.kinds(),
    )  # fmt: skip


def junit(result: Result, required: Sequence[Requirement]) -> str:
    """JUnit XML: a test for each requirement, and one for each question.

    A failed question is marked as skipped with what went wrong, so that the requirements alone
    decide whether a build fails.
    """
    root = ElementTree.Element("testsuites", name=f"ask-article evaluate {result.dataset}")
    gates = ElementTree.SubElement(root, "testsuite", name="requirements")
    for requirement in required:
        name = f"{requirement.name} {requirement}"
        case = ElementTree.SubElement(gates, "testcase", classname=result.dataset, name=name)
        if why := requirement.missed(result):
            ElementTree.SubElement(case, "failure", message=why)
    asked = ElementTree.SubElement(root, "testsuite", name="questions")
    for outcome in result.outcomes:
        name = _printable(f"{outcome.question.id}: {outcome.question.text}")
        case = ElementTree.SubElement(
            asked, "testcase", classname=result.dataset, name=name,
            time=f"{outcome.milliseconds / 1000:.4f}",
        )  # fmt: skip
        if outcome.failure:
            ElementTree.SubElement(case, "skipped", message=outcome.failure)
    for suite in root:
        failures = sum(case.find("failure") is not None for case in suite)
        skipped = sum(case.find("skipped") is not None for case in suite)
        counts = {"tests": len(suite), "failures": failures, "skipped": skipped, "errors": 0}
        suite.attrib.update({name: str(count) for name, count in counts.items()})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _known(result: Result, group: str) -> bool:
    return any(value is not None for value in result.figures[group].values())


def _kinds(result: Result) -> list[RenderableType]:
    kinds = result.kinds()
    if set(kinds) <= {""}:
        return []
    parts = (f"{kind or 'unnamed'} {failed} of {count}" for kind, (count, failed) in kinds.items())
    return [Text("Failed by kind: ", style="bold"), Text("  " + ", ".join(parts))]


def _number(group: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if group == "latency_ms" else f"{value:.3f}"


def _bins(result: Result) -> list[tuple[float, float, int]]:
    """(mean confidence, share answerable, questions) by tenths of confidence."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for outcome in result.labelled:
        confidence = outcome.answer.confidence
        pair = confidence, bool(outcome.question.answerable)
        bins.setdefault(min(9, int(confidence * 10)), []).append(pair)
    return [
        (sum(c for c, _ in pairs) / len(pairs), sum(y for _, y in pairs) / len(pairs), len(pairs))
        for _, pairs in sorted(bins.items())
    ]


def _printable(text: str) -> str:
    """XML has no place for control characters."""
    return "".join(letter for letter in text if letter.isprintable())
