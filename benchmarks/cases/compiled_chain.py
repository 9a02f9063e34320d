"""A chain of scalars, forward and backward, compiled."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.cases import decorated


def build(decorate: decorated.Decorate, nodes: int, curved: bool) -> decorated.Step:
    """Return the step: so many nodes, of products, or of which a quarter are tanh."""
    Value: Any = import_module("micrograd.engine").Value
    leaves = [Value(number) for number in (0.5, 0.9999999, 0.25, 0.125)]

    @decorate
    def step() -> Any:
        x, a, b, c = leaves
        if curved:
            for _ in range(nodes // 4):
                x = (x * a + b).tanh() + c
        else:
            for _ in range(nodes):
                x = x * a
        for leaf in leaves:
            leaf.grad = 0.0
        x.backward()
        return x

    return lambda: step().data


micrograd, eager = decorated.compiled(build), decorated.eager(build)
