"""Gradient clipping: keep one bad batch from throwing the parameters far away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from micrograd.compiler.recording.hosted import hosted
from micrograd.errors import ArgumentError, in_range
from micrograd.nn.parameters import Parameters, by_name, require_finite, with_gradients
from micrograd.ops.ranges import is_sound, wide

__all__ = ["clip_grad_norm", "clip_grad_value"]


@hosted
def clip_grad_norm(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    *,
    error_if_nonfinite: bool = True,
) -> float:
    """Scale all gradients, in place, so that their norm is at most `max_norm`; return the old norm.

        g = g * min(1, max_norm / (norm + 1e-6))

    The norm is that of all gradients as one vector (Pascanu et al. 2013). As in
    PyTorch, 1e-6 keeps the division from 0.

    Args:
        parameters: leaves, or pairs of names and leaves; those without a gradient are left alone.
        max_norm: the largest norm wanted; inf to measure it only.
        norm_type: the order of the norm, above 0; inf for the largest magnitude.
        error_if_nonfinite: refuse nan and inf in gradients, before any scaling.

    Raises:
        ArgumentError: if `max_norm` or `norm_type` is out of range.
        DivergenceError: if a gradient has nan or inf in it.
        GradientError: if a gradient has a graph of its own.

    >>> from micrograd import Tensor
    >>> x, y = Tensor([3.0]), Tensor([4.0])
    >>> (x * x + y * y).sum().backward()
    >>> clip_grad_norm([x, y], 5.0)
    10.0
    >>> x.grad.round(4), y.grad.round(4)
    (array([3.]), array([4.]))
    """
    what = "clip_grad_norm"
    max_norm = max_norm if max_norm == math.inf else in_range(what, "max_norm", max_norm)
    if norm_type != math.inf and not in_range(what, "norm_type", norm_type):
        raise ArgumentError(
            f"{what}: norm_type is {norm_type!r}; expected a number above 0, or inf."
        )
    found = with_gradients(by_name(parameters, what), what)
    if error_if_nonfinite:
        require_finite(found, what)
    norm = _norm([_norm(grad, norm_type) for _, _, grad in found], norm_type)
    scale = max_norm / (norm + 1e-6)
    if max_norm < math.inf and not scale >= 1:
        with np.errstate(all="ignore"):
            for _, node, grad in found:
                if node._is_number:
                    node._grad = grad * scale
                elif scale >= np.finfo(grad.dtype).tiny:
                    grad *= scale
                else:  # the dtype of the gradient does not hold the scale
                    np.multiply(grad, scale, out=grad, dtype=float, casting="same_kind")
    return norm


@hosted
def clip_grad_value(parameters: Parameters, clip_value: float) -> None:
    """Clip each element of each gradient, in place, to -clip_value..clip_value.

    Args:
        parameters: leaves, or pairs of names and leaves; those without a gradient are left alone.
        clip_value: the largest magnitude wanted, 0 or more. A nan stays one.

    Raises:
        ArgumentError: if `clip_value` is out of range.
        GradientError: if a gradient has a graph of its own.

    >>> from micrograd import Tensor
    >>> x = Tensor([0.1, -3.0])
    >>> (x * x).sum().backward()
    >>> clip_grad_value([x], 1.0)
    >>> x.grad
    array([ 0.2, -1. ])
    """
    what = "clip_grad_value"
    clip_value = in_range(what, "clip_value", clip_value)
    for _, node, grad in with_gradients(by_name(parameters, what), what):
        if node._is_number:
            node._grad = float(np.clip(grad, -clip_value, clip_value))
        else:
            np.clip(grad, -clip_value, clip_value, out=grad)


def _norm(numbers: Any, order: float) -> float:
    """Return (Σ |x|^order)^(1 / order), also where the sum itself would overflow."""
    flat = wide(np.ravel(numbers, order="K"))
    with np.errstate(all="ignore"):
        norm = _plain_norm(flat, order)
        if order == math.inf or is_sound(flat.dtype.type(norm), order):
            return norm
        largest = float(np.abs(flat).max(initial=0))
        if largest == 0 or not math.isfinite(largest):
            return largest
        return largest * _plain_norm(flat.astype(float) / largest, order)


def _plain_norm(flat: Any, order: float) -> float:
    if order == 2:
        return math.sqrt(np.dot(flat, flat))
    if order == math.inf:
        return float(np.abs(flat).max(initial=0))
    return float(np.float64((np.abs(flat) ** order).sum()) ** (1 / order))
