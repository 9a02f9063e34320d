"""The chain rule with all there is to mind: a graph of gradients, early ends, masks, listeners.

It does what `propagate` does, for the passes that ask for more than numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from micrograd.core.backward import Gradients, contribution_of, look_at, pass_by
from micrograd.core.node import Node
from micrograd.core.passes import Pass
from micrograd.core.record import constant
from micrograd.engine.fitting import real
from micrograd.engine.masks import Masks


class PartialPass(Pass):
    """A pass that ends at some nodes, and lets go of the gradients between.

    Args:
        roots: the nodes that the pass begins at.
        stops: nodes that it ends at, as it does at leaves.
        since: a version of the engine; nodes made before are constants to it.
        linear: record only how the result depends on the gradients it begins with.
    """

    __slots__ = ("bounded", "linear", "since", "stops")

    def __init__(
        self, roots: Sequence[Node], stops: Collection[Node], since: int, linear: bool
    ) -> None:
        super().__init__(roots)
        self.stops = frozenset(stops)
        self.bounded = bool(since or stops)
        self.since = since
        self.linear = linear

    def goes_through(self, node: Node) -> bool:
        return node._version >= self.since and node not in self.stops

    def reaches(self, parent: Node) -> bool:
        """Tell whether a gradient is wanted for a parent; where the pass ends, look at its data."""
        if parent._version_now() >= self.since and parent not in self.stops:
            return True
        if parent.op is not None:
            _require_current(parent, self)
        return parent in self.stops

    def backwards(self) -> Iterator[Node]:
        for node in reversed(self.order):
            yield node
            node._grad = None  # it has passed its gradient on


def propagate_carefully(
    this: Pass,
    starts: Sequence[Any],
    create_graph: bool = False,
    listener: Any = None,
    mask: Any = True,
) -> Gradients:
    """Return the gradients of the leaves and stops that the roots depend on; change no leaf.

    Args:
        this: the pass.
        starts: the gradient of each root.
        create_graph: record what is computed.
        listener: what is told of each contribution, by `check_backward`.
        mask: which elements of the root a `where` did not cut off, True for all.
    """
    leaves: Gradients = {}
    masks = Masks(this.roots[0], mask) if this.selects or mask is not True else None

    def accumulate(contribution: Any, node: Node) -> None:
        if node._grad is this:
            node._grad = contribution
        elif node.op is None or node in this.stops:
            known = leaves.get(node)
            leaves[node] = contribution if known is None else known + contribution
        else:
            node._grad = node._grad + contribution

    for root, start in zip(this.roots, starts, strict=True):
        accumulate(start, root)
    for node in this.backwards():
        g = node._grad
        if g is this:
            pass_by(this, node)
            continue
        for i, parent, contribution in contributions(this, node, create_graph, masks, leaves):
            if listener is not None:
                listener.check_backward(contribution, node, i, g, this.roots[0])
            if contribution.__class__ is not float or not parent._is_number:
                contribution = parent._fit(contribution, node)
            accumulate(contribution, parent)
    return leaves


def contributions(
    this: Any,
    node: Node,
    create_graph: bool,
    masks: Masks | None = None,
    leaves: Collection[Node] = (),
) -> Iterator[tuple[int, Node, Any]]:
    """Yield each parent to which `node` contributes, with its position, and what."""
    g, version, parents = node._grad, node._version, node.parents
    gradient_of = None
    for i, parent in enumerate(parents):
        if parent._version > version:
            look_at(this, node, parent)
        if this.bounded and not this.reaches(parent):
            continue
        if not parent.requires_grad and parent.op is None:
            continue
        if gradient_of is None:  # what all contributions share
            known = _known(this, node, parents) if create_graph else _data_of(node, parents)
            mask = True if masks is None else masks.of(node)
            gradient_of = contribution_of(node, g, known, mask)
        contribution = gradient_of(i)
        if contribution is None:
            continue
        if masks is not None:
            fresh = parent not in leaves if parent.op is None else parent._grad is this
            contribution = masks.carry(real(contribution), node, i, g, fresh)
        yield i, parent, contribution


def _data_of(node: Node, parents: Sequence[Node]) -> Sequence[Any]:
    """Return what a rule for `node` is called with after the gradient."""
    return [node._data, *[parent._data for parent in parents]]


def _known(this: Any, node: Node, parents: Sequence[Node]) -> Sequence[Any]:
    """Return the same as nodes, so that what is computed is recorded."""
    if isinstance(this, PartialPass) and this.linear:
        return [constant(n._kind, n._data) for n in (node, *parents)]
    return (node, *parents)


def _require_current(node: Node, this: Pass) -> None:
    """Raise an error if the data of `node`, at which a pass ends, are memory written to since."""
    stack = [node]
    while stack:
        node = stack.pop()
        for parent in node.parents:
            if not parent._is_number and np.may_share_memory(node._data, parent._data):
                if parent._version > node._version:
                    look_at(this, node, parent)
                stack.append(parent)
