"""What a compiled function refuses stays refused, also where the function catches the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from tests.twins import bits

Body = Callable[..., Any]


def same_as_eagerly(body: Body, *calls: tuple[Any, ...]) -> None:
    compiled = mg.compile(body)
    for args in calls * 2:
        got, expected = compiled(*args), body(*args)
        assert bits(got) == bits(expected)
        assert kinds(got) == kinds(expected)
    assert len(compiled.programs) == 1


def kinds(result: Any) -> list[type]:
    return [type(leaf) for leaf in (result if isinstance(result, tuple) else (result,))]  # pyright: ignore


# What transforms do inside


@pytest.mark.parametrize("kind", [np.asarray, lambda row: [Value(x) for x in row]])  # pyright: ignore
def test_a_checkpoint_gives_what_it_gives_eagerly(kind: Any) -> None:
    def loss(q: Any, x: Any) -> Any:
        block = mg.checkpoint(lambda z: mg.tanh(z * q) * x)
        return mg.checkpoint(lambda z: block(z) * z)(q * x)

    def gradient(row: Any, x: Any) -> Any:
        if isinstance(row, list):
            return mg.grad(loss)(row[0], x)
        return mg.grad(lambda q: loss(q, x).sum())(row)

    same_as_eagerly(gradient, *[(kind([0.5, 2.0]), x) for x in (1.0, 2.0, 3.0)])


def test_a_checkpoint_reaches_what_it_uses_from_outside() -> None:
    w = Tensor([1.0, 2.0])

    def step(x: Any) -> Any:
        w.zero_grad()
        loss = mg.checkpoint(lambda z: mg.tanh(z * w))(Tensor(x) * w).sum()
        loss.backward()
        return loss.item(), w.grad

    same_as_eagerly(step, *[(np.ones(2) * k,) for k in (1, 2, 3)])


def test_the_tangent_of_one_number_is_a_scalar() -> None:
    same_as_eagerly(
        lambda x: mg.jvp(lambda q: (q**3).sum(), (x,), (x,))[1],
        *[(np.array([1.0, k]),) for k in (2.0, 3.0)],
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_number_beside_arrays_is_differentiated(dtype: Any) -> None:
    gradient = mg.grad(lambda p, x: ((x @ p["W"] + p["b"]) ** 2).sum())

    def slopes(b: float) -> Any:
        found = gradient({"W": np.ones(2, dtype), "b": b}, np.eye(2, dtype=dtype))
        return found["W"], found["b"]

    assert bits(slopes(0.5)) == bits((np.full(2, 3, dtype), 6.0))
    same_as_eagerly(slopes, (0.5,), (0.25,), (0.1,))
