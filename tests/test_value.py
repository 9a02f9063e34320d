"""Values: hand-worked graphs, IEEE-754, operators, and what karpathy/micrograd does."""

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd
from micrograd import Tensor, Value, no_grad
from micrograd.engine import Value as EngineValue
from micrograd.nn import MLP, Layer, Module, Neuron

finite = st.floats(-1e3, 1e3)


def test_the_book_s_apple_graph() -> None:
    apple, count, tax = Value(100), Value(2), Value(1.1)
    price = apple * count * tax
    price.backward()
    assert price.data == pytest.approx(220)
    assert [apple.grad, count.grad, tax.grad] == pytest.approx([2.2, 110, 200])


def test_the_book_s_apples_and_oranges_graph() -> None:
    apple, apples, orange, oranges, tax = map(Value, (100, 2, 150, 3, 1.1))
    price = (apple * apples + orange * oranges) * tax
    price.backward()
    assert price.data == pytest.approx(715)
    grads = [node.grad for node in (apple, apples, orange, oranges, tax)]
    assert grads == pytest.approx([2.2, 110, 3.3, 165, 650])


def test_fan_out_adds_what_comes_by_every_edge() -> None:
    x = Value(3.0)
    y = x * x + x
    y.backward()
    assert x.grad == 7.0
    assert y.parents[0].parents == (x, x)


def test_leaves_accumulate_and_intermediate_nodes_are_overwritten() -> None:
    x = Value(3.0)
    square = x * x
    y = square * x
    y.backward()
    assert (x.grad, square.grad) == (27.0, 3.0)
    y.backward()
    assert (x.grad, square.grad) == (54.0, 3.0)


def test_a_gradient_that_was_not_computed_reads_zero_and_is_told_from_zero() -> None:
    x = Value(2.0)
    assert x.grad == 0
    assert not x.has_grad
    (x * 0).backward()
    assert x.grad == 0
    assert x.has_grad
    x.zero_grad()
    assert not x.has_grad


@pytest.mark.parametrize(
    ("build", "slopes"),
    [
        (lambda x: x**4, [4 * 8.0, 12 * 4.0, 24 * 2.0, 24.0]),
        (lambda x: x.exp(), [math.exp(2)] * 4),
        (lambda x: x.log(), [1 / 2, -1 / 4, 2 / 8, -6 / 16]),
        (lambda x: x.sin(), [math.cos(2), -math.sin(2), -math.cos(2), math.sin(2)]),
        (lambda x: 1 / x, [-1 / 4, 2 / 8, -6 / 16, 24 / 32]),
    ],
)
def test_derivatives_of_the_first_four_orders(build: Any, slopes: Any) -> None:
    x = Value(2.0)
    y = build(x)
    for slope in slopes:
        y.backward(create_graph=True)
        y = x.grad
        x.zero_grad()
        assert y.data == pytest.approx(slope)


def test_powers_in_every_position() -> None:
    base, exponent = Value(2.0), Value(3.0)
    (base**exponent).backward()
    assert base.grad == pytest.approx(12.0)
    assert exponent.grad == pytest.approx(8 * math.log(2))
    exponent.zero_grad()
    (2**exponent).backward()
    assert exponent.grad == pytest.approx(8 * math.log(2))


@pytest.mark.parametrize(
    ("build", "data", "grad"),
    [
        (lambda x: 1 / x, math.inf, -math.inf),
        (lambda x: x.log(), -math.inf, math.inf),
        (lambda x: x.sqrt(), 0.0, math.inf),
        (lambda x: (x + 1000).exp(), math.inf, math.inf),
        (lambda x: x - math.inf, -math.inf, 1),
        (lambda x: x / 0, math.nan, math.inf),
        (lambda x: (x - 2) ** 0.5, math.nan, math.nan),
        (lambda x: x**0, 1, 0),
        (lambda x: (x + 1e200) * 1e200, math.inf, 1e200),
    ],
)
def test_arithmetic_follows_ieee_754_and_raises_nothing(build: Any, data: Any, grad: Any) -> None:
    x = Value(0.0)
    y = build(x)
    y.backward()
    assert y.data == pytest.approx(data, nan_ok=True)
    assert x.grad == pytest.approx(grad, nan_ok=True)


