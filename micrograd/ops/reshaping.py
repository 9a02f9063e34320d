"""Functions that give axes another place, add some of length 1, or take them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.errors import ShapeError
from micrograd.ops.axes import array_of, axes_of
from micrograd.ops.kinds import A
from micrograd.ops.shape import reshape, transpose

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "expand_dims",
    "moveaxis",
    "ravel",
    "squeeze",
]
Axes = int | Sequence[int]


def ravel(x: A | ArrayLike) -> A:
    """Return the elements in one axis, the last axis of x running fastest.

    Derivative: the gradient in the shape of x.

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return reshape(x, -1)


def moveaxis(x: A | ArrayLike, source: Axes, destination: Axes) -> A:
    """Return x with one axis, or several, in other places; the rest keep their order.

    Derivative: the gradient with its axes put back.

    Raises:
        ShapeError: if x has no such axis, one comes twice, or the numbers of
            axes and places differ.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    array = array_of("moveaxis", x)
    sources = axes_of("moveaxis", source, array.ndim)
    places = axes_of("moveaxis", destination, array.ndim)
    if len(sources) != len(places):
        raise ShapeError(
            f"moveaxis: {len(sources)} axes came for {len(places)} places. Give as many places."
        )
    order = [axis for axis in range(array.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(array, tuple(order))


def expand_dims(x: A | ArrayLike, axis: Axes) -> A:
    """Return x with new axes of length 1 at the places `axis` of the result.

    Derivative: the gradient in the shape of x.

    Raises:
        ShapeError: if the result has no such axis, or one comes twice.

    >>> expand_dims([1, 2], 0).shape, expand_dims([1, 2], (0, -1)).shape
    ((1, 2), (1, 2, 1))
    """
    array = array_of("expand_dims", x)
    ndim = array.ndim + np.size(axis)
    new = axes_of("expand_dims", axis, ndim)
    lengths = iter(array.shape)
    return reshape(array, tuple([1 if place in new else next(lengths) for place in range(ndim)]))


def squeeze(x: A | ArrayLike, axis: Axes | None = None) -> A:
    """Return x without axes of length 1: those that `axis` names, or all.

    Derivative: the gradient in the shape of x.

    Raises:
        ShapeError: if x has no such axis, or its length is not 1.

    >>> squeeze(np.zeros((1, 3, 1))).shape, squeeze(np.zeros((1, 3, 1)), 0).shape
    ((3,), (3, 1))
    """
    array = array_of("squeeze", x)
    if axis is None:
        gone = tuple([i for i, n in enumerate(array.shape) if n == 1])
    else:
        gone = axes_of("squeeze", axis, array.ndim)
    for i in gone:
        if array.shape[i] != 1:
            raise ShapeError(
                f"squeeze: axis {i} of shape {array.shape} has length {array.shape[i]}, not 1. "
                "Leave it out, or index it to take one element."
            )
    return reshape(array, tuple([n for i, n in enumerate(array.shape) if i not in gone]))


def atleast_1d(*arrays: Any) -> Any:
    """Return x with one axis if it has none; of several arrays, a tuple.

    Derivative: the gradient in the shape of x.

    >>> atleast_1d(3.0).tolist()
    [3.0]
    """
    return _each(arrays, "atleast_1d", lambda shape: shape or (1,))


def atleast_2d(*arrays: Any) -> Any:
    """Return x with two axes or more: a row of one axis; of several arrays, a tuple.

    Derivative: the gradient in the shape of x.

    >>> atleast_2d([1, 2]).tolist()
    [[1, 2]]
    """
    return _each(arrays, "atleast_2d", lambda shape: (1,) * (2 - len(shape)) + shape)


def atleast_3d(*arrays: Any) -> Any:
    """Return x with three axes or more; of several arrays, a tuple.

    As in NumPy, shape (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1).

    Derivative: the gradient in the shape of x.

    >>> atleast_3d([1, 2]).shape
    (1, 2, 1)
    """
    return _each(arrays, "atleast_3d", _in_three_axes)


def _in_three_axes(shape: Any) -> Any:
    rows_and_columns = (1,) * (2 - len(shape)) + shape
    return shape if len(shape) > 2 else (*rows_and_columns, 1)


def _each(arrays: tuple[Any, ...], name: str, shape_for: Any) -> Any:
    """Return each array in the shape that follows from its own; a single one as it is."""
    given = [array_of(name, x) for x in arrays]
    results = tuple([reshape(x, shape_for(x.shape)) for x in given])
    return results[0] if len(results) == 1 else results
