"""What a picture writes in the circle of an instruction of a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

import micrograd as mg
from viz.text.numbers import Writer, is_array, one_line, plain

PLACE = "·"
"""Stands for what an arrow brings, where it matters between which constants."""
LARGEST = 4
"""How many elements an array has at most that is written in a circle; an arrow brings others."""
_INFIX = {
    **{"add": "+", "subtract": "−", "multiply": "×", "divide": "/", "power": "^"},
    **{"floor_divide": "//", "remainder": "%", "matmul": "@"},
    **{"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥"},
    **{"equal": "==", "not_equal": "≠", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"},
}
_NUMPY_NAMES = {  # of the functions of `operator`
    **{"sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide"},
    **{"mod": "remainder", "pow": "power", "float_power": "power", "neg": "negative"},
    **{"pos": "positive", "invert": "~", "and_": "bitwise_and", "or_": "bitwise_or"},
    **{"xor": "bitwise_xor", "lt": "less", "le": "less_equal", "gt": "greater"},
    **{"ge": "greater_equal", "eq": "equal", "ne": "not_equal"},
}
_SIGNS = {
    **{"sum": "Σ", "add.reduce": "Σ", "prod": "Π", "multiply.reduce": "Π", "transpose": "T"},
    **{"maximum.reduce": "max", "minimum.reduce": "min", "inv": "⁻¹"},
}


def instruction_symbol(instruction: Any, writer: Writer) -> str:
    """Return the sign or name of an instruction, with the constants and settings it is given.

    Numbers stand where they come: 'x − 1' is written '− 1', '1 − x' is '1 −'. Elsewhere a · is
    what an arrow brings, if a constant comes before it. A setting as NumPy has it by default is
    left out.

    Args:
        instruction: of a `CompiledProgram`.
        writer: what writes numbers.

    >>> from micrograd import compile
    >>> program = compile(lambda x: 1 - np.sum(2.0 * x, axis=0)).program(np.ones((2, 3)))
    >>> [instruction_symbol(instruction, Writer()) for instruction in program.instructions]
    ['2 ×', 'Σ axis=0', '1 −']
    """
    operation, args = instruction.operation, list(instruction.arguments)
    return one_line(_words(operation, args, instruction.settings, writer))


def _words(operation: Any, args: list[Any], settings: Mapping[str, Any], writer: Writer) -> str:
    name = _name(operation)
    if name == "getitem":
        return f"[{_index(args[1], writer)}]"
    if name == "written" and callable(args[0]):  # a copy that a function writes to
        return _written(args, settings, writer)
    if name == "into" and callable(args[1]):  # a copy that takes what it gives
        return f"{_words(args[1], args[2:], settings, writer)} into"
    if name in _INFIX and len(args) == 2 and not settings:
        first, second = (_operand(arg, writer) for arg in args)
        return f"{first} {_INFIX[name]} {second}".strip()
    return _called(operation, args, settings, writer)


def _written(args: list[Any], settings: Mapping[str, Any], writer: Writer) -> str:
    name = _name(args[0])
    if name == "setitem":
        return f"[{_index(args[2], writer)}] = {_operand(args[3], writer)}".strip()
    sign = _INFIX.get(_NUMPY_NAMES.get(name[1:], name[1:])) if name.startswith("i") else None
    if sign is not None:  # isub and the like
        return f"{sign}= {_operand(args[2], writer)}".strip()
    return f"{_called(args[0], args[1:], settings, writer)} in place"


def arriving(thing: Any) -> Iterator[Any]:
    """Yield what arrows bring of all that an instruction is given: slots, and larger arrays.

    >>> list(arriving((mg.Slot(2), [1.0, mg.Slot(0)], {"axis": 0})))
    [Slot(number=2), Slot(number=0)]
    """
    if _is_brought(thing):
        yield thing
    elif is_a(thing, list, tuple):
        yield from chain.from_iterable(map(arriving, thing))
    elif is_a(thing, dict):
        yield from arriving([*thing.values()])
    elif is_a(thing, slice):
        yield from arriving([thing.start, thing.stop, thing.step])


def _is_brought(thing: Any) -> bool:
    is_large = is_a(thing, np.ndarray) and thing.size > LARGEST
    return is_large or is_a(thing, mg.Slot)


def symbol_of_function(function: Any) -> str:
    """Return the sign of a function, as diagrams of graphs have it, or its name.

    >>> import operator
    >>> [symbol_of_function(f) for f in (np.matmul, operator.mul, np.add.reduce, np.log1p)]
    ['@', '×', 'Σ', 'log1p']
    """
    name = _name(function)
    if name in _SIGNS or name in _INFIX:
        return _SIGNS.get(name) or _INFIX[name]
    op = function if isinstance(function, mg.Op) else getattr(mg, name, None)
    if isinstance(op, mg.Op) and isinstance(op.symbol, str):
        return one_line(op.symbol) or op.name
    return one_line(name)


def _name(function: Any) -> str:
    """Return what NumPy calls a function, whoever it is from."""
    name = getattr(function, "name", None) or getattr(function, "__name__", repr(function))
    ufunc: Any = getattr(function, "__self__", None)
    if is_a(ufunc, np.ufunc):
        return f"{ufunc.__name__}.{name}"
    return _NUMPY_NAMES.get(name, name.removeprefix("the forward of "))


def _operand(arg: Any, writer: Writer) -> str:
    """Return an argument of a sign; what an arrow brings needs no word."""
    return "" if _is_brought(arg) else text_of(arg, writer)


def _called(
    function: Callable[..., Any], args: list[Any], settings: Mapping[str, Any], writer: Writer
) -> str:
    symbol, defaults = symbol_of_function(function), _defaults(function)
    names = list(defaults)
    while 1 < len(args) <= len(names) and _usual(defaults, names[len(args) - 1], args[-1]):
        args = args[:-1]
    args = [arg for arg in args if not is_a(arg, np.random.Generator)]
    words = [PLACE if _all_brought(arg) else text_of(arg, writer) for arg in args]
    arrows = words.count(PLACE)
    said = [f"{k}={text_of(v, writer)}" for k, v in settings.items() if not _usual(defaults, k, v)]
    if words[:arrows] == [PLACE] * arrows:  # constants come last
        return " ".join(filter(None, [symbol, ", ".join([*words[arrows:], *said])]))
    return f"{symbol}({', '.join([*words, *said])})"


def _all_brought(arg: Any) -> bool:
    if is_a(arg, list, tuple) and arg:
        return all(map(_all_brought, arg))
    return _is_brought(arg)


def _usual(defaults: Mapping[str, Any], name: str, value: Any) -> bool:
    """Tell whether a setting says nothing that is not so without it; one axis is worth a word."""
    if name == "keepdims" or name not in defaults:
        return value is None or (value is False and name == "keepdims")
    default = defaults[name]
    return type(default) is type(value) and default == value and (name != "axis" or value is None)


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the names of a function's parameters and what they are by default, if known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # as those of a ufunc
        return {}
    return {parameter.name: parameter.default for parameter in parameters}


def text_of(thing: Any, writer: Writer) -> str:
    """Return a constant as an instruction is given it.

    >>> text_of((3, -1), Writer()), text_of(np.dtype("float32"), Writer()), text_of(0.1, Writer())
    ('(3, -1)', 'float32', '0.1')
    """
    if _is_brought(thing):
        return PLACE
    if is_a(thing, bool, str, type(None)):
        return repr(thing)
    if thing is ...:
        return "…"
    if is_a(thing, np.ndarray) and thing.ndim:
        return text_of(thing.tolist(), writer)
    if is_a(thing, int, float) or is_array(thing):
        return writer.number(plain(thing))
    if is_a(thing, list, tuple):
        row = ", ".join(text_of(part, writer) for part in thing)
        return f"[{row}]" if is_a(thing, list) else f"({row}{',' * (len(thing) == 1)})"
    if is_a(thing, np.dtype):
        return thing.name
    if is_a(thing, slice):
        return _index(thing, writer)
    if callable(thing):
        return _name(thing)
    if is_a(thing, mg.Node):
        return thing.label or f"a {type(thing).__name__}"
    return type(thing).__name__


def _index(index: Any, writer: Writer) -> str:
    """Return what stands in the brackets behind an array."""
    if is_a(index, tuple) and index:
        return ", ".join(_index(part, writer) for part in index)
    if is_a(index, slice):
        ends = [index.start, index.stop, *([] if index.step is None else [index.step])]
        return ":".join("" if end is None else text_of(end, writer) for end in ends)
    return text_of(index, writer)


def is_a(thing: Any, *kinds: type) -> bool:
    """Tell whether a thing is of one of some kinds, for code that takes anything.

    >>> is_a(2, float, int)
    True
    """
    return isinstance(thing, kinds)
