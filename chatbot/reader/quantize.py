"""The exported reader in int8: its weights, and the states that they are multiplied with.

States are rounded as they come, each token's in steps of its own. Of those that a layer norm gives
only what differs from the usual state is, as a few of their values are large in every text. What
GELU gives is never below -0.17, so that all of a byte is for what is above that. A layer's
attention is one node, as onnxruntime has it, between these multiplications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.helper import make_node

from chatbot.reader import rounding

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
ZERO = 128
"""The byte that stands for 0 where there is as much room below as above."""
GELUS = ("Gelu", "BiasGelu", "FastGelu")
LEAST_GELU = -0.17
NORM = "LayerNormalization"
Floats = NDArray[np.float32]
Made = tuple[list[Any], list[Any]]
"""Nodes and tables of a graph."""
ATTENDING_TO = ("query", "key", "value")
ATTENDING = "MultiHeadAttention"
ATTENTION = "attention/self/"
ATTENDED = f"{ATTENTION}Reshape_3"
"""The last of the nodes of a layer's attention, as PyTorch exports them."""


def quantize(fused: Path, target: Path, heads: int, usual: Mapping[str, Floats]) -> None:
    """Make int8 of an exported encoder's weights, and of the states that they are multiplied with.

    `usual` has the mean state (width,) that each linear layer takes, by the layer's name. Raises
    ValueError where the graph is not that of a BERT with so many attention `heads`.
    """
    model = onnx.load(str(fused))
    _attend_at_once(model.graph, heads)
    weights = {each.name: each for each in model.graph.initializer}
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    nodes, made, rounded = _zeros(), _constants(), set()
    for node in model.graph.node:
        matrix = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or "/encoder/" not in node.name:
            nodes.append(node)
            continue
        states, maker = node.input[0], makers[node.input[0]]
        weight = onnx.numpy_helper.to_array(matrix)
        base = None
        if maker in GELUS:
            base = np.full(len(weight), LEAST_GELU, np.float32)
        elif maker == NORM:
            base = usual[placed(node.name)]
        if states not in rounded:
            rounded.add(states)
            found, tables = _rounded(states, base, maker in GELUS)
            nodes += found
            made += tables
        found, tables = _multiplied(states, weight, node.output[0], base, maker in GELUS)
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


def _attend_at_once(graph: Any, heads: int) -> None:
    """Put one node in the place of what a layer's attention does between its multiplications."""
    tables = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    made = {node.name: node for node in graph.node}
    nodes = []
    for node in graph.node:
        layer, is_last, _ = node.name.partition(ATTENDED)
        if not is_last:
            nodes.append(node)
            continue
        added = [made[f"{layer}{ATTENTION}{each}/Add"].input for each in ATTENDING_TO]
        biases = [name for inputs in added for name in inputs if name in tables]
        states = [name for inputs in added for name in inputs if name not in tables]
        bias = f"{layer}{ATTENTION}bias"
        joined = np.concatenate([tables[name] for name in biases])
        graph.initializer.append(onnx.numpy_helper.from_array(joined, bias))
        nodes.append(
            make_node(
                ATTENDING,
                [*states, bias],
                node.output,
                name=f"{layer}{ATTENTION}attend",
                domain=MICROSOFT,
                num_heads=heads,
            )
        )
    if all(node.op_type != ATTENDING for node in nodes):
        raise ValueError("no layer attends as those of BERT do")
    _keep(graph, nodes)


def _keep(graph: Any, nodes: Sequence[Any]) -> None:
    """The nodes that the outputs need, and their tables."""
    needed = {each.name for each in graph.output}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for table in [each for each in graph.initializer if each.name not in needed]:
        graph.initializer.remove(table)


def _constants() -> list[Any]:
    """What states are rounded with."""
    tables = {
        "flat": np.array([-1], np.int64),
        "one": np.array(1.0, np.float32),
        "least": np.array([rounding.LEAST], np.float32),
        "half": np.array([rounding.STATES], np.float32),
        "all": np.array([2 * rounding.STATES + 1], np.float32),
        "middle": np.array(ZERO, np.uint8),
        "bottom": np.array(0, np.uint8),
    }
    return [onnx.numpy_helper.from_array(table, f"states.{name}") for name, table in tables.items()]


def _zeros() -> list[Any]:
    """Nodes that say for each token which byte stands for 0: "states.middles", "states.bottoms"."""

    def same(name: str, byte: int) -> Any:
        value = onnx.helper.make_tensor("value", onnx.TensorProto.UINT8, [1], [byte])
        return make_node("ConstantOfShape", ["states.tokens"], [name], value=value)

    tokens = make_node("Shape", ["ids"], ["states.tokens"], start=1, end=2)
    return [tokens, same("states.middles", ZERO), same("states.bottoms", 0)]


def _rounded(states: str, base: Floats | None, above: bool) -> Made:
    """Nodes that make bytes of states (1, n, width), each token in steps (1, n, 1) of its own.

    They stand for what states are more than `base` (width,); for nothing less if all are `above`.
    """
    nodes, tables, taken = [], [], states
    if base is not None:
        taken, at = f"{states}.more", f"{states}.base"
        tables.append(onnx.numpy_helper.from_array(base, at))
        nodes.append(make_node("Sub", [states, at], [taken]))
    size, parted, zeros = taken, "states.all", "states.bottoms"
    if not above:
        size, parted, zeros = f"{states}.size", "states.half", "states.middles"
        nodes.append(make_node("Abs", [taken], [size]))
    largest, fine = f"{states}.largest", f"{states}.fine"
    step, steps = f"{states}.step", f"{states}.steps"
    nodes += [
        make_node("ReduceMax", [size], [largest], axes=[-1], keepdims=1),
        make_node("Div", [largest, parted], [fine]),
        make_node("Max", [fine, "states.least"], [step]),
        make_node("Reshape", [step, "states.flat"], [steps]),
        make_node("QuantizeLinear", [taken, steps, zeros], [f"{states}.whole"], axis=1),
    ]
    return nodes, tables


def _multiplied(states: str, weight: Floats, result: str, base: Floats | None, above: bool) -> Made:
    """Nodes that multiply rounded states with a weight (in, out), and its tables."""
    whole, step = rounding.in_steps(torch.from_numpy(weight.T.copy()))
    weights, steps = f"{result}.weights", f"{result}.steps"
    tables = [
        onnx.numpy_helper.from_array(whole.T.to(torch.int8).contiguous().numpy(), weights),
        onnx.numpy_helper.from_array(step[:, 0].numpy(), steps),
    ]
    counted, scaled = f"{result}.counted", f"{result}.scaled"
    zero = "states.bottom" if above else "states.middle"
    taken = [f"{states}.whole", weights, "states.one", steps, zero]
    nodes = [make_node("MatMulIntegerToFloat", taken, [counted], domain=MICROSOFT)]
    if base is None:
        nodes.append(make_node("Mul", [counted, f"{states}.step"], [result]))
    else:
        always = f"{result}.always"
        product = (whole * step).numpy() @ base
        tables.append(onnx.numpy_helper.from_array(product, always))
        nodes += [
            make_node("Mul", [counted, f"{states}.step"], [scaled]),
            make_node("Add", [scaled, always], [result]),
        ]
    return nodes, tables


def placed(node: str) -> str:
    """The name in the network of the layer that a node stands for."""
    return node.removesuffix("/MatMul").strip("/").replace("/", ".").removeprefix("network.")
