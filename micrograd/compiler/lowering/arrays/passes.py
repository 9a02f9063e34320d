"""Passes: from what was recorded to the steps that are needed, each computed once.

Nothing here reorders arithmetic: each step that stays computes the bits that it computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import NEW, PRODUCTS, is_pure, is_ufunc
from micrograd.compiler.lowering.arrays.layouts import Layout, lies_alike, models_of, shares
from micrograd.compiler.lowering.arrays.steps import GIVES, Plan, Step, step_of
from micrograd.compiler.lowering.arrays.stores import memory_of, store_at_once
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Form, Slot, form_of, is_a, mapped
from micrograd.compiler.recording.tape import Tape, slots_in


def plan(
    tape: Tape,
    outputs: Sequence[int],
    stores: Mapping[int, int],
    layouts: Mapping[int, Layout],
) -> Plan:
    """Return what has to be done to get outputs, and what to store.

    Args:
        tape: what was recorded.
        outputs: the slots wanted, in order.
        stores: for slots, the inputs to which their values are written.
        layouts: those of the inputs that are not arrays in C order.
    """
    calls = [slot for slot in range(len(tape)) if tape.is_call(slot)]
    effects = {slot for slot in calls if not _is_pure(tape, slot)}
    live = tape.live([*outputs, *stores, *stores.values(), *effects])
    models = models_of(tape, live, layouts)
    made = Plan([], [], [], [], tape.inputs, models, list(tape.forms), len(calls))
    leaf_of: dict[int, Any] = {}

    def now(slot: int) -> Any:
        return leaf_of.get(slot, tape.constants.get(slot, Slot(slot)))

    seen: dict[Any, int] = {}
    giving: dict[int, Step] = {}
    for slot in live:
        if not tape.is_call(slot):
            continue
        step = step_of(tape, slot, models, now, slot not in effects)
        _take_unspread(step, made, giving)
        same = _same_as(step, made, giving)
        key = _key(step) if step.pure and step.function not in NEW else None
        if same is not None:
            leaf_of[slot] = same
        elif key is not None and key in seen:
            leaf_of[slot] = Slot(seen[key])
        else:
            if step.function in PRODUCTS:
                _apart(made, step, tape, giving)
            made.steps.append(_as_outer(made, step))
            giving[slot] = step
            if key is not None:
                seen[key] = slot
    made.outputs = [now(slot) for slot in outputs]
    made.stores = [(now(slot), place) for slot, place in stores.items()]
    made.checks = [(now(slot), value) for slot, value in tape.checks]
    _drop_dead(made)
    store_at_once(made)
    return made


def _is_pure(tape: Tape, slot: int) -> bool:
    return is_pure(tape.operations[slot], (tape.arguments[slot], tape.settings[slot])) and (
        getattr(tape.forms[slot], "dtype", None) is not type(None)
    )


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


# What comes to the same as an operand


def _same_as(step: Step, made: Plan, giving: dict[int, Step]) -> Slot | None:
    """Return the operand that a step gives unchanged, laid out alike: a product with 1, a copy.

    A view that shows the whole of it as it is counts, too.
    """
    if step.manner is not GIVES or not step.pure or not step.args:
        return None
    first: Any = step.args[0]
    operand: Any = None
    if is_a(step.view, Slot):
        return _seen_before(step, made, giving)
    if step.function is np.multiply and not step.settings and len(step.args) == 2:
        operand = first if _is_one(step.args[1]) else step.args[1] if _is_one(first) else None
    elif step.function is np.true_divide and not step.settings:
        operand = first if _is_one(step.args[1]) else None
    elif step.function in (np.copy, np.positive, programs.astype, np.ascontiguousarray):
        operand = first
    if is_a(operand, Slot):
        given, new = made.models[operand.number], made.models[step.slot]
        numbers = is_a(given, np.generic) and given.__class__ is new.__class__
        if numbers or lies_alike(given, new):
            return operand
    return None


def _seen_before(step: Step, made: Plan, giving: dict[int, Step]) -> Slot | None:
    """Return the value that a view shows as it is: its operand, or what that is a view of."""
    models, shown = made.models, made.shown
    seen: Any = step.view
    if seen.number in shown or not shares(models[seen.number], models[step.slot]):
        args, settings = mapped(
            (step.args, step.settings),
            lambda i: shown.get(i.number, models[i.number]) if is_a(i, Slot) else i,
        )
        shown[step.slot] = step.function(*args, **settings)
    part = shown.get(step.slot, models[step.slot])
    while is_a(seen, Slot):
        whole = shown.get(seen.number, models[seen.number])
        if lies_alike(whole, part) and _address(whole) == _address(part):
            return seen
        seen = giving[seen.number].view if seen.number in giving else None
    return None


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def _is_one(thing: Any) -> bool:
    if is_a(thing, np.ndarray):
        return thing.dtype.kind in "fiub" and 0 < thing.size <= 4096 and bool((thing == 1).all())
    return is_a(thing, int, float, np.number) and bool(thing == 1)


# What an operand is the spread of


def _take_unspread(step: Step, made: Plan, giving: dict[int, Step]) -> None:
    """Take operands as they were before `broadcast_to`, where another has the whole shape."""
    if not is_ufunc(step.function) or step.manner is not GIVES or not is_a(step.form, Form):
        return
    for i, arg in enumerate(step.args):
        spread = giving.get(arg.number) if is_a(arg, Slot) else None
        if spread is None or spread.function is not np.broadcast_to:
            continue
        others = [*step.args[:i], *step.args[i + 1 :]]
        wide = any(made.forms[j].shape == step.form.shape for j in slots_in(others))
        if wide and is_a(spread.args[0], Slot) and made.forms[spread.args[0].number].shape:
            step.args = (*step.args[:i], spread.args[0], *step.args[i + 1 :])


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


def _apart(made: Plan, step: Step, tape: Tape, giving: dict[int, Step]) -> None:
    """Let no product of two arrays become that of an array with itself.

    NumPy computes `x @ x.T` in another way than `x @ y.T`. Where y was a copy of x, or computed
    twice, and is one with it now, the product gets a copy of its own.
    """
    before = [made.models[i] for i in slots_in(tape.arguments[step.slot])]
    now = [arg.number for arg in step.args if is_a(arg, Slot)]
    if len(before) != 2 or len(now) != 2 or shares(*before):
        return
    if memory_of(now[0], giving) != memory_of(now[1], giving):
        return
    place = max(i for i, arg in enumerate(step.args) if is_a(arg, Slot))
    copied = _before(made, step, np.copy, (step.args[place],), np.empty_like(before[1]))
    copied.settings = {"order": "K"}
    step.args = (*step.args[:place], Slot(copied.slot), *step.args[place + 1 :])


def _before(made: Plan, step: Step, function: Any, args: tuple[Any, ...], model: Any) -> Step:
    """Add a step of ours, before one that was recorded, and return it."""
    slot, form = len(made.forms), form_of(model)
    made.forms.append(form)
    made.models[slot] = model
    made.steps.append(Step(slot, function, args, {}, form, step.backward))
    return made.steps[-1]


def _as_outer(made: Plan, step: Step) -> Step:
    """Return the product of a column and a row as one element by element, which is far faster.

    NumPy's `matmul` goes element by element there, too, and adds each product to 0, so that there
    is no -0.0 in what it gives.
    """
    models = [made.models[arg.number] for arg in step.args if is_a(arg, Slot)]
    if step.function is not np.matmul or step.manner is not GIVES or len(models) != 2:
        return step
    a, b = models
    if not all(is_a(x, np.ndarray) and x.ndim == 2 and x.dtype.kind == "f" for x in models):
        return step
    if a.dtype != b.dtype or a.shape[1] != 1 or a.shape[0] < 2 or b.shape[1] < 2:
        return step
    product = a * b
    if not lies_alike(product, made.models[step.slot]):
        return step
    product = _before(made, step, np.multiply, step.args, product)
    step.function, step.args = np.add, (Slot(product.slot), 0.0)
    return step
