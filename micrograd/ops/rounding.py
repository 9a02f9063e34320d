"""Steps and remainders, element by element.

The derivative of a step function is 0 everywhere, at its steps too.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.errors import OperandError
from micrograd.ops.axes import shown
from micrograd.ops.elementwise import where
from micrograd.ops.kinds import N
from micrograd.ops.reach import SAME
from micrograd.ops.rows import binary, unary

__all__ = [
    "ceil",
    "floor",
    "floor_divide",
    "fmod",
    "heaviside",
    "mod",
    "remainder",
    "rint",
    "round",
    "sign",
    "trunc",
]


def flat(g: Any) -> Any:
    """Return zeros like g, which 0 * g is not where g is inf."""
    return where(False, g, 0)


# Steps


@unary(np.sign, lambda g, y, x: flat(g))
def sign(x: Any) -> Any:
    """Return 1 where x is positive, -1 where it is negative, 0 where it is 0.

    Derivative: 0 everywhere.

    >>> sign(-2.0)
    -1.0
    """


@unary(np.floor, lambda g, y, x: flat(g))
def floor(x: Any) -> Any:
    """Return the largest whole number that is at most x, element by element.

    Derivative: 0 everywhere.

    >>> floor(-1.5)
    -2.0
    """


@unary(np.ceil, lambda g, y, x: flat(g))
def ceil(x: Any) -> Any:
    """Return the smallest whole number that is at least x, element by element.

    Derivative: 0 everywhere.

    >>> ceil(1.5)
    2.0
    """


@unary(np.trunc, lambda g, y, x: flat(g))
def trunc(x: Any) -> Any:
    """Return x without its fraction, element by element.

    Derivative: 0 everywhere.

    >>> trunc(-1.5)
    -1.0
    """


@unary(np.rint, lambda g, y, x: flat(g))
def rint(x: Any) -> Any:
    """Return the whole number nearest to x, element by element; of two, the even one.

    Derivative: 0 everywhere.

    >>> rint(2.5)
    2.0
    """


def _scalar_round(x: float, *, decimals: int) -> Any:
    with np.errstate(all="ignore"):
        return np.round(x, decimals)


_round = define_op(
    "round",
    lambda x, *, decimals: np.round(x, decimals),
    lambda g, y, x, *, decimals: flat(g),
    scalar=_scalar_round,
    reach=SAME,
)


def round(x: N | ArrayLike, decimals: int = 0) -> N:
    """Return x rounded, element by element; of two numbers equally near, the even one.

    Derivative: 0 everywhere.

    Args:
        x: numbers.
        decimals: how many digits to keep behind the point; negative ones are
            before it.

    Raises:
        OperandError: if `decimals` is not an integer.

    >>> round(2.345, 1), round(12345.0, -2)
    (2.3, 12300.0)
    """
    try:
        decimals = operator.index(decimals)
    except TypeError:
        raise OperandError(
            f"round: decimals has to be an integer, but came {shown(decimals)} of type "
            f"{type(decimals).__name__}. Give the number of digits to keep behind the point."
        ) from None
    return _round(x, decimals=decimals)


@binary(
    np.heaviside,
    lambda g, y, x, h: flat(g),
    lambda g, y, x, h: where((x >= 0) & (x <= 0), g, 0),
)
def heaviside(x: Any, h: Any) -> Any:
    """Return 0 where x is negative, 1 where it is positive, and h where it is 0.

    Derivatives: 0 with respect to x everywhere; 1 with respect to h where x is
    0, and 0 elsewhere.

    >>> heaviside(-1.5, 0.5), heaviside(0.0, 0.5)
    (0.0, 0.5)
    """


# Remainders


@binary(
    np.floor_divide,
    lambda g, y, a, b: flat(g),
    lambda g, y, a, b: flat(g),
    symbol="//",
    scalar=operator.floordiv,
)
def floor_divide(a: Any, b: Any) -> Any:
    """Return the largest whole number that is at most a / b, element by element.

    Derivatives: 0 and 0 everywhere.

    >>> floor_divide(-7.0, 2.0)
    -4.0
    """


@binary(
    np.remainder,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * floor_divide(a, b),
    symbol="%",
    scalar=operator.mod,
)
def remainder(a: Any, b: Any) -> Any:
    """Return a - b * floor(a / b), element by element, which has the sign of b.

    `mod` is another name for it.

    Derivatives: 1 and -floor(a / b), also where the remainder is 0 and jumps.

    >>> remainder(-7.0, 3.0)
    2.0
    """


mod = remainder


@binary(
    np.fmod,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * rint((a - y) / b),
    symbol="fmod",
    scalar=math.fmod,
)
def fmod(a: Any, b: Any) -> Any:
    """Return a - b * trunc(a / b), element by element, which has the sign of a.

    Derivatives: 1 and -trunc(a / b), also where the remainder is 0 and jumps.

    >>> fmod(-7.0, 3.0)
    -1.0
    """
