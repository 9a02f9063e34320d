"""micrograd's demo step: an MLP(2, [16, 16, 1]) of Values on 100 points."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from importlib import import_module
from typing import Any


def moons(n: int, rng: random.Random) -> tuple[list[list[float]], list[int]]:
    """Return n points on two half circles with some noise, and their classes -1 and 1."""
    points: list[list[float]] = []
    for i in range(n):
        angle = math.pi * (i // 2) / (n // 2)
        x, y = math.cos(angle), math.sin(angle)
        x, y = (x, y) if i % 2 else (1 - x, 0.5 - y)
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
    return points, [1 if i % 2 else -1 for i in range(n)]


def micrograd() -> Callable[[], Any]:
    """Return the step, with whichever micrograd is first on the path."""
    Value: Any = import_module("micrograd.engine").Value
    random.seed(1337)
    points, classes = moons(100, random.Random(1337))
    model: Any = import_module("micrograd.nn").MLP(2, [16, 16, 1])

    def step() -> None:
        scores = [model([Value(x) for x in point]) for point in points]
        losses = [(1 + -c * score).relu() for c, score in zip(classes, scores, strict=True)]
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        loss: Any = sum(losses) * (1.0 / len(losses)) + penalty
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.05 * p.grad

    return step


karpathy = micrograd
