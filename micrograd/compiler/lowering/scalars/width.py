"""Which way of running numbers is faster, by how many of them are alike."""

from __future__ import annotations

from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph

CALL = 27
"""How many lines of Python take the time of a call of NumPy, measured."""

RUN, PASSED, COMPUTED = 330, 1.3, 0.13
"""How many take that of a run beside, of a number that goes in or comes out, of one computed."""


def levels_may_pay(graph: Graph) -> bool:
    """Tell whether NumPy may be faster than Python: it is fast to tell."""
    return width_of(graph) > CALL


def levels_pay(instructions: int, calls: int, passed: int) -> bool:
    """Tell whether NumPy is faster than Python.

    Args:
        instructions: how many numbers are computed.
        calls: how many calls that takes.
        passed: how many numbers go in and come out.
    """
    return RUN + CALL * calls + PASSED * passed + COMPUTED * instructions < instructions


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
