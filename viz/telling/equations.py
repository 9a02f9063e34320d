"""The equations of an explanation: names, factors and lines about the nodes of one chain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from micrograd import Contribution, Node
from viz.formulas.node_formulas import Formulas, formulas, quotient, slope
from viz.telling.chain import Chain, Path
from viz.telling.explanation import Equation, product, sentence, total
from viz.telling.node_names import names_for
from viz.text.formula import SUM, Formula, as_formula, latex_text, name
from viz.text.numbers import Writer, is_array, plain
from viz.text.phrases import axes_in_words

TERMS = 8
"""Of a sum of more terms, the rest is left out."""
_FEW = 6  # elements of an array that are printed
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_ONE = Formula("1", "1")


class EquationWriter:
    """Writes equations about the nodes and edges of a chain.

    Args:
        chain: what lies between a node and the root.
        names: what to call the nodes that are told of.
        writer: what writes numbers.
    """

    def __init__(self, chain: Chain, names: Mapping[Node, str], writer: Writer) -> None:
        self.chain = chain
        self._names = names
        self._writer = writer
        self._slopes: dict[Contribution, float] = {}

    def name(self, node: Node) -> Formula:
        """Return what a node is called."""
        return name(self._names[node])

    def number(self, number: Any) -> Formula:
        """Return a number as it is formula."""
        return name(self._writer.number(plain(number)))

    def derivative(self, node: Node) -> Formula:
        """Return the derivative of the root by a node, as it is formula."""
        return quotient(self.name(self.chain.root), self.name(node))

    def slope(self, edge: Contribution) -> float:
        """Return the local derivative along an edge between numbers."""
        if edge not in self._slopes:
            self._slopes[edge] = slope(edge.node, edge.argument)
        return self._slopes[edge]

    # -- factors

    def _arguments(self, node: Node) -> list[Formula]:
        """Return what to call the arguments; one that stands twice gets numbers."""
        ids = [id(parent) for parent in node.parents]  # `==` compares the data of Tensors
        return [
            self.name(parent)
            if ids.count(id(parent)) == 1
            else _numbered(self.name(parent), ids[:i].count(id(parent)) + 1)
            for i, parent in enumerate(node.parents)
        ]

    def _formulas(self, edge: Contribution, gradient: Formula = _ONE) -> Formulas:
        arguments = self._arguments(edge.node)
        return formulas(edge.node, edge.argument, arguments, self.name(edge.node), gradient)

    def _factor_name(self, edge: Contribution) -> Formula:
        by = self._arguments(edge.node)[edge.argument]
        is_whole = edge.node is self.chain.root and by == self.name(self.chain.wrt)
        # Beside other paths, the derivative by this argument alone is not that of the root.
        return quotient(
            self._formulas(edge).expression
            if is_whole and self._has_more
            else self.name(edge.node),
            by,
        )

    @cached_property
    def _has_more(self) -> bool:
        return self.chain.path_count > 1

    def factor(self, edge: Contribution) -> tuple[Formula, ...]:
        """Return a factor: its name, what it means, its formula, and its number."""
        found = self._formulas(edge)
        by = self._arguments(edge.node)[edge.argument]
        parts = [self._factor_name(edge), quotient(found.expression, by)]
        parts += [
            found.derivative.inside(SUM),
            self._in_numbers(edge),
            self.number(self.slope(edge)),
        ]
        return tuple({part.text: part for part in parts}.values())

    def _in_numbers(self, edge: Contribution) -> Formula:
        """Return the derivative with numbers for names, where it is a plain formula."""
        numbers = [
            self.number(_data(parent)) for parent in edge.node.parents if not shape_of(parent)
        ]
        local, by = self._formulas(edge), self._arguments(edge.node)[edge.argument]
        found = local.derivative
        has_no_formula = found.text == quotient(local.expression, by).text  # of ∂ by a number
        if " if " in found.text or has_no_formula or len(numbers) < len(edge.node.parents):
            return found.inside(SUM)
        own = self.number(_data(edge.node))
        return formulas(edge.node, edge.argument, numbers, own).derivative

    def meaning(self, edge: Contribution) -> Formula | None:
        """Return what the numbered name of an argument that stands twice stands for."""
        own, by = self.name(edge.parent), self._arguments(edge.node)[edge.argument]
        if by == own:
            return None
        return sentence("({0} is {1} as argument {2})", by, own, name(str(edge.argument + 1)))

    def along(self, path: Path) -> tuple[Formula, ...]:
        """Return the product along a path, by names and by numbers; of one factor just its name."""
        names = product([self._factor_name(edge) for edge in path])
        numbers = product([self.number(self.slope(edge)) for edge in path])
        return (names, numbers) if len(path) > 1 else (names,)

    def route(self, path: Path) -> Formula:
        """Return the nodes along a path, from its beginning."""
        steps = [self._arguments(edge.node)[edge.argument] for edge in reversed(path)]
        steps.append(self.name(self.chain.root))
        return Formula(
            " → ".join(step.text for step in steps), r" \to ".join(step.latex for step in steps)
        )

    # -- lines, one for each node

    def accumulated(self) -> dict[Node, Any]:
        """Return the derivative of the root by each node, put together by the chain rule."""
        root = self.chain.root
        values: dict[Node, Any] = {root: 1.0}
        for node in reversed(self.chain.order):
            if node is root:
                continue
            edges = self.chain.uses[node]
            with np.errstate(all="ignore"):
                values[node] = sum(
                    values[e.node] * self.slope(e) if _is_scalar(e) else e.value for e in edges
                )
        return values

    def start(self) -> Equation:
        """Return the line for a root that is an array."""
        root = self.chain.root
        ones = f"ones of shape {shape_of(root)}, as the sum of its elements is differentiated"
        return Equation(self.derivative(root), (Formula(ones, latex_text(ones)),))

    def line(self, node: Node, values: Mapping[Node, Any]) -> Equation:
        """Return the line for one node, which uses those of the nodes that it goes into."""
        edges = self.chain.uses[node]
        more = f" + … ({len(edges) - TERMS:,} more)" if len(edges) > TERMS else ""
        edges = edges[:TERMS]
        parts = [_with_rest(total([self._term(edge) for edge in edges]), more)]
        if all(map(_is_scalar, edges)):
            numbers = total([self._term_in_numbers(edge, values) for edge in edges])
            parts.append(_with_rest(numbers, more))
        value = values[node]
        notes = self._broadcast(edges)
        if _is_small(value):
            parts.append(self._value(value))
        else:
            notes.insert(0, _summary(value, self._writer))
        unique = tuple({part.text: part for part in parts}.values())
        note = "; ".join(notes)
        return Equation(
            self.derivative(node),
            unique,
            Formula(f"({note})", latex_text(f"({note})")) if note else None,
        )

    def _term(self, edge: Contribution) -> Formula:
        is_last = edge.node is self.chain.root and not shape_of(edge.node)
        gradient = _ONE if is_last else self.derivative(edge.node)
        passed = self._formulas(edge, gradient).passed.inside(SUM)
        if not edge.summed:
            return passed
        axes = axes_in_words(edge.summed)
        return Formula(
            f"Σ({passed.text}, {axes})",
            rf"\sum_{{{latex_text(axes)}}} \left({passed.latex}\right)",
        )

    def _term_in_numbers(self, edge: Contribution, values: Mapping[Node, Any]) -> Formula:
        slope = self.number(self.slope(edge))
        if edge.node is self.chain.root:
            return slope
        upstream = self.number(values[edge.node])
        is_passed_on = self._formulas(edge).derivative.text == "1"
        return upstream if is_passed_on else product([upstream, slope])

    def _broadcast(self, edges: Sequence[Contribution]) -> list[str]:
        notes = [
            f"summed over {axes_in_words(edge.summed)}, "
            f"where {self._names[edge.parent]} was broadcast"
            for edge in edges
            if edge.summed
        ]
        return list(dict.fromkeys(notes))

    def _value(self, value: Any) -> Formula:
        if not np.ndim(value):
            return self.number(value)
        rows = np.asarray(value).reshape(-1, np.shape(value)[-1]).tolist()
        cells = [[self._writer.number(cell) for cell in row] for row in rows]
        text = ", ".join("[" + ", ".join(row) + "]" for row in cells)
        matrix = r" \\ ".join(" & ".join(row) for row in cells)
        latex = rf"\begin{{bmatrix}} {matrix} \end{{bmatrix}}"
        return Formula(text if np.ndim(value) == 1 else f"[{text}]", latex)

    def verdict(self, value: Any, gradient: Any) -> Formula:
        """Return how the chain rule's result compares with the engine's."""
        shown = self._value(gradient) if _is_small(gradient) else None
        summary = shown or as_formula(_summary(gradient, self._writer))
        single = np.float32 in {np.asarray(value).dtype.type, np.asarray(gradient).dtype.type}
        close = np.allclose(value, gradient, rtol=1e-4 if single else 1e-9, atol=0, equal_nan=True)
        if close:
            return sentence("backward() gives the same: {0}", summary)
        return sentence(
            "backward() gives {0}, which differs: a factor above is infinite, not a number, or "
            "rounded to 0.",
            summary,
        )


def equation_writer(
    chain: Chain,
    nodes: Sequence[Node],
    order: Sequence[Node],
    writer: Writer,
    given: Mapping[str, Node],
) -> EquationWriter:
    """Return the writer of equations about some nodes of a chain, with names that differ.

    Args:
        chain: what lies between a node and the root.
        nodes: those to be told of; what they go into, and its arguments, is named too.
        order: the whole graph.
        writer: what writes numbers.
        given: names for nodes, instead of their labels.
    """
    users = [edge.node for node in nodes for edge in chain.uses.get(node, ())[:TERMS]]
    mentioned = {chain.root, chain.wrt, *nodes, *users}
    mentioned |= {parent for user in users for parent in user.parents}
    names = names_for([node for node in order if node in mentioned], writer, given)
    taken: dict[str, int] = {}
    for node, text in names.items():
        if node.op is None and not node.requires_grad and not node.label:
            continue  # a constant is called by its number, as others may be
        taken[text] = taken.get(text, 0) + 1
        if taken[text] > 1:
            names[node] = f"{text} ({taken[text]})"
    return EquationWriter(chain, names, writer)


def _numbered(formula: Formula, number: int) -> Formula:
    has_number = re.fullmatch(r"(\w_\{\d+)\}", formula.latex)
    latex = f"{has_number[1]},{number}}}" if has_number else f"{{{formula.latex}}}_{{{number}}}"
    return Formula(formula.text + str(number).translate(_SUBSCRIPTS), latex)


def _with_rest(terms: Formula, more: str) -> Formula:
    return Formula(
        terms.text + more, terms.latex + latex_text(more), terms.precedence, terms.latex_precedence
    )


def _data(node: Any) -> Any:
    return node.data


def shape_of(node: Any) -> tuple[int, ...]:
    """Return the shape of a node's data; () for a number.

    >>> from micrograd import Value
    >>> shape_of(Value(2.0))
    ()
    """
    return np.shape(node.data)


def _is_scalar(edge: Contribution) -> bool:
    return not shape_of(edge.node) and not shape_of(edge.parent)


def _is_small(value: Any) -> bool:
    return np.size(value) <= _FEW and np.size(value) > 0


def _summary(value: Any, writer: Writer) -> str:
    size = float(np.abs(np.asarray(value)).mean()) if is_array(value) and value.size else 0.0
    return f"shape {np.shape(value)}, mean magnitude {writer.number(size)}"
