# pyright: strict
"""What a user writes, checked by pyright in strict mode and run by the tests."""

from typing import Any, assert_type

import numpy as np
from hypothesis import given
from numpy.typing import NDArray

import micrograd as mg
import viz
from micrograd import Tensor, Value
from micrograd.layers import TwoLayerNet
from micrograd.testing import (
    assert_gradients,
    gradcheck,
    numerical_gradient,
    one_hot_labels,
    tensors,
)


def scalar() -> float:
    """Differentiate a graph of Values and draw it."""
    x = Value(3.0, label="x")
    y = mg.exp(x) * 2 + x**2 / mg.maximum(x, 1.0)
    y.backward()
    diagram: viz.Diagram = viz.draw(y)
    assert "<svg" in diagram.svg
    return y.data


def arrays() -> Tensor:
    """Take a step of gradient descent with Tensors."""
    W = Tensor(np.ones((3, 2)), label="W")
    loss = mg.softmax_cross_entropy(mg.relu(np.ones((4, 3)) @ W), [0, 1, 1, 0])
    loss.backward()
    W.data -= 0.1 * W.grad
    return mg.where(W > 0, W, 0.0).sum(axis=0)


def network() -> float:
    """Ask the book's network for a gradient."""
    net = TwoLayerNet(4, 3, 2)
    gradients = net.gradient(np.ones((2, 4)), [0, 1])
    return float(gradients["W1"].sum())


def checked() -> bool:
    """Check a gradient, and ask for a numerical one."""
    report = gradcheck(lambda x: mg.tanh(x) * 2, np.ones(3), order=2)
    slope: float = numerical_gradient(np.exp, 0.0)
    return bool(report) and abs(slope - 1) < 1e-6


def transformed() -> float:
    """Differentiate functions, some of nested parameters."""
    slope: float = mg.grad(lambda x: x**3)(2.0)
    value, gradient = mg.value_and_grad(lambda p: (p["W"] ** 2).sum())({"W": np.ones(3)})
    out, back = mg.vjp(mg.tanh, np.ones(2))
    curvature = mg.hessian(lambda x: (x**3).sum())(np.ones(2))
    with mg.debug():
        deep = mg.checkpoint(lambda x: mg.tanh(mg.tanh(x)))(Tensor(np.ones(2)))
        deep.sum().backward()
    assert out.shape == back(np.ones(2))[0].shape == (2,)
    return slope + float(value) + float(gradient["W"].sum()) + float(curvature.sum())


W = Tensor(np.ones((3, 2)), label="W")


@mg.compile
def step(x: NDArray[np.float64], rate: float = 0.1) -> Tensor:
    """Take a step of gradient descent, recorded once."""
    loss = ((x @ W) ** 2).sum()
    W.zero_grad()
    loss.backward()
    W.data -= rate * W.grad
    return loss


class Line:
    """A model whose method is compiled."""

    def __init__(self) -> None:
        self.slope = Value(2.0, label="slope")

    @mg.compile(max_programs=2)
    def predict(self, x: float) -> Value:
        """Return the height of the line at x."""
        return self.slope * x


def compiled() -> float:
    """Compile a function, a method, a derivative and a graph."""
    assert_type(step(np.ones((4, 3)), rate=0.5), Tensor)
    assert_type(step.program(np.ones((4, 3))), mg.CompiledProgram)
    assert_type(step.programs, list[mg.CompiledProgram])

    line = Line()
    assert_type(line.predict(3.0), Value)
    assert_type(Line.predict.program(line, x=3.0), mg.CompiledProgram)
    slope: float = mg.compile(mg.grad(lambda x: x**3), exact=False)(2.0)

    x = Value(3.0, label="x")
    program = mg.compile(x * x)
    assert_type(program, mg.CompiledProgram)
    return slope + line.predict(3.0).data + program(x=2.0)["value"]


def typed() -> None:
    """Let a checker say what each kind of operation gives: a node for nodes, else an array."""
    t, v, a = Tensor(np.ones((2, 2))), Value(2.0), np.ones((2, 2))

    assert_type(mg.exp(t), Tensor)
    assert_type(mg.exp(v), Value)
    assert_type(mg.exp(2.0), float)
    assert_type(mg.exp(a), NDArray[Any])
    assert_type(mg.multiply(v, 2), Value)
    assert_type(mg.multiply(2.0, t), Tensor)
    assert_type(mg.multiply(2.0, 3.0), float)
    assert_type(mg.multiply(a, [1, 2]), NDArray[Any])

    assert_type(mg.sum(x=t, axis=0), Tensor)
    assert_type(mg.sum(a), Any)
    assert_type(mg.softmax(t, axis=1), Tensor)
    assert_type(mg.softmax(a), NDArray[Any])
    assert_type(mg.softmax([1.0, 2.0]), NDArray[Any])
    assert_type(mg.elu(v, alpha=0.5), Value)
    assert_type(mg.clip(a, max=t), Tensor)
    assert_type(mg.clip(a, 0, 1), Any)
    assert_type(mg.average(a, 0, t), Tensor)

    assert_type(mg.matmul(t, a), Tensor)
    assert_type(mg.matmul(a, t), Tensor)
    assert_type(mg.matmul(a, a), Any)
    assert_type(mg.einsum("ij,jk", t, t), Tensor)
    assert_type(mg.where(a > 0, t, 0), Tensor)
    assert_type(mg.where(a > 0, 1, 0), NDArray[Any])
    assert_type(mg.take(t, [0, 1]), Tensor)
    assert_type(mg.at(t)[0].set(1.0), Tensor)
    assert_type(mg.getitem(t, 0), Tensor)
    assert_type(mg.reshape(t, -1), Tensor)

    assert_type(mg.stack([t, t]), Tensor)
    assert_type(mg.concatenate([a, a]), Any)
    assert_type(mg.split(t, 2), list[Tensor])
    assert_type(mg.linalg.qr(t).Q, Tensor)
    assert_type(mg.linalg.eigh(a).eigenvalues, Any)
    assert_type(mg.linalg.trace(t), Tensor)
    assert_type(mg.linalg.diagonal(a), NDArray[Any])

    with mg.no_grad(), mg.debug(anomalies=True), mg.detect_anomaly():
        assert_type(mg.enable_grad(scalar)(), float)
    assert_type(mg.debug(scalar, anomalies=True)(), float)


@given(tensors(shape=(2, 3)), one_hot_labels(2, 3))
def holds(logits: Tensor, labels: NDArray[np.float64]) -> None:
    """Test a loss by properties."""
    assert_gradients(mg.softmax_cross_entropy, logits, labels)


if __name__ == "__main__":
    typed()
    print(scalar(), arrays(), network(), checked(), transformed(), compiled())
    holds()
