"""Functions of Values, compiled: they return and leave what they do eagerly, to the last bit."""

from __future__ import annotations

import math
import pickle
import random
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import micrograd as mg
from micrograd import CompileError, Value, nn
from tests.twins import Make, assert_twins, bits

Body = Callable[..., Any]

POINTS = np.array([[1.0, 2.0], [-0.5, 0.25], [0.3, -0.7], [2.0, 1.0]])
LABELS = np.array([1, -1, 1, -1])
NUMBERS = [(1.0,), (2.0,), (-3.0,), (0.5,), (-0.0,)]


def with_values(body: Body, *data: Any) -> Make:
    """Return what makes a function of some Values of its own and of the arguments."""

    def make() -> tuple[Body, list[Value]]:
        nodes = [Value(x) for x in data]
        return lambda *args, **kwargs: body(nodes, *args, **kwargs), nodes

    return make


# By hand


def test_a_compiled_function_is_called_as_it_is() -> None:
    w = Value(3.0)

    @mg.compile
    def step(x: float, lr: float) -> Value:
        loss = (w * x - 1) ** 2
        w.zero_grad()
        loss.backward()
        w.data -= lr * w.grad
        return loss

    # w = 3: loss 25, slope 20; w = 1/2: loss 0, slope 0
    assert step(2.0, 0.125).data == 25.0
    assert (w.data, w.grad) == (0.5, 20.0)
    assert step(2.0, 0.125).data == 0.0
    w.data = 1.0  # loss 1, slope 4
    assert step(2.0, 0.25).data == 1.0
    assert (w.data, w.grad) == (0.0, 4.0)
    assert len(step.programs) == 1


def test_gradients_accumulate_over_calls() -> None:
    w = Value(3.0)
    step = mg.compile(lambda x: (w * x).backward())
    for x, total in [(1.0, 1.0), (2.0, 3.0), (3.0, 6.0), (4.0, 10.0)]:
        step(x)
        assert w.grad == total
    w.zero_grad()
    step(5.0)
    assert w.grad == 5.0


def test_a_branch_is_recorded_for_each_way() -> None:
    f = mg.compile(lambda v: v * 3 if v > 0 else v - 1)
    found = [f(Value(x)).data for x in (1.0, 2.0, -1.0, 3.0, -2.0, 0.0)]
    assert found == [3.0, 6.0, -2.0, 9.0, -3.0, -1.0]
    assert len(f.programs) == 2


def test_max_decides_and_maximum_does_not() -> None:
    decided = mg.compile(lambda a, b: max(a, b) * 2)
    chosen = mg.compile(lambda a, b: mg.maximum(a, b) * 2)
    for a, b in [(1.0, 2.0), (3.0, 4.0), (5.0, 1.0), (6.0, 2.0), (1.0, 2.0)]:
        assert decided(a, b) == chosen(a, b) == max(a, b) * 2
    assert (len(decided.programs), len(chosen.programs)) == (2, 1)
    assert "1 number decides" in decided.programs[0].report()


