"""Stores: what is written into the memory of inputs, after all else."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import is_ufunc
from micrograd.compiler.lowering.arrays.layouts import lies_alike
from micrograd.compiler.lowering.arrays.steps import Plan, Step
from micrograd.compiler.recording.programs import Slot, is_a
from micrograd.compiler.recording.tape import slots_in


def store_at_once(made: Plan) -> None:
    """Let steps write to the inputs to which their values are stored.

    Such a step goes element by element, and no step after it reads what was in the input before.
    If nothing else reads its value, it is made at the very end; otherwise where it stands, if no
    check comes after it, and nothing that is wanted lies in the memory of the input.
    """
    readers = Counter(i for step in made.steps for i in step.uses())
    readers.update(slots_in([*made.outputs, *[value for value, _ in made.stores]]))
    step_of = {step.slot: step for step in made.steps}
    wanted = set(slots_in(made.outputs))
    written: set[int] = set()
    late: list[Step] = []
    left: list[tuple[Any, int]] = []
    for value, place in made.stores:
        step = step_of.get(value.number) if is_a(value, Slot) else None
        if (
            step is not None
            and step.base is None
            and step.pure
            and is_ufunc(step.function)
            and "where" not in step.settings
            and not {memory_of(i, step_of) for i in step.uses()} & written
            and lies_alike(made.models[step.slot], made.models[place])
        ):
            if readers[step.slot] == 1:
                late.append(step)
            elif step.slot in wanted or not _is_last(step, place, made, late, step_of):
                left.append((value, place))
                continue
            step.stored = place
            written.add(place)
        else:
            left.append((value, place))
    late_slots = {step.slot for step in late}
    made.steps[:] = [step for step in made.steps if step.slot not in late_slots] + late
    made.stores[:] = left


def _is_last(
    step: Step, place: int, made: Plan, late: list[Step], step_of: dict[int, Step]
) -> bool:
    """Tell whether all after a step succeeds, and nothing reads an input that it writes to."""
    after = made.steps[made.steps.index(step) + 1 :]
    checked = set(slots_in([value for value, _ in made.checks]))
    if not all([_always_succeeds(one) and one.slot not in checked for one in after]):
        return False
    others = [*made.outputs, *[value for value, at in made.stores if at != place]]
    read = {i for one in (*after, *late) for i in one.uses()} | set(slots_in(others))
    return place not in {memory_of(i, step_of) for i in read}


def _always_succeeds(step: Step) -> bool:
    """Tell whether a step raises no error, and needs no check, for arrays of the known shapes."""
    if step.function is operator.getitem:
        index: Any = step.args[1]
        return all([is_a(i, slice, int) for i in (index if is_a(index, tuple) else (index,))])
    moving = (np.reshape, np.ravel, np.concatenate)
    return step.pure and (is_ufunc(step.function) or step.function in moving)


def memory_of(slot: int, step_of: dict[int, Step]) -> int:
    """Return the slot in whose memory a value lies."""
    while slot in step_of and is_a(step_of[slot].view, Slot):
        slot = step_of[slot].view.number
    return slot
