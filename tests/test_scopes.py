"""Scopes: which nodes they note, how they nest, and that they leave nothing behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest

from micrograd import (
    Node,
    Tensor,
    Value,
    checkpoint,
    debug,
    detect_anomaly,
    enable_grad,
    grad,
    no_grad,
    scope,
    topological_order,
)
from micrograd.errors import AnomalyError, ArgumentError
from micrograd.nn import MLP


@contextmanager
def no_gc() -> Generator[None, None, None]:
    """Switch the cyclic garbage collector off."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def path(node: Node) -> tuple[str, ...] | None:
    """Return the names of the scopes that a node was recorded in."""
    return None if node.scope is None else node.scope.path


def test_nodes_remember_the_innermost_scope() -> None:
    x = Value(2.0)
    before = x * x
    with scope("a") as a:
        outer = x * x
        with scope("b") as b:
            inner = x * x
        after_inner = x * x
    after = x * x
    assert (outer.scope, inner.scope, after_inner.scope) == (a, b, a)
    assert (before.scope, after.scope, x.scope) == (None, None, None)
    assert (b.parent, a.parent, b.path) == (a, None, ("a", "b"))


def test_tensors_remember_their_scope_too() -> None:
    x = Tensor(np.ones(3))
    with scope("a"):
        y = (x @ x).exp() + 1.0
    assert {path(node) for node in topological_order(y) if not node.is_leaf} == {("a",)}


def test_a_tensor_made_of_nodes_remembers_its_scope() -> None:
    with scope("a"):
        y = Tensor([Tensor(1.0), Tensor(2.0)])
    assert (y.is_leaf, path(y)) == (False, ("a",))


def test_blocks_with_one_name_are_told_apart() -> None:
    x = Value(2.0)
    calls: list[Value] = []
    for _ in range(2):
        with scope("layer"):
            calls.append(x * x)
    assert calls[0].scope is not calls[1].scope
    assert path(calls[0]) == path(calls[1]) == ("layer",)


@pytest.mark.parametrize("name", ["", None, 3, ["layer"]])
def test_a_name_is_needed(name: Any) -> None:
    with pytest.raises(ArgumentError, match=r"scope: expected a name, but came"):
        scope(name)


def test_a_scope_is_entered_once() -> None:
    again = scope("again")
    with again, pytest.raises(ArgumentError, match=r"'again' was entered before"):
        again.__enter__()
    with pytest.raises(ArgumentError, match=r"Make a new one for each block"), again:
        pass
    assert path(Value(2.0) * 2) is None


def test_an_exception_leaves_the_scope() -> None:
    x = Value(2.0)
    with scope("outer"):
        with pytest.raises(ZeroDivisionError), scope("inner"):
            raise ZeroDivisionError
        assert path(x * x) == ("outer",)
    assert path(x * x) is None


def test_nothing_is_recorded_under_no_grad() -> None:
    x = Value(2.0)
    with scope("a"):
        with no_grad():
            constant = x * x
            with scope("b"):
                inner = x * x
                with enable_grad():
                    recorded = x * x
        after = x * x
    assert not constant.requires_grad
    assert not inner.requires_grad
    assert (path(constant), path(inner)) == (None, None)
    assert (path(recorded), path(after)) == (("a", "b"), ("a",))


def test_enable_grad_inside_a_scope_inside_no_grad() -> None:
    x = Value(2.0)
    with no_grad(), scope("a"), enable_grad():
        y = x * x
    assert path(y) == ("a",)
    assert path(x * x) is None


def test_a_scope_inside_enable_grad_ends_with_its_block() -> None:
    x = Value(2.0)
    with no_grad(), enable_grad():
        with scope("a"):
            inner = x * x
        after = x * x
    assert (path(inner), path(after)) == (("a",), None)


@pytest.mark.parametrize("outside", [True, False])
def test_debug_and_scopes_go_together(outside: bool) -> None:
    x = Value(2.0)
    first, second = (debug(), scope("a")) if outside else (scope("a"), debug())
    with first, second:
        y = x * x
        with scope("b"):
            z = x * x
    assert (path(y), path(z)) == (("a",), ("a", "b"))
    assert "test_scopes.py" in y._origin.place
    assert "test_scopes.py" in z._origin.place
    assert path(x * x) is None


