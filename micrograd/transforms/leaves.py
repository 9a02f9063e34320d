"""The leaves of what transforms take and give: numbers, arrays and nodes."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, cast

import numpy as np

from micrograd import ops
from micrograd.common.symbolic import Symbolic
from micrograd.common.tree import tree_paths
from micrograd.core.node import Node
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import as_array
from micrograd.ops.elementwise import alias


def fitting(
    what: str, tree: Any, paths: Sequence[str], leaves: Sequence[Any], whose: str
) -> list[Any]:
    """Return the leaves of `tree`, each fit to be the gradient of one of `leaves`.

    Args:
        what: what to call the tree in a message.
        tree: containers like those of `model`.
        paths: where each of `leaves` stands.
        leaves: nodes, numbers or arrays.
        whose: what to call what the leaves are of in a message.
    """
    came = dict(tree_paths(tree))
    if came.keys() != set(paths):
        raise ArgumentError(
            f"{what} has to have the structure of {whose}: expected "
            f"{_structure(paths)}, but came {_structure(came)}."
        )
    return [_fitting(what + p, came[p], leaf) for p, leaf in zip(paths, leaves, strict=True)]


def _structure(paths: Any) -> str:
    return "one number or array" if list(paths) == [""] else ", ".join(paths) or "nothing"


def _fitting(what: str, came: Any, leaf: Any) -> Any:
    if not is_numeric(came):
        raise OperandError(f"{what} has to be a number or array, but came {type(came).__name__}.")
    shape, expected = np.shape(getattr(came, "_data", came)), np.shape(getattr(leaf, "_data", leaf))
    if shape != expected:
        raise ShapeError(f"{what} has shape {shape}, but has to have {expected}, like its partner.")
    if not isinstance(leaf, Node):
        return came
    if isinstance(came, Node):
        if came._is_number is not leaf._is_number:
            raise OperandError(
                f"{what} is a {type(came).__name__}, but its partner is a {type(leaf).__name__}."
            )
        return came
    if leaf._is_number:
        return came.as_float() if isinstance(came, Symbolic) else float(came)
    if isinstance(came, Symbolic):
        return ops.astype(cast("Any", came), leaf._data.dtype)
    return np.array(came, dtype=leaf._data.dtype)  # the caller's may be written to


def has_nodes(leaves: Sequence[Any]) -> bool:
    """Tell whether one of the leaves is a node."""
    return any(isinstance(leaf, Node) for leaf in leaves)


def is_numeric(leaf: Any) -> bool:
    if isinstance(leaf, (Node, float, int)) or is_number_symbol(leaf):
        return True
    return _is_array(leaf) and leaf.dtype.kind in "fiub"


def is_number_symbol(leaf: Any) -> bool:
    """Tell whether a leaf stands for a Python number."""
    return isinstance(leaf, Symbolic) and isinstance(leaf, Real)


def is_array_symbol(leaf: Any) -> bool:
    """Tell whether a leaf stands for an array."""
    return isinstance(leaf, Symbolic) and not isinstance(leaf, Real)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic)) or is_array_symbol(leaf)


def like(leaf: Any, number: float) -> Any:
    """Return an array of `number` in the shape of a leaf; the number, if it is one."""
    data: Any = getattr(leaf, "_data", leaf)
    if _is_array(data):
        return np.full(data.shape, number, data.dtype)
    return float(number)


def owned(array: Any) -> Any:
    """Return a copy; a number, if the array has no axes."""
    own: Any = cast("Any", array).copy() if isinstance(array, Symbolic) else np.array(array)
    return own[()]


def constant(node: Node, data: Any) -> Node:
    kind: Any = node._kind
    return kind(data, requires_grad=False)


def probe(node: Node) -> Node:
    """Return a leaf of the kind and shape of a node, to be differentiated by."""
    kind: Any = node._kind
    return kind(like(node, 1))


def as_given(given: Any, g: Any, taken: set[int]) -> Any:
    """Return a gradient as an array of the caller's own, or as the number that was given."""
    if _is_array(given):
        g = as_array(g)
        if isinstance(g, Symbolic):
            return g.in_form_of(given)
        if g.base is not None or id(g) in taken or not g.flags.writeable:
            g = g.copy()
        taken.add(id(g))
        return g if isinstance(given, np.ndarray) or getattr(given, "is_array", False) else g[()]
    if isinstance(g, Symbolic):
        return g.as_float()
    return g if np.ndim(g) else float(g)


def dtype_beside(leaves: Sequence[Any]) -> Any:
    """Return the dtype for Python numbers beside the arrays among leaves; None without arrays."""
    dtypes = [leaf.dtype for leaf in leaves if _is_array(leaf) or isinstance(leaf, Tensor)]
    floating = [dtype for dtype in dtypes if dtype.kind == "f"]
    if floating:
        return np.result_type(*floating)
    return np.dtype(float) if dtypes else None


def input_node(what: str, given: Any, dtype: Any, recording: bool) -> Node:
    """Return the node that f gets in place of a number, an array or a node."""
    if isinstance(given, Node) and given.requires_grad and recording:
        return alias(given)
    data = given._data if isinstance(given, Node) else given
    if _is_array(data):
        if data.dtype.kind != "f":
            raise OperandError(
                f"{what} has dtype {data.dtype}, which has no gradient. Give floats, or leave it "
                "out of argnums."
            )
        return _read_only(Tensor(data))
    if isinstance(data, bool) or not (isinstance(data, (float, int)) or is_number_symbol(data)):
        raise OperandError(
            f"{what} is a {type(given).__name__}, but only floats, floating arrays, nodes, and "
            "dicts, lists, tuples and dataclasses of them are differentiated. Leave it out of "
            "argnums, or bind it with functools.partial."
        )
    if dtype is None or isinstance(given, Node):
        return Value(data)
    if isinstance(data, Symbolic):
        return _read_only(Tensor(ops.astype(data.as_array(), dtype)))
    return _read_only(Tensor(np.asarray(data, dtype)))


def _read_only(tensor: Tensor) -> Tensor:
    tensor._data.flags.writeable = False
    return tensor
