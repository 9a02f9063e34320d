"""Words: how Python writes a value, a constant, and one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import UFUNCS, is_method, operator
from micrograd.compiler.lowering.arrays.steps import Plan, Step
from micrograd.compiler.lowering.names import Names, array_text, known_name, literal, row
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import SIGNS, Form, Slot, is_a
from micrograd.compiler.recording.tape import call_of_numbers
from micrograd.core.numbers import to_number

SIGN_OF: dict[Any, str] = {
    function: SIGNS[operation.__name__]
    for operation in [*UFUNCS, operator.pow]
    if operation.__name__ in SIGNS
    for function in (operation, UFUNCS.get(operation, operation))
}
"""How the operators are written, and the functions of NumPy's that they call."""

PLAIN: set[Any] = {
    *(np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.minimum),
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
}
"""Functions that take two arrays of one dtype, or an array and a number as if of that dtype."""

BUILTIN: Any = operator.add.__class__
"""The class of the functions of `operator`."""

METHODS = {
    np.transpose: "transpose",
    np.reshape: "reshape", np.swapaxes: "swapaxes", np.ravel: "ravel", np.squeeze: "squeeze",
    np.mean: "mean", np.argmax: "argmax", np.argmin: "argmin", np.any: "any", np.all: "all",
    np.dot: "dot",
}  # fmt: skip
"""Functions of NumPy's that call the method of an array."""


