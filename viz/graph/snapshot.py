"""A graph as plain data: every text a picture shows, and which node feeds which.

A snapshot does not change when the graph does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from micrograd import Node, topological_order
from micrograd.errors import ArgumentError
from viz.folding.equivalence import Graph
from viz.folding.fold import Folded
from viz.folding.group import Group, family, groups_of
from viz.folding.limit import fold_to_limit
from viz.graph.expand import expanded, stand_ins, wanted
from viz.graph.foreign import adopted
from viz.graph.item import Item
from viz.graph.item_builder import ItemBuilder, is_constant
from viz.graph.subgraph import downstream, neighbourhood
from viz.text.names import not_a_node
from viz.text.numbers import ShapeWriter, Writer, is_array


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A graph at one moment; each item stands behind its inputs, each group in an earlier one.

    Attributes:
        items: its nodes.
        groups: its groups.
        title: what it is, in words.
        caption: what stands below its picture.
    """

    items: tuple[Item, ...]
    groups: tuple[Group, ...] = ()
    title: str = "Computational graph"
    caption: str = ""

    @property
    def node_count(self) -> int:
        """How many nodes the items stand for."""
        return sum(item.count for item in self.items)

    @property
    def edge_count(self) -> int:
        """How many edges the graph has; `x * x` has two."""
        return sum(len(item.inputs) for item in self.items)


def take_snapshot(
    roots: tuple[Node, ...],
    *,
    names: Mapping[str, Node] | None = None,
    number_format: str = ".4g",
    tensors: str = "auto",
    shapes_only: bool = False,
    highlight: Node | Sequence[Node] = (),
    around: Node | Sequence[Node] = (),
    depth: int = 2,
    expand: bool | str | Collection[str] = False,
    fold: bool | None = False,
    collapse: bool | str | Collection[str] = False,
    limit: int | None = None,
) -> Snapshot:
    """Return the graph that `roots` depend on as plain data.

    Args:
        roots: the outputs.
        names: names by which to call nodes, instead of their labels.
        number_format: how to write numbers, as in `format()`.
        tensors: how to show arrays, as in `Writer`.
        shapes_only: whether to show the shapes and dtypes of arrays alone.
        highlight: nodes from which to bring out every path to the roots.
        around: nodes of which to show the neighbourhood only; none for the whole graph.
        depth: how many steps the neighbourhood reaches forwards and backwards.
        expand: the operations to show taken apart into primitive ones; True for all.
        fold: whether to show as one what repeats; None for where `limit` asks for it.
        collapse: names of scopes to show as one item each, or of families; True for all.
        limit: how many items to allow; None for any number.

    Raises:
        OperandError: if a root, or something in `names`, `highlight` or `around`, is
            not a node.
        ArgumentError: if there are more items than `limit`, `highlight` or `around`
            are not in the graph, or another argument cannot be used.

    >>> from micrograd import Value
    >>> for item in take_snapshot((Value(2.0, label="x") * 3,)).items:
    ...     print(item.name or item.number or item.symbol, item.value, item.inputs)
    x ('2',) ()
    3 ('3',) ()
    × ('6',) (0, 1)
    """
    names = {} if names is None else names
    roots, names, highlight, around = adopted((roots, names, highlight, around))
    for i, root in enumerate(roots):
        _check_node(root, f"root {i + 1}")
    for name, node in names.items():
        _check_node(node, f"names[{name!r}]")
    if apart := wanted(expand):
        stands = expanded(roots, apart)
        roots = tuple(stands[root] for root in roots)
        names = {**stand_ins(names, stands)}
        highlight, around = stand_ins((highlight, around), stands)
    writer = (ShapeWriter if shapes_only else Writer)(number_format, tensors)
    order: list[Any] = topological_order(*roots)  # Values and Tensors
    starts = _nodes_in(order, highlight, "highlight")
    position = {node: i for i, node in enumerate(order)}
    nodes = _part(order, around, depth)
    builder = ItemBuilder(
        writer,
        {node: name for name, node in names.items()},
        set(roots),
        downstream(order, starts) if starts else None,
        _hidden_uses(order, nodes),
    )
    graph = _outline(nodes, builder, frozenset(roots))
    folded = fold_to_limit(graph, fold, collapse, limit)
    items = _items(folded, graph, nodes, builder, [str(position[node]) for node in nodes])
    return Snapshot(tuple(items), tuple(folded.groups))


