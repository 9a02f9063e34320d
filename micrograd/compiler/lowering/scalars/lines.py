"""The calls that steps take: what they read and write, views of one vector or buffers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from micrograd.compiler.lowering.scalars.layout import Indices, Layout, Step
from micrograd.compiler.lowering.scalars.primitives import UFUNCS, Call
from micrograd.compiler.lowering.scalars.views import View, pieces, straight, view_of

FAST = {"exp": "exp", "log": "log", "tanh": "tanh", "power": "power"}
"""Operations that NumPy has, in another way than `math`."""

BY_ARRAY = frozenset(("tanh_slope", "sigmoid"))
"""Operations whose functions of arrays are other ones than those of numbers."""


@dataclass(frozen=True)
class Line:
    """One call.

    Attributes:
        what: "ufunc", "relu", "where", "choice" (of a maximum), "copy", "sum" (of rows),
            "running sum", "gather", "scatter", "each" (by a function for each number), or "whole"
            (by a function of arrays).
        function: what is called, by name; of "each" and "whole", a name of `Lines.things`.
        args: names of views and buffers, or indices of `Lines.things`.
        out: where the results go.
        mask: a buffer of truths.
        backward: whether it is part of the backward pass.
    """

    what: str
    function: str
    args: tuple[str, ...]
    out: str
    mask: str = ""
    backward: bool = False


class Lines:
    """All lines of a program, with the names of what they use.

    Attributes:
        lines: in order.
        views: names of views.
        buffers: shapes and dtypes of buffers, by name.
        indices: places in the vector, by name.
        calls: `Call`s, by name.
    """

    def __init__(self, layout: Layout, exact: bool) -> None:
        self._exact, self._backward = exact, False
        self.lines: list[Line] = []
        self.views: dict[View, str] = {}
        self.buffers: dict[str, tuple[tuple[int, ...], type]] = {}
        self.indices: dict[str, Indices] = {}
        self.calls: dict[str, Call] = {}
        for step in layout.steps:
            self._write(step)

    @property
    def bytes(self) -> int:
        """Those of buffers and indices."""
        sizes = [prod(shape) * np.dtype(kind).itemsize for shape, kind in self.buffers.values()]
        return sum(sizes) + sum([each.nbytes for each in self.indices.values()])

    def _write(self, step: Step) -> None:
        """Write a step, in as many pieces as it takes for views."""
        lists, self._backward = [step.out, *step.args], step.backward
        for start, stop, axes in pieces(lists):
            parts = [each[start:stop] for each in lists]
            view = view_of(parts[0], axes, 0) if axes is not None else straight(parts[0])
            shape = (stop - start,) if view is None else view.shape
            out = self._buffer(shape, float) if view is None else self.view(view)
            if step.operation == "reduce":
                self._write_sum(step, out, parts[0], parts[1], axes)
            else:
                args = [
                    self._gathered(part) if axes is None else self.view(view_of(part, axes, q + 1))
                    for q, part in enumerate(parts[1:])
                ]
                self._write_call(step.operation, tuple(args), out, shape)
            if view is None:
                self._add("scatter", "", (out,), self._index(parts[0]))

    def _write_sum(self, step: Step, out: str, at: Indices, first: Indices, axes: Any) -> None:
        rows, width = step.rows, step.width
        view = view_of(first, axes, 1) if axes is not None else straight(first)
        if view is None:
            part = self._gathered(first[None] + width * np.arange(rows)[:, None])
        else:
            part = self.view(View(view.start, (rows, *view.shape), (width, *view.steps)))
        if len(first) > 1:
            self._add("sum", "add.reduce", (part,), out)
            return
        # Reduce would add up a single column pairwise.
        self._add("running sum", "add.accumulate", (part,), part)
        last = int(first[0]) + width * (rows - 1)
        if last != int(at[0]):
            self._add("copy", "", (self.view(View(last, (1,), (1,))),), out)

    def _write_call(
        self, operation: Any, args: tuple[str, ...], out: str, shape: tuple[int, ...]
    ) -> None:
        if operation == "copy":
            self._add("copy", "", args, out)
        elif isinstance(operation, Call):
            whole = not (self._exact or operation.settings or operation.kinds is not None)
            if whole and operation.name in FAST:
                self._add("ufunc", FAST[operation.name], args, out)
                return
            what = "whole" if whole and operation.name in BY_ARRAY else "each"
            name = f"f{len(self.calls)}"
            self.calls[name] = operation
            self._add(what, name, args, out)
        elif operation in UFUNCS:
            self._add("ufunc", UFUNCS[operation].__name__, args, out)
        else:
            what = "choice" if operation in ("maximum", "minimum") else operation
            self._add(what, operation, args, out, self._buffer(shape, bool))

    def _add(
        self, what: str, function: str, args: tuple[str, ...], out: str, mask: str = ""
    ) -> None:
        self.lines.append(Line(what, function, args, out, mask, self._backward))

    def view(self, view: View) -> str:
        """Return the name of a view."""
        return self.views.setdefault(view, f"v{len(self.views)}")

    def _gathered(self, indices: Indices) -> str:
        """Return the name of a view, or of a buffer into which numbers are gathered."""
        view = straight(indices) if indices.ndim == 1 else None
        if view is not None:
            return self.view(view)
        name = self._buffer(indices.shape, float)
        self._add("gather", "", (self._index(indices),), name)
        return name

    def _buffer(self, shape: tuple[int, ...], kind: type) -> str:
        name = f"b{len(self.buffers)}"
        self.buffers[name] = shape, kind
        return name

    def _index(self, indices: Indices) -> str:
        name = f"i{len(self.indices)}"
        self.indices[name] = indices
        return name


def calls_of(line: Line) -> Iterator[str]:
    """Yield the calls of NumPy's that a line is, as they are run: fastest."""
    args, out, mask = line.args, line.out, line.mask
    words = ", ".join([*args, out])
    if line.what == "ufunc":
        yield f"{line.function}({words})"
    elif line.what == "copy":
        yield f"copyto({out}, {args[0]})"
    elif line.what in ("sum", "running sum"):
        yield f"{line.function}({args[0]}, 0, None, {out})"
    elif line.what == "gather":
        yield f"take({args[0]}, None, {out}, 'clip')"
    elif line.what == "scatter":
        yield f"v[{out}] = {args[0]}"
    elif line.what in ("each", "whole"):
        yield f"{line.function}({words})"
    elif line.what == "relu":
        yield f"less({args[0]}, 0, {mask})"
        yield f"copyto({out}, {args[0]})"
        yield f"copyto({out}, 0, where={mask})"
    elif line.what == "where":
        yield f"not_equal({args[0]}, 0, {mask})"
        yield f"copyto({out}, {args[2]})"
        yield f"copyto({out}, {args[1]}, where={mask})"
    else:  # of two equal ones the first, which may be another zero
        yield f"equal({args[0]}, {args[1]}, {mask})"
        yield f"{line.function}({args[0]}, {args[1]}, out={out})"
        yield f"copyto({out}, {args[0]}, where={mask})"
