"""Steps: each call of a tape as what it comes to, for arrays whose forms and layouts are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import (
    REDUCTIONS,
    UFUNCS,
    WRITTEN,
    gives_new,
    operator,
)
from micrograd.compiler.lowering.arrays.layouts import UNKNOWN, order_of, shares
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Slot, is_a, mapped
from micrograd.compiler.recording.tape import Tape, slots_in

GIVES, FILLS, WRITES = "gives", "fills", "writes"
"""How a step makes its value: the function gives it; it is told by `out=` what memory to fill; it
writes to an array that holds the values of `base`."""


@dataclass
class Step:
    """One call that is made.

    Attributes:
        slot: the value that comes of it.
        function: what is called.
        args: what it is given by position; a `Slot` stands for a value.
        settings: what it is given by name, likewise.
        form: that of the value.
        backward: whether it belongs to a backward pass.
        manner: `GIVES`, `FILLS` or `WRITES`.
        base: of `FILLS` with a `where` and of `WRITES`, the value that is written to.
        pure: whether it may be left out, or made once for two.
        view: the value in whose memory this one lies, a `Slot` or a constant; `UNKNOWN`, if it may
            be that of anything; None, if it lies in memory of its own.
        of_numbers: whether it means what `call_of_numbers` does.
        stored: the slot of the input into whose memory the value is written at once.
    """

    slot: int
    function: Any
    args: tuple[Any, ...]
    settings: dict[str, Any]
    form: Any
    backward: bool = False
    manner: str = GIVES
    base: Slot | None = None
    pure: bool = True
    view: Any = None
    of_numbers: bool = False
    stored: int | None = None

    def uses(self) -> list[int]:
        """Return the slots that it reads, each as often as it does."""
        return slots_in((self.base, self.args, self.settings))


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        steps: the calls, in order.
        outputs: the values wanted: `Slot`s, or constants.
        stores: pairs of a value (a `Slot` or a constant) and the input that it is written to.
        checks: pairs of a value and what it has to be.
        inputs: the slots of the inputs.
        models: for each slot an array that lies in memory as its value will, or `UNKNOWN`.
        shown: the same for views of what was a copy, and is one with the original now.
        forms: those of all slots.
        recorded: how many calls there were.
    """

    steps: list[Step]
    outputs: list[Any]
    stores: list[tuple[Any, int]]
    checks: list[tuple[Any, Any]]
    inputs: list[int]
    models: dict[int, Any]
    forms: list[Any]
    recorded: int
    shown: dict[int, Any] = field(default_factory=dict[int, Any])


def step_of(tape: Tape, slot: int, models: dict[int, Any], now: Any, pure: bool) -> Step:
    """Return a call as a step: operators as functions of NumPy's, writing as writing.

    Args:
        tape: what was recorded.
        slot: of the value that the call gave.
        models: of all values that it was given, and of its own.
        now: what stands for a slot by now.
        pure: whether the call may be left out.
    """
    function, form, args = tape.operations[slot], tape.forms[slot], tape.arguments[slot]
    of_numbers = tape.has_plain_slots(slot)
    if of_numbers:
        args = tuple([Slot(i) for i in args])
    used = slots_in((args, tape.settings[slot]))
    given: Any = mapped(
        (args, tape.settings[slot]), lambda leaf: now(leaf.number) if is_a(leaf, Slot) else leaf
    )
    step = Step(slot, function, given[0], given[1], form, tape.backward[slot], pure=pure)
    step.of_numbers = of_numbers
    if getattr(function, "__hash__", None) is None:
        step.function = function.__call__
    if models[slot] is UNKNOWN:
        step.view = None if pure and gives_new(function) else UNKNOWN
    else:
        step.view = next((now(i) for i in used if shares(models[i], models[slot])), None)
    if function is programs.into and is_a(step.args[0], Slot):
        base, step.function, *args = step.args
        plain = "where" not in step.settings and order_of(models[slot])
        step.base = None if plain else base
        step.args, step.manner = tuple(args), FILLS
    elif function is programs.written and is_a(step.args[1], Slot):
        step.function, base, *args = step.args
        if step.function in WRITTEN and order_of(models[slot]):
            step.function, step.manner = WRITTEN[step.function], FILLS
            step.args = (base, *args)
        else:
            step.base, step.args, step.manner = base, tuple(args), WRITES
    elif step.pure and is_a(form, programs.Form):
        _say_plainly(step, tape.forms)
    return step


def _say_plainly(step: Step, forms: list[Any]) -> None:
    """Call what an operator or a wrapper of NumPy's comes to for arrays."""
    function, args, settings = step.function, step.args, step.settings
    if function is np.transpose and args[1:] == (None,):
        step.args = args[:1]
    elif (
        function in REDUCTIONS and is_a(args[0], Slot) and len(args) <= 2 and "out" not in settings
    ):
        step.function, step.args = REDUCTIONS[function], args[:1]
        step.settings = {"axis": args[1] if len(args) == 2 else None, **settings}
    elif step.form.shape and all(is_a(i, Slot, np.ndarray, np.generic, int, float) for i in args):
        if function in UFUNCS:
            step.function = UFUNCS[function]
        elif function is operator.pow and _is_square(args, step.form, forms):
            step.function, step.args = np.square, args[:1]


def _is_square(args: tuple[Any, ...], form: Any, forms: list[Any]) -> bool:
    two = args[1].__class__ in (int, float) and args[1] == 2
    return two and is_a(args[0], Slot) and forms[args[0].number] == form
