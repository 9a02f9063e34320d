"""How much of a graph to fold, so that it can be taken in at a glance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from micrograd.errors import ArgumentError
from viz.folding.equivalence import Graph
from viz.folding.fold import Folded, fold
from viz.folding.group import Group, depths, family

Chooser = Callable[[int], bool]
_ADVICE = (
    'Put `with micrograd.scope("name"):` around parts of it, to fold each into one; draw an inner '
    "node, or around=node, to see a part"
)


def fold_to_limit(
    graph: Graph,
    folding: bool | None = None,
    collapse: bool | str | Collection[str] = False,
    limit: int | None = None,
    advice: str = _ADVICE,
) -> Folded:
    """Return a graph folded as asked for, and no more than `limit` makes necessary.

    If it has more items than `limit`, repetition is folded; if that is not enough,
    groups are collapsed too, from the innermost outwards.

    Args:
        graph: the graph.
        folding: whether to fold repetition; None for where `limit` asks for it.
        collapse: which groups to make one item: names, or those of families, or True.
        limit: how many items to allow; None for any number.
        advice: what to do where there are more.

    Raises:
        ArgumentError: if there are more items than `limit` all the same, or there is
            no group that `collapse` names.

    >>> chain = Graph("x" + "r" * 9, [(), *((i,) for i in range(9))], [], [-1] * 10, [""] * 10)
    >>> len(fold_to_limit(chain).members), len(fold_to_limit(chain, limit=5).members)
    (10, 2)
    """
    if folding is not None and not isinstance(folding, bool):
        raise ArgumentError(f"fold: came as {folding!r}, expected None, True or False.")
    chosen = _chooser(graph.groups, collapse)
    allowed = len(graph.inputs) if limit is None else limit
    # What cannot help is not tried: without collapsing, an item is a node.
    needed = folding is None and not collapse and len(graph.inputs) > allowed
    found = fold(graph, repeats=bool(folding) or needed, collapse=chosen)
    if len(found.members) > allowed and folding is None and collapse:
        found = fold(graph, repeats=True, collapse=chosen)
    if len(found.members) > allowed and folding is not False:
        found = _collapsed_to(allowed, graph, chosen, found)
    if len(found.members) > allowed:
        raise ArgumentError(_too_many(len(graph.inputs), len(found.members), allowed, advice))
    return found


def _chooser(groups: Sequence[Group], collapse: bool | str | Collection[str]) -> Chooser:
    """Return what tells whether `collapse` names a group."""
    if isinstance(collapse, bool):
        return lambda _: collapse
    names = [collapse] if isinstance(collapse, str) else collapse
    known = {name for group in groups for name in (group.name, family(group.name))}
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(
            f"collapse: came as {collapse!r}, expected True, the name of a scope, or several."
        )
    for name in names:
        if name not in known:
            there = f"It has {_listed(groups)}" if groups else "It has none"
            raise ArgumentError(
                f"collapse: the graph has no scope {name!r}. {there}; make one with "
                f"`with micrograd.scope({name!r}):` around a part of the computation."
            )
    wanted = set(names)
    return lambda i: groups[i].name in wanted or family(groups[i].name) in wanted


def _listed(groups: Sequence[Group]) -> str:
    names = list(dict.fromkeys(repr(family(group.name)) for group in groups))
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def _collapsed_to(allowed: int, graph: Graph, chosen: Chooser, found: Folded) -> Folded:
    """Return the graph with its inner groups collapsed: no more of them than needed, if any do."""
    depth_of = depths(graph.groups)
    low, high = 1, max(depth_of, default=0)  # the outermost depth to collapse lies between
    while low <= high:
        depth = (low + high) // 2
        tried = fold(
            graph,
            repeats=True,
            collapse=lambda i, depth=depth: depth_of[i] >= depth or chosen(i),
        )
        if len(tried.members) <= allowed:
            found, low = tried, depth + 1
        else:
            found = min(found, tried, key=lambda folded: len(folded.members))
            high = depth - 1
    return found


def _too_many(nodes: int, items: int, allowed: int, advice: str) -> str:
    left = f", {items:,} when folded" if items < nodes else ""
    return (
        f"the graph has {nodes:,} nodes{left}, more than limit={allowed:,}. {advice}; or pass "
        f"limit={items} to draw it all the same."
    )
