"""A graph of numbers as straight Python: a line for each number, in functions of bounded size."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Sequence
from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import FLOAT
from micrograd.compiler.lowering.scalars.names import FUNCTIONS
from micrograd.compiler.lowering.scalars.registers import reuse_names
from micrograd.compiler.recording.tape import CONSTANT, INPUT, call_of_numbers
from micrograd.core.numbers import to_number
from micrograd.core.op import Op

SIZE = 100_000
"""How many numbers a function computes."""

DEPTH = 10
"""How deep calls stand within each other in a line that is to be read."""

_SIGNS = {
    **{"add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}"},
    **{"negative": "-{}", "absolute": "abs({})", "where": "{1} if {0} else {2}"},
    **{"lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}"},
    **{"eq": "{} == {}", "ne": "{} != {}", "and_": "{} & {}", "or_": "{} | {}", "xor": "{} ^ {}"},
}
_REPEATING = {  # an argument is computed where it stands first: there it gets a name
    "relu": "0 if {1} < 0 else {0}",
    "maximum": "{0} if {2} >= {3} or {0} != {0} else {1}",
    "minimum": "{0} if {2} <= {3} or {0} != {0} else {1}",
}
_MATH = {
    name: function.scalar.__name__
    for name, function in FUNCTIONS.items()
    if getattr(getattr(function, "scalar", None), "__module__", "") == "math"
}


_OWN = re.compile(r"abs|v|program|(t|x|part)\d+")
"""Names with a meaning in the text."""

_PLAIN = frozenset((*_MATH, "sigmoid", "tanh_slope", "softplus", "elu", "log_sigmoid", "softsign"))
"""Operations whose functions of numbers give Python's floats, not NumPy's, where they do."""


class Source:
    """The text of a program, and what it needs.

    Where Python raises an error, and IEEE-754 has an answer, the text does, too. Careful text is
    slower, and goes on with the answer.

    Attributes:
        parts: one function `program(v)` of a list of the inputs, or of the inputs if they have
            names, which returns what is wanted; or, of many numbers, functions `part0(v)`,
            `part1(v)`, …, which read and write a list of numbers, in which the inputs come first.
        names: what they need.
        lines: how many lines they have.
        wanted: the nodes that are wanted: outputs, what is checked, and by what Python divides.
        places: where these stand in the list, if there is one.
        size: how long the list is.

    Args:
        graph: what is computed.
        careful: whether to go on where Python raises an error.
        parameters: names of the inputs, for text to be read: each value has a name of its own.
    """

    def __init__(
        self, graph: Graph, careful: bool = False, parameters: Sequence[str] | None = None
    ) -> None:
        self.graph, self._careful = graph, careful
        self.names: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
        self._wide = set(graph.wide)
        self.wanted = [*graph.outputs, *[i for i, _ in graph.checks], *graph.divisors]
        self._uses, self._last = _uses(graph, self.wanted)
        self._place = {i: k for k, i in enumerate(graph.inputs)}
        self.flat = len(graph) <= SIZE
        self._read = parameters is not None
        own = [f"t{i}" for i in graph.inputs] if parameters is None else parameters
        self._parameters = dict(zip(graph.inputs, own, strict=True))
        self.lines = 0
        self.parts = [self._block(start) for start in range(0, len(graph), SIZE)]
        self.places = [] if self.flat else [self._place[i] for i in self.wanted]
        self.size = 0 if self.flat else len(self._place)

    def _block(self, start: int) -> str:
        """Return the function that computes the nodes from `start` on."""
        graph, uses, last, place, flat = (
            *(self.graph, self._uses, self._last, self._place, self.flat),
        )
        block = start // SIZE
        texts: dict[int, str] = dict(self._parameters) if flat else {}
        lines = [f"def part{block}(v):"]
        if flat:
            lines = [f"def program({', '.join(texts.values()) if self._read else 'v'}):"]
            if texts and not self._read:
                lines.append(f"    {', '.join(texts.values())}, = v")
        bare: dict[int, str] = {}  # of what stands within a line
        depths: dict[int, int] = {}

        def text_of(j: int) -> str:
            if graph.operations[j] is CONSTANT:
                return repr(graph.constants[j])
            lines.append(f"    t{j} = v[{place[j]}]")
            return f"t{j}"

        for i in range(start, min(start + SIZE, len(graph))):
            name = graph.operations[i]
            if i == graph.backward and i:
                lines.append("    # The backward pass")
            if name is INPUT or (name is CONSTANT and (flat or last[i] < len(graph))):
                continue
            if name is CONSTANT:
                place[i] = len(place)
                lines.append(f"    v[{place[i]}] = {text_of(i)}")
                continue
            args = graph.arguments[i]
            for j in args:
                if j not in texts:
                    texts[j] = text_of(j)
            depth = 1 + max([depths.get(j, 0) for j in args])
            same = graph.kept(i) if name == "multiply" else None
            if same is not None:
                text = texts[same]
            elif name in _REPEATING:
                known = [f"t{j}" if j in bare else texts[j] for j in args]
                first = [f"(t{j} := {bare[j]})" if j in bare else texts[j] for j in args]
                text = _REPEATING[name].format(*known, *first)
            else:
                text = self._call(i, name, [texts[j] for j in args])
            if i in self._wide:
                text = f"{self._name('number', number)}({text})"
            within = uses[i] == 1 and last[i] == block and depth < (DEPTH if self._read else 1)
            if within and not self._may_raise(i):  # a `where` may leave out what stands within
                texts[i], bare[i], depths[i] = f"({text})", text, depth
                continue
            texts[i] = f"t{i}"
            if last[i] > block and not flat:
                place[i] = len(place)
                lines.append(f"    t{i} = v[{place[i]}] = {text}")
            else:
                lines.append(f"    t{i} = {text}")
        if flat:
            wanted = [texts[i] if i in texts else text_of(i) for i in self.wanted]
            lines.append(f"    return [{', '.join(wanted)}]")
        self.lines += len(lines) - 1
        lines = lines if len(lines) > 1 else [*lines, "    pass"]
        return "\n".join(lines if self._read else reuse_names(lines))

    def _may_raise(self, i: int) -> bool:
        """Tell whether a node is a call of Python's that may raise an error, but a division."""
        function = self.graph.functions.get(i)
        return function is not None and not isinstance(function, Op)

    def _call(self, i: int, name: Any, args: list[str]) -> str:
        """Return the call of a node as text."""
        graph = self.graph
        settings, kind = graph.settings.get(i, {}), graph.kinds[i]
        if name == "divide" and self._careful:
            return f"{self._name('divide', _divide)}({', '.join(args)})"
        if name in _SIGNS:
            return _SIGNS[name].format(*args)
        function = graph.function(i)
        if name == "power" and kind == FLOAT and not self._careful:
            return f"{self._name('pow', math.pow)}({', '.join(args)})"
        words = list(args)
        for key, value in settings.items():
            words.append(f"{key}={self._name('setting', value)}")
        if name in _PLAIN and kind == FLOAT:
            scalar = _Rescued(function) if self._careful else function.scalar
            return f"{self._name(_MATH.get(name, name), scalar)}({', '.join(words)})"
        called = self._name(getattr(function, "name", "") or function.__name__, _Call(function))
        return f"{called}({', '.join(words)})"

    def _name(self, name: str, thing: Any) -> str:
        """Return the name by which the text knows a thing."""
        if not name.isidentifier() or keyword.iskeyword(name) or _OWN.fullmatch(name):
            name = "function"
        own, k = name, 1
        while not _same(self.names.setdefault(own, thing), thing):
            k += 1
            own = f"{name}_{k}"
        return own


class _Call:
    """A function that gives numbers as eager calls have them."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and other.function is self.function  # pyright: ignore

    def __hash__(self) -> int:
        return hash(self.function)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return call_of_numbers(self.function, args, settings)


class _Rescued(_Call):
    """The same for an operation that gives floats."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        try:
            return self.function.scalar(*args, **settings)
        except (ArithmeticError, ValueError):
            return call_of_numbers(self.function, args, settings)


def _divide(a: Any, b: Any) -> Any:
    return a / b if b else call_of_numbers(FUNCTIONS["divide"], (a, b), {})


def _uses(graph: Graph, wanted: list[int]) -> tuple[list[int], list[int]]:
    """Return how often each number is used, and in which function last."""
    uses, last = [0] * len(graph), [-1] * len(graph)
    for i, args in enumerate(graph.arguments):
        block = i // SIZE
        for j in args:
            uses[j] += 1
            last[j] = block
    for i in wanted:
        uses[i] += 2
        last[i] = len(graph)
    return uses, last


def _same(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, _Call) and a == b)


def number(x: Any) -> Any:
    """Return a number as eager calls have it.

    >>> number(2**53 + 1)
    9007199254740992.0
    """
    return x if x.__class__ is float else to_number(x)
