"""Activation functions: the composed ones, the defaults, what cannot overflow, wrong settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

import micrograd
from micrograd import Tensor, Value
from micrograd.ops import activations
from micrograd.testing import assert_gradients

X = np.array([-7.0, -2.5, -0.75, 0.3, 1.9, 7.0])


def normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def selu(x: float) -> float:
    return 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1))


def gelu_by_tanh(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


REFERENCES: dict[str, tuple[Callable[..., Any], Callable[[float], float]]] = {
    "gelu": (activations.gelu, lambda x: x * normal_cdf(x)),
    "gelu by tanh": (lambda x: activations.gelu(x, "tanh"), gelu_by_tanh),
    "silu": (activations.silu, lambda x: x / (1 + math.exp(-x))),
    "selu": (activations.selu, selu),
    "leaky_relu": (activations.leaky_relu, lambda x: x if x > 0 else 0.01 * x),
    "elu": (activations.elu, lambda x: x if x > 0 else math.exp(x) - 1),
    "softplus": (activations.softplus, lambda x: math.log(1 + math.exp(x))),
    "hard_tanh": (activations.hard_tanh, lambda x: min(max(x, -1), 1)),
}

every_function = pytest.mark.parametrize("name", REFERENCES)


@every_function
def test_the_value_is_that_of_the_textbook_for_every_kind_of_argument(name: str) -> None:
    function, reference = REFERENCES[name]
    expected = [reference(x) for x in X.tolist()]

    for x in (X, X.tolist(), Tensor(X)):
        y = function(x)
        y = y.data if isinstance(y, Tensor) else y
        assert y.dtype == np.float64
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-15)
    numbers = [function(x) for x in X.tolist()]
    assert all(type(y) is float for y in numbers)
    np.testing.assert_allclose(numbers, expected, rtol=1e-12, atol=1e-15)
    values = [function(Value(x)).data for x in X.tolist()]
    np.testing.assert_allclose(values, numbers, rtol=1e-12)


@every_function
def test_both_gradients_are_the_numerical_derivatives_for_both_kinds(name: str) -> None:
    function, _ = REFERENCES[name]

    assert_gradients(function, X, order=2)
    for x in (-1.5, 0.4, 3.0):
        assert_gradients(function, x, order=2)


@every_function
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_narrow_dtype_stays_in_value_and_gradient(name: str, dtype: str) -> None:
    function, _ = REFERENCES[name]
    x = Tensor(X.astype(dtype))
    y = function(x)
    y.sum().backward(create_graph=True)

    assert y.dtype == dtype
    assert x.grad.dtype == dtype


@every_function
@pytest.mark.parametrize("kind", [Value, Tensor])
def test_large_numbers_give_finite_values_and_slopes_of_zero_or_the_far_slope(
    name: str, kind: Any
) -> None:
    function, _ = REFERENCES[name]
    for x, far in ((1e4, 1e4), (-1e4, -1e4)):
        nodes = [kind(x), kind(2 * x)]
        for node in nodes:
            y = function(node)
            y.backward(create_graph=True)
            assert math.isfinite(float(y.data))
            assert math.isfinite(float(node.grad.data))
        slopes = [float(node.grad.data) for node in nodes]
        rise = float(function(kind(2 * x)).data) - float(function(kind(x)).data)
        np.testing.assert_allclose(slopes, rise / far, rtol=1e-12, atol=1e-12)


def test_the_formula_by_tanh_does_not_overflow_in_half_precision() -> None:
    x = Tensor(np.array([-300.0, 300.0], "float16"))
    y = activations.gelu(x, "tanh")
    y.sum().backward()

    assert y.data.tolist() == [0, 300]
    assert x.grad.tolist() == [0, 1]


def test_the_normal_distribution_is_exact_far_below_zero() -> None:
    # The well-known tail: the probability of ten standard deviations.
    np.testing.assert_allclose(activations.normal_cdf(-10.0), 7.619853024160527e-24, rtol=1e-13)
    np.testing.assert_allclose(activations.gelu(-10.0), -7.619853024160527e-23, rtol=1e-13)


@pytest.mark.parametrize("x", [-math.inf, math.inf])
def test_infinite_numbers_have_a_limit(x: float) -> None:
    for kind in (float, Value, Tensor):
        results = [activations.softplus(kind(x)), activations.log_sigmoid(kind(x))]
        values = [float(getattr(y, "data", y)) for y in results]
        assert values == ([math.inf, 0] if x > 0 else [0, -math.inf])


def test_the_settings_are_kept_on_the_node() -> None:
    assert activations.elu(Value(1.0), 2).settings == {"alpha": 2}
    parents: Any = activations.hard_tanh(Value(1.5)).parents
    assert [p.data for p in parents] == [1.5, -1.0, 1.0]


def test_hard_tanh_is_clip_between_its_bounds() -> None:
    x = np.array([[-2.0, -0.25], [0.5, 1.75]])

    def bounded(x: Any) -> Any:
        return activations.hard_tanh(x, -0.5, 1.25)

    for dtype in (np.float64, np.float32):
        y = bounded(Tensor(x.astype(dtype)))
        np.testing.assert_array_equal(y.data, np.clip(x, -0.5, 1.25).astype(dtype), strict=True)
    assert_gradients(bounded, x, order=2)
    assert_gradients(bounded, 0.75, order=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: activations.gelu(x, approximate=cast(Any, "erf")), "gelu: approximate.*'erf'"),
        (lambda x: activations.softplus(x, beta=0), "softplus: beta has to be positive.*came 0"),
        (lambda x: activations.softplus(x, beta=math.nan), "beta has to be positive"),
        (lambda x: activations.hard_tanh(x, 1, -1), "min_val=1 and max_val=-1"),
    ],
)
def test_wrong_settings_are_refused(call: Any, message: str) -> None:
    for x in (1.0, Value(1.0), Tensor([1.0])):
        with pytest.raises(micrograd.ArgumentError, match=message):
            call(x)
