"""A graph as plain data: every text a picture shows, and which node feeds which.

This is the only file here that knows what a node is. A snapshot does not change
when the graph does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import category

import numpy as np

from micrograd import Node, topological_order
from micrograd.errors import ArgumentError, OperandError

NOT_COMPUTED = "–"
SMALL = 6
"""An array with more elements than this is shown by its shape alone."""
_UNWRITABLE = {"Cc", "Cs", "Cn"}  # control characters, halves of surrogates, unassigned


@dataclass(frozen=True, slots=True)
class Item:
    """One node of a graph, as text.

    Attributes:
        name: its label; '' for none.
        number: what a constant that is one number shows; '' for anything else.
        symbol: the symbol of the operation that made it; '' for a leaf.
        value: the lines that show its data.
        gradient: the lines that show its gradient; none where none is due.
        inputs: the positions, in the snapshot, of its parents, in order.
        is_output: whether it is one of the roots.
    """

    name: str
    number: str
    symbol: str
    value: tuple[str, ...]
    gradient: tuple[str, ...]
    inputs: tuple[int, ...]
    is_output: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A graph at one moment; each item stands behind its inputs."""

    items: tuple[Item, ...]

    @property
    def edge_count(self) -> int:
        """How many edges the graph has; `x * x` has two."""
        return sum(len(item.inputs) for item in self.items)


def take_snapshot(
    roots: tuple[Node, ...],
    *,
    names: Mapping[str, Node] | None = None,
    number_format: str = ".4g",
    limit: int | None = None,
) -> Snapshot:
    """Return the graph that `roots` depend on as plain data.

    Args:
        roots: the outputs.
        names: names by which to call nodes, instead of their labels.
        number_format: how to write numbers, as in `format()`.
        limit: how many nodes to allow; None for any number.

    Raises:
        OperandError: if a root, or something in `names`, is not a node.
        ArgumentError: if there are more nodes than `limit`, or numbers cannot
            be written in `number_format`.

    >>> from micrograd import Value
    >>> for item in take_snapshot((Value(2.0, label="x") * 3,)).items:
    ...     print(item.name or item.number or item.symbol, item.value, item.inputs)
    x ('2',) ()
    3 ('3',) ()
    × ('6',) (0, 1)
    """
    names = {} if names is None else names
    for i, root in enumerate(roots):
        _check_node(root, f"root {i + 1}")
    for name, node in names.items():
        _check_node(node, f"names[{name!r}]")
    show = _number_writer(number_format)
    order: list[Any] = topological_order(*roots)  # Values and Tensors
    if limit is not None and len(order) > limit:
        raise ArgumentError(
            f"the graph has {len(order):,} nodes, more than limit={limit:,}. Pass "
            f"limit={len(order)} to draw it all the same, or draw an inner node to see a part."
        )
    position = {node: i for i, node in enumerate(order)}
    called = {node: name for name, node in names.items()}
    outputs = set(roots)
    return Snapshot(
        tuple(
            Item(
                name=_name(called.get(node, node.label)),
                number=_constant(node, show),
                symbol=""
                if node.op is None
                else _one_line(node.op.symbol_for(node)) or node.op.name,
                value=_value_lines(node.data, show),
                gradient=_gradient_lines(node, show),
                inputs=tuple(position[parent] for parent in node.parents),
                is_output=node in outputs,
            )
            for node in order
        )
    )


def _check_node(thing: object, what: str) -> None:
    if _is_node(thing):
        return
    is_sequence = isinstance(thing, list | tuple)
    hint = " Pass several roots as draw(a, b)." if is_sequence else ""
    raise OperandError(
        f"{what}: came as a {type(thing).__name__}, expected a node (a Value or Tensor).{hint}"
    )


def _number_writer(number_format: str) -> Callable[[Any], str]:
    try:
        format(1.5, number_format)
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            f"number_format: {number_format!r} cannot write the number 1.5 ({error}). "
            "Use one such as '.4g' or '.2f'."
        ) from None

    def show(number: Any) -> str:
        try:
            return _one_line(format(number, number_format))
        except (ValueError, TypeError, OverflowError):  # not a number, or a huge integer
            return f"<{type(number).__name__}>"

    return show


def _name(label: str | None) -> str:
    return "" if label is None else _one_line(str(label))


def _one_line(text: str) -> str:
    """Return text without line breaks and without what no SVG may contain."""
    text = " ".join(text.split())
    return "".join("\ufffd" if category(c) in _UNWRITABLE else c for c in text)


def _constant(node: Any, show: Callable[[Any], str]) -> str:
    is_constant = node.op is None and not node.requires_grad
    return show(_item(node.data)) if is_constant and np.ndim(node.data) == 0 else ""


def _value_lines(data: Any, show: Callable[[Any], str]) -> tuple[str, ...]:
    if not _is_array(data):
        return (show(data),)
    if data.ndim == 0:
        return (f"{show(data.item())} {data.dtype}",)
    return (f"{data.shape} {data.dtype}", *_rows(data, show))


def _gradient_lines(node: Any, show: Callable[[Any], str]) -> tuple[str, ...]:
    if not node.has_grad:
        return (NOT_COMPUTED,) if node.requires_grad else ()
    # After backward(create_graph=True) a gradient is itself a node.
    gradient = node.grad.data if _is_node(node.grad) else node.grad
    if np.ndim(gradient) == 0:
        return (show(_item(gradient)),)
    return (str(gradient.shape), *_rows(gradient, show))


def _rows(array: Any, show: Callable[[Any], str]) -> tuple[str, ...]:
    if not 0 < array.size <= SMALL:
        return ()
    rows = array.reshape(-1, array.shape[-1]).tolist()
    return tuple("[" + " ".join(map(show, row)) + "]" for row in rows)


def _is_node(thing: object) -> bool:
    return isinstance(thing, Node)


def _is_array(data: object) -> bool:
    return isinstance(data, np.ndarray | np.generic)


def _item(data: Any) -> Any:
    return data.item() if _is_array(data) else data
