"""Hypothesis strategies for shapes, and for what picks from an array of a shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from micrograd.testing.arguments import check_count, checked_shape, refuse

Shape = tuple[int, ...]


def broadcastable_shapes(
    n: int, *, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 3
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Draw tuples of `n` shapes that broadcast together.

    Args:
        n: how many shapes.
        min_dims: the smallest number of axes.
        max_dims: the largest number of axes.
        min_side: the smallest length of an axis that is not 1.
        max_side: the largest length of an axis.

    Raises:
        ArgumentError: if `n` is not a positive integer, or another argument is
            not an integer of 0 or more, or a smallest exceeds its largest.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2), lambda shapes: len(shapes[0]) > len(shapes[1]))
    ((1,), ())
    """
    strategy = "broadcastable_shapes"
    check_count(strategy, "n", n)
    for name, low, high in (("dims", min_dims, max_dims), ("side", min_side, max_side)):
        check_count(strategy, f"min_{name}", low, least=0)
        check_count(strategy, f"max_{name}", high, least=low)
    drawn = hnp.mutually_broadcastable_shapes(
        num_shapes=n, min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )
    return drawn.map(lambda drawn: drawn.input_shapes)


def indices_for(shape: int | Shape) -> st.SearchStrategy[Any]:
    """Draw whatever NumPy takes as the index of an array.

    These are slices of any step, None, Ellipsis, integers, integer arrays and
    lists with repeats, boolean masks, and mixtures of them.

    Args:
        shape: the shape of the array: a tuple of lengths, or one length.

    Raises:
        ArgumentError: if the shape is of another kind.

    >>> from hypothesis import find
    >>> find(indices_for((2, 3)), lambda index: isinstance(index, list) and len(index) > 1)
    [0, 0]
    """
    shape = checked_shape("indices_for", shape)
    kinds: list[st.SearchStrategy[Any]] = [
        hnp.basic_indices(shape, min_dims=0, max_dims=5, allow_newaxis=True)
    ]
    if shape:
        kinds += [hnp.arrays(bool, shape), hnp.arrays(bool, shape[:1])]
    if shape and 0 not in shape:
        several = hnp.array_shapes(max_dims=2, max_side=3)
        kinds.append(hnp.integer_array_indices(shape, result_shape=several))
        kinds.append(st.lists(_positions(shape[0]), min_size=1, max_size=4))
        kinds.append(_mixtures(shape))
    return st.one_of(kinds)


def _positions(length: int) -> st.SearchStrategy[int]:
    """Draw an integer index of an axis, counted from either end."""
    return st.integers(-length, length - 1)


@st.composite
def _mixtures(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """Draw an index with a part of its own for each axis; arrays in it have one length."""
    count = draw(st.integers(1, 3))
    parts: list[Any] = []
    for length in shape:
        picks = hnp.arrays(np.int64, count, elements=_positions(length), fill=st.nothing())
        kinds: list[st.SearchStrategy[Any]] = [
            st.slices(length),
            _positions(length),
            picks,
            picks.map(lambda a: a.tolist()),
        ]
        if count <= length:  # a mask that picks as many elements as the arrays have
            kinds.append(_masks(length, count))
        parts.append(draw(st.one_of(kinds)))
    where = draw(st.integers(0, len(shape)))
    if draw(st.booleans()):
        parts.insert(where, None)
    elif draw(st.booleans()):
        parts[where:] = [Ellipsis]
    return tuple(parts)


def _masks(length: int, count: int) -> st.SearchStrategy[NDArray[np.bool_]]:
    """Draw a mask of one axis that picks `count` of its elements."""
    picked = st.lists(st.integers(0, length - 1), min_size=count, max_size=count, unique=True)
    return picked.map(lambda picked: np.isin(np.arange(length), picked))


def axes_for(shape: Shape) -> st.SearchStrategy[int | Shape | None]:
    """Draw what reductions take as `axis`: None, an axis, or a tuple of distinct axes.

    Axes count from either end.

    Args:
        shape: the shape of the array. For a number of axes, give `(1,) * ndim`.

    Raises:
        ArgumentError: if the shape is not a tuple of lengths; a number might
            mean a length or a number of axes.

    >>> from hypothesis import find
    >>> find(axes_for((2, 3)), lambda axis: isinstance(axis, tuple) and len(axis) == 2)
    (0, 1)
    """
    if not isinstance(shape, tuple):
        refuse("axes_for", "shape", shape, "a tuple of lengths, (1,) * ndim for ndim axes")
    ndim = len(checked_shape("axes_for", shape))
    if ndim == 0:
        return st.sampled_from([None, ()])
    one = _positions(ndim)
    several = st.lists(one, max_size=ndim, unique_by=lambda axis: axis % ndim)
    return st.none() | one | several.map(lambda axes: tuple(axes))


def one_hot_labels(
    batch: int | None = None, classes: int | None = None
) -> st.SearchStrategy[NDArray[np.float64]]:
    """Draw float64 arrays of one-hot rows: a single 1 in each, 0 elsewhere.

    Args:
        batch: the number of rows; None for 1 to 4.
        classes: the length of a row; None for 2 to 4.

    Raises:
        ArgumentError: if either is not a positive integer.

    >>> from hypothesis import find
    >>> find(one_hot_labels(2, 3), lambda labels: labels[1, 2] == 1)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    rows = _counts("one_hot_labels", "batch", batch, least=1)
    lengths = _counts("one_hot_labels", "classes", classes, least=2)

    def of_size(size: tuple[int, int]) -> st.SearchStrategy[NDArray[np.float64]]:
        n, length = size
        labels = st.lists(st.integers(0, length - 1), min_size=n, max_size=n)
        return labels.map(lambda labels: np.eye(length)[labels])

    return st.tuples(rows, lengths).flatmap(of_size)


def _counts(strategy: str, argument: str, count: int | None, least: int) -> st.SearchStrategy[int]:
    if count is None:
        return st.integers(least, 4)
    check_count(strategy, argument, count)
    return st.just(count)
