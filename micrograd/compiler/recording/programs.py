"""Programs: what a function computes, as plain data that can be printed and evaluated.

A program is what `micrograd.compiler.recording.symbols.tell` returns: calls in the order in which
they happened, of functions that write to nothing that they get.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd.errors import FloatingError, ShapeError

__all__ = ["Form", "Instruction", "Program", "Slot", "evaluate"]

SIGNS = {
    **{"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%"},
    **{"pow": "**", "matmul": "@", "and_": "&", "or_": "|", "xor": "^"},
    **{"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="},
    **{"neg": "-", "pos": "+", "invert": "~"},
}
"""The functions of `operator` that are written as signs."""


@dataclass(frozen=True)
class Slot:
    """The place of a value in a program: the inputs come first, then each instruction's result.

    Attributes:
        number: which place, from 0 on.

    >>> import micrograd as mg
    >>> program = mg.compile(lambda x: 2 * x + 1).program(3.0)
    >>> program.results == Slot(len(program.inputs) + 1)  # what the second instruction gives
    True
    """

    number: int


@dataclass(frozen=True)
class Form:
    """What is known of a value before it is computed.

    Attributes:
        shape: that of the array, () for a number.
        dtype: that of the array; of a Python number its class, float, int or bool.
    """

    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class Instruction:
    """One call of a program.

    Attributes:
        operation: the function that is called, as `np.exp` or `operator.mul`.
        arguments: what it is given by position; a `Slot` stands for a value of the program.
        settings: what it is given by name, likewise.
        result: the form of what it gives, or a tuple of forms.
        raising: what NumPy raises an error for, as `"over"`: then the function has another way.
    """

    operation: Callable[..., Any]
    arguments: tuple[Any, ...]
    settings: dict[str, Any]
    result: Form | tuple[Form, ...]
    raising: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Program:
    """What a function computes; its `repr` is written as Python.

    Attributes:
        names: those of the inputs, for the eye.
        inputs: the forms of the inputs.
        instructions: the calls, in the order in which they happened.
        result: what comes out: a `Slot`, a constant, or a container of them.
    """

    names: tuple[str, ...]
    inputs: tuple[Form, ...]
    instructions: tuple[Instruction, ...]
    result: Any

    def __repr__(self) -> str:
        own = [f"t{i}" for i in range(1, len(self.instructions) + 1)]
        names = [*self.names, *own]
        lines = [f"{t} = {_call(i, names)}" for t, i in zip(own, self.instructions, strict=True)]
        return "\n".join([*lines, f"return {_text(self.result, names)}"])


def evaluate(program: Program, *arguments: Any) -> Any:
    """Return what a program computes for arguments of the same shapes and dtypes.

    It gives the same bits as the function does, where the arrays are laid out in memory as those
    that it was told for.

    Args:
        program: from `tell`.
        arguments: arrays or numbers, one for each input.

    Raises:
        FloatingError: if the function goes another way for these numbers, because of an overflow
            or the like.
        ShapeError: if an argument, or what is computed on the way, has another shape or dtype.

    >>> from micrograd.compiler.recording.telling import tell
    >>> program = tell(lambda a, b: a @ b, np.ones(2), np.ones(2))
    >>> float(evaluate(program, np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    forms = tuple(map(form_of, arguments))
    if forms != program.inputs:
        raise ShapeError(
            f"evaluate: the program was told for {program.inputs}, but came {forms}. Tell the "
            "function again with such arguments."
        )
    values = list(arguments)

    def filled(leaf: Any) -> Any:
        return values[leaf.number] if is_a(leaf, Slot) else leaf

    for told in program.instructions:
        args, settings = mapped((told.arguments, told.settings), filled)
        name, raising = name_of(told.operation), dict.fromkeys(told.raising, "raise")
        try:
            with np.errstate(**{"all": "ignore", **raising}):  # pyright: ignore[reportArgumentType]
                value = told.operation(*args, **settings)
        except FloatingPointError as error:
            raise FloatingError(
                f"evaluate: NumPy says of {name}: {error}. There the function has another way than "
                "it told. Tell it again with these arguments."
            ) from error
        if form_of(value) != told.result:
            raise ShapeError(
                f"evaluate: {name} was told to give {told.result}, but gave {form_of(value)}: its "
                "shape or dtype depends on numbers. Compute with masks instead, as np.where does."
            )
        values.append(value)
    return mapped(program.result, filled)


# What programs call and NumPy does not have


def into(out: Any, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Return a copy of `out` after `function(*args, out=out)`.

    >>> into(np.zeros(2), np.add, [1.0, 2.0], 3.0, where=[True, False]).tolist()
    [4.0, 0.0]
    """
    out = out.copy("K")
    function(*args, out=out, **settings)
    return out


def written(function: Callable[..., Any], array: Any, *args: Any, **settings: Any) -> Any:
    """Return a copy of an array after `function(array, *args)`, which writes to it.

    >>> written(operator.setitem, np.zeros(2), 0, 5.0).tolist()
    [5.0, 0.0]
    """
    array = array.copy("K")
    function(array, *args, **settings)
    return array


def astype(x: Any, dtype: Any, order: Any = "K") -> Any:
    """Return x in another dtype; NumPy below 2.1 has no such function.

    >>> astype(np.ones(1), np.dtype("float32")).dtype
    dtype('float32')
    """
    return (x if is_a(x, np.generic) else np.asarray(x)).astype(dtype, order)


def item(x: Any) -> Any:
    """Return the one element of an array as a Python number.

    >>> item(np.array(2.0))
    2.0
    """
    return x.item()


# Forms, containers, names


def form_of(value: Any) -> Any:
    """Return the form of an array or a number, or a tuple of those of several.

    >>> form_of(np.ones(3)), form_of(2.0)
    (Form(shape=(3,), dtype=dtype('float64')), Form(shape=(), dtype=<class 'float'>))
    """
    if is_a(value, tuple, list):
        return tuple(map(form_of, value))
    return Form(np.shape(value), getattr(value, "dtype", value.__class__))


def is_a(thing: Any, *kinds: type) -> bool:
    """Tell whether a thing is of one of some kinds, for code that takes anything.

    >>> is_a(2, float, int)
    True
    """
    return isinstance(thing, kinds)


def mapped(thing: Any, function: Callable[[Any], Any]) -> Any:
    """Return containers, slices among them, with `function(leaf)` for each leaf.

    >>> mapped((1, [slice(2, 3)]), str)
    ('1', [slice('2', '3', 'None')])
    """
    if is_a(thing, tuple, list):
        return like(thing, [mapped(part, function) for part in thing])
    if is_a(thing, dict):
        return {k: mapped(part, function) for k, part in thing.items()}
    if is_a(thing, slice):
        return slice(*[mapped(part, function) for part in (thing.start, thing.stop, thing.step)])
    return function(thing)


def like(things: Any, parts: list[Any]) -> Any:
    """Return other parts in a list or tuple of the same kind.

    >>> like((1, 2), [3, 4])
    (3, 4)
    """
    kind = things.__class__
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def name_of(function: Any) -> str:
    """Return how Python writes a function.

    >>> name_of(np.add.reduce), name_of(np.linalg.inv)
    ('np.add.reduce', 'np.linalg.inv')
    """
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return f"{name_of(function.__self__)}.{function.__name__}"
    module = "numpy" if isinstance(function, np.ufunc) else function.__module__ or ""
    np_module = module.replace("numpy", "np", 1) + "." if module.startswith("numpy") else ""
    return np_module + function.__name__


def _call(told: Instruction, names: list[str]) -> str:
    """Return an instruction as Python writes it."""
    words = [_text(argument, names) for argument in told.arguments]
    sign = SIGNS.get(told.operation.__name__)
    if sign is not None and getattr(operator, told.operation.__name__) is told.operation:
        if sign == "**" and words[0].startswith("-"):
            words[0] = f"({words[0]})"
        return sign + words[0] if len(words) == 1 else f"{words[0]} {sign} {words[1]}"
    if told.operation is operator.getitem:
        return f"{words[0]}[{_index(told.arguments[1], names)}]"
    words += [f"{key}={_text(value, names)}" for key, value in told.settings.items()]
    return f"{name_of(told.operation)}({', '.join(words)})"


def _index(index: Any, names: list[str]) -> str:
    if is_a(index, tuple) and index:
        return ", ".join(_index(part, names) for part in index) + "," * (len(index) == 1)
    if is_a(index, slice):
        ends = [index.start, index.stop, index.step][: 2 if index.step is None else 3]
        return ":".join("" if end is None else _text(end, names) for end in ends)
    return "..." if index.__class__ is type(...) else _text(index, names)


def _text(thing: Any, names: list[str]) -> str:
    if is_a(thing, Slot):
        return names[int(thing.number)]
    if is_a(thing, tuple, list):
        row = ", ".join([_text(item, names) for item in thing])
        comma = "," * (len(thing) == 1)
        return f"[{row}]" if is_a(thing, list) else f"({row}{comma})"
    if is_a(thing, np.ndarray):
        return f"np.array({thing.tolist()})" if thing.size <= 8 else f"<{form_of(thing)}>"
    if is_a(thing, np.dtype):
        return f"np.{thing.name}"
    if is_a(thing, slice):
        return f"slice({', '.join(_text(n, names) for n in (thing.start, thing.stop, thing.step))})"
    if is_a(thing, float) and not is_a(thing, np.generic):
        return f"{thing!r}".replace("inf", "np.inf").replace("nan", "np.nan")
    return name_of(thing) if callable(thing) else repr(thing)
