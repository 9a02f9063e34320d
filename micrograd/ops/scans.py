"""Operations that run along an axis, where each element of the result goes on from the last.

The derivative of a cumulative product is a linear recurrence, and so is that of
a linear recurrence: with `linear_scan` the family is closed under derivatives,
without a division that a zero among the elements would spoil.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.ops.arranging import flip
from micrograd.ops.axes import along, array_of
from micrograd.ops.kinds import A
from micrograd.ops.reach import MOVED, ROWS
from micrograd.ops.shape import concatenate, reshape


def _shifted(x: Any, axis: int, first: float) -> Any:
    """Return x moved one on along an axis: what stands before each element of x, `first` at 0."""
    shape = list(x.shape)
    shape[axis] = min(1, shape[axis])
    before = np.full(shape, first, x.dtype)
    return concatenate([before, x[along(axis % x.ndim, slice(None, -1))]], axis)


_cumsum = define_op(
    "cumsum",
    lambda x, *, axis: np.cumsum(x, axis=axis),
    lambda g, y, x, *, axis: flip(cumsum(flip(g, axis), axis), axis),
    symbol="cumulative Σ",
    arrays_only=True,
    reach=MOVED,
)


def cumsum(x: A | ArrayLike, axis: int | None = None) -> A:
    """Return the sums of the first elements along `axis`: of one, of two, and so on.

    Derivative: 1 for every element up to the one of the result.

    Args:
        x: an array or Tensor of any shape.
        axis: an axis of x; None for all elements in a row.

    Raises:
        ShapeError: if x has no such axis.

    >>> cumsum([1.0, 2.0, 3.0]).tolist()
    [1.0, 3.0, 6.0]
    """
    return _run(_cumsum, x, axis)


def _run(op: Any, x: Any, axis: int | None) -> Any:
    if axis is None:
        return op(reshape(x, -1), axis=0)
    x = array_of(op.name, x)
    return op(x if x.ndim else reshape(x, -1), axis=axis)  # to NumPy, a number has an axis 0


def _forward_scan(b: Any, a: Any, *, axis: int) -> Any:
    b, a = np.moveaxis(b, axis, 0), np.moveaxis(a, axis, 0)
    y = b.astype(np.result_type(a, b))
    for k in range(1, len(y)):
        y[k] += a[k] * y[k - 1]
    return np.moveaxis(y, 0, axis)


def _scan_rule(g: Any, y: Any, b: Any, a: Any, *, axis: int) -> Any:
    return _scan_back(g, a, axis)


def _scan_back(g: Any, a: Any, axis: int) -> Any:
    """Return u with u[k] = g[k] + a[k + 1] * u[k + 1]: the scan from the other end."""
    following = _shifted(flip(a, axis), axis, 0)
    return flip(linear_scan(flip(g, axis), following, axis), axis)


_linear_scan = define_op(
    "linear_scan",
    _forward_scan,
    _scan_rule,
    lambda g, y, b, a, *, axis: _scan_back(g, a, axis) * _shifted(y, axis, 0),
    symbol="b + a × last",
    arrays_only=True,
    expects="two arrays of one shape",
)


def linear_scan(b: Any, a: Any, axis: int) -> Any:
    """Return y with y[k] = b[k] + a[k] * y[k - 1] along an axis; y[0] is b[0], a[0] unused.

    Derivatives: u with u[k] = g[k] + a[k + 1] * u[k + 1], and u[k] * y[k - 1].

    >>> linear_scan(np.array([1.0, 1.0, 1.0]), np.array([0.0, 2.0, 2.0]), 0).tolist()
    [1.0, 3.0, 7.0]
    """
    return _linear_scan(b, a, axis=axis)


_cumprod = define_op(
    "cumprod",
    lambda x, *, axis: np.cumprod(x, axis=axis),
    lambda g, y, x, *, axis: _shifted(y, axis, 1) * _scan_back(g, x, axis),
    symbol="cumulative Π",
    arrays_only=True,
    reach=ROWS,
)


def cumprod(x: A | ArrayLike, axis: int | None = None) -> A:
    """Return the products of the first elements along `axis`: of one, of two, and so on.

    Derivative: for each product, that of its other elements; exact where there
    are zeros among them, in every order.

    Args:
        x: an array or Tensor of any shape.
        axis: an axis of x; None for all elements in a row.

    Raises:
        ShapeError: if x has no such axis.

    >>> cumprod([1.0, 2.0, 3.0]).tolist()
    [1.0, 2.0, 6.0]
    """
    return _run(_cumprod, x, axis)


def product_of_others(x: Any) -> Any:
    """Return, for each element along the last axis, the product of all the others.

    Derivative: by those of the cumulative products from both ends that it is
    made of; there is no division, so zeros do no harm.

    >>> product_of_others(np.array([2.0, 0.0, 5.0])).tolist()
    [0.0, 10.0, 0.0]
    """
    before = _shifted(cumprod(x, -1), -1, 1)
    after = flip(_shifted(cumprod(flip(x, -1), -1), -1, 1), -1)
    return before * after


__all__ = ["cumprod", "cumsum"]
