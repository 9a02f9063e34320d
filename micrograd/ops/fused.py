"""Operations that could be taken apart but are one row for speed and stability."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import array_of, as_array, plain
from micrograd.ops.elementwise import exp, where
from micrograd.ops.kinds import A, N
from micrograd.ops.ranges import divided, narrow, wide
from micrograd.ops.reach import ROWS
from micrograd.ops.reductions import Axis, _keep, extreme
from micrograd.ops.shape import astype

__all__ = ["log_softmax", "logsumexp", "softmax", "softmax_cross_entropy"]


def _parts(x: Any, axis: Axis) -> tuple[Any, Any, Any]:
    """Return the maximum along an axis, exp of what is below it, and the sum of that."""
    x = wide(x)
    top = extreme(np.maximum, x, axis, keepdims=True)
    e = np.exp(x - top)
    return top, e, _total(e, axis)


_SHORT = 64


def _total(x: Any, axis: Axis) -> Any:
    """Return the sum along an axis, which is kept: of short rows a product, which is faster."""
    x = wide(x)
    last = x.ndim and axis in (-1, x.ndim - 1) and not issubclass(x.__class__, Node)
    if last and x.shape[-1] <= _SHORT and x.flags.c_contiguous:
        return _row_sums(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], 1)
    return x.sum(axis=axis, keepdims=True)


def _row_sums(x: Any) -> Any:
    count = x.shape[1]
    return x.dot(_ones(count, x.dtype)) if count <= _SHORT else x.sum(axis=1)


@cache
def _ones(count: int, dtype: Any) -> Any:
    return np.ones(count, dtype)


def _balanced(h: Any, p: Any, axis: Axis) -> Any:
    """Return h, which sums up to 0, with what has a probability above a half made of the others.

    There h is a difference of nearly equal numbers, which has lost its digits.
    """
    most = p > 0.5
    if not isinstance(most, Symbolic) and not most.any():  # the same, sooner
        return h
    return where(most, -_total(where(most, 0, h), axis), h)


def _forward_softmax(x: Any, *, axis: Axis) -> Any:
    x = as_array(x)
    _, e, total = _parts(x, axis)
    return narrow(e / total, x)


def _softmax_rule(g: Any, y: Any, x: Any, *, axis: Axis) -> Any:
    return _balanced(y * (g - _total(g * y, axis)), y, axis)


_softmax = define_op("softmax", _forward_softmax, _softmax_rule, arrays_only=True, reach=ROWS)


def softmax(x: A | ArrayLike, axis: int = -1) -> A:
    """Return exp(x) / sum(exp(x)) along `axis`, without overflow.

    Derivative: y * (g - sum(g * y)) for the result y and its gradient g.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _softmax(x, axis=axis)


def _forward_log_softmax(x: Any, *, axis: int) -> Any:
    x = as_array(x)
    top, e, total = _parts(x, axis)
    if total.min(initial=np.inf) > 1.25:
        return narrow((x - top) - np.log(total), x)
    # log(total) would lose a small rest beside the 1 of the largest element.
    np.put_along_axis(e, np.expand_dims(e.argmax(axis), axis), 0, axis)
    return narrow((x - top) - np.log1p(_total(e, axis)), x)


def _log_softmax_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    p = exp(y)
    return _balanced(g - p * _total(g, axis), p, axis)


_log_softmax = define_op(
    "log_softmax", _forward_log_softmax, _log_softmax_rule, arrays_only=True, reach=ROWS
)


def log_softmax(x: A | ArrayLike, axis: int = -1) -> A:
    """Return log(softmax(x)) along `axis`, without overflow or log(0).

    Derivative: g - softmax(x) * sum(g) for the gradient g of the result.

    >>> log_softmax([0.0, 0.0]).round(4).tolist()
    [-0.6931, -0.6931]
    """
    return _log_softmax(x, axis=axis)


def _forward_logsumexp(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    x = as_array(x)
    given, x = x, wide(x)
    peak = x.max(axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0)  # inf - inf would be nan
    with np.errstate(divide="ignore", over="ignore"):  # exp(-inf) and log(0) are meant
        y = np.log(np.exp(x - peak).sum(axis=axis, keepdims=True)) + peak
    y = narrow(y, given)
    return y if keepdims else np.squeeze(y, axis=axis)


# Not exp(x - y): y has lost the logarithm beside a large x.
_logsumexp = define_op(
    "logsumexp",
    _forward_logsumexp,
    lambda g, y, x, *, axis, keepdims: _keep(g, x, axis) * _softmax(x, axis=axis),
    arrays_only=True,
    reach=ROWS,
)


def logsumexp(x: N | ArrayLike, axis: Axis = None, keepdims: bool = False) -> N:
    """Return log(sum(exp(x))) along `axis`, without overflow.

    Derivative: softmax(x).

    >>> float(logsumexp([1000.0, 1000.0])) == 1000 + float(np.log(2))
    True
    """
    return _logsumexp(x, axis=axis, keepdims=keepdims)


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
        y = (np.log(total.reshape(-1)) + (top.reshape(-1) - picked)).sum() / t.size
        return narrow(y, x)
    log_p = x - top
    log_p -= np.log(total)
    # Where t is 0, log(p) does not count, even if it is -inf.
    y = -np.multiply(t, log_p, where=t != 0, out=np.zeros_like(log_p)).sum() / _rows(x)
    return narrow(y, x)


def _rows(x: Any) -> int:
    """Return how many samples there are: a vector is one, of a batch every row is."""
    return x.size // x.shape[-1]


def _forward_slope(x: Any, t: Any, *, work: Any = None) -> Any:
    _, e, total, places = work or _work(x, t)
    p = e / total
    if places is not None:
        p = p.reshape(-1)  # a copy, where p is not in C order
        p[places] = 0
        p[places] = -_row_sums(p.reshape(-1, x.shape[-1]))  # not p - 1, which would cancel
    else:
        p = _balanced(p * _total(t, -1) - t, p, -1)
    return (p / _rows(x)).reshape(x.shape)


def _cross_entropy_rule(g: Any, y: Any, x: Any, t: Any, *, work: Any = None) -> Any:
    # What is recorded has to depend on x, and not on what was computed from it before.
    return g * (_slope(x, t) if isinstance(x, Node) else _forward_slope(x, t, work=work))


def _slope_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    weight = 1 if t.ndim < x.ndim else _total(t, -1)
    return divided(_softmax_rule(g, softmax(x), x, axis=-1) * weight, _rows(x))


def _slope_target_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    p = softmax(x)
    # What every g has in common does not count: without it, no sum of p and 1 cancels.
    g = g - (plain(g) * (plain(p) > 0.5)).sum(axis=-1, keepdims=True)
    return divided(_total(g * p, -1) - g, _rows(x))


_slope = define_op(
    "softmax_cross_entropy_slope",
    lambda x, t: narrow(_forward_slope(x, t), x),
    _slope_rule,
    _slope_target_rule,
    symbol="softmax − t",
    arrays_only=True,
)

_cross_entropy = define_op(
    "softmax_cross_entropy",
    _forward_cross_entropy,
    _cross_entropy_rule,
    lambda g, y, x, t, *, work=None: divided(-g * log_softmax(x), _rows(x)),
    symbol="softmax loss",
    arrays_only=True,
)


def softmax_cross_entropy(logits: N | ArrayLike, labels: N | ArrayLike) -> N:
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
