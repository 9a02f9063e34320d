"""A training step on a batch of images: the loss, the gradients of all parameters, the update.

Nobody computes the gradient of the images but the book's layers, which always do. The
images are random: the time does not depend on what is on them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.cases import decorated
from benchmarks.cases.generic import import_dezero

Array = Any
Step = Callable[[], Any]
RATE = 0.1


def data(sizes: list[int], batch: int, dtype: str) -> tuple[list[Array], Array, Array]:
    """Return weights and biases in turn, images and labels."""
    rng = np.random.default_rng(0)
    params: list[Array] = []
    for inputs, outputs in pairwise(sizes):
        weights = np.sqrt(2 / inputs) * rng.standard_normal((inputs, outputs))
        params += [weights.astype(dtype), np.zeros(outputs, dtype)]
    return params, rng.random((batch, sizes[0])).astype(dtype), rng.integers(0, 10, batch)


def scores_of(relu: Callable[[Any], Any], params: Any, x: Any) -> Any:
    """Return the scores of a network: affine layers with ReLU between them."""
    for i in range(0, len(params), 2):
        x = relu(x) if i else x
        x = x @ params[i] + params[i + 1]
    return x


def trainer(decorate: decorated.Decorate, arrays: list[Array]) -> Callable[[Array, Array], Any]:
    """Return the step as a function of images and labels, with Tensors that start from arrays."""
    mg: Any = import_module("micrograd")
    params = [mg.Tensor(array) for array in arrays]

    @decorate
    def step(x: Array, t: Array) -> Any:
        loss = mg.softmax_cross_entropy(scores_of(mg.relu, params, x), t)
        loss.backward()
        for param in params:
            param.data -= RATE * param.grad
            param.zero_grad()
        return loss

    return lambda x, t: step(x, t).item()


def build(decorate: decorated.Decorate, sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with Tensors."""
    arrays, x, t = data(sizes, batch, dtype)
    step = trainer(decorate, arrays)
    return lambda: step(x, t)


micrograd = decorated.eager(build)


def trainer_by_hand(params: list[Array], batch: int) -> Callable[[Array, Array], Any]:
    """Return the step in NumPy by hand, which writes into arrays that are no longer needed."""
    rows = np.arange(batch)

    def step(x: Array, t: Array) -> Any:
        inputs = [x]
        for i in range(0, len(params), 2):
            h = inputs[-1] @ params[i]
            h += params[i + 1]
            if i < len(params) - 2:
                np.maximum(h, 0, out=h)
            inputs.append(h)
        g = inputs.pop()
        g -= g.max(axis=1, keepdims=True)
        np.exp(g, out=g)
        g /= g.sum(axis=1, keepdims=True)
        loss = -np.log(g[rows, t]).mean()
        g[rows, t] -= 1
        g /= batch
        for i in reversed(range(0, len(params), 2)):
            h = inputs.pop()
            weights, bias = h.T @ g, g.sum(axis=0)
            if i:
                g = g @ params[i].T
                g *= h > 0
            for param, gradient in ((params[i], weights), (params[i + 1], bias)):
                gradient *= RATE
                param -= gradient
        return loss

    return step


def numpy(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step in NumPy by hand."""
    params, x, t = data(sizes, batch, dtype)
    step = trainer_by_hand(params, batch)
    return lambda: step(x, t)


def book(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with layers as in the book, each with a forward and a backward method.

    As there, the weights are float64, whatever the images are.
    """
    arrays, x, t = data(sizes, batch, dtype)
    params = [array.astype(float) for array in arrays]
    one_hot = np.eye(sizes[-1])[t]
    layers: list[Any] = []
    for i in range(0, len(params), 2):
        if i:
            layers.append(_Relu())
        layers.append(_Affine(params[i], params[i + 1]))

    def step() -> Any:
        h = x
        for layer in layers:
            h = layer.forward(h)
        shifted = h - h.max(axis=1, keepdims=True)
        y = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        loss = -np.sum(np.log(y[np.arange(batch), t] + 1e-7)) / batch
        g = (y - one_hot) / batch
        for layer in reversed(layers):
            g = layer.backward(g)
        for layer in layers:
            if isinstance(layer, _Affine):
                layer.W -= RATE * layer.dW
                layer.b -= RATE * layer.db
        return loss

    return step


class _Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, g: Array) -> Array:
        self.dW = np.dot(self.x.T, g)
        self.db = np.sum(g, axis=0)
        return np.dot(g, self.W.T)


