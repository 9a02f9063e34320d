"""The pictures of README.md and docs/diagrams.md: `python -m tests.pictures_page` draws them anew.

They are drawn without the `dot` program, so that they are the same everywhere.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import micrograd as mg
import viz
from micrograd import Tensor, Value
from micrograd.nn import MLP
from viz import Diagram

DOCS = Path(__file__).resolve().parents[1] / "docs"


def shopping() -> Diagram:
    """Draw the README's first graph."""
    apple, apple_count = Value(100, label="apple"), Value(2, label="apple count")
    orange, orange_count = Value(150, label="orange"), Value(3, label="orange count")
    tax = Value(1.1, label="tax")
    price = (apple * apple_count + orange * orange_count) * tax
    price.label = "price"
    price.backward()
    return viz.draw(price)


def highlight() -> Diagram:
    """Draw the way from the apples to the price."""
    apple, count, tax = Value(100, label="apple"), Value(2, label="count"), Value(1.1, label="tax")
    price = apple * count * tax
    price.label = "price"
    price.backward()
    return viz.draw(price, highlight=apple)


def expanded() -> Diagram:
    """Draw a sigmoid taken apart."""
    x = Value(1.0, label="x")
    y = mg.sigmoid(x)
    y.label = "y"
    y.backward()
    return viz.draw(y, expand="sigmoid")


def layer() -> Diagram:
    """Draw a layer of arrays with its loss."""
    rng = np.random.default_rng(0)
    W, b = Tensor(rng.normal(size=(6, 4)), label="W"), Tensor(np.zeros(4), label="b")
    x = Tensor(rng.normal(size=(8, 6)), label="x", requires_grad=False)
    loss = mg.softmax_cross_entropy(x @ W + b, [0, 1, 2, 3, 0, 1, 2, 3])
    loss.label = "loss"
    loss.backward()
    return viz.draw(loss)


def folded() -> Diagram:
    """Draw micrograd's network on 100 points: 66,000 nodes."""
    random.seed(1337)
    model = MLP(2, [16, 16, 1])
    points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(100)]
    losses = [(1 - (1 if a > b else -1) * model([a, b])).relu() for a, b in points]
    loss: Any = sum(losses) * (1 / len(losses))
    loss.label = "loss"
    loss.backward()
    return viz.draw(loss)


def program() -> Diagram:
    """Draw a step of gradient descent, compiled."""
    W, b = Tensor(np.zeros((3, 2)), label="W"), Tensor(np.zeros(2), label="b")

    @mg.compile
    def step(x: Any, lr: float) -> Any:
        loss = mg.tanh(x @ W + b).sum()
        W.zero_grad()
        b.zero_grad()
        loss.backward()
        W.data -= lr * W.grad
        return loss

    return viz.draw(step.program(np.ones((4, 3)), 0.1))


PICTURES = {
    "shopping.svg": shopping,
    "highlight.svg": highlight,
    "expanded.svg": expanded,
    "layer.svg": layer,
    "folded.svg": folded,
    "program.svg": program,
}


def picture(name: str) -> str:
    """Return the SVG of one picture."""
    with mock.patch.dict(os.environ, PATH=""):
        return PICTURES[name]().svg


if __name__ == "__main__":
    for name in PICTURES:
        (DOCS / name).write_text(picture(name), encoding="utf-8")
