"""An ArithmeticError in an operation: NumPy's own, one of ours too, and never a StopIteration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import (
    CalculationError,
    DivisionError,
    FloatingError,
    MicrogradError,
    RangeError,
    Tensor,
    Value,
    define_op,
    grad,
)
from micrograd.core.record import record
from micrograd.errors import REFUSALS

SMALL = Tensor(np.array([60, 120], np.uint8))


def test_a_number_that_a_dtype_cannot_hold_is_numpys_error_and_ours() -> None:
    with pytest.raises(OverflowError, match=r"300 out of bounds for uint8") as caught:
        _ = SMALL * 300
    assert isinstance(caught.value, RangeError)
    for words in ("multiply: cannot take a of shape (2,) and dtype uint8", "astype(float)"):
        assert words in str(caught.value)
    assert (SMALL.astype(float) * 300).data.tolist() == [18_000.0, 36_000.0]


def test_map_does_not_end_in_silence() -> None:
    """A StopIteration in it gave the first two of four results."""
    factors = map(lambda k: SMALL[:1] * k, [1, 2, 300, 4])
    with pytest.raises(RangeError):
        list(factors)


ATTEMPTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "multiply": (lambda k: k(np.array([1], np.uint8)) * 300, RangeError),
    "add a negative": (lambda k: k(np.array([1], np.uint8)) + -1, RangeError),
    "a power below 0": (lambda k: k(np.array([1], np.uint8)) ** -1, RangeError),
    "a long integer": (lambda k: k(np.array([1])) * 10**30, RangeError),
    "a longer one": (lambda k: k(np.array([1.0])) * 10**400, RangeError),
    "an axis": (lambda k: mg.sum(k(np.ones(1)), axis=10**30), RangeError),
    "divide by 0": (lambda k: k(np.array([1.0])) / 0.0, FloatingError),
    "exp": (lambda k: mg.exp(k(np.array([1e3]))), FloatingError),
    "np.exp": (lambda k: np.exp(k(np.array([1e3]))), FloatingError),
    "log": (lambda k: mg.log(k(np.zeros(2))), FloatingError),
    "sum": (lambda k: mg.sum(k(np.full(2, 1e308))), FloatingError),
    "a loss": (
        lambda k: mg.softmax_cross_entropy(k(np.array([[1e308, -1e308]])), [0]),
        FloatingError,
    ),
}
KINDS: list[Callable[[Any], Any]] = [
    Tensor,
    lambda array: Tensor(array, requires_grad=False),
    lambda array: Tensor(array) if array.dtype.kind != "f" else Tensor(array) * 1,
]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_each_is_numpys_class_and_ours(name: str) -> None:
    attempt, kind = ATTEMPTS[name]
    with np.errstate(all="raise"):
        for node in KINDS:
            with pytest.raises(kind) as caught:
                attempt(node)
            assert isinstance(caught.value, MicrogradError)
            assert isinstance(caught.value.__cause__, ArithmeticError)
            assert isinstance(caught.value, type(caught.value.__cause__))


def test_what_errstate_asks_for_says_so_and_else_there_is_an_answer() -> None:
    with np.errstate(divide="raise"), pytest.raises(FloatingError, match=r"np\.errstate.*asks for"):
        _ = Tensor([1.0]) / 0.0
    with np.errstate(divide="ignore"):
        assert (Tensor([1.0]) / 0.0).data.tolist() == [np.inf]


@given(st.sampled_from([ZeroDivisionError, OverflowError, FloatingPointError, ArithmeticError]))
def test_what_a_users_forward_raises_is_kept(kind: type[ArithmeticError]) -> None:
    def fail(x: Any) -> Any:
        raise kind("on purpose")

    op = mg.Op("fail on purpose", fail, (lambda g, y, x: g,))
    for x in (Tensor([1.0]), np.ones(1)):
        with pytest.raises(kind, match="on purpose") as caught:
            op(x)
        assert isinstance(caught.value, CalculationError)
    assert issubclass(DivisionError, ZeroDivisionError)


def test_every_error_that_a_record_catches_has_a_typed_form() -> None:
    source = inspect.getsource(record)
    caught = {kind for kind in REFUSALS if f"{kind.__name__}" in source}
    assert {ArithmeticError, ValueError, TypeError, IndexError} <= caught
    for kind, ours in REFUSALS.items():
        assert issubclass(ours, kind)
        assert issubclass(ours, MicrogradError)


def test_a_power_below_0_of_integers_names_them() -> None:
    with pytest.raises(ValueError, match=r"int64.*floats, as in Tensor\(\[1.0, 2.0\]\)"):
        _ = Tensor([1, 2]) ** -1
    assert (Tensor([1.0, 2.0]) ** -1).data.tolist() == [1.0, 0.5]


def test_plain_numbers_beyond_any_float_are_infinite_as_those_of_a_value_are() -> None:
    assert mg.multiply(2.0, 10**400) == (Value(2.0) * 10**400).data == np.inf


# --- others that asked for the next of nothing ---


def test_an_operation_without_any_derivative_refuses_with_words() -> None:
    op = define_op("nothing to differentiate", lambda x: x + np.ones(3), None)
    with pytest.raises(mg.ShapeError, match="argument 0 of shape"):
        op(Tensor([1.0, 2.0]))


def test_an_argument_that_f_changes_keeps_the_structure_it_had() -> None:
    """Python's StopIteration came of a longer dict, and the gradients of others of a new order."""
    p: dict[str, Any] = {"a": 2.0, "b": 3.0}

    def f(q: Any) -> Any:
        p["c"] = p.pop("a")
        return q["a"] * q["a"] * q["b"]

    assert grad(f)(p) == {"a": 12.0, "b": 4.0}
    found = mg.vjp(lambda q: {"y": q[0]}, given := [1.0])
    given.append(2.0)
    assert found[1]({"y": 1.0}) == ([1.0],)


def test_a_description_of_frozen_nodes_is_given_all_the_same() -> None:
    with np.errstate(invalid="ignore"), mg.detect_anomaly():
        x = Tensor([0.0])
        y = x * 2
        x.requires_grad = False
        with pytest.raises(mg.AnomalyError):
            mg.log(y * -1 - 1)
