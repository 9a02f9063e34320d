"""The layers of chapter 5 of 'Deep Learning from Scratch', each made from primitives.

A layer takes and gives plain numbers and arrays. Its `forward` records the
operation on leaves of its own, and its `backward` asks the engine: no layer
here contains a derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd import ops
from micrograd.core.node import Node
from micrograd.engine.modes import enable_grad
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import GradientError, OperandError, ShapeError
from micrograd.ops.fused import logits_and_targets
from micrograd.transforms.numerical import numerical_gradient


class _Layer:
    """A function that is recorded by `forward` and differentiated by `backward`."""

    _inputs: tuple[Any, ...] = ()
    _output: Any = None

    def _record(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Apply `function` to leaves with the data of `inputs`, and return the data."""
        self._inputs = tuple(_leaf(x, type(self).__name__) for x in inputs)
        with enable_grad():
            self._output = function(*self._inputs)
        return self._output.data

    def _pull(self, dout: Any) -> tuple[Any, ...]:
        """Return the gradients of the inputs for the gradient of the output."""
        if self._output is None:
            raise GradientError(
                f"{type(self).__name__}.backward: nothing was computed yet. Call forward first."
            )
        for leaf in self._inputs:
            leaf.zero_grad()
        if np.ndim(dout) == 0:  # one number stands for all elements
            dout = np.full(self._output.shape, dout)[()]
        self._output.backward(dout)
        return tuple(leaf.grad for leaf in self._inputs)


def _leaf(x: Any, name: str) -> Value | Tensor:
    if isinstance(x, Node):
        raise OperandError(
            f"{name}.forward: takes plain numbers and arrays, but came a {type(x).__name__}, whose "
            "graph would end here. Give its .data, or use the operations of micrograd on it."
        )
    if np.ndim(x) == 0 and not isinstance(x, np.ndarray):
        return Value(x)
    tensor = Tensor(x)
    return tensor if tensor.requires_grad else Tensor(x, np.float64)


class MulLayer(_Layer):
    """The multiply node: backward gives each input the other one times dout.

    >>> layer = MulLayer()
    >>> layer.forward(100, 2)
    200
    >>> layer.backward(1.1)
    (2.2, 110.00000000000001)
    """

    def forward(self, x: Any, y: Any) -> Any:
        """Return x * y for numbers or arrays."""
        return self._record(ops.multiply, x, y)

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return (dx, dy) for the gradient `dout` of the output."""
        dx, dy = self._pull(dout)
        return dx, dy


class AddLayer(_Layer):
    """The add node: backward gives both inputs dout.

    >>> layer = AddLayer()
    >>> layer.forward(200, 450)
    650
    >>> layer.backward(1.1)
    (1.1, 1.1)
    """

    def forward(self, x: Any, y: Any) -> Any:
        """Return x + y for numbers or arrays."""
        return self._record(ops.add, x, y)

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return (dx, dy) for the gradient `dout` of the output."""
        dx, dy = self._pull(dout)
        return dx, dy


class Relu(_Layer):
    """ReLU: backward passes dout where x > 0, and 0 elsewhere.

    >>> layer = Relu()
    >>> layer.forward(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.array([5.0, 5.0]))
    array([0., 5.])
    """

    def forward(self, x: Any) -> Any:
        """Return x where it is positive and 0 elsewhere."""
        return self._record(ops.relu, x)

    def backward(self, dout: Any) -> Any:
        """Return dx for the gradient `dout` of the output."""
        return self._pull(dout)[0]


class Sigmoid(_Layer):
    """The sigmoid: backward gives dout * y * (1 - y).

    >>> layer = Sigmoid()
    >>> layer.forward(0.0)
    0.5
    >>> layer.backward(1.0)
    0.25
    """

    def forward(self, x: Any) -> Any:
        """Return 1 / (1 + exp(-x))."""
        return self._record(ops.sigmoid, x)

    def backward(self, dout: Any) -> Any:
        """Return dx for the gradient `dout` of the output."""
        return self._pull(dout)[0]


class Affine(_Layer):
    """x W + b for one sample, a batch, or samples of several axes.

    Args:
        W: weights of shape (inputs, outputs); read anew at each forward, so
            that an update in place is seen.
        b: biases of shape (outputs,).

    Attributes:
        dW: the gradient of W, after `backward`.
        db: the gradient of b, after `backward`.

    >>> layer = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.5]))
    >>> layer.forward(np.array([1.0, 1.0]))
    array([4.5, 6.5])
    >>> layer.backward(np.array([1.0, 0.0]))
    array([1., 3.])
    >>> layer.dW, layer.db
    (array([[1., 0.],
           [1., 0.]]), array([1., 0.]))
    """

    def __init__(self, W: ArrayLike, b: ArrayLike) -> None:
        self.W = np.asarray(W)
        self.b = np.asarray(b)
        self.dW: NDArray[Any] | None = None
        self.db: NDArray[Any] | None = None

    def forward(self, x: ArrayLike) -> Any:
        """Return x W + b for x of shape (inputs,), (n, inputs), or (n, ...) with as many in all.

        Raises:
            ShapeError: if a sample has not as many elements as W has rows.
        """
        return self._record(affine, np.asarray(x), self.W, self.b)

    def backward(self, dout: Any) -> Any:
        """Return dx in the shape of x, and leave dW and db."""
        dx, self.dW, self.db = self._pull(dout)
        return dx


