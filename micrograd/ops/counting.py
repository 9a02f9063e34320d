"""Functions that find and count elements: constants, which have no gradient.

They take Tensors as they take arrays, and give plain numbers and arrays, as
comparisons do; the result can stand in an index or in a condition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.errors import OperandError, ShapeError
from micrograd.ops.axes import array_of, shown
from micrograd.ops.reductions import Axis


def _of_data(function: Callable[..., Any], x: Any, axis: Axis, keepdims: bool) -> Any:
    name = function.__name__
    x = array_of(name, x)
    x = x._data if isinstance(x, Node) else x
    try:
        return function(x, axis=axis, keepdims=keepdims)
    except (ValueError, TypeError) as error:
        kind = ShapeError if isinstance(error, ValueError) else OperandError
        raise kind(
            f"{name}: cannot take an array of shape {np.shape(x)} with axis={shown(axis)}. "
            f"Expected an axis that it has, and elements along it. NumPy says: {error}"
        ) from error


def argmax(x: ArrayLike | Node, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the largest element along `axis`, or of all elements in a row.

    Of elements that tie, it is the first one's. Derivative: none; it is a
    plain number or array.

    Raises:
        ShapeError: if x has no such axis, or no elements along it.

    >>> int(argmax([1.0, 3.0, 2.0]))
    1
    """
    return _of_data(np.argmax, x, axis, keepdims)


def argmin(x: ArrayLike | Node, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the smallest element along `axis`, or of all elements in a row.

    Of elements that tie, it is the first one's. Derivative: none; it is a
    plain number or array.

    Raises:
        ShapeError: if x has no such axis, or no elements along it.

    >>> int(argmin([1.0, 3.0, 2.0]))
    0
    """
    return _of_data(np.argmin, x, axis, keepdims)


def count_nonzero(x: ArrayLike | Node, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return how many elements along `axis` are not zero.

    Derivative: none; it is a plain number or array.

    Raises:
        ShapeError: if x has no such axis.

    >>> int(count_nonzero([1.0, 0.0, 2.0]))
    2
    """
    return _of_data(np.count_nonzero, x, axis, keepdims)


def all(x: ArrayLike | Node, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether all elements along `axis` are true, which every number but zero is.

    Derivative: none; it is a plain truth value or array of them.

    Raises:
        ShapeError: if x has no such axis.

    >>> bool(all([1.0, 0.0, 2.0]))
    False
    """
    return _of_data(np.all, x, axis, keepdims)


def any(x: ArrayLike | Node, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether any element along `axis` is true, which every number but zero is.

    Derivative: none; it is a plain truth value or array of them.

    Raises:
        ShapeError: if x has no such axis.

    >>> bool(any([1.0, 0.0, 2.0]))
    True
    """
    return _of_data(np.any, x, axis, keepdims)


__all__ = ["all", "any", "argmax", "argmin", "count_nonzero"]
