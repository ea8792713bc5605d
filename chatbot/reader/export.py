"""Make the int8 model that ships from a checkpoint of the training.

    python -m chatbot.reader.export reader.pt

The averaged weights are exported to ONNX, fused, and quantised in blocks: weights to int8 once,
what is multiplied with them as it comes, both by blocks of 64. One scale for a whole matrix, as the
embedder has, is faster, but gave another phrase for one question of nine, or with the full range
of bits, which older processors saturate, of fifteen; blocks for one of fifty.
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
from chatbot.reader.network import Network
from index.quantize import OPSET, fuse

AVERAGED = "module."
BLOCK = 64
INT8 = 4
"""What ONNX Runtime calls multiplying in int8."""


class Pair(nn.Module):  # type: ignore[misc]
    """The network for one question and one passage, which need no mask."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(
        self, states: torch.Tensor, segments: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """States (1, n, 384) and segments (1, n) → logits of spans (1, n, 2), of answering (1,)."""
        found: tuple[torch.Tensor, torch.Tensor] = self.network(states, segments, None)
        return found


def load(checkpoint: Path, attention: str = "sdpa") -> Network:
    """The network with a checkpoint's averaged weights, ready to read."""
    network = Network(attention)
    kept = torch.load(checkpoint)["averaged"]
    named = {
        name.removeprefix(AVERAGED): value
        for name, value in kept.items()
        if name.startswith(AVERAGED)
    }
    network.load_state_dict(named)
    network.eval()
    return network


def main() -> None:
    """Write the model, and say the digest that `answering.reader` must check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        exported = _export(load(options.checkpoint, "eager"), Path(folder) / "exported.onnx")
        _quantize(fuse(exported, Path(folder) / "fused.onnx"), MODEL)
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    sys.stdout.write(f"{MODEL}: {MODEL.stat().st_size:,} bytes\nSHA256 = {digest!r}\n")


def _export(network: Network, target: Path) -> Path:
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Pair(network),
        (torch.randn(1, 9, 384), torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 1]])),
        str(target),
        input_names=["states", "segments"],
        output_names=["spans", "answers"],
        dynamic_axes={"states": axes, "segments": axes, "spans": axes, "answers": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    return target


def _quantize(fused: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(
        onnx.load(str(fused)), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=INT8
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


if __name__ == "__main__":
    main()
