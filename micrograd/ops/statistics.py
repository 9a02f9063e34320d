"""Reductions beyond sums and extremes: products, spreads and middles.

`axis` is None for all axes, an integer, or a tuple of integers, and may be
negative; `keepdims` leaves the reduced axes in place with length 1.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, ShapeError
from micrograd.ops.axes import array_of, as_array, plain, zeros
from micrograd.ops.elementwise import where
from micrograd.ops.kinds import N
from micrograd.ops.norms import _norm
from micrograd.ops.ranges import divided, homogeneous, is_sound, magnitude, wide
from micrograd.ops.reach import ROWS
from micrograd.ops.reductions import Axis, _keep, max, mean, min, sum
from micrograd.ops.scans import product_of_others
from micrograd.ops.shape import Shape, astype, reshape, transpose


def _axes(shape: Shape, axis: Axis) -> list[int]:
    """Return the reduced axes, counted from the front."""
    if axis is None or not shape:  # to NumPy, a number has an axis 0 to reduce
        return list(range(len(shape)))
    return [i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,))]


def _count(shape: Shape, axis: Axis) -> int:
    """Return how many elements a reduction makes one of."""
    return math.prod(shape[i] for i in _axes(shape, axis))


def _order(shape: Shape, axis: Axis) -> list[int]:
    """Return the order of axes in which the reduced ones come last."""
    reduced = _axes(shape, axis)
    return [i for i in range(len(shape)) if i not in reduced] + reduced


def _rows(x: Any, axis: Axis) -> Any:
    """Return x as rows, each of the elements that a reduction makes one of."""
    n = _count(x.shape, axis)
    rows = math.prod(x.shape[i] for i in set(range(x.ndim)) - {*_axes(x.shape, axis)})
    return reshape(transpose(x, _order(x.shape, axis)), (rows, n))


def _unrow(rows: Any, shape: Shape, axis: Axis) -> Any:
    """Return what `_rows` made rows of."""
    order = _order(shape, axis)
    back = [order.index(i) for i in range(len(shape))]
    return transpose(reshape(rows, [shape[i] for i in order]), back)


def _prod_rule(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return _keep(g, x, axis) * _unrow(_products_of_others(_rows(x, axis)), x.shape, axis)


def _products_of_others(rows: Any) -> Any:
    """Return `product_of_others`, also where products on the way to it leave the range."""
    products, data = product_of_others(rows), plain(rows)
    some = (data != 0) & np.isfinite(data)
    missing = np.sum(~some, axis=-1, keepdims=True) - ~some  # of the others
    if np.all(is_sound(abs(plain(products))) | (missing > 0)):
        return products
    limits = np.finfo(data.dtype)
    ends = limits.minexp - limits.nmant, limits.maxexp - 1
    exponents = np.clip(np.rint(np.log2(np.where(some, abs(data), 1))), *ends).astype(int)
    half, rest = np.divmod(np.sum(exponents, axis=-1, keepdims=True) - exponents, 2)
    one = data.dtype.type(1)
    products = product_of_others(rows / np.ldexp(one, exponents))
    for power in (half, half + rest):  # the two together may be in range
        products = products * np.ldexp(one, np.clip(power, *ends))
    return products


_prod = define_op("prod", np.prod, _prod_rule, symbol="Π", arrays_only=True, reach=ROWS)


def prod(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the product of the elements along `axis`; that of none is 1.

    Derivative: for every element the product of the others, which is exact
    where there are zeros among them, in every order.

    >>> float(prod([2.0, 3.0, 4.0]))
    24.0
    """
    return _prod(x, axis=axis, keepdims=keepdims)


def _freedom(x: Any, axis: Axis, ddof: float) -> float:
    """Return what a sum of squares is divided by: 0 if there is nothing to divide."""
    free = _count(x.shape, axis) - ddof
    return free if free > 0 else 0.0


