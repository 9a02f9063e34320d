"""Nodes with a derivative of their own: a function of the gradient, or karpathy's closure."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import micrograd as mg
import viz
from micrograd import (
    GradientError,
    OperandError,
    StaleGraphError,
    Tensor,
    Value,
    grad,
    hvp,
    jacobian,
    no_grad,
    topological_order,
    vjp,
)
from tests.agreement import numbers


def square(x: Value) -> Value:
    """Return x * x as karpathy's lecture would write it."""
    out = Value(x.data**2, (x,), "sq")

    def _backward() -> None:
        x.grad += 2 * x.data * out.grad

    out._backward = _backward
    return out


def square_by_function(x: Any) -> Any:
    return Value(x.data**2, (x,), "sq", backward=lambda g: g * 2 * x.data)


both_ways = pytest.mark.parametrize("square", [square, square_by_function])
ONCE = "sq: its derivative is a closure, which is differentiated once only.*define_op"


@both_ways
def test_a_closure_takes_part_in_a_graph(square: Any) -> None:
    x = Value(3.0)
    y = square(x) * x + square(square(x))
    y.backward()
    assert (y.data, x.grad) == (27.0 + 81.0, 27.0 + 108.0)
    y.backward()
    assert x.grad == 2 * (27.0 + 108.0)


@both_ways
def test_a_closure_is_drawn(square: Any) -> None:
    y = square(Value(3.0, label="x"))
    assert "sq" in viz.draw(y).source
    assert (y._op, y.op.name, y.op.symbol_for(y)) == ("sq", "sq", "sq")
    assert "sq" in viz.draw(y * y).source
    t = Tensor([1.0], label="t")
    assert "cube" in viz.draw(Tensor(t.data**3, parents=(t,), op="cube")).source


@both_ways
def test_a_second_order_is_refused(square: Any) -> None:
    x = Value(3.0)
    with pytest.raises(GradientError, match=ONCE):
        square(x).backward(create_graph=True)
    with pytest.raises(GradientError, match=ONCE):
        grad(grad(square))(3.0)
    with pytest.raises(GradientError, match=ONCE):
        hvp(square, (3.0,), (1.0,))
    assert not x.has_grad


@both_ways
def test_transforms_of_first_order_take_closures(square: Any) -> None:
    assert grad(lambda x: square(x) * x)(3.0) == 27.0
    assert vjp(square, 3.0)[1](10.0) == (60.0,)
    assert jacobian(lambda x: [square(x), square(square(x))])(3.0) == [6.0, 108.0]


@both_ways
def test_a_write_after_it_was_made_is_an_error(square: Any) -> None:
    x = Value(3.0)
    y = square(x)
    x.data = 4.0
    with pytest.raises(StaleGraphError):
        y.backward()
    assert not x.has_grad


@both_ways
def test_a_closure_of_constants_or_under_no_grad_is_a_constant(square: Any) -> None:
    y = square(Value(3.0, requires_grad=False))
    assert (y.data, y.requires_grad, y.parents, y.op) == (9.0, False, (), None)
    with no_grad():
        y = square(Value(3.0))
    assert (y.data, y.requires_grad, y.parents, y.op) == (9.0, False, (), None)


def test_what_is_told_to_be_a_constant_is_one() -> None:
    x, t = Value(3.0), Tensor([3.0])
    y = Value(9.0, (x,), "sq", requires_grad=False, backward=lambda g: g)
    s = Tensor([9.0], parents=(t,), requires_grad=False, backward=lambda g: g)
    assert (y.requires_grad, s.requires_grad) == (False, False)


# A function of the gradient


def test_a_function_gives_the_gradient_of_each_parent() -> None:
    a, b, c = Value(2.0), Value(3.0), Value(5.0, requires_grad=False)
    calls: list[float] = []

    def backward(g: float) -> tuple[float, float, float]:
        calls.append(g)
        return g * 15.0, g * 10.0, g * 6.0

    y = Value(30.0, (a, b, c), "product", backward=backward)
    (y * 2).backward()
    assert (a.grad, b.grad, c.has_grad, calls) == (30.0, 20.0, False, [2.0])
    (y * 2).backward()
    assert (a.grad, b.grad, calls) == (60.0, 40.0, [2.0, 2.0])


