"""Derivatives by differences, which know nothing of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import OperandError


def numerical_gradient(
    f: Callable[[NDArray[Any]], Any], x: NDArray[Any], step: float = 1e-4
) -> NDArray[Any]:
    """Return the gradient of `f` at `x` by central differences, element by element.

    Each element of `x` is changed in place by plus and minus `step` while `f` is
    called, as the book does, so `f` may also read `x` by another way. `x` is
    restored at the end, also when `f` raises.

    Formula: (f(x + h) - f(x - h)) / 2h, with an error of the order of h**2.

    Args:
        f: a function of `x` that gives one number, or a node of one element.
        x: a floating array of any shape.
        step: the h of the formula.

    Raises:
        OperandError: if `x` is not a floating array that can be written to.

    >>> x = np.array([3.0, 4.0])
    >>> numerical_gradient(lambda x: np.sum(x**2), x).round(6)
    array([6., 8.])
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not x.flags.writeable:
        raise OperandError(
            "numerical_gradient: expected a floating array that can be written to, but came "
            f"{x!r:.60}. Use np.array(x, dtype=float)."
        )
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        try:
            x[index] = value + step
            above = _number(f(x))
            x[index] = value - step
            below = _number(f(x))
        finally:
            x[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def _number(result: Any) -> float:
    data: Any = result.data if hasattr(result, "requires_grad") else result
    return float(np.asarray(data).item())
