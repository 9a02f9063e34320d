"""A training step of `micrograd.nn`: Sequential and Adam, compiled."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.cases import decorated, mnist


def build(decorate: decorated.Decorate, sizes: list[int], batch: int, dtype: str) -> decorated.Step:
    """Return the step."""
    mg, nn = import_module("micrograd"), import_module("micrograd.nn")
    _, x, t = mnist.data(sizes, batch, dtype)
    rng = np.random.default_rng(0)
    layers: list[Any] = [nn.Linear(n, m, rng=rng, dtype=dtype) for n, m in pairwise(sizes)]
    model = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-3)

    @decorate
    def step(x: Any, t: Any) -> Any:
        loss = mg.softmax_cross_entropy(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(x, t).item()


micrograd, eager = decorated.compiled(build), decorated.eager(build)
