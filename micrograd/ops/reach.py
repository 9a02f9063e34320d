"""What of the arguments an element of an operation's result depends on.

An operation tells it as its `reach`. By it the elements that a `where` cut off
are followed back through the operation: what only they depend on is cut off,
too, and gets 0 from them, where the chain rule would give 0 * inf.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from micrograd.core.node import Node
from micrograd.core.op import registry
from micrograd.errors import OLDER_OPTIONS

Function = Callable[..., Any]

__all__ = ["MOVED", "PRODUCT", "ROWS", "SAME", "WHOLE", "Picked", "Reach"]


class Reach:
    """All elements of all arguments, as long as nothing more is known.

    A mask tells which elements of a node are taken; True stands for all.

    Attributes:
        selects: whether the operation itself cuts off elements, as a `where` does.
    """

    selects = False

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        """Return what gives the mask of parent `i`: on which elements the taken ones depend.

        Args:
            node: what the operation computed.
            mask: that of `node`.
        """
        some = bool(np.any(mask))  # any element that is taken needs all
        return lambda i: some

    def cut(self, contribution: Any, node: Node, i: int, g: Any, mask: Any, through: Any) -> Any:
        """Return what `node` contributes to parent `i`, 0 where only what is cut off gave it.

        Args:
            contribution: what the derivative gave.
            node: what the operation computed.
            i: for which parent.
            g: the gradient of `node`.
            mask: that of `node`.
            through: what `through` gave for parent `i`.
        """
        return _where(through, contribution, 0)


class Number(Reach):
    """The one number that each argument is: it is cut off where the result is."""

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        return lambda i: mask


class Same(Reach):
    """The same element of the arguments, which broadcast."""

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        weights, parents = _weights(node, mask), node.parents
        return lambda i: _depended(weights, parents[i])

    def cut(self, contribution: Any, node: Node, i: int, g: Any, mask: Any, through: Any) -> Any:
        return _where(mask, contribution, 0)


class Picked(Same):
    """The same element of one of the arguments, the one that was taken there.

    Args:
        taken: one function per argument, which tells from the arguments' arrays where
            it was taken; None for an argument without a derivative.

    >>> first = Picked(lambda a, b: a >= b, lambda a, b: a < b)
    >>> first.selects
    True
    """

    selects = True

    def __init__(self, *taken: Function | None) -> None:
        self._taken: Any = taken

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        parents, taken = node.parents, self._taken
        args = _data_of(node)

        def one(i: int) -> Any:
            both = np.logical_and(mask, taken[i](*args))
            return _depended(_weights(node, both), parents[i])

        return one


class Moved(Reach):
    """The elements that became it: the derivatives move, repeat, negate or add up those of g."""

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        op, parents, settings = node.op, node.parents, node.settings
        weights, known = _weights(node, mask), [node._data, *self._arguments(node)]
        gradient_of = op.gradients_of(True, weights, known, settings)
        return lambda i: _depended(gradient_of(i), parents[i])

    def _arguments(self, node: Node) -> list[Any]:
        return _data_of(node)


class Product(Moved):
    """Those with which it is a sum of products, a factor from each argument, as in `a @ b`."""

    def _arguments(self, node: Node) -> list[Any]:
        return [np.ones(np.shape(arg)) for arg in _data_of(node)]

    def cut(self, contribution: Any, node: Node, i: int, g: Any, mask: Any, through: Any) -> Any:
        return _where(through, self._finite(contribution, node, i, g, mask), 0)

    def _finite(self, contribution: Any, node: Node, i: int, g: Any, mask: Any) -> Any:
        """Return the contribution with no 0 * inf in it, where only what is cut meets the inf."""
        parents, rule, y = node.parents, node.op.derivatives[i], node._data
        bad = [~np.isfinite(arg) for arg in _data_of(node)]
        if not any(b.any() for k, b in enumerate(bad) if k != i):
            return contribution
        ones, weights = self._arguments(node), _weights(node, mask)
        meets: Any = False
        for k in range(len(parents)):
            if k != i:
                factors = [*ones[:k], bad[k].astype(np.float64), *ones[k + 1 :]]
                meets = meets | (rule(weights, y, *factors, **node.settings) != 0)
        args = parents if isinstance(g, Node) else _data_of(node)
        finite = [_where(b, 0, arg) for b, arg in zip(bad, args, strict=True)]
        return _where(meets, contribution, rule(g, y, *finite, **node.settings))


class Rows(Reach):
    """The row along the setting `axis` (of all elements, if that is None) of the one argument."""

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        weights, shape = _weights(node, mask), np.shape(node.parents[0]._data)
        axis = node.settings["axis"]
        axes = cast("tuple[int, ...]", axis if isinstance(axis, tuple) else (axis,))
        if axis is None or not shape or weights.ndim + len(axes) < len(shape):
            return super().through(node, mask)
        if weights.ndim < len(shape):
            weights = np.expand_dims(weights, axes)
        rows = np.broadcast_to(np.any(weights, axis=axes, keepdims=True), shape)
        return lambda i: rows


NUMBER = Number()
"""All of the arguments, of an operation on numbers."""

WHOLE = Reach()
"""All elements of all arguments."""

SAME = Same()
"""The same element of the arguments, which broadcast."""

MOVED = Moved()
"""Elements that the operation moved, repeated, negated or added up."""

PRODUCT = Product()
"""Elements that were multiplied, a factor from each argument, and added up."""

ROWS = Rows()
"""The row along the setting `axis`."""


def _data_of(node: Node) -> list[Any]:
    return [parent._data for parent in node.parents]


def _weights(node: Node, mask: Any) -> Any:
    return np.broadcast_to(mask, np.shape(node._data)).astype(np.float64)


def _depended(weights: Any, parent: Node) -> Any:
    shape = np.shape(parent._data)
    summed = weights if np.shape(weights) == shape else registry["sum_to"](weights, shape=shape)
    return summed != 0


def _where(mask: Any, a: Any, b: Any) -> Any:
    return registry["where"](mask, a, b)  # whose own row tells its reach


def _picked(taken: tuple[Function | None, ...]) -> Reach:
    return Picked(*taken)


OLDER_OPTIONS.update(  # the first of those that were given says most
    masks=_picked,
    elementwise=lambda given: SAME,
    along_axis=lambda given: ROWS,
    multilinear=lambda given: PRODUCT,
    moves=lambda given: MOVED,
)
