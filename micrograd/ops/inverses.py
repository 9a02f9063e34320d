"""Inverses, powers and solutions of linear equations.

Every function takes one matrix or a batch of them: its last two axes are the
matrix, the others are the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, GradientError, OperandError, ShapeError
from micrograd.ops.axes import array_of, as_array, plain, shown
from micrograd.ops.elementwise import where
from micrograd.ops.kinds import N

linalg: Any = np.linalg  # where what NumPy says of its types is not known in full


def adjoint(x: Any) -> Any:
    """Return every matrix of x transposed."""
    return x.swapaxes(-1, -2)


def matrices(name: str, a: Any, square: bool = False) -> Any:
    """Return the data of a, an array of matrices, or raise an error that says what came."""
    a = array_of(name, a)
    array: Any = plain(a)
    if array.ndim < 2 or (square and array.shape[-1] != array.shape[-2]):
        expected = "square matrices, of shape (..., n, n)" if square else "shape (..., m, n)"
        raise ShapeError(f"{name}: expected {expected}, but came an array of shape {array.shape}.")
    return array


# Inverse and solution


def _singular(name: str, a: Any) -> ArgumentError:
    several = "one of the matrices" if a.ndim > 2 else "the matrix"
    return ArgumentError(
        f"{name}: {several} of shape {a.shape[-2:]} is singular: a row of it is a combination of "
        "the others, so that it has no inverse. Use pinv, or add a multiple of the identity."
    )


def _forward_inv(a: Any) -> Any:
    a = matrices("inv", a, square=True)
    try:
        return linalg.inv(a)
    except np.linalg.LinAlgError:
        raise _singular("inv", a) from None


_inv = define_op(
    "inv",
    _forward_inv,
    lambda g, y, a: -(adjoint(y) @ g @ adjoint(y)),
    symbol="⁻¹",
    arrays_only=True,
)


def inv(a: N | ArrayLike) -> N:
    """Return the inverse of every matrix of a, of shape (..., n, n).

    Derivative: -y.T @ g @ y.T for the result y and its gradient g.

    Raises:
        ArgumentError: if a matrix is singular.
        ShapeError: if the matrices are not square.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inv(a)


def _forward_solve(a: Any, b: Any) -> Any:
    a, b = matrices("solve", a, square=True), as_array(b)
    if b.ndim == 0 or b.shape[-1 if b.ndim == 1 else -2] != a.shape[-1]:
        n = a.shape[-1]
        raise ShapeError(
            f"solve: a of shape {a.shape} needs b of shape ({n},) or (..., {n}, k), but came "
            f"shape {b.shape}. Give a batch of vectors as b[..., None]."
        )
    columns = _column(b, b)
    columns = columns[(None,) * (a.ndim - columns.ndim)]  # NumPy 1 would take vectors otherwise
    try:
        x = linalg.solve(a, columns)
    except np.linalg.LinAlgError:
        raise _singular("solve", a) from None
    return x[..., 0] if b.ndim == 1 else x


def _column(x: Any, b: Any) -> Any:
    """Return x, which is a vector wherever b is one, as a matrix."""
    return x[..., None] if b.ndim == 1 else x


def _solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    return -(solve(adjoint(a), _column(g, b)) @ adjoint(_column(y, b)))


def _solve_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    x = solve(adjoint(a), _column(g, b))
    return x[..., 0] if b.ndim == 1 else x


_solve = define_op(
    "solve",
    _forward_solve,
    _solve_left,
    _solve_right,
    arrays_only=True,
    expects="leading axes that broadcast together",
)


def solve(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the x that solves a @ x = b.

    Derivatives: for the result y and its gradient g, that of b is h, the solution
    of a.T @ h = g, and that of a is -h @ y.T.

    Args:
        a: square matrices, of shape (..., n, n).
        b: one vector of shape (n,), or matrices of shape (..., n, k).

    Raises:
        ArgumentError: if a matrix is singular.
        ShapeError: if the shapes do not fit together.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    return _solve(a, b)


# Pseudo-inverse and powers


def _pinv_rule(g: Any, y: Any, a: Any, *, rtol: float | None) -> Any:
    least = min(a.shape[-2:])
    rank = (adjoint(a) * y).sum(axis=(-2, -1))  # the trace of a projection
    if np.any(rank < least - 0.5):
        raise GradientError(
            f"pinv: a matrix of shape {tuple(a.shape[-2:])} has a rank below {least}; there the "
            "pseudo-inverse jumps and has no derivative. Add a multiple of the identity, or "
            "differentiate only where the rank is full."
        )
    result = -(adjoint(y) @ g @ adjoint(y))
    h = adjoint(g) @ y @ adjoint(y)
    result = result + h - a @ (y @ h)
    h = adjoint(y) @ y @ adjoint(g)
    return result + h - h @ y @ a


def _forward_pinv(a: Any, *, rtol: float | None) -> Any:
    a = matrices("pinv", a)
    if rtol is None:
        rtol = max(a.shape[-2:]) * float(np.finfo(np.result_type(a, np.float32)).eps)
    return linalg.pinv(a, rtol)


_pinv = define_op(
    "pinv",
    _forward_pinv,
    _pinv_rule,
    symbol="⁺",
    arrays_only=True,
)


def pinv(a: N | ArrayLike, *, rtol: float | None = None) -> N:
    """Return the pseudo-inverse of every matrix of a, from (..., m, n) to (..., n, m).

    Derivative: where the rank is full, for the result y and its gradient g,
    -y.T @ g @ y.T + (I - a @ y) @ g.T @ y @ y.T + y.T @ y @ g.T @ (I - y @ a).
    Where it is not, the pseudo-inverse jumps, and its gradient is an error.

    Args:
        a: matrices of any shape.
        rtol: singular values up to this part of the largest count as 0; when left
            out, the length of the longer side times the precision of the dtype.

    Raises:
        ShapeError: if a has fewer than two axes.

    >>> pinv([[2.0], [0.0]]).tolist()
    [[0.5, 0.0]]
    """
    return _pinv(a, rtol=rtol)


def matrix_power(a: N | ArrayLike, n: int) -> N:
    """Return the product of n copies of every square matrix of a.

    A negative n takes copies of the inverse; the power 0 is the identity, with
    derivative 0.

    Derivative: the sum of (a.T)**i @ g @ (a.T)**(n - 1 - i) over i from 0 to n - 1.

    Raises:
        ArgumentError: if n is negative and a matrix is singular.
        OperandError: if n is not an integer.
        ShapeError: if the matrices are not square.

    >>> matrix_power([[1, 1], [0, 1]], 5).tolist()
    [[1, 5], [0, 1]]
    """
    data = matrices("matrix_power", a, square=True)
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
        raise OperandError(f"matrix_power: n has to be an integer, but came {shown(n)}.")
    base: Any = a if isinstance(a, Node) else data
    if n == 0:
        return where(False, base, np.eye(data.shape[-1], dtype=data.dtype))
    base, n = inv(base) if n < 0 else base, abs(n)
    result: Any = None
    while n:
        if n % 2:
            result = base if result is None else result @ base
        n //= 2
        base = base @ base if n else base
    return result


__all__ = ["inv", "matrix_power", "pinv", "solve"]
