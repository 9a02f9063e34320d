"""NumPy's functions on nodes: the operation of the name, a plain answer, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Node, OperandError, Tensor, Value, ops
from micrograd.forms import OF_DATA, forms

A = np.arange(1.0, 7.0).reshape(2, 3)

CALLS: dict[str, Any] = {
    "sum": lambda x: np.sum(x, axis=0),
    "mean": lambda x: np.mean(x, 1, keepdims=True),
    "max": lambda x: np.max(x),
    "amin": lambda x: np.amin(x, axis=-1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "transpose": lambda x: np.transpose(x),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "concatenate": lambda x: np.concatenate([x, A], axis=1),
    "stack": lambda x: np.stack((A, x)),
    "where": lambda x: np.where(A > 2, x, 0.0),
    "broadcast_to": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "matmul": lambda x: np.matmul(x, A.T),
    "exp": np.exp,
    "add": lambda x: np.add(A, x),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_of_numpy_gives_a_tensor_with_its_gradient(name: str) -> None:
    x = Tensor(A)
    y = CALLS[name](x)
    y.sum().backward()

    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.data, CALLS[name](A), rtol=1e-14)
    assert x.grad is not None


def test_every_function_that_numpy_has_too_is_dispatched() -> None:
    taken = forms().keys() | OF_DATA
    missing = [
        f"{module.__name__}.{name}"
        for module, names in ((np, ops.__all__), (np.linalg, mg.linalg.__all__))
        for name in names
        if callable(function := getattr(module, name, None))
        and not isinstance(function, np.ufunc)
        and function not in taken
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda x: np.sum(x, out=np.zeros(3)),
            r"np\.sum: out=an array of shape \(3,\) cannot be hon",
        ),
        (lambda x: np.add(x, 1, out=np.zeros((2, 3))), "with out="),
        (lambda x: np.exp(x, where=A > 0), "with where="),
        (lambda x: np.add.reduce(x), r"np\.add\.reduce"),
        (np.fft.fft, r"np\.fft\.fft: has no derivative here.*\.data"),
        (lambda x: np.partition(x, 1), r"np\.partition"),
        (np.nancumsum, r"np\.nancumsum.*use micrograd\.nansum"),
        (np.asarray, "would lose its graph"),
        (np.array, "would lose its graph"),
        (lambda x: np.array([x, x]), "would lose its graph"),
        (lambda x: Tensor([Value(1.0), Value(2.0)]), "list with nodes"),
    ],
)
def test_what_has_no_derivative_is_refused_with_words(call: Any, words: str) -> None:
    x = Tensor(A)
    with pytest.raises(OperandError, match=words):
        call(x)
    np.testing.assert_array_equal(x.data, A)


def test_questions_about_the_data_are_answered_plainly() -> None:
    x = Tensor(A)

    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)
    assert np.allclose(x, A)
    assert np.array_equal(x, A)
    assert type(np.zeros_like(x)) is np.ndarray
    assert np.isnan(x).tolist() == [[False] * 3] * 2
    assert np.logical_and(x > 2, np.isfinite(x)).sum() == 4
    assert np.isnan(Value(1.0)) is False


def test_a_constant_goes_into_any_function_as_its_data() -> None:
    x = Tensor(A, requires_grad=False)

    np.testing.assert_array_equal(np.partition(x, 1), np.partition(A, 1))
    assert isinstance(np.sum(x), Tensor)


def test_a_function_of_numpy_on_a_value_gives_a_value() -> None:
    x = Value(0.5)
    y = np.multiply(np.exp(x), 2)
    y.backward()

    assert isinstance(y, Value)
    assert x.grad == pytest.approx(2 * np.exp(0.5))


def test_a_list_of_tensors_becomes_one_that_is_differentiated_through() -> None:
    a, b = Tensor(1.0), Tensor(2.0)
    t = Tensor([[a, b], [b, 3.0]], label="t")
    (t * np.array([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()

    assert t.data.tolist() == [[1, 2], [2, 3]]
    assert (a.grad, b.grad) == (1, 110)
    assert t.label == "t"
    assert not t.is_leaf
    rows = Tensor([Tensor([1.0, 2.0]), [3.0, 4.0]], dtype="float32")
    assert (rows.shape, rows.dtype, isinstance(rows, Node)) == ((2, 2), np.float32, True)
    assert not Tensor([a, b], requires_grad=False).requires_grad


def test_a_list_of_constants_becomes_a_constant_unless_told_otherwise() -> None:
    one = Tensor(1.0, requires_grad=False)

    assert not Tensor([one, 2.0]).requires_grad
    leaf = Tensor([one, 2.0], requires_grad=True)
    (leaf * 3).sum().backward()
    assert leaf.is_leaf
    assert leaf.grad.tolist() == [3, 3]
    with pytest.raises(OperandError, match="has no gradient"):
        Tensor([Tensor(1), Tensor(2)], requires_grad=True)


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(mg.ShapeError, match="stack"):
        Tensor([Tensor([1.0]), Tensor([1.0, 2.0])])
