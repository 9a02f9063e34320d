"""What functions of arrays ask of their arguments before they compute: an array, an axis."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import Node
from micrograd.errors import OperandError, ShapeError

_ARRAY = np.ndarray  # a name of its own, since every call asks for it


def as_array(x: Any) -> Any:
    """Return x as an array, and a symbol as one that stands for an array.

    >>> as_array([1, 2])
    array([1, 2])
    """
    if x.__class__ is _ARRAY:
        return x
    if x.__class__ is list and any([isinstance(item, Symbolic) for item in x]):
        return as_array(np.stack(x))
    return x.as_array() if isinstance(x, Symbolic) else np.asarray(x)


def zeros(shape: Any, dtype: Any, x: Any) -> Any:
    """Return zeros to write to what is computed from x, be it an array or a symbol.

    >>> zeros(2, float, np.ones(1))
    array([0., 0.])
    """
    if x.__class__ is _ARRAY or not isinstance(x, Symbolic):
        return np.zeros(shape, dtype)
    return np.zeros(shape, dtype, like=x)  # pyright: ignore


def array_of(name: str, x: Any) -> Any:
    """Return x, a Tensor as it is and anything else as an array; refuse a Value.

    >>> array_of("flip", [1, 2]).shape
    (2,)
    """
    if x.__class__ is np.ndarray:
        return x
    if not isinstance(x, Node):
        refuse_mask(name, x)
        return as_array(x)
    if x._is_number:
        raise no_value(name)
    return x


def refuse_mask(name: str, x: Any) -> None:
    """Refuse a masked array, whose mask would be lost.

    >>> refuse_mask("sum", np.ma.array([1.0, 2.0], mask=[False, True]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    micrograd.errors.OperandError: sum: came a masked array, whose mask would be lost. Give its ...
    """
    if hasattr(x, "mask") and hasattr(x, "filled"):
        raise OperandError(
            f"{name}: came a masked array, whose mask would be lost. Give its .filled(...), or "
            "use where(mask, ...)."
        )


def plain(x: Any) -> Any:
    """Return the array of a node, and anything else as an array, with no graph.

    >>> plain([1, 2])
    array([1, 2])
    """
    return as_array(x._data if isinstance(x, Node) else x)


def no_value(name: str) -> OperandError:
    """Return the error for a Value that came where an operation takes arrays.

    >>> no_value("flip")
    OperandError('flip: takes arrays, but came a Value, which is one number. Use Tensors.')
    """
    return OperandError(
        f"{name}: takes arrays, but came a Value, which is one number. Use Tensors."
    )


def shown(value: Any) -> str:
    """Return what came, for a message: what is long, or an array, by its size only.

    >>> shown([0] * 1000), shown(np.ones((30, 30))), shown("ij")
    ('a list of length 1000', 'an array of shape (30, 30)', "'ij'")
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and not isinstance(value, np.generic):
        kind = "array" if isinstance(value, np.ndarray) else type(value).__name__
        return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind} of shape {shape}"
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        if len(items) > 8 or any(np.iterable(item) for item in items):
            return f"a {type(items).__name__} of length {len(items)}"
    return f"{value!r:.60}"


def arrays_of(name: str, arrays: Any, least: int = 1) -> list[Any]:
    """Return each of a list of arrays as `array_of` does; refuse fewer than `least`.

    >>> [x.shape for x in arrays_of("hstack", [[1, 2], 3])]
    [(2,), ()]
    """
    number = "one or more" if least == 1 else "two or more"
    if isinstance(arrays, Node) or not hasattr(arrays, "__len__") or len(arrays) < least:
        kind = ShapeError if hasattr(arrays, "__len__") else OperandError
        raise kind(
            f"{name}: expected a list of {number} arrays, but came {shown(arrays)}. Give the parts "
            "in a list, as in [a, b]; list(x) makes one of the rows of an array."
        )
    return [array_of(name, x) for x in arrays]


def axis_of(name: str, axis: Any, ndim: int) -> int:
    """Return an axis, which may be negative, counted from the first.

    >>> axis_of("split", -1, 3)
    2
    """
    try:
        place = operator.index(axis)
    except TypeError:
        raise OperandError(
            f"{name}: an axis is an integer, but came {shown(axis)}. Give its number."
        ) from None
    if not -ndim <= place < ndim:
        expected = f"Give one from {-ndim} to {ndim - 1}." if ndim else "One number has none."
        raise ShapeError(f"{name}: axis {place} came for an array of {ndim} axes. {expected}")
    return place % ndim


def axes_of(name: str, axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return one axis or several, all different, counted from the first.

    >>> axes_of("squeeze", (0, -1), 3)
    (0, 2)
    """
    several = cast("Sequence[Any]", axes) if np.iterable(axes) else (axes,)
    places = tuple([axis_of(name, axis, ndim) for axis in several])
    if len(set(places)) < len(places):
        raise ShapeError(f"{name}: axes {axes} name one axis several times. Give each once.")
    return places


def integers_of(name: str, indices: Any) -> Any:
    """Return indices, or places to cut at, as an array of integers.

    >>> integers_of("take", [0, 2])
    array([0, 2])
    """
    refuse_mask(name, indices)
    array = as_array(indices)
    if array.size and array.dtype.kind not in "iu":
        raise OperandError(
            f"{name}: indices are integers, but came {array.dtype}. Index with [ ] for a mask."
        )
    return array if array.size else array.astype(np.intp)


def integer(name: str, what: str, number: Any) -> int:
    """Return a setting that has to be an integer.

    >>> integer("diag", "k", np.int64(1))
    1
    """
    try:
        return operator.index(number)
    except TypeError:
        raise OperandError(
            f"{name}: {what} is an integer, but came {shown(number)}. Give a whole number."
        ) from None


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """Return an index that picks `index` along an axis, and everything along those before.

    >>> along(1, 0)
    (slice(None, None, None), 0)
    """
    return (slice(None),) * axis + (index,)
