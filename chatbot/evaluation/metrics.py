"""The figures: small pure functions with the field's names. A question without hits scores 0."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RETRIEVAL = ("success@1", "success@3", "success@5", "recall@5", "rr@10", "ndcg@5", "ndcg@10")
"""Computed by ir-measures."""
DEPTH = 10
LOWER_IS_BETTER = (
    "false_answer_rate", "false_refusal_rate", "calibration_error", "risk_coverage_area",
    "p50", "p95",
)  # fmt: skip
RESAMPLES = 1000
BINS = 10


def retrieval(
    rankings: Mapping[str, Sequence[str]], relevant: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """Figures by question, for every question of `relevant`; `rankings` are ids, best first."""
    import ir_measures

    names: dict[Any, str] = {_named(name): name for name in RETRIEVAL}
    run = {
        # Ranks and not scores, or equal scores would be put in another order.
        question: {found: 1.0 / rank for rank, found in enumerate(ids[:DEPTH], start=1)}
        for question, ids in rankings.items()
        if ids
    }
    figures = {question: dict.fromkeys(RETRIEVAL, 0.0) for question in relevant}
    judged = {question: dict(grades) for question, grades in relevant.items()}
    for each in ir_measures.iter_calc(list(names), judged, run) if judged and run else ():
        figures[each.query_id][names[each.measure]] = float(each.value)
    return figures


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 where the answer is one of the golds, normalised as SQuAD does (Rajpurkar et al. 2016)."""
    return float(any(_normal(answer) == _normal(gold) for gold in golds))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """The best F1 of shared words with one of the golds, as SQuAD counts it."""
    return max((_f1(_normal(answer).split(), _normal(gold).split()) for gold in golds), default=0.0)


def auroc(scores: Floats, labels: NDArray[np.bool_]) -> float | None:
    """The chance that a positive scores above a negative, ties half; None without either."""
    from scipy.stats import rankdata

    positive = int(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return None
    ranks = rankdata(scores)
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def calibration_error(probabilities: Floats, labels: NDArray[np.bool_]) -> float | None:
    """Expected calibration error over ten bins of equal count (Naeini et al. 2015)."""
    if not len(labels):
        return None
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [len(b) * abs(probabilities[b].mean() - labels[b].mean()) for b in bins]
    return float(sum(gaps) / len(labels))


def risk_coverage(confidences: Floats, wrong: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """(coverage, risk): answering the surest share of questions, how many answers are wrong."""
    order = np.argsort(-confidences, kind="stable")
    risks = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    places = sorted({max(1, round(len(order) * share / 20)) for share in range(1, 21)})
    return [(place / len(order), float(risks[place - 1])) for place in places if len(order)]


def abstention(
    confidences: Floats, answered: NDArray[np.bool_], labels: NDArray[np.bool_]
) -> dict[str, float | None]:
    """How refusing goes, `labels` saying which questions have an answer.

    Precision and recall are those of refusals: a refusal is right where there is no answer.
    """
    refused, open_ = ~answered, ~labels
    right = int((refused & open_).sum())
    precision = right / int(refused.sum()) if refused.any() and open_.any() else None
    recall = right / int(open_.sum()) if open_.any() else None
    f1 = None
    if recall is not None:
        total = int(refused.sum()) + int(open_.sum())
        f1 = 2 * right / total
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "auroc": auroc(confidences, labels),
        "false_answer_rate": float(answered[open_].mean()) if open_.any() else None,
        "false_refusal_rate": float(refused[labels].mean()) if labels.any() else None,
        "calibration_error": calibration_error(confidences, labels) if open_.any() else None,
    }


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def interval(
    count: int, figure: Callable[[NDArray[np.int64]], float | None], resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The 95% interval of a figure over `count` questions by the percentile bootstrap.

    `figure` gets the places drawn (Efron and Tibshirani 1993); the seed is fixed.
    """
    if count == 0:
        return None
    rng = np.random.default_rng(0)
    drawn = (figure(rng.integers(count, size=count)) for _ in range(resamples))
    values = [value for value in drawn if value is not None]
    if not values:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def mean_interval(values: Sequence[float | None]) -> tuple[float, float] | None:
    """The same for a mean."""
    known = np.array([value for value in values if value is not None])
    return interval(len(known), lambda places: float(known[places].mean()))


def _named(name: str) -> object:
    import ir_measures

    spelt = {"success": "Success", "recall": "R", "rr": "RR", "ndcg": "nDCG"}
    kind, _, depth = name.partition("@")
    return ir_measures.parse_measure(f"{spelt[kind]}@{depth}")


def _normal(text: str) -> str:
    bare = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", bare).split())


def _f1(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    shared = sum((Counter(found) & Counter(gold)).values())
    return 2 * shared / (len(found) + len(gold))
