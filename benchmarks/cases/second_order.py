"""The product of the loss's Hessian and a vector, for all parameters of the MNIST network."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import decorated
from benchmarks.cases.mnist import data, scores_of

Step = Callable[[], Any]


def _build() -> tuple[list[Any], list[Any], Any, Any]:
    params, x, t = data([784, 50, 10], 100, "float64")
    rng = np.random.default_rng(1)
    return params, [rng.standard_normal(param.shape) for param in params], x, t


def build(decorate: decorated.Decorate) -> Step:
    """Return the step with `hvp`."""
    mg: Any = import_module("micrograd")
    params, vectors, x, t = _build()

    @decorate
    def product(params: Any, vectors: Any, x: Any, t: Any) -> Any:
        def loss(params: Any) -> Any:
            return mg.softmax_cross_entropy(scores_of(mg.relu, params, x), t)

        return mg.hvp(loss, (params,), (vectors,))

    return lambda: product(params, vectors, x, t)


micrograd = decorated.eager(build)


def autograd() -> Step:
    """Return the step with autograd's hessian_vector_product."""
    anp: Any = import_module("autograd.numpy")
    scipy: Any = import_module("autograd.scipy.special")
    params, vectors, x, t = _build()
    rows = np.arange(len(x))

    def loss(params: Any) -> Any:
        scores = scores_of(lambda h: anp.maximum(h, 0), params, x)
        return anp.mean(scipy.logsumexp(scores, axis=1) - scores[rows, t])

    gradient = import_module("autograd").grad(loss)

    def product(params: Any) -> Any:
        pairs = zip(gradient(params), vectors, strict=True)
        return sum(anp.sum(g * v) for g, v in pairs)

    hvp = import_module("autograd").grad(product)
    return lambda: hvp(params)


def pytorch() -> Step:
    """Return the step with a gradient of a gradient."""
    torch: Any = import_module("torch")
    arrays, vectors, x, t = _build()
    params = [torch.tensor(array, requires_grad=True) for array in arrays]
    directions = [torch.tensor(vector) for vector in vectors]
    images, labels = torch.tensor(x), torch.tensor(t)

    def step() -> Any:
        loss = torch.nn.functional.cross_entropy(scores_of(torch.relu, params, images), labels)
        gradients = torch.autograd.grad(loss, params, create_graph=True)
        return torch.autograd.grad(gradients, params, grad_outputs=directions)

    return step


def jax(jit: bool = False) -> Step:
    """Return the step with JAX, forward over reverse."""
    module: Any = import_module("jax")
    module.config.update("jax_enable_x64", True)
    jnp = module.numpy
    arrays, vectors, x, t = _build()
    params, tangents = [[jnp.asarray(a) for a in some] for some in (arrays, vectors)]
    images, labels, rows = jnp.asarray(x), jnp.asarray(t), jnp.arange(len(x))

    def loss(params: Any) -> Any:
        log_p = module.nn.log_softmax(scores_of(module.nn.relu, params, images))
        return -log_p[rows, labels].mean()

    def product(params: Any, tangents: Any) -> Any:
        return module.jvp(module.grad(loss), (params,), (tangents,))[1]

    product = module.jit(product) if jit else product
    return lambda: module.block_until_ready(product(params, tangents))


def jax_jit() -> Step:
    """Return the step with JAX, compiled."""
    return jax(jit=True)
