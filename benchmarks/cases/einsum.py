"""A batch of matrix products, written as an einsum, and summed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import generic


def _build() -> tuple[generic.Function, list[Any]]:
    def function(module: Any, a: Any, b: Any) -> Any:
        return module.einsum("bij,bjk->bik", a, b).sum()

    return function, generic.random_arrays((32, 16, 16), (32, 16, 16))


micrograd, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(_build)


def numpy() -> Callable[[], Any]:
    """Return the step in NumPy by hand."""
    a, b = generic.random_arrays((32, 16, 16), (32, 16, 16))

    def step() -> Any:
        y = np.einsum("bij,bjk->bik", a, b)
        g = np.ones_like(y)
        return y.sum(), np.einsum("bik,bjk->bij", g, b), np.einsum("bij,bik->bjk", a, g)

    return step