def _centered(x: Any, axis: Axis) -> tuple[Any, float]:
    """Return x less its mean, and what it was divided by so that nothing leaves the range."""
    distance = x - mean(x, axis, True)
    if np.isfinite(plain(distance)).all():
        return distance, 1.0
    scale = 2.0 ** _count(x.shape, axis).bit_length()
    return x / scale - mean(x / scale, axis, True), scale


def _var_rule(g: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    free = _freedom(x, axis, ddof)
    distance, scale = _centered(x, axis)
    per_free = _keep(g, x, axis) * distance
    per_free = divided(per_free, free / 2) if free else per_free * math.inf
    return per_free if scale == 1 else per_free * scale


_var = define_op("var", np.var, _var_rule, symbol="σ²", arrays_only=True, reach=ROWS)


def var(x: N | ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> N:
    """Return the variance along `axis`: the mean of the squared distances to the mean.

    Derivative: 2 * (x - mean(x)) / (n - ddof) for n elements.

    Args:
        x: an array or Tensor of any shape.
        axis: what to reduce.
        ddof: what is taken from n in the division: 0, or 1 for the estimate
            from a sample. If nothing is left, the result is NumPy's, nan or inf.
        keepdims: whether to keep the reduced axes.

    >>> float(var([1.0, 2.0, 3.0])), float(var([1.0, 2.0, 3.0], ddof=1))
    (0.6666666666666666, 1.0)
    """
    return _var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _std_rule(g: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    free = _freedom(x, axis, ddof)
    if 0 in x.shape or not free:
        return x * math.nan
    scaled = wide(x) / magnitude(plain(x), axis)  # any multiple has the same direction
    distance = scaled - mean(scaled, axis, True)
    distance = distance - mean(distance, axis, True)  # of close numbers, the mean is not exact
    length = _norm(distance, order=2, axis=axis, keepdims=True)
    spread = max(x, axis, True) > min(x, axis, True)  # of equal numbers, length is no exact 0
    per_root = _keep(g, x, axis) / np.sqrt(np.result_type(x.dtype, np.float32).type(free))
    return per_root * (distance / where(spread, length, math.inf))


def _forward_std(x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    std_of = partial(np.std, axis=axis, ddof=ddof)
    if _freedom(as_array(x), axis, ddof) == 0:
        return std_of(x, keepdims=keepdims)
    return homogeneous(std_of, x, 2, axis, keepdims)


_std = define_op("std", _forward_std, _std_rule, symbol="σ", arrays_only=True, reach=ROWS)


def std(x: N | ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> N:
    """Return the standard deviation along `axis`: the square root of the variance.

    It is right also where the variance is too large or too small for the dtype.

    Derivative: (x - mean(x)) / ((n - ddof) * std(x)) for n elements, and 0 where
    all of them are equal.

    Args:
        x: an array or Tensor of any shape.
        axis: what to reduce.
        ddof: what is taken from n in the division: 0, or 1 for the estimate
            from a sample. If nothing is left, the result is NumPy's, nan or inf.
        keepdims: whether to keep the reduced axes.

    >>> float(std([1.0, 3.0])), float(std([1.0, 2.0, 3.0], ddof=1))
    (1.0, 1.0)
    """
    return _std(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _middles(x: Any, axis: Axis) -> Any:
    """Return the share of every element in the median: 1, or a half for each of two."""
    data = plain(x)
    rows = _rows(data, axis)
    shares = zeros(rows.shape, rows.dtype, rows)
    if rows.size:
        order, n = np.argsort(rows, axis=-1, kind="stable"), rows.shape[-1]
        for k in ((n - 1) // 2, n // 2):
            shares[np.arange(len(rows)), order[:, k]] += 0.5
    return _unrow(shares, data.shape, axis)


def _forward_median(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    # Of no elements, NumPy's median fails along several axes, and would be what the mean is.
    return (np.median if np.size(x) else np.mean)(x, axis=axis, keepdims=keepdims)


_median = define_op(
    "median",
    _forward_median,
    lambda g, y, x, *, axis, keepdims: _keep(g, x, axis) * _middles(x, axis),
    arrays_only=True,
    reach=ROWS,
)


def median(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the middle one of the sorted elements along `axis`, or the mean of the middle two.

    Derivative: 1 for the middle element, or 1/2 for each of the two, and 0 for
    the others. Of elements that are equal, sorting puts the first one first:
    the gradient goes to those that it puts in the middle.

    >>> float(median([3.0, 1.0, 2.0])), float(median([4.0, 1.0, 3.0, 2.0]))
    (2.0, 2.5)
    """
    several: Any = axis
    axis = tuple(several) if isinstance(axis, list) else axis  # NumPy takes a list here
    return _median(x, axis=axis, keepdims=keepdims)


def average(
    x: N | ArrayLike,
    axis: Axis = None,
    weights: N | ArrayLike | None = None,
    keepdims: bool = False,
) -> N:
    """Return the mean along `axis`, in which every element counts as its weight says.

    Derivative: w / sum(w) for the weights w; that of the weights is
    (x - average) / sum(w).

    Args:
        x: an array or Tensor of any shape.
        axis: what to reduce.
        weights: of the shape of x, or of the reduced axes alone, which are then
            to be named; None for equal weights.
        keepdims: whether to keep the reduced axes.

    Raises:
        ShapeError: if the weights have neither of the two shapes.
        ArgumentError: if the weights sum up to zero.

    >>> float(average([1.0, 4.0], weights=[2.0, 1.0]))
    2.0
    """
    if weights is None:
        return mean(x, axis, keepdims)
    array, w = array_of("average", x), array_of("average", weights)
    w = _fitting(w, array.shape, axis)
    dtype = np.result_type(array.dtype, w.dtype, array.dtype if array.dtype.kind == "f" else float)
    array, w = [wide(a if a.dtype == dtype else astype(a, dtype)) for a in (array, w)]
    total = sum(w, axis, keepdims=True)
    if np.any(total == 0):
        raise ArgumentError(
            "average: the weights sum up to zero, so there is no average. Give weights with a sum "
            "that is not zero along each reduced axis."
        )
    y = sum(array * (w / total), axis, keepdims)
    return y.astype(dtype) if dtype == np.float16 else y


def _fitting(weights: Any, shape: Shape, axis: Axis) -> Any:
    """Return weights that broadcast to the elements that they are for."""
    if weights.shape == shape:
        return weights
    axes = _axes(shape, axis)
    if axis is None or not axes or weights.shape != tuple(shape[i] for i in axes):
        raise ShapeError(
            f"average: weights of shape {weights.shape} came for an array of shape {shape} and "
            f"axis={axis}. Expected the shape of the array, or that of the named axes."
        )
    w = transpose(weights, [int(i) for i in np.argsort(axes)])
    return reshape(w, [n if i in axes else 1 for i, n in enumerate(shape)])


def ptp(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the distance from the smallest to the largest element along `axis`.

    Derivative: 1 for the largest and -1 for the smallest element; elements that
    tie share equally, so that it is 0 where all are equal.

    >>> float(ptp([1.0, 5.0, 2.0]))
    4.0
    """
    largest: Any = max(x, axis, keepdims)
    return largest - min(x, axis, keepdims)


def nansum(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return the sum of the elements along `axis` that are not nan.

    Derivative: 1 for every element that counts, and 0 for nan, also through the
    elementwise operations that led to it.

    >>> float(nansum([1.0, float("nan"), 3.0]))
    4.0
    """
    missing = np.isnan(x._data if isinstance(x, Node) else x)
    return sum(where(missing, 0, x), axis, keepdims)


__all__ = ["average", "median", "nansum", "prod", "ptp", "std", "var"]
