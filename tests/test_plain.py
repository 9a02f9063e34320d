"""The plain engine: karpathy/micrograd's tests, its place in pictures, and the real one beside it.

10,000 programs on which the two engines agree, instead of some:

    python -m tests.search tests/test_plain.py --times 34
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import micrograd as mg
import viz
from micrograd import nn
from micrograd.plain import RULES, Binary, Value, apply, topological_order
from micrograd.testing.program import Program, programs
from viz.graph.snapshot import take_snapshot

# karpathy's tests


def sanity_check(x: Any) -> Any:
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return h + q + q * x


def more_ops(a: Any, b: Any) -> Any:
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    f = (c - d) ** 2
    g = f / 2.0
    g += 10.0 / f
    return g


def test_the_sanity_check_gives_what_is_worked_out_by_hand() -> None:
    # z = -10, q = 40, h = 100 and y = 100 + 40 - 160. With z' = 3: q' = -4 * 3 - 10 = -22,
    # h' = -20 * 3 and y' = -60 - 22 + 40 + 88.
    x = Value(-4.0)
    y = sanity_check(x)
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def test_more_ops_give_the_published_numbers() -> None:
    a, b = Value(-4.0), Value(2.0)
    g = more_ops(a, b)
    g.backward()
    assert [f"{x:.4f}" for x in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]


@pytest.mark.parametrize(("function", "inputs"), [(sanity_check, [-4.0]), (more_ops, [-4.0, 2.0])])
def test_karpathy_s_tests_pass(function: Any, inputs: list[float], torch: Any) -> None:
    ours = [Value(x) for x in inputs]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    y, z = function(*ours), function(*theirs)
    y.backward()
    z.backward()
    assert abs(y.data - z.item()) < 1e-6
    for x, t in zip(ours, theirs, strict=True):
        assert abs(x.grad - t.grad.item()) < 1e-6


def trained(steps: int) -> list[float]:
    """Return the losses of karpathy's network and loss, and its parameters after some steps."""
    random.seed(1337)
    model: Any = nn.MLP(2, [4, 4, 1])
    samples = [([math.cos(i), math.sin(2 * i)], (-1) ** i) for i in range(6)]
    losses = list[float]()
    for _ in range(steps):
        scores = [(model(x), y) for x, y in samples]
        hinges: Any = sum((1 + -y * score).relu() for score, y in scores)
        total = hinges * (1 / len(samples)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        losses.append(total.data)
    return losses + [p.data for p in model.parameters()]


def test_karpathy_s_network_learns_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = trained(5)
    monkeypatch.setattr("micrograd.nn.mlp.Value", Value)
    assert trained(5) == expected
    assert expected[4] < expected[0]


# The interface


def test_a_value_is_as_karpathy_has_it() -> None:
    x, y = Value(2.0), Value(-3.0, label="y")
    z = x * y
    assert repr(z) == "Value(data=-6.0, grad=0)"
    assert (z._op, z._prev, z.label, y.label) == ("*", (x, y), "", "y")
    assert (x._op, x._prev, x.grad) == ("", (), 0)
    assert Value(4.0, (x,), "square")._prev == (x,)
    assert type(Value(np.float64(2)).data) is type(Value(2).data) is float
    z.backward()
    assert (repr(z), x.grad, y.grad) == ("Value(data=-6.0, grad=1)", -3.0, 2.0)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "neg": lambda x: -x,
    "abs": abs,
    "ReLU": lambda x: x.relu(),
    **{name: lambda x, name=name: getattr(x, name)() for name in ("exp", "log", "sqrt", "sin")},
    **{name: lambda x, name=name: getattr(x, name)() for name in ("cos", "tanh", "sigmoid")},
}


def test_each_rule_has_its_operator_or_method() -> None:
    assert {*OPERATORS, *FUNCTIONS} == {*RULES} - {*EXTRA}


@pytest.mark.parametrize("op", OPERATORS)
def test_operators_take_numbers_on_both_sides(op: str) -> None:
    f = OPERATORS[op]
    assert f(Value(3.0), 2).data == f(3, Value(2.0)).data == f(3.0, 2.0)
    number = f(3, Value(2.0))._prev[0]
    assert (number.data, number.requires_grad) == (3.0, False)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError):
        Value(2.0) * [1.0]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    with pytest.raises(mg.OperandError, match="would lose its graph"):  # by the real Value
        Value(2.0) * mg.Value(2.0)  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def test_leaves_accumulate_and_what_is_between_is_computed_anew() -> None:
    x = Value(3.0)
    square = x * x
    y = square * x
    y.backward()
    y.backward()
    assert (x.grad, square.grad, y.grad) == (54.0, 3.0, 1)
    x.zero_grad()
    x.backward()
    assert x.grad == 1


