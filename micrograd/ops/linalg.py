"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.ops.kinds import N
from micrograd.ops.reach import PRODUCT

__all__ = ["matmul"]

# A vector on the left is a row, on the right a column. Where a leading axis was
# broadcast, the engine sums the gradient over it, as everywhere.


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ b.swapaxes(-1, -2)


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return a.T @ g
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return a * g[..., None]
    if b.ndim == 2:  # one matrix for the whole batch: one product, not one each
        rows = math.prod(a.shape[:-1])
        return a.reshape(rows, a.shape[-1]).swapaxes(0, 1) @ g.reshape(rows, g.shape[-1])
    return a.swapaxes(-1, -2) @ g


_matmul = define_op(
    "matmul",
    np.matmul,
    _matmul_left,
    _matmul_right,
    symbol="matmul",
    arrays_only=True,
    reach=PRODUCT,
    expects="the last axis of a to be as long as the second to last axis of b (its only one, "
    "for a vector), and leading axes that broadcast together",
)


def matmul(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the matrix product a @ b, for any number of axes, as NumPy does.

    Derivatives: g @ b.T and a.T @ g for the gradient g of the result.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    return _matmul(a, b)
