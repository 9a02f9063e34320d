"""The code of a tape of arrays: a function of NumPy calls, that can be run, read and pickled."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.layouts import Layout, layout_of
from micrograd.compiler.lowering.arrays.memory import place
from micrograd.compiler.lowering.arrays.module import text_of_module, text_to_read, text_to_run
from micrograd.compiler.lowering.arrays.passes import plan
from micrograd.compiler.lowering.arrays.source import Writer
from micrograd.compiler.lowering.arrays.steps import Plan
from micrograd.compiler.lowering.arrays.words import Source
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.tape import Tape

Layouts = tuple[Layout, ...]


def lower_arrays(
    tape: Tape,
    outputs: Sequence[int],
    stores: Mapping[int, int],
    names: Mapping[int, str],
    *,
    fresh: bool = True,
) -> ArrayCode:
    """Return the code that computes outputs of a tape by calls of NumPy.

    Args:
        tape: what was recorded, with arrays, and numbers among them.
        outputs: the slots wanted, in order.
        stores: for slots, the inputs into whose arrays their values are written, after all has
            been computed and every check has held.
        names: of slots, the inputs' above all, for the eye.
        fresh: whether results lie in memory of their own; otherwise they may be views of inputs,
            or be overwritten by the next call.

    >>> from micrograd.compiler.recording.programs import Form, Slot
    >>> import operator
    >>> tape, form = Tape(), Form((3,), np.dtype(float))
    >>> x = tape.add_input(form)
    >>> y = tape.add(operator.mul, (Slot(x), Slot(x)), {}, form)
    >>> code = lower_arrays(tape, [y], {}, {x: "x"})
    >>> code.run(np.array([1.0, 2.0, 3.0]))
    (array([1., 4., 9.]),)
    >>> print(code.text())
    def program(x):
        t1 = x * x  # (3,) float64
        return (t1,)
    """
    return ArrayCode(tape, outputs, stores, names, fresh)


class ArrayCode:
    """What `lower_arrays` returns.

    Attributes:
        instructions: how many calls were recorded.
        calls: how many are made.
        bytes: those of the buffers that are kept between calls, for each thread.
    """

    def __init__(
        self,
        tape: Tape,
        outputs: Sequence[int],
        stores: Mapping[int, int],
        names: Mapping[int, str],
        fresh: bool,
    ) -> None:
        self._given = tape, tuple(outputs), dict(stores), dict(names), fresh
        self._lowered: dict[Any, _Lowered] = {}
        self._first = self._lower(None)

    def __reduce__(self) -> Any:
        return ArrayCode, self._given

    _arrays: list[int]  # the slots of the inputs that are arrays, and used

    @property
    def instructions(self) -> int:
        """Return how many calls were recorded."""
        return self._first.recorded

    @property
    def calls(self) -> int:
        """Return how many calls are made."""
        return self._first.calls

    @property
    def bytes(self) -> int:
        """Return how many bytes the kept buffers take, for each thread."""
        return self._first.bytes

    def run(self, *inputs: Any) -> tuple[Any, ...] | None:
        """Return the outputs for inputs of the forms that were recorded.

        Args:
            inputs: arrays or numbers, in the order of the tape's inputs.

        Returns:
            The outputs; None, with nothing stored, where a check does not hold, or something has
            another shape or dtype than it had.
        """
        lowered = self._first
        if not lowered.fits(inputs):
            lowered = self._lowered_for(tuple([layout_of(inputs[i]) for i in lowered.arrays]))
        try:
            function = lowered.free.pop()
        except IndexError:
            function = lowered.function()
        try:
            return function(*inputs)
        finally:
            lowered.free.append(function)

    def _lowered_for(self, layouts: Layouts) -> _Lowered:
        """Return the program for inputs that lie in memory in another way."""
        if layouts not in self._lowered:
            self._lowered[layouts] = self._lower(layouts)
        return self._lowered[layouts]

    def text(self) -> str:
        """Return the function as a careful person would have written it."""
        return text_to_read(self._readable)

    def module_text(self, defaults: Mapping[str, Any]) -> str:
        """Return the text of a module that needs only NumPy, whose `program` is the function.

        Args:
            defaults: for names of inputs, as `text` has them, what they are where the caller
                gives nothing else. Arrays among them are written to, if the program stores there.

        Raises:
            CompileError: if the program calls what only exists here; it names that.
        """
        return text_of_module(self._readable, defaults)

    @property
    def parameters(self) -> list[str]:
        """The names of the inputs, in order."""
        return self._first.source.parameters

    @cached_property
    def _readable(self) -> Source:
        names = self._given[3]
        made = self._plan(None)
        return Writer(made, place(made, self._given[4]), names).write()

    def _plan(self, layouts: Layouts | None) -> Plan:
        tape, outputs, stores, _, _ = self._given
        known = {} if layouts is None else dict(zip(self._arrays, layouts, strict=True))
        return plan(tape, outputs, stores, known)

    def _lower(self, layouts: Layouts | None) -> _Lowered:
        made = self._plan(layouts)
        memory = place(made, self._given[4])
        source = Writer(made, memory, self._given[3], terse=True).write()
        inputs, models = made.inputs, made.models
        self._arrays = [slot for slot in inputs if is_a(models.get(slot), np.ndarray, np.generic)]
        lies = tuple([layout_of(models[slot]) for slot in self._arrays])
        places = [inputs.index(slot) for slot in self._arrays]
        return _Lowered(source, len(made.steps), made.recorded, memory.bytes, lies, places)


class _Lowered:
    """A program for inputs that lie in memory in one way."""

    def __init__(
        self, source: Source, calls: int, recorded: int, size: int, layouts: Any, arrays: list[int]
    ) -> None:
        self.source, self.calls, self.recorded, self.bytes = source, calls, recorded, size
        self.arrays = arrays
        self.fits = _comparison(arrays, layouts)
        self.compiled = compile(text_to_run(source), "<program>", "exec")
        self.free: list[Any] = []

    def function(self) -> Any:
        """Return the function with buffers of its own."""
        space: dict[str, Any] = {
            "np": np,
            "math": math,
            "operator": operator,
            **self.source.constants,
        }
        exec(self.compiled, space)
        return np.errstate(all="ignore")(space["program"])  # costs half of a `with` at each call


def _comparison(arrays: list[int], layouts: Layouts) -> Callable[[Sequence[Any]], bool]:
    """Return the function that tells whether the arrays among inputs lie in memory so."""
    questions: list[str] = []
    classes: dict[str, Any] = {}
    for i, layout in zip(arrays, layouts, strict=True):
        if isinstance(layout, type):
            classes[f"k{i}"] = layout
            questions.append(f"x[{i}].__class__ is k{i}")
        else:
            questions.append(f"x[{i}].strides == {layout}")
    return eval(f"lambda x: {' and '.join(questions) or True}", classes)
