"""Steppers for tests."""

from __future__ import annotations

import numpy as np

from micrograd import Tensor, Value, exp, matmul, relu, scope
from viz import Stepper, step

NASTY = '<script>alert(1)</script>"];'


def apple() -> Stepper:
    """Return a stepper through the price of two apples with tax."""
    apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
    total = apple * count
    price = total * tax
    return step(price, apple=apple, count=count, tax=tax, total=total, price=price)


def sigmoid() -> Stepper:
    """Return a stepper through the sigmoid of 1, from × and exp and + and /."""
    return step(Value(1.0, requires_grad=False) / (1 + exp(Value(1.0, label="x") * -1)))


def affine() -> Stepper:
    """Return a stepper through a layer with broadcasting, a warning and heat maps."""
    X = Tensor(np.linspace(-2, 1, 60).reshape(30, 2), requires_grad=False, label="X")
    W, b = Tensor(np.ones((2, 4)), label="W"), Tensor(np.full(4, -9.0), label="b")
    return step(relu(matmul(X, W) + b).mean())


def grouped() -> Stepper:
    """Return a stepper through a graph with a group in a group."""
    x = Value(2.0, label="x")
    with scope("model"):
        inner = x * x
        with scope("layer"):
            inner = relu(inner - 9)
    return step(inner + 1)


def nasty() -> Stepper:
    """Return a stepper through a graph whose every name is an attack."""
    x = Value(2.0, label=NASTY)
    return step(x * 3 + x, names={f"{NASTY}<!--": x, f"\u2028{NASTY}' onload='alert(1)": x * 3})