def test_a_pass_after_one_that_failed_begins_anew() -> None:
    a, b, c = Value(2.0), Value(3.0), Value(5.0)
    second: list[Any] = ["bad", 10.0]
    y = Value(30.0, (a, b, c), "product", backward=lambda g: (g * 15.0, second.pop(0), g * 6.0))
    with pytest.raises(GradientError, match="product"):
        y.backward()
    y.backward()
    assert (a.grad, b.grad, c.grad) == (15.0, 10.0, 6.0)


def test_a_parent_that_stands_twice_gets_both_gradients() -> None:
    x, t = Value(3.0), Tensor([3.0])
    Value(9.0, (x, x), "product", backward=lambda g: (g * 3.0, g * 3.0)).backward()
    y = Tensor([9.0], parents=[t, t], op="product", backward=lambda g: (g * 3.0, g * 3.0))
    assert y.parents == (t, t)
    y.backward()
    assert (x.grad, t.grad.tolist()) == (6.0, [6.0])


def test_a_tensor_takes_a_function() -> None:
    x, W = Tensor(numbers(4, 3)), Tensor(numbers(3, 2))

    def affine(x: Tensor, W: Tensor) -> Tensor:
        return Tensor(
            x.data @ W.data,
            parents=(x, W),
            op="affine",
            backward=lambda g: (g @ W.data.T, x.data.T @ g),
        )

    (mg.tanh(affine(x, W)) ** 2).sum().backward()
    ours = x.grad, W.grad
    x.zero_grad()
    W.zero_grad()
    (mg.tanh(x @ W) ** 2).sum().backward()
    np.testing.assert_array_equal(ours[0], x.grad)
    np.testing.assert_array_equal(ours[1], W.grad)
    with pytest.raises(GradientError, match=r"affine: its derivative is a closure"):
        affine(x, W).sum().backward(create_graph=True)


def test_what_the_function_computes_with_nodes_is_a_plain_gradient() -> None:
    x, t = Value(3.0), Tensor([3.0])
    Value(9.0, (x,), backward=lambda g: 2 * x * g).backward()
    Tensor([9.0], parents=(t,), backward=lambda g: 2 * t * g).backward()
    assert (type(x.grad), x.grad) == (float, 6.0)
    assert (type(t.grad), t.grad.tolist()) == (np.ndarray, [6.0])


def test_a_gradient_is_fitted_to_its_parent_as_any_other() -> None:
    x = Tensor(np.ones(3, np.float32))
    y = Tensor(np.ones((2, 3)), parents=(x,), op="rows", backward=lambda g: g * 1.0)
    y.sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [2.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda g: g, "product: its backward gave 1 gradients for 2 parents. Return a tuple"),
        (lambda g: (g, g, g), "product: its backward gave 3 gradients for 2 parents"),
        (lambda g: (), "product: its backward gave 0 gradients for 2 parents"),
        (lambda g: [g, g], "product: its backward gave 1 gradients for 2 parents"),
        (lambda g: (g, None), "derivative of product for argument 1.* gave None. Return the grad"),
        (
            lambda g: (g * 1.0, np.full(2, "x")),
            "derivative of product gave .* a gradient is made o",
        ),
        (lambda g: (np.ones(5), g), "derivative of product gave"),
    ],
)
def test_a_function_that_gives_something_else_is_refused(backward: Any, message: str) -> None:
    a, t = Value(2.0), Tensor([2.0, 1.0])
    with pytest.raises(GradientError, match=message):
        Value(4.0, (a, a), "product", backward=backward).backward()
    with pytest.raises(GradientError, match=message):
        Tensor([4.0, 1.0], parents=(t, t), op="product", backward=backward).sum().backward()
    assert (a.has_grad, t.grad) == (False, None)


def test_parents_without_a_derivative_are_told_of_when_it_is_needed() -> None:
    x = Value(3.0)
    y = Value(9.0, (x,), "sq")
    assert y.parents == (x,)
    with pytest.raises(GradientError, match="sq: was made with parents but without a derivative"):
        y.backward()
    with pytest.raises(GradientError, match="closure: was made with parents but without"):
        Value(9.0, (x,)).backward()


