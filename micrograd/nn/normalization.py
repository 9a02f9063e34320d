"""Normalization to mean 0 and variance 1: over the batch, or over each sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from micrograd import ops
from micrograd.engine.tensor import Tensor
from micrograd.errors import ArgumentError, ShapeError
from micrograd.nn.init import constant, zeros
from micrograd.nn.inputs import called, positive, weights, wrong_shape
from micrograd.nn.module import Module
from micrograd.ops.axes import array_of, plain
from micrograd.ops.ranges import magnitude, narrow, wide


class _BatchNorm(Module):
    """Normalization of each feature, the second axis of x, over all the others."""

    _ndims: ClassVar[tuple[int, ...]]  # how many axes x may have
    _expected: ClassVar[str]  # how a message writes its shape

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        dtype: DTypeLike = float,
    ) -> None:
        what = type(self).__name__
        shape = (positive(what, "num_features", num_features),)
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"{what}: momentum has to be from 0 to 1, but came {momentum!r}.")
        self.eps = _checked_eps(what, eps)
        self.momentum = momentum
        self.weight = weights(what, constant, shape, None, dtype)
        self.bias = weights(what, zeros, shape, None, dtype)
        kept = np.result_type(self.weight.dtype, np.float32)  # float16 holds no variance of 300²
        self.running_mean = Tensor(np.zeros(shape, kept), requires_grad=False)
        self.running_var = Tensor(np.ones(shape, kept), requires_grad=False)

    def forward(self, x: Any) -> Tensor:
        """Return weight * (x - mean) / sqrt(var + eps) + bias.

        In training, mean and var are those of the batch, and the running
        statistics move towards them; otherwise they are the running statistics.

        Raises:
            ShapeError: if x has another shape, or, in training, a single
                element for each feature, whose variance would be 0.
        """
        features = self.weight.shape[0]
        x = array_of(type(self).__name__, x)
        if len(x.shape) not in self._ndims or x.shape[1] != features:
            raise wrong_shape(self, x, self._expected.format(features))
        across = (features,) + (1,) * (len(x.shape) - 2)
        if self.training:
            y = self._by_batch(x)
        else:
            mean, var = self.running_mean.reshape(across), self.running_var.reshape(across)
            y = narrow((x - mean) / ops.sqrt(var + self.eps), x)
        return y * self.weight.reshape(across) + self.bias.reshape(across)

    def _by_batch(self, x: Any) -> Any:
        """Return x normalized by its own statistics, and learn these."""
        count = math.prod(x.shape) // x.shape[1]
        if count < 2:
            raise ShapeError(
                f"{called(self)}: came x of shape {x.shape}, with {count} elements for each "
                "feature, which have no variance to learn. Train with batches of two or more, as "
                "with drop_last=True, or call eval() to use the running statistics."
            )
        y, mean, var = _normalized(x, (0, *range(2, len(x.shape))), self.eps)
        _move(self.running_mean, mean, self.momentum)
        _move(self.running_var, plain(var) * (count / (count - 1)), self.momentum)
        return y

    def extra_repr(self) -> str:
        parts = [f"{self.weight.shape[0]}"]
        parts += [f"eps={self.eps}"] if self.eps != 1e-5 else []
        parts += [f"momentum={self.momentum}"] if self.momentum != 0.1 else []
        return ", ".join(parts)


class BatchNorm1d(_BatchNorm):
    """Normalize each feature of (n, features), or of (n, features, length), over the batch.

    The result is weight * (x - mean) / sqrt(var + eps) + bias. In training,
    mean and var are those of the batch, var divided by n, and the running
    statistics become (1 - momentum) * running + momentum * batch, with the var
    divided by n - 1; after `eval()`, the running statistics are used. Each call
    in training moves them, also one that `checkpoint` repeats.

    Source: S. Ioffe, C. Szegedy, Batch Normalization, 2015, algorithms 1 and 2.

    Args:
        num_features: the length of the second axis.
        eps: what is added to the variance.
        momentum: the share of the new batch in the running statistics, 0 to 1.
        dtype: the dtype of the parameters, float64 unless told otherwise.

    Attributes:
        weight: of shape (num_features,), called gamma in the book; starts as 1.
        bias: of shape (num_features,), called beta; starts as 0.
        running_mean: a buffer of shape (num_features,); starts as 0; of float32 at least.
        running_var: a buffer of shape (num_features,); starts as 1; of float32 at least.

    Raises:
        ArgumentError: if a setting is out of its range.
        OperandError: if num_features is no integer, or dtype not floating.

    >>> norm = BatchNorm1d(1)
    >>> norm([[1.0], [3.0]]).data.round(3).tolist()
    [[-1.0], [1.0]]
    >>> norm.running_mean, norm.running_var
    (Tensor([0.2], requires_grad=False), Tensor([1.1], requires_grad=False))
    """

    _ndims = (2, 3)
    _expected = "(n, {0}) or (n, {0}, length)"


class BatchNorm2d(_BatchNorm):
    """Normalize each channel of images (n, channels, H, W) over the batch and all places.

    Everything else is as for `BatchNorm1d`.

    >>> norm = BatchNorm2d(3)
    >>> norm(np.random.default_rng(0).random((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    >>> norm
    BatchNorm2d(3)
    """

    _ndims = (4,)
    _expected = "(n, {0}, H, W)"


class LayerNorm(Module):
    """Normalize each sample by itself, over its last axes.

    The result is weight * (x - mean) / sqrt(var + eps) + bias, with the var
    divided by n, in training and after it.

    Source: J. Ba, J. Kiros, G. Hinton, Layer Normalization, 2016, equation 4.

    Args:
        normalized_shape: the lengths of the last axes, or that of the last.
        eps: what is added to the variance.
        dtype: the dtype of the parameters, float64 unless told otherwise.

    Attributes:
        weight: of normalized_shape; starts as 1.
        bias: of normalized_shape; starts as 0.

    Raises:
        ArgumentError: if a length or eps is not positive.
        OperandError: if a length is no integer, or dtype not floating.

    >>> LayerNorm(2)([[1.0, 3.0], [10.0, 30.0]]).data.round(3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        dtype: DTypeLike = float,
    ) -> None:
        given = normalized_shape if isinstance(normalized_shape, Sequence) else [normalized_shape]
        shape = tuple(positive("LayerNorm", "normalized_shape", length) for length in given)
        if not shape:
            raise ArgumentError("LayerNorm: normalized_shape is empty. Give one axis or more.")
        self.eps = _checked_eps("LayerNorm", eps)
        self.weight = weights("LayerNorm", constant, shape, None, dtype)
        self.bias = weights("LayerNorm", zeros, shape, None, dtype)

    def forward(self, x: Any) -> Tensor:
        """Return the normalized x of shape (..., *normalized_shape).

        Raises:
            ShapeError: if the last axes of x have other lengths.
        """
        x = array_of("LayerNorm", x)
        shape = self.weight.shape
        if x.shape[-len(shape) :] != shape:
            raise wrong_shape(self, x, f"(..., {', '.join(map(str, shape))})")
        y, _, _ = _normalized(x, tuple(range(-len(shape), 0)), self.eps)
        return y * self.weight + self.bias

    def extra_repr(self) -> str:
        shape = self.weight.shape
        parts = [f"{shape[0]}" if len(shape) == 1 else f"{shape}"]
        return ", ".join(parts + ([f"eps={self.eps}"] if self.eps != 1e-5 else []))


def _normalized(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """Return x with mean 0 and variance 1 along axes, and its mean and variance."""
    given = wide(x)
    with np.errstate(over="ignore", invalid="ignore"):
        y, mean, var = _standardized(given, axes, eps)
        if not np.isfinite(plain(var)).all():  # squares left the range; their roots need not
            scale = magnitude(plain(given), axes)
            least = np.finfo(scale.dtype).tiny  # of equal elements, var is 0
            small = np.maximum(eps / scale / scale, least)
            y, _, _ = _standardized(given / scale, axes, small)
    return narrow(y, x), mean, var


def _standardized(x: Any, axes: tuple[int, ...], eps: Any) -> tuple[Any, Any, Any]:
    mean = x.mean(axis=axes, keepdims=True)
    centered = x - mean
    var = (centered * centered).mean(axis=axes, keepdims=True)
    return centered / ops.sqrt(var + eps), mean, var


def _move(running: Tensor, new: Any, share: float) -> None:
    """Let a running statistic become the mean of itself and a new one, weighted by its share."""
    running.data *= 1 - share
    running.data += (share * plain(new)).reshape(running.shape)


def _checked_eps(what: str, eps: float) -> float:
    if not eps > 0:
        raise ArgumentError(
            f"{what}: eps has to be positive, but came {eps!r}. It keeps a feature without "
            "variance from a division by 0."
        )
    return eps


__all__ = ["BatchNorm1d", "BatchNorm2d", "LayerNorm"]
