"""Functions that pick elements, put them in order, or replace some of them."""

from __future__ import annotations

import math
from typing import Any, Generic, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import along, array_of, axis_of, integers_of
from micrograd.ops.elementwise import where
from micrograd.ops.indexing import getitem, put_add
from micrograd.ops.kinds import A, N
from micrograd.ops.reach import MOVED
from micrograd.ops.shape import astype, broadcast_to, reshape

__all__ = ["argsort", "at", "sort", "take", "take_along_axis"]


def take(x: N | ArrayLike, indices: Node | ArrayLike, axis: int | None = None) -> N:
    """Return the elements at `indices`, integers of any shape, along an axis.

    With the axis None, x counts as if its elements were in one axis. An axis
    of the result that comes from `indices` stands where the axis was.

    Derivative: the gradient, put back; an element taken several times gets the sum.

    Raises:
        IndexingError: if an index lies outside.
        OperandError: if an index is not an integer.
        ShapeError: if x has no such axis.

    >>> take([4, 5, 6], [0, 2]).tolist(), take([[1, 2], [3, 4]], 1, axis=1).tolist()
    ([4, 6], [2, 4])
    """
    array, picked = array_of("take", x), integers_of("take", indices)
    if axis is None:
        return getitem(reshape(array, -1), (picked,))
    return getitem(array, along(axis_of("take", axis, array.ndim), picked))


def take_along_axis(x: A | ArrayLike, indices: Node | ArrayLike, axis: int | None = -1) -> A:
    """Return the elements that `indices`, as from `argsort`, name along an axis.

    `indices` has as many axes as x, and along the others its lengths or 1. With
    the axis None, both are of one axis, x as if its elements were in one.

    Derivative: the gradient, put back; an element taken several times gets the sum.

    Raises:
        IndexingError: if an index lies outside.
        OperandError: if an index is not an integer.
        ShapeError: if the shapes do not fit, or x has no such axis.

    >>> take_along_axis([[3, 1], [2, 4]], [[1, 0], [0, 1]]).tolist()
    [[1, 3], [2, 4]]
    """
    array, picked = array_of("take_along_axis", x), integers_of("take_along_axis", indices)
    if axis is None:
        array, axis = reshape(array, -1), 0
    axis = axis_of("take_along_axis", axis, array.ndim)
    if picked.ndim != array.ndim:
        raise ShapeError(
            f"take_along_axis: indices of shape {picked.shape} came for shape {array.shape}. Give "
            "as many axes; along those that are not picked from, the same length or 1."
        )
    grid: list[Any] = list(np.ix_(*map(np.arange, array.shape)))
    grid[axis] = picked
    return getitem(array, tuple(grid))


