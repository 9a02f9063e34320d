"""A function of a few arrays, differentiated by every peer: its value and all gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

Function = Callable[..., Any]
Step = Callable[[], Any]
Array = Any


def micrograd(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with Tensors; the function gets them and this library."""
    mg: Any = import_module("micrograd")
    leaves = [mg.Tensor(array) for array in arrays]

    def step() -> None:
        function(mg, *leaves).backward()
        for leaf in leaves:
            leaf.zero_grad()

    return step


def mygrad(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with MyGrad's tensors."""
    mg: Any = import_module("mygrad")
    leaves = [mg.tensor(array) for array in arrays]

    def step() -> None:
        function(mg, *leaves).backward()
        for leaf in leaves:
            leaf.null_grad()

    return step


def autograd(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with autograd's value_and_grad."""
    anp: Any = import_module("autograd.numpy")
    every = tuple(range(len(arrays)))
    both = import_module("autograd").value_and_grad(lambda *args: function(anp, *args), every)
    return lambda: both(*arrays)


def import_dezero(name: str = "dezero") -> Any:
    """Return a module of DeZero, which still wants the alias that NumPy 1.24 took away."""
    if not hasattr(np, "int"):
        np.int = int  # pyright: ignore[reportAttributeAccessIssue]
    return import_module(name)


def dezero(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with DeZero's variables."""
    functions: Any = import_dezero("dezero.functions")
    leaves = [import_dezero().Variable(array) for array in arrays]

    def step() -> None:
        function(functions, *leaves).backward()
        for leaf in leaves:
            leaf.cleargrad()

    return step


def pytorch(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with PyTorch's tensors."""
    torch: Any = import_module("torch")
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]

    def step() -> None:
        function(torch, *leaves).backward()
        for leaf in leaves:
            leaf.grad = None

    return step


def jax(function: Function, arrays: Sequence[Array], jit: bool = False) -> Step:
    """Return a step with JAX's value_and_grad, in the dtype of the arrays."""
    module: Any = import_module("jax")
    module.config.update("jax_enable_x64", True)
    leaves = [module.numpy.asarray(array) for array in arrays]
    every = tuple(range(len(arrays)))
    both = module.value_and_grad(lambda *args: function(module.numpy, *args), every)
    both = module.jit(both) if jit else both
    return lambda: module.block_until_ready(both(*leaves))


def jax_jit(function: Function, arrays: Sequence[Array]) -> Step:
    """Return a step with JAX's value_and_grad, compiled."""
    return jax(function, arrays, jit=True)


def random_arrays(*shapes: tuple[int, ...], dtype: str = "float64") -> list[Array]:
    """Return arrays of numbers from 0.5 to 1.

    >>> [array.shape for array in random_arrays((2,), (3, 1))]
    [(2,), (3, 1)]
    """
    rng = np.random.default_rng(0)
    return [np.asarray(0.5 + rng.random(shape) / 2, dtype) for shape in shapes]


def steps(build: Callable[..., tuple[Function, Sequence[Array]]]) -> list[Callable[..., Step]]:
    """Return a maker of steps for each of the peers above, in their order.

    Args:
        build: called with the settings of a variant, returns the function and its arrays.
    """

    def maker(peer: Callable[..., Step]) -> Callable[..., Step]:
        return lambda **settings: peer(*build(**settings))

    return [maker(peer) for peer in (micrograd, mygrad, autograd, dezero, pytorch, jax, jax_jit)]
