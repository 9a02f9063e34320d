"""Fewer operations for the same numbers, where Python computes them one by one.

A sign moves on from what is negated to what is made of it: a difference takes it at no cost. Each
step is exact in IEEE-754, the sign of a zero included: (-a) * b is -(a * b), a + (-b) is a - b, and
(-a) + b is b - a. But (-a) + (-b) is no -(a + b) where that is 0, so that one of them is negated.
"""

from __future__ import annotations

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import ARITHMETIC, FLOAT, LIMIT
from micrograd.compiler.lowering.scalars.rows import in_rows
from micrograd.compiler.recording.tape import CONSTANT
from micrograd.core.op import Op

_SIGNED = ARITHMETIC | {"negative", "divide", "tanh_slope"}
_OF_NAN = frozenset(("copysign", "signbit"))
"""Operations that see the sign of a nan, which steps do not keep."""


def lighten(graph: Graph) -> Graph:
    """Return a graph that gives what another one does, with fewer operations.

    Where Python raises an error for the other one, it does for this one. The order is another.
    """
    unknown = any(not isinstance(f, Op) or f.foreign for f in graph.functions.values())
    if unknown or not _OF_NAN.isdisjoint(graph.operations):
        return graph
    return in_rows(_Lightened(graph).new)


class _Lightened:
    """A graph made anew; each node of the old one is a new node, or the negative of one."""

    def __init__(self, graph: Graph) -> None:
        self.old, self.new = graph, Graph()
        self._node: list[int] = []
        self._minus: list[bool] = []
        for i, name in enumerate(graph.operations):
            node, minus = self._entered(i, name)
            self._node.append(node)
            self._minus.append(minus)
        self.new.inputs = [self._node[i] for i in graph.inputs]
        self.new.outputs = [self._plain(i) for i in graph.outputs]
        self.new.checks = [(self._plain(i), value) for i, value in graph.checks]
        self.new.divisors = [self._plain(i) for i in graph.divisors]
        self.new.wide = [self._node[i] for i in graph.wide]

    def _entered(self, i: int, name: str) -> tuple[int, bool]:
        """Return the new node of an old one, and whether it is to be negated."""
        old, args = self.old, self.old.arguments[i]
        if name is CONSTANT:
            return self.new.constant(old.constants[i]), False
        if name in _SIGNED and old.kinds[i] == FLOAT and i not in old.functions:
            return self._signed(i, name, args)
        node = self.new.add(name, tuple([self._plain(j) for j in args]), old.kinds[i])
        if i in old.ranges:
            self.new.ranges[node] = old.ranges[i]
        if i in old.functions:
            self.new.functions[node], self.new.settings[node] = old.functions[i], old.settings[i]
        return node, False

    def _signed(self, i: int, name: str, args: tuple[int, ...]) -> tuple[int, bool]:
        node, minus = [self._node[j] for j in args], [self._minus[j] for j in args]
        if name == "negative":
            return node[0], not minus[0]
        if name == "multiply":
            return self._product(args)
        if name == "divide":
            return self._float("divide", *node), minus[0] != minus[1]
        if name == "tanh_slope":
            slope = self._float("cosh", self._plain(args[1]))
            return self._float("divide", self._float("divide", node[0], slope), slope), minus[0]
        minus[1] ^= name == "subtract"
        if minus[0] and not minus[1]:
            node.reverse()
        elif minus[0]:
            node[0] = self._plain(args[0])
        return self._float("subtract" if True in minus else "add", *node), False

    def _product(self, args: tuple[int, ...]) -> tuple[int, bool]:
        """Return a product, which is the other factor where one is 1 or -1."""
        old, (a, b) = self.old, args
        for one, other in ((a, b), (b, a)):
            value = old.constants.get(one)
            if value in (1, -1) and old.kinds[other] == FLOAT:
                return self._node[other], self._minus[other] != (value == -1)
        minus = self._minus[a] != self._minus[b]
        return self._float("multiply", self._node[a], self._node[b]), minus

    def _float(self, name: str, *args: int) -> int:
        """Return the node of an operation that gives a float."""
        if name in ARITHMETIC:  # Python is faster at floats than at a float and an integer
            args = tuple([self._as_float(j) for j in args])
        key = name, args
        node = self.new.known.get(key)
        if node is None:
            node = self.new.known[key] = self.new.add(name, args, FLOAT)
        return node

    def _as_float(self, node: int) -> int:
        value = self.new.constants.get(node)
        if value is None or abs(value) > LIMIT:
            return node
        return self.new.constant(float(value))

    def _plain(self, i: int) -> int:
        """Return the new node that gives what an old one gives."""
        node = self._node[i]
        return self._float("negative", node) if self._minus[i] else node
