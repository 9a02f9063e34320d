"""Trigonometric and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.core.op import define_op
from micrograd.ops.axes import as_array
from micrograd.ops.elementwise import sqrt, where
from micrograd.ops.reach import SAME
from micrograd.ops.rows import binary, unary

_TINY = float(np.finfo(np.float64).tiny)

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sinc",
    "sinh",
    "tan",
]


@unary(np.tan, lambda g, y, x: g * (1 + y * y), scalar=math.tan)
def tan(x: Any) -> Any:
    """Return the tangent of x in radians, element by element.

    Derivative: 1 + tan(x)**2.

    >>> tan(0.0)
    0.0
    """


# A product, which keeps its digits near its zeros; a row, whose derivative keeps them near 0.
_one_minus_square = define_op(
    "one_minus_square",
    lambda x: (1 - x) * (1 + x),
    lambda g, y, x: -2 * g * x,
    symbol="1−x²",
    reach=SAME,
)


@unary(np.arcsin, lambda g, y, x: g / sqrt(_one_minus_square(x)), scalar=math.asin)
def arcsin(x: Any) -> Any:
    """Return the angle in radians whose sine is x, element by element; nan where |x| > 1.

    Derivative: 1 / sqrt(1 - x**2), which is inf at -1 and 1.

    >>> arcsin(0.0)
    0.0
    """


@unary(np.arccos, lambda g, y, x: -g / sqrt(_one_minus_square(x)), scalar=math.acos)
def arccos(x: Any) -> Any:
    """Return the angle in radians whose cosine is x, element by element; nan where |x| > 1.

    Derivative: -1 / sqrt(1 - x**2), which is -inf at -1 and 1.

    >>> arccos(1.0)
    0.0
    """


def _arctan_rule(g: Any, y: Any, x: Any) -> Any:
    length = hypot(x, 1)
    return g / length / length  # its square may overflow


@unary(np.arctan, _arctan_rule, scalar=math.atan)
def arctan(x: Any) -> Any:
    """Return the angle in radians whose tangent is x, element by element.

    Derivative: 1 / (1 + x**2).

    >>> arctan(0.0)
    0.0
    """


def _scaled(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Return a and the hypot of a and b, both times a power of 2, and its exponent.

    It makes the larger of them about 1 if any hypot is out of range, or has few
    digits. The hypot is 1 at (0, 0).
    """
    with np.errstate(over="ignore"):
        length = np.hypot(a, b)
    info = np.finfo(length.dtype)
    if np.all((length >= info.tiny) & (length <= info.max)):
        return a, length, 0
    _, exponent = np.frexp(np.maximum(np.abs(a), np.abs(b)))
    a, b = np.ldexp(a, -exponent), np.ldexp(b, -exponent)
    length = np.hypot(a, b)
    return a, np.where(length == 0, 1, length).astype(length.dtype), -exponent


def _forward_cosine(a: Any, b: Any) -> Any:
    a, length, _ = _scaled(a, b)
    return a / length


def _scalar_cosine(a: float, b: float) -> float:
    length = math.hypot(a, b)
    return a / length if _TINY <= length < math.inf else _forward_cosine(a, b)


# A row of its own, since 1 / y - a * (a / y**3) would lose the digits of b**2 / y**3.
_cosine = define_op(
    "cosine",
    _forward_cosine,
    lambda g, y, a, b: _over(g * _cosine(b, a), a, b) * _cosine(b, a),
    lambda g, y, a, b: -_over(g * _cosine(b, a), a, b) * y,
    symbol="hypot′",
    scalar=_scalar_cosine,
    reach=SAME,
)
"""a / hypot(a, b), and 0 at (0, 0)."""


def _over(g: Any, a: Any, b: Any) -> Any:
    """Return g / hypot(a, b), and 0 at (0, 0)."""
    length = hypot(a, b)
    return where(length <= 0, 0, g / length)


@binary(
    np.hypot,
    lambda g, y, a, b: g * _cosine(a, b),
    lambda g, y, a, b: g * _cosine(b, a),
    scalar=math.hypot,
)
def hypot(a: Any, b: Any) -> Any:
    """Return sqrt(a**2 + b**2), element by element, without overflow.

    Derivatives: a / y and b / y for the result y; both are 0 at (0, 0).

    >>> hypot(3.0, 4.0)
    5.0
    """


def _forward_turn(a: Any, b: Any) -> Any:
    a, length, exponent = _scaled(a, b)
    turn = a / length / length
    return turn if isinstance(exponent, int) else np.ldexp(turn, exponent)


def _scalar_turn(a: float, b: float) -> float:
    length = math.hypot(a, b)
    return a / length / length if _TINY <= length < math.inf else _forward_turn(a, b)


def _turn_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    s, c = _cosine(a, b), _cosine(b, a)
    return _over(_over(g * ((c - s) * (c + s)), a, b), a, b)


# A row of its own, since its derivative would be inf - inf near the origin.
_turn = define_op(
    "turn",
    _forward_turn,
    _turn_rule,
    lambda g, y, a, b: -2 * _over(_over(g * (_cosine(a, b) * _cosine(b, a)), a, b), a, b),
    symbol="arctan2′",
    scalar=_scalar_turn,
    reach=SAME,
)
"""a / (a**2 + b**2), and 0 at (0, 0)."""


