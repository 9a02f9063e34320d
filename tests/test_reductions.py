"""Products, statistics, norms, scans and counts, beside the laws that each row of them obeys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import ShapeError, Tensor, Value
from micrograd.ops import counting, norms, scans, statistics
from micrograd.testing import assert_gradients

rng = np.random.default_rng(0)
START = rng.bit_generator.state


@pytest.fixture(autouse=True)
def _the_same_numbers_in_any_order() -> None:
    rng.bit_generator.state = START


inf = np.inf


def plain(y: Any) -> Any:
    return y.data if isinstance(y, Tensor) else y


def assert_like_numpy(
    ours: Callable[..., Any], reference: Callable[..., Any], *inputs: Any, order: int = 2
) -> None:
    """Compare value, shape and dtype with NumPy's, and both gradients with numerical ones."""
    expected = np.asarray(reference(*inputs))
    for args in (inputs, [Tensor(x) for x in inputs]):
        result = np.asarray(plain(ours(*args)))
        assert result.shape == expected.shape
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-15)
    assert_gradients(ours, *inputs, order=order)


def gradients(f: Callable[..., Any], x: Any) -> tuple[Any, Any]:
    """Return the gradient of the sum of f(x), and that of the gradient's sum."""
    node = Tensor(x)
    f(node).sum().backward(create_graph=True)
    slope = node.grad
    node.zero_grad()
    if slope.requires_grad:
        slope.sum().backward()
    return slope.data, node.grad if node.has_grad else np.zeros(node.shape)


# Products


@pytest.mark.parametrize("zeros", range(5))
@pytest.mark.parametrize("axis", [None, 0, -1, (1, 0)])
def test_a_product_is_exact_with_any_number_of_zeros_in_three_orders(zeros: int, axis: Any) -> None:
    x = rng.uniform(0.5, 2, (2, 3))
    x.flat[rng.permutation(6)[:zeros]] = 0

    assert_like_numpy(
        lambda x: statistics.prod(x, axis), lambda x: np.prod(x, axis=axis), x, order=3
    )


@pytest.mark.parametrize("zeros", range(4))
def test_a_cumulative_product_is_exact_with_zeros_in_three_orders(zeros: int) -> None:
    x = rng.uniform(0.5, 2, 4)
    x[:zeros] = 0

    assert_like_numpy(scans.cumprod, np.cumprod, rng.permutation(x), order=3)


def test_a_product_of_whole_numbers_has_gradients_without_rounding() -> None:
    x = [2.0, 0.0, 3.0, 5.0]
    slopes = [np.prod(x[:i] + x[i + 1 :]) for i in range(4)]

    first, second = gradients(statistics.prod, x)

    assert first.tolist() == slopes
    assert second.tolist() == [15.0, 31.0, 10.0, 6.0]


def test_the_product_of_none_is_one() -> None:
    x = Tensor(np.ones((2, 0)))
    y = statistics.prod(x, 1)
    y.sum().backward()

    assert y.data.tolist() == [1, 1]
    assert x.grad.shape == (2, 0)
    assert statistics.prod(Tensor(np.ones(0))).item() == 1


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(
    "f",
    [
        statistics.prod,
        statistics.var,
        statistics.std,
        statistics.median,
        statistics.ptp,
        statistics.average,
        norms.norm,
        lambda x: norms.norm(x, 3, 0),
        lambda x: norms.norm(x, 1, 0),
        lambda x: norms.norm(x, -inf),
        scans.cumsum,
        scans.cumprod,
        lambda x: statistics.average(x, 1, np.array([1, 2, 3], x.dtype)),
    ],
)
def test_a_narrow_dtype_stays_in_value_and_both_gradients(f: Any, dtype: str) -> None:
    x = rng.uniform(1, 2, (2, 3)).astype(dtype)

    assert f(Tensor(x)).dtype == dtype
    assert [g.dtype for g in gradients(f, x) if g.any()] != []
    assert all(g.dtype == dtype for g in gradients(f, x) if g.any())


# Spread and middle


@pytest.mark.parametrize("x", [[0.1, 0.1, 0.1], [0.0, 0.0], [3.0], [1e-200, 1e-200]])
def test_the_deviation_of_equal_numbers_has_the_gradient_zero(x: Any) -> None:
    first, second = gradients(statistics.std, x)

    np.testing.assert_array_equal(first, np.zeros(len(x)))
    np.testing.assert_array_equal(second, np.zeros(len(x)))


