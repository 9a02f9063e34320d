"""NumPy's functions on nodes: the operation of the name, a plain answer, or an error."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

import micrograd as mg
from micrograd import Node, OperandError, Tensor, Value, ops
from micrograd.engine.forms import OF_DATA, forms

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


CUBE = np.arange(27.0).reshape(3, 3, 3)
SYMMETRIC = np.array([[2.0, 1.0], [1.0, 3.0]])

# Calls of which the arguments, or what is meant by default, differ from this library's own.
AS_IN_NUMPY: dict[str, tuple[Any, Any, Any]] = {
    "np.trace": (lambda x: np.trace(x), CUBE, [36, 39, 42]),
    "axisa": (
        lambda x: np.cross(x, np.arange(9.0).reshape(3, 3), 0)[0],
        np.eye(3) + 1,
        [1, -4, 2],
    ),
    "copy": (lambda x: np.nan_to_num(x, True), np.array([np.nan, 1.0]), [0, 1]),
    "nan by its name": (lambda x: np.nan_to_num(x, nan=5), np.array([np.nan, 1.0]), [5, 1]),
    "singular values": (lambda x: np.linalg.svd(x, compute_uv=False), np.diag([3.0, 4]), [4, 3]),
    "a_min": (lambda x: np.clip(x, 1, 2), np.arange(4.0), [1, 1, 2, 2]),
    "a_max by its name": (lambda x: np.clip(x, a_max=2, a_min=None), np.arange(4.0), [0, 1, 2, 2]),
    "a by its name": (lambda x: np.sum(a=x, axis=1), np.ones((2, 3)), [3, 3]),
    "all in one axis": (lambda x: np.concatenate([x, x], axis=None), np.eye(2), [1, 0, 0, 1] * 2),
    "by the data": (lambda x: np.argsort(x, kind="stable"), np.array([2.0, 1.0, 2.0]), [1, 0, 2]),
    "places": (lambda x: np.where(x)[0], np.array([0.0, 2.0, 3.0]), [1, 2]),
    "R alone": (
        lambda x: abs(cast(Any, np.linalg.qr)(x, "r")),
        np.diag([3.0, 4.0]),
        [[3, 0], [0, 4]],
    ),
    "the cutoff": (lambda x: np.linalg.pinv(x), np.diag([1.0, 7e-16]), [[1, 0], [0, 0]]),
    "small integers": (lambda x: np.linalg.norm(x), np.array([30, 40], np.int8), 50),
    "integers with weights": (
        lambda x: np.average(x, weights=np.array([2, 2], np.int8)),
        np.array([100, 50], np.int8),
        75,
    ),
}
if hasattr(np.linalg, "trace"):  # from NumPy 2 on
    AS_IN_NUMPY.update(
        {
            "np.linalg.trace": (lambda x: np.linalg.trace(x), CUBE, [12, 39, 66]),
            "np.linalg.diagonal": (lambda x: np.linalg.diagonal(x)[0], CUBE, [0, 4, 8]),
            "np.linalg.diagonal beside": (
                lambda x: np.linalg.diagonal(x, offset=1)[0],
                CUBE,
                [1, 5],
            ),
        }
    )


@pytest.mark.parametrize("name", AS_IN_NUMPY)
def test_a_call_means_what_it_means_to_numpy(name: str) -> None:
    call, array, expected = AS_IN_NUMPY[name]
    np.testing.assert_allclose(call(array), expected, rtol=1e-15)

    result = call(Tensor(array))

    np.testing.assert_allclose(getattr(result, "data", result), expected, rtol=1e-15)


def test_what_numpy_gives_a_name_has_it_here() -> None:
    assert np.linalg.svd(Tensor(SYMMETRIC)).Vh.shape == (2, 2)
    assert np.linalg.svd(Tensor(A), full_matrices=False).Vh.shape == (2, 3)
    assert np.linalg.eigh(Tensor(SYMMETRIC)).eigenvectors.shape == (2, 2)
    assert np.linalg.qr(Tensor(SYMMETRIC)).R.shape == (2, 2)
    assert np.linalg.slogdet(Tensor(SYMMETRIC)).sign.item() == 1
    with pytest.raises(mg.ArgumentError, match="full_matrices=False"):
        np.linalg.svd(Tensor(np.ones((2, 3))))
    assert mg.linalg.svd(Tensor(A)).Vh.shape == (2, 3)  # the default of ours


def test_trace_and_diagonal_of_linalg_are_those_of_the_last_axes() -> None:
    x = Tensor(CUBE)
    mg.linalg.trace(x).sum().backward()

    assert mg.linalg.trace(x).data.tolist() == [12, 39, 66]
    assert mg.linalg.diagonal(x, offset=-1).data[0].tolist() == [3, 7]
    assert x.grad.tolist() == [np.eye(3).tolist()] * 3
    assert mg.trace(x).data.tolist() == [36, 39, 42]
    with pytest.raises(mg.ShapeError, match="diagonal: axis -2"):
        mg.linalg.diagonal(Tensor([1.0]))


def test_arguments_of_numpys_do_not_swallow_a_gradient() -> None:
    x, weights, low = Tensor([1.0, 4.0]), Tensor([2.0, 1.0]), Tensor(2.0)
    np.average(x, None, weights).backward()
    np.clip(x, low, None).sum().backward()

    np.testing.assert_allclose(weights.grad, [-1 / 3, 2 / 3], rtol=1e-15)
    assert low.grad == 1
    assert np.full_like(x, Tensor(3.0, requires_grad=False)).tolist() == [3, 3]
    with pytest.raises(OperandError, match=r"broadcast_to\(value, x\.shape\)"):
        np.full_like(x, low)


def test_an_axis_may_be_an_integer_of_numpys() -> None:
    for f in (mg.sum, mg.mean, mg.max, mg.prod, mg.std, mg.median):
        x = Tensor(A)
        f(x, axis=cast(Any, np.int64(1))).sum().backward()
        assert x.grad.shape == (2, 3)


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
    y: Any = np.multiply(np.exp(x), 2)
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
