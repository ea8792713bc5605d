"""Training that knows of int8, so that the model that ships answers as the network does.

While training goes on from the first step's weights, those of the encoder's linear layers are
rounded as they will be in the model that ships, and so are the states that they are multiplied
with; gradients pass as if neither were (straight-through estimation, Bengio et al. 2013,
https://arxiv.org/abs/1308.3432). What comes out is a network whose weights are int8, and which
reads rounded states as it does others. Each token's state has a step of its own (as in LLM.int8(),
Dettmers et al. 2022, https://arxiv.org/abs/2208.07339): with one for all of a text, the largest
leaves little to the others.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from chatbot.reader.network import Network

WEIGHTS, WORDS, STATES = 64, 127, 127
"""The steps to either side of 0; with 127 for weights, processors without VNNI saturate."""
LEAST = 1e-8
"""The smallest step."""


class Rounded(nn.Linear):  # type: ignore[misc]
    """A linear layer that multiplies with rounded weights; in training states are rounded, too."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear.in_features, linear.out_features)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States (b, n, in) → (b, n, out)."""
        if self.training:
            states = _rounded(states, STATES)
        return functional.linear(states, _rounded(self.weight), self.bias)


class RoundedWords(nn.Embedding):  # type: ignore[misc]
    """Words' vectors, each in multiples of a step of its own."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__(*table.weight.shape, _weight=table.weight.detach(), _freeze=True)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids (b, n) → (b, n, width)."""
        vectors = functional.embedding(ids, self.weight)
        whole, step = in_steps(vectors, WORDS)
        found: torch.Tensor = whole * step
        return found


class Words(nn.Module):  # type: ignore[misc]
    """The same as they are exported: a table in int8, and the steps."""

    def __init__(self, rounded: RoundedWords) -> None:
        super().__init__()
        whole, step = in_steps(rounded.weight, WORDS)
        self.register_buffer("table", whole.to(torch.int8))
        self.register_buffer("step", step)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids (b, n) → (b, n, width)."""
        found: torch.Tensor = self.table[ids].to(torch.float32) * self.step[ids]
        return found


def prepare(network: Network) -> None:
    """Let the encoder round its linear layers and its words; weights keep their names."""
    embeddings = network.encoder.embeddings
    embeddings.word_embeddings = RoundedWords(embeddings.word_embeddings)
    for module in list(network.encoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, Rounded(child))


def bake(network: Network) -> None:
    """Make a prepared network ready to be exported: its rounding done, its words' vectors int8."""
    for module in network.encoder.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, Rounded):
                setattr(module, name, _plain(child))
    embeddings = network.encoder.embeddings
    embeddings.word_embeddings = Words(embeddings.word_embeddings)


def _rounded(plain: torch.Tensor, most: int = WEIGHTS) -> torch.Tensor:
    """The rounded values going forward, the gradient of the plain ones going back."""
    values = plain.detach()
    whole, step = in_steps(values, most)
    return plain + (whole * step - values)


def _plain(rounded: Rounded) -> nn.Linear:
    """A layer with its weights rounded for good; the model that ships rounds states as it runs."""
    whole, step = in_steps(rounded.weight.detach())
    linear = nn.Linear(rounded.in_features, rounded.out_features)
    linear.weight, linear.bias = nn.Parameter(whole * step), rounded.bias
    return linear


def in_steps(values: torch.Tensor, most: int = WEIGHTS) -> tuple[torch.Tensor, torch.Tensor]:
    """Values (…, n) → whole numbers of steps, `most` to either side, and the steps (…, 1)."""
    step = (values.abs().amax(dim=-1, keepdim=True) / most).clamp(min=LEAST)
    return (values / step).round(), step
