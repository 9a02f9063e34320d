"""checkpoint: the gradients of the function itself, less memory, and errors instead of guesses."""

from __future__ import annotations

import copy
import gc
import pickle
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import (
    GradientError,
    OperandError,
    StaleGraphError,
    Tensor,
    Value,
    checkpoint,
    grad,
    hessian,
    jvp,
    no_grad,
    topological_order,
    value_and_grad,
)
from micrograd.core.turns import underway
from micrograd.nn import MLP
from micrograd.testing.program import Program, programs
from tests.agreement import numbers


def block(x: Any, W: Any) -> Any:
    return mg.tanh(mg.exp(x @ W) - 1.0) * x.sum()


def leaves() -> tuple[Tensor, Tensor]:
    return Tensor(numbers(2, 3) / 4), Tensor(numbers(3, 3) / 4)


# Gradients


@settings(max_examples=60)
@given(st.one_of(programs("tensor"), programs("value")))
def test_a_checkpointed_program_has_the_same_gradients_to_the_last_bit(program: Program) -> None:
    kind = Value if isinstance(program.inputs[0], float) else Tensor

    def slopes(f: Callable[..., Any]) -> Any:
        nodes = [kind(x) for x in program.inputs]
        y = f(*nodes)
        if y.requires_grad:
            y.backward(*([] if kind is Value else [np.cos(np.arange(y.size)).reshape(y.shape)]))
        return y.data, [n.grad for n in nodes]

    np.testing.assert_equal(slopes(checkpoint(program)), slopes(program))


