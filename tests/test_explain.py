"""`explain`: the chain rule as it is written out, in text and in LaTeX."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd import (
    Op,
    Tensor,
    Value,
    exp,
    mean,
    no_grad,
    relu,
    sigmoid,
    softmax_cross_entropy,
    tanh,
    topological_order,
    trace_backward,
    where,
)
from micrograd.errors import ArgumentError, GradientError, OperandError, StaleGraphError
from viz import Explanation, explain, step
from viz.telling.chain import chain_between, paths_of
from viz.telling.derivation import LINES, PATHS

SAME = "backward() gives the same"
NASTY = ('<script>alert(1)</script>"];', "$x_1^{", "50 % of a_b & c#", "\\alpha", "a\nb")


def apple() -> tuple[Value, Value]:
    """Return the price of two apples with tax, and the price of one apple."""
    one, count, tax = (
        Value(100.0, label="apple"),
        Value(2.0, label="count"),
        Value(1.1, label="tax"),
    )
    total = one * count
    total.label = "total"
    price = total * tax
    price.label = "price"
    return price, one


def labelled(data: float, label: str) -> Value:
    """Return a leaf with a label."""
    return Value(data, label=label)


# -- paths


def test_the_apple() -> None:
    price, one = apple()
    assert explain(price, wrt=one).text.splitlines() == [
        "∂price/∂apple = ∂price/∂total · ∂total/∂apple = 1.1 · 2 = 2.2",
        "",
        "  ∂price/∂total = ∂(total·tax)/∂total = tax = 1.1",
        "  ∂total/∂apple = ∂(apple·count)/∂apple = count = 2",
        "",
        f"{SAME}: 2.2",
    ]


def test_a_node_used_twice_by_one_operation_has_two_paths() -> None:
    x = labelled(3.0, "x")
    assert explain(x * x, wrt=x).text.splitlines() == [
        "∂y/∂x is the sum over 2 paths:",
        "",
        "  x₁ → y:  ∂y/∂x₁ = 3",
        "  x₂ → y:  ∂y/∂x₂ = 3",
        "",
        "  ∂y/∂x₁ = ∂(x₁·x₂)/∂x₁ = x₂ = 3   (x₁ is x as argument 1)",
        "  ∂y/∂x₂ = ∂(x₁·x₂)/∂x₂ = x₁ = 3   (x₂ is x as argument 2)",
        "",
        "∂y/∂x = 3 + 3 = 6",
        "",
        f"{SAME}: 6",
    ]


def test_a_single_step_is_one_line() -> None:
    x = labelled(0.0, "x")
    assert explain(sigmoid(x), wrt=x).text.splitlines() == [
        "∂y/∂x = ∂sigmoid(x)/∂x = y·(1 − y) = 0.5·(1 − 0.5) = 0.25",
        "",
        f"{SAME}: 0.25",
    ]


def test_an_operation_without_formulas_is_differentiated_by_names_and_not_by_numbers() -> None:
    twice = Op("twice", lambda x: 2 * x, (lambda g, y, x: 2 * g,))
    x = labelled(3.0, "x")
    assert explain(twice(x), wrt=x).text.startswith("∂y/∂x = ∂twice(x)/∂x = 2\n")
    assert "x: upstream 1 × local ∂twice(x)/∂x = 2 → 2" in str(step(twice(x)))


def test_beside_other_paths_the_direct_one_is_told_apart_from_the_whole() -> None:
    x = labelled(2.0, "x")
    lines = explain(x * exp(x), wrt=x).text.splitlines()
    assert "  x → t1 → y:  ∂y/∂t1 · ∂t1/∂x = 2 · 7.389 = 14.78" in lines
    assert "  x → y:  ∂(x·t1)/∂x = 7.389" in lines
    assert "∂y/∂x = 14.78 + 7.389 = 22.17" in lines


def test_negative_factors_stand_in_parentheses() -> None:
    x = labelled(2.0, "x")
    text = explain((5 - x) * -3.0, wrt=x).text
    assert "∂y/∂t1 · ∂t1/∂x = -3 · (-1) = 3" in text


def test_a_factor_of_zero_is_written_out() -> None:
    x = labelled(-2.0, "x")
    text = explain(relu(x) * 3.0, wrt=x).text
    assert "∂t1/∂x = ∂max(0, x)/∂x = (1 if x > 0 else 0) = 0" in text
    assert "3 · 0 = 0" in text


def test_numbers_are_written_as_asked() -> None:
    price, one = apple()
    assert "= 1.100 · 2.000 = 2.200" in explain(price, wrt=one, number_format=".3f").text
    with pytest.raises(ArgumentError, match="number_format"):
        explain(price, wrt=one, number_format="d!")


def test_nodes_are_called_as_asked() -> None:
    price, one = apple()
    assert explain(price, one, names={"a": one, "p": price}).text.startswith("∂p/∂a = ")
    assert explain(price, one, a=one).text.startswith("∂price/∂a = ")
    fruit, y = Value(3.0), Value(4.0)
    product = fruit * y
    assert explain(product, fruit, names="caller").text.startswith(
        "∂product/∂fruit = ∂(fruit·y)/∂fruit = y = 4"
    )
    with pytest.raises(ArgumentError, match="names"):
        explain(price, wrt=one, names="caler")


def test_nodes_of_one_label_get_names_that_differ() -> None:
    x = labelled(0.5, "x")
    h = x
    for _ in range(3):
        h = tanh(h)
        h.label = "h"
    text = explain(h, wrt=x).text
    assert "∂(h (3))/∂(h (2)) · ∂(h (2))/∂h · ∂h/∂x" in text


def test_a_node_is_differentiated_by_itself() -> None:
    x = labelled(3.0, "x")
    assert explain(x, wrt=x).text.splitlines()[0] == "∂x/∂x = 1"
    t = Tensor([1.0, 2.0], label="t")
    assert explain(t, wrt=t).text.splitlines()[0] == "∂t/∂t = 1"


def test_what_passes_no_gradient_on_gives_zero() -> None:
    x, a = labelled(1.0, "x"), labelled(2.0, "a")
    text = explain(where(x, a, 3.0), wrt=x).text
    assert text.splitlines()[0] == "∂y/∂x = 0"
    assert "No gradient flows from y to x" in text


def test_inner_nodes_can_be_asked_for() -> None:
    x = labelled(0.5, "x")
    h = tanh(x)
    h.label = "h"
    assert explain(h * 3, wrt=h).text.startswith("∂y/∂h = ∂(h·3)/∂h = 3")


# -- truth


STEPS: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.mul,
    operator.sub,
    lambda a, b: tanh(a),
    lambda a, b: b * 2.0,
]


@st.composite
def graphs(draw: st.DrawFn) -> list[Any]:
    """Return the nodes of a random program on two numbers."""
    nodes: list[Any] = [labelled(0.75, "u"), labelled(-0.5, "v")]
    for _ in range(draw(st.integers(1, 7))):
        a, b = (nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        nodes.append(draw(st.sampled_from(STEPS))(a, b))
    return nodes


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_paths_and_lines_give_the_gradient_of_the_engine(nodes: list[Any]) -> None:
    root = nodes[-1]
    order = topological_order(root)
    flow = trace_backward(root)
    for wrt in order:
        if not wrt.requires_grad:
            continue
        explanation = explain(root, wrt=wrt, number_format=".17g")
        chain = chain_between(order, flow, wrt)
        last = explanation.text.splitlines()[-1]
        if wrt is not root:
            assert last.startswith(SAME)
            said = float(last.rpartition(": ")[2])
            assert said == pytest.approx(flow.gradients[wrt], rel=1e-9, abs=1e-12)
            paths = paths_of(chain)
            assert len(paths) == chain.path_count
            assert len(set(paths)) == len(paths)
            if "factored" not in explanation.text and len(paths) > 1:
                products = re.findall(
                    r"→.*:(?:.|\n)*? = (-?[\d.e+-]+)\n(?=  \w|\n)", explanation.text
                )
                assert sum(map(float, products)) == pytest.approx(said, rel=1e-6, abs=1e-9)


def test_a_wrong_slope_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    price, one = apple()
    writer = explain.__globals__["EquationWriter"]  # of whatever module was imported last
    monkeypatch.setattr(writer, "slope", lambda self, edge: 5.0)
    assert "backward() gives 2.2, which differs" in explain(price, wrt=one).text


def test_nothing_is_changed_and_no_backward_is_needed() -> None:
    price, one = apple()
    explain(price, wrt=one)
    assert not any(node.has_grad for node in topological_order(price))
    price.backward()
    before = [node.grad for node in topological_order(price)]  # pyright: ignore[reportAttributeAccessIssue]
    explain(price, wrt=one)
    assert [node.grad for node in topological_order(price)] == before  # pyright: ignore[reportAttributeAccessIssue]


def test_it_works_under_no_grad() -> None:
    price, one = apple()
    with no_grad():
        assert "2.2" in explain(price, wrt=one).text


# -- node by node


def doubled(times: int) -> tuple[Value, Value]:
    """Return a chain in which each node is used twice by the next, and its beginning."""
    x = labelled(1.0, "x")
    y = x
    for _ in range(times):
        y = y + y
    return y, x


def test_up_to_eight_paths_are_written_out_and_more_are_factored() -> None:
    y, x = doubled(3)
    assert PATHS == 8
    assert explain(y, wrt=x).text.count("→ y:") == 8
    y, x = doubled(4)
    lines = explain(y, wrt=x).text.splitlines()
    assert lines == [
        "∂y/∂x is the sum over 16 paths; factored, a line for each node from y back to x:",
        "",
        "∂y/∂t3 = 1 + 1 = 2",
        "∂y/∂t2 = ∂y/∂t3 + ∂y/∂t3 = 2 + 2 = 4",
        "∂y/∂t1 = ∂y/∂t2 + ∂y/∂t2 = 4 + 4 = 8",
        "∂y/∂x = ∂y/∂t1 + ∂y/∂t1 = 8 + 8 = 16",
        "",
        f"{SAME}: 16",
    ]


def test_only_what_lies_between_has_a_line() -> None:
    x, w = labelled(0.5, "x"), labelled(2.0, "w")
    h = x
    for _ in range(12):
        h = tanh(h)
    text = explain(h * exp(w) + w, wrt=x).text
    lines = [line for line in text.splitlines() if line.startswith("∂y/∂")]
    assert len(lines) == 1 + 14  # the sentence, the product, and all twelve before it, and x
    assert not any(line.startswith("∂y/∂w") for line in lines)
    assert lines[2].startswith("∂y/∂t12 = ∂y/∂t14·t13 = ")


def test_two_to_the_sixtieth_paths_are_quick() -> None:
    y, x = doubled(60)
    text = explain(y, wrt=x).text  # in this life
    assert "1,152,921,504,606,846,976 paths" in text
    assert len(text.splitlines()) == 60 + 4


def test_of_a_long_chain_the_middle_is_left_out() -> None:
    x = labelled(0.5, "x")
    y: Any = x
    for _ in range(10_000):
        y = y * 1.0001
    lines = explain(y, wrt=x).text.splitlines()
    (cut,) = [i for i, line in enumerate(lines) if line.startswith("…")]
    assert lines[cut].startswith("… 9,941 lines are left out. To see some of them, explain y by")
    assert len([line for line in lines if line.startswith("∂y/∂")]) == LINES - 1 + 1
    assert lines[-3].startswith("∂y/∂x = ")
    assert lines[-1] == f"{SAME}: 2.718"


def test_huge_numbers_of_paths_are_not_counted_out() -> None:
    y, x = doubled(200)
    assert "more than 10³⁰ paths" in explain(y, wrt=x).text


def test_a_node_used_very_often_has_a_line_of_bounded_length() -> None:
    x = labelled(0.5, "x")
    h = tanh(x)
    y: Any = h * 1.0
    for _ in range(1000):
        y = y + h
    text = explain(y, wrt=x).text
    assert "+ … (993 more)\n    = 1001" in text
    assert max(map(len, text.splitlines())) < 400


# -- arrays


def layer() -> tuple[Tensor, Tensor, Tensor]:
    """Return a loss of a layer, its weights and its bias."""
    x = Tensor(np.ones((5, 4)), requires_grad=False, label="x")
    w = Tensor(np.arange(12.0).reshape(4, 3) / 10, label="W")
    b = Tensor(np.zeros(3), label="b")
    s = x @ w + b
    s.label = "s"
    loss = softmax_cross_entropy(s, np.array([0, 1, 2, 1, 0]))
    loss.label = "L"
    return loss, w, b


def test_a_layer_says_what_is_done_with_the_gradient() -> None:
    loss, w, b = layer()
    assert explain(loss, wrt=w).text.splitlines() == [
        "∂L/∂W, a line for each node from L back to W:",
        "",
        "∂L/∂s = (softmax(s) − onehot(x1))/5   (shape (5, 3), mean magnitude 0.09258)",
        "∂L/∂t1 = ∂L/∂s   (shape (5, 3), mean magnitude 0.09258)",
        "∂L/∂W = xᵀ @ ∂L/∂t1   (shape (4, 3), mean magnitude 0.1812)",
        "",
        f"{SAME}: shape (4, 3), mean magnitude 0.1812",
    ]
    line = explain(loss, wrt=b).text.splitlines()[3]
    assert re.fullmatch(
        r"∂L/∂b = Σ\(∂L/∂s, axis 0\) = \[.*\]   \(summed over axis 0, where b was broadcast\)", line
    )


def test_of_an_array_the_sum_is_differentiated() -> None:
    x = Tensor([1.0, 2.0], label="x")
    lines = explain(x * x, wrt=x).text.splitlines()
    assert lines[2] == ("∂y/∂y = ones of shape (2,), as the sum of its elements is differentiated")
    assert lines[3] == "∂y/∂x = ∂y/∂y·x₂ + ∂y/∂y·x₁ = [2, 4]"


def test_arrays_of_no_elements_and_of_one_are_told() -> None:
    x = Tensor(np.zeros((0, 3)), label="x")
    assert "shape (0, 3)" in explain((x * 2.0).sum(), wrt=x).text
    one = Tensor(3.0, label="one")
    assert explain(one * one, wrt=one).text.splitlines()[-1] == f"{SAME}: 6"


def test_float32_may_round() -> None:
    x = Tensor(np.linspace(0.1, 1, 50, dtype=np.float32), label="x")
    assert SAME in explain(mean(tanh(x * x)), wrt=x).text


# -- what cannot be


def test_what_is_no_node_is_refused() -> None:
    price, one = apple()
    with pytest.raises(OperandError, match="root came as a float"):
        explain(3.0, wrt=one)  # pyright: ignore[reportArgumentType]
    with pytest.raises(OperandError, match="wrt came as a str"):
        explain(price, wrt="apple")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OperandError, match="colour"):
        explain(price, wrt=one, colour=3)  # pyright: ignore[reportArgumentType]


def test_a_node_that_is_not_in_the_graph_is_refused() -> None:
    price, one = apple()
    with pytest.raises(ArgumentError, match="not computed from wrt, a Value 'kiwi'"):
        explain(price, wrt=labelled(1.0, "kiwi"))
    with pytest.raises(ArgumentError, match="made by multiply"):
        explain(one * 2, wrt=price * 3)


def test_what_requires_no_gradient_is_refused() -> None:
    x = labelled(2.0, "x")
    constant = Value(3.0, requires_grad=False, label="c")
    with pytest.raises(GradientError, match="wrt, a Value 'c', requires no gradient"):
        explain(x * constant, wrt=constant)
    with pytest.raises(GradientError, match="root, a Value"):
        explain(constant, wrt=constant)


def test_a_stale_graph_is_refused() -> None:
    x = labelled(2.0, "x")
    y = x * x
    x.data = 5.0
    with pytest.raises(StaleGraphError):
        explain(y, wrt=x)


# -- how it is shown


@pytest.mark.parametrize("label", NASTY)
def test_a_label_comes_out_as_text(label: str) -> None:
    x = labelled(2.0, label)
    explanation = explain(x * x.exp(), wrt=x)
    assert " ".join(label.split()) in explanation.text
    latex = explanation.latex
    assert "<s" not in latex
    bare = re.sub(r"\\[{}\\$&#_%]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert "$" not in bare
    assert "#" not in bare
    assert "%" not in bare


def test_latex_says_the_same() -> None:
    price, one = apple()
    latex = explain(price, wrt=one).latex
    assert latex.splitlines()[:2] == [
        r"\begin{aligned}",
        r"& \frac{\partial \text{price}}{\partial \text{apple}} = "
        r"\frac{\partial \text{price}}{\partial \text{total}} \cdot "
        r"\frac{\partial \text{total}}{\partial \text{apple}} = 1.1 \cdot 2 = 2.2 \\[1ex]",
    ]
    assert latex.endswith("\\end{aligned}")


def test_numbered_arguments_have_subscripts_in_latex() -> None:
    x = labelled(2.0, "x")
    h = tanh(x)
    latex = explain(h * h, wrt=x).latex
    assert "t_{1,1} \\cdot t_{1,2}" in latex
    assert "₁" not in latex


def test_a_notebook_gets_latex_and_text() -> None:
    price, one = apple()
    explanation = explain(price, wrt=one)
    assert isinstance(explanation, Explanation)
    bundle = explanation._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex"}
    assert bundle["text/plain"] == repr(explanation) == str(explanation) == explanation.text
    assert bundle["text/latex"] == f"$$\n{explanation.latex}\n$$"
    assert set(explanation._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert set(explanation._repr_mimebundle_(exclude=["text/plain"])) == {"text/latex"}


def test_the_display_hook_falls_back_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    price, one = apple()
    explanation = explain(price, wrt=one)

    def fail(self: Explanation) -> str:
        raise RuntimeError

    monkeypatch.setattr(Explanation, "latex", property(fail))
    assert set(explanation._repr_mimebundle_()) == {"text/plain"}


def test_an_explanation_keeps_the_moment_it_was_asked_for() -> None:
    price, one = apple()
    explanation = explain(price, wrt=one)
    before = explanation.text
    one.label, one.data = "pear", 3.0
    assert explanation.text == before


def test_it_is_the_same_each_time() -> None:
    loss, w, _ = layer()
    assert explain(loss, wrt=w).latex == explain(loss, wrt=w).latex
