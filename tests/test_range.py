"""That what reductions, layers and optimizers compute on the way may leave the range of a dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import Tensor, nn
from micrograd.nn.clip import clip_grad_norm
from micrograd.nn.optim import SGD, AdaGrad, Adam, RMSprop
from micrograd.ops.shape import forward_sum_to

Array = np.ndarray[Any, Any]
LIMITS = {"float16": 15, "float32": 127, "float64": 1023}


def gradient(f: Callable[[Any], Any], x: Any, dtype: Any) -> Array:
    leaf = Tensor(np.array(x, dtype))
    f(leaf).backward()
    return leaf.grad


def hessian(f: Callable[[Any], Any], x: Array) -> Array:
    return np.asarray(mg.hessian(f)(x))


# Values worked out by hand


@pytest.mark.parametrize(
    ("f", "x", "dtype", "expected"),
    [
        (np.linalg.norm, [300, 450, 3], "float16", [0.5547, 0.832, 0.005547]),
        (np.linalg.norm, [60000, 60000], "float16", [0.7071, 0.7071]),
        (np.linalg.norm, [3e-170, 4e-170], "float64", [0.6, 0.8]),
        (lambda x: np.linalg.norm(x, 3), [2e30, 1e30], "float32", [0.92449, 0.23112]),
        (lambda x: np.linalg.norm(x, 1.5), [4e200, 1e-300], "float64", [1.0, 5e-251]),
        (mg.std, [300, -300], "float16", [0.5, -0.5]),
        (mg.std, [1e-200, 2e-200], "float64", [-0.5, 0.5]),
        (mg.var, [3e38, 3e38, -3e38], "float32", [4e38 / 3, 4e38 / 3, -8e38 / 3]),
        (mg.prod, [1e200, 1e200, 1e-200, 1e-200], "float64", [1e-200, 1e-200, 1e200, 1e200]),
        (mg.logsumexp, [1e8, 1e8], "float32", [0.5, 0.5]),
        (lambda x: mg.softmax(x)[0], [40.0, 0.0], "float64", [4.248354e-18, -4.248354e-18]),
        (lambda x: mg.log_softmax(x)[0], [40.0, 0.0], "float64", [4.248354e-18, -4.248354e-18]),
        (
            lambda x: mg.softmax_cross_entropy(x, 0),
            [40.0, 0.0],
            "float64",
            [-4.248354e-18, 4.248354e-18],
        ),
    ],
)
def test_a_gradient_in_range_is_right_whatever_leaves_the_range_on_the_way(
    f: Any, x: Any, dtype: str, expected: Any
) -> None:
    with np.errstate(over="ignore"):  # values of var and prod are NumPy's, which are inf here
        found = gradient(f, x, dtype)

    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=2e-3 if dtype == "float16" else 1e-5)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (mg.mean, 1 / 70_000),
        (mg.max, 1 / 70_000),
        (lambda x: mg.average(x, weights=np.ones_like(x.data)), 1 / 70_000),
        (lambda x: mg.softmax(x)[0] * 70_000.0**0.5, -(70_000.0**-1.5)),
        (lambda x: mg.logsumexp(x), 1 / 70_000),
    ],
)
def test_a_count_that_no_float16_holds_is_one_all_the_same(f: Any, expected: float) -> None:
    found = gradient(f, np.ones(70_000), np.float16)

    assert abs(float(found[-1]) - expected) <= 2**-24


def test_the_loss_of_many_samples_is_that_of_one_in_float16() -> None:
    x = np.zeros((70_000, 2), np.float16)
    leaf = Tensor(x)
    loss = mg.softmax_cross_entropy(leaf, np.zeros(70_000, int))
    loss.backward(np.array(1024, np.float16))

    assert loss.dtype == np.float16
    assert loss.item() == pytest.approx(math.log(2), rel=1e-3)
    np.testing.assert_allclose(leaf.grad[0], [-512 / 70_000, 512 / 70_000], rtol=1e-3)


def test_values_of_norms_and_deviations_are_right_where_squares_are_not() -> None:
    assert np.linalg.norm(Tensor(np.array([300, 450, 3], np.float16))).item() == 541
    assert mg.std(Tensor(np.array([300, -300], np.float16))).item() == 300
    assert mg.linalg.norm(np.array([3e200, 4e200])) == pytest.approx(5e200, rel=1e-15)
    assert mg.linalg.norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200, rel=1e-15)
    assert mg.std(np.array([1e300, -1e300])) == 1e300
    assert mg.linalg.norm(np.array([math.inf, 1.0])) == math.inf
    assert math.isnan(mg.linalg.norm(np.array([math.nan, 1.0])))


@given(st.sampled_from([*LIMITS]), st.floats(-1, 1), st.integers(1, 2**16))
def test_norm_and_deviation_grow_as_their_elements_do(dtype: str, share: float, seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0.5, 1, 4).astype(dtype) * [1, -1, 1, 1]
    x = x.astype(dtype)
    scale = np.ldexp(np.ones((), dtype), int(share * (LIMITS[dtype] - 2)))
    big = x * scale
    exact = np.array_equal(big / scale, x)  # no element became subnormal

    for f in (mg.linalg.norm, mg.std, lambda x: mg.linalg.norm(x, 3)):
        units = 8 * float(np.finfo(dtype).eps)
        if exact:
            np.testing.assert_allclose(f(big) / scale, f(x), rtol=units)
            np.testing.assert_allclose(gradient(f, big, dtype), gradient(f, x, dtype), rtol=units)


# Sums of what was broadcast


def test_undoing_a_broadcast_over_a_million_rows_keeps_six_digits() -> None:
    x = np.full((1_000_000, 4), 0.1, np.float32)
    b = Tensor(np.zeros(4, np.float32))
    ((b + 1) * x).sum().backward()

    np.testing.assert_allclose(b.grad, 1e6 * float(np.float32(0.1)), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "count"), [("float16", 5000), ("float32", 1_000_000)])
def test_an_element_picked_many_times_gets_all_of_its_gradient(dtype: str, count: int) -> None:
    x = Tensor(np.array([0.1, 0.2], dtype))
    picked = x[np.zeros(count, int)]
    (picked * np.full(count, 0.1, dtype)).sum().backward()

    expected = count * float(np.array(0.1, dtype))
    assert x.grad.dtype == dtype
    np.testing.assert_allclose(x.grad, [expected, 0], rtol=1e-6 if dtype == "float32" else 1e-3)


@given(st.data())
def test_a_sum_to_any_shape_is_right_to_the_logarithm_of_the_number_of_its_terms(
    data: st.DataObject,
) -> None:
    dtype = data.draw(st.sampled_from([np.float16, np.float32, np.float64]))
    lengths = st.sampled_from([1, 2, 3, 127, 128, 129, 300, 1000])
    shape = (data.draw(lengths), *data.draw(st.sampled_from([(), (1,), (2,), (2, 3), (3, 130)])))
    kept = [data.draw(st.sampled_from([1, n])) for n in shape]
    target = tuple(kept[data.draw(st.integers(0, 1)) if kept[0] == 1 else 0 :])
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    x = rng.uniform(0.5, 1, shape).astype(dtype)
    x = x.T.copy().T if data.draw(st.booleans()) else x

    found = forward_sum_to(x, shape=target)

    wide = x.astype(np.longdouble)
    axes = tuple(i for i, n in enumerate(kept) if n == 1)
    expected = wide.sum(axis=axes, keepdims=True).reshape(target)
    assert found.dtype == dtype
    assert found.shape == target
    if expected.max(initial=0) < np.finfo(dtype).max:
        terms = max(2, x.size // max(found.size, 1))
        bound = 8 * float(np.finfo(dtype).eps) * math.log2(terms)
        np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=bound)


# Second derivatives


@pytest.mark.parametrize("f", [mg.linalg.norm, mg.std, mg.logsumexp, lambda x: mg.softmax(x)[0]])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_second_derivatives_are_right_beside_the_largest_of_them(f: Any, scale: float) -> None:
    x = np.array([0.5, -3.0, 2.0, 1e-3]) * scale
    expected = hessian(f, x)
    found = hessian(f, x.astype(np.float32))

    largest = max(abs(expected).max(), 1e-30)
    np.testing.assert_allclose(found / largest, expected / largest, atol=2e-5)


# Layers


def test_a_layer_norm_in_float16_is_right_where_its_squares_are_not() -> None:
    x = np.array([[300, -300, 0]], np.float16)
    y = nn.LayerNorm(3, dtype=np.float16)(x)

    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, [[1.2246, -1.2246, 0]], atol=1e-3)


@pytest.mark.parametrize("make", [nn.LayerNorm, nn.BatchNorm1d])
@pytest.mark.parametrize(
    ("dtype", "scale"), [("float16", 1e4), ("float32", 1e30), ("float64", 1e200), ("float32", 1.0)]
)
def test_a_normalization_gives_the_same_however_large_its_input_is(
    make: Any, dtype: Any, scale: float
) -> None:
    rng = np.random.default_rng(0)
    x, v = rng.uniform(-2, 2, (3, 3)), rng.normal(size=(3, 3))
    results: list[tuple[Array, Array]] = []
    for kind, factor in ((np.float64, 1.0), (np.dtype(dtype), scale)):
        leaf = Tensor((x * factor).astype(kind))
        y = make(3, eps=1e-30, dtype=kind)(leaf)
        y.backward(v.astype(kind))
        assert y.dtype == leaf.grad.dtype == kind
        results.append((y.data.astype(float), leaf.grad.astype(float) * factor))
    (y, g), (y_large, g_large) = results

    units = 30 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(y_large, y, atol=units * 2)
    # A gradient that is subnormal in float16 is only known to a step of the subnormal numbers.
    atol = units * 10 + scale * 2 * float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(g_large, g, atol=atol)


def test_equal_elements_beside_large_ones_are_normalized_to_zero() -> None:
    y = nn.LayerNorm(2, dtype=np.float32)(np.array([[1e30, 1e30], [1e30, -1e30]], np.float32))

    assert y.data.tolist() == [[0, 0], [1, -1]]


def test_the_running_variance_of_a_float16_batch_norm_is_in_range() -> None:
    norm = nn.BatchNorm1d(1, momentum=1.0, dtype=np.float16)
    x = np.array([[300], [-300]], np.float16)
    norm(x)
    norm.eval()
    y = norm(x)

    assert norm.running_var.data.tolist() == [180_000]
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, [[0.7071], [-0.7071]], atol=1e-3)


# Optimizers and clipping


@pytest.mark.parametrize("make", [AdaGrad, Adam, RMSprop])
@pytest.mark.parametrize("size", [1000.0, 1e-4])
def test_an_optimizer_moves_a_float16_parameter_as_one_of_float64(make: Any, size: float) -> None:
    found: list[float] = []
    for dtype in (np.float16, np.float64):
        p = Tensor(np.array([0.25], dtype))
        optimizer = make([p], lr=0.125)
        for _ in range(3):
            p.zero_grad()
            (p * np.array(size, dtype)).sum().backward()
            optimizer.step()
        assert p.dtype == dtype
        found.append(float(p.data[0]))

    assert found[0] == pytest.approx(found[1], rel=4e-3)


def test_the_state_of_a_float16_parameter_is_saved_and_loaded_in_float32() -> None:
    p = Tensor(np.array([1.0], np.float16))
    first, second = (SGD([p], lr=0.5, momentum=0.5) for _ in range(2))
    p.sum().backward()
    first.step()
    second.load_state_dict(first.state_dict())

    state = second.state_dict()
    assert [state[name].dtype for name in state if name.startswith("momentum")] == [np.float32]
    assert p.data.tolist() == [0.5]


@pytest.mark.parametrize(
    ("gradient", "dtype", "order"),
    [
        ([300.0, 400.0], np.float16, 2),
        ([6e4, 6e4], np.float16, 2),
        ([3e-5, 4e-5], np.float16, 2),
        ([3e30, 4e30], np.float32, 2),
        ([3e-25, 4e-25], np.float32, 3),
        ([3e-15, 4e-15], np.float32, 3),
        ([3e200, 4e200], np.float64, 2.5),
    ],
)
def test_a_norm_to_clip_is_right_where_its_powers_are_not(
    gradient: Any, dtype: Any, order: float
) -> None:
    p = Tensor(np.zeros(2, dtype))
    p.backward(np.array(gradient, dtype))
    g = p.grad.astype(float)
    largest = abs(g).max()
    expected = largest * np.sum((g / largest) ** order) ** (1 / order)

    limit = expected / 2**20 if dtype == np.float16 else 1.0
    assert clip_grad_norm([p], limit, order) == pytest.approx(expected, rel=1e-5)
    if expected > 1:
        clipped = g * (limit / (expected + 1e-6))
        step = 2 * float(np.finfo(dtype).smallest_subnormal)
        np.testing.assert_allclose(p.grad.astype(float), clipped, rtol=1e-3, atol=step)
