"""What the transforms give: against closed forms, numerical derivatives and one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import (
    Tensor,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from micrograd.testing.program import Program, programs
from tests.agreement import numbers


def rosenbrock(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def slope_of_rosenbrock(a: float, b: float) -> list[float]:
    return [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]


def network(p: Any, x: Any) -> Any:
    h = mg.tanh(x @ p["W"] + p["b"])
    return h @ p["v"]


def weights() -> Any:
    return {"W": numbers(3, 4), "b": numbers(4), "v": numbers(4, 2)}


close = np.testing.assert_allclose


# Closed forms


def test_the_derivatives_of_a_power_at_every_order() -> None:
    f = lambda x: x**4  # noqa: E731
    slopes = []
    for _ in range(5):
        f = grad(f)
        slopes.append(f(2.0))
    assert slopes == [32.0, 48.0, 48.0, 24.0, 0.0]


@pytest.mark.parametrize("x", [-0.7, 0.0, 1.3])
def test_the_third_derivative_of_tanh(x: float) -> None:
    t = np.tanh(x)
    expected = (1 - t * t) * (6 * t * t - 2)
    assert grad(grad(grad(mg.tanh)))(x) == pytest.approx(expected, rel=1e-13, abs=1e-14)
    each = elementwise_grad(elementwise_grad(elementwise_grad(mg.tanh)))
    close(each(np.array([x, x])), [expected, expected], rtol=1e-13, atol=1e-14)


def test_every_transform_of_one_product() -> None:
    f = lambda x, y: x**2 * y  # noqa: E731
    assert value_and_grad(f, argnums=(0, 1))(3.0, 5.0) == (45.0, (30.0, 9.0))
    out, back = vjp(f, 3.0, 5.0)
    assert (out, back(2.0)) == (45.0, (60.0, 18.0))
    assert jvp(f, (3.0, 5.0), (1.0, 10.0)) == (45.0, 120.0)
    assert jacobian(f, (0, 1))(3.0, 5.0) == (30.0, 9.0)
    assert hessian(f, (0, 1))(3.0, 5.0) == ((10.0, 6.0), (6.0, 0.0))
    assert hvp(f, (3.0, 5.0), (1.0, 10.0)) == (70.0, 6.0)


def test_the_gradient_and_hessian_of_rosenbrock() -> None:
    a, b = -1.2, 1.0
    x = np.array([a, b])
    close(grad(rosenbrock)(x), slope_of_rosenbrock(a, b), rtol=1e-13)
    expected = [[2 - 400 * b + 1200 * a * a, -400 * a], [-400 * a, 200]]
    close(hessian(rosenbrock)(x), expected, rtol=1e-13)
    close(jacobian(grad(rosenbrock))(x), expected, rtol=1e-13)


def test_the_gradient_and_hessian_of_logistic_regression() -> None:
    X, w, t = numbers(6, 3), numbers(3), np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])

    def loss(w: Any) -> Any:
        z = X @ w
        return (mg.softplus(z) - t * z).sum()

    p = 1 / (1 + np.exp(-X @ w))
    close(grad(loss)(w), X.T @ (p - t), rtol=1e-12)
    close(hessian(loss)(w), X.T @ np.diag(p * (1 - p)) @ X, rtol=1e-12)


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    A, x = numbers(3, 4), numbers(4)
    close(jacobian(lambda x: A @ x)(x), A, rtol=1e-15)
    close(jvp(lambda x: A @ x, (x,), (np.arange(4.0),))[1], A @ np.arange(4.0), rtol=1e-14)
    close(vjp(lambda x: A @ x, x)[1](np.arange(3.0))[0], A.T @ np.arange(3.0), rtol=1e-14)


def test_the_jacobian_of_matrices_has_the_axes_of_the_result_first() -> None:
    A, B = numbers(2, 3), numbers(3, 4)
    J = jacobian(lambda A: A @ B)(A)
    assert J.shape == (2, 4, 2, 3)
    close(J, np.einsum("ik,lj->ijkl", np.eye(2), B), rtol=1e-15)


def test_the_gradient_of_the_steps_that_were_taken() -> None:
    def collatz_like(x: Any) -> Any:
        while x < 100:
            x = x * 3 if x > 10 else x * x
        return x

    assert grad(collatz_like)(2.0) == 9 * 4 * 2.0**3  # 2, 4, 16, 48, 144

    def tower(x: Any, n: int) -> Any:
        return x if n == 0 else mg.exp(-tower(x, n - 1))

    y, slope = 0.5, 1.0
    for _ in range(20):
        y = np.exp(-y)
        slope *= -y
    assert grad(tower)(0.5, 20) == pytest.approx(slope, rel=1e-13)


def test_the_derivative_of_a_fixed_point() -> None:
    def root(f: Any, x: Any) -> Any:
        while abs(f(x)) > 1e-13:
            x = x - f(x) / grad(f)(x)
        return x

    def cube_root(a: Any) -> Any:
        return root(lambda x: x**3 - a, 1.0)

    assert grad(cube_root)(8.0) == pytest.approx(1 / 12, rel=1e-9)
    assert grad(grad(cube_root))(8.0) == pytest.approx(-2 / 9 * 8 ** (-5 / 3), rel=1e-6)


def test_the_jacobian_of_a_softmax() -> None:
    x = numbers(5)
    p = np.exp(x) / np.exp(x).sum()
    close(jacobian(mg.softmax)(x), np.diag(p) - np.outer(p, p), rtol=1e-12, atol=1e-15)


# Properties

either = st.one_of(programs("tensor", max_steps=6), programs("value", max_steps=6))


def summed(program: Program) -> Callable[..., Any]:
    """Return the program with weights on the elements of its result, for one number."""

    def f(*args: Any) -> Any:
        y = program(*args)
        weights = np.cos(np.arange(np.size(getattr(y, "data", y)))).reshape(np.shape(y))
        return mg.sum(y * weights) if np.ndim(weights) or isinstance(y, Tensor) else y

    return f


def directions(program: Program, seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    drawn = [rng.uniform(-1, 1, np.shape(x)) for x in program.inputs]
    return tuple(float(d) if np.ndim(d) == 0 else d for d in drawn)


def inner(xs: Any, ys: Any) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def size(xs: Any) -> float:
    return sum(float(np.sum(np.abs(x))) for x in xs)


def smooth(program: Program) -> None:
    """Reject a program whose second derivatives are not finite or large."""
    flat = hessian(summed(program), range_of(program))(*program.inputs)
    biggest = max(np.max(np.abs(h), initial=0) for row in flat for h in row)
    assume(np.isfinite(biggest) and biggest < 1e6)


def range_of(program: Program) -> tuple[int, ...]:
    return tuple(range(len(program.inputs)))


@settings(max_examples=60)
@given(either)
def test_of_a_vjp_and_a_jvp_each_is_the_transpose_of_the_other(program: Program) -> None:
    t = directions(program, 1)
    out, moved = jvp(program, program.inputs, t)
    again, back = vjp(program, *program.inputs)
    np.testing.assert_array_equal(out, again)
    assume(np.all(np.isfinite(out)))
    ct = np.cos(np.arange(np.size(out))).reshape(np.shape(out))
    slopes = back(float(ct) if isinstance(out, float) else ct)
    left, right = inner(slopes, t), float(np.sum(ct * moved))
    assume(np.isfinite(left) or np.isfinite(right))
    scale = max(1.0, sum(float(np.sum(np.abs(s * d))) for s, d in zip(slopes, t, strict=True)))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9 * scale)


@settings(max_examples=60)
@given(either)
def test_the_jacobian_is_that_of_vjp_and_of_jvp(program: Program) -> None:
    places = range_of(program)
    blocks = jacobian(program, places)(*program.inputs)
    t = directions(program, 2)
    out, moved = jvp(program, program.inputs, t)
    total = sum(np.tensordot(block, d, np.ndim(d)) for block, d in zip(blocks, t, strict=True))
    assume(np.all(np.isfinite(moved)))
    for block, x in zip(blocks, program.inputs, strict=True):
        assert np.shape(block) == np.shape(out) + np.shape(x)
    scale = max(1.0, size(blocks))
    close(total, moved, rtol=1e-9, atol=1e-10 * scale)


@settings(max_examples=40)
@given(either)
def test_the_hessian_is_symmetric_and_hvp_multiplies_with_it(program: Program) -> None:
    f, places = summed(program), range_of(program)
    smooth(program)
    H = hessian(f, places)(*program.inputs)
    v = directions(program, 3)
    products = hvp(f, program.inputs, v)
    products = products if isinstance(products, tuple) else (products,)
    scale = max(1.0, max(np.max(np.abs(h), initial=0) for row in H for h in row))
    for i, x in enumerate(program.inputs):
        total = 0.0
        for j, d in enumerate(v):
            block = np.asarray(H[i][j])
            assert block.shape == np.shape(x) + np.shape(d)
            order = [*range(np.ndim(x), block.ndim), *range(np.ndim(x))]
            close(np.transpose(block, order), H[j][i], rtol=1e-9, atol=1e-10 * scale)
            total = total + np.tensordot(block, d, np.ndim(d))
        close(products[i], total, rtol=1e-9, atol=1e-9 * scale)


@settings(max_examples=60)
@given(either)
def test_a_jvp_agrees_with_a_numerical_derivative_in_its_direction(program: Program) -> None:
    smooth(program)
    t = directions(program, 4)

    def at(step: float) -> Any:
        moved = [x + step * d for x, d in zip(program.inputs, t, strict=True)]
        return np.asarray(program(*moved))

    h = 1e-4
    numerical = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    rough = (at(h) - at(-h)) / (2 * h)
    assume(np.all(np.isfinite(numerical)))
    scale = max(1.0, float(np.max(np.abs(numerical), initial=0)))
    assume(np.all(np.abs(numerical - rough) < 1e-6 * scale))  # smooth at this step
    _, slope = jvp(program, program.inputs, t)
    close(slope, numerical, rtol=1e-5, atol=1e-6 * scale)


def test_a_network_of_a_batch_agrees_with_its_numerical_derivative() -> None:
    x, p = numbers(5, 3), weights()
    v = {k: np.cos(np.arange(a.size)).reshape(a.shape) for k, a in p.items()}

    def loss(p: Any) -> Any:
        return (network(p, x) ** 2).mean()

    def at(step: float) -> Any:
        return grad(loss)({k: a + step * v[k] for k, a in p.items()})

    products, up, down = hvp(loss, (p,), (v,)), at(1e-5), at(-1e-5)
    for k in p:
        close(products[k], (up[k] - down[k]) / 2e-5, rtol=1e-6, atol=1e-8)