@dataclass
class Source:
    """A program as Python.

    Attributes:
        parameters: the names of the inputs.
        constants: what the lines refer to by name, and its value.
        made: the lines that make memory, once.
        lines: the lines of the function, each with its comment.
    """

    parameters: list[str]
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    made: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Words:
    """Knows the names of values and constants, and writes calls with them.

    Args:
        plan: what is to be done.
        wishes: names for slots.
        terse: whether to write what is faster, and not so well to read.
    """

    def __init__(self, plan: Plan, wishes: Mapping[int, str], terse: bool) -> None:
        self.plan, self.wishes, self.terse = plan, wishes, terse
        self.names = Names()
        self.name_of: dict[int, str] = {}
        self.hoisted: dict[Any, str] = {}
        self.scalars: dict[Any, str] = {}
        for i, slot in enumerate(plan.inputs):
            self.name_of[slot] = self.names.new(wishes.get(slot, f"x{i + 1}"))
        self.source = Source([self.name_of[slot] for slot in plan.inputs])

    def word(self, thing: Any) -> str:
        """Return how a value or a constant is written."""
        if is_a(thing, Slot):
            return self.name_of[thing.number]
        if is_a(thing, tuple, list):
            return row([self.word(part) for part in thing], thing)
        if is_a(thing, slice):
            return f"slice({', '.join(map(self.word, (thing.start, thing.stop, thing.step)))})"
        made_anew = self.terse and is_a(thing, np.generic)
        return (not made_anew and literal(thing)) or self.constant(thing)

    def constant(self, thing: Any) -> str:
        """Return the name of a constant that has a line of its own."""
        key: Any = id(thing)
        if is_method(thing, "reduce", "accumulate"):  # made anew each time that one asks for it
            key = thing.__self__, thing.__name__
        if is_a(thing, np.ndarray) and thing.nbytes <= 65536 and not thing.dtype.hasobject:
            key = thing.dtype, thing.shape, thing.strides, thing.tobytes()
        if key not in self.hoisted:
            self.hoisted[key] = self.names.new(wish_for(thing))
            self.source.constants[self.hoisted[key]] = thing
        return self.hoisted[key]

    def index(self, index: Any) -> str:
        """Return an index as it stands in brackets."""
        if is_a(index, tuple) and index:
            return ", ".join(map(self.index, index)) + "," * (len(index) == 1)
        if is_a(index, slice):
            ends = [index.start, index.stop, index.step][: 2 if index.step is None else 3]
            return ":".join("" if end is None else self.word(end) for end in ends)
        return self.word(index)

    def is_array(self, thing: Any) -> bool:
        """Tell whether a value is an array for sure, and no number."""
        form: Any = self.plan.forms[thing.number] if is_a(thing, Slot) else None
        return is_a(form, Form) and bool(form.shape)

    def is_of_numpy(self, thing: Slot) -> bool:
        """Tell whether a value is an array or a number of NumPy's."""
        form = self.form(thing)
        return is_a(form, Form) and is_a(form.dtype, np.dtype)

    def call(self, function: str, step: Step, *more: str, skip: int = 0) -> str:
        """Return a call with the arguments of a step."""
        words = [self.operand(arg, step) for arg in step.args[skip:]]
        words += [f"{key}={self.word(value)}" for key, value in step.settings.items()]
        return f"{function}({', '.join([*words, *more])})"

    def operand(self, thing: Any, step: Step) -> str:
        """Return how an argument is written; tersely, a number as an array, which is made once.

        NumPy makes an array of each Python number that it is given, at each call.
        """
        dtype = self.dtype_beside(thing, step) if self.terse else None
        if dtype is None:
            return self.word(thing)
        if not is_a(thing, Slot):
            return self.constant(np.array(thing, dtype))
        key = thing.number, dtype
        if key not in self.scalars:
            made = f"np.array({self.word(thing)}, {literal(dtype)})"
            self.scalars[key] = self.names.new(f"{self.word(thing)}_{dtype.name}")
            self.line(f"{self.scalars[key]} = {made}")
        return self.scalars[key]

    def dtype_beside(self, thing: Any, step: Step) -> Any:
        """Return the dtype that the array beside a Python number gives it, None if not plain."""
        form = self.form(thing) if is_a(thing, Slot) else thing.__class__
        if form not in (float, int) or step.function not in PLAIN or step.settings:
            return None
        if form is int and not is_a(thing, Slot) and abs(thing) > 2**24:
            return None
        others = [arg for arg in step.args if arg is not thing]
        dtypes = {self.form(arg).dtype for arg in others if self.is_array(arg)}
        if len(others) != 1 or len(dtypes) != 1:
            return None
        dtype = dtypes.pop()
        return dtype if dtype.kind == "f" else None

    def function(self, function: Any) -> str:
        """Return what a function is called."""
        bound = self.terse and is_method(function, "reduce", "accumulate")
        return (not bound and known_name(function)) or self.constant(function)

    def expression(self, step: Step) -> str:
        """Return what gives the value of a step, in memory of its own or in that of an operand."""
        function, args, settings = step.function, step.args, step.settings
        choice = self.choice(step) if self.terse else None
        if choice is not None:
            return choice
        if step.of_numbers:
            return self.number(step)
        if args and is_a(args[0], np.random.Generator):
            return self.call(f"{self.word(args[0])}.{function.__name__}", step, skip=1)
        if function is programs.item:
            return f"{self.word(args[0])}.item()"
        words = SIGN_OF.get(function)
        if words is not None and not settings:
            return self.signs(words, args)
        if function is operator.getitem:
            return f"{self.word(args[0])}[{self.index(args[1])}]"
        if function is programs.astype and is_a(args[0], Slot) and self.is_of_numpy(args[0]):
            rest = [word for word in map(self.word, args[1:]) if word != "'K'"]
            return f"{self.word(args[0])}.astype({', '.join(rest)})"
        if args and self.is_array(args[0]):
            first = self.word(args[0])
            if function is np.transpose and len(args) == 1 and not settings:
                return f"{first}.T"
            if function is np.copy and len(args) == 1:
                return f"{first}.copy({literal(settings.get('order', 'K'))})"
            method = METHODS.get(function)
            if method and not set(settings) - {"axis", "keepdims", "dtype", "order", "where"}:
                return self.call(f"{first}.{method}", step, skip=1)
        return self.call(self.function(function), step)

    def choice(self, step: Step) -> str | None:
        """Return what a comparison of a truth of NumPy's with one of Python's comes to.

        NumPy makes arrays of both. None, if a step is something else.
        """
        if step.function not in (operator.eq, operator.ne):
            return None
        known = [arg for arg in step.args if is_a(arg, np.bool_)]
        others = [arg for arg in step.args if is_a(arg, Slot) and self.form(arg) is bool]
        if len(known) != 1 or len(others) != 1:
            return None
        equal = bool(known[0]) is (step.function is operator.eq)
        yes, no = self.constant(np.bool_(equal)), self.constant(np.bool_(not equal))
        return f"{yes} if {self.word(others[0])} else {no}"

    def signs(self, sign: str, args: tuple[Any, ...]) -> str:
        """Return a call of an operator."""
        words = [self.word(arg) for arg in args]
        if sign == "**" and words[0].startswith("-"):
            words[0] = f"({words[0]})"
        return f"{sign}{words[0]}" if len(words) == 1 else f"{words[0]} {sign} {words[1]}"

    def number(self, step: Step) -> str:
        """Return a call of numbers, with the meaning of `call_of_numbers`."""
        function, args = step.function, step.args
        sign = SIGNS.get(function.__name__) if is_a(function, BUILTIN) else None
        if sign is not None and getattr(operator, function.__name__) is function:
            text = self.signs(sign, args)
            if step.form is bool or (step.form is float and sign != "**"):
                return text
            if step.form is int and sign in ("+", "-", "*"):
                return f"{self.constant(to_number)}({text})"
        if function is bool:
            return self.call("bool", step)
        call, known = self.constant(call_of_numbers), self.function(function)
        given, settings = row([*map(self.word, args)], ()), self.settings(step)
        return f"{call}({known}, {given}, {settings})"

    def settings(self, step: Step) -> str:
        """Return the settings of a step as a dict is written."""
        pairs = [f"{key!r}: {self.word(value)}" for key, value in step.settings.items()]
        return "{" + ", ".join(pairs) + "}"

    def form(self, slot: Slot) -> Any:
        """Return the form of a value."""
        return self.plan.forms[slot.number]

    def line(self, text: str, step: Step | None = None) -> None:
        """Write a line, with a comment on the value of a step."""
        self.source.lines.append((text, "" if step is None else comment_of(step.form)))


def comment_of(form: Any) -> str:
    """Return what a comment says of a value.

    >>> comment_of(Form((2, 3), np.dtype("float32"))), comment_of(float)
    ('(2, 3) float32', 'float')
    """
    if form.__class__ is type:
        return form.__name__
    if is_a(form, tuple):
        return ", ".join(map(comment_of, form))
    dtype = getattr(form.dtype, "name", None) or form.dtype.__name__
    return f"{form.shape} {dtype}" if form.shape else f"{dtype}"


def wish_for(thing: Any) -> str:
    """Return what to call a constant.

    >>> wish_for(np.ones(3)), wish_for(np.arange(3)), wish_for(np.array([0.5])), wish_for(print)
    ('ones', 'counts', 'c', 'print')
    """
    if is_a(thing, np.ndarray):
        made = array_text(thing).removeprefix("np.").partition("(")[0] if thing.size < 9999 else ""
        return {"ones": "ones", "zeros": "zeros", "arange": "counts"}.get(made, "c")
    if is_a(thing, np.random.Generator):
        return "rng"
    if is_method(thing, "reduce", "accumulate"):
        return f"{thing.__self__.__name__}_{thing.__name__}"
    name = getattr(thing, "__name__", None) or getattr(thing, "name", None)
    return name if isinstance(name, str) else "c"
