"""A step under `debug()`, beside a plain one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.cases import mnist


def micrograd(kind: str, debug: bool) -> Callable[[], Any]:
    """Return the step of a small network of Values, or of the MNIST network of Tensors."""
    import micrograd as mg

    step = _value_step() if kind == "Values" else mnist.micrograd([784, 50, 10], 100, "float32")

    def watched() -> None:
        with mg.debug():
            step()

    return watched if debug else step


def _value_step() -> Callable[[], Any]:
    from micrograd import Value
    from micrograd.nn import MLP

    model = MLP(2, [8, 8, 1])

    def step() -> None:
        loss = (model([Value(0.5), Value(-1.0)]) - 1.0) ** 2
        model.zero_grad()
        loss.backward()

    return step
