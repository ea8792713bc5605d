"""Make the int8 model that ships from a checkpoint of the training.

    python -m chatbot.reader.export reader.pt

The averaged weights are exported to ONNX and fused; the words' vectors and the weights become int8,
and what is multiplied with the weights is rounded as it comes (`chatbot.reader.quantize`).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from chatbot.answering.reader import MODEL, Pairs
from chatbot.reader import rounding
from chatbot.reader.network import Network
from chatbot.reader.quantize import quantize
from chatbot.reader.weights import weights_of
from chatbot.reader.written import read_invented
from index.quantize import OPSET, fuse

INVENTED = Path(__file__).with_name("invented.jsonl")
EVERY = 100
"""Every so many of its articles are read to see the usual states."""


class Alone(nn.Module):  # type: ignore[misc]
    """The network for one question and one passage, which need no mask."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(
        self, ids: torch.Tensor, segments: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and segments (1, n) → logits of spans (1, n, 2), of answering (1,)."""
        found: tuple[torch.Tensor, torch.Tensor] = self.network(ids, segments, None)
        return found


def load(checkpoint: Path, attention: str = "sdpa") -> Network:
    """The network with a checkpoint's averaged weights, ready to read."""
    network = Network(attention)
    network.load_state_dict(weights_of(checkpoint))
    rounding.prepare(network)
    network.eval()
    return network


def main() -> None:
    """Write the model, and say the digest that `answering.reader` must check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, default=MODEL, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        network = load(options.checkpoint, "eager")
        usual = _usual(network)
        rounding.bake(network)
        exported = _export(network, Path(folder) / "exported.onnx")
        # A layer norm fused with the sum before it takes seven times as long on a CPU.
        fused = fuse(exported, Path(folder) / "fused.onnx", sums=False)
        quantize(fused, options.to, network.encoder.config.num_attention_heads, usual)
    model: Path = options.to
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    sys.stdout.write(f"{model}: {model.stat().st_size:,} bytes\nSHA256 = {digest!r}\n")


def _usual(network: Network) -> dict[str, NDArray[np.float32]]:
    """The mean state that each linear layer takes, by its name, over some of the invented texts."""
    taken: dict[str, list[torch.Tensor]] = {}
    for name, module in network.named_modules():
        if isinstance(module, rounding.Rounded):
            module.register_forward_pre_hook(
                lambda _, states, name=name: taken.setdefault(name, []).append(states[0][0])
            )
    pairs = Pairs()
    for part in read_invented(INVENTED)[::EVERY]:
        pair = pairs.of(part.examples[0].question, part.passages[0])
        with torch.no_grad():
            network(torch.from_numpy(pair.ids)[None], torch.from_numpy(pair.segments)[None], None)
    return {name: torch.cat(states).mean(dim=0).numpy() for name, states in taken.items()}


def _export(network: Network, target: Path) -> Path:
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Alone(network),
        (torch.randint(5, 1000, (1, 9)), torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 1]])),
        str(target),
        input_names=["ids", "segments"],
        output_names=["spans", "answers"],
        dynamic_axes={"ids": axes, "segments": axes, "spans": axes, "answers": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    return target


if __name__ == "__main__":
    main()
