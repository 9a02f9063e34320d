"""Which part of a graph to show, and which to bring out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from micrograd import Node


def downstream(order: Sequence[Node], starts: Collection[Node]) -> set[Node]:
    """Return all that depends on some nodes, and these themselves.

    Args:
        order: the graph, each node behind its parents.
        starts: where to begin.

    >>> from micrograd import Value, topological_order
    >>> x, w = Value(2.0), Value(3.0)
    >>> y = (x * w).relu() + x
    >>> sorted(node.data for node in downstream(topological_order(y), [w]))
    [3.0, 6.0, 6.0, 8.0]
    """
    found = set(starts)
    for node in order:
        if not found.isdisjoint(node.parents):
            found.add(node)
    return found


def neighbourhood(order: Sequence[Node], starts: Collection[Node], depth: int) -> set[Node]:
    """Return what some nodes depend on, and what depends on them, within `depth` steps.

    Args:
        order: the graph, each node behind its parents.
        starts: where to begin.
        depth: how many steps to go forwards, and how many backwards.

    >>> from micrograd import Value, topological_order
    >>> x = Value(2.0)
    >>> middle = x * 10
    >>> y = (middle + 1).relu()
    >>> sorted(n.data for n in neighbourhood(topological_order(y), [middle], 1))
    [2.0, 10, 20.0, 21.0]
    """
    children: dict[Node, list[Node]] = {}
    for node in order:
        for parent in node.parents:
            children.setdefault(parent, []).append(node)
    forwards = _within(starts, depth, lambda node: children.get(node, ()))
    return forwards | _within(starts, depth, lambda node: node.parents)


def _within(
    starts: Collection[Node], depth: int, following: Callable[[Node], Iterable[Any]]
) -> set[Node]:
    found, rim = set(starts), list(starts)
    for _ in range(depth):
        rim = list(dict.fromkeys(n for node in rim for n in following(node) if n not in found))
        if not rim:
            break
        found.update(rim)
    return found
