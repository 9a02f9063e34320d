"""Guesses at why a gradient is wrong, from what it looks like beside the right one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def guess_cause(
    numerical: Array,
    reverse: Array,
    others: Sequence[tuple[str, Array]] = (),
    transposed: Iterable[tuple[str, Array]] = (),
    repeated: int = 1,
    sees_all: Callable[[], bool] = lambda: True,
) -> str:
    """Return a sentence on what `reverse` may have wrong.

    Args:
        numerical: the right gradient, nan where it is not known.
        reverse: the wrong one, of the same shape.
        others: the names and right gradients of the other arguments.
        transposed: the names of square arguments, and what the right gradient would
            be if each were transposed.
        repeated: how often broadcasting repeated the argument.
        sees_all: tells whether `reverse` depends on the gradient of every
            element of the result that the argument was broadcast to.

    >>> guess_cause(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    'The reverse gradient is 2 times the right one: look for a wrong factor.'
    """
    known = np.isfinite(numerical)
    if not np.isfinite(reverse[known]).all():
        return (
            "The reverse gradient is not finite where the right one is: look for 0 * inf, a "
            "division by zero, or a branch of a where that was not taken."
        )
    if not known.any():
        return "There is no numerical derivative to compare with."
    scale = np.abs(numerical[known]).max()

    def same(a: Array, b: Array) -> bool:
        known = np.isfinite(a) & np.isfinite(b)
        return bool(known.any() and np.abs(a - b)[known].max() <= 1e-5 * scale)

    guesses = (
        _of_magnitude(numerical[known], reverse[known], same, repeated),
        _of_another_argument(numerical, reverse, same, others),
        _of_place(numerical, reverse, same),
        _of_transposing(reverse, same, transposed),
        _of_broadcasting(repeated, sees_all),
        _of_difference(numerical[known], reverse[known], scale),
    )
    unknown = "The pattern is none of the common ones: check the formula of the derivative."
    return next((guess for found in guesses for guess in found), unknown)


Same = Callable[[Array, Array], bool]


def _of_magnitude(n: Array, r: Array, same: Same, repeated: int) -> Iterator[str]:
    if not r.any():
        yield (
            "No gradient arrives: look for .data, .item() or .detach() on the way, a derivative "
            "of None, or a rule that gives zero."
        )
    if same(r, -n):
        yield "The sign is wrong: the reverse gradient is -1 times the right one."
    largest = np.abs(n).argmax()
    factor = float(r[largest] / n[largest]) if n[largest] else math.nan
    if not same(r, factor * n) or (len(n) == 1 and not _telling(factor, repeated)):
        return
    if repeated > 1 and math.isclose(factor * repeated, 1, rel_tol=1e-6):
        yield (
            f"The reverse gradient is 1/{repeated} of the right one, and broadcasting repeated the "
            f"argument {repeated} times: look for a missing broadcast sum, or a mean in its place."
        )
    yield f"The reverse gradient is {factor:.6g} times the right one: look for a wrong factor."


def _telling(factor: float, repeated: int) -> bool:
    """Tell whether the factor between two single numbers is more than chance."""
    return any(math.isclose(factor * m, round(factor * m), rel_tol=1e-6) for m in (1, 2, repeated))


def _of_another_argument(
    n: Array, r: Array, same: Same, others: Sequence[tuple[str, Array]]
) -> Iterator[str]:
    for name, other in others:
        if other.shape == n.shape and same(r, other) and not same(n, other):
            yield (
                f"It is the right gradient of {name}: the derivatives, or the arguments, are "
                "swapped."
            )


def _of_place(n: Array, r: Array, same: Same) -> Iterator[str]:
    if n.ndim >= 2 and n.shape[-1] == n.shape[-2] and same(r, n.swapaxes(-1, -2)):
        yield "The reverse gradient is the transpose of the right one: look for a missing .T."
    for axis, length in enumerate(n.shape):
        for shift in (1, -1) if length > 1 else ():
            if same(r, np.roll(n, shift, axis)):
                yield (
                    f"The elements are right but stand {shift:+d} off along axis {axis}: look for "
                    "an index that is off by one."
                )
        if length > 1 and same(r, np.flip(n, axis)):
            yield f"The elements are right but in reverse order along axis {axis}."
    if n.size > 1 and same(np.sort(r, axis=None), np.sort(n, axis=None)):
        yield "The elements are right but in another order: look at axes and indices."


def _of_transposing(r: Array, same: Same, transposed: Iterable[tuple[str, Array]]) -> Iterator[str]:
    for name, other in transposed:
        if same(r, other):
            yield f"It would be right for the transpose of {name}: look for a missing .T."


def _of_broadcasting(repeated: int, sees_all: Callable[[], bool]) -> Iterator[str]:
    if repeated > 1 and not sees_all():
        yield (
            f"Broadcasting repeated the argument {repeated} times, but only the first one counts "
            "in the reverse gradient: look for a missing broadcast sum."
        )


def _of_difference(n: Array, r: Array, scale: float) -> Iterator[str]:
    difference = r - n
    off = np.abs(difference) > 1e-5 * scale
    if len(n) > 1 and off.all() and np.ptp(difference) <= 1e-5 * np.abs(difference).max():
        yield (
            f"Every element is off by the same {difference[0]:.6g}: look for a term that is "
            "missing, or one too many."
        )
    if not off.all():
        yield (
            f"{off.sum()} of {off.size} elements are wrong and the others right: look at masks, "
            "indices, borders, and whether a kink is near these elements."
        )
