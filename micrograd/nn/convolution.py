"""Layers for images of shape (N, C, H, W): convolution and pooling, and what follows them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from micrograd import ops
from micrograd.engine.tensor import Tensor
from micrograd.nn.init import Initializer, generator, he_normal, zeros
from micrograd.nn.inputs import positive, weights, wrong_shape
from micrograd.nn.module import Module
from micrograd.ops.axes import array_of
from micrograd.ops.windows import Sizes, pair


class Conv2d(Module):
    """The products of every window of the images with every filter, plus a bias.

    Images of shape (N, in_channels, H, W) become (N, out_channels, out_h, out_w)
    with out_h = (H + 2 * padding - kernel height) // stride + 1.

    Args:
        in_channels: the channels of an image.
        out_channels: how many filters there are.
        kernel_size: the height and width of a filter: an integer, or a pair.
        stride: how far apart windows are.
        padding: how many zeros surround an image.
        bias: whether a number is added for each filter.
        init: what the filters start from, one of `nn.init`; the bias starts as 0.
        rng: the source of the weights; a fresh one when left out.
        dtype: the dtype of the parameters, float64 unless told otherwise.

    Attributes:
        weight: the filters, of shape (out_channels, in_channels, height, width).
        bias: of shape (out_channels,), or None.

    Raises:
        ArgumentError: if a size is not positive, or the padding negative.
        OperandError: if a size is no integer, rng no generator, or dtype not floating.

    >>> layer = Conv2d(1, 30, 5, rng=np.random.default_rng(0))
    >>> layer
    Conv2d(1, 30, kernel_size=(5, 5))
    >>> layer(np.ones((2, 1, 28, 28))).shape
    (2, 30, 24, 24)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        bias: bool = True,
        *,
        init: Initializer = he_normal,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        inputs = positive("Conv2d", "in_channels", in_channels)
        outputs = positive("Conv2d", "out_channels", out_channels)
        size = pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = pair("Conv2d", "stride", stride, 1)
        self.padding = pair("Conv2d", "padding", padding, 0)
        rng = generator("Conv2d", rng)
        self.weight = weights("Conv2d", init, (outputs, inputs, *size), rng, dtype)
        self.bias = weights("Conv2d", zeros, (outputs,), rng, dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Return `micrograd.conv2d` of x.

        Raises:
            ShapeError: if x is no batch of images with as many channels, or too small.
        """
        x = _images(self, x, self.weight.shape[1])
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        outputs, inputs, *size = self.weight.shape
        parts = [f"{inputs}, {outputs}, kernel_size={tuple(size)}"]
        parts += [f"stride={self.stride}"] if self.stride != (1, 1) else []
        parts += [f"padding={self.padding}"] if self.padding != (0, 0) else []
        parts += ["bias=False"] if self.bias is None else []
        return ", ".join(parts)


class _Pool2d(Module):
    """What both kinds of pooling keep and show."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        name = type(self).__name__
        self.kernel_size = pair(name, "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair(name, "stride", stride, 1)
        self.padding = pair(name, "padding", padding, 0)

    def extra_repr(self) -> str:
        parts = [f"{self.kernel_size}"]
        parts += [f"stride={self.stride}"] if self.stride != self.kernel_size else []
        parts += [f"padding={self.padding}"] if self.padding != (0, 0) else []
        return ", ".join(parts)


class MaxPool2d(_Pool2d):
    """The largest element of every window; elements that tie share the gradient.

    Args:
        kernel_size: the height and width of a window: an integer, or a pair.
        stride: how far apart windows are; the kernel size, when left out.
        padding: how many rows and columns surround an image, which are never
            the largest.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or the padding
            is negative; when called, if it is not less than the kernel size.

    >>> MaxPool2d(2)([[[[1, 2, 5, 6], [3, 4, 8, 7]]]]).tolist()
    [[[[4, 8]]]]
    """

    def forward(self, x: Any) -> Any:
        """Return `micrograd.max_pool2d` of images x of shape (N, C, H, W)."""
        return ops.max_pool2d(_images(self, x), self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool2d):
    """The mean of every window.

    Args:
        kernel_size: the height and width of a window: an integer, or a pair.
        stride: how far apart windows are; the kernel size, when left out.
        padding: how many zeros surround an image, which count.

    Raises:
        ArgumentError: if a size or stride is no positive integer, or the padding
            is negative; when called, if it is not less than the kernel size.

    >>> AvgPool2d(2)([[[[1, 2, 5, 6], [3, 4, 8, 7]]]]).tolist()
    [[[[2.5, 6.5]]]]
    """

    def forward(self, x: Any) -> Any:
        """Return `micrograd.avg_pool2d` of images x of shape (N, C, H, W)."""
        return ops.avg_pool2d(_images(self, x), self.kernel_size, self.stride, self.padding)


class Flatten(Module):
    """All axes of a sample laid out as one: (N, C, H, W) becomes (N, C * H * W).

    >>> Flatten()(np.ones((2, 30, 4, 4))).shape
    (2, 480)
    """

    def forward(self, x: Any) -> Any:
        """Return x in shape (N, elements of a sample), for x of one or more axes.

        Raises:
            ShapeError: if x has no axes, and so no samples.
        """
        x = array_of("Flatten", x)
        if not x.shape:
            raise wrong_shape(self, x, "(n, ...)")
        return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def _images(layer: Module, x: Any, channels: int | None = None) -> Any:
    """Return x as an array or Tensor, if it is a batch of images with so many channels."""
    x = array_of(type(layer).__name__, x)
    if len(x.shape) != 4 or channels not in (None, x.shape[1]):
        hint = ""
        if len(x.shape) == 3:
            hint = " Give x[:, None] for grey images without a channel axis, x[None] for one image."
        raise wrong_shape(layer, x, f"(n, {'C' if channels is None else channels}, H, W)", hint)
    return x


__all__ = ["AvgPool2d", "Conv2d", "Flatten", "MaxPool2d"]
