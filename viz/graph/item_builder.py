"""Building items: the names, symbols, data and gradients of nodes as the lines of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from micrograd import Node
from viz.folding.group import family
from viz.graph.broadcast import note_on, summed_axes
from viz.graph.item import NOT_COMPUTED, Item
from viz.graph.summary import gradients, greatest_peak, values
from viz.text.lines import Lines, Mark
from viz.text.numbers import ShapeWriter, Writer, marks_for, one_line, peak, plain

LONGEST_NAME = 40
"""A longer name loses its middle to an ellipsis."""


@dataclass(frozen=True, slots=True)
class ItemBuilder:
    """Builds the items of a graph.

    Attributes:
        writer: what writes numbers.
        names: names for nodes, instead of their labels.
        outputs: the roots.
        strong: the nodes to bring out; None for bringing out nothing.
        hidden_uses: for each node, how many of its uses are not shown.
    """

    writer: Writer
    names: Mapping[Node, str]
    outputs: set[Node]
    strong: set[Node] | None
    hidden_uses: Mapping[Node, int]

    def item(self, nodes: Sequence[Any], key: str, inputs: Sequence[int | None]) -> Item:
        """Return the item that stands for some nodes, which are alike.

        Args:
            nodes: the nodes; the texts are those of the first.
            key: what to call the item.
            inputs: the positions of its inputs; None for those that are not shown.
        """
        node = nodes[0]
        shown = [i for i, place in enumerate(inputs) if place is not None]
        notes = tuple(note_on(summed_axes(node, i)) for i in shown)
        return Item(
            key=key,
            name=self.name_of(node),
            number=self._constant(node),
            symbol=symbol_of(node),
            value=(*_dead(node), *marks_for(node.data), *self.writer.value(node.data)),
            gradient=self._gradient(node),
            inputs=tuple(place for place in inputs if place is not None),
            is_output=not self.outputs.isdisjoint(nodes),
            notes=notes if any(notes) else (),
            hidden_inputs=len(inputs) - len(shown),
            hidden_uses=sum(self.hidden_uses.get(n, 0) for n in nodes),
            is_strong=None if self.strong is None else not self.strong.isdisjoint(nodes),
            peak=peak(gradient_of(node)) if node.has_grad else None,
        )

    def folded(self, nodes: Sequence[Any], leaving: Sequence[Any], key: str) -> Item:
        """Return the item, still without inputs, that stands for several nodes.

        Args:
            nodes: the nodes.
            leaving: those among them that are used elsewhere, or are outputs.
            key: what to call the item.
        """
        first = self.item([*leaving, *nodes], key, [])
        found = [gradient_of(node) for node in leaving if node.has_grad]
        is_due = any(node.requires_grad for node in leaving)
        numbers = {self._constant(node) for node in nodes}
        return replace(
            first,
            name=self._shared_name(leaving),
            number=first.number if len(numbers) == 1 else "",
            value=values([node.data for node in leaving], self.writer),
            gradient=gradients(found, self.writer)
            or ((NOT_COMPUTED,) if is_due and first.gradient else ()),
            hidden_uses=sum(self.hidden_uses.get(node, 0) for node in nodes),
            peak=greatest_peak(found),
            count=len(nodes),
        )

    def name_of(self, node: Node) -> str:
        """Return what to call a node."""
        return shorten(self.names.get(node, node.label))

    def _shared_name(self, nodes: Sequence[Node]) -> str:
        """Return the name of nodes or, where they differ, that of their family."""
        names = dict.fromkeys(map(self.name_of, nodes))
        first = next(iter(names))
        return first if len(names) == 1 else family(first)

    def _constant(self, node: Any) -> str:
        is_number = is_constant(node) and not np.ndim(node.data)
        return self.writer.number(plain(node.data)) if is_number else ""

    def _gradient(self, node: Any) -> Lines:
        if isinstance(self.writer, ShapeWriter):
            return ()
        if not node.has_grad:
            return (NOT_COMPUTED,) if node.requires_grad else ()
        gradient = gradient_of(node)
        return (*self.writer.gradient(gradient), *marks_for(gradient))


def gradient_of(node: Any) -> Any:
    """Return the gradient of a node as plain data; after create_graph=True it is a node.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> (x * x).backward(create_graph=True)
    >>> gradient_of(x)
    6.0
    """
    grad: Any = node.grad
    return grad.data if isinstance(node.grad, Node) else grad


def symbol_of(node: Any) -> str:
    """Return the symbol of the operation that made a node; '' for a leaf.

    >>> from micrograd import Value
    >>> symbol_of(Value(2.0) * 3), symbol_of(Value(2.0))
    ('×', '')
    """
    return "" if node.op is None else one_line(node.op.symbol_for(node)) or node.op.name


def _dead(node: Any) -> Lines:
    """Return a mark for a ReLU that passes on nothing, neither forwards nor backwards."""
    if node.op is None or node.op.name != "relu":
        return ()
    inputs = np.asarray(node.parents[0].data)
    return (Mark("⚠ dead"),) if inputs.size and np.all(inputs <= 0) else ()


def shorten(name: object) -> str:
    """Return a name, or label, in one line; of a long one, the beginning and the end.

    >>> shorten("apple"), shorten(None), shorten("model." + "block." * 9 + "weight")
    ('apple', '', 'model.block.block.bl….block.block.weight')
    """
    text = "" if name is None else one_line(str(name))
    if len(text) <= LONGEST_NAME:
        return text
    half = LONGEST_NAME // 2
    return f"{text[:half]}…{text[1 - half :]}"


def is_constant(node: Any) -> bool:
    """Tell whether a node is a leaf that requires no gradient.

    >>> from micrograd import Value
    >>> is_constant(Value(2.0)), is_constant(Value(2.0, requires_grad=False))
    (False, True)
    """
    return node.op is None and not node.requires_grad
