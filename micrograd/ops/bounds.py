"""Signs and bounds, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import OperandError
from micrograd.ops.axes import shown
from micrograd.ops.elementwise import absolute_rule, where
from micrograd.ops.kinds import N
from micrograd.ops.reach import SAME, Picked
from micrograd.ops.rounding import flat
from micrograd.ops.rows import binary, unary

__all__ = [
    "clip",
    "copysign",
    "fabs",
    "fmax",
    "fmin",
    "nan_to_num",
]


# Signs


@unary(np.fabs, absolute_rule, symbol="abs", scalar=math.fabs)
def fabs(x: Any) -> Any:
    """Return the absolute value, element by element, as a floating number.

    Derivative: the sign of x, which is 0 at 0.

    >>> fabs(-2)
    2.0
    """


def _copysign_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    kept = (a > 0) & (y > 0) | (a < 0) & (y < 0)
    turned = (a > 0) & (y < 0) | (a < 0) & (y > 0)
    return where(kept, g, where(turned, -g, 0))


@binary(np.copysign, _copysign_rule, lambda g, y, a, b: flat(g), scalar=math.copysign)
def copysign(a: Any, b: Any) -> Any:
    """Return the absolute value of a with the sign of b, which -0.0 has too.

    Derivatives: 1 where a had that sign, -1 where it had the other, and 0 where
    a is 0; 0 everywhere with respect to b.

    >>> copysign(2.0, -0.0)
    -2.0
    """


# Bounds


def _share_largest(g: Any, y: Any, mine: Any, other: Any) -> Any:
    return where(mine >= y, where(other >= y, g / 2, g), 0)


def _share_smallest(g: Any, y: Any, mine: Any, other: Any) -> Any:
    return where(mine <= y, where(other <= y, g / 2, g), 0)


def _scalar_fmax(a: float, b: float) -> float:
    return a if a >= b or b != b else b


def _scalar_fmin(a: float, b: float) -> float:
    return a if a <= b or b != b else b


@binary(
    np.fmax,
    lambda g, y, a, b: _share_largest(g, y, a, b),
    lambda g, y, a, b: _share_largest(g, y, b, a),
    scalar=_scalar_fmax,
    reach=Picked(lambda a, b: a >= np.fmax(a, b), lambda a, b: b >= np.fmax(a, b)),
)
def fmax(a: Any, b: Any) -> Any:
    """Return the larger of a and b, element by element; a number wins over nan.

    Derivatives: 1 for what was taken and 0 for the other; a tie shares equally,
    and of two nans both have 0. What was not taken leaks no nan, as with `where`.

    >>> fmax(2.0, math.nan)
    2.0
    """


@binary(
    np.fmin,
    lambda g, y, a, b: _share_smallest(g, y, a, b),
    lambda g, y, a, b: _share_smallest(g, y, b, a),
    scalar=_scalar_fmin,
    reach=Picked(lambda a, b: a <= np.fmin(a, b), lambda a, b: b <= np.fmin(a, b)),
)
def fmin(a: Any, b: Any) -> Any:
    """Return the smaller of a and b, element by element; a number wins over nan.

    Derivatives: 1 for what was taken and 0 for the other; a tie shares equally,
    and of two nans both have 0. What was not taken leaks no nan, as with `where`.

    >>> fmin(2.0, math.nan)
    2.0
    """


def _forward_clip(x: Any, low: Any, high: Any) -> Any:
    # An absent bound is an infinite number, which is not to make integers floating.
    y = np.positive(x) if isinstance(low, float) and low <= -math.inf else np.maximum(x, low)
    return y if isinstance(high, float) and high >= math.inf else np.minimum(y, high)


def _scalar_clip(x: float, low: float, high: float) -> float:
    y = low if x < low or low != low else x
    return high if y > high or high != high else y


_clip = define_op(
    "clip",
    _forward_clip,
    lambda g, y, x, min, max: where((x >= min) & (x <= max), g, 0),
    lambda g, y, x, min, max: where((x < min) & (min <= max), g, 0),
    lambda g, y, x, min, max: where((x > max) | (min > max), g, 0),
    scalar=_scalar_clip,
    reach=SAME,
    expects="shapes that broadcast together",
)


def clip(x: N | ArrayLike, min: N | ArrayLike | None = None, max: N | ArrayLike | None = None) -> N:
    """Return x with what lies below `min` or above `max` replaced by that bound.

    Derivatives: 1 for what the result was taken from and 0 for the others; where
    x is equal to a bound, x has 1. Where `min` is above `max`, `max` is taken.

    Args:
        x: numbers.
        min: the lower bound, of a shape that broadcasts with x; None for none.
        max: the upper bound, likewise.

    >>> clip([-3.0, 0.5, 3.0], -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    return _clip(x, -math.inf if min is None else min, math.inf if max is None else max)


_nan_to_num = define_op(
    "nan_to_num",
    lambda x, *, nan, posinf, neginf: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    lambda g, y, x, *, nan, posinf, neginf: where((x > -math.inf) & (x < math.inf), g, 0),
    reach=Picked(np.isfinite),
)


def nan_to_num(
    x: N | ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> N:
    """Return x with nan and infinities replaced by numbers.

    Derivative: 1 where x is finite, and 0 where it was replaced. As with `where`,
    no nan leaks from what led to an element that was replaced.

    Args:
        x: numbers.
        nan: what replaces nan.
        posinf: what replaces inf; the largest number of the dtype when left out.
        neginf: what replaces -inf; the smallest number of the dtype when left out.

    Raises:
        OperandError: if a replacement is not a number.

    >>> nan_to_num([math.nan, 2.0, math.inf], posinf=9.0).tolist()
    [0.0, 2.0, 9.0]
    """
    settings: dict[str, Any] = {"nan": nan, "posinf": posinf, "neginf": neginf}
    for name, number in settings.items():
        if isinstance(number, Node) or np.ndim(number) != 0:
            raise OperandError(
                f"nan_to_num: {name} has to be a plain number, but came {shown(number)}. "
                "Use where(...) to replace elements by those of another array."
            )
    return _nan_to_num(x, **settings)
