"""A graph of numbers as NumPy calls on one vector, each for all that is alike at one depth."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from micrograd.compiler.lowering.scalars.careful import interpret
from micrograd.compiler.lowering.scalars.each import SurpriseError, each, whole
from micrograd.compiler.lowering.scalars.ends import Ends
from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.layout import Layout
from micrograd.compiler.lowering.scalars.lines import FAST, Lines, calls_of
from micrograd.compiler.lowering.scalars.primitives import UFUNCS, Primitives
from micrograd.compiler.recording.tape import Tape

_NUMPY: dict[str, Any] = {
    "copyto": np.copyto,
    **{function.__name__: function for function in (*UFUNCS.values(), np.maximum, np.minimum)},
    **{name: getattr(np, name) for name in FAST.values()},
}

_Bound = tuple[Any, Callable[..., None], Any, Callable[[], Any]]


class Levels:
    """A tape as NumPy calls on one vector.

    A run has a vector of its own, so that threads may run the same program. What does not come as
    was foreseen, such as an integer past the exact ones, is computed anew, call by call.

    Attributes:
        lines: what is called.
        ends: what is wanted.
        size: how long the vector is.
        inputs: the places of the inputs in it.
        constants: what follows the inputs in it.
        picked: the places of what is wanted.
    """

    def __init__(self, tape: Tape, outputs: list[int], graph: Graph, exact: bool = True) -> None:
        self._given = tape, outputs
        primitives = Primitives(graph)
        self.ends = Ends(graph, primitives)
        layout = Layout(primitives, self.ends.roots)
        self.lines = Lines(layout, exact)
        count, leaves = primitives.inputs, primitives.inputs + len(primitives.constants)
        self.inputs = layout.place[:count]
        self._order = np.argsort(self.inputs)
        self.constants = np.empty(leaves - count)
        self.constants[layout.place[count:leaves] - count] = primitives.constants
        self.picked = layout.place[self.ends.roots]
        calls = [call for line in self.lines.lines for call in calls_of(line)]
        self.size, self.instructions, self.calls = layout.size, len(graph), len(calls)
        self.bytes = 8 * self.size + self.lines.bytes
        text = "\n    ".join(["def compute(v):", *(calls or ["pass"])])
        self._compiled = compile(text, "<program>", "exec")
        self._pack = struct.Struct(f"{count}d").pack_into  # the fastest way from a list
        self._free: list[_Bound] = []

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the outputs; see `Code.run`."""
        try:
            bound = self._free.pop()
        except IndexError:
            bound = self._bound()
        vector, compute, given, write = bound
        try:
            self._pack(given, 0, *inputs)
            write()
            with np.errstate(all="ignore"):
                compute(vector)
                found = vector.take(self.picked).tolist()
        except (ArithmeticError, ValueError, SurpriseError):
            return interpret(*self._given, inputs)
        finally:
            self._free.append(bound)
        if self.ends.too_large(found):
            return interpret(*self._given, inputs)
        return self.ends.finish(found)

    def _bound(self) -> _Bound:
        """Return a vector, what computes in it, where inputs are given, and what writes them in."""
        vector, lines = np.zeros(self.size), self.lines
        count = len(self._order)
        vector[count : count + len(self.constants)] = self.constants
        whole_ones = {line.function for line in lines.lines if line.what == "whole"}
        given = np.empty(count)
        write = partial(given.take, self._order, None, vector[:count], "clip")
        scope: dict[str, Any] = {
            **_NUMPY,
            **{name: view.of(vector) for view, name in lines.views.items()},
            **{name: np.empty(shape, kind) for name, (shape, kind) in lines.buffers.items()},
            **lines.indices,
            **{f: whole(c) if f in whole_ones else each(c) for f, c in lines.calls.items()},
            "take": vector.take,
        }
        exec(self._compiled, scope)
        return vector, scope["compute"], given, write
