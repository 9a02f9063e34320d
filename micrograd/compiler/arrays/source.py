"""Source: the lines of Python that a program is, and what they refer to."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrograd.compiler import programs
from micrograd.compiler.arrays.calls import UFUNCS, depends_on_numbers
from micrograd.compiler.arrays.layouts import order_of
from micrograd.compiler.arrays.memory import BUFFER, OWN, SAME, STATIC, Memory, Place, fill_of
from micrograd.compiler.arrays.names import Names, array_text, known_name, literal, row
from micrograd.compiler.arrays.passes import GIVES, WRITES, Plan, Step
from micrograd.compiler.programs import SIGNS, Form, Slot, is_a
from micrograd.compiler.tape import call_of_numbers
from micrograd.core.numbers import to_number

SIGN_OF: dict[Any, str] = {
    function: SIGNS[operation.__name__]
    for operation in [*UFUNCS, operator.pow]
    if operation.__name__ in SIGNS
    for function in (operation, UFUNCS.get(operation, operation))
}
"""How the operators are written, and the functions of NumPy's that they call."""

METHODS = {
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


class Writer:
    """Writes a plan as lines of Python."""

    def __init__(self, plan: Plan, memory: Memory, wishes: Mapping[int, str]) -> None:
        self.plan, self.memory, self.wishes = plan, memory, wishes
        self.count = 0
        self.buffers: dict[int, dict[tuple[int, ...], str]] = {}
        self.views: dict[str, str] = {}
        self.names = Names()
        self.name_of: dict[int, str] = {}
        self.hoisted: dict[Any, str] = {}
        for i, slot in enumerate(plan.inputs):
            self.name_of[slot] = self.names.new(wishes.get(slot, f"x{i + 1}"))
        self.source = Source([self.name_of[slot] for slot in plan.inputs])

    # Words

    def word(self, thing: Any) -> str:
        """Return how a value or a constant is written."""
        if is_a(thing, Slot):
            return self.name_of[thing.number]
        if is_a(thing, tuple, list):
            return row([self.word(part) for part in thing], thing)
        if is_a(thing, slice):
            return f"slice({', '.join(map(self.word, (thing.start, thing.stop, thing.step)))})"
        return literal(thing) or self.constant(thing)

    def constant(self, thing: Any) -> str:
        """Return the name of a constant that has a line of its own."""
        key: Any = id(thing)
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
        form = self.plan.forms[thing.number] if is_a(thing, Slot) else None
        return is_a(form, Form) and bool(form.shape)

    def call(self, function: str, step: Step, *more: str, skip: int = 0) -> str:
        """Return a call with the arguments of a step."""
        words = [self.word(arg) for arg in step.args[skip:]]
        words += [f"{key}={self.word(value)}" for key, value in step.settings.items()]
        return f"{function}({', '.join([*words, *more])})"

    def function(self, function: Any) -> str:
        return known_name(function) or self.constant(function)

    # Steps

    def expression(self, step: Step) -> str:
        """Return what gives the value of a step, in memory of its own or in that of an operand."""
        function, args, settings = step.function, step.args, step.settings
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
        if args and self.is_array(args[0]):
            first = self.word(args[0])
            if function is np.transpose and len(args) == 1 and not settings:
                return f"{first}.T"
            if function is np.copy and len(args) == 1:
                return f"{first}.copy({literal(settings.get('order', 'K'))})"
            if function is programs.astype:
                rest = [a for a in map(self.word, args[1:]) if a != "'K'"]
                return f"{first}.astype({', '.join(rest)})"
            method = METHODS.get(function)
            if function is np.transpose:
                method = "transpose"
            if method and "out" not in settings:
                return self.call(f"{first}.{method}", step, skip=1)
        return self.call(self.function(function), step)

    def signs(self, sign: str, args: tuple[Any, ...]) -> str:
        """Return a call of an operator."""
        words = [self.word(arg) for arg in args]
        if sign == "**" and words[0].startswith("-"):
            words[0] = f"({words[0]})"
        return f"{sign}{words[0]}" if len(words) == 1 else f"{words[0]} {sign} {words[1]}"

    def number(self, step: Step) -> str:
        """Return a call of numbers, with the meaning of `call_of_numbers`."""
        function, args = step.function, step.args
        sign = SIGNS.get(function.__name__) if is_a(function, type(operator.add)) else None
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
        pairs = [f"{key!r}: {self.word(value)}" for key, value in step.settings.items()]
        return "{" + ", ".join(pairs) + "}"

    def step(self, step: Step) -> None:
        """Write the lines of a step."""
        place = self.memory.places.get(step.slot, Place(OWN))
        if place.kind is STATIC:
            self.static_view(step)
            return
        if place.kind is OWN:
            self.own(step)
        else:
            self.name_of[step.slot] = name = self.name_at(place, step)
            self.fill(name, step, place.kind is SAME)
        self.guard(step)

    def name_at(self, place: Place, step: Step) -> str:
        """Return the name of the memory at a place."""
        return (
            self.buffer(place.number, step) if place.kind is BUFFER else self.name_of[place.number]
        )

    def own(self, step: Step) -> None:
        """Write a step whose value lies in memory of its own, made at each call."""
        if step.manner is GIVES:
            text = self.expression(step)
            self.line(f"{self.new_name(step)} = {text}", step)
        elif step.base is not None:
            base = self.word(step.base)
            self.line(f"{self.new_name(step)} = {base}.copy('K')")
            self.fill(self.name_of[step.slot], step, True)
        else:
            made = self.empty(step, order_of(self.plan.models[step.slot]))
            self.line(f"{self.new_name(step)} = {made}")
            self.fill(self.name_of[step.slot], step, True)

    def fill(self, name: str, step: Step, holds: bool) -> None:
        """Write a step whose value lies in memory that there is, and `holds` its base, or not."""
        function, constant = step.function, fill_of(step)
        if step.base is not None and not holds:
            self.line(f"np.copyto({name}, {self.word(step.base)})")
        if step.manner is WRITES:
            self.line(self.writing(name, step), step)
        elif constant is not None:
            self.line(f"{name}.fill({self.word(constant)})", step)
        elif step.manner is GIVES and function in (np.copy, programs.astype):
            unsafe = "" if function is np.copy else ', casting="unsafe"'
            self.line(f"np.copyto({name}, {self.word(step.args[0])}{unsafe})", step)
        elif step.manner is GIVES and function in METHODS and self.is_array(step.args[0]):
            method = f"{self.word(step.args[0])}.{METHODS[function]}"
            self.line(self.call(method, step, f"out={name}", skip=1), step)
        else:
            self.line(self.call(self.function(function), step, f"out={name}"), step)

    def writing(self, name: str, step: Step) -> str:
        """Return what writes to the array of a step."""
        if step.function is operator.setitem:
            return f"{name}[{self.index(step.args[0])}] = {self.word(step.args[1])}"
        words = ", ".join([name, *map(self.word, step.args)])
        more = [f", {key}={self.word(value)}" for key, value in step.settings.items()]
        return f"{self.function(step.function)}({words}{''.join(more)})"

    # Names and memory

    def new_name(self, step: Step) -> str:
        self.name_of[step.slot] = name = self.made_name(step)
        return name

    def made_name(self, step: Step) -> str:
        wish = self.wishes.get(step.slot)
        if wish is None:
            self.count += 1
            wish = f"t{self.count}"
        return self.names.new(wish)

    def buffer(self, number: int, step: Step) -> str:
        """Return the name of a buffer in the shape of a value."""
        shape = step.form.shape
        order = self.memory.buffers[number][2]
        views = self.buffers.setdefault(number, {})
        if shape not in views:
            name = self.made_name(step)
            first = next(iter(views.values()), None)
            if first is None:
                text = self.empty(step, order)
            else:
                text = f"{first}.reshape({shape}{', order=' + repr(order) if order == 'F' else ''})"
            self.source.made.append((f"{name} = {text}", ""))
            views[shape] = name
        return views[shape]

    def empty(self, step: Step, order: str) -> str:
        dtype = np.dtype(step.form.dtype)
        more = "" if dtype == np.float64 else f", {literal(dtype)}"
        more += ', order="F"' if order == "F" else ""
        return f"np.empty({step.form.shape}{more})"

    def static_view(self, step: Step) -> None:
        """Write a view of a buffer among the lines that are run once."""
        text = self.expression(step)
        if text not in self.views:
            self.views[text] = self.made_name(step)
            note = comment_of(step.form)
            self.source.made.append((f"{self.views[text]} = {text}", note))
        self.name_of[step.slot] = self.views[text]

    # Checks and what is returned

    def guard(self, step: Step) -> None:
        """Write what notices that a value has another form than it had."""
        name, form = self.name_of[step.slot], step.form
        if form.__class__ is type:
            if not keeps_class(step):
                self.line(f"if {name}.__class__ is not {form.__name__}: return None")
        elif step.manner is GIVES and (
            not step.pure or depends_on_numbers(step.function, step.args, self.form)
        ):
            self.line(f"if {self.differs(name, form)}: return None")
        self.check(step.slot)

    def differs(self, name: str, form: Any) -> str:
        """Return the question whether a value has another form."""
        if is_a(form, tuple):
            parts = [self.differs(f"{name}[{i}]", part) for i, part in enumerate(form)]
            return " or ".join([f"len({name}) != {len(form)}", *parts])
        if form.dtype.__class__ is type:
            return f"{name}.__class__ is not {form.dtype.__name__}"
        dtype = literal(np.dtype(form.dtype))
        return f"np.shape({name}) != {form.shape} or {name}.dtype != {dtype}"

    def check(self, slot: int) -> None:
        for value, wanted in self.plan.checks:
            if is_a(value, Slot) and value.number == slot:
                self.line(f"if {self.name_of[slot]} != {self.word(wanted)}: return None")

    def form(self, slot: Slot) -> Any:
        return self.plan.forms[slot.number]

    def write(self) -> Source:
        """Return the whole program."""
        for slot in self.plan.inputs:
            self.check(slot)
        steps = self.plan.steps
        late = next((i for i, step in enumerate(steps) if step.stored is not None), len(steps))
        forward = True
        for step in steps[:late]:
            if step.backward and forward:
                self.source.lines.append(("", "# the backward pass"))
            forward = not step.backward
            self.step(step)
        results = [self.result(i, output) for i, output in enumerate(self.plan.outputs)]
        held = [self.held(value) for value, _ in self.plan.stores]
        for step in steps[late:]:
            self.step(step)
        for text, (_, place) in zip(held, self.plan.stores, strict=True):
            self.line(f"{self.name_of[place]}[...] = {text}")
        self.line(f"return {row(results, ())}")
        return self.source

    def result(self, i: int, output: Any) -> str:
        """Return how an output is returned, after a copy of what is not its own."""
        word = self.word(output)
        if i not in self.memory.copied or not self.has_memory(output):
            return word
        copied = self.names.new(f"{word}_copy" if word.isidentifier() else "copied")
        self.line(f"{copied} = {word}.copy('K')")
        return copied

    def has_memory(self, thing: Any) -> bool:
        if is_a(thing, Slot):
            return is_a(self.form(thing), Form)
        return is_a(thing, np.ndarray)

    def held(self, value: Any) -> str:
        """Return how a value is written to an input, after a copy of what may be written before."""
        word = self.word(value)
        if is_a(value, Slot) and self.has_memory(value) and not self.memory.is_made(value.number):
            held = self.names.new("held")
            self.line(f"{held} = {word}.copy('K')")
            return held
        return word

    def line(self, text: str, step: Step | None = None) -> None:
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
    name = getattr(thing, "__name__", None) or getattr(thing, "name", None)
    return name if is_a(name, str) else "c"


def keeps_class(step: Step) -> bool:
    """Tell whether a call of numbers always gives a number of the class that it gave."""
    function = step.function
    if not is_a(function, type(operator.add)) or function is operator.pow:
        return step.function in (bool, float)
    return step.form is not int
