"""Passes: from what was recorded to the steps that are needed, each computed once.

Nothing here reorders arithmetic: each step that stays computes the bits that it computed.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd.compiler import programs
from micrograd.compiler.arrays.calls import (
    NEW,
    PRODUCTS,
    REDUCTIONS,
    UFUNCS,
    WRITTEN,
    is_pure,
    is_ufunc,
)
from micrograd.compiler.arrays.layouts import UNKNOWN, lies_alike, models_of, order_of, root_of
from micrograd.compiler.programs import Slot, is_a, mapped
from micrograd.compiler.tape import Tape, slots_in

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


def plan(
    tape: Tape,
    outputs: Sequence[int],
    stores: Mapping[int, int],
    strides: Mapping[int, tuple[int, ...]],
) -> Plan:
    """Return what has to be done to get outputs, and what to store.

    Args:
        tape: what was recorded.
        outputs: the slots wanted, in order.
        stores: for slots, the inputs to which their values are written.
        strides: those of the inputs that are not in C order.
    """
    calls = [slot for slot in range(len(tape)) if tape.is_call(slot)]
    kept = [slot for slot in calls if not _is_pure(tape, slot)]
    live = tape.live([*outputs, *stores, *kept])
    models = models_of(tape, live, strides)
    made = Plan([], [], [], [], tape.inputs, models, list(tape.forms), len(calls))
    leaf_of: dict[int, Any] = {}

    def now(slot: int) -> Any:
        return leaf_of.get(slot, tape.constants.get(slot, Slot(slot)))

    seen: dict[Any, int] = {}
    for slot in live:
        if not tape.is_call(slot):
            continue
        step = _step(tape, slot, models, now)
        same = _same_as(step, models)
        key = _key(step) if step.pure and step.function not in NEW else None
        if same is not None:
            leaf_of[slot] = same
        elif key is not None and key in seen:
            leaf_of[slot] = Slot(seen[key])
        else:
            if step.function in PRODUCTS:
                _apart(made, step, tape)
            made.steps.append(step)
            if key is not None:
                seen[key] = slot
    made.outputs = [now(slot) for slot in outputs]
    made.stores = [(now(slot), place) for slot, place in stores.items()]
    made.checks = [(now(slot), value) for slot, value in tape.checks]
    _drop_dead(made)
    _store_at_once(made)
    return made


def _is_pure(tape: Tape, slot: int) -> bool:
    return is_pure(tape.operations[slot], (tape.arguments[slot], tape.settings[slot]))


def _step(tape: Tape, slot: int, models: dict[int, Any], now: Any) -> Step:
    """Return a call as a step: operators as functions of NumPy's, writing as writing."""
    function, form, args = tape.operations[slot], tape.forms[slot], tape.arguments[slot]
    of_numbers = tape.has_plain_slots(slot)
    if of_numbers:
        args = tuple([Slot(i) for i in args])
    used = slots_in((args, tape.settings[slot]))
    given: Any = mapped(
        (args, tape.settings[slot]), lambda leaf: now(leaf.number) if is_a(leaf, Slot) else leaf
    )
    step = Step(slot, function, *given, form, tape.backward[slot], pure=_is_pure(tape, slot))
    step.of_numbers = of_numbers
    if models[slot] is UNKNOWN:
        step.view = UNKNOWN
    else:
        step.view = next((now(i) for i in used if _share(models[i], models[slot])), None)
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
    if function in REDUCTIONS and is_a(args[0], Slot) and len(args) <= 2 and "out" not in settings:
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


# What comes to the same as an operand


def _same_as(step: Step, models: dict[int, Any]) -> Slot | None:
    """Return the operand that a step gives unchanged, laid out alike: a product with 1, a copy.

    A view that shows the whole of it as it is counts, too.
    """
    if step.manner is not GIVES or not step.pure or not step.args:
        return None
    first, operand = step.args[0], None
    if is_a(step.view, Slot):
        whole, part = models[step.view.number], models[step.slot]
        same = lies_alike(whole, part) and _address(whole) == _address(part)
        return step.view if same else None
    if step.function is np.multiply and not step.settings and len(step.args) == 2:
        operand = first if _is_one(step.args[1]) else step.args[1] if _is_one(first) else None
    elif step.function is np.true_divide and not step.settings:
        operand = first if _is_one(step.args[1]) else None
    elif step.function in (np.copy, np.positive, programs.astype, np.ascontiguousarray):
        operand = first
    if is_a(operand, Slot) and lies_alike(models[operand.number], models[step.slot]):
        return operand
    return None


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def _is_one(thing: Any) -> bool:
    if is_a(thing, np.ndarray):
        return thing.dtype.kind in "fiub" and 0 < thing.size <= 4096 and bool((thing == 1).all())
    return is_a(thing, int, float, np.number) and bool(thing == 1)


