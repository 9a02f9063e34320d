"""Functions that put elements in another order, and the difference of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, ShapeError
from micrograd.ops.axes import along, array_of, axes_of, axis_of, shown
from micrograd.ops.kinds import A
from micrograd.ops.reach import MOVED
from micrograd.ops.shape import transpose

__all__ = ["diff", "flip", "fliplr", "flipud", "roll", "rot90"]
Axes = int | Sequence[int]


_flip = define_op(
    "flip",
    lambda x, *, axis: np.flip(x, axis),
    lambda g, y, x, *, axis: flip(g, axis),
    arrays_only=True,
    reach=MOVED,
)


def flip(x: A | ArrayLike, axis: Axes | None = None) -> A:
    """Return x with its elements in reverse along one axis, several, or all when None.

    Derivative: the gradient, reversed likewise.

    Raises:
        ShapeError: if x has no such axis.

    >>> flip([[1, 2], [3, 4]], 0).tolist()
    [[3, 4], [1, 2]]
    """
    array = array_of("flip", x)
    return _flip(array, axis=None if axis is None else axes_of("flip", axis, array.ndim))


def fliplr(x: A | ArrayLike) -> A:
    """Return x, of two axes or more, with its columns in reverse.

    Derivative: the gradient, reversed likewise.

    Raises:
        ShapeError: if x has no second axis.

    >>> fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    array = array_of("fliplr", x)
    return _flip(array, axis=(axis_of("fliplr", 1, array.ndim),))


def flipud(x: A | ArrayLike) -> A:
    """Return x, of one axis or more, with its rows in reverse.

    Derivative: the gradient, reversed likewise.

    Raises:
        ShapeError: if x has no axis.

    >>> flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    array = array_of("flipud", x)
    return _flip(array, axis=(axis_of("flipud", 0, array.ndim),))


def rot90(x: A | ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> A:
    """Return x turned k times by 90 degrees in a plane, from the first axis to the second.

    Derivative: the gradient, turned back.

    Raises:
        ShapeError: if x has no such axes, or `axes` are not two.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    array = array_of("rot90", x)
    plane = axes_of("rot90", axes, array.ndim)
    if len(plane) != 2:
        raise ShapeError(f"rot90: a plane has two axes, but came {axes}.")
    turns, (first, second) = k % 4, plane
    if turns in (0, 2):
        return _flip(array, axis=plane if turns else ())
    order = list(range(array.ndim))
    order[first], order[second] = second, first
    if turns == 1:
        return transpose(_flip(array, axis=(second,)), order)
    return _flip(transpose(array, order), axis=(second,))


def _negated(shift: int | tuple[int, ...]) -> int | tuple[int, ...]:
    return tuple([-n for n in shift]) if isinstance(shift, tuple) else -shift


_roll = define_op(
    "roll",
    lambda x, *, shift, axis: np.roll(x, shift, axis),
    lambda g, y, x, *, shift, axis: _roll(g, shift=_negated(shift), axis=axis),
    arrays_only=True,
    reach=MOVED,
)


def roll(x: A | ArrayLike, shift: Axes, axis: Axes | None = None) -> A:
    """Return x with its elements moved along; what falls off one end comes in at the other.

    Args:
        x: an array of any shape.
        shift: by how many places, or a tuple of them, one for each axis.
        axis: an axis or several, an axis named twice being moved along twice;
            None moves the elements as if they were in one axis.

    Derivative: the gradient, moved back.

    Raises:
        ShapeError: if x has no such axis, or `shift` and `axis` differ in number.

    >>> roll([1, 2, 3, 4], 1).tolist()
    [4, 1, 2, 3]
    """
    return _roll(x, shift=_integers("shift", shift), axis=_integers("axis", axis))


def _integers(name: str, given: Any) -> Any:
    if given is None:
        return None
    if np.asarray(given).dtype.kind not in "iu":
        raise ArgumentError(f"roll: {name} is an integer or several, but came {shown(given)}.")
    return tuple([int(n) for n in given]) if np.iterable(given) else int(given)


def diff(x: A | ArrayLike, n: int = 1, axis: int = -1) -> A:
    """Return each element less the one before it along `axis`, and so on n times.

    Derivative: for n = 1, each element has that of the difference it ends
    less that of the one it starts.

    Raises:
        ArgumentError: if n is negative.
        ShapeError: if x has no such axis.

    >>> diff([1, 4, 9, 16]).tolist(), diff([1, 4, 9, 16], 2).tolist()
    ([3, 5, 7], [2, 2])
    """
    array = array_of("diff", x)
    if n < 0:
        raise ArgumentError(f"diff: n is how often to take differences, but came {n}. Give 0 up.")
    axis = axis_of("diff", axis, array.ndim)
    for _ in range(n):
        array = array[along(axis, slice(1, None))] - array[along(axis, slice(None, -1))]
    return array
