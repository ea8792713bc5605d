"""Two results of the same questions, side by side: what was won, what lost, and whether by chance.

Differences of means are tested by paired randomisation (Fisher; Smucker, Allan and Carterette
2007) and given a paired bootstrap interval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import DatasetError
from chatbot.evaluation import metrics

FIGURES = (
    "success@1", "success@5", "recall@5", "rr@10", "ndcg@5", "first_sentence", "any_sentence",
    "exact_match", "f1", "f1_v2", "evidence_precision",
)  # fmt: skip
ROUNDS = 10_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two results over the questions that both know it for; `won` and `lost` by B."""

    name: str
    a: float
    b: float
    low: float
    high: float
    p: float
    won: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def significant(self) -> bool:
        """Whether chance alone does so in less than one case of twenty."""
        return self.p < 0.05


def read_result(path: Path) -> dict[str, Any]:
    """Read what `evaluate --json` wrote; DatasetError where it is something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DatasetError(f"{path}: not JSON ({error})") from error
    rows = value.get("per_question") if isinstance(value, dict) else None
    good = isinstance(rows, list) and all(
        isinstance(row, dict) and {"id", "figures", "state", "answerable"} <= set(row)
        for row in rows
    )
    if not good or not all(_numbers(row["figures"]) for row in rows or ()):
        raise DatasetError(f"{path}: not a result of: ask-article evaluate … --json")
    result: dict[str, Any] = value
    return result


def shared_ids(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The ids that both results have, in the order of the first.

    DatasetError where there is none, or one of them is another question in the second.
    """
    asked = [{str(row["id"]): row for row in each["per_question"]} for each in (first, second)]
    shared = [identity for identity in asked[0] if identity in asked[1]]
    if not shared:
        raise DatasetError("the two results have no question in common")
    for identity in shared:
        one, other = (_stated(each[identity]) for each in asked)
        if one != other:
            what = "question" if one[0] != other[0] else "gold answer"
            raise DatasetError(
                f"{identity!r} has another {what} in B than in A;"
                " only results of the same data can be compared"
            )
    return shared


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """Every figure that both results know; DatasetError as `shared_ids`."""
    shared = shared_ids(first, second)
    a, b = (_columns(result) for result in (first, second))
    found = []
    for name in (*FIGURES, "false_answer_rate", "false_refusal_rate"):
        ids = [i for i in shared if i in a.get(name, {}) and i in b.get(name, {})]
        if ids:
            found.append(_difference(name, ids, a[name], b[name]))
    return found


def _stated(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the data set says of a question; what is relevant depends on how texts are cut, too."""
    gold = row.get("gold") or {}
    return row.get("question"), row["answerable"], gold.get("evidence"), gold.get("answers")


def _numbers(figures: Any) -> bool:
    return isinstance(figures, dict) and all(
        value is None or isinstance(value, (int, float)) for value in figures.values()
    )


def _columns(result: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    columns: dict[str, dict[str, float]] = {"asked": {}}
    for row in result["per_question"]:
        identity = str(row["id"])
        columns["asked"][identity] = 1.0
        values = {name: row["figures"].get(name) for name in FIGURES}
        if row["answerable"] is False:
            values["false_answer_rate"] = float(row["state"] == "answered")
        elif row["answerable"]:
            values["false_refusal_rate"] = float(row["state"] != "answered")
        for name, value in values.items():
            if value is not None:
                columns.setdefault(name, {})[identity] = float(value)
    return columns


def _difference(
    name: str, ids: list[str], a: Mapping[str, float], b: Mapping[str, float]
) -> Difference:
    first, second = np.array([a[i] for i in ids]), np.array([b[i] for i in ids])
    gain = second - first
    ends = metrics.interval(len(ids), lambda places: float(gain[places].mean()))
    assert ends is not None
    better = -1 if name in metrics.LOWER_IS_BETTER else 1
    return Difference(
        name=name,
        a=float(first.mean()),
        b=float(second.mean()),
        low=ends[0],
        high=ends[1],
        p=_chance(gain),
        won=tuple(i for i, by in zip(ids, better * gain, strict=True) if by > 0),
        lost=tuple(i for i, by in zip(ids, better * gain, strict=True) if by < 0),
    )


def _chance(gain: Floats) -> float:
    """How often swapping the two by coin gives a difference as large (two-sided)."""
    moved = gain[gain != 0]
    if not len(moved):
        return 1.0
    rng = np.random.default_rng(0)
    observed = abs(moved.sum()) - 1e-12
    reached = 0
    for _ in range(ROUNDS // 1000):
        signs = rng.choice((-1.0, 1.0), size=(1000, len(moved)))
        reached += int((np.abs(signs @ moved) >= observed).sum())
    # The observed assignment is one of them.
    return (reached + 1) / (ROUNDS + 1)