def _outline(nodes: list[Any], builder: ItemBuilder, roots: frozenset[Node]) -> Graph:
    """Return a graph as numbers: what its nodes have in common, and their groups."""
    place = {node: i for i, node in enumerate(nodes)}
    inputs = [tuple(place[p] for p in node.parents if p in place) for node in nodes]
    groups, group_of = groups_of(nodes, inputs)
    names = [family(builder.name_of(node)) for node in nodes]
    seen: dict[Hashable, int] = {}
    kinds = [seen.setdefault(_kind(node), len(seen)) for node in nodes]
    outputs = frozenset(i for i, node in enumerate(nodes) if node in roots)
    data = frozenset(i for i, node in enumerate(nodes) if names[i] and is_constant(node))
    return Graph(kinds, inputs, groups, group_of, names, outputs, data)


def _kind(node: Any) -> Hashable:
    """Return what nodes that are drawn as one have in common."""
    array = (node.data.shape, node.data.dtype) if is_array(node.data) else None
    op = node.op and (node.op.name, node.op.symbol_for(node))
    return type(node).__name__, op, array, node.requires_grad


def _items(
    folded: Folded, graph: Graph, nodes: list[Any], builder: ItemBuilder, keys: list[str]
) -> Iterator[Item]:
    """Yield the items of a folded graph."""
    at = {nodes[i]: place for place, members in enumerate(folded.members) for i in members}
    leaving = folded.leaving(graph)
    for place, members in enumerate(folded.members):
        first, box = members[0], folded.boxed[place]
        if len(members) == 1 and box is None:
            inputs = [at.get(parent) for parent in nodes[first].parents]
            item = builder.item([nodes[first]], keys[first], inputs)
        else:
            outer = [nodes[i] for i in leaving[place]] or [nodes[members[-1]]]
            item = builder.folded([nodes[i] for i in members], outer, keys[first])
            item = replace(item, inputs=folded.inputs[place])
        if box is not None:
            item = _as_group(item, box, len(leaving[place]))
        yield replace(item, group=folded.group_of[place])


def _as_group(item: Item, box: Group, outputs: int) -> Item:
    many = (f"{outputs:,} values",) if outputs > 1 else ()
    return replace(item, symbol=box.title, is_group=True, value=(*many, *item.value))


def _nodes_in(order: Sequence[Node], given: Any, what: str) -> list[Node]:
    """Return the nodes given, one or several, all of which must be in the graph."""
    several = isinstance(given, list | tuple)
    nodes: list[Any] = list(given) if several else [given]  # pyright: ignore[reportUnknownArgumentType]
    known = set(order)
    for node in nodes:
        _check_node(node, what)
        if node not in known:
            raise ArgumentError(
                f"{what}: {type(node).__name__} {node.label or ''!r} is not in the graph. Pass "
                "a node that the roots depend on."
            )
    return nodes


def _part(order: list[Any], around: Any, depth: int) -> list[Any]:
    """Return the nodes to show, in order."""
    centres = _nodes_in(order, around, "around")
    if not isinstance(depth, int) or depth < 0:
        raise ArgumentError(f"depth: came as {depth!r}, expected a whole number from 0 on.")
    if not centres:
        return order
    shown = neighbourhood(order, centres, depth)
    return [node for node in order if node in shown]


def _hidden_uses(order: list[Any], nodes: list[Any]) -> Counter[Any]:
    """Return, for nodes that are shown, how many of their edges lead to what is not."""
    shown = set(nodes)
    return Counter(parent for node in order if node not in shown for parent in node.parents)


def _check_node(thing: Any, what: str) -> None:
    if not isinstance(thing, Node):
        raise not_a_node(f"{what}:", thing)
