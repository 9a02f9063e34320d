"""Which elements of a gradient a `where` has cut off.

Where a `where` did not take a branch, that branch's gradient is 0, and the
chain rule would go on to multiply it by slopes that may be inf or nan there:
0 * inf is nan, and the branch that was not taken would spoil the one that was.
So the elements that a `where` cut off are remembered on the way back through
the branch, and their contributions are set to 0 instead of multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from micrograd.core.node import Node
from micrograd.ops.elementwise import where
from micrograd.ops.shape import sum_to


class Liveness:
    """The elements that are still live, for the nodes that a `where` leads to."""

    def __init__(self, root: Node, live: Any) -> None:
        self._live: dict[Node, Any] = {root: live}  # True: every element
        self._node: Node | None = None  # what it contributes is being carried

    def of(self, node: Node) -> Any:
        """Return which elements of `node` are live, True for all."""
        return self._live.get(node, True)

    def carry(self, contribution: Any, node: Node, i: int, g: Any, first: bool) -> Any:
        """Return what `node` contributes to parent `i`, 0 where `node` is not live.

        What is live of the parent by way of `node` is noted; `first` tells that
        nothing has reached the parent before.
        """
        live, parent = self.of(node), node.parents[i]
        if node is not self._node:  # what its parents share is computed once
            self._node, self._through = node, _way_through(node, live)
        through = self._through(i)
        known = self._live.get(parent, not first)
        if known is not True:
            self._live[parent] = through if through is True else np.logical_or(known, through)
        if live is True:
            return contribution
        if node.op.elementwise:
            return where(live, contribution, 0)
        if node.op.multilinear:
            contribution = self._without_dead_factors(contribution, node, i, g, live)
        return where(through, contribution, 0)

    def _without_dead_factors(
        self, contribution: Any, node: Node, i: int, g: Any, live: Any
    ) -> Any:
        """Return the contribution with no 0 * inf in it, where only what is dead meets the inf."""
        parents, rule, y = node.parents, node.op.derivatives[i], node._data
        bad = [~np.isfinite(parent._data) for parent in parents]
        if not any(b.any() for k, b in enumerate(bad) if k != i):
            return contribution
        ones = [np.ones(np.shape(b)) for b in bad]
        weights = np.broadcast_to(live, np.shape(y)).astype(np.float64)
        meets: Any = False
        for k in range(len(parents)):
            if k != i:
                factors = [*ones[:k], bad[k].astype(np.float64), *ones[k + 1 :]]
                meets = meets | (rule(weights, y, *factors, **node.settings) != 0)
        args = parents if isinstance(g, Node) else [parent._data for parent in parents]
        finite = [where(b, 0, arg) for b, arg in zip(bad, args, strict=True)]
        return where(meets, contribution, rule(g, y, *finite, **node.settings))


def _way_through(node: Node, live: Any) -> Callable[[int], Any]:
    """Return what gives the elements of parent `i` that the live ones of `node` depend on."""
    op, y, settings = node.op, node._data, node.settings
    if live is True and op.masks is None:
        return lambda i: True
    args = [parent._data for parent in node.parents]

    def weights(live: Any) -> Any:
        return np.broadcast_to(live, np.shape(y)).astype(np.float64)

    def depended(weights: Any, i: int) -> Any:
        return sum_to(weights, np.shape(args[i])) != 0

    if op.masks is not None:
        return lambda i: depended(weights(np.logical_and(live, op.masks[i](*args))), i)
    if op.along_axis:
        return lambda i: _rows(weights(live), np.shape(args[0]), settings["axis"])
    if op.moves or op.multilinear:
        known = [np.ones(np.shape(arg)) for arg in args] if op.multilinear else args
        whole = weights(live)
        together = op.gradients_together(True, whole, [y, *known], settings)
        if together is not None:
            return lambda i: depended(together(i), i)
        return lambda i: depended(op.derivatives[i](whole, y, *known, **settings), i)
    if op.elementwise:
        return lambda i: depended(weights(live), i)
    some = bool(np.any(live))  # any live element of the result makes all live
    return lambda i: some


def _rows(weights: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Return which elements stand in a row, along `axis`, of which something is live."""
    axes = cast("tuple[int, ...]", axis if isinstance(axis, tuple) else (axis,))
    if axis is None or not shape or weights.ndim + len(axes) < len(shape):
        return bool(np.any(weights))
    if weights.ndim < len(shape):
        weights = np.expand_dims(weights, axes)
    return np.broadcast_to(np.any(weights, axis=axes, keepdims=True), shape)
