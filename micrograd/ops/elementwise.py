"""Operations that act on every element by itself.

In a rule, `g` is the gradient of the result, `y` the result, and the other
arguments are those of the operation. Comparisons go by data for both kinds of
node; `==` does not (of Values it is identity), so no rule uses it.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.ops.kinds import A
from micrograd.ops.reach import MOVED, SAME, Picked
from micrograd.ops.rows import binary, unary

__all__ = [
    "absolute",
    "add",
    "cos",
    "divide",
    "exp",
    "log",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "power",
    "relu",
    "sigmoid",
    "sin",
    "sqrt",
    "subtract",
    "tanh",
    "where",
]


@binary(
    np.add,
    lambda g, y, a, b: g,
    lambda g, y, a, b: g,
    symbol="+",
    scalar=operator.add,
    reach=MOVED,
)
def add(a: Any, b: Any) -> Any:
    """Return a + b, element by element, broadcasting as NumPy does.

    Derivatives: 1 and 1.

    >>> add(2.0, 3.0)
    5.0
    """


@binary(
    np.subtract,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    symbol="−",
    scalar=operator.sub,
    reach=MOVED,
)
def subtract(a: Any, b: Any) -> Any:
    """Return a - b, element by element, broadcasting as NumPy does.

    Derivatives: 1 and -1.

    >>> subtract(2.0, 3.0)
    -1.0
    """


@binary(
    np.multiply,
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    symbol="×",
    scalar=operator.mul,
)
def multiply(a: Any, b: Any) -> Any:
    """Return a * b, element by element, broadcasting as NumPy does.

    Derivatives: b and a. The multiply node swaps its inputs.

    >>> multiply(2.0, 3.0)
    6.0
    """


@binary(
    np.divide,
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -g * y / b,
    symbol="/",
    scalar=operator.truediv,
)
def divide(a: Any, b: Any) -> Any:
    """Return a / b, element by element, broadcasting as NumPy does.

    Derivatives: 1 / b and -a / b**2. Of numbers and Values, 1/0 is inf.

    >>> divide(1.0, 4.0)
    0.25
    """


@unary(np.negative, lambda g, y, x: -g, symbol="−", scalar=operator.neg)
def negative(x: Any) -> Any:
    """Return -x, element by element.

    Derivative: -1.

    >>> negative(2.0)
    -2.0
    """


def power_base_rule(power: Any, g: Any, y: Any, x: Any, n: Any) -> Any:
    """Return n * x**(n - 1) times g, for an operation `power`."""
    n = without_wrap(n)
    small = n < 0.1
    if small is False or (small is not True and not small.any()):
        return g * (n * power(x, n - 1))
    usual = abs(x) > 0
    # x**0 is the constant 1, also where x is 0 or nan, which would make nan of it.
    x = where(usual | (abs(n) > 0), x, 1)
    # n - 1 would lose the digits of a small n, and x**(n - 1) may overflow for a negative one.
    return g * where(small & usual, n * y / x, n * power(x, n - 1))


def without_wrap(x: Any) -> Any:
    """Return integers that wrap around, or have logarithms in float16, as floats."""
    dtype = getattr(x, "dtype", None)
    return x * 1.0 if dtype is not None and dtype.kind in "biu" and dtype != np.int64 else x


def power_exponent_rule(g: Any, y: Any, x: Any, n: Any) -> Any:
    """Return y * log(x) times g, for whatever raised x to the power n."""
    # 0**n is the constant 0 for n >= 0, where y * log(x) would be 0 * -inf.
    return g * y * log(without_wrap(where((abs(x) > 0) | (n < 0), x, 1)))


def _scalar_power(x: float, n: float) -> float:
    y = math.pow(x, n)
    exact = isinstance(x, int) and isinstance(n, int) and n >= 0 and abs(y) < 2**53
    return int(y) if exact else y


def _float_power_symbol(node: Node) -> str:
    exponent = node.parents[1]
    constant = exponent.is_leaf and not exponent.requires_grad and np.ndim(exponent._data) == 0
    return f"^{exponent._data:g}" if constant and exponent.label is None else "^"


def _power_rule(g: Any, y: Any, x: Any, n: Any) -> Any:
    return power_base_rule(power, g, y, x, n)


@binary(
    np.power,
    _power_rule,
    power_exponent_rule,
    symbol=_float_power_symbol,
    scalar=_scalar_power,
    expects="shapes that broadcast together, and floats, as in Tensor([1.0, 2.0]), for a power "
    "below 0",
)
def power(x: Any, n: Any) -> Any:
    """Return x**n, element by element, broadcasting as NumPy does.

    Derivatives: n * x**(n - 1) and x**n * log(x). At singular points: x**0 has
    derivative 0 everywhere; 0**n has derivative 0 with respect to n, and -inf
    where n < 0; a negative base with a fractional exponent is nan, value and
    gradient.

    >>> power(2.0, 0.5)
    1.4142135623730951
    """


@unary(np.exp, lambda g, y, x: g * y, scalar=math.exp)
def exp(x: Any) -> Any:
    """Return e**x, element by element.

    Derivative: exp(x), the result itself.

    >>> exp(1.0)
    2.718281828459045
    """


@unary(np.log, lambda g, y, x: g / x, scalar=math.log)
def log(x: Any) -> Any:
    """Return the natural logarithm, element by element.

    Derivative: 1 / x. Of numbers and Values, log(0) is -inf and log(-1) is nan.

    >>> log(1.0)
    0.0
    """


@unary(np.sqrt, lambda g, y, x: g / (2 * y), symbol="√", scalar=math.sqrt)
def sqrt(x: Any) -> Any:
    """Return the square root, element by element.

    Derivative: 1 / (2 * sqrt(x)), which is inf at 0.

    >>> sqrt(9.0)
    3.0
    """


@unary(np.sin, lambda g, y, x: g * cos(x), scalar=math.sin)
def sin(x: Any) -> Any:
    """Return the sine of x in radians, element by element.

    Derivative: cos(x).

    >>> sin(0.0)
    0.0
    """


def _cos_rule(g: Any, y: Any, x: Any) -> Any:
    return -g * sin(x)


@unary(np.cos, _cos_rule, scalar=math.cos)
def cos(x: Any) -> Any:
    """Return the cosine of x in radians, element by element.

    Derivative: -sin(x).

    >>> cos(0.0)
    1.0
    """


def _over_square_of_cosh(g: Any, x: Any) -> Any:
    try:
        with np.errstate(over="raise"):
            c = np.cosh(x)
            c *= c
            return g / c
    except FloatingPointError:  # the square is too large, but what is sought may not be too small
        with np.errstate(over="ignore"):
            c = np.cosh(x)
        return g / c / c


def _scalar_over_square_of_cosh(g: float, x: float) -> float:
    c = math.cosh(x)
    return g / c / c


def _tanh_slope_rule(h: Any, y: Any, g: Any, x: Any) -> Any:
    return -2 * h * y * tanh(x)


# From x, since 1 - y * y loses the digits of y near 1; by a row of its own, since the derivative
# of cosh is infinite where that of tanh is 0.
_tanh_slope = define_op(
    "tanh_slope",
    _over_square_of_cosh,
    lambda h, y, g, x: _tanh_slope(h, x),
    _tanh_slope_rule,
    symbol="tanh′",
    scalar=_scalar_over_square_of_cosh,
    reach=SAME,
)


@unary(np.tanh, lambda g, y, x: _tanh_slope(g, x), scalar=math.tanh)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, element by element.

    Derivative: 1 - tanh(x)**2, computed as 1 / cosh(x)**2, which keeps its digits
    where tanh(x) is close to 1.

    >>> tanh(0.0)
    0.0
    """


