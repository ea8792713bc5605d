"""Boosted trees (Friedman 2001): small, read from JSON, and fitted by scikit-learn.

Where one sign matters more in the presence of another, a sum of weights cannot say it; trees can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Node = tuple[int, float, int, int, float]
"""Feature, threshold, the nodes below and above it, and the value; feature -1 is a leaf."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted model. `means` (features,) stand in for what is not known."""

    means: tuple[float, ...]
    start: float
    trees: tuple[tuple[Node, ...], ...]
    threshold: float = 0.0

    @classmethod
    def of(cls, data: dict[str, Any]) -> Boosted:
        """The model in what was read from JSON."""
        trees = tuple(tuple(tuple(node) for node in tree) for tree in data["trees"])
        return cls(tuple(data["means"]), data["start"], trees, data["threshold"])

    def probability(self, row: Sequence[float]) -> float:
        """Features (features,) → a probability; NaN counts neither way."""
        known = [m if math.isnan(x) else x for x, m in zip(row, self.means, strict=True)]
        total = self.start + sum(_leaf(tree, known) for tree in self.trees)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def _leaf(tree: Sequence[Node], row: Sequence[float]) -> float:
    node = tree[0]
    while node[0] >= 0:
        node = tree[node[2] if row[node[0]] <= node[1] else node[3]]
    return node[4]


def boosted(x: NDArray[Any], y: NDArray[Any], trees: int, depth: int, rate: float) -> Boosted:
    """Rows (n, features) and labels (n,) → a model."""
    from sklearn.ensemble import GradientBoostingClassifier

    fitted = GradientBoostingClassifier(
        n_estimators=trees, max_depth=depth, subsample=0.7, learning_rate=rate, random_state=7
    ).fit(x, y)
    share = float(y.mean())
    return Boosted(
        means=tuple(round(float(each), 4) for each in x.mean(axis=0)),
        start=round(math.log(share / (1 - share)), 4),
        trees=tuple(_nodes(each[0].tree_, rate) for each in fitted.estimators_),
    )


def _nodes(tree: Any, rate: float) -> tuple[Node, ...]:
    return tuple(
        (
            max(int(tree.feature[n]), -1),
            round(float(tree.threshold[n]), 4),
            int(tree.children_left[n]),
            int(tree.children_right[n]),
            round(rate * float(tree.value[n][0][0]), 4),
        )
        for n in range(tree.node_count)
    )
