"""What a training step makes less: errors, and how far the reader strays from what is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from chatbot.reader.network import BARRED


@dataclass(frozen=True, slots=True)
class Lesson:
    """What teachers make of a batch: the probabilities of begins and ends, and of answering.

    `spans` (b, n, 2) and `answers` (b,).
    """

    spans: torch.Tensor
    answers: torch.Tensor


def missed(spans: torch.Tensor, begins: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """How unlikely the marked answers are, in nats: logits (b, n, 2) and places (b, n) → scalar.

    Any of the answers that people gave counts, so their probabilities add up.
    """
    logits = spans.log_softmax(dim=1)
    both = torch.logsumexp(logits[..., 0].masked_fill(~begins, BARRED), dim=1) + torch.logsumexp(
        logits[..., 1].masked_fill(~ends, BARRED), dim=1
    )
    return -both.mean() / 2


def strayed(spans: torch.Tensor, known: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """How far the phrases that a passage offers moved from those known before, in nats.

    The divergence of two distributions over the passage's tokens, "nowhere" left out: what was
    learnt of choosing phrases stays, while refusing changes (learning without forgetting, Li and
    Hoiem 2016, https://arxiv.org/abs/1606.09282).
    """
    old, new = (
        each.masked_fill(~inside[..., None], BARRED).log_softmax(dim=1) for each in (known, spans)
    )
    return (old.exp() * (old - new)).sum(dim=1).mean()


def untaught(spans: torch.Tensor, lesson: Lesson) -> torch.Tensor:
    """How far begins and ends, "nowhere" among them, are from what teachers say, in nats."""
    known = lesson.spans.clamp(min=1e-9).log()
    return (lesson.spans * (known - spans.log_softmax(dim=1))).sum(dim=1).mean()
