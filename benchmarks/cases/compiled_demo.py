"""micrograd's demo step with a decorator on it: the leaves are read and written at each call."""

from __future__ import annotations

import random
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import decorated, demo, sx

micrograd, eager = decorated.compiled(demo.build), demo.micrograd
karpathy, xad = demo.karpathy, demo.xad


def casadi() -> decorated.Step:
    """Return the step with CasADi's SX, whose machine runs the same graph from arrays in place."""
    ca: Any = import_module("casadi")
    points, classes = demo.moons(100, random.Random(1337))
    numbers = demo.weights()
    params, rate = ca.SX.sym("p", len(numbers)), ca.SX.sym("rate")
    inputs = ca.SX.sym("x", 2, len(points))
    each = ca.vertsplit(params)

    def relu(x: Any) -> Any:
        return ca.fmax(x, 0)

    columns = [ca.vertsplit(column) for column in ca.horzsplit(inputs)]
    scores = [demo.scores_of(relu, each, column) for column in columns]
    losses = [relu(1 + -c * score) for c, score in zip(classes, scores, strict=True)]
    loss: Any = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in each)
    right = [(c > 0) == (score > 0) for c, score in zip(classes, scores, strict=True)]
    outputs = [loss, sum(right) / len(right), params - rate * ca.gradient(loss, params)]
    machine = sx.Machine(ca, [params, inputs, rate], outputs)
    for array, start in zip(machine.given, (numbers, np.ravel(points), demo.RATE), strict=True):
        array[:] = start

    def step() -> tuple[float, float]:
        machine.run()
        machine.given[0][:] = machine.found[2]
        return machine.found[0].item(), machine.found[1].item()

    return step
