"""Checks of what the strategies are called with; each names the strategy and the argument."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import numpy as np
from hypothesis import strategies as st

from micrograd.errors import ArgumentError


def refuse(strategy: str, argument: str, came: Any, expected: str) -> NoReturn:
    raise ArgumentError(f"{strategy}: expected {argument} to be {expected}, but came {came!r}.")


def is_count(number: Any, least: int = 0) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least


def check_count(strategy: str, argument: str, number: Any, least: int = 1) -> None:
    if not is_count(number, least):
        refuse(strategy, argument, number, f"an integer of {least} or more")


def checked_shape(strategy: str, shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple; a single length is one of one axis."""
    lengths = cast("tuple[Any, ...]", shape if isinstance(shape, tuple) else (shape,))
    if not all(map(is_count, lengths)):
        refuse(strategy, "shape", shape, "a length or a tuple of lengths, each 0 or more")
    return tuple(map(int, lengths))


def checked_dtype(
    strategy: str, dtype: Any, elements: st.SearchStrategy[Any] | None
) -> np.dtype[Any]:
    """Return a dtype; it may be other than floating if the elements come with it."""
    if elements is None:
        return checked_floating(strategy, dtype)
    try:
        return np.dtype(dtype)
    except TypeError:
        refuse(strategy, "dtype", dtype, "a dtype or a strategy of dtypes")


def checked_floating(strategy: str, dtype: Any) -> np.dtype[Any]:
    try:
        checked = np.dtype(dtype)
    except TypeError:
        checked = None
    if checked is None or checked.kind != "f":
        expected = "a floating dtype; for another one, give `elements`"
        refuse(strategy, "dtype", dtype, expected)
    return checked


def checked_elements(strategy: str, elements: Any) -> st.SearchStrategy[Any] | None:
    if elements is not None and not isinstance(elements, st.SearchStrategy):
        refuse(strategy, "elements", elements, "a Hypothesis strategy, as st.floats(0, 1) is")
    return cast("st.SearchStrategy[Any] | None", elements)
