"""The domains of the operations of this family: elementwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.core.op import registry
from micrograd.ops import bounds, powers, rounding, trigonometric
from micrograd.testing import Sample
from micrograd.testing.samples import Array
from tests.domains.building import (
    Draw,
    Elements,
    Entry,
    Shape,
    Singular,
    anywhere,
    binary,
    generator,
    off_zero,
    positive,
    rungs,
    shapes,
    together,
    unary,
)

inf, nan = math.inf, math.nan


def between(low: float, high: float) -> Elements:
    return lambda rng, shape: rng.uniform(low, high, shape)


def between_steps(rng: np.random.Generator, shape: Shape) -> Array:
    """Return elements far from whole numbers."""
    return rng.integers(-4, 4, shape) + rng.uniform(0.2, 0.8, shape)


def near_whole(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(-4, 5, shape) + rng.uniform(-0.3, 0.3, shape)


def halves(rng: np.random.Generator, shape: Shape) -> Array:
    """Return odd multiples of a half: dividends that no divisor below divides nearly."""
    return rng.integers(-4, 4, shape) + 0.5


def divisors(rng: np.random.Generator, shape: Shape) -> Array:
    """Return numbers near ±1 and ±2."""
    return rng.choice([-2.0, -1.0, 1.0, 2.0], shape) * rng.uniform(0.98, 1.02, shape)


def simple(module: Any, name: str, elements: Elements) -> Entry:
    """Return the entry of a function of one argument that NumPy has under the same name."""
    return unary(getattr(module, name), getattr(np, name), elements, getattr(np, name))


def pair(
    module: Any, name: str, left: Elements, right: Elements, *forms: Callable[..., Any]
) -> Entry:
    """Return the entry of a function of two arguments that NumPy has under the same name."""
    function, reference = getattr(module, name), getattr(np, name)
    return binary(function, reference, left, right, reference, *forms)


def draw_float_power(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    a, b = draw(together(2, smallest)).input_shapes
    call = draw(st.sampled_from([powers.float_power, np.float_power]))
    if draw(st.booleans()):
        return Sample(call, np.float_power, (positive(rng, a), anywhere(rng, b)))
    whole = rng.integers(-3, 4, b).astype(float)
    return Sample(call, np.float_power, (off_zero(rng, a), whole), constants=(1,))


def reference_erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def reference_sinc_slope(x: Array) -> Array:
    return (np.cos(np.pi * x) - np.sinc(x)) / x


def draw_heaviside(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    a, b = draw(together(2, smallest)).input_shapes
    call = draw(st.sampled_from([rounding.heaviside, np.heaviside]))
    x, h = off_zero(rng, a), anywhere(rng, b)
    if draw(st.booleans()):
        return Sample(call, np.heaviside, (x, h))
    return Sample(call, np.heaviside, (x * rng.integers(0, 2, a), h), constants=(0,))


def round_to_tenths(x: Any) -> Any:
    return rounding.round(x, decimals=1)


def draw_round(draw: Draw, smallest: int) -> Sample:
    x = near_whole(generator(draw), draw(shapes(smallest))) / 10
    return Sample(round_to_tenths, lambda x: np.round(x, 1), (x,), {"decimals": 1})


def draw_clip(draw: Draw, smallest: int) -> Sample:
    """Draw bounds that no element is near; now and then the lower one is above the upper one."""
    rng = generator(draw)
    a, b, c = draw(together(3, smallest)).input_shapes
    low, high = rng.integers(-6, 2, b) / 5 + 0.07, rng.integers(-2, 7, c) / 5 + 0.13
    args = (rng.integers(-9, 10, a) / 5, np.asarray(low), np.asarray(high))
    return Sample(bounds.clip, np.clip, args)


def draw_nan_to_num(draw: Draw, smallest: int) -> Sample:
    one = st.sampled_from([None, -1.0, 5.0])
    settings = {"nan": draw(st.sampled_from([0.0, 2.0])), "posinf": draw(one), "neginf": draw(one)}
    return Sample(
        lambda x: bounds.nan_to_num(x, **settings),
        lambda x: np.nan_to_num(x, **settings),
        (anywhere(generator(draw), draw(shapes(smallest))),),
        settings,
    )


def sinc_slope(x: Any) -> Any:
    return registry["sinc_slope"](x, order=1)


def inner(name: str) -> Callable[..., Any]:
    """Return an operation that only derivatives are made of."""
    return registry[name]


inside = between(-0.9, 0.9)
away = between(0.2, 3)  # from 0, near which PyTorch and the textbook lose digits


TABLE: dict[str, Entry] = {
    "positive": simple(powers, "positive", anywhere),
    "reciprocal": simple(powers, "reciprocal", off_zero),
    "square": simple(powers, "square", anywhere),
    "cbrt": simple(powers, "cbrt", off_zero),
    "expm1": simple(powers, "expm1", anywhere),
    "exp2": simple(powers, "exp2", anywhere),
    "log1p": simple(powers, "log1p", between(-0.7, 2)),
    "log2": simple(powers, "log2", positive),
    "log10": simple(powers, "log10", positive),
    "logaddexp": pair(powers, "logaddexp", anywhere, anywhere),
    "logaddexp2": pair(powers, "logaddexp2", anywhere, anywhere),
    "float_power": Entry(draw_float_power, powers.float_power),
    "erf": unary(powers.erf, reference_erf, anywhere),
    "tan": simple(trigonometric, "tan", between(-1.2, 1.2)),
    "arcsin": simple(trigonometric, "arcsin", inside),
    "arccos": simple(trigonometric, "arccos", inside),
    "arctan": simple(trigonometric, "arctan", anywhere),
    "arctan2": pair(trigonometric, "arctan2", off_zero, anywhere),
    "hypot": pair(trigonometric, "hypot", off_zero, anywhere),
    "cosine": binary(inner("cosine"), lambda a, b: a / np.hypot(a, b), off_zero, anywhere),
    "turn": binary(inner("turn"), lambda a, b: a / (a * a + b * b), off_zero, anywhere),
    "one_minus_square": unary(inner("one_minus_square"), lambda x: 1 - x * x, anywhere),
    "tanh_slope": binary(inner("tanh_slope"), lambda g, x: g / np.cosh(x) ** 2, anywhere, anywhere),
    "sinh": simple(trigonometric, "sinh", anywhere),
    "cosh": simple(trigonometric, "cosh", anywhere),
    "arcsinh": simple(trigonometric, "arcsinh", anywhere),
    "arccosh": simple(trigonometric, "arccosh", between(1.2, 3)),
    "arctanh": simple(trigonometric, "arctanh", inside),
    "sinc": unary(trigonometric.sinc, np.sinc, away),
    "sinc_slope": unary(sinc_slope, reference_sinc_slope, away),
    "deg2rad": simple(trigonometric, "deg2rad", anywhere),
    "rad2deg": simple(trigonometric, "rad2deg", anywhere),
    "sign": simple(rounding, "sign", off_zero),
    "floor": simple(rounding, "floor", between_steps),
    "ceil": simple(rounding, "ceil", between_steps),
    "trunc": simple(rounding, "trunc", between_steps),
    "rint": simple(rounding, "rint", near_whole),
    "round": Entry(draw_round, round_to_tenths),
    "heaviside": Entry(draw_heaviside, rounding.heaviside),
    "floor_divide": pair(rounding, "floor_divide", halves, divisors),
    "remainder": pair(rounding, "remainder", halves, divisors, np.mod),
    "fmod": pair(rounding, "fmod", halves, divisors),
    "fabs": simple(bounds, "fabs", off_zero),
    "copysign": pair(bounds, "copysign", off_zero, off_zero),
    "fmax": pair(bounds, "fmax", rungs(0), rungs(0.1)),
    "fmin": pair(bounds, "fmin", rungs(0), rungs(0.1)),
    "clip": Entry(draw_clip, bounds.clip),
    "nan_to_num": Entry(draw_nan_to_num, bounds.nan_to_num),
}


SINGULAR: list[Singular] = [
    Singular("mg.reciprocal(x)", {"x": 0.0}, inf, {"x": -inf}),
    Singular("mg.cbrt(x)", {"x": 0.0}, 0, {"x": inf}, "as sqrt"),
    Singular("mg.log1p(x)", {"x": -1.0}, -inf, {"x": inf}),
    Singular("mg.log2(x)", {"x": 0.0}, -inf, {"x": inf}),
    Singular("mg.log10(x)", {"x": 0.0}, -inf, {"x": inf}),
    Singular("mg.log2(x)", {"x": -1.0}, nan, {"x": -1 / math.log(2)}, "as log"),
    Singular("mg.logaddexp(a, b)", {"a": -inf, "b": 0.0}, 0, {"a": 0, "b": 1}),
    Singular(
        "mg.logaddexp(a, b)", {"a": -inf, "b": -inf}, -inf, {"a": 0.5, "b": 0.5}, "shared equally"
    ),
    Singular("mg.logaddexp(a, b)", {"a": inf, "b": inf}, inf, {"a": 0.5, "b": 0.5}),
    Singular("mg.logaddexp(a, b)", {"a": inf, "b": -inf}, inf, {"a": 1, "b": 0}),
    Singular("mg.logaddexp2(a, b)", {"a": -inf, "b": -inf}, -inf, {"a": 0.5, "b": 0.5}),
    Singular("mg.float_power(x, n)", {"x": 0.0, "n": 0.0}, 1, {"x": 0, "n": 0}, "as power"),
    Singular("mg.float_power(x, n)", {"x": 0.0, "n": -1.0}, inf, {"x": -inf, "n": -inf}),
    Singular("mg.float_power(x, n)", {"x": -2.0, "n": 0.5}, nan, {"x": nan, "n": nan}),
    Singular("mg.erf(x)", {"x": inf}, 1, {"x": 0}),
    Singular("mg.arcsin(x)", {"x": 1.0}, math.pi / 2, {"x": inf}),
    Singular("mg.arcsin(x)", {"x": -1.0}, -math.pi / 2, {"x": inf}),
    Singular("mg.arccos(x)", {"x": 1.0}, 0, {"x": -inf}),
    Singular("mg.arccos(x)", {"x": 2.0}, nan, {"x": nan}),
    Singular("mg.arctan(x)", {"x": inf}, math.pi / 2, {"x": 0}),
    Singular("mg.arctan2(a, b)", {"a": 0.0, "b": 0.0}, 0, {"a": 0, "b": 0}, "as hypot"),
    Singular("mg.arctan2(a, b)", {"a": 0.0, "b": -0.0}, math.pi, {"a": 0, "b": 0}),
    Singular("mg.arctan2(a, b)", {"a": nan, "b": 0.0}, nan, {"a": nan, "b": nan}),
    Singular("mg.arctan2(a, b)", {"a": 0.0, "b": -2.0}, math.pi, {"a": -0.5, "b": 0}, "the cut"),
    Singular("mg.hypot(a, b)", {"a": 0.0, "b": 0.0}, 0, {"a": 0, "b": 0}, "as norm"),
    Singular("mg.hypot(a, b)", {"a": 3e200, "b": 4e200}, 5e200, {"a": 0.6, "b": 0.8}),
    Singular("mg.arcsinh(x)", {"x": 1e200}, math.asinh(1e200), {"x": 1e-200}),
    Singular("mg.arccosh(x)", {"x": 1.0}, 0, {"x": inf}),
    Singular("mg.arccosh(x)", {"x": -2.0}, nan, {"x": nan}),
    Singular("mg.arctanh(x)", {"x": 1.0}, inf, {"x": inf}),
    Singular("mg.arctanh(x)", {"x": -1.0}, -inf, {"x": inf}),
    Singular("mg.sinc(x)", {"x": 0.0}, 1, {"x": 0}),
    Singular("mg.sinc(x)", {"x": 1e-9}, 1, {"x": -(math.pi**2) / 3e9}, "no digits are lost"),
    Singular("mg.sign(x)", {"x": 0.0}, 0, {"x": 0}),
    Singular("mg.sign(x)", {"x": -inf}, -1, {"x": 0}),
    Singular("mg.floor(x)", {"x": 2.0}, 2, {"x": 0}, "a step has derivative 0"),
    Singular("mg.ceil(x)", {"x": 2.0}, 2, {"x": 0}),
    Singular("mg.trunc(x)", {"x": -2.0}, -2, {"x": 0}),
    Singular("mg.rint(x)", {"x": 2.5}, 2, {"x": 0}, "to even"),
    Singular("mg.round(x, 1)", {"x": 0.25}, 0.2, {"x": 0}),
    Singular("mg.heaviside(x, h)", {"x": 0.0, "h": 0.5}, 0.5, {"x": 0, "h": 1}),
    Singular("mg.floor_divide(a, b)", {"a": 6.0, "b": 3.0}, 2, {"a": 0, "b": 0}),
    Singular("mg.floor_divide(a, b)", {"a": 1.0, "b": 0.0}, inf, {"a": 0, "b": 0}),
    Singular("mg.mod(a, b)", {"a": 6.0, "b": 3.0}, 0, {"a": 1, "b": -2}, "a jump"),
    Singular("mg.mod(a, b)", {"a": -7.0, "b": 3.0}, 2, {"a": 1, "b": 3}),
    Singular("mg.mod(a, b)", {"a": 7.0, "b": -3.0}, -2, {"a": 1, "b": 3}),
    Singular("mg.mod(a, b)", {"a": 1.0, "b": 0.0}, nan, {"a": 1, "b": -inf}),
    Singular("mg.fmod(a, b)", {"a": -7.0, "b": 3.0}, -1, {"a": 1, "b": 2}),
    Singular("mg.fmod(a, b)", {"a": 6.0, "b": 3.0}, 0, {"a": 1, "b": -2}),
    Singular("mg.fabs(x)", {"x": 0.0}, 0, {"x": 0}, "as abs"),
    Singular("mg.fabs(x)", {"x": nan}, nan, {"x": 0}),
    Singular("mg.copysign(a, b)", {"a": nan, "b": 1.0}, nan, {"a": 0, "b": 0}),
    Singular("mg.copysign(a, b)", {"a": 0.0, "b": -1.0}, 0, {"a": 0, "b": 0}, "as abs"),
    Singular("mg.copysign(a, b)", {"a": 2.0, "b": -0.0}, -2, {"a": -1, "b": 0}),
    Singular("mg.fmax(a, b)", {"a": 2.0, "b": 2.0}, 2, {"a": 0.5, "b": 0.5}, "shared equally"),
    Singular("mg.fmax(a, b)", {"a": nan, "b": 2.0}, 2, {"a": 0, "b": 1}),
    Singular("mg.fmax(a, b)", {"a": nan, "b": nan}, nan, {"a": 0, "b": 0}),
    Singular("mg.fmax(x.sqrt(), 0.5)", {"x": -1.0}, 0.5, {"x": 0}, "leaks no nan"),
    Singular("mg.fmin(a, b)", {"a": 2.0, "b": 2.0}, 2, {"a": 0.5, "b": 0.5}),
    Singular("mg.fmin(a, b)", {"a": 2.0, "b": nan}, 2, {"a": 1, "b": 0}),
    Singular("mg.clip(x, -1, 1)", {"x": 1.0}, 1, {"x": 1}, "passes at its bounds"),
    Singular("mg.clip(x, -1, 1)", {"x": -1.0}, -1, {"x": 1}),
    Singular("mg.clip(x, -1, 1)", {"x": nan}, nan, {"x": 0}, "the value tells of the nan"),
    Singular("mg.clip(x, None, 1)", {"x": inf}, 1, {"x": 0}),
    Singular(
        "mg.clip(x, low, high)",
        {"x": 2.0, "low": 2.0, "high": 2.0},
        2,
        {"x": 1, "low": 0, "high": 0},
        "x goes before its bounds",
    ),
    Singular(
        "mg.clip(x, low, high)",
        {"x": 0.0, "low": 2.0, "high": 1.0},
        1,
        {"x": 0, "low": 0, "high": 1},
        "bounds that cross",
    ),
    Singular("mg.nan_to_num(x)", {"x": nan}, 0, {"x": 0}),
    Singular("mg.nan_to_num(x, posinf=9.0)", {"x": inf}, 9, {"x": 0}),
    Singular("mg.nan_to_num(x.log() * 0)", {"x": 0.0}, 0, {"x": 0}, "leaks no nan"),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def torch_sinc_slope(x: Any) -> Any:
        return (torch.cos(torch.pi * x) - torch.sinc(x)) / x

    def torch_nan_to_num(x: Any, *, nan: Any, posinf: Any, neginf: Any) -> Any:
        return torch.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    same = [
        *("positive", "reciprocal", "square", "expm1", "exp2", "log1p", "log2", "log10"),
        *("logaddexp", "logaddexp2", "float_power", "erf", "tan", "arcsin", "arccos", "arctan"),
        *("arctan2", "hypot", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "sinc", "deg2rad"),
        *("rad2deg", "sign", "floor", "ceil", "trunc", "round", "remainder", "fmod", "copysign"),
        *("fmax", "fmin"),
    ]
    return {
        **{name: getattr(torch, name) for name in same},
        # torch.clamp fails on its way back where it has to broadcast.
        "clip": lambda *args: torch.clamp(*torch.broadcast_tensors(*args)),
        "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
        "sinc_slope": torch_sinc_slope,
        "cosine": lambda a, b: a / torch.hypot(a, b),
        "turn": lambda a, b: a / (a * a + b * b),
        "one_minus_square": lambda x: 1 - x * x,
        "tanh_slope": lambda g, x: g / torch.cosh(x) ** 2,
        "rint": torch.round,
        "fabs": torch.abs,
        "nan_to_num": torch_nan_to_num,
        "heaviside": None,
        "floor_divide": None,
    }
