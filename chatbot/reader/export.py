"""Make the int8 model that ships from a checkpoint of the training.

    python -m chatbot.reader.export reader.pt

The averaged weights are exported to ONNX and fused; the words' vectors and the weights become int8.
What is multiplied with the weights is quantised as it comes, in two parts: states as int8, then
what that left out as int8 again. One part alone (8 bits) moves one answer in twenty, as phrases
that are nearly as likely as each other change places; two take half as long again.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from chatbot.answering.reader import MODEL
from chatbot.reader import rounding
from chatbot.reader.network import Network
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
        _quantize(fused, options.to)
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


def _quantize(fused: Path, target: Path) -> None:
    """Make int8 of the encoder's weights, and let their multiplications take states in parts."""
    import onnx

    model = onnx.load(str(fused))
    weights = {each.name: each for each in model.graph.initializer}
    nodes, made, split = [], [], set()
    for node in model.graph.node:
        matrix = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or "/encoder/" not in node.name:
            nodes.append(node)
            continue
        states = node.input[0]
        if states not in split:
            split.add(states)
            nodes += _parts(states)
        found, tables = _multiplied(states, onnx.numpy_helper.to_array(matrix), node.output[0])
        nodes += found
        made += tables
        model.graph.initializer.remove(matrix)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(made)
    onnx.checker.check_model(model)
    onnx.save_model(model, str(target))


def _parts(states: str) -> list[Any]:
    """Nodes that take states apart: eight bits (part 0), and eight of what these left out (1)."""
    from onnx.helper import make_node

    parts = [[f"{states}.{name}{part}" for name in ("whole", "step", "zero")] for part in (0, 1)]
    rough, left = f"{states}.rough", f"{states}.left"
    return [
        make_node("DynamicQuantizeLinear", [states], parts[0]),
        make_node("DequantizeLinear", parts[0], [rough]),
        make_node("Sub", [states, rough], [left]),
        make_node("DynamicQuantizeLinear", [left], parts[1]),
    ]


def _multiplied(states: str, weight: NDArray[np.float32], result: str) -> tuple[list[Any], Any]:
    """Nodes that multiply both parts of states with a weight (in, out), and their tables."""
    import onnx
    from onnx.helper import make_node

    whole, step = rounding.in_steps(torch.from_numpy(weight.T.copy()))
    weights, steps = f"{result}.weights", f"{result}.steps"
    tables = [
        onnx.numpy_helper.from_array(whole.T.to(torch.int8).contiguous().numpy(), weights),
        onnx.numpy_helper.from_array(step[:, 0].numpy(), steps),
    ]
    nodes = []
    for part in (0, 1):
        name = f"{result}.{part}"
        counted, cast, scale = f"{name}.counted", f"{name}.cast", f"{name}.scale"
        taken = [f"{states}.whole{part}", weights, f"{states}.zero{part}"]
        nodes += [
            make_node("MatMulInteger", taken, [counted]),
            make_node("Cast", [counted], [cast], to=onnx.TensorProto.FLOAT),
            make_node("Mul", [f"{states}.step{part}", steps], [scale]),
            make_node("Mul", [cast, scale], [name]),
        ]
    return [*nodes, make_node("Add", [f"{result}.0", f"{result}.1"], [result])], tables


if __name__ == "__main__":
    main()
