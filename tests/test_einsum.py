"""Einstein's notation: large sums, diagonals, higher derivatives, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Tensor
from micrograd.core.op import registry
from micrograd.ops.einsum import einsum
from micrograd.testing import assert_gradients

Shapes = tuple[tuple[int, ...], ...]


def arrays(*shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(sum(map(len, shapes)))
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def test_einsum_of_many_elements_is_that_of_few() -> None:
    a, b, c = arrays((40, 1, 30), (1, 50, 30), (50, 20))
    subscripts = "ijk,ijk,jl->li"
    ours = [Tensor(x) for x in (a, b, c)]

    y = einsum(subscripts, *ours)
    y.backward(np.ones(y.shape))

    np.testing.assert_allclose(y.data, np.einsum(subscripts, a, b, c), rtol=1e-10)
    np.testing.assert_allclose(
        ours[0].grad, np.einsum("ijk,jl->ik", b, c)[:, None] + 0 * a, rtol=1e-9
    )
    np.testing.assert_allclose(
        ours[2].grad, np.einsum("iqk,qjk->j", a, b)[:, None] + 0 * c, rtol=1e-9
    )


def test_a_diagonal_leaves_the_rest_of_the_gradient_zero_even_beside_nan() -> None:
    x = Tensor(np.ones((2, 2)))

    einsum("ii->i", x).backward([np.nan, np.inf])

    np.testing.assert_array_equal(x.grad, [[np.nan, 0], [0, np.inf]])


def test_an_operand_that_stands_twice_gets_both_gradients() -> None:
    (x,) = arrays((3, 3))

    assert_gradients(lambda x: einsum("ij,jk->ik", x, x), x, order=2)


def test_einsum_has_third_derivatives() -> None:
    assert_gradients(lambda x: einsum("i,i,i->i", x, x, x), *arrays((3,)), order=3)
    assert_gradients(lambda x: einsum("ii,ij,j->", x, x, x[0]), *arrays((2, 2)), order=3)


def test_a_node_of_einsum_shows_its_subscripts() -> None:
    short = einsum("i j, j", Tensor(np.ones((2, 3))), np.ones(3))
    long = einsum(",".join("abcdefghijklmnop"), *[Tensor(np.ones(1)) for _ in range(16)])

    assert registry["einsum"].symbol_for(short) == "ij,j->i"
    assert registry["einsum"].symbol_for(long) == "einsum"


@pytest.mark.parametrize(
    ("subscripts", "shapes", "kind", "message"),
    [
        ("ij", ((3,),), micrograd.ShapeError, r"'ij' .* names 2 axes, but .* shape \(3,\)"),
        ("i", ((3, 2),), micrograd.ShapeError, r"Give each axis a letter, or write '\.\.\.'"),
        ("...ij", ((3,),), micrograd.ShapeError, r"names 2 axes"),
        ("i,i", ((3,), (2,)), micrograd.ShapeError, r"'i' has length 3 in one operand and 2"),
        ("ii", ((1, 3),), micrograd.ShapeError, r"stands twice .* lengths 1 and 3"),
        ("...,...", ((2,), (3,)), micrograd.ShapeError, r"shapes are \(2,\), \(3,\)"),
        ("i,j", ((3,),), micrograd.ArgumentError, r"name 2 operands, but came 1"),
        ("i", ((3,), (3,)), micrograd.ArgumentError, r"name 1 operands, but came 2"),
        ("i", (), micrograd.ArgumentError, r"but came 0"),
        ("i->j", ((3,),), micrograd.ArgumentError, r"no operand has the index 'j'"),
        ("i->ii", ((3,),), micrograd.ArgumentError, r"has the index 'i' twice"),
        ("...i->i", ((2, 3),), micrograd.ArgumentError, r"the result has no '\.\.\.'"),
        ("i1", ((3, 3),), micrograd.ArgumentError, r"'i1' .* is no list of indices"),
        ("i..", ((3, 3),), micrograd.ArgumentError, r"is no list of indices"),
        ("...i...", ((3, 3),), micrograd.ArgumentError, r"at most one '\.\.\.'"),
        ("i->i->i", ((3,),), micrograd.ArgumentError, r"is no list of indices"),
        ("i-j", ((3, 3),), micrograd.ArgumentError, r"is no list of indices"),
    ],
)
def test_einsum_says_what_is_wrong(
    subscripts: str, shapes: Shapes, kind: type[Exception], message: str
) -> None:
    for operands in (arrays(*shapes), [Tensor(a) for a in arrays(*shapes)]):
        with pytest.raises(kind, match=f"(?s)^einsum: .*{message}"):
            einsum(subscripts, *operands)


def test_einsum_refuses_lists_of_integers_with_words() -> None:
    wrong: Any = np.ones((2, 2))
    with pytest.raises(micrograd.OperandError, match="lists of integers is not supported"):
        einsum(wrong, [0, 1])


def test_einsum_refuses_more_axes_than_there_are_letters() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    named = (letters + letters.upper())[:50]
    with pytest.raises(micrograd.ArgumentError, match="more than there are letters left"):
        einsum(f"{named}...", np.ones((1,) * 53))
