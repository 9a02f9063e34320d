"""Settings that are numbers: checked where they come in, with an error that names them."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from micrograd.errors import ArgumentError, OperandError


def in_range(
    what: str, name: str, value: Any, below: float = math.inf, least: float = 0.0
) -> float:
    """Return a setting as a float, from `least` on and below `below`.

    Args:
        what: what has the setting, to begin a message with.
        name: what the setting is called.
        value: what came.
        below: the number that it has to be below.
        least: the smallest number allowed.

    Raises:
        OperandError: if it is no real number.
        ArgumentError: if it is out of range, or nan.

    >>> in_range("SGD", "momentum", 1.5, below=1)
    Traceback (most recent call last):
    micrograd.errors.ArgumentError: SGD: momentum is 1.5; expected a number of 0 or more, below 1.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise OperandError(
            f"{what}: expected a number for {name}, but came {value!r:.60} of type "
            f"{type(value).__name__}."
        )
    number = float(value)
    if not least <= number < below:
        bound = ", and finite" if below == math.inf else f", below {below:g}"
        raise ArgumentError(
            f"{what}: {name} is {number!r}; expected a number of {least:g} or more{bound}."
        )
    return number


def whole(what: str, name: str, value: Any, least: int = 1) -> int:
    """Return a setting as an int, from `least` on.

    Args:
        what: what has the setting, to begin a message with.
        name: what the setting is called.
        value: what came.
        least: the smallest number allowed.

    Raises:
        OperandError: if it is no whole number.
        ArgumentError: if it is too small.

    >>> whole("StepLR", "step_size", 0)
    Traceback (most recent call last):
    micrograd.errors.ArgumentError: StepLR: step_size is 0; expected a whole number from 1 on.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise OperandError(
            f"{what}: expected a whole number for {name}, but came {value!r:.60} of type "
            f"{type(value).__name__}."
        )
    if value < least:
        raise ArgumentError(
            f"{what}: {name} is {value!r}; expected a whole number from {least} on."
        )
    return int(value)
