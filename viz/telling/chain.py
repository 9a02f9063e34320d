"""The chain rule over a graph: which edges lead from one node to another, and which paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from micrograd import Contribution, Flow, Node

Path = tuple[Contribution, ...]

MANY = 10**30
"""Paths are counted no further."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What lies between a node and the root.

    Attributes:
        root: the node that is differentiated.
        wrt: the node that it is differentiated by.
        order: the nodes on a path between the two, from `wrt` to `root`.
        uses: for each of them, the edges along which it gets its gradient.
        path_count: how many paths there are, or MANY.
    """

    root: Node
    wrt: Node
    order: Sequence[Node]
    uses: Mapping[Node, Sequence[Contribution]]
    path_count: int


def chain_between(order: Sequence[Node], flow: Flow, wrt: Node) -> Chain:
    """Return what lies between `wrt` and the root.

    Args:
        order: the whole graph, each node behind its parents, the root last.
        flow: what flows back from the root.
        wrt: a node of the graph.

    >>> from micrograd import Value, topological_order, trace_backward
    >>> x = Value(3.0)
    >>> y = x * x + 1
    >>> chain = chain_between(topological_order(y), trace_backward(y), x)
    >>> chain.path_count, [node.data for node in chain.order]
    (2, [3.0, 9.0, 10.0])
    """
    arriving: dict[Node, list[Contribution]] = {}
    for contribution in flow.contributions:
        arriving.setdefault(contribution.node, []).append(contribution)
    counts: dict[Node, int] = {wrt: 1}
    uses: dict[Node, list[Contribution]] = {}
    for node in order:
        edges = [edge for edge in arriving.get(node, ()) if edge.parent in counts]
        if node is wrt or not edges:
            continue
        counts[node] = min(MANY, sum(counts[edge.parent] for edge in edges))
        for edge in sorted(edges, key=lambda edge: edge.argument):
            uses.setdefault(edge.parent, []).append(edge)
    between = _leading_to(order[-1], [node for node in order if node in counts], uses)
    return Chain(order[-1], wrt, between, uses, counts.get(order[-1], 0))


def _leading_to(
    root: Node, reached: Sequence[Node], uses: dict[Node, list[Contribution]]
) -> list[Node]:
    """Return those nodes from which a path leads to the root, and drop other edges."""
    alive = {root}
    for node in reversed(reached):
        uses[node] = [edge for edge in uses.get(node, ()) if edge.node in alive]
        if uses[node]:
            alive.add(node)
    return [node for node in reached if node in alive]


def paths_of(chain: Chain) -> list[Path]:
    """Return every path, as its edges from the root back; call it for a few only.

    >>> from micrograd import Value, topological_order, trace_backward
    >>> x = Value(3.0)
    >>> y = x * x
    >>> chain = chain_between(topological_order(y), trace_backward(y), x)
    >>> [[edge.argument for edge in path] for path in paths_of(chain)]
    [[0], [1]]
    """
    finished: list[Path] = []
    stack: list[tuple[Node, Path]] = [(chain.wrt, ())]
    while stack:
        node, path = stack.pop()
        if node is chain.root:
            finished.append(path)
        stack += [(edge.node, (edge, *path)) for edge in reversed(chain.uses[node])]
    return finished


def longest(chain: Chain) -> int:
    """Return how many edges the longest path has.

    >>> from micrograd import Value, topological_order, trace_backward
    >>> x = Value(3.0)
    >>> y = x * x + x
    >>> longest(chain_between(topological_order(y), trace_backward(y), x))
    2
    """
    length = dict.fromkeys(chain.order, 0)
    for node in chain.order:
        for edge in chain.uses[node]:
            length[edge.node] = max(length[edge.node], length[node] + 1)
    return length[chain.root] if chain.order else 0