@pytest.mark.parametrize("wrap", [checkpoint, lambda f: checkpoint(checkpoint(f))])
def test_second_derivatives_are_those_of_the_function_itself(wrap: Any) -> None:
    def second(f: Any) -> Any:
        x, W = leaves()
        y = (f(x, W) ** 2).sum()
        y.backward(create_graph=True)
        slopes = x.grad, W.grad
        x.zero_grad()
        W.zero_grad()
        (slopes[0] * slopes[0]).sum().backward()
        return slopes[0].data, slopes[1].data, x.grad, W.grad

    for ours, theirs in zip(second(wrap(block)), second(block), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_every_transform_goes_through_a_checkpoint() -> None:
    f = lambda x: mg.tanh(mg.sin(x) * x)  # noqa: E731
    g = checkpoint(f)
    assert grad(grad(grad(g)))(0.7) == grad(grad(grad(f)))(0.7)
    assert jvp(g, (0.7,), (2.0,)) == jvp(f, (0.7,), (2.0,))
    x = numbers(3)
    expected = hessian(lambda x: f(x).sum())(x)
    np.testing.assert_array_equal(hessian(lambda x: g(x).sum())(x), expected)
    np.testing.assert_array_equal(hessian(checkpoint(lambda x: f(x).sum()))(x), expected)
    assert value_and_grad(checkpoint(grad(g)))(0.7) == value_and_grad(grad(f))(0.7)


def test_a_checkpoint_is_one_node_that_shows_what_it_used() -> None:
    x, W = leaves()
    mask = Tensor(np.ones(3), requires_grad=False)
    y = checkpoint(lambda x, mask: block(x, W) * mask)(x, mask)
    assert y.op.name == "checkpoint"
    assert set(y.parents) == {x, W, mask}
    assert len(topological_order(y)) == 4


def test_what_was_computed_outside_is_a_parent_and_not_computed_again() -> None:
    w, x = Value(3.0), Value(2.0)
    h = w * w
    y = checkpoint(lambda x: mg.exp(x) * h * h * w)(x)
    assert set(y.parents) == {x, h, w}
    y.backward()
    assert w.grad == pytest.approx(5 * 3.0**4 * np.exp(2.0), rel=1e-14)
    assert h.grad == pytest.approx(2 * 9.0 * 3.0 * np.exp(2.0), rel=1e-14)
    assert x.grad == pytest.approx(3.0**5 * np.exp(2.0), rel=1e-14)


def test_an_argument_that_is_used_twice_and_results_that_fan_out() -> None:
    x = Value(2.0)
    y = checkpoint(lambda a, b: a * b * b)(x, x)
    (y * y + y).backward()
    assert x.grad == (2 * 8.0 + 1) * 12.0
    (y * y + y).backward()
    assert x.grad == 2 * (2 * 8.0 + 1) * 12.0


def test_several_results_come_in_the_containers_of_the_function() -> None:
    x = Tensor([1.0, 2.0])
    out = checkpoint(lambda x: {"s": (x * x, None), "n": "name", "x": x, "c": 2.0})(x)
    square, nothing = out["s"]
    assert (out["n"], out["c"], nothing) == ("name", 2.0, None)
    assert out["x"] is x
    (square * out["x"]).sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    x.zero_grad()
    a, b = checkpoint(lambda x: [mg.exp(x * 0.0) * x, x.sum()])(x)
    (a * b).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_values_and_tensors_meet_no_other_kind() -> None:
    v, t = Value(3.0), Tensor([1.0, 2.0])
    y, s = checkpoint(lambda v, t: (v * v, t * t))(v, t)
    y.backward()
    s.sum().backward()
    assert (v.grad, t.grad.tolist()) == (6.0, [2.0, 4.0])


def test_float32_stays_float32() -> None:
    x = Tensor(np.ones(3, np.float32))
    y = checkpoint(lambda x: mg.exp(x) * 2)(x)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (np.float32, np.float32)


def test_the_backward_pass_may_run_under_no_grad() -> None:
    x, z = Tensor([0.5]), Tensor([0.5])
    y = checkpoint(lambda x: mg.exp(x) * x)(x)
    with no_grad():
        y.backward()
    (mg.exp(z) * z).backward()
    assert x.grad == z.grad


def test_a_checkpoint_of_constants_or_under_no_grad_is_a_constant() -> None:
    f = checkpoint(lambda x: x * x)
    assert f(3.0) == 9.0
    assert f(np.array([3.0])).tolist() == [9.0]
    y = f(Value(3.0, requires_grad=False))
    assert (y.data, y.requires_grad, y.parents) == (9.0, False, ())
    with no_grad():
        y = f(Value(3.0))
    assert (y.data, y.requires_grad, y.parents) == (9.0, False, ())


def test_nodes_that_the_function_makes_itself_are_its_own() -> None:
    def f(x: Any) -> Any:
        total = Value(0.0)
        for i in range(3):
            total = total + x**i * grad(mg.sin)(x)
        return total * Value(2.0)

    x, z = Value(0.5), Value(0.5)
    y = checkpoint(f)(x)
    assert y.parents == (x,)
    y.backward()
    f(z).backward()
    assert x.grad == z.grad


def test_a_checkpointed_model_trains_as_the_model_does() -> None:
    model = MLP(3, [4, 4, 1])
    twin = copy.deepcopy(model)
    for m, call in ((model, model), (twin, checkpoint(twin))):
        for _ in range(3):
            m.zero_grad()
            (call([0.5, -1.0, 2.0]) ** 2).backward()
            for p in m.parameters():
                p.data -= 0.1 * p.grad
    assert [p.data for p in model.parameters()] == [p.data for p in twin.parameters()]


# Memory


def deep(x: Any) -> Any:
    for _ in range(20):
        x = mg.tanh(x * 1.1)
    return x


def live_at_most(f: Callable[[Any], Any]) -> int:
    """Return how many nodes are alive at the most in a forward and a backward pass."""
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    def count(x: Any) -> Any:
        nonlocal most
        alive.add(x)
        most = max(most, len(alive))
        return x

    def layer(x: Any) -> Any:
        for _ in range(20):
            x = count(mg.tanh(count(x * 1.1)))
        return x

    y = f(layer)
    y.backward()
    return most


def test_only_the_nodes_of_one_checkpoint_are_alive_at_a_time() -> None:
    def net(wrap: Any) -> Any:
        def run(layer: Any) -> Any:
            x = Value(0.5)
            for _ in range(20):
                x = wrap(layer)(x)
            return x

        return run

    assert live_at_most(net(lambda f: f)) == 800
    assert live_at_most(net(checkpoint)) <= 2 * 40


def test_the_arrays_between_are_not_kept() -> None:
    def peak(wrap: Any) -> int:
        x = Tensor(np.linspace(0.0, 1.0, 20_000))
        tracemalloc.start()
        try:
            y: Any = x
            for _ in range(20):
                y = wrap(deep)(y)
            y.sum().backward()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(checkpoint) < peak(lambda f: f) / 5


@pytest.mark.slow
def test_a_dropped_checkpoint_leaves_nothing_for_the_cyclic_collector() -> None:
    def run() -> Any:
        x, W = leaves()
        y = checkpoint(block)(x, W)
        y.sum().backward()
        return [weakref.ref(node) for node in topological_order(y)]

    run()
    gc.collect()
    gc.disable()
    try:
        assert [ref() for ref in run()] == [None] * 3
        assert gc.collect() == 0
    finally:
        gc.enable()


# What it refuses

CHANGED = "checkpoint: the function gave another result when it was computed again"


def test_a_function_that_is_not_deterministic_is_refused() -> None:
    rng = np.random.default_rng(0)
    x = Tensor([1.0, 2.0])
    y = checkpoint(lambda x: x * rng.normal(size=2))(x)
    with pytest.raises(GradientError, match=CHANGED):
        y.sum().backward()
    assert x.grad is None
    assert not underway


@pytest.mark.parametrize(
    "second",
    [
        lambda x: 5.0,
        lambda x: (x,),
        lambda x: None,
        lambda x: x.data,
        lambda x: x[:1],
        lambda x: [],
    ],
)
def test_a_function_that_gives_something_else_is_refused(second: Any) -> None:
    functions = iter([lambda x: x * 1.0, second])
    x = Tensor([1.0, 2.0])
    y = checkpoint(lambda x: next(functions)(x))(x)
    with pytest.raises(GradientError, match=CHANGED):
        y.sum().backward()
    assert x.grad is None


def test_a_function_that_uses_other_nodes_of_the_same_data_is_refused() -> None:
    x, p = Value(1.0), {"w": Value(2.0)}
    y = checkpoint(lambda x, p: x * p["w"])(x, p)
    p["w"] = Value(2.0)
    with pytest.raises(GradientError, match=CHANGED):
        y.backward()
    assert (x.has_grad, p["w"].has_grad) == (False, False)


def test_a_result_that_is_nan_is_the_same_again() -> None:
    x = Tensor([-1.0, 4.0])
    with np.errstate(invalid="ignore"):
        checkpoint(lambda x: mg.sqrt(x) * 1.0)(x).sum().backward()
    assert np.isnan(x.grad[0])
    assert x.grad[1] == 0.25


def write_to_the_argument(x: Tensor, w: Tensor, c: Tensor) -> None:
    x.data -= 1.0


def write_to_what_it_closes_over(x: Tensor, w: Tensor, c: Tensor) -> None:
    w.data = w.data + 1.0


def write_to_a_constant(x: Tensor, w: Tensor, c: Tensor) -> None:
    c.data = c.data + 1.0


@pytest.mark.parametrize("zero", [0.0, 1.0])
@pytest.mark.parametrize(
    "write", [write_to_the_argument, write_to_what_it_closes_over, write_to_a_constant]
)
def test_a_write_between_the_passes_is_an_error(write: Any, zero: float) -> None:
    """With zero, the result is the same again, and only the gradient would be wrong."""
    x, w = Tensor([2.0]), Tensor([3.0])
    c, z = Tensor([4.0], requires_grad=False), Tensor([zero])
    y = checkpoint(lambda x, c: mg.exp(c * 1.0) * x * w * z)(x, c)
    write(x, w, c)
    with pytest.raises(GradientError, match=rf"was assigned to after Tensor .*checkp|{CHANGED}"):
        y.sum().backward()
    assert (w.grad, z.grad) == (None, None)


def test_a_write_to_a_view_of_what_it_used_is_an_error() -> None:
    w, x = Tensor([1.0, 2.0]), Tensor([[0.0], [0.0]])
    column = w.reshape((2, 1))
    y = checkpoint(lambda x: x * column)(x)
    w.data += 1.0
    with pytest.raises(StaleGraphError, match="made by reshape was computed from it"):
        y.sum().backward()


def test_a_write_by_the_function_itself_is_an_error() -> None:
    x, w = Value(2.0), Value(3.0)

    def f(x: Any) -> Any:
        w.data = 5.0
        return x * w

    y = checkpoint(f)(x)
    with pytest.raises(StaleGraphError):
        y.backward()
    assert (x.has_grad, w.has_grad) == (False, False)


def test_a_write_after_the_passes_is_none_of_its_business() -> None:
    x = Value(2.0)
    f = checkpoint(lambda x: x * x)
    f(x).backward()
    x.data = 5.0
    f(x).backward()
    assert x.grad == 14.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))])
