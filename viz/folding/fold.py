"""Folding a large graph: which nodes a picture shows as one item.

All is done on plain numbers, in three steps that are each safe:

1. *Alike* nodes become one: those that the same operation made from alike
   arguments, in alike groups. As the arguments stand equally deep in the graph,
   so do the nodes, and joining nodes of one depth cannot close a cycle.
2. A *collapsed* group becomes one item, with all that stands in it. No path
   leaves a group and enters it again, so that this closes no cycle.
3. A *run*, such as a long sum, becomes one: an item whose only user is of the
   same kind is joined to that one. No other way leads from the one to the
   other, so that this closes no cycle either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

from viz.folding.equivalence import (
    Classes,
    Graph,
    Inputs,
    equivalence_classes,
    shared_depths,
    singleton_classes,
)
from viz.folding.group import OUTSIDE, Group, Tree, edges_of, family, topological_sort, without


@dataclass(frozen=True, slots=True)
class Folded:
    """A graph whose nodes have been joined to items, each behind its inputs.

    Attributes:
        members: for each item, the nodes that it stands for.
        inputs: for each item, the positions of the items that feed it.
        groups: the groups that are drawn as boxes, each behind the one around it.
        group_of: for each item, the group that it is drawn in.
        boxed: for each item, the collapsed group that it is; None for none.
    """

    members: list[list[int]]
    inputs: list[Inputs]
    groups: list[Group]
    group_of: list[int]
    boxed: list[Group | None]

    def leaving(self, graph: Graph) -> list[list[int]]:
        """Return, for each item, those of its nodes that are outputs or used in other items."""
        item_of = [0] * len(graph.inputs)
        for place, members in enumerate(self.members):
            for i in members:
                item_of[i] = place
        edges = edges_of(graph.inputs)
        used = {tail for tail, head in edges if item_of[tail] != item_of[head]} | graph.outputs
        return [[i for i in members if i in used] for members in self.members]


def fold(
    graph: Graph, *, repeats: bool, collapse: Callable[[int], bool] = lambda _: False
) -> Folded:
    """Return a graph with its repetitions, and the groups chosen, each made one item.

    Args:
        graph: the graph.
        repeats: whether to fold what is alike, and runs.
        collapse: tells of a group, by position, whether to make it one item.

    >>> graph = Graph("ww++", [(), (), (0, 0), (1, 1)], [], [OUTSIDE] * 4, [""] * 4)
    >>> fold(graph, repeats=True).members
    [[0, 1], [2, 3]]
    """
    deepest = shared_depths(graph)
    classes = equivalence_classes(graph, deepest) if repeats else singleton_classes(graph)
    groups = _groups(graph, classes)
    homes = _homes(graph, classes, Tree(groups), deepest)
    items = _Items(graph, classes.of_node, homes, groups)
    items.collapse(_collapsed(graph, classes, groups, collapse))
    if repeats:
        items.join_runs()
        items.part_leaves()
    return items.folded()


def _groups(graph: Graph, classes: Classes) -> list[Group]:
    """Return a group for each class of them."""
    counts = Counter(classes.of_group)
    names: dict[int, dict[str, None]] = {}
    parents: dict[int, int] = {}
    for i, group in enumerate(graph.groups):
        number = classes.of_group[i]
        names.setdefault(number, {})[group.name] = None
        parents[number] = classes.of_group[group.parent]
    return [
        Group(_name(called), parents[number], counts[number] // counts[parents[number]])
        for number, called in names.items()
    ]


def _name(names: Collection[str]) -> str:
    """Return what to call what has these names: by its name, or by that of its family."""
    first = next(iter(names))
    return first if len(names) == 1 else family(first)


def _homes(graph: Graph, classes: Classes, tree: Tree, deepest: Mapping[int, int]) -> list[int]:
    """Return the class of groups that each node is drawn in; a leaf's is that of its users."""
    home = [classes.of_group[group] for group in graph.group_of]
    users: dict[int, set[int]] = {}
    for tail, head in edges_of(graph.inputs):
        if tail in deepest:
            users.setdefault(classes.of_node[tail], set()).add(home[head])
    for leaf, depth in deepest.items():
        using = users.get(classes.of_node[leaf], {OUTSIDE})
        home[leaf] = tree.lift(tree.common_of(using), depth)
    return home


def _collapsed(
    graph: Graph, classes: Classes, groups: list[Group], collapse: Callable[[int], bool]
) -> list[int]:
    """Return, for each class of groups, the outermost collapsed one around it, or itself."""
    chosen = {classes.of_group[i] for i in range(len(graph.groups)) if collapse(i)}
    found = [OUTSIDE] * (len(groups) + 1)  # the last is that of OUTSIDE
    for number, group in enumerate(groups):
        around = found[group.parent]
        found[number] = number if around == OUTSIDE and number in chosen else around
    return found


