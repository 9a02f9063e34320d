"""The demo of karpathy/micrograd with a decorator and nothing else: bit for bit as without it."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from benchmarks.cases.demo import moons
from micrograd import Value
from micrograd.nn import MLP

STEPS = 100


def _same(function: Any) -> Any:
    return function


def _demo(decorate: Callable[[Any], Any], X: Any, y: Any, sizes: list[int]) -> tuple[Any, Any]:
    """Return the model of the demo and its step, which calls what karpathy's notebook calls."""
    random.seed(1337)
    model = MLP(2, sizes)

    def loss() -> tuple[Any, Any]:
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss: Any = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    @decorate
    def step(learning_rate: float) -> tuple[Any, Any]:
        total, acc = loss()
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        return total, acc

    return model, step


def _exactly(number: Any) -> tuple[type, str]:
    """Return what tells numbers apart to the last bit, zeros by their sign, and by type."""
    return type(number), float(number).hex()


def _seen(model: Any, total: Any, accuracy: Any) -> list[tuple[type, str]]:
    parameters = model.parameters()
    return [
        _exactly(number)
        for number in (
            total.data,
            accuracy,
            *[p.data for p in parameters],
            *[p.grad for p in parameters],
        )
    ]


def _sklearns() -> Any:
    """Return the points of the notebook, as arrays."""
    from sklearn.datasets import make_moons

    np.random.seed(1337)
    moons: Any = make_moons(n_samples=100, noise=0.1)
    return moons[0], moons[1] * 2 - 1


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        pytest.param(lambda: moons(20, random.Random(1337)), [4, 4, 1], id="small"),
        pytest.param(
            lambda: moons(100, random.Random(1337)), [16, 16, 1], id="lists", marks=pytest.mark.slow
        ),
        pytest.param(_sklearns, [16, 16, 1], id="arrays", marks=pytest.mark.slow),
    ],
)
def test_a_hundred_steps_of_the_demo_are_the_same_compiled(
    data: Callable[[], Any], sizes: list[int]
) -> None:
    X, y = data()
    eager_model, eager = _demo(_same, X, y, sizes)
    model, step = _demo(mg.compile, X, y, sizes)
    accuracies = list[float]()
    for k in range(STEPS):
        learning_rate = 1.0 - 0.9 * k / STEPS
        total, accuracy = step(learning_rate)
        assert _seen(model, total, accuracy) == _seen(eager_model, *eager(learning_rate)), k
        accuracies.append(accuracy)
    assert len(set(accuracies)) > 2  # it is computed anew at each call
    assert len(step.programs) == 1
