"""What the transforms refuse, and what they say then."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    ArgumentError,
    GradientError,
    OperandError,
    ShapeError,
    Tensor,
    Value,
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
from micrograd.core.turns import underway

TRANSFORMS = [grad, value_and_grad, elementwise_grad, jacobian, hessian]
every_transform = pytest.mark.parametrize("transform", TRANSFORMS)


@pytest.mark.parametrize("transform", [*TRANSFORMS, vjp])
def test_what_is_no_function_is_refused_at_once(transform: Any) -> None:
    with pytest.raises(OperandError, match=r"expected a function to diff.*came a float.*itself"):
        transform(3.0)
    for two in (jvp, hvp):
        with pytest.raises(OperandError, match="expected a function to differentiate, but came a"):
            two(cast(Any, 3.0), (1.0,), (1.0,))


@every_transform
@pytest.mark.parametrize("argnums", ["0", 1.0, None, (0, "1"), {0}])
def test_argnums_that_are_no_integers_are_refused(transform: Any, argnums: Any) -> None:
    with pytest.raises(OperandError, match="argnums has to be an integer or a tuple of integers"):
        transform(lambda x: x, argnums=argnums)


@every_transform
def test_argnums_that_name_no_argument_or_one_twice_are_refused(transform: Any) -> None:
    for argnums in ((), (0, 0), [1, 0, 1]):
        with pytest.raises(ArgumentError, match="one or more arguments, each once, but came"):
            transform(lambda x: x, argnums=argnums)
    with pytest.raises(ArgumentError, match=r"each once, but came \(0, -1\)"):
        transform(lambda x: x, argnums=(0, -1))(2.0)
    for argnums in (1, -2):
        with pytest.raises(ArgumentError, match=f"names argument {argnums}, but .* with 1 posit"):
            transform(lambda x: x, argnums=argnums)(2.0)
    with pytest.raises(ArgumentError, match=r"called with 0 positional.*Give that argument by pos"):
        transform(lambda x: x)(x=2.0)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (np.arange(3), "argument 0 has dtype int64, which has no gradient. Give floats"),
        (np.ones(2) * 1j, "argument 0 has dtype complex128, which has no gradient"),
        (np.array([None]), "argument 0 has dtype object"),
        (np.bool_(True), "argument 0 has dtype bool"),
        (Tensor([1, 2]), "argument 0 has dtype int64"),
        ("text", "argument 0 is a str, but only floats, .* Leave it out of argnums, or bind it"),
        (1j, "argument 0 is a complex"),
        (True, "argument 0 is a bool"),
        ({1, 2}, "argument 0 is a set"),
        ({"a": [1.0, "x"]}, r"argument 0\['a'\]\[1\] is a str"),
    ],
)
def test_an_argument_that_has_no_derivative_is_named(argument: Any, message: str) -> None:
    called: list[Any] = []
    for transform in TRANSFORMS:
        with pytest.raises(
            OperandError, match=f"{transform.__name__}.*: {message}|^jac.*{message}"
        ):
            transform(called.append)(argument)
    with pytest.raises(OperandError, match=message):
        vjp(called.append, argument)
    assert called == []


@pytest.mark.parametrize("transform", [grad, value_and_grad])
def test_a_gradient_needs_one_number(transform: Any) -> None:
    name = transform.__name__
    with pytest.raises(GradientError, match=rf"{name}: f .* returned shape \(2,\). Reduce it"):
        transform(lambda x: x * 2)(np.ones(2))
    with pytest.raises(GradientError, match=f"{name}: f .* returned a tuple. Use has_aux=True"):
        transform(lambda x: (x, x))(1.0)
    assert grad(lambda x: x[:1] * 2)(np.ones(2)).tolist() == [2.0, 0.0]
    with pytest.raises(GradientError, match="has to return one number"):
        hvp(lambda x: x * 2, (np.ones(2),), (np.ones(2),))


@every_transform
@pytest.mark.parametrize("result", [None, "text", 1j, iter(()), [1.0, "x"], np.array(["x"])])
def test_a_result_that_is_no_number_is_refused(transform: Any, result: Any) -> None:
    with pytest.raises(
        OperandError, match="f has to return numbers, arrays or nodes, but returned"
    ):
        transform(lambda x: result)(1.0)


@pytest.mark.parametrize("result", [1.0, [1.0, 2.0], (1.0,), (1.0, 2.0, 3.0)])
def test_has_aux_needs_a_pair(result: Any) -> None:
    message = r"with has_aux=True, f has to return a pair \(result, aux\), but returned a "
    for transform in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(ArgumentError, match=message):
            transform(lambda x: result, has_aux=True)(1.0)
    with pytest.raises(ArgumentError, match=message):
        vjp(lambda x: result, 1.0, has_aux=True)
    with pytest.raises(ArgumentError, match=message):
        jvp(lambda x: result, (1.0,), (1.0,), has_aux=True)


@pytest.mark.parametrize(
    ("cotangent", "error", "message"),
    [
        (np.ones(2), ArgumentError, r"structure of the result of f: expected \['a'\]\[0\], but c"),
        ({"a": []}, ArgumentError, "but came nothing"),
        ({"a": [np.ones(2)], "b": 1.0}, ArgumentError, r"but came \['a'\]\[0\], \['b'\]"),
        (
            {"a": [np.ones(3)]},
            ShapeError,
            r"the cotangent\['a'\]\[0\] has shape \(3,\), but has to",
        ),
        ({"a": [1.0]}, ShapeError, r"has shape \(\), but has to have \(2,\)"),
        ({"a": ["xy"]}, OperandError, "has to be a number or array, but came str"),
        ({"a": [np.ones(2) * 1j]}, OperandError, "has to be a number or array, but came ndarray"),
    ],
)
def test_a_cotangent_has_to_be_like_the_result(cotangent: Any, error: Any, message: str) -> None:
    _, back = vjp(lambda x: {"a": [x * 2]}, np.ones(2))
    with pytest.raises(error, match=f"vjp: the cotangent.*{message}|vjp: {message}"):
        back(cotangent)
    assert back({"a": [np.ones(2)]})[0].tolist() == [2.0, 2.0]


@pytest.mark.parametrize("two", [jvp, hvp])
def test_tangents_have_to_be_like_the_primals(two: Any) -> None:
    f, x = lambda x: (x * x).sum(), np.ones(2)
    with pytest.raises(OperandError, match=r"primals has to be a tuple .*ndarray. Write \(primal,"):
        two(f, x, x)
    with pytest.raises(OperandError, match=r"tangents has to be a tuple .* Write \(tangent,\)"):
        two(f, (x,), x)
    with pytest.raises(ArgumentError, match=r"structure of the primals: expected \[0\], but came"):
        two(f, (x,), (x, x))
    with pytest.raises(ShapeError, match=r"tangents\[0\] has shape \(3,\), but has to have \(2,\)"):
        two(f, (x,), (np.ones(3),))
    with pytest.raises(OperandError, match=r"tangents\[0\] has to be a number .* came str"):
        two(f, (x,), ("xy",))


def test_a_value_is_no_cotangent_of_a_tensor() -> None:
    with pytest.raises(OperandError, match="the cotangent is a Value, but its partner is a Tensor"):
        vjp(lambda x: x.sum(), np.ones(2))[1](Value(1.0))
    with pytest.raises(OperandError, match=r"tangents\[0\] is a Tensor, but its partner is a Val"):
        jvp(lambda x: x, (1.0,), (Tensor(1.0),))


def test_an_error_of_the_function_leaves_nothing_behind() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            raise KeyError(x.data)

    x = Value(2.0)
    for transform in TRANSFORMS:
        with pytest.raises(KeyError):
            transform(f)(x)
    assert mg.is_grad_enabled()
    assert not underway
    assert grad(lambda x: x * x)(x).data == 4.0
