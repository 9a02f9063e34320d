"""A hundred operations on two scalars, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.cases import generic


def function(module: Any, x: Any, y: Any) -> Any:
    """Return what a hundred operations make of two numbers; it stays near 0.7."""
    for _ in range(25):
        x = (x + y) * y - x / y
    return x


_, mygrad, autograd, dezero, pytorch, jax, jax_jit = generic.steps(
    lambda: (function, generic.random_arrays((), ()))
)


def micrograd() -> Callable[[], Any]:
    """Return the step with Values, of whichever micrograd is first on the path."""
    Value: Any = import_module("micrograd.engine").Value
    x, y = [Value(float(array)) for array in generic.random_arrays((), ())]

    def step() -> None:
        function(None, x, y).backward()
        x.grad = y.grad = 0.0

    return step


karpathy = micrograd
