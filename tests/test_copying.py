"""Copies, deep copies and pickles of nodes: they compute what the originals do, by themselves."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Op, OperandError, StaleGraphError, Tensor, Value, topological_order
from micrograd.core.versions import versions
from micrograd.nn import MLP


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def pickled_in_python(thing: Any) -> Any:
    """Pickle with the pickler that is written in Python and recurses as Python does."""
    return pickle._loads(pickle._dumps(thing))  # type: ignore[attr-defined]


COPIES = [copy.deepcopy, pickled, pickled_in_python]
every_copy = pytest.mark.parametrize("copied", COPIES)
Copy = Callable[[Any], Any]


@every_copy
def test_a_graph_is_copied_with_all_that_its_nodes_know(copied: Copy) -> None:
    x, t = Value(3.0, label="x"), Tensor([[1.0, 2.0]], np.float32, label="t", requires_grad=False)
    y, s = mg.exp(x) * x, mg.sum(Tensor([[4.0, 5.0]], np.float32) * t, axis=1)
    s.label = "s"
    y.backward()
    y2, s2 = copied((y, s))
    for before, after in ((y, y2), (s, s2)):
        old: list[Any] = topological_order(before)
        new: list[Any] = topological_order(after)
        assert len(old) == len(new)
        for a, b in zip(old, new, strict=True):
            assert a is not b
            assert type(a) is type(b)
            assert np.array_equal(a.data, b.data)
            assert np.asarray(a.data).dtype == np.asarray(b.data).dtype
            assert (a.op, a.settings, a.label, a.requires_grad) == (
                b.op,
                b.settings,
                b.label,
                b.requires_grad,
            )
            one, other = a.grad, b.grad
            assert one is other is None or np.array_equal(one, other)


@every_copy
def test_the_copy_and_the_original_are_differentiated_apart(copied: Copy) -> None:
    x = Value(3.0)
    x2, y2 = copied((x, x * x))
    y2.backward()
    y2.backward()
    assert (x.grad, x2.grad) == (0, 12.0)


@every_copy
def test_nodes_that_share_a_graph_share_the_copy(copied: Copy) -> None:
    x = Value(3.0)
    h = x * 2
    lists = copied({"first": [h * h, x], "second": [h, h + x, x]})
    (square, x2), (h2, total, again) = lists["first"], lists["second"]
    assert again is x2
    assert square.parents == (h2, h2)
    assert total.parents == (h2, x2)


@pytest.mark.slow
@every_copy
def test_a_chain_of_100_000_nodes_is_copied(copied: Copy) -> None:
    n = 100_000 if copied is not pickled_in_python else 10_000
    x = y = Value(1.0)
    for _ in range(n // 2):
        y = y * x
    assert len(topological_order(y)) == n // 2 + 1
    y2 = copied(y)
    y2.backward()
    first: Any = topological_order(y2)[0]
    assert first.grad == n // 2 + 1
    assert x.grad == 0


@every_copy
def test_a_graph_as_wide_and_a_gradient_with_a_graph_are_copied(copied: Copy) -> None:
    x = Value(2.0)
    total = sum((x * i for i in range(2000)), start=x**3)
    total.backward(create_graph=True)
    x2 = copied(x)
    assert x2.grad.data == x.grad.data
    slope, x2._grad = x2.grad, None
    slope.backward()
    assert x2.grad == 12.0


@every_copy
def test_a_write_before_the_copy_is_still_an_error_after_it(copied: Copy) -> None:
    x = Value(3.0)
    y = x * x
    x.data = 4.0
    with pytest.raises(StaleGraphError):
        copied(y).backward()


@every_copy
def test_a_result_that_was_overwritten_is_still_refused_after_the_copy(copied: Copy) -> None:
    x = Value(3.0)
    y = x * x
    y.data = 5.0
    with pytest.raises(StaleGraphError, match="multiply: the data of its result was assigned to"):
        copied(y).backward()


@every_copy
def test_a_write_after_the_copy_is_an_error_in_one_graph_only(copied: Copy) -> None:
    x = Tensor([3.0])
    x2, y2 = copied((x, x * x))
    y = x * x
    x.data -= 1.0
    with pytest.raises(StaleGraphError):
        y.backward()
    y2.backward()
    assert x2.grad.tolist() == [6.0]
    again = x2 * x2
    x2.data -= 1.0
    with pytest.raises(StaleGraphError):
        again.backward()


def test_a_copied_view_does_not_share_the_memory_of_the_original() -> None:
    x, w = Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0])
    w2, y2 = copy.deepcopy((w, (x.reshape((2,)) * w).sum()))
    x.data[...] = 100.0
    y2.backward()
    assert w2.grad.tolist() == [1.0, 2.0]


@every_copy
def test_results_stay_read_only_and_leaves_writable(copied: Copy) -> None:
    x, y = copied((lambda x: (x, x * 2))(Tensor([1.0])))
    x.data[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5.0


def test_a_clock_that_is_behind_a_pickled_graph_catches_up() -> None:
    x = Value(3.0)
    y = x * x
    x._version = y._version = versions.now + 1000
    x2, y2 = pickled((x, y))
    x2.data = 4.0
    with pytest.raises(StaleGraphError):
        y2.backward()


@pytest.mark.parametrize("copied", [copy.copy, *COPIES])
def test_a_node_is_copied_while_a_pass_goes_through_it(copied: Copy) -> None:
    twins: list[Value] = []

    def rule(g: Any, y: Any, x: Any) -> Any:
        twins.append(copied(before))
        return g * 2

    op = Op("copying in test_copying", lambda x: x * 2, (rule,))
    x = Value(3.0)
    before = x * x
    op(before).backward()
    assert x.grad == 12.0
    assert (twins[0].data, twins[0].has_grad) == (9.0, False)


@every_copy
def test_a_module_is_copied(copied: Copy) -> None:
    model = MLP(2, [4, 1])
    loss = model([1.0, -2.0]) ** 2
    loss.backward()
    twin = copied(model)
    assert [p.data for p in twin.parameters()] == [p.data for p in model.parameters()]
    assert [p.grad for p in twin.parameters()] == [p.grad for p in model.parameters()]
    twin.parameters()[0].data += 1.0
    assert twin.parameters()[0].data == model.parameters()[0].data + 1.0


def test_a_subclass_keeps_what_it_added() -> None:
    p = _Named(2.0, "weights")
    for twin in (copy.copy(p), copy.deepcopy(p), pickled(p)):
        assert (type(twin), twin.data, twin.name) == (_Named, 2.0, "weights")


class _Named(Value):
    """A Value with an attribute of its own."""

    def __init__(self, data: float, name: str) -> None:
        super().__init__(data)
        self.name = name


def test_a_shallow_copy_of_a_leaf_has_data_of_its_own() -> None:
    x = Tensor([1.0, 2.0])
    (x * x).sum().backward()
    twin = copy.copy(x)
    twin.data[0] = 9.0
    twin.grad[0] = 9.0
    assert x.data.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [2.0, 4.0]
    (twin * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_shallow_copy_of_a_result_has_the_same_parents() -> None:
    x = Value(3.0)
    y = copy.copy(x * x)
    assert y.parents == (x, x)
    y.backward()
    assert x.grad == 6.0


def test_unpickling_calls_no_function_of_an_operation() -> None:
    called: list[str] = []
    op = mg.define_op(
        "counted in test_copying",
        lambda x: called.append("forward") or x * 2,
        lambda g, y, x: called.append("derivative") or g * 2,
    )
    stored = pickle.dumps(op(Value(1.0)))
    called.clear()
    y = pickle.loads(stored)
    assert called == []
    y.backward()
    assert called == ["derivative"]


@pytest.mark.parametrize("name", ["not registered here", "multiply"])
def test_an_operation_that_was_not_defined_by_name_cannot_be_pickled(name: str) -> None:
    y = Op(name, lambda x: x * 2, (lambda g, y, x: g * 2,))(Value(1.0))
    with pytest.raises(OperandError, match=f"pickle: the operation '{name}' was not made by def"):
        pickle.dumps(y)
    twin = copy.deepcopy(y)
    twin.backward()
    assert twin.parents[0].grad == 2.0


def test_a_failed_pickle_leaves_no_trace() -> None:
    x = Value(1.0)
    bad = Op("no name", lambda x: x * 2, (lambda g, y, x: g * 2,))(x * 3)
    with pytest.raises(OperandError):
        pickle.dumps(bad)
    gc.collect()
    assert pickled(x * 3).data == 3.0
    first: Any = topological_order(pickled(x * 3))[0]
    assert first.data == 1.0


@every_copy
def test_the_copies_of_nodes_of_one_scope_are_of_one_scope(copied: Copy) -> None:
    with mg.scope("model") as model, mg.scope("layer"):
        x = Value(2.0) * 3
        y = x * x
    x2, y2 = copied((x, y))
    assert y2.scope.path == ("model", "layer")
    assert x2.scope is y2.scope
    assert y2.scope.parent is not model
