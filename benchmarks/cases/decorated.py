"""A step written once, taken as it is or with a decorator on its function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

Step = Callable[[], Any]
Decorate = Callable[[Any], Any]
CALLS = 4  # the first are recorded, until two agree; after these there is nothing left to be made


def as_it_is(function: Any) -> Any:
    """Return a function without a decorator on it."""
    return function


def eager(build: Callable[..., Step]) -> Callable[..., Step]:
    """Return a maker of steps as they are written, for whichever micrograd is first on the path.

    Args:
        build: called with a decorator and the settings of a variant, returns the step.
    """
    return lambda *args, **settings: build(as_it_is, *args, **settings)


def compiled(build: Callable[..., Step]) -> Callable[..., Step]:
    """Return a maker of compiled steps, of which each call is a replay."""

    def make(*args: Any, **settings: Any) -> Step:
        step = build(import_module("micrograd").compile, *args, **settings)
        for _ in range(CALLS):
            step()
        return step

    return make
