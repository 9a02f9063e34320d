"""What the transforms take and give: containers, dtypes, nodes, the caller's arrays, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from micrograd import (
    Tensor,
    Value,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from micrograd.nn import MLP
from tests.agreement import assert_same

TRANSFORMS = [grad, value_and_grad, elementwise_grad, jacobian, hessian]
every_transform = pytest.mark.parametrize("transform", TRANSFORMS)


class Pair(NamedTuple):
    W: Any
    b: Any


@dataclass(frozen=True)
class Frozen:
    W: Any
    b: Any = None
    calls: int = field(default=7, init=False)


@dataclass
class Open:
    inner: Any
    scale: Any


# Numbers and arrays


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_an_array_gives_arrays_of_its_dtype(dtype: Any) -> None:
    x = np.array([1.0, 2.0], dtype)
    f = lambda x: (x**3).sum()  # noqa: E731
    assert_same(grad(f)(x), np.array([3.0, 12.0], dtype))
    assert_same(value_and_grad(f)(x), (dtype(9.0), np.array([3.0, 12.0], dtype)))
    assert_same(elementwise_grad(lambda x: x**2)(x), np.array([2.0, 4.0], dtype))
    assert_same(jacobian(lambda x: x**2)(x), np.array([[2, 0], [0, 4]], dtype))
    assert_same(hessian(f)(x), np.array([[6, 0], [0, 12]], dtype))
    tangent = np.array([1.0, 0.5])
    assert_same(jvp(lambda x: x**2, (x,), (tangent,))[1], np.array([2.0, 2.0], dtype))
    assert_same(hvp(f, (x,), (tangent,)), np.array([6.0, 6.0], dtype))
    assert_same(vjp(lambda x: x**2, x)[1](tangent), (np.array([2.0, 2.0], dtype),))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_scalar_of_numpy_gives_one_of_its_dtype(kind: Any) -> None:
    x = kind(2.0)
    cube = lambda x: x**3  # noqa: E731
    for derivative in (grad(cube), elementwise_grad(cube), jacobian(cube), hessian(cube)):
        assert_same(derivative(x), kind(12.0))
    assert_same(jvp(cube, (x,), (1.0,)), (kind(8.0), kind(12.0)))
    assert_same(vjp(cube, x)[1](1.0), (kind(12.0),))


def test_a_number_gives_a_float() -> None:
    cube = lambda x: x**3  # noqa: E731
    for x in (2.0, 2):
        for derivative in (grad(cube), elementwise_grad(cube), jacobian(cube), hessian(cube)):
            assert_same(derivative(x), 12.0)
        assert_same(jvp(cube, (x,), (1,))[1], 12.0)
        assert_same(vjp(cube, x)[1](1), (12.0,))
        assert_same(hvp(cube, (x,), (1,)), 12.0)


def test_an_array_without_axes_stays_one() -> None:
    assert_same(grad(lambda x: x**3)(np.array(2.0)), np.array(12.0))
    assert_same(grad(lambda x: (x**3).sum())(np.zeros((0, 2))), np.zeros((0, 2)))


def test_a_number_beside_arrays_is_an_array_to_the_function_and_gives_a_float() -> None:
    seen: list[Any] = []

    def f(p: Any, x: Any) -> Any:
        seen.append(p["b"])
        return (p["b"] * x).sum()

    assert_same(grad(f)({"b": 2.0}, np.ones(3, np.float32)), {"b": 3.0})
    assert (type(seen[0]), seen[0].dtype) == (Tensor, np.float32)
    assert_same(grad(f)({"b": 2.0}, x=np.arange(3)), {"b": 3.0})
    assert seen[1].dtype == np.float64


def test_the_jacobian_of_several_arrays_by_several() -> None:
    f = lambda p: {"y": p["x"] * p["b"], "s": (p["x"].sum(), None)}  # noqa: E731
    blocks = jacobian(f)({"x": np.array([1.0, 2.0]), "b": 3.0})
    expected = {
        "y": {"x": np.array([[3.0, 0.0], [0.0, 3.0]]), "b": np.array([1.0, 2.0])},
        "s": ({"x": np.array([1.0, 1.0]), "b": 0.0}, None),
    }
    assert_same(blocks, expected)
    H = hessian(lambda p: (p["x"] ** 2 * p["b"]).sum())({"x": np.array([1.0, 2.0]), "b": 3.0})
    by_x = {"x": np.array([[6.0, 0.0], [0.0, 6.0]]), "b": np.array([2.0, 4.0])}
    assert_same(H, {"x": by_x, "b": {"x": np.array([2.0, 4.0]), "b": 0.0}})


# Containers


def containers() -> list[tuple[Any, Callable[[Any], Any], Any]]:
    """Return arguments, a function of each, and its gradient."""
    W = np.array([1.0, 2.0])
    return [
        ({"W": W, "b": 3.0}, lambda p: (p["W"] ** 2).sum() * p["b"], {"W": 6 * W, "b": 5.0}),
        ([W, [3.0]], lambda p: (p[0] ** 2).sum() * p[1][0], [6 * W, [5.0]]),
        ((W, None, 3.0), lambda p: (p[0] ** 2).sum() * p[2], (6 * W, None, 5.0)),
        (Pair(W, 3.0), lambda p: (p.W**2).sum() * p.b, Pair(6 * W, 5.0)),
        (Frozen(W, 3.0), lambda p: (p.W**2).sum() * p.b, Frozen(6 * W, 5.0)),
        (Frozen(W), lambda p: (p.W**2).sum(), Frozen(2 * W)),
        (
            Open({"p": [Frozen(W)]}, 3.0),
            lambda p: (p.inner["p"][0].W ** 2).sum() * p.scale,
            Open({"p": [Frozen(6 * W)]}, 5.0),
        ),
        (None, lambda p: 1.0, None),
        ({}, lambda p: 1.0, {}),
    ]


@pytest.mark.parametrize("which", range(len(containers())))
def test_a_container_gives_one_like_it(which: int) -> None:
    p, f, expected = containers()[which]
    assert_same(grad(f)(p), expected)
    assert_same(vjp(f, p)[1](1.0), (expected,))
    assert_same(jacobian(lambda p: [f(p)])(p), [expected])


def test_what_a_function_returns_keeps_its_containers() -> None:
    f = lambda x: {"pair": Pair(x * x, None), "list": [x, 7.0, 2]}  # noqa: E731
    out, back = vjp(f, 3.0)
    assert_same(out, {"pair": Pair(9.0, None), "list": [3.0, 7.0, 2]})
    assert back({"pair": Pair(1.0, None), "list": [10.0, 5.0, 5]}) == (16.0,)
    moved = {"pair": Pair(6.0, None), "list": [1.0, 0.0, 0.0]}
    assert_same(jvp(f, (3.0,), (1.0,)), (out, moved))


def test_a_function_may_change_the_containers_that_it_gets_and_gives() -> None:
    kept: list[Any] = []

    def f(p: Any) -> Any:
        p["W"] = p.pop("W") * 2
        kept.append([p["W"]])
        return kept[-1]

    p = {"W": 3.0}
    out, back = vjp(f, p)
    kept[0].append("more")
    assert (p, out) == ({"W": 3.0}, [6.0])
    assert back([1.0]) == ({"W": 2.0},)


# Which argument


@every_transform
def test_argnums_counts_from_either_end(transform: Any) -> None:
    f = lambda x, y: x * y * y  # noqa: E731
    slopes = {0: 9.0, 1: 12.0}
    if transform is hessian:
        slopes = {0: 0.0, 1: 4.0}

    def gradient(argnums: Any) -> Any:
        result = transform(f, argnums)(2.0, 3.0)
        return result[1] if transform is value_and_grad else result

    for place in (0, 1):
        assert gradient(place) == gradient(place - 2) == gradient(np.int64(place)) == slopes[place]
    if transform is hessian:
        assert gradient((1, -2)) == ((4.0, 6.0), (6.0, 0.0))
        assert gradient([1]) == ((4.0,),)
    else:
        assert gradient((1, -2)) == (slopes[1], slopes[0])
        assert gradient([1]) == (slopes[1],)


def test_other_arguments_and_keywords_are_handed_on() -> None:
    def f(x: Any, name: str, *rest: Any, power: int, **options: Any) -> Any:
        assert (name, rest, options) == ("n", ([1],), {"flag": None})
        return x**power

    arguments, keywords = (2.0, "n", [1]), {"power": 3, "flag": None}
    assert grad(f)(*arguments, **keywords) == 12.0
    assert value_and_grad(f)(*arguments, **keywords) == (8.0, 12.0)
    assert elementwise_grad(f)(*arguments, **keywords) == 12.0
    assert jacobian(f)(*arguments, **keywords) == 12.0
    assert hessian(f)(*arguments, **keywords) == 12.0


def test_has_aux_gives_what_stands_beside_as_plain_as_the_rest() -> None:
    f = lambda x: (x**3, {"twice": x * 2, "name": "f", "n": None})  # noqa: E731
    aux = {"twice": 4.0, "name": "f", "n": None}
    assert_same(grad(f, has_aux=True)(2.0), (12.0, aux))
    assert_same(value_and_grad(f, has_aux=True)(2.0), ((8.0, aux), 12.0))
    assert_same(jacobian(f, has_aux=True)(2.0), (12.0, aux))
    assert_same(hessian(f, has_aux=True)(2.0), (12.0, aux))
    out, back, beside = vjp(f, 2.0, has_aux=True)
    assert_same((out, back(1.0), beside), (8.0, (12.0,), aux))
    assert_same(jvp(f, (2.0,), (1.0,), has_aux=True), (8.0, 12.0, aux))


def test_any_callable_is_differentiated() -> None:
    class Square:
        def __call__(self, x: Any) -> Any:
            return x * x

    assert grad(Square())(3.0) == 6.0
    assert grad(partial(lambda a, x: a * x, 5.0))(3.0) == 5.0
    assert grad(np.tanh)(0.0) == 1.0
    model = MLP(2, [3, 1])
    model.layers[1].neurons[0].w[0].data = 1.0
    by_x = grad(model)([0.5, -0.5])
    assert [type(g) for g in by_x] == [Value, Value]


# Functions that do nothing much


def test_a_function_that_ignores_its_argument_has_zero_derivatives() -> None:
    x = np.ones(2)
    for f in (lambda x: 1.0, lambda x: 1, lambda x: np.float32(1.0), lambda x: Value(2.0)):
        assert_same(grad(f)(x), np.zeros(2))
        assert_same(grad(f)(1.0), 0.0)
        assert_same(elementwise_grad(f)(x), np.zeros(2))
        assert_same(hessian(f)(x), np.zeros((2, 2)))
        assert_same(hvp(f, (x,), (x,)), np.zeros(2))
    assert_same(jacobian(lambda x: np.ones(3))(x), np.zeros((3, 2)))
    assert_same(jvp(lambda x: np.ones(3), (x,), (x,))[1], np.zeros(3))
    assert_same(vjp(lambda x: np.ones(3), x)[1](np.ones(3)), (np.zeros(2),))


def test_a_function_that_returns_its_argument_has_derivative_one() -> None:
    same = lambda x: x  # noqa: E731
    x = np.array([1.0, 2.0])
    assert_same(grad(same)(3.0), 1.0)
    assert_same(hessian(same)(3.0), 0.0)
    assert_same(elementwise_grad(same)(x), np.ones(2))
    assert_same(jacobian(same)(x), np.eye(2))
    assert_same(jvp(same, (x,), (x + 1,)), (x, x + 1))
    assert_same(vjp(same, x)[1](x + 1), (x + 1,))
    assert_same(jvp(lambda x: (x, x), (x,), (x + 1,))[1], (x + 1, x + 1))
    assert_same(vjp(lambda x: (x, x), x)[1]((x, x)), (2 * x,))
    assert grad(same)(Value(3.0)).data == 1.0


def test_a_value_made_by_the_function_is_no_node_from_outside() -> None:
    def f(x: Any) -> Any:
        total = Value(0.0)
        for i in range(3):
            total = total + x**i
        return total

    assert_same(grad(f)(2.0), 5.0)
    assert_same(grad(grad(f))(2.0), 2.0)


def test_containers_that_change_meanwhile_are_of_no_matter() -> None:
    parameters: dict[str, Any] = {"W": 2.0, "rest": [1.0]}
    kept: dict[str, Any] = {}

    def changes_what_came(p: Any) -> Any:
        parameters["new"] = 5.0
        parameters["rest"].append(7.0)
        p["other"] = 0.0
        return p["W"] ** 2

    def keeps_what_it_returned(x: Any) -> Any:
        kept["y"] = x * x
        return kept

    assert_same(grad(changes_what_came)(parameters), {"W": 4.0, "rest": [0.0]})
    _, back = vjp(keeps_what_it_returned, 3.0)
    kept.clear()
    assert_same(back({"y": 1.0}), (6.0,))
    assert_same(jvp(keeps_what_it_returned, (3.0,), (1.0,)), ({"y": 9.0}, {"y": 6.0}))
