"""The MNIST step, 784-50-10 and a batch of 100 in float32, beside NumPy by hand.

Both compute the loss and the gradients of the four parameters and update them.
Neither computes the gradient of the images, which nobody needs. The images are
random: the time does not depend on what is on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd import Tensor, relu, softmax_cross_entropy

Params = dict[str, np.ndarray[Any, Any]]


def parameters(rng: np.random.Generator) -> Params:
    """Return the weights and biases of the network in float32."""
    return {
        "W1": 0.01 * rng.standard_normal((784, 50), dtype=np.float32),
        "b1": np.zeros(50, np.float32),
        "W2": 0.01 * rng.standard_normal((50, 10), dtype=np.float32),
        "b2": np.zeros(10, np.float32),
    }


def by_hand(params: Params) -> Callable[[Any, Any], float]:
    """Return a training step in NumPy alone, as one writes it without the input gradient."""
    W1, b1, W2, b2 = params.values()

    def step(x: Any, t: Any) -> float:
        rows = np.arange(len(x))
        hidden = np.maximum(x @ W1 + b1, 0)
        scores = hidden @ W2 + b2
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        loss = float(-np.log(p[rows, t]).mean())
        p[rows, t] -= 1
        p /= len(x)
        dhidden = p @ W2.T * (hidden > 0)
        gradients = (x.T @ dhidden, dhidden.sum(axis=0), hidden.T @ p, p.sum(axis=0))
        for param, gradient in zip((W1, b1, W2, b2), gradients, strict=True):
            param -= 0.1 * gradient
        return loss

    return step


def by_engine(params: Params) -> Callable[[Any, Any], float]:
    """Return the same training step with Tensors."""
    W1, b1, W2, b2 = leaves = [Tensor(array) for array in params.values()]

    def step(x: Any, t: Any) -> float:
        loss = softmax_cross_entropy(relu(x @ W1 + b1) @ W2 + b2, t)
        loss.backward()
        for leaf in leaves:
            leaf.data -= 0.1 * leaf.grad
            leaf.zero_grad()
        return loss.item()

    return step


def main(steps: int, rounds: int) -> None:
    """Print the seconds a step of both, round by round in turn."""
    rng = np.random.default_rng(0)
    x = rng.random((100, 784), dtype=np.float32)
    t = rng.integers(0, 10, 100)
    hand, engine = by_hand(parameters(rng)), by_engine(parameters(rng))
    for _ in range(rounds):
        for step in (hand, engine):
            start = time.process_time()
            for _ in range(steps):
                step(x, t)
            print((time.process_time() - start) / steps, end=" ")
        print()


if __name__ == "__main__":
    main(100, 15)
