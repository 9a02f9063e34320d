"""Activation functions, beside relu, sigmoid and tanh: what a layer's sums go through."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError
from micrograd.ops.axes import as_array
from micrograd.ops.bounds import clip
from micrograd.ops.elementwise import exp, sigmoid, where
from micrograd.ops.kinds import N
from micrograd.ops.reach import SAME
from micrograd.ops.rows import by_element, unary

_leaky_relu = define_op(
    "leaky_relu",
    lambda x, *, negative_slope: np.where(np.greater(x, 0), x, np.multiply(negative_slope, x)),
    lambda g, y, x, *, negative_slope: where(x > 0, g, negative_slope * g),
    scalar=lambda x, *, negative_slope: x if x > 0 else negative_slope * x,
    reach=SAME,
)


def leaky_relu(x: N | ArrayLike, negative_slope: float = 0.01) -> N:
    """Return x where it is positive and negative_slope * x elsewhere.

    Derivative: 1 where x > 0, and the negative slope where x <= 0, 0 included.

    >>> leaky_relu(-2.0, negative_slope=0.25), leaky_relu(2.0)
    (-0.5, 2.0)
    """
    return _leaky_relu(x, negative_slope=negative_slope)


def _below(x: Any) -> Any:
    """Return x where it is not positive and 0 elsewhere, so that its exp cannot overflow."""
    return where(x > 0, 0, x)


def _forward_elu(x: Any, *, alpha: float) -> Any:
    above = np.greater(x, 0)
    return np.where(above, x, alpha * np.expm1(np.where(above, 0, x)))


_elu = define_op(
    "elu",
    _forward_elu,
    lambda g, y, x, *, alpha: where(x > 0, g, g * alpha * exp(_below(x))),
    scalar=lambda x, *, alpha: x if x > 0 else alpha * math.expm1(x),
    reach=SAME,
)


def elu(x: N | ArrayLike, alpha: float = 1.0) -> N:
    """Return x where it is positive and alpha * (exp(x) - 1) elsewhere, without overflow.

    Derivative: 1 where x > 0, and alpha * exp(x) where x <= 0, 0 included.

    >>> elu(2.0), elu(-1000.0)
    (2.0, -1.0)
    """
    return _elu(x, alpha=alpha)


# The numbers that keep mean 0 and variance 1 from layer to layer.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def selu(x: N | ArrayLike) -> N:
    """Return 1.0507 * elu(x, alpha=1.6733), which keeps mean 0 and variance 1 through layers.

    Derivative: 1.0507 where x > 0, and 1.7581 * exp(x) where x <= 0, 0 included.

    >>> round(selu(1.0), 4), round(selu(-1000.0), 4)
    (1.0507, -1.7581)
    """
    y: Any = elu(x, alpha=_SELU_ALPHA)
    return _SELU_SCALE * y


def _scalar_normal_cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2  # unlike 1 + erf(x), exact far below 0


@unary(
    by_element(_scalar_normal_cdf),
    lambda g, y, x: g * exp(-x * x / 2) / math.sqrt(2 * math.pi),
    symbol="Φ",
    scalar=_scalar_normal_cdf,
)
def normal_cdf(x: Any) -> Any:
    """Return the probability that a standard normal variable is below x, element by element.

    Derivative: exp(-x**2 / 2) / sqrt(2 * pi), the bell curve.

    >>> normal_cdf(0.0)
    0.5
    """


def gelu(x: N | ArrayLike, approximate: Literal["none", "tanh"] = "none") -> N:
    """Return x * normal_cdf(x), or the same with a formula by tanh for normal_cdf.

    Derivative: normal_cdf(x) + x * exp(-x**2 / 2) / sqrt(2 * pi).

    Args:
        x: numbers, an array or a node.
        approximate: "none", or "tanh" for
            x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))), which is
            faster and off by less than 0.0005. Since (1 + tanh(z)) / 2 is
            sigmoid(2 * z), it is computed by that, without a difference.

    Raises:
        ArgumentError: if `approximate` is something else.

    >>> round(gelu(1.0), 4), round(gelu(1.0, approximate="tanh"), 4)
    (0.8413, 0.8412)
    """
    a: Any = x if isinstance(x, (Node, float, int)) else np.asarray(x)
    if approximate == "none":
        return a * normal_cdf(a)
    if approximate == "tanh":
        # The sigmoid is 1 or 0 long before 60, and the cube of large numbers would overflow.
        z = where(a > 60, 60, where(a < -60, -60, a))
        return a * sigmoid(math.sqrt(8 / math.pi) * z * (1 + 0.044715 * z * z))
    raise ArgumentError(
        f"gelu: approximate has to be 'none' or 'tanh', but came {approximate!r}. Leave it out for "
        "the exact function."
    )


def silu(x: N | ArrayLike) -> N:
    """Return x * sigmoid(x), which is also called swish.

    Derivative: s + x * s * (1 - s) for s = sigmoid(x).

    >>> silu(0.0), round(silu(1.0), 4)
    (0.0, 0.7311)
    """
    a: Any = x if isinstance(x, (Node, float, int)) else np.asarray(x)
    return a * sigmoid(a)


def _forward_softplus(x: Any, *, beta: float) -> Any:
    x = as_array(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(beta * x))) / beta


def _scalar_softplus(x: float, *, beta: float) -> float:
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(beta * x))) / beta


_softplus = define_op(
    "softplus",
    _forward_softplus,
    lambda g, y, x, *, beta: g * sigmoid(beta * x),
    scalar=_scalar_softplus,
    reach=SAME,
)


def softplus(x: N | ArrayLike, beta: float = 1.0) -> N:
    """Return log(1 + exp(beta * x)) / beta, a smooth relu, without overflow.

    Derivative: sigmoid(beta * x).

    Raises:
        ArgumentError: if beta is not positive.

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    if not beta > 0:
        raise ArgumentError(
            f"softplus: beta has to be positive, but came {beta!r}. Use -softplus(-x, beta=...) "
            "for the mirrored function."
        )
    return _softplus(x, beta=beta)


