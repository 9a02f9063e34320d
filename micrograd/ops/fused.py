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
from micrograd.ops.axes import array_of, plain
from micrograd.ops.elementwise import exp
from micrograd.ops.reductions import extreme
from micrograd.ops.shape import astype

N = TypeVar("N", bound=Node)


def _parts(x: Any, axis: int) -> tuple[Any, Any, Any]:
    """Return the maximum along an axis, exp of what is below it, and the sum of that."""
    top = extreme(np.maximum, x, axis, keepdims=True)
    e = np.exp(x - top)
    return top, e, e.sum(axis=axis, keepdims=True)


def _forward_softmax(x: Any, *, axis: int) -> Any:
    _, e, total = _parts(np.asarray(x), axis)
    return e / total


def _forward_log_softmax(x: Any, *, axis: int) -> Any:
    x = np.asarray(x)
    top, _, total = _parts(x, axis)
    return (x - top) - np.log(total)


_softmax = define_op(
    "softmax",
    _forward_softmax,
    lambda g, y, x, *, axis: y * (g - (g * y).sum(axis=axis, keepdims=True)),
    arrays_only=True,
    along_axis=True,
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
    along_axis=True,
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


def _work(x: Any, t: Any) -> tuple[Any, Any, Any, Any]:
    """Return the parts of softmax(x), and where in the flattened x the labels point, if they do."""
    top, e, total = _parts(x, -1)
    if t.ndim == x.ndim:
        return top, e, total, None
    labels = t.reshape(-1).astype(np.intp, copy=False)
    return top, e, total, np.add(np.arange(0, x.size, x.shape[-1]), labels)


def _forward_cross_entropy(x: Any, t: Any, *, work: Any = None) -> Any:
    top, _, total, places = work or _work(x, t)
    if places is not None:
        picked = x.reshape(-1)[places]
        return (np.log(total.reshape(-1)) + (top.reshape(-1) - picked)).sum() / t.size
    log_p = x - top
    log_p -= np.log(total)
    # Where t is 0, log(p) does not count, even if it is -inf.
    return -np.multiply(t, log_p, where=t != 0, out=np.zeros_like(log_p)).sum() / _rows(x)


def _rows(x: Any) -> int:
    """Return how many samples there are: a vector is one, of a batch every row is."""
    return x.size // x.shape[-1]


def _forward_slope(x: Any, t: Any, *, work: Any = None) -> Any:
    _, e, total, places = work or _work(x, t)
    p = e / total
    if places is not None:
        p = p.reshape(-1)  # a copy, where p is not in C order
        p[places] -= 1
    else:
        p = p * t.sum(axis=-1, keepdims=True) - t
    p /= _rows(x)
    return p.reshape(x.shape)


def _cross_entropy_rule(g: Any, y: Any, x: Any, t: Any, *, work: Any = None) -> Any:
    # What is recorded has to depend on x, and not on what was computed from it before.
    return g * (_slope(x, t) if isinstance(x, Node) else _forward_slope(x, t, work=work))


def _slope_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    p = softmax(x)
    weight = 1 if t.ndim < x.ndim else t.sum(axis=-1, keepdims=True)
    return p * (g - (g * p).sum(axis=-1, keepdims=True)) * weight / _rows(x)


def _slope_target_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    return ((g * softmax(x)).sum(axis=-1, keepdims=True) - g) / _rows(x)


_slope = define_op(
    "softmax_cross_entropy_slope",
    _forward_slope,
    _slope_rule,
    _slope_target_rule,
    symbol="softmax − t",
    arrays_only=True,
)

_cross_entropy = define_op(
    "softmax_cross_entropy",
    _forward_cross_entropy,
    _cross_entropy_rule,
    lambda g, y, x, t, *, work=None: -g / _rows(x) * log_softmax(x),
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
    return mean_cross_entropy(*logits_and_targets("softmax_cross_entropy", logits, labels))


def mean_cross_entropy(logits: Any, t: Any) -> Any:
    """Do what `softmax_cross_entropy` does, for what `logits_and_targets` returned.

    The work that both share is a setting of the operation, so that its
    derivative does not do it again.

    >>> mean_cross_entropy(np.zeros((1, 1)), np.array([0]))
    np.float64(0.0)
    """
    try:
        work = _work(plain(logits), plain(t))
    except ArithmeticError as error:  # where np.errstate asks for it
        _cross_entropy.refuse((logits, t), error)
    return _cross_entropy(logits, t, work=work)


def logits_and_targets(name: str, logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return checked floating logits and labels, as `softmax_cross_entropy` takes them.

    >>> logits_and_targets("loss", [[0, 1]], [1])
    (array([[0., 1.]]), array([1]))
    """
    logits = array_of(name, logits)
    if logits.dtype.kind != "f":
        logits = _in_dtype(name, logits, np.result_type(logits.dtype, np.float16))
    return logits, _targets(name, logits, labels)


def _targets(name: str, logits: Any, labels: Any) -> Any:
    """Return checked labels: integers as they are, probabilities in the dtype of the logits."""
    shape = tuple(logits.shape)
    if not shape or 0 in shape:
        raise ShapeError(f"{name}: expected logits of shape (..., classes), came shape {shape}.")
    node = array_of(name, labels)
    labels = plain(node)
    if labels.shape == shape:
        return _in_dtype(name, node, logits.dtype)
    if labels.shape != shape[:-1]:
        column = labels.shape == (*shape[:-1], 1)
        hint = " Take the last axis off, with labels.squeeze(-1)." if column else ""
        raise ShapeError(
            f"{name}: labels of shape {labels.shape} came for logits of shape "
            f"{shape}; expected integers of shape {shape[:-1]} or one-hot rows of shape {shape}."
            f"{hint}"
        )
    if labels.dtype.kind not in "iu":
        raise OperandError(
            f"{name}: labels of shape {labels.shape} have to be integers, but came "
            f"dtype {labels.dtype}. Convert them, or give one-hot rows of shape {shape}."
        )
    if labels.astype(np.uintp).max() >= shape[-1]:  # where a negative one would be huge
        wrong = labels[(labels < 0) | (labels >= shape[-1])].flat[0]
        raise ArgumentError(
            f"{name}: label {wrong} names no class; the logits of shape {shape} "
            f"have classes 0 to {shape[-1] - 1}."
        )
    return node


def _in_dtype(name: str, x: Any, dtype: Any) -> Any:
    """Return real numbers, in an array or a Tensor, in a floating dtype."""
    if x.dtype.kind not in "fiub":
        raise OperandError(f"{name}: expected real numbers, but came dtype {x.dtype}.")
    return x if x.dtype == dtype else astype(x, dtype)
