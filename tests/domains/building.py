"""What the domains of operations are built from: elements, shapes and families of calls."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrograd.testing import Sample
from micrograd.testing.samples import Array

Shape = tuple[int, ...]
Function = Callable[..., Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Elements = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Entry:
    """What the laws need to know of one operation."""

    draw: Callable[[Draw, int], Sample]
    function: Function | None = None  # the public function, where it takes numbers and Values

    def samples(self, smallest: int = 1) -> st.SearchStrategy[Sample]:
        """Return the samples whose axes have at least `smallest` elements, 0 or 1."""
        return st.composite(lambda draw: self.draw(draw, smallest))()


# Elements


def anywhere(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(-2, 2, shape)


def positive(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.5, 3, shape)


def off_zero(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.choice([-1.0, 1.0], shape) * positive(rng, shape)


def rungs(offset: float) -> Elements:
    """Return elements a fifth apart; those of another offset fall between them."""

    def separated(rng: np.random.Generator, shape: Shape) -> Array:
        size = math.prod(shape)
        return (rng.permutation(size).reshape(shape) - size // 2) / 5 + offset

    return separated


def generator(draw: Draw) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


# Shapes and settings


def shapes(smallest: int, dims: int = 0, most: int = 3) -> st.SearchStrategy[Shape]:
    """Draw a shape, every second time one that tells the order of axes and elements."""
    telling = [s for s in TELLING if dims <= len(s) <= most]
    any_shape = hnp.array_shapes(min_dims=dims, max_dims=most, min_side=smallest, max_side=3)
    return any_shape | st.sampled_from(telling)


TELLING = ((), (3,), (2, 2), (2, 3), (3, 3), (2, 3, 3), (3, 2, 2), (2, 2, 3))


@st.composite
def together(draw: Draw, number: int, smallest: int, most: int = 3) -> hnp.BroadcastableShapes:
    """Draw shapes that broadcast to one, which every second of them has."""
    whole = draw(shapes(smallest, most=most))
    parts = [
        part
        for first in range(len(whole) + 1)
        for part in itertools.product(*[sorted({1, n}) for n in whole[first:]])
    ]
    one = st.sampled_from(parts) | st.just(whole)
    inputs = tuple(draw(one) for _ in range(number))
    return hnp.BroadcastableShapes(inputs, np.broadcast_shapes(*inputs))


def axes_of(ndim: int) -> st.SearchStrategy[Any]:
    """Draw None, an axis or a tuple of axes, counted from either end."""
    if ndim == 0:
        return st.sampled_from([None, ()])
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, max_size=ndim, unique_by=lambda axis: axis % ndim).map(tuple)
    return st.none() | one | several


# Families


def unary(function: Function, reference: Function, elements: Elements, *forms: Function) -> Entry:
    def draw(draw: Draw, smallest: int) -> Sample:
        x = elements(generator(draw), draw(shapes(smallest)))
        return Sample(draw(st.sampled_from([function, *forms])), reference, (x,))

    return Entry(draw, function)


def binary(
    function: Function, reference: Function, left: Elements, right: Elements, *forms: Function
) -> Entry:
    def draw(draw: Draw, smallest: int) -> Sample:
        rng = generator(draw)
        a, b = draw(together(2, smallest)).input_shapes
        call = draw(st.sampled_from([function, *forms]))
        return Sample(call, reference, (left(rng, a), right(rng, b)))

    return Entry(draw, function)


def reduction(
    function: Function,
    reference: Function,
    elements: Elements,
    method: str = "",
    empty: bool = False,
) -> Entry:
    """Return the entry of a reduction; `empty` if it has a result for no elements."""

    def draw(draw: Draw, smallest: int) -> Sample:
        shape = draw(shapes(smallest))
        axis, keepdims = draw(axes_of(len(shape))), draw(st.booleans())
        if not empty:
            every = range(len(shape))
            axes = every if axis is None else [axis] if isinstance(axis, int) else axis
            reduced = {i % len(shape) for i in axes}
            shape = tuple(n or 1 if i in reduced else n for i, n in enumerate(shape))
        settings = {"axis": axis, "keepdims": keepdims}

        def call(x: Any) -> Any:
            return function(x, **settings)

        def by_method(x: Any) -> Any:
            return getattr(x, method)(**settings)

        return Sample(
            draw(st.sampled_from([call, by_method])) if method else call,
            lambda x: reference(x, **settings),
            (elements(generator(draw), shape),),
            settings,
        )

    return Entry(draw)


def along_axis(function: Function, reference: Function) -> Entry:
    """Return the entry of a function that keeps the shape and works along one axis."""

    def draw(draw: Draw, smallest: int) -> Sample:
        shape = draw(shapes(smallest, dims=1))
        axis = draw(st.integers(-len(shape), len(shape) - 1))
        shape = tuple(n or 1 if i == axis % len(shape) else n for i, n in enumerate(shape))
        return Sample(
            lambda x: function(x, axis=axis),
            lambda x: reference(x, axis),
            (anywhere(generator(draw), shape),),
            {"axis": axis},
        )

    return Entry(draw)


@dataclass(frozen=True)
class Singular:
    """What an operation gives at a singular point, for the documentation and its test.

    `expression` is Python over `mg` and the names in `at`; the gradient is that of
    the sum of the expression. Numbers stand for Values and 0-d Tensors, lists for Tensors.
    """

    expression: str
    at: dict[str, Any]
    value: Any
    gradient: dict[str, Any]
    note: str = ""
