"""The exceptions that this library raises, all of them a `MicrogradError`; what is checked by them.

Each also derives from the built-in exception that NumPy or Python would have
raised, so that code which catches `TypeError` or `ValueError` keeps working.

>>> issubclass(ShapeError, ValueError)
True
"""

from __future__ import annotations

import math
from importlib import import_module
from numbers import Integral, Real
from typing import Any

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "CalculationError",
    "CheckpointError",
    "DatasetError",
    "DivergenceError",
    "DivisionError",
    "FloatingError",
    "GradientError",
    "IndexingError",
    "MicrogradError",
    "MissingExtraError",
    "MissingMethodError",
    "ModeError",
    "OperandError",
    "RangeError",
    "SavedFileError",
    "ShapeError",
    "StaleGraphError",
]


class MicrogradError(Exception):
    """Be the base of every exception that this library raises on purpose."""


class OperandError(MicrogradError, TypeError):
    """Report an argument whose kind or dtype the operation cannot take."""


class ShapeError(MicrogradError, ValueError):
    """Report arguments whose shapes do not fit together."""


class ArgumentError(MicrogradError, ValueError):
    """Report an argument of the right kind whose value is not allowed."""


class IndexingError(MicrogradError, IndexError):
    """Report an index that lies outside the array."""


class CalculationError(MicrogradError, ArithmeticError):
    """Report a calculation that the numbers that came do not allow."""


class RangeError(CalculationError, OverflowError):
    """Report a number that a dtype cannot hold."""


class FloatingError(CalculationError, FloatingPointError):
    """Report an overflow, or the like, where `np.errstate` says that it is an error."""


class DivisionError(CalculationError, ZeroDivisionError):
    """Report a division by zero that has no answer."""


class GradientError(MicrogradError, RuntimeError):
    """Report a gradient that does not exist or cannot be computed."""


class StaleGraphError(GradientError):
    """Report a graph whose data was overwritten after it was recorded."""


class ModeError(MicrogradError, RuntimeError):
    """Report a `with` block that is left in another order, or context, than it was entered in."""


class AnomalyError(MicrogradError, RuntimeError):
    """Report the first operation that made a nan or an inf, under `detect_anomaly()`."""


class DatasetError(MicrogradError, OSError):
    """Report a data set that is missing, unreachable, truncated or altered."""


class SavedFileError(MicrogradError, ValueError):
    """Report a file of saved arrays that is truncated, altered or not to be trusted."""


class CheckpointError(SavedFileError):
    """Report a checkpoint of a training that is damaged, or that of another training."""


class DivergenceError(MicrogradError, FloatingPointError):
    """Report a training whose loss, gradients or parameters are no longer finite."""


class MissingMethodError(MicrogradError, NotImplementedError):
    """Report a method that a subclass has to write, and has not."""


class MissingExtraError(MicrogradError, ImportError):
    """Report an optional package, or program, that has to be installed first."""


def as_well(error: MicrogradError, kind: type[Exception]) -> MicrogradError:
    """Return an error with the same words that is of another class as well.

    So code that catches what NumPy raises catches it, too.

    >>> both = as_well(ShapeError("no such axis"), IndexError)
    >>> isinstance(both, ShapeError), isinstance(both, IndexError), str(both)
    (True, True, 'no such axis')
    """
    return error if isinstance(error, kind) else _of_both(type(error), kind, *error.args)


def _of_both(ours: type[MicrogradError], kind: type[Exception], *args: object) -> MicrogradError:
    def reduce(self: Exception) -> tuple[Any, ...]:
        return _of_both, (ours, kind, *self.args)

    body: dict[str, Any] = {
        "__module__": ours.__module__,
        "__reduce__": reduce,
        "__str__": Exception.__str__,  # that of a KeyError, for one, is not what it says
    }
    return type(ours.__name__, (ours, kind), body)(*args)


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


def extra(name: str, user: str, group: str = "demo") -> Any:
    """Import an optional package, or say how to get it.

    Args:
        name: the module to import, such as "matplotlib.pyplot".
        user: what needs it, which begins the message.
        group: the extra of micrograd-graph that has it.

    Raises:
        MissingExtraError: if it is not installed.

    >>> extra("json", "this example").dumps([1])
    '[1]'
    >>> extra("no_such_module", "this example", "example")
    Traceback (most recent call last):
    micrograd.errors.MissingExtraError: this example needs no_such_module. Install it with pip \
install 'micrograd-graph[example]'.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{user} needs {name.partition('.')[0]}. Install it with "
            f"pip install 'micrograd-graph[{group}]'."
        ) from error
