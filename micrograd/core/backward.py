"""The chain rule, applied backwards over a recorded graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd.core import numbers
from micrograd.core.node import Node
from micrograd.core.passes import Pass
from micrograd.core.user_rules import require_derivatives, require_no_derivative
from micrograd.errors import stale

Gradients = dict[Node, Any]


def propagate(this: Pass, starts: Sequence[Any]) -> Gradients:
    """Return the gradients of the leaves that the roots depend on; change no leaf.

    Each node of the pass, from the last to the first, passes its gradient on to
    its parents, times the local derivative. What reaches a node by several ways
    is added up: in its `_grad`, where the pass itself stands before, or in the
    result for a leaf. This is the hot loop: one and two parents are written out.
    """
    leaves: Gradients = {}
    ndarray, stops = None if this.roots[0]._is_number else np.ndarray, this.stops

    def accumulate(contribution: Any, node: Node, parent: Any) -> None:
        if ndarray:
            data = parent._data
            if (
                contribution.__class__ is not ndarray
                or contribution.shape != data.shape
                or contribution.dtype is not data.dtype
            ):
                contribution = parent._fit(contribution, node)
        elif contribution.__class__ is not float:
            contribution = parent._fit(contribution, node)
        known = parent._grad
        if known is this:
            parent._grad = contribution
        elif parent.op is None or (stops and parent in stops):
            known = leaves.get(parent)
            leaves[parent] = contribution if known is None else known + contribution
        else:
            parent._grad = known + contribution

    for root, start in zip(this.roots, starts, strict=True):
        accumulate(start, root, root)
    for node in this.backwards():
        g, y, version = node._grad, node._data, node._version
        if g is this:  # no gradient flows to it, but its data may have been used
            pass_by(this, node)
            continue
        first, rest = node._first, node._rest
        if rest.__class__ is tuple:
            contribution = contribution_of(node, g, (y, *[parent._data for parent in rest]))
            for i, parent in enumerate(rest):
                if parent._version > version:
                    look_at(this, node, parent)
                if parent.requires_grad or parent.op is not None:
                    left = contribution(i)
                    if left is not None:
                        accumulate(left, node, parent)
            continue
        rules, settings, a = node.op.derivatives, node.settings, first._data
        left = right = None
        if first._version > version:
            look_at(this, node, first)
        try:
            if rest is None:
                left = rules[0](g, y, a, **settings) if settings else rules[0](g, y, a)
            else:
                if rest._version > version:
                    look_at(this, node, rest)
                b = rest._data
                if first.requires_grad or first.op is not None:
                    left = rules[0](g, y, a, b, **settings) if settings else rules[0](g, y, a, b)
                if rest.requires_grad or rest.op is not None:
                    right = rules[1](g, y, a, b, **settings) if settings else rules[1](g, y, a, b)
        except ArithmeticError:
            left, right = [*numbers.contributions(node, g), None][:2]
        except IndexError:
            require_derivatives(node)
            raise
        if left.__class__ is float and not ndarray and first._grad is this:  # the commonest
            first._grad = left
        elif left is not None:
            accumulate(left, node, first)
        elif first.requires_grad:
            require_no_derivative(node, 0)
        if rest is None:
            continue
        if right.__class__ is float and not ndarray and rest._grad is this:
            rest._grad = right
        elif right is not None:
            accumulate(right, node, rest)
        elif rest.requires_grad:
            require_no_derivative(node, 1)
    return leaves


def contribution_of(
    node: Node, g: Any, known: Sequence[Any], mask: Any = True
) -> Callable[[int], Any]:
    """Return the function that gives what `node` contributes to parent `i`, None if nothing.

    Args:
        node: a node of any number of parents.
        g: its gradient.
        known: what the derivatives get beside: its data and those of the parents, or the nodes.
        mask: which elements of the node a `where` did not cut off, True for all.
    """
    rules, gradient_of = node.op.derivatives, None
    require_derivatives(node)

    def contribution(i: int) -> Any:
        nonlocal gradient_of
        try:
            if rules.__class__ is tuple:
                found = rules[i](g, *known, **node.settings)
            else:
                gradient_of = gradient_of or node.op.gradients_of(mask, g, known, node.settings)
                found = gradient_of(i)
        except ArithmeticError:
            if isinstance(g, Node):
                raise
            found = numbers.contributions(node, g)[i]
        if found is None:
            require_no_derivative(node, i)
        return found

    return contribution


def pass_by(this: Pass, node: Node) -> None:
    """Look at the parents of a node that has no gradient to pass on, and leave it without one."""
    node._grad = None
    for parent in node.parents:
        if parent._version > node._version:
            look_at(this, node, parent)


def look_at(this: Pass, node: Node, parent: Node) -> None:
    """Raise an error if `parent` was assigned to; note it if one has to look again at the end."""
    version = parent._version_now()
    if version > node._version:
        raise stale(node, parent)
    this.sealed[parent] = version, node
