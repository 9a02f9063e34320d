"""Eigenvalues of symmetric matrices and singular values, with their vectors.

Every function takes one matrix or a batch of them: its last two axes are the
matrix, the others are the batch. An operation gives one array: so values and
vectors are joined in one, and the public function takes it apart.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, GradientError
from micrograd.ops.decompositions import noise, symmetric
from micrograd.ops.elementwise import where
from micrograd.ops.inverses import adjoint, linalg, matrices
from micrograd.ops.kinds import N

T = TypeVar("T")


class EighResult(NamedTuple, Generic[T]):
    """Hold what `eigh` returns."""

    eigenvalues: T
    eigenvectors: T


class SVDResult(NamedTuple, Generic[T]):
    """Hold what `svd` returns."""

    U: T
    S: T
    Vh: T


def _no_convergence(name: str) -> ArgumentError:
    return ArgumentError(f"{name}: did not converge. Look for nan or inf among the elements.")


def _refuse(name: str, wrong: Any, g: Any, what: str) -> None:
    """Raise an error if a gradient comes to one of the vectors that are `wrong`, columns of g."""
    used = np.any(np.logical_not(abs(g) <= 0), axis=-2)
    if np.any(np.logical_and(wrong, used)):
        raise GradientError(
            f"{name}: {what}, so that its vectors are not determined and have no derivative. "
            "Use the values alone (their first derivative exists), or make the values distinct."
        )


# Eigenvalues: the first row holds them, the others the vectors


def _forward_eigh(a: Any) -> Any:
    a = symmetric("eigh", a)
    try:
        w, v = linalg.eigh(a)
    except np.linalg.LinAlgError:
        raise _no_convergence("eigh") from None
    return np.concatenate([w[..., None, :], v], axis=-2)


def _eigh_rule(g: Any, y: Any, a: Any) -> Any:
    w, v = y[..., 0, :], y[..., 1:, :]
    gap = w[..., None, :] - w[..., :, None]
    same = abs(gap) <= noise(w)[..., None]
    _refuse("eigh", same.sum(axis=-1) > 1, g[..., 1:, :], "an eigenvalue is there twice")
    turned = where(same, 0, adjoint(v) @ g[..., 1:, :] / where(same, 1, gap))
    h = (v @ turned + v * g[..., :1, :]) @ adjoint(v)
    return (h + adjoint(h)) / 2


_eigh = define_op("eigh", _forward_eigh, _eigh_rule, arrays_only=True)


def eigh(a: N | ArrayLike) -> EighResult[N]:
    """Return the eigenvalues w of symmetric matrices, rising, and the eigenvectors V.

    The columns of V have length 1, and a = V @ diag(w) @ V.T. Their signs are
    arbitrary: use what does not depend on them.

    Derivative: the symmetric part of V @ (diag(gw) + F * (V.T @ gV)) @ V.T, where
    F[i, j] is 1 / (w[j] - w[i]), and 0 for i = j. Where an eigenvalue is there
    twice, the eigenvectors have no derivative, and their gradient is an error; so
    is the second derivative of the eigenvalues there. Their first one is right:
    each has that of its own eigenvector.

    Args:
        a: symmetric matrices of shape (..., n, n).

    Raises:
        ArgumentError: if a matrix is not symmetric.
        ShapeError: if the matrices are not square.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues.tolist()
    [1.0, 2.0]
    """
    y = _eigh(a)
    return EighResult(y[..., 0, :], y[..., 1:, :])


def eigvalsh(a: N | ArrayLike) -> N:
    """Return the eigenvalues of symmetric matrices, of shape (..., n, n), rising.

    Derivative: v @ v.T for each eigenvalue and its eigenvector v; see `eigh`.

    Raises:
        ArgumentError: if a matrix is not symmetric.
        ShapeError: if the matrices are not square.

    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]]).tolist()
    [1.0, 2.0]
    """
    return eigh(a).eigenvalues


# Singular values: a row holds one vector on the left, its value, and the vector on the right


def _forward_svd(a: Any) -> Any:
    a = matrices("svd", a)
    try:
        u, s, vh = linalg.svd(a, full_matrices=False)
    except np.linalg.LinAlgError:
        raise _no_convergence("svd") from None
    return np.concatenate([adjoint(u), s[..., None], vh], axis=-1)


def _svd_rule(g: Any, y: Any, a: Any) -> Any:
    m, n = a.shape[-2:]
    u, s, vh = adjoint(y[..., :m]), y[..., m], y[..., m + 1 :]
    gu, gs, gv = adjoint(g[..., :m]), g[..., m], adjoint(g[..., m + 1 :])
    row, column = s[..., None, :], s[..., :, None]
    least = noise(s)
    same, zero = abs(row - column) <= least[..., None], s <= least
    wrong = np.logical_or(zero, same.sum(axis=-1) > 1)
    for gradient in (gu, gv):
        _refuse("svd", wrong, gradient, "a singular value is 0 or there twice")
    gap = where(same, 1, (row - column) * (row + column))

    def turned(x: Any) -> Any:
        return where(same, 0, (x - adjoint(x)) / gap)

    inner = turned(adjoint(u) @ gu) * row + column * turned(vh @ gv)
    result = (u @ inner + u * where(zero, 0, gs)[..., None, :]) @ vh
    divisor = where(zero, 1, s)[..., None, :]
    if m > n:  # else u spans everything
        h = gu / divisor
        result = result + (h - u @ (adjoint(u) @ h)) @ vh
    if n > m:
        h = gv / divisor
        result = result + u @ adjoint(h - adjoint(vh) @ (vh @ h))
    return result


_svd = define_op("svd", _forward_svd, _svd_rule, arrays_only=True)


def svd(a: N | ArrayLike, full_matrices: bool = False) -> SVDResult[N]:
    """Return U, the singular values S, falling, and Vh, with a = U @ diag(S) @ Vh.

    Of matrices of shape (..., m, n), U has shape (..., m, k), S has (..., k) and
    Vh has (..., k, n), where k is the smaller of m and n. The signs of the
    vectors are arbitrary, only their products are not.

    Derivative: u @ v.T for a singular value and its vectors, and 0 for one that
    is 0; the vectors' own has terms in 1 / (S[j]**2 - S[i]**2) and 1 / S[i].
    Where a singular value is 0 or there twice, the vectors have no derivative,
    and their gradient is an error; so is the second derivative of the values.

    Args:
        a: matrices of any shape.
        full_matrices: only False, unlike NumPy's default: what else U and Vh would
            hold is not determined by a.

    Raises:
        ArgumentError: if `full_matrices` is True.
        ShapeError: if a has fewer than two axes.

    >>> svd([[3.0, 0.0], [0.0, 4.0]]).S.tolist()
    [4.0, 3.0]
    """
    if full_matrices:
        raise ArgumentError(
            "svd: full_matrices=True asks for vectors that the matrix does not determine, which "
            "have no derivative. Leave it False, or give a plain array to np.linalg.svd."
        )
    m, y = np.shape(a._data if isinstance(a, Node) else a)[-2:-1], _svd(a)
    return SVDResult(adjoint(y[..., : m[0]]), y[..., m[0]], y[..., m[0] + 1 :])


def svdvals(a: N | ArrayLike) -> N:
    """Return the singular values of every matrix of a, falling.

    Derivative: u @ v.T for a singular value and its vectors, and 0 for one that
    is 0; see `svd`.

    Raises:
        ShapeError: if a has fewer than two axes.

    >>> svdvals([[3.0, 0.0], [0.0, 4.0]]).tolist()
    [4.0, 3.0]
    """
    return svd(a).S


__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]
