"""Functions that pick, order and replace elements: what NumPy gives, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, IndexingError, OperandError, ShapeError, Tensor, Value, where
from micrograd.ops import diagonals as dg
from micrograd.ops import picking as pk
from tests.agreement import assert_agrees, numbers

CASES: dict[str, tuple[Callable[[Any, Any], Any], tuple[tuple[int, ...], ...]]] = {
    "take of all": (lambda m, x: m.take(x, [2, 0, -1, 2]), ((3,), (2, 3))),
    "take one": (lambda m, x: m.take(x, -1), ((3,), (2, 3))),
    "take of one": (lambda m, x: m.take(x, [[0, 0]]), ((), (1,))),
    "take along 0": (lambda m, x: m.take(x, [[1, 0], [1, 1]], axis=0), ((2,), (2, 3), (2, 0))),
    "take along -1": (lambda m, x: m.take(x, np.array([1, 0, 1]), -1), ((2,), (3, 2), (2, 3, 2))),
    "take one along 1": (lambda m, x: m.take(x, 1, axis=1), ((3, 2), (2, 3, 2))),
    "take nothing": (lambda m, x: m.take(x, [], axis=0) if m is pk else x[:0], ((3,), (2, 2))),
    "diagonal": (lambda m, x: m.diagonal(x), ((2, 2), (2, 3), (3, 2), (3, 2, 4), (0, 3))),
    "diagonal of a plane": (lambda m, x: m.diagonal(x, 1, -1, 0), ((3, 3), (3, 2, 4))),
    "diagonal of the last axes": (lambda m, x: m.diagonal(x, axis1=-2, axis2=-1), ((2, 3, 3),)),
    **{
        f"diagonal {k}": (lambda m, x, k=k: m.diagonal(x, k) * 1, ((3, 3), (2, 4), (4, 2)))
        for k in range(-5, 6)
    },
    "trace": (lambda m, x: m.trace(x), ((2, 2), (2, 3), (3, 2, 4), (0, 3))),
    "trace of a plane": (lambda m, x: m.trace(x, -1, 2, 0), ((3, 2, 4),)),
    **{
        f"diag {k}": (lambda m, x, k=k: m.diag(x, k), ((3,), (1,), (0,), (2, 3), (3, 2), (3, 3)))
        for k in (-2, -1, 0, 1, 2)
    },
    "tril of a stack": (lambda m, x: m.tril(x, -1), ((2, 3, 3), (3, 2))),
    "triu of a vector": (lambda m, x: m.triu(x), ((3,),)),
    "sort of all": (lambda m, x: m.sort(x, None), ((), (3,), (2, 3), (0, 2))),
    "sort along 0": (lambda m, x: m.sort(x, axis=0), ((3,), (3, 2), (0, 2))),
}
CALLS = [(name, shape) for name, (_, shapes) in CASES.items() for shape in shapes]


class Ours:
    """All functions of the family under one name, as NumPy has them."""

    def __getattr__(self, name: str) -> Any:
        return next(getattr(m, name) for m in (pk, dg) if name in m.__all__)


@pytest.mark.parametrize(("name", "shape"), CALLS)
def test_a_function_gives_what_numpy_gives_and_has_right_gradients(
    name: str, shape: tuple[int, ...]
) -> None:
    call = CASES[name][0]
    ours = pk if name == "take nothing" else Ours()

    assert_agrees(lambda x: call(ours, x), lambda x: call(np, x), numbers(*shape), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "indices", "axis"),
    [
        ((3,), [2, 0, 0, -1], -1),
        ((2, 3), [[2, 0], [1, 1]], 1),
        ((2, 3), [[1, 0, 1]], 0),
        ((2, 3), [[0], [2]], -1),
        ((2, 3), [[0]], -1),
        ((2, 3), [5, 0, 5], None),
        ((2, 2, 3), [[[1, 0, 1]]], 1),
        ((0, 3), np.zeros((0, 2), int), 1),
        ((2, 3), np.zeros((2, 0)), 1),
    ],
)
def test_take_along_axis_gives_what_numpy_gives_and_has_right_gradients(
    shape: tuple[int, ...], indices: Any, axis: int | None
) -> None:
    def reference(x: Any) -> Any:
        return np.take_along_axis(x, np.asarray(indices).astype(int), axis)

    assert_agrees(lambda x: pk.take_along_axis(x, indices, axis), reference, numbers(*shape))


def test_indices_may_be_a_tensor() -> None:
    x = Tensor([[3.0, 1.0], [2.0, 4.0]])

    assert pk.take(x, Tensor([1, 1]), axis=1).data.tolist() == [[1, 1], [4, 4]]
    assert pk.take_along_axis(x, Tensor([[0], [1]])).data.tolist() == [[3], [4]]


@pytest.mark.parametrize("axis", [-1, 0, None])
def test_argsort_gives_an_array_that_is_stable(axis: int | None) -> None:
    x = np.array([[2.0, 1.0, 2.0, np.nan, 1.0], [1.0, 1.0, 0.0, -0.0, 5.0]])
    expected = np.argsort(x, axis=axis, kind="stable")

    for given in (x, Tensor(x)):
        order = pk.argsort(given, axis)
        assert type(order) is np.ndarray
        np.testing.assert_array_equal(order, expected)


def test_sorting_a_long_array_with_ties_keeps_each_gradient_with_its_element() -> None:
    x = Tensor(np.random.default_rng(0).integers(0, 4, 100).astype(float))
    slopes = np.arange(100.0)
    pk.sort(x).backward(slopes)

    for value in range(4):
        of_equals = x.grad[x.data == value]
        assert np.all(np.diff(of_equals) == 1)


def test_sort_puts_nan_last_and_gives_it_its_gradient() -> None:
    x = Tensor([2.0, np.nan, 1.0])
    y = pk.sort(x)
    y.backward([1.0, 2.0, 3.0])

    np.testing.assert_array_equal(y.data, [1, 2, np.nan])
    assert x.grad.tolist() == [2, 3, 1]


MASK = np.array([False, True, False, True])


@pytest.mark.parametrize(
    ("pick", "mask"),
    [
        (lambda x: pk.take(x, [3, 2, 1, 0]), MASK[::-1]),
        (lambda x: pk.take_along_axis(x, np.array([1, 0, 3])), MASK[[1, 0, 3]]),
        (lambda x: pk.sort(x), np.array([False, True, True, False])),
        (lambda x: dg.diag(x), np.diag(MASK)),
        (lambda x: dg.tril(x.reshape(2, 2)) + dg.triu(x.reshape(2, 2), 1), MASK.reshape(2, 2)),
        (lambda x: pk.at(x)[0].set(1.0), MASK),
        (lambda x: pk.at(np.zeros(4))[[3, 2, 1, 0]].add(x), MASK[::-1]),
    ],
)
def test_where_leaks_nothing_through_what_is_picked(pick: Callable[[Any], Any], mask: Any) -> None:
    x = Tensor([0.0, 2.0, -1.0, 4.0])  # whose logarithm is -inf, 0.69, nan, 1.39
    with np.errstate(all="ignore"):
        y = where(mask, pick(x.log()), 0)
    y.backward(np.ones(y.shape))

    np.testing.assert_allclose(x.grad, [0, 0.5, 0, 0.25])


# Replacing


def replaced(x: Any, index: Any, v: Any, how: str) -> Any:
    """Return what `at` should, an element after another."""
    x = x.copy()
    numbers = np.arange(x.size).reshape(x.shape)[index]
    for number, value in zip(
        np.ravel(numbers), np.broadcast_to(v, np.shape(numbers)).ravel(), strict=True
    ):
        if how == "set":
            x.flat[number] = value
        elif how == "add":
            x.flat[number] += value
        else:
            x.flat[number] *= value
    return x


ONCE: dict[str, tuple[tuple[int, ...], Any, tuple[int, ...]]] = {
    "one": ((3,), 1, ()),
    "one of a matrix": ((2, 3), (1, -1), ()),
    "a row": ((2, 3), 1, (3,)),
    "a row by one": ((2, 3), 1, ()),
    "a row by a broadcast": ((2, 3), 1, (1,)),
    "a slice": ((4,), slice(1, 3), (2,)),
    "a slice, reversed": ((4,), slice(None, None, -2), (2,)),
    "a slice of columns": ((2, 3), (slice(None), slice(1, None)), (2, 1)),
    "a slice by a row": ((2, 3), (slice(None), slice(1, None)), (2,)),
    "everything": ((2, 3), ..., (2, 3)),
    "everything by one": ((2, 3), ..., ()),
    "a number": ((), (), ()),
    "a number by ...": ((), ..., ()),
    "a new axis": ((3,), None, (1, 3)),
    "some": ((4,), [2, 0], (2,)),
    "some rows": ((3, 2), [2, 0], (2, 2)),
    "some by a column": ((3, 2), [2, 0], (2, 1)),
    "pairs": ((2, 3), ([0, 1], [2, 0]), (2,)),
    "a grid": ((2, 3), np.ix_([1, 0], [0, 2]), (2, 2)),
    "a mask": ((4,), np.array([True, False, True, False]), (2,)),
    "a mask by one": ((2, 2), np.array([[True, False], [True, True]]), ()),
    "slice and array": ((2, 3), (slice(None), [2, 0]), (2, 2)),
}
SEVERAL: dict[str, tuple[tuple[int, ...], Any, tuple[int, ...]]] = {
    "one twice": ((3,), [1, 1], (2,)),
    "one twice by one": ((3,), [1, 1], ()),
    "many": ((3,), [0, 2, 0, 2, 2, -3], (6,)),
    "a table": ((3,), np.array([[0, 1], [1, 0]]), (2, 2)),
    "a table by a column": ((3,), np.array([[0, 1], [1, 0]]), (2, 1)),
    "rows twice": ((2, 3), [1, 1, 0], (3, 3)),
    "pairs twice": ((2, 2), ([0, 0, 1], [1, 1, 0]), (3,)),
}
REPLACEMENTS = [
    *[(how, *case) for how in ("set", "add", "multiply") for case in ONCE.values()],
    *[(how, *case) for how in ("set", "add") for case in SEVERAL.values()],
]


@pytest.mark.parametrize(("how", "shape", "index", "v_shape"), REPLACEMENTS)
def test_replacing_gives_what_a_loop_gives_and_has_right_gradients(
    how: str, shape: tuple[int, ...], index: Any, v_shape: tuple[int, ...]
) -> None:
    assert_agrees(
        lambda x, v: getattr(pk.at(x)[index], how)(v),
        lambda x, v: replaced(x, index, v, how),
        numbers(*shape),
        numbers(*v_shape, seed=1),
        rtol=1e-6,
    )  # asserts


@pytest.mark.parametrize("how", ["set", "add", "multiply"])
@pytest.mark.parametrize(
    ("shape", "index", "v"),
    [
        ((3,), slice(3, None), 1.0),
        ((3,), np.zeros(0, int), 1.0),
        ((3,), np.zeros(3, bool), np.zeros(0)),
        ((0, 2), ..., 1.0),
        ((0, 2), (slice(None), 1), []),
    ],
)
def test_replacing_nothing_changes_nothing(
    how: str, shape: tuple[int, ...], index: Any, v: Any
) -> None:
    x = Tensor(np.ones(shape))
    y = getattr(pk.at(x)[index], how)(v)
    y.backward(np.full(shape, 3.0))

    np.testing.assert_array_equal(y.data, x.data)
    np.testing.assert_array_equal(x.grad, np.full(shape, 3.0))


def test_the_last_of_several_wins_and_takes_the_gradient_alone() -> None:
    x, v = Tensor([1.0, 2.0, 3.0]), Tensor([10.0, 20.0, 30.0])
    y = pk.at(x)[[1, 0, 1]].set(v)
    y.backward([5.0, 6.0, 7.0])

    assert y.data.tolist() == [20, 30, 3]
    assert x.grad.tolist() == [0, 0, 7]
    assert v.grad.tolist() == [0, 5, 6]


def test_the_last_of_very_many_wins() -> None:
    index = np.random.default_rng(0).integers(0, 50, 10_000)
    v = Tensor(np.arange(10_000.0))
    y = pk.at(np.zeros(50))[index].set(v)
    y.backward(np.ones(50))
    last = [np.flatnonzero(index == i)[-1] for i in range(50)]

    np.testing.assert_array_equal(y.data, last)
    np.testing.assert_array_equal(np.flatnonzero(v.grad), np.sort(last))


def test_an_array_is_left_as_it_is_and_its_copy_is_plain() -> None:
    x = np.zeros(3)
    results = [pk.at(x)[1].set(1), pk.at(x)[1].add(1), pk.at(x)[1].multiply(2)]

    assert x.tolist() == [0, 0, 0]
    assert all(type(result) is np.ndarray for result in results)
    assert isinstance(pk.at(x)[1].set(Tensor(1.0)), Tensor)


def test_an_index_may_be_a_tensor_or_change_afterwards() -> None:
    x, index = Tensor([1.0, 2.0, 3.0]), np.array([0])
    y = pk.at(x)[index].add(10.0)
    index[0] = 2
    y.backward(np.ones(3))

    assert pk.at(x)[Tensor([2, 1])].set([7.0, 8.0]).data.tolist() == [1, 8, 7]
    assert x.grad.tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8"])
def test_the_copy_has_the_dtype_of_the_array(dtype: str) -> None:
    x = Tensor(np.ones(3, dtype))
    number = 2.0 if dtype.startswith("float") else 2

    for how in ("set", "add", "multiply"):
        for index in (1, slice(1), [1, 2]):
            assert getattr(pk.at(x)[index], how)(number).dtype == dtype
            assert getattr(pk.at(x)[index], how)(np.ones((), dtype)).dtype == dtype


def test_values_of_another_precision_have_gradients_in_theirs() -> None:
    x, v = Tensor(np.ones(3, "float32")), Tensor([2.0])
    y = pk.at(x)[:1].set(v)
    y.backward(np.ones(3))

    assert (y.dtype, x.grad.dtype, v.grad.dtype) == (np.float32, np.float32, np.float64)


@pytest.mark.parametrize("index", [slice(0, 2), [0, 1]])
def test_what_was_replaced_leaks_no_nan(index: Any) -> None:
    x = Tensor([0.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        y = pk.at(x.log())[index].set(0.0)
    y.sum().backward()

    assert x.grad.tolist() == [0, 0, 0.25]


def test_what_did_not_win_leaks_no_nan() -> None:
    v = Tensor([0.0, 4.0])
    with np.errstate(all="ignore"):
        y = where([True, False], pk.at(np.zeros(2))[[0, 0]].set(v.sqrt()), 0)
    y.backward([1.0, 1.0])

    assert v.grad[1] == 0.25


X = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pk.take(X, 6), IndexingError, "index 6"),
        (lambda: pk.take(X, 0.5), OperandError, "take: indices are integers, but came float64"),
        (lambda: pk.take(X, [True]), OperandError, "take: indices are integers, but came bool"),
        (lambda: pk.take(X, 0, axis=2), ShapeError, "take: axis 2"),
        (lambda: pk.take_along_axis(X, [0]), ShapeError, r"take_along_axis: .*\(1,\) came for"),
        (lambda: pk.take_along_axis(X, [[3], [0]]), IndexingError, "3"),
        (lambda: pk.take_along_axis(X, [[0.5]]), OperandError, "take_along_axis: indices are"),
        (lambda: pk.take_along_axis(X, [[0]] * 3), IndexingError, r"\(3,1\)"),
        (lambda: pk.sort(X, 2), ShapeError, "sort: axis 2"),
        (lambda: pk.sort(1.0), ShapeError, "sort: axis -1 .* One number has none"),
        (lambda: pk.argsort(X, 2), ShapeError, "argsort: axis 2"),
        (lambda: dg.diag(np.zeros((2, 2, 2))), ShapeError, r"diag: .*\(2, 2, 2\).*diagonal"),
        (lambda: dg.diag(1.0), ShapeError, "diag: expected a vector or a matrix"),
        (lambda: dg.diagonal([1.0]), ShapeError, "diagonal: axis 1"),
        (lambda: dg.diagonal(X, 0, 1, 1), ShapeError, "diagonal: .*several times"),
        (lambda: dg.trace([1.0]), ShapeError, "trace: axis 1"),
        (lambda: dg.tril(1.0), ShapeError, "tril: expected a matrix"),
        (lambda: dg.triu(1.0), ShapeError, "triu: expected a matrix"),
        (lambda: pk.at(X)[2], IndexingError, "index 2"),
        (lambda: pk.at(X)[Tensor([0.5])], OperandError, "getitem: an index has no gradient"),
        (lambda: pk.at(X)[0].set([1.0, 2.0]), ShapeError, r"at.*set: .*\(2,\) came .*\(3,\)"),
        (lambda: pk.at(X)[0].add([[1.0, 2.0, 3.0]]), ShapeError, r"at.*add: .*\(1, 3\) came"),
        (lambda: pk.at([1, 2])[0].set(0.5), OperandError, "at.*set: came values of float64.*int64"),
        (lambda: pk.at(X)[[0, 0]].multiply(2.0), ArgumentError, "multiply: .* several times"),
        (lambda: pk.at(X)[0].set(Value(1.0)), OperandError, "at.*set: takes arrays.*Use Tensors"),
        (lambda: pk.at(Value(1.0)), OperandError, "at: takes arrays.*Use Tensors"),
        (lambda: pk.take(Value(1.0), 0), OperandError, "take: takes arrays.*Use Tensors"),
        (lambda: pk.argsort(Value(1.0)), OperandError, "argsort: takes arrays.*Use Tensors"),
        (lambda: dg.diag(Value(1.0)), OperandError, "diag: takes arrays.*Use Tensors"),
    ],
)
def test_wrong_input_is_refused_with_a_reason(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