class _Relu:
    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, g: Array) -> Array:
        g[self.mask] = 0
        return g


def mygrad(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with MyGrad's tensors."""
    mg: Any = import_module("mygrad")
    nnet: Any = import_module("mygrad.nnet")
    arrays, x, t = data(sizes, batch, dtype)
    params = [mg.tensor(array) for array in arrays]

    def step() -> None:
        nnet.losses.softmax_crossentropy(scores_of(nnet.activations.relu, params, x), t).backward()
        for param in params:
            param.data -= RATE * param.grad
            param.null_grad()

    return step


def autograd(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with autograd."""
    anp: Any = import_module("autograd.numpy")
    scipy: Any = import_module("autograd.scipy.special")
    params, x, t = data(sizes, batch, dtype)
    rows = np.arange(batch)

    def loss(params: Any) -> Any:
        scores = scores_of(lambda h: anp.maximum(h, 0), params, x)
        return anp.mean(scipy.logsumexp(scores, axis=1) - scores[rows, t])

    both = import_module("autograd").value_and_grad(loss)

    def step() -> None:
        for param, gradient in zip(params, both(params)[1], strict=True):
            param -= RATE * gradient

    return step


def dezero(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with DeZero's variables."""
    functions: Any = import_dezero("dezero.functions")
    arrays, x, t = data(sizes, batch, dtype)
    params = [import_dezero().Variable(array) for array in arrays]

    def step() -> None:
        h = x
        for i in range(0, len(params), 2):
            h = functions.relu(h) if i else h
            h = functions.linear(h, params[i], params[i + 1])
        functions.softmax_cross_entropy(h, t).backward()
        for param in params:
            param.data -= RATE * param.grad.data
            param.cleargrad()

    return step


def pytorch(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with PyTorch's tensors."""
    torch: Any = import_module("torch")
    arrays, x, t = data(sizes, batch, dtype)
    params = [torch.tensor(array, requires_grad=True) for array in arrays]
    images, labels = torch.tensor(x), torch.tensor(t)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(scores_of(torch.relu, params, images), labels)
        loss.backward()
        with torch.no_grad():
            for param in params:
                param.sub_(param.grad, alpha=RATE)
                param.grad = None

    return step


def jax(sizes: list[int], batch: int, dtype: str, jit: bool = False) -> Step:
    """Return the step with JAX."""
    module: Any = import_module("jax")
    module.config.update("jax_enable_x64", dtype == "float64")
    jnp = module.numpy
    arrays, x, t = data(sizes, batch, dtype)
    params = [jnp.asarray(array) for array in arrays]
    images, labels, rows = jnp.asarray(x), jnp.asarray(t), jnp.arange(batch)

    def loss(params: Any, images: Any, labels: Any) -> Any:
        log_p = module.nn.log_softmax(scores_of(module.nn.relu, params, images))
        return -log_p[rows, labels].mean()

    both = module.value_and_grad(loss)

    def update(params: Any, images: Any, labels: Any) -> Any:
        value, gradients = both(params, images, labels)
        return value, [p - RATE * g for p, g in zip(params, gradients, strict=True)]

    update = module.jit(update) if jit else update

    def step() -> Any:
        nonlocal params
        value, params = module.block_until_ready(update(params, images, labels))
        return value

    return step


def jax_jit(sizes: list[int], batch: int, dtype: str) -> Step:
    """Return the step with JAX, compiled."""
    return jax(sizes, batch, dtype, jit=True)
