"""The domains of the operations of this family: activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.ops import activations
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
    generator,
    off_zero,
    shapes,
    unary,
)


def with_settings(
    function: Function, reference: Function, elements: Elements, **settings: Any
) -> Entry:
    """Return the entry of an elementwise function with settings that are not the defaults."""
    chosen = partial(function, **settings)

    def draw(draw: Draw, smallest: int) -> Sample:
        x = elements(generator(draw), draw(shapes(smallest)))
        call = draw(st.sampled_from([chosen, lambda x: function(x, *settings.values())]))
        return Sample(call, reference, (x,), settings)

    return Entry(draw, chosen)


def off_the_bounds(rng: np.random.Generator, shape: Shape) -> Array:
    """Return elements left of -0.5, between it and 1.25, and right of that, with some room."""
    centers, radii = np.array([-1.5, 0.375, 2.0]), np.array([0.75, 0.75, 0.5])
    which = rng.integers(0, 3, shape)
    return centers[which] + radii[which] * rng.uniform(-1, 1, shape)


def numpy_normal_cdf(x: Array) -> Array:
    y = np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2, otypes=[float])(x)
    return np.asarray(y, x.dtype)


TABLE: dict[str, Entry] = {
    "leaky_relu": with_settings(
        activations.leaky_relu,
        lambda x: x * (x > 0) + x * (x < 0) * x.dtype.type(0.3),
        off_zero,
        negative_slope=0.3,
    ),
    "elu": with_settings(
        activations.elu,
        lambda x: np.maximum(x, 0) + x.dtype.type(1.7) * (np.exp(np.minimum(x, 0)) - 1),
        off_zero,
        alpha=1.7,
    ),
    "normal_cdf": unary(activations.normal_cdf, numpy_normal_cdf, anywhere),
    "softplus": with_settings(
        activations.softplus,
        lambda x: np.log(1 + np.exp(x * x.dtype.type(1.5))) / x.dtype.type(1.5),
        anywhere,
        beta=1.5,
    ),
    "softsign": unary(activations.softsign, lambda x: x / (1 + np.abs(x)), off_zero),
    "log_sigmoid": unary(activations.log_sigmoid, lambda x: np.log(1 / (1 + np.exp(-x))), anywhere),
}

SINGULAR: list[Singular] = [
    Singular("mg.leaky_relu(x)", {"x": 0.0}, 0.0, {"x": 0.01}, "the slope below 0"),
    Singular("mg.leaky_relu(x)", {"x": math.nan}, math.nan, {"x": 0.01}, "not above 0"),
    Singular("mg.elu(x, alpha=2)", {"x": 0.0}, 0.0, {"x": 2.0}, "the slope below 0"),
    Singular("mg.elu(x)", {"x": math.inf}, math.inf, {"x": 1.0}),
    Singular("mg.elu(x)", {"x": -math.inf}, -1.0, {"x": 0.0}),
    Singular("mg.elu(x)", {"x": math.nan}, math.nan, {"x": math.nan}),
    Singular("mg.hard_tanh(x)", {"x": 1.0}, 1.0, {"x": 1.0}, "passes the gradient at a bound"),
    Singular("mg.hard_tanh(x)", {"x": -1.0}, -1.0, {"x": 1.0}, "passes the gradient at a bound"),
    Singular("mg.hard_tanh(x)", {"x": math.nan}, math.nan, {"x": 0.0}, "as clip"),
    Singular("mg.softsign(x)", {"x": 0.0}, 0.0, {"x": 1.0}),
    Singular("mg.softplus(x)", {"x": 1000.0}, 1000.0, {"x": 1.0}, "no overflow"),
    Singular("mg.softplus(x)", {"x": -1000.0}, 0.0, {"x": 0.0}),
    Singular("mg.log_sigmoid(x)", {"x": -1000.0}, -1000.0, {"x": 1.0}, "no log(0)"),
    Singular("mg.log_sigmoid(x)", {"x": 1000.0}, 0.0, {"x": 0.0}),
    Singular("mg.gelu(x)", {"x": -1000.0}, 0.0, {"x": 0.0}),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""
    return {
        "leaky_relu": torch.nn.functional.leaky_relu,
        "elu": torch.nn.functional.elu,
        "normal_cdf": torch.special.ndtr,
        "softplus": torch.nn.functional.softplus,
        "softsign": torch.nn.functional.softsign,
        "log_sigmoid": torch.nn.functional.logsigmoid,
    }
