"""The graph of what is computed: each number once, no dead ones, with what is known of each."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.compiler.scalars.kinds import (
    ANY,
    ARITHMETIC,
    COMPARISONS,
    FLOAT,
    INT,
    LIMIT,
    MIXED,
    TRUTH,
    Range,
    kind_of,
)
from micrograd.compiler.tape import CONSTANT, INPUT, Tape, call_of_numbers
from micrograd.core.op import Op, registry

_CLASSES = {float: FLOAT, int: INT, bool: TRUTH}
_NUMBERS_OUT = frozenset(("where", "maximum", "minimum", "relu"))
"""Operations of this library that give one of their arguments, but a truth as an integer."""


class Graph:
    """What is computed, as lists with an entry for each node.

    Attributes:
        operations: the name of the operation, or the function itself where it has none here;
            `INPUT` or `CONSTANT`.
        arguments: the nodes that it is given.
        functions: what is called, by node, where it is not that of `FUNCTIONS`.
        settings: what it is given by name, by node, where there is something.
        kinds: FLOAT, INT, TRUTH or MIXED.
        ranges: for each node that may be an integer, from where to where, if it is one.
        wide: nodes that become floats where they come out larger than `LIMIT`.
        constants: their values, by node.
        inputs: the node of each input.
        outputs: the node of each output.
        checks: pairs of a node and what it has to equal.
        backward: the first node of the backward pass, which is the last part.
        divisors: nodes by which Python divides, which raises an error if one is 0.
    """

    def __init__(self) -> None:
        self.operations: list[Any] = []
        self.arguments: list[tuple[int, ...]] = []
        self.functions: dict[int, Any] = {}
        self.settings: dict[int, dict[str, Any]] = {}
        self.kinds: list[int] = []
        self.ranges: dict[int, Range] = {}
        self.wide: list[int] = []
        self.constants: dict[int, Any] = {}
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.checks: list[tuple[int, Any]] = []
        self.divisors: list[int] = []
        self.backward = 0
        self._known: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self.operations)

    def add(self, name: Any, arguments: tuple[int, ...], kind: int) -> int:
        """Enter a node, and return it."""
        self.operations.append(name)
        self.arguments.append(arguments)
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def function(self, node: int) -> Any:
        """Return what is called for a node."""
        return self.functions.get(node) or FUNCTIONS[self.operations[node]]

    def constant(self, value: Any) -> int:
        """Return the node of a constant."""
        key = CONSTANT, value.__class__, repr(value)
        node = self._known.get(key)
        if node is None:
            kind = _CLASSES[value.__class__]
            node = self._known[key] = self.add(CONSTANT, (), kind)
            self.constants[node] = value
            if kind != FLOAT:
                self.ranges[node] = int(value), int(value)
        return node

    def call(self, name: str, *arguments: int) -> int:
        """Return the node of an operation with a name, which may be an argument."""
        key = name, arguments
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = self._new_call(name, arguments)
        return node

    def kept(self, node: int) -> int | None:
        """Return the argument that a product with 1 is, None if it is none, or changes the class.

        By levels such products stay: what has one and what has none would be two calls.
        """
        if self.operations[node] == "multiply":
            a, b = self.arguments[node]
            for one, other in ((a, b), (b, a)):
                value = self.constants.get(one)
                kind = self.kinds[other]
                if value == 1 and (kind == FLOAT or (value.__class__ is int and kind != TRUTH)):
                    return other
        return None

    def number(self, node: int) -> int:
        """Return a node, as an integer if it is a truth."""
        return self.call("add", node, self.constant(0)) if self.kinds[node] == TRUTH else node

    def _new_call(self, name: str, arguments: tuple[int, ...]) -> int:
        constants = self.constants
        if name in _NUMBERS_OUT:
            given = arguments[-2:]  # not the condition
            arguments = (*arguments[:-2], *[self.number(i) for i in given])
        if constants and all([i in constants for i in arguments]):
            value = call_of_numbers(FUNCTIONS[name], [constants[i] for i in arguments], {})
            return self.constant(value)
        return self._typed(name, arguments)

    def _typed(self, name: Any, arguments: tuple[int, ...]) -> int:
        """Enter a node with its kind."""
        ranges = self.ranges
        known = [ranges.get(i, ANY) for i in arguments]
        kind, (low, high) = kind_of(name, [self.kinds[i] for i in arguments], known)
        node = self.add(name, arguments, kind)
        if kind != FLOAT:
            if low < -LIMIT or high > LIMIT:
                self.wide.append(node)
            ranges[node] = max(low, -LIMIT), min(high, LIMIT)
        return node

    def other_call(
        self, function: Any, arguments: tuple[int, ...], settings: dict[str, Any], form: Any
    ) -> int:
        """Return the node of a call of any function."""
        key = function, arguments, tuple(sorted(settings.items()))
        try:
            node = self._known.get(key)
        except TypeError:  # a setting that cannot be a key
            node, key = None, object()
        if node is None:
            name = function.name if isinstance(function, Op) else _PYTHONS.get(function, function)
            node = self._known[key] = self._typed(name, arguments)
            self.functions[node], self.settings[node] = function, settings
            if form is bool and self.kinds[node] == MIXED:
                self.kinds[node], self.ranges[node] = TRUTH, (0, 1)
        return node


def simplify(tape: Tape, outputs: Sequence[int]) -> Graph:
    """Return the graph of what outputs and checks need.

    Args:
        tape: what was recorded.
        outputs: slots of numbers.
    """
    graph = Graph()
    live = _live(tape, outputs)
    node_of = [-1] * len(tape)
    call, add, kinds, known = graph.call, graph.add, graph.kinds, graph._known
    constants = graph.constants
    operations, arguments, settings = tape.operations, tape.arguments, tape.settings
    names, forms = NAMES, tape.forms
    for slot in tape.inputs:
        form = forms[slot]
        node_of[slot] = graph.add(INPUT, (), _CLASSES[form])
        if form is not float:
            graph.ranges[node_of[slot]] = (0, 1) if form is bool else ANY
        graph.inputs.append(node_of[slot])
    for slot, value in tape.constants.items():
        if live[slot]:
            node_of[slot] = graph.constant(value)
    backward = tape.backward.index(True) if True in tape.backward else len(tape)
    for slot in range(len(tape)):
        if slot == backward:
            graph.backward = len(graph)
        if not live[slot] or node_of[slot] >= 0:
            continue
        operation, args = operations[slot], arguments[slot]
        name = names.get(operation)
        if len(args) == 2:
            args = node_of[args[0]], node_of[args[1]]
        else:
            args = tuple([node_of[i] for i in args])
        if name is None or settings[slot]:
            expansion = EXPANSIONS.get(operation)
            node = expansion and expansion(graph, *args, **settings[slot])
            if node is None:
                node = graph.other_call(operation, args, settings[slot], forms[slot])
        else:
            key = name, args
            node = known.get(key)
            if node is None:
                if name in ARITHMETIC and not (kinds[args[0]] and kinds[args[1]]):
                    a, b = args  # by far the most: one of them is a float, so that it is one
                    if a not in constants or b not in constants:
                        node = known[key] = add(name, args, FLOAT)
                if node is None:
                    node = call(name, *args)
        node_of[slot] = node
    graph.outputs = [node_of[slot] for slot in outputs]
    graph.checks = [(node_of[slot], value) for slot, value in tape.checks]
    return graph


def _live(tape: Tape, outputs: Sequence[int]) -> bytearray:
    """Return which slots outputs and checks depend on."""
    live = bytearray(len(tape))
    for slot in (*outputs, *[slot for slot, _ in tape.checks]):
        live[slot] = 1
    for slot in range(len(tape) - 1, -1, -1):
        if live[slot]:
            for i in tape.arguments[slot]:
                live[i] = 1
    return live


# Operations that are others in other words


def _same(graph: Graph, x: int) -> int:
    return graph.number(x)


def _truediv(graph: Graph, a: int, b: int) -> int:
    if not graph.constants.get(b):
        graph.divisors.append(b)
    return graph.call("divide", a, b)


def _truth(graph: Graph, x: int) -> int:
    return x if graph.kinds[x] == TRUTH else graph.call("ne", x, graph.constant(0))


def _not(graph: Graph, x: int) -> int:
    return graph.call("eq", x, graph.constant(0))


def _index(graph: Graph, x: int) -> int | None:
    return x if graph.kinds[x] in (INT, TRUTH) else None


def _float(graph: Graph, x: int) -> int:
    return x if graph.kinds[x] == FLOAT else graph.call("multiply", x, graph.constant(1.0))


def _fabs(graph: Graph, x: int) -> int | None:
    return graph.call("absolute", x) if graph.kinds[x] == FLOAT else None


def _leaky_relu(graph: Graph, x: int, *, negative_slope: Any) -> int | None:
    if negative_slope.__class__ not in _CLASSES:
        return None
    small = graph.call("multiply", graph.constant(negative_slope), x)
    return graph.call("where", graph.call("gt", x, graph.constant(0)), x, small)


def _clip(graph: Graph, x: int, low: int, high: int) -> int:
    for bound, name, none in ((low, "lt", -math.inf), (high, "gt", math.inf)):
        value = graph.constants.get(bound, math.nan)
        if value != none:
            outside = graph.call(name, x, bound)
            if value != value:  # nan, or not known
                outside = graph.call("or_", outside, graph.call("ne", bound, bound))
            x = graph.call("where", outside, bound, x)
    return graph.number(x)


def _logical(name: str) -> Callable[[Graph, int, int], int | None]:
    def call(graph: Graph, a: int, b: int) -> int | None:
        truths = graph.kinds[a] == graph.kinds[b] == TRUTH
        return graph.call(name, a, b) if truths else None

    return call


EXPANSIONS: dict[Any, Callable[..., int | None]] = {
    operator.truediv: _truediv,
    operator.pos: _same,
    operator.index: _index,
    operator.truth: _truth,
    operator.not_: _not,
    bool: _truth,
    float: _float,
    registry["positive"]: _same,
    registry["alias"]: _same,
    registry["square"]: lambda graph, x: graph.call("multiply", x, x),
    registry["reciprocal"]: lambda graph, x: graph.call("divide", graph.constant(1), x),
    registry["fabs"]: _fabs,
    registry["leaky_relu"]: _leaky_relu,
    registry["clip"]: _clip,
    **{getattr(operator, name): _logical(name) for name in ("and_", "or_", "xor")},
}

_PYTHONS = {operator.floordiv: "floordiv", operator.mod: "mod"}

NAMES: dict[Any, str] = {
    **{
        op: name
        for name, op in registry.items()
        if not op.arrays_only and not op.foreign and op not in EXPANSIONS
    },
    operator.add: "add",
    operator.sub: "subtract",
    operator.mul: "multiply",
    operator.neg: "negative",
    operator.abs: "absolute",
    abs: "absolute",
    **{getattr(operator, name): name for name in COMPARISONS},
}
"""The operations that are known by name: what they give depends on numbers only."""

FUNCTIONS: dict[str, Any] = {
    **{name: function for function, name in NAMES.items()},
    **{name: getattr(operator, name) for name in ("and_", "or_", "xor")},
    **{name: registry[name] for name in ("add", "subtract", "multiply", "negative", "absolute")},
}
"""What is called for a name."""
