"""What is alike in rows: a processor foresees what comes next where it is what has just been."""

from __future__ import annotations

from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.recording.tape import CONSTANT, INPUT


def in_rows(graph: Graph) -> Graph:
    """Return a graph in another order, with rows of one operation.

    After an operation comes one that is alike, if what that is given is there; otherwise one of
    the kind that waits longest.
    """
    order = _order(graph)
    new, place = Graph(), [0] * len(graph)
    for k, i in enumerate(order):
        place[i] = k
    for i in order:
        new.add(graph.operations[i], tuple([place[j] for j in graph.arguments[i]]), graph.kinds[i])
    new.functions = {place[i]: function for i, function in graph.functions.items()}
    new.settings = {place[i]: settings for i, settings in graph.settings.items()}
    new.constants = {place[i]: value for i, value in graph.constants.items()}
    new.ranges = {place[i]: known for i, known in graph.ranges.items()}
    new.wide, new.inputs, new.outputs, new.divisors = [
        [place[i] for i in nodes]
        for nodes in (graph.wide, graph.inputs, graph.outputs, graph.divisors)
    ]
    new.checks = [(place[i], value) for i, value in graph.checks]
    return new


def _order(graph: Graph) -> list[int]:
    """Return the nodes in the order in which they are to be computed."""
    arguments, given = graph.arguments, graph.constants
    order: list[int] = []
    missing: list[int] = []
    users: list[list[int]] = [[] for _ in arguments]
    shapes: list[Any] = []
    ready: dict[Any, list[int]] = {}
    for i, args in enumerate(arguments):
        name = graph.operations[i]
        here = name is INPUT or name is CONSTANT
        if here:
            order.append(i)
        needed = {j for j in args if j not in given}
        missing.append(len(needed))
        for j in needed:
            users[j].append(i)
        shapes.append((name, *[j in given for j in args]))
        if not here and not needed:
            ready.setdefault(shapes[i], []).append(i)
    for i in graph.inputs:
        _tell(users[i], missing, shapes, ready)
    while ready:
        shape = min(ready, key=lambda shape: ready[shape][0])
        row = ready[shape]
        while row:
            i = row.pop()
            order.append(i)
            _tell(users[i], missing, shapes, ready)
        del ready[shape]
    return order


def _tell(
    users: list[int], missing: list[int], shapes: list[Any], ready: dict[Any, list[int]]
) -> None:
    """Enter what can be computed now that what its users have waited for is there."""
    for i in users:
        missing[i] -= 1
        if not missing[i]:
            ready.setdefault(shapes[i], []).append(i)
