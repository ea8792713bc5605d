"""A network's weights, from a checkpoint of the training or from the model that ships.

The weights are rounded in training as they ship, so that a model holds all that a training needs
to go on from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from chatbot.reader.quantize import ATTENDING_TO, ATTENTION, placed

Weights = dict[str, torch.Tensor]

_TRAINED = "module."
_SHIPPED = "network."
_MULTIPLIED = "/MatMul_output_0"


def weights_of(file: Path) -> Weights:
    """The weights in a checkpoint (`.pt`: the averaged ones) or a model (`.onnx`), by name."""
    return _of_model(file) if file.suffix == ".onnx" else _averaged(file)


def _averaged(checkpoint: Path) -> Weights:
    kept: Weights = torch.load(checkpoint, map_location="cpu")["averaged"]
    names = [name for name in kept if name.startswith(_TRAINED)]
    return {name.removeprefix(_TRAINED): kept[name] for name in names}


def _of_model(file: Path) -> Weights:
    graph: Any = onnx.load(str(file)).graph
    tables = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    found = {}
    for name, table in tables.items():
        if name.endswith(".table"):
            # The words' vectors, each with a step of its own.
            steps = tables[name.replace(".table", ".step")]
            found[name.replace(".table", ".weight")] = table * steps
        elif name.endswith(f"{_MULTIPLIED}.weights"):
            steps = tables[name.replace(".weights", ".steps")]
            found[f"{placed(name.removesuffix(f'{_MULTIPLIED}.weights'))}.weight"] = (
                table * steps
            ).T
        elif name.endswith(f"/{ATTENTION}bias"):
            place = placed(name.removesuffix("/bias"))
            for each, bias in zip(ATTENDING_TO, np.split(table, 3), strict=True):
                found[f"{place}.{each}.bias"] = bias
        elif name.startswith(_SHIPPED) and not name.endswith(".step"):
            found[name] = table
    for node in graph.node:
        # A small layer's weight, which export turns round and names anew.
        if node.op_type == "MatMul" and node.input[1] in tables:
            found[f"{placed(node.name)}.weight"] = tables[node.input[1]].T
    return {
        name.removeprefix(_SHIPPED): torch.from_numpy(np.array(table, np.float32))
        for name, table in found.items()
    }
