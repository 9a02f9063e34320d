"""Source: the lines of Python that a program is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import depends_on_numbers, is_ufunc, operator
from micrograd.compiler.lowering.arrays.layouts import order_of
from micrograd.compiler.lowering.arrays.memory import (
    BUFFER,
    OWN,
    SAME,
    STATIC,
    Memory,
    Place,
    fill_of,
)
from micrograd.compiler.lowering.arrays.steps import GIVES, WRITES, Plan, Step
from micrograd.compiler.lowering.arrays.words import BUILTIN, METHODS, Source, Words, comment_of
from micrograd.compiler.lowering.names import literal, row
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Form, Slot, is_a


class Writer(Words):
    """Writes a plan as lines of Python.

    Args:
        plan: what is to be done.
        memory: where the values lie.
        wishes: names for slots.
        terse: whether to write what is faster, and not so well to read.
    """

    def __init__(
        self, plan: Plan, memory: Memory, wishes: Mapping[int, str], terse: bool = False
    ) -> None:
        super().__init__(plan, wishes, terse)
        self.memory = memory
        self.count = 0
        self.buffers: dict[int, dict[tuple[int, ...], str]] = {}
        self.views: dict[str, str] = {}

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
            self.copy(name, step.base)
        if step.manner is WRITES:
            self.line(self.writing(name, step), step)
        elif constant is not None:
            self.line(f"{name}.fill({self.word(constant)})", step)
        elif step.manner is GIVES and function in (np.copy, programs.astype):
            self.copy(name, step.args[0], step)
        elif step.manner is GIVES and function in METHODS and self.is_array(step.args[0]):
            method = f"{self.word(step.args[0])}.{METHODS[function]}"
            self.line(self.call(method, step, f"out={name}", skip=1), step)
        else:
            out = name if self.terse and takes_last(step) else f"out={name}"
            self.line(self.call(self.function(function), step, out), step)

    def copy(self, name: str, thing: Any, step: Step | None = None) -> None:
        """Write what copies the elements of an array to memory, of another dtype or not."""
        self.line(f"{name}[...] = {self.word(thing)}", step)

    def writing(self, name: str, step: Step) -> str:
        """Return what writes to the array of a step."""
        if step.function is operator.setitem:
            return f"{name}[{self.index(step.args[0])}] = {self.word(step.args[1])}"
        words = ", ".join([name, *map(self.word, step.args)])
        more = [f", {key}={self.word(value)}" for key, value in step.settings.items()]
        return f"{self.function(step.function)}({words}{''.join(more)})"

    # Names and memory

    def new_name(self, step: Step) -> str:
        """Give the value of a step a name, and return that."""
        self.name_of[step.slot] = name = self.made_name(step)
        return name

    def made_name(self, step: Step) -> str:
        """Return a new name for the value of a step: the wished one, or t1, t2 and so on."""
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
        """Return what makes memory for the value of a step."""
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
        elif step.manner is GIVES and depends_on_numbers(step.function, step.args, self.form):
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
        """Write what notices that Python would go another way for a value."""
        for value, wanted in self.plan.checks:
            if is_a(value, Slot) and value.number == slot:
                name = self.name_of[slot]
                wrong = {False: name, True: f"not {name}"} if wanted.__class__ is bool else {}
                differs = wrong.get(wanted, f"{name} != {self.word(wanted)}")
                self.line(f"if {differs}: return None")

    def write(self) -> Source:
        """Return the whole program."""
        for slot in self.plan.inputs:
            self.check(slot)
        steps = self.plan.steps
        late = max([i + 1 for i, step in enumerate(steps) if step.stored is None], default=0)
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
        """Tell whether a value is an array, in memory that can be written to."""
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


def takes_last(step: Step) -> bool:
    """Tell whether a function takes its `out` as the last argument by position, which is faster."""
    function = step.function
    known = is_ufunc(function) or function is np.matmul
    return known and not step.settings and function not in (np.maximum, np.minimum)


def keeps_class(step: Step) -> bool:
    """Tell whether a call of numbers always gives a number of the class that it gave."""
    function = step.function
    if not is_a(function, BUILTIN) or function is operator.pow:
        return step.function in (bool, float)
    return step.form is not int
