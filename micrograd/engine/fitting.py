"""How a contribution is made to fit the node that it is for: shape, dtype, kind of number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from micrograd.core.node import Node
from micrograd.core.numbers import to_number
from micrograd.errors import GradientError, ShapeError, describe
from micrograd.ops.axes import as_array
from micrograd.ops.shape import forward_sum_to, sum_to


def fit_array(contribution: Any, node: Node, parent: Node) -> Any:
    """Return a contribution in the shape and dtype of the parent that it is for.

    This is the one place where broadcasting is undone.
    """
    plain = contribution.__class__ is np.ndarray
    recorded = not plain and hasattr(contribution, "requires_grad")
    if not plain and not recorded:
        contribution = as_array(contribution)
    shape, dtype = parent._data.shape, parent._data.dtype
    if contribution.shape != shape:
        try:
            if node.op.foreign:
                _check_shape(contribution.shape, node)
            contribution = (sum_to if recorded else forward_sum_to)(contribution, shape=shape)
        except ShapeError:
            raise GradientError(
                f"backward: the derivative of {node.op.name} gave shape {contribution.shape} for "
                f"its argument {describe(parent)}, in {describe(node)}. It has to give the shape "
                "of the argument, or one that broadcasting made of it."
            ) from None
    if contribution.dtype == dtype:
        return contribution
    if contribution.dtype.kind not in "fiub":
        raise _no_real(contribution.dtype, node)
    if dtype.kind != "f":
        raise GradientError(
            f"backward: {describe(parent)}, an argument of {node.op.name}, requires a gradient, "
            f"but dtype {dtype} has none. Make it of floats before it is used."
        )
    return contribution.astype(dtype)


def _check_shape(shape: tuple[int, ...], node: Node) -> None:
    """Refuse a gradient with an axis that nothing in the call has: it would be summed up."""
    shapes = [np.shape(n._data) for n in (node, *node.parents)]
    lengths = {1, *[length for known in shapes for length in known]}
    if len(shape) > max(map(len, shapes)) or not lengths.issuperset(shape):
        raise ShapeError


def fit_number(contribution: Any, node: Node) -> Any:
    """Return a contribution as a Python number; one with a graph as it is."""
    if hasattr(contribution, "requires_grad"):
        return contribution
    try:
        return to_number(real(contribution))
    except (TypeError, ValueError):
        raise _no_real(type(contribution).__name__, node) from None


def _no_real(came: Any, node: Node) -> GradientError:
    return GradientError(
        f"backward: a derivative of {node.op.name} gave {came} in {describe(node)}, but a gradient "
        "is made of real numbers. Return floats in the shape of the argument."
    )


def real(contribution: Any) -> Any:
    """Return nan for what Python makes complex: a negative number to a fractional power."""
    return math.nan if isinstance(contribution, complex) else contribution
