"""From a tape to code: numbers and arrays have a lowering each, and a program may need both."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.compiler.lowering.arrays import lower_arrays
from micrograd.compiler.lowering.scalars import lower_numbers
from micrograd.compiler.recording.tape import INPUT, Tape

MANY_NUMBERS = 64
"""From how many calls of numbers on they are lowered by themselves, beside arrays."""


class Code:
    """What runs in place of a tape: code of numbers, code of arrays, or one after the other.

    Args:
        tape: what was recorded; only what is needed is lowered.
        outputs: the slots that are wanted.
        stores: by slot, the slot of the input in whose memory the value is to be left.
        names: of inputs, by slot, and wishes for those of other values.
        how: how numbers are lowered: "levels", "source", or None for what is faster.
        exact: whether functions of `math` stay those of `math`.
        notes: what to say of values where they are printed, by slot.

    Attributes:
        inputs: the slots of the inputs that are needed, in order.
        parts: the code of numbers, if any, and that of arrays.
    """

    def __init__(
        self,
        tape: Tape,
        outputs: Sequence[int],
        stores: dict[int, int],
        names: dict[int, str],
        how: str | None = None,
        exact: bool = True,
        notes: dict[int, str] | None = None,
    ) -> None:
        live = tape.live([*outputs, *stores])
        apart = _numbers_apart(tape, live)
        self.inputs = [slot for slot in live if tape.operations[slot] is INPUT]
        self.outputs = list(outputs)
        self.names, self.notes = names, notes or {}
        self.numbers: Any = None
        self.arrays: Any = None
        to_numbers, from_numbers, to_arrays, from_arrays = [], [], [], []
        beside = [slot for slot in live if slot not in apart]
        if apart:
            used = {other for slot in beside for other in tape.used_by(slot)}
            from_numbers = sorted(apart & (used | set(outputs))) if beside else list(outputs)
            part, at = tape.part(sorted(apart))
            back = {there: slot for slot, there in at.items()}
            to_numbers = [back[slot] for slot in part.inputs]
            self.numbers = lower_numbers(part, [at[s] for s in from_numbers], how, exact)
            self.number_tape, self.number_slots = (part, [at[s] for s in from_numbers]), at
        if beside:
            part, at = tape.part(beside)
            back = {there: slot for slot, there in at.items()}
            to_arrays = [back[slot] for slot in part.inputs]
            from_arrays = [slot for slot in outputs if slot not in apart]
            self.arrays = lower_arrays(
                part,
                [at[slot] for slot in from_arrays],
                {at[slot]: at[into] for slot, into in stores.items()},
                {at[slot]: name for slot, name in names.items() if slot in at},
            )
        self.parts = [part for part in (self.numbers, self.arrays) if part is not None]
        at: dict[int, int] = {}
        for i, slot in enumerate([*self.inputs, *from_numbers, *from_arrays]):
            at.setdefault(slot, i)
        self.to_numbers, self.from_numbers = to_numbers, from_numbers
        self.to_arrays, self.from_arrays = to_arrays, from_arrays
        self._to_numbers = _picker([at[slot] for slot in to_numbers])
        self._to_arrays = _picker([at[slot] for slot in to_arrays])
        self._to_outputs = _picker([at[slot] for slot in outputs])

    def run(self, inputs: Sequence[Any]) -> Sequence[Any] | None:
        """Return the outputs; None, with nothing stored, if a check fails.

        Args:
            inputs: in the order of `inputs`.
        """
        if self.numbers is None:
            return () if self.arrays is None else self.arrays.run(*inputs)
        found = self.numbers.run(self._to_numbers(inputs))
        if found is None or self.arrays is None:
            return found
        values = [*inputs, *found]
        found = self.arrays.run(*self._to_arrays(values))
        return None if found is None else self._to_outputs([*values, *found])

    @property
    def calls(self) -> int:
        """How many calls are made."""
        return sum(part.calls for part in self.parts)

    @property
    def bytes(self) -> int:
        """Those of the buffers."""
        return sum(part.bytes for part in self.parts)

    @property
    def how(self) -> str:
        """Return how numbers are computed, in words."""
        if self.numbers is None:
            return "Numbers stand among the arrays, as Python writes them."
        if self.numbers.how == "levels":
            return "Numbers that are computed alike, at one depth, are one call of NumPy."
        return "Numbers are computed one by one, by Python."


def _picker(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return the function that gives the elements at some places of a sequence."""
    start = places[0] if places else 0
    if list(places) == list(range(start, start + len(places))):
        return operator.itemgetter(slice(start, start + len(places)))
    return operator.itemgetter(*places)


def _numbers_apart(tape: Tape, live: Sequence[int]) -> set[int]:
    """Return the slots of numbers that depend on no array, if they are worth it, with constants."""
    if not tape.draws and all([tape.forms[slot].__class__ is type for slot in live]):
        return set(live)
    calls, apart = 0, bytearray(len(tape))
    for slot in live:
        if tape.is_number(slot) and (tape.has_plain_slots(slot) or not tape.arguments[slot]):
            apart[slot] = all([apart[int(other)] for other in tape.arguments[slot]])
            calls += apart[slot] and tape.is_call(slot)
    return {slot for slot in live if apart[slot]} if calls >= MANY_NUMBERS else set()
