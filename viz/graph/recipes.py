"""How composite operations are made of primitive ones.

A recipe takes the arguments and settings of the operation, and computes the same in
the steps in which a textbook takes it apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Concatenate

import numpy as np

import micrograd as mg

_LARGE = 50.0
"""Of numbers beyond this, exp is taken less the largest, lest it overflow."""


def _sigmoid(x: Any) -> Any:
    return 1 / (mg.exp(x * -1) + 1)


def _tanh(x: Any) -> Any:
    e = mg.exp(2 * x)
    return (e - 1) / (e + 1)


def _total(x: Any, axis: Any, keepdims: bool = True) -> Any:
    return mg.sum(x, axis=axis, keepdims=keepdims)


def _count(x: Any, axis: Any) -> int:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()
    return math.prod(x.shape[i] for i in axes)


def _shifted(x: Any, axis: Any) -> tuple[Any, Any]:
    """Return x, less its largest elements if exp could overflow, and these."""
    if x.data.size == 0 or np.abs(x.data).max() <= _LARGE:
        return x, None
    largest = x.data.max(axis=axis, keepdims=True)
    return x - largest, largest


def _softmax(x: Any, *, axis: Any) -> Any:
    e = mg.exp(_shifted(x, axis)[0])
    return e / _total(e, axis)


def _log_softmax(x: Any, *, axis: Any) -> Any:
    x, _ = _shifted(x, axis)
    return x - mg.log(_total(mg.exp(x), axis))


def _logsumexp(x: Any, *, axis: Any, keepdims: bool) -> Any:
    x, largest = _shifted(x, axis)
    y = mg.log(_total(mg.exp(x), axis, keepdims))
    return y if largest is None else y + largest.reshape(y.shape)


def _softmax_cross_entropy(x: Any, t: Any, *, work: Any = None) -> Any:
    classes = x.shape[-1]
    if t.ndim < x.ndim:
        label = f"one-hot {t.label}" if t.label else "one-hot"
        onehot = np.eye(classes, dtype=x.dtype)[t.data]
        t = mg.Tensor(onehot, requires_grad=False, label=label)
    loss = -mg.sum(t * mg.log(_softmax(x, axis=-1)))
    rows = x.data.size // classes
    return loss / rows if rows > 1 else loss


def _mean(x: Any, *, axis: Any, keepdims: bool) -> Any:
    return _total(x, axis, keepdims) / _count(x, axis)


def _var(x: Any, *, axis: Any, ddof: float, keepdims: bool) -> Any:
    distance = x - _total(x, axis) / _count(x, axis)
    return _total(distance**2, axis, keepdims) / (_count(x, axis) - ddof)


def _norm(x: Any, *, order: float, axis: Any, keepdims: bool) -> Any:
    if order == 2:
        return mg.sqrt(_total(x**2, axis, keepdims))
    return _total(mg.abs(x) ** order, axis, keepdims) ** (1 / order)


def _softplus(x: Any, *, beta: float) -> Any:
    z = x if beta == 1 else beta * x
    y = mg.log(1 + mg.exp(z))
    return y if beta == 1 else y / beta


def _elu(x: Any, *, alpha: float) -> Any:
    slope = mg.exp(x) - 1
    return mg.where(x.data > 0, x, slope if alpha == 1 else alpha * slope)


def _leaky_relu(x: Any, *, negative_slope: float) -> Any:
    return mg.where(x.data > 0, x, negative_slope * x)


def _std(x: Any, **settings: Any) -> Any:
    return mg.sqrt(_var(x, **settings))


Recipe = (  # which gives the arguments of a lambda a type
    Callable[[Any], Any]
    | Callable[Concatenate[Any, Any, ...], Any]
    | Callable[Concatenate[Any, ...], Any]
)

RECIPES: Mapping[str, Recipe] = {
    "elu": _elu,
    "exp2": lambda x: 2.0**x,
    "expm1": lambda x: mg.exp(x) - 1,
    "hypot": lambda a, b: mg.sqrt(a**2 + b**2),
    "leaky_relu": _leaky_relu,
    "log10": lambda x: mg.log(x) / math.log(10),
    "log1p": lambda x: mg.log(1 + x),
    "log2": lambda x: mg.log(x) / math.log(2),
    "log_sigmoid": lambda x: mg.log(_sigmoid(x)),
    "log_softmax": _log_softmax,
    "logabsdet": lambda a: mg.log(mg.abs(mg.linalg.det(a))),
    "logaddexp": lambda a, b: mg.log(mg.exp(a) + mg.exp(b)),
    "logsumexp": _logsumexp,
    "mean": _mean,
    "norm": _norm,
    "normal_cdf": lambda x: (mg.erf(x / math.sqrt(2)) + 1) / 2,
    "sigmoid": _sigmoid,
    "sinc": lambda x: mg.sin(math.pi * x) / (math.pi * x),
    "sinh": lambda x: (mg.exp(x) - mg.exp(x * -1)) / 2,
    "cosh": lambda x: (mg.exp(x) + mg.exp(x * -1)) / 2,
    "softmax": _softmax,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + mg.abs(x)),
    "square": lambda x: x * x,
    "std": _std,
    "tan": lambda x: mg.sin(x) / mg.cos(x),
    "tanh": _tanh,
    "var": _var,
}
"""By the name of an operation, what computes it from primitive ones."""