@binary(
    np.arctan2,
    lambda g, y, a, b: g * _turn(b, a),
    lambda g, y, a, b: -g * _turn(a, b),
    scalar=math.atan2,
)
def arctan2(a: Any, b: Any) -> Any:
    """Return the angle in radians of the point with ordinate a and abscissa b.

    Derivatives: b / (a**2 + b**2) and -a / (a**2 + b**2); both are 0 at (0, 0).

    >>> arctan2(0.0, -1.0)
    3.141592653589793
    """


@unary(np.sinh, lambda g, y, x: g * cosh(x), scalar=math.sinh)
def sinh(x: Any) -> Any:
    """Return the hyperbolic sine, element by element.

    Derivative: cosh(x).

    >>> sinh(0.0)
    0.0
    """


def _cosh_rule(g: Any, y: Any, x: Any) -> Any:
    return g * sinh(x)


@unary(np.cosh, _cosh_rule, scalar=math.cosh)
def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine, element by element.

    Derivative: sinh(x).

    >>> cosh(0.0)
    1.0
    """


@unary(np.arcsinh, lambda g, y, x: g / hypot(x, 1), scalar=math.asinh)
def arcsinh(x: Any) -> Any:
    """Return the inverse of sinh, element by element.

    Derivative: 1 / sqrt(x**2 + 1).

    >>> arcsinh(0.0)
    0.0
    """


# Two roots: their product is nan where x < -1, as the value is.
@unary(np.arccosh, lambda g, y, x: g / (sqrt(x - 1) * sqrt(x + 1)), scalar=math.acosh)
def arccosh(x: Any) -> Any:
    """Return the inverse of cosh, element by element; nan where x < 1.

    Derivative: 1 / sqrt(x**2 - 1), which is inf at 1.

    >>> arccosh(1.0)
    0.0
    """


@unary(np.arctanh, lambda g, y, x: g / _one_minus_square(x), scalar=math.atanh)
def arctanh(x: Any) -> Any:
    """Return the inverse of tanh, element by element; nan where |x| > 1.

    Derivative: 1 / (1 - x**2). At 1 the value and the derivative are inf, at -1
    they are -inf and inf.

    >>> arctanh(0.0)
    0.0
    """


def _series(z: NDArray[Any], order: int) -> NDArray[Any]:
    """Return a derivative of sin(z) / z for small z, by the series at 0."""
    total = np.zeros_like(z)
    for k in reversed(range((order + 1) // 2, order // 2 + 22)):
        total = total * (z * z) + (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order))
    return total * z if order % 2 else total


def _sinc_derivative(x: NDArray[Any], order: int) -> NDArray[Any]:
    """Return the derivative of sin(pi * x) / (pi * x) of some order.

    The k-th, s, fulfils x * s + k * r = pi**(k - 1) * sin(pi * x + k * pi / 2) with
    the one before it, r. Dividing by x costs digits where x is small: the series
    serves there. Whole turns are left out of the angle before pi rounds it.
    """
    small = np.abs(math.pi * x) < order + 1
    divisor = np.where(small, order + 1, x)
    angle = math.pi * np.fmod(divisor, 2)
    slope = np.sin(angle) / math.pi / divisor
    for k in range(1, order + 1):
        wave = (np.sin, np.cos)[k % 2](angle) * (1, 1, -1, -1)[k % 4]
        slope = (math.pi ** (k - 1) * wave - k * slope) / divisor
    series = math.pi**order * _series(np.where(small, math.pi * x, 0), order)
    return np.where(small, series, slope)


def _forward_slope(x: Any, *, order: int) -> Any:
    x = as_array(x)
    slope = _sinc_derivative(x.astype(np.float64), order)
    return slope.astype(np.result_type(x, np.float16))


_sinc_slope = define_op(
    "sinc_slope",
    _forward_slope,
    lambda g, y, x, *, order: g * _sinc_slope(x, order=order + 1),
    symbol="sinc′",
    reach=SAME,
)


def _scalar_sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x)  # 0 / 0 goes on to NumPy's


@unary(np.sinc, lambda g, y, x: g * _sinc_slope(x, order=1), scalar=_scalar_sinc)
def sinc(x: Any) -> Any:
    """Return sin(pi * x) / (pi * x), element by element, which is 1 at 0.

    Derivative: (cos(pi * x) - sinc(x)) / x, which is 0 at 0. Derivatives of
    every order are exact at 0 and near it.

    >>> sinc(0.0), sinc(0.5) == 2 / math.pi
    (1.0, True)
    """


@unary(np.deg2rad, lambda g, y, x: g * (math.pi / 180), scalar=math.radians)
def deg2rad(x: Any) -> Any:
    """Return an angle in degrees as radians, element by element.

    Derivative: pi / 180.

    >>> deg2rad(180.0)
    3.141592653589793
    """


@unary(np.rad2deg, lambda g, y, x: g * (180 / math.pi), scalar=math.degrees)
def rad2deg(x: Any) -> Any:
    """Return an angle in radians as degrees, element by element.

    Derivative: 180 / pi.

    >>> rad2deg(math.pi)
    180.0
    """
