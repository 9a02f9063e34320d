"""The chain rule, applied backwards over a recorded graph."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from micrograd.debug import Watch, check_fingerprints, debug
from micrograd.errors import GradientError, ShapeError, StaleGraphError
from micrograd.liveness import Liveness
from micrograd.node import Node, describe, enable_grad, watching, why_constant
from micrograd.op import no_gradient
from micrograd.ops.powers import positive
from micrograd.ops.shape import forward_sum_to, sum_to
from micrograd.passes import Pass, forget, guard
from micrograd.record import to_number

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
            f"backward: {describe(root)} requires no gradient, so there is none to compute. "
            f"{why_constant(root)}"
        )
    this = Pass((root,))
    leaves = _differentiate(this, (gradient,), create_graph)
    if not create_graph:
        _accumulate(leaves, this, gradient)
        return
    with enable_grad():
        _accumulate(leaves, this, gradient)


def gradients(
    roots: Sequence[Node],
    starts: Sequence[Any],
    wrt: Collection[Node],
    create_graph: bool = False,
    since: int = 0,
    linear: bool = False,
    live: Any = True,
) -> list[Any]:
    """Return the gradient for each node of `wrt`, None where nothing reaches it; change no leaf.

    Args:
        roots: the nodes to differentiate, all of one kind.
        starts: the gradient of each root.
        wrt: the nodes whose gradients are asked for; the pass ends at them.
        create_graph: record the backward pass.
        since: a time of the clock; nodes made before are constants.
        linear: record only how the gradients depend on `starts`, in which they are linear.
        live: which elements of the root a `where` did not cut off, True for all.
    """
    pairs = [pair for pair in zip(roots, starts, strict=True) if pair[0].requires_grad]
    if not pairs:
        return [None] * len(wrt)
    stops = [node for node in wrt if since or node.op is not None]
    this = Pass([root for root, _ in pairs], stops, since, linear)
    found = _differentiate(this, [start for _, start in pairs], create_graph, live)
    if create_graph:
        forget(this.order)  # a gradient that knows its graph would hold the node that holds it
    return [found.get(node) for node in wrt]


def pass_on(node: Node) -> None:
    """Add what `node` contributes, for the gradient that it has, to that of each parent.

    This is one step of `backward`, to be taken by hand.
    """
    g = node._grad
    if g is None:
        return
    for i, parent in enumerate(node.parents):
        if parent._tick > node._tick:
            raise _stale(node, parent)
        contribution = _contribution(node, i, g, isinstance(g, Node))
        if contribution is not None:
            contribution = _fitted(contribution, node, parent)
            parent._grad = contribution if parent._grad is None else parent._grad + contribution


def _differentiate(
    this: Pass, starts: Sequence[Any], create_graph: bool, live: Any = True
) -> Gradients:
    """Return the gradients of the leaves; the nodes between have theirs."""
    watch = watching.get()
    this.begin()
    try:
        if Watch.has_noted:
            check_fingerprints(this.order)
        with np.errstate(all="ignore"):  # an infinite slope is an answer, not a fault to warn of
            if not create_graph:
                return propagate(this, starts, False, watch, live)
            with _recording(watch):
                return propagate(this, starts, True, watch, live)
    except BaseException:
        forget(this.order)
        raise
    finally:
        this.end()


@contextmanager
def _recording(watch: Any) -> Generator[None, None, None]:
    """Record the backward pass; what a `where` will cut off there is no anomaly."""
    with enable_grad(), nullcontext() if watch is None else debug():
        yield


def propagate(
    this: Pass,
    starts: Sequence[Any],
    create_graph: bool = False,
    watch: Any = None,
    live: Any = True,
) -> Gradients:
    """Return the gradients of the leaves that the roots depend on; change no leaf.

    Each node of the pass, from the last to the first, passes its gradient on to
    its parents, times the local derivative. What reaches a node by several ways
    is added up: in its `_grad`, where the pass itself stands before, or in the
    result for a leaf. This is the hot loop.
    """
    leaves: Gradients = {}
    arrays, stops = not this.roots[0]._is_number, this.stops
    liveness = None if live is True else Liveness(this.roots[0], live)
    careful = create_graph or this.since > 0 or watch is not None or liveness is not None

    def arrive(contribution: Any, node: Node) -> None:
        known = node._grad
        if known is this:
            node._grad = contribution
        elif node.op is None or (stops and node in stops):
            known = leaves.get(node)
            leaves[node] = contribution if known is None else known + contribution
        else:
            node._grad = known + contribution

    def send(contribution: Any, node: Node, parent: Any) -> None:
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
        known = parent._grad  # from here on it is `arrive`, written out
        if known is this:
            parent._grad = contribution
        elif parent.op is None or (stops and parent in stops):
            known = leaves.get(parent)
            leaves[parent] = contribution if known is None else known + contribution
        else:
            parent._grad = known + contribution

    for root, start in zip(this.roots, starts, strict=True):
        arrive(start, root)
    for node in reversed(this.order):
        g, y, tick = node._grad, node._data, node._tick
        if g is this:  # no gradient flows to it, but its data may have been used
            node._grad = None
            for parent in node.parents:
                if parent._tick > tick:
                    raise _stale(node, parent)
            continue
        op, params = node.op, node.params
        first, rest = node._first, node._rest
        if op.masks is not None and liveness is None:
            careful, liveness = True, Liveness(this.roots[0], live)
        if careful or rest.__class__ is tuple:
            for contribution, parent in _contributions(
                this, node, leaves, create_graph, watch, liveness
            ):
                send(contribution, node, parent)
            continue
        rules, a = op.derivatives, first._data
        left = right = None
        if first._tick > tick:
            raise _stale(node, first)
        try:
            if rest is None:
                left = rules[0](g, y, a, **params) if params else rules[0](g, y, a)
            else:
                if rest._tick > tick:
                    raise _stale(node, rest)
                b = rest._data
                if first.requires_grad or first.op is not None:
                    left = rules[0](g, y, a, b, **params) if params else rules[0](g, y, a, b)
                if rest.requires_grad or rest.op is not None:
                    right = rules[1](g, y, a, b, **params) if params else rules[1](g, y, a, b)
        except ArithmeticError:
            left, right = [*_by_ieee(node, g), None][:2]
        except IndexError:
            _require_derivatives(node)
            raise
        if left is not None:
            send(left, node, first)
        elif first.requires_grad:
            _require_no_derivative(node, 0)
        if right is not None:
            send(right, node, rest)
        elif rest is not None and rest.requires_grad:
            _require_no_derivative(node, 1)
    return leaves


def _contributions(
    this: Pass,
    node: Node,
    leaves: Gradients,
    create_graph: bool,
    watch: Any,
    liveness: Liveness | None,
) -> Iterator[tuple[Any, Node]]:
    """Yield what `node` contributes to each parent, and the parent, with all there is to heed."""
    g, stops = node._grad, this.stops
    if liveness is not None:
        node.op.heed(liveness.of(node))
    for i, parent in enumerate(node.parents):
        if parent._tick > node._tick:
            raise _stale(node, parent)
        if parent._tick < this.since or (stops and parent in stops):  # the pass ends there
            if parent.op is not None:
                _require_current(parent)
            if parent not in stops:
                continue
        contribution = _contribution(node, i, g, create_graph, this.linear)
        if contribution is None:
            continue
        if liveness is not None:
            fresh = parent not in leaves if parent.op is None else (parent._grad is this)
            contribution = liveness.carry(_real(contribution), node, i, g, fresh)
        if watch is not None:
            watch.check_backward(contribution, node, i, g, this.roots[0])
        yield contribution, parent


def _contribution(node: Node, i: int, g: Any, create_graph: bool, linear: bool = False) -> Any:
    """Return what `node` contributes to parent `i`, a node if `create_graph`; None if nothing."""
    parents = node.parents
    if not parents[i].requires_grad and parents[i].op is None:
        return None
    _require_derivatives(node)
    derivative = node.op.derivatives[i]
    if create_graph:
        known = [_constant(n) for n in (node, *parents)] if linear else (node, *parents)
        contribution = derivative(g, *known, **node.params)
    else:
        try:
            contribution = derivative(g, node._data, *[p._data for p in parents], **node.params)
        except ArithmeticError:
            contribution = _by_ieee(node, g)[i]
    if contribution is None:
        _require_no_derivative(node, i)
    return contribution


def _constant(node: Node) -> Node:
    kind = node._kind
    constant = object.__new__(kind)
    constant._set_leaf(node._data, False, None)
    return constant


def _require_derivatives(node: Node) -> None:
    """Raise an error if the operation of `node` has fewer derivatives than arguments."""
    derivatives, n = node.op.derivatives, len(node.parents)
    if derivatives.__class__ is tuple and len(derivatives) < n:
        raise GradientError(
            f"backward: {node.op.name} was called with {n} arguments in {describe(node)}, but has "
            f"{len(derivatives)} derivatives. Give define_op one for each, None for an argument "
            "that has none."
        )


def _require_no_derivative(node: Node, i: int) -> None:
    """Raise an error if argument `i` of `node` has a derivative, which gave None."""
    if node.op.derivatives[i] is not no_gradient:
        raise GradientError(
            f"backward: the derivative of {node.op.name} for argument {i}, "
            f"{describe(node.parents[i])}, gave None. Return the gradient, zeros if there is none, "
            "or give define_op None instead of the derivative."
        )


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
    plain = contribution.__class__ is np.ndarray
    recorded = not plain and hasattr(contribution, "requires_grad")
    if parent._is_number:
        return contribution if recorded else _number(contribution, node)
    if not plain and not recorded:
        contribution = np.asarray(contribution)
    shape, dtype = parent._data.shape, parent._data.dtype
    if contribution.shape != shape:
        try:
            if node.op.foreign:
                _check_shape(contribution.shape, node)
            contribution = (sum_to if recorded else forward_sum_to)(contribution, shape=shape)
        except ShapeError:
            raise GradientError(
                f"backward: the derivative of {node.op.name} gave shape {contribution.shape} for "
                f"its argument {describe(parent)}, in {describe(node)}. It has to give the shape "
                "of the argument, or one that broadcasting made of it."
            ) from None
    if contribution.dtype == dtype:
        return contribution
    if contribution.dtype.kind not in "fiub":
        raise _no_real(contribution.dtype, node)
    if dtype.kind != "f":
        raise GradientError(
            f"backward: {describe(parent)}, an argument of {node.op.name}, requires a gradient, "
            f"but dtype {dtype} has none. Make it of floats before it is used."
        )
    return contribution.astype(dtype)


def _check_shape(shape: tuple[int, ...], node: Node) -> None:
    """Refuse a gradient with an axis that nothing in the call has: it would be summed up."""
    shapes = [np.shape(n._data) for n in (node, *node.parents)]
    lengths = {1, *[length for known in shapes for length in known]}
    if len(shape) > max(map(len, shapes)) or not lengths.issuperset(shape):
        raise ShapeError


def _number(contribution: Any, node: Node) -> Any:
    try:
        return to_number(_real(contribution))
    except (TypeError, ValueError):
        raise _no_real(type(contribution).__name__, node) from None


def _no_real(came: Any, node: Node) -> GradientError:
    return GradientError(
        f"backward: a derivative of {node.op.name} gave {came} in {describe(node)}, but a gradient "
        "is made of real numbers. Return floats in the shape of the argument."
    )


def _real(contribution: Any) -> Any:
    """Return nan for what Python makes complex: a negative number to a fractional power."""
    return math.nan if isinstance(contribution, complex) else contribution


def _accumulate(leaves: Gradients, this: Pass, start: Any) -> None:
    """Add to the leaves what they got; a leaf has its gradient in an array, or node, of its own."""
    plain_numbers = this.roots[0]._is_number and not isinstance(start, Node)
    taken = set[int]() if plain_numbers else {id(start), *[id(node._grad) for node in this.order]}
    with guard:  # threads may share leaves
        for leaf, g in leaves.items():
            if leaf._grad is not None:
                g = leaf._grad + g
            if g.__class__ is np.ndarray or isinstance(g, Node):
                array = g if g.__class__ is np.ndarray else g._data
                if id(g) in taken or getattr(array, "base", None) is not None:
                    g = positive(g)  # a copy, and of a node one with its graph
                taken.add(id(g))
            elif not leaf._is_number:
                g = np.asarray(g)  # the sum of arrays without axes is a scalar to NumPy
            leaf._grad = g


def _require_current(node: Node) -> None:
    """Raise an error if the data of `node`, at which a pass ends, are memory written to since."""
    stack = [node]
    while stack:
        node = stack.pop()
        for parent in node.parents:
            if not parent._is_number and np.may_share_memory(node._data, parent._data):
                if parent._tick > node._tick:
                    raise _stale(node, parent)
                stack.append(parent)


def _stale(node: Node, parent: Node) -> StaleGraphError:
    return StaleGraphError(
        f"backward: {describe(parent)} was assigned to after {describe(node)} was computed from "
        "it, so the derivative there is lost. Compute the result again after writing, or write "
        "after backward()."
    )
