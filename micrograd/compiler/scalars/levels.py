"""A graph of numbers as NumPy calls on one vector, each for all that is alike at one depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd.compiler.scalars.careful import interpret
from micrograd.compiler.scalars.graph import Graph
from micrograd.compiler.scalars.kinds import FLOAT, INT, LIMIT, MIXED, TRUTH
from micrograd.compiler.scalars.layout import Indices, Layout, Step
from micrograd.compiler.scalars.primitives import UFUNCS, Call, Primitives
from micrograd.compiler.scalars.views import View, pieces, straight, view_of
from micrograd.compiler.tape import Tape, call_of_numbers
from micrograd.core.op import Op

FAST = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "power": np.power}


class SurpriseError(Exception):
    """A number came out as another class than was foreseen."""


class Levels:
    """A tape as NumPy calls on one vector.

    The vector of a run is its own, so that threads may run the same program.
    """

    def __init__(self, tape: Tape, outputs: list[int], graph: Graph, exact: bool = True) -> None:
        self.tape, self.outputs, self._exact = tape, outputs, exact
        primitives = Primitives(graph)
        self._ends = _Ends(graph, primitives)
        layout = Layout(primitives, self._ends.roots)
        self._lines: list[str] = []
        self._things: dict[str, Any] = {}
        self._views: dict[View, str] = {}
        self._buffers: dict[str, tuple[tuple[int, ...], type]] = {}
        for step in layout.steps:
            self._write(step)
        self.size, self._inputs = layout.size, primitives.inputs
        self._order = np.argsort(layout.place[: self._inputs])
        leaves = slice(self._inputs, self._inputs + len(primitives.constants))
        self._constants = np.empty(len(primitives.constants))
        self._constants[layout.place[leaves] - self._inputs] = primitives.constants
        self._picked = layout.place[self._ends.roots]
        self.instructions, self.calls = len(graph), len(self._lines)
        self.bytes = 8 * self.size + sum(
            [
                int(np.prod(shape)) * np.dtype(kind).itemsize
                for shape, kind in self._buffers.values()
            ]
            + [a.nbytes for a in self._things.values() if isinstance(a, np.ndarray)]
        )
        self.text = "\n".join(
            ["def compute(v):", *[f"    {line}" for line in self._lines or ["pass"]]]
        )
        self._compiled = compile(self.text, "<program>", "exec")
        self._free: list[tuple[Any, Callable[..., None]]] = []

    # Writing

    def _write(self, step: Step) -> None:
        lists = [step.out, *step.args]
        for start, stop, axes in pieces(lists):
            parts = [each[start:stop] for each in lists]
            out = view_of(parts[0], axes, 0) if axes is not None else straight(parts[0])
            scattered = out is None
            if out is None:
                name = self._buffer((stop - start,), float)
                shape = (stop - start,)
            else:
                name, shape = self._view(out), out.shape
            if step.operation == "reduce":
                self._write_reduce(step, name, parts[0][0], parts[1], axes)
            else:
                args = [
                    self._view(view_of(part, axes, q + 1))
                    if axes is not None
                    else self._gathered(part)
                    for q, part in enumerate(parts[1:])
                ]
                self._lines.extend(self._calls(step.operation, name, shape, args))
            if scattered:
                self._lines.append(f"v[{self._thing('i', parts[0])}] = {name}")

    def _write_reduce(self, step: Step, out: str, place: Any, first: Indices, axes: Any) -> None:
        rows, width = step.rows, step.width
        if axes is None and len(first) > 1 and straight(first) is None:
            index = first[None] + width * np.arange(rows)[:, None]
            part = self._gathered(index)
        else:
            view = view_of(first, axes, 1) if axes is not None else straight(first)
            assert view is not None
            part = self._view(View(view.start, (rows, *view.shape), (width, *view.steps)))
        if len(first) > 1:
            self._lines.append(f"add.reduce({part}, 0, None, {out})")
            return
        # Reduce would add up a single column pairwise.
        self._lines.append(f"add.accumulate({part}, 0, None, {part})")
        last = int(first[0]) + width * (rows - 1)
        if last != int(place):
            self._lines.append(f"copyto({out}, {self._view(View(last, (1,), (1,)))})")

    def _calls(
        self, operation: Any, out: str, shape: tuple[int, ...], args: list[str]
    ) -> list[str]:
        """Return the lines of an operation."""
        words = ", ".join([*args, out])
        if operation == "copy":
            return [f"copyto({out}, {args[0]})"]
        if isinstance(operation, Call):
            fast = None if self._exact else self._fast(operation)
            if fast is not None:
                return [f"{fast}({words})"]
            return [
                f"{self._thing('each_' + (operation.name or 'f'), each(operation))}({out}, {', '.join(args)})"
            ]
        if operation in UFUNCS:
            return [f"{UFUNCS[operation].__name__}({words})"]
        mask = self._buffer(shape, bool)
        if operation == "relu":
            return [
                f"less({args[0]}, 0, {mask})",
                f"copyto({out}, {args[0]})",
                f"copyto({out}, 0, where={mask})",
            ]
        if operation == "where":
            return [
                f"not_equal({args[0]}, 0, {mask})",
                f"copyto({out}, {args[2]})",
                f"copyto({out}, {args[1]}, where={mask})",
            ]
        return [  # of two equal ones the first, which may be another zero
            f"equal({args[0]}, {args[1]}, {mask})",
            f"{operation}({args[0]}, {args[1]}, out={out})",
            f"copyto({out}, {args[0]}, where={mask})",
        ]

    def _fast(self, call: Call) -> str | None:
        if call.flags or call.settings or call.result == MIXED:
            return None
        if call.name in FAST:
            return FAST[call.name].__name__
        if call.name in ("tanh_slope", "sigmoid"):
            return self._thing(f"fast_{call.name}", whole(call.function.forward))
        return None

    def _view(self, view: View) -> str:
        return self._views.setdefault(view, f"v{len(self._views)}")

    def _gathered(self, indices: Indices) -> str:
        view = straight(indices) if indices.ndim == 1 else None
        if view is not None:
            return self._view(view)
        name = self._buffer(indices.shape, float)
        self._lines.append(f"take({self._thing('i', indices)}, None, {name}, 'clip')")
        return name

    def _buffer(self, shape: tuple[int, ...], kind: type) -> str:
        name = f"b{len(self._buffers)}"
        self._buffers[name] = shape, kind
        return name

    def _thing(self, name: str, thing: Any) -> str:
        name = f"{name}{len(self._things)}"
        self._things[name] = thing
        return name

    # Running

    def _bind(self) -> tuple[Any, Callable[..., None]]:
        """Return a vector and the function that computes in it."""
        vector = np.zeros(self.size)
        vector[self._inputs : self._inputs + len(self._constants)] = self._constants
        scope: dict[str, Any] = dict(_NUMPY)
        scope |= {name: view.of(vector) for view, name in self._views.items()}
        scope |= {name: np.empty(shape, kind) for name, (shape, kind) in self._buffers.items()}
        scope |= self._things
        scope["take"] = vector.take
        exec(self._compiled, scope)
        return vector, scope["compute"]

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        try:
            bound = self._free.pop()
        except IndexError:
            bound = self._bind()
        vector, compute = bound
        try:
            np.array(inputs, float).take(self._order, None, vector[: self._inputs], "clip")
            with np.errstate(all="ignore"):
                compute(vector)
                found = vector.take(self._picked).tolist()
        except (ArithmeticError, ValueError, SurpriseError):
            return interpret(self.tape, self.outputs, inputs)
        finally:
            self._free.append(bound)
        return self._ends.finish(found, inputs, self)


_NUMPY = {
    function.__name__: function
    for function in (*UFUNCS.values(), np.copyto, np.maximum, np.minimum, *FAST.values())
}


class _Ends:
    """What becomes of the floats that are wanted: outputs with their classes, checks."""

    def __init__(self, graph: Graph, primitives: Primitives) -> None:
        values = primitives.values
        self._kinds = [graph.kinds[i] for i in graph.outputs]
        n = self._n = len(self._kinds)
        self._wanted = [value for _, value in graph.checks]
        mixed = [k for k in range(n) if self._kinds[k] == MIXED]
        self._ints = [k for k in range(n) if self._kinds[k] == INT]
        self._truths = [k for k in range(n) if self._kinds[k] == TRUTH]
        wide = [i for i in graph.wide]
        large = [i for i in graph.inputs if graph.kinds[i] == INT]
        self.roots = [values[i] for i in graph.outputs] + [values[i] for i, _ in graph.checks]
        self._checks = slice(n, len(self.roots))
        self._flags = len(self.roots)
        self._mixed = list(enumerate(mixed, self._flags))
        self.roots += [primitives.flag(graph.outputs[k]) for k in mixed]
        start = len(self.roots)
        self.roots += [values[i] for i in graph.divisors]
        self._divisors = slice(start, len(self.roots))
        start = len(self.roots)
        self.roots += [values[i] for i in wide]
        self._wide = slice(start, len(self.roots)) if wide else None
        start = len(self.roots)
        self.roots += [values[i] for i in large]
        self._large = slice(start, len(self.roots)) if large else None

    def finish(self, found: list[Any], inputs: Sequence[Any], levels: Levels) -> list[Any] | None:
        """Return the outputs, None where a check fails."""
        if self._large and max(map(abs, found[self._large])) > LIMIT:
            return interpret(levels.tape, levels.outputs, inputs)
        if self._wide and max(map(abs, found[self._wide])) >= LIMIT:
            return interpret(levels.tape, levels.outputs, inputs)
        if self._wanted and found[self._checks] != self._wanted:
            return None
        if not all(found[self._divisors]):
            return None
        for k in self._ints:
            found[k] = int(found[k])
        for k in self._truths:
            found[k] = bool(found[k])
        for flag, k in self._mixed:
            if found[flag]:
                found[k] = int(found[k])
        del found[self._n :]
        return found


_OF_FLOATS = {FLOAT: lambda x: x, INT: int, TRUTH: bool}


def each(call: Call) -> Callable[..., None]:
    """Return a function that writes what a call gives for each of many floats into an array."""
    function, settings, kinds = call.function, call.settings, call.kinds

    def careful(*args: Any) -> Any:
        return call_of_numbers(function, args, settings)

    plain = careful
    if kinds is None and isinstance(function, Op):
        plain = function.scalar

    def write(out: Any, *args: Any) -> None:
        lists = [each.ravel().tolist() for each in args]
        if kinds is not None:
            lists = _as_recorded(lists, kinds)
        try:
            found = list(map(plain, *lists))
        except (ArithmeticError, ValueError):
            found = list(map(careful, *lists))
        if kinds is not None:
            classes = set(map(type, found))
            if not classes <= _FORESEEN[call.result]:
                raise SurpriseError
            if call.flags:
                found = [x.__class__ is int for x in found]
        out[...] = np.array(found, float).reshape(out.shape)

    return write


_FORESEEN = {FLOAT: {float}, INT: {int}, TRUTH: {bool}, MIXED: {float, int}}


def _as_recorded(lists: list[list[float]], kinds: tuple[int, ...]) -> list[list[Any]]:
    """Return floats as the classes of numbers that they stand for."""
    flags = iter(lists[len(kinds) :])
    found: list[list[Any]] = []
    for kind, values in zip(kinds, lists, strict=False):
        if kind == MIXED:
            pairs = zip(values, next(flags), strict=True)
            found.append([int(x) if flag else x for x, flag in pairs])
        else:
            found.append(values if kind == FLOAT else list(map(_OF_FLOATS[kind], values)))
    return found


def whole(forward: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that writes what a function of arrays gives."""

    def write(*args: Any) -> None:
        args[-1][...] = forward(*args[:-1])

    return write
