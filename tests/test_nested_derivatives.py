"""Transforms within transforms, within graphs, within rules, and under no_grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    Tensor,
    Value,
    checkpoint,
    define_op,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from micrograd.core.op import registry
from tests.agreement import numbers

close = np.testing.assert_allclose


def rosenbrock(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


# Perturbation confusion


def test_an_inner_derivative_takes_the_outer_variable_for_a_constant() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    inner = lambda x: jvp(lambda y: x + y, (1.0,), (1.0,))[1]  # noqa: E731
    assert jvp(lambda x: x * inner(x), (1.0,), (1.0,)) == (1.0, 1.0)
    assert grad(lambda x: x * inner(x))(1.0) == 1.0


def test_an_inner_derivative_at_the_outer_variable() -> None:
    # d/dx of x * d/dy (x y^2) at y = x, which is 2 x^3
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(2.0) == 24.0
    # z: x y z^2 gives 2 x y^2; y: 2 x^2 y^3 gives 6 x^4; x: 6 x^5
    three = lambda x: x * grad(lambda y: x * y * grad(lambda z: x * y * z * z)(y))(x)  # noqa: E731
    assert three(Value(2.0)).data == 192.0
    assert grad(three)(2.0) == 480.0


def test_what_an_inner_function_computes_of_the_outer_variable_alone_is_differentiated() -> None:
    kept: list[Any] = []

    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            kept.append(x * x)  # made while the inner function runs
            return kept[-1] * y

        slope = grad(inner)(3.0)
        return slope * kept[-1]  # x^4

    assert grad(outer)(2.0) == 32.0


def test_a_node_that_leaked_from_an_inner_function_is_differentiated_by_the_outer() -> None:
    kept: list[Any] = []

    def outer(x: Any) -> Any:
        grad(lambda y: kept.append(x * y * y) or y * y)(x)
        return kept[0]  # x^3, as y is x

    assert grad(outer)(2.0) == 12.0


def test_the_derivative_of_a_higher_order_function() -> None:
    def d(f: Any) -> Any:
        return lambda x: jvp(f, (x,), (1.0,))[1]

    # The function s -> (f -> x -> f(x + s)): its derivative by s, applied twice, gives f''.
    shift = lambda s: lambda f: lambda x: f(x + s)  # noqa: E731
    first = lambda f: lambda x: grad(lambda s: shift(s)(f)(x))(0.0)  # noqa: E731
    assert first(first(lambda x: x**3))(2.0) == 12.0
    assert d(d(lambda x: x**3))(2.0) == 12.0
    assert first(d(first(lambda x: x**4)))(2.0) == 48.0


# Transforms of transforms

CUBIC = np.array([[[1.0, 0.5], [-0.3, 2.0]], [[0.7, -1.0], [0.2, 0.4]]])
X0, V0, W0 = np.array([0.3, -1.1]), np.array([1.0, 2.0]), np.array([-0.5, 0.8])


def cubic(x: Any) -> Any:
    return mg.einsum("ijk,i,j,k->", CUBIC, x, x, x)


def third(*vectors: Any) -> Any:
    """Return the third derivative of the cubic, in the directions given."""
    places = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    slope: Any = sum(np.transpose(CUBIC, p) for p in places)
    for v in reversed(vectors):
        slope = slope @ v
    return slope


H0 = third(X0)  # the Hessian of a cubic is linear in x


def along(f: Any, v: Any) -> Any:
    return lambda x: jvp(f, (x,), (v,))[1]


NESTED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "jacobian of grad": (jacobian(grad(cubic)), H0),
    "jvp of grad": (along(grad(cubic), V0), H0 @ V0),
    "grad of jvp": (grad(along(cubic, V0)), H0 @ V0),
    "grad of grad · v": (grad(lambda x: grad(cubic)(x) @ V0), H0 @ V0),
    "vjp of grad": (lambda x: vjp(grad(cubic), x)[1](V0)[0], H0 @ V0),
    "jvp of vjp": (along(lambda x: vjp(cubic, x)[1](1.0)[0], V0), H0 @ V0),
    "vjp of jvp": (lambda x: vjp(along(cubic, V0), x)[1](1.0)[0], H0 @ V0),
    "jvp of jvp": (along(along(cubic, V0), W0), W0 @ H0 @ V0),
    "jvp of hvp": (along(lambda x: hvp(cubic, (x,), (V0,)), W0), third(V0, W0)),
    "hvp of hvp": (
        lambda x: hvp(lambda x: hvp(cubic, (x,), (V0,)) @ x, (x,), (W0,)),
        2 * third(V0, W0),
    ),
    "jacobian of hessian": (jacobian(hessian(cubic)), third()),
    "hessian of jvp": (hessian(along(cubic, V0)), third(V0)),
    "jacobian of jacobian of grad": (jacobian(jacobian(grad(cubic))), third()),
    "grad of jacobian": (grad(lambda x: (jacobian(lambda y: y * y)(x) @ V0).sum()), 2 * V0),
    "grad of value_and_grad": (
        grad(lambda x: (lambda y, g: y + g @ V0)(*value_and_grad(cubic)(x))),
        third(X0, X0) / 2 + H0 @ V0,
    ),
    "elementwise_grad of itself": (
        elementwise_grad(elementwise_grad(mg.tanh)),
        -2 * np.tanh(X0) * (1 - np.tanh(X0) ** 2),
    ),
    "grad of checkpoint of grad": (
        grad(checkpoint(lambda x: grad(checkpoint(cubic))(x) @ V0)),
        H0 @ V0,
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_transforms_of_transforms(name: str) -> None:
    derivative, expected = NESTED[name]
    found = derivative(X0)
    assert isinstance(found, (np.ndarray, np.float64))
    close(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", NESTED)
def test_transforms_of_transforms_of_nodes_are_differentiated_with_the_graph(name: str) -> None:
    derivative, expected = NESTED[name]
    x = Tensor(X0)
    found = derivative(x * 1.0)
    close(found.data, expected, rtol=1e-12, atol=1e-13)
    step = 1e-6 * V0
    slope = (derivative(X0 + step) - derivative(X0 - step)) / 2e-6
    if found.requires_grad:
        found.backward(np.ones(found.shape))
        close(x.grad @ V0, np.sum(slope), rtol=1e-6, atol=1e-6)
    else:
        close(np.sum(slope), 0, atol=1e-6)


def test_the_function_that_vjp_gives_is_linear_and_differentiated_as_such() -> None:
    _, back = vjp(lambda x: x**3, 2.0)
    assert jvp(lambda c: back(c)[0], (5.0,), (7.0,)) == (60.0, 84.0)
    assert vjp(back, 5.0)[1]((7.0,)) == (84.0,)
    assert jacobian(lambda c: back(c)[0])(1.0) == 12.0
    assert grad(grad(lambda c: back(c * c)[0]))(1.0) == 24.0
    A = numbers(3, 2)
    _, back = vjp(lambda x: A @ x, numbers(2))
    close(jacobian(lambda c: back(c)[0])(numbers(3)), A.T, rtol=1e-15)


def test_a_derivative_by_the_direction_of_a_jvp() -> None:
    slope = grad(lambda t: jvp(lambda x: x**3, (2.0,), (t,))[1])
    assert slope(1.0) == 12.0
    assert grad(lambda t: jvp(lambda x: x**3, (t,), (t,))[1])(2.0) == 9 * 4.0
    assert grad(lambda v: hvp(lambda x: x**3, (2.0,), (v,)) * v)(3.0) == 72.0


# Graphs outside


def test_a_derivative_is_differentiated_with_the_nodes_that_it_used() -> None:
    w = Value(5.0)
    for slope in (
        grad(lambda x: w * x**2)(3.0),
        jvp(lambda x: w * x**2, (3.0,), (1.0,))[1],
        vjp(lambda x: w * x**2, 3.0)[1](1.0)[0],
        hvp(lambda x: w * x**3 / 9, (3.0,), (3.0,)),
        jacobian(lambda x: w * x**2)(3.0),
        hessian(lambda x: w * x**3 / 3)(3.0),
    ):
        w.zero_grad()
        (slope * 10).backward()
        assert (slope.data, w.grad) == (pytest.approx(30.0), pytest.approx(60.0))


def test_a_gradient_penalty_trains_weights() -> None:
    W = Tensor(numbers(3, 2))
    x = numbers(3)

    def penalty(W: Any) -> Any:
        g = grad(lambda x: (mg.tanh(x @ W) ** 2).sum())(x)
        return (g**2).sum()

    penalty(W).backward()
    numerical = np.zeros((3, 2))
    for place in np.ndindex(3, 2):
        step = np.zeros((3, 2))
        step[place] = 1e-6
        numerical[place] = (penalty(W.data + step) - penalty(W.data - step)) / 2e-6
    close(W.grad, numerical, rtol=1e-6, atol=1e-8)


def test_a_derivative_by_a_node_leaves_its_graph_as_it_was() -> None:
    x = Value(3.0)
    h = x * x
    h.backward()
    slope = grad(lambda h: h**3)(h)
    assert (slope.data, h.grad, x.grad) == (243.0, 1.0, 6.0)
    x.zero_grad()
    slope.backward()
    assert x.grad == 6 * 9 * 6.0


def test_a_function_may_call_backward_itself() -> None:
    def f(x: Any) -> Any:
        y = x * x
        y.backward()
        return y * x

    assert grad(f)(3.0) == 27.0
    x = Value(3.0)
    assert grad(f)(x).data == 27.0
    assert x.grad == 6.0


def test_a_rule_of_an_operation_may_be_a_derivative() -> None:
    smooth = lambda x: mg.log(1 + mg.exp(x))  # noqa: E731
    op = define_op(
        "softplus in test_derivatives",
        lambda x: np.log1p(np.exp(x)),
        lambda g, y, x: g * elementwise_grad(smooth)(x),
    )
    try:
        s = 1 / (1 + np.exp(-0.4))
        assert grad(op)(0.4) == pytest.approx(s, rel=1e-14)
        assert grad(grad(op))(0.4) == pytest.approx(s * (1 - s), rel=1e-13)
        slopes = [s * (1 - s), 0.25]
        close(elementwise_grad(elementwise_grad(op))(np.array([0.4, 0.0])), slopes, rtol=1e-13)
        x = Tensor([0.4, 0.0])
        op(x).sum().backward()
        close(x.grad, [s, 0.5], rtol=1e-14)
    finally:
        del registry[op.name]


def test_an_operation_may_be_computed_with_a_derivative() -> None:
    op = define_op(
        "slope in test_derivatives",
        lambda x: grad(mg.tanh)(x),
        lambda g, y, x: g * grad(grad(mg.tanh))(x),
    )
    try:
        assert grad(op)(0.5) == grad(grad(mg.tanh))(0.5)
        assert grad(grad(op))(0.5) == grad(grad(grad(mg.tanh)))(0.5)
    finally:
        del registry[op.name]


# Grad mode


def test_transforms_differentiate_under_no_grad() -> None:
    with no_grad():
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        assert jvp(lambda x: x**3, (2.0,), (1.0,)) == (8.0, 12.0)
        assert vjp(lambda x: x**3, 2.0)[1](1.0) == (12.0,)
        assert hvp(lambda x: x**3, (2.0,), (1.0,)) == 12.0
        close(hessian(rosenbrock)(np.ones(2)), [[802, -400], [-400, 200]])
        slope = grad(grad(lambda x: x**3))(Value(2.0))
    assert (slope.data, slope.requires_grad) == (12.0, False)


def test_what_a_function_computes_under_no_grad_is_a_constant() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            y = x * x
        return y * x

    assert grad(f)(3.0) == 9.0
    assert grad(grad(f))(3.0) == 0.0
    assert hessian(f)(3.0) == 0.0


def test_an_inner_derivative_under_no_grad_is_a_constant() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            slope = grad(lambda y: y**3)(x)
        return slope * x

    assert grad(f)(2.0) == 12.0


def test_a_where_leaks_no_nan_into_a_jvp_or_a_second_derivative() -> None:
    f = lambda x: mg.where(x > 0, mg.sqrt(mg.maximum(x, 0.0)), 0.0)  # noqa: E731
    x = np.array([-1.0, 4.0])
    assert elementwise_grad(f)(x).tolist() == [0.0, 0.25]
    assert jvp(f, (x,), (np.array([1.0, 2.0]),))[1].tolist() == [0.0, 0.5]
    assert hessian(lambda x: f(x).sum())(x).tolist() == [[0.0, 0.0], [0.0, -1 / 32]]


# What is linear


@pytest.mark.parametrize(
    "f", [lambda x: 2 * x, lambda x: x, lambda x: x - 1.0, lambda x: -x, lambda x: x / 2]
)
def test_the_second_derivative_of_what_is_linear_is_0(f: Callable[[Any], Any]) -> None:
    assert grad(grad(f))(1.0) == 0.0
    assert grad(grad(grad(f)))(1.0) == 0.0
    assert grad(grad(lambda x: f(x).sum()))(np.ones(1)).tolist() == [0.0]
    assert hessian(f)(1.0) == 0.0
    assert hessian(lambda x: f(x).sum())(np.ones(2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert hvp(f, (1.0,), (1.0,)) == 0.0
