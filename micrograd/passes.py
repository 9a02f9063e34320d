"""A backward pass: which nodes it goes through, and that it has them to itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock, get_ident
from typing import Any

from micrograd.copying import Underway
from micrograd.errors import GradientError
from micrograd.node import Node, describe

guard = Lock()
"""Held while a pass begins or ends, and while leaves get their gradients."""

_underway: set[Pass] = set()


class Pass(Underway):
    """One backward pass over the graph behind `roots`.

    It also stands in the nodes that it goes through, for a gradient to which
    nothing has been contributed yet. So the set of nodes that were seen is kept
    in the nodes themselves, at hand for the loop.

    Args:
        roots: the nodes that the pass begins at.
        stops: nodes that it ends at, as it does at leaves.
        since: a time of the clock; nodes made before are constants to it.
        linear: record only how the result depends on the gradients it begins with.
    """

    __slots__ = ("_ended", "_thread", "linear", "order", "roots", "since", "stops")

    def __init__(
        self,
        roots: Sequence[Node],
        stops: Collection[Node] = (),
        since: int = 0,
        linear: bool = False,
    ) -> None:
        self.roots = roots
        self.stops = frozenset(stops)
        self.since = since
        self.linear = linear
        self.order: list[Node] = []  # the nodes it goes through, parents first
        self._thread = get_ident()
        self._ended = Lock()

    def begin(self) -> None:
        """Put this pass into the nodes, after any other that goes through some of them."""
        self._ended.acquire()
        while True:
            with guard:
                other = self._rival() if _underway else None
                if other is None:
                    self._claim()
                    _underway.add(self)
                    return
            if other._thread == self._thread:
                raise GradientError(
                    f"backward: {describe(self.roots[0])} depends on nodes that are being "
                    "differentiated just now, by the backward() that led to this one. Give the "
                    "inner one a graph of its own, from detached data."
                )
            with other._ended:
                pass

    def end(self) -> None:
        """Let others have the nodes."""
        with guard:
            _underway.discard(self)
        self._ended.release()

    def _rival(self) -> Pass | None:
        """Return a pass under way that shares nodes with this one."""
        owners = {node: other for other in _underway for node in other.order}
        seen: set[Node] = set()
        stack = list(self.roots)
        while stack:
            node = stack.pop()
            if node not in seen and node.op is not None and self.goes_through(node):
                if node in owners:
                    return owners[node]
                seen.add(node)
                stack += node.parents
        return None

    def _claim(self) -> None:
        order, free = self.order, not self.stops and not self.since
        stack: list[Any] = [root for root in reversed(self.roots) if root.op is not None]
        push = stack.append
        try:
            while stack:
                node = stack.pop()
                if node is None:  # everything that the node below it needs is in order
                    order.append(stack.pop())
                elif node._grad is not self and (free or self.goes_through(node)):
                    node._grad = self
                    first, rest = node._first, node._rest
                    if rest.__class__ is tuple:
                        stack += (node, None, *[parent for parent in rest if parent.op is not None])
                        continue
                    before = first.op is not None and first._grad is not self
                    beside = rest is not None and rest.op is not None and rest._grad is not self
                    if not before and not beside:
                        order.append(node)
                        continue
                    push(node)
                    push(None)
                    if beside:
                        push(rest)
                    if before:
                        push(first)
        except BaseException:
            forget([*order, *(node for node in stack if node is not None)])
            raise

    def goes_through(self, node: Node) -> bool:
        """Tell whether the pass goes on to the parents of a node that was computed."""
        return node._tick >= self.since and node not in self.stops


def forget(nodes: Iterable[Node]) -> None:
    """Let these nodes have no gradient."""
    for node in nodes:
        node._grad = None


def nodes_outside(roots: Iterable[Node], since: int, inside: Collection[Node] = ()) -> list[Node]:
    """Return what the graph behind `roots` takes from outside: the nodes not among `inside`.

    These are the nodes that were made before `since`, a time of the clock, and
    used later. A leaf that was written to meanwhile is taken for one of them; a
    leaf that was made meanwhile is nobody else's.
    """
    found: dict[Node, None] = {}
    stack = list(dict.fromkeys(roots))
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in inside:
            continue
        if node._tick < since or (node.op is None and node._tick % 2):
            found[node] = None
            continue
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return list(found)
