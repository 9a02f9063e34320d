"""A backward pass: which nodes it goes through, that it has them to itself, and all or nothing.

A signal's handler, or an exception sent from another thread, can end a pass
between any two of its steps. What counts is therefore done at one stroke: a
single call of C, which no handler interrupts. What a pass holds goes with it:
one that stands in line and no longer runs is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from threading import Lock, get_ident
from typing import Any

from micrograd.core.node import Node
from micrograd.core.turns import Line, adding, lost, reached, sharer_of, underway, wait_in


def set_gradients(nodes: Iterable[Node], gradients: Iterable[Any]) -> None:
    """Give each node its gradient, all of them at one stroke."""
    # Each call returns None, so that `any` makes them all.
    any(map(Node._grad.__set__, nodes, gradients))


class Pass:
    """One backward pass over the graph behind `roots`.

    It also stands in the nodes that it goes through, for a gradient to which
    nothing has been contributed yet. So the set of nodes that were seen is kept
    in the nodes themselves, at hand for the loop.

    Args:
        roots: the nodes that the pass begins at.

    Attributes:
        bounded: whether the pass does not go on to the parents of every node.
        stops: the nodes that it ends at, as it does at leaves.
        order: the nodes it goes through, parents first.
        acquired: whether it stands in all of them.
        selects: whether an operation among them takes some elements and not others.
        foreign: whether somebody else made an operation among them than this library.
        sealed: leaves to look at, each with its version and a node that was computed from it.
        thread: where it runs.
    """

    __slots__ = ("acquired", "foreign", "order", "roots", "sealed", "selects", "thread")
    bounded: bool = False
    stops: Collection[Node] = ()

    def __init__(self, roots: Sequence[Node]) -> None:
        self.roots = roots
        self.sealed: dict[Node, tuple[int, Node]] = {}
        self.order: list[Node] = []
        self.thread = get_ident()
        self.acquired = self.selects = self.foreign = False

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what `work(self, *args)` gives, which has the nodes to itself.

        It begins after any other pass that goes through some of the nodes. If it
        fails, or is interrupted at whatever moment, nothing of it is left.
        """
        try:
            self.line_up(underway, sharer_of)
            self.acquire()
            result = work(self, *args)
            self.leave(underway)
            return result
        except BaseException:
            self.give_up()
            raise

    def line_up(self, line: Line, holder_among: Callable[[Any, Any], Any]) -> None:
        """Stand in a line, after whoever came before and has what is wanted has left it."""
        self.stand_in(line)
        if len(line) > 1:
            wait_in(line, self, holder_among)

    def stand_in(self, line: Line) -> None:
        """Stand at the end of a line, with a lock that others can wait for."""
        lock = Lock()
        lock.acquire()
        line[self] = lock

    def leave(self, line: Line) -> None:
        """Stand in a line no longer, and let those go on who wait for it."""
        lock = line.pop(self, None)
        if lock is not None:
            lock.release()

    def publish(self, leaves: Iterable[Node], sums: Iterable[Any]) -> None:
        """Give the leaves their new gradients."""
        if self not in underway:
            raise lost(self)
        set_gradients(leaves, sums)
        self.leave(adding)

    def undo(self) -> None:
        """Let the nodes have no gradient."""
        nodes = self.order
        if not self.acquired:
            nodes = nodes + [node for node in reached(self) if node._grad is self]
        set_gradients(nodes, [None] * len(nodes))

    def give_up(self) -> None:
        """Leave nothing behind."""
        if self in underway:
            self.undo()
        self.leave(adding)
        self.leave(underway)

    def goes_through(self, node: Node) -> bool:
        """Tell whether the pass goes on to the parents of a node that was computed."""
        return True

    def backwards(self) -> Iterator[Node]:
        """Return the nodes from the last to the first."""
        return reversed(self.order)

    def acquire(self) -> None:
        """Put this pass into the nodes, and the nodes in topological order."""
        order, bounded = self.order, self.bounded
        stack: list[Any] = [root for root in reversed(self.roots) if root.op is not None]
        push = stack.append
        while stack:
            node = stack.pop()
            if node is None:  # everything that the node below it needs is in order
                order.append(stack.pop())
            elif node._grad is not self and (not bounded or self.goes_through(node)):
                node._grad = self
                if node.op.special:
                    self.selects |= node.op.selects
                    self.foreign |= node.op.foreign
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
        self.acquired = True
