"""The exceptions that this library raises, all of them a `MicrogradError`; what is checked by them.

Each also derives from the built-in exception that NumPy or Python would have
raised, so that code which catches `TypeError` or `ValueError` keeps working.

>>> issubclass(ShapeError, ValueError)
True
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "CalculationError",
    "CheckpointError",
    "CompileError",
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


class CompileError(MicrogradError, TypeError, ValueError):
    """Report what a function does that cannot be compiled."""


class MissingExtraError(MicrogradError, ImportError):
    """Report an optional package, or program, that has to be installed first."""


def describe(node: Any) -> str:
    """Return what to call a node in a message: kind, label, shape and operation.

    Under `debug()`, it says where the node was made, too.

    >>> from micrograd import Value
    >>> describe(Value(2.0, label="x") * 3)
    'Value made by multiply'
    """
    words = [type(node).__name__]
    if node.label is not None:
        words.append(repr(node.label))
    if np.ndim(node._data):
        words.append(f"of shape {np.shape(node._data)}")
    if node.op is not None:
        words.append(f"made by {node.op.name}")
    origin = getattr(node, "_origin", None)
    if origin is not None:
        words.append(f"at {origin.place}")
    return " ".join(words)


def stale(node: Any, parent: Any) -> StaleGraphError:
    """Return the error for a parent that was assigned to after `node` was computed from it."""
    return StaleGraphError(
        f"backward: {describe(parent)} was assigned to after {describe(node)} was computed from "
        "it, so the derivative there is lost. Compute the result again after writing, or write "
        "after backward()."
    )


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


REFUSALS: dict[type[Exception], type[MicrogradError]] = {
    ValueError: ShapeError,
    TypeError: OperandError,
    IndexError: IndexingError,
    ArithmeticError: CalculationError,
    OverflowError: RangeError,
    FloatingPointError: FloatingError,
    ZeroDivisionError: DivisionError,
}
"""The typed form of what NumPy and Python raise."""

_WAYS_OUT: dict[type[MicrogradError], str] = {
    RangeError: "Give numbers that the dtype can hold, or widen it first, as with astype(float).",
    FloatingError: "np.errstate, or np.seterr, asks for an error there; under "
    "np.errstate(all='ignore') the result is inf, nan or 0, as IEEE-754 has it.",
}


def refusal(
    name: str,
    given: Iterable[tuple[str, Any]],
    expects: str | None,
    error: Exception,
) -> MicrogradError:
    """Return the typed form of what NumPy said about the arguments of an operation.

    Args:
        name: of the operation.
        given: the name of each argument and what came, nodes or plain.
        expects: what their shapes have to fulfil.
        error: what NumPy raised.

    >>> refusal("log", [("x", np.ones(2, bool))], None, TypeError("no"))
    OperandError('log: cannot take x of shape (2,) and dtype bool. NumPy says: no')
    """
    came = ", ".join(f"{what} of {_form(arg)}{_known(arg)}" for what, arg in given)
    kind = next(REFUSALS[cls] for cls in type(error).__mro__ if cls in REFUSALS)
    hint = _WAYS_OUT.get(kind, f"Expected {expects}." if expects else "")
    return kind(f"{name}: cannot take {came}.{' ' * bool(hint)}{hint} NumPy says: {error}")


def _form(arg: Any) -> str:
    """Return the shape of an argument, for a message, and its dtype where that is no float."""
    data: Any = getattr(arg, "_data", arg)
    dtype = getattr(data, "dtype", None)
    other = dtype is not None and dtype.kind != "f"
    return f"shape {np.shape(data)}" + (f" and dtype {dtype}" if other else "")


def _known(arg: Any) -> str:
    """Return what else is known of an argument, for a message: the label and origin of a node."""
    told = hasattr(arg, "_version") and not (arg.label is None and arg.op is None)
    return f" ({describe(arg)})" if told else ""


def require_number(name: str, result: Any) -> Any:
    """Return the result of an operation for numbers, which has to be a number.

    Raises:
        OperandError: if it is an array.
    """
    if np.shape(result) != ():
        raise OperandError(
            f"{name}: the result for numbers is an array of shape {np.shape(result)}, "
            "but a Value is one number. Use Tensors for arrays."
        )
    return result


def require_rules(name: str, rules: Any, functions: Iterable[Any]) -> None:
    """Raise an error unless an operation has derivatives, and each function is one.

    Args:
        name: of the operation.
        rules: its derivatives.
        functions: all that came; None for an argument without a derivative.

    Raises:
        ArgumentError: if there is no derivative.
        OperandError: if a function cannot be called.

    >>> require_rules("cube", (None, 3), (None, 3))
    Traceback (most recent call last):
    micrograd.errors.OperandError: define_op: 'cube' came with 3 where a function is expected. \
Give functions, and None for the derivative of an argument that has none.
    """
    if not rules:
        raise ArgumentError(
            f"define_op: {name!r} came without a derivative; give one per argument, "
            "None for an argument that has none."
        )
    for function in functions:
        if function is not None and not callable(function):
            raise OperandError(
                f"define_op: {name!r} came with {function!r} where a function is expected. Give "
                "functions, and None for the derivative of an argument that has none."
            )


def require_new(op: Any, known: Any) -> None:
    """Raise an error unless an operation is what is known by its name.

    Raises:
        ArgumentError: if that is another.
    """
    if known is not op:
        raise ArgumentError(
            f"define_op: the name {op.name!r} is taken by {known!r}. Choose another."
        )


OLDER_OPTIONS: dict[str, Callable[[Any], Any]] = {}
"""What gives the `reach` for each option of version 0.1.0 that `reach` replaces."""


def require_options(name: str, given: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return the options of an operation, with `reach` for an older one.

    Args:
        name: of the operation.
        given: its options.
        known: which there are.

    Raises:
        OperandError: if there is no such option, or no such reach.

    >>> require_options("cube", {"symbol": "³"}, ["symbol", "reach"])
    {'symbol': '³'}
    """
    if not given:
        return {}
    options = dict(given)
    older = [option for option in OLDER_OPTIONS if option in options]
    caller = sys._getframe(2)
    for option in reversed(older):  # the first says most
        if said := options.pop(option):
            options["reach"] = OLDER_OPTIONS[option](said)
    if older:
        warnings.warn(
            f"{name}: reach=, of micrograd.ops.reach, takes the place of {', '.join(older)}.",
            DeprecationWarning,
            stacklevel=4 if caller.f_code.co_name == "define_op" else 3,
        )
    wrong = [f"the option {option}" for option in options if option not in known]
    reach: Any = options.get("reach")
    if not wrong and reach is not None and not hasattr(reach.__class__, "through"):
        wrong = [f"reach={reach!r}"]
    if wrong:
        raise OperandError(
            f"define_op: {name!r} came with {wrong[0]}. Give some of {', '.join(known)}; reach is "
            "a value of micrograd.ops.reach, such as SAME."
        )
    return options


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
