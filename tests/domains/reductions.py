"""The domains of the operations of this family: reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.ops import norms, scans, statistics
from micrograd.testing import Sample
from micrograd.testing.samples import Array
from tests.domains.building import (
    Draw,
    Elements,
    Entry,
    Function,
    Shape,
    Singular,
    anywhere,
    axes_of,
    generator,
    off_zero,
    reduction,
    rungs,
    shapes,
)


def with_zeros(rng: np.random.Generator, shape: Shape) -> Array:
    """Return elements of which about a quarter are zero."""
    return off_zero(rng, shape) / 1.5 * (rng.random(shape) < 0.75)


def reduced_axes(shape: Shape, axis: Any) -> set[int]:
    every = range(len(shape))
    axes = every if axis is None else [axis] if isinstance(axis, int) else axis
    return {i % len(shape) for i in axes}


def spread(function: Function, reference: Function, least: int) -> Entry:
    """Return the entry of a function with `ddof`, of `least` or more elements each."""

    def draw(draw: Draw, smallest: int) -> Sample:
        shape = draw(shapes(smallest, dims=1))
        axis = draw(axes_of(len(shape)).filter(lambda axis: axis != ()))
        reduced = reduced_axes(shape, axis)
        shape = tuple(max(n, least) if i in reduced else n for i, n in enumerate(shape))
        settings = {"axis": axis, "ddof": draw(st.sampled_from([0, 1, 0.5][: least + 1]))}
        settings["keepdims"] = draw(st.booleans())
        return Sample(
            lambda x: function(x, **settings),
            lambda x: reference(x, **settings),
            (rungs(0.05)(generator(draw), shape),),
            settings,
        )

    return Entry(draw)


def numpy_median(x: Array, axis: Any, keepdims: bool) -> Any:
    """Return the median; of arrays without elements, along several axes, NumPy's fails."""
    return (np.median if x.size else np.sum)(x, axis=axis, keepdims=keepdims)


