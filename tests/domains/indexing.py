"""The domains of the operations that order elements, or keep a triangle of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.ops import diagonals, picking
from micrograd.testing import Sample
from tests.domains.building import (
    Draw,
    Entry,
    Function,
    Singular,
    anywhere,
    generator,
    rungs,
    shapes,
)


def draw_sort(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest, dims=1))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    return Sample(
        lambda x: picking.sort(x, axis=axis),
        lambda x: np.sort(x, axis=axis),
        (rungs(0)(generator(draw), shape),),
        {"axis": axis},
    )


def triangle(function: Function, reference: Function) -> Entry:
    def draw(draw: Draw, smallest: int) -> Sample:
        shape, k = draw(shapes(smallest, dims=1)), draw(st.integers(-3, 3))
        x = anywhere(generator(draw), shape)
        return Sample(lambda x: function(x, k=k), lambda x: reference(x, k=k), (x,), {"k": k})

    return Entry(draw)


TABLE: dict[str, Entry] = {
    "sort": Entry(draw_sort),
    "tril": triangle(diagonals.tril, np.tril),
    "triu": triangle(diagonals.triu, np.triu),
}

SINGULAR: list[Singular] = [
    Singular(
        "mg.sort(x) * [1.0, 10.0, 100.0]",
        {"x": [2.0, 1.0, 1.0]},
        [1.0, 10.0, 200.0],
        {"x": [100.0, 1.0, 10.0]},
        "equal elements keep their order, and each has its own gradient",
    ),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def torch_sort(x: Any, *, axis: Any) -> Any:
        x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
        return torch.sort(x, dim=axis, stable=True).values

    def rows_of(x: Any) -> Any:
        """Return the matrix that a vector stands for."""
        return x.expand(x.shape[0], x.shape[0]) if x.ndim == 1 else x

    return {
        "sort": torch_sort,
        "tril": lambda x, *, k: torch.tril(rows_of(x), k),
        "triu": lambda x, *, k: torch.triu(rows_of(x), k),
    }
