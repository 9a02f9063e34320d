"""The names of nodes in texts about a graph: each has one, and no two the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from micrograd import Node
from viz.graph.item_builder import shorten
from viz.text.numbers import Writer, plain

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def names_for(order: Sequence[Node], writer: Writer, given: Mapping[str, Node]) -> dict[Node, str]:
    """Return a name for each node: the one given, its label, its number, or one made up.

    Args:
        order: the nodes, the root last.
        writer: what writes numbers.
        given: names for nodes, instead of their labels.

    >>> from micrograd import Value, topological_order
    >>> x = Value(2.0, label="x")
    >>> list(names_for(topological_order((x + 1) * x), Writer(), {}).values())
    ['x', '1', 't1', 'y']
    """
    called = _unique_names(order, given)
    taken = set(called.values())
    inputs = (name for i in count(1) if (name := f"x{i}") not in taken)
    inner = (name for i in count(1) if (name := f"t{i}") not in taken)
    for node in order:
        if called[node]:
            continue
        if is_number(node) and not node.requires_grad:
            called[node] = writer.number(plain(_data(node)))
        elif node is order[-1] and node.op is not None and "y" not in taken:
            called[node] = "y"
        else:
            called[node] = next(inputs if node.op is None else inner)
    return called


def _unique_names(order: Sequence[Node], given: Mapping[str, Node]) -> dict[Node, str]:
    """Return names and labels; the second node of the same name is 'w (2)'."""
    names = {node: name for name, node in given.items()}
    called = {node: shorten(names.get(node, node.label)) for node in order}
    seen = Counter[str]()
    for node, name in called.items():
        seen[name] += 1
        if name and seen[name] > 1:
            called[node] = f"{name} ({seen[name]})"
    return called


def argument_names(node: Node, names: Mapping[Node, str]) -> list[str]:
    """Return what to call the arguments of a node; one that stands twice gets numbers.

    >>> from micrograd import Value
    >>> x = Value(2.0)
    >>> argument_names(x * x, {x: "x"})
    ['x₁', 'x₂']
    """
    ids = [id(parent) for parent in node.parents]  # `==` compares the data of Tensors
    return [
        names[parent]
        if ids.count(id(parent)) == 1
        else names[parent] + str(ids[:i].count(id(parent)) + 1).translate(_SUBSCRIPTS)
        for i, parent in enumerate(node.parents)
    ]


def is_number(node: Any) -> bool:
    """Tell whether a node is a single number that no operation made.

    >>> from micrograd import Value
    >>> is_number(Value(2.0)), is_number(Value(2.0) * 3)
    (True, False)
    """
    return node.op is None and not np.ndim(node.data)


def _data(node: Any) -> Any:
    return node.data
