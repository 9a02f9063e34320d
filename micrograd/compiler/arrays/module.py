"""Text: a program to be run, to be read, and as a module that needs only NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from micrograd.compiler import programs
from micrograd.compiler.arrays.names import array_text, known_name, literal
from micrograd.compiler.arrays.words import Source
from micrograd.compiler.programs import is_a
from micrograd.compiler.tape import call_of_numbers
from micrograd.core.numbers import to_number
from micrograd.core.op import Op
from micrograd.errors import CompileError

WIDTH = 100


def text_to_run(source: Source) -> str:
    """Return the lines that make the buffers and the function; constants come by name."""
    made = list(map(_noted, source.made))
    head = f"def program({', '.join(source.parameters)}):"
    return "\n".join([*made, *([""] * 2 if made else []), head, *_body(source)])


def text_to_read(source: Source) -> str:
    """Return the same with lines for the constants, in which large ones are cut short."""
    constants = [_shown(name, value) for name, value in source.constants.items()]
    apart = [""] * 2 if constants and not source.made else []
    return "\n".join([*constants, *apart, text_to_run(source)])


def text_of_module(source: Source, defaults: Mapping[str, Any]) -> str:
    """Return a module that needs only NumPy.

    Args:
        source: the program.
        defaults: for names of inputs, what they are where the caller gives nothing else. An array
            among them is written to, if the program stores to it.

    Raises:
        CompileError: if the program calls what only exists here.
    """
    head = ['"""A program of NumPy calls, as it was recorded."""', ""]
    head += ["import math", "import operator", ""]
    head += ["import numpy as np", ""]
    lines = [_written(name, value) for name, value in source.constants.items()]
    lines += [_written(name, value) for name, value in defaults.items()]
    needed = [name for name in source.parameters if name not in defaults]
    given = [f"{name}={name}" for name in source.parameters if name in defaults]
    body = [
        line.replace(": return None", f": raise ValueError({OTHER!r})") for line in _body(source)
    ]
    function = [
        '@np.errstate(all="ignore")',
        f"def program({', '.join(needed + given)}):",
        *body,
    ]
    return "\n".join([*head, *lines, *map(_noted, source.made), "", "", *function, ""])


OTHER = "the program was recorded for another case than these numbers"


def _noted(line: tuple[str, str]) -> str:
    return "  # ".join([part for part in line if part])


def _body(source: Source) -> list[str]:
    return ["    " + _noted(line) for line in source.lines]


def _shown(name: str, value: Any) -> str:
    """Return the line of a constant for the eye."""
    if is_a(value, np.ndarray):
        text = array_text(value) if value.size <= 64 or name != "c" else "..."
        text = text if len(text) < WIDTH - 10 else "..."
        return f"{name} = {text}  # {value.shape} {value.dtype.name}"
    return f"# {name}: {known_name(value) or getattr(value, '__name__', repr(value))}"


def _written(name: str, value: Any) -> str:
    """Return the lines that define a constant, exactly."""
    if is_a(value, np.ndarray) and not value.dtype.hasobject and value.dtype.kind in "biuf":
        return f"{name} = {array_text(value)}"
    if any(value is one for one in _WRITTEN_OUT):
        return _OURS[value.__name__]
    if is_a(value, Op):
        scalar, forward = known_name(value.scalar), known_name(value.forward)
        if scalar and forward:
            return f"{name} = {scalar}, {forward}  # for Python numbers, and where Python raises"
    text = literal(value)
    if text is None:
        what = getattr(value, "__name__", type(value).__name__)
        raise CompileError(
            f"save: the program calls or holds {what}, which a module of NumPy calls cannot have. "
            "Pickle the program instead, or compute that outside of the compiled function."
        )
    return f"{name} = {text}"


_WRITTEN_OUT = programs.into, programs.written, programs.astype, to_number, call_of_numbers
_OURS = {
    "into": """

def into(out, function, *args, **settings):
    out = out.copy("K")
    function(*args, out=out, **settings)
    return out

""",
    "written": """

def written(function, array, *args, **settings):
    array = array.copy("K")
    function(array, *args, **settings)
    return array

""",
    "astype": """

def astype(x, dtype, order="K"):
    return np.asarray(x).astype(dtype, order)

""",
    "to_number": """

def to_number(x):
    # an integer past 2**53 becomes a float
    return x if x.__class__ is not int or abs(x) <= 2**53 else float(x)

""",
    "call_of_numbers": """

def call_of_numbers(operation, args, settings):
    # a pair computes by IEEE-754 where Python raises an error
    pair = operation.__class__ is tuple
    try:
        result = (operation[0] if pair else operation)(*args, **settings)
    except (ArithmeticError, ValueError):
        if not pair:
            raise
        result = operation[1](*map(np.float64, args), **settings).item()
    if result.__class__ is complex:
        return float("nan")
    return result if result.__class__ is not int or abs(result) <= 2**53 else float(result)

""",
}
"""What a module has in place of functions of this library."""