def affine(x: Any, W: Any, b: Any) -> Any:
    """Return x W + b; samples of several axes are laid out flat where that fits W.

    Derivatives: g W.T, x.T g, and g summed over the batch.

    >>> affine(np.ones((2, 1, 3)), np.ones((3, 1)), np.ones(1)).tolist()
    [[4.0], [4.0]]
    """
    if len(x.shape) > 2 and math.prod(x.shape[1:]) == W.shape[0]:
        x = ops.reshape(x, (x.shape[0], W.shape[0]))
    if x.shape[-1:] != W.shape[:1]:
        raise ShapeError(
            f"affine: x of shape {tuple(x.shape)} does not fit W of shape {tuple(W.shape)}. "
            f"Expected samples of {W.shape[0]} elements."
        )
    return ops.matmul(x, W) + b


class SoftmaxWithLoss(_Layer):
    """Softmax and cross-entropy in one: backward gives (y - t) / n.

    Attributes:
        y: the probabilities, after `forward`.
        t: the labels that came.
        loss: the mean loss over the batch.

    >>> layer = SoftmaxWithLoss()
    >>> round(float(layer.forward(np.zeros((1, 2)), np.array([0]))), 4)
    0.6931
    >>> layer.backward()
    array([[-0.5,  0.5]])
    """

    def __init__(self) -> None:
        self.y: Any = None
        self.t: Any = None
        self.loss: Any = None

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the mean loss of scores `x` (..., classes) for integer or one-hot labels `t`.

        The label of one sample may have the shape (1, 1), as in the book's chapter 7.
        """
        self.t = np.asarray(t)
        lone = self.t.shape == (1, 1) and np.shape(x)[:-1] == (1,) != np.shape(x)[-1:]
        labels = self.t[0] if lone else self.t
        self.loss = self._record(partial(ops.softmax_cross_entropy, labels=labels), x)
        self.y = ops.softmax(np.asarray(x))
        return self.loss

    def backward(self, dout: Any = 1) -> Any:
        """Return dx for the gradient `dout` of the loss."""
        return self._pull(dout)[0]


class TwoLayerNet:
    """Affine, ReLU, affine, softmax with loss: the network of the book's chapter 5.

    Args:
        input_size: the length of a sample.
        hidden_size: how many hidden units there are.
        output_size: how many classes there are.
        weight_init_std: the weights start as this times N(0, 1); biases as 0.
        rng: the source of the weights; a fresh one when left out.

    Attributes:
        params: the arrays W1, b1, W2 and b2, to be updated in place.

    >>> net = TwoLayerNet(4, 3, 2, rng=np.random.default_rng(0))
    >>> {name: array.shape for name, array in net.params.items()}
    {'W1': (4, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = rng or np.random.default_rng()
        self.params: dict[str, NDArray[Any]] = {
            "W1": weight_init_std * rng.standard_normal((input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * rng.standard_normal((hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the scores of samples `x` of shape (n, input_size), not normalized."""
        return _scores(np.asarray(x), **self.params)

    def loss(self, x: ArrayLike, t: ArrayLike) -> float:
        """Return the mean cross-entropy for integer or one-hot labels `t`."""
        return float(ops.softmax_cross_entropy(self.predict(x), t))

    def accuracy(self, x: ArrayLike, t: ArrayLike) -> float:
        """Return the share of samples whose best score is that of their label."""
        scores, labels = logits_and_targets("TwoLayerNet.accuracy", self.predict(x), t)
        best: NDArray[Any] = scores.argmax(axis=-1)
        right: NDArray[Any] = best == (labels if labels.ndim == best.ndim else labels.argmax(-1))
        return float(right.mean())

    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient of the loss for each parameter, by backpropagation."""
        with enable_grad():
            leaves = {name: Tensor(array, label=name) for name, array in self.params.items()}
            ops.softmax_cross_entropy(_scores(np.asarray(x), **leaves), t).backward()
        return {name: leaf.grad for name, leaf in leaves.items()}

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient of the loss for each parameter, by central differences."""

        def loss(_: Any) -> float:
            return self.loss(x, t)

        return numerical_gradient(loss, self.params)


def _scores(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return affine(ops.relu(affine(x, W1, b1)), W2, b2)
