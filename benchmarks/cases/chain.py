"""A chain of scalars, from its first node to the last one freed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.cases import generic


def build(nodes: int) -> tuple[generic.Function, list[Any]]:
    """Return a function that multiplies so many times, and two numbers."""

    def function(module: Any, x: Any, y: Any) -> Any:
        for _ in range(nodes):
            x = x * y
        return x

    return function, generic.random_arrays((), ())


_, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(build)


def micrograd(nodes: int) -> Callable[[], Any]:
    """Return the step with Values, of whichever micrograd is first on the path."""
    Value: Any = import_module("micrograd.engine").Value

    def step() -> None:
        y = Value(1.0)
        factor = Value(1.0000001)
        for _ in range(nodes):
            y = y * factor
        y.backward()

    return step


karpathy = micrograd
