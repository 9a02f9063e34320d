"""Products: those made of other operations, against NumPy, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Tensor, Value
from micrograd.ops.contractions import dot, inner, tensordot, vdot
from micrograd.ops.einsum import einsum
from micrograd.ops.products import cross, kron, matrix_transpose, multi_dot, outer
from micrograd.testing import assert_gradients

Shapes = tuple[tuple[int, ...], ...]


def arrays(*shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(sum(map(len, shapes)))
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def check(ours: Callable[..., Any], numpys: Callable[..., Any], *shapes: tuple[int, ...]) -> None:
    """Assert values, shapes, dtypes and both orders of derivatives."""
    given = arrays(*shapes)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        cast = [a.astype(dtype) for a in given]
        expected = np.asarray(numpys(*cast))
        nodes = [Tensor(a) for a in cast]
        result = ours(*nodes)
        for came in (np.asarray(ours(*cast)), result.data):
            assert (came.shape, came.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(came, expected, rtol=tolerance, atol=tolerance)
        result.backward(np.ones_like(expected))
        assert [node.grad.dtype for node in nodes] == [np.dtype(dtype)] * len(nodes)
    mixed = ours(Tensor(given[0]), *given[1:])
    assert isinstance(mixed, Tensor)
    assert_gradients(ours, *given, order=2)


PAIRS: tuple[Shapes, ...] = (
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((1, 2, 3), (2, 3, 2)),
    ((), (2, 3)),
    ((3,), ()),
    ((), ()),
)


@pytest.mark.parametrize("shapes", PAIRS)
def test_dot_is_that_of_numpy(shapes: Shapes) -> None:
    check(dot, np.dot, *shapes)  # asserts


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (1, 3)), ((), (2,))]
)
def test_inner_is_that_of_numpy(shapes: Shapes) -> None:
    check(inner, np.inner, *shapes)  # asserts


@pytest.mark.parametrize("shapes", [((3,), (2,)), ((2, 2), (3,)), ((), (2,)), ((1, 2), (2, 1))])
def test_outer_is_that_of_numpy(shapes: Shapes) -> None:
    check(outer, np.outer, *shapes)  # asserts


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3, 2)), ((), (1,)), ((2, 3), (6,))])
def test_vdot_is_that_of_numpy(shapes: Shapes) -> None:
    check(vdot, np.vdot, *shapes)  # asserts


@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        (2, ((2, 3, 2), (3, 2, 4))),
        (1, ((2, 3), (3, 2))),
        (0, ((2,), (3,))),
        (0, ((), (3,))),
        (np.int64(1), ((2, 3), (3,))),
        ((0, 0), ((2, 3), (2, 2))),
        ((-1, 1), ((2, 3), (2, 3))),
        (([0, 1], [1, 0]), ((2, 3), (3, 2, 2))),
        (([2, 0], [-3, -1]), ((2, 4, 3), (3, 1, 2))),
        (([], []), ((2,), (3,))),
        (([1], 0), ((2, 3), (3,))),
    ],
)
def test_tensordot_is_that_of_numpy(axes: Any, shapes: Shapes) -> None:
    check(
        lambda a, b: tensordot(a, b, axes), lambda a, b: np.tensordot(a, b, axes), *shapes
    )  # asserts


@pytest.mark.parametrize(
    "shapes",
    [((2,), (3,)), ((2, 2), (1, 3)), ((2,), (2, 3)), ((2, 1, 2), (2,)), ((), (2, 2)), ((2,), ())],
)
def test_kron_is_that_of_numpy(shapes: Shapes) -> None:
    check(kron, np.kron, *shapes)  # asserts


@pytest.mark.parametrize(
    ("axis", "shapes"),
    [
        (0, ((3, 2), (3, 2))),
        (1, ((2, 3, 2), (2, 3, 2))),
        (-2, ((3, 2), (4, 3, 2))),
        (0, ((3,), (3, 2))),
        (0, ((3, 2), (3,))),
        (-1, ((3,), (2, 3))),
        (1, ((2, 3), (1, 3))),
    ],
)
def test_cross_along_an_axis_is_that_of_numpy(axis: int, shapes: Shapes) -> None:
    check(
        lambda a, b: cross(a, b, axis), lambda a, b: np.cross(a, b, axis=axis), *shapes
    )  # asserts


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2), (1, 2, 2, 3)])
def test_matrix_transpose_exchanges_the_last_two_axes(shape: tuple[int, ...]) -> None:
    check(matrix_transpose, lambda x: np.swapaxes(x, -1, -2), shape)  # asserts


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 2)),
        ((3,), (3,)),
        ((2, 3), (3, 1), (1, 4)),
        ((3,), (3, 2), (2,)),
        ((3,), (3, 2), (2, 3)),
        ((1, 3), (3, 4), (4, 2), (2,)),
        ((2, 3), (3, 2), (2, 3), (3, 2), (2, 1)),
    ],
)
def test_multi_dot_is_that_of_numpy(shapes: Shapes) -> None:
    check(
        lambda *factors: multi_dot(list(factors)),
        lambda *factors: np.linalg.multi_dot(factors),
        *shapes,
    )  # asserts


def test_multi_dot_multiplies_in_the_cheapest_order() -> None:
    a, b, c = (Tensor(np.ones(shape)) for shape in [(10, 100), (100, 5), (5, 50)])

    assert multi_dot([a, b, c]).parents[1] is c
    turned = [c.T, b.T, a.T]
    assert multi_dot(turned).parents[0] is turned[0]


def test_empty_arrays_have_products() -> None:
    assert dot(np.ones((2, 0)), np.ones((0, 3))).tolist() == np.zeros((2, 3)).tolist()
    assert tensordot(np.ones((2, 0)), np.ones((0, 3)), 1).tolist() == np.zeros((2, 3)).tolist()
    assert float(vdot(np.ones(0), np.ones((0, 2)))) == 0
    assert kron(np.ones(0), np.ones(2)).shape == (0,)
    assert outer(np.ones(0), np.ones(2)).shape == (0, 2)


def test_a_python_number_keeps_float32() -> None:
    x = Tensor(np.ones(2, "float32"))

    for product in (dot(2.0, x), inner(x, 2.0), kron(2.0, x)):
        assert product.dtype == np.float32
        assert product.data.tolist() == [2.0, 2.0]


def test_integers_stay_integers() -> None:
    assert dot([[1, 2]], [3, 4]).dtype.kind == "i"
    assert einsum("i,i", [1, 2], [3, 4]) == 11


# What the others refuse


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: dot(np.ones(2), np.ones(3)), micrograd.ShapeError, r"^matmul"),
        (
            lambda: dot(np.ones((2, 2, 3)), np.ones((4, 2))),
            micrograd.ShapeError,
            r"^dot: axis 2 of a has length 3, but axis 0 of b.*has 4",
        ),
        (
            lambda: inner(np.ones((2, 1)), np.ones((2, 3))),
            micrograd.ShapeError,
            r"^inner: axis 1 of a has length 1, but axis 1 of b.*has 3",
        ),
        (
            lambda: vdot(np.ones((2, 2)), np.ones(3)),
            micrograd.ShapeError,
            r"^vdot: a of shape \(2, 2\) has 4 elements, b of shape \(3,\) has 3",
        ),
        (
            lambda: tensordot(np.ones((2, 3)), np.ones((3, 2))),
            micrograd.ShapeError,
            r"^tensordot: axis 0 of a has length 2, but axis 0 of b.*has 3",
        ),
        (
            lambda: tensordot(np.ones((2, 1)), np.ones((3, 2)), 1),
            micrograd.ShapeError,
            r"^tensordot: axis 1 of a has length 1, but axis 0 of b.*has 3",
        ),
        (
            lambda: tensordot(np.ones(3), np.ones(3), 2),
            micrograd.ShapeError,
            r"^tensordot: axes=2 came.*Expected from 0 to 1",
        ),
        (lambda: tensordot(np.ones(3), np.ones(3), -1), micrograd.ShapeError, r"axes=-1 came"),
        (
            lambda: tensordot(np.ones(3), np.ones(3), (1, 0)),
            micrograd.ShapeError,
            r"^tensordot: a of shape \(3,\): axis 1 came for an array of 1 axes",
        ),
        (
            lambda: tensordot(np.ones(()), np.ones(3), (0, 0)),
            micrograd.ShapeError,
            r"^tensordot: a of shape \(\): axis 0 came.* One number has none",
        ),
        (
            lambda: tensordot(np.ones((2, 2)), np.ones((2, 2)), ([0, 1], [0])),
            micrograd.ArgumentError,
            r"^tensordot: axes=",
        ),
        (
            lambda: tensordot(np.ones((2, 2)), np.ones((2, 2)), ([0, -2], [0, 1])),
            micrograd.ArgumentError,
            r"none of them twice",
        ),
        (
            lambda: tensordot(np.ones(3), np.ones(3), 1.5),  # type: ignore[arg-type] # pyright: ignore
            micrograd.ArgumentError,
            r"Give the number of axes",
        ),
        (
            lambda: cross(np.ones(2), np.ones(3)),
            micrograd.ShapeError,
            r"^cross: a of shape \(2,\) has not length 3",
        ),
        (
            lambda: cross(np.ones(3), np.ones((2, 3)), axis=1),
            micrograd.ShapeError,
            r"^cross: a of shape \(3,\): axis 1 came for an array of 1 axes",
        ),
        (
            lambda: cross(np.ones((2, 3)), np.ones((4, 3))),
            micrograd.ShapeError,
            r"^cross: cannot take .*broadcast together",
        ),
        (
            lambda: cross(1.0, np.ones(3)),
            micrograd.ShapeError,
            r"^cross: a of shape \(\): axis -1 came.* One number has none",
        ),
        (
            lambda: matrix_transpose(np.ones(3)),
            micrograd.ShapeError,
            r"^matrix_transpose: came shape \(3,\).*x\[None, :\]",
        ),
        (lambda: multi_dot([np.ones(3)]), micrograd.ShapeError, r"^multi_dot: expected a list"),
        (lambda: multi_dot(Tensor(np.ones((2, 2)))), micrograd.ShapeError, r"^multi_dot: expected"),  # type: ignore[arg-type] # pyright: ignore
        (
            lambda: multi_dot([np.ones(3), np.ones(3), np.ones(3)]),
            micrograd.ShapeError,
            r"^multi_dot: array 1 has shape \(3,\)",
        ),
        (
            lambda: multi_dot([np.ones((2, 3)), np.ones((2, 3))]),
            micrograd.ShapeError,
            r"^multi_dot: array 0 of shape \(2, 3\) has 3 columns, but array 1 .* has 2 rows",
        ),
    ],
)
def test_a_product_says_what_is_wrong(
    call: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"(?s){message}"):
        call()


@pytest.mark.parametrize("function", [dot, inner, outer, vdot, tensordot, kron, cross])
def test_a_product_of_arrays_refuses_a_value(function: Callable[..., Any]) -> None:
    for args in [(Value(1.0), Value(1.0)), (Value(1.0), np.ones(3)), (Tensor([1.0]), Value(1.0))]:
        with pytest.raises(
            micrograd.OperandError, match=f"^{function.__name__}: takes arrays.*Use Tensors"
        ):
            function(*args)
