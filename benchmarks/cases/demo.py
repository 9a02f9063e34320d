"""micrograd's demo step: an MLP(2, [16, 16, 1]) of Values on 100 points."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from benchmarks.cases import decorated

Step = Callable[[], Any]
SIZES = (2, 16, 16, 1)
RATE = 0.05


def moons(n: int, rng: random.Random) -> tuple[list[list[float]], list[int]]:
    """Return n points on two half circles with some noise, and their classes -1 and 1."""
    points: list[list[float]] = []
    for i in range(n):
        angle = math.pi * (i // 2) / (n // 2)
        x, y = math.cos(angle), math.sin(angle)
        x, y = (x, y) if i % 2 else (1 - x, 0.5 - y)
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
    return points, [1 if i % 2 else -1 for i in range(n)]


def build(decorate: decorated.Decorate) -> Step:
    """Return the step as karpathy's notebook has it, with whichever micrograd is first on the path.

    A call of it gives the loss and the share of points that were classified rightly.
    """
    Value: Any = import_module("micrograd.engine").Value
    random.seed(1337)
    X, y = moons(100, random.Random(1337))
    model: Any = import_module("micrograd.nn").MLP(2, [16, 16, 1])

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
        total_loss, accuracy = loss()
        model.zero_grad()
        total_loss.backward()
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        return total_loss, accuracy

    def taken() -> tuple[float, float]:
        total_loss, accuracy = step(RATE)
        return total_loss.data, accuracy

    return taken


micrograd = karpathy = decorated.eager(build)


def weights() -> list[float]:
    """Return the numbers that the step starts from, of each neuron its weights and its bias."""
    random.seed(1337)
    model: Any = import_module("micrograd.nn").MLP(2, [16, 16, 1])
    return [p.data for p in model.parameters()]


def scores_of(relu: Callable[[Any], Any], params: Sequence[Any], point: Sequence[Any]) -> Any:
    """Return the score of a point in the network MLP(2, [16, 16, 1]), from numbers of any kind."""
    rest, signal = iter(params), list(point)
    for outputs in SIZES[1:]:
        neurons = [([next(rest) for _ in signal], next(rest)) for _ in range(outputs)]
        signal = [sum((w * x for w, x in zip(ws, signal, strict=True)), b) for ws, b in neurons]
        signal = signal if outputs == 1 else [relu(activation) for activation in signal]
    return signal[0]


def xad() -> Step:
    """Return the step on XAD's tape, which is recorded anew each time."""
    module: Any = import_module("xad.adj_1st")
    maximum: Any = import_module("xad.math").max
    points, classes = moons(100, random.Random(1337))
    numbers, tape = weights(), module.Tape()
    tape.activate()

    def relu(x: Any) -> Any:
        return maximum(x, 0.0)

    def step() -> tuple[float, float]:
        params = [module.Real(number) for number in numbers]
        tape.registerInputs(params)
        tape.newRecording()
        scores = [scores_of(relu, params, point) for point in points]
        losses = [relu(1 + -c * score) for c, score in zip(classes, scores, strict=True)]
        loss: Any = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in params)
        right = [(c > 0) == (score.value > 0) for c, score in zip(classes, scores, strict=True)]
        tape.registerOutput(loss)
        loss.derivative = 1.0
        tape.computeAdjoints()
        numbers[:] = [p.value - RATE * p.derivative for p in params]
        tape.clearAll()
        return loss.value, sum(right) / len(right)

    return step