def test_integers_stay_exact_and_then_overflow_as_floats_do() -> None:
    x = Value(2)
    assert repr(x * 3) == "Value(data=6, grad=0)"
    for _ in range(11):
        x = x * x
    assert x.data == math.inf


@given(finite, finite)
def test_operators_agree_with_python_on_numbers(a: Any, b: Any) -> None:
    assert (Value(a) + b).data == (a + Value(b)).data == a + b
    assert (Value(a) - b).data == (a - Value(b)).data == a - b
    assert (Value(a) * b).data == (a * Value(b)).data == a * b
    assert (-Value(a)).data == -a
    assert abs(Value(a)).data == abs(a)
    assert (Value(a) < b) == (a < b)
    assert (Value(a) >= Value(b)) == (a >= b)
    if b:
        assert (Value(a) / b).data == (a / Value(b)).data == a / b


@pytest.mark.parametrize("scalar", [np.float64(3), np.float32(3), np.int64(3), np.bool_(True)])
def test_numpy_scalars_work_on_both_sides(scalar: Any) -> None:
    x = Value(2.0)
    number = scalar.item()
    for node, expected in [
        (scalar * x, number * 2),
        (x * scalar, number * 2),
        (scalar - x, number - 2),
        (scalar / x, number / 2),
    ]:
        assert isinstance(node, Value)
        assert type(node.data) is float
        assert node.data == expected
    assert (scalar < x) == (number < 2)
    assert (scalar == x) is False


def test_equality_and_hash_are_those_of_the_object() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a != b
    assert len({a, b, a}) == 2
    total: Any = sum([a, b])
    assert total.data == 2.0
    assert max(Value(1.0), Value(3.0), Value(2.0)).data == 3.0


def test_no_grad_records_nothing() -> None:
    x = Value(2.0)
    with no_grad():
        y = x * 3
    assert y.parents == ()
    assert not y.requires_grad


def test_constants_get_no_gradient() -> None:
    x, c = Value(2.0), Value(3.0, requires_grad=False)
    (x * c).backward()
    assert not c.has_grad
    assert (c * c).requires_grad is False


def test_it_is_a_superset_of_micrograd() -> None:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"
    assert EngineValue is Value


def test_micrograd_s_private_views_are_there() -> None:
    x = Value(2.0)
    y = x * x
    assert y._prev == {x}
    assert y._op == "*"
    assert (x + 1)._op == "+"
    assert (x**3)._op == "**3"
    assert x.relu()._op == "ReLU"
    assert x._op == ""
    assert repr(Value(-1.0).relu()) == "Value(data=0, grad=0)"


def test_micrograd_s_networks_print_and_seed_as_theirs() -> None:
    random.seed(1337)
    expected = [random.uniform(-1, 1) for _ in range(2)]
    random.seed(1337)
    neuron = Neuron(2)
    assert [w.data for w in neuron.w] == expected
    assert neuron.b.data == 0
    assert repr(neuron) == "ReLUNeuron(2)"
    assert repr(Layer(2, 1, nonlin=False)) == "Layer of [LinearNeuron(2)]"
    model = MLP(2, [3, 1])
    assert len(model.parameters()) == 13
    assert isinstance(model, Module)
    output = model([1.0, -2.0])
    output.backward()
    assert any(p.has_grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())


def test_functions_take_values_numbers_and_arrays() -> None:
    assert micrograd.exp(Value(0.0)).data == 1.0
    assert micrograd.exp(0) == 1.0
    assert type(micrograd.exp(0)) is float
    assert np.exp(Value(0.0)).data == 1.0
    assert micrograd.exp([0.0, 0.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_remainders_and_whole_quotients_have_operators(kind: Any) -> None:
    x = kind(7.5)
    y = x % 2 + 3 * (20 % x) + x // 2 + 20 // x
    y.backward()
    assert y.data == 1.5 + 3 * 5.0 + 3 + 2
    assert x.grad == 1 - 3 * 2  # 20 % x is 20 - 2 * x here; whole quotients are steps