def test_integers_stay_integers() -> None:
    f = mg.compile(lambda x: [x * 2, x + 1, -x, x // 2, x % 3, x**2, x / 2])
    for x in (1, 2, 3, -7, 0):
        assert bits(f(x)) == bits([x * 2, x + 1, -x, x // 2, x % 3, x**2, x / 2])
    assert bits(f(2.0)) == bits([4.0, 3.0, -2.0, 1.0, 2.0, 4.0, 1.0])


# As eagerly


@pytest.mark.parametrize("listed", [False, True])
def test_the_demo_with_its_accuracy(listed: bool) -> None:
    def make() -> tuple[Body, list[Value]]:
        random.seed(1337)
        model = nn.MLP(2, [4, 4, 1])
        labels: Any = LABELS.tolist() if listed else LABELS

        def step(lr: float) -> Any:
            inputs = [list(map(Value, row)) for row in POINTS]
            scores = list(map(model, inputs))
            losses = [(1 + -yi * score).relu() for yi, score in zip(labels, scores, strict=True)]
            data_loss = sum(losses) * (1.0 / len(losses))
            total: Any = data_loss + 1e-4 * sum(p * p for p in model.parameters())
            right = [(yi > 0) == (s.data > 0) for yi, s in zip(labels, scores, strict=True)]
            model.zero_grad()
            total.backward()
            for p in model.parameters():
                p.data -= lr * p.grad
            return total, sum(right) / len(right), sum(s.data > 0 for s in scores)

        return step, model.parameters()

    step = assert_twins(make, [(1.0 - 0.09 * k,) for k in range(10)])
    assert len(step.programs) == 1


@dataclass
class Pair:
    first: Any
    second: Any


class Point(NamedTuple):
    x: Any
    y: Any


def in_containers(nodes: list[Value], x: Any) -> Any:
    y = nodes[0] * x
    return {
        "list": [y, y.data, (x, nodes[1])],
        "named": Point(y, None),
        "data": Pair(nodes[1].data, [x]),
        "kinds": [OrderedDict(a=y), defaultdict(int, a=x)],
        "same": [y, y, nodes[0]],
        "plain": ["text", True, None, 3, 2.5, b"", float],
        "truths": (y > 1, x > 2, y.data == 2.0, nodes[0].data != x),
        "arrays": np.arange(3.0),
    }


def leaves_itself(nodes: list[Value], x: Any) -> Any:
    y = nodes[0] * x + nodes[1]
    y.backward()
    return y, y.grad, nodes[0].grad, nodes[1], nodes[0].data


def assigned(nodes: list[Value], x: Any) -> Any:
    a, b = nodes
    a.data = x
    y = a * b
    y.backward()
    a.grad, b.grad = b.grad, 0.0
    b.data, a.data = a.data, b.data
    a.label = None
    return y


def in_no_grad(nodes: list[Value], x: Any) -> Any:
    with mg.no_grad():
        y = nodes[0] * x
        nodes[1].data = y.data
    return y, y.requires_grad, (nodes[1] * 2).detach() * nodes[0]


def loops(nodes: list[Value], x: Any) -> Any:
    y, n = nodes[0] * x, 0
    while y < 10 and n < 6:
        y, n = y * 2 + 1, n + 1
    return y, n


def extremes(nodes: list[Value], x: Any) -> Any:
    scaled = [v * x for v in nodes]
    largest = max(v.data for v in scaled)
    smallest = min(scaled, key=lambda v: v.data)
    total: Any = sum((v - largest).exp() for v in scaled)
    total.backward()
    return total, largest, smallest, sorted(v.data for v in scaled)


def transformed(nodes: list[Value], x: Any) -> Any:
    a, b = nodes

    def loss(w: Any) -> Any:
        return mg.tanh(w * x) + w**3 * b

    def both(u: Any, v: Any) -> Any:
        return mg.exp(u * v) * u

    return {
        "grad": [mg.grad(loss)(a), mg.grad(loss)(x), mg.grad(both, argnums=(0, 1))(x, 0.5)],
        "value_and_grad": mg.value_and_grad(loss)(a),
        "nested": mg.grad(mg.grad(mg.grad(loss)))(a),
        "hvp": mg.hvp(loss, (a,), (1.5,)),
        "jvp": mg.jvp(loss, (a,), (x,)),
        "vjp": mg.vjp(loss, a)[1](2.0),
        "jacobian": mg.jacobian(loss)(a),
        "hessian": mg.hessian(both, argnums=(0, 1))(a, x),
        "dict": mg.grad(lambda p: p["u"] * p["v"][0] * x)({"u": a, "v": [b]}),
    }


def through_numpy(nodes: list[Value], x: Any) -> Any:
    y = nodes[0] * x
    return np.exp(y), np.tanh(y.data), np.maximum(y.data, 1.0), np.float64(2.0) * x, abs(x), -x


def more_than_numbers(nodes: list[Value], x: Any) -> Any:
    row = np.array([1.0, 2.0, 3.0]) * x
    y = nodes[0] * row[1] + sum(nodes[1] * v for v in row)
    y.backward()
    return y, row, row.sum(), (row > 2).sum()


BODIES: dict[str, tuple[Body, tuple[Any, ...]]] = {
    "in containers": (in_containers, (1.0, 2.0)),
    "leaves itself": (leaves_itself, (1.0, 2.0)),
    "leaves integers": (leaves_itself, (1, 2)),
    "assigned": (assigned, (1.0, 2.0)),
    "in no_grad": (in_no_grad, (1.0, 2.0)),
    "loops": (loops, (1.0,)),
    "extremes": (extremes, (1.0, 2.0, 0.5)),
    "transformed": (transformed, (1.5, 0.25)),
    "through NumPy": (through_numpy, (1.5,)),
    "more than numbers": (more_than_numbers, (1.5, -1.0)),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_works_eagerly(name: str) -> None:
    body, data = BODIES[name]
    assert_twins(with_values(body, *data), NUMBERS * 2, max_programs=16)


@pytest.mark.parametrize("name", ["leaves itself", "assigned", "in containers"])
def test_integers_as_arguments(name: str) -> None:
    body, data = BODIES[name]
    calls = [(1,), (2,), (3.0,), (-4,), (5.0,), (6.0,), (7,), (0,)]
    assert_twins(with_values(body, *data), calls)


def test_truths_and_words_make_cases() -> None:
    def body(nodes: list[Value], x: Any, how: Any, deep: bool = False) -> Any:
        return (nodes[0] * x if how == "a" else nodes[1] - x) * (2 if deep else 1)

    calls = [(x, how, deep) for how in "ab" for deep in (True, False) for x in (1.0, 2.0, 3.0)]
    step = assert_twins(with_values(body, 1.0, 2.0), [*calls, *calls])
    assert len(step.programs) == 4


def test_keywords_and_defaults() -> None:
    f = mg.compile(lambda x, *more, k=2.0, **rest: [x * k, *more, rest])
    for x in (1.0, 2.0, 3.0):
        assert f(x) == [x * 2.0, {}]
        assert f(x, k=x) == [x * x, {}]
        assert f(x, x + 1, z=x) == [x * 2.0, x + 1, {"z": x}]


def test_methods_partials_and_nested_functions() -> None:
    class Model:
        def __init__(self, w: float) -> None:
            self.w = Value(w)

        @mg.compile
        def __call__(self, x: float) -> Value:
            return self.w * x

    for model in (Model(2.0), Model(3.0)):
        assert [model(x).data for x in (1.0, 2.0, 3.0)] == [model.w.data * x for x in (1, 2, 3)]
    half = mg.compile(partial(lambda a, b: a * b, 0.5))
    assert [half(x) for x in (1.0, 2.0, 3.0)] == [0.5, 1.0, 1.5]
    inner = mg.compile(lambda x: x * x)
    outer = mg.compile(lambda x: inner(x) + 1)
    assert [outer(x) for x in (1.0, 2.0, 3.0)] == [2.0, 5.0, 10.0]


@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.hessian, mg.jacobian])
def test_the_derivative_of_a_whole(transform: Any) -> None:
    slope = transform(lambda x: mg.tanh(x * 2) * x)
    compiled = mg.compile(slope)
    for x in (1.0, 2.0, -0.5, 0.25):
        assert bits(compiled(x)) == bits(slope(x))
        assert bits(compiled(Value(x))) == bits(slope(Value(x)))
        through = transform(mg.compile(lambda x: mg.tanh(x * 2) * x))  # which runs as it is
        assert bits(through(x)) == bits(slope(x))


# Nodes as arguments


def updates_arguments(nodes: list[Value], a: Value, b: Value) -> Any:
    (a * b * nodes[0]).backward()
    a.data = a.data - b.grad
    return a, b, a * 1


def test_nodes_as_arguments() -> None:
    pairs = [(Value(x), Value(x + 1)) for x in (1.0, 2.0, 3.0, 4.0)]
    step = assert_twins(with_values(updates_arguments, 2.0), pairs)
    assert len(step.programs) == 1


def test_the_same_node_twice() -> None:
    calls: list[Any] = []
    for x in (1.0, 2.0, 3.0):
        node = Value(x)
        calls += [(node, node), (Value(x), Value(x + 1))]
    step = assert_twins(with_values(updates_arguments, 2.0), calls)
    assert len(step.programs) == 2


def test_arguments_are_left_their_gradients() -> None:
    f = mg.compile(lambda a: (a * a).backward())
    for x in (1.0, 2.0, 3.0, 4.0):
        a = Value(x)
        f(a)
        f(a)
        assert (a.grad, a.data) == (4 * x, x)


def test_a_node_that_is_captured_as_an_argument() -> None:
    w = Value(2.0)
    f = mg.compile(lambda a: a * w + a)
    assert [f(w).data for _ in range(3)] == [6.0] * 3
    assert [f(Value(x)).data for x in (1.0, 2.0, 3.0)] == [3.0, 6.0, 9.0]
    w.data = 1.0
    assert (f(w).data, f(Value(5.0)).data) == (2.0, 10.0)


def test_a_list_of_nodes() -> None:
    def squares(row: list[Value]) -> Any:
        return sum(v * v for v in row)

    f = mg.compile(squares)
    for n in (2, 2, 3, 3, 2, 3):
        row = [Value(k + 0.5) for k in range(n)]
        assert f(row).data == sum(v.data**2 for v in row)
    assert len(f.programs) == 2


def test_constants_and_leaves_differ() -> None:
    f = mg.compile(lambda a: (a * 2).requires_grad)
    assert [f(Value(1.0, requires_grad=truth)) for truth in [True] * 3 + [False] * 3] == (
        [True] * 3 + [False] * 3
    )


# Graphs


def test_a_result_has_no_graph() -> None:
    w = Value(2.0)
    f = mg.compile(lambda x: w * x)
    for x in (1.0, 2.0, 3.0):
        y = f(x)
        assert (y.data, y.requires_grad, y.label) == (2 * x, True, None)
        with pytest.raises(mg.GradientError, match=r"keeps no graph.*compile"):
            y.backward()


@pytest.mark.parametrize("kind", [Value, mg.Tensor])
def test_leaves_that_are_made_inside_are_leaves(kind: Any) -> None:
    def start(x: Any) -> Any:
        return kind(x * 2, label="w"), kind(x, requires_grad=False), kind(3.0)

    f = mg.compile(start)
    for x in (1.0, 2.0, 3.0, 4.0):
        w, c, three = f(x)
        assert bits([w, c, three]) == bits([*start(x)])
        assert (w.is_leaf, c.is_leaf, three.is_leaf, w.label) == (True, True, True, "w")
        (w * w * three * c).backward()
        assert (float(w.grad), float(three.grad)) == (12 * x * x, 4 * x**3)
        w.data -= w.grad
        assert float(w.data) == 2 * x - 12 * x * x


def test_truths_count_as_numbers() -> None:
    def body(nodes: list[Value], x: Any) -> Any:
        a = nodes[0]
        positive = x > 0
        sums = sum([positive, a > 1, x == 1.5]), True + positive, positive * 2, positive / 2
        return sums, positive & (x < 1), positive | False, positive ^ True, a * positive, -positive

    assert_twins(with_values(body, 1.5, 2.0), [(k - 2.5,) for k in range(7)])


def test_a_gradient_with_a_graph_is_refused() -> None:
    w = Value(2.0)
    f = mg.compile(lambda: (w**3).backward(create_graph=True))
    with pytest.raises(CompileError, match=r"gradient with a graph.*hvp"):
        f()
    assert not w.has_grad


def test_the_second_derivative_inside() -> None:
    w = Value(2.0)

    @mg.compile
    def f() -> Any:
        w.zero_grad()
        (w**3).backward(create_graph=True)
        slope = w.grad
        w.zero_grad()
        slope.backward()
        return slope.data

    for x in (2.0, 3.0, 4.0):
        w.data = x
        assert (f(), w.grad) == (3 * x * x, 6 * x)


# Other objects among arguments and results


def test_other_arguments_count_by_value_or_by_identity() -> None:
    w, numbers = Value(2.0), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    step: Any = mg.compile(lambda rows: sum(w * numbers[i] for i in rows))
    for i in (0, 0, 2, 4, 2, 0):
        assert step(range(i, i + 2)).data == sum(2 * numbers[j] for j in (i, i + 1))
    part = mg.compile(lambda share, x: x * float(share))
    for n in (1, 1, 9, 1, 9):
        assert part(Fraction(n, 3), 2.0) == 2.0 * float(Fraction(n, 3))
    signed = mg.compile(lambda z, x: x * z.real)
    assert [math.copysign(1, signed(complex(r), 1.0)) for r in (0.0, 0.0, -0.0)] == [1, 1, -1]


@pytest.mark.parametrize("moving", [iter([0]), {1: 2}.values(), memoryview(b"ab"), map(str, [1])])
def test_what_moves_on_is_no_argument(moving: Any) -> None:
    with pytest.raises(CompileError, match=r"argument 0 .* whose state a program does not see"):
        mg.compile(lambda rows: list(rows))(moving)


def test_what_holds_itself_is_no_argument() -> None:
    circle: list[Any] = [1.0]
    circle.append(circle)
    with pytest.raises(CompileError, match="too deep, or holds itself"):
        mg.compile(lambda x: x[0])(circle)


def test_an_object_made_inside_is_no_result() -> None:
    with pytest.raises(CompileError, match="class SimpleNamespace that it makes"):
        mg.compile(lambda x: SimpleNamespace(y=x * 2))(1.0)
    held = SimpleNamespace(k=2.0)
    f = mg.compile(lambda x: (x * held.k, held))
    for x in (1.0, 2.0, 3.0):
        assert f(x) == (2 * x, held)


class Halved:
    def __init__(self) -> None:
        self.w = Value(0.5)

    @mg.compile
    def of(self, x: float) -> Value:
        return self.w * x


def test_a_compiled_method_has_programs_of_its_object() -> None:
    half = Halved()
    assert half.of.program(3.0)(half, 4.0).data == 2.0
    assert [half.of(x).data for x in (1.0, 2.0, 4.0)] == [0.5, 1.0, 2.0]
    assert len(half.of.programs) == 1
    assert repr(half.of.program(5.0)) == repr(half.of.programs[0])
    assert len(half.of.programs) == 1  # it was known


@mg.compile
def doubled(x: float) -> float:
    return x * 2


def test_compiled_functions_can_be_pickled() -> None:
    assert [doubled(x) for x in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    slope = pickle.loads(pickle.dumps(mg.compile(mg.grad(mg.square), max_programs=3)))
    assert [slope(x) for x in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]
