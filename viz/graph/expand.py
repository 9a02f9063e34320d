"""Taking composite operations apart: a graph in which primitives stand for one node.

The nodes of the new graph stand for those of the old and show the same numbers. What
is new comes from running the primitives on detached copies of the arguments, with the
gradient that the composite node has; the graph itself is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from micrograd import Node, enable_grad, topological_order
from micrograd.errors import ArgumentError
from viz.formulas.table import is_defined
from viz.graph.item_builder import gradient_of
from viz.graph.recipes import RECIPES


class StandIn(Node):
    """A node that stands for another in a picture, perhaps with other parents."""

    __slots__ = ("data", "grad", "has_grad", "parents", "scope")  # pyright: ignore[reportIncompatibleMethodOverride]

    def __init__(self, shown: Any, made: Any, parents: tuple[Node, ...], scope: object) -> None:
        """Show the numbers of one node as the result of what made another.

        Args:
            shown: the node whose data, gradient and label to show.
            made: the node whose operation to show.
            parents: the arguments of that operation.
            scope: the scope to stand in.
        """
        this: Any = self  # what a node computes are plain attributes here
        this.data = this._data = shown.data  # under both names, for operations that read either
        this.grad, this.has_grad = shown.grad, shown.has_grad
        this.requires_grad, this.label = shown.requires_grad, shown.label
        this.op, this.settings, this.parents = made.op, made.settings, parents
        this.scope = scope


def wanted(expand: bool | str | Collection[str]) -> frozenset[str]:
    """Return the names of the operations to take apart.

    Args:
        expand: a name, or several; True for all that can be taken apart.

    Raises:
        ArgumentError: if an operation cannot be taken apart.

    >>> sorted(wanted(["sigmoid", "mean"])), wanted(False)
    (['mean', 'sigmoid'], frozenset())
    """
    if isinstance(expand, bool):
        return frozenset(RECIPES) if expand else frozenset()
    names = [expand] if isinstance(expand, str) else expand
    known = f"Those that can be taken apart are {', '.join(sorted(RECIPES))}."
    if not isinstance(names, list | tuple | set | frozenset):
        raise ArgumentError(
            f"expand: came as {expand!r}, expected True, or one or several names of operations. "
            f"{known}"
        )
    for name in names:
        if name not in RECIPES:
            raise ArgumentError(
                f"expand: {name!r} is no operation that can be taken apart. {known}"
            )
    return frozenset(names)


def expanded(roots: Sequence[Node], names: Collection[str]) -> dict[Node, Node]:
    """Return for each node of a graph what stands for it in the expanded graph.

    Args:
        roots: the outputs of the graph.
        names: the operations to take apart.

    >>> from micrograd import Value, sigmoid
    >>> y = sigmoid(Value(0.0))
    >>> stand = expanded([y], {"sigmoid"})[y]
    >>> [node.op.name for node in topological_order(stand) if node.op]
    ['multiply', 'exp', 'add', 'divide']
    >>> stand.data, [node.data for node in stand.parents]
    (0.5, [1, 2.0])
    """
    stands: dict[Node, Node] = {}
    for node in topological_order(*roots):
        parents = tuple(stands[parent] for parent in node.parents)
        if node.op is not None and node.op.name in names and is_defined(node.op):
            stands[node] = _taken_apart(node, parents)
        else:
            stands[node] = StandIn(node, node, parents, node.scope)
    return stands


def _taken_apart(node: Any, parents: tuple[Node, ...]) -> Node:
    """Return what stands for a composite node: the last of the primitives."""
    copies = [_leaf(parent) for parent in node.parents]
    last = _run(node, copies)
    inner: dict[Node, Node] = dict(zip(copies, parents, strict=True))
    for part in topological_order(last):
        if part not in inner:
            shown = node if part is last else part
            arguments = tuple(inner[parent] for parent in part.parents)
            inner[part] = StandIn(shown, part, arguments, node.scope)
    return inner[last]


def _run(node: Any, copies: Sequence[Any]) -> Any:
    """Return what the primitives compute, after a backward pass if the node had one."""
    with enable_grad(), np.errstate(all="ignore"):
        last = RECIPES[node.op.name](*copies, **node.settings)
        if node.has_grad and last.requires_grad:
            last.backward(gradient_of(node))
    return last


def _leaf(node: Any) -> Any:
    """Return a copy of a node that depends on nothing."""
    return type(node)(node.data, requires_grad=node.requires_grad, label=node.label)


def stand_ins(things: Any, stands: Mapping[Node, Node]) -> Any:
    """Return nodes, one or several or by name, with those that stand for them.

    What is no node, or stands outside the graph, is returned as it is.

    >>> from micrograd import Value
    >>> x = Value(2.0)
    >>> stands = expanded([x], ())
    >>> stand_ins({"x": x}, stands)["x"] is stand_ins([x], stands)[0] is stands[x]
    True
    """
    if isinstance(things, Mapping):
        return {name: stand_ins(thing, stands) for name, thing in things.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(things, list | tuple | set):
        return [stand_ins(thing, stands) for thing in things]  # pyright: ignore[reportUnknownVariableType]
    return stands.get(things, things) if isinstance(things, Node) else things
