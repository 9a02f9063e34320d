"""Operations on arrays of one shape, one after the other."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import generic


def build(shape: list[int], ops: int) -> tuple[generic.Function, list[Any]]:
    """Return a function with so many operations and then a sum, and two arrays."""

    def function(module: Any, x: Any, y: Any) -> Any:
        for _ in range(ops // 4):
            x = (x + y) * y - x / y
        return x.sum() if shape else x

    return function, generic.random_arrays(tuple(shape), tuple(shape))


micrograd, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(build)
