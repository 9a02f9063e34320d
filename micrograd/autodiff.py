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
            leaves = propagate(root, gradient, order, pending, create_graph)
    except BaseException:
        _forget(order)
        raise
    _accumulate(leaves, order)


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
    result for a leaf. This is the hot loop: calls are written out for one and two
    arguments, which is what most operations have.
    """
    if root.op is None:
        return {root: gradient}
    root._grad = gradient
    leaves: Gradients = {}
    arrays = not root._is_number
    liveness, selecting = Liveness(), False
    a: Any = None
    b: Any = None
    args: Any = ()
    for node in reversed(order):
        g = node._grad
        if g is pending:  # no gradient flows to it
            node._grad = None
            continue
        op, y, params, tick = node.op, node._data, node.params, node._tick
        first, rest = node._first, node._rest
        if create_graph or params or rest.__class__ is tuple:
            arity, parents = 0, node.parents
            args = parents if create_graph else [parent._data for parent in parents]
            y = node if create_graph else y
        elif rest is None:
            arity, parents, a = 1, (first,), first._data
        else:
            arity, parents, a, b = 2, (first, rest), first._data, rest._data
        derivatives = op.derivatives
        if op.masks is not None:
            selecting = True
        i = 0
        for parent in parents:
            derivative = derivatives[i]
            if parent.requires_grad and derivative is not None:
                if parent._tick > tick:
                    raise _stale(node, parent)
                try:
                    if arity == 2:
                        contribution = derivative(g, y, a, b)
                    elif arity == 1:
                        contribution = derivative(g, y, a)
                    else:
                        contribution = derivative(g, y, *args, **params)
                except ArithmeticError:
                    contribution = _by_ieee(derivative, g, node)
                leaf = parent.op is None
                if selecting:
                    fresh = parent not in leaves if leaf else parent._grad is pending
                    contribution = liveness.cut(_real(contribution), node)
                    liveness.pass_on(node, i, fresh)
                if arrays:
                    data = parent._data
                    if (
                        contribution.__class__ is not np.ndarray
                        or contribution.shape != data.shape
                        or contribution.dtype is not data.dtype
                    ):
                        contribution = _fitted(contribution, node, parent)
                elif contribution.__class__ is not float:
                    contribution = _fitted(contribution, node, parent)
                if leaf:
                    known = leaves.get(parent)
                    leaves[parent] = contribution if known is None else known + contribution
                elif parent._grad is pending:
                    parent._grad = contribution
                else:
                    parent._grad = parent._grad + contribution
            i += 1  # noqa: SIM113 (written out: this is the hot loop)
    return leaves


def _by_ieee(derivative: Any, g: Any, node: Node) -> Any:
    """Apply a derivative to numbers for which Python's own arithmetic raises."""
    args = [np.float64(parent._data) for parent in node.parents]
    return derivative(np.float64(g), np.float64(node._data), *args, **node.params)


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
