"""A graph of numbers as operations on floats alone, which NumPy does many of at once.

A number that is a float or an integer, depending on numbers, is two floats: the number, and a flag,
1 if it is an integer. Flags are computed where an output or a sign of zero depends on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import FLOAT, INT, LIMIT, MIXED
from micrograd.compiler.lowering.scalars.names import FUNCTIONS
from micrograd.compiler.recording.tape import CONSTANT, INPUT

UFUNCS: dict[str, Any] = {
    **{"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide},
    **{"negative": np.negative, "absolute": np.absolute, "sqrt": np.sqrt},
    **{"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal},
    **{"eq": np.equal, "ne": np.not_equal},
    **{"and_": np.logical_and, "or_": np.logical_or, "xor": np.logical_xor},
}
CHOICES = frozenset(("relu", "where", "maximum", "minimum"))
_SIGNED = frozenset(("multiply", "negative"))
"""Operations that give -0.0 of floats where they give 0 of integers."""

BY_FLOATS = frozenset(("sigmoid", "tanh_slope", "power")) | {
    name
    for name, function in FUNCTIONS.items()
    if getattr(getattr(function, "scalar", None), "__module__", "") == "math"
}
"""Operations that give equal numbers for an integer and for the float that equals it."""


class UnfitError(Exception):
    """What is computed does not come in floats."""


class Call:
    """A call of a function for each number by itself.

    Attributes:
        name: what an operation is called by, "" for other functions.
        function: an `Op` or any function.
        settings: what it is given by name.
        kinds: those of its arguments, None if floats will do.
        result: the kind of what it gives.
        flags: whether to give the flags of the results, not the results.
    """

    def __init__(
        self,
        name: str,
        function: Any,
        settings: dict[str, Any],
        kinds: tuple[int, ...] | None,
        result: int,
        flags: bool = False,
    ) -> None:
        self.name, self.function, self.settings = name, function, settings
        self.kinds, self.result, self.flags = kinds, result, flags


class Primitives:
    """Operations on floats, in an order in which each comes after what it is given.

    Attributes:
        operations: for each, a name of `UFUNCS` or `CHOICES`, or a `Call`; of inputs, which come
            first, and of constants, which follow, it is `INPUT` and `CONSTANT`.
        arguments: those that each is given.
        constants: the values of the constants.
        inputs: how many inputs there are.
        backward: the first one of the backward pass; those after it are of it, too.
        values: for each node of the graph, the primitive that gives the number.
        flags: for each node whose flag is needed, the primitive that gives it.
    """

    def __init__(self, graph: Graph) -> None:
        if any(graph.kinds[i] == MIXED for i in graph.wide):
            raise UnfitError
        self.graph = graph
        self.operations: list[Any] = [INPUT] * len(graph.inputs)
        self.arguments: list[tuple[int, ...]] = [()] * len(graph.inputs)
        self.inputs = len(graph.inputs)
        self.constants: list[float] = []
        self.values = [-1] * len(graph)
        self.flags: dict[int, int] = {}
        self._known: dict[Any, int] = {}
        self._calls: dict[Any, Call] = {}
        for k, i in enumerate(graph.inputs):
            self.values[i] = k
        needed = _flags_needed(graph)
        self._enter_constants(0.0, 1.0, float(LIMIT))
        for i, value in graph.constants.items():
            if value.__class__ is int and abs(value) > LIMIT:
                raise UnfitError
            self.values[i] = self._enter_constants(float(value))
        self.backward = 0
        for i, name in enumerate(graph.operations):
            if i == graph.backward:
                self.backward = len(self.operations)
            if name is not INPUT and name is not CONSTANT:
                self._enter_call(i, name)
                if needed[i]:
                    self._enter_flag(i, name)

    def _enter_constants(self, *values: float) -> int:
        for value in values:
            if ("constant", repr(value)) not in self._known:
                self._known["constant", repr(value)] = len(self.operations)
                self.constants.append(value)
                self.operations.append(CONSTANT)
                self.arguments.append(())
        return self._known["constant", repr(values[-1])]

    def _constant(self, value: float) -> int:
        return self._known["constant", repr(value)]

    def _add(self, operation: Any, *arguments: int) -> int:
        """Return an operation on floats, the one that there is, if there is one."""
        key = operation, arguments
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.operations)
            self.operations.append(operation)
            self.arguments.append(arguments)
        return known

    def _enter_call(self, i: int, name: Any) -> None:
        graph, values = self.graph, self.values
        args = tuple([values[j] for j in graph.arguments[i]])
        if name in UFUNCS or name in CHOICES:
            values[i] = len(self.operations)
            self.operations.append(name)
            self.arguments.append(args)
            if graph.kinds[i] == INT and name in _SIGNED and _signed_zero(graph, i):
                values[i] = self._add("add", values[i], self._constant(0.0))
            return
        values[i] = self._call(i, name, False)

    def _call(self, i: int, name: Any, flags: bool) -> int:
        """Return the call of a function for each number by itself."""
        graph = self.graph
        nodes = graph.arguments[i]
        args = [self.values[j] for j in nodes]
        settings, function = graph.settings.get(i, {}), graph.function(i)
        kinds = None
        if name not in BY_FLOATS or settings:
            kinds = tuple([graph.kinds[j] for j in nodes])
            args += [self.flags[j] for j in nodes if graph.kinds[j] == MIXED]
        key = function, repr(settings), kinds, flags
        call = self._calls.get(key)
        if call is None or call.settings != settings:
            word = name if isinstance(name, str) else ""
            call = self._calls[key] = Call(word, function, settings, kinds, graph.kinds[i], flags)
        return self._add(call, *args)

    def flag(self, node: int) -> int:
        """Return the flag of a node."""
        kind = self.graph.kinds[node]
        return self.flags[node] if kind == MIXED else self._constant(float(kind != FLOAT))

    def _enter_flag(self, i: int, name: Any) -> None:
        """Enter the flag of a mixed number, and take the sign from an integer zero."""
        graph, values, add = self.graph, self.values, self._add
        nodes = graph.arguments[i]
        args = [values[j] for j in nodes]
        zero, one = self._constant(0.0), self._constant(1.0)
        if name in ("add", "subtract", "multiply", "power"):
            flag = self._both(self.flag(nodes[0]), self.flag(nodes[1]))
        elif name in ("negative", "absolute"):
            flag = self.flag(nodes[0])
        elif name == "relu":
            small, flag = add("lt", args[0], zero), self.flag(nodes[0])
            flag = small if flag == zero else add("where", small, one, flag)
        elif name == "where":
            flag = add("where", args[0], self.flag(nodes[1]), self.flag(nodes[2]))
        elif name in ("maximum", "minimum"):
            first = add("ge" if name == "maximum" else "le", *args)
            first = add("or_", first, add("ne", args[0], args[0]))
            flag = add("where", first, self.flag(nodes[0]), self.flag(nodes[1]))
        else:
            flag = self._call(i, name, True)
        if name == "power":
            small = add("lt", add("absolute", values[i]), self._constant(float(LIMIT)))
            flag = self._both(flag, self._both(add("ge", args[1], zero), small))
        self.flags[i] = flag
        if name in _SIGNED and _signed_zero(graph, i):
            values[i] = add("where", flag, add("add", values[i], zero), values[i])

    def _both(self, a: int, b: int) -> int:
        one = self._constant(1.0)
        return b if a == one else a if b == one else self._add("and_", a, b)


def _signed_zero(graph: Graph, i: int) -> bool:
    """Tell whether a product or a negative of integers may be 0, and of floats -0.0."""
    ranges = [graph.ranges[j] for j in graph.arguments[i]]
    if graph.operations[i] == "negative":
        return ranges[0][0] <= 0 <= ranges[0][1]
    return any(low < 0 for low, _ in ranges)


def _flags_needed(graph: Graph) -> bytearray:
    """Return for which nodes flags are needed."""
    needed = bytearray(len(graph))
    kinds = graph.kinds
    if MIXED not in kinds:
        return needed
    for i in graph.outputs:
        needed[i] = kinds[i] == MIXED
    for i in range(len(graph) - 1, -1, -1):
        name = graph.operations[i]
        if name is INPUT or name is CONSTANT:
            continue
        mixed = kinds[i] == MIXED
        if mixed and name in _SIGNED and _signed_zero(graph, i):
            needed[i] = 1
        of_floats = (
            name in UFUNCS or name in CHOICES or (name in BY_FLOATS and not graph.settings.get(i))
        )
        if needed[i] or not of_floats:
            for j in graph.arguments[i][1 if name == "where" else 0 :]:
                needed[j] = needed[j] or kinds[j] == MIXED
    return needed
