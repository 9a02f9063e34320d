"""Copies of functions in which something stands for the generators: they do the same otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd.compiler.watching.stand_ins import with_stand_ins

RNG = np.random.default_rng(0)
_count = 0


class Counted:
    """What draws from a generator, and keeps count."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.draws = rng, 0

    def random(self) -> float:
        self.draws += 1
        return self.rng.random()


class Made:
    """Makes the stand-ins, and keeps them by generator."""

    def __init__(self) -> None:
        self.of: dict[int, Counted] = {}

    def __call__(self, rng: np.random.Generator) -> Any:
        assert id(rng) not in self.of, "asked twice for one generator"
        self.of[id(rng)] = Counted(rng)
        return self.of[id(rng)]

    def draws(self) -> list[int]:
        return [one.draws for one in self.of.values()]


def copied(f: Callable[..., Any], made: Made) -> Callable[..., Any]:
    copy = with_stand_ins(f, made)
    assert copy is not None
    return copy


def noisy(x: float) -> float:
    return x + RNG.random()


def twice(x: float) -> float:
    return noisy(x) + noisy(x)


def test_a_global_and_a_function_that_is_called() -> None:
    made = Made()
    copy = copied(twice, made)
    RNG.bit_generator.state = np.random.default_rng(5).bit_generator.state
    got = copy(1.0)
    RNG.bit_generator.state = np.random.default_rng(5).bit_generator.state
    assert made.draws() == [2]
    assert got == twice(1.0)
    assert made.draws() == [2]
    assert isinstance(RNG, np.random.Generator)
    assert (copy.__name__, copy.__module__, copy.__doc__) == ("twice", __name__, twice.__doc__)


def test_cells_defaults_and_functions_inside() -> None:
    rng, other = np.random.default_rng(1), np.random.default_rng(2)

    def f(x: float, rng_too: Any = other, *, again: Any = rng) -> Any:
        def inner() -> float:
            return rng.random()

        return x + inner() + sum(rng.random() for _ in range(2)), rng_too.random(), again.random()

    made = Made()
    copied(f, made)(0.0)
    assert made.draws() == [1, 4] or made.draws() == [4, 1]
    assert f.__defaults__ == (other,)
    assert f.__closure__ is not None
    assert [cell.cell_contents for cell in f.__closure__] == [rng]


def test_functions_that_call_each_other() -> None:
    rng = np.random.default_rng(1)

    def even(n: int) -> float:
        return 0.0 if n == 0 else rng.random() + odd(n - 1)

    def odd(n: int) -> float:
        return rng.random() + even(n - 1)

    made = Made()
    copied(even, made)(4)
    assert made.draws() == [4]


def test_a_function_of_ours() -> None:
    rng = np.random.default_rng(1)

    def f() -> float:
        return rng.random()

    f.__module__ = "micrograd.training.loop"
    made = Made()
    copied(f, made)()
    assert made.draws() == [1]


def test_what_names_no_generator_is_itself() -> None:
    factor = 2.0
    f: Callable[..., Any] = lambda x: x * factor  # noqa: E731
    assert with_stand_ins(f, Made()) is f


def test_variables_are_shared_otherwise() -> None:
    rng, count = np.random.default_rng(1), 0

    def f() -> float:
        nonlocal count
        count += 1
        f.calls = count  # pyright: ignore
        return rng.random()

    made = Made()
    copy = copied(f, made)
    copy()
    f()
    assert count == 2
    assert f.calls == copy.calls == 2  # pyright: ignore
    assert made.draws() == [1]


def counting() -> float:
    global _count
    _count += 1
    return RNG.random()


def counter() -> int:
    global _count
    _count += 1
    return _count


@pytest.mark.parametrize("f", [counting, lambda: RNG.random() + counter()])
def test_globals_that_are_assigned_to_are_refused(f: Callable[..., Any]) -> None:
    assert with_stand_ins(f, Made()) is None


def test_a_generator_that_is_made_anew_is_refused() -> None:
    rng = np.random.default_rng(1)

    def again() -> None:
        nonlocal rng
        rng = np.random.default_rng(1)

    def f() -> float:
        again()
        return rng.random()

    assert with_stand_ins(f, Made()) is None


class Model:
    def step(self, x: float) -> float:
        self.x = noisy(x)
        return self.x

    __call__ = step


def test_methods_partials_callable_objects_and_transforms() -> None:
    model, made = Model(), Made()
    assert copied(model.step, made)(1.0) == model.x
    assert made.draws() == [1]
    made = Made()
    assert copied(model, made)(1.0) == model.x
    assert made.draws() == [1]
    rng, made = np.random.default_rng(1), Made()
    copied(partial(lambda rng, x: x + rng.random() + noisy(x), rng, x=1.0), made)()
    assert sorted(made.draws()) == [1, 1]
    made = Made()
    assert copied(mg.grad(lambda x: x * x * RNG.random() ** 0), made)(3.0) == 6.0
    assert made.draws() == [1]


class Holder:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)


def test_a_generator_in_an_attribute_or_a_list_stays() -> None:
    holder, several = Holder(), [np.random.default_rng(1)]
    f: Callable[..., Any] = lambda: holder.rng.random() + several[0].random()  # noqa: E731
    assert with_stand_ins(f, Made()) is f
