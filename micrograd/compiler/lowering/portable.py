"""Functions of this library as text, for modules that need only NumPy."""

from __future__ import annotations

import base64
import math
import textwrap
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from micrograd.compiler.recording.programs import is_a
from micrograd.core.op import Op
from micrograd.errors import CompileError
from micrograd.ops.rows import BY_ELEMENT

Function = Callable[..., Any]
WIDTH = 96
MANY = 64
"""From how many elements on an array is written packed."""
_MODULES = ("base64", "zlib", "np", "math", "operator", "functools")


def number(x: Any) -> Any:
    """Return a number as eager calls have it: an integer past 2**53 is a float."""
    if x.__class__ is float:
        return x
    if x.__class__ is complex:
        return math.nan
    if is_integer(x) and abs(x) <= 2**53:
        return int(x)
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def is_integer(x: Any) -> bool:
    """Tell whether a number is an integer or a truth, of Python's or of NumPy's."""
    return isinstance(x, (int, np.integer, np.bool_))


def by_ieee(scalar: Function, forward: Function) -> Function:
    """Return a function of numbers that goes on by `forward` where Python raises an error."""

    def call(*args: Any, **settings: Any) -> Any:
        try:
            return number(scalar(*args, **settings))
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                given = [np.float64(number(x)) for x in args]
                return number(np.asarray(forward(*given, **settings)).item())

    return call


def by_python(function: Function) -> Function:
    """Return a function of numbers that gives a float, a truth, or an integer up to 2**53."""

    def call(*args: Any, **settings: Any) -> Any:
        result = function(*args, **settings)
        return result if result.__class__ is bool else number(result)

    return call


def called(operation: Function, args: Any, settings: dict[str, Any]) -> Any:
    """Return what a call of numbers gives, as eager calls have it."""
    result = operation(*args, **settings)
    return result if result.__class__ is bool else number(result)


def each(function: Function, kinds: Any, result: int, flags: bool) -> Function:
    """Return a function of arrays of floats that calls another for each number by itself.

    Args:
        function: of numbers.
        kinds: what the floats of each argument stand for: 0 floats, 1 integers, 2 truths, 3 floats
            or integers, of which a further argument says which; None if floats will do.
        result: likewise, of what it gives.
        flags: whether to give which of the results are integers, not the results.
    """
    foreseen = ({float}, {int}, {bool}, {float, int})[result]
    convert = (float, int, bool)

    def call(*args: Any) -> Any:
        lists = [x.ravel().tolist() for x in args]
        if kinds is not None:
            told = iter(lists[len(kinds) :])
            for i, kind in enumerate(kinds):
                which = next(told) if kind == 3 else [kind] * len(lists[i])
                lists[i] = [convert[int(k)](x) for k, x in zip(which, lists[i], strict=True)]
            del lists[len(kinds) :]
        found = list(map(function, *lists))
        if kinds is not None and not set(map(type, found)) <= foreseen:
            raise ValueError("the program was recorded for another case than these numbers")
        if flags:
            found = [x.__class__ is int for x in found]
        return np.array(found, float).reshape(args[0].shape)

    return call


def strided(v: Any, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
    """Return the view of a vector that starts somewhere, and goes on by steps along some axes."""
    return np.lib.stride_tricks.as_strided(v[start:], shape, [8 * step for step in steps])


def unpacked(text: str, dtype: str, shape: tuple[int, ...]) -> Any:
    """Return an array that `packed` made text of."""
    data = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(data, dtype).reshape(shape).copy()


def packed(array: Any) -> Made:
    """Return how a module makes an array of many elements.

    >>> unpacked(*packed(np.arange(3.0)).args)
    array([0., 1., 2.])
    """
    text = base64.b64encode(zlib.compress(array.tobytes())).decode()
    text = "\n".join(textwrap.wrap(text, WIDTH)) if len(text) > WIDTH else text
    made = Made(unpacked, (text, array.dtype.str, array.shape))
    if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
        return Made(np.asfortranarray, (made,))
    return made


class Made(NamedTuple):
    """What a module makes by a call of one of the functions here."""

    function: Function
    args: tuple[Any, ...]


def of_numbers(operation: Any, settings: dict[str, Any] | None = None) -> Any:
    """Return what a module calls for an operation of numbers."""
    if settings:
        return Made(partial, (of_numbers(operation), settings))
    if not is_a(operation, Op):
        return Made(by_python, (operation,))
    require_own(operation)
    inner: Any = getattr(operation.forward, "__closure__", None)
    if inner and any([cell.cell_contents in BY_ELEMENT for cell in inner]):
        return Made(by_ieee, (operation.scalar, operation.scalar))  # NumPy calls that, too
    return Made(by_ieee, (operation.scalar, operation.forward))


def require_own(op: Op) -> None:
    """Raise an error for an operation that the user made."""
    if op.foreign:
        raise CompileError(
            f"save: the program calls the operation {op.name}, which define_op made, and which a "
            "module of NumPy calls cannot have. Pickle the program instead, or write the "
            "operation's formula in the function."
        )
