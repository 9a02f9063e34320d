"""What happens at points where a derivative does not exist, or is not finite.

The table is that of the design: one convention per point, for both kinds of node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Op, OperandError, Tensor, Value, where
from micrograd.engine.masks import Masks
from micrograd.ops.reach import ROWS, SAME, WHOLE, Picked, Reach

inf, nan = np.inf, np.nan

both_kinds = pytest.mark.parametrize("kind", [Value, Tensor])


def total(y: Any) -> Any:
    return y.sum() if isinstance(y, Tensor) else y


def gradient_of(node: Any) -> Any:
    return node.grad if node.has_grad else np.zeros(node.shape)


def first_order(f: Callable[..., Any], *nodes: Any) -> list[Any]:
    total(f(*nodes)).backward()
    gradients = [np.asarray(gradient_of(node)) for node in nodes]
    for node in nodes:
        node.zero_grad()
    return gradients


def recorded_order(f: Callable[..., Any], *nodes: Any) -> tuple[list[Any], list[Any]]:
    """Return the gradients of a recorded backward pass, and the gradients of their sum."""
    total(f(*nodes)).backward(create_graph=True)
    slopes = [node.grad for node in nodes if node.has_grad]
    first = [np.asarray(node.grad.data if node.has_grad else 0.0) for node in nodes]
    for node in nodes:
        node.zero_grad()
    for slope in slopes:
        if slope.requires_grad:
            total(slope).backward()
    return first, [np.asarray(gradient_of(node)) for node in nodes]


def check_point(
    kind: Any, f: Callable[..., Any], at: tuple[float, ...], value: float, slopes: tuple[float, ...]
) -> None:
    """Assert value and gradient at a point; NumPy may warn of arrays, never of numbers."""
    with np.errstate(all="warn" if kind is Value else "ignore"):
        y = f(*[kind(x) for x in at])
        first = first_order(f, *[kind(x) for x in at])
        recorded, _ = recorded_order(f, *[kind(x) for x in at])

    np.testing.assert_array_equal(y.data, value)
    np.testing.assert_array_equal(first, slopes)
    np.testing.assert_array_equal(recorded, slopes)


POINTS: dict[str, tuple[Callable[..., Any], tuple[float, ...], float, tuple[float, ...]]] = {
    "relu at 0": (micrograd.relu, (0.0,), 0, (0,)),
    "relu at -0": (micrograd.relu, (-0.0,), 0, (0,)),
    "relu just above 0": (micrograd.relu, (5e-324,), 5e-324, (1,)),
    "abs at 0": (micrograd.absolute, (0.0,), 0, (0,)),
    "abs of -inf": (micrograd.absolute, (-inf,), inf, (-1,)),
    "a tie of maximum": (micrograd.maximum, (2.0, 2.0), 2, (0.5, 0.5)),
    "a tie of minimum": (micrograd.minimum, (2.0, 2.0), 2, (0.5, 0.5)),
    "a tie of maximum at ±0": (micrograd.maximum, (0.0, -0.0), 0, (0.5, 0.5)),
    "maximum of one node twice": (lambda x: micrograd.maximum(x, x), (2.0,), 2, (1,)),
    "minimum of one node twice": (lambda x: micrograd.minimum(x, x), (2.0,), 2, (1,)),
    "maximum with a constant tie": (lambda x: micrograd.maximum(x, 0), (0.0,), 0, (0.5,)),
    "0**0": (lambda x: x**0, (0.0,), 1, (0,)),
    "0**0.0": (lambda x: x**0.0, (0.0,), 1, (0,)),
    "(-2)**0": (lambda x: x**0, (-2.0,), 1, (0,)),
    "inf**0": (lambda x: x**0, (inf,), 1, (0,)),
    "0**1": (lambda x: x**1, (0.0,), 0, (1,)),
    "0**2": (lambda x: x**2, (0.0,), 0, (0,)),
    "0**0, both nodes": (micrograd.power, (0.0, 0.0), 1, (0, 0)),
    "0**2, both nodes": (micrograd.power, (0.0, 2.0), 0, (0, 0)),
    "0**n": (lambda n: 0**n, (2.0,), 0, (0,)),
    "0.0**n at n = 0": (lambda n: 0.0**n, (0.0,), 1, (0,)),
    "0**0.5": (lambda x: x**0.5, (0.0,), 0, (inf,)),
    "0**-1": (lambda x: x**-1, (0.0,), inf, (-inf,)),
    "(-2)**0.5": (lambda x: x**0.5, (-2.0,), nan, (nan,)),
    "(-8)**(1/3)": (lambda x: x ** (1 / 3), (-8.0,), nan, (nan,)),
    "(-2)**0.5, both nodes": (micrograd.power, (-2.0, 0.5), nan, (nan, nan)),
    "(-2)**1.5": (lambda x: x**1.5, (-2.0,), nan, (nan,)),
    "(-2)**3": (lambda x: x**3, (-2.0,), -8, (12,)),
    "(-2)**-1": (lambda x: x**-1, (-2.0,), -0.5, (-0.25,)),
    "10**400": (lambda x: x**400, (10.0,), inf, (inf,)),
    "1/0": (lambda x: 1 / x, (0.0,), inf, (-inf,)),
    "1/-0": (lambda x: 1 / x, (-0.0,), -inf, (-inf,)),
    "-1/0": (lambda x: -1 / x, (0.0,), -inf, (inf,)),
    "x/0": (lambda x: x / 0, (1.0,), inf, (inf,)),
    "0/0": (lambda x: 0 / x, (0.0,), nan, (nan,)),
    "log(0)": (micrograd.log, (0.0,), -inf, (inf,)),
    "log(inf)": (micrograd.log, (inf,), inf, (0,)),
    "exp(1000)": (micrograd.exp, (1000.0,), inf, (inf,)),
    "exp(-1000)": (micrograd.exp, (-1000.0,), 0, (0,)),
    "exp(-inf)": (micrograd.exp, (-inf,), 0, (0,)),
    "sqrt(0)": (micrograd.sqrt, (0.0,), 0, (inf,)),
    "sqrt(-1)": (micrograd.sqrt, (-1.0,), nan, (nan,)),
    "sigmoid(1000)": (micrograd.sigmoid, (1000.0,), 1, (0,)),
    "sigmoid(-1000)": (micrograd.sigmoid, (-1000.0,), 0, (0,)),
    "tanh(1000)": (micrograd.tanh, (1000.0,), 1, (0,)),
    "sin(inf)": (micrograd.sin, (inf,), nan, (nan,)),
    "1e308 * 10": (lambda x: x * 10, (1e308,), inf, (10,)),
    "inf - inf": (lambda x: x - x, (inf,), nan, (0,)),
}


@both_kinds
@pytest.mark.parametrize("point", POINTS)
def test_value_and_gradient_at_a_singular_point_are_those_of_the_table(
    point: str, kind: Any
) -> None:
    check_point(kind, *POINTS[point])  # asserts


@pytest.mark.parametrize("point", POINTS)
def test_an_array_of_singular_points_is_treated_like_one(point: str) -> None:
    f, at, value, slopes = POINTS[point]
    with np.errstate(all="ignore"):
        nodes = [Tensor([[x, x, x]]) for x in at]
        np.testing.assert_array_equal(f(*nodes).data, [[value] * 3])
        first = first_order(f, *nodes)

    for slope, expected in zip(first, slopes, strict=True):
        np.testing.assert_array_equal(slope, [[expected] * 3])


def test_the_check_of_a_point_refutes_another_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = (lambda g, y, x: g * (x >= 0),)
    monkeypatch.setattr(micrograd.relu, "derivatives", rule)

    with pytest.raises(AssertionError):
        check_point(Tensor, *POINTS["relu at 0"])


@both_kinds
@pytest.mark.parametrize("f", [micrograd.relu, micrograd.absolute, lambda x: x**0, lambda x: x**1])
def test_the_second_derivative_is_zero_where_the_first_is_a_step(f: Any, kind: Any) -> None:
    _, second = recorded_order(f, kind(0.0))

    np.testing.assert_array_equal(second, [0])


@both_kinds
@pytest.mark.parametrize(("f", "second"), [(lambda x: x**2, 2), (lambda x: x**3, 0)])
def test_the_second_derivative_of_a_power_is_right_at_zero(f: Any, second: int, kind: Any) -> None:
    np.testing.assert_array_equal(recorded_order(f, kind(0.0))[1], [second])


@both_kinds
def test_the_hessian_of_a_power_is_symmetric_at_exponent_zero(kind: Any) -> None:
    x, n = kind(2.0), kind(0.0)
    mixed: list[float] = []
    for first, second in ((x, n), (n, x)):
        (x**n).backward(create_graph=True)
        slope = first.grad
        x.zero_grad()
        n.zero_grad()
        slope.backward()
        mixed.append(float(second.grad))
        x.zero_grad()
        n.zero_grad()
    assert mixed == pytest.approx([0.5, 0.5])  # x**(n - 1) * (1 + n * log(x))


@both_kinds
def test_a_tie_has_no_second_derivative(kind: Any) -> None:
    _, second = recorded_order(micrograd.maximum, kind(1.0), kind(1.0))

    np.testing.assert_array_equal(second, [0, 0])


@both_kinds
def test_a_tie_shares_the_second_derivative_of_what_it_chose(kind: Any) -> None:
    def f(a: Any, b: Any) -> Any:
        return micrograd.maximum(a * a, b * b)

    first, second = recorded_order(f, kind(3.0), kind(3.0))

    np.testing.assert_array_equal(first, [3, 3])
    np.testing.assert_array_equal(second, [1, 1])


@pytest.mark.parametrize(
    ("name", "x", "settings", "expected"),
    [
        ("max", [3.0, 3, 1], {}, [0.5, 0.5, 0]),
        ("min", [1.0, 3, 1], {}, [0.5, 0, 0.5]),
        ("max", [2.0, 2, 2, 2], {}, [0.25] * 4),
        ("max", [[3.0, 3], [1, 2]], {"axis": 1}, [[0.5, 0.5], [0, 1]]),
        (
            "max",
            [[3.0, 3], [1, 3]],
            {"axis": (0, -1), "keepdims": True},
            [[1 / 3, 1 / 3], [0, 1 / 3]],
        ),
        ("min", [[3.0, 3], [3, 5]], {"axis": 0, "keepdims": True}, [[0.5, 1], [0.5, 0]]),
        ("max", [-inf, -inf], {}, [0.5, 0.5]),
        ("max", [inf, 0.0, inf], {}, [0.5, 0, 0.5]),
    ],
)
def test_ties_of_max_and_min_share_the_gradient_equally(
    name: str, x: Any, settings: dict[str, Any], expected: Any
) -> None:
    def f(x: Tensor) -> Tensor:
        return getattr(micrograd, name)(x, **settings)

    recorded, second = recorded_order(f, Tensor(x))

    np.testing.assert_allclose(first_order(f, Tensor(x))[0], expected, rtol=1e-15)
    np.testing.assert_allclose(recorded[0], expected, rtol=1e-15)
    np.testing.assert_array_equal(second[0], np.zeros_like(expected))


# where


# What is not taken, where it is spoilt, where it is fine.
BRANCHES: dict[str, tuple[Callable[[Any], Any], list[float], list[float]]] = {
    "log": (micrograd.log, [0.0, -1.0], [0.5, 2.0]),
    "sqrt": (micrograd.sqrt, [0.0, -1.0], [0.5, 2.0]),
    "1/x": (lambda x: 1 / x, [0.0, -0.0], [0.5, -2.0]),
    "sin(x)/x": (lambda x: micrograd.sin(x) / x, [0.0], [0.5, -2.0]),
    "exp": (micrograd.exp, [1000.0], [0.5, -2.0]),
    "x**0.5": (lambda x: x**0.5, [0.0, -1.0], [0.5, 2.0]),
    "x**-2": (lambda x: x**-2, [0.0], [0.5, -2.0]),
    "x**x": (lambda x: x**x, [-0.5, 0.0], [0.5, 2.0]),
    "log(sqrt(x))": (lambda x: x.sqrt().log(), [0.0, -1.0], [0.5, 2.0]),
    "sqrt(log(x))": (lambda x: x.log().sqrt(), [0.0, -1.0, 1.0, 0.5], [1.5, 2.0]),
    "1/(exp(x) - 1)": (lambda x: 1 / (x.exp() - 1), [0.0, 1000.0], [0.5, -2.0]),
    "x*log(x)": (lambda x: x * x.log(), [0.0, -1.0], [0.5, 2.0]),
    "tanh(1/x) + relu(log(x))": (
        lambda x: micrograd.tanh(1 / x) + micrograd.relu(x.log()),
        [0.0, -1.0],
        [0.5, 2.0],
    ),
    "|sqrt(x)| - max(1/x, log(x))": (
        lambda x: abs(x.sqrt()) - micrograd.maximum(1 / x, x.log()),
        [0.0, -1.0],
        [0.5, 3.0],
    ),
    "where(x > 1, log(x), sqrt(x))": (
        lambda x: where(x > 1, x.log(), x.sqrt()),
        [0.0, -1.0],
        [0.5, 2.0],
    ),
}

USES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "the one thing": lambda taken, d, x: where(taken, d, x * x * 3),
    "the other way round": lambda taken, d, x: where(np.logical_not(taken), x * x * 3, d),
    "beside a constant": lambda taken, d, x: where(taken, d, 7.0),
    "with the leaf outside too": lambda taken, d, x: where(taken, d, x.sin()) + x * x,
    "with the leaf outside first": lambda taken, d, x: x * x - where(taken, d, x.sin()),
    "scaled by the leaf": lambda taken, d, x: where(taken, d * x, x * x) * x,
    "inside a chain": lambda taken, d, x: (where(taken, d * 0.3, x * 0.1).sin() + 1) * 2,
    "twice in one": lambda taken, d, x: where(taken, d, x * x) * where(taken, d + 1, x),
    "nested": lambda taken, d, x: where(taken, where(taken, d, x), where(taken, d, x * x)),
}


@both_kinds
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("branch", BRANCHES)
def test_where_leaks_nothing_from_the_branch_it_did_not_take(
    branch: str, use: str, kind: Any
) -> None:
    f, spoilt, fine = BRANCHES[branch]

    def alone(x: float) -> tuple[float, float]:
        """Return both derivatives with nothing in the graph but the branch that was taken."""
        taken = x in fine

        def g(node: Value) -> Value:
            return USES[use](taken, f(node) if taken else node * 0.0, node)

        first, second = recorded_order(g, Value(x))
        return float(first[0]), float(second[0])

    points = spoilt + fine
    expected = np.array([alone(x) for x in points])
    assert np.isfinite(expected).all()
    batches = [[x] for x in points] if kind is Value else [points]
    found: list[Any] = []
    for batch in batches:
        taken = np.array([x in fine for x in batch])
        taken, x = (bool(taken[0]), batch[0]) if kind is Value else (taken, batch)

        def g(node: Any, taken: Any = taken) -> Any:
            return USES[use](taken, f(node), node)

        with np.errstate(all="warn" if kind is Value else "ignore"):
            first = first_order(g, kind(x))
            recorded, second = recorded_order(g, kind(x))
        found.append(
            [np.atleast_1d(first[0]), np.atleast_1d(recorded[0]), np.atleast_1d(second[0])]
        )
    first, recorded, second = np.concatenate(found, axis=1)

    np.testing.assert_allclose(first, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(recorded, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(second, expected[:, 1], rtol=1e-12)


def test_without_the_cut_the_branch_that_was_not_taken_leaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Masks, "carry", lambda self, contribution, *_: contribution)

    with np.errstate(all="ignore"):
        (leaked,) = first_order(lambda x: where(False, x.log(), x).sum(), Tensor([0.0]))

    assert np.isnan(leaked).all()


MASK = np.array([False, True, False, True])
X = [0.0, 2.0, -1.0, 4.0]  # log is spoilt where the mask is False
SLOPES, CURVES = [0, 1 / 2, 0, 1 / 4], [0, -1 / 4, 0, -1 / 16]

MOVERS: dict[str, Callable[[Tensor], Tensor]] = {
    "reshape": lambda x: where(MASK, x.reshape(2, 2).log().reshape(4), 0),
    "reshape of the result": lambda x: where(MASK.reshape(2, 2), x.log().reshape(2, 2), 0),
    "transpose": lambda x: where(MASK.reshape(2, 2).T, x.reshape(2, 2).log().T, 0),
    "swapaxes": lambda x: where(MASK[:, None], x.reshape(1, 4).log().swapaxes(0, 1), 0),
    "broadcast_to": lambda x: where(
        np.array([MASK, MASK]), micrograd.broadcast_to(x.log(), (2, 4)) / 2, 0
    ),
    "a broadcast": lambda x: where(np.array([MASK, MASK]), x.log() + np.ones((2, 1)), 0) / 2,
    "astype": lambda x: where(MASK, x.log().astype("float32").astype("float64"), 0),
    "getitem with a slice": lambda x: where(MASK[::-1], x.log()[::-1], 0),
    "getitem with integers": lambda x: where(
        MASK[[3, 0, 3, 1, 1]], x.log()[[3, 0, 3, 1, 1]] / 2, 0
    ),
    "getitem with a mask": lambda x: where(
        MASK[[0, 1, 3]], x.log()[np.array([True, True, False, True])], 0
    ),
    "getitem, of one": lambda x: where(False, x.log()[0], x.log()[1]) + x[3].log(),
    "concatenate": lambda x: where(MASK, micrograd.concatenate([x[:1].log(), x[1:].log()]), 0),
    "stack": lambda x: where(MASK, micrograd.stack([x[i].log() for i in range(4)]), 0),
    "sum of what was not taken": lambda x: where(
        [False, True], micrograd.stack([x[::2].log().sum(), x[1::2].log().sum()]), 0
    ),
    "sum along an axis": lambda x: where([False, True], x.reshape(2, 2).T.log().sum(axis=1), 0),
    "sum, keepdims": lambda x: where(
        [[False, True]], x.reshape(2, 2).log().sum(axis=0, keepdims=True), 0
    ),
    "mean": lambda x: 2 * where([False, True], x.reshape(2, 2).log().mean(axis=0), 0),
    "movers in a row": lambda x: where(
        MASK.reshape(2, 1, 2), x[::-1].log().reshape(2, 1, 2)[::-1, :, ::-1] * 1.0, 0.0
    ),
}


@pytest.mark.parametrize("mover", MOVERS)
def test_where_leaks_nothing_through_operations_that_move_elements(mover: str) -> None:
    f = MOVERS[mover]
    with np.errstate(all="ignore"):
        (first,) = first_order(f, Tensor(X))
        (recorded,), (second,) = recorded_order(f, Tensor(X))

    np.testing.assert_allclose(first, SLOPES, rtol=1e-6)
    np.testing.assert_allclose(recorded, SLOPES, rtol=1e-6)
    np.testing.assert_allclose(second, CURVES, rtol=1e-6)


WHOLES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": lambda x, w: (x.log() * w).sum(),
    "mean": lambda x, w: (x.log() * w).mean(),
    "max": lambda x, w: (x.log() * w).max(),
    "matmul": lambda x, w: x.log() @ w,
    "matmul, spoilt on the right": lambda x, w: w @ (1 / x),
    "softmax": lambda x, w: (micrograd.softmax(1 / x) * w).sum(),
    "log_softmax": lambda x, w: (micrograd.log_softmax(1 / x) * w).sum(),
    "logsumexp": lambda x, w: micrograd.logsumexp(x.log() * w),
    "softmax_cross_entropy": lambda x, w: micrograd.softmax_cross_entropy(x.log() + w, 1),
}


@pytest.mark.parametrize("whole", WHOLES)
def test_where_leaks_nothing_from_a_whole_branch_whatever_is_in_it(whole: str) -> None:
    f = WHOLES[whole]

    def g(x: Tensor, w: Tensor) -> Tensor:
        return where(False, f(x, w), (x * x + w * w * w).sum())

    x, w = [0.0, 2.0, -1.0, 4.0], [1.0, 2.0, 3.0, 4.0]
    with np.errstate(all="ignore"):
        first = first_order(g, Tensor(x), Tensor(w))
        recorded, second = recorded_order(g, Tensor(x), Tensor(w))

    for gradients in (first, recorded):
        np.testing.assert_allclose(gradients[0], [0, 4, -2, 8])
        np.testing.assert_allclose(gradients[1], [3, 12, 27, 48])
    np.testing.assert_allclose(second[0], [2, 2, 2, 2])
    np.testing.assert_allclose(second[1], [6, 12, 18, 24])


SHARED: dict[str, Callable[[Any, Any], Any]] = {
    "before": lambda d, x: d + where(False, d, 1.0),
    "after": lambda d, x: where(False, d, 1.0) + d,
    "both branches": lambda d, x: where(True, d, 0.0) + where(False, d, 0.0),
    "through another operation": lambda d, x: where(False, d.sin(), 1.0) + d,
    "through a chain": lambda d, x: where(False, (d * d).exp(), 1.0) + d,
    "twice directly": lambda d, x: (where(False, d, 1.0) + d) * 0.5 + d * 0.5,
    "in a where that takes it": lambda d, x: where(True, d + where(False, d * d, 0.0), x),
    "as both branches": lambda d, x: where(True, d, d),
    "as a product with what was not taken": lambda d, x: d * where(False, d, 1.0),
}


@both_kinds
@pytest.mark.parametrize("use", SHARED)
def test_a_branch_that_is_also_used_directly_keeps_its_full_gradient(use: str, kind: Any) -> None:
    def f(x: Any) -> Any:
        return SHARED[use](x.log(), x)

    (first,) = first_order(f, kind(2.0))
    (recorded,), (second,) = recorded_order(f, kind(2.0))

    np.testing.assert_allclose([first, recorded], 0.5, rtol=1e-15)
    np.testing.assert_allclose(second, -0.25, rtol=1e-15)


def test_a_branch_keeps_the_elements_that_any_use_of_it_took() -> None:
    def f(x: Tensor) -> Tensor:
        d = x.log()
        low = where(np.array([True, False, False, False]), d, 0)
        high = where(np.array([False, False, True, False]), d.reshape(2, 2).reshape(4) * 10, 0)
        return low + high

    with np.errstate(all="ignore"):
        (first,) = first_order(f, Tensor([2.0, 0.0, 4.0, -1.0]))
        (recorded,), (second,) = recorded_order(f, Tensor([2.0, 0.0, 4.0, -1.0]))

    np.testing.assert_allclose(first, [0.5, 0, 2.5, 0])
    np.testing.assert_allclose(recorded, [0.5, 0, 2.5, 0])
    np.testing.assert_allclose(second, [-0.25, 0, -0.625, 0])


@both_kinds
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("taken", [False, True])
def test_an_infinite_slope_is_an_answer_and_gives_no_warning(
    kind: Any, create_graph: bool, taken: bool
) -> None:
    x = kind(0.0)
    where(taken, x.sqrt(), x).backward(create_graph=create_graph)  # a warning would be an error
    slope = x.grad.data if create_graph else x.grad

    assert slope == (inf if taken else 1)


def test_an_infinite_slope_that_was_taken_is_not_hidden() -> None:
    (first,) = first_order(lambda x: where(True, x.sqrt(), x), Tensor([0.0]))

    assert first[0] == inf


# Logits


@pytest.mark.parametrize("scale", [1000.0, 1e30])
def test_the_softmax_loss_of_huge_logits_is_finite(scale: float) -> None:
    logits = np.array([[scale, -scale, 0.0], [-scale, scale, scale]])
    labels = np.array([0, 1])

    def f(x: Tensor) -> Tensor:
        return micrograd.softmax_cross_entropy(x, labels)

    (first,) = first_order(f, Tensor(logits))
    (recorded,), (second,) = recorded_order(f, Tensor(logits))

    assert f(Tensor(logits)).item() == pytest.approx(np.log(2) / 2)
    np.testing.assert_allclose(first, [[0, 0, 0], [0, -0.25, 0.25]], atol=1e-15)
    np.testing.assert_allclose(recorded, first, atol=1e-15)
    np.testing.assert_allclose(second, np.zeros((2, 3)), atol=1e-15)


def test_the_softmax_loss_of_a_class_that_is_far_off_is_large_and_finite() -> None:
    x = Tensor([1000.0, -1000.0])
    loss = micrograd.softmax_cross_entropy(x, 1)
    loss.backward()

    assert loss.item() == 2000
    np.testing.assert_array_equal(x.grad, [1, -1])


@pytest.mark.parametrize("f", [micrograd.softmax, micrograd.log_softmax])
def test_softmax_of_huge_numbers_has_finite_gradients(f: Any) -> None:
    def first_of_three(x: Tensor) -> Tensor:
        return f(x)[0] * 3.0

    x = [1000.0, 1000.0, -1000.0]
    (first,) = first_order(first_of_three, Tensor(x))

    slope = 0.75 if f is micrograd.softmax else 1.5
    np.testing.assert_allclose(first, [slope, -slope, 0], rtol=1e-15)


def test_a_class_masked_out_with_minus_infinity_gets_no_gradient() -> None:
    x = Tensor([[0.0, -inf, 0.0]])
    loss = micrograd.softmax_cross_entropy(x, [2])
    loss.backward()

    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(x.grad, [[0.5, 0, -0.5]])


def test_logsumexp_leaves_out_what_is_minus_infinity() -> None:
    def f(x: Tensor) -> Tensor:
        return micrograd.logsumexp(x, axis=-1)

    x = [[0.0, -inf, 0.0], [-inf, -inf, 5.0]]
    (first,) = first_order(f, Tensor(x))
    (recorded,), (second,) = recorded_order(f, Tensor(x))

    np.testing.assert_allclose(f(Tensor(x)).data, [np.log(2), 5])
    np.testing.assert_allclose(first, [[0.5, 0, 0.5], [0, 0, 1]])
    np.testing.assert_allclose(recorded, first)
    np.testing.assert_allclose(second, np.zeros((2, 3)), atol=1e-15)


def test_logsumexp_of_nothing_but_infinities_is_infinite_without_a_warning() -> None:
    x = np.array([[-inf, -inf], [inf, 0.0], [inf, -inf]])

    np.testing.assert_array_equal(micrograd.logsumexp(x, axis=1), [-inf, inf, inf])
    assert micrograd.logsumexp(Tensor([-inf, -inf])).item() == -inf


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_logsumexp_of_the_largest_numbers_there_are_gives_no_warning(dtype: Any) -> None:
    largest = np.finfo(dtype).max

    assert micrograd.logsumexp(np.array([largest, largest], dtype)) == largest


ROW_WISE: dict[str, Callable[[Any], Any]] = {
    "softmax": micrograd.softmax,
    "log_softmax": micrograd.log_softmax,
    "logsumexp": lambda t: micrograd.logsumexp(t, 1, True),
    "max": lambda t: micrograd.max(t, 1)[:, None],
    "median": lambda t: micrograd.median(t, 1, True),
    "prod": lambda t: micrograd.prod(t, 1, True),
    "cumprod": lambda t: micrograd.cumprod(t, 1),
    "std": lambda t: micrograd.std(t, 1, keepdims=True),
    "norm": lambda t: micrograd.linalg.norm(t, axis=1, keepdims=True),
    "sort": lambda t: micrograd.sort(t, 1),
    "matmul": lambda t: t @ np.ones((2, 2)),
    "einsum": lambda t: micrograd.einsum("ij,jk->ik", t, np.ones((2, 2))),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", ROW_WISE)
def test_where_leaks_nothing_from_a_row_that_it_did_not_take(name: str, create_graph: bool) -> None:
    f, taken = ROW_WISE[name], np.array([[True], [False]])
    x, alone = Tensor([[1.0, 2.0], [-1.0, 0.0]]), Tensor([[1.0, 2.0]])
    with np.errstate(all="ignore"):
        y = micrograd.where(taken, f(micrograd.log(x)), 0.0)
        y.backward(np.array([[1.0, 3.0], [1.0, 3.0]])[:, : y.shape[1]], create_graph)
        f(micrograd.log(alone)).backward(np.array([[1.0, 3.0]])[:, : y.shape[1]])
    gradient = x.grad.data if create_graph else x.grad

    np.testing.assert_allclose(gradient, [alone.grad[0], [0, 0]], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_infinite_factor_counts_only_where_the_product_was_taken(create_graph: bool) -> None:
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0, inf], [1.0, 2.0]])
    micrograd.where([[True, True], [True, False]], a @ b, 0.0).sum().backward(
        create_graph=create_graph
    )

    np.testing.assert_array_equal(a.grad.data, [[inf, 3], [1, 1]])
    np.testing.assert_array_equal(b.grad.data, [[4, 1], [6, 2]])


def test_an_operation_of_ones_own_with_an_axis_is_not_taken_to_work_in_rows() -> None:
    def rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
        return g + g.sum()

    shifted = Op("shifted", lambda x, *, axis: x + x.sum(), (rule,), arrays_only=True)
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    where([[True], [False]], shifted(x, axis=1), 0.0).sum().backward()

    assert x.grad.tolist() == [[3, 3], [2, 2]]


TAKEN = np.array([[False, True], [True, True]])

OWN: dict[str, tuple[Reach, dict[str, Any], Any]] = {
    "the same element": (SAME, {"elementwise": True}, [[0, 1 / 2], [1 / 4, 1 / 8]]),
    "its row": (ROWS, {"along_axis": True}, [[nan, 1 / 2], [1 / 4, 1 / 8]]),
    "the one taken": (
        Picked(lambda x: x > 3),
        {"masks": (lambda x: x > 3,), "elementwise": True},
        [[0, 1 / 2], [1 / 4, 1 / 8]],
    ),
    "any": (WHOLE, {}, [[nan, 1 / 2], [1 / 4, 1 / 8]]),
}


@pytest.mark.parametrize("reach", OWN)
@pytest.mark.filterwarnings("ignore:.*takes the place of:DeprecationWarning")
def test_an_operation_of_ones_own_tells_what_it_depends_on(reach: str) -> None:
    now, before, expected = OWN[reach]

    def logarithm(**options: Any) -> Op:
        rule = lambda g, y, x, **_: g / x  # noqa: E731
        return Op("own log", lambda x, *, axis: np.log(x), (rule,), arrays_only=True, **options)

    for op in (logarithm(reach=now), logarithm(**before)):
        x = Tensor([[0.0, 2.0], [4.0, 8.0]])
        with np.errstate(all="ignore"):
            where(TAKEN, op(x, axis=1), 0.0).sum().backward()
        np.testing.assert_array_equal(x.grad, expected)


def test_a_branch_before_a_choice_of_ones_own_leaks_only_where_it_was_taken() -> None:
    rules = (lambda g, y, a, b: where(a > b, g, 0), lambda g, y, a, b: where(a > b, 0, g))
    larger = Picked(lambda a, b: a > b, lambda a, b: a <= b)
    for op in (Op("larger", np.maximum, rules, reach=larger), Op("larger", np.maximum, rules)):
        x = Tensor([0.0, 4.0])
        with np.errstate(all="ignore"):
            op(micrograd.sqrt(x), Tensor([1.0, 1.0])).sum().backward()
        np.testing.assert_array_equal(x.grad, [0 if op.selects else nan, 1 / 4])


def test_an_older_option_says_what_stands_for_it_now() -> None:
    with pytest.warns(DeprecationWarning, match=r"older: reach=.* place of elementwise, moves"):
        older = Op("older", np.negative, (lambda g, y, x: -g,), elementwise=True, moves=True)  # pyright: ignore
    assert older.reach is SAME


@pytest.mark.filterwarnings("ignore:.*takes the place of:DeprecationWarning")
def test_what_is_elementwise_leaks_nothing_whatever_else_it_is() -> None:
    rules = (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
    for more in ({}, {"multilinear": True}, {"moves": True}):
        op = Op("times", np.multiply, rules, elementwise=True, **more)  # pyright: ignore
        a, b = Tensor([[1.0, 1.0], [np.inf, 1.0]]), Tensor([2.0, 3.0])
        where([[False, False], [True, True]], op(a, b), 0.0).sum().backward(create_graph=True)
        slope = b.grad
        a.zero_grad()
        (slope * slope).sum().backward()
        np.testing.assert_array_equal(a.grad, [[0, 0], [np.inf, 2]])


@pytest.mark.parametrize("option", [{"reach": "same"}, {"reaches": SAME}])
def test_an_option_that_there_is_not_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(OperandError, match=r"'odd' came with .*reach.* such as SAME"):
        Op("odd", np.negative, (lambda g, y, x: -g,), **option)
