"""The story of a computation: what each step says, and what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from micrograd import Node, Tensor, Value, exp, matmul, relu, topological_order, where
from micrograd.errors import ArgumentError, OperandError, StaleGraphError
from viz.telling.story import Step, tell


def apple() -> Value:
    """Return the price of two apples with tax."""
    total = Value(100.0, label="apple") * Value(2.0, label="count")
    total.label = "total"
    price = total * Value(1.1, label="tax")
    price.label = "price"
    return price


def sigmoid_in_parts() -> Value:
    """Return the sigmoid of 1, from × and exp and + and /."""
    return Value(1.0, requires_grad=False) / (1 + exp(Value(1.0, label="x") * -1))


def told(root: Node, **options: object) -> list[tuple[str, ...]]:
    """Return the title and lines of each step."""
    return [(step.title, *step.lines) for step in tell(root, **options).steps]  # pyright: ignore


def test_the_story_of_the_apple() -> None:
    assert tell(apple()).steps == (
        Step(
            "forward",
            "Forward: the inputs",
            ("apple = 100", "count = 2", "tax = 1.1"),
            values=(0, 1, 3),
            nodes=(0, 1, 3),
        ),
        Step(
            "forward",
            "Forward: × computes total",
            ("total = apple·count = 100·2 = 200",),
            values=(2,),
            nodes=(2,),
            edges=((0, 2), (1, 2)),
        ),
        Step(
            "forward",
            "Forward: × computes price",
            ("price = total·tax = 200·1.1 = 220",),
            values=(4,),
            nodes=(4,),
            edges=((2, 4), (3, 4)),
        ),
        Step(
            "backward",
            "Backward: start at price",
            ("∂price/∂price = 1",),
            gradients=(4,),
            nodes=(4,),
        ),
        Step(
            "backward",
            "Backward: × passes on the gradient of price",
            (
                "total: upstream 1 × local ∂(total·tax)/∂total = tax = 1.1 → 1.1",
                "tax: upstream 1 × local ∂(total·tax)/∂tax = total = 200 → 200",
            ),
            gradients=(2, 3),
            nodes=(4,),
            edges=((2, 4), (3, 4)),
        ),
        Step(
            "backward",
            "Backward: × passes on the gradient of total",
            (
                "apple: upstream 1.1 × local ∂(apple·count)/∂apple = count = 2 → 2.2",
                "count: upstream 1.1 × local ∂(apple·count)/∂count = apple = 100 → 110",
            ),
            gradients=(0, 1),
            nodes=(2,),
            edges=((0, 2), (1, 2)),
        ),
        Step(
            "backward",
            "Backward: all gradients are known",
            ("∂price/∂apple = 2.2", "∂price/∂count = 110", "∂price/∂tax = 200"),
            nodes=(0, 1, 3),
        ),
    )


def test_the_story_of_the_sigmoid() -> None:
    assert told(sigmoid_in_parts()) == [
        ("Forward: the inputs", "x = 1"),
        ("Forward: × computes t1", "t1 = x·(-1) = 1·(-1) = -1"),
        ("Forward: exp computes t2", "t2 = exp(t1) = exp(-1) = 0.3679"),
        ("Forward: + computes t3", "t3 = 1 + t2 = 1 + 0.3679 = 1.368"),
        ("Forward: / computes y", "y = 1/t3 = 1/1.368 = 0.7311"),
        ("Backward: start at y", "∂y/∂y = 1"),
        (
            "Backward: / passes on the gradient of y",
            "t3: upstream 1 × local ∂(1/t3)/∂t3 = −1/t3² = −1/1.368² = -0.5344 → -0.5344",
        ),
        (
            "Backward: + passes on the gradient of t3",
            "t2: upstream -0.5344 × local ∂(1 + t2)/∂t2 = 1 → -0.5344",
        ),
        (
            "Backward: exp passes on the gradient of t2",
            "t1: upstream -0.5344 × local ∂exp(t1)/∂t1 = t2 = 0.3679 → -0.1966",
        ),
        (
            "Backward: × passes on the gradient of t1",
            "x: upstream -0.1966 × local ∂(x·(-1))/∂x = -1 → 0.1966",
        ),
        ("Backward: all gradients are known", "∂y/∂x = 0.1966"),
    ]


def test_contributions_are_added_up_where_a_node_is_used_twice() -> None:
    apple = Value(4.0, label="apple")
    (addition,) = [step for step in tell(apple * 4 + apple * 3).steps if "adds up" in step.title]
    assert addition.title == "Backward: apple adds up what it gets"
    assert addition.lines == ("apple gets 3 from × (t2) and 4 from × (t1): 3 + 4 = 7",)
    assert addition.gradients == (0,)
    assert addition.edges == ((0, 4), (0, 2))
    assert told(apple * 4 + apple)[-2][1] == "apple gets 1 from + and 4 from ×: 1 + 4 = 5"
    assert told(apple - apple * 4)[-2][1] == "apple gets 1 from − and -4 from ×: 1 + (-4) = -3"


def test_a_gradient_is_known_only_when_all_contributions_have_come() -> None:
    x = Value(3.0, label="x")
    steps = tell(x * x + x).steps
    shown = [step.gradients for step in steps if step.phase == "backward"]
    assert shown == [(2,), (1,), (), (0,), ()]


def test_an_argument_that_stands_twice_is_told_apart() -> None:
    x = Value(3.0, label="x")
    steps = told(x * x)
    assert steps[1] == ("Forward: × computes y", "y = x·x = 3·3 = 9")
    assert steps[3][1:] == (
        "x as x₁: upstream 1 × local ∂(x₁·x₂)/∂x₁ = x₂ = 3 → 3",
        "x as x₂: upstream 1 × local ∂(x₁·x₂)/∂x₂ = x₁ = 3 → 3",
    )
    assert steps[4][1] == "x gets 3 from × and 3 from ×: 3 + 3 = 6"


def test_many_contributions_are_told_in_short() -> None:
    x = Value(1.0, label="x")
    total = x * 1
    for _ in range(11):
        total = total + x
    line = told(total)[-2][1]
    assert line.endswith("and 4 more: the sum of all 12 is 12")
    assert line.count("1 from +") == 8


def test_a_derivative_by_cases_is_told_with_its_number() -> None:
    x = Value(-3.0, label="x")
    assert told(relu(x))[3][1] == (
        "x: upstream 1 × local ∂max(0, x)/∂x = (1 if x > 0 else 0) = 0 → 0"
    )


def test_tensors_are_told_with_shapes_and_ranges() -> None:
    X = Tensor(np.arange(6.0).reshape(3, 2), requires_grad=False, label="X")
    W = Tensor(np.full((2, 4), 0.5), label="W")
    b = Tensor(np.zeros(4), label="b")
    steps = told(relu(matmul(X, W) + b).mean())
    assert steps[0][1:] == (
        "X = (3, 2) float64, 0 to 5",
        "W = (2, 4) float64, all 0.5",
        "b = (4,) float64 [0 0 0 0]",
    )
    assert steps[1] == (
        "Forward: matmul computes t1",
        "t1 = X @ W: (3, 2) @ (2, 4) → (3, 4)",
        "t1 = (3, 4) float64, 0.5 to 4.5",
    )
    assert steps[4][1:] == ("y = mean(t3): mean((3, 4)) → 2.5", "y = 2.5 float64")
    assert steps[6][1] == (
        "t3: upstream 1 is passed on as upstream/12 repeated to (3, 4) → (3, 4), all 0.08333"
    )
    assert steps[9][1] == (
        "W: upstream (3, 4), all 0.08333 is passed on as Xᵀ @ upstream → (2, 4), 0.5 to 0.75"
    )


def test_a_sum_that_undoes_broadcasting_is_told_and_noted_on_the_edge() -> None:
    b = Tensor(np.zeros(4), label="b")
    story = tell(Tensor(np.ones((3, 4)), label="x") + b)
    assert story.steps[3].lines[1] == (
        "b: upstream (3, 4), all 1 × local ∂(x + b)/∂b = 1, summed over axis 0 to undo "
        "broadcasting, → (4,) [3 3 3 3]"
    )
    assert story.snapshot.items[-1].notes == ("", "Σ axis 0")


def test_a_root_that_is_an_array_starts_with_ones() -> None:
    steps = told(Tensor(np.ones((2, 3)), label="x") * 2)
    assert steps[2] == ("Backward: start at y", "∂y/∂y = (2, 3), all 1 (ones, to start with)")


def test_what_is_not_finite_is_told() -> None:
    x = Tensor(np.array([1.0, np.nan, np.inf, 0, 0]), label="x")
    assert told(x)[0][1] == "x = (5,) float64, 0 to 1 ⚠ 1 nan ⚠ 1 inf"


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.array([True]), np.arange(9)])
def test_odd_arrays_are_told(array: np.ndarray) -> None:
    assert told(Tensor(array, requires_grad=False, label="x"))[0][1].startswith("x = (")


def test_a_root_without_gradient_is_told_forwards_only() -> None:
    steps = tell(Value(1.0, requires_grad=False) * 2).steps
    assert {step.phase for step in steps} == {"forward"}
    assert steps[0].lines == ("All inputs are constants.",)
    assert steps[-1].lines == ("2 requires no gradient: nothing that it is computed from does.",)
    assert tell((Tensor([1, 2]) ** 2).sum()).steps[-1].lines == (
        "5 requires no gradient: nothing that it is computed from does.",
        "Its dtype is int64: give floats, as in Tensor([1.0, 2.0]).",
    )


def test_a_leaf_alone_has_a_story() -> None:
    assert told(Value(3.0)) == [
        ("Forward: the inputs", "x1 = 3"),
        ("Backward: start at x1", "∂x1/∂x1 = 1"),
    ]


def test_no_gradient_is_changed_nor_needed() -> None:
    x = Value(3.0, label="x")
    y = x * x
    tell(y)
    assert not any(node.has_grad for node in topological_order(y))
    y.backward()
    y.backward()
    story = tell(y)
    assert x.grad == 12
    assert story.steps[-1].lines == ("∂y/∂x = 6",)
    assert [item.gradient for item in story.snapshot.items] == [("6",), ("1",)]


def test_names_win_over_labels_and_made_up_names_avoid_them() -> None:
    x, t1 = Value(2.0, label="x"), Value(3.0, label="t1")
    steps = told((x * t1) * x, names={"apple": x})
    assert steps[1][1] == "t2 = apple·t1 = 2·3 = 6"
    assert steps[2][1] == "y = t2·apple = 6·2 = 12"


def test_nodes_of_one_name_are_told_apart() -> None:
    story = tell(Value(2.0, label="w") * Value(3.0, label="w") + 1)
    assert story.steps[0].lines == ("w = 2", "w (2) = 3")
    assert story.steps[1].lines == ("t1 = w·w (2) = 2·3 = 6",)
    assert [item.name for item in story.snapshot.items[:2]] == ["w", "w (2)"]


def test_a_name_of_several_words_stands_in_parentheses() -> None:
    steps = told(Value(2.0, label="apple count") * 3)
    assert steps[3][1] == "apple count: upstream 1 × local ∂(apple count·3)/∂(apple count) = 3 → 3"
    assert steps[-1][1] == "∂y/∂(apple count) = 3"


def test_the_picture_has_the_names_of_the_story() -> None:
    items = tell(sigmoid_in_parts()).snapshot.items
    assert [item.name for item in items] == ["", "", "x", "", "t1", "t2", "t3", "y"]


def test_each_node_is_told_of() -> None:
    _, _, total, _, price = tell(apple()).descriptions
    assert (total.name, total.formula) == ("total", "total = apple·count")
    assert total.known == "total = apple·count = 100·2 = 200"
    assert (total.gradient, total.unknown) == (
        "∂price/∂total = 1.1",
        "∂price/∂total: not computed so far",
    )
    assert total.slopes == (
        "∂(apple·count)/∂apple = count = 2",
        "∂(apple·count)/∂count = apple = 100",
    )
    assert price.gradient == "∂price/∂price = 1"


def test_leaves_and_constants_are_told_of() -> None:
    one, other = tell(Value(3.0, label="x") * 2).descriptions[:2]
    assert (one.formula, one.known) == ("x, an input", "x = 3")
    assert (other.known, other.gradient) == ("2, a constant", "requires no gradient")


def test_a_node_that_no_gradient_flows_to_is_told_of() -> None:
    x = Tensor(np.array(2.0), label="x")
    hidden = Tensor(np.array(3.0), label="hidden")
    telling = tell(where(np.array(True), x, hidden * 2) * 1).descriptions
    by_name = {one.name: one.gradient for one in telling}
    assert by_name["x"] == "∂y/∂x = 1"
    assert by_name["hidden"] in ("∂y/∂hidden: no gradient flows to hidden", "∂y/∂hidden = 0")


def test_number_format() -> None:
    assert told(Value(1 / 3, label="x"), number_format=".2f")[0][1] == "x = 0.33"
    with pytest.raises(ArgumentError, match="'q' cannot write"):
        tell(Value(1.0), number_format="q")


def test_a_story_is_the_same_each_time() -> None:
    assert tell(apple()) == tell(apple())


@pytest.mark.slow
def test_a_graph_above_the_limit_is_refused() -> None:
    y = apple()
    assert tell(y, limit=5) == tell(y)
    with pytest.raises(ArgumentError, match=r"5 nodes, more than limit=4.*limit=5"):
        tell(y, limit=4)
    x = Value(0.0)
    for _ in range(100_000):
        x = relu(x)
    with pytest.raises(ArgumentError, match=r"100,001 nodes"):
        tell(x)


@pytest.mark.slow
def test_depth_is_no_limit() -> None:
    x = Value(1.0)
    for _ in range(1_500):
        x = relu(x)
    assert len(tell(x, limit=10_000).steps) == 1 + 1_500 + 1 + 1_500 + 1


def test_a_root_that_is_no_node_is_refused() -> None:
    with pytest.raises(OperandError, match="root: came as a float"):
        tell(3.0)  # pyright: ignore[reportArgumentType]


def test_a_graph_whose_data_was_overwritten_is_refused() -> None:
    x = Value(3.0)
    y = x * x
    x.data = 4.0
    with pytest.raises(StaleGraphError):
        tell(y)
