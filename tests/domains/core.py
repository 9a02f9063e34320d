"""The domains of the operations of the foundation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import micrograd
from micrograd import Tensor
from micrograd.core.op import registry
from micrograd.ops.shape import sum_to
from micrograd.testing import Sample
from micrograd.testing.samples import Array
from tests.domains.building import (
    Draw,
    Entry,
    Function,
    Shape,
    Singular,
    along_axis,
    anywhere,
    binary,
    generator,
    off_zero,
    positive,
    reduction,
    rungs,
    shapes,
    together,
    unary,
)


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
    kinds: list[st.SearchStrategy[Any]] = [
        hnp.basic_indices(shape, min_dims=0, max_dims=5, allow_newaxis=True)
    ]
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
    "alias": unary(registry["alias"], lambda x: x + 0.0, anywhere),
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


INF, NAN = float("inf"), float("nan")

SINGULAR: list[Singular] = [
    Singular("mg.relu(x)", {"x": 0.0}, 0, {"x": 0}, "the book's mask is x <= 0"),
    Singular("mg.relu(x)", {"x": NAN}, NAN, {"x": 0}, "the value tells of the nan"),
    Singular("mg.absolute(x)", {"x": 0.0}, 0, {"x": 0}),
    Singular("mg.absolute(x)", {"x": NAN}, NAN, {"x": 0}),
    Singular("mg.maximum(a, b)", {"a": NAN, "b": 1.0}, NAN, {"a": 0.5, "b": 0.5}, "as a tie"),
    Singular("mg.minimum(a, b)", {"a": NAN, "b": 1.0}, NAN, {"a": 0.5, "b": 0.5}, "as a tie"),
    Singular("mg.maximum(a, b)", {"a": 2.0, "b": 2.0}, 2, {"a": 0.5, "b": 0.5}, "a tie shares"),
    Singular("mg.minimum(a, b)", {"a": 2.0, "b": 2.0}, 2, {"a": 0.5, "b": 0.5}, "a tie shares"),
    Singular("mg.max(x)", {"x": [3.0, 1.0, 3.0]}, 3, {"x": [0.5, 0, 0.5]}, "ties share"),
    Singular("mg.min(x)", {"x": [1.0, 1.0, 1.0, 1.0]}, 1, {"x": [0.25] * 4}, "ties share"),
    Singular("mg.where(x > 1, mg.log(x), x)", {"x": 0.0}, 0, {"x": 1}, "nothing leaks"),
    Singular("mg.where(x > 0, mg.sqrt(x), x)", {"x": [0.0, 4.0]}, [0, 2], {"x": [1, 0.25]}),
    Singular("x ** 0", {"x": 0.0}, 1, {"x": 0}),
    Singular("x ** 0", {"x": NAN}, 1, {"x": 0}),
    Singular("x ** n", {"x": 0.0, "n": 2.0}, 0, {"x": 0, "n": 0}),
    Singular("x ** n", {"x": 0.0, "n": -1.0}, INF, {"x": -INF, "n": -INF}, "as IEEE-754 has it"),
    Singular("x ** n", {"x": 0.0, "n": -0.3}, INF, {"x": -INF, "n": -INF}),
    Singular("x ** n", {"x": -0.0, "n": -1.0}, -INF, {"x": -INF, "n": INF}),
    Singular("x ** 0.5", {"x": 0.0}, 0, {"x": INF}),
    Singular("x ** 0.5", {"x": -2.0}, NAN, {"x": NAN}, "a negative base, a fractional exponent"),
    Singular("x ** 3", {"x": -2.0}, -8, {"x": 12}),
    Singular("1 / x", {"x": 0.0}, INF, {"x": -INF}),
    Singular("mg.log(x)", {"x": 0.0}, -INF, {"x": INF}),
    Singular("mg.sqrt(x)", {"x": 0.0}, 0, {"x": INF}),
    Singular("mg.exp(x)", {"x": 1000.0}, INF, {"x": INF}),
    Singular("mg.sigmoid(x)", {"x": -1000.0}, 0, {"x": 0}),
    Singular("mg.logsumexp(x)", {"x": [-INF, 0.0]}, 0, {"x": [0, 1]}),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a reduction of PyTorch's over NumPy's kind of axis: () is none, None is all."""

        def call(x: Any, *, axis: Any, keepdims: bool) -> Any:
            axes = tuple(range(x.ndim)) if axis is None else axis
            axes = (axes,) if isinstance(axes, int) else axes
            return function(x, axes, keepdims) if axes else x * 1  # to PyTorch, () is all

        return call

    def torch_getitem(x: Any, *, index: Any) -> Any:
        """Pick by flat positions, since PyTorch knows no negative strides."""
        flat = np.arange(math.prod(x.shape)).reshape(tuple(x.shape))[index]
        return x.reshape(-1)[torch.tensor(np.array(flat), dtype=torch.long)]

    def torch_put(x: Any, *, index: Any, shape: Any) -> Any:
        flat = torch.tensor(np.arange(math.prod(shape)).reshape(shape)[index].reshape(-1).copy())
        whole = torch.zeros(math.prod(shape), dtype=x.dtype)
        return whole.index_add(0, flat.long(), x.reshape(-1)).reshape(shape)

    def torch_cross_entropy(x: Any, targets: Any, *, kind: str) -> Any:
        classes = x.shape[-1]
        t = targets.reshape(-1) if kind == "labels" else targets.reshape(-1, classes)
        return torch.nn.functional.cross_entropy(x.reshape(-1, classes), t)

    def torch_cross_entropy_slope(x: Any, targets: Any, *, kind: str) -> Any:
        classes = x.shape[-1]
        t = torch.nn.functional.one_hot(targets, classes) if kind == "labels" else targets
        return (torch.softmax(x, -1) * t.sum(-1, keepdim=True) - t) / (x.numel() // classes)

    def torch_sum_to(x: Any, *, shape: Any) -> Any:
        return x.sum_to_size(shape) if shape else x.sum()

    def torch_astype(x: Any, *, dtype: Any) -> Any:
        return x.to(getattr(torch, np.dtype(dtype).name))

    return {
        "add": torch.add,
        "subtract": torch.subtract,
        "multiply": torch.multiply,
        "divide": torch.divide,
        "power": torch.pow,
        "maximum": torch.maximum,
        "minimum": torch.minimum,
        "alias": lambda x: x,
        "negative": torch.negative,
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "sin": torch.sin,
        "cos": torch.cos,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "relu": torch.relu,
        "absolute": torch.absolute,
        "where": lambda c, a, b: torch.where(c.bool(), a, b),
        "sum": reduced(torch.sum),
        "mean": reduced(torch.mean),
        "max": reduced(torch.amax),
        "min": reduced(torch.amin),
        "logsumexp": reduced(torch.logsumexp),
        "softmax": lambda x, *, axis: torch.softmax(x, axis),
        "log_softmax": lambda x, *, axis: torch.log_softmax(x, axis),
        "softmax_cross_entropy": torch_cross_entropy,
        "softmax_cross_entropy_slope": torch_cross_entropy_slope,
        "matmul": torch.matmul,
        "getitem": torch_getitem,
        "put_add": torch_put,
        "reshape": lambda x, *, shape: x.reshape(shape),
        "transpose": lambda x, *, axes: x.permute(axes),
        "broadcast_to": lambda x, *, shape: x.broadcast_to(shape),
        "sum_to": torch_sum_to,
        "astype": torch_astype,
        "concatenate": lambda *xs, axis: torch.cat(xs, axis),
        "stack": lambda *xs, axis: torch.stack(xs, axis),
    }
