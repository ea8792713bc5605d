"""Training that knows of int8, so that the model that ships answers as the network does.

Two things make the states of a BERT hard to round: a few channels far larger than the rest, and one
scale for all of them. The first is taken from the states and given to the weights that they are
multiplied with (SmoothQuant, Xiao et al. 2022, https://arxiv.org/abs/2211.10438). The second is
learnt: while training goes on, states and weights are rounded as ONNX Runtime will round them, and
gradients pass as if they were not (straight-through estimation, Bengio et al. 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from chatbot.reader.network import Network

SHARE = 0.85
"""How much of a channel's size goes to the weights; 0.5 and 1 round worse."""
STATES, WEIGHTS = 255, 64
"""The steps of states, and of weights to either side of 0; with 127, older processors saturate."""


class Rounded(nn.Module):  # type: ignore[misc]
    """A linear layer whose states and weights can be rounded as they will be when it runs."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.register_buffer("scale", torch.ones(linear.in_features))
        self.rounding = False
        self.largest: torch.Tensor | None = None

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States (b, n, in) → (b, n, out)."""
        if self.largest is not None:
            seen = states.detach().float().abs().amax(dim=(0, 1))
            self.largest = torch.maximum(self.largest, seen)
        states = states / self.scale
        weight = self.linear.weight * self.scale
        if self.rounding:
            states, weight = _rounded_states(states), _rounded_weight(weight)
        return functional.linear(states, weight.to(states.dtype), self.linear.bias)


class Baked(nn.Module):  # type: ignore[misc]
    """A Rounded layer as it is exported: what its states are divided by is in its weights."""

    def __init__(self, rounded: Rounded) -> None:
        super().__init__()
        self.linear = rounded.linear
        with torch.no_grad():
            self.linear.weight.mul_(rounded.scale)
        self.register_buffer("inverse", 1.0 / rounded.scale)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States (b, n, in) → (b, n, out)."""
        found: torch.Tensor = self.linear(states * self.inverse)
        return found


class Words(nn.Module):  # type: ignore[misc]
    """A table of words' vectors in int8, each row with a scale of its own."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        weight = table.weight.detach()
        scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-8)
        self.register_buffer("table", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids (b, n) → (b, n, width)."""
        found: torch.Tensor = self.table[ids].to(torch.float32) * self.scale[ids]
        return found


def prepare(network: Network) -> None:
    """Put a Rounded in the place of every linear layer of the encoder."""
    _replace(network, nn.Linear, Rounded)


def bake(network: Network) -> None:
    """Make a network ready to be exported."""
    _replace(network, Rounded, Baked)
    embeddings = network.encoder.embeddings
    embeddings.word_embeddings = Words(embeddings.word_embeddings)


def _replace(network: Network, old: type[nn.Module], new: Callable[[Any], nn.Module]) -> None:
    for module in list(network.encoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, old):
                setattr(module, name, new(child))


def calibrate(network: Network, batches: Iterable[tuple[torch.Tensor, ...]]) -> None:
    """Take the size of the channels from some batches of ids, segments and mask."""
    layers = [each for each in network.modules() if isinstance(each, Rounded)]
    for each in layers:
        each.largest = torch.zeros(each.linear.in_features)
    network.eval()
    with torch.no_grad():
        for ids, segments, mask in batches:
            network(ids, segments, mask)
    for each in layers:
        assert each.largest is not None
        wide = each.largest.clamp(min=1e-5) ** SHARE
        scale = wide / each.linear.weight.detach().abs().amax(dim=0).clamp(min=1e-5) ** (1 - SHARE)
        each.scale.copy_(scale / scale.log().mean().exp())
        each.largest = None
    network.train()


def set_rounding(network: Network, on: bool) -> None:
    """Round, or do not."""
    for each in network.modules():
        if isinstance(each, Rounded):
            each.rounding = on


def _rounded_states(states: torch.Tensor) -> torch.Tensor:
    """By a batch's extremes; ONNX Runtime takes each text's own, which are finer."""
    whole = states.float()
    low, high = torch.aminmax(whole.detach())
    low, high = low.clamp(max=0.0), high.clamp(min=0.0)
    step = ((high - low) / STATES).clamp(min=1e-8)
    zero = (-low / step).round().to(torch.int32)
    found: torch.Tensor = torch.fake_quantize_per_tensor_affine(whole, step, zero, 0, STATES)
    return found


def _rounded_weight(weight: torch.Tensor) -> torch.Tensor:
    step = (weight.detach().abs().amax(dim=1) / WEIGHTS).clamp(min=1e-8)
    zero = torch.zeros_like(step, dtype=torch.int32)
    found: torch.Tensor = torch.fake_quantize_per_channel_affine(
        weight, step, zero, 0, -WEIGHTS, WEIGHTS
    )
    return found
