"""A random graph of scalars in which nothing repeats: its value and all gradients, compiled."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import decorated, sx

OF_TWO = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}
_OF_ONE = ("tanh", "sin", "cos")
_LARGEST = 100  # what a value may be; the functions of one argument give at most 1

Line = tuple[str, int, int | None]


def recipe(nodes: int, leaves: int, functions: float) -> tuple[Line, ...]:
    """Return so many operations and the places of their arguments.

    Each takes a value that no other takes, and perhaps any other value: so the graph is about as
    wide as there are leaves. At the end they take what is left, two by two.

    Args:
        nodes: how many operations.
        leaves: how many values there are at first.
        functions: the share of functions of one argument; some more keep values small.

    >>> len(recipe(1000, 20, 0.1)), recipe(3, 2, 0.1)[-1][0] in OF_TWO
    (1000, True)
    """
    rng = random.Random(0)
    lines: list[Line] = []
    unused, bounds = list(range(leaves)), [1] * leaves
    while len(lines) < nodes:
        i = unused.pop(rng.randrange(len(unused)))
        at_end = len(lines) + len(unused) >= nodes
        j = rng.choice(unused) if at_end else rng.randrange(len(bounds))
        of_one = not at_end and rng.random() < functions
        name = rng.choice(["add", "subtract"] if at_end else _OF_ONE if of_one else [*OF_TWO])
        bound = bounds[i] * bounds[j] if name == "multiply" else bounds[i] + bounds[j]
        if name in OF_TWO and bound > _LARGEST and not at_end:
            name = rng.choice(_OF_ONE)
        if name in OF_TWO and j in unused:
            unused.remove(j)
        lines.append((name, i, j if name in OF_TWO else None))
        unused.append(len(bounds))
        bounds.append(bound if name in OF_TWO else 1)
    return tuple(lines)


def follow(lines: Sequence[Line], functions: Mapping[str, Callable[..., Any]], leaves: Any) -> Any:
    """Return what a recipe makes of leaves, with the functions of one or two arguments."""
    values = list(leaves)
    for name, i, j in lines:
        of = functions[name]
        values.append(of(values[i]) if j is None else of(values[i], values[j]))
    return values[-1]


def numbers(leaves: int) -> list[float]:
    """Return what the leaves are, from -1 to 1."""
    return np.random.default_rng(0).uniform(-1, 1, leaves).tolist()


def build(
    decorate: decorated.Decorate, nodes: int, leaves: int, functions: float
) -> decorated.Step:
    """Return the step with Values."""
    Value: Any = import_module("micrograd.engine").Value
    inputs, lines = [Value(number) for number in numbers(leaves)], recipe(nodes, leaves, functions)
    known = OF_TWO | {name: getattr(Value, name) for name in _OF_ONE}

    @decorate
    def step() -> Any:
        result = follow(lines, known, inputs)
        for leaf in inputs:
            leaf.grad = 0.0
        result.backward()
        return result

    return lambda: [step().data, *[leaf.grad for leaf in inputs]]


micrograd, eager = decorated.compiled(build), decorated.eager(build)


def casadi(nodes: int, leaves: int, functions: float) -> decorated.Step:
    """Return the step with CasADi's SX, whose machine runs the same graph from arrays in place."""
    ca: Any = import_module("casadi")
    inputs = ca.SX.sym("x", leaves)
    known = OF_TWO | {name: getattr(ca, name) for name in _OF_ONE}
    value = follow(recipe(nodes, leaves, functions), known, ca.vertsplit(inputs))
    machine = sx.Machine(ca, [inputs], [value, ca.gradient(value, inputs)])
    machine.given[0][:] = numbers(leaves)

    def step() -> list[float]:
        machine.run()
        return [machine.found[0].item(), *machine.found[1].tolist()]

    return step
