"""Determinants, of one matrix or of a batch of them in the last two axes.

The slope of a determinant is the matrix of its cofactors. It exists for a
singular matrix too, where det(a) * inv(a).T does not: so it is computed from
the singular values.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import GradientError
from micrograd.ops.axes import as_array, zeros
from micrograd.ops.elementwise import where
from micrograd.ops.inverses import adjoint, inv, linalg, matrices
from micrograd.ops.kinds import N

T = TypeVar("T")


class SlogdetResult(NamedTuple, Generic[T]):
    """Hold what `slogdet` returns."""

    sign: T
    logabsdet: T


def _directions(a: Any) -> tuple[Any, Any, Any, Any]:
    """Return u, s and vh of a = u @ diag(s) @ vh, and the sign of det(u @ vh)."""
    u, s, vh = linalg.svd(a)
    return u, s, vh, (linalg.det(u) * linalg.det(vh)).round()[..., None, None]


def _products_without_one(s: Any) -> Any:
    n = s.shape[-1]
    return where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)


def _products_without_two(s: Any) -> Any:
    """Return the product of all s but those at i and at j, 0 where i is j; s falls."""
    n = s.shape[-1]
    larger, smaller = np.triu_indices(n, 1)
    divisor = s[..., larger]
    whole = _products_without_one(s)[..., smaller]
    pairs = zeros((*s.shape, n), s.dtype, s)
    # Where the larger of the two is 0, so are both, and the last two are the only such pair
    # whose product need not be 0.
    pairs[..., larger, smaller] = np.divide(
        whole, divisor, where=divisor > 0, out=np.zeros_like(whole)
    )
    if n > 1:
        pairs[..., -2, -1] = s[..., :-2].prod(axis=-1)
    return pairs + adjoint(pairs)


def _forward_cofactors(a: Any) -> Any:
    u, s, vh, sign = _directions(a)
    return sign * (u * _products_without_one(s)[..., None, :]) @ vh


def _forward_cofactors_slope(b: Any, a: Any) -> Any:
    u, s, vh, sign = _directions(a)
    pairs = _products_without_two(s)
    turned = adjoint(u) @ b @ adjoint(vh)
    others = pairs @ np.diagonal(turned, axis1=-2, axis2=-1)[..., None]
    inner = np.eye(s.shape[-1], dtype=s.dtype) * others - pairs * adjoint(turned)
    return sign * u @ inner @ vh


def _inner(a: Any, b: Any) -> Any:
    return (a * b).sum(axis=(-2, -1), keepdims=True)


def _third_slope(g: Any, y: Any, b: Any, a: Any) -> Any:
    """Return the third derivative of det in the directions g and b, for an invertible a."""
    if a.shape[-1] < 3:
        return where(False, a, 0)
    c = adjoint(inv(a))
    p, q = c @ adjoint(g), c @ adjoint(b)
    sums = _inner(c, g) * _inner(c, b) - _inner(p @ c, b)
    terms = sums * c - _inner(c, g) * (q @ c) - _inner(c, b) * (p @ c) + q @ p @ c + p @ q @ c
    return det(a)[..., None, None] * terms


_cofactors_slope = define_op(
    "cofactors_slope",
    _forward_cofactors_slope,
    lambda g, y, b, a: _cofactors_slope(g, a),  # second derivatives are symmetric
    _third_slope,
    symbol="cofactors'",
    arrays_only=True,
)

_cofactors = define_op(
    "cofactors",
    _forward_cofactors,
    lambda g, y, a: _cofactors_slope(g, a),
    arrays_only=True,
)

_det = define_op(
    "det",
    lambda a: linalg.det(matrices("det", a, square=True)),
    lambda g, y, a: g[..., None, None] * _cofactors(a),
    arrays_only=True,
)


def det(a: N | ArrayLike) -> N:
    """Return the determinant of every matrix of a, of shape (..., n, n).

    Derivative: the cofactors, which are det(a) * inv(a).T where a has an inverse.
    Singular matrices have them too, and the right second derivative; the third
    needs an inverse.

    Raises:
        ShapeError: if the matrices are not square.

    >>> round(float(det([[1.0, 2.0], [3.0, 4.0]])), 12)
    -2.0
    """
    return _det(a)


def _logabsdet_rule(g: Any, y: Any, a: Any) -> Any:
    singular = as_array(y <= -np.inf)
    if np.any(np.logical_and(singular, np.logical_not(abs(g) <= 0))):
        raise GradientError(
            f"slogdet: a matrix of shape {tuple(a.shape[-2:])} is singular; there the logarithm of "
            "its determinant is -inf and has no derivative. Use det, or leave the matrix out."
        )
    identity = np.eye(a.shape[-1], dtype=a.dtype)  # for those to which no gradient came
    return g[..., None, None] * adjoint(inv(where(singular[..., None, None], identity, a)))


_logabsdet = define_op(
    "logabsdet",
    lambda a: linalg.slogdet(a)[1],
    _logabsdet_rule,
    symbol="log|det|",
    arrays_only=True,
)


def slogdet(a: N | ArrayLike) -> SlogdetResult[N]:
    """Return the sign of the determinant and the logarithm of its absolute value.

    Derivative: inv(a).T for the logarithm; the sign is a constant. A singular
    matrix has sign 0 and logarithm -inf, and its gradient is an error.

    Raises:
        ShapeError: if the matrices are not square.

    >>> sign, logabsdet = slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> float(sign), float(logabsdet)
    (-1.0, 0.0)
    """
    data = matrices("slogdet", a, square=True)
    logarithm, sign = _logabsdet(a), linalg.slogdet(data)[0]
    if isinstance(a, Node):
        kind: Any = a._kind
        sign = kind(sign, requires_grad=False)
    return SlogdetResult(sign, logarithm)


__all__ = ["det", "slogdet"]