@pytest.mark.parametrize("parent", [3.0, Tensor([1.0]), None, np.ones(2), "x"])
def test_a_parent_has_to_be_a_node_of_the_same_kind(parent: Any) -> None:
    with pytest.raises(OperandError, match="Value: parent 1 has to be a Value, but came a "):
        Value(9.0, (Value(3.0), parent), "sq", backward=lambda g: g)
    parent = Value(1.0) if isinstance(parent, Tensor) else parent
    with pytest.raises(OperandError, match="Tensor: parent 0 has to be a Tensor, but came a "):
        Tensor([9.0], parents=[parent], backward=lambda g: g)


def test_wrong_arguments_are_refused_at_once() -> None:
    x, t = Value(3.0), Tensor([3.0])
    with pytest.raises(OperandError, match="backward has to be a function of the gradient, but c"):
        Value(9.0, (x,), "sq", backward=6.0)  # type: ignore[arg-type]
    with pytest.raises(OperandError, match="came a backward function without parents"):
        Value(9.0, backward=lambda g: g)
    with pytest.raises(OperandError, match="came a backward function without parents"):
        Tensor([9.0], backward=lambda g: g)
    for data in (np.array([9]), np.array([True])):
        with pytest.raises(
            OperandError, match=r"came parents, but dtype .* has no gradient to pass"
        ):
            Tensor(data, parents=(t,), backward=lambda g: g)


def test_the_result_of_a_closure_is_read_only_and_its_own() -> None:
    t, data = Tensor([3.0]), np.array([9.0])
    y = Tensor(data, parents=(t,), op="sq", backward=lambda g: g * 6)
    data[0] = 1.0
    assert y.data.tolist() == [9.0]
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1.0
    assert Tensor(t.data**2).data.flags.writeable


@both_ways
def test_a_closure_is_not_pickled_and_a_shallow_copy_works(square: Any) -> None:
    x = Value(3.0)
    y = square(x)
    for copied in (copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))):
        with pytest.raises(OperandError, match="the operation 'sq' was not made by define_op"):
            copied(y)
    twin = copy.copy(y)
    del y
    twin.backward()
    assert x.grad == 6.0


@pytest.mark.slow
def test_a_function_leaves_nothing_for_the_cyclic_collector() -> None:
    def run() -> Any:
        x, t = Value(3.0), Tensor([3.0])
        y = square_by_function(x) * x
        s = Tensor(t.data**2, parents=(t,), op="sq", backward=lambda g: g * 2 * t.data)
        y.backward()
        s.backward()
        return [weakref.ref(node) for node in topological_order(y, s)]

    run()
    gc.collect()
    gc.disable()
    try:
        assert [ref() for ref in run()] == [None] * 5
        assert gc.collect() == 0
    finally:
        gc.enable()


# Karpathy's closure


def test_the_neuron_of_the_lecture_by_hand() -> None:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    total = x1w1 + x2w2
    n = total + b
    t = (math.exp(2 * n.data) - 1) / (math.exp(2 * n.data) + 1)
    o = Value(t, (n,), "tanh")

    def _backward() -> None:
        n.grad += (1 - t**2) * o.grad

    o._backward = _backward
    o.grad = 1.0
    for node in (o, n, b, total, x1w1, x2w2):
        node._backward()
    found = [round(node.grad, 6) for node in (x1, x2, w1, w2, b, n, total)]
    assert found == [-1.5, 0.5, 1.0, 0.0, 0.5, 0.5, 0.5]
    for node in (x1, x2, w1, w2, b):
        node.zero_grad()
    o.backward()
    assert [round(node.grad, 6) for node in (x1, x2, w1, w2, b)] == [-1.5, 0.5, 1.0, 0.0, 0.5]


