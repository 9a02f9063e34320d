"""The chain rule, applied backwards over a recorded graph."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import numpy as np

from micrograd.errors import GradientError, ShapeError, StaleGraphError
from micrograd.liveness import Liveness
from micrograd.node import Node, describe, enable_grad
from micrograd.op import to_number
from micrograd.ops.shape import sum_to

Gradients = dict[Node, Any]


def backward(root: Node, gradient: Any, create_graph: bool = False) -> None:
    """Leave the gradient of `root` in every node that it depends on.

    Leaves add what they get to what they have; the nodes between are
    overwritten. If anything goes wrong on the way, the leaves are as they were.

    Args:
        root: the node to differentiate.
        gradient: the gradient of `root` itself, in its shape.
        create_graph: record the backward pass, so that the gradients are nodes
            which can be differentiated in turn.

    Raises:
        GradientError: if `root` requires no gradient, or a rule is wrong.
        StaleGraphError: if data was assigned to after it was recorded.
    """
    leaves, order = _differentiate(root, gradient, create_graph)
    _accumulate(leaves, order)


def gradients(root: Node, gradient: Any, create_graph: bool = False) -> Gradients:
    """Return the gradient of `root` for every leaf that it depends on; change no leaf.

    The arguments and errors are those of `backward`.
    """
    return _differentiate(root, gradient, create_graph)[0]


def _differentiate(root: Node, gradient: Any, create_graph: bool) -> tuple[Gradients, list[Node]]:
    """Return the gradients of the leaves, and the nodes between, which have theirs."""
    if not root.requires_grad:
        raise GradientError(
            f"backward: {describe(root)} requires no gradient, so there is none to compute. Build "
            "it from nodes made with requires_grad=True, outside no_grad()."
        )
    pending = _Pending()
    order = _claim(root, pending)
    try:
        # An infinite slope is an answer, not a fault to warn of.
        with np.errstate(all="ignore"), enable_grad() if create_graph else nullcontext():
            return propagate(root, gradient, order, pending, create_graph), order
    except BaseException:
        _forget(order)
        raise


class _Pending:
    """The gradient of a node that waits for its contributions in one backward pass."""


def _claim(root: Node, pending: _Pending) -> list[Node]:
    """Return the recorded nodes that `root` depends on, parents first, to be given gradients.

    Each gets `pending` for a gradient, which also tells that it was seen: what
    `topological_order` keeps in a set stands in the nodes, at hand for the loop.
    """
    order: list[Node] = []
    stack: list[Any] = [root] if root.op is not None else []
    push = stack.append
    try:
        while stack:
            node = stack.pop()
            if node is None:  # everything that the node below it needs is in order
                order.append(stack.pop())
            elif node._grad is not pending:
                node._grad = pending
                push(node)
                push(None)
                first, rest = node._first, node._rest
                if rest.__class__ is tuple:
                    stack += [parent for parent in rest if parent.op is not None]
                    continue
                if rest is not None and rest.op is not None and rest._grad is not pending:
                    push(rest)
                if first.op is not None and first._grad is not pending:
                    push(first)
    except BaseException:
        _forget([*order, *(node for node in stack if node is not None)])
        raise
    return order


def _forget(nodes: list[Node]) -> None:
    for node in nodes:
        node._grad = None


def propagate(
    root: Node, gradient: Any, order: list[Node], pending: _Pending, create_graph: bool = False
) -> Gradients:
    """Return the gradients of the leaves that `root` depends on; change no leaf.

    Each node of `order`, from the last to the first, passes its gradient on to
    its parents, times the local derivative. What reaches a node by several ways
    is added up: in its `_grad`, where `_claim` has put `pending`, or in the
    result for a leaf. This is the hot loop: calls are written out for one and
    two arguments and no settings, which is what most operations have.
    """
    if root.op is None:
        return {root: gradient}
    root._grad = gradient
    leaves: Gradients = {}
    arrays = not root._is_number
    liveness, selecting = Liveness(), False

    def send(contribution: Any, node: Node, parent: Any) -> None:
        if arrays:
            kind, data = contribution.__class__, parent._data
            if (
                kind is not np.ndarray
                or contribution.shape != data.shape
                or contribution.dtype is not data.dtype
            ):
                contribution = _fitted(contribution, node, parent)
        elif contribution.__class__ is not float:
            contribution = _fitted(contribution, node, parent)
        if parent.op is None:
            known = leaves.get(parent)
            leaves[parent] = contribution if known is None else known + contribution
        elif parent._grad is pending:
            parent._grad = contribution
        else:
            parent._grad = parent._grad + contribution

    for node in reversed(order):
        g = node._grad
        if g is pending:  # no gradient flows to it
            node._grad = None
            continue
        op, y, tick = node.op, node._data, node._tick
        first, rest = node._first, node._rest
        if op.masks is not None:
            selecting = True
        if create_graph or selecting or node.params or rest.__class__ is tuple:
            for i, parent in enumerate(node.parents):
                if parent._tick > tick:
                    raise _stale(node, parent)
                contribution = _contribution(node, i, g, create_graph)
                if contribution is not None:
                    if selecting:
                        fresh = (
                            parent not in leaves if parent.op is None else (parent._grad is pending)
                        )
                        contribution = liveness.carry(_real(contribution), node, i, g, fresh)
                    send(contribution, node, parent)
            continue
        if first._tick > tick or (rest is not None and rest._tick > tick):
            raise _stale(node, first if first._tick > tick else rest)
        derivatives, a = op.derivatives, first._data
        left = right = None
        try:
            if rest is None:
                left = derivatives[0](g, y, a)
            else:
                b = rest._data
                if first.requires_grad:
                    left = derivatives[0](g, y, a, b)
                if rest.requires_grad:
                    right = derivatives[1](g, y, a, b)
        except ArithmeticError:
            left, right = [*_by_ieee(node, g), None][:2]
        if left is not None:
            send(left, node, first)
        if right is not None:
            send(right, node, rest)
    return leaves


def _contribution(node: Node, i: int, g: Any, create_graph: bool) -> Any:
    """Return what `node` contributes to parent `i`, a node if `create_graph`; None if nothing."""
    parents = node.parents
    if not parents[i].requires_grad:
        return None
    derivative = node.op.derivatives[i]
    if create_graph:
        return derivative(g, node, *parents, **node.params)
    try:
        return derivative(g, node._data, *[p._data for p in parents], **node.params)
    except ArithmeticError:
        return _by_ieee(node, g)[i]


def _by_ieee(node: Node, g: Any) -> list[Any]:
    """Return the contributions of numbers for which Python's own arithmetic raises."""
    parents = node.parents
    y, *args = (np.float64(data) for data in (node._data, *(p._data for p in parents)))
    return [
        node.op.derivatives[i](np.float64(g), y, *args, **node.params) if p.requires_grad else None
        for i, p in enumerate(parents)
    ]


