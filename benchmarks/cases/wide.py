"""The sum of thousand scalars, one by one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.cases import generic

TERMS = 1_000


def _build() -> tuple[generic.Function, list[Any]]:
    def function(module: Any, *terms: Any) -> Any:
        return sum(terms)

    return function, generic.random_arrays(*[()] * TERMS)


_, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(_build)


def micrograd() -> Callable[[], Any]:
    """Return the step with Values, of whichever micrograd is first on the path."""
    Value: Any = import_module("micrograd.engine").Value
    terms = [Value(float(array)) for array in generic.random_arrays(*[()] * TERMS)]

    def step() -> None:
        total: Any = sum(terms)
        total.backward()
        for term in terms:
            term.grad = 0.0

    return step


karpathy = micrograd