def test_the_topological_sort_of_the_lecture_by_hand() -> None:
    a, b = Value(-2.0), Value(3.0)
    d, e = a * b, a + b
    f = d * e * square(e)
    topo: list[Value] = []
    visited: set[Value] = set()

    def build(v: Any) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)

    build(f)
    f.grad = 1.0
    for node in reversed(topo):
        node._backward()
    by_hand = a.grad, b.grad
    a.zero_grad()
    b.zero_grad()
    f.backward()
    # f = a b (a + b)^3, where a + b = 1
    assert by_hand == (a.grad, b.grad) == (3.0 - 6.0 * 3, -2.0 - 6.0 * 3)


def test_a_step_by_hand_through_a_graph_that_was_written_to_is_an_error() -> None:
    x = Value(3.0)
    for y in (x * x, square(x)):
        x.data = 4.0
        y.grad = 1.0
        with pytest.raises(StaleGraphError, match="was assigned to after"):
            y._backward()
    assert not x.has_grad


def test_a_closure_is_run_once_and_may_touch_nodes_that_are_no_parents() -> None:
    a, b, other = Value(2.0), Value(3.0), Value(5.0)
    out = Value(6.0, (a, b), "*")
    calls: list[float] = []

    def _backward() -> None:
        calls.append(out.grad)
        a.grad += b.data * out.grad
        b.grad += a.data * out.grad
        other.grad += out.grad

    out._backward = _backward
    (out * 10).backward()
    assert (a.grad, b.grad, other.grad, calls) == (30.0, 20.0, 10.0, [10.0])


def test_a_closure_with_one_parent_twice_and_with_one_that_it_forgets() -> None:
    a, b = Value(2.0), Value(3.0)
    out = Value(12.0, (a, b, a), "product")

    def _backward() -> None:
        a.grad += b.data * a.data * out.grad
        a.grad += a.data * b.data * out.grad

    out._backward = _backward
    (out + a).backward()
    assert (a.grad, b.grad) == (13.0, 0)


def test_a_closure_that_fails_leaves_gradients_as_they_were() -> None:
    x = Value(3.0)
    x.grad = 7.0
    out = Value(9.0, (x,), "sq")

    def _backward() -> None:
        x.grad += 1.0
        raise KeyError("closure")

    out._backward = _backward
    out.grad = 2.0
    with pytest.raises(KeyError, match="closure"):
        (out * 1.0).backward()
    assert x.grad == 7.0


def test_a_closure_may_compute_with_nodes() -> None:
    x = Value(3.0)
    out = Value(9.0, (x,), "sq")

    def _backward() -> None:
        x.grad += 2 * x * out.grad

    out._backward = _backward
    out.backward()
    assert (type(x.grad), x.grad) == (float, 6.0)


def test_a_closure_may_replace_the_derivative_of_an_operation() -> None:
    x = Value(3.0)
    out = x * x

    def _backward() -> None:
        x.grad += 100.0 * out.grad

    out._backward = _backward
    out.backward()
    assert (x.grad, out.op.name, out._op) == (100.0, "multiply", "*")


def test_a_closure_for_a_leaf_or_no_function_is_refused() -> None:
    with pytest.raises(GradientError, match=r"no parents to pass a gradient on to. Make it with"):
        Value(3.0)._backward = lambda: None
    with pytest.raises(OperandError, match=r"_backward: expected a function, but came 3\.0"):
        Value(3.0, (Value(1.0),))._backward = 3.0  # type: ignore[assignment]


def test_a_closure_under_a_pass_that_shares_its_parents_keeps_their_sums() -> None:
    """Gradients that have arrived at a parent before are not lost."""
    x = Value(3.0)
    h = x * 1.0
    y = square(h) + h * 10 + square(h)
    y.backward()
    assert x.grad == 6.0 + 10.0 + 6.0


@pytest.mark.filterwarnings("error")
def test_an_infinite_slope_of_ones_own_is_no_fault_to_warn_of() -> None:
    inverse = mg.Op("inverse", lambda x: x * 1.0, (lambda g, y, x: g * np.divide(1.0, x),))
    x, w = Value(0.0), Value(0.0)

    inverse(x).backward()
    Value(0.0, (w,), "inverse", backward=lambda g: g * np.divide(1.0, w.data)).backward()

    assert x.grad == w.grad == np.inf