def _fitted(contribution: Any, node: Node, parent: Node) -> Any:
    """Return a contribution in the shape and dtype of the parent that it is for.

    This is the one place where broadcasting is undone.
    """
    recorded = hasattr(contribution, "requires_grad")
    if parent._is_number:
        return contribution if recorded else to_number(_real(contribution))
    if contribution.__class__ is not np.ndarray and not recorded:
        contribution = np.asarray(contribution)
    shape, dtype = parent._data.shape, parent._data.dtype
    if contribution.shape != shape:
        try:
            contribution = sum_to(contribution, shape)
        except ShapeError:
            raise GradientError(
                f"backward: the derivative of {node.op.name} gave shape {contribution.shape} for "
                f"an argument of shape {shape}. It has to give the shape of the argument, or one "
                "that broadcasting made of it."
            ) from None
    return contribution if contribution.dtype == dtype else contribution.astype(dtype)


def _real(contribution: Any) -> Any:
    """Return nan for what Python makes complex: a negative number to a fractional power."""
    return math.nan if isinstance(contribution, complex) else contribution


def _accumulate(leaves: Gradients, order: list[Node]) -> None:
    """Add to the leaves what they got; a leaf has its gradient in an array of its own."""
    taken: set[int] | None = None
    for leaf, g in leaves.items():
        if leaf._grad is not None:
            leaf._grad = leaf._grad + g
        elif g.__class__ is np.ndarray:
            if taken is None:
                taken = {id(node._grad) for node in order}
            leaf._grad = g if g.base is None and id(g) not in taken else g.copy()
            taken.add(id(g))
        else:
            leaf._grad = g


def _stale(node: Node, parent: Node) -> StaleGraphError:
    return StaleGraphError(
        f"backward: {describe(parent)} was assigned to after {describe(node)} was computed from "
        "it, so the derivative there is lost. Compute the result again after writing, or write "
        "after backward()."
    )