def test_a_checkpoint_is_not_copied_or_pickled(copied: Any) -> None:
    y = checkpoint(lambda x: x * x)(Value(2.0))
    with pytest.raises(OperandError, match=r"'checkpoint' was not made by define_op.*detach"):
        copied(y)
    assert copied(y.detach()).data == 4.0


def test_an_exception_of_the_function_is_the_callers() -> None:
    failing: list[Any] = []

    def f(x: Any) -> Any:
        if failing:
            raise KeyError("again")
        return x * x

    x = Value(3.0)
    y = checkpoint(f)(x)
    failing.append(True)
    with pytest.raises(KeyError, match="again"):
        y.backward()
    assert not x.has_grad
    assert not underway
    failing.clear()
    y.backward()
    assert x.grad == 6.0
    failing.append(True)
    with pytest.raises(KeyError):
        checkpoint(f)(x)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(OperandError, match="checkpoint: expected a function"):
        checkpoint(Value(3.0))  # type: ignore[arg-type]


def test_the_function_keeps_its_name() -> None:
    assert checkpoint(block).__name__.endswith("block")


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_a_branch_not_taken_leaks_nothing_through_a_checkpoint(kind: Any) -> None:
    x = kind(0.0)
    with np.errstate(all="ignore"):
        y = mg.where(x > 0, mg.checkpoint(lambda x: mg.log(x) * x)(x), x * 2.0)
    y.backward(create_graph=True)
    assert x.grad.data == 2.0
    slope, x.grad = x.grad, None
    (slope * slope).backward()
    assert x.grad is None or x.grad == 0.0


def test_only_elements_not_taken_are_cut_off_through_a_checkpoint() -> None:
    x = Tensor([0.0, 4.0])
    y = mg.where(x.data > 0, mg.checkpoint(mg.sqrt)(x), 0.0).sum()
    y.backward()
    assert x.grad.tolist() == [0.0, 0.25]
    again = mg.checkpoint(mg.sqrt)(x)
    x.zero_grad()
    again.backward(np.array([0.0, 1.0]))
    plain = Tensor(x.data)
    mg.sqrt(plain).backward(np.array([0.0, 1.0]))
    np.testing.assert_array_equal(x.grad, plain.grad)
