"""Products of two arrays, summed over pairs of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd.errors import ArgumentError, ShapeError
from micrograd.ops.axes import array_of, axis_of, shown
from micrograd.ops.einsum import einsum
from micrograd.ops.elementwise import multiply
from micrograd.ops.kinds import N
from micrograd.ops.linalg import matmul

Axes = int | tuple[int | Sequence[int], int | Sequence[int]]


def dot(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the sums of products over the last axis of a and the second to last of b.

    Of two vectors it is the inner product, of matrices the matrix product; a
    vector b has but its one axis. A number multiplies every element.

    Derivatives: those of `matmul`, g @ b.T and a.T @ g for matrices.

    Raises:
        ShapeError: if the two axes differ in length.

    >>> dot([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).tolist()
    [21.0, 43.0]
    """
    left, right = array_of("dot", a), array_of("dot", b)
    if left.ndim == 0 or right.ndim == 0:
        return multiply(a, b)  # a Python number stays one
    if left.ndim <= 2 and right.ndim <= 2:
        return matmul(left, right)
    return _summed("dot", left, right, [left.ndim - 1], [max(right.ndim - 2, 0)])


def inner(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the sums of products over the last axes of a and b.

    The result has the other axes of a, then those of b. A number multiplies
    every element.

    Derivatives: of vectors, g * b and g * a.

    Raises:
        ShapeError: if the last axes differ in length.

    >>> float(inner([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    left, right = array_of("inner", a), array_of("inner", b)
    if left.ndim == 0 or right.ndim == 0:
        return multiply(a, b)
    return _summed("inner", left, right, [left.ndim - 1], [right.ndim - 1])


def vdot(a: N | ArrayLike, b: N | ArrayLike) -> N:
    """Return the sum of the products of the elements of a and b, both flattened.

    Derivatives: g * b and g * a.

    Raises:
        ShapeError: if they have not as many elements.

    >>> float(vdot([[1.0, 2.0]], [[3.0], [4.0]]))
    11.0
    """
    left, right = array_of("vdot", a), array_of("vdot", b)
    if left.size != right.size:
        raise ShapeError(
            f"vdot: a of shape {left.shape} has {left.size} elements, b of shape {right.shape} has "
            f"{right.size}. It takes as many of each; for products of all pairs, use outer."
        )
    return matmul(left.reshape((left.size,)), right.reshape((right.size,)))


def tensordot(a: N | ArrayLike, b: N | ArrayLike, axes: Axes = 2) -> N:
    """Return the sums of products over several axes of a and b.

    The result has the axes of a that are left, then those of b.

    Derivatives: of each array, the tensordot of the gradient and the other one,
    with its axes in their order.

    Args:
        a: the left array.
        b: the right array.
        axes: how many of the last axes of a go with the first ones of b, or a
            pair: the axis or axes of a, and those of b that go with them.

    Raises:
        ArgumentError: if the axes are neither of the two.
        ShapeError: if axes are not there, or go together but differ in length.

    >>> tensordot([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0], axes=1).tolist()
    [21.0, 43.0]
    """
    a, b = array_of("tensordot", a), array_of("tensordot", b)
    left, right = _pair_of_axes(axes, a, b)
    if len(left) != len(right) or len({*left}) < len(left) or len({*right}) < len(right):
        raise ArgumentError(
            f"tensordot: axes={shown(axes)} pairs the axes {left} of a with {right} of b. Give as "
            "many of a as of b, none of them twice."
        )
    return _summed("tensordot", a, b, left, right)


def _pair_of_axes(axes: Any, a: Any, b: Any) -> tuple[list[int], list[int]]:
    """Return the axes of a and of b to sum over, counted from the first."""
    try:
        left, right = map(_integers, axes) if np.iterable(axes) else (_integers(axes), None)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"tensordot: axes={shown(axes)} came. Give the number of axes to sum over, or a pair "
            "of the axes of a and those of b, as in axes=([1, 0], [0, 1])."
        ) from None
    if right is None:
        (count,) = left
        if not 0 <= count <= min(a.ndim, b.ndim):
            raise ShapeError(
                f"tensordot: axes={axes} came for shapes {a.shape} and {b.shape}. Expected from 0 "
                f"to {min(a.ndim, b.ndim)} axes to sum over."
            )
        return list(range(a.ndim - count, a.ndim)), list(range(count))
    return (
        [axis_of(f"tensordot: a of shape {a.shape}", axis, a.ndim) for axis in left],
        [axis_of(f"tensordot: b of shape {b.shape}", axis, b.ndim) for axis in right],
    )


def _integers(given: Any) -> list[int]:
    return [index(i) for i in given] if np.iterable(given) else [index(given)]


def _summed(name: str, a: Any, b: Any, left: list[int], right: list[int]) -> Any:
    """Return the products of a and b, summed over pairs of their axes."""
    first, second = list(ascii_letters[: a.ndim]), list(ascii_letters[a.ndim : a.ndim + b.ndim])
    for i, k in zip(left, right, strict=True):
        if a.shape[i] != b.shape[k]:
            raise ShapeError(
                f"{name}: axis {i} of a has length {a.shape[i]}, but axis {k} of b, with which it "
                f"is multiplied, has {b.shape[k]}; the shapes are {a.shape} and {b.shape}. "
                "Choose or transpose the axes so that the lengths are equal."
            )
        second[k] = first[i]
    kept = [letter for letter in first + second if (letter in first) != (letter in second)]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", a, b)


__all__ = ["dot", "inner", "tensordot", "vdot"]
