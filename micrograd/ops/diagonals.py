"""Functions of the diagonals of a matrix, or of a stack of matrices.

The diagonal `k` is the main one for 0, lies above it for k > 0 and below it for k < 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.errors import ShapeError
from micrograd.ops.axes import array_of, axes_of, integer
from micrograd.ops.indexing import put_add
from micrograd.ops.kinds import A, N
from micrograd.ops.reach import MOVED
from micrograd.ops.reductions import sum
from micrograd.ops.reshaping import moveaxis
from micrograd.ops.shape import reshape

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


def _diagonal_of(rows: int, columns: int, k: int) -> slice:
    """Return where the diagonal lies in the elements of a matrix, row after row."""
    length = max(0, min(rows, columns - k) if k >= 0 else min(rows + k, columns))
    start = k if k >= 0 else -k * columns
    step = columns + 1
    return slice(start, start + length * step, step) if length else slice(0, 0)


def diagonal(x: A | ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> A:
    """Return a diagonal of the matrices in the plane of two axes, as the last axis.

    Derivative: the gradient on the diagonal, 0 elsewhere.

    Raises:
        ShapeError: if x has no such two axes.

    >>> diagonal([[1, 2], [3, 4]]).tolist(), diagonal([[1, 2], [3, 4]], 1).tolist()
    ([1, 4], [2])
    """
    return _diagonal("diagonal", x, offset, axis1, axis2)


def _diagonal(name: str, x: Any, offset: int, axis1: int, axis2: int) -> Any:
    x = array_of(name, x)
    offset = integer(name, "offset", offset)
    last = moveaxis(x, axes_of(name, (axis1, axis2), x.ndim), (-2, -1))
    *others, rows, columns = last.shape
    return reshape(last, (*others, rows * columns))[..., _diagonal_of(rows, columns, offset)]


def trace(x: N | ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> N:
    """Return the sum of a diagonal of the matrices in the plane of two axes.

    Derivative: 1 on the diagonal, 0 elsewhere.

    Raises:
        ShapeError: if x has no such two axes.

    >>> int(trace([[1, 2], [3, 4]]))
    5
    """
    return sum(_diagonal("trace", x, offset, axis1, axis2), -1)


def diag(x: A | ArrayLike, k: int = 0) -> A:
    """Return the diagonal k of a matrix; of a vector, the square matrix that has it there.

    Derivative: of a matrix, the gradient on the diagonal and 0 elsewhere; of a
    vector, the diagonal of the gradient.

    Raises:
        ShapeError: if x has neither one axis nor two.

    >>> diag([[1, 2], [3, 4]]).tolist(), diag([1, 2]).tolist()
    ([1, 4], [[1, 0], [0, 2]])
    """
    array, k = array_of("diag", x), integer("diag", "k", k)
    if array.ndim not in (1, 2):
        raise ShapeError(
            f"diag: expected a vector or a matrix, but came shape {array.shape}. Use diagonal for "
            "a stack of matrices."
        )
    if array.ndim == 2:
        return _diagonal("diag", array, k, 0, 1)
    side = array.shape[0] + abs(k)
    flat = put_add(array, index=_diagonal_of(side, side, k), shape=(side * side,))
    return reshape(flat, (side, side))


_tril = define_op(
    "tril",
    lambda x, *, k: np.tril(x, k),
    lambda g, y, x, *, k: _tril(g, k=k),
    arrays_only=True,
    reach=MOVED,
)


def tril(x: A | ArrayLike, k: int = 0) -> A:
    """Return x, of shape (..., m, n), with 0 for what lies above the diagonal k.

    As in NumPy, a vector stands for the square matrix of which it is every row.

    Derivative: the lower triangle of the gradient.

    Raises:
        ShapeError: if x has no axis.

    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return _tril(_with_rows("tril", x), k=integer("tril", "k", k))


_triu = define_op(
    "triu",
    lambda x, *, k: np.triu(x, k),
    lambda g, y, x, *, k: _triu(g, k=k),
    arrays_only=True,
    reach=MOVED,
)


def triu(x: A | ArrayLike, k: int = 0) -> A:
    """Return x, of shape (..., m, n), with 0 for what lies below the diagonal k.

    As in NumPy, a vector stands for the square matrix of which it is every row.

    Derivative: the upper triangle of the gradient.

    Raises:
        ShapeError: if x has no axis.

    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return _triu(_with_rows("triu", x), k=integer("triu", "k", k))


def _with_rows(name: str, x: Any) -> Any:
    x = array_of(name, x)
    if x.ndim == 0:
        raise ShapeError(f"{name}: expected a matrix, but came an array without axes.")
    return x
