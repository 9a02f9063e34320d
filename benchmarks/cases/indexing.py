"""A hundred times 64 rows of an array, by number, summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import generic


def _build() -> tuple[generic.Function, list[Any]]:
    rows = np.random.default_rng(1).integers(0, 1000, (100, 64))

    def function(module: Any, x: Any) -> Any:
        total = x[rows[0]]
        for chosen in rows[1:]:
            total = total + x[chosen]
        return total.sum()

    return function, generic.random_arrays((1000, 32))


micrograd, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(_build)
