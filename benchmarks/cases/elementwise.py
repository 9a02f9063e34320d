"""The sum of exp(-tanh(x w + b)²), element by element, and its gradients for x, w and b."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import generic


def build(shape: list[int], dtype: str) -> tuple[generic.Function, list[Any]]:
    """Return the function and the arrays x, w and b."""

    def function(module: Any, x: Any, w: Any, b: Any) -> Any:
        h = module.tanh(x * w + b)
        return module.exp(-(h * h)).sum()

    return function, generic.random_arrays(*[tuple(shape)] * 3, dtype=dtype)


micrograd, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(build)


def numpy(shape: list[int], dtype: str) -> Callable[[], Any]:
    """Return the step in NumPy by hand, which writes into arrays that are no longer needed."""
    x, w, b = generic.random_arrays(*[tuple(shape)] * 3, dtype=dtype)

    def step() -> Any:
        h = x * w
        h += b
        np.tanh(h, out=h)
        e = h * h
        local = 1 - e
        np.negative(e, out=e)
        np.exp(e, out=e)
        total = e.sum()
        e *= h
        e *= -2
        e *= local
        return total, e * w, e * x, e

    return step
