"""Bad input: a typed error that says what came, what was expected and what to do."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import (
    ArgumentError,
    GradientError,
    IndexingError,
    MicrogradError,
    OperandError,
    ShapeError,
    Tensor,
    Value,
    define_op,
    softmax_cross_entropy,
)
from micrograd.layers import Affine, MulLayer
from micrograd.nn import Neuron
from micrograd.testing import numerical_gradient

V, T = Value(2.0), Tensor([1.0, 2.0])


def slope_of_twice(x: Any):
    (2 * x).backward(create_graph=True)
    return x.grad


CASES = {
    "a Value of text": (lambda: Value("a"), OperandError, "'a' of type str"),
    "a Value of None": (lambda: Value(None), OperandError, "None of type NoneType"),
    "a complex Value": (lambda: Value(1j), OperandError, "1j of type complex"),
    "a Value of an array": (lambda: Value(np.ones(2)), OperandError, "ndarray of shape (2,)"),
    "a Tensor of text": (lambda: Tensor(["a"]), OperandError, "dtype <U1"),
    "a Tensor of objects": (lambda: Tensor([None]), OperandError, "dtype object"),
    "a complex Tensor": (lambda: Tensor([1j]), OperandError, "dtype complex128"),
    "a ragged Tensor": (lambda: Tensor([[1.0], [1.0, 2.0]]), ShapeError, "inhomogeneous"),
    "a Tensor of Values": (lambda: Tensor([Value(1.0)]), OperandError, "micrograd.stack"),
    "a Tensor of a Tensor": (lambda: Tensor(T), OperandError, ".detach()"),
    "an array of Values": (lambda: np.array([Value(1.0)]), OperandError, ".data"),
    "an integer Tensor with a gradient": (
        lambda: Tensor([1], requires_grad=True),
        OperandError,
        "int64",
    ),
    "shapes in add": (
        lambda: T + Tensor([1.0] * 3),
        ShapeError,
        "add: cannot take a of shape (2,), b of shape (3,)",
    ),
    "shapes in matmul": (
        lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))),
        ShapeError,
        "matmul: cannot take a of shape (2, 3), b of shape (2, 3)",
    ),
    "an index outside": (lambda: T[5], IndexingError, "out of bounds"),
    "an axis outside": (lambda: T.sum(axis=3), ShapeError, "axis 3"),
    "a shape that does not fit": (lambda: T.reshape(3), ShapeError, "reshape"),
    "nothing to concatenate": (lambda: micrograd.concatenate([]), ShapeError, "one or more"),
    "backward of several elements": (lambda: (T * 2).backward(), GradientError, "shape (2,)"),
    "a gradient of the wrong shape": (
        lambda: (T * 2).backward([1.0]),
        ShapeError,
        "shape (1,), but the Tensor has (2,)",
    ),
    "backward of a constant Value": (
        lambda: Value(1.0, requires_grad=False).backward(),
        GradientError,
        "requires no gradient",
    ),
    "backward of a constant Tensor": (
        lambda: Tensor(1.0, requires_grad=False).backward(),
        GradientError,
        "requires no gradient",
    ),
    "backward of integers": (
        lambda: (Tensor([1, 2, 3]) ** 2).sum().backward(),
        GradientError,
        "dtype int64, and integers have no gradient. Make what it is computed from of floats, as "
        "in Tensor([1.0, 2.0, 3.0]) or with dtype=float",
    ),
    "backward of booleans": (
        lambda: Tensor([True]).backward(),
        GradientError,
        "dtype bool, and booleans have no gradient",
    ),
    "backward of a mean of integers": (
        lambda: Tensor([1, 2, 3]).mean().backward(),
        GradientError,
        "from constants or integers only",
    ),
    "a trace of integers": (
        lambda: micrograd.trace_backward((Tensor([1, 2, 3]) ** 2).sum()),
        GradientError,
        "integers have no gradient",
    ),
    "the gradient of integers": (
        lambda: micrograd.grad(lambda x: (x**2).sum())(np.array([1, 2, 3])),
        OperandError,
        "dtype int64, which has no gradient. Give floats",
    ),
    "the gradient of a gradient of what is linear": (
        lambda: slope_of_twice(Value(1.0)).backward(),
        GradientError,
        "a constant, whose derivative is 0. Such is the gradient of what is linear",
    ),
    "the same of a Tensor": (
        lambda: slope_of_twice(Tensor([1.0])).backward(),
        GradientError,
        "a constant, whose derivative is 0. Such is the gradient of what is linear",
    ),
    "a Value beside a Tensor": (lambda: V * T, OperandError, "Tensor of shape (2,)"),
    "a Tensor beside a Value": (lambda: T * V, OperandError, "cannot meet"),
    "an array beside a Value": (lambda: np.ones(2) * V, OperandError, "ndarray of shape (2,)"),
    "a Value beside text": (lambda: V + "a", OperandError, "'a' of type str"),
    "a Value in an array operation": (lambda: micrograd.sum(V), OperandError, "Use Tensors"),
    "float of a node": (lambda: float(V), OperandError, ".item()"),
    "int of a node": (lambda: int(T[0]), OperandError, ".item()"),
    "asarray of a node": (lambda: np.asarray(T), OperandError, ".detach()"),
    "the truth of an array": (lambda: bool(T), ShapeError, "ambiguous"),
    "assignment to elements": (
        lambda: T.__setitem__(0, 1.0),
        OperandError,
        "t.at[index].set(value)",
    ),
    "the length of a 0-d Tensor": (lambda: len(Tensor(1.0)), OperandError, "without axes"),
    "item of several": (lambda: T.item(), ShapeError, "one element"),
    "a NumPy function without a rule": (lambda: np.spacing(T), OperandError, "np.spacing"),
    "a method of a NumPy function": (lambda: np.add.reduce(T), OperandError, "np.add.reduce"),
    "an out= argument": (lambda: np.add(T, 1, out=np.ones(2)), OperandError, "out="),
    "new data of another shape": (
        lambda: setattr(Tensor([1.0, 2.0]), "data", [1.0]),
        ShapeError,
        "(2,), but came (1,)",
    ),
    "a gradient set in another shape": (
        lambda: setattr(Tensor([1.0, 2.0]), "grad", [1.0]),
        ShapeError,
        "(2,), but came (1,)",
    ),
    "a label out of range": (
        lambda: softmax_cross_entropy(np.zeros((2, 3)), [0, 3]),
        ArgumentError,
        "label 3 names no class",
    ),
    "a negative label": (
        lambda: softmax_cross_entropy(np.zeros((2, 3)), [0, -1]),
        ArgumentError,
        "label -1 names no class",
    ),
    "labels that are no integers": (
        lambda: softmax_cross_entropy(np.zeros((2, 3)), [0.0, 1.0]),
        OperandError,
        "integers",
    ),
    "labels of another shape": (
        lambda: softmax_cross_entropy(np.zeros((2, 3)), [0, 1, 2]),
        ShapeError,
        "shape (3,)",
    ),
    "an op defined twice": (lambda: define_op("add", np.add, None), ArgumentError, "is taken"),
    "an op without a derivative": (lambda: define_op("none", np.add), ArgumentError, "derivative"),
    "an index that requires a gradient": (lambda: T[T], OperandError, "no gradient"),
    "too few inputs to a neuron": (lambda: Neuron(2)([1.0]), ShapeError, "expected 2 inputs"),
    "a node in a layer": (lambda: MulLayer().forward(V, 1), OperandError, "takes plain numbers"),
    "backward of a layer before forward": (
        lambda: MulLayer().backward(1),
        GradientError,
        "Call forward first",
    ),
    "an affine layer of another width": (
        lambda: Affine(np.ones((3, 2)), np.ones(2)).forward(np.ones((1, 4))),
        ShapeError,
        "3 elements",
    ),
    "a numerical gradient of integers": (
        lambda: numerical_gradient(np.sum, np.array([1])),
        OperandError,
        "dtype=float",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_with_words(name: Any) -> None:
    attempt, kind, words = CASES[name]
    with pytest.raises(kind, match=re.escape(words)) as caught:
        attempt()
    assert isinstance(caught.value, MicrogradError)
    assert V.data == 2.0
    assert T.data.tolist() == [1.0, 2.0]


def test_a_rule_of_the_wrong_shape_is_named() -> None:
    wrong = micrograd.Op("wrong_shape", np.negative, (lambda g, y, x: np.ones(5),))
    with pytest.raises(GradientError, match=r"wrong_shape gave shape \(5,\)"):
        wrong(Tensor([1.0, 2.0])).sum().backward()


def test_an_array_where_a_value_needs_a_number_is_named() -> None:
    twice = micrograd.Op("twice", lambda x: np.array([x, x]), (lambda g, y, x: g[0] + g[1],))
    with pytest.raises(OperandError, match="Use Tensors for arrays"):
        twice(Value(1.0))


def test_numerical_gradient_restores_its_argument_when_the_function_raises() -> None:
    x = np.array([1.0, 2.0])

    def fail(x: Any):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        numerical_gradient(fail, x)
    assert x.tolist() == [1.0, 2.0]


NO_FUNCTION: dict[str, Callable[[], object]] = {
    "forward": lambda: micrograd.define_op("no op", 3, abs),  # pyright: ignore
    "derivative": lambda: micrograd.define_op("no op", np.sin, 3),  # pyright: ignore
    "each": lambda: micrograd.define_op("no op", np.sin, each=3),  # pyright: ignore
}


@pytest.mark.parametrize("what", NO_FUNCTION)
def test_define_op_refuses_what_cannot_be_called(what: str) -> None:
    with pytest.raises(OperandError, match=r"define_op: 'no op' came with 3 .* Give functions"):
        NO_FUNCTION[what]()
