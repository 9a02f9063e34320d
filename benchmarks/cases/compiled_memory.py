"""The most that a training step allocates, in bytes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

from benchmarks.cases import decorated, mnist


def _of(make: Callable[..., decorated.Step]) -> Callable[..., decorated.Step]:
    def kept(from_start: bool, **settings: Any) -> decorated.Step:
        """Return the step; what it holds from its making on is counted if so said."""
        if from_start:
            make(**settings)()  # what is imported for it is not counted
            gc.collect()
            tracemalloc.start()
        step = make(**settings)
        step()
        return step

    return kept


micrograd, eager = _of(decorated.compiled(mnist.build)), _of(mnist.micrograd)


def cost(step: decorated.Step, times: int, clock: Any) -> float:
    """Return the bytes, those counted before included."""
    gc.collect()
    counted = tracemalloc.is_tracing()
    tracemalloc.reset_peak() if counted else tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    if not counted:
        tracemalloc.stop()
    return peak
