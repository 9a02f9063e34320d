"""Composite operations taken apart: the same numbers at the rim, and nothing else touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from micrograd import (
    Tensor,
    Value,
    exp,
    mean,
    no_grad,
    scope,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    tanh,
    topological_order,
    trace_backward,
)
from micrograd.errors import ArgumentError, OperandError
from tests.domains import TABLE
from viz import draw
from viz.graph.expand import _run, expanded, wanted
from viz.graph.recipes import RECIPES
from viz.graph.snapshot import take_snapshot


def symbols(root: Any, expand: Any) -> list[str]:
    """Return the symbols of the operations that a snapshot shows."""
    items = take_snapshot((root,), expand=expand).items
    return [item.symbol for item in items if item.symbol]


def composite(name: str, data: st.DataObject) -> Any:
    """Draw a node that an operation made, of float64, with numbers that are not extreme."""
    sample = data.draw(TABLE[name].samples())
    root = sample.call(*sample.leaves())
    node: Any = next(n for n in topological_order(root) if n.op is not None and n.op.name == name)
    assume(all(np.asarray(p.data).dtype != np.float32 for p in node.parents))
    return node


# -- the numbers


@pytest.mark.parametrize("name", sorted(RECIPES))
@settings(max_examples=30)
@given(data=st.data())
def test_the_primitives_give_the_numbers_of_the_composite(name: str, data: st.DataObject) -> None:
    node = composite(name, data)
    g = np.random.default_rng(0).normal(size=np.shape(node.data))
    gradient = float(g) if isinstance(node, Value) else g
    node.grad = gradient
    parents = cast("Sequence[Any]", node.parents)
    copies: list[Any] = [type(p)(p.data, requires_grad=p.requires_grad) for p in parents]
    last = _run(node, copies)
    np.testing.assert_allclose(last.data, node.data, rtol=1e-12, atol=1e-12)
    for contribution in trace_backward(node, gradient).contributions:
        if contribution.node is node:
            copy = copies[contribution.argument]
            np.testing.assert_allclose(copy.grad, contribution.value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", sorted(RECIPES))
@settings(max_examples=5)
@given(data=st.data())
def test_the_composite_is_gone_and_the_rim_is_as_it_was(name: str, data: st.DataObject) -> None:
    node = composite(name, data)
    node.backward(None if np.ndim(node.data) == 0 else np.ones_like(node.data))
    before, after = take_snapshot((node,)).items, take_snapshot((node,), expand=name).items
    assert [item.symbol for item in after] != [item.symbol for item in before]
    assert (after[-1].value, after[-1].gradient) == (before[-1].value, before[-1].gradient)
    shown = [(item.name, item.value, item.gradient) for item in after]
    for parent, item in zip(topological_order(node), before, strict=True):
        if parent.requires_grad and parent is not node:
            assert (item.name, item.value, item.gradient) in shown


def test_sigmoid_as_the_book_takes_it_apart() -> None:
    x = Value(1.0, label="x")
    y = sigmoid(x)
    y.backward()
    assert symbols(y, "sigmoid") == ["×", "exp", "+", "/"]
    items = take_snapshot((y,), expand="sigmoid").items
    numbers = {item.symbol: (*item.value, *item.gradient) for item in items if item.symbol}
    assert numbers == {
        "×": ("-1", "-0.1966"),
        "exp": ("0.3679", "-0.5344"),
        "+": ("1.368", "-0.5344"),
        "/": ("0.7311", "1"),
    }
    assert x.grad == pytest.approx(0.19661193)


def test_softmax_with_loss_as_the_book_takes_it_apart() -> None:
    scores = Tensor([[0.3, 2.9, 4.0]], label="a")
    loss = softmax_cross_entropy(scores, np.array([2]))
    loss.backward()
    assert symbols(loss, "softmax_cross_entropy") == ["exp", "Σ", "/", "log", "×", "Σ", "−"]
    names = [item.name for item in take_snapshot((loss,), expand=True).items]
    assert "one-hot" in names
    assert "a" in names


def test_large_numbers_are_shifted_so_that_nothing_overflows() -> None:
    y = softmax(Tensor([1000.0, 1001.0]))
    values = [item.value for item in take_snapshot((y,), expand="softmax").items]
    shown = [str(line) for lines in values for line in lines]
    assert not any("inf" in line or "nan" in line for line in shown)


# -- where it stands


def test_what_is_used_twice_is_so_when_taken_apart() -> None:
    x = Value(0.5, label="x")
    s = sigmoid(x)
    s.label = "s"
    y = s * s
    y.backward()
    items = take_snapshot((y,), expand="sigmoid").items
    (last,) = [i for i, item in enumerate(items) if item.name == "s"]
    assert items[last].symbol == "/"
    assert items[-1].inputs == (last, last)
    assert items[last].gradient == take_snapshot((y,)).items[1].gradient


def test_an_argument_used_elsewhere_too_keeps_its_whole_gradient() -> None:
    x = Value(0.5, label="x")
    y = sigmoid(x) * x
    y.backward()
    (shown,) = [item for item in take_snapshot((y,), expand=True).items if item.name == "x"]
    assert shown.gradient == (format(x.grad, ".4g"),)


def test_composites_in_a_row_are_taken_apart_each() -> None:
    y = tanh(sigmoid(Value(0.5)))
    assert symbols(y, "tanh") == ["sigmoid", "×", "exp", "−", "+", "/"]
    assert len(symbols(y, ["tanh", "sigmoid"])) == 9
    assert symbols(y, True) == symbols(y, ("sigmoid", "tanh"))
    assert symbols(y, False) == ["sigmoid", "tanh"]


def test_without_gradients_a_dash_is_shown() -> None:
    items = take_snapshot((sigmoid(Value(1.0)),), expand=True).items
    assert {item.gradient for item in items if item.symbol} == {("–",)}


def test_what_requires_no_gradient_shows_none() -> None:
    items = take_snapshot((sigmoid(Value(1.0, requires_grad=False)),), expand=True).items
    assert {item.gradient for item in items} == {()}


def test_a_gradient_that_is_a_node_is_taken_as_its_data() -> None:
    y = sigmoid(Value(1.0))
    y.backward(create_graph=True)
    items = take_snapshot((y,), expand=True).items
    assert ("-0.5344",) in [item.gradient for item in items]


def test_the_graph_is_not_touched() -> None:
    x = Tensor([0.5, 1.0], label="x")
    y = mean(sigmoid(x))
    y.backward()
    nodes: list[Any] = topological_order(y)
    before = [(n, n.op, n.parents, n.data.copy(), n.grad.copy()) for n in nodes]
    draw(y, expand=True)
    nodes = topological_order(y)
    after = [(n, n.op, n.parents, n.data.copy(), n.grad.copy()) for n in nodes]
    assert len(before) == len(after)
    for (*one, data, grad), (*other, new_data, new_grad) in zip(before, after, strict=True):
        assert [id(part) for part in one[:2]] == [id(part) for part in other[:2]]
        assert one[2] == other[2]
        np.testing.assert_array_equal(data, new_data)
        np.testing.assert_array_equal(grad, new_grad)


def test_names_highlights_and_neighbourhoods_hold_in_an_expanded_graph() -> None:
    x, w = Value(0.5), Value(2.0)
    s = sigmoid(x * w)
    y = s + 1
    names = [i.name for i in take_snapshot((y,), names={"x": x, "s": s}, expand=True).items]
    assert "x" in names
    assert "s" in names
    strong = take_snapshot((y,), highlight=x, expand=True).items
    assert {item.symbol for item in strong if item.is_strong} >= {"×", "exp", "+", "/"}
    near = take_snapshot((y,), around=[s], depth=1, expand=True).items
    assert [item.symbol for item in near if item.symbol] == ["+", "/", "+"]


def test_expanded_nodes_stand_in_the_scope_of_the_composite() -> None:
    with scope("layer"):
        y = sigmoid(Value(1.0))
    with scope("drawing"):
        stand = expanded([y], ["sigmoid"])[y]
    assert {n.scope for n in topological_order(stand) if n.op} == {y.scope}


def test_it_works_where_nothing_is_recorded() -> None:
    y = sigmoid(Value(1.0))
    y.backward()
    with no_grad():
        assert symbols(y, True) == ["×", "exp", "+", "/"]


def test_a_closure_that_bears_the_name_is_left_alone() -> None:
    x = Value(0.5)
    y = Value(7.0, (x,), "tanh", backward=lambda g: g)
    assert symbols(y, "tanh") == ["tanh"]


def test_a_deep_graph_is_taken_apart() -> None:
    y = Value(0.5)
    for _ in range(3000):
        y = sigmoid(y)
    assert len(topological_order(expanded([y], {"sigmoid"})[y])) == 3000 * 7 + 1


def test_drawing_takes_apart_with_and_without_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Value(1.0, label="x")
    y = sigmoid(x)
    y.backward()
    for _ in range(2):
        svg = draw(y, expand="sigmoid").svg
        assert re.search(r">exp<", svg)
        assert not re.search(r">sigmoid<", svg)
        monkeypatch.setenv("PATH", "")


# -- what cannot be


@pytest.mark.parametrize("expand", ["sigmoids", ["sigmoid", "matmul"], {"add"}])
def test_an_unknown_name_is_refused_with_those_that_are_known(expand: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expand: '\w+' is no .*elu.*sigmoid.*var"):
        draw(sigmoid(Value(1.0)), expand=expand)


@pytest.mark.parametrize("expand", [3, None, {"sigmoid": 1}])
def test_something_else_than_names_is_refused(expand: Any) -> None:
    with pytest.raises(ArgumentError, match="expand: came as"):
        wanted(expand)


def test_a_root_that_is_no_node_is_refused_first() -> None:
    with pytest.raises(OperandError, match="root 1"):
        draw(3.0, expand=True)  # pyright: ignore[reportArgumentType]


def test_what_is_primitive_stays() -> None:
    assert symbols(exp(Value(1.0)) * 2, True) == ["exp", "×"]
