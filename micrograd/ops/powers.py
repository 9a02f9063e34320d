"""Powers, roots, exponentials, logarithms and erf, which act on every element by itself."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from micrograd.ops.elementwise import (
    exp,
    power_base_rule,
    power_exponent_rule,
    sigmoid,
    where,
)
from micrograd.ops.rows import binary, by_element, unary

__all__ = [
    "cbrt",
    "erf",
    "exp2",
    "expm1",
    "float_power",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "positive",
    "reciprocal",
    "square",
]

_LN2 = math.log(2)
_LN10 = math.log(10)


@unary(np.positive, lambda g, y, x: g, symbol="+", scalar=operator.pos)
def positive(x: Any) -> Any:
    """Return x as it is, as a node of its own, element by element.

    Derivative: 1.

    >>> positive(-2.0)
    -2.0
    """


@unary(np.reciprocal, lambda g, y, x: -g * y * y, symbol="1/", scalar=lambda x: 1 / x)
def reciprocal(x: Any) -> Any:
    """Return 1 / x, element by element; of integer arrays the whole part of it, as in NumPy.

    Derivative: -1 / x**2. At 0, value and gradient are infinite.

    >>> reciprocal(4.0)
    0.25
    """


@unary(np.square, lambda g, y, x: g * 2 * x, symbol="^2", scalar=lambda x: x * x)
def square(x: Any) -> Any:
    """Return x * x, element by element.

    Derivative: 2 * x.

    >>> square(-3.0)
    9.0
    """


@unary(np.cbrt, lambda g, y, x: g / (3 * y * y), symbol="∛", scalar=math.cbrt)
def cbrt(x: Any) -> Any:
    """Return the cube root, element by element, which is negative for a negative x.

    Derivative: 1 / (3 * cbrt(x)**2), which is inf at 0.

    >>> cbrt(-8.0)
    -2.0
    """


# exp(x) and not y + 1, which loses the digits of a small exp(x).
@unary(np.expm1, lambda g, y, x: g * exp(x), scalar=math.expm1)
def expm1(x: Any) -> Any:
    """Return exp(x) - 1, element by element, exact for small x too.

    Derivative: exp(x).

    >>> expm1(1e-20)
    1e-20
    """


@unary(np.exp2, lambda g, y, x: g * y * _LN2, scalar=math.exp2)
def exp2(x: Any) -> Any:
    """Return 2**x, element by element.

    Derivative: 2**x * log(2).

    >>> exp2(3.0)
    8.0
    """


@unary(np.log1p, lambda g, y, x: g / (1 + x), scalar=math.log1p)
def log1p(x: Any) -> Any:
    """Return log(1 + x), element by element, exact for small x too.

    Derivative: 1 / (1 + x). At -1 the value is -inf and the derivative inf.

    >>> log1p(1e-20)
    1e-20
    """


@unary(np.log2, lambda g, y, x: g / _LN2 / x, scalar=math.log2)
def log2(x: Any) -> Any:
    """Return the logarithm to base 2, element by element.

    Derivative: 1 / (x * log(2)). At 0 the value is -inf and the derivative inf.

    >>> log2(8.0)
    3.0
    """


@unary(np.log10, lambda g, y, x: g / _LN10 / x, scalar=math.log10)
def log10(x: Any) -> Any:
    """Return the logarithm to base 10, element by element.

    Derivative: 1 / (x * log(10)). At 0 the value is -inf and the derivative inf.

    >>> log10(1000.0)
    3.0
    """


def _gap(a: Any, b: Any) -> Any:
    """Return a - b, and 0 for equal infinities, whose difference would be nan."""
    inf = math.inf
    tie = ((a >= inf) & (b >= inf)) | ((a <= -inf) & (b <= -inf))
    return where(tie, 0, a - b)


def _scalar_logaddexp(a: float, b: float) -> float:
    if a <= b <= a:  # also where the difference of infinities would be nan
        return a + _LN2
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _scalar_logaddexp2(a: float, b: float) -> float:
    if a <= b <= a:  # also where the difference of infinities would be nan
        return a + 1
    return max(a, b) + math.log1p(math.exp2(-abs(a - b))) * (1 / _LN2)


@binary(
    np.logaddexp,
    lambda g, y, a, b: g * sigmoid(_gap(a, b)),
    lambda g, y, a, b: g * sigmoid(_gap(b, a)),
    scalar=_scalar_logaddexp,
)
def logaddexp(a: Any, b: Any) -> Any:
    """Return log(exp(a) + exp(b)), element by element, without overflow.

    Derivatives: sigmoid(a - b) and sigmoid(b - a), the shares of the sum; equal
    infinities have half each.

    >>> logaddexp(1000.0, 1000.0) == 1000 + math.log(2)
    True
    """


@binary(
    np.logaddexp2,
    lambda g, y, a, b: g * sigmoid(_gap(a, b) * _LN2),
    lambda g, y, a, b: g * sigmoid(_gap(b, a) * _LN2),
    scalar=_scalar_logaddexp2,
)
def logaddexp2(a: Any, b: Any) -> Any:
    """Return log2(2**a + 2**b), element by element, without overflow.

    Derivatives: 2**a and 2**b over their sum; equal infinities have half each.

    >>> logaddexp2(1000.0, 1000.0)
    1001.0
    """


def _float_power_rule(g: Any, y: Any, x: Any, n: Any) -> Any:
    return power_base_rule(float_power, g, y, x, n)


@binary(
    np.float_power,
    _float_power_rule,
    power_exponent_rule,
    symbol="^",
    scalar=math.pow,
)
def float_power(x: Any, n: Any) -> Any:
    """Return x**n in float64 at least, element by element, whatever dtypes came.

    Derivatives and singular points: those of `power`.

    >>> float_power(2, -1)
    0.5
    """


@unary(
    by_element(math.erf),
    lambda g, y, x: g * (2 / math.sqrt(math.pi)) * exp(-x * x),
    scalar=math.erf,
)
def erf(x: Any) -> Any:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Derivative: 2 / sqrt(pi) * exp(-x**2).

    >>> erf(0.0), erf(math.inf)
    (0.0, 1.0)
    """
