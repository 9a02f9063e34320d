"""What layers ask of their settings and inputs, and how they call themselves in a message."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from micrograd.core.modes import scoping
from micrograd.engine.tensor import Tensor
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.nn.init import Initializer
from micrograd.nn.module import Module
from micrograd.ops.axes import array_of


def called(layer: Module) -> str:
    """Return what to call a layer in a message: its repr, and where it is called.

    >>> called(Module())
    'Module()'
    """
    scope = scoping.get()
    return f"{layer!r} in {'/'.join(scope.path)}" if scope is not None else repr(layer)


def array_with_axis(layer: Module, x: Any, axis: int, length: int) -> Any:
    """Return x as an array or Tensor, if its `axis` has the length that the layer is made for.

    Args:
        layer: whose input it is, for messages.
        x: what came.
        axis: the axis to look at: -1, or 1 for what has a batch in front.
        length: the length that it must have.

    Raises:
        ShapeError: if x has another length there, or no such axis.
        OperandError: if x is a Value.

    >>> array_with_axis(Module(), [[1, 2]], -1, 2).shape
    (1, 2)
    """
    x = array_of(type(layer).__name__, x)
    shape = x.shape
    if not -len(shape) <= axis < len(shape) or shape[axis] != length:
        expected = f"(..., {length})" if axis == -1 else f"(n, {length}, ...)"
        flat = math.prod(shape[1:]) == length and axis == -1
        hint = " Put a Flatten() before it." if flat else ""
        raise wrong_shape(layer, x, expected, hint)
    return x


def wrong_shape(layer: Module, x: Any, expected: str, hint: str = "") -> ShapeError:
    """Return the error for an input of another shape than a layer takes.

    >>> wrong_shape(Module(), np.ones(2), "(n, 3)")
    ShapeError('Module(): expected x of shape (n, 3), but came (2,).')
    """
    return ShapeError(f"{called(layer)}: expected x of shape {expected}, but came {x.shape}.{hint}")


def positive(what: str, name: str, number: Any) -> int:
    """Return a size as an int, if it is one and positive.

    Raises:
        OperandError: if it is no integer.
        ArgumentError: if it is not positive.

    >>> positive("Linear", "inputs", np.int64(3))
    3
    """
    try:
        size = index(number)
    except TypeError:
        raise OperandError(f"{what}: {name} has to be an integer, but came {number!r}.") from None
    if size < 1:
        raise ArgumentError(f"{what}: {name} has to be at least 1, but came {number!r}.")
    return size


def weights(
    what: str, init: Initializer, shape: tuple[int, ...], rng: Any, dtype: DTypeLike
) -> Tensor:
    """Return a parameter with what an initializer gives for a shape.

    Raises:
        ShapeError: if the initializer gives another shape.
        OperandError: if it cannot be called, or `dtype` is no floating one.

    >>> from micrograd.nn import init
    >>> weights("Linear", init.zeros, (2,), None, float)
    Tensor([0., 0.])
    """
    if np.dtype(dtype).kind != "f":
        raise OperandError(
            f"{what}: expected a floating dtype, but came {np.dtype(dtype)}, which has no "
            "gradient. Use np.float32 or np.float64."
        )
    if not callable(init):
        raise OperandError(
            f"{what}: init has to be a function of a shape, but came {init!r}. Use one of "
            "nn.init, with its settings as in functools.partial(nn.init.normal, std=0.1)."
        )
    data = np.asarray(init(shape, rng=rng, dtype=dtype))
    if data.shape != shape:
        raise ShapeError(f"{what}: init gave shape {data.shape}, but was asked for {shape}.")
    return Tensor(data, dtype)


__all__ = ["array_with_axis", "called", "positive", "weights", "wrong_shape"]
