"""What a picture writes in the circle of an instruction of a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
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
    args = [a for a in instruction.arguments if not isinstance(a, np.random.Generator)]
    return one_line(_words(instruction.operation, args, instruction.settings, writer))


def _words(operation: Any, args: list[Any], settings: Mapping[str, Any], writer: Writer) -> str:
    name = _name(operation)
    if name == "getitem":
        return f"[{_index(args[1], writer)}]"
    if name == "written":  # a copy of an array, to which a function writes
        return _written(args, settings, writer)
    if name == "into":  # a copy of an array, which takes what a function gives
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
    elif isinstance(thing, list | tuple):
        yield from chain.from_iterable(map(arriving, thing))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(thing, dict):
        yield from arriving([*thing.values()])  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(thing, slice):
        yield from arriving([thing.start, thing.stop, thing.step])


def _is_brought(thing: Any) -> bool:
    is_large = isinstance(thing, np.ndarray) and thing.size > LARGEST
    return is_large or isinstance(thing, mg.Slot)


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
    ufunc = getattr(function, "__self__", None)
    if isinstance(ufunc, np.ufunc):
        return f"{ufunc.__name__}.{name}"
    return _NUMPY_NAMES.get(name, name.removeprefix("the forward of "))


def _operand(arg: Any, writer: Writer) -> str:
    """Return an argument of a sign; what an arrow brings needs no word."""
    return "" if _is_brought(arg) else text_of(arg, writer)


def _called(
    function: Callable[..., Any], args: list[Any], settings: Mapping[str, Any], writer: Writer
) -> str:
    symbol = symbol_of_function(function)
    names = list(_defaults(function))
    while 1 < len(args) <= len(names) and _usual(function, names[len(args) - 1], args[-1]):
        args = args[:-1]
    words = [PLACE if _all_brought(arg) else text_of(arg, writer) for arg in args]
    arrows = words.count(PLACE)
    said = [f"{k}={text_of(v, writer)}" for k, v in settings.items() if not _usual(function, k, v)]
    if words[:arrows] == [PLACE] * arrows:  # constants come last
        return " ".join(filter(None, [symbol, ", ".join([*words[arrows:], *said])]))
    return f"{symbol}({', '.join([*words, *said])})"


def _all_brought(arg: Any) -> bool:
    if isinstance(arg, list | tuple) and arg:
        return all(map(_all_brought, arg))  # pyright: ignore[reportUnknownArgumentType]
    return _is_brought(arg)


def _usual(function: Callable[..., Any], name: str, value: Any) -> bool:
    """Tell whether a setting says nothing that is not so without it."""
    default = _defaults(function).get(name, inspect.Parameter.empty)
    unsaid = value is None or (value is False and name == "keepdims")
    return unsaid or (type(default) is type(value) and default == value)


@lru_cache
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
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
    if isinstance(thing, bool | str | None):
        return repr(thing)
    if thing is ...:
        return "…"
    if isinstance(thing, np.ndarray) and thing.ndim:
        return text_of(thing.tolist(), writer)
    if isinstance(thing, int | float) or is_array(thing):
        return writer.number(plain(thing))
    if isinstance(thing, list | tuple):
        row = ", ".join(text_of(part, writer) for part in thing)  # pyright: ignore[reportUnknownVariableType]
        return f"[{row}]" if isinstance(thing, list) else f"({row}{',' * (len(thing) == 1)})"
    if isinstance(thing, np.dtype):
        return thing.name
    if isinstance(thing, slice):
        return _index(thing, writer)
    if callable(thing):
        return _name(thing)
    if isinstance(thing, mg.Node):
        return thing.label or f"a {type(thing).__name__}"
    return type(thing).__name__


def _index(index: Any, writer: Writer) -> str:
    """Return what stands in the brackets behind an array."""
    if isinstance(index, tuple) and index:
        return ", ".join(_index(part, writer) for part in index)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(index, slice):
        ends = [index.start, index.stop, *([] if index.step is None else [index.step])]
        return ":".join("" if end is None else text_of(end, writer) for end in ends)
    return text_of(index, writer)
