"""Decompositions of matrices into triangular and orthogonal ones.

Every function takes one matrix or a batch of them: its last two axes are the
matrix, the others are the batch. An operation gives one array: so those of
several results join them in one, and the public function takes it apart.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, GradientError
from micrograd.ops.inverses import adjoint, linalg, matrices, solve
from micrograd.ops.kinds import N
from micrograd.ops.shape import concatenate

T = TypeVar("T")


class QRResult(NamedTuple, Generic[T]):
    """Hold what `qr` returns."""

    Q: T
    R: T


def symmetric(name: str, a: Any) -> Any:
    """Return a as an array of symmetric matrices, or raise an error that says what came."""
    a = matrices(name, a, square=True)
    largest = np.abs(a).max(initial=0)
    apart = np.abs(a - adjoint(a)).max(initial=0)
    if apart > float(np.finfo(np.result_type(a, np.float32)).eps) ** 0.5 * largest:
        raise ArgumentError(
            f"{name}: expected symmetric matrices, but came one of shape {a.shape[-2:]} in which "
            f"an element differs by {float(apart):.3g} from the one across the diagonal. Give "
            "(a + a.swapaxes(-1, -2)) / 2."
        )
    return a


def noise(values: Any) -> Any:
    """Return how far rounding may move `values`, of shape (..., n), as shape (..., 1)."""
    return 10 * float(np.finfo(values.dtype).eps) * abs(values).sum(axis=-1)[..., None]


# Cholesky's decomposition


def _forward_cholesky(a: Any) -> Any:
    a = symmetric("cholesky", a)
    try:
        return linalg.cholesky(a)
    except np.linalg.LinAlgError:
        raise ArgumentError(
            f"cholesky: expected positive definite matrices, but one of shape {a.shape[-2:]} has "
            "an eigenvalue that is not positive. Add a multiple of the identity, or use eigh."
        ) from None


def _cholesky_rule(g: Any, y: Any, a: Any) -> Any:
    n = y.shape[-1]
    half = (np.tri(n) - np.eye(n) / 2).astype(y.dtype)
    h = solve(adjoint(y), half * (adjoint(y) @ g))
    h = solve(adjoint(y), adjoint(h))
    return (h + adjoint(h)) / 2


_cholesky = define_op("cholesky", _forward_cholesky, _cholesky_rule, arrays_only=True)


def cholesky(a: N | ArrayLike, *, upper: bool = False) -> N:
    """Return the lower triangular L with a = L @ L.T, or L.T if `upper`.

    Derivative: the symmetric part of inv(L).T @ P @ inv(L), where P is the lower
    triangle of L.T @ g, its diagonal halved.

    Args:
        a: symmetric, positive definite matrices of shape (..., n, n).
        upper: whether to return the upper triangular factor.

    Raises:
        ArgumentError: if a matrix is not symmetric or not positive definite.
        ShapeError: if the matrices are not square.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    factor = _cholesky(a)
    return adjoint(factor) if upper else factor


# QR: the rows of Q, then those of R


def _forward_qr(a: Any) -> Any:
    return np.concatenate(linalg.qr(matrices("qr", a)), axis=-2)


def _qr_rule(g: Any, y: Any, a: Any) -> Any:
    m, n = a.shape[-2:]
    q, r, gq, gr = y[..., :m, :], y[..., m:, :], g[..., :m, :], g[..., m:, :]
    diagonal = abs(r[..., np.arange(n), np.arange(n)])
    if np.any(diagonal <= noise(diagonal)):
        raise GradientError(
            f"qr: the columns of a matrix of shape {(m, n)} depend on each other, so that Q is not "
            "determined and has no derivative. Leave out the columns that depend on others."
        )
    h = r @ adjoint(gr) - adjoint(gq) @ q
    lower = np.tri(n, dtype=y.dtype)
    h = lower * h + adjoint(np.tri(n, k=-1, dtype=y.dtype) * h)
    return adjoint(solve(r, adjoint(gq + q @ h)))


_qr = define_op("qr", _forward_qr, _qr_rule, arrays_only=True)


def qr(a: N | ArrayLike) -> QRResult[N]:
    """Return Q, whose columns are orthogonal and of length 1, and an upper triangular R.

    Of matrices of shape (..., m, n), Q has shape (..., m, k) and R has
    (..., k, n), where k is the smaller of m and n, and a = Q @ R.

    Derivative: (gQ + Q @ M) @ inv(R).T, where M is the lower triangle of
    R @ gR.T - gQ.T @ Q, mirrored to the upper one. It is an error if the first k
    columns of a matrix depend on each other.

    Raises:
        ShapeError: if a has fewer than two axes.

    >>> Q, R = qr([[3.0, 1.0], [4.0, 2.0]])
    >>> np.round(Q @ R, 12).tolist()
    [[3.0, 1.0], [4.0, 2.0]]
    """
    m, n = matrices("qr", a).shape[-2:]
    array: Any = a if isinstance(a, Node) else np.asarray(a)
    y = _qr(array[..., :m] if m < n else array)
    q, r = y[..., :m, :], y[..., m:, :]
    if m < n:
        r = concatenate([r, adjoint(q) @ array[..., m:]], axis=-1)
    return QRResult(q, r)


__all__ = ["cholesky", "qr"]
