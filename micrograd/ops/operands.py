"""What functions of several arrays do with their arguments before an operation takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.errors import OperandError, ShapeError
from micrograd.node import Node


def as_arrays(name: str, *args: Any) -> list[Any]:
    """Return nodes as they are and all else as arrays; refuse a Value."""
    if any(isinstance(arg, Node) and arg._is_number for arg in args):
        raise OperandError(
            f"{name}: takes arrays, but came a Value, which is one number. Use Tensors."
        )
    return [arg if isinstance(arg, Node) else np.asarray(arg) for arg in args]


def axis_of(name: str, which: str, x: Any, axis: int) -> int:
    """Return the position of an axis counted from either end."""
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(
            f"{name}: {which} of shape {x.shape} has no axis {axis}. Its axes are "
            f"{-x.ndim} to {x.ndim - 1}."
            if x.ndim
            else f"{name}: {which} is one number, which has no axes to sum over."
        )
    return axis % x.ndim
