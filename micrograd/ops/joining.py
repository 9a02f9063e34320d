"""Functions that take an array apart, or put several together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.errors import ArgumentError, ShapeError
from micrograd.ops.axes import along, array_of, arrays_of, axis_of, integers_of, shown
from micrograd.ops.kinds import N
from micrograd.ops.reshaping import atleast_1d, atleast_2d, atleast_3d
from micrograd.ops.shape import concatenate, reshape

__all__ = [
    "array_split",
    "column_stack",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "vsplit",
    "vstack",
]

Sections = int | Sequence[int]


def split(x: N | ArrayLike, indices_or_sections: Sections, axis: int = 0) -> list[N]:
    """Return the parts of x along an axis, as a list.

    Args:
        x: an array of one axis or more.
        indices_or_sections: the number of parts, all of one length, or where
            each part but the first begins.
        axis: along which axis.

    Derivative: each part's gradient, put back in its place.

    Raises:
        ArgumentError: if there is no such number of equal parts.
        OperandError: if a part begins at what is no integer.
        ShapeError: if x has no such axis.

    >>> [part.tolist() for part in split(np.arange(4), 2)]
    [[0, 1], [2, 3]]
    """
    return _split("split", x, indices_or_sections, axis, equal=True)


def array_split(x: N | ArrayLike, indices_or_sections: Sections, axis: int = 0) -> list[N]:
    """Return the parts of x along an axis, the first of them one longer where they have to be.

    The arguments are those of `split`.

    Derivative: each part's gradient, put back in its place.

    Raises:
        ArgumentError: if the number of parts is not 1 or more.
        ShapeError: if x has no such axis.

    >>> [part.tolist() for part in array_split(np.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    return _split("array_split", x, indices_or_sections, axis, equal=False)


def hsplit(x: N | ArrayLike, indices_or_sections: Sections) -> list[N]:
    """Return the parts of x along its columns: the second axis, or the only one.

    Arguments, derivative and errors are those of `split`.

    >>> [part.tolist() for part in hsplit([[0, 1], [2, 3]], 2)]
    [[[0], [2]], [[1], [3]]]
    """
    array = array_of("hsplit", x)
    return _split("hsplit", array, indices_or_sections, int(array.ndim > 1), equal=True)


def vsplit(x: N | ArrayLike, indices_or_sections: Sections) -> list[N]:
    """Return the parts of x, of two axes or more, along its rows.

    Arguments, derivative and errors are those of `split`.

    >>> [part.tolist() for part in vsplit([[0, 1], [2, 3]], 2)]
    [[[0, 1]], [[2, 3]]]
    """
    array = array_of("vsplit", x)
    axis_of("vsplit", 1, array.ndim)  # NumPy asks for rows, not for elements
    return _split("vsplit", array, indices_or_sections, 0, equal=True)


def _split(name: str, x: Any, sections: Any, axis: int, equal: bool) -> list[Any]:
    x = array_of(name, x)
    axis = axis_of(name, axis, x.ndim)
    length = x.shape[axis]
    if np.iterable(sections) and not isinstance(sections, str):
        places = integers_of(name, sections)
        if places.ndim != 1:
            raise ShapeError(
                f"{name}: the places to cut at are one list of integers, but came shape "
                f"{places.shape}. Give [i, j] to cut before elements i and j."
            )
        bounds = [0, *places.tolist(), length]
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        parts[-1] = slice(bounds[-2], None)
    else:
        bounds = _even_bounds(name, length, sections, equal)
        parts = [slice(a, b) for a, b in pairwise(bounds)]
    return [x[along(axis, part)] for part in parts]


def _even_bounds(name: str, length: int, number: Any, equal: bool) -> list[int]:
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise ArgumentError(f"{name}: the number of parts is 1 or more, but came {shown(number)}.")
    if equal and length % number:
        raise ArgumentError(
            f"{name}: {length} elements do not make {number} equal parts. Use array_split, or "
            "tell where the parts begin."
        )
    size, longer = divmod(length, number)
    return [i * size + min(i, longer) for i in range(number + 1)]


def hstack(arrays: Sequence[N | ArrayLike]) -> N:
    """Return the arrays joined along their columns: the second axis, or the only one.

    Derivative: each array takes its own part of the gradient.

    Raises:
        ShapeError: if they differ along another axis, or no array came.

    >>> hstack([[1, 2], [3]]).tolist(), hstack([[[1], [2]], [[3], [4]]]).tolist()
    ([1, 2, 3], [[1, 3], [2, 4]])
    """
    parts = _prepared("hstack", arrays, atleast_1d)
    return concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


def vstack(arrays: Sequence[N | ArrayLike]) -> N:
    """Return the arrays joined along their rows; an array of one axis is a row.

    Derivative: each array takes its own part of the gradient.

    Raises:
        ShapeError: if they differ along another axis, or no array came.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate(_prepared("vstack", arrays, atleast_2d), axis=0)


def dstack(arrays: Sequence[N | ArrayLike]) -> N:
    """Return the arrays joined along the third axis, as `atleast_3d` makes it.

    Derivative: each array takes its own part of the gradient.

    Raises:
        ShapeError: if they differ along another axis, or no array came.

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate(_prepared("dstack", arrays, atleast_3d), axis=2)


def column_stack(arrays: Sequence[N | ArrayLike]) -> N:
    """Return the arrays joined as columns; an array of one axis is a column.

    Derivative: each array takes its own part of the gradient.

    Raises:
        ShapeError: if they differ along another axis, or no array came.

    >>> column_stack([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    return concatenate(_prepared("column_stack", arrays, _as_column), axis=1)


def _as_column(x: Any) -> Any:
    return x if x.ndim > 1 else reshape(x, (*x.shape, 1, 1)[:2])


def _prepared(name: str, arrays: Any, prepare: Callable[[Any], Any]) -> list[Any]:
    return [prepare(x) for x in arrays_of(name, arrays)]
