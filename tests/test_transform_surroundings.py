"""Transforms and what is around them: nodes from outside, the caller's arrays, memory, threads."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    StaleGraphError,
    Tensor,
    Value,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from tests.agreement import assert_same

# Nodes


def test_nodes_give_nodes_that_are_differentiated_with_their_graph() -> None:
    x = Value(2.0)
    slope = grad(lambda x: x**3)(x * 1.0)
    assert (type(slope), slope.data) == (Value, 12.0)
    slope.backward()
    assert x.grad == 12.0
    t = Tensor([1.0, 2.0])
    (y, pieces), g = value_and_grad(lambda t: ((t**3).sum(), [t * 2]), has_aux=True)(t)
    assert [type(n) for n in (y, *pieces, g)] == [Tensor] * 3
    (g.sum() + y + pieces[0].sum()).backward()
    assert t.grad.tolist() == [6 + 3 + 2, 12 + 12 + 2]


def test_a_node_given_with_numbers_makes_all_results_nodes() -> None:
    by_x, by_y = grad(lambda x, y: x * y, (0, 1))(Value(2.0), 3.0)
    assert (by_x.data, by_y.data) == (3.0, 2.0)
    assert isinstance(by_y, Value)
    by_x, by_y = grad(lambda x, y: (x * y).sum(), (0, 1))(Tensor([2.0]), 3.0)
    assert (by_x.data.tolist(), by_y.data.tolist()) == ([3.0], 2.0)


def test_a_constant_node_gives_constants() -> None:
    slope = grad(lambda x: x**3)(Value(2.0, requires_grad=False))
    assert (slope.data, slope.requires_grad) == (12.0, False)
    y, slope = value_and_grad(lambda x: (x**3).sum())(Tensor([2.0], requires_grad=False))
    assert (y.data, slope.data.tolist()) == (8.0, [12.0])
    assert (y.requires_grad, slope.requires_grad) == (False, False)


def test_under_no_grad_nothing_is_linked_to_the_graph_outside() -> None:
    w, t = Value(3.0), Tensor([1.0, 2.0])
    with no_grad():
        assert_same(value_and_grad(lambda x: w * x)(2.0), (6.0, 3.0))
        y, slope = value_and_grad(lambda t: (t * t).sum())(t)
        assert_same(jvp(lambda x: w * x, (2.0,), (1.0,)), (6.0, 3.0))
    assert (y.requires_grad, slope.requires_grad) == (False, False)


def test_cotangents_and_tangents_may_be_nodes() -> None:
    c = Value(5.0)
    slope = vjp(lambda x: x**3, 2.0)[1](c)[0]
    moved = jvp(lambda x: x**3, (2.0,), (c,))[1]
    (slope + moved).backward()
    assert (slope.data, moved.data, c.grad) == (60.0, 60.0, 24.0)
    assert [p for p in mg.topological_order(slope) if p.requires_grad and p.is_leaf] == [c]


def test_transforms_change_no_gradient_of_a_leaf() -> None:
    x, w = Value(2.0), Value(3.0)
    for derivative in (grad, elementwise_grad, jacobian, hessian):
        derivative(lambda x: w * x**3)(x)
    jvp(lambda x: w * x**3, (x,), (1.0,))
    assert (x.has_grad, w.has_grad) == (False, False)


# Whose arrays


def test_gradients_are_arrays_of_the_caller() -> None:
    a, c = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    f = lambda x, y: ((x + y) * c).sum()  # noqa: E731
    for slopes in (grad(f, (0, 1))(a, a), vjp(f, a, a)[1](1.0), jacobian(f, (0, 1))(a, a)):
        slopes[0][0] = 100.0
        assert_same(slopes[1], np.array([3.0, 4.0]))
    assert_same((a, c), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))


def test_results_and_gradients_share_no_memory_with_what_a_vjp_keeps() -> None:
    a, ct = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    out, back = vjp(lambda x: x, a)
    out[:] = 50.0
    first = back(ct)[0]
    first[:] = 60.0
    assert_same((a, ct, back(ct)[0]), (np.array([1.0, 2.0]), np.ones(2), np.ones(2)))
    out, back = vjp(lambda x: x * x, a)
    a[:] = 70.0
    out[:] = 80.0
    assert_same(back(ct)[0], np.array([2.0, 4.0]))
    out, moved = jvp(lambda x: x * 1.0, (ct,), (ct,))
    out[:] = moved[:] = 90.0
    assert_same(ct, np.ones(2))


def test_a_function_cannot_write_to_the_callers_array() -> None:
    def f(x: Any) -> Any:
        x.data[0] = 5.0
        return (x * x).sum()

    a, t = np.array([1.0, 2.0]), Tensor([1.0, 2.0])
    for x in (a, t):
        with pytest.raises(ValueError, match="read-only"):
            grad(f)(x)
    assert_same((a, t.data), (np.array([1.0, 2.0]), np.array([1.0, 2.0])))
    t.data[0] = 3.0  # its own may be written to


@pytest.mark.parametrize("x", [2.0, Value(2.0), np.array([2.0]), Tensor([2.0])])
def test_a_function_that_assigns_to_the_data_of_its_argument_is_refused(x: Any) -> None:
    def f(x: Any) -> Any:
        y = x * x
        x.data = x.data * 2
        return y * x

    with pytest.raises(StaleGraphError, match="f assigned to the data of its argument"):
        grad(f)(x)


def test_a_write_outside_between_the_two_halves_of_a_vjp_is_an_error() -> None:
    w, t = Value(3.0), Tensor([1.0, 2.0])
    view = t.reshape((2, 1))
    halves = [
        vjp(lambda x: w * x, 2.0),
        vjp(lambda t: (t * t).sum(), t),
        vjp(lambda x: (view * view * x).sum(), np.float64(1.0)),
        vjp(lambda v: (v * v).sum(), view),
    ]
    assert [back(1.0)[0].data.tolist() for _, back in halves[2:]] == [5.0, [[2.0], [4.0]]]
    w.data = 4.0
    t.data -= 1.0
    for _, back in halves:
        with pytest.raises(StaleGraphError, match="was assigned to after"):
            back(1.0)


def test_a_write_by_the_function_to_a_node_outside_keeps_the_link() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        w.data = 5.0
        return x * x * w

    slope = grad(f)(2.0)
    slope.backward()
    assert (slope.data, w.grad) == (20.0, 4.0)


# Memory and threads


def mixed(x: Any) -> Any:
    return grad(lambda y: mg.tanh(y * x) * mg.exp(y))(x) + jvp(mg.sin, (x,), (x,))[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        lambda: grad(grad(lambda x: mg.exp(x * x)))(0.5),
        lambda: hessian(lambda x: mg.tanh(mg.exp(x) * x).sum())(np.ones(3)),
        lambda: jvp(lambda x: mg.tanh(mg.exp(x) * x), (1.0,), (1.0,)),
        lambda: jvp(lambda x: mg.tanh(mg.exp(x) * x), (Value(1.0),), (1.0,)),
        lambda: grad(lambda x: mg.tanh(mg.exp(x) * x))(Value(1.0)),
        lambda: hvp(lambda x: mg.tanh(mg.exp(x) * x), (1.0,), (1.0,)),
        lambda: vjp(lambda x: mg.tanh(mg.exp(x) * x), 1.0)[1](Value(1.0)),
        lambda: grad(mixed)(0.3),
    ],
)
def test_derivatives_leave_nothing_for_the_cyclic_collector(run: Any) -> None:
    run()
    gc.collect()
    gc.disable()
    try:
        run()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_derivative_keeps_no_graph() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        y = mg.exp(x)
        kept.append(weakref.ref(y))
        return y * x

    grad(f)(1.0)
    jvp(f, (1.0,), (1.0,))
    hessian(f)(np.float64(1.0))
    assert [ref() for ref in kept] == [None] * len(kept)


def test_threads_differentiate_apart() -> None:
    w = Value(2.0)
    points = [i / 10 for i in range(8)] * 4

    def task(x: float) -> Any:
        linked = grad(lambda x: w * mixed(x))(x)
        return grad(mixed)(x), linked.data, hessian(lambda v: (mg.sin(v) ** 3).sum())(np.full(3, x))

    alone = [task(x) for x in points]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(task, points))
    for ours, theirs in zip(together, alone, strict=True):
        assert_same(ours, theirs)
        assert ours[1] == pytest.approx(2 * ours[0], rel=1e-14)