def test_equal_rows_leave_the_gradients_of_the_others_alone() -> None:
    one = gradients(statistics.std, [1.0, 3.0])
    both = gradients(lambda x: statistics.std(x, 1), [[1.0, 3.0], [0.3, 0.3]])

    for alone, among in zip(one, both, strict=True):
        np.testing.assert_allclose(among, [alone, [0, 0]], atol=1e-15)


@pytest.mark.parametrize("f", [statistics.var, statistics.std])
def test_without_degrees_of_freedom_the_result_is_that_of_numpy(f: Any) -> None:
    x = Tensor([2.0])
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(invalid="ignore"):
        y = f(x, ddof=1)
    y.backward()

    assert np.isnan(y.item())
    assert np.isnan(x.grad).all()


@pytest.mark.parametrize(
    ("x", "shares"),
    [
        ([3.0, 1.0, 2.0], [0, 0, 1]),
        ([4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
        ([2.0, 1.0, 2.0, 2.0, 3.0], [0, 0, 1, 0, 0]),
        ([7.0, 7.0, 7.0, 7.0], [0, 0.5, 0.5, 0]),
    ],
)
def test_the_gradient_of_a_median_goes_to_what_sorting_puts_in_the_middle(
    x: Any, shares: Any
) -> None:
    assert gradients(statistics.median, x)[0].tolist() == shares


def test_the_median_of_none_is_that_of_numpy() -> None:
    x = Tensor(np.ones((2, 1, 0)))
    y = statistics.median(x, (0, 1))
    y.sum().backward()

    assert y.shape == (0,)
    assert x.grad.shape == (2, 1, 0)
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(invalid="ignore"):
        assert np.isnan(statistics.median(np.ones((2, 0)), 1)).all()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("axis", "shape"),
    [(None, (2, 3, 4)), (1, (2, 3, 4)), (1, (3,)), (-1, (4,)), ((0, 2), (2, 4)), ((2, 0), (4, 2))],
)
def test_an_average_with_weights_is_that_of_numpy(axis: Any, shape: Any, keepdims: bool) -> None:
    x, weights = rng.normal(size=(2, 3, 4)), rng.uniform(0.5, 2, shape)

    assert_like_numpy(
        lambda x, w: statistics.average(x, axis, w, keepdims),
        lambda x, w: np.average(x, axis, w, keepdims=keepdims),
        x,
        weights,
        order=1,
    )


def test_the_second_gradients_of_an_average_are_right() -> None:
    assert_gradients(
        lambda x, w: statistics.average(x, weights=w),
        rng.normal(size=3),
        np.array([1.0, 2.0, 0.5]),
        order=2,
    )


def test_an_average_without_weights_is_the_mean() -> None:
    assert_like_numpy(
        lambda x: statistics.average(x, 0), lambda x: np.mean(x, 0), rng.normal(size=(3, 2))
    )


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_range_is_that_of_numpy(axis: Any, keepdims: bool) -> None:
    assert_like_numpy(
        lambda x: statistics.ptp(x, axis, keepdims),
        lambda x: np.ptp(x, axis=axis, keepdims=keepdims),
        rng.permutation(6).reshape(2, 3) / 2,
    )


def test_a_sum_leaves_nan_out_in_value_and_both_gradients() -> None:
    x = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])

    def squares(x: Any) -> Any:
        return statistics.nansum(x * x, axis=1)

    np.testing.assert_array_equal(statistics.nansum(x, 1), np.nansum(x, 1))
    np.testing.assert_array_equal(statistics.nansum(Tensor(x), 0, True).data, [[1, 0, 3]])
    first, second = gradients(squares, x)
    assert first.tolist() == [[2, 0, 6], [0, 0, 0]]
    assert second.tolist() == [[2, 0, 2], [0, 0, 0]]


# Norms


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, 0.5, inf, -inf])
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_vectors_are_those_of_numpy(order: Any, axis: int, keepdims: bool) -> None:
    x = rng.choice([-1, 1], (2, 3)) * (1 + rng.permutation(6).reshape(2, 3) / 3)

    assert_like_numpy(
        lambda x: norms.norm(x, order, axis, keepdims),
        lambda x: np.linalg.norm(x, order, axis, keepdims),
        x,
    )


