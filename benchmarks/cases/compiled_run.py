"""A whole run of the book's: so many steps with drawing their batches, and compiling before them.

The images are random.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import decorated, mnist


def _run(
    start: Callable[[list[Any]], Callable[[Any, Any], Any]], steps: int, batch: int, images: int
) -> decorated.Step:
    """Return a run, whose steps `start` makes from arrays."""
    sizes = [784, 50, 10]
    rng = np.random.default_rng(1)
    x = rng.random((images, sizes[0]), "float32")
    t = rng.integers(0, sizes[-1], images)

    def run() -> list[float]:
        rng = np.random.default_rng(2)
        step = start(mnist.data(sizes, batch, "float32")[0])
        losses: list[float] = []
        for _ in range(steps):
            chosen = rng.choice(images, batch)
            losses.append(float(step(x[chosen], t[chosen])))
        return losses

    return run


def micrograd(steps: int, batch: int, images: int) -> decorated.Step:
    """Return the run with a compiled step."""
    compile: Any = import_module("micrograd").compile
    return _run(lambda arrays: mnist.trainer(compile, arrays), steps, batch, images)


def eager(steps: int, batch: int, images: int) -> decorated.Step:
    """Return the run with the same step without its decorator."""
    return _run(lambda arrays: mnist.trainer(decorated.as_it_is, arrays), steps, batch, images)


def numpy(steps: int, batch: int, images: int) -> decorated.Step:
    """Return the run in NumPy by hand."""
    return _run(lambda arrays: mnist.trainer_by_hand(arrays, batch), steps, batch, images)
