"""Functions that compute number by number, or on whole arrays, and write what they get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd.compiler.lowering.scalars.kinds import FLOAT, INT, MIXED, TRUTH
from micrograd.compiler.lowering.scalars.primitives import Call
from micrograd.compiler.recording.tape import call_of_numbers

_FORESEEN = {FLOAT: {float}, INT: {int}, TRUTH: {bool}, MIXED: {float, int}}


class SurpriseError(Exception):
    """A number came out as another class than was foreseen."""


def each(call: Call) -> Callable[..., None]:
    """Return a function that writes what a call gives for each of many floats into an array.

    Its arguments are arrays of floats: numbers, and after them the flags of mixed ones. Where
    Python raises an error, and IEEE-754 has an answer, it writes the answer.
    """
    function, settings, kinds = call.function, call.settings, call.kinds

    def careful(*args: Any) -> Any:
        return call_of_numbers(function, args, settings)

    plain = function.scalar if kinds is None else careful

    def write(*arrays: Any) -> None:
        out = arrays[-1]
        lists = [array.ravel().tolist() for array in arrays[:-1]]
        if kinds is not None:
            lists = _as_recorded(lists, kinds)
        try:
            found = list(map(plain, *lists))
        except (ArithmeticError, ValueError):
            found = list(map(careful, *lists))
        if kinds is not None:
            if not set(map(type, found)) <= _FORESEEN[call.result]:
                raise SurpriseError
            if call.flags:
                found = [x.__class__ is int for x in found]
        out[...] = np.array(found, float).reshape(out.shape)

    return write


def _as_recorded(lists: list[list[float]], kinds: tuple[int, ...]) -> list[list[Any]]:
    """Return floats as the classes of numbers that they stand for."""
    flags = iter(lists[len(kinds) :])
    found: list[list[Any]] = []
    for kind, values in zip(kinds, lists, strict=False):
        if kind == MIXED:
            pairs = zip(values, next(flags), strict=True)
            found.append([int(x) if flag else x for x, flag in pairs])
        else:
            found.append(
                values if kind == FLOAT else list(map(int if kind == INT else bool, values))
            )
    return found


def whole(call: Call) -> Callable[..., None]:
    """Return a function that writes what a call gives for whole arrays."""
    forward = call.function.forward

    def write(*arrays: Any) -> None:
        arrays[-1][...] = forward(*arrays[:-1])

    return write