def test_a_scope_around_debug_is_noted_after_it() -> None:
    x = Value(2.0)
    with scope("a"):
        with debug():
            pass
        y = x * x
    assert path(y) == ("a",)
    assert not hasattr(y, "_origin")


def test_anomalies_are_found_in_scopes() -> None:
    x = Value(-1.0)
    with detect_anomaly(), scope("a"), pytest.raises(AnomalyError):
        x.log()
    with scope("a"), detect_anomaly(), pytest.raises(AnomalyError):
        x.log()


def test_each_thread_has_scopes_of_its_own() -> None:
    x, found = Value(2.0), list[tuple[str, ...] | None]()
    barrier = threading.Barrier(3)

    def work(name: str) -> None:
        with scope(name):
            barrier.wait()
            y = x * x
            barrier.wait()
        found.append(path(y))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    barrier.wait()
    outside = x * x
    barrier.wait()
    for thread in threads:
        thread.join()
    assert set(found) == {("a",), ("b",)}
    assert path(outside) is None


def test_a_copied_context_keeps_its_scope() -> None:
    x = Value(2.0)
    with scope("a"):
        context = copy_context()
    assert path(context.run(lambda: x * x)) == ("a",)
    assert path(x * x) is None


def test_scopes_may_be_deeper_than_python_recurses() -> None:
    x, depth = Value(2.0), 5_000
    with ExitStack() as stack:
        for i in range(depth):
            stack.enter_context(scope(f"s{i}"))
        y = x * x
    assert len(y.scope.path) == depth
    assert y.scope.path[:2] == ("s0", "s1")
    assert repr(y.scope).startswith("<scope s0/s1/")


@pytest.mark.slow
def test_what_is_only_nested_is_freed_without_recursion() -> None:
    last = scope("s")
    with ExitStack() as stack:
        for _ in range(200_000):
            last = stack.enter_context(scope("s"))
    assert last.parent is not None
    del stack, last  # which must not crash


@pytest.mark.slow
def test_a_graph_in_scopes_is_freed_at_once() -> None:
    with no_gc():
        x = Value(2.0)
        with scope("a"), scope("b"):
            y = (x * x).exp()
        y.backward()
        node = weakref.ref(y)
        del y
        assert node() is None
        assert gc.collect() == 0


def test_a_scope_left_by_an_exception_keeps_no_cycle() -> None:
    def fail() -> None:
        with scope("a"), scope("b"):
            raise ZeroDivisionError

    with no_gc():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                fail()
        node = Value(2.0) * 2
        freed = weakref.ref(node)
        del node
        assert freed() is None


def test_an_mlp_names_its_layers_and_neurons() -> None:
    y = MLP(2, [3, 1])([Value(1.0), Value(2.0)])
    order = topological_order(y)
    assert {path(node) for node in order if not node.is_leaf} == {
        ("layer0", "neuron0"),
        ("layer0", "neuron1"),
        ("layer0", "neuron2"),
        ("layer1", "neuron0"),
    }
    assert all(node.scope is None for node in order if node.is_leaf)


def test_an_mlp_stands_in_the_scope_around_it() -> None:
    with scope("model"):
        y = MLP(1, [1])([Value(1.0)])
    assert path(y) == ("model", "layer0", "neuron0")


def test_each_call_of_an_mlp_is_a_group_of_its_own() -> None:
    model = MLP(1, [1])
    first, second = model([Value(1.0)]), model([Value(1.0)])
    assert first.scope.parent is not second.scope.parent


def test_no_scope_is_set_outside_of_scopes() -> None:
    y = Value(2.0) * 2
    assert y.scope is None
    assert not hasattr(y, "_scope")


def test_scopes_change_no_number() -> None:
    def f(x: Value) -> Value:
        return (x * x).exp() + x

    def g(x: Value) -> Value:
        with scope("a"):
            y = x * x
            with scope("b"):
                return y.exp() + x

    assert (f(Value(0.5)).data, grad(f)(0.5)) == (g(Value(0.5)).data, grad(g)(0.5))
    assert grad(grad(g))(0.5) == grad(grad(f))(0.5)


def test_checkpoint_in_a_scope() -> None:
    x = Value(0.5)
    with scope("a"):
        y = checkpoint(lambda v: (v * v).exp())(x)
    assert path(y) == ("a",)
    y.backward()
    assert x.grad == pytest.approx(2 * 0.5 * np.exp(0.25))
    assert path(x * x) is None