def draw_norm(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    axis, keepdims = draw(axes_of(len(shape))), draw(st.booleans())
    reduced = reduced_axes(shape, axis)
    shape = tuple(n or 1 if i in reduced else n for i, n in enumerate(shape))
    order = draw(st.sampled_from([2.0, 3.0, 1.5, 0.5, 4.0]))

    def not_all_zero(rng: np.random.Generator, shape: Shape) -> Array:
        x = with_zeros(rng, shape)
        return np.where(np.any(x != 0, axis=axis, keepdims=True), x, 1.0)

    # smooth where single elements are zero, but not all of them
    elements: Elements = not_all_zero if order in (2, 4) else off_zero
    settings = {"axis": axis, "keepdims": keepdims}

    def reference(x: Array) -> Any:
        return np.sum(np.abs(x) ** x.dtype.type(order), **settings) ** x.dtype.type(1 / order)

    def call(x: Any) -> Any:
        return norms._norm(x, order=order, **settings)

    x = elements(generator(draw), shape)
    return Sample(call, reference, (x,), {"order": order, **settings})


def scanning(function: Function, reference: Function, elements: Elements) -> Entry:
    """Return the entry of a function along one axis, or along all elements in a row."""

    def draw(draw: Draw, smallest: int) -> Sample:
        shape = draw(shapes(smallest))
        ndim = len(shape)
        axis = draw(st.integers(-ndim, ndim - 1) | st.none()) if ndim else None
        return Sample(
            lambda x: function(x, axis=axis),
            lambda x: reference(x, axis=axis),
            (elements(generator(draw), shape),),
            {"axis": axis},
        )

    return Entry(draw)


def numpy_scan(b: Array, a: Array, axis: int) -> Array:
    """Return the recurrence, written out as a sum of products."""
    b, a = np.moveaxis(b, axis, 0), np.moveaxis(a, axis, 0)
    rows = [
        sum((b[j] * np.prod(a[j + 1 : k + 1], axis=0) for j in range(k + 1)), b[0] * 0)
        for k in range(len(b))
    ]
    return np.moveaxis(np.reshape(rows, b.shape).astype(b.dtype), 0, axis)


def draw_scan(draw: Draw, smallest: int) -> Sample:
    rng, shape = generator(draw), draw(shapes(smallest, dims=1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return Sample(
        lambda b, a: scans.linear_scan(b, a, axis=axis),
        lambda b, a: numpy_scan(b, a, axis),
        (anywhere(rng, shape), with_zeros(rng, shape)),
        {"axis": axis},
    )


TABLE: dict[str, Entry] = {
    "prod": reduction(statistics.prod, np.prod, with_zeros, empty=True),
    "var": spread(statistics.var, np.var, least=2),
    "std": spread(statistics.std, np.std, least=2),
    "median": reduction(statistics.median, numpy_median, rungs(0)),
    "norm": Entry(draw_norm),
    "cumsum": scanning(scans.cumsum, np.cumsum, anywhere),
    "cumprod": scanning(scans.cumprod, np.cumprod, with_zeros),
    "linear_scan": Entry(draw_scan),
}

SINGULAR: list[Singular] = [
    Singular("mg.prod(x)", {"x": [0.0, 2.0, 3.0]}, 0.0, {"x": [6.0, 0.0, 0.0]}, "exact"),
    Singular("mg.prod(x)", {"x": [0.0, 0.0, 3.0]}, 0.0, {"x": [0.0, 0.0, 0.0]}, "exact"),
    Singular(
        "mg.cumprod(x)", {"x": [2.0, 0.0, 3.0]}, [2.0, 0.0, 0.0], {"x": [1.0, 8.0, 0.0]}, "exact"
    ),
    Singular("mg.std(x)", {"x": [2.0, 2.0]}, 0.0, {"x": [0.0, 0.0]}, "equal numbers"),
    Singular("mg.var(x)", {"x": [2.0, 2.0]}, 0.0, {"x": [0.0, 0.0]}),
    Singular(
        "mg.median(x)", {"x": [1.0, 2.0, 2.0]}, 2.0, {"x": [0.0, 1.0, 0.0]}, "as sorting has it"
    ),
    Singular("mg.median(x)", {"x": [5.0, 5.0]}, 5.0, {"x": [0.5, 0.5]}),
    Singular("mg.linalg.norm(x)", {"x": [0.0, 0.0]}, 0.0, {"x": [0.0, 0.0]}, "0 at 0"),
    Singular("mg.linalg.norm(x, 3)", {"x": [0.0, 0.0]}, 0.0, {"x": [0.0, 0.0]}, "0 at 0"),
    Singular("mg.linalg.norm(x, 1)", {"x": [0.0, -2.0]}, 2.0, {"x": [0.0, -1.0]}, "0 where x is 0"),
    Singular(
        "mg.linalg.norm(x, float('inf'))",
        {"x": [2.0, -2.0]},
        2.0,
        {"x": [0.5, -0.5]},
        "a tie shares",
    ),
    Singular("mg.ptp(x)", {"x": [2.0, 2.0]}, 0.0, {"x": [0.0, 0.0]}, "a tie shares"),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def dims(x: Any, axis: Any) -> tuple[int, ...]:
        return tuple(sorted(reduced_axes(tuple(x.shape), axis)))

    def prod(x: Any, *, axis: Any, keepdims: bool) -> Any:
        for dim in reversed(dims(x, axis)):
            x = x.prod(dim, keepdim=keepdims)
        return x * 1

    def median(x: Any, *, axis: Any, keepdims: bool) -> Any:
        if not dims(x, axis):
            return x * 1
        rows = torch.movedim(x, dims(x, axis), tuple(range(-len(dims(x, axis)), 0)))
        y = rows.flatten(-len(dims(x, axis))).quantile(0.5, dim=-1)
        kept = [1 if i in dims(x, axis) else n for i, n in enumerate(x.shape)]
        return y.reshape(kept) if keepdims else y

    def spread(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, *, axis: Any, ddof: float, keepdims: bool) -> Any:
            return function(x, dims(x, axis), correction=ddof, keepdim=keepdims)

        return call

    def norm(x: Any, *, order: float, axis: Any, keepdims: bool) -> Any:
        if not dims(x, axis):
            return x.abs()
        return torch.linalg.vector_norm(x, order, dims(x, axis), keepdims)

    def scan(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, *, axis: int | None) -> Any:
            return function(x.reshape(-1), 0) if axis is None else function(x, axis)

        return call

    return {
        "prod": prod,
        "var": spread(torch.var),
        "std": spread(torch.std),
        "median": median,
        "norm": norm,
        "cumsum": scan(torch.cumsum),
        "cumprod": scan(torch.cumprod),
        "linear_scan": None,
    }
