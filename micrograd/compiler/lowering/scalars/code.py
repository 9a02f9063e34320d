"""Lowered numbers: what a tape computes, in the way that runs fastest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd.compiler.lowering.scalars.careful import interpret
from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import INT, LIMIT
from micrograd.compiler.lowering.scalars.levels import Levels
from micrograd.compiler.lowering.scalars.lighten import lighten
from micrograd.compiler.lowering.scalars.primitives import UnfitError
from micrograd.compiler.lowering.scalars.simplify import simplify
from micrograd.compiler.lowering.scalars.source import Source
from micrograd.compiler.lowering.scalars.width import levels_may_pay, levels_pay
from micrograd.compiler.recording.tape import Tape


def lower_numbers(
    tape: Tape, outputs: Sequence[int], how: str | None = None, exact: bool = True
) -> Code:
    """Return code that computes outputs of a tape of numbers.

    Args:
        tape: what was recorded; what outputs and checks need of it are Python numbers.
        outputs: the slots of the outputs.
        how: "levels" for NumPy, a call for all that is alike at one depth; "source" for Python, a
            line for each number; None for what runs faster.
        exact: whether results equal those of eager calls to the last bit; else exp, log, tanh and
            powers are NumPy's, within 4 units of the last place.

    >>> import operator
    >>> tape = Tape()
    >>> x, y = tape.add_input(float), tape.add_input(float)
    >>> product = tape.add(operator.mul, (x, y), {}, float)
    >>> code = lower_numbers(tape, [product, tape.add(operator.gt, (x, y), {}, bool)])
    >>> code.run([2.0, 3.0]), code.how
    ([6.0, False], 'source')
    """
    return Code(tape, outputs, how, exact)


class Code:
    """What a tape of numbers computes, ready to run.

    Attributes:
        how: "levels" or "source".
        instructions: how many numbers are computed.
        calls: how many calls of NumPy's, or lines of Python.
        bytes: how large the buffers are.
    """

    def __init__(self, tape: Tape, outputs: Sequence[int], how: str | None, exact: bool) -> None:
        self._given = tape, list(outputs), how, exact
        graph = simplify(tape, outputs)
        levels = _levels(tape, self._given[1], graph, how, exact)
        self.how = "levels" if levels else "source"
        self._program: Any = levels or SourceProgram(tape, self._given[1], graph)
        self.instructions = self._program.instructions
        self.calls = self._program.calls
        self.bytes = self._program.bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return lower_numbers, self._given

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the outputs for numbers of the classes that were recorded, in the tape's order.

        It is None where a check fails, and where an operation of Python's raises an error.
        """
        return self._program.run(inputs)


def _levels(
    tape: Tape, outputs: list[int], graph: Graph, how: str | None, exact: bool
) -> Levels | None:
    """Return a program by levels, if that can be, and is asked for or is faster."""
    if how == "source" or (how is None and not levels_may_pay(graph)):
        return None
    try:
        levels = Levels(tape, outputs, graph, exact)
    except UnfitError:
        return None
    passed = len(graph.inputs) + len(levels.picked)
    pays = how == "levels" or levels_pay(len(graph), levels.calls, passed)
    return levels if pays else None


class SourceProgram:
    """A tape as straight Python; where that raises an error, as Python that goes on."""

    def __init__(self, tape: Tape, outputs: list[int], graph: Graph, careful: bool = False) -> None:
        source = Source(graph if careful else lighten(graph), careful)
        scope = dict(source.names)
        for text in source.parts:
            exec(compile(text, "<program>", "exec"), scope)
        self._given, self._careful = (tape, outputs), careful
        self._other: SourceProgram | None = None
        self._whole = scope["program"] if source.flat else None
        self._parts = [] if source.flat else [scope[f"part{k}"] for k in range(len(source.parts))]
        self._rest = [None] * (source.size - len(graph.inputs))
        self._picked, self._count = source.places, len(outputs)
        self._wanted = [value for _, value in graph.checks]
        self._checked = self._count + len(self._wanted)
        self._all = self._checked + len(graph.divisors)
        self._ints = [k for k, i in enumerate(graph.inputs) if graph.kinds[i] == INT]
        self.instructions, self.calls, self.bytes = len(graph), source.lines, 8 * source.size

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the outputs; see `Code.run`."""
        if self._ints and any([abs(inputs[k]) > LIMIT for k in self._ints]):
            return interpret(*self._given, inputs)  # no such number was foreseen
        try:
            values = self._whole(inputs) if self._whole else self._by_parts(inputs)
        except (ArithmeticError, ValueError):
            return None if self._careful else self._carefully(inputs)
        count = self._count
        if count == self._all:
            return values
        if values[count : self._checked] != self._wanted or not all(values[self._checked :]):
            return None
        return values[:count]

    def _by_parts(self, inputs: Sequence[Any]) -> list[Any]:
        v = [*inputs, *self._rest]
        for part in self._parts:
            part(v)
        return [v[i] for i in self._picked]

    def _carefully(self, inputs: Sequence[Any]) -> list[Any] | None:
        other = self._other
        if other is None:
            graph = simplify(*self._given)
            other = self._other = SourceProgram(*self._given, graph, careful=True)
        return other.run(inputs)
