"""What weights start from: arrays of random numbers whose variance suits the layer.

Each initializer is called as `initializer(shape, rng=…, dtype=…)` and returns a
new array. Where a formula has fan_in and fan_out, these are how many inputs an
output has, and how many outputs an input has: a and b for weights of shape
(a, b), as in x W; C * h * w and F * h * w for filters of shape (F, C, h, w).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from micrograd.errors import ArgumentError, OperandError, ShapeError

Array = NDArray[Any]
Shape = Sequence[int]
Rng = np.random.Generator
Initializer = Callable[..., Array]


def generator(what: str, rng: Any) -> Rng:
    """Return a random generator as it is, and a fresh one for None.

    Raises:
        OperandError: if something else came, such as a seed.

    >>> generator("Linear", np.random.default_rng(0)).integers(10)
    np.int64(8)
    """
    if rng is None:
        return np.random.default_rng()
    if not isinstance(rng, np.random.Generator):
        raise OperandError(
            f"{what}: rng has to be a numpy.random.Generator, but came {rng!r}. Give "
            "np.random.default_rng(seed)."
        )
    return rng


def fans(shape: Shape) -> tuple[int, int]:
    """Return fan_in and fan_out of weights (inputs, outputs), or filters (F, C, h, w).

    Raises:
        ShapeError: if the shape has less than two axes, or an empty one.

    >>> fans((784, 50)), fans((30, 1, 5, 5))
    ((784, 50), (25, 750))
    """
    if len(shape) < 2 or 0 in shape:
        raise ShapeError(
            f"fans: expected weights of shape (inputs, outputs) or filters of shape (F, C, h, w), "
            f"but came shape {tuple(shape)}. Give biases init.zeros or init.constant."
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def zeros(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return zeros, as for biases. Weights of a hidden layer would all stay alike.

    >>> zeros((2,))
    array([0., 0.])
    """
    return np.zeros(shape, dtype)


def constant(
    shape: Shape, value: float = 1.0, *, rng: Rng | None = None, dtype: DTypeLike = float
) -> Array:
    """Return an array with `value` everywhere.

    >>> constant((2,), 0.5)
    array([0.5, 0.5])
    """
    return np.full(shape, value, dtype)


def normal(
    shape: Shape, std: float = 0.01, *, rng: Rng | None = None, dtype: DTypeLike = float
) -> Array:
    """Return std * N(0, 1): by default what the two-layer network of the book starts from.

    Args:
        shape: the shape of the weights.
        std: the standard deviation, positive or 0.
        rng: the source of the numbers; a fresh one when left out.
        dtype: the dtype of the array.

    Raises:
        ArgumentError: if std is negative.

    Source: K. Saito, Deep Learning from Scratch, chapters 4 and 6.

    >>> normal((2,), rng=np.random.default_rng(0)).round(4)
    array([ 0.0013, -0.0013])
    """
    if not std >= 0:
        raise ArgumentError(f"normal: std has to be 0 or more, but came {std!r}.")
    rng = generator("normal", rng)
    return (std * rng.standard_normal(shape)).astype(dtype, copy=False)


def uniform(
    shape: Shape, bound: float = 0.01, *, rng: Rng | None = None, dtype: DTypeLike = float
) -> Array:
    """Return numbers between -bound and bound, of variance bound**2 / 3.

    Raises:
        ArgumentError: if bound is negative.

    >>> bool((abs(uniform((100,), 0.5)) <= 0.5).all())
    True
    """
    if not bound >= 0:
        raise ArgumentError(f"uniform: bound has to be 0 or more, but came {bound!r}.")
    rng = generator("uniform", rng)
    return rng.uniform(-bound, bound, shape).astype(dtype, copy=False)


def lecun_normal(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return N(0, 1 / fan_in), which keeps the variance of what goes forward.

    The book, and Caffe, call this one Xavier.

    Source: Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, Efficient BackProp, 1998, section 4.6.

    >>> round(float(lecun_normal((400, 100), rng=np.random.default_rng(0)).std()), 3)
    0.05
    """
    fan_in, _ = fans(shape)
    return normal(shape, math.sqrt(1 / fan_in), rng=rng, dtype=dtype)


def xavier_normal(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return N(0, 2 / (fan_in + fan_out)), for sigmoid and tanh.

    It is the compromise between what keeps the variance forward and backward.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep
    feedforward neural networks, 2010, equation 12.

    >>> round(float(xavier_normal((400, 400), rng=np.random.default_rng(0)).std()), 3)
    0.05
    """
    return normal(shape, math.sqrt(2 / sum(fans(shape))), rng=rng, dtype=dtype)


def xavier_uniform(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return uniform numbers up to sqrt(6 / (fan_in + fan_out)), for sigmoid and tanh.

    The variance is that of `xavier_normal`, 2 / (fan_in + fan_out).

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep
    feedforward neural networks, 2010, equation 16.

    >>> float(abs(xavier_uniform((3, 3))).max()) <= 1
    True
    """
    return uniform(shape, math.sqrt(6 / sum(fans(shape))), rng=rng, dtype=dtype)


def he_normal(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return N(0, 2 / fan_in), for ReLU, which lets half of the variance through.

    Source: K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, 2015, equation 10.

    >>> round(float(he_normal((800, 100), rng=np.random.default_rng(0)).std()), 3)
    0.05
    """
    fan_in, _ = fans(shape)
    return normal(shape, math.sqrt(2 / fan_in), rng=rng, dtype=dtype)


def he_uniform(shape: Shape, *, rng: Rng | None = None, dtype: DTypeLike = float) -> Array:
    """Return uniform numbers up to sqrt(6 / fan_in), for ReLU.

    The variance is that of `he_normal`, 2 / fan_in.

    Source: K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, 2015, equation 10.

    >>> float(abs(he_uniform((6, 3))).max()) <= 1
    True
    """
    fan_in, _ = fans(shape)
    return uniform(shape, math.sqrt(6 / fan_in), rng=rng, dtype=dtype)


def orthogonal(
    shape: Shape, gain: float = 1.0, *, rng: Rng | None = None, dtype: DTypeLike = float
) -> Array:
    """Return `gain` times a random matrix with orthonormal rows, or columns if these are fewer.

    Filters (F, C, h, w) count as a matrix of F rows. The matrix is drawn evenly
    from all such: Q of a QR decomposition, with the signs of R's diagonal.

    Source: A. Saxe, J. McClelland, S. Ganguli, Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks, 2014.

    >>> W = orthogonal((3, 2))
    >>> bool(np.allclose(W.T @ W, np.eye(2)))
    True
    """
    fans(shape)  # refuses what is no matrix
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = generator("orthogonal", rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.copysign(1.0, np.diagonal(r))
    matrix = q if rows >= columns else q.T
    return (gain * matrix).reshape(shape).astype(dtype, copy=False)


__all__ = [
    "Initializer",
    "constant",
    "fans",
    "generator",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "normal",
    "orthogonal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
