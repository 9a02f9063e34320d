"""Which way of running numbers is faster, by how many of them are alike."""

from __future__ import annotations

from typing import Any

from micrograd.compiler.scalars.graph import Graph

ENOUGH = 50
"""From how many numbers a call on, on average, NumPy is faster than Python."""


def width_of(graph: Graph) -> float:
    """Return how many numbers there are for each call of NumPy that they would take, about.

    Those of one operation at one depth are one call; a chain of additions is one, too.
    """
    operations, arguments = graph.operations, graph.arguments
    uses = [0] * len(graph)
    for args in arguments:
        for j in args:
            uses[j] += 1
    depths = [0] * len(graph)
    groups: set[tuple[int, Any]] = set()
    for i, args in enumerate(arguments):
        if not args:
            continue
        depth = max([depths[j] for j in args])
        name = operations[i]
        if name != "add" or not any([operations[j] == "add" and uses[j] == 1 for j in args]):
            depth += 1
        depths[i] = depth
        groups.add((depth, name))
    return len(graph) / max(len(groups), 1)
