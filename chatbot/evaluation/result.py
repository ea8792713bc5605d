"""What came of asking: one outcome a question, and the figures of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chatbot.answers import Answer
from chatbot.evaluation import metrics
from chatbot.evaluation.datasets import Question

ANSWERS = ("first_sentence", "any_sentence", "exact_match", "f1", "f1_v2")
CITATIONS = ("verbatim", "evidence_precision")
ABSTENTION = (
    "precision", "recall", "f1", "auroc", "false_answer_rate", "false_refusal_rate",
    "calibration_error",
)  # fmt: skip
FIGURES = {
    "retrieval": metrics.RETRIEVAL,
    "answers": ANSWERS,
    "abstention": (*ABSTENTION, "risk_coverage_area"),
    "citations": CITATIONS,
    "first_turns": metrics.RETRIEVAL,
    "follow_ups": metrics.RETRIEVAL,
    "latency_ms": ("p50", "p95"),
}
"""The figures by group, as `--json` gives and `--require` names them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage or text that search ranked."""

    id: str
    title: str
    text: str
    score: float
    relevant: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question with its answer; `figures` holds what this question counts for each figure.

    `right` says whether the sentences shown, or those that a refusal held back, hold the evidence.
    """

    question: Question
    answer: Answer
    found: tuple[Found, ...]
    relevant: Mapping[str, int]
    milliseconds: float
    figures: Mapping[str, float | None]
    right: bool | None

    @property
    def failure(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        figures = self.figures
        if self.question.answerable is False:
            return "answered, though left open" if self.answer.answered else ""
        if self.question.answerable and not self.answer.answered:
            return "refused, though answered in the text"
        if figures["first_sentence"] == 1:
            return ""
        if figures["success@5"] == 0:
            return "the right passage was not found"
        if figures["first_sentence"] is None:
            return ""
        return "the evidence comes later" if figures["any_sentence"] else "other sentences chosen"

    def to_json(self) -> dict[str, Any]:
        """The entry of `per_question`."""
        asked = self.question
        return {
            "id": asked.id,
            "question": asked.text,
            "history": len(asked.history),
            "kind": asked.kind,
            "article": asked.article,
            "answerable": asked.answerable,
            "state": self.answer.state,
            "confidence": round(self.answer.confidence, 4),
            "failure": self.failure,
            "figures": {name: _rounded(value) for name, value in self.figures.items()},
            "milliseconds": round(self.milliseconds, 2),
            "gold": {
                "evidence": list(asked.evidence),
                "answers": list(asked.answers),
                "relevant": dict(self.relevant),
            },
            "sentences": [each.text for each in self.answer.sentences],
            "found": [
                {"id": each.id, "title": each.title, "score": round(each.score, 4),
                 "relevant": each.relevant}
                for each in self.found[:5]
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class Result:
    """All outcomes; `oracle` says that gold passages were handed over instead of found."""

    dataset: str
    oracle: bool
    outcomes: tuple[Outcome, ...]
    about: Mapping[str, Any]

    @cached_property
    def figures(self) -> dict[str, dict[str, float | None]]:
        """Every figure by group; None where the data set cannot give it."""
        every = self.outcomes
        return {
            "retrieval": _means(every, metrics.RETRIEVAL),
            "answers": _means(every, ANSWERS),
            "abstention": {**_abstention(self.labelled), "risk_coverage_area": self._area()},
            "citations": _means(every, CITATIONS),
            "first_turns": _means(self.turns(later=False), metrics.RETRIEVAL),
            "follow_ups": _means(self.turns(later=True), metrics.RETRIEVAL),
            "latency_ms": {
                f"p{share}": float(np.percentile([o.milliseconds for o in every], share))
                for share in (50, 95)
            },
        }

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """The 95% bootstrap interval of each figure, named `group.figure`."""
        found: dict[str, tuple[float, float] | None] = {}
        some = {"first_turns": self.turns(later=False), "follow_ups": self.turns(later=True)}
        for group in ("retrieval", "answers", "citations", "first_turns", "follow_ups"):
            for name in FIGURES[group]:
                values = [o.figures[name] for o in some.get(group, self.outcomes)]
                found[f"{group}.{name}"] = metrics.mean_interval(values)
        found |= _abstention_intervals(self.labelled)
        found["abstention.risk_coverage_area"] = self._area_interval()
        times = np.array([o.milliseconds for o in self.outcomes])
        for share in (50, 95):
            draw = _percentile(times, share)
            found[f"latency_ms.p{share}"] = metrics.interval(len(times), draw)
        return found

    def turns(self, later: bool) -> list[Outcome]:
        """The outcomes of follow-ups, or those of first turns."""
        return [o for o in self.outcomes if bool(o.question.history) == later]

    @property
    def labelled(self) -> list[Outcome]:
        """The outcomes of questions that are known to have an answer or none."""
        return [o for o in self.outcomes if o.question.answerable is not None]

    @cached_property
    def risk_coverage(self) -> list[tuple[float, float]]:
        """(coverage, risk), from the surest answers to all; see `metrics.risk_coverage`.

        Empty where it is not known which answers are right.
        """
        known = self.labelled
        if any(o.right is None for o in known):
            return []
        confidences = np.array([o.answer.confidence for o in known])
        return metrics.risk_coverage(confidences, np.array([not o.right for o in known], bool))

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes in which something went wrong."""
        return [outcome for outcome in self.outcomes if outcome.failure]

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Kind → (questions, failed), in the order met."""
        found: dict[str, tuple[int, int]] = {}
        for outcome in self.outcomes:
            count, failed = found.get(outcome.question.kind, (0, 0))
            found[outcome.question.kind] = count + 1, failed + bool(outcome.failure)
        return found

    def figure(self, name: str) -> float | None:
        """A figure by name; see `places`."""
        (place, *_) = places(name)
        group, figure = place
        return self.figures[group][figure]

    def to_json(self) -> dict[str, Any]:
        """The object of `evaluate --json`."""
        groups = {
            group: {name: _rounded(value) for name, value in figures.items()}
            for group, figures in self.figures.items()
        }
        return {
            "dataset": self.dataset,
            "questions": len(self.outcomes),
            **groups,
            "intervals": {
                name: [_rounded(end) for end in ends] if ends else None
                for name, ends in self.intervals.items()
            },
            "risk_coverage": [[_rounded(part) for part in point] for point in self.risk_coverage],
            "kinds": {
                kind or "unnamed": {"questions": count, "failed": failed}
                for kind, (count, failed) in self.kinds().items()
            },
            "oracle": self.oracle,
            "about": dict(self.about),
            "per_question": [outcome.to_json() for outcome in self.outcomes],
        }

    def _area(self) -> float | None:
        return _area(self.risk_coverage)

    def _area_interval(self) -> tuple[float, float] | None:
        if not self.risk_coverage:
            return None
        confidences = np.array([o.answer.confidence for o in self.labelled])
        wrong = np.array([not o.right for o in self.labelled], bool)
        return metrics.interval(
            len(wrong), lambda drawn: _area(metrics.risk_coverage(confidences[drawn], wrong[drawn]))
        )


def places(name: str) -> list[tuple[str, str]]:
    """Where a figure stands, by `group.figure` or by its own name; the first is meant."""
    group, dot, figure = name.rpartition(".")
    if dot:
        return [(group, figure)] if figure in FIGURES.get(group, ()) else []
    return [(group, name) for group, figures in FIGURES.items() if name in figures]


def _means(outcomes: Sequence[Outcome], names: Sequence[str]) -> dict[str, float | None]:
    return {name: metrics.mean([o.figures[name] for o in outcomes]) for name in names}


def _columns(outcomes: Sequence[Outcome]) -> tuple[Any, Any, Any]:
    return (
        np.array([o.answer.confidence for o in outcomes]),
        np.array([o.answer.answered for o in outcomes], bool),
        np.array([o.question.answerable for o in outcomes], bool),
    )


def _abstention(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    return metrics.abstention(*_columns(outcomes))


def _abstention_intervals(
    outcomes: Sequence[Outcome],
) -> dict[str, tuple[float, float] | None]:
    """All figures of one draw at a time, since they are made from the same questions."""
    columns = _columns(outcomes)
    drawn: list[dict[str, float | None]] = []

    def draw(places: Any) -> float:
        drawn.append(metrics.abstention(*(column[places] for column in columns)))
        return 0.0

    metrics.interval(len(outcomes), draw)
    found: dict[str, tuple[float, float] | None] = {}
    for name in ABSTENTION:
        values = [value for each in drawn if (value := each[name]) is not None]
        ends = np.quantile(values, [0.025, 0.975]) if values else None
        found[f"abstention.{name}"] = None if ends is None else (float(ends[0]), float(ends[1]))
    return found


def _area(curve: Sequence[tuple[float, float]]) -> float | None:
    return float(np.mean([risk for _, risk in curve])) if curve else None


def _percentile(times: Any, share: int) -> Callable[[Any], float]:
    return lambda places: float(np.percentile(times[places], share))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
