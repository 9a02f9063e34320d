"""Numbers in one vector to be read: what NumPy computes there, a line for each call."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from micrograd.compiler.lowering.names import Names, literal
from micrograd.compiler.lowering.portable import Made, each, of_numbers, strided
from micrograd.compiler.lowering.scalars.levels import Levels
from micrograd.compiler.lowering.scalars.lines import Line
from micrograd.compiler.lowering.scalars.views import View
from micrograd.compiler.lowering.scalars.written import OTHER, NumbersText
from micrograd.core.op import registry

_SIGNS = {
    **{"add": "+", "subtract": "-", "multiply": "*", "divide": "/"},
    **{"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="},
    **{"equal": "==", "not_equal": "!="},
}
WIDTH = 94
MOST = 24
"""Up to how many inputs are named where a program is printed."""
LARGE = "an integer is past 2**53, and becomes a float, which the program does not foresee"
FEW = 8
"""Up to how many are written one by one."""


class VectorWriter:
    """Writes levels as lines.

    Args:
        levels: the program.
        inputs: the slots of its inputs, in order.
        names: wishes for the names of inputs, by slot.
        taken: the names that there are.
        whole: whether to name all inputs, however many there are.
    """

    def __init__(
        self,
        levels: Levels,
        inputs: Sequence[int],
        names: Mapping[int, str],
        taken: Names,
        whole: bool,
    ) -> None:
        self._levels, self._names, self._whole = levels, taken, whole
        parameters = [taken.new(names.get(slot, f"x{k + 1}")) for k, slot in enumerate(inputs)]
        self._at: list[str] = [parameters[k] for k in np.argsort(levels.inputs).tolist()]
        self._view_of = {name: view for view, name in levels.lines.views.items()}
        self._first = len(inputs) + len(levels.constants)  # of what is computed
        self.text = NumbersText(parameters)
        self._called: dict[str, str] = {}
        self._calls: dict[str, Any] = {}
        self._vector = taken.new("v")
        self._begin()
        for line in levels.lines.lines:
            self._write(line)
        self._end()

    def _line(self, text: str, note: str = "") -> None:
        """Write a line, as several if it is long."""
        lines = self.text.lines
        if note and len(text) + len(note) > WIDTH:
            lines.append(f"# {note}")
            note = ""
        target, equals, value = text.partition(" = ")
        if len(text) <= WIDTH or not equals:
            lines.append(text + (f"  # {note}" if note else ""))
        elif value.startswith("["):
            lines += [f"{target} = [", *_wrapped(value[1:-1]), "]"]
        else:
            lines += [f"{target} = (", f"    {value}", ")"]

    def _need(self, name: str, thing: Any) -> str:
        if name not in self._called:
            self._called[name] = self._names.new(name)
            self.text.needs[self._called[name]] = thing
        return self._called[name]

    # The vector

    def _begin(self) -> None:
        """Write how the numbers lie in the vector."""
        levels, v = self._levels, self._vector
        inputs, first = len(self._at), self._first
        self.text.head = [
            f"# All numbers lie in one vector {v}. What is alike, and equally deep, is one call:",
            f"# {v}[0:{inputs}] are the inputs: {_few(self._at)}",
            f"# {v}[{inputs}:{first}] are constants",
            f"# {v}[{first}:{levels.size}] is computed; i0, i1, … are lists of places",
        ]
        self._line(f"{v} = np.zeros({levels.size})")
        if inputs:
            words = self._at if self._whole or inputs <= MOST else [_few(self._at)]
            self._line(f"{v}[:{inputs}] = [{', '.join(words)}]")
        if first > inputs:
            constants = levels.constants
            text = literal(constants.tolist())
            if len(constants) > FEW:
                text = self._need("constants", constants)
            self._line(f"{v}[{inputs}:{first}] = {text}")

    def _view(self, view: View) -> str:
        """Return how the numbers of a view are written."""
        v, start = self._vector, view.start
        if len(view.shape) == 1 and view.steps[0] > 0:
            count, step = view.shape[0], view.steps[0]
            stop = start + (count - 1) * step + 1
            return f"{v}[{start}:{stop}{f':{step}' if step > 1 else ''}]"
        text = f"{v}, {start}, {view.shape}, {view.steps}"
        return f"{self._need('strided', strided)}({text})"

    # Calls

    def _write(self, line: Line) -> None:
        """Write a call as one would have written it."""
        what, out, args = line.what, line.out, [*map(self._word, line.args)]
        if what == "scatter":
            self._line(f"{self._vector}[{self._index(out)}] = {args[0]}")
        elif what == "gather":
            self._assign(line, f"{self._vector}[{self._index(line.args[0])}]")
        elif what == "copy":
            buffer = out in self._levels.lines.buffers
            self._assign(line, f"{args[0]}.copy()" if buffer else args[0])
        elif what in ("sum", "running sum"):
            rows = self._shape(line.args[0])[0]
            text = f"np.{line.function}({args[0]})"
            self._assign(line, text, note=f", each the sum of {rows}, in order")
        elif what == "ufunc":
            sign = _SIGNS.get(line.function)
            words = f" {sign} ".join(args) if sign else f"np.{line.function}({', '.join(args)})"
            self._assign(line, words)
        elif what == "relu":
            self._assign(line, f"np.where({args[0]} < 0, 0, {args[0]})")
        elif what == "where":
            self._assign(line, f"np.where({args[0]} != 0, {args[1]}, {args[2]})")
        elif what == "choice":  # of two equal ones the first, which may be another zero
            both = f"np.{line.function}({args[0]}, {args[1]})"
            self._assign(line, f"np.where({args[0]} == {args[1]}, {args[0]}, {both})")
        else:
            self._assign(line, f"{self._function(line)}({', '.join(args)})")

    def _function(self, line: Line) -> str:
        """Return the name of what is called for each number, or for all."""
        call = self._levels.lines.calls[line.function]
        name = call.name or getattr(call.function, "__name__", "function")
        if line.what == "whole":
            return self._need(name, registry[name].forward)
        function = of_numbers(call.function, call.settings)
        given = (function, call.kinds, call.result, call.flags)
        word = f"each_{name}"
        while self._calls.setdefault(word, given) != given:
            word += "_"
        return self._need(word, Made(each, given))

    def _assign(self, line: Line, text: str, note: str = "") -> None:
        """Write what a call gives to where it goes."""
        word = self._word(line.out)
        if word.endswith(")"):
            word += "[...]"
        count = int(np.prod(self._shape(line.out)))
        read = [names for arg in line.args if (names := self._inputs_in(arg))]
        of = f" of {' and '.join(dict.fromkeys(read))}" if read else ""
        plural = "number" if count == 1 else "numbers"
        self._line(f"{word} = {text}", f"{count:,} {plural}{of}{note}")

    def _word(self, name: str) -> str:
        view = self._view_of.get(name)
        return name if view is None else self._view(view)

    def _shape(self, name: str) -> tuple[int, ...]:
        view = self._view_of.get(name)
        return self._levels.lines.buffers[name][0] if view is None else view.shape

    def _index(self, name: str) -> str:
        return self._need(name, self._levels.lines.indices[name])

    def _inputs_in(self, name: str) -> str:
        """Return the names of the inputs that a view goes over, "" if it goes over others."""
        view = self._view_of.get(name)
        if view is None:
            return ""
        sizes = zip(view.shape, view.steps, strict=True)
        grid: Any = np.ix_(*[np.arange(n) * step for n, step in sizes])
        places = np.unique(view.start + sum(grid))
        if places[-1] >= len(self._at):
            return ""
        return _few([self._at[int(i)] for i in places])

    # What comes out

    def _end(self) -> None:
        levels: Any = self._levels
        ends, picked = levels.ends, levels.picked.tolist()
        v = self._vector
        if ends.wanted:
            places = self._places("checked", picked[ends.checks])
            truths = self._need("wanted", np.array(ends.wanted, float))
            self._line(
                f"if not np.array_equal({v}[{places}], {truths}): raise ValueError({OTHER!r})"
            )
        if divisors := picked[ends.divisors]:
            places = self._places("divisors", divisors)
            self._line(f"if not {v}[{places}].all(): raise ZeroDivisionError")
        for where in (ends._wide, ends._large):
            if large := picked[where]:
                places = self._places("integers", large)
                text = f"if abs({v}[{places}]).max() >= 2**53"
                self._line(f"{text}: raise ValueError({LARGE!r})")
        found = self.text.row = self._names.new("found")
        count = ends.count
        places = self._places("outputs", picked[:count]) if count else "[]"
        self._line(f"{found} = {v}[{places}].tolist()")
        for which, name in ((ends.ints, "int"), (ends.truths, "bool")):
            if which:
                self._line(f"for k in {_numbers(which)}: {found}[k] = {name}({found}[k])")
        for flag, k in ends.mixed:
            self._line(f"if {v}[{picked[flag]}]: {found}[{k}] = int({found}[{k}])")
        self.text.outputs = [f"{found}[{k}]" for k in range(count)]

    def _places(self, name: str, places: list[int]) -> str:
        """Return an index of places in the vector."""
        if places == list(range(places[0], places[0] + len(places))):
            return f"{places[0]}:{places[0] + len(places)}"
        return f"{places}" if len(places) <= FEW else self._need(name, np.array(places))


def may_be_wide(levels: Any) -> bool:
    """Tell whether an integer may come past 2**53, which floats do not hold."""
    return levels.ends._wide.start < levels.ends._wide.stop


def _numbers(which: list[int]) -> str:
    if which == list(range(which[0], which[0] + len(which))):
        return f"range({which[0]}, {which[0] + len(which)})"
    return f"{which}"


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _few(words: Sequence[str]) -> str:
    """Return the first words and the last.

    >>> _few(["a", "b"]), _few(list("abcdefgh"))
    ('a, b', 'a, b, c … h')
    """
    if len(words) <= 5:
        return ", ".join(words)
    return f"{', '.join(words[:3])} … {words[-1]}"