def test_constants_get_no_gradient() -> None:
    y = Value(-2.0) ** 2  # whose derivative by the exponent is nan
    y.backward()
    assert [x.grad for x in y._prev] == [-4.0, 0]


def test_a_closure_adds_an_operation_as_in_karpathy_s_lecture() -> None:
    x = Value(2.0)
    cube = Value(x.data**3, (x,), "cube")

    def backward() -> None:
        x.grad += 3 * x.data**2 * cube.grad

    cube._backward = backward
    (2 * cube).backward()
    assert x.grad == 24.0


def test_graphs_may_be_deeper_than_python_s_stack() -> None:
    x = y = Value(1.0)
    for _ in range(20 * sys.getrecursionlimit()):
        y = y + 1
    y.backward()
    assert x.grad == 1
    del y  # freed without recursion, too


# In pictures


def test_a_picture_shows_it_as_it_is() -> None:
    x, w = Value(2.0, label="x"), Value(-3.0)
    y: Any = (x * w + 10).relu() / w
    y.backward()
    named: dict[str, Any] = {"w": w}
    diagram = viz.draw(y, **named)
    assert repr(diagram) == "Diagram(7 nodes, 7 edges)"
    assert diagram.alt == (
        "Computational graph, 7 nodes, 7 edges. Output: / = -1.333, gradient 1. "
        "Inputs: x = 2, gradient 1; w = -3, gradient -1.111."
    )
    symbols = [item.symbol for item in take_snapshot((y,)).items]
    assert symbols == ["", "", "*", "", "+", "ReLU", "/"]
    assert diagram.svg == viz.draw(y, names=named).svg
    assert "w = -3" in viz.draw(y, names="caller").alt
    assert repr(viz.draw(y, around=named["w"], depth=1)) == "Diagram(3 nodes, 2 edges)"


def test_draw_dot_draws_it() -> None:
    x = Value(2.0, label="x")
    y: Any = x + 1
    y.backward()
    lines = [line.strip() for line in viz.draw_dot(y).source.splitlines()]
    assert lines[2:-1] == [
        'n0 [label="{ x | data 2.0000 | grad 1.0000 }" shape=record]',
        'n1 [label="{ data 1.0000 | grad – }" shape=record]',
        'n2 [label="{ data 3.0000 | grad 1.0000 }" shape=record]',
        'n2op [label="+"]',
        "n2op -> n2",
        "n0 -> n2op",
        "n1 -> n2op",
    ]


class SetValue:
    """A node whose parents are a set, as karpathy's are."""

    def __init__(self, data: float, _children: tuple[SetValue, ...] = (), _op: str = "") -> None:
        self.data, self.grad = data, 0.0
        self._prev, self._op = set(_children), _op

    def backward(self) -> None: ...


def test_nodes_of_other_engines_are_drawn() -> None:
    x: Any = SetValue(2.0)
    y: Any = SetValue(5.0, (SetValue(4.0, (x,)), x), "mine")
    assert repr(viz.draw(y)) == "Diagram(3 nodes, 3 edges)"
    assert viz.draw(y, x=x).alt.endswith("Output: mine = 5, gradient 0. Input: x = 2, gradient 0.")
    symbols = {item.symbol for item in take_snapshot((y,)).items}
    assert symbols == {"", "closure", "mine"}  # one has no name


# The real engine


def share(a: float, b: float) -> float:
    """Return the derivative of max(a, b) by a."""
    return 0.5 if a == b else a > b


EXTRA: dict[str, tuple[Binary, Binary, Binary]] = {
    "maximum": (max, share, lambda a, b: share(b, a)),
    "minimum": (min, lambda a, b: share(b, a), share),
    "the first": (lambda a, b: a, lambda a, b: 1, lambda a, b: 0),
    "the second": (lambda a, b: b, lambda a, b: 0, lambda a, b: 1),
}
"""Rules for what else is in random programs."""


@pytest.fixture(scope="module", autouse=True)
def _more_rules() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, rule in EXTRA.items():
            patch.setitem(RULES, name, rule)
        yield


def where(condition: bool, a: Any, b: Any) -> Value:
    return apply("the first" if condition else "the second", a, b)


NAMES_OF_PROGRAMS = SimpleNamespace(
    **FUNCTIONS,
    relu=FUNCTIONS["ReLU"],
    absolute=abs,
    maximum=partial(apply, "maximum"),
    minimum=partial(apply, "minimum"),
    where=where,
)

