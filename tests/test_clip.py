"""Gradient clipping: by hand, beside PyTorch's, and with what is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd import (
    ArgumentError,
    DivergenceError,
    GradientError,
    MicrogradError,
    OperandError,
    Tensor,
    Value,
)
from micrograd.nn import clip_grad_norm, clip_grad_value

Array = np.ndarray[Any, Any]


def leaf(gradient: Any, dtype: Any = float) -> Tensor:
    gradient = np.asarray(gradient, dtype)
    made = Tensor(np.zeros(gradient.shape, dtype))
    made.grad = gradient
    return made


def number(gradient: float) -> Value:
    made = Value(0.0)
    made.grad = gradient
    return made


# --- by hand ---


@pytest.mark.parametrize(
    ("order", "norm"),
    [(2.0, 13.0), (1.0, 19.0), (math.inf, 12.0), (3.0, (27 + 64 + 12**3) ** (1 / 3))],
)
def test_the_norm_is_that_of_all_gradients_as_one_vector(order: float, norm: float) -> None:
    x, y, z = leaf([[3.0], [-4.0]]), number(12.0), leaf(0.0)
    assert clip_grad_norm([x, y, z], 1.0, order) == pytest.approx(norm, rel=1e-14)
    scale = 1 / (norm + 1e-6)
    np.testing.assert_allclose(x.grad, np.array([[3.0], [-4.0]]) * scale, rtol=1e-14)
    assert y.grad == pytest.approx(12.0 * scale, rel=1e-14)


def test_gradients_within_the_bound_are_left_as_they_are() -> None:
    x, y = leaf([3.0, 4.0]), number(12.0)
    for bound in (13.5, 1e300, math.inf):
        assert clip_grad_norm([x, y], bound) == 13.0
    assert (x.grad.tolist(), y.grad) == ([3.0, 4.0], 12.0)


def test_a_bound_of_nothing_makes_gradients_nothing() -> None:
    x, y = leaf([3.0, 4.0]), number(12.0)
    assert clip_grad_norm([x, y], 0.0) == 13.0
    assert (x.grad.tolist(), y.grad) == ([0.0, 0.0], 0.0)


def test_each_element_is_clipped_on_its_own() -> None:
    x, y, z = leaf([[0.5, -3.0, 2.0]]), number(-7.0), leaf(4.0)
    clip_grad_value([x, y, z], 1.5)
    assert (x.grad.tolist(), y.grad, z.grad) == ([[0.5, -1.5, 1.5]], -1.5, 1.5)


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_gradients_are_clipped_in_their_own_arrays(clip: Callable[..., Any]) -> None:
    x = leaf([3.0, 4.0])
    gradient = x.grad
    clip({"x": x}, 1.0)
    assert x.grad is gradient
    assert (gradient != [3.0, 4.0]).all()


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_parameters_without_gradients_are_left_alone(clip: Callable[..., Any]) -> None:
    x, y = Tensor([1.0]), Value(1.0)
    assert clip([x, y], 1.0) in (0.0, None)
    assert not x.has_grad
    assert not y.has_grad


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_the_gradient_of_an_int_is_clipped_too(clip: Callable[..., Any]) -> None:
    x = Value(3)
    (x * x).backward()
    clip([x], 1.0)
    assert x.grad == pytest.approx(1.0, rel=1e-6)


def test_the_dtype_stays() -> None:
    x = leaf([3.0, 4.0], np.float32)
    assert clip_grad_norm([x], 1.0) == 5.0
    clip_grad_value([x], 0.5)
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, 0.5, math.inf])
@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_a_norm_whose_powers_overflow_or_vanish_is_right(order: float, size: float) -> None:
    x, y = leaf([3.0 * size, 4.0 * size]), number(12.0 * size)
    small = [leaf([3.0, 4.0]), number(12.0)]
    norm = clip_grad_norm([x, y], math.inf, order)
    assert norm == pytest.approx(size * clip_grad_norm(small, math.inf, order), rel=1e-12, abs=0)


def test_a_norm_that_is_beyond_all_numbers_is_infinite() -> None:
    x = leaf(np.ones(1_000_000))
    assert clip_grad_norm([x], math.inf, 0.01) == math.inf
    assert (x.grad == 1.0).all()


# --- beside PyTorch's ---


def pairs(torch: Any, dtype: Any = float) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (5,), (), (2, 0))]
    theirs = [torch.zeros(g.shape, dtype=torch.tensor(g).dtype) for g in gradients]
    for p, g in zip(theirs, gradients, strict=True):
        p.grad = torch.tensor(g)
    return [leaf(g, dtype) for g in gradients], theirs


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("order", [2.0, 1.0, 3.5, 0.5, math.inf])
@pytest.mark.parametrize("bound", [0.1, 1.0, 1000.0])
def test_norms_and_clipped_gradients_are_pytorchs(
    torch: Any, dtype: Any, rtol: float, order: float, bound: float
) -> None:
    ours, theirs = pairs(torch, dtype)
    filled = [p for p in theirs if p.numel()]  # it has no largest of nothing
    expected = torch.nn.utils.clip_grad_norm_(filled, bound, order)
    assert clip_grad_norm(ours, bound, order) == pytest.approx(expected.item(), rel=rtol)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=rtol)


@pytest.mark.parametrize("bound", [0.0, 0.3, 10.0])
def test_clipped_elements_are_pytorchs(torch: Any, bound: float) -> None:
    ours, theirs = pairs(torch)
    torch.nn.utils.clip_grad_value_(theirs, bound)
    clip_grad_value(ours, bound)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad, q.grad.numpy())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_scales_as_in_pytorch_if_it_may(torch: Any, bad: float) -> None:
    ours, theirs = pairs(torch)
    ours[1].grad[0] = theirs[1].grad[0] = bad
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    norm = clip_grad_norm(ours, 1.0, error_if_nonfinite=False)
    np.testing.assert_equal(norm, expected.item())
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad, q.grad.numpy())


# --- not finite ---


@pytest.mark.parametrize("make", [leaf, number])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_before_anything_is_scaled(
    make: Callable[[float], Any], bad: float
) -> None:
    x = leaf([3.0, 4.0])
    with pytest.raises(DivergenceError, match=r"^clip_grad_norm: the gradient of 'layers\.1\.b' "):
        clip_grad_norm({"W": x, "layers.1.b": make(bad)}, 1.0)
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_measuring_without_a_bound_changes_nothing(bad: float) -> None:
    x = leaf([1.0, bad])
    np.testing.assert_equal(clip_grad_norm([x], math.inf, error_if_nonfinite=False), bad)
    np.testing.assert_array_equal(x.grad, [1.0, bad])


def test_infinities_are_clipped_to_the_bound_and_nan_stays() -> None:
    x, y = leaf([math.inf, -math.inf, math.nan]), number(math.inf)
    clip_grad_value([x, y], 2.0)
    np.testing.assert_array_equal(x.grad, [2.0, -2.0, math.nan])
    assert y.grad == 2.0


# --- refused ---


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_a_gradient_with_a_graph_of_its_own_is_refused(clip: Callable[..., Any]) -> None:
    x, y = leaf([3.0]), Tensor(3.0)
    (y * y).backward(create_graph=True)
    with pytest.raises(GradientError, match=rf"^{clip.__name__}: .* graph of its own"):
        clip([x, y], 1.0)
    assert x.grad.tolist() == [3.0]


BAD: list[tuple[Callable[..., Any], tuple[Any, ...], type[MicrogradError], str]] = [
    (clip_grad_norm, (-1.0,), ArgumentError, "max_norm is -1.0"),
    (clip_grad_norm, (math.nan,), ArgumentError, "max_norm is nan"),
    (clip_grad_norm, ("1",), OperandError, "a number for max_norm, but came '1'"),
    (clip_grad_norm, (1.0, 0), ArgumentError, "norm_type is 0"),
    (clip_grad_norm, (1.0, -2.0), ArgumentError, "norm_type is -2.0"),
    (clip_grad_norm, (1.0, -math.inf), ArgumentError, "norm_type is -inf"),
    (clip_grad_norm, (1.0, math.nan), ArgumentError, "norm_type is nan"),
    (clip_grad_norm, (1.0, "2"), OperandError, "a number for norm_type, but came '2'"),
    (clip_grad_value, (-1.0,), ArgumentError, "clip_value is -1.0"),
    (clip_grad_value, (math.inf,), ArgumentError, "clip_value is inf"),
    (clip_grad_value, (None,), OperandError, "a number for clip_value"),
]


@pytest.mark.parametrize(("clip", "settings", "error", "words"), BAD)
def test_settings_out_of_range_are_refused(
    clip: Callable[..., Any], settings: tuple[Any, ...], error: type[MicrogradError], words: str
) -> None:
    x = leaf([3.0])
    with pytest.raises(error, match=f"^{clip.__name__}: .*{words}"):
        clip([x], *settings)
    assert x.grad.tolist() == [3.0]


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_parameters_that_cannot_be_clipped_are_refused(clip: Callable[..., Any]) -> None:
    x = leaf([3.0])
    with pytest.raises(ArgumentError, match="came no parameters"):
        clip([], 1.0)
    with pytest.raises(ArgumentError, match="came twice"):
        clip([x, x], 1.0)
    with pytest.raises(OperandError, match=r"came a Tensor\. Give \[p\] for one"):
        clip(x, 1.0)
