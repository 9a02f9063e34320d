"""The demo of karpathy/micrograd, step by step, and its way of tracing a graph."""

import random
from typing import Any

import numpy as np
import pytest
from graphviz import Digraph

from micrograd import nn
from micrograd.engine import Value
from micrograd.nn import MLP


@pytest.mark.parametrize(
    ("steps", "last", "accuracy"),
    [
        (10, 0.27048625516379227, 0.91),
        pytest.param(100, 0.010978370135492717, 1.0, marks=pytest.mark.slow),
    ],
)
def test_the_demo_prints_the_losses_of_its_notebook(
    steps: int, last: float, accuracy: float
) -> None:
    from sklearn.datasets import make_moons

    np.random.seed(1337)
    random.seed(1337)
    moons: Any = make_moons(n_samples=100, noise=0.1)
    X, y = moons
    y = y * 2 - 1
    model = MLP(2, [16, 16, 1])

    def loss() -> tuple[Any, float]:
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        right = [(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)]
        return total, sum(right) / len(right)

    losses = list[float]()
    right = 0.0
    for step in range(steps):
        total, right = loss()
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 100) * p.grad
        losses.append(total.data)
    assert losses[0] == pytest.approx(0.8958441028683222, rel=1e-13)
    assert losses[-1] == pytest.approx(last, rel=1e-9)
    assert right == accuracy


def test_a_graph_can_be_traced_as_its_other_notebook_does() -> None:
    def trace(root: Value) -> tuple[set[Any], set[tuple[Any, Any]]]:
        nodes, edges = set[Any](), set[tuple[Any, Any]]()

        def build(v: Any):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    random.seed(1337)
    neuron = nn.Neuron(2)
    y = neuron([Value(1.0), Value(-2.0)])
    y.backward()
    nodes, edges = trace(y)
    dot = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    for n in nodes:
        dot.node(str(id(n)), label=f"{{ data {n.data:.4f} | grad {n.grad:.4f} }}", shape="record")
        if n._op:
            dot.node(str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    assert len(nodes) == 10
    assert len(edges) == 9
    assert {n._op for n in nodes} == {"", "*", "+", "ReLU"}
    assert dot.source.count("->") == 14
