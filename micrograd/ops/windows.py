"""All windows of an image, of which convolution and pooling are made.

Images have shape (N, C, H, W): samples, channels, rows, columns. A window has
the size of the filter; `stride` is how far apart windows are, and `padding` how
many rows and columns are added on every side. Both are one number, or a pair
for rows and columns.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import array_of, zeros
from micrograd.ops.reach import MOVED
from micrograd.ops.shape import Shape

Pair = tuple[int, int]
Sizes = int | tuple[int, int]


def _forward_windows(x: Any, *, size: Pair, stride: Pair, padding: Pair, fill: float) -> Any:
    if padding != (0, 0):
        if fill and x.dtype.kind != "f":  # -inf is no integer and no boolean
            fill = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else 0
        sides = [(0, 0)] * (x.ndim - 2) + [(n, n) for n in padding]
        x = np.pad(x, sides, constant_values=fill)
    every = sliding_window_view(x, size, axis=(-2, -1))  # pyright: ignore[reportCallIssue, reportUnknownVariableType, reportArgumentType]
    return every[..., :: stride[0], :: stride[1], :, :]


def _windows_rule(
    g: Any, y: Any, x: Any, *, size: Pair, stride: Pair, padding: Pair, fill: float
) -> Any:
    return windows_add(g, shape=x.shape, size=size, stride=stride, padding=padding)


def _forward_windows_add(
    x: Any, *, shape: Shape, size: Pair, stride: Pair, padding: Pair
) -> NDArray[Any]:
    (top, left), (height, width) = padding, shape[-2:]
    whole = zeros((*shape[:-2], height + 2 * top, width + 2 * left), x.dtype, x)
    rows, columns = ((n - 1) * s + 1 for n, s in zip(x.shape[-4:-2], stride, strict=True))
    for i in range(size[0]):
        for k in range(size[1]):
            whole[..., i : i + rows : stride[0], k : k + columns : stride[1]] += x[..., i, k]
    return whole[..., top : top + height, left : left + width]


def _windows_add_rule(
    g: Any, y: Any, x: Any, *, shape: Shape, size: Pair, stride: Pair, padding: Pair
) -> Any:
    return _windows(g, size=size, stride=stride, padding=padding, fill=0)


_windows = define_op("windows", _forward_windows, _windows_rule, arrays_only=True, reach=MOVED)

windows_add = define_op(
    "windows_add",
    _forward_windows_add,
    _windows_add_rule,
    symbol="Σ windows",
    arrays_only=True,
    reach=MOVED,
)


def windows_of(
    name: str,
    x: Any,
    size: Any,
    stride: Sizes,
    padding: Sizes,
    pad_name: str = "padding",
    fill: float = 0,
) -> Any:
    """Return the windows, of shape (N, C, out_h, out_w, height, width), of checked images."""
    size, strides, pads = settings(name, size, stride, padding, pad_name)
    check_fit(name, x.shape, size, strides, pads)
    return _windows(x, size=size, stride=strides, padding=pads, fill=fill)


def images(name: str, x: Any, w: Any = None) -> list[Any]:
    """Return images, and filters if there are any, as nodes or arrays of four axes."""
    given = [x] if w is None else [x, w]
    arrays = [array_of(name, array) for array in given]
    for which, array in zip("xw", arrays, strict=False):
        check_four_axes(name, which, array.shape)
    return arrays


def check_four_axes(name: str, which: str, shape: Shape) -> None:
    if len(shape) != 4:
        meant = "filters (F, C, FH, FW)" if which == "w" else "images (N, C, H, W)"
        raise ShapeError(
            f"{name}: {which} has shape {shape}, but expected four axes, {meant}. A single image "
            "is a batch of one: x[None], or x[None, None] without a channel axis."
        )


def settings(
    name: str, size: Any, stride: Any, padding: Any, pad_name: str
) -> tuple[Pair, Pair, Pair]:
    return (
        pair(name, "the size of a window", size, 1),
        pair(name, "stride", stride, 1),
        pair(name, pad_name, padding, 0),
    )


def pair(name: str, which: str, given: Any, least: int) -> Pair:
    """Return one integer, or two for rows and columns, as two."""
    try:
        rows, columns = given if np.ndim(given) else (given, given)
        pair = index(rows), index(columns)
    except (TypeError, ValueError):
        raise OperandError(
            f"{name}: {which} has to be an integer, or a pair of them for rows and columns, but "
            f"came {given!r}."
        ) from None
    if min(pair) < least:
        raise ArgumentError(f"{name}: {which} has to be at least {least}, but came {given!r}.")
    return pair


def check_fit(name: str, shape: Shape, size: Pair, stride: Pair, padding: Pair) -> Pair:
    """Return how many windows there are in each direction, of which one has to fit."""
    padded = [n + 2 * p for n, p in zip(shape[-2:], padding, strict=True)]
    if any(k > n for k, n in zip(size, padded, strict=True)):
        raise ShapeError(
            f"{name}: a window of {size[0]} by {size[1]} does not fit into images of "
            f"{padded[0]} by {padded[1]}, padding included; they have shape {shape}. Choose a "
            "smaller window or more padding."
        )
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(padded, size, stride, strict=True))
    return rows, columns
