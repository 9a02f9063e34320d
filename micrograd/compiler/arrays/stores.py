"""Stores: what is written into the memory of inputs, after all else."""

from __future__ import annotations

from collections import Counter
from typing import Any

from micrograd.compiler.arrays.calls import is_ufunc
from micrograd.compiler.arrays.layouts import lies_alike
from micrograd.compiler.arrays.steps import Plan, Step
from micrograd.compiler.programs import Slot, is_a
from micrograd.compiler.tape import slots_in


def store_at_once(made: Plan) -> None:
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
            and not {memory_of(i, step_of) for i in step.uses()} & written
            and lies_alike(made.models[step.slot], made.models[place])
        ):
            step.stored = place
            written.add(place)
            late.append(step)
        else:
            left.append((value, place))
    made.steps[:] = [step for step in made.steps if step.stored is None] + late
    made.stores[:] = left


def memory_of(slot: int, step_of: dict[int, Step]) -> int:
    """Return the slot in whose memory a value lies."""
    while slot in step_of and is_a(step_of[slot].view, Slot):
        slot = step_of[slot].view.number
    return slot