def _softsign_rule(g: Any, y: Any, x: Any) -> Any:
    size = 1 + abs(x)
    return g / size / size  # its square may overflow


@unary(lambda x: x / (1 + np.abs(x)), _softsign_rule, scalar=lambda x: x / (1 + abs(x)))
def softsign(x: Any) -> Any:
    """Return x / (1 + abs(x)), element by element.

    Derivative: 1 / (1 + abs(x))**2.

    >>> softsign(1.0), softsign(-3.0)
    (0.5, -0.75)
    """


def hard_tanh(x: N | ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> N:
    """Return x where it lies between the bounds, and the nearer bound elsewhere.

    Derivative: 1 between the bounds and at them, 0 outside.

    Raises:
        ArgumentError: if the lower bound is not below the upper one.

    >>> hard_tanh(0.5), hard_tanh(-3.0)
    (0.5, -1.0)
    """
    if not min_val < max_val:
        raise ArgumentError(
            f"hard_tanh: min_val has to be less than max_val, but came min_val={min_val!r} and "
            f"max_val={max_val!r}. Exchange them?"
        )
    return clip(x, min_val, max_val)


@unary(
    lambda x: -np.logaddexp(0, np.negative(x)),
    lambda g, y, x: g * sigmoid(-x),
    symbol="log σ",
    scalar=lambda x: -_scalar_softplus(-x, beta=1),
)
def log_sigmoid(x: Any) -> Any:
    """Return log(sigmoid(x)), element by element, without overflow or log(0).

    Derivative: sigmoid(-x), which is 1 - sigmoid(x).

    >>> round(log_sigmoid(0.0), 4), log_sigmoid(-1000.0)
    (-0.6931, -1000.0)
    """


__all__ = [
    "elu",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "normal_cdf",
    "selu",
    "silu",
    "softplus",
    "softsign",
]
