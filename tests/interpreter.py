"""What a tape means: each call made again, one after another, as it was noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd.compiler.recording.programs import Slot, is_a, mapped
from micrograd.compiler.recording.tape import INPUT, Tape, call_of_numbers


def interpret(tape: Tape, outputs: Sequence[int], inputs: Sequence[Any]) -> list[Any] | None:
    """Return what a tape computes, the slow way; None if a check fails.

    Args:
        tape: what was recorded.
        outputs: the slots that are asked for.
        inputs: numbers and arrays, in the order of `tape.inputs`.
    """
    values: dict[int, Any] = dict(zip(tape.inputs, inputs, strict=True))
    values |= tape.constants
    checks = dict(tape.checks)

    def filled(leaf: Any) -> Any:
        return values[leaf.number] if is_a(leaf, Slot) else leaf

    with np.errstate(all="ignore"):
        for slot in tape.live(outputs):
            if slot in values or tape.operations[slot] is INPUT:
                continue
            operation, arguments = tape.operations[slot], tape.arguments[slot]
            if tape.has_plain_slots(slot):
                args = [values[i] for i in arguments]
                values[slot] = call_of_numbers(operation, args, tape.settings[slot])
            else:
                args, named = mapped((arguments, tape.settings[slot]), filled)
                values[slot] = operation(*args, **named)
            if slot in checks and values[slot] != checks[slot]:
                return None
    return [values[slot] for slot in outputs]
