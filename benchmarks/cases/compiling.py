"""What there is to wait for before the first replay, beside an eager step."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.cases import decorated

Clock = Callable[[], float]
Told = Callable[[Clock], float]


def micrograd(case: str, **settings: Any) -> Told:
    """Return what compiles the step of a case anew: all calls, without what replays take."""
    build = import_module(f"benchmarks.cases.{case}").build
    compile: Any = import_module("micrograd").compile

    def told(clock: Clock) -> float:
        step = build(compile, **settings)
        start = clock()
        for _ in range(decorated.CALLS):
            step()
        made = clock()
        step()
        return made - start - (clock() - made)

    return told


def eager(case: str, **settings: Any) -> Told:
    """Return the step itself."""
    step = import_module(f"benchmarks.cases.{case}").build(decorated.as_it_is, **settings)

    def told(clock: Clock) -> float:
        start = clock()
        step()
        return clock() - start

    return told


def cost(step: Told, times: int, clock: Clock) -> float:
    """Return the mean of what steps tell of themselves."""
    return sum(step(clock) for _ in range(times)) / times
