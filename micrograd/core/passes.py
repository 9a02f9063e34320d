"""A backward pass: which nodes it goes through, that it has them to itself, and all or nothing.

A signal's handler, or an exception sent from another thread, can end a pass
between any two of its steps. What counts is therefore done at one stroke: a
single call of C, which no handler interrupts. What a pass holds goes with it:
one that stands in line and no longer runs is in nobody's way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import repeat, takewhile
from threading import Lock, get_ident
from typing import Any

from micrograd.core.copying import Underway
from micrograd.core.node import Node, describe
from micrograd.errors import GradientError
from micrograd.seals import time_of

Line = dict["Pass", Any]
"""Passes in the order in which they came, each with the lock that it holds while it stands here."""

Sealed = dict[Node, tuple[int, Node]]
"""Leaves to look at, each with its time and with a node that was computed from it."""

_underway: Line = {}  # those that have nodes to themselves
_adding: Line = {}  # those that add to leaves, which threads may share

_PATIENCE = 0.2  # seconds after which a pass that is waited for is looked at: it may be dead

_set_gradient = Node._grad.__set__


def set_gradients(nodes: Iterable[Node], gradients: Iterable[Any]) -> None:
    """Give each node its gradient, all of them at one stroke."""
    any(map(_set_gradient, nodes, gradients))  # each call returns None, so that `any` makes all


class Pass(Underway):
    """One backward pass over the graph behind `roots`.

    It also stands in the nodes that it goes through, for a gradient to which
    nothing has been contributed yet. So the set of nodes that were seen is kept
    in the nodes themselves, at hand for the loop.

    Args:
        roots: the nodes that the pass begins at.
        stops: nodes that it ends at, as it does at leaves.
        since: a version of the engine; nodes made before are constants to it.
        linear: record only how the result depends on the gradients it begins with.
        shown: leave the nodes between their gradients, for the user to see.
    """

    __slots__ = (
        "_claimed",
        "_thread",
        "linear",
        "order",
        "roots",
        "sealed",
        "shown",
        "since",
        "stops",
    )

    def __init__(
        self,
        roots: Sequence[Node],
        stops: Collection[Node] = (),
        since: int = 0,
        linear: bool = False,
        shown: bool = True,
    ) -> None:
        self.roots = roots
        self.stops = frozenset(stops)
        self.since = since
        self.linear = linear
        self.sealed: Sealed = {}
        self.shown = shown
        self.order: list[Node] = []  # the nodes it goes through, parents first
        self._claimed = False
        self._thread = get_ident()

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what `work(self, *args)` gives, which has the nodes to itself.

        It begins after any other pass that goes through some of the nodes. If it
        fails, or is interrupted at whatever moment, nothing of it is left.
        """
        try:
            self._line_up(_underway, self._sharer)
            self._claim()
            result = work(self, *args)
            self._leave(_underway)
            return result
        except BaseException:
            self._give_up()
            raise

    def line_up_for_leaves(self) -> None:
        """Let no other pass add to leaves before this one has published its sums."""
        self._line_up(_adding, next)

    def publish(self, leaves: Iterable[Node], sums: Iterable[Any]) -> None:
        """Give the leaves their new gradients."""
        if self not in _underway:
            raise GradientError(
                f"backward: the nodes behind {describe(self.roots[0])} were differentiated by "
                "somebody else in the middle of this pass. Let a derivative not switch to another "
                "greenlet, nor wait for a thread, that calls backward() over the same nodes."
            )
        set_gradients(leaves, sums)
        self._leave(_adding)

    def undo(self) -> None:
        """Let the nodes have no gradient."""
        nodes = self.order
        if not self._claimed:
            nodes = nodes + [node for node in self._reached() if node._grad is self]
        set_gradients(nodes, repeat(None))

    def goes_through(self, node: Node) -> bool:
        """Tell whether the pass goes on to the parents of a node that was computed."""
        return node._version >= self.since and node not in self.stops

    def _give_up(self) -> None:
        if self in _underway:
            self.undo()
        self._leave(_adding)
        self._leave(_underway)

    def _line_up(self, line: Line, rival_among: Callable[[Any], Pass | None]) -> None:
        """Stand in a line, after any earlier rival has left it."""
        while True:
            lock = Lock()
            lock.acquire()
            line[self] = lock
            if len(line) == 1:
                return
            earlier = list(takewhile(lambda other: other is not self, list(line)))
            rival = rival_among(iter(earlier)) if earlier else None
            if rival is None:
                return
            self._leave(line)  # whoever waits is in nobody's way
            self._wait_for(rival, line)

    def _leave(self, line: Line) -> None:
        lock = line.pop(self, None)
        if lock is not None:
            lock.release()

    def _wait_for(self, rival: Pass, line: Line) -> None:
        lock = line.get(rival)
        while lock is not None and line.get(rival) is lock:
            within = rival._thread == self._thread
            if not within and lock.acquire(timeout=_PATIENCE):
                lock.release()  # for others who wait
            elif not rival._is_running():
                rival._leave(line)
            elif within:
                raise GradientError(
                    f"backward: {describe(self.roots[0])} depends on nodes that are being "
                    "differentiated just now, by the backward() that led to this one. Give the "
                    "inner one a graph of its own, from detached data."
                )

    def _is_running(self) -> bool:
        """Tell whether `run` is being executed; a thread can have ended, or been interrupted."""
        frame = sys._current_frames().get(self._thread)
        while frame is not None:
            if frame.f_code is Pass.run.__code__ and frame.f_locals["self"] is self:
                return True
            frame = frame.f_back
        return False

    def _sharer(self, others: Iterable[Pass]) -> Pass | None:
        """Return one of the others that goes through nodes of this pass."""
        nodes = self._reached()
        for other in others:
            if not nodes.isdisjoint(other.order if other._claimed else other._reached()):
                return other
        return None

    def _reached(self) -> set[Node]:
        """Return the nodes that this pass is to go through."""
        seen: set[Node] = set()
        stack = list(self.roots)
        while stack:
            node = stack.pop()
            if node not in seen and node.op is not None and self.goes_through(node):
                seen.add(node)
                stack += node.parents
        return seen

    def _claim(self) -> None:
        """Put this pass into the nodes, and the nodes in order."""
        order, free = self.order, not self.stops and not self.since
        stack: list[Any] = [root for root in reversed(self.roots) if root.op is not None]
        push = stack.append
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
        self._claimed = True


def _go_on_alone() -> None:
    """End the passes of the other threads, which a forked child does not have."""
    for other in [*_underway, *_adding]:
        if other._thread != get_ident():
            other._give_up()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_go_on_alone)


def nodes_outside(roots: Iterable[Node], since: int, inside: Collection[Node] = ()) -> list[Node]:
    """Return what the graph behind `roots` takes from outside: the nodes not among `inside`.

    These are the nodes that were made before `since`, a version of the engine, and
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
        version = time_of(node)
        if version < since or (node.op is None and version % 2):
            found[node] = None
            continue
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return list(found)
