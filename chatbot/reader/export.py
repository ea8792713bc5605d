"""Make the int8 model that ships from a checkpoint of the training.

    python -m chatbot.reader.export reader.pt

The averaged weights are exported to ONNX and fused; the words' vectors and the weights become int8.
What is multiplied with the weights is rounded as it comes, each token's state in steps of its own.
What GELU gives is never below -0.17, so that all of a byte is for what is above it.
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

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
ZERO = 128
"""The byte that stands for 0 where there is as much room below as above."""
GELUS = ("Gelu", "BiasGelu", "FastGelu")
LIFT = 0.17
"""What GELU gives is lifted by so much to be above 0."""


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
    """Make int8 of the encoder's weights, and of the states that they are multiplied with."""
    import onnx

    model = onnx.load(str(fused))
    weights = {each.name: each for each in model.graph.initializer}
    gelus = {node.output[0] for node in model.graph.node if node.op_type in GELUS}
    nodes, made, rounded = _zeros(), _constants(), set()
    for node in model.graph.node:
        matrix = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or "/encoder/" not in node.name:
            nodes.append(node)
            continue
        states, lifted = node.input[0], node.input[0] in gelus
        if states not in rounded:
            rounded.add(states)
            nodes += _rounded(states, lifted)
        weight = onnx.numpy_helper.to_array(matrix)
        found, tables = _multiplied(states, weight, node.output[0], lifted)
        nodes += found
        made += tables
        model.graph.initializer.remove(matrix)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(made)
    if all(each.domain != MICROSOFT for each in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(MICROSOFT, 1))
    onnx.checker.check_model(model)
    onnx.save_model(model, str(target))


def _constants() -> list[Any]:
    """What states are rounded with."""
    import onnx

    tables = {
        "flat": np.array([-1], np.int64),
        "one": np.array(1.0, np.float32),
        "least": np.array([rounding.LEAST], np.float32),
        "lift": np.array([LIFT], np.float32),
        "half": np.array([rounding.STATES], np.float32),
        "all": np.array([2 * rounding.STATES + 1], np.float32),
        "middle": np.array(ZERO, np.uint8),
        "bottom": np.array(0, np.uint8),
    }
    return [onnx.numpy_helper.from_array(table, f"states.{name}") for name, table in tables.items()]


def _zeros() -> list[Any]:
    """Nodes that say for each token which byte stands for 0: "states.middles", "states.bottoms"."""
    import onnx
    from onnx.helper import make_node

    def same(name: str, byte: int) -> Any:
        value = onnx.helper.make_tensor("value", onnx.TensorProto.UINT8, [1], [byte])
        return make_node("ConstantOfShape", ["states.tokens"], [name], value=value)

    tokens = make_node("Shape", ["ids"], ["states.tokens"], start=1, end=2)
    return [tokens, same("states.middles", ZERO), same("states.bottoms", 0)]


def _rounded(states: str, lifted: bool) -> list[Any]:
    """Nodes that make bytes of states (1, n, width), each token in steps (1, n, 1) of its own."""
    from onnx.helper import make_node

    above, largest = f"{states}.above", f"{states}.largest"
    fine, step, steps = f"{states}.fine", f"{states}.step", f"{states}.steps"
    if lifted:
        taken, parted, zeros = above, "states.all", "states.bottoms"
        first = make_node("Add", [states, "states.lift"], [above])
    else:
        taken, parted, zeros = states, "states.half", "states.middles"
        first = make_node("Abs", [states], [above])
    return [
        first,
        make_node("ReduceMax", [above], [largest], axes=[-1], keepdims=1),
        make_node("Div", [largest, parted], [fine]),
        make_node("Max", [fine, "states.least"], [step]),
        make_node("Reshape", [step, "states.flat"], [steps]),
        make_node("QuantizeLinear", [taken, steps, zeros], [f"{states}.whole"], axis=1),
    ]


def _multiplied(
    states: str, weight: NDArray[np.float32], result: str, lifted: bool
) -> tuple[list[Any], Any]:
    """Nodes that multiply rounded states with a weight (in, out), and its tables."""
    import onnx
    from onnx.helper import make_node

    whole, step = rounding.in_steps(torch.from_numpy(weight.T.copy()))
    weights, steps, lift = f"{result}.weights", f"{result}.steps", f"{result}.lift"
    tables = [
        onnx.numpy_helper.from_array(whole.T.to(torch.int8).contiguous().numpy(), weights),
        onnx.numpy_helper.from_array(step[:, 0].numpy(), steps),
    ]
    counted, scaled = f"{result}.counted", f"{result}.scaled"
    zero = "states.bottom" if lifted else "states.middle"
    taken = [f"{states}.whole", weights, "states.one", steps, zero]
    nodes = [
        make_node("MatMulIntegerToFloat", taken, [counted], domain=MICROSOFT),
        make_node("Mul", [counted, f"{states}.step"], [scaled if lifted else result]),
    ]
    if lifted:
        # What the lift has added.
        added = LIFT * (whole * step).sum(dim=1)
        tables.append(onnx.numpy_helper.from_array(added.numpy(), lift))
        nodes.append(make_node("Sub", [scaled, lift], [result]))
    return nodes, tables


if __name__ == "__main__":
    main()
