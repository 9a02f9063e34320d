"""One node of a graph, or several that are drawn as one, in the words of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from viz.folding.group import OUTSIDE
from viz.text.lines import Lines

NOT_COMPUTED = "–"


@dataclass(frozen=True, slots=True)
class Item:
    """One node of a graph, as text.

    Attributes:
        key: what to call it in DOT and SVG: its position in the whole graph.
        name: its label; '' for none.
        number: what a constant that is one number shows; '' for anything else.
        symbol: the symbol of the operation that made it; '' for a leaf.
        value: the lines that show its data, marks first.
        gradient: the lines that show its gradient, marks last; none where none is due.
        inputs: the positions, in the snapshot, of its parents, in order.
        is_output: whether it is one of the roots.
        notes: for each of the inputs, what its edge says, such as 'Σ axis 0'; or '';
            none at all if no edge says anything.
        hidden_inputs: how many more inputs it has, which the snapshot leaves out.
        hidden_uses: how many inputs it is to nodes which the snapshot leaves out.
        is_strong: whether to bring it out; None where nothing is brought out.
        peak: its gradient; of an array, the element of greatest magnitude.
        count: how many nodes it stands for.
        is_group: whether it is a collapsed group, whose name is its symbol.
        group: the group that it stands in, by position; -1 for none.
        is_backward: of a program, whether it is of the backward pass; None of a graph. A program
            has shapes in place of data, and dtypes in place of gradients.
    """

    key: str
    name: str
    number: str
    symbol: str
    value: Lines
    gradient: Lines
    inputs: tuple[int, ...]
    is_output: bool
    notes: tuple[str, ...] = ()
    hidden_inputs: int = 0
    hidden_uses: int = 0
    is_strong: bool | None = None
    peak: float | None = None
    count: int = 1
    is_group: bool = False
    group: int = OUTSIDE
    is_backward: bool | None = None
