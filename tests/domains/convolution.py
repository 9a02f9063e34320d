"""The domains of the operations of this family: convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.core.op import registry
from micrograd.ops import windows
from micrograd.testing import Sample
from micrograd.testing.samples import Array
from tests.domains.building import Draw, Entry, Shape, Singular, anywhere, generator

Pair = tuple[int, int]


def starts(shape: Shape, size: Pair, stride: Pair, padding: Pair) -> list[list[int]]:
    """Return where windows start in a padded image: the rows, and the columns."""
    return [
        list(range(0, n + 2 * p - k + 1, s))
        for n, k, s, p in zip(shape[-2:], size, stride, padding, strict=True)
    ]


def naive_windows(x: Array, *, size: Pair, stride: Pair, padding: Pair, fill: float) -> Array:
    """Return the windows of images, cut out one by one."""
    (top, left), (height, width) = padding, x.shape[-2:]
    padded = np.full((*x.shape[:-2], height + 2 * top, width + 2 * left), fill, x.dtype)
    padded[..., top : top + height, left : left + width] = x
    rows, columns = starts(x.shape, size, stride, padding)
    y = np.zeros((*x.shape[:-2], len(rows), len(columns), *size), x.dtype)
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            y[..., i, k, :, :] = padded[..., row : row + size[0], column : column + size[1]]
    return y


def naive_windows_add(y: Array, *, shape: Shape, size: Pair, stride: Pair, padding: Pair) -> Array:
    """Return the images in which each window was added in its place."""
    (top, left), (height, width) = padding, shape[-2:]
    whole = np.zeros((*shape[:-2], height + 2 * top, width + 2 * left), y.dtype)
    rows, columns = starts(shape, size, stride, padding)
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            part = whole[..., row : row + size[0], column : column + size[1]]
            part += y[..., i, k, :, :]
    return whole[..., top : top + height, left : left + width]


def draw_settings(draw: Draw, smallest: int) -> tuple[Shape, dict[str, Any]]:
    """Draw the shape of images and how windows lie in them, in each direction."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size, stride = draw(pair), draw(pair)
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    sides = [
        draw(st.integers(max(1, k - 2 * p), k + 2)) for k, p in zip(size, padding, strict=True)
    ]
    batch = draw(st.tuples(st.integers(smallest, 2), st.integers(smallest, 2)))
    return (*batch, *sides), {"size": size, "stride": stride, "padding": padding}


def draw_windows(draw: Draw, smallest: int) -> Sample:
    shape, settings = draw_settings(draw, smallest)
    settings["fill"] = draw(st.sampled_from([0, -1.5]))
    return Sample(
        lambda x: registry["windows"](x, **settings),
        lambda x: naive_windows(x, **settings),
        (anywhere(generator(draw), shape),),
        settings,
    )


def draw_windows_add(draw: Draw, smallest: int) -> Sample:
    shape, settings = draw_settings(draw, smallest)
    rows, columns = starts(shape, **settings)
    part = (*shape[:2], len(rows), len(columns), *settings["size"])
    settings["shape"] = shape
    return Sample(
        lambda y: windows.windows_add(y, **settings),
        lambda y: naive_windows_add(y, **settings),
        (anywhere(generator(draw), part),),
        settings,
    )


TABLE: dict[str, Entry] = {
    "windows": Entry(draw_windows),
    "windows_add": Entry(draw_windows_add),
}

SINGULAR: list[Singular] = []


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""
    functional = torch.nn.functional

    def torch_windows(x: Any, *, size: Pair, stride: Pair, padding: Pair, fill: float) -> Any:
        (top, left) = padding
        padded = functional.pad(x, (left, left, top, top), value=fill)
        return padded.unfold(2, size[0], stride[0]).unfold(3, size[1], stride[1])

    def torch_windows_add(y: Any, *, shape: Shape, size: Pair, stride: Pair, padding: Pair) -> Any:
        n, c, rows, columns = y.shape[:4]
        flat = y.permute(0, 1, 4, 5, 2, 3).reshape(n, c * size[0] * size[1], rows * columns)
        return functional.fold(flat, shape[2:], size, padding=padding, stride=stride)

    return {"windows": torch_windows, "windows_add": torch_windows_add}
