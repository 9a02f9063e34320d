"""How backward passes that go through the same nodes wait for each other.

A pass alone needs none of it, so it can be skipped at first reading.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from itertools import takewhile
from threading import get_ident
from typing import Any

from micrograd.core.node import Node
from micrograd.errors import GradientError, describe

Line = dict[Any, Any]
"""Passes in the order in which they came, each with the lock that it holds while it stands here."""

underway: Line = {}
"""The passes that have nodes to themselves."""

adding: Line = {}
"""The passes that add to leaves, which threads may share."""

_PATIENCE = 0.2  # seconds after which a pass that is waited for is looked at: it may be dead


def next_of(this: Any, others: Iterable[Any]) -> Any:
    """Return the first of the others: one at a time."""
    return next(iter(others), None)


def sharer_of(this: Any, others: Iterable[Any]) -> Any:
    """Return the first of the others that goes through nodes of `this`; None if none does."""
    nodes = reached(this)
    for other in others:
        if not nodes.isdisjoint(other.order if other.acquired else reached(other)):
            return other
    return None


def reached(this: Any) -> set[Node]:
    """Return the nodes that a pass is to go through."""
    seen: set[Node] = set()
    stack = list(this.roots)
    while stack:
        node = stack.pop()
        if node not in seen and node.op is not None and this.goes_through(node):
            seen.add(node)
            stack += node.parents
    return seen


def wait_in(line: Line, this: Any, holder_among: Callable[[Any, Any], Any]) -> None:
    """Return when no pass that came before `this` has what it wants."""
    while earlier := list(takewhile(lambda other: other is not this, list(line))):
        holder = holder_among(this, earlier)
        if holder is None:
            return
        this.leave(line)  # whoever waits is in nobody's way
        _wait_for(holder, this, line)
        this.stand_in(line)


def _wait_for(holder: Any, this: Any, line: Line) -> None:
    """Return when `holder` has left the line, or no longer runs."""
    lock = line.get(holder)
    while lock is not None and line.get(holder) is lock:
        within = holder.thread == this.thread
        if not within and lock.acquire(timeout=_PATIENCE):
            lock.release()  # for others who wait
        elif not _is_running(holder):
            holder.leave(line)
        elif within:
            raise GradientError(
                f"backward: {describe(this.roots[0])} depends on nodes that are being "
                "differentiated just now, by the backward() that led to this one. Give the "
                "inner one a graph of its own, from detached data."
            )


def lost(this: Any) -> GradientError:
    """Return the error of a pass whose nodes somebody else took meanwhile."""
    return GradientError(
        f"backward: the nodes behind {describe(this.roots[0])} were differentiated by "
        "somebody else in the middle of this pass. Let a derivative not switch to another "
        "greenlet, nor wait for a thread, that calls backward() over the same nodes."
    )


def _is_running(this: Any) -> bool:
    """Tell whether `run` is being executed; a thread can have ended, or been interrupted."""
    frame = sys._current_frames().get(this.thread)
    while frame is not None:
        if frame.f_code is this.run.__code__ and frame.f_locals["self"] is this:
            return True
        frame = frame.f_back
    return False


def _go_on_alone() -> None:
    """End the passes of the other threads, which a forked child does not have."""
    for other in [*underway, *adding]:
        if other.thread != get_ident():
            other.give_up()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_go_on_alone)