@pytest.mark.parametrize("order", [None, "fro", 1, -1, inf, -inf])
@pytest.mark.parametrize("axis", [(0, 1), (2, 0), (-1, -2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_matrices_are_those_of_numpy(order: Any, axis: Any, keepdims: bool) -> None:
    x = rng.choice([-1, 1], (2, 3, 2)) * rng.uniform(0.5, 2, (2, 3, 2))

    assert_like_numpy(
        lambda x: norms.norm(x, order, axis, keepdims),
        lambda x: np.linalg.norm(x, order, axis, keepdims),
        x,
    )


@pytest.mark.parametrize(
    ("shape", "order"), [((3,), 3), ((2, 3), 1), ((2, 3, 2), None), ((), None)]
)
def test_a_norm_without_axis_is_that_of_the_whole(shape: Any, order: Any) -> None:
    x = np.asarray(rng.uniform(0.5, 2, shape))

    assert_like_numpy(lambda x: norms.norm(x, order), lambda x: np.linalg.norm(x, order), x)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, 0.5, inf, -inf])
def test_the_norm_of_zeros_has_the_gradient_zero_in_both_orders(order: Any) -> None:
    for slope in gradients(lambda x: norms.norm(x, order), [0.0, 0.0, 0.0]):
        np.testing.assert_array_equal(slope, np.zeros(3))


@pytest.mark.parametrize("order", [1.5, 2, 2.5, 3, 4])
def test_a_norm_has_gradients_where_single_elements_are_zero(order: float) -> None:
    def f(x: Any) -> Any:
        return norms.norm(x, order)

    x = np.array([0.0, 3.0, -4.0])
    first, second = gradients(f, x)
    y = np.linalg.norm(x, order)

    np.testing.assert_allclose(first, np.sign(x) * (np.abs(x) / y) ** (order - 1), rtol=1e-14)
    assert np.isfinite(second).all()
    if order >= 2:
        assert second[0] == (0.2 if order == 2 else 0)


@pytest.mark.parametrize(
    ("order", "axis", "error", "message"),
    [
        (0, 0, micrograd.ArgumentError, "norm: ord may be of vectors 1, 2.*but came 0"),
        (-2, 0, micrograd.ArgumentError, "but came -2"),
        ("fro", 0, micrograd.ArgumentError, "but came 'fro'"),
        ("nuc", None, micrograd.ArgumentError, "ord may be of matrices 'fro'.*came 'nuc'"),
        (2, None, micrograd.ArgumentError, "but came 2"),
        (1, (0, 0), micrograd.ShapeError, r"\(0, 0\) name one axis several times"),
        (1, (0, -2), micrograd.ShapeError, "one axis several times"),
        (1, (), micrograd.ShapeError, "expected one axis"),
        (1, 5, micrograd.ShapeError, "axis 5 came for an array of 2 axes"),
        (None, 5, micrograd.ShapeError, "axis 5 came for an array of 2 axes"),
        (1, (0, 5), micrograd.ShapeError, "axis 5 came for an array of 2 axes"),
    ],
)
def test_a_norm_refuses_what_it_does_not_know(
    order: Any, axis: Any, error: Any, message: str
) -> None:
    for x in (np.ones((2, 3)), Tensor(np.ones((2, 3)))):
        with pytest.raises(error, match=message):
            norms.norm(x, order, axis)


def test_a_norm_of_many_axes_wants_them_named() -> None:
    with pytest.raises(micrograd.ShapeError, match="an array of 3 axes"):
        norms.norm(Tensor(np.ones((2, 2, 2))), 1)


# Counts


@pytest.mark.parametrize("name", ["argmax", "argmin", "count_nonzero", "all", "any"])
@pytest.mark.parametrize(("axis", "keepdims"), [*product([None, 0, -1], [False, True])])
def test_a_count_is_that_of_numpy_and_a_constant(name: str, axis: Any, keepdims: bool) -> None:
    x = np.array([[0.0, 2.0, 2.0], [1.0, 0.0, 0.0]])
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)

    for kind in (Tensor, np.array, np.ndarray.tolist):
        result = getattr(counting, name)(kind(x), axis, keepdims)
        assert not isinstance(result, Tensor)
        np.testing.assert_array_equal(result, expected)


