"""The graph of what is computed: each number once, no dead ones, with what is known of each."""

from __future__ import annotations

from typing import Any

from micrograd.compiler.lowering.scalars.kinds import (
    ANY,
    FLOAT,
    INT,
    LIMIT,
    MIXED,
    TRUTH,
    Range,
    kind_of,
)
from micrograd.compiler.lowering.scalars.names import FUNCTIONS, PYTHONS
from micrograd.compiler.recording.tape import CONSTANT, call_of_numbers
from micrograd.core.op import Op

CLASSES = {float: FLOAT, int: INT, bool: TRUTH}
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
        known: nodes by what is called with what, so that nothing is computed twice.
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
        self.known: dict[Any, int] = {}

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
        node = self.known.get(key)
        if node is None:
            kind = CLASSES[value.__class__]
            node = self.known[key] = self.add(CONSTANT, (), kind)
            self.constants[node] = value
            if kind != FLOAT:
                self.ranges[node] = int(value), int(value)
        return node

    def call(self, name: str, *arguments: int) -> int:
        """Return the node of an operation with a name, which may be an argument."""
        key = name, arguments
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = self._new_call(name, arguments)
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
            node = self.known.get(key)
        except TypeError:  # a setting that cannot be a key
            node, key = None, object()
        if node is None:
            name = function.name if isinstance(function, Op) else PYTHONS.get(function, function)
            node = self.known[key] = self._typed(name, arguments)
            self.functions[node], self.settings[node] = function, settings
            if form is bool and self.kinds[node] == MIXED:
                self.kinds[node], self.ranges[node] = TRUTH, (0, 1)
        return node
