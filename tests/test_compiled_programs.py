"""Random programs, compiled: at other inputs they give what eager calls give, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import Tensor, Value
from micrograd.testing import Program, programs
from tests.twins import bits, shared

Function = Callable[..., Any]


def backward(program: Function) -> Function:
    """Return a function of leaves that returns the result, and leaves gradients."""

    def run(*leaves: Any) -> Any:
        y = program(*leaves)
        total = y if isinstance(y, Value) else (y * weights(y)).sum()
        if total.requires_grad:
            total.backward()
        return y

    return run


def transformed(program: Function) -> Function:
    """Return a function that returns the result, the gradients, and a Hessian times a vector."""

    def loss(*leaves: Any) -> Any:
        y = program(*leaves)
        return y if isinstance(y, Value) else (y * weights(y)).sum()

    def run(*leaves: Any) -> Any:
        argnums = tuple(range(len(leaves)))
        tangents = tuple([x * 0.5 + 1 for x in map(data_of, leaves)])
        first = mg.value_and_grad(loss, argnums=argnums)(*leaves)
        return first, mg.hvp(loss, leaves, tangents)

    return run


def data_of(leaf: Any) -> Any:
    """Return the number or the array of a leaf."""
    return leaf.data if isinstance(leaf, (Value, Tensor)) else leaf


def weights(y: Any) -> Any:
    """Return factors for the elements of a result, so that no two gradients are alike."""
    return np.cos(np.arange(y.size)).reshape(y.shape)


def moved(x: Any, way: int) -> Any:
    """Return other numbers of the same kind and shape: in another order, and of another size."""
    if isinstance(x, float):
        return (x, x * 0.75, -x - 0.125, 0.0, x * 40)[way]
    rolled = np.roll(x.ravel(), way).reshape(x.shape)
    return (rolled, rolled * 0.75, -rolled - 0.125, rolled * 0, rolled * 40)[way]


def check(program: Program, kind: Function, function: Function, ways: list[int]) -> None:
    """Assert that a function of leaves is the same compiled, at the inputs of a program and others.

    It is called twice with each, as the first two calls of a case are recorded.
    """
    compiled = mg.compile(function, max_programs=1000)
    for way in [0, 0, *[way for way in ways for _ in range(3)]]:
        numbers = [moved(x, way) for x in program.inputs]
        one, two = ([kind(x) for x in numbers] for _ in range(2))
        with np.errstate(all="ignore"):
            expected, found = outcome(function, one), outcome(compiled, two)
        assert bits(found) == bits(expected), numbers
        assert shared([found, two]) <= shared([expected, one]), numbers
        assert bits(two) == bits(one), numbers


def outcome(function: Function, leaves: list[Any]) -> Any:
    """Return what a function returns, or the kind of the error that it raises."""
    try:
        return function(*leaves)
    except mg.CompileError:
        raise
    except mg.MicrogradError as error:
        return type(error)


WAYS = st.lists(st.integers(1, 4), min_size=1, max_size=2, unique=True)
FORMS = {"backward": backward, "transformed": transformed}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=200)
@given(programs("value") | programs("value", singular=True), WAYS)
def test_programs_of_values(form: str, program: Program, ways: list[int]) -> None:
    check(program, Value, FORMS[form](program), ways)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=200)
@given(programs("tensor") | programs("tensor", singular=True), WAYS)
def test_programs_of_tensors(form: str, program: Program, ways: list[int]) -> None:
    check(program, Tensor, FORMS[form](program), ways)


@settings(max_examples=200)
@given(programs("value"), WAYS)
def test_programs_of_floats(program: Program, ways: list[int]) -> None:
    check(program, float, transformed(program), ways)


@settings(max_examples=200)
@given(programs("tensor"), WAYS)
def test_programs_of_arrays(program: Program, ways: list[int]) -> None:
    check(program, np.array, transformed(program), ways)
