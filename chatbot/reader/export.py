"""Make the int8 model that ships from a checkpoint of the training.

    python -m chatbot.reader.export reader.pt

The averaged weights are exported to ONNX, fused, and quantised: the words' vectors and the weights
to int8 once, what is multiplied with the weights as it comes. `chatbot.reader.rounding` says what
keeps the answers the same.
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
from chatbot.reader.train import averaged_weights
from index.quantize import OPSET, fuse, quantize


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
    weights = averaged_weights(checkpoint)
    if any(name.endswith(".scale") for name in weights):
        rounding.prepare(network)
    network.load_state_dict(weights)
    network.eval()
    return network


def main() -> None:
    """Write the model, and say the digest that `answering.reader` must check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        network = load(options.checkpoint, "eager")
        rounding.bake(network)
        exported = _export(network, Path(folder) / "exported.onnx")
        quantize(fuse(exported, Path(folder) / "fused.onnx"), MODEL, only="/encoder/")
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    sys.stdout.write(f"{MODEL}: {MODEL.stat().st_size:,} bytes\nSHA256 = {digest!r}\n")


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
