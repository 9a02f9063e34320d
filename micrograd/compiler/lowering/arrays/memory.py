"""Memory: where each value lies, so that arrays are made once and written to where nobody looks.

An array may be written to where it was made by the program itself, and where no view of its memory
is read later: its root is dead. Inputs, constants and what unknown functions saw never are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import NEW, is_method, is_ufunc
from micrograd.compiler.lowering.arrays.layouts import UNKNOWN, lies_alike, order_of
from micrograd.compiler.lowering.arrays.steps import FILLS, GIVES, Plan, Step
from micrograd.compiler.recording.programs import Form, Slot, astype, is_a
from micrograd.compiler.recording.tape import slots_in

OWN, BUFFER, SAME, STATIC, STORE = "own", "buffer", "same", "static", "store"
"""Where a value lies: in memory made at each call; in a buffer; in that of an operand that is dead
by then; it is a view of a buffer, made once; in that of an input to which it is stored."""


@dataclass(frozen=True)
class Place:
    """Where a value lies.

    Attributes:
        kind: `OWN`, `BUFFER`, `SAME`, `STATIC` or `STORE`.
        number: that of the buffer, of the operand's slot, or of the input's.
    """

    kind: str
    number: int = -1


@dataclass
class Memory:
    """Where all values lie.

    Attributes:
        places: for each slot of an array that a step gives, where it lies.
        buffers: for each buffer, its dtype, its size and its order.
        made: the slots of what lies in memory that the program made.
        copied: the outputs, by their place in the list, that are returned as copies.
    """

    places: dict[int, Place] = field(default_factory=dict[int, Place])
    buffers: list[tuple[Any, int, str]] = field(default_factory=list[tuple[Any, int, str]])
    copied: set[int] = field(default_factory=set[int])

    made: set[int] = field(default_factory=set[int])

    def is_made(self, slot: int) -> bool:
        """Tell whether a value lies in memory that the program made."""
        return slot in self.made

    @property
    def bytes(self) -> int:
        """Return how many bytes the buffers take."""
        return sum(dtype.itemsize * size for dtype, size, _ in self.buffers)


def takes_out(step: Step) -> bool:
    """Tell whether a function can be told by `out=` what memory to fill, with the same bits."""
    function, settings = step.function, step.settings
    if "out" in settings or (is_ufunc(function) and "where" in settings):
        return False
    return (
        (is_ufunc(function) and function.nout == 1)
        or function in (np.matmul, np.dot, np.mean, np.copy, astype)
        or is_method(function, "reduce", "accumulate")
        or fill_of(step) is not None
    )


def fill_of(step: Step) -> Any:
    """Return the constant that fills what a step makes, None if there is none."""
    if step.manner is not GIVES or step.function not in NEW:
        return None
    name = step.function.__name__.removesuffix("_like")
    if name == "full":
        value = step.args[1] if len(step.args) > 1 else None
        return value if is_a(value, int, float) else None
    return {"zeros": 0, "ones": 1}.get(name)


class Planner:
    """Goes through the steps in order, and gives each value its place."""

    def __init__(self, plan: Plan, fresh: bool, reuse: bool) -> None:
        self.plan, self.fresh, self.reuse = plan, fresh, reuse
        self.memory = Memory()
        self.view_of: dict[int, int] = {}  # in whose memory a value lies
        self.buffer_of: dict[int, int] = {}  # of a root
        self.free: dict[Any, list[int]] = {}
        self.pinned: set[int] = set(plan.inputs)
        self.last: dict[int, int] = {}  # the last step that reads the memory of a root
        self._find_roots()
        wanted = [i.number for i in plan.outputs if is_a(i, Slot)]
        self.returned = {self.root(slot) for slot in wanted} if fresh else set[int]()

    def root(self, slot: int) -> int:
        """Return the value that was first in the memory of a value."""
        while slot in self.view_of:
            slot = self.view_of[slot]
        return slot

    def _find_roots(self) -> None:
        for k, step in enumerate(self.plan.steps):
            used = {self.root(slot) for slot in step.uses()}
            self.last.update(dict.fromkeys(used, k))
            view: Any = step.view if step.manner is GIVES else None
            if is_a(view, Slot):
                self.view_of[step.slot] = self.root(view.number)
            elif view is not None:  # a view of a constant, or of anything
                self.pinned.add(step.slot)
            if view is UNKNOWN or not step.pure:
                self.pinned |= used
        kept = slots_in([*self.plan.outputs, *[value for value, _ in self.plan.stores]])
        self.last.update({self.root(slot): len(self.plan.steps) for slot in kept})

    def run(self) -> Memory:
        """Give each value its place."""
        for k, step in enumerate(self.plan.steps):
            used = {self.root(slot) for slot in step.uses()}
            if is_a(step.form, Form) and step.form.shape:
                place = self.memory.places[step.slot] = self._place(k, step)
                if place.kind is SAME:
                    self._take_over(step.slot, self.root(place.number))
            for root in used:
                if self.last[root] <= k and root in self.buffer_of:
                    self._give_back(root)
        self.memory.made = {
            step.slot for step in self.plan.steps if self.root(step.slot) not in self.pinned
        }
        if self.fresh:
            self._copy_what_is_shared()
        return self.memory

    def _place(self, k: int, step: Step) -> Place:
        if step.stored is not None:
            return Place(STORE, step.stored)
        if step.view is not None and step.manner is GIVES:
            return Place(STATIC if self._is_static(step) else OWN)
        order = order_of(self.plan.models[step.slot])
        if not self.reuse or not order or step.slot in self.pinned:
            return Place(OWN)
        for slot in self._overwritten(step):
            if self._is_dead(slot, k, step):
                return Place(SAME, slot)
        if step.slot in self.returned or (step.manner is GIVES and not takes_out(step)):
            return Place(OWN)
        return Place(BUFFER, self._buffer(step, order))

    def _overwritten(self, step: Step) -> list[int]:
        """Return the operands in whose memory a step could write its value."""
        operands = slots_in((step.args, step.settings))
        by_element = is_ufunc(step.function)
        if step.base is not None:
            root = self.root(step.base.number)
            read = {slot for slot in operands if self.root(slot) == root}
            return (
                [step.base.number] if read <= ({step.base.number} if by_element else set()) else []
            )
        return operands if by_element and (step.manner is FILLS or takes_out(step)) else []

    def _is_dead(self, slot: int, k: int, step: Step) -> bool:
        """Tell whether a step may write its value where one of its operands lies."""
        root, models = self.root(slot), self.plan.models
        if root in self.pinned or self.last[root] > k:
            return False
        if step.slot in self.returned and root in self.buffer_of:
            return False
        own = root in self.buffer_of or self.memory.places.get(root) == Place(OWN)
        return own and lies_alike(models[slot], models[step.slot]) and models[slot].flags.writeable

    def _take_over(self, slot: int, root: int) -> None:
        """Let a value have the memory of a root."""
        self.view_of[slot] = root
        self.last[root] = self.last.get(slot, -1)
        if slot in self.returned:
            self.returned.add(root)

    def _is_static(self, step: Step) -> bool:
        """Tell whether a step looks at a buffer in a way that never changes."""
        seen = slots_in((step.args, step.settings))
        if not is_a(step.view, Slot) or not step.pure or seen != [step.view.number]:
            return False
        place = self.memory.places.get(seen[0], Place(OWN))
        while place.kind is SAME:
            place = self.memory.places[place.number]
        return place.kind in (BUFFER, STATIC)

    def _buffer(self, step: Step, order: str) -> int:
        kind = np.dtype(step.form.dtype), math.prod(step.form.shape), order
        free = self.free.setdefault(kind, [])
        if not free:
            free.append(len(self.memory.buffers))
            self.memory.buffers.append(kind)
        self.buffer_of[step.slot] = free.pop()
        return self.buffer_of[step.slot]

    def _give_back(self, root: int) -> None:
        number = self.buffer_of.pop(root)
        self.free[self.memory.buffers[number]].append(number)

    def _copy_what_is_shared(self) -> None:
        """Note which outputs lie in memory that is not theirs alone."""
        taken: set[int] = set()
        for i, output in enumerate(self.plan.outputs):
            slot = output.number if is_a(output, Slot) else -1
            root = self.root(slot)
            if slot < 0 or root in self.pinned or root in taken:
                self.memory.copied.add(i)
            taken.add(root)


def place(plan: Plan, fresh: bool = True, reuse: bool = True) -> Memory:
    """Return where the values of a plan lie.

    Args:
        plan: what is to be done.
        fresh: whether results lie in memory of their own.
        reuse: whether memory is written to again at all.
    """
    return Planner(plan, fresh, reuse).run()
