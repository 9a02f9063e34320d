"""The domains of the operations that put elements elsewhere, or repeat them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.ops import arranging, repeating
from micrograd.testing import Sample
from tests.domains.building import (
    Draw,
    Entry,
    Function,
    Singular,
    anywhere,
    axes_of,
    generator,
    shapes,
)


def sample_of(draw: Draw, shape: Any, function: Function, reference: Function, **s: Any) -> Sample:
    """Return a sample of a function of one array and settings that NumPy has too."""
    x = anywhere(generator(draw), shape)
    return Sample(lambda x: function(x, **s), lambda x: reference(x, **s), (x,), s)


def draw_flip(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    return sample_of(draw, shape, arranging.flip, np.flip, axis=draw(axes_of(len(shape))))


def draw_roll(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    ndim = len(shape)
    axis: Any = None
    if ndim:
        one = st.integers(-ndim, ndim - 1)
        axis = draw(st.none() | one | st.lists(one, min_size=1, max_size=3).map(tuple))
    shift: Any = st.integers(-4, 4)
    if isinstance(axis, tuple):
        shift = shift | st.tuples(*[shift] * len(axis))
    return sample_of(draw, shape, arranging.roll, np.roll, shift=draw(shift), axis=axis)


def draw_repeat(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    ndim = len(shape)
    axis = draw(st.none() | st.integers(-ndim, ndim - 1)) if ndim else None
    length = int(np.prod(shape)) if axis is None else shape[axis]
    several = st.lists(st.integers(0, 3), min_size=length, max_size=length)
    repeats: Any = draw(st.integers(smallest, 3) | several)
    if smallest and np.sum(repeats) == 0:
        repeats = 2
    return sample_of(draw, shape, repeating.repeat, np.repeat, repeats=repeats, axis=axis)


def draw_tile(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    one = st.integers(smallest, 3)
    reps: Any = draw(one | st.lists(one, max_size=len(shape) + 1).map(tuple))
    return sample_of(draw, shape, repeating.tile, np.tile, reps=reps)


def draw_pad(draw: Draw, smallest: int) -> Sample:
    shape = draw(shapes(smallest))
    one = st.integers(0, 2)
    pair = st.tuples(one, one)
    kinds = one | st.tuples(*[pair] * len(shape)) if shape else one
    width: Any = draw(kinds | pair)
    if 0 not in shape and draw(st.booleans()):
        mode = draw(st.sampled_from(["edge", "reflect", "symmetric", "wrap"]))
        return sample_of(draw, shape, repeating.pad, np.pad, pad_width=width, mode=mode)
    value: Any = draw(st.sampled_from([0, 1.5, (1.5, -2)]))
    return sample_of(draw, shape, repeating.pad, np.pad, pad_width=width, constant_values=value)


TABLE: dict[str, Entry] = {
    "flip": Entry(draw_flip),
    "roll": Entry(draw_roll),
    "repeat": Entry(draw_repeat),
    "tile": Entry(draw_tile),
    "pad": Entry(draw_pad),
}

SINGULAR: list[Singular] = []


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def torch_flip(x: Any, *, axis: Any) -> Any:
        axes = range(x.ndim) if axis is None else axis
        return torch.flip(x, (axes,) if isinstance(axes, int) else tuple(axes))

    def torch_roll(x: Any, *, shift: Any, axis: Any) -> Any:
        for s, k in np.broadcast(shift, axis):
            x = torch.roll(x, int(s), k) if x.ndim else x
        return x

    def torch_repeat(x: Any, *, repeats: Any, axis: Any) -> Any:
        counts = torch.tensor(repeats, dtype=torch.long)
        return torch.repeat_interleave(x, counts, axis)

    def torch_tile(x: Any, *, reps: Any) -> Any:
        return torch.tile(x, (reps,) if isinstance(reps, int) else reps)

    def torch_pad(x: Any, *, pad_width: Any, mode: str = "", constant_values: Any = 0) -> Any:
        """Pad a side at a time, since PyTorch knows one constant only, and copies the last axes."""
        before_first = [0] * (2 * x.ndim)
        widths = np.broadcast_to(np.array(pad_width), (x.ndim, 2)) if x.ndim else []
        if mode:
            for axis, width in enumerate(widths):
                kind: Any = mode
                source = torch.tensor(np.pad(np.arange(x.shape[axis]), width, kind))
                x = torch.index_select(x, axis, source)
            return x
        for axis in range(x.ndim):
            for side in (0, 1):
                one = before_first.copy()
                one[2 * (x.ndim - 1 - axis) + side] = int(widths[axis][side])
                x = torch.nn.functional.pad(x, one, value=np.broadcast_to(constant_values, 2)[side])
        return x

    return {
        "flip": torch_flip,
        "roll": torch_roll,
        "repeat": torch_repeat,
        "tile": torch_tile,
        "pad": torch_pad,
    }
