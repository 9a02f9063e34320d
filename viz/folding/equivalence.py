"""Which nodes of a graph are alike, and which groups, so that they can be drawn as one.

All is done on plain numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from viz.folding.group import OUTSIDE, Group, Tree, edges_of, family

Inputs = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph as numbers.

    Attributes:
        kinds: for each node, what those it may be folded with have in common.
        inputs: for each node, the positions of its parents, which are lower.
        groups: the groups, each behind the one around it.
        group_of: for each node, the group that it was recorded in.
        names: for each node, the family of its name; '' for none.
        outputs: the positions of the roots.
        data: the positions of leaves that are shown outside of all groups.
    """

    kinds: Sequence[Hashable]
    inputs: Sequence[Inputs]
    groups: Sequence[Group]
    group_of: Sequence[int]
    names: Sequence[str]
    outputs: frozenset[int] = frozenset()
    data: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Classes:
    """Which nodes, and which groups, are alike: those with the same number.

    The numbers of groups count up from 0 in the order in which classes first appear;
    behind them all stands OUTSIDE, as that of what is in no group.
    """

    of_node: list[int]
    of_group: list[int]


def singleton_classes(graph: Graph) -> Classes:
    """Return classes of one node or group each.

    >>> singleton_classes(Graph("ww", [(), ()], [], [OUTSIDE] * 2, [""] * 2)).of_node
    [0, 1]
    """
    return Classes(list(range(len(graph.inputs))), [*range(len(graph.groups)), OUTSIDE])


def equivalence_classes(graph: Graph, deepest: Mapping[int, int]) -> Classes:
    """Sort nodes and groups into classes of those that are alike.

    All groups with names of one family count as alike at first. As long as some
    turn out to hold what is not alike, they are told apart, and what depends on
    them with them.

    Args:
        graph: the graph.
        deepest: for each leaf, how deep in groups it may be drawn.

    >>> graph = Graph("ww++", [(), (), (0, 0), (1, 1)], [], [OUTSIDE] * 4, [""] * 4)
    >>> equivalence_classes(graph, shared_depths(graph)).of_node
    [0, 0, 1, 1]
    """
    of_group = [*[0] * len(graph.groups), OUTSIDE]  # the last is that of OUTSIDE
    found = 0
    while True:
        uses = _uses(graph, of_group)
        seen: dict[Hashable, int] = {}
        of_node: list[int] = []
        for i, inputs in enumerate(graph.inputs):
            if inputs:
                arguments = [of_node[j] for j in inputs]
                # x * x is not like x * y, though x may be like y.
                key = of_group[graph.group_of[i]], len(set(inputs)), *arguments
            else:
                key = deepest[i], frozenset(uses.get(i, ()))
            own = graph.kinds[i], graph.names[i], i in graph.outputs
            of_node.append(seen.setdefault((own, key), len(seen)))
        of_group, count = _group_classes(graph, of_node, of_group)
        if len(seen) + count == found:
            return Classes(of_node, of_group)
        found = len(seen) + count


def _uses(graph: Graph, of_group: list[int]) -> dict[int, set[Hashable]]:
    """Return what is made of each leaf: by which kinds of node, in which groups."""
    found: dict[int, set[Hashable]] = {}
    for i, inputs in enumerate(graph.inputs):
        around = of_group[graph.group_of[i]]
        for place, j in enumerate(inputs):
            if not graph.inputs[j]:
                found.setdefault(j, set()).add((graph.kinds[i], around, place))
    return found


def _group_classes(graph: Graph, of_node: list[int], of_group: list[int]) -> tuple[list[int], int]:
    """Return finer classes of groups: those which hold what is alike, and how many there are."""
    groups = graph.groups
    held: list[list[int]] = [[] for _ in of_group]
    inner: list[list[int]] = [[] for _ in of_group]
    for i, group in enumerate(graph.group_of):
        held[group].append(of_node[i])
    seen: dict[Hashable, int] = {}
    content = [0] * len(groups)
    for i in reversed(range(len(groups))):
        name = family(groups[i].name)
        key = of_group[i], name, tuple(sorted(held[i])), tuple(sorted(inner[i]))
        content[i] = seen.setdefault(key, len(seen))
        inner[groups[i].parent].append(content[i])
    classes: dict[Hashable, int] = {}
    finer = [OUTSIDE] * len(of_group)
    for i, group in enumerate(groups):
        finer[i] = classes.setdefault((finer[group.parent], content[i]), len(classes))
    return finer, len(classes)


def shared_depths(graph: Graph) -> dict[int, int]:
    """Return, for each leaf, how deep in groups it may be drawn.

    A weight is used in one part of a model, though perhaps in many calls of it,
    and stands in that part. What several parts share, such as the input of a
    layer, comes in from outside the group that they are parts of. Calls of one
    part have the same name, and different parts have different ones.

    >>> layer = [Group("layer"), Group("neuron0", 0), Group("neuron1", 0)]
    >>> inputs = [(), (), (0, 1), (0,)]  # node 0 is used by both neurons
    >>> shared_depths(Graph("xw*+", inputs, layer, [OUTSIDE, OUTSIDE, 1, 2], [""] * 4))
    {0: 0, 1: 2}
    """
    names: dict[Hashable, int] = {}
    groups: list[Group] = []
    part_of: dict[int, int] = {OUTSIDE: OUTSIDE}
    for i, group in enumerate(graph.groups):
        parent = part_of[group.parent]
        part_of[i] = names.setdefault((parent, group.name), len(names))
        if part_of[i] == len(groups):
            groups.append(Group(group.name, parent))
    tree = Tree(groups)
    parts: dict[int, set[int]] = {i: set() for i, found in enumerate(graph.inputs) if not found}
    for tail, head in edges_of(graph.inputs):
        if tail in parts:
            parts[tail].add(part_of[graph.group_of[head]])
    return {
        leaf: 0 if leaf in graph.data else _shared_depth(tree, using)
        for leaf, using in parts.items()
    }


def _shared_depth(tree: Tree, using: set[int]) -> int:
    if not using:
        return 0
    common = tree.common_of(using)
    depth = tree.depth(common)
    return depth if common in using else max(depth - 1, 0)
