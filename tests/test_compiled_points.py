"""Functions of one number, compiled, at zeros, infinities, nan, large and small numbers, integers.

Values and gradients are those of eager calls: bits and types.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import micrograd as mg
from micrograd import Value
from tests.twins import bits

POINTS: list[Any] = [
    *(0.0, -0.0, 0, 1, -1, 3, -7, 0.5, 1.0, -2.5, 40.0, -40.0, 710.0, -745.2, 1e308, -1e308),
    *(5e-324, 1e-160, 1e160, math.inf, -math.inf, math.nan, 2**26 + 1, 2**31, -(2**60), 2**1100),
]

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "negative": lambda x: -x,
    "absolute": lambda x: abs(x),
    "plus": lambda x: x + 2,
    "minus": lambda x: 0.5 - x,
    "times": lambda x: x * 3,
    "square": lambda x: x * x,
    "over": lambda x: x / 3,
    "inverse": lambda x: 3 / x,
    "ratio": lambda x: x / x,
    "power": lambda x: x**2,
    "cube": lambda x: x**3,
    "root": lambda x: x**0.5,
    "minus first": lambda x: x**-1,
    "zeroth": lambda x: x**0,
    "exponential": lambda x: 2**x,
    "self power": lambda x: x**x,
    "floor divide": lambda x: x // 2,
    "remainder": lambda x: x % 3,
    "relu": lambda x: mg.relu(x),
    "relu of relu": lambda x: mg.relu(mg.relu(x) - 1) * x,
    "exp": mg.exp,
    "log": mg.log,
    "sqrt": mg.sqrt,
    "tanh": mg.tanh,
    "sin": mg.sin,
    "cos": mg.cos,
    "sigmoid": mg.sigmoid,
    "softplus": mg.softplus,
    "log1p": mg.log1p,
    "expm1": mg.expm1,
    "arctan": mg.arctan,
    "maximum": lambda x: mg.maximum(x, 1),
    "minimum": lambda x: mg.minimum(x, -0.0),
    "clip": lambda x: mg.clip(x, -1, 1),
    "where": lambda x: mg.where(x.data > 0, x * 2, x / 2),
    "sum": lambda x: sum([x * k for k in range(4)]),
    "loss": lambda x: (1 + -1 * (x * 2 + 1)).relu() + 1e-4 * (x * x),
}


@pytest.mark.parametrize("scalars", ["source", "levels"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_leaf_at_singular_points(name: str, scalars: str) -> None:
    function = FUNCTIONS[name]
    leaf, twin = Value(1.0), Value(1.0)

    def run(x: Value) -> Any:
        x.zero_grad()
        y = function(x)
        y.backward()
        return y, x.grad

    compiled = mg.compile(lambda: run(twin), scalars=scalars, max_programs=64)
    for point in [1.0, 1.0, 1, 1, *POINTS, *POINTS[::-1]]:
        leaf.data = twin.data = point
        assert bits(compiled()) == bits(run(leaf)), point
        assert bits(twin) == bits(leaf), point
    assert len(compiled.programs) <= 4


@pytest.mark.filterwarnings("ignore:invalid value")  # of the eager calls, at infinities
@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_at_singular_points(name: str) -> None:
    function = FUNCTIONS[name]

    def slopes(x: Any) -> Any:
        first = mg.value_and_grad(function)(x)
        return first, mg.grad(mg.grad(function))(x)

    compiled = mg.compile(slopes)
    for point in [1.0, 1.0, *POINTS]:
        point = math.inf if point == 2**1100 else float(point)
        assert bits(compiled(point)) == bits(slopes(point)), point
    assert len(compiled.programs) <= 4
