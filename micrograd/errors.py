"""The exceptions that this library raises, all of them a `MicrogradError`.

Each also derives from the built-in exception that NumPy or Python would have
raised, so that code which catches `TypeError` or `ValueError` keeps working.

>>> issubclass(ShapeError, ValueError)
True
"""

from __future__ import annotations

from typing import Any


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
