"""Laws that every built-in operation obeys, each tested over the whole table of domains."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import Tensor, Value
from micrograd.core.op import registry
from micrograd.testing import Sample, assert_gradients
from micrograd.testing.battery import check_law
from micrograd.testing.laws import (
    ALSO_EMPTY,
    LAWS,
    LAWS_OF_NUMBERS,
    Law,
    the_gradient_is_the_numerical_derivative,
    weights,
)
from micrograd.testing.samples import Array
from tests.domains import TABLE, calls_of

every_op = pytest.mark.parametrize("name", TABLE)
ops_of_numbers = pytest.mark.parametrize("name", [n for n, e in TABLE.items() if e.function])
ops_of_arrays = pytest.mark.parametrize("name", [n for n, e in TABLE.items() if not e.function])


def test_every_built_in_operation_has_an_entry_and_every_entry_an_operation() -> None:
    root = str(Path(micrograd.__file__).parents[1])
    built_in = subprocess.run(
        [sys.executable, "-c", "from micrograd.core.op import registry; print(*registry)"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert len(built_in) >= 36
    assert sorted(TABLE) == sorted(built_in)


def name_of(law: Law) -> str:
    return law.__name__


def smallest_for(law: Law) -> int:
    """Return the shortest axis that a law is checked with."""
    return 0 if law in ALSO_EMPTY else 1


@every_op
def test_the_first_calls_of_every_operation_obey_every_law(name: str) -> None:
    laws = LAWS if TABLE[name].function is None else (*LAWS, *LAWS_OF_NUMBERS)
    for law in laws:
        for sample, seed in calls_of(name, smallest_for(law), 3):
            law(registry[name], sample, np.random.default_rng(seed))  # asserts


@pytest.mark.slow
@pytest.mark.hypothesis
@pytest.mark.parametrize("law", LAWS, ids=name_of)
@every_op
def test_every_operation_obeys(name: str, law: Law, examples: Callable[[int], int]) -> None:
    usual = 40 if law is the_gradient_is_the_numerical_derivative else 8
    check_law(law, registry[name], TABLE[name].samples(smallest_for(law)), examples(usual))


@pytest.mark.slow
@pytest.mark.hypothesis
@pytest.mark.parametrize("law", LAWS_OF_NUMBERS, ids=name_of)
@ops_of_numbers
def test_every_operation_of_numbers_obeys(
    name: str, law: Law, examples: Callable[[int], int]
) -> None:
    check_law(law, registry[name], TABLE[name].samples(), examples(8))


def gradient_of_one_node_and_sum_of_several(sample: Sample) -> tuple[Array, Array]:
    """Return the gradient with one node in every position, and the sum of those of copies."""
    wanted = sample.wanted()
    one, copies = Tensor(sample.args[wanted[0]]), sample.leaves()
    shared: list[Any] = [one if i in wanted else a for i, a in enumerate(sample.args)]
    for i in wanted:
        copies[i] = Tensor(one.data)
    y, z = sample.call(*shared), sample.call(*copies)
    assert len(y.parents) == len(shared)
    cotangent = weights(np.random.default_rng(0), y.shape, y.dtype)
    y.backward(cotangent)
    z.backward(cotangent)
    return one.grad, np.sum([copies[i].grad for i in wanted], axis=0)


@pytest.mark.parametrize(
    "name",
    [
        "add",
        "subtract",
        "multiply",
        "divide",
        "maximum",
        "minimum",
        "where",
        "concatenate",
        "stack",
    ],
)
@settings(max_examples=10)
@given(data=st.data())
def test_a_node_in_several_positions_gets_the_sum_of_their_gradients(
    name: str, data: st.DataObject
) -> None:
    shared, several = gradient_of_one_node_and_sum_of_several(data.draw(TABLE[name].samples()))

    np.testing.assert_allclose(shared, several, rtol=1e-12, atol=1e-14)


def test_a_square_matrix_times_itself_gets_the_sum_of_both_gradients() -> None:
    square = np.random.default_rng(0).normal(size=(2, 3, 3))
    sample = Sample(micrograd.matmul, np.matmul, (square, square))
    shared, several = gradient_of_one_node_and_sum_of_several(sample)

    np.testing.assert_allclose(shared, several, rtol=1e-12)
    assert_gradients(micrograd.matmul, square, square)


@ops_of_numbers
@settings(max_examples=12)
@given(data=st.data())
def test_a_number_an_array_and_a_node_give_the_same_in_every_position(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples())
    for i in range(len(sample.args)):
        number = sample.args[i].flat[0].item()
        forms = [
            number,
            np.array(number),
            np.float64(number),
            Tensor(float(number)),
            Tensor(number),
        ]
        outcomes: list[list[Any]] = []
        for form in forms:
            mixed: list[Any] = sample.leaves()
            mixed[i] = form
            result = sample.call(*mixed)
            others = [mixed[j] for j in sample.wanted() if j != i]
            if others:
                result.backward(np.ones(result.shape))
            data_of = result.data if isinstance(result, Tensor) else np.asarray(result, float)
            outcomes.append([data_of, *[node.grad for node in others]])
        for outcome in outcomes[1:]:
            for a, b in zip(outcome, outcomes[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)
                assert a.shape == b.shape
                assert a.dtype == b.dtype


@ops_of_numbers
@settings(max_examples=10)
@given(data=st.data())
def test_of_plain_numbers_an_operation_makes_a_plain_number(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples())
    function = TABLE[name].function
    assert function is not None

    result = function(*[arg.flat[0].item() for arg in sample.args])

    assert type(result) is float or (type(result) is int and result == 0)  # relu's 0 is micrograd's
    one = sample.reference(*[arg.flat[0] for arg in sample.args])
    np.testing.assert_allclose(result, one, rtol=1e-13)


@ops_of_arrays
@settings(max_examples=5)
@given(data=st.data())
def test_an_operation_on_arrays_refuses_a_value(name: str, data: st.DataObject) -> None:
    op = registry[name]
    sample = data.draw(TABLE[name].samples())

    with pytest.raises(micrograd.OperandError, match=r"takes arrays.*Use Tensors"):
        op(*[Value(1.0) for _ in sample.args])