def test_a_count_takes_several_axes() -> None:
    assert counting.count_nonzero(Tensor(np.eye(3)), (0, 1)) == 3
    assert counting.all(Tensor(np.eye(3)), (1, 0)) == np.False_


def test_an_index_that_was_found_picks_with_a_gradient() -> None:
    x = Tensor([1.0, 3.0, 2.0])
    x[counting.argmax(x)].backward()

    assert x.grad.tolist() == [0, 1, 0]


# Wrong inputs


def test_weights_of_another_shape_are_refused() -> None:
    x = Tensor(np.ones((2, 3)))
    with pytest.raises(micrograd.ShapeError, match=r"weights of shape \(3,\).*axis=None"):
        statistics.average(x, weights=[1.0, 1.0, 1.0])
    with pytest.raises(micrograd.ShapeError, match=r"weights of shape \(4,\).*axis=1"):
        statistics.average(x, 1, np.ones(4))
    with pytest.raises(micrograd.ShapeError, match=r"weights of shape \(3,\).*shape \(\)"):
        statistics.average(Tensor(1.0), 0, np.ones(3))


def test_weights_that_sum_up_to_zero_are_refused() -> None:
    with pytest.raises(micrograd.ArgumentError, match="the weights sum up to zero"):
        statistics.average(Tensor(np.ones((2, 2))), 1, [[1.0, 2.0], [1.0, -1.0]])


@pytest.mark.parametrize(
    "f",
    [
        *(statistics.prod, statistics.var, statistics.std, statistics.median, statistics.ptp),
        statistics.nansum,
        *(scans.cumsum, scans.cumprod, norms.norm),
        *(counting.argmax, counting.argmin, counting.count_nonzero, counting.all, counting.any),
    ],
)
def test_an_axis_that_is_not_there_and_a_value_are_refused(f: Any) -> None:
    options = {"ord": 2} if f is norms.norm else {}
    for x in (Tensor(np.ones((2, 3))), np.ones((2, 3))):
        with pytest.raises(micrograd.ShapeError, match=r"axis 2 (is out of bounds|came for)"):
            f(x, axis=2, **options)
    with pytest.raises(micrograd.OperandError, match=r"takes arrays.*Use Tensors"):
        f(Value(1.0))


@pytest.mark.parametrize("f", [counting.argmax, counting.argmin, statistics.ptp])
def test_the_largest_of_none_is_an_error(f: Any) -> None:
    with pytest.raises(micrograd.ShapeError, match="NumPy says"):
        f(Tensor(np.ones((2, 0))), 1)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", ["sum", "max", "min", "prod", "logsumexp", "cumsum", "cumprod"])
def test_a_number_is_reduced_along_the_axis_that_numpy_lends_it(name: str, axis: int) -> None:
    function, x = getattr(micrograd, name), Tensor(3.0)
    y = function(x, axis=axis)
    micrograd.where(True, y, 0.0).backward(np.ones(y.shape))
    assert y.data == 3.0
    assert x.grad == 1.0


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("axis", [1, (-2, -1), (2, 0), (-1,)])
def test_short_axes_of_large_arrays_give_what_numpy_gives_with_ties_and_nan(
    name: str, axis: int | tuple[int, ...]
) -> None:
    x = np.random.default_rng(0).integers(0, 4, (2, 4000, 2, 2)).astype(np.float32)
    x = np.moveaxis(x, 1, 3) if axis != (2, 0) else x
    x.flat[7] = np.nan
    for keepdims in (False, True):
        expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        found = getattr(micrograd, name)(x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float32
    x.flat[7] = 0.0
    leaf = Tensor(x)
    getattr(micrograd, name)(leaf, axis=axis).sum().backward()
    chosen = x == getattr(np, name)(x, axis=axis, keepdims=True)
    np.testing.assert_allclose(leaf.grad, chosen / chosen.sum(axis=axis, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("axis", [4, (-1, 3), (0, -5)])
def test_a_wrong_axis_of_a_large_array_is_refused(axis: int | tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        micrograd.max(np.zeros((4000, 2, 2, 2)), axis=axis)
