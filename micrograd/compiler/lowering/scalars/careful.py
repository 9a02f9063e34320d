"""What a tape of numbers computes, call by call: slow, and right by construction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd.compiler.recording.tape import Tape, call_of_numbers
from micrograd.core.op import Op


def interpret(tape: Tape, outputs: Sequence[int], inputs: Sequence[Any]) -> list[Any] | None:
    """Return the values of outputs, None where a check fails or Python raises an error.

    Args:
        tape: what was recorded.
        outputs: their slots.
        inputs: numbers in the order of `tape.inputs`.
    """
    values = dict(zip(tape.inputs, inputs, strict=True)) | tape.constants
    for slot in tape.live(outputs):
        if slot not in values:
            args = [values[i] for i in tape.arguments[slot]]
            operation = tape.operations[slot]
            if isinstance(operation, Op):
                values[slot] = call_of_numbers(operation, args, tape.settings[slot])
                continue
            try:
                values[slot] = call_of_numbers(operation, args, tape.settings[slot])
            except ArithmeticError:
                return None
    if any(values[slot] != wanted for slot, wanted in tape.checks):
        return None
    return [values[slot] for slot in outputs]
