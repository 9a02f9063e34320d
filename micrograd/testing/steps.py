"""The kinds of step that a random program is made of: one row each.

A row is the text of the step with places for its operands, and what has to
hold for a derivative to be checked there. A new operation is a new row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrograd.testing.operands import (
    Operand,
    a_matrix,
    a_matrix_or_more,
    a_vector_or_more,
    anywhere,
    apart,
    below_three,
    decided,
    differing_axes,
    divisible,
    equal,
    joinable,
    multipliable,
    off_zero,
    positive,
    raisable,
    together,
    well_off_zero,
    without_ties,
)
from micrograd.testing.shapes import Shape, axes_for

Texts = st.SearchStrategy[str]


# Settings, as the text that follows or replaces the operands


def no_settings(*shapes: Shape) -> Texts:
    del shapes
    return st.just("")


def reduced_axes(shape: Shape) -> Texts:
    axes = axes_for(shape).map(lambda axis: "" if axis is None else f", axis={axis}")
    return st.tuples(axes, st.sampled_from(["", ", keepdims=True"])).map("".join)


def one_axis(shape: Shape) -> Texts:
    return st.integers(-len(shape), len(shape) - 1).map(lambda axis: f", axis={axis}")


def joining_axis(a: Shape, b: Shape) -> Texts:
    differing = differing_axes(a, b)
    return st.just(f", axis={differing[0]}") if differing else one_axis(a)


def new_axis(a: Shape, b: Shape) -> Texts:
    del b
    return one_axis((*a, 1))


def other_shapes(shape: Shape) -> Texts:
    size = math.prod(shape)
    found = [(size,), (-1, 1), shape[::-1], (1, *shape), (*shape, 1)]
    return st.sampled_from(list(map(str, dict.fromkeys(found))))


def wider_shapes(shape: Shape) -> Texts:
    stretched = tuple(3 if n == 1 else n for n in shape)
    return st.sampled_from([str((2, *shape)), str(stretched), str((2, *stretched))])


def orders(shape: Shape) -> Texts:
    order = st.permutations(range(len(shape))).map(lambda order: f", {tuple(order)}")
    return st.just("") | order


def two_axes(shape: Shape) -> Texts:
    axis = st.integers(-len(shape), len(shape) - 1)
    return st.tuples(axis, axis).map(lambda pair: f"{pair[0]}, {pair[1]}")


def simple_indices(shape: Shape) -> Texts:
    parts = [st.sampled_from(list(_index_parts(length))) for length in shape]
    return st.tuples(*parts).map(", ".join) | parts[-1].map(lambda part: f"..., {part}")


def _index_parts(length: int) -> Iterator[str]:
    yield from (":", "::-1", "0", "-1", ":, None")
    yield from ("[0, 0]", f"[{length - 1}, 0]")  # lists of one length go together
    if length > 1:
        yield from ("1:", ":-1", "::2", str([True] + [False] * (length - 1)))


def masks(*shapes: Shape) -> Texts:
    whole = np.broadcast_shapes(*shapes)
    mask = st.sampled_from([whole, whole[-1:]]).flatmap(lambda shape: hnp.arrays(bool, shape))
    return mask.map(lambda mask: array_text(mask) if mask.ndim else str(mask.item()))


def one_of(*texts: str) -> Callable[[Shape], Texts]:
    return lambda shape: st.sampled_from(texts)


def array_text(array: Any) -> str:
    """Return an array as the text of a call that makes it."""
    return f"np.array({np.asarray(array).tolist()})"


# Shapes that the last operand may have if it is a constant


def no_constant(shape: Shape) -> list[Shape]:
    del shape
    return []


def broadcasting(shape: Shape) -> list[Shape]:
    return [(), *([shape, shape[-1:]] if shape else [])]


def matrices(shape: Shape) -> list[Shape]:
    return [shape[-1:], (*shape[-1:], 2), (2, *shape[-2:-1])]


def same_shape(shape: Shape) -> list[Shape]:
    return [shape] if shape else []


@dataclass(frozen=True)
class Row:
    """One kind of step.

    Attributes:
        template: the text, with {0}, {1}, ... for operands and {settings}.
        smooth: whether derivatives of any order exist at the operands, and are
            of a moderate size.
        kink: whether the operands are away from kinks; singular programs ask
            not.
        fits: whether the shapes of the operands go together.
        settings: of the operands' shapes, a strategy for the text of the settings.
        constants: of the first operand's shape, those of a constant in the last
            place.
        numbers: whether it takes Values as well.
    """

    template: str
    smooth: Callable[..., bool] = anywhere
    kink: Callable[..., bool] = anywhere
    fits: Callable[..., bool] = together
    settings: Callable[..., Texts] = no_settings
    constants: Callable[[Shape], Sequence[Shape]] = no_constant
    numbers: bool = False

    @cached_property
    def arity(self) -> int:
        """The number of operands."""
        fields = {field for _, field, _, _ in Formatter().parse(self.template)}
        return len(fields - {None, "settings"})

    def allows(self, operands: Sequence[Operand], singular: bool) -> bool:
        """Tell whether the step can be taken at these operands, all of them or the first few."""
        return (
            self.fits(*[x.shape for x in operands])
            and self.smooth(*operands)
            and (singular or self.kink(*operands))
        )

    def text(self, operands: Sequence[Operand], settings: str) -> str:
        """Return the text of the step."""
        return self.template.format(*[x.text for x in operands], settings=settings)


def elementwise(template: str, **fields: Any) -> Row:
    """Return the row of an operation that takes numbers, too, and constants if it takes two."""
    constants = broadcasting if "{1}" in template else no_constant
    return Row(template, constants=constants, numbers=True, **fields)


def reduction(name: str, **fields: Any) -> Row:
    return Row(f"mg.{name}({{0}}{{settings}})", settings=reduced_axes, **fields)


def along_axis(name: str) -> Row:
    return Row(f"mg.{name}({{0}}{{settings}})", fits=a_vector_or_more, settings=one_axis)


# The simplest come first: examples shrink to them.
ROWS: dict[str, Row] = {
    "negative": elementwise("-{0}"),
    "add": elementwise("{0} + {1}"),
    "subtract": elementwise("{0} - {1}"),
    "multiply": elementwise("{0} * {1}"),
    "divide": elementwise("{0} / {1}", smooth=divisible),
    "square or cube": elementwise("{0} ** {settings}", settings=one_of("2", "3")),
    "inverse power": elementwise(
        "{0} ** {settings}", smooth=well_off_zero, settings=one_of("-1", "-2")
    ),
    "power": elementwise("{0} ** {1}", smooth=raisable),
    "exp": elementwise("mg.exp({0})", smooth=below_three),
    "log": elementwise("mg.log({0})", smooth=positive),
    "sqrt": elementwise("mg.sqrt({0})", smooth=positive),
    "sin": elementwise("mg.sin({0})"),
    "cos": elementwise("mg.cos({0})"),
    "tanh": elementwise("mg.tanh({0})"),
    "sigmoid": elementwise("mg.sigmoid({0})"),
    "relu": elementwise("mg.relu({0})", kink=off_zero),
    "absolute": elementwise("mg.absolute({0})", kink=off_zero),
    "maximum": elementwise("mg.maximum({0}, {1})", kink=apart),
    "minimum": elementwise("mg.minimum({0}, {1})", kink=apart),
    "where": Row(
        "mg.where({0} > 0, {1}, {2})",
        smooth=decided,
        constants=broadcasting,
        numbers=True,
    ),
    "where of a mask": Row(
        "mg.where({settings}, {0}, {1})", settings=masks, constants=broadcasting
    ),
    "sum": reduction("sum"),
    "mean": reduction("mean"),
    "max": reduction("max", kink=without_ties),
    "min": reduction("min", kink=without_ties),
    "logsumexp": reduction("logsumexp"),
    "softmax": along_axis("softmax"),
    "log_softmax": along_axis("log_softmax"),
    "matmul": Row("{0} @ {1}", fits=multipliable, constants=matrices),
    # What is computed of plain arrays without axes may be a number, which has no index.
    "getitem": Row("{0}[{settings}]", fits=a_vector_or_more, settings=simple_indices),
    "T": Row("{0}.T", fits=a_matrix),
    "transpose": Row("mg.transpose({0}{settings})", fits=a_matrix_or_more, settings=orders),
    "swapaxes": Row("mg.swapaxes({0}, {settings})", fits=a_matrix_or_more, settings=two_axes),
    "reshape": Row("mg.reshape({0}, {settings})", settings=other_shapes),
    "broadcast_to": Row("mg.broadcast_to({0}, {settings})", settings=wider_shapes),
    "concatenate": Row(
        "mg.concatenate([{0}, {1}]{settings})",
        fits=joinable,
        settings=joining_axis,
        constants=same_shape,
    ),
    "stack": Row(
        "mg.stack([{0}, {1}]{settings})",
        fits=equal,
        settings=new_axis,
        constants=same_shape,
    ),
}
"""Every kind of step by its name."""