def argsort(x: Any, axis: int | None = -1) -> NDArray[np.intp]:
    """Return the indices that put the elements along `axis` in order, as an array.

    Equal elements keep their order, and nan comes last. Being integers, they
    have no gradient.

    Raises:
        ShapeError: if x has no such axis.

    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    x = array_of("argsort", x)
    axis = None if axis is None else axis_of("argsort", axis, x.ndim)
    return np.argsort(x._data if isinstance(x, Node) else x, axis=axis, kind="stable")


def _sort_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    order = argsort(x, axis)
    places = np.empty_like(order)  # where each element went: the order undone
    along_axis = (-1,) + (1,) * (order.ndim - 1 - axis)
    np.put_along_axis(places, order, np.arange(order.shape[axis]).reshape(along_axis), axis)
    return take_along_axis(g, places, axis)


_sort = define_op(
    "sort",
    lambda x, *, axis: np.sort(x, axis=axis),
    _sort_rule,
    arrays_only=True,
    reach=MOVED,
)


def sort(x: A | ArrayLike, axis: int | None = -1) -> A:
    """Return x with its elements in order along `axis`; all in one axis when it is None.

    Derivative: each element takes the gradient of the place it went to. Equal
    elements keep their order, so each of them has its own; nan comes last.

    Raises:
        ShapeError: if x has no such axis.

    >>> sort([3.0, 1.0, 2.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    array = array_of("sort", x)
    if axis is None:
        return _sort(reshape(array, -1), axis=0)
    return _sort(array, axis=axis_of("sort", axis, array.ndim))


# Replacing


class Updates(Generic[N]):
    """What `at` returns: index it to say which elements to replace."""

    def __init__(self, x: Any) -> None:
        self._x = array_of("at", x)

    def __getitem__(self, index: Any) -> Place[N]:
        return Place(self._x, index)


class Place(Generic[N]):
    """Some elements of an array, which `set`, `add` and `multiply` replace in a copy."""

    def __init__(self, x: Any, index: Any) -> None:
        self._x = x
        self._index = index
        # The numbers of the picked elements, an index's meaning whatever its kind.
        numbers = _numbers(x.shape)
        self._picked = np.asarray(getitem(numbers, index))
        self._is_slice = np.may_share_memory(self._picked, numbers)

    def set(self, v: Any) -> N:
        """Return x with v, which broadcasts, in place of the picked elements.

        Where one is picked several times, the last wins.

        Derivative: of x, the gradient, 0 where it was replaced; of v, the
        gradient where it won, 0 where another did.

        Raises:
            OperandError: if v is floating and x is not.
            ShapeError: if v does not broadcast to what was picked.

        >>> at(np.zeros(3))[[0, 2]].set([5.0, 6.0]).tolist()
        [5.0, 0.0, 6.0]
        """
        values = self._values("set", v)
        taken = np.zeros(math.prod(self._x.shape), dtype=bool)
        taken[self._picked.ravel()] = True
        if not self._is_slice:
            winners = self._last_of_each()
            values = getitem(reshape(values, -1), winners)
            spread = self._spread(values, self._picked.ravel()[winners])
        else:
            spread = put_add(values, index=self._index, shape=self._x.shape)
        # By way of `where`, what was replaced leaks no nan.
        return cast("N", where(taken.reshape(self._x.shape), spread, self._x))

    def add(self, v: Any) -> N:
        """Return x with v, which broadcasts, added to the picked elements.

        To one that is picked several times, all are added.

        Derivative: of x, the gradient; of v, the picked elements of the gradient.

        Raises:
            OperandError: if v is floating and x is not.
            ShapeError: if v does not broadcast to what was picked.

        >>> at(np.zeros(3))[[0, 0, 2]].add([5.0, 6.0, 7.0]).tolist()
        [11.0, 0.0, 7.0]
        """
        values = self._values("add", v)
        if self._is_slice:
            return self._x + put_add(values, index=self._index, shape=self._x.shape)
        return self._x + self._spread(reshape(values, -1), self._picked.ravel())

    def multiply(self, v: Any) -> N:
        """Return x with the picked elements multiplied by v, which broadcasts.

        Derivative: of x, the gradient, times v where it was picked; of v, the
        picked elements of x times those of the gradient.

        Raises:
            ArgumentError: if an element is picked several times.
            OperandError: if v is floating and x is not.
            ShapeError: if v does not broadcast to what was picked.

        >>> at(np.ones(3))[1:].multiply(5.0).tolist()
        [1.0, 5.0, 5.0]
        """
        values = self._values("multiply", v)
        if len(self._last_of_each()) < self._picked.size:
            raise ArgumentError(
                "at[...].multiply: the index picks an element several times. Multiply its factors "
                "first, and pick it once."
            )
        return self.set(getitem(reshape(self._x, -1), self._picked) * values)

    def _values(self, method: str, v: Any) -> Any:
        """Return v in the shape of what was picked and the dtype of x."""
        v = array_of(f"at[...].{method}", v)
        v_dtype, dtype = v.dtype, self._x.dtype
        if v.size and v_dtype.kind not in "iub" and not np.can_cast(v_dtype, dtype, "same_kind"):
            raise OperandError(
                f"at[...].{method}: came values of {v_dtype} for an array of {dtype}, which cannot "
                f"hold them. Cast one of them first, with astype."
            )
        try:
            np.broadcast_to(np.empty(v.shape, bool), self._picked.shape)
        except ValueError:
            raise ShapeError(
                f"at[...].{method}: values of shape {v.shape} came for picked elements of shape "
                f"{self._picked.shape}. Give one number, or a shape that broadcasts to it."
            ) from None
        v = v if v_dtype == dtype else astype(v, dtype)
        return v if v.shape == self._picked.shape else broadcast_to(v, self._picked.shape)

    def _spread(self, values: Any, numbers: Any) -> Any:
        """Return the values where their elements are, in an array of zeros."""
        shape = self._x.shape
        return reshape(put_add(values, index=numbers, shape=(math.prod(shape),)), shape)

    def _last_of_each(self) -> NDArray[Any]:
        """Return, for each picked element once, the last position that picked it."""
        numbers = self._picked.ravel()
        positions = np.arange(numbers.size)
        last = np.zeros(math.prod(self._x.shape), dtype=positions.dtype)
        np.maximum.at(last, numbers, positions)  # the order of an assignment is not guaranteed
        return positions[last[numbers] == positions]


def _numbers(shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array of the shape that has its elements counted."""
    return np.arange(math.prod(shape)).reshape(shape)


def at(x: N | ArrayLike) -> Updates[N]:
    """Return a helper that replaces some elements of x in a copy: `at(x)[index].set(v)`.

    The index is NumPy's: integers, slices, arrays of integers or a mask. Beside
    `set` there are `add` and `multiply`. x is left as it is; the result is a node
    if x or v is, with gradients for both.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> at(x)[1:].set(0.0).tolist(), at(x)[0].add(10.0).tolist()
    ([1.0, 0.0, 0.0], [11.0, 2.0, 3.0])
    """
    return Updates(x)
