"""Functions that make a larger array of one: repeats, tiles, padding, grids."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import along, array_of, axis_of, refuse_mask, shown
from micrograd.ops.indexing import put_add
from micrograd.ops.kinds import A
from micrograd.ops.reach import MOVED
from micrograd.ops.reductions import sum
from micrograd.ops.shape import broadcast_to, reshape

__all__ = ["meshgrid", "pad", "repeat", "tile"]


def _repeat_rule(g: Any, y: Any, x: Any, *, repeats: Any, axis: int) -> Any:
    if isinstance(repeats, int):
        return sum(g.reshape((*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])), axis + 1)
    sources: NDArray[Any] = np.repeat(np.arange(x.shape[axis]), repeats)
    return put_add(g, index=along(axis, sources), shape=x.shape)


_repeat = define_op(
    "repeat",
    lambda x, *, repeats, axis: np.repeat(x, repeats, axis),
    _repeat_rule,
    arrays_only=True,
    reach=MOVED,
)


def repeat(x: A | ArrayLike, repeats: int | Sequence[int], axis: int | None = None) -> A:
    """Return each element of x several times, one after another.

    Args:
        x: an array of any shape.
        repeats: how often, or as many numbers as the axis has elements.
        axis: along which axis; None repeats the elements in one axis.

    Derivative: each element has the sum over its copies.

    Raises:
        ArgumentError: if `repeats` is not made of integers from 0 up.
        ShapeError: if x has no such axis, or `repeats` has another length.

    >>> repeat([1, 2], 2).tolist(), repeat([1, 2], [2, 1]).tolist()
    ([1, 1, 2, 2], [1, 1, 2])
    """
    array = array_of("repeat", x)
    array, axis = (
        (array, axis_of("repeat", axis, array.ndim))
        if axis is not None
        else (reshape(array, -1), 0)
    )
    counts = _counts("repeat", "repeats", repeats)
    if counts.size == 1 and counts.ndim < 2:
        return _repeat(array, repeats=int(counts.item()), axis=axis)
    if counts.shape != array.shape[axis : axis + 1]:
        raise ShapeError(
            f"repeat: repeats of shape {counts.shape} came for {array.shape[axis]} elements along "
            f"axis {axis}. Give one number, or one for each."
        )
    return _repeat(array, repeats=counts, axis=axis)


def _counts(name: str, argument: str, given: Any) -> NDArray[Any]:
    """Return the integers from 0 up that came, as an array of their own."""
    refuse_mask(name, given)
    counts = np.array(given)
    if counts.size == 0:
        return counts.astype(int)
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise ArgumentError(
            f"{name}: {argument} is made of integers from 0 up, but came {shown(given)}."
        )
    return counts


def _tile_rule(g: Any, y: Any, x: Any, *, reps: Any) -> Any:
    """Sum over the copies, each of which is an axis of its own beside that of x."""
    lengths = (1,) * (len(reps) - x.ndim) + x.shape
    apart = g.reshape(tuple(itertools.chain(*zip(reps, lengths, strict=True))))
    return sum(apart, tuple(range(0, apart.ndim, 2))).reshape(x.shape)


_tile = define_op(
    "tile", lambda x, *, reps: np.tile(x, reps), _tile_rule, arrays_only=True, reach=MOVED
)


def tile(x: A | ArrayLike, reps: int | Sequence[int]) -> A:
    """Return copies of x, side by side: `reps` of them along each of the last axes.

    More numbers than x has axes give new axes in front.

    Derivative: each element has the sum over its copies.

    Raises:
        ArgumentError: if `reps` is not made of integers from 0 up.

    >>> tile([1, 2], 2).tolist(), tile([1, 2], (2, 1)).tolist()
    ([1, 2, 1, 2], [[1, 2], [1, 2]])
    """
    array = array_of("tile", x)
    counts = tuple([int(n) for n in np.atleast_1d(_counts("tile", "reps", reps))])
    return _tile(array, reps=(1,) * (array.ndim - len(counts)) + counts)


def _forward_pad(x: Any, *, widths: Any, mode: Any, value: Any) -> Any:
    constant = {"constant_values": value} if mode == "constant" else {}
    return np.pad(x, widths or 0, mode, **constant)  # of no axes, NumPy does not take ()


def _pad_rule(g: Any, y: Any, x: Any, *, widths: Any, mode: Any, value: Any) -> Any:
    """Take the gradient of x itself, and of its copies where the mode makes some."""
    sides = list(zip(x.shape, widths, strict=True))
    if mode == "constant":
        return g[tuple([slice(before, before + n) for n, (before, _) in sides])]
    sources: list[Any] = [np.pad(np.arange(n), pair, mode) for n, pair in sides]
    return put_add(g, index=np.ix_(*sources), shape=x.shape)


_pad = define_op("pad", _forward_pad, _pad_rule, arrays_only=True, reach=MOVED)

_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def pad(x: A | ArrayLike, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> A:
    """Return x with elements added before and after it along its axes.

    Args:
        x: an array of any shape.
        pad_width: how many: a number, a pair (before, after) for every axis, or
            such a pair for each axis.
        mode: which: "constant", "edge" for the outermost element, "reflect" for
            x mirrored at it, "symmetric" for x mirrored beyond it, "wrap" for x
            once more.
        constant_values: of the mode "constant", in any of the forms of `pad_width`.

    Derivative: each element has the sum over its copies; a constant has none.

    Raises:
        ArgumentError: if a width is not an integer from 0 up, or no such mode is.
        OperandError: if a constant requires a gradient.
        ShapeError: if the widths fit no axes, or there is no element to copy.

    >>> pad([1, 2, 3], 1).tolist(), pad([1, 2, 3], (0, 2), "reflect").tolist()
    ([0, 1, 2, 3, 0], [1, 2, 3, 2, 1])
    """
    array = array_of("pad", x)
    widths = _pairs(_counts("pad", "pad_width", pad_width), array)
    if mode not in _MODES:
        raise ArgumentError(f"pad: mode {shown(mode)} is none of {', '.join(_MODES)}.")
    if isinstance(constant_values, Node) and constant_values.requires_grad:
        raise OperandError(
            "pad: constant_values has no gradient, but came a node that requires one. Use its "
            ".detach(), or concatenate it."
        )
    copies = mode != "constant"
    if copies and any(n == 0 and any(pair) for n, pair in zip(array.shape, widths, strict=True)):
        raise ShapeError(
            f"pad: shape {array.shape} has no elements to copy along an axis to be padded. Use the "
            'mode "constant".'
        )
    value = None if copies else np.array(constant_values).tolist()
    return _pad(array, widths=widths, mode=mode, value=value)


def _pairs(widths: NDArray[Any], x: Any) -> tuple[tuple[int, int], ...]:
    try:
        pairs = np.broadcast_to(widths, (x.ndim, 2)).tolist()
    except ValueError:
        raise ShapeError(
            f"pad: pad_width of shape {widths.shape} came for an array of {x.ndim} axes. Give a "
            "number, a pair (before, after), or such a pair for each axis."
        ) from None
    return tuple([(before, after) for before, after in pairs])


def meshgrid(*xs: Any, indexing: str = "xy") -> tuple[Any, ...]:
    """Return the coordinates of every point of a grid, one array for each axis.

    Args:
        xs: the coordinates along each axis, arrays of one axis or none.
        indexing: "ij" for results in the shape of the lengths in order, "xy"
            with the first two exchanged.

    Derivative: each coordinate has the sum over its points.

    Raises:
        ArgumentError: if `indexing` is neither.
        ShapeError: if an array has several axes.

    >>> [grid.tolist() for grid in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f'meshgrid: indexing is "xy" or "ij", but came {shown(indexing)}.')
    lines = [reshape(array_of("meshgrid", x), -1) for x in xs]
    if any(np.ndim(array_of("meshgrid", x)) > 1 for x in xs):
        raise ShapeError("meshgrid: coordinates have one axis, but came an array of several.")
    order = list(range(len(xs)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    shape = tuple([lines[i].shape[0] for i in order])
    return tuple(
        [
            broadcast_to(reshape(line, (-1,) + (1,) * (len(xs) - 1 - order.index(i))), shape)
            for i, line in enumerate(lines)
        ]
    )