SAME_FORMULAS = {"", "+", "-", "*", "neg", "abs", "ReLU", "exp", "sin", "cos", *EXTRA}
"""The operations whose gradients are computed in the same steps in both engines."""
ROUNDINGS = 16
"""How many units of the last place the two gradients of a step can differ by.

The most is that of x**n for n < 0.1, where one engine has n * x**(n - 1), which magnifies the
rounding of n - 1 by |n - 1| * log(x), up to 4 * log(64), and the other n * x**n / x.
"""


def run_plainly(program: Program) -> tuple[Value, list[Value]]:
    text = Program(program.source.replace(" > 0", ".data > 0"))
    inputs = [Value(x) for x in program.inputs]
    return text.run(inputs, {"mg": NAMES_OF_PROGRAMS}), inputs


def has_same_formulas(node: Value) -> bool:
    """Tell whether both engines compute what a node passes on in the same steps."""
    power_of_constant = node._op == "**" and not node._prev[1].requires_grad
    return node._op in SAME_FORMULAS or (power_of_constant and node._prev[1].data >= 0.1)


def magnitudes(order: list[Value]) -> dict[Value, float]:
    """Return the sum, over all ways to each node, of what comes by it, all taken as positive.

    A relative error in each step changes a gradient by that times this.
    """
    found = dict.fromkeys(order, 0.0)
    found[order[-1]] = 1.0
    for node in reversed(order):
        numbers = [parent.data for parent in node._prev]
        for parent, derivative in zip(node._prev, RULES.get(node._op, ())[1:], strict=True):
            found[parent] += found[node] * abs(derivative(*numbers))
    return found


@settings(max_examples=300)
@given(programs("value") | programs("value", singular=True))
def test_random_programs_agree_with_the_real_engine(program: Program) -> None:
    real = [mg.Value(x) for x in program.inputs]
    result = program(*real)
    result.backward()
    plainly, inputs = run_plainly(program)
    plainly.backward()

    assert plainly.data == result.data
    order = topological_order(plainly)
    exactly = all(map(has_same_formulas, order))
    sizes = {**dict.fromkeys(inputs, 0.0), **magnitudes(order)}
    for x, y in zip(inputs, real, strict=True):
        apart = 0 if exactly else ROUNDINGS * sys.float_info.epsilon * len(order) * sizes[x]
        assert abs(x.grad - y.grad) <= apart


LARGE = [1e200, 1e308, math.inf]
POSITIVE = [5e-324, 1e-310, 1 / 3, 0.5, 1.0, 2.0, 3.0, 20.0, 709.5, 1000.0, *LARGE]
POINTS = [0.0, -0.0, *POSITIVE, *[-x for x in POSITIVE], math.nan]
EXPONENTS = [0.0, -0.0, 1 / 3, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 401.0, math.nan]


def points_of(op: str) -> Iterator[tuple[float, ...]]:
    if op in FUNCTIONS:
        return product(POINTS)
    return product(POINTS, EXPONENTS if op == "**" else POINTS)


def assert_close(x: float, y: float) -> None:
    assert x == y or math.isclose(x, y, rel_tol=1e-14) or (x != x and y != y), (x, y)


@pytest.mark.parametrize("op", {**OPERATORS, **FUNCTIONS})
def test_zeros_infinities_and_extremes_are_as_in_the_real_engine(op: str) -> None:
    f: Any = {**OPERATORS, **FUNCTIONS}[op]
    for numbers in points_of(op):
        ours, real = list(map(Value, numbers)), list(map(mg.Value, numbers))
        y, z = f(*ours), f(*real)
        y.backward()
        z.backward()
        assert_close(y.data, z.data)
        for a, b in zip(ours, real, strict=True):
            assert_close(a.grad, b.grad)


class Number:
    """A node of somebody's who has no backward() yet."""

    __hash__ = None  # pyright: ignore

    def __init__(self, data: float, _prev: Any = (), _op: Any = "") -> None:
        self.data, self.grad, self._prev, self._op = data, 0.0, _prev, _op

    def __add__(self, other: Number) -> Number:
        return Number(self.data + other.data, (self, other), 3)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.data == other.data


def test_what_is_half_made_is_drawn() -> None:
    one: Any = Number(1.0) + Number(1.0)
    assert repr(viz.draw(one)) == "Diagram(3 nodes, 2 edges)"


@pytest.mark.parametrize("show", [viz.step, lambda y: viz.explain(y, y)])
def test_what_shows_our_own_nodes_only_says_so(show: Any) -> None:
    with pytest.raises(mg.OperandError, match=r"one of another engine, which draw\(\) shows"):
        show(Value(2.0) * 3)
