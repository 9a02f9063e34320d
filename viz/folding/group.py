"""The groups of a graph: the blocks of `scope` that its nodes were recorded in, as numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import heapify, heappop, heappush
from typing import Any

from micrograd import Node

OUTSIDE = -1
"""Stands for the group of what is in none."""
_NUMBER = re.compile(r"[\W_]*\d[\W\d_]*$")


@dataclass(frozen=True, slots=True)
class Group:
    """A box of a picture.

    Attributes:
        name: what stands at its top.
        parent: the position of the group around it, which is a lower one; OUTSIDE for none.
        count: how many groups that are alike it stands for, in one group around it.
    """

    name: str
    parent: int = OUTSIDE
    count: int = 1

    @property
    def title(self) -> str:
        """What a picture calls it.

        >>> Group("neuron", count=16).title
        'neuron × 16'
        """
        return self.name + (f" × {self.count:,}" if self.count > 1 else "")


def family(name: str) -> str:
    """Return a name without the number that it ends in.

    >>> family("neuron12"), family("w[0, 3]"), family("block_2"), family("2"), family("tanh")
    ('neuron', 'w', 'block', '2', 'tanh')
    """
    return _NUMBER.sub("", name) or name if name else ""


def groups_of(
    nodes: Sequence[Node], inputs: Sequence[Sequence[int]]
) -> tuple[list[Group], list[int]]:
    """Return the groups of a graph, and for each node the one that it was recorded in.

    A group that is left and entered again on some path cannot be drawn as one
    box, and is left out. Within one thread, a `scope` never is such a one.

    Args:
        nodes: the nodes, each behind its parents.
        inputs: for each node, the positions of its parents.

    >>> from micrograd import Value, scope, topological_order
    >>> with scope("square"):
    ...     y = Value(2.0).relu()
    >>> groups_of(topological_order(y), [(), (0,)])
    ([Group(name='square', parent=-1, count=1)], [-1, 0])
    """
    position: dict[Any, int] = {None: OUTSIDE}
    groups: list[Group] = []
    for node in nodes:
        new: list[Any] = []
        scope = node.scope
        while scope not in position:
            new.append(scope)
            scope = scope.parent
        for scope in reversed(new):
            groups.append(Group(scope.name, position[scope.parent]))
            position[scope] = len(groups) - 1
    group_of = [position[node.scope] for node in nodes]
    while tangled := _tangled(groups, group_of, inputs):
        groups, place = without(groups, tangled)
        group_of = [place[group] for group in group_of]
    return groups, group_of


def depths(groups: Sequence[Group]) -> list[int]:
    """Return how many groups stand around each, itself included.

    >>> depths([Group("layer"), Group("neuron", 0)])
    [1, 2]
    """
    found: list[int] = []
    for group in groups:
        found.append(1 if group.parent == OUTSIDE else found[group.parent] + 1)
    return found


def edges_of(inputs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the edges of a graph: what feeds what.

    >>> edges_of([(), (0, 0)])
    [(0, 1), (0, 1)]
    """
    return [(tail, head) for head, tails in enumerate(inputs) for tail in tails]


class Tree:
    """The way from group to group."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._parents = [group.parent for group in groups]
        self._depths = [*depths(groups), 0]  # the last is that of OUTSIDE

    def depth(self, group: int) -> int:
        """Return how many groups stand around what is in `group`.

        >>> Tree([Group("layer")]).depth(OUTSIDE)
        0
        """
        return self._depths[group]

    def lift(self, group: int, depth: int) -> int:
        """Return the group at `depth`, or above, that is or holds `group`.

        >>> Tree([Group("layer"), Group("neuron", 0)]).lift(1, 1)
        0
        """
        while self._depths[group] > depth:
            group = self._parents[group]
        return group

    def common(self, one: int, other: int) -> int:
        """Return the innermost group that holds both, or is one and holds the other.

        >>> Tree([Group("layer"), Group("a", 0), Group("b", 0)]).common(1, 2)
        0
        """
        while one != other:
            if self._depths[one] < self._depths[other]:
                one, other = other, one
            one = self._parents[one]
        return one

    def common_of(self, groups: Iterable[int]) -> int:
        """Return the innermost group that holds all.

        >>> Tree([Group("layer"), Group("a", 0), Group("b", 0)]).common_of({1, 2, 0})
        0
        """
        return reduce(self.common, groups)


def siblings(
    tree: Tree, count: int, group_of: Sequence[int], edges: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield each edge as it looks in the innermost group around both of its ends.

    There, an end is a node or, as `count` plus its position, a group that holds it.

    >>> tree = Tree([Group("layer"), Group("neuron", 0)])
    >>> list(siblings(tree, 3, [OUTSIDE, 0, 1], [(0, 2), (1, 2)]))
    [(0, 3), (1, 4)]
    """
    for edge in edges:
        first, second = (group_of[end] for end in edge)
        if first == second:
            yield edge
            continue
        inside = tree.depth(tree.common(first, second)) + 1
        tail, head = (
            end if tree.depth(group) < inside else count + tree.lift(group, inside)
            for end, group in zip(edge, (first, second), strict=True)
        )
        yield tail, head


def topological_sort(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return the numbers below `count` so that edges lead onwards, the least first.

    What is on a cycle, or behind one, is left out.

    >>> topological_sort(4, [(2, 0), (0, 1)])
    [2, 0, 1, 3]
    """
    after: list[list[int]] = [[] for _ in range(count)]
    awaited = [0] * count
    for tail, head in edges:
        after[tail].append(head)
        awaited[head] += 1
    ready = [vertex for vertex in range(count) if not awaited[vertex]]
    heapify(ready)
    order: list[int] = []
    while ready:
        vertex = heappop(ready)
        order.append(vertex)
        for head in after[vertex]:
            awaited[head] -= 1
            if not awaited[head]:
                heappush(ready, head)
    return order


def _tangled(groups: list[Group], group_of: list[int], inputs: Sequence[Sequence[int]]) -> set[int]:
    """Return the groups that some path leaves and enters again."""
    if not groups:
        return set()
    count, total = len(inputs), len(inputs) + len(groups)
    links = list(siblings(Tree(groups), count, group_of, edges_of(inputs)))
    forwards = set(topological_sort(total, links))
    if len(forwards) == total:
        return set()
    backwards = set(topological_sort(total, [(head, tail) for tail, head in links]))
    return {v - count for v in range(count, total) if v not in forwards and v not in backwards}


def without(
    groups: Sequence[Group], dropped: Collection[int]
) -> tuple[list[Group], dict[int, int]]:
    """Return the groups but for some, and for each old one the new one that it is, or is in.

    >>> without([Group("layer"), Group("neuron", 0)], {0})
    ([Group(name='neuron', parent=-1, count=1)], {-1: -1, 0: -1, 1: 0})
    """
    new = {OUTSIDE: OUTSIDE}
    kept: list[Group] = []
    for old, group in enumerate(groups):
        new[old] = new[group.parent] if old in dropped else len(kept)
        if old not in dropped:
            kept.append(Group(group.name, new[group.parent], group.count))
    return kept, new
