"""Descriptions of nodes in a story: their names, computations, and what flows through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from micrograd import Contribution, Node
from viz.formulas.node_formulas import Formulas, expression, formulas, quotient, slope
from viz.graph.broadcast import note_on
from viz.telling.node_names import argument_names, is_number, names_for
from viz.text.formula import SUM
from viz.text.formula import name as formula_of_name
from viz.text.numbers import Writer, is_array, marks_for, one_line, plain

_FEW = 4  # of more elements, the range is told
_MOST = 8  # of more contributions to one gradient, the rest is left out


class Describer:
    """Describes the computation of a graph.

    Numbers stand for themselves; of arrays that enter a formula, the shape is shown.

    Args:
        order: the nodes of the graph, in topological order.
        writer: what writes numbers.
        names: names by which to call nodes, instead of their labels.
    """

    def __init__(self, order: Sequence[Node], writer: Writer, names: Mapping[str, Node]) -> None:
        self._writer = writer
        self._root = order[-1]
        self._names = names_for(order, writer, names)

    @property
    def names(self) -> dict[str, Node]:
        """The nodes by their names, without those called by their own number."""
        return {name: node for node, name in self._names.items() if self.is_worth_naming(node)}

    def name(self, node: Node) -> str:
        """Return what a node is called."""
        return self._names[node]

    def is_worth_naming(self, node: Node) -> bool:
        """Tell whether a node is called otherwise than by its own number."""
        return not is_number(node) or self.name(node) != self.operand(node)

    def symbol(self, node: Any) -> str:
        """Return the symbol of the operation that made a node."""
        return one_line(node.op.symbol_for(node)) or node.op.name

    def operand(self, node: Any) -> str:
        """Return what stands for a node in a formula with numbers: its number or shape."""
        return self._short(node.data)

    def _short(self, data: Any) -> str:
        return str(np.shape(data)) if np.ndim(data) else self._writer.number(plain(data))

    def given(self, node: Any) -> str:
        """Return a node and its data: a number, or shape, dtype, and elements or their range."""
        kind = f" {node.data.dtype}" if is_array(node.data) else ""
        return f"{self.name(node)} = {self._brief(node.data, kind)}"

    def _sent(self, gradient: Any) -> str:
        return self._brief(gradient, "")

    def _brief(self, data: Any, kind: str) -> str:
        marks = "".join(f" {mark}" for mark in marks_for(data))
        if np.ndim(data) and data.size > _FEW:
            return f"{data.shape}{kind}{self._range(data)}{marks}"
        rows = self._writer.gradient(data)[1:]
        elements = "".join(f" {' '.join(row.split())}" for row in rows if isinstance(row, str))
        return f"{self._short(data)}{kind}{elements}{marks}"

    def _range(self, array: Any) -> str:
        finite = array[np.isfinite(array)]
        if not finite.size:
            return ""
        least, greatest = self._short(finite.min()), self._short(finite.max())
        return f", all {least}" if least == greatest else f", {least} to {greatest}"

    def formula(self, node: Node) -> str:
        """Return how a node is computed, as 'total = apple·count'."""
        return f"{self.name(node)} = {expression(node, list(map(self.name, node.parents)))}"

    def computation(self, node: Any) -> tuple[str, ...]:
        """Return how a node is computed, with numbers, or with shapes and the result."""
        operands = [self.operand(parent) for parent in node.parents]
        numbers = expression(node, operands)
        if _is_scalar(node):
            parts = [self.formula(node), numbers, self._short(node.data)]
            return (" = ".join(dict.fromkeys(parts)),)
        shapes = f"{self.formula(node)}: {numbers} → {self.operand(node)}"
        return shapes, self.given(node)

    def contribution(self, contribution: Contribution) -> str:
        """Return what an operation passes on to one of its arguments, and how it comes about."""
        node, i = contribution.node, contribution.argument
        own, by = self.name(contribution.parent), argument_names(node, self._names)[i]
        who = own if by == own else f"{own} as {by}"
        upstream, value = self._sent(contribution.upstream), self._sent(contribution.value)
        note = note_on(contribution.summed)
        undone = f", summed over {note[2:]} to undo broadcasting," if note else ""
        found = self._formulas(node, i)
        way = f"× local {self._slope(node, i)}"
        if found.uses_gradient:
            way = f"is passed on as {found.derivative.text}"
        return f"{who}: upstream {upstream} {way}{undone} → {value}"

    def slopes(self, node: Node) -> tuple[str, ...]:
        """Return the local derivatives by all arguments that want a gradient."""
        wanted = [i for i, parent in enumerate(node.parents) if parent.requires_grad]
        return tuple(self._slope(node, i) for i in wanted)

    def _formulas(self, node: Node, i: int) -> Formulas:
        return formulas(node, i, argument_names(node, self._names), self.name(node), "upstream")

    def _slope(self, node: Any, i: int) -> str:
        """Return a local derivative, as '∂(a·b)/∂a = b = 2'."""
        found, by = self._formulas(node, i), argument_names(node, self._names)[i]
        if found.uses_gradient:
            return f"passes on to {by}: {found.derivative.text}"
        left = quotient(found.expression, formula_of_name(by)).text
        parts = [found.derivative.inside(SUM).text]
        if _is_scalar(node):
            operands = [self.operand(parent) for parent in node.parents]
            numbers = formulas(node, i, operands, self.operand(node)).derivative.text
            is_formula = left not in parts and " if " not in parts[0]
            parts += [numbers] if is_formula else []
            parts.append(self._short(slope(node, i)))
        return " = ".join(dict.fromkeys((left, *parts)))

    def addition(self, node: Node, arrived: Sequence[Contribution], total: Any) -> str:
        """Return how the contributions to a gradient add up."""
        symbols = {self.symbol(c.node): c.node for c in arrived}
        is_plain = all(symbols[self.symbol(c.node)] is c.node for c in arrived)
        values = [self._sent(c.value) for c in arrived]
        sources = [
            f"{value} from {self.symbol(c.node)}" + ("" if is_plain else f" ({self.name(c.node)})")
            for value, c in zip(values, arrived, strict=True)
        ]
        got = f"{self.name(node)} gets {_listed(sources)}"
        if np.ndim(total):
            return f"{got}: the sum is {self._sent(total)}"
        if len(values) > _MOST:
            return f"{got}: the sum of all {len(values)} is {self._sent(total)}"
        terms = [values[0], *(f"({v})" if v.startswith("-") else v for v in values[1:])]
        return f"{got}: {' + '.join(terms)} = {self._sent(total)}"

    def derivative(self, node: Node) -> str:
        """Return the derivative of the root by a node, as '∂price/∂apple'."""
        return quotient(
            formula_of_name(self.name(self._root)), formula_of_name(self.name(node))
        ).text

    def gradient(self, node: Node, gradient: Any) -> str:
        """Return the gradient of a node, as '∂price/∂apple = 2.2'."""
        start = " (ones, to start with)" if node is self._root and np.ndim(gradient) else ""
        return f"{self.derivative(node)} = {self._sent(gradient)}{start}"


def _is_scalar(node: Any) -> bool:
    return not any(np.ndim(one.data) for one in (node, *node.parents))


def _listed(parts: Sequence[str]) -> str:
    if len(parts) > _MOST:
        parts = [*parts[:_MOST], f"{len(parts) - _MOST} more"]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
