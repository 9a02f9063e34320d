"""Numerical gradients: formulas, kinds of argument, restoration, errors of the estimate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import ArgumentError, GradientError, OperandError, ShapeError, Tensor, Value
from micrograd.layers import TwoLayerNet
from micrograd.testing import numerical_gradient
from micrograd.transforms.differences import differentiate, shared

METHODS: list[Any] = ["central", "richardson", "complex"]
ACCURACY = {"central": 1e-7, "richardson": 1e-9, "complex": 1e-14}


@pytest.mark.parametrize("method", METHODS)
def test_the_books_quadratic_at_its_three_points(method: Any) -> None:
    """Chapter 4: f = x0**2 + x1**2 at (3, 4), (0, 2) and (3, 0) has (6, 8), (0, 4) and (6, 0)."""
    for point, gradient in (([3.0, 4.0], [6, 8]), ([0.0, 2.0], [0, 4]), ([3.0, 0.0], [6, 0])):
        x = np.array(point)
        found = numerical_gradient(lambda x: np.sum(x**2), x, method=method)
        np.testing.assert_allclose(found, gradient, atol=1e-9)
        assert x.tolist() == point


def test_the_central_difference_is_that_of_the_formula() -> None:
    def cube(x: Any) -> Any:
        return x**3

    assert numerical_gradient(cube, 2.0, 0.5) == pytest.approx((2.5**3 - 1.5**3) / 1.0)
    assert numerical_gradient(cube, 2.0) == pytest.approx(12 + 1e-8, abs=1e-10)  # h**2 too much
    assert numerical_gradient(cube, 2.0, 0.5, method="richardson") == pytest.approx(12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (np.exp, np.exp, 0.5),
        (np.sin, np.cos, 1.0),
        (np.log, lambda x: 1 / x, 3.0),
        (lambda x: 1 / x, lambda x: -1 / x**2, -2.0),
        (mg.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.3),
    ],
)
def test_each_method_is_as_exact_as_its_formula(method: Any, f: Any, slope: Any, x: float) -> None:
    found = numerical_gradient(f, x, method=method)

    assert type(found) is float
    assert found == pytest.approx(slope(x), rel=ACCURACY[method])


@given(st.floats(-3, 3), st.floats(0.1, 5))
def test_the_error_estimate_holds(x: float, width: float) -> None:
    slope, error = numerical_gradient(
        lambda x: math.sin(width * x), x, method="richardson", return_error=True
    )

    assert abs(slope - width * math.cos(width * x)) <= error + 1e-11
    assert error <= 1e-4


@pytest.mark.parametrize("method", ["central", "richardson"])
def test_values_tensors_and_dicts_are_changed_in_place_and_restored(method: Any) -> None:
    v, t, a = Value(3.0, label="v"), Tensor([1.0, 2.0]), np.array([[5.0]])
    seen: list[float] = []

    def f(x: Any) -> Any:
        seen.append(float(v.data + t.data[0] + a[0, 0]))  # by another way than the argument
        return v * v * 2

    assert numerical_gradient(f, v, method=method) == pytest.approx(12)
    assert numerical_gradient(lambda t: (t * t).sum(), t, method=method) == pytest.approx([2, 4])
    together = {"v": v, "a": a}
    found = numerical_gradient(
        lambda p: p["v"].data ** 2 + p["a"].sum() * 7, together, method=method
    )

    assert found["v"] == pytest.approx(6)
    assert found["a"] == pytest.approx(np.array([[7.0]]))
    assert len(set(seen)) > 1
    assert (v.data, t.data.tolist(), a.tolist()) == (3.0, [1.0, 2.0], [[5.0]])
    assert type(v.data) is float


def test_a_node_that_was_changed_counts_as_written_to() -> None:
    x = Tensor([1.0])
    y = (x * x).sum()
    numerical_gradient(lambda x: (x * x).sum(), x)

    with pytest.raises(mg.StaleGraphError):
        y.backward()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [np.array([1.0, 2.0]), Tensor([1.0, 2.0]), Value(1.0)])
def test_the_argument_is_restored_when_the_function_raises(method: Any, x: Any) -> None:
    before = np.array(x if isinstance(x, np.ndarray) else x.data)
    calls = 0

    def fail(x: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("on purpose")
        return (x if isinstance(x, Value) else x[0]) * 1j

    with pytest.raises((RuntimeError, OperandError)):
        numerical_gradient(fail, x, method=method)
    np.testing.assert_array_equal(x if isinstance(x, np.ndarray) else x.data, before)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float32, 1e-3), (np.float64, 1e-7)])
def test_the_step_suits_the_dtype(dtype: Any, accuracy: float) -> None:
    x = np.array([3.0, 4.0], dtype)
    found = numerical_gradient(lambda x: (x**3).sum(), x)

    assert found.dtype == dtype
    np.testing.assert_allclose(found, [27, 48], rtol=accuracy)


def sliding_window(x: Any) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, 2, writeable=True)


OVERLAPPING: dict[str, Any] = {
    "a sliding window": lambda: sliding_window(np.arange(4.0)),
    "a stride of 0": lambda: np.lib.stride_tricks.as_strided(np.ones(1), (3,), (0,)),
    "half an element": lambda: np.lib.stride_tricks.as_strided(np.ones(4), (3,), (4,)),
    "backwards": lambda: sliding_window(np.arange(4.0))[::-1, ::-1],
    "two entries": lambda: {"a": (x := np.ones(3)), "b": x[2:]},
    "two of other dtypes": lambda: {"a": (x := np.ones(3)), "b": x.view(np.float32)[4:5]},
    "an entry of an entry": lambda: {"a": (x := np.ones(3)), "b": {"c": x}},
    "one Tensor twice": lambda: {"a": (t := Tensor([1.0])), "b": t},
    "a Tensor's array": lambda: {"a": (t := Tensor([1.0])), "b": t.data},
    "one Value twice": lambda: {"a": (v := Value(1.0)), "b": v},
}


@pytest.mark.parametrize("method", ["central", "richardson"])
@pytest.mark.parametrize("name", OVERLAPPING)
def test_elements_that_change_together_are_refused(name: str, method: Any) -> None:
    """The window of 4 numbers gave [1, 2, 2, 1] for its 6 elements, twice as much inside."""
    called: list[Any] = []
    with pytest.raises(OperandError, match=r"in memory.*Give copies.*or give what they share once"):
        numerical_gradient(called.append, OVERLAPPING[name](), method=method)
    assert called == []


def test_copies_of_what_overlaps_and_the_complex_method_have_the_gradient_of_each() -> None:
    window = sliding_window(np.arange(4.0))
    weights = np.arange(6.0).reshape(3, 2)
    for x, method in ((window.copy(), "central"), (window, "complex")):
        found = numerical_gradient(lambda x: (x * weights).sum(), x, method=method)  # type: ignore[call-overload]
        np.testing.assert_allclose(found, weights, atol=1e-8)


@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    strides=st.lists(st.integers(-6, 6), min_size=3, max_size=3),
)
def test_overlap_is_what_writing_to_each_element_shows(shape: Any, strides: Any) -> None:
    memory = np.zeros(128)
    x = np.lib.stride_tricks.as_strided(
        memory[64:], shape, [8 * s for s in strides[: len(shape)]], writeable=True
    )
    distinct = 0
    for index in np.ndindex(*shape):
        x[index] = 1
    distinct = int(memory.sum())
    assert (shared({"x": x}) is None) == (distinct == x.size)


def test_what_lies_between_each_other_does_not_overlap() -> None:
    both = np.arange(6.0)
    p = {"even": both[::2], "odd": both[1::2], "none": both[:0]}
    found = numerical_gradient(lambda p: (p["even"] * p["odd"]).sum(), p)
    np.testing.assert_allclose(found["even"], [1, 3, 5])
    np.testing.assert_allclose(found["odd"], [0, 2, 4], atol=1e-9)


def test_kinks_and_edges_are_told_from_smooth_points() -> None:
    def each(f: Any, points: list[float]) -> Any:
        return differentiate(lambda x: f(x).sum(), np.array(points))

    relu = each(lambda x: np.maximum(x, 0), [-1.0, 0.0, 1e-4, 1.0])
    assert relu.smooth.tolist() == [True, False, True, True]
    np.testing.assert_allclose(relu.value[[0, 2, 3]], [0, 1, 1], atol=1e-9)
    assert (relu.left[1], relu.right[1]) == pytest.approx((0, 1))
    assert relu.error[1] == pytest.approx(0.5)
    assert each(np.square, [0.0, 1e-3]).smooth.all()
    assert each(lambda x: x**3, [0.0]).value == pytest.approx([0])
    jump = each(np.floor, [1.0])
    assert not jump.smooth.any()
    assert jump.left[0] > 1e5
    edge = each(np.sqrt, [0.0])
    assert not edge.smooth.any()
    assert math.isinf(edge.error[0])


def test_a_function_near_the_edge_of_its_domain_is_differentiated_by_smaller_steps() -> None:
    slope, error = numerical_gradient(np.log, 1e-5, method="richardson", return_error=True)

    assert abs(slope - 1e5) <= error < 10


def test_a_large_constant_is_seen_in_the_error() -> None:
    slope, error = numerical_gradient(
        lambda x: 1e14 + x, 1.0, method="richardson", return_error=True
    )

    assert error > 1e-4
    assert abs(slope - 1) <= error


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "integers": (lambda: numerical_gradient(np.sum, np.array([1])), OperandError, "dtype=float"),
    "a list": (lambda: numerical_gradient(np.sum, [1.0]), OperandError, "np.array"),  # type: ignore[call-overload]
    "a result": (
        lambda: numerical_gradient(mg.sum, Tensor([1.0]) * 2),
        OperandError,
        "no operation made",
    ),
    "read-only": (
        lambda: numerical_gradient(np.sum, np.broadcast_to(1.0, (2,))),
        OperandError,
        "written to",
    ),
    "a constant of a result": (
        lambda: numerical_gradient(mg.sum, (Tensor([1.0]) * 2).detach()),
        OperandError,
        "written to",
    ),
    "several results": (lambda: numerical_gradient(np.exp, np.ones(2)), ShapeError, "gradcheck"),
    "no number": (lambda: numerical_gradient(lambda x: "a", 1.0), OperandError, "gave a str"),
    "a step of 0": (lambda: numerical_gradient(np.exp, 1.0, 0.0), ArgumentError, "positive"),
    "a step of nan": (lambda: numerical_gradient(np.exp, 1.0, np.nan), ArgumentError, "positive"),
    "an unknown method": (
        lambda: numerical_gradient(np.exp, 1.0, method="guess"),  # type: ignore[call-overload]
        ArgumentError,
        "'guess' is unknown",
    ),
    "an error without an estimate": (
        lambda: numerical_gradient(np.exp, 1.0, return_error=True),
        ArgumentError,
        "richardson",
    ),
    "complex of a Value": (
        lambda: numerical_gradient(mg.exp, Value(1.0), method="complex"),
        OperandError,
        ".data",
    ),
    "complex of abs": (
        lambda: numerical_gradient(abs, 1.0, method="complex"),
        GradientError,
        "imaginary part",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_words(name: str) -> None:
    attempt, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        attempt()


@pytest.mark.slow
def test_the_books_gradient_check_on_mnist(mnist_folder: Any) -> None:
    """Chapter 5: three images, 784-50-10; the book shows differences of 1e-10 to 1e-13."""
    from micrograd.datasets import load_mnist

    (x, t), _ = load_mnist(folder=mnist_folder)
    network = TwoLayerNet(784, 50, 10, rng=np.random.default_rng(0))
    images, labels = x[:3].astype(np.float64), t[:3]
    backpropagated = network.gradient(images, labels)
    numerical = network.numerical_gradient(images, labels)

    for name, gradient in backpropagated.items():
        assert np.abs(gradient).max() > 1e-3
        assert np.abs(gradient - numerical[name]).mean() <= 1e-9
