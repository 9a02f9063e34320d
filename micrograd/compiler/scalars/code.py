"""Lowered numbers: what a tape computes, in the way that runs fastest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from micrograd.compiler.scalars.graph import Graph, simplify
from micrograd.compiler.scalars.levels import Levels
from micrograd.compiler.scalars.primitives import UnfitError
from micrograd.compiler.scalars.source import Source
from micrograd.compiler.scalars.width import ENOUGH, width_of
from micrograd.compiler.tape import Tape


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
        self._program: Any = None
        if how == "levels" or (how is None and width_of(graph) > ENOUGH):
            with suppress(UnfitError):
                self._program = Levels(tape, self._given[1], graph, exact)
        self.how = "levels" if self._program else "source"
        if self._program is None:
            self._program = SourceProgram(tape, self._given[1], graph)
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

    def text(self, names: dict[int, str]) -> str:
        return ""


class SourceProgram:
    """A tape as straight Python; where that raises an error, as Python that goes on."""

    def __init__(self, tape: Tape, outputs: list[int], graph: Graph, careful: bool = False) -> None:
        source = Source(graph, careful)
        scope = dict(source.names)
        for text in source.parts:
            exec(compile(text, "<program>", "exec"), scope)
        self._given, self._careful = (tape, outputs), careful
        self._other: SourceProgram | None = None
        self.text = "\n\n\n".join(source.parts)
        self._parts = [scope[f"part{k}"] for k in range(len(source.parts))]
        self._rest = [None] * (source.size - len(graph.inputs))
        self._picked, self._count = source.outputs, len(outputs)
        self._wanted = [value for _, value in graph.checks]
        self._checked = self._count + len(self._wanted)
        self.instructions, self.calls, self.bytes = len(graph), source.lines, 8 * source.size

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the outputs; see `Code.run`."""
        v = [*inputs, *self._rest]
        try:
            for part in self._parts:
                part(v)
        except (ArithmeticError, ValueError):
            return None if self._careful else self._carefully(inputs)
        values = [v[i] for i in self._picked]
        if self._wanted and values[self._count : self._checked] != self._wanted:
            return None
        if not all(values[self._checked :]):
            return None
        return values[: self._count]

    def _carefully(self, inputs: Sequence[Any]) -> list[Any] | None:
        other = self._other
        if other is None:
            graph = simplify(*self._given)
            other = self._other = SourceProgram(*self._given, graph, careful=True)
        return other.run(inputs)
