"""How far predictions are from what they should be, as one number to be made small.

Each is a mean over all elements, or samples, unless `reduction` says "sum" or
"none". Targets are constants unless they are Tensors that require a gradient,
and take the dtype of the predictions, so that float32 stays float32.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from micrograd import ops
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import array_of, plain
from micrograd.ops.fused import logits_and_targets, mean_cross_entropy

Reduction = Literal["mean", "sum", "none"]


def cross_entropy(
    logits: Any, labels: Any, *, label_smoothing: float = 0.0, reduction: Reduction = "mean"
) -> Any:
    """Return the cross-entropy of softmax(logits) with the labels: -sum(t * log(softmax(x))).

    Derivative: (softmax(logits) - t) / n for the mean over n samples.

    Args:
        logits: scores of shape (..., classes), not normalized; the classes are
            the last axis.
        labels: integers of shape (...), or one row of probabilities for each
            sample (one-hot or soft), of the shape of the logits.
        label_smoothing: the share s of each label that is spread evenly over
            all classes, (1 - s) * t + s / classes, from 0 to 1. Source:
            C. Szegedy and others, Rethinking the Inception architecture, 2016.
        reduction: "mean" over samples, "sum", or "none" for one loss a sample.

    Raises:
        ArgumentError: if an integer label names no class, or a setting is out
            of its range.
        ShapeError: if the labels have neither of the two shapes.
        OperandError: if labels of one number a sample are no integers.

    >>> float(cross_entropy([[0.0, 0.0]], [1])) == float(np.log(2))
    True
    >>> cross_entropy(np.zeros((2, 4)), [3, 0], reduction="none").round(4).tolist()
    [1.3863, 1.3863]
    """
    _check_reduction("cross_entropy", reduction)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            f"cross_entropy: label_smoothing has to be from 0 to 1, but came {label_smoothing!r}."
        )
    logits, t = logits_and_targets("cross_entropy", logits, labels)
    if label_smoothing:
        classes = logits.shape[-1]
        t = t if t.ndim == logits.ndim else np.eye(classes, dtype=logits.dtype)[plain(t)]
        t = t * (1 - label_smoothing) + label_smoothing / classes
    if reduction == "mean":
        return mean_cross_entropy(logits, t)
    log_p = ops.log_softmax(logits)
    if t.ndim < logits.ndim:
        losses = -ops.take_along_axis(log_p, plain(t)[..., None])[..., 0]
    else:
        never = (plain(t) == 0) & np.isinf(plain(log_p))  # 0 * -inf counts as 0
        losses = -(t * ops.where(never, 0, log_p)).sum(axis=-1)
    return _reduced(losses, reduction)


def binary_cross_entropy_with_logits(
    logits: Any, targets: Any, *, reduction: Reduction = "mean"
) -> Any:
    """Return the cross-entropy of sigmoid(logits) with the targets, element by element.

    It is -t * log(sigmoid(x)) - (1 - t) * log(1 - sigmoid(x)), computed as
    t * softplus(-x) + (1 - t) * softplus(x), exact however large x is.

    Derivative: sigmoid(x) - t, divided by the number of elements for the mean.

    Args:
        logits: scores of any shape, before the sigmoid.
        targets: probabilities from 0 to 1, or booleans, of the same shape.
        reduction: "mean" over elements, "sum" or "none".

    Raises:
        ArgumentError: if a target is no probability.
        ShapeError: if the shapes differ, or there is no element.

    >>> float(binary_cross_entropy_with_logits([0.0], [1.0])) == float(np.log(2))
    True
    """
    what = "binary_cross_entropy_with_logits"
    x, t = _compared(what, logits, targets, reduction)
    wrong = ~((plain(t) >= 0) & (plain(t) <= 1))
    if wrong.any():
        raise ArgumentError(
            f"{what}: targets are probabilities from 0 to 1, but came {plain(t)[wrong].flat[0]}. "
            "Use (t + 1) / 2 for classes -1 and 1."
        )
    return _reduced(t * ops.softplus(-x) + (1 - t) * ops.softplus(x), reduction)


def mse_loss(predictions: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """Return (y - t)**2, the squared error.

    Derivative: 2 * (y - t), divided by the number of elements for the mean.

    Args:
        predictions: numbers y of any shape.
        targets: numbers t of the same shape.
        reduction: "mean" over elements, "sum" or "none".

    Raises:
        ShapeError: if the shapes differ, or there is no element.

    >>> float(mse_loss([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    y, t = _compared("mse_loss", predictions, targets, reduction)
    return _reduced((y - t) ** 2, reduction)


def l1_loss(predictions: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """Return abs(y - t), the absolute error.

    Derivative: the sign of y - t, which is 0 where they are equal, divided by
    the number of elements for the mean.

    Args:
        predictions: numbers y of any shape.
        targets: numbers t of the same shape.
        reduction: "mean" over elements, "sum" or "none".

    Raises:
        ShapeError: if the shapes differ, or there is no element.

    >>> float(l1_loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    y, t = _compared("l1_loss", predictions, targets, reduction)
    return _reduced(abs(y - t), reduction)


def huber_loss(
    predictions: Any, targets: Any, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> Any:
    """Return the squared error of small differences and the absolute error of large ones.

    For r = y - t it is r**2 / 2 where abs(r) <= delta, and
    delta * (abs(r) - delta / 2) elsewhere.

    Derivative: r, clipped to -delta and delta, divided by the number of
    elements for the mean.

    Source: P. Huber, Robust estimation of a location parameter, 1964.

    Args:
        predictions: numbers y of any shape.
        targets: numbers t of the same shape.
        delta: the difference up to which the error is squared.
        reduction: "mean" over elements, "sum" or "none".

    Raises:
        ArgumentError: if delta is not positive.
        ShapeError: if the shapes differ, or there is no element.

    >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none").tolist()
    [0.125, 2.5]
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta has to be positive, but came {delta!r}.")
    y, t = _compared("huber_loss", predictions, targets, reduction)
    r = y - t
    clipped = ops.clip(r, -delta, delta)
    return _reduced(clipped * (r - clipped / 2), reduction)


def hinge_loss(scores: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """Return max(0, 1 - t * y), which asks for a margin of 1 on the right side.

    It is the loss of a support vector machine, and of micrograd's demo.

    Derivative: -t where t * y < 1, and 0 elsewhere, divided by the number of
    elements for the mean.

    Args:
        scores: numbers y of any shape.
        targets: classes t, -1 or 1, of the same shape.
        reduction: "mean" over elements, "sum" or "none".

    Raises:
        ArgumentError: if a target is neither -1 nor 1.
        ShapeError: if the shapes differ, or there is no element.

    >>> hinge_loss([2.0, 0.5, 0.5], [1, 1, -1], reduction="none").tolist()
    [0.0, 0.5, 1.5]
    """
    y, t = _compared("hinge_loss", scores, targets, reduction)
    wrong = abs(plain(t)) != 1
    if wrong.any():
        raise ArgumentError(
            f"hinge_loss: targets are -1 or 1, but came {plain(t)[wrong].flat[0]}. Use 2 * t - 1 "
            "for classes 0 and 1."
        )
    return _reduced(ops.relu(1 - t * y), reduction)


def _check_reduction(what: str, reduction: Any) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(
            f"{what}: reduction has to be 'mean', 'sum' or 'none', but came {reduction!r}."
        )


def _compared(what: str, predictions: Any, targets: Any, reduction: Any) -> tuple[Any, Any]:
    """Return predictions and targets of one shape and one floating dtype."""
    _check_reduction(what, reduction)
    y, t = array_of(what, predictions), array_of(what, targets)
    for array in (y, t):
        if array.dtype.kind not in "fiub":
            raise OperandError(f"{what}: expected real numbers, but came dtype {array.dtype}.")
    if y.shape != t.shape or 0 in y.shape:
        raise ShapeError(
            f"{what}: expected predictions and targets of one shape that is not empty, but came "
            f"{y.shape} and {t.shape}. They are not broadcast: use reshape on one of them."
        )
    y = y if y.dtype.kind == "f" else ops.astype(y, float)
    return y, t if t.dtype == y.dtype else ops.astype(t, y.dtype)


def _reduced(losses: Any, reduction: Reduction) -> Any:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
]
