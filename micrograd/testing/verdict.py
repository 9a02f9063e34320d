"""The judgement of a gradient beside its numerical estimate, element by element."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from micrograd.errors import ArgumentError
from micrograd.testing.report import Discrepancy
from micrograd.transforms.differences import METHODS, Array, Estimate, Method

Kinks = Literal["report", "skip", "strict"]
KINKS = ("report", "skip", "strict")

# A gradient that is off by a thousandth has to fail, so no tolerance may come near that.
WIDEST = 5e-4
# Where terms cancel, rounding leaves this much of them in a gradient that vanishes; a gradient
# that is everywhere smaller than the second counts as zero.
_ROUNDING = 1.5e-14
_VANISHING = 1e-8


@dataclass(frozen=True)
class Options:
    """The options of `gradcheck`, checked."""

    order: int
    rtol: float
    atol: float | None
    method: Method
    kinks: Kinks
    elements: int | None
    step: float | None

    def __post_init__(self) -> None:
        for wrong, message in (
            (not self.order >= 1, f"the order has to be 1 or more, but came {self.order!r}."),
            (
                not 0 <= self.rtol <= WIDEST,
                f"rtol has to be from 0 to {WIDEST:g}, since a wider one would pass a gradient "
                f"that is off by a thousandth, but came {self.rtol!r}.",
            ),
            (
                self.atol is not None and not self.atol >= 0,
                f"atol has to be 0 or more, but came {self.atol!r}.",
            ),
            (
                self.method not in METHODS,
                f"the method {self.method!r} is unknown. Use one of {METHODS}.",
            ),
            (
                self.method == "complex" and self.order > 1,
                "the complex step needs plain numbers, which a gradient's gradient has not. Use "
                'order=1, or method="richardson".',
            ),
            (
                self.kinks not in KINKS,
                f"kinks={self.kinks!r} is unknown. Use one of {KINKS}.",
            ),
            (
                self.elements is not None and not self.elements >= 1,
                f"elements has to be 1 or more, or None for all, but came {self.elements!r}.",
            ),
            (
                self.step is not None and not 0 < self.step < math.inf,
                f"the step has to be positive, but came {self.step!r}.",
            ),
        ):
            if wrong:
                raise ArgumentError(f"gradcheck: {message}")


@dataclass(frozen=True)
class Verdict:
    """Which elements were checked, and what was found; arrays in the shape of the argument."""

    checked: Array
    wrong: Array
    kink: Array
    uncertain: Array
    tolerance: Array

    def worst(self, estimate: Estimate, reverse: Array, unit: float) -> Discrepancy | None:
        """Return the element that counts most, in multiples of a unit.

        Wrong counts more than uncertain, and that more than at a kink.
        """
        groups = (self.wrong & ~self.kink, self.wrong, self.uncertain, self.kink, self.checked)
        group = next((group for group in groups if group.any()), None)
        if group is None:
            return None
        with np.errstate(all="ignore"):
            off = np.abs(reverse - estimate.value) / self.tolerance
        off = np.where(np.isnan(off), np.where(self.wrong, math.inf, 0), off)
        flat = int(np.where(group, off, -1).argmax())
        index = tuple(int(k) for k in np.unravel_index(flat, group.shape))
        numerical, found = float(estimate.value[index] / unit), float(reverse[index] / unit)
        error, tolerance = (
            float(array[index] / abs(unit)) for array in (estimate.error, self.tolerance)
        )
        return Discrepancy(index, numerical, found, error, tolerance)


def judge(
    estimate: Estimate,
    reverse: Array,
    indices: Iterable[tuple[int, ...]],
    options: Options,
    scale: float,
    nan_result: bool,
) -> Verdict:
    """Return what is right and wrong with `reverse`.

    Args:
        estimate: the numerical derivatives.
        reverse: the gradient by reverse mode, in the same shape.
        indices: the elements to judge.
        options: those of the check.
        scale: how large the results are, and those of lower orders.
        nan_result: whether the function itself is nan here, so that nan is right.
    """
    checked = np.zeros(reverse.shape, dtype=bool)
    for index in indices:
        checked[index] = True
    kink = checked & ~estimate.smooth
    if options.kinks == "skip":
        checked, kink = checked & ~kink, kink & False
    smooth = checked & ~kink
    known = np.abs([estimate.value[smooth], np.nan_to_num(reverse[smooth])])
    level = float(known.max(initial=0))
    with np.errstate(invalid="ignore"):
        atol = 1e-9 * level if options.atol is None else options.atol
        tolerance = (
            atol + options.rtol * np.abs(estimate.value) + estimate.error + _ROUNDING * scale
        )
        close = np.abs(reverse - estimate.value) <= tolerance
        low, high = (
            np.minimum(estimate.left, estimate.right),
            np.maximum(estimate.left, estimate.right),
        )
        slack = 1e-3 * np.maximum(np.abs(low), np.abs(high)) + estimate.rounding
        outside = (reverse < low - slack) | (reverse > high + slack)
    outside |= np.isnan(reverse) & (not nan_result)
    wrong = (smooth & ~close) | (kink & outside)
    coarse = (tolerance > WIDEST * level) & (level > np.maximum(estimate.error, _VANISHING * scale))
    return Verdict(checked, wrong, kink, smooth & ~wrong & coarse, tolerance)
