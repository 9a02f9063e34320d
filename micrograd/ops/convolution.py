"""Convolution of images, and the matrix of their windows that the book multiplies."""

from __future__ import annotations

from numpy.typing import ArrayLike

from micrograd.errors import ShapeError
from micrograd.ops.axes import array_of
from micrograd.ops.einsum import einsum
from micrograd.ops.kinds import A
from micrograd.ops.shape import Shape, transpose
from micrograd.ops.windows import (
    Sizes,
    check_fit,
    check_four_axes,
    images,
    settings,
    windows_add,
    windows_of,
)


def im2col(x: A | ArrayLike, filter_h: int, filter_w: int, stride: Sizes = 1, pad: Sizes = 0) -> A:
    """Return the windows of images as the rows of a matrix, as the book's chapter 7 does.

    The matrix has shape (N * out_h * out_w, C * filter_h * filter_w).

    Derivative: `col2im` of the gradient, which adds up what windows share.

    Args:
        x: images of shape (N, C, H, W).
        filter_h: the height of a window.
        filter_w: its width.
        stride: how far apart windows are.
        pad: how many zeros surround an image.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or pad is negative.
        ShapeError: if x has not four axes, or no window fits in.

    >>> im2col([[[[1, 2, 3], [4, 5, 6]]]], 2, 2).tolist()
    [[1, 2, 4, 5], [2, 3, 5, 6]]
    """
    (x,) = images("im2col", x)
    windows = windows_of("im2col", x, (filter_h, filter_w), stride, pad, "pad")
    n, c, rows, columns, height, width = windows.shape
    return transpose(windows, (0, 2, 3, 1, 4, 5)).reshape((n * rows * columns, c * height * width))


def col2im(
    col: A | ArrayLike,
    input_shape: Shape,
    filter_h: int,
    filter_w: int,
    stride: Sizes = 1,
    pad: Sizes = 0,
) -> A:
    """Return the images into which the rows of `im2col` are put back, added where they overlap.

    Derivative: `im2col` of the gradient.

    Args:
        col: a matrix of shape (N * out_h * out_w, C * filter_h * filter_w).
        input_shape: the shape (N, C, H, W) of the images.
        filter_h: the height of a window.
        filter_w: its width.
        stride: how far apart windows are.
        pad: how many rows and columns around the images are left out.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or pad is negative.
        ShapeError: if col is not what `im2col` makes of images of that shape.

    >>> col2im([[1, 2, 4, 5], [2, 3, 5, 6]], (1, 1, 2, 3), 2, 2).tolist()
    [[[[1, 4, 3], [4, 10, 6]]]]
    """
    matrix = array_of("col2im", col)
    shape = tuple(input_shape)
    check_four_axes("col2im", "input_shape", shape)
    size, strides, padding = settings("col2im", (filter_h, filter_w), stride, pad, "pad")
    rows, columns = check_fit("col2im", shape, size, strides, padding)
    n, c = shape[:2]
    expected = (n * rows * columns, c * size[0] * size[1])
    if matrix.shape != expected:
        raise ShapeError(
            f"col2im: col of shape {matrix.shape} came, but images of shape {shape} have {rows} by "
            f"{columns} windows, so that im2col makes shape {expected} of them. Give the "
            "input_shape, filter size, stride and pad that im2col was given."
        )
    windows = transpose(matrix.reshape((n, rows, columns, c, *size)), (0, 3, 1, 2, 4, 5))
    return windows_add(windows, shape=shape, size=size, stride=strides, padding=padding)


def conv2d(
    x: A | ArrayLike,
    w: A | ArrayLike,
    b: A | ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
) -> A:
    """Return the products of every window of the images with every filter, plus a bias.

    The result has shape (N, F, out_h, out_w), where out_h is
    (H + 2 * padding - FH) // stride + 1. Filters are not turned around, as in
    every library of neural networks.

    Derivatives: of w, the windows weighted with the gradient; of x, the
    gradient weighted with w, added where windows overlap; of b, the sum.

    Args:
        x: images of shape (N, C, H, W).
        w: filters of shape (F, C, FH, FW).
        b: a bias for each filter, of shape (F,), or None.
        stride: how far apart windows are.
        padding: how many zeros surround an image.

    Raises:
        ArgumentError: if a stride is no positive integer, or padding is negative.
        ShapeError: if the shapes are others, or a filter does not fit in.

    >>> conv2d([[[[1, 2, 3], [4, 5, 6]]]], [[[[1, 0], [0, 1]]]]).tolist()
    [[[[6, 8]]]]
    """
    batch, filters = images("conv2d", x, w)
    if batch.shape[1] != filters.shape[1]:
        raise ShapeError(
            f"conv2d: x of shape {batch.shape} has {batch.shape[1]} channels, but w of shape "
            f"{filters.shape} is for {filters.shape[1]}. Expected x of shape (N, C, H, W) and w of "
            "shape (F, C, FH, FW)."
        )
    windows = windows_of("conv2d", batch, filters.shape[2:], stride, padding)
    y = einsum("nchwij,fcij->nfhw", windows, filters)
    if b is None:
        return y
    bias = array_of("conv2d", b)
    if bias.shape != filters.shape[:1]:
        raise ShapeError(
            f"conv2d: b of shape {bias.shape} came for w of shape {filters.shape}. Expected one "
            f"bias for each filter, shape {filters.shape[:1]}."
        )
    return y + bias.reshape((bias.shape[0], 1, 1))


__all__ = ["col2im", "conv2d", "im2col"]
