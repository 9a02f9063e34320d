"""Pooling of images: one element for every window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.errors import ArgumentError
from micrograd.ops.kinds import A
from micrograd.ops.reductions import max as max_of
from micrograd.ops.reductions import mean
from micrograd.ops.windows import (
    Sizes,
    images,
    pair,
    windows_of,
)


def max_pool2d(
    x: A | ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0
) -> A:
    """Return the largest element of every window of the images.

    Derivative: 1 for the largest element of a window and 0 for the others; n
    elements that tie have 1 / n each. What windows share gets the sum.

    Args:
        x: images of shape (N, C, H, W).
        kernel_size: the height and width of a window.
        stride: how far apart windows are; the kernel size, when left out.
        padding: how many rows and columns surround an image, which are never
            the largest; less than the kernel size.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or the
            padding is negative or not less than the kernel size.
        ShapeError: if x has not four axes, or no window fits in.

    >>> max_pool2d([[[[1, 2, 5, 6], [3, 4, 8, 7]]]], 2).tolist()
    [[[[4, 8]]]]
    """
    return max_of(_pooled("max_pool2d", x, kernel_size, stride, padding, -np.inf), axis=(-2, -1))


def avg_pool2d(
    x: A | ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0
) -> A:
    """Return the mean of every window of the images.

    Derivative: 1 / n for each of the n elements of a window. What windows share
    gets the sum.

    Args:
        x: images of shape (N, C, H, W).
        kernel_size: the height and width of a window.
        stride: how far apart windows are; the kernel size, when left out.
        padding: how many zeros surround an image, which count; less than the
            kernel size.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or the
            padding is negative or not less than the kernel size.
        ShapeError: if x has not four axes, or no window fits in.

    >>> avg_pool2d([[[[1, 2, 5, 6], [3, 4, 8, 7]]]], 2).tolist()
    [[[[2.5, 6.5]]]]
    """
    return mean(_pooled("avg_pool2d", x, kernel_size, stride, padding, 0), axis=(-2, -1))


def _pooled(
    name: str, x: Any, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, fill: float
) -> Any:
    """Return the windows of a pooling, each of which has an element of the image."""
    (x,) = images(name, x)
    size = pair(name, "kernel_size", kernel_size, 1)
    pads = pair(name, "padding", padding, 0)
    if any(pad >= length for pad, length in zip(pads, size, strict=True)):
        raise ArgumentError(
            f"{name}: padding={padding!r} came for kernel_size={kernel_size!r}, so that windows "
            "would lie outside the image. Choose a padding less than the kernel size."
        )
    return windows_of(name, x, size, size if stride is None else stride, pads, fill=fill)


__all__ = ["avg_pool2d", "max_pool2d"]
