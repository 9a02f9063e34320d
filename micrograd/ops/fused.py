"""Operations that could be taken apart but are one row for speed and stability."""

# A rule is generic over numbers, arrays and nodes: its arguments have no one type.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.node import Node
from micrograd.op import define_op
from micrograd.ops.elementwise import exp

N = TypeVar("N", bound=Node)


def _forward_log_softmax(x: Any, *, axis: int) -> Any:
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _forward_softmax(x: Any, *, axis: int) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


_softmax = define_op(
    "softmax",
    _forward_softmax,
    lambda g, y, x, *, axis: y * (g - (g * y).sum(axis=axis, keepdims=True)),
    arrays_only=True,
)


@overload
def softmax(x: N, axis: int = -1) -> N: ...
@overload
def softmax(x: ArrayLike, axis: int = -1) -> NDArray[Any]: ...
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along `axis`, without overflow.

    Derivative: y * (g - sum(g * y)) for the result y and its gradient g.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _softmax(x, axis=axis)


_log_softmax = define_op(
    "log_softmax",
    _forward_log_softmax,
    lambda g, y, x, *, axis: g - exp(y) * g.sum(axis=axis, keepdims=True),
    arrays_only=True,
)


@overload
def log_softmax(x: N, axis: int = -1) -> N: ...
@overload
def log_softmax(x: ArrayLike, axis: int = -1) -> NDArray[Any]: ...
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return log(softmax(x)) along `axis`, without overflow or log(0).

    Derivative: g - softmax(x) * sum(g) for the gradient g of the result.

    >>> log_softmax([0.0, 0.0]).round(4).tolist()
    [-0.6931, -0.6931]
    """
    return _log_softmax(x, axis=axis)


def _forward_cross_entropy(x: Any, targets: Any) -> Any:
    log_p = _forward_log_softmax(x, axis=-1)
    return -np.multiply(targets, log_p, where=targets != 0, out=np.zeros_like(log_p)).sum() / _rows(
        x
    )


def _rows(x: Any) -> int:
    """Return how many samples there are: a vector is one, of a batch every row is."""
    return x.size // x.shape[-1]


_cross_entropy = define_op(
    "softmax_cross_entropy",
    _forward_cross_entropy,
    lambda g, y, x, t: g / _rows(x) * (softmax(x) * t.sum(axis=-1, keepdims=True) - t),
    lambda g, y, x, t: -g / _rows(x) * log_softmax(x),
    symbol="softmax loss",
    arrays_only=True,
)


@overload
def softmax_cross_entropy(logits: N, labels: N | ArrayLike) -> N: ...
@overload
def softmax_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> Any: ...
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the cross-entropy of softmax(logits) with the labels, averaged over the batch.

    Derivative: (softmax(logits) - t) / n for one-hot labels t and n samples.

    Args:
        logits: scores of shape (..., classes), not normalized.
        labels: integers of shape (...), or one row of probabilities for each
            sample (one-hot or soft), of the shape of the logits.

    Raises:
        ArgumentError: if an integer label names no class.
        ShapeError: if the labels have neither of the two shapes.

    >>> float(softmax_cross_entropy(np.zeros((1, 4)), [2])) == float(np.log(4))
    True
    """
    if not isinstance(logits, Node):
        logits = np.asarray(logits, dtype=np.result_type(np.asarray(logits), np.float16))
    return _cross_entropy(logits, _targets(logits, labels))


def _targets(logits: Any, labels: Any) -> Any:
    shape = tuple(logits.shape)
    if not shape or 0 in shape:
        raise ShapeError(
            f"softmax_cross_entropy: expected logits of shape (..., classes), came shape {shape}."
        )
    if isinstance(labels, Node):
        if labels.requires_grad:
            return labels
        labels = labels._data
    labels = np.asarray(labels)
    if labels.shape == shape:
        return labels.astype(logits.dtype, copy=False)
    if labels.shape != shape[:-1]:
        raise ShapeError(
            f"softmax_cross_entropy: labels of shape {labels.shape} came for logits of shape "
            f"{shape}; expected integers of shape {shape[:-1]} or one-hot rows of shape {shape}."
        )
    if labels.dtype.kind not in "iu":
        raise OperandError(
            f"softmax_cross_entropy: labels of shape {labels.shape} have to be integers, but came "
            f"dtype {labels.dtype}. Convert them, or give one-hot rows of shape {shape}."
        )
    wrong = (labels < 0) | (labels >= shape[-1])
    if wrong.any():
        raise ArgumentError(
            f"softmax_cross_entropy: label {labels[wrong].flat[0]} names no class; the logits of "
            f"shape {shape} have classes 0 to {shape[-1] - 1}."
        )
    return np.equal(labels[..., None], np.arange(shape[-1])).astype(logits.dtype)
