"""The tape: every call that was made while a function was recorded, in order, as plain data.

What is recorded is a list of values. Each has a number, its slot. It is an input, a constant, or
what a call gave. Values are of two sorts, told apart by `forms`: Python numbers, whose form is
their class, and arrays, whose form is a `Form`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from micrograd.compiler.recording.programs import Form, Instruction, Slot, is_a, mapped
from micrograd.core.numbers import compute, to_number
from micrograd.core.op import Op
from micrograd.ops.rows import BY_ELEMENT

INPUT, CONSTANT = "input", "constant"
"""What `Tape.operations` says of a value that no call gave."""


class ByElement(NamedTuple):
    """What stands in a pickle for a function of arrays that calls another for each element."""

    function: Callable[..., Any]


class Tape:
    """What was recorded.

    Attributes:
        operations: for each slot, what gave the value: `INPUT`, `CONSTANT`, or what was called.
            Numbers: a function of `operator` where Python itself computed, which raises errors as
            Python does; an `Op` of this library, which computes by IEEE-754 (`call_of_numbers`).
            Arrays: a function of NumPy's, of `operator` or of `programs`, or any other function,
            which is called as it is.
        arguments: for each slot, what the call was given. Of a call of numbers, and of what Python
            asks of an array to go one way or another, these are slots, as plain ints. Of a call of
            arrays they are what it was given by position, in which `Slot`s stand for values;
            numbers among them, too. Of an input or a constant it is ().
        settings: for each slot, what the call was given by name, likewise.
        forms: for each slot, `float`, `int` or `bool`, or a `Form`, or a tuple of forms of a call
            that gave several arrays, whose parts are calls of `operator.getitem`.
        constants: the values of the constants, by their slots.
        checks: pairs of a slot and what its value has to be, for the program to be right.
        draws: the slots of calls of random generators, which are made whether needed or not.
        backward: for each slot, whether the call was made in a backward pass.
    """

    __slots__ = (
        *("arguments", "backward", "checks", "constants", "draws", "forms", "inputs"),
        *("operations", "settings"),
    )

    def __init__(self) -> None:
        self.operations: list[Any] = []
        self.arguments: list[tuple[Any, ...]] = []
        self.settings: list[dict[str, Any]] = []
        self.forms: list[Any] = []
        self.backward: list[bool] = []
        self.constants: dict[int, Any] = {}
        self.inputs: list[int] = []
        self.checks: list[tuple[int, Any]] = []
        self.draws: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__slots__}
        state["operations"] = [
            ByElement(BY_ELEMENT[what]) if is_a(what, np.ufunc) and what in BY_ELEMENT else what
            for what in self.operations
        ]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        known = {INPUT: INPUT, CONSTANT: CONSTANT}  # the very ones
        self.operations = [
            known[what] if what.__class__ is str else what for what in self.operations
        ]
        ufuncs = {function: ufunc for ufunc, function in BY_ELEMENT.items()}
        for slot, what in enumerate(self.operations):
            if what.__class__ is ByElement:
                self.operations[slot] = ufuncs[what.function]

    def __len__(self) -> int:
        return len(self.operations)

    def add(
        self,
        operation: Any,
        arguments: tuple[Any, ...],
        settings: dict[str, Any],
        form: Any,
        backward: bool = False,
    ) -> int:
        """Note a value, and return its slot."""
        self.operations.append(operation)
        self.arguments.append(arguments)
        self.settings.append(settings)
        self.forms.append(form)
        self.backward.append(backward)
        return len(self.operations) - 1

    def add_input(self, form: Any) -> int:
        """Note an input, and return its slot."""
        slot = self.add(INPUT, (), {}, form)
        self.inputs.append(slot)
        return slot

    def add_constant(self, value: Any, form: Any) -> int:
        """Note a constant, and return its slot."""
        slot = self.add(CONSTANT, (), {}, form)
        self.constants[slot] = value
        return slot

    def is_number(self, slot: int) -> bool:
        """Tell whether a value is a Python number."""
        return self.forms[slot].__class__ is type

    def is_call(self, slot: int) -> bool:
        """Tell whether a call gave a value."""
        return self.operations[slot].__class__ is not str

    def has_plain_slots(self, slot: int) -> bool:
        """Tell whether the arguments are slots as plain ints: those of a call of numbers are."""
        arguments = self.arguments[slot]
        return (
            bool(arguments) and arguments[0].__class__ is int and self.forms[slot].__class__ is type
        )

    def used_by(self, slot: int) -> Sequence[int]:
        """Return the slots that a call was given, each as often as it was."""
        arguments = self.arguments[slot]
        if not arguments or self.has_plain_slots(slot):
            return arguments
        return slots_in((arguments, self.settings[slot]))

    def live(self, outputs: Sequence[int]) -> list[int]:
        """Return the draws and the slots that outputs and checks depend on, in order."""
        needed = bytearray(len(self))
        for slot in (*outputs, *self.draws, *[slot for slot, _ in self.checks]):
            needed[slot] = True
        found: list[int] = []
        for slot in reversed(range(len(self))):
            if needed[slot]:
                found.append(slot)
                for other in self.used_by(slot):
                    needed[other] = True
        return found[::-1]

    def part(self, slots: Sequence[int]) -> tuple[Tape, dict[int, int]]:
        """Return some of the calls as a tape of their own, and the slots there by those here.

        What they use and is not among them becomes an input, as it comes first.

        Args:
            slots: in order.
        """
        part, at, inside = Tape(), dict[int, int](), set(slots)

        def there(leaf: Any) -> Any:
            return Slot(at[leaf.number]) if is_a(leaf, Slot) else leaf

        arguments, place_of = self.arguments, at.__getitem__
        for slot in slots:
            operation, form = self.operations[slot], self.forms[slot]
            plain = (
                form.__class__ is type and arguments[slot] and arguments[slot][0].__class__ is int
            )
            if plain and all([other in at for other in arguments[slot]]):  # the commonest
                given, settings = tuple(map(place_of, arguments[slot])), self.settings[slot]
                at[slot] = part.add(operation, given, settings, form, self.backward[slot])
                continue
            if operation is INPUT:
                at[slot] = part.add_input(form)
                continue
            if operation is CONSTANT:
                at[slot] = part.add_constant(self.constants[slot], form)
                continue
            given, settings = arguments[slot], self.settings[slot]
            for other in self.used_by(slot):
                if other not in at:
                    at[other] = part.add_input(self.forms[other])
            if self.has_plain_slots(slot):
                given = tuple(map(place_of, given))
            else:
                given, settings = mapped((given, settings), there)
            at[slot] = part.add(operation, given, settings, form, self.backward[slot])
        part.draws = [at[slot] for slot in self.draws if slot in inside]
        part.checks = [(at[slot], truth) for slot, truth in self.checks if slot in inside]
        return part, at

    def instruction(self, slot: int, at: dict[int, int]) -> Instruction:
        """Return a call as plain data.

        Args:
            slot: of the call.
            at: what the slots are called there; constants stand for themselves.
        """
        form: Any = self.forms[slot]
        arguments: Any = self.arguments[slot]
        if self.is_number(slot):
            form = Form((), form)
        if self.has_plain_slots(slot):
            return Instruction(
                self.operations[slot],
                tuple([Slot(at[i]) if i in at else self.constants[i] for i in arguments]),
                self.settings[slot],
                form,
            )
        given, settings = mapped(
            (arguments, self.settings[slot]),
            lambda leaf: Slot(at[leaf.number]) if is_a(leaf, Slot) else leaf,
        )
        return Instruction(self.operations[slot], given, settings, form)


def slots_in(thing: Any) -> list[int]:
    """Return the slots in what a call of arrays was given.

    >>> slots_in(((Slot(3), [1, Slot(2)]), {"axis": 0}))
    [3, 2]
    """
    found: list[int] = []
    _find_slots(thing, found)
    return found


def _find_slots(thing: Any, found: list[int]) -> None:
    kind = thing.__class__
    if kind is Slot:
        found.append(thing.number)
    elif is_a(thing, tuple, list):
        for part in thing:
            _find_slots(part, found)
    elif kind is dict and thing:
        _find_slots([*thing.values()], found)
    elif kind is slice:
        _find_slots([thing.start, thing.stop, thing.step], found)


def call_of_numbers(operation: Any, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """Return what a call of numbers gives: by IEEE-754 for an `Op`, by Python for others.

    An integer past 2⁵³ becomes a float; what Python makes complex becomes nan. A truth stays one
    where Python computes, and is an integer where an `Op` gives it.

    >>> import operator
    >>> from micrograd import divide
    >>> call_of_numbers(divide, [1.0, 0.0], {}), call_of_numbers(operator.gt, [1.0, 0], {})
    (inf, True)
    """
    if isinstance(operation, Op):
        return compute(operation, args, settings)
    result = operation(*args, **settings)
    if result.__class__ is float or result.__class__ is bool:
        return result
    return float("nan") if is_a(result, complex) else to_number(result)
