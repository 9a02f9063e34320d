"""Which elements of a gradient a `where` has cut off.

Where a `where` did not take a branch, that branch's gradient is 0, and the
chain rule would go on to multiply it by slopes that may be inf or nan there:
0 * inf is nan, and the branch that was not taken would spoil the one that was.
So the elements that a `where` cut off are remembered on the way back through
the branch, and their contributions are set to 0 instead of multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.node import Node
from micrograd.ops.elementwise import where
from micrograd.ops.shape import sum_to


class Liveness:
    """The elements that are still live, for the nodes that a `where` leads to."""

    def __init__(self) -> None:
        self._live: dict[Node, Any] = {}  # True: every element

    def cut(self, contribution: Any, node: Node) -> Any:
        """Return what `node` contributes to a parent, 0 where `node` is not live."""
        live = self._live.get(node, True)
        if live is True:
            return contribution
        if not node.op.elementwise:
            live = np.any(live)
        return where(live, contribution, 0)

    def pass_on(self, node: Node, i: int, first: bool) -> None:
        """Note which elements of parent `i` are live by way of `node`.

        `first` tells that nothing has reached the parent before.
        """
        parent = node.parents[i]
        known = self._live.get(parent, not first)
        if known is not True:
            live = self._through(node, i)
            self._live[parent] = live if live is True else np.logical_or(known, live)

    def _through(self, node: Node, i: int) -> Any:
        live, op = self._live.get(node, True), node.op
        args = [parent._data for parent in node.parents]
        if op.masks is not None:
            live = np.logical_and(live, op.masks[i](*args))
        if live is True:
            return True
        weights = np.broadcast_to(live, np.shape(node._data)).astype(np.float64)
        if op.moves:
            weights = op.derivatives[i](weights, node._data, *args, **node.params)
        elif not op.elementwise:  # any live element of the result makes all live
            return bool(np.any(live))
        return sum_to(weights, np.shape(args[i])) != 0
