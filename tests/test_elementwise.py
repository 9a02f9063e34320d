"""Elementwise functions beyond their laws: settings, accuracy, infinities and wrong inputs."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Tensor, Value
from micrograd.ops import bounds, powers, rounding, trigonometric
from micrograd.testing import assert_gradients

inf, nan = math.inf, math.nan

both_kinds = pytest.mark.parametrize("kind", [Value, Tensor])
floating = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


def total(y: Any) -> Any:
    return y.sum() if isinstance(y, Tensor) else y


def derivatives(f: Any, x: Any, order: int) -> list[Any]:
    """Return the value of `f` at a node and its derivatives, one after the other."""
    y = f(x)
    found = [y.data]
    for _ in range(order):
        x.zero_grad()
        if not y.requires_grad:
            return [*found, *[np.zeros(x.shape)] * (order + 1 - len(found))]
        total(y).backward(create_graph=True)
        y = x.grad if x.has_grad else x.detach() * 0
        found.append(y.data)
    return found


# Higher derivatives


@both_kinds
def test_every_derivative_of_sinc_at_zero_is_that_of_its_series(kind: Any) -> None:
    found = derivatives(trigonometric.sinc, kind(0.0), 6)
    expected = [1, 0, -(math.pi**2) / 3, 0, math.pi**4 / 5, 0, -(math.pi**6) / 7]

    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("x", [1e-300, 1e-9, 1e-3, 0.1])
def test_derivatives_of_sinc_near_zero_lose_no_digits(x: float) -> None:
    found = derivatives(trigonometric.sinc, Tensor(x), 3)
    z = math.pi * x
    series = [
        sum(
            (-1) ** k * math.pi**n * z ** (2 * k - n) / ((2 * k + 1) * math.factorial(2 * k - n))
            for k in range((n + 1) // 2, 12)
        )
        for n in range(4)
    ]

    np.testing.assert_allclose(found, series, rtol=1e-14)


@pytest.mark.parametrize("x", [0.3, 0.6366, 0.6367, 0.95, 1.0, 1.3, 2.0, 7.25, -7.25, 100.5])
def test_derivatives_of_sinc_are_those_of_the_quotient(x: float) -> None:
    def quotient(x: Any) -> Any:
        return micrograd.sin(x * math.pi) / (x * math.pi)

    found = derivatives(trigonometric.sinc, Value(x), 4)
    expected = derivatives(quotient, Value(x), 4)

    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@both_kinds
@pytest.mark.parametrize(
    ("f", "x", "second"),
    [
        (lambda x: powers.logaddexp(x, 1.0), 1.0, 0.25),
        (lambda x: powers.logaddexp2(x, 1.0), 1.0, math.log(2) / 4),
        (lambda x: trigonometric.hypot(x, 0.0), 0.0, 0),
        (lambda x: trigonometric.hypot(x, 2.0), 0.0, 0.5),
        (lambda x: trigonometric.arctan2(x, 0.0), 0.0, 0),
        (lambda x: powers.float_power(x, 2.0), 0.0, 2),
        (powers.square, 0.0, 2),
        (powers.expm1, -50.0, math.exp(-50)),
        (powers.erf, 0.0, 0),
        (bounds.fabs, 0.0, 0),
        (lambda x: bounds.fmax(x * x, x * x), 3.0, 2),
        (lambda x: bounds.clip(x * x, -1.0, 9.0), 3.0, 2),
        (lambda x: bounds.copysign(x * x, -1.0), 3.0, -2),
        (lambda x: rounding.mod(x * x, 4.0), 3.0, 2),
    ],
)
def test_the_second_derivative_at_a_special_point(
    f: Any, x: float, second: float, kind: Any
) -> None:
    with np.errstate(all="warn" if kind is Value else "ignore"):
        found = derivatives(f, kind(x), 2)

    np.testing.assert_allclose(found[2], second, rtol=1e-14)


def test_both_second_derivatives_of_bounds_and_what_they_bound() -> None:
    def f(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return bounds.clip(x * x, low * low, high * high) * x

    x, low, high = np.array([-2.0, 0.5, 1.2, 3.0]), np.array([1.0]), np.array([[2.0], [1.5]])
    assert_gradients(f, x, low, high, order=2)


# Accuracy


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (powers.expm1, -40.0, math.exp(-40)),
        (powers.log1p, 1e-20, 1.0),
        (powers.logaddexp, (0.0, 40.0), math.exp(-40) / (1 + math.exp(-40))),
        (trigonometric.arcsin, 1 - 2**-40, 1 / math.sqrt(2**-39 - 2**-80)),
        (trigonometric.arccosh, 1 + 2**-40, 1 / math.sqrt(2**-39 + 2**-80)),
        (trigonometric.arctanh, 1 - 2**-40, 1 / (2**-39 - 2**-80)),
        (trigonometric.arccosh, 1e200, 1e-200),
        (trigonometric.arctan2, (1e-200, 1e-200), 0.5e200),
        (trigonometric.arctan2, (1e200, 1e200), 0.5e-200),
        (trigonometric.hypot, (3e-200, 4e-200), 0.6),
    ],
)
def test_a_derivative_keeps_its_digits(f: Any, x: Any, slope: float) -> None:
    nodes = [Value(part) for part in (x if isinstance(x, tuple) else (x,))]
    f(*nodes).backward()

    np.testing.assert_allclose(nodes[0].grad, slope, rtol=1e-14)


@floating
def test_erf_is_right_to_the_last_digits_in_every_dtype(dtype: Any) -> None:
    x = np.array([[-3.0, -0.5, 0.0], [1e-4, 1.0, 8.0]], dtype)
    y = powers.erf(x)

    assert y.dtype == dtype
    expected = [[math.erf(element) for element in row] for row in x.tolist()]
    np.testing.assert_allclose(y, expected, rtol=float(np.finfo(dtype).eps))


def test_erf_of_integers_is_floating() -> None:
    y = powers.erf(np.array([0, 1]))

    assert y.dtype == np.float64
    assert y.tolist() == [0, math.erf(1)]
    assert powers.erf(np.zeros((0, 2))).shape == (0, 2)


FUNCTIONS = {
    **{f"powers.{name}": getattr(powers, name) for name in powers.__all__},
    **{f"trigonometric.{name}": getattr(trigonometric, name) for name in trigonometric.__all__},
    **{f"rounding.{name}": getattr(rounding, name) for name in rounding.__all__},
    **{f"bounds.{name}": getattr(bounds, name) for name in bounds.__all__},
}
TWO = {
    "logaddexp",
    "logaddexp2",
    "float_power",
    "arctan2",
    "hypot",
    "heaviside",
    "floor_divide",
    "remainder",
    "mod",
    "fmod",
    "copysign",
    "fmax",
    "fmin",
    "clip",
}


def takes_two(name: str) -> bool:
    return name.split(".")[1] in TWO


@floating
@pytest.mark.parametrize("name", FUNCTIONS)
def test_result_and_gradient_stay_in_their_dtype(name: str, dtype: Any) -> None:
    one = 1.25 if name.endswith("cosh") else 0.75
    x, other = Tensor(np.array([one, one], dtype)), Tensor(np.array([0.5, 2.0], dtype))
    y = FUNCTIONS[name](x, other) if takes_two(name) else FUNCTIONS[name](x)
    y.sum().backward(create_graph=True)

    wide = np.float64 if name.endswith("float_power") else dtype
    assert y.dtype == wide
    assert x.grad.dtype == dtype


ENDS = [0.0, -0.0, 1.0, -1.0, 1e308, -1e308, inf, -inf, nan]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_value_gives_what_a_tensor_gives_and_never_warns(name: str) -> None:
    """Compare at the ends of the numbers, where Python raises and NumPy warns of arrays."""
    number = 2 if takes_two(name) else 1
    for at in itertools.product(ENDS, repeat=number):
        outcomes: list[list[Any]] = []
        for kind in (Value, Tensor):
            nodes: list[Any] = [kind(x) for x in at]
            with np.errstate(all="warn" if kind is Value else "ignore"):
                y = FUNCTIONS[name](*nodes)
                y.backward()
            outcomes.append([y.data, *[node.grad for node in nodes]])

        np.testing.assert_allclose(*outcomes, rtol=1e-12, err_msg=f"{name} at {at}")


# Steps


@both_kinds
@pytest.mark.parametrize("f", [rounding.sign, rounding.floor, rounding.ceil, rounding.trunc])
@pytest.mark.parametrize("g", [inf, nan, 1.0])
def test_a_step_passes_on_zero_whatever_comes(f: Any, g: float, kind: Any) -> None:
    x = kind(0.5)
    f(x).backward(g)

    assert x.has_grad
    assert x.grad == 0


@pytest.mark.parametrize("decimals", [-3, -1, 0, 1, 2, 5, np.int64(2)])
def test_round_is_that_of_numpy_for_every_number_of_decimals(decimals: Any) -> None:
    x = np.array([12345.678, -0.125, 2.5, 2.675, -150.0, inf, nan])
    node = Tensor(x)
    y = rounding.round(node, decimals)
    y.sum().backward()

    np.testing.assert_array_equal(y.data, np.round(x, decimals))
    np.testing.assert_array_equal(rounding.round(x, decimals), np.round(x, decimals))
    np.testing.assert_array_equal(node.grad, np.zeros(7))
    assert rounding.round(Value(2.675), decimals).data == np.round(2.675, decimals)


def test_round_keeps_integers() -> None:
    assert rounding.round(np.array([123, 456]), -2).tolist() == [100, 500]
    assert rounding.round(np.array([123, 456]), -2).dtype.kind == "i"


@pytest.mark.parametrize("decimals", [1.0, "2", None])
def test_round_refuses_decimals_that_are_no_integer(decimals: Any) -> None:
    with pytest.raises(micrograd.OperandError, match=r"round: decimals has to be an integer"):
        rounding.round(Tensor([1.5]), decimals)


@both_kinds
def test_remainder_and_quotient_make_up_the_dividend_and_its_gradient(kind: Any) -> None:
    for a, b in [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-7.5, -2.0)]:
        m, n = kind(a), kind(b)
        whole = rounding.floor_divide(m, n) * n + rounding.mod(m, n)
        whole.backward()

        np.testing.assert_array_equal([whole.data, m.grad, n.grad], [a, 1, 0])
        assert rounding.fmod(m, n).data == math.fmod(a, b)


def test_mod_is_another_name_of_remainder() -> None:
    assert rounding.mod is rounding.remainder


def test_integers_stay_integers() -> None:
    for f in (rounding.floor, rounding.sign, powers.square, powers.positive):
        assert f(np.array([1, 2])).dtype.kind == "i", f
    assert rounding.mod(np.array([7]), 4).tolist() == [3]
    assert powers.reciprocal(2) == 0.5
    assert powers.square(Value(3)).data == 9


# Bounds


@pytest.mark.parametrize(
    ("low", "high"), [(None, 1.0), (-1.0, None), (-1, 1), (None, None), (inf, None), (None, -inf)]
)
@both_kinds
def test_clip_with_a_bound_or_without(low: Any, high: Any, kind: Any) -> None:
    for x in (-3.0, -1.0, 0.5, 1.0, 3.0):
        node = kind(x)
        y = bounds.clip(node, min=low, max=high)
        y.backward()
        lowest, highest = -inf if low is None else low, inf if high is None else high

        assert y.data == np.clip(x, lowest, highest)
        assert node.grad == (lowest <= x <= highest)
        assert bounds.clip(x, low, high) == y.data


def test_clip_of_an_array_by_a_node_differentiates_the_bound() -> None:
    low = Tensor(0.5)
    bounds.clip(np.array([0.0, 0.25, 2.0]), low).sum().backward()
    high = Value(1.0)
    bounds.clip(3.0, None, high).backward()

    assert low.grad == 2
    assert high.grad == 1
    assert_gradients(lambda high: bounds.clip(np.array([0.0, 2.0, 3.0]), max=high), np.array([1.0]))


def test_clip_with_one_bound_has_the_gradients_of_the_definition() -> None:
    x = np.array([-2.0, -0.5, 0.5, 2.0])
    assert_gradients(lambda x, low: bounds.clip(x * x, low * low), x, np.array([0.7]), order=2)
    assert_gradients(
        lambda x, high: bounds.clip(x * x, max=high * high), x, np.array([0.7]), order=2
    )


def test_clip_leaves_integers_and_does_not_hand_out_the_array_that_came() -> None:
    x = np.array([1, 5, 9])

    assert bounds.clip(x, 2).dtype == x.dtype
    assert bounds.clip(x, None, 6).tolist() == [1, 5, 6]
    assert bounds.clip(x) is not x
    assert not np.shares_memory(bounds.clip(x), x)
    assert np.isnan(bounds.clip(nan, 0.0, 1.0))
    assert np.isnan(bounds.clip(1.0, nan, 1.0))
    assert np.isnan(bounds.clip(1.0, 0.0, nan))


def test_clip_refuses_bounds_that_do_not_broadcast() -> None:
    with pytest.raises(micrograd.ShapeError, match=r"clip: cannot take x of shape \(2,\), min of"):
        bounds.clip(Tensor([1.0, 2.0]), [0.0, 0.0, 0.0])


def test_what_nan_to_num_replaced_leaks_nothing_from_before_it() -> None:
    x = Tensor([0.0, -1.0, 2.0])
    with np.errstate(all="ignore"):
        y = bounds.nan_to_num(micrograd.log(x) * 3.0, nan=7.0, neginf=-5.0)
        y.sum().backward(create_graph=True)
        slope = x.grad
        x.zero_grad()
        slope.sum().backward()

    np.testing.assert_allclose(y.data, [-5, 7, 3 * math.log(2)])
    np.testing.assert_array_equal(slope.data, [0, 0, 1.5])
    np.testing.assert_array_equal(x.grad, [0, 0, -0.75])


@floating
def test_nan_to_num_takes_the_largest_number_of_the_dtype(dtype: Any) -> None:
    x = np.array([inf, -inf, nan], dtype)
    largest = np.finfo(dtype).max

    assert bounds.nan_to_num(Tensor(x)).data.tolist() == [largest, -largest, 0]
    assert bounds.nan_to_num(inf) == np.finfo(float).max


@pytest.mark.parametrize("name", ["nan", "posinf", "neginf"])
@pytest.mark.parametrize("number", [[1.0, 2.0], Value(1.0)])
def test_nan_to_num_refuses_a_replacement_that_is_no_number(name: str, number: Any) -> None:
    with pytest.raises(micrograd.OperandError, match=rf"nan_to_num: {name} has to be a plain num"):
        bounds.nan_to_num(Tensor([1.0]), **{name: number})


@pytest.mark.parametrize("f", [bounds.fmax, bounds.fmin])
def test_fmax_and_fmin_leave_nan_out(f: Any) -> None:
    a, b = Tensor([nan, 1.0, nan, 2.0]), Tensor([1.0, nan, nan, 2.0])
    y = f(a, b)
    y.sum().backward()

    np.testing.assert_array_equal(y.data, [1, 1, nan, 2])
    np.testing.assert_array_equal(a.grad, [0, 1, 0, 0.5])
    np.testing.assert_array_equal(b.grad, [1, 0, 0, 0.5])


@pytest.mark.parametrize("f", [bounds.fmax, bounds.fmin])
def test_a_nan_that_lost_leaks_nothing_from_before_it(f: Any) -> None:
    x = Tensor([-1.0, 4.0])
    with np.errstate(all="ignore"):
        found = derivatives(lambda x: f(micrograd.sqrt(x), [9.0, 2.0]), x, 2)

    np.testing.assert_allclose(found, [[9, 2], [0, 1 / 8], [0, -1 / 64]])


@pytest.mark.parametrize("name", [*filter(takes_two, FUNCTIONS)])
def test_shapes_that_do_not_fit_are_refused_by_name(name: str) -> None:
    with pytest.raises(micrograd.ShapeError, match=r"cannot take .* of shape \(2,\)"):
        FUNCTIONS[name](Tensor([1.0, 2.0]), np.ones(3))
