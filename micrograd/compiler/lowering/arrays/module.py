"""Text: a program to be run, to be read, and as a module that needs only NumPy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from micrograd.compiler.lowering import portable
from micrograd.compiler.lowering.arrays.words import Source
from micrograd.compiler.lowering.definitions import Definitions
from micrograd.compiler.lowering.names import Names, array_text, known_name, literal
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.tape import call_of_numbers
from micrograd.core.numbers import to_number
from micrograd.core.op import Op

WIDTH = 100
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


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
    names = Names()
    names.taken.update(_IDENTIFIER.findall("\n".join([*source.constants, *_body(source)])))
    names.taken.update([*defaults, "program"])
    definitions = Definitions(names)
    lines = [_written(name, value, definitions) for name, value in source.constants.items()]
    lines += [_written(name, value, definitions) for name, value in defaults.items()]
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


def _written(name: str, value: Any, definitions: Definitions) -> str:
    """Return the lines that define a constant, exactly.

    Args:
        name: that of the constant.
        value: what it is.
        definitions: where functions of this library are entered.
    """
    if is_a(value, np.ndarray) and not value.dtype.hasobject and value.dtype.kind in "biuf":
        return f"{name} = {array_text(value)}"
    if callable(value) and value in _OF_NUMBERS:
        value = _OF_NUMBERS[value]
    elif is_a(value, Op):
        value = portable.of_numbers(value)
    text = literal(value)
    if text is None:
        count = len(definitions.texts)
        definitions.bind(name, value)
        text = "\n\n\n".join(definitions.texts[count:])
        del definitions.texts[count:]
        return text
    return f"{name} = {text}"


_OF_NUMBERS: Any = {to_number: portable.number, call_of_numbers: portable.called}
"""What a module has in place of functions of this library."""
