"""What is run, as a person would have written it: a module that needs only `math` and NumPy."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.levels import Levels
from micrograd.compiler.lowering.scalars.lines import Line, Lines
from micrograd.compiler.lowering.scalars.primitives import Call
from micrograd.compiler.lowering.scalars.source import Source
from micrograd.compiler.lowering.scalars.views import View

_OWN = re.compile(
    r"abs|v|program|compute|found|part|places|outputs|flag|k|as_strided|each|math|np|inf|nan|(t|x|part|i|b)\d+"
)
"""Names with a meaning in the text."""

_PART = '''
def part(start, shape, steps):
    """Return numbers of v, from a start on, by steps along some axes."""
    return as_strided(v[start:], shape, [8 * step for step in steps])
'''
_EACH = '''
def each(function, *arrays):
    """Return what a function of Python's gives for each number."""
    arrays = np.broadcast_arrays(*arrays)
    numbers = zip(*[array.ravel().tolist() for array in arrays])
    return np.reshape([function(*given) for given in numbers], arrays[0].shape)
'''
_KNOWN = {
    "sigmoid": "def sigmoid(x):\n    return 1 / (1 + math.exp(-x))",
    "tanh_slope": "def tanh_slope(g, x):\n    c = math.cosh(x)\n    return g / c / c",
    "number": "def number(x):\n"
    "    return x if isinstance(x, float) or abs(x) <= 2**53 else float(x)",
    "power": "def power(x, n):\n    y = math.pow(x, n)\n"
    "    exact = isinstance(x, int) and isinstance(n, int) and n >= 0 and abs(y) < 2**53\n"
    "    return int(y) if exact else y",
}
"""Functions of numbers that neither Python nor `math` has, as Python has them."""


_CASE = "the program was recorded for another case"


@dataclass(frozen=True)
class Text:
    """A module as text.

    Attributes:
        module: the text.
        unwritten: the names of functions that it has not got.
    """

    module: str
    unwritten: list[str]


def parameters(inputs: Sequence[int], names: dict[int, str]) -> list[str]:
    """Return a name for each input."""
    return [_identifier(names.get(slot, ""), f"x{k + 1}") for k, slot in enumerate(inputs)]


def _identifier(name: str, other: str) -> str:
    fits = name.isidentifier() and not keyword.iskeyword(name) and not _OWN.fullmatch(name)
    return name if fits else other


def text_of_levels(levels: Levels, inputs: Sequence[int], names: dict[int, str]) -> Text:
    """Return the text of a program by levels."""
    ends, count = levels.ends, len(inputs)
    constants = dict(enumerate(levels.constants.tolist(), count))
    writer = _Writer(levels.lines, constants)
    head = ["import math", "", "import numpy as np"]
    head += ["from numpy.lib.stride_tricks import as_strided", ""]
    head.append(f"v = np.zeros({levels.size})  # every number that there is, the inputs first")
    if len(levels.constants):
        numbers = ", ".join(map(_number, levels.constants.tolist()))
        head.append(f"v[{count}:{count + len(levels.constants)}] = [{numbers}]")
    for name in writer.indices:
        head.append(f"{name} = np.array({levels.lines.indices[name].tolist()})")
    for name, places in (("places", levels.inputs), ("outputs", levels.picked)):
        head.append(f"{name} = {_listed(places.tolist())}")
    own = parameters(inputs, names)
    lines: list[str] = []
    if inputs:
        lines.append(f"v[places] = [{', '.join(own)}]")
    lines += [*writer.body, "found = v[outputs].tolist()"]
    if ends.wanted:
        checked = f"found[{ends.checks.start}:{ends.checks.stop}]"
        lines += [f"if {checked} != {ends.wanted!r}:", f"    raise ValueError({_CASE!r})"]
    for what, places in (("int", ends.ints), ("bool", ends.truths)):
        if places:
            lines += [f"for k in {_listed(places)}:", f"    found[k] = {what}(found[k])"]
    if ends.mixed:
        mixed, start = [k for _, k in ends.mixed], ends.mixed[0][0]
        lines.append(f"for flag, k in enumerate({_listed(mixed)}, {start}):")
        lines.append("    if found[flag]:  # it is an integer")
        lines += ["        found[k] = int(found[k])"]
    lines.append(f"return found[:{ends.count}]")
    body = [f"    {line}" for line in lines]
    module = [*head, *writer.helpers.texts, "", f"def program({', '.join(own)}):", *body]
    return Text("\n".join(map(_wrapped, module)), writer.helpers.unwritten)


def text_of_source(graph: Graph, inputs: Sequence[int], names: dict[int, str]) -> Text:
    """Return the text of a program in straight Python."""
    own = parameters(inputs, names)
    source = Source(graph, parameters=own)
    helpers = _Helpers()
    head = ["import math", "from math import inf, nan"]
    for name, thing in source.names.items():
        if name in ("inf", "nan"):
            continue
        plain = thing.__class__ in (float, int, bool)
        text = _number(thing) if plain else helpers.name(name, thing)
        if text != name:
            head.append(f"{name} = {text}")
    count = len(graph.outputs)
    found, checks = "found", [value for _, value in graph.checks]
    parts = list(source.parts)
    called = [f"def program({', '.join(own)}):"]
    if source.flat:
        parts = [parts[0].replace("def program(", "def compute(", 1)]
        called.append(f"    found = compute({', '.join(own)})")
    else:
        called.append(f"    v = [{', '.join(own)}] + [None] * {source.size - len(own)}")
        called += [f"    part{k}(v)" for k in range(len(parts))]
        called.append(f"    found = [v[k] for k in {source.places}]")
    if checks:
        called.append(f"    if found[{count}:{count + len(checks)}] != {checks!r}:")
        called.append(f"        raise ValueError({_CASE!r})")
    called.append(f"    return {found}[:{count}]")
    if source.flat and len(source.wanted) == count:
        parts, called = source.parts, []
    blocks = ["\n".join(head), *helpers.texts, *[f"\n{part}\n" for part in parts]]
    return Text("\n".join([*blocks, *map(_wrapped, called)]), helpers.unwritten)


def _listed(numbers: list[int]) -> str:
    """Return integers as Python writes them."""
    start, stop = (numbers[0], numbers[-1] + 1) if numbers else (0, 0)
    return f"range({start}, {stop})" if numbers == list(range(start, stop)) else repr(numbers)


def _wrapped(line: str) -> str:
    """Return a line in several, where it is too long."""
    if len(line) <= 100 or "\n" in line or "#" in line:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(
        line, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


class _Helpers:
    """Functions that a text needs beside those of `math` and NumPy.

    Attributes:
        texts: their text.
        unwritten: the names of those that have none.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.unwritten: list[str] = []

    def need(self, text: str) -> None:
        """Take a text in."""
        if text not in self.texts:
            self.texts.append(text)

    def name(self, name: str, function: Any) -> str:
        """Return how a text names a function of numbers, and take it in."""
        scalar = getattr(function, "function", function)
        scalar = getattr(scalar, "scalar", scalar)
        if getattr(scalar, "__module__", "") == "math":
            return f"math.{scalar.__name__}"
        if name in _KNOWN:
            self.need(f"\n{_KNOWN[name]}\n")
        elif name not in self.unwritten:
            self.unwritten.append(name)
        return name


def _number(x: Any) -> str:
    return repr(x).replace("inf", "math.inf").replace("nan", "math.nan")


class _Writer:
    """The lines of a program as text.

    Attributes:
        body: the lines.
        indices: the names of places that they use.
        helpers: functions that they use.
    """

    def __init__(self, lines: Lines, constants: dict[int, float]) -> None:
        self._lines = lines
        self._constants = {
            name: _number(constants[view.start])
            for view, name in lines.views.items()
            if view.start in constants and (view.shape == (1,) or not any(view.steps))
        }
        self._texts = {name: _view(view) for view, name in lines.views.items()}
        self._shapes = {name: view.shape for view, name in lines.views.items()}
        self.body: list[str] = []
        self.indices: list[str] = []
        self.helpers = _Helpers()
        for line in lines.lines:
            self._write(line)
        if any("part(" in line for line in self.body):
            self.helpers.need(_PART)

    def _write(self, line: Line) -> None:
        if line.what == "gather":
            self.indices.append(line.args[0])
            self._texts[line.out] = f"v[{line.args[0]}]"
            return
        args = [self._constants.get(arg) or self._texts.get(arg, arg) for arg in line.args]
        if line.what == "scatter":
            self.indices.append(line.out)
            self.body.append(f"v[{line.out}] = {args[0]}")
            return
        out = self._texts.get(line.out, line.out)
        shape = self._shapes.get(line.out) or self._lines.buffers[line.out][0]
        buffer = line.out not in self._texts
        if line.what == "ufunc" and not buffer:
            text = f"np.{line.function}({', '.join(args)}, out={out})"
        elif line.what == "running sum":
            text = f"np.add.accumulate({args[0]}, axis=0, out={out})"
        elif line.what == "sum" and not buffer:
            text = f"np.add.reduce({args[0]}, axis=0, out={out})"
        else:
            value = self._value(line, args)
            text = f"{out} = {value}" if buffer or out.endswith("]") else f"{out}[...] = {value}"
        mark = ", backward" if line.backward else ""
        self.body.append(f"{text}  # {' × '.join(map(str, shape))}{mark}")

    def _value(self, line: Line, args: list[str]) -> str:
        """Return what a line gives."""
        what, (a, *rest) = line.what, args
        if what == "copy":
            return a
        if what == "ufunc":
            return f"np.{line.function}({', '.join(args)})"
        if what == "sum":
            return f"np.add.reduce({a}, axis=0)"
        if what == "relu":
            return f"np.where({a} < 0, 0, {a})"
        if what == "where":
            return f"np.where({a} != 0, {rest[0]}, {rest[1]})"
        if what == "choice":
            sign = ">=" if line.function == "maximum" else "<="
            return f"np.where(({a} {sign} {rest[0]}) | ({a} != {a}), {a}, {rest[0]})"
        return self._each(self._lines.calls[line.function], args)

    def _each(self, call: Call, args: list[str]) -> str:
        """Return what a function gives number by number."""
        name = call.name or getattr(call.function, "__name__", "function")
        if call.kinds is None:
            name = self.helpers.name(name, call.function)
        else:  # of integers, or with settings
            self.helpers.unwritten.append(name)
        self.helpers.need(_EACH)
        return f"each({name}, {', '.join(args)})"


def _view(view: View) -> str:
    """Return a view as one would write it."""
    start, shape, steps = view.start, view.shape, view.steps
    if len(shape) == 1:
        if shape[0] == 1 or steps[0] == 0:
            return f"v[{start}:{start + 1}]"
        if steps[0] > 0:
            stop = start + (shape[0] - 1) * steps[0] + 1
            return f"v[{start}:{stop}:{steps[0]}]" if steps[0] > 1 else f"v[{start}:{stop}]"
    core = tuple([n if step else 1 for n, step in zip(shape, steps, strict=True)])
    expected, straight = 1, True
    for n, step in list(zip(core, steps, strict=True))[::-1]:
        straight = straight and (n == 1 or step == expected)
        expected *= n
    if straight:
        return f"v[{start}:{start + prod(core)}].reshape{core}"
    return f"part({start}, {shape}, {steps})"
