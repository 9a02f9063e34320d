"""What earlier versions pickled or named, under the names that it has now."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Node
from tests.old_pickles import FOLDER, MAKERS

VERSIONS = ["117f96f", "c3b8983"]  # 0.1.0, before and after leaves had seals


def by_label(y: Node) -> dict[str, Any]:
    return {node.label: node for node in mg.topological_order(y) if node.label}


def load(version: str, kind: str) -> dict[str, Any]:
    return by_label(pickle.loads((FOLDER / f"{version}-{kind}.pickle").read_bytes()))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_graph_of_values_from_an_old_pickle_is_whole(version: str) -> None:
    # y = x**3 * w + w / 4 at x = 2, w = -3
    nodes = load(version, "values")
    x, w, y = nodes["x"], nodes["w"], nodes["y"]

    assert (x.data, w.data, y.data) == (2.0, -3.0, -24.75)
    assert (x.grad, w.grad, y.grad) == (-36.0, 8.25, 1)
    assert type(y) is mg.Value
    assert {node.op.name for node in mg.topological_order(y) if node.op} == {
        "add",
        "cubed_and_pickled",
        "leaky_relu",
        "multiply",
    }
    assert y.scope is not None
    assert y.scope.path == ("layer",)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_graph_of_tensors_from_an_old_pickle_is_whole(version: str) -> None:
    # The sum over the rows of x of (row @ w**3) * max(row), 23 * 3 + 47 * 6
    nodes = load(version, "tensors")
    x, w, y = nodes["x"], nodes["w"], nodes["y"]

    assert y.data == 351.0
    np.testing.assert_array_equal(w.data, [1.0, -1.0, 2.0])
    np.testing.assert_array_equal(w.grad, [81.0, 108.0, 540.0])
    np.testing.assert_array_equal(x.grad, [[3.0, -3.0, 47.0], [6.0, -6.0, 95.0]])
    assert {tuple(n.settings.items()) for n in mg.topological_order(y) if n.settings} == {
        (("axis", 1), ("keepdims", False)),
        (("axis", None), ("keepdims", False)),
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", MAKERS)
def test_backward_works_again_in_an_old_graph(version: str, kind: str) -> None:
    nodes, expected = load(version, kind), by_label(MAKERS[kind]())

    nodes["y"].backward()

    for label in ("x", "w"):
        np.testing.assert_array_equal(nodes[label].grad, 2 * expected[label].grad)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", MAKERS)
def test_an_old_graph_grows_and_is_differentiated_anew(version: str, kind: str) -> None:
    nodes, expected = load(version, kind), by_label(MAKERS[kind]())
    for node in nodes.values():
        node.grad = None

    (nodes["y"] * 3).backward()

    np.testing.assert_array_equal(nodes["x"].grad, 3 * expected["x"].grad)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_leaf_of_an_old_graph_is_guarded_against_writes(version: str) -> None:
    nodes = load(version, "tensors")
    nodes["x"].data[0, 0] = 9.0

    with pytest.raises(mg.StaleGraphError):
        nodes["y"].backward()


PICKLED = {  # by the module where 0.1.0 had them, what a pickle refers to
    "autodiff": ["backward"],
    "checkpoint": ["checkpoint"],
    "copying": ["_shell", "_fill_all"],
    "debug": ["debug", "detect_anomaly"],
    "engine": ["Value"],
    "flow": ["Contribution", "Flow", "trace_backward"],
    "node": ["Node", "enable_grad", "no_grad", "topological_order"],
    "op": ["_find", "Op", "define_op", "registry"],
    "ops.einsum": ["einsum"],
    "scopes": ["Scope", "_left", "scope"],
    "tensor": ["Tensor"],
    "modes": ["Mode"],
    "transforms": ["Pullback", "grad", "hessian", "jacobian", "value_and_grad", "vjp"],
    "value": ["Value"],
}


@pytest.mark.parametrize("module", PICKLED)
def test_what_old_pickles_name_is_found_and_the_same(module: str) -> None:
    for name in PICKLED[module]:
        old = getattr(import_module(f"micrograd.{module}"), name)
        assert old is getattr(
            import_module(getattr(old, "__module__", f"micrograd.{module}")), name
        )


def test_every_form_of_import_finds_an_old_module() -> None:
    code = """
import micrograd.value, micrograd.op, micrograd.checkpoint
from micrograd import copying, node, tensor
from micrograd.value import Value
assert micrograd.value.Value is Value is micrograd.Value
assert micrograd.op.registry["sum"].name == "sum"
assert copying._shell(Value).__class__ is Value
assert tensor.Tensor is micrograd.Tensor and node.Node is micrograd.Node
assert micrograd.checkpoint.__name__ == "checkpoint" and callable(micrograd.checkpoint)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_old_name_is_one_module() -> None:
    for name in mg._MOVED:
        if name not in mg.__all__:
            assert getattr(mg, name) is import_module(f"micrograd.{name}"), name


def test_settings_are_found_and_set_under_their_old_name() -> None:
    y = mg.Value(2.0) * 3
    y.params = {"axis": 0}
    assert y.settings == y.params == {"axis": 0}
