"""Operations that move elements about and change none of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from micrograd.core.op import define_op
from micrograd.errors import OperandError, ShapeError
from micrograd.ops.axes import along, arrays_of, as_array, shown
from micrograd.ops.kinds import A, N
from micrograd.ops.ranges import narrow, wide
from micrograd.ops.reach import MOVED

__all__ = ["astype", "broadcast_to", "concatenate", "reshape", "stack", "swapaxes", "transpose"]

Shape = tuple[int, ...]


_reshape = define_op(
    "reshape",
    lambda x, *, shape: np.reshape(x, shape),
    lambda g, y, x, *, shape: g.reshape(x.shape),
    arrays_only=True,
    reach=MOVED,
)


def reshape(x: A | ArrayLike, shape: int | Sequence[int]) -> A:
    """Return the same elements in another shape; one length may be -1.

    Derivative: the gradient, reshaped back.

    >>> reshape([1, 2, 3, 4], (2, 2)).tolist()
    [[1, 2], [3, 4]]
    """
    return _reshape(x, shape=shape)


_transpose = define_op(
    "transpose",
    lambda x, *, axes: np.transpose(x, axes),
    lambda g, y, x, *, axes: transpose(g, None if axes is None else _inverse(axes)),
    symbol="T",
    arrays_only=True,
    reach=MOVED,
)


def _inverse(axes: Sequence[int]) -> Shape:
    return tuple(int(i) for i in np.argsort([axis % len(axes) for axis in axes]))


def transpose(x: A | ArrayLike, axes: Sequence[int] | None = None) -> A:
    """Return x with its axes in another order; reversed when `axes` is None.

    Derivative: the gradient with its axes put back.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    return _transpose(x, axes=axes)


def swapaxes(x: A | ArrayLike, axis1: int, axis2: int) -> A:
    """Return x with two axes exchanged.

    Derivative: the gradient with the same axes exchanged.

    >>> swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
    [[1, 3], [2, 4]]
    """
    array: Any = x if hasattr(x, "shape") else np.asarray(x)
    axes = list(range(len(array.shape)))
    try:
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    except IndexError:
        raise ShapeError(
            f"swapaxes: axes {axis1} and {axis2} came for an array of {len(axes)} axes."
        ) from None
    return transpose(x, axes)


_broadcast_to = define_op(
    "broadcast_to",
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda g, y, x, *, shape: g,  # the engine sums what was broadcast
    symbol="broadcast",
    arrays_only=True,
    reach=MOVED,
)


def broadcast_to(x: A | ArrayLike, shape: int | Sequence[int]) -> A:
    """Return x repeated along new or length-1 axes until it has `shape`.

    Derivative: the gradient, summed over the axes that were repeated.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return _broadcast_to(x, shape=shape)


def forward_sum_to(x: Any, *, shape: Shape) -> Any:
    extra = x.ndim - len(shape)
    kept = x.shape[extra:]
    if extra == 1 and kept == shape and len(x) < _FEW and x.dtype.char != "e":
        return np.add.reduce(x, axis=0)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, kept, strict=True)):
        raise ShapeError(f"sum_to: cannot sum shape {x.shape} to shape {shape}.")
    repeated = [extra + i for i, n in enumerate(shape) if n == 1]
    return _summed(x, [*range(extra), *repeated]).reshape(shape)


_FEW, _BLOCK = 128, 16


def _summed(x: Any, axes: list[int]) -> Any:
    """Return x summed over some axes, which stay with length 1; float16 in float32.

    NumPy adds pairwise along the last axes only. Along others it goes row by row, so
    that the rounding errors grow with their number: there it is given blocks of rows.
    """
    given, x = x, wide(x)
    first = x.ndim
    while first - 1 in axes:
        first -= 1
    if math.prod([x.shape[axis] for axis in axes if axis < first]) < _FEW:
        return narrow(np.add.reduce(x, axis=tuple(axes)), given)
    if first < x.ndim:
        x = np.add.reduce(x, axis=tuple(range(first, x.ndim)), keepdims=True)
    for axis in axes:
        if axis < first:
            x = _sum_of_rows(x.swapaxes(0, axis))[None].swapaxes(0, axis)
    return narrow(x, given)


def _sum_of_rows(x: Any) -> Any:
    while len(x) >= _FEW:
        rows = len(x) // _BLOCK
        count = len(x) // rows
        blocks = x[: rows * count].reshape(count, rows, *x.shape[1:])
        left = x[rows * count :]
        x = np.add.reduce(blocks, axis=0)
        x[: len(left)] += left
    return np.add.reduce(x, axis=0)


_sum_to = define_op(
    "sum_to",
    forward_sum_to,
    lambda g, y, x, *, shape: broadcast_to(g, x.shape),
    symbol="Σ",
    arrays_only=True,
    reach=MOVED,
)


def sum_to(x: Any, shape: Shape) -> Any:
    """Return x summed over what broadcasting repeated; the inverse of `broadcast_to`.

    Derivative: the gradient, broadcast back.

    >>> sum_to(np.ones((3, 2)), (2,)).tolist()
    [3.0, 3.0]
    """
    return _sum_to(x, shape=shape)


_astype = define_op(
    "astype",
    lambda x, *, dtype: as_array(x).astype(dtype),
    lambda g, y, x, *, dtype: g,  # the engine casts to the parent's dtype
    arrays_only=True,
    reach=MOVED,
)


def astype(x: A | ArrayLike, dtype: DTypeLike) -> A:
    """Return x with its elements in another dtype.

    Derivative: 1, cast back to the dtype of x.

    Raises:
        OperandError: if it is no dtype, or none of real numbers.

    >>> astype([1, 2], "float32").dtype
    dtype('float32')
    """
    try:
        wanted = np.dtype(dtype)
    except TypeError as error:
        raise OperandError(
            f"astype: {shown(dtype)} is no dtype. Give one such as float or 'float32'."
        ) from error
    if wanted.kind not in "fiub":
        raise OperandError(
            f"astype: expected a dtype of real numbers, but came {wanted}. Give one such as float."
        )
    return _astype(x, dtype=wanted)


def _parts(g: Any, y: Any, *arrays: Any, axis: int) -> Callable[[int], Any]:
    before = (slice(None),) * (axis % g.ndim)
    places: list[Any] = []
    end = 0
    for array in arrays:
        start, end = end, end + array.shape[axis]
        places.append((*before, slice(start, end)))
    return lambda i: g[places[i]]


_concatenate = define_op(
    "concatenate",
    lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    together=_parts,
    symbol="concat",
    arrays_only=True,
    reach=MOVED,
)


def concatenate(arrays: Sequence[N | ArrayLike], axis: int = 0) -> N:
    """Return the arrays joined along an axis that they have.

    Derivative: each array takes its own part of the gradient.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    return _concatenate(*arrays_of("concatenate", arrays), axis=axis)


_stack = define_op(
    "stack",
    lambda *arrays, axis: np.stack(arrays, axis=axis),
    together=lambda g, y, *arrays, axis: lambda i: g[along(axis % g.ndim, i)],
    arrays_only=True,
    reach=MOVED,
)


def stack(arrays: Sequence[N | ArrayLike], axis: int = 0) -> N:
    """Return the arrays, all of one shape, joined along a new axis.

    Derivative: each array takes its own slice of the gradient.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    return _stack(*arrays_of("stack", arrays), axis=axis)
