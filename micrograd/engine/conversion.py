"""What comes from outside as an array: of real numbers, with nothing lost on the way."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import Node
from micrograd.errors import GradientError, MicrogradError, OperandError, ShapeError
from micrograd.ops.axes import refuse_mask, shown

KINDS = "fiub"
"""The dtypes of real numbers: float, int, unsigned, bool."""


def as_array(data: Any, what: str, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return real numbers as an array, or raise an error that says what came."""
    if _is_value(data):
        raise OperandError(
            f"{what}: a Value cannot meet a Tensor or an array in one operation. Use its .data for "
            "a constant, or Tensors throughout."
        )
    if data.__class__ is not np.ndarray:
        if isinstance(data, Symbolic):
            symbol = data.as_array()
            return symbol if dtype is None else symbol.astype(dtype, copy=False)
        _refuse_other_arrays(data, what)
    elif dtype is None and data.dtype.kind in KINDS:
        return cast("NDArray[Any]", data)
    try:
        array = np.asarray(data)
        wanted = array.dtype if dtype is None else np.dtype(dtype)
    except MicrogradError as error:
        if _is_symbolic(data):
            return as_array(np.stack([as_array(item, what) for item in data]), what, dtype)
        raise OperandError(
            f"{what}: came a list with nodes in it, whose graph would be lost. Make one Tensor of "
            "several with Tensor([a, b]) or micrograd.stack([a, b]); Values stay in a list, and "
            "are computed with one by one."
        ) from error
    except RuntimeError as error:
        raise GradientError(
            f"{what}: {shown(data)} does not become a plain array, as that of another library "
            f"which would lose its own gradient. Compute it here from the start, or detach it "
            f"there first. It says: {error!s:.200}"
        ) from error
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"{what}: cannot make an array of what came. NumPy says: {error}"
        ) from error
    if array.dtype.kind not in KINDS or wanted.kind not in KINDS:
        came = wanted if array.dtype.kind in KINDS else array.dtype
        raise OperandError(
            f"{what}: expected real numbers, but came {shown(data)} of dtype {came}. Convert "
            "the data to floats or integers first."
        )
    return array if dtype is None else array.astype(wanted, copy=False)


def _is_symbolic(data: Any) -> bool:
    """Tell whether nested lists hold symbols, and no nodes."""
    if isinstance(data, (list, tuple)):
        items = cast("list[Any]", data)
        return any(map(_is_symbolic, items)) and not any(isinstance(item, Node) for item in items)
    return isinstance(data, Symbolic)


def _refuse_other_arrays(data: Any, what: str) -> None:
    """Refuse arrays that mean something else than their elements, which would be lost."""
    if isinstance(data, np.matrix):
        raise OperandError(
            f"{what}: came an np.matrix, whose products are those of matrices. Give np.asarray of "
            "it, and use @ for products of matrices."
        )
    refuse_mask(what, data)


def as_kept(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array in the dtype of a Tensor; integers and booleans may not change by it."""
    with np.errstate(invalid="ignore"):
        cast = array.astype(dtype, copy=False)
    if dtype.kind != "f" and not np.array_equal(cast, array):
        raise OperandError(
            f"Tensor.data: came {array.dtype} numbers that {dtype} cannot hold, and would be cut "
            "down. Round them yourself, or make a Tensor of another dtype."
        )
    return cast


def _is_value(data: Any) -> bool:
    return isinstance(data, Node) and data._is_number
