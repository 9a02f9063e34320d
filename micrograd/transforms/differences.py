"""Differences: derivatives that know nothing of the graph, with what can be said of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from micrograd.core.node import Node
from micrograd.errors import GradientError, OperandError, ShapeError

Array = NDArray[Any]
Function = Callable[..., Any]
Indices = Iterable[tuple[int, ...]] | None
Method = Literal["central", "richardson", "complex"]
METHODS = ("central", "richardson", "complex")

_BOOK_STEP = 1e-4
_COMPLEX_STEP = 1e-20
_SMALLEST = float(np.finfo(float).tiny)  # below it, numbers lose digits


def central(f: Function, x: Array, step: float | None, indices: Indices = None) -> Array:
    """Return (f(x + h) - f(x - h)) / 2h for each element of `x`."""
    h = step or (_BOOK_STEP if x.dtype == np.float64 else float(np.finfo(x.dtype).eps) ** (1 / 3))
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape) if indices is None else indices:
        moved = Displaced(f, x, index)
        above, up = moved(h)
        below, down = moved(-h)
        gradient[index] = (above - below) / (up - down)
    return gradient


def complex_step(f: Function, x: Array, step: float | None, indices: Indices = None) -> Array:
    """Return imag f(x + ih) / h for each element of `x`."""
    h = step or _COMPLEX_STEP
    z = x.astype(np.result_type(x.dtype, np.complex64))
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape) if indices is None else indices:
        z[index] = complex(x[index], h)
        result = np.asarray(f(z))
        if result.dtype.kind != "c":
            raise GradientError(
                "numerical_gradient: f lost the imaginary part, so it is not analytic (abs, or a "
                'conversion to float, does that). Use method="richardson".'
            )
        gradient[index] = as_number(result).imag / h
        z[index] = x[index]
    return gradient


def is_floating(x: Any) -> TypeGuard[Array]:
    """Tell whether `x` is an array of floats."""
    return isinstance(x, np.ndarray) and cast("Array", x).dtype.kind == "f"


def shared(arrays: Mapping[str, Array]) -> tuple[str, str] | None:
    """Return the names of two arrays that have an element in the same memory; twice one's own.

    >>> x = np.zeros(3)
    >>> shared({"even": x[::2], "odd": x[1::2]}), shared({"x": x, "end": x[2:]})
    (None, ('x', 'end'))
    """
    names = list(arrays)
    starts = np.concatenate([_addresses(array) for array in arrays.values()])
    owners = np.repeat(np.arange(len(names)), [array.size for array in arrays.values()])
    widths = np.array([array.itemsize for array in arrays.values()])
    order = np.argsort(starts, kind="stable")
    starts, owners = starts[order], owners[order]
    meeting: list[int] = np.flatnonzero(starts[1:] < (starts + widths[owners])[:-1]).tolist()
    if not meeting:
        return None
    first, second = sorted((int(owners[meeting[0]]), int(owners[meeting[0] + 1])))
    return names[first], names[second]


def _addresses(array: Array) -> Array:
    """Return where in memory each element begins."""
    start: int = array.__array_interface__["data"][0]
    offsets: Array = np.zeros(array.shape, np.int64)
    for axis, index in enumerate(np.indices(array.shape, sparse=True)):
        offsets = offsets + index * array.strides[axis]
    return start + offsets.reshape(-1)


def as_number(result: Any) -> Any:
    """Return the one number that a function gave, be it in an array or a node."""
    data: Any = result._data if isinstance(result, Node) else result
    array: Array = np.asarray(data)
    if array.dtype.kind not in "fciub":
        raise OperandError(
            f"numerical_gradient: f has to give a number, but gave a {type(result).__name__}."
        )
    if array.size != 1:
        raise ShapeError(
            f"numerical_gradient: f has to give one number, but gave shape {array.shape}. "
            "Sum it up, or use gradcheck, which takes functions with any result."
        )
    return array.item()


class Displaced:
    """f with one element of x moved, in place and only while f is called."""

    def __init__(self, f: Function, x: Array, index: tuple[int, ...]) -> None:
        self.f, self.x, self.index = f, x, index
        self.start = x[index]

    def __call__(self, step: float) -> tuple[float, float]:
        """Return the result, and the step as the dtype of x can hold it."""
        try:
            self.x[self.index] = self.start + self.x.dtype.type(step)
            width = float(self.x[self.index]) - float(self.start)
            return as_number(self.f(self.x)), width
        finally:
            self.x[self.index] = self.start


@dataclass(frozen=True)
class Estimate:
    """Numerical derivatives with what is known about them, each an array in the shape of x.

    Attributes:
        value: the derivative; at a kink the mean of the two sides, nan if there is none.
        error: how far the value may be off.
        rounding: the part of the error that rounding makes, which no step can avoid.
        left: the derivative from below.
        right: the derivative from above.
        smooth: False where the two sides differ, or where there is no derivative.
    """

    value: Array
    error: Array
    rounding: Array
    left: Array
    right: Array
    smooth: Array


FIELDS = ("value", "error", "rounding", "left", "right", "smooth")
Sides = tuple[float, float, float, float, float, bool]


def differentiate(
    f: Function,
    x: Array,
    step: float | None = None,
    *,
    indices: Indices = None,
    noise: float = 0.0,
) -> Estimate:
    """Return the derivatives of `f` by the elements of `x`, with errors and kinks.

    Args:
        f: a function of `x` that gives one number.
        x: a floating array, which is changed in place and restored.
        step: the first step; one that suits the dtype when left out.
        indices: the elements to differentiate by; all when left out.
        noise: how far rounding puts a result of f off, if that is more than the
            last digit of the result.

    >>> estimate = differentiate(lambda x: np.abs(x).sum(), np.array([-2.0, 0.0]))
    >>> estimate.smooth, estimate.left.round(6), estimate.right.round(6)
    (array([ True, False]), array([-1., -1.]), array([-1.,  1.]))
    """
    arrays = {name: np.full(x.shape, np.nan) for name in FIELDS[:-1]}
    smooth = np.zeros(x.shape, dtype=bool)
    with np.errstate(all="ignore"):  # a step may leave the domain of f, which is an answer too
        centre = as_number(f(x))
        for index in np.ndindex(x.shape) if indices is None else indices:
            sides = _settle(Displaced(f, x, index), centre, step, noise)
            for name, number in zip(FIELDS, sides, strict=True):
                (smooth if name == "smooth" else arrays[name])[index] = number
    return Estimate(**arrays, smooth=smooth)


def estimate(
    f: Function, x: Array, method: Method, step: float | None, indices: Indices, noise: float
) -> Estimate:
    """Return the derivatives of `f` by one of the methods; see `differentiate`.

    "central" keeps the kinks and widens the error to its own; "complex" sees no
    kinks and is exact but for rounding.
    """
    if method == "complex":
        exact = complex_step(f, x, step, indices)
        rounding = np.full(x.shape, 8 * noise + _SMALLEST / (step or _COMPLEX_STEP))
        return Estimate(exact, rounding, rounding, exact, exact, np.ones(x.shape, dtype=bool))
    best = differentiate(f, x, step, indices=indices, noise=noise)
    if method == "richardson":
        return best
    value = np.where(best.smooth, central(f, x, step, indices), best.value)
    return replace(best, value=value, error=best.error + np.abs(value - best.value))


_NOWHERE: Sides = (float("nan"), float("inf"), 0.0, float("nan"), float("nan"), False)
_LEVELS = 5


def _settle(f: Displaced, centre: float, step: float | None, noise: float) -> Sides:
    """Return the best of what smaller and smaller steps give, stopping at the first good one.

    Wider ones are tried where that is not enough.
    """
    eps = float(np.finfo(f.x.dtype).eps)
    h = step or eps**0.2 * max(1.0, abs(float(f.start)))
    best, last = _NOWHERE, _NOWHERE
    for level in range(_LEVELS):
        sides = _differences(f, centre, h / 10**level, noise, eps)
        value, error, smooth = sides[0], sides[1], sides[-1]
        if not np.isfinite(error):
            continue
        last = sides
        if smooth and error >= best[1]:
            break  # rounding grows from here on
        if smooth:
            best = sides
            if error <= 1e-4 * abs(value) or value == 0:
                return best
    if best[1] > 1e-4 * abs(best[0]) > 0:  # rounding hides a small derivative from small steps
        wider = (_differences(f, centre, h * factor, noise, eps) for factor in (10, 100))
        best = min([best, *(sides for sides in wider if sides[-1])], key=lambda sides: sides[1])
    return best if np.isfinite(best[1]) else last


def _differences(f: Displaced, centre: float, h: float, noise: float, eps: float) -> Sides:
    """Return value, error, rounding, left, right and smooth for the steps h, h / 2 and h / 4."""
    (above, up), (below, down) = f(h), f(-h)
    (near_above, near_up), (near_below, near_down) = f(h / 2), f(-h / 2)
    if 0 in (near_up, near_down):
        return _NOWHERE
    coarse = (above - below) / (up - down)
    fine = (near_above - near_below) / (near_up - near_down)
    value = fine + (fine - coarse) / 3
    left, right = (near_below - centre) / near_down, (near_above - centre) / near_up
    # Of a smooth function the difference of the two sides halves with the step,
    # so that this vanishes; at a kink it is the jump of the derivative.
    jump = 2 * (right - left) - ((above - centre) / up - (below - centre) / down)
    rounding = 4 * max(eps * max(abs(above), abs(below), abs(centre)), noise, _SMALLEST) / h
    smooth = abs(jump) <= 8 * rounding + 1e-4 * max(abs(left), abs(right))
    if not smooth:
        value = (left + right) / 2
        return value, abs(right - left) / 2, rounding, left, right, False
    error = abs(value - fine)
    if error <= rounding + 1e-5 * abs(value):
        error *= 3  # twice as far off is the value where the second derivative jumps
    else:  # few functions need the third step
        (above, up), (below, down) = f(h / 4), f(-h / 4)
        finest = (above - below) / ((up - down) or math.nan)
        better = finest + (finest - fine) / 3
        # Each halving of the step quarters what a smooth function still lacks. Where the second
        # derivative jumps, it halves it: then the differences to come have that ratio, too.
        ratio = abs(finest - fine) / (abs(fine - coarse) or math.nan)
        if ratio < 0.35:
            value, error = better + (better - value) / 15, abs(better - value) / 15
        else:
            to_come = abs(finest - fine) * ratio / (1 - ratio) if ratio < 1 else math.inf
            value, error = better, abs(better - finest) + to_come
        error += 3 * rounding
    return value, error + rounding, rounding, left, right, True
