"""The chain rule, applied backwards over a recorded graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any

import numpy as np

from micrograd import seals
from micrograd.captures import Captures
from micrograd.core.node import Node, describe, enable_grad, listening, why_constant
from micrograd.core.op import no_gradient
from micrograd.core.passes import Pass, Sealed
from micrograd.core.record import to_number
from micrograd.engine.debug import debug
from micrograd.engine.masks import Masks
from micrograd.errors import GradientError, ShapeError, StaleGraphError
from micrograd.ops.powers import positive
from micrograd.ops.shape import forward_sum_to, sum_to
from micrograd.seals import is_written, time_of

Gradients = dict[Node, Any]


def backward(root: Node, gradient: Any, create_graph: bool = False) -> None:
    """Leave the gradient of `root` in every node that it depends on.

    Leaves add what they get to what they have; the nodes between are
    overwritten. If anything goes wrong on the way, the leaves are as they were,
    and if it is interrupted, at whatever moment: either all or none of them
    have got theirs.

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
    Pass((root,)).run(_differentiate, (gradient,), create_graph)


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
        since: a version of the engine; nodes made before are constants.
        linear: record only how the gradients depend on `starts`, in which they are linear.
        live: which elements of the root a `where` did not cut off, True for all.
    """
    pairs = [pair for pair in zip(roots, starts, strict=True) if pair[0].requires_grad]
    if not pairs:
        return [None] * len(wrt)
    stops = [node for node in wrt if since or node.op is not None]
    this = Pass([root for root, _ in pairs], stops, since, linear, shown=False)
    found = this.run(_differentiate, [start for _, start in pairs], create_graph, live)
    return [found.get(node) for node in wrt]


def pass_on(node: Node) -> None:
    """Add what `node` contributes, for the gradient that it has, to that of each parent.

    This is one step of `backward`, to be taken by hand.
    """
    g = node._grad
    if g is None or node.op is None:
        return
    _require_captured(node)
    alone = Pass((node,))
    sent = list(_contributions(alone, node, {}, isinstance(g, Node), None, None))
    _require_unwritten(alone.sealed)
    for contribution, parent in sent:
        contribution = _fitted(contribution, node, parent)
        parent._grad = contribution if parent._grad is None else parent._grad + contribution


def _differentiate(
    this: Pass, starts: Sequence[Any], create_graph: bool, live: Any = True
) -> Gradients:
    """Return the gradients of the leaves, and add them to the leaves if the pass is shown."""
    listener = listening.get()
    if Captures.were_taken:
        for node in this.order:
            _require_captured(node)
    seals.passes += 1
    before = seals.handed_out
    try:
        with np.errstate(all="ignore"):  # an infinite slope is an answer, not a fault to warn of
            if not create_graph:
                leaves = propagate(this, starts, False, listener, live)
            else:  # what a `where` will cut off in the record is no anomaly
                within = nullcontext if listener is None else debug
                leaves = _recording(within, propagate, this, starts, True, listener, live)
    except GradientError:
        _require_unwritten(this.sealed)  # a rule may have stumbled over what was written
        raise
    if seals.handed_out != before:  # by another thread, or a rule
        _look_again(this)
    if this.sealed:  # after all use, so that a thread has no moment in between
        _require_unwritten(this.sealed)
    if this.shown and create_graph:
        _recording(nullcontext, _accumulate, leaves, this, starts[0])
    elif this.shown:
        _accumulate(leaves, this, starts[0])
    return leaves


def _recording(within: Callable[[], Any], function: Callable[..., Any], *args: Any) -> Any:
    """Let a function record, in a context of its own, which is gone however the call ends."""

    def call() -> Any:
        with enable_grad(), within():
            return function(*args)

    return copy_context().run(call)


def propagate(
    this: Pass,
    starts: Sequence[Any],
    create_graph: bool = False,
    listener: Any = None,
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
    liveness = None if live is True else Masks(this.roots[0], live)
    careful = create_graph or this.since > 0 or listener is not None or liveness is not None

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
    for node in reversed(this.order) if this.shown else _released(this.order):
        g, y, version = node._grad, node._data, node._version
        if g is this:  # no gradient flows to it, but its data may have been used
            node._grad = None
            for parent in node.parents:
                if parent._version > version:
                    _look_at(node, parent, this.sealed)
            continue
        op, settings = node.op, node.settings
        first, rest = node._first, node._rest
        if op.selects and liveness is None:
            careful, liveness = True, Masks(this.roots[0], live)
        if careful or rest.__class__ is tuple:
            for contribution, parent in _contributions(
                this, node, leaves, create_graph, listener, liveness
            ):
                send(contribution, node, parent)
            continue
        rules, a = op.derivatives, first._data
        left = right = None
        if first._version > version:
            _look_at(node, first, this.sealed)
        try:
            if rest is None:
                left = rules[0](g, y, a, **settings) if settings else rules[0](g, y, a)
            else:
                if rest._version > version:
                    _look_at(node, rest, this.sealed)
                b = rest._data
                if first.requires_grad or first.op is not None:
                    left = rules[0](g, y, a, b, **settings) if settings else rules[0](g, y, a, b)
                if rest.requires_grad or rest.op is not None:
                    right = rules[1](g, y, a, b, **settings) if settings else rules[1](g, y, a, b)
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


def _released(order: Sequence[Node]) -> Iterator[Node]:
    """Yield nodes from the last to the first; each loses its gradient when it has passed it on."""
    for node in reversed(order):
        yield node
        node._grad = None


def _contributions(
    this: Pass,
    node: Node,
    leaves: Gradients,
    create_graph: bool,
    listener: Any,
    liveness: Masks | None,
) -> Iterator[tuple[Any, Node]]:
    """Yield what `node` contributes to each parent, and the parent, with all there is to heed."""
    g, stops, parents = node._grad, this.stops, node.parents
    known = together = None
    for i, parent in enumerate(parents):
        version = parent._version
        if version > node._version:
            _look_at(node, parent, this.sealed)
            version = time_of(parent)
        if version < this.since or (stops and parent in stops):  # the pass ends there
            if parent.op is not None:
                _require_current(parent, this)
            if parent not in stops:
                continue
        if not parent.requires_grad and parent.op is None:
            continue
        if known is None:  # what all contributions share
            known = _arguments(node, parents, create_graph, this.linear)
            together = _together(node, g, known, liveness)
        contribution = _contribution(node, i, g, known, together)
        if contribution is None:
            continue
        if liveness is not None:
            fresh = parent not in leaves if parent.op is None else (parent._grad is this)
            contribution = liveness.carry(_real(contribution), node, i, g, fresh)
        if listener is not None:
            listener.check_backward(contribution, node, i, g, this.roots[0])
        yield contribution, parent


def _arguments(
    node: Node, parents: tuple[Node, ...], create_graph: bool, linear: bool
) -> Sequence[Any]:
    """Return what a rule for `node` is called with after the gradient: nodes if `create_graph`."""
    if not create_graph:
        return [node._data, *[parent._data for parent in parents]]
    return [_constant(n) for n in (node, *parents)] if linear else (node, *parents)


def _together(node: Node, g: Any, known: Sequence[Any], liveness: Masks | None) -> Any:
    """Return what gives the contribution to parent `i` if `node` has one rule for all; or None."""
    live = True if liveness is None else liveness.of(node)
    try:
        return node.op.gradients_together(live, g, known, node.settings)
    except ArithmeticError:
        if isinstance(g, Node):
            raise
        return _by_ieee(node, g).__getitem__


def _contribution(node: Node, i: int, g: Any, known: Sequence[Any], together: Any) -> Any:
    """Return what `node` contributes to parent `i`, None if nothing."""
    _require_derivatives(node)
    try:
        if together is None:
            contribution = node.op.derivatives[i](g, *known, **node.settings)
        else:
            contribution = together(i)
    except ArithmeticError:
        if isinstance(g, Node):
            raise
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
        node.op.derivatives[i](np.float64(g), y, *args, **node.settings)
        if p.requires_grad
        else None
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
    sums: list[Any] = []
    this.line_up_for_leaves()
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
        sums.append(g)
    this.publish(leaves, sums)


def _require_current(node: Node, this: Pass) -> None:
    """Raise an error if the data of `node`, at which a pass ends, are memory written to since."""
    stack = [node]
    while stack:
        node = stack.pop()
        for parent in node.parents:
            if not parent._is_number and np.may_share_memory(node._data, parent._data):
                if parent._version > node._version:
                    _look_at(node, parent, this.sealed)
                stack.append(parent)


def _look_at(node: Node, parent: Node, sealed: Sealed) -> None:
    """Raise an error if `parent` was assigned to; note it if it is only sealed."""
    version = time_of(parent)
    if version > node._version:
        raise _stale(node, parent)
    sealed[parent] = version, node


def _require_captured(node: Node) -> None:
    """Raise an error if what the derivatives of `node` capture is not what it was."""
    captured = getattr(node, "_seal", None) if node.op.foreign else None
    if captured and (changed := node.op.captures.written(captured)):
        raise StaleGraphError(
            f"backward: {changed[0]}, which the derivative of {node.op.name} uses, was written to "
            f"after {describe(node)} was computed, so the derivative there is lost. Give it to the "
            "operation as an argument or a setting, or let the derivative use a copy."
        )


def _look_again(this: Pass) -> None:
    """Note the leaves that were sealed while the pass was under way."""
    for node in this.order:
        for parent in node.parents:
            if parent._version > node._version and parent not in this.sealed:
                _look_at(node, parent, this.sealed)


def _require_unwritten(sealed: Sealed) -> None:
    """Raise an error if the array of a leaf was written to since it was recorded."""
    for leaf, (version, node) in sealed.items():
        if is_written(leaf, version):
            raise StaleGraphError(
                f"backward: the array of {describe(leaf)} was written to in place after "
                f"{describe(node)} was computed from it, so the derivative there is lost. Compute "
                "the result again after writing, give the operation a copy, or write after "
                "backward()."
            )


def _stale(node: Node, parent: Node) -> StaleGraphError:
    return StaleGraphError(
        f"backward: {describe(parent)} was assigned to after {describe(node)} was computed from "
        "it, so the derivative there is lost. Compute the result again after writing, or write "
        "after backward()."
    )
