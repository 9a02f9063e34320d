"""Products of vectors and matrices that are made of simpler operations, and the cross product."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.errors import ShapeError
from micrograd.ops.axes import array_of, arrays_of, axis_of
from micrograd.ops.elementwise import multiply
from micrograd.ops.kinds import N
from micrograd.ops.linalg import matmul
from micrograd.ops.reshaping import moveaxis
from micrograd.ops.shape import swapaxes


def outer(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the products of each element of a (the row) with each of b (the column).

    Arrays of several axes are flattened.

    Derivatives: g @ b and g.T @ a.

    >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    left, right = array_of("outer", a), array_of("outer", b)
    return left.reshape((left.size, 1)) * right.reshape((1, right.size))


def kron(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the Kronecker product: each element of a, multiplied with the whole of b.

    The array of fewer axes gets axes of length 1 in front.

    Derivatives: g in blocks of the shape of b, each summed with b as its
    weights, and the sum of these blocks with a as its weights.

    >>> kron([1.0, 10.0], [1.0, 2.0]).tolist()
    [1.0, 2.0, 10.0, 20.0]
    """
    left, right = array_of("kron", a), array_of("kron", b)
    if left.ndim == 0 or right.ndim == 0:
        return multiply(a, b)
    ndim = max(left.ndim, right.ndim)
    m, n = ((1,) * (ndim - x.ndim) + x.shape for x in (left, right))
    rows = left.reshape([length for one in m for length in (one, 1)])
    columns = right.reshape([length for one in n for length in (1, one)])
    return (rows * columns).reshape([i * k for i, k in zip(m, n, strict=True)])


_cross = define_op(
    "cross",
    np.cross,
    lambda g, y, a, b: _cross(b, g),
    lambda g, y, a, b: _cross(g, a),
    arrays_only=True,
    expects="vectors of 3 elements, and other axes that broadcast together",
)


def cross(a: N | ArrayLike, b: N | ArrayLike, axis: int = -1) -> N:
    """Return the cross product of the vectors of 3 elements along `axis` of a and of b.

    Derivatives: b × g and g × a.

    Raises:
        ShapeError: if the axis is not there or not of length 3, or the others
            do not broadcast together.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    a, b = array_of("cross", a), array_of("cross", b)
    a, b = _vectors_last("a", a, axis), _vectors_last("b", b, axis)
    result = _cross(a, b)
    return result if axis == -1 else moveaxis(result, -1, axis)


def _vectors_last(which: str, x: Any, axis: int) -> Any:
    """Return an argument of `cross` with the axis of its vectors at the end."""
    place = axis_of(f"cross: {which} of shape {x.shape}", axis, x.ndim)
    if x.shape[place] != 3:
        raise ShapeError(
            f"cross: {which} of shape {x.shape} has not length 3 along axis {axis}. A cross "
            "product is that of vectors of 3 elements; for 2, append a 0 to each."
        )
    return x if place == x.ndim - 1 else moveaxis(x, place, -1)


def matrix_transpose(x: N | ArrayLike) -> N:
    """Return x with its last two axes exchanged: each matrix of a batch, transposed.

    Derivative: the gradient, transposed likewise.

    Raises:
        ShapeError: if x has fewer than two axes.

    >>> matrix_transpose([[[1, 2], [3, 4]]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    array = array_of("matrix_transpose", x)
    if array.ndim < 2:
        raise ShapeError(
            f"matrix_transpose: came shape {array.shape}, which has no two axes to exchange. "
            "Expected a matrix, or an array of matrices; make a row of a vector with x[None, :]."
        )
    return swapaxes(array, -1, -2)


def multi_dot(arrays: Sequence[N | ArrayLike]) -> N:
    """Return the product of two or more matrices, multiplied in the order that is cheapest.

    The first may be a vector, taken as a row, and so may the last, as a column.

    Derivatives: those of `matmul`, of each product in turn.

    Raises:
        ShapeError: if there are fewer than two, or the shapes do not fit.

    >>> multi_dot([[1.0, 2.0], [[1.0, 0.0], [0.0, 10.0]], [3.0, 4.0]]).tolist()
    83.0
    """
    factors = arrays_of("multi_dot", arrays, least=2)
    for i, x in enumerate(factors):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(factors) - 1)):
            raise ShapeError(
                f"multi_dot: array {i} has shape {x.shape}. Expected matrices, of which the first "
                "and the last may be vectors; for batches of matrices, use matmul."
            )
    for i, (a, b) in enumerate(pairwise(factors)):
        if a.shape[-1] != b.shape[0]:
            raise ShapeError(
                f"multi_dot: array {i} of shape {a.shape} has {a.shape[-1]} columns, but array "
                f"{i + 1} of shape {b.shape} has {b.shape[0]} rows. These have to be equal."
            )
    return _multiplied(factors)


def _multiplied(factors: list[Any]) -> Any:
    """Return the product by the cheapest of all ways to put parentheses."""
    count = len(factors)
    sides = [1 if factors[0].ndim == 1 else factors[0].shape[0], *(x.shape[0] for x in factors[1:])]
    sides.append(1 if factors[-1].ndim == 1 else factors[-1].shape[-1])
    cost = {(i, i): 0 for i in range(count)}
    last: dict[tuple[int, int], int] = {}  # after which factor the last product divides i..k
    for span in range(1, count):
        for i in range(count - span):
            k = i + span
            costs = {
                j: cost[i, j] + cost[j + 1, k] + sides[i] * sides[j + 1] * sides[k + 1]
                for j in range(i, k)
            }
            last[i, k] = min(costs, key=costs.__getitem__)
            cost[i, k] = costs[last[i, k]]

    def product(i: int, k: int) -> Any:
        if i == k:
            return factors[i]
        return matmul(product(i, last[i, k]), product(last[i, k] + 1, k))

    return product(0, count - 1)


__all__ = ["cross", "kron", "matrix_transpose", "outer"]