# What two calls have in common


def _key(step: Step) -> Any:
    """Return what two steps that give the same value have in common, None if nobody can tell."""
    parts = step.function, step.args, step.settings, step.base
    key = _frozen((*parts, step.manner, step.form))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(thing: Any) -> Any:
    if is_a(thing, tuple, list):
        return (thing.__class__, *map(_frozen, thing))
    if is_a(thing, dict):
        return (dict, *[(name, _frozen(part)) for name, part in thing.items()])
    if is_a(thing, slice):
        return (slice, _frozen(thing.start), _frozen(thing.stop), _frozen(thing.step))
    if is_a(thing, np.ndarray):
        if thing.dtype.hasobject or thing.nbytes > 65536:
            return (np.ndarray, id(thing))
        return (np.ndarray, thing.dtype, thing.shape, thing.strides, thing.tobytes())
    if is_a(thing, int, float, complex, np.generic):
        return (thing.__class__, repr(thing))  # 1, 1.0 and True differ; so do 0.0 and -0.0
    return thing


# Products of an array with itself


def _apart(made: Plan, step: Step, tape: Tape) -> None:
    """Let no product of two arrays become that of an array with itself.

    NumPy computes `x @ x.T` in another way than `x @ y.T`. Where y was a copy of x, or computed
    twice, and is one with it now, the product gets a copy of its own.
    """
    before = [made.models[i] for i in slots_in(tape.arguments[step.slot])]
    now = [made.models[arg.number] for arg in step.args if is_a(arg, Slot)]
    if len(before) != 2 or len(now) != 2 or _share(*before) or not _share(*now):
        return
    place = max(i for i, arg in enumerate(step.args) if is_a(arg, Slot))
    copied, slot = step.args[place], len(made.forms)
    made.forms.append(made.forms[copied.number])
    made.models[slot] = np.empty_like(now[1])
    settings: dict[str, Any] = {"order": "K"}
    made.steps.append(Step(slot, np.copy, (copied,), settings, made.forms[slot], step.backward))
    step.args = (*step.args[:place], Slot(slot), *step.args[place + 1 :])


def _share(a: Any, b: Any) -> bool:
    return is_a(a, np.ndarray) and is_a(b, np.ndarray) and root_of(a) == root_of(b)


def _drop_dead(made: Plan) -> None:
    """Leave out the steps that nothing depends on."""
    leaves = [*made.outputs, *[value for value, _ in made.stores], *[v for v, _ in made.checks]]
    needed = set(slots_in(leaves))
    kept: list[Step] = []
    for step in reversed(made.steps):
        if step.slot in needed or not step.pure:
            needed.update(step.uses())
            kept.append(step)
    made.steps[:] = kept[::-1]


# What is written to inputs


def _store_at_once(made: Plan) -> None:
    """Let steps write to the inputs to which their values are stored, at the very end.

    Such a step goes element by element, nothing else reads its value, and no step after it reads
    what was in the input before.
    """
    readers = Counter(i for step in made.steps for i in step.uses())
    readers.update(slots_in([*made.outputs, *[value for value, _ in made.stores]]))
    step_of = {step.slot: step for step in made.steps}
    written: set[int] = set()
    late: list[Step] = []
    left: list[tuple[Any, int]] = []
    for value, place in made.stores:
        step = step_of.get(value.number) if is_a(value, Slot) else None
        if (
            step is not None
            and readers[step.slot] == 1
            and step.base is None
            and step.pure
            and is_ufunc(step.function)
            and "where" not in step.settings
            and not {_memory_of(i, step_of) for i in step.uses()} & written
            and lies_alike(made.models[step.slot], made.models[place])
        ):
            step.stored = place
            written.add(place)
            late.append(step)
        else:
            left.append((value, place))
    made.steps[:] = [step for step in made.steps if step.stored is None] + late
    made.stores[:] = left


def _memory_of(slot: int, step_of: dict[int, Step]) -> int:
    """Return the slot in whose memory a value lies."""
    while slot in step_of and is_a(step_of[slot].view, Slot):
        slot = step_of[slot].view.number
    return slot
