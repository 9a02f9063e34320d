"""A training step on a batch of images, compiled: the loss, all gradients, the update."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.cases import decorated, mnist

micrograd, eager = decorated.compiled(mnist.build), mnist.micrograd
numpy, jax_jit = mnist.numpy, mnist.jax_jit


def torch_compile(sizes: list[int], batch: int, dtype: str) -> decorated.Step:
    """Return the step with torch.compile, the update in the same graph."""
    torch: Any = import_module("torch")
    arrays, x, t = mnist.data(sizes, batch, dtype)
    params, images, labels = (
        [torch.tensor(array) for array in arrays],
        torch.tensor(x),
        torch.tensor(t),
    )

    def loss(params: Any, images: Any, labels: Any) -> Any:
        scores = mnist.scores_of(torch.relu, params, images)
        return torch.nn.functional.cross_entropy(scores, labels)

    @torch.compile
    def update(params: Any, images: Any, labels: Any) -> Any:
        gradients, value = torch.func.grad_and_value(loss)(params, images, labels)
        for param, gradient in zip(params, gradients, strict=True):
            param.sub_(gradient, alpha=mnist.RATE)
        return value

    return lambda: update(params, images, labels).item()
