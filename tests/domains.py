"""The domain of every built-in operation: how it is called, with what, and what it equals.

One entry per name in the registry. An entry draws samples: shapes and settings
are Hypothesis's, so that they shrink; elements come from a seeded generator, in
the range where the operation is smooth.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import micrograd
from micrograd import Tensor
from micrograd.op import registry
from micrograd.ops.shape import sum_to
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


def draw_power(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    a, b = draw(together(2, smallest)).input_shapes
    call = draw(st.sampled_from([micrograd.power, operator.pow, np.power]))
    if draw(st.booleans()):
        return Sample(call, np.power, (positive(rng, a), anywhere(rng, b)))
    whole = rng.integers(-3, 4, b).astype(float)
    return Sample(call, np.power, (off_zero(rng, a), whole), constants=(1,))


def draw_where(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    c, a, b = draw(together(3, smallest)).input_shapes
    condition = rng.random(c) < 0.5
    if draw(st.booleans()):
        condition = condition.astype(draw(st.sampled_from(["int64", "float64"]))) * 2
    args = (np.asarray(condition), anywhere(rng, a), anywhere(rng, b))
    return Sample(micrograd.where, np.where, args, constants=(0,))


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


def numpy_softmax(x: Array, axis: int) -> Array:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def cross_entropy(function: Function, reference: Function) -> Entry:
    """Return the entry of a function of logits and labels; the reference takes one-hot rows."""

    def draw(draw: Draw, smallest: int) -> Sample:
        del smallest  # no loss is defined for no samples
        rng = generator(draw)
        shape = draw(shapes(1, dims=1))
        classes = shape[-1]
        logits, kind = anywhere(rng, shape), draw(st.sampled_from(["labels", "one-hot", "soft"]))
        labels = np.asarray(rng.integers(0, classes, shape[:-1]))
        targets = labels if kind == "labels" else np.eye(classes)[labels]
        if kind == "soft":
            targets = rng.uniform(0.1, 1, shape)  # not normalized: the formula holds all the same

        def by_rows(x: Array, t: Array) -> Any:
            return reference(x, np.eye(classes, dtype=x.dtype)[t] if t.dtype.kind == "i" else t)

        constants = (1,) if kind == "labels" else ()
        return Sample(function, by_rows, (logits, targets), {"kind": kind}, constants)

    return Entry(draw)


def numpy_cross_entropy(x: Array, t: Array) -> Any:
    rows = x.dtype.type(x.size // x.shape[-1])
    return -(t * np.log(numpy_softmax(x, -1))).sum() / rows


def numpy_cross_entropy_slope(x: Array, t: Array) -> Any:
    rows = x.dtype.type(x.size // x.shape[-1])
    return (numpy_softmax(x, -1) * t.sum(axis=-1, keepdims=True) - t) / rows


def draw_matmul(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    m, n, p = draw(st.tuples(*[st.sampled_from(range(smallest, 4))] * 3))
    left, right = draw(together(2, smallest, most=2)).input_shapes
    a = draw(st.sampled_from([(n,), (m, n), (*left, m, n)]))
    b = draw(st.sampled_from([(n,), (n, p), (*right, n, p)]))
    call = draw(st.sampled_from([micrograd.matmul, operator.matmul, np.matmul]))
    return Sample(call, np.matmul, (anywhere(rng, a), anywhere(rng, b)))


def indices(shape: Shape) -> st.SearchStrategy[Any]:
    """Draw slices of any stride, None, ..., integers, arrays with repeats, masks, and mixtures."""
    kinds = [hnp.basic_indices(shape, min_dims=0, max_dims=5, allow_newaxis=True)]
    if shape and 0 not in shape:
        array = hnp.array_shapes(max_dims=2, max_side=3)
        kinds.append(hnp.integer_array_indices(shape, result_shape=array))
        kinds.append(st.lists(st.integers(-shape[0], shape[0] - 1), min_size=1, max_size=4))
        one = hnp.array_shapes(min_dims=1, max_dims=1, max_side=3)
        kinds.append(
            st.tuples(*[st.slices(n) for n in shape[:-1]], picks(shape[-1], one)).map(tuple)
        )
        kinds.append(st.tuples(st.just(Ellipsis), picks(shape[-1], one), st.none()))
    if shape:
        kinds.append(hnp.arrays(bool, shape))
        kinds.append(hnp.arrays(bool, shape[:1]))
    return st.one_of(kinds)


def picks(length: int, shape: st.SearchStrategy[Shape]) -> st.SearchStrategy[Array]:
    return hnp.arrays(np.int64, shape, elements=st.integers(-length, length - 1))


def draw_getitem(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    index = draw(indices(shape))
    asked = index
    if isinstance(index, np.ndarray) and draw(st.booleans()):
        asked = Tensor(index)

    def call(x: Any) -> Any:
        return micrograd.getitem(x, asked)

    def by_operator(x: Any) -> Any:
        return x[index]

    x = anywhere(generator(draw), shape)
    form = draw(st.sampled_from([call, by_operator]))
    return Sample(form, lambda x: x[index], (x,), {"index": index})


def draw_put(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    index = draw(indices(shape))
    index = np.array(index) if isinstance(index, list) else index

    def reference(x: Array) -> Array:
        whole = np.zeros(shape, x.dtype)
        np.add.at(whole, index, x)
        return whole

    x = anywhere(generator(draw), np.zeros(shape)[index].shape)
    settings = {"index": index, "shape": shape}
    return Sample(lambda x: registry["put_add"](x, **settings), reference, (x,), settings)


def draw_reshape(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    size = math.prod(shape)
    targets: list[Any] = [(size,), size, shape[::-1], (1, *shape), [*shape, 1]]
    if size:
        targets += [-1, (-1, 1), (*shape[:1], -1)]
    target = draw(st.sampled_from(targets))

    def call(x: Any) -> Any:
        return micrograd.reshape(x, target)

    def by_method(x: Any) -> Any:
        return x.reshape(target)

    x = anywhere(generator(draw), shape)
    form = draw(st.sampled_from([call, by_method]))
    return Sample(form, lambda x: np.reshape(x, target), (x,), {"shape": target})


def draw_transpose(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    ndim = len(shape)
    x = anywhere(generator(draw), shape)
    order = list(draw(st.permutations(range(ndim))))
    signed = tuple(draw(st.sampled_from([axis, axis - ndim])) for axis in order)
    kind = draw(st.sampled_from(["reversed", ".T", "axes", "swapaxes"] if ndim else ["axes", ".T"]))
    if kind == "swapaxes":
        i, j = (draw(st.integers(-ndim, ndim - 1)) for _ in range(2))
        order = list(range(ndim))
        order[i], order[j] = order[j], order[i]
        return Sample(
            lambda x: micrograd.swapaxes(x, i, j),
            lambda x: np.swapaxes(x, i, j),
            (x,),
            {"axes": order},
        )
    axes = signed if kind == "axes" else None

    def call(x: Any) -> Any:
        return x.T if kind == ".T" else micrograd.transpose(x, axes)

    settings = {"axes": [*range(ndim)][::-1] if axes is None else order}
    return Sample(call, lambda x: np.transpose(x, axes), (x,), settings)


def draw_broadcast_to(draw: Draw, smallest: int) -> Sample:
    drawn = draw(together(2, smallest))
    x, shape = anywhere(generator(draw), drawn.input_shapes[0]), drawn.result_shape
    asked = shape[0] if len(shape) == 1 and draw(st.booleans()) else shape
    return Sample(
        lambda x: micrograd.broadcast_to(x, asked),
        lambda x: np.broadcast_to(x, shape),
        (x,),
        {"shape": shape},
    )


def draw_sum_to(draw: Draw, smallest: int) -> Sample:
    drawn = draw(together(2, smallest))
    shape = drawn.input_shapes[0]

    def reference(x: Array) -> Any:
        while x.ndim > len(shape):
            x = np.asarray(x.sum(axis=0))
        for axis, length in enumerate(shape):
            x = x.sum(axis=axis, keepdims=True) if length == 1 else x
        return x

    x = anywhere(generator(draw), drawn.result_shape)
    return Sample(lambda x: sum_to(x, shape), reference, (x,), {"shape": shape})


def draw_astype(draw: Draw, smallest: int) -> Sample:
    x = np.round(anywhere(generator(draw), draw(shapes(smallest))) * 8) / 8
    dtype = draw(st.sampled_from(["float32", "float64", np.float32]))
    # Eighths and a step of a half are exact in every one of these dtypes.
    return Sample(
        lambda x: micrograd.astype(x, dtype),
        lambda x: x.astype(dtype),
        (x,),
        {"dtype": dtype},
        step=0.5,
    )


def joining(function: Function, reference: Function, new_axis: bool) -> Entry:
    def draw(draw: Draw, smallest: int) -> Sample:
        rng, shape = generator(draw), draw(shapes(smallest, dims=0 if new_axis else 1))
        ndim = len(shape) + new_axis
        axis = draw(st.integers(-ndim, ndim - 1))
        lengths = draw(st.lists(st.integers(smallest, 3), min_size=1, max_size=4))
        parts = [list(shape) for _ in lengths]
        if not new_axis:
            for part, length in zip(parts, lengths, strict=True):
                part[axis] = length
        return Sample(
            lambda *arrays: function(list(arrays), axis=axis),
            lambda *arrays: reference(arrays, axis=axis),
            tuple(anywhere(rng, tuple(part)) for part in parts),
            {"axis": axis},
        )

    return Entry(draw)


TABLE: dict[str, Entry] = {
    "add": binary(micrograd.add, np.add, anywhere, anywhere, operator.add, np.add),
    "subtract": binary(
        micrograd.subtract, np.subtract, anywhere, anywhere, operator.sub, np.subtract
    ),
    "multiply": binary(
        micrograd.multiply, np.multiply, anywhere, anywhere, operator.mul, np.multiply
    ),
    "divide": binary(
        micrograd.divide, np.divide, anywhere, off_zero, operator.truediv, np.true_divide
    ),
    "power": Entry(draw_power, micrograd.power),
    "maximum": binary(micrograd.maximum, np.maximum, rungs(0), rungs(0.1), np.maximum),
    "minimum": binary(micrograd.minimum, np.minimum, rungs(0), rungs(0.1), np.minimum),
    "negative": unary(micrograd.negative, np.negative, anywhere, operator.neg, np.negative),
    "exp": unary(micrograd.exp, np.exp, anywhere, np.exp),
    "log": unary(micrograd.log, np.log, positive, np.log),
    "sqrt": unary(micrograd.sqrt, np.sqrt, positive, np.sqrt),
    "sin": unary(micrograd.sin, np.sin, anywhere, np.sin),
    "cos": unary(micrograd.cos, np.cos, anywhere, np.cos),
    "tanh": unary(micrograd.tanh, np.tanh, anywhere, np.tanh),
    "sigmoid": unary(micrograd.sigmoid, lambda x: 1 / (1 + np.exp(-x)), anywhere),
    "relu": unary(micrograd.relu, lambda x: x * (x > 0), off_zero),
    "absolute": unary(micrograd.absolute, np.abs, off_zero, abs, np.abs),
    "where": Entry(draw_where, micrograd.where),
    "sum": reduction(micrograd.sum, np.sum, anywhere, "sum", empty=True),
    "mean": reduction(micrograd.mean, np.mean, anywhere, "mean"),
    "max": reduction(micrograd.max, np.max, rungs(0), "max"),
    "min": reduction(micrograd.min, np.min, rungs(0), "min"),
    "logsumexp": reduction(
        micrograd.logsumexp, lambda x, **settings: np.log(np.sum(np.exp(x), **settings)), anywhere
    ),
    "softmax": along_axis(micrograd.softmax, numpy_softmax),
    "log_softmax": along_axis(
        micrograd.log_softmax, lambda x, axis: np.log(numpy_softmax(x, axis))
    ),
    "softmax_cross_entropy": cross_entropy(micrograd.softmax_cross_entropy, numpy_cross_entropy),
    "softmax_cross_entropy_slope": cross_entropy(
        lambda x, t: registry["softmax_cross_entropy_slope"](x, t), numpy_cross_entropy_slope
    ),
    "matmul": Entry(draw_matmul),
    "getitem": Entry(draw_getitem),
    "put_add": Entry(draw_put),
    "reshape": Entry(draw_reshape),
    "transpose": Entry(draw_transpose),
    "broadcast_to": Entry(draw_broadcast_to),
    "sum_to": Entry(draw_sum_to),
    "astype": Entry(draw_astype),
    "concatenate": joining(micrograd.concatenate, np.concatenate, new_axis=False),
    "stack": joining(micrograd.stack, np.stack, new_axis=True),
}


@cache
def calls_of(name: str, smallest: int, examples: int) -> list[tuple[Sample, int]]:
    """Return calls of an operation as Hypothesis draws them, each with a seed for the law."""
    drawn: list[tuple[Sample, int]] = []

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(TABLE[name].samples(smallest), st.integers(0, 2**16))
    def draw(sample: Sample, seed: int) -> None:
        drawn.append((sample, seed))

    draw()
    return drawn
