"""Operations that pick elements by an index, and the one that puts them back."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import OperandError
from micrograd.ops.axes import as_array, refuse_mask, zeros
from micrograd.ops.kinds import N
from micrograd.ops.ranges import wide
from micrograd.ops.reach import MOVED

__all__ = ["getitem"]


def _forward_put(x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    if _is_basic(index):
        whole = zeros(shape, x.dtype, x)
        whole[index] = x
        return whole
    # An element that was picked twice gets both. NumPy adds one by one: many would lose digits.
    many = x.size > _MANY * math.prod(shape)
    whole = zeros(shape, np.result_type(x.dtype, float) if many else wide(x).dtype, x)
    np.add.at(whole, index, x)
    return whole.astype(x.dtype, copy=False)


_MANY = 128  # times that elements were picked on average


_getitem = define_op(
    "getitem",
    lambda x, *, index: x[index],
    lambda g, y, x, *, index: put_add(g, index=index, shape=x.shape),
    symbol="[ ]",
    arrays_only=True,
    reach=MOVED,
)

put_add = define_op(
    "put_add",
    _forward_put,
    lambda g, y, x, *, index, shape: g[index],
    symbol="put",
    arrays_only=True,
    reach=MOVED,
)


def getitem(x: N | ArrayLike, index: Any) -> N:
    """Return x[index], with NumPy's basic, integer-array and boolean indexing.

    Derivative: the gradient, put back at the index in an array of zeros; an
    element that was picked several times gets the sum.

    >>> getitem(np.array([1.0, 2.0, 3.0]), [0, 0, 2]).tolist()
    [1.0, 1.0, 3.0]
    """
    parts = tuple(_plain_index(part) for part in _parts(index))
    return _getitem(x, index=parts if isinstance(index, tuple) else parts[0])


def _parts(index: Any) -> tuple[Any, ...]:
    return cast("tuple[Any, ...]", index) if isinstance(index, tuple) else (index,)


def _is_basic(index: Any) -> bool:
    return all(
        [
            part is None
            or part is Ellipsis
            or (isinstance(part, (int, np.integer, slice)) and not isinstance(part, bool))
            for part in _parts(index)
        ]
    )


def _plain_index(index: Any) -> Any:
    """Return an index of the graph's own, which no later write can change."""
    if isinstance(index, Node):
        if index.requires_grad:
            raise OperandError(
                "getitem: an index has no gradient, but came a node that requires one. "
                "Use its .detach()."
            )
        return index._data
    if index.__class__ is int or index.__class__ is slice:
        return index
    if index.__class__ is list and not index:
        return np.array([], dtype=np.intp)  # NumPy would make floats of it
    refuse_mask("getitem", index)
    if index.__class__ is list:
        return as_array(index)
    return np.array(index) if index.__class__ is np.ndarray else index
