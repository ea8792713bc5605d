"""Networks that were trained apart, and what a student learns from their mean.

Several networks that began with other seeds are right more often together than any of them, and
one that learns from their mean keeps much of that (Hinton, Vinyals and Dean 2015,
https://arxiv.org/abs/1503.02531). Each teacher has been trained without a part of the articles
(`--fold`): of a question that it was trained on it mostly repeats the label, right or wrong, so
that where it was not, it counts more.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from chatbot.reader.losses import Lesson
from chatbot.reader.network import Network
from chatbot.reader.weights import weights_of

UNSEEN = 4.0
"""How many times a teacher counts on an article that it was not trained on."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One of `of` parts that articles are dealt into by title."""

    place: int
    of: int

    @classmethod
    def parse(cls, words: str) -> Fold:
        """`0/4` → the first of four. Raises ValueError for anything else."""
        place, of = map(int, words.split("/"))
        if not 0 <= place < of:
            raise ValueError(words)
        return cls(place, of)

    def __str__(self) -> str:
        return f"{self.place}/{self.of}"

    def holds(self, title: str) -> bool:
        """Whether an article is in it, the same on every machine."""
        return zlib.crc32(title.encode()) % self.of == self.place


class Teachers:
    """Checkpoints of the training, or models that ship, as one."""

    def __init__(self, files: Sequence[Path], device: torch.device) -> None:
        self._networks, self._folds = [], []
        for file in files:
            network = Network()
            network.load_state_dict(weights_of(file))
            self._networks.append(network.eval().requires_grad_(False).to(device))
            self._folds.append(_left_out(file))

    def __call__(
        self,
        ids: torch.Tensor,
        segments: torch.Tensor,
        mask: torch.Tensor,
        titles: Sequence[str],
    ) -> Lesson:
        """A batch, and the article of each of its questions → the mean of what is made of it."""
        spans, answers = torch.tensor(0.0), torch.tensor(0.0)
        shares = self._shares(titles).to(ids.device)
        for network, share in zip(self._networks, shares, strict=True):
            with torch.no_grad(), torch.autocast(ids.device.type, dtype=torch.bfloat16):
                found, answering = network(ids, segments, mask)
            spans = spans + share[:, None, None] * found.float().softmax(dim=1)
            answers = answers + share * answering.float().sigmoid()
        return Lesson(spans, answers)

    def _shares(self, titles: Sequence[str]) -> torch.Tensor:
        """How much each teacher counts on each article (teachers, b); a column comes to 1."""
        counts = [
            [UNSEEN if fold is not None and fold.holds(title) else 1.0 for title in titles]
            for fold in self._folds
        ]
        table = torch.tensor(counts)
        return table / table.sum(dim=0)


def _left_out(file: Path) -> Fold | None:
    """The fold that a checkpoint was trained without; None where it, or a model, has seen all."""
    if file.suffix == ".onnx":
        return None
    fold = torch.load(file, map_location="cpu", mmap=True).get("fold")
    return Fold.parse(fold) if fold else None
