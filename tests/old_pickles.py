"""Graphs that earlier versions pickled, as files that later versions have to read.

`python -m tests.old_pickles NAME` writes tests/pickles/NAME-values.pickle and NAME-tensors.pickle
with whatever micrograd stands first on the path.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

import micrograd as mg
from micrograd import Node, Tensor, Value

FOLDER = Path(__file__).with_name("pickles")


def _cubed(x: Any) -> Any:
    return x * x * x


def _rule(g: Any, y: Any, x: Any) -> Any:
    return 3 * g * x * x


cubed = mg.define_op("cubed_and_pickled", _cubed, _rule)


def of_values() -> Node:
    """Return a graph of Values with gradients, labels, a scope and a user's operation."""
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    with mg.scope("layer"):
        y = cubed(x) * w + mg.leaky_relu(w, negative_slope=0.25)
    y.label = "y"
    y.backward()
    return y


def of_tensors() -> Node:
    """Return a graph of Tensors with gradients, labels, settings and a user's operation."""
    x = Tensor(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), label="x")
    w = Tensor(np.array([1.0, -1.0, 2.0]), label="w")
    with mg.scope("layer"):
        rows = mg.sum(cubed(w) * x, axis=1)
    y = mg.sum(rows * mg.max(x, axis=1))
    y.label = "y"
    y.backward()
    return y


MAKERS = {"values": of_values, "tensors": of_tensors}

if __name__ == "__main__":
    for kind, make in MAKERS.items():
        path = FOLDER / f"{sys.argv[1]}-{kind}.pickle"
        path.write_bytes(pickle.dumps(make(), protocol=4))
        print(path.name, path.stat().st_size)
