"""Initializers: the variances they promise, their seeds, and what they refuse."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, OperandError, ShapeError
from micrograd.nn import Conv2d, Linear, init

DENSE, FILTERS = (300, 200), (40, 10, 5, 6)  # fans 300, 200 and 300, 1200

# The variance, by shape, that each promises, and whether it is uniform.
PROMISED: list[tuple[Any, dict[Any, float], bool]] = [
    (init.normal, {DENSE: 1e-4, FILTERS: 1e-4}, False),
    (partial(init.normal, std=0.5), {DENSE: 0.25, FILTERS: 0.25}, False),
    (partial(init.uniform, bound=0.3), {DENSE: 0.03, FILTERS: 0.03}, True),
    (init.lecun_normal, {DENSE: 1 / 300, FILTERS: 1 / 300}, False),
    (init.xavier_normal, {DENSE: 2 / 500, FILTERS: 2 / 1500}, False),
    (init.xavier_uniform, {DENSE: 2 / 500, FILTERS: 2 / 1500}, True),
    (init.he_normal, {DENSE: 2 / 300, FILTERS: 2 / 300}, False),
    (init.he_uniform, {DENSE: 2 / 300, FILTERS: 2 / 300}, True),
]
RANDOM = [initializer for initializer, _, _ in PROMISED] + [init.orthogonal]


@pytest.mark.parametrize("shape", [DENSE, FILTERS])
@pytest.mark.parametrize(("initializer", "variances", "uniform"), PROMISED)
def test_the_mean_and_variance_are_those_of_the_formula(
    initializer: Any, variances: dict[Any, float], uniform: bool, shape: Any
) -> None:
    """Five standard errors wide: one for a fourth moment of 3 (normal) or 1.8 (uniform)."""
    drawn = initializer(shape, rng=np.random.default_rng(0))
    variance, n = variances[shape], drawn.size
    kurtosis = 1.8 if uniform else 3.0
    assert drawn.shape == shape
    assert abs(drawn.mean()) < 5 * math.sqrt(variance / n)
    assert abs(np.mean(drawn**2) / variance - 1) < 5 * math.sqrt((kurtosis - 1) / n)
    assert np.mean(drawn**4) / variance**2 == pytest.approx(kurtosis, rel=0.1)


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "he_normal", "he_uniform"])
@pytest.mark.parametrize("shape", [(3000, 200), (40, 200, 5, 6)])
def test_the_spread_is_that_of_pytorch(torch: Any, name: str, shape: Any) -> None:
    kind, which = name.split("_")
    twin = torch.empty(*(shape[::-1] if len(shape) == 2 else shape), dtype=torch.float64)
    fill = getattr(torch.nn.init, f"{'kaiming' if kind == 'he' else kind}_{which}_")
    torch.manual_seed(0)
    fill(twin, nonlinearity="relu") if kind == "he" else fill(twin)
    ours = getattr(init, name)(shape, rng=np.random.default_rng(0))
    assert ours.std() == pytest.approx(float(twin.std()), rel=0.02)
    if which == "uniform":
        assert abs(ours).max() == pytest.approx(float(twin.abs().max()), rel=1e-3)


def test_he_keeps_the_mean_square_through_relu_layers_where_the_books_first_choice_does_not() -> (
    None
):
    def through(initializer: Any) -> float:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((200, 100))
        for _ in range(20):
            x = np.maximum(x @ initializer((100, 100), rng=rng), 0)
        return float(np.mean(x**2))

    assert 0.2 < through(init.he_normal) < 5
    assert 0.2 < through(init.he_uniform) < 5
    assert through(init.normal) < 1e-20
    assert through(init.lecun_normal) < 1e-4


@pytest.mark.parametrize("initializer", RANDOM)
def test_a_seed_gives_the_same_weights_and_none_gives_others(initializer: Any) -> None:
    a, b = (initializer((4, 3), rng=np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert (initializer((4, 3)) != initializer((4, 3))).any()
    rng = np.random.default_rng(1)
    np.random.seed(0)
    state = np.random.get_state()[1].copy()  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType, reportCallIssue, reportIndexIssue]
    initializer((4, 3), rng=rng)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # pyright: ignore[reportArgumentType]
    assert rng.random() != np.random.default_rng(1).random()


@pytest.mark.parametrize("initializer", [*RANDOM, init.zeros, init.constant])
def test_the_dtype_is_the_one_asked_for_and_the_numbers_those_of_float64(initializer: Any) -> None:
    double = initializer((4, 3), rng=np.random.default_rng(1))
    single = initializer((4, 3), rng=np.random.default_rng(1), dtype=np.float32)
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (4, 2, 3, 3)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_an_orthogonal_matrix_has_orthonormal_rows_or_columns(shape: Any, gain: float) -> None:
    matrix = init.orthogonal(shape, gain).reshape(shape[0], -1)
    rows, columns = matrix.shape
    square = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
    np.testing.assert_allclose(square, gain**2 * np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_matrices_are_drawn_evenly_with_either_sign() -> None:
    corners = [init.orthogonal((2, 2), rng=np.random.default_rng(i))[0, 0] for i in range(400)]
    assert abs(np.mean(corners)) < 5 * math.sqrt(0.5 / 400)


def test_zeros_and_constants_are_what_they_say() -> None:
    assert init.zeros((2, 3)).tolist() == [[0, 0, 0]] * 2
    assert init.constant((2,), 0.5).tolist() == [0.5, 0.5]


def test_the_fans_of_weights_and_filters() -> None:
    assert init.fans((784, 50)) == (784, 50)
    assert init.fans((30, 4, 5, 3)) == (60, 450)


def test_layers_start_from_what_is_asked_for() -> None:
    wide = Linear(500, 400, init=init.xavier_normal, rng=np.random.default_rng(0))
    assert wide.weight.data.var() == pytest.approx(2 / 900, rel=0.02)
    default = Linear(500, 400, rng=np.random.default_rng(0))
    assert default.weight.data.var() == pytest.approx(2 / 500, rel=0.02)
    filters = Conv2d(20, 50, 5, rng=np.random.default_rng(0))
    assert filters.weight.data.var() == pytest.approx(2 / 500, rel=0.03)
    book = Linear(784, 50, init=init.normal, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(
        book.weight.data, 0.01 * np.random.default_rng(0).standard_normal((784, 50))
    )


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: init.normal((2,), -1), ArgumentError, "normal: std has to be 0 or more"),
        (lambda: init.normal((2,), math.nan), ArgumentError, "came nan"),
        (lambda: init.uniform((2,), -1), ArgumentError, "uniform: bound"),
        (lambda: init.he_normal((2,)), ShapeError, r"came shape \(2,\). Give biases init.zeros"),
        (lambda: init.xavier_uniform((0, 3)), ShapeError, "fans"),
        (lambda: init.orthogonal((3,)), ShapeError, "fans"),
        (lambda: init.he_normal((2, 2), rng=42), OperandError, r"default_rng\(seed\)"),  # pyright: ignore[reportArgumentType]
        (lambda: init.normal((2, 2), rng=np.random.RandomState(0)), OperandError, "Generator"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_an_initializer_cannot_take_is_refused(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        call()
