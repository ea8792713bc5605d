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

import torch
from torch import nn

from chatbot.answering.reader import MODEL
from chatbot.reader import rounding
from chatbot.reader.network import Network
from chatbot.reader.quantize import quantize
from chatbot.reader.weights import weights_of
from index.quantize import OPSET, fuse


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
        rounding.bake(network)
        exported = _export(network, Path(folder) / "exported.onnx")
        # A layer norm fused with the sum before it takes seven times as long on a CPU.
        fused = fuse(exported, Path(folder) / "fused.onnx", sums=False)
        quantize(fused, options.to, network.encoder.config.num_attention_heads)
    model: Path = options.to
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    sys.stdout.write(f"{model}: {model.stat().st_size:,} bytes\nSHA256 = {digest!r}\n")


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