class _Items:
    """Nodes being joined to items.

    Attributes:
        item_of: for each node, the number of its item.
        home: for each node, the group that it is drawn in.
        boxes: for each item that is one, or a run of them, the collapsed groups.
    """

    def __init__(
        self, graph: Graph, item_of: list[int], home: list[int], groups: list[Group]
    ) -> None:
        self.graph, self.groups = graph, groups
        self.item_of, self.home = item_of, home
        self.boxes: dict[int, list[Group]] = {}

    def collapse(self, collapsed: list[int]) -> None:
        """Make one item of all that stands in a collapsed group."""
        for i, home in enumerate(self.home):
            box = collapsed[home]
            if box != OUTSIDE:
                item = self.item_of[i] = -1 - box  # no node has such a number
                self.boxes[item] = [self.groups[box]]
                self.home[i] = self.groups[box].parent

    def join_runs(self) -> None:
        """Join each item whose only user is of the same kind to that one."""
        kinds = self._kinds()
        users: dict[int, set[int]] = {item: set() for item in kinds}
        for tail, head in edges_of(self.graph.inputs):
            users[self.item_of[tail]].add(self.item_of[head])
        kept = {self.item_of[i] for i in self.graph.outputs}
        named = {item for item, name in zip(self.item_of, self.graph.names, strict=True) if name}
        kept |= named - self.boxes.keys()
        joined = {item: item for item in kinds}
        for item in reversed(self._order(users)):
            using = {joined[user] for user in users[item]} - {item}
            if len(using) == 1 and item not in kept:
                (user,) = using
                if kinds[item] is not None and kinds[item] == kinds[user]:
                    joined[item] = user
                    self.boxes.get(user, []).extend(self.boxes.get(item, []))
        self.item_of = [joined[item] for item in self.item_of]

    def part_leaves(self) -> None:
        """Tell leaves apart that different items use: the 1 in 1 + x from the 0 of a sum."""
        users: dict[int, set[int]] = {}
        for tail, head in edges_of(self.graph.inputs):
            users.setdefault(tail, set()).add(self.item_of[head])
        seen: dict[Hashable, int] = {}
        highest = max(self.item_of, default=0)
        for i, item in enumerate(self.item_of):
            if not self.graph.inputs[i] and item not in self.boxes:
                key = item, frozenset(users.get(i, ()))
                self.item_of[i] = seen.setdefault(key, highest + 1 + len(seen))

    def _order(self, users: dict[int, set[int]]) -> list[int]:
        number = {item: place for place, item in enumerate(users)}
        pairs = [(number[i], number[user]) for i in users for user in users[i] - {i}]
        items = list(users)
        return [items[place] for place in topological_sort(len(users), pairs)]

    def _kinds(self) -> dict[int, Hashable]:
        """Return what two items of a run must have in common; None for leaves."""
        kinds: dict[int, Hashable] = {}
        held: dict[int, Counter[Hashable]] = {item: Counter() for item in self.boxes}
        for i, item in enumerate(self.item_of):
            is_leaf = not self.graph.inputs[i]
            if item not in held:
                kinds[item] = None if is_leaf else (self.graph.kinds[i], self.home[i])
            elif not is_leaf:
                held[item][self.graph.kinds[i]] += 1
        for item, counts in held.items():
            kinds[item] = family(self.boxes[item][0].name), frozenset(counts.items())
        return kinds

    def folded(self) -> Folded:
        """Return the items, in order, and the groups that still hold something."""
        members: dict[int, list[int]] = {}
        for i, item in enumerate(self.item_of):
            members.setdefault(item, []).append(i)
        number = {item: place for place, item in enumerate(members)}
        feeding = [
            [number[tail] for tail in self._inputs(item, at)] for item, at in members.items()
        ]
        order = topological_sort(len(members), edges_of(feeding))
        place = {old: new for new, old in enumerate(order)}
        items = list(members)
        groups, renumbered = self._used_groups()
        return Folded(
            [members[items[old]] for old in order],
            [tuple(place[tail] for tail in feeding[old]) for old in order],
            groups,
            [renumbered[self.home[members[items[old]][0]]] for old in order],
            [self._box(items[old]) for old in order],
        )

    def _inputs(self, item: int, members: list[int]) -> Inputs:
        """Return what feeds an item: its arguments or, where its nodes differ, all of them."""
        found = dict.fromkeys(tuple(self.item_of[j] for j in self.graph.inputs[i]) for i in members)
        if len(found) == 1:
            return next(iter(found))
        return tuple(dict.fromkeys(j for inputs in found for j in inputs if j != item))

    def _box(self, item: int) -> Group | None:
        boxes = self.boxes.get(item)
        if boxes is None:
            return None
        name = _name(dict.fromkeys(box.name for box in boxes))
        return Group(name, count=sum(box.count for box in boxes))

    def _used_groups(self) -> tuple[list[Group], dict[int, int]]:
        used = set(self.home)
        for i in reversed(range(len(self.groups))):
            if i in used:
                used.add(self.groups[i].parent)
        return without(self.groups, set(range(len(self.groups))) - used)
