"""The inputs of a gradient check, and the nodes that stand for them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from micrograd.common.tree import tree_map
from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import OperandError
from micrograd.transforms.differences import Array, Function, is_floating


@dataclass(frozen=True)
class Argument:
    """One differentiated input: its name, its data, and the kind of node that stands for it."""

    name: str
    data: Array  # float64, changed in place while derivatives are taken
    kind: type[Value] | type[Tensor]

    def node(self) -> Any:
        return Value(self.data.item()) if self.kind is Value else Tensor(self.data)

    def plain(self, data: Array) -> Any:
        return data.item() if self.kind is Value else data


def arguments_of(
    f: Function, inputs: Sequence[Any], upcast: bool
) -> tuple[Function, list[Argument]]:
    """Return `f` as a function of nodes only, and the arguments that these stand for."""
    paths: list[str] = []
    leaves: list[Any] = []

    def take(path: str, leaf: Any) -> int:
        paths.append(path)
        leaves.append(leaf)
        return len(leaves) - 1

    names = _parameter_names(f, len(inputs))
    trees = [tree_map(take, given, name) for name, given in zip(names, inputs, strict=True)]
    wanted = [i for i, leaf in enumerate(leaves) if _is_differentiated(leaf)]
    if not wanted:
        raise OperandError(
            "gradcheck: none of the inputs is differentiated, since none is a float, a floating "
            f"array or a node that requires a gradient, but came {inputs!r:.80}. Write 3.0 for 3, "
            "or give dtype=float."
        )
    arrays = any(isinstance(leaf, (np.ndarray, Tensor)) for leaf in leaves)

    def of_nodes(*nodes: Any) -> Any:
        whole = [*leaves]
        for i, node in zip(wanted, nodes, strict=True):
            whole[i] = node
        return f(*[tree_map(lambda _, i: whole[i], tree) for tree in trees])

    kind = Tensor if arrays else Value
    return of_nodes, [_argument(paths[i], leaves[i], kind, upcast) for i in wanted]


def _parameter_names(f: Any, number: int) -> list[str]:
    if isinstance(f, Op):
        return list(islice(f.argument_names(), number))
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in positional][:number]
    return [*names, *(f"argument {i}" for i in range(len(names), number))]


def _is_differentiated(leaf: Any) -> bool:
    if isinstance(leaf, Node):
        return leaf.requires_grad
    return isinstance(leaf, (float, np.floating)) or is_floating(leaf)


def _argument(name: str, leaf: Any, kind: type[Value] | type[Tensor], upcast: bool) -> Argument:
    if isinstance(leaf, Node):
        name, kind = leaf.label or name, type(leaf)  # pyright: ignore[reportAssignmentType]
        leaf = leaf._data if isinstance(leaf, Tensor) else float(leaf._data)
    array = np.asarray(leaf)
    if array.dtype.itemsize < 8 and not upcast:
        raise OperandError(
            f"gradcheck: {name} came in {array.dtype}, in which differences are too coarse to "
            "check a gradient. Give it in float64, or use upcast=True to have it converted."
        )
    return Argument(name, np.array(array, dtype=np.float64), kind)