def _stable_sigmoid(x: Any) -> Any:
    e: NDArray[Any] = np.exp(-np.abs(x))  # never overflows
    return np.where(np.greater_equal(x, 0), 1, e) / (1 + e)


@unary(
    _stable_sigmoid,
    lambda g, y, x: _tanh_slope(g, x / 2) / 4,
    scalar=lambda x: 1 / (1 + math.exp(-x)),
)
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), element by element, without overflow.

    Derivative: y * (1 - y) for the result y, computed as 1 / (2 * cosh(x / 2))**2,
    which keeps its digits where y is close to 1.

    >>> sigmoid(0.0)
    0.5
    """


@unary(lambda x: np.maximum(x, 0), lambda g, y, x: g * (y > 0), scalar=lambda x: 0 if x < 0 else x)
def relu(x: Any) -> Any:
    """Return x where it is positive and 0 elsewhere.

    Derivative: 1 where x > 0, and 0 where x <= 0, 0 included.

    >>> relu(-2.0), relu(2.0)
    (0, 2.0)
    """


def absolute_rule(g: Any, y: Any, x: Any) -> Any:
    """Return g with the sign of x, 0 where that is 0."""
    return g * (x > 0) - g * (x < 0)


@unary(np.abs, absolute_rule, symbol="abs", scalar=operator.abs)
def absolute(x: Any) -> Any:
    """Return the absolute value, element by element.

    Derivative: the sign of x, which is 0 at 0.

    >>> absolute(-2.0)
    2.0
    """


def _share(g: Any, winner: Any, loser: Any) -> Any:
    return where(winner > loser, g, where(winner < loser, 0, g / 2))


def _scalar_maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _scalar_minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


@binary(
    np.maximum,
    lambda g, y, a, b: _share(g, a, b),
    lambda g, y, a, b: _share(g, b, a),
    symbol="max",
    scalar=_scalar_maximum,
)
def maximum(a: Any, b: Any) -> Any:
    """Return the larger of a and b, element by element; nan wins.

    Derivatives: 1 for the larger and 0 for the smaller; a tie shares equally.

    >>> maximum(2.0, 3.0)
    3.0
    """


@binary(
    np.minimum,
    lambda g, y, a, b: _share(g, b, a),
    lambda g, y, a, b: _share(g, a, b),
    symbol="min",
    scalar=_scalar_minimum,
)
def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of a and b, element by element; nan wins.

    Derivatives: 1 for the smaller and 0 for the larger; a tie shares equally.

    >>> minimum(2.0, 3.0)
    2.0
    """


alias = define_op("alias", lambda x: x, lambda g, y, x: g, symbol="=", reach=SAME)
"""The argument itself, as a node of its own: where a transform cuts into a graph."""

_where = define_op(
    "where",
    np.where,
    None,
    lambda g, y, condition, a, b: where(condition, g, 0),
    lambda g, y, condition, a, b: where(condition, 0, g),
    scalar=lambda condition, a, b: a if condition else b,
    reach=Picked(
        None,
        lambda condition, a, b: np.not_equal(condition, 0),
        lambda condition, a, b: np.equal(condition, 0),
    ),
    expects="shapes that broadcast together",
)


def where(condition: A | ArrayLike, a: A | ArrayLike, b: A | ArrayLike, /) -> A:
    """Return a where the condition holds and b elsewhere, element by element.

    Derivatives: 1 where an argument was taken, 0 elsewhere; the condition has
    none. The branch that was not taken leaks neither nan nor inf, also through
    the elementwise operations that led to it.

    >>> where(True, 1.0, 2.0)
    1.0
    """
    return _where(condition, a, b)
