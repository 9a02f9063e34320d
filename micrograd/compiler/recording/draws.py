"""Random numbers in a compiled function: each draw is a call of the program on the generator."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from micrograd.compiler.recording import seams
from micrograd.compiler.recording.programs import is_a
from micrograd.errors import CompileError

_OUTSIDE = (
    "Draw it outside, and give it to the function as an argument; or draw it from a "
    "np.random.Generator that is a variable or an argument of the function."
)


def draw(generator: Any, method: str, *args: Any, **settings: Any) -> Any:
    """Return what a method of a generator draws; in a compiled function, note that as a call.

    Args:
        generator: a `np.random.Generator`.
        method: its name.
        args: what it is given.
        settings: likewise, by name.

    >>> draw(np.random.default_rng(0), "integers", 10, size=3).tolist()
    [8, 6, 5]
    """
    recorder = seams.current.get()
    if isinstance(generator, StandIn):
        generator = generator.generator
    if recorder is None:
        return getattr(generator, method)(*args, **settings)
    return recorder.draw(generator, method, args, settings)


class StandIn(np.random.Generator):
    """What stands for a generator in a function that is recorded.

    Args:
        generator: from which it draws, too.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__(generator.bit_generator)
        self.generator = generator


def stand_in(thing: Any) -> Any:
    """Return what stands for a thing: another generator for a generator, itself for all else."""
    return StandIn(thing) if isinstance(thing, np.random.Generator) else thing


def _drawing(name: str) -> Callable[..., Any]:
    def method(self: StandIn, *args: Any, **settings: Any) -> Any:
        if settings.get("out") is not None:
            _refuse(name, "with out=. Leave that out")
        return draw(self, name, *args, **settings)

    return method


def _refusing(name: str, instead: str) -> Callable[..., Any]:
    def method(self: StandIn, *args: Any, **settings: Any) -> Any:
        return _refuse(name, instead)

    return method


def _refuse(name: str, instead: str) -> NoReturn:
    raise CompileError(
        f"compile: the function draws random numbers by Generator.{name}, which a program does "
        f"not call {instead}."
    )


_REFUSED = {
    "shuffle": "since it writes to what it is given. Use permutation",
    "bytes": "since bytes are no array. Use integers",
    "spawn": "since it makes generators. Make them outside",
}
_NO_DRAWS = {"bit_generator"}

for _name in {name for name in dir(np.random.Generator) if name[0] != "_"} - _NO_DRAWS:
    _refused = _REFUSED.get(_name)
    setattr(StandIn, _name, _refusing(_name, _refused) if _refused else _drawing(_name))


def states_of(generators: Iterable[Any]) -> dict[Any, Any]:
    """Return the states of generators."""
    return {generator: generator.bit_generator.state for generator in generators}


def put_back(states: dict[Any, Any]) -> None:
    """Give generators the states that they had."""
    for generator, state in states.items():
        generator.bit_generator.state = state


class Draws:
    """The states of generators while a function is recorded.

    What is drawn by other ways than a call that was noted is an error.

    Args:
        named: generators that the function names, with their names.
    """

    def __init__(self, named: Iterable[tuple[str, Any]]) -> None:
        self._names: dict[Any, str] = {}
        self._before: dict[Any, Any] = {}
        self._now: dict[Any, Any] = {}
        for name, generator in named:
            self._enter(generator, name)
        self._global = _global_states()
        self.drawn: list[Any] = []

    def _enter(self, generator: Any, name: str) -> None:
        if generator not in self._before:
            self._names[generator] = name
            self._before[generator] = self._now[generator] = generator.bit_generator.state

    def before(self, generator: Any) -> None:
        """Take note of a generator that is going to be drawn from."""
        self._enter(generator, "a generator")
        self._check(generator)
        if generator not in self.drawn:
            self.drawn.append(generator)

    def after(self, generator: Any) -> None:
        """Take note of its new state."""
        self._now[generator] = generator.bit_generator.state

    def check(self) -> None:
        """Raise an error if something was drawn without a note."""
        for generator in self._before:
            self._check(generator)
        now = _global_states()
        for name, was in self._global.items():
            if not _alike(was, now[name]):
                raise CompileError(
                    f"compile: the function draws random numbers from {name}, which would be "
                    f"constants of the program. {_OUTSIDE}"
                )

    def put_back(self) -> None:
        """Give all generators the states that they had."""
        put_back(self._before)

    def _check(self, generator: Any) -> None:
        if not _alike(self._now[generator], generator.bit_generator.state):
            raise CompileError(
                f"compile: `{self._names[generator]}` was drawn from, or set, while the function "
                "was recorded, in a way that a program does not repeat, as through an attribute "
                f"or a list that holds it. {_OUTSIDE} From an attribute, `draw(self.rng, "
                '"normal", size=3)` of micrograd.compiler.recording.draws draws in a way that is '
                "noted."
            )


def _global_states() -> dict[str, Any]:
    return {"Python's random": random.getstate(), "np.random": np.random.get_state(legacy=False)}


def _alike(a: Any, b: Any) -> bool:
    """Tell whether two states are equal, which hold numbers, words and arrays."""
    if is_a(a, dict):
        return all([_alike(part, b[key]) for key, part in a.items()])
    return bool(np.array_equal(a, b)) if is_a(a, np.ndarray) else a == b
