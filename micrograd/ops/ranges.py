"""What keeps a result that is in range from being lost on the way to it.

Squares and powers leave the range of a dtype where their root is in it; counts
and sums of many elements leave that of float16. So elements are divided by a
power of two as large as the largest of them, which is exact, and float16 is
computed in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from micrograd.ops.axes import as_array


def wide(x: Any) -> Any:
    """Return an array or Tensor of float16 in float32, and any other as it is.

    >>> wide(np.ones(2, np.float16)).dtype, wide(np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    return x.astype(np.float32) if x.dtype.char == "e" else x


def narrow(y: Any, x: Any) -> Any:
    """Return y, which was computed from `wide(x)`, in float16 where x is of float16.

    >>> x = np.ones(2, np.float16)
    >>> narrow(wide(x) * 2, x).dtype
    dtype('float16')
    """
    return y.astype(x.dtype) if x.dtype.char == "e" else y


def divided(g: Any, count: float) -> Any:
    """Return g / count, also where the dtype of g holds no such count, as float16 no 70,000.

    >>> float(divided(np.float16(1), 70_000).round(7))
    1.43e-05
    """
    if count < 2**15:
        return g / count
    root = 2.0 ** (np.frexp(count)[1] // 2)
    return g / root / (count / root)


def magnitude(x: Any, axis: Any) -> Any:
    """Return the power of two next below the largest element along an axis, which is kept.

    Where all are 0, or one is not finite, it is 1.

    >>> magnitude(np.array([3.0, -5.0, 0.0]), 0)
    array([4.])
    """
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    usual = (largest > 0) & (largest < np.inf)
    return np.ldexp(np.ones_like(largest), np.frexp(np.where(usual, largest, 1))[1] - 1)


def is_sound(y: Any, power: float = 1) -> Any:
    """Tell where powers of the size of y, and what is less by a rounding, are in range.

    >>> is_sound(np.array([1e-170, 1.0, np.inf]), 2).tolist()
    [False, True, False]
    """
    least, most = _limits(y.dtype, power)
    return (y > least) & (y < most)


@cache
def _limits(dtype: Any, power: float) -> tuple[float, float]:
    limits, root = np.finfo(dtype), 1 / max(power, 1)
    return float(limits.tiny / limits.eps) ** root, float(limits.max) ** root


def homogeneous(
    function: Callable[..., Any], x: Any, power: float, axis: Any, keepdims: bool
) -> Any:
    """Return function(x), for a function of rows that grows as they do and adds up powers.

    It is computed anew, from smaller or larger elements, where these powers leave the range.

    >>> def root_of_squares(x, keepdims):
    ...     return np.sqrt(np.sum(x * x, -1, keepdims=keepdims))
    >>> float(homogeneous(root_of_squares, [3e-200, 4e-200], 2, -1, keepdims=False))
    5e-200
    """
    given = as_array(x)
    x = wide(given)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        y: Any = function(x, keepdims=keepdims)
        sound = is_sound(y, power)
        if not sound.all() and x.size:
            scale = magnitude(x, axis)
            again = function(x / scale, keepdims=True) * scale
            y = np.where(sound, y, np.reshape(again, np.shape(y)))[()]
        return narrow(y, given)
