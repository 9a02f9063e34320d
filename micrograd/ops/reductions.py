"""Operations that make one element of many along an axis.

`axis` is None for all axes, an integer, or a tuple of integers, and may be
negative; `keepdims` leaves the reduced axes in place with length 1.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.ops.axes import as_array
from micrograd.ops.elementwise import where
from micrograd.ops.kinds import N
from micrograd.ops.ranges import divided
from micrograd.ops.reach import MOVED, ROWS
from micrograd.ops.shape import Shape, broadcast_to

__all__ = ["max", "mean", "min", "sum"]

Axis = int | tuple[int, ...] | None


def _kept_shape(shape: Shape, axis: Axis) -> Shape:
    """Return `shape` with length 1 along the reduced axes."""
    if axis is None or not shape:  # to NumPy, a number has an axis 0 to reduce
        return (1,) * len(shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    reduced = {i % len(shape) for i in axes}
    return tuple(1 if i in reduced else n for i, n in enumerate(shape))


def _keep(reduced: Any, x: Any, axis: Axis) -> Any:
    """Return a reduced array with its axes in place again, so that it broadcasts to x."""
    return reduced.reshape(_kept_shape(x.shape, axis))


def _sum_rule(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return broadcast_to(_keep(g, x, axis), x.shape)


_sum = define_op("sum", np.sum, _sum_rule, symbol="Σ", arrays_only=True, reach=MOVED)


def sum(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the sum of the elements along `axis`.

    Derivative: 1 for every element.

    >>> float(sum([1.0, 2.0, 3.0]))
    6.0
    """
    return _sum(x, axis=axis, keepdims=keepdims)


def _mean_rule(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    kept = _keep(g, x, axis)
    count = math.prod(n for n, k in zip(x.shape, kept.shape, strict=True) if n != k)
    return broadcast_to(divided(kept, count), x.shape)


_mean = define_op("mean", np.mean, _mean_rule, arrays_only=True, reach=MOVED)


def mean(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the mean of the elements along `axis`.

    Derivative: 1 / n for every one of n elements.

    >>> float(mean([1.0, 2.0, 3.0]))
    2.0
    """
    return _mean(x, axis=axis, keepdims=keepdims)


_FEW, _SHORT = 16, 64


def _one_by_one(shape: Shape, axis: Axis) -> list[Any]:
    """Return the index of each of the few elements that are reduced to one; else nothing.

    Over short axes, as in pooling, NumPy's loop costs ten times as much as a
    pass over the whole array for each of the elements.
    """
    if math.prod(shape) < _FEW * 1000:
        return []
    named = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = {i % len(shape) for i in named}
    valid = len(axes) == len(named) and all(-len(shape) <= i < len(shape) for i in named)
    if not valid or not 1 < math.prod(shape[i] for i in axes) <= _FEW:
        return []
    places = np.ndindex(*[shape[i] if i in axes else 1 for i in range(len(shape))])
    return [tuple(k if i in axes else slice(None) for i, k in enumerate(p)) for p in places]


def extreme(ufunc: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Return `ufunc.reduce`, for np.maximum and np.minimum, which are slow over short axes.

    >>> extreme(np.maximum, [[1, 3], [2, 0]], -1, keepdims=False).tolist()
    [3, 2]
    """
    x = as_array(x)
    few = _one_by_one(x.shape, axis)
    if few:
        y = reduce(ufunc, [x[index] for index in few])
        return _keep(y, x, axis) if keepdims else y
    if axis in (-1, x.ndim - 1) and x.ndim > 1 and x.shape[-1] <= _SHORT:
        columns = x.swapaxes(0, -1)  # many columns are faster than rows
        columns = columns.astype(x.dtype, order="C", copy=False)
        y = ufunc.reduce(columns, axis=0, keepdims=True).swapaxes(0, -1)
        return y if keepdims else y[..., 0]
    return ufunc.reduce(x, axis=axis, keepdims=keepdims)


def _count(chosen: Any, axis: Axis) -> Any:
    """Return how many are True along `axis`, which keeps its place."""
    few = _one_by_one(chosen.shape, axis)
    if not few:
        return np.sum(chosen, axis=axis, keepdims=True)
    return _keep(reduce(np.add, [chosen[index].view(np.int8) for index in few]), chosen, axis)


def _extreme_rule(g: Any, chosen: Any, x: Any, axis: Axis) -> Any:
    ties = _count(chosen, axis)
    ties = ties.astype(np.float32 if x.dtype.char == "e" else x.dtype)  # else float32 would widen
    return where(chosen, _keep(g, x, axis) / ties, 0)


_max = define_op(
    "max",
    lambda x, *, axis, keepdims: extreme(np.maximum, x, axis, keepdims),
    lambda g, y, x, *, axis, keepdims: _extreme_rule(g, x >= _keep(y, x, axis), x, axis),
    arrays_only=True,
    reach=ROWS,
)


def max(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the largest element along `axis`.

    Derivative: 1 for the largest element and 0 for the others; n elements that
    tie have 1 / n each.

    >>> float(max([1.0, 3.0, 2.0]))
    3.0
    """
    return _max(x, axis=axis, keepdims=keepdims)


_min = define_op(
    "min",
    lambda x, *, axis, keepdims: extreme(np.minimum, x, axis, keepdims),
    lambda g, y, x, *, axis, keepdims: _extreme_rule(g, x <= _keep(y, x, axis), x, axis),
    arrays_only=True,
    reach=ROWS,
)


def min(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the smallest element along `axis`.

    Derivative: 1 for the smallest element and 0 for the others; n elements that
    tie have 1 / n each.

    >>> float(min([1.0, 3.0, 2.0]))
    1.0
    """
    return _min(x, axis=axis, keepdims=keepdims)
