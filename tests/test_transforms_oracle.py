"""PyTorch as the judge of the transforms: Hessians, products and third derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import grad, hessian, hvp, jacobian, jvp, vjp
from micrograd.testing.program import Program, programs
from tests.agreement import numbers
from tests.test_oracle import (
    _oracle,
    assert_agrees,
    run_with_torch,
    torch,
    torch_gradients_of,
    torch_leaf,
)

__all__ = ["_oracle"]  # it skips these tests without PyTorch, but not in CI

# PyTorch's forward mode warns of its own use of torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def tensors(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: tensors(entry) for key, entry in tree.items()}
    return torch.tensor(tree, dtype=torch.float64)


def assert_trees_agree(ours: Any, theirs: Any, tolerance: float = 1e-11) -> None:
    if isinstance(theirs, (dict, list, tuple)):
        keys = theirs if isinstance(theirs, dict) else range(len(theirs))
        assert len(ours) == len(theirs)
        for key in keys:
            assert_trees_agree(ours[key], theirs[key], tolerance)
    else:
        assert_agrees(ours, theirs, tolerance)


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def network(tanh: Callable[[Any], Any], x: Any) -> Any:
    def f(p: Any) -> Any:
        h = tanh(x @ p["W"] + p["b"])
        return h @ p["v"]

    return f


def weights() -> Any:
    return {"W": numbers(3, 4), "b": numbers(4), "v": numbers(4, 2)}


@pytest.mark.slow
def test_the_hessian_of_rosenbrock_in_five_dimensions() -> None:
    x = numbers(5)
    assert_agrees(hessian(rosenbrock)(x), torch.func.hessian(rosenbrock)(tensors(x)))
    assert_agrees(
        jacobian(hessian(rosenbrock))(x),
        torch.func.jacrev(torch.func.hessian(rosenbrock))(tensors(x)),
    )


def test_the_jacobian_and_hessian_of_a_network() -> None:
    x, p = numbers(5, 3), weights()
    ours, theirs = network(mg.tanh, x), network(torch.tanh, tensors(x))
    assert_trees_agree(jacobian(ours)(p), torch.func.jacrev(theirs)(tensors(p)))
    loss = lambda f: lambda p: (f(p) ** 2).mean()  # noqa: E731
    found, expected = hessian(loss(ours))(p), torch.func.hessian(loss(theirs))(tensors(p))
    assert_trees_agree(found, expected)


def test_products_with_the_jacobian_and_hessian_of_a_network() -> None:
    x, p = numbers(5, 3), weights()
    v = {key: np.cos(np.arange(a.size)).reshape(a.shape) for key, a in p.items()}
    ours, theirs = network(mg.tanh, x), network(torch.tanh, tensors(x))
    assert_trees_agree(jvp(ours, (p,), (v,)), torch.func.jvp(theirs, (tensors(p),), (tensors(v),)))
    ct = numbers(5, 2)
    assert_trees_agree(vjp(ours, p)[1](ct), torch.func.vjp(theirs, tensors(p))[1](tensors(ct)))
    loss = lambda f: lambda p: (f(p) ** 2).mean()  # noqa: E731
    found: Any = torch.func.jvp(torch.func.grad(loss(theirs)), (tensors(p),), (tensors(v),))
    expected = found[1]
    assert_trees_agree(hvp(loss(ours), (p,), (v,)), expected)


def test_the_gradient_of_the_norm_of_a_gradient() -> None:
    x, p = numbers(3), weights()

    def penalty(derivative: Any, tanh: Any, x: Any) -> Any:
        def f(p: Any) -> Any:
            g = derivative(lambda x: (network(tanh, x)(p) ** 2).sum())(x)
            return (g**2).sum()

        return f

    ours = grad(penalty(grad, mg.tanh, x))(p)
    theirs = torch.func.grad(penalty(torch.func.grad, torch.tanh, tensors(x)))(tensors(p))
    assert_trees_agree(ours, theirs)


def test_third_derivatives_of_a_network() -> None:
    x, w = numbers(4, 3), numbers(3)
    ours = lambda w: mg.sigmoid(mg.sin(x @ w)).sum()  # noqa: E731
    theirs = lambda w: torch.sigmoid(torch.sin(tensors(x) @ w)).sum()  # noqa: E731
    third = torch.func.jacfwd(torch.func.hessian(theirs))(tensors(w))
    assert_agrees(jacobian(hessian(ours))(w), third)
    assert_agrees(hessian(grad(ours))(w), third)


@settings(max_examples=60)
@given(st.one_of(programs("tensor"), programs("value")))
def test_products_with_the_hessian_of_random_programs(program: Program) -> None:
    rng = np.random.default_rng(len(program.source))
    v = tuple(rng.uniform(-1, 1, np.shape(x)) for x in program.inputs)
    f = lambda *args: mg.sum(mg.cos(program(*args)))  # noqa: E731
    if isinstance(program.inputs[0], float):
        f = lambda *args: mg.cos(program(*args))  # noqa: E731
        v = tuple(map(float, v))

    leaves = [torch_leaf(x) for x in program.inputs]
    y = run_with_torch(program, leaves).cos().sum()
    slopes = torch_gradients_of(y, leaves)
    along = sum((g * tensors(w)).sum() for g, w in zip(slopes, v, strict=True))
    slope = jvp(f, program.inputs, v)[1]
    assert_agrees(slope, along, 1e-8)
    found = hvp(f, program.inputs, v)
    found = found if isinstance(found, tuple) else (found,)
    for ours, theirs in zip(found, torch_gradients_of(along, leaves), strict=True):
        assert_agrees(ours, theirs, 1e-8)
