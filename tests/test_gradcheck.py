"""The gradient check: what it passes, what it refutes, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import ArgumentError, GradientError, OperandError, Tensor, Value
from micrograd.core.op import Op
from micrograd.testing import assert_gradients, gradcheck, numerical_gradient

RNG = np.random.default_rng(0)
ROW, MATRIX, SQUARE = RNG.normal(size=3), RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3))


def wrong(forward: Any, *derivatives: Any) -> Op:
    """Return an operation that is in no registry."""
    return Op("wrong", forward, derivatives)


def tanh_times(factor: float) -> Op:
    return wrong(np.tanh, lambda g, y, x: g * (1 - y * y) * factor)


@dataclass
class Weights:
    W: Any
    bias: Any
    steps: int


def test_floats_become_values_and_arrays_tensors() -> None:
    seen: list[str] = []

    def f(*nodes: Any) -> Any:
        seen.extend(type(node).__name__ for node in nodes)
        return nodes[0] * nodes[1]

    assert gradcheck(f, 2.0, 3.0)
    assert set(seen) == {"Value"}
    seen.clear()
    assert gradcheck(f, ROW, 3.0)
    assert set(seen) == {"Tensor"}
    assert gradcheck(f, Value(2.0), 3)
    assert gradcheck(f, Tensor([2.0]), Tensor([3.0], requires_grad=False))


def test_integers_and_constants_come_as_they_are_and_are_not_differentiated() -> None:
    labels = np.array([0, 2, 1, 1])
    report = gradcheck(mg.softmax_cross_entropy, MATRIX, labels)

    assert report
    assert [argument.name for argument in report.arguments] == ["logits"]
    constant = Tensor(ROW, requires_grad=False)
    assert [a.name for a in gradcheck(lambda x, c: x * c, ROW, constant).arguments] == ["x"]


def test_nested_parameters_are_named_by_their_place() -> None:
    def f(params: Any, x: Any) -> Any:
        return x @ params["W"] + params["layers"][0] * params["b"].bias

    parameters = {"W": SQUARE, "layers": [ROW], "b": Weights(1, np.array(2.0), 3)}
    report = gradcheck(f, parameters, MATRIX, order=2)

    assert report
    names = [a.name for a in report.arguments if a.order == 1]
    assert names == ["params['W']", "params['layers'][0]", "params['b'].bias", "x"]


def test_results_may_be_several_and_of_any_shape() -> None:
    def f(x: Any) -> Any:
        return {"a": (mg.exp(x), x.sum()), "b": [x[::2]]}

    assert gradcheck(f, ROW, order=2)
    broken = tanh_times(2.0)
    assert not gradcheck(lambda x: (x * 2, broken(x)), ROW)


def no_underflow(x: float) -> float:
    """Return x, or 0 if derivatives as small as x were lost among subnormal numbers."""
    return x if abs(x) > 1e-280 else 0.0


@pytest.mark.parametrize("method", ["richardson", "central", "complex"])
@given(x=st.floats(-2, 2).map(no_underflow), y=st.floats(0.5, 2))
def test_a_right_gradient_passes_and_one_off_by_a_thousandth_fails(
    method: Any, x: float, y: float
) -> None:
    def right(x: Any, y: Any) -> Any:
        return mg.tanh(x) * y + x * y

    def off(x: Any, y: Any) -> Any:
        return tanh_times(1.001)(x) * y

    assert gradcheck(right, x, y, method=method)
    assert abs(x) < 1e-9 or not gradcheck(off, 1.0 + x, y, method=method)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_order_is_checked_and_a_detached_rule_fails_from_the_second_on(order: int) -> None:
    def detached(g: Any, y: Any, x: Any) -> Any:
        slope = 3 * (x.data if isinstance(x, Tensor) else x) ** 2
        return g * slope

    assert gradcheck(lambda x: x**3, ROW, order=order)
    assert bool(gradcheck(wrong(lambda x: x**3, detached), ROW, order=order)) == (order == 1)
    report = gradcheck(lambda x: x**3, ROW, order=order)
    assert {argument.order for argument in report.arguments} == set(range(1, order + 1))


CAUSES: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "a sign": (wrong(np.sin, lambda g, y, x: -g * mg.cos(x)), (ROW,), "The sign is wrong"),
    "a factor": (tanh_times(2.0), (ROW,), "is 2 times the right one"),
    "a factor of one number": (tanh_times(3.0), (0.5,), "is 3 times the right one"),
    "a thousandth": (tanh_times(1.001), (ROW,), "is 1.001 times the right one"),
    "nothing": (wrong(np.sin, lambda g, y, x: g * 0), (ROW,), "No gradient arrives"),
    "a derivative of None": (wrong(np.multiply, lambda g, y, a, b: g * b, None), (ROW, ROW), "No"),
    "nan": (wrong(np.sin, lambda g, y, x: g * mg.cos(x) * np.nan), (ROW,), "not finite"),
    "swapped arguments": (
        wrong(np.multiply, lambda g, y, a, b: g * a, lambda g, y, a, b: g * b),
        (ROW, ROW * ROW),
        "It is the right gradient of b",
    ),
    "a transpose": (wrong(np.transpose, lambda g, y, x: g), (SQUARE,), "is the transpose"),
    "a missing .T": (
        wrong(np.matmul, lambda g, y, a, b: g @ b, lambda g, y, a, b: a.swapaxes(0, 1) @ g),
        (SQUARE, SQUARE + 1),
        "right for the transpose of b",
    ),
    "a mean for a sum": (
        wrong(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g.mean(axis=0)),
        (MATRIX, ROW),
        "1/4 of the right one, and broadcasting repeated the argument 4 times",
    ),
    "one row for all": (
        wrong(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g[0]),
        (MATRIX, ROW),
        "only the first one counts",
    ),
    "an index off by one": (
        wrong(np.sin, lambda g, y, x: (g * mg.cos(x))[[2, 0, 1]]),
        (ROW,),
        "stand +1 off along axis 0",
    ),
    "reversed": (wrong(np.sin, lambda g, y, x: (g * mg.cos(x))[::-1]), (MATRIX,), "reverse order"),
    "another order": (
        wrong(np.sin, lambda g, y, x: (g * mg.cos(x))[[1, 0, 3, 2]]),
        (MATRIX,),
        "in another order",
    ),
    "a term too many": (wrong(np.sin, lambda g, y, x: g * mg.cos(x) + 2), (ROW,), "same 2:"),
    "some elements": (
        wrong(np.abs, lambda g, y, x: g),
        (np.array([1.0, -1.0, 2.0]),),
        "1 of 3 elements are wrong",
    ),
    "the formula": (wrong(np.tanh, lambda g, y, x: g * y), (ROW,), "check the formula"),
}


@pytest.mark.parametrize("fault", CAUSES)
def test_a_fault_is_refuted_and_its_cause_guessed(fault: str) -> None:
    op, inputs, words = CAUSES[fault]
    report = gradcheck(op, *inputs)

    assert not report
    assert words in report.failures()[0].cause
    assert words in str(report)


def test_the_error_names_argument_index_both_values_and_the_error_of_the_numerical_one() -> None:
    bad = wrong(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: (g * a)[..., [0, 1, 1]])
    with pytest.raises(AssertionError) as caught:
        assert_gradients(lambda data, weight: bad(data, weight).sum(), MATRIX, MATRIX + 1)
    message = str(caught.value)

    assert "with respect to weight, shape (4, 3), is wrong at 4 of 12 elements" in message
    report = gradcheck(lambda data, weight: bad(data, weight).sum(), MATRIX, MATRIX + 1)
    right, failure = report.arguments
    assert (right.verdict, failure.verdict) == ("right", "WRONG")
    worst = failure.worst
    assert worst is not None
    assert worst.index[1] == 2
    assert worst.numerical == pytest.approx(MATRIX[worst.index], rel=1e-8)
    assert worst.reverse == pytest.approx(MATRIX[worst.index[0], 1], rel=1e-8)
    assert 0 < worst.error < 1e-6
    assert f"[{worst.index[0]}, 2]: numerical {worst.numerical:.9g} ±" in message


def test_the_gradient_of_one_number_is_shown_as_it_is() -> None:
    worst = gradcheck(tanh_times(2.0), 0.0).arguments[0].worst

    assert worst is not None
    assert (worst.numerical, worst.reverse) == pytest.approx((1, 2))


def test_a_kink_is_reported_and_is_no_failure_of_the_rule() -> None:
    x = np.array([-1.0, 0.0, 1.0])
    report = gradcheck(mg.relu, x, order=2)
    assert report
    assert [a.kinks for a in report.arguments] == [1, 1, 0]
    assert gradcheck(lambda x: x.max(), np.ones(3)).arguments[0].verdict == "right, at kinks"
    assert gradcheck(abs, 0.0)
    assert gradcheck(mg.sqrt, 0.0)


@pytest.mark.parametrize("offset", [0.0, 1.0, 5.0])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (mg.softsign, 0.0),
        (mg.elu, 0.0),
        (lambda x: mg.relu(x) ** 2, 0.0),
        (lambda x: x * abs(x), 0.0),
        (lambda x: mg.where(abs(x) <= 1, x * x / 2, abs(x) - 0.5), -1.0),
    ],
)
def test_a_jump_of_the_second_derivative_is_no_failure_of_the_first(
    f: Any, x: float, offset: float
) -> None:
    assert gradcheck(lambda x: f(x) + offset * x, x)


def test_at_a_kink_a_gradient_outside_of_both_sides_is_wrong() -> None:
    outside = wrong(np.abs, lambda g, y, x: g * 1.5)
    report = gradcheck(outside, np.array([0.0]))

    assert not report
    assert "outside of the derivatives from the two sides, -1 and 1" in str(report)


def test_kinks_can_be_skipped_or_made_failures() -> None:
    x = np.array([-1.0, 0.0, 1.0])
    skipped = gradcheck(mg.relu, x, kinks="skip")
    strict = gradcheck(mg.relu, x, kinks="strict")

    assert skipped
    assert (skipped.arguments[0].checked, skipped.arguments[0].kinks) == (2, 0)
    assert not strict
    assert "stands at a kink at 1 of 3 elements" in str(strict)
    assert not gradcheck(tanh_times(2.0), x, kinks="skip")


def test_nan_beside_a_finite_derivative_is_wrong_and_agreeing_nan_is_not() -> None:
    leak = wrong(np.square, lambda g, y, x: g * 2 * x * (0 / x))

    with np.errstate(invalid="ignore"):
        assert not gradcheck(leak, np.array([0.0, 1.0]))
        assert gradcheck(mg.log, -1.0)


def test_what_cannot_be_told_from_a_thousandth_does_not_pass() -> None:
    report = gradcheck(lambda x: (x + 1e4).astype("float32"), ROW)

    assert not report
    assert report.arguments[0].verdict == "uncertain"
    assert "too coarse" in str(report)
    assert not gradcheck(lambda x: x * 1e-3, ROW, atol=1.0)


def test_a_small_gradient_beside_a_large_result_is_found_by_wider_steps() -> None:
    assert gradcheck(lambda x: x + 1e9, ROW)
    assert not gradcheck(lambda x: tanh_times(1.001)(x) + 1e9, ROW)


@pytest.mark.parametrize("f", [mg.tanh, mg.sin, mg.cos, mg.exp, lambda x: x * x * x])
def test_tiny_numbers_are_no_obstacle(f: Any) -> None:
    for exponent in range(0, 12):
        assert gradcheck(f, 10.0**-exponent, order=2)


def test_a_gradient_below_the_rounding_counts_as_zero() -> None:
    assert gradcheck(lambda x: mg.sin(x) ** 2 + mg.cos(x) ** 2, ROW)


def test_few_elements_of_a_large_argument_can_be_checked() -> None:
    report = gradcheck(lambda x: mg.tanh(x).sum(), np.zeros((100, 100)), elements=5)

    assert report
    assert report.arguments[0].checked == 5
    assert not gradcheck(tanh_times(2.0), np.zeros((100, 100)), elements=1)


def test_the_inputs_and_the_nodes_that_a_function_closes_over_are_left_as_they_were() -> None:
    x, w = ROW.copy(), Tensor([1.0, 2.0, 3.0])
    t = Tensor(ROW, label="t")
    gradcheck(lambda x, t: (x * w * t).sum(), x, t, order=2)

    np.testing.assert_array_equal(x, ROW)
    assert w.grad is None
    assert t.grad is None
    y = (w * w).sum()
    gradcheck(lambda x: x * w, x)
    y.backward()  # nothing was written to
    np.testing.assert_array_equal(w.grad, [2, 4, 6])


def test_float32_is_refused_or_checked_in_float64() -> None:
    x = ROW.astype(np.float32)

    with pytest.raises(OperandError, match=r"x came in float32.*upcast=True"):
        gradcheck(lambda x: x * 2, x)
    report = gradcheck(lambda x: mg.tanh(x), Tensor(x), upcast=True)
    assert report
    assert not gradcheck(tanh_times(1.001), x, upcast=True)


def test_a_function_that_computes_in_float32_is_uncertain_and_not_right() -> None:
    assert not gradcheck(lambda x: mg.tanh(x).astype("float32") + 10, ROW)


def test_the_same_seed_gives_the_same_report() -> None:
    reports = {str(gradcheck(tanh_times(2.0), ROW, seed=seed)) for seed in (1, 1, 2)}

    assert len(reports) == 2


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "no float": (lambda: gradcheck(lambda x: x * x, 3), OperandError, r"Write 3.0 for 3"),
    "no input": (lambda: gradcheck(lambda: 1.0), OperandError, "none of the inputs"),
    "a plain result": (lambda: gradcheck(lambda x: x.data, 3.0), GradientError, "gave float"),
    "an array": (lambda: gradcheck(lambda x: x.data, ROW), GradientError, "gave ndarray"),
    "no result": (lambda: gradcheck(lambda x: [], 3.0), GradientError, "gave nothing"),
    "order 0": (lambda: gradcheck(abs, 1.0, order=0), ArgumentError, "order has to be 1"),
    "a wide rtol": (lambda: gradcheck(abs, 1.0, rtol=1e-3), ArgumentError, "thousandth"),
    "a negative atol": (lambda: gradcheck(abs, 1.0, atol=-1.0), ArgumentError, "atol"),
    "an unknown method": (lambda: gradcheck(abs, 1.0, step=None, method="x"), ArgumentError, "'x'"),  # type: ignore[arg-type]
    "unknown kinks": (lambda: gradcheck(abs, 1.0, kinks="x"), ArgumentError, "kinks='x'"),  # type: ignore[arg-type]
    "no elements": (lambda: gradcheck(abs, 1.0, elements=0), ArgumentError, "elements"),
    "a bad step": (lambda: gradcheck(abs, 1.0, step=-1.0), ArgumentError, "step"),
    "complex at order 2": (
        lambda: gradcheck(mg.exp, 1.0, order=2, method="complex"),
        ArgumentError,
        "order=1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_words(name: str) -> None:
    attempt, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        attempt()


def test_the_check_agrees_with_the_numerical_gradient_of_the_book() -> None:
    x = np.array([1.0, 2.0])
    worst = gradcheck(lambda x: (x**3).sum(), x).arguments[0].worst
    assert worst is not None
    assert worst.numerical == pytest.approx(
        numerical_gradient(lambda x: (x**3).sum(), x)[worst.index]
    )


def test_the_guess_at_a_missing_transpose_leaves_the_arguments_of_the_next_order_alone() -> None:
    seen: list[Any] = []

    def f(a: Any, b: Any) -> Any:
        seen.append(b.data.copy())
        return CAUSES["a missing .T"][0](a, b)

    report = gradcheck(f, SQUARE, SQUARE + 1, order=2)

    assert "right for the transpose of b" in report.failures()[0].cause
    np.testing.assert_allclose(seen[-1], SQUARE + 1, atol=0.5)
    assert np.abs(SQUARE - SQUARE.T).max() > 1
