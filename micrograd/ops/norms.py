"""Lengths of vectors and of matrices."""

from __future__ import annotations

import math
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, ShapeError
from micrograd.ops.axes import array_of, as_array, axes_of, plain, shown
from micrograd.ops.elementwise import absolute, where
from micrograd.ops.kinds import N
from micrograd.ops.ranges import homogeneous, is_sound, magnitude, narrow, wide
from micrograd.ops.reach import ROWS
from micrograd.ops.reductions import Axis, _keep, max, min, sum
from micrograd.ops.shape import astype


def _forward_norm(x: Any, *, order: float, axis: Axis, keepdims: bool) -> Any:
    def root_of_squares(x: Any, keepdims: bool) -> Any:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))

    if order == 2:
        return homogeneous(root_of_squares, x, 2, axis, keepdims)
    given = as_array(x)
    x = np.abs(wide(given))
    scale = magnitude(x, axis) if x.size else 1  # the root of a large sum would be less exact
    sums = np.sum((x / scale) ** order, axis=axis, keepdims=True)
    with np.errstate(over="ignore"):
        y = sums ** (1 / sums.dtype.type(order)) * scale
    return narrow(y if keepdims else np.squeeze(y, axis), given)


def _norm_rule(g: Any, y: Any, x: Any, *, order: float, axis: Axis, keepdims: bool) -> Any:
    g, y = _keep(g, x, axis), _keep(y, x, axis)
    if x.dtype.char == "e" or not is_sound(plain(y)).all():
        x = wide(x)
        x = x / magnitude(plain(x), axis)  # the slope is that of any multiple of x
        y = _norm(x, order=order, axis=axis, keepdims=True)
    y = where(y > 0, y, math.inf if order == 2 else 1)  # of zeros, every share is 0
    if order == 2:
        return g * (x / y)
    size = where(abs(x) > 0, abs(x), 1)  # 0 to a power below 0 would be inf
    if order < 2:  # the quotient may leave the range where its root does not
        slope = g * (size ** (order - 1) / y ** (order - 1))
    else:
        slope = g * (size / y) ** (order - 1)
    return slope * (x > 0) - slope * (x < 0)


_norm = define_op("norm", _forward_norm, _norm_rule, symbol="‖ ‖", arrays_only=True, reach=ROWS)


def norm(
    x: N | ArrayLike, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False
) -> N:
    """Return the length of vectors or matrices along `axis`, as np.linalg.norm does.

    It is right also where squares or powers of the elements leave the range of the
    dtype, and float16 is computed in float32.

    Derivative: of the order 2, x / norm(x), and 0 where all elements are 0; of
    the order 1, the sign of x, which is 0 at 0; of any p,
    sign(x) * (abs(x) / norm(x))**(p - 1); of inf and -inf, the sign of x at the
    extreme elements, which share equally.

    Args:
        x: an array or Tensor of any shape.
        ord: of vectors 1, 2, inf, -inf or any positive p, for
            sum(abs(x)**p)**(1/p); of matrices "fro", 1 and -1 for the largest
            and smallest sum of a column, inf and -inf of a row. None stands for
            the square root of the sum of squares.
        axis: an integer for vectors, a pair of axes for matrices, None for all
            of x, which has to be a vector or a matrix if an order is given.
        keepdims: whether to keep the reduced axes.

    Raises:
        ArgumentError: if there is no such order here.
        ShapeError: if the axes are neither those of a vector nor of a matrix.

    >>> float(norm([3.0, -4.0])), float(norm([3.0, -4.0], 1))
    (5.0, 7.0)
    """
    array = array_of("norm", x)
    if array.dtype.kind != "f":
        array = astype(array, float)  # else the squares of small integers overflow
    if ord is None and axis is None:
        return _norm(array, order=2.0, axis=None, keepdims=keepdims)
    axes = _axes(array.ndim, axis)
    if len(axes) == 1:
        return _of_vectors(array, 2 if ord is None else ord, axes[0], keepdims)
    return _of_matrices(array, "fro" if ord is None else ord, axes[0], axes[1], keepdims)


def _axes(ndim: int, axis: Axis) -> tuple[int, ...]:
    """Return the one or two axes of a vector or matrix."""
    several = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(range(ndim)) if axis is None else axes_of("norm", cast("Any", several), ndim)
    if len(axes) not in (1, 2):
        raise ShapeError(
            f"norm: expected one axis, for vectors, or two different ones, for matrices, but came "
            f"the axes {axes} for an array of {ndim} axes. Name the axes, or leave out ord."
        )
    return axes


def _of_vectors(x: Any, order: Any, axis: int, keepdims: bool) -> Any:
    if not isinstance(order, (int, float)) or not (order > 0 or order == -math.inf):
        _refuse(order, "of vectors 1, 2, inf, -inf or another positive number")
    if order == 1:
        return sum(absolute(x), axis, keepdims)
    if math.isinf(order):
        return (max if order > 0 else min)(absolute(x), axis, keepdims)
    return _norm(x, order=float(order), axis=axis, keepdims=keepdims)


def _of_matrices(x: Any, order: Any, row: int, column: int, keepdims: bool) -> Any:
    if order == "fro":
        return _norm(x, order=2.0, axis=(row, column), keepdims=keepdims)
    if not isinstance(order, (int, float)) or abs(order) not in (1, math.inf):
        _refuse(order, "of matrices 'fro', 1, -1, inf or -inf")
    summed, picked = (row, column) if abs(order) == 1 else (column, row)
    sums = sum(absolute(x), summed, keepdims=True)
    y = (max if order > 0 else min)(sums, picked, keepdims=True)
    if keepdims:
        return y
    kept = {row % x.ndim, column % x.ndim}
    return y.reshape([n for i, n in enumerate(x.shape) if i not in kept])


def _refuse(order: Any, expected: str) -> NoReturn:
    raise ArgumentError(
        f"norm: ord may be {expected}, but came {shown(order)}. Leave it out for the square root "
        "of the sum of squares."
    )


__all__ = ["norm"]
