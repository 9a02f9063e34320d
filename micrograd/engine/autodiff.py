"""What a backward pass is for: which sweep it takes, what it checks, and where its results go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.core.backward import Gradients, look_at, propagate
from micrograd.core.modes import listening
from micrograd.core.node import Node
from micrograd.core.passes import Pass
from micrograd.core.turns import adding, next_of
from micrograd.engine import seals
from micrograd.engine.careful import PartialPass, contributions, propagate_carefully
from micrograd.engine.debug import debug
from micrograd.engine.modes import enable_grad
from micrograd.errors import GradientError, StaleGraphError, describe
from micrograd.ops.axes import as_array
from micrograd.ops.powers import positive


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
    require_gradient("backward", root, "compute")
    Pass((root,)).run(_into_leaves, gradient, create_graph)


def gradients(
    roots: Sequence[Node],
    starts: Sequence[Any],
    wrt: Collection[Node],
    create_graph: bool = False,
    since: int = 0,
    linear: bool = False,
    mask: Any = True,
) -> list[Any]:
    """Return the gradient for each node of `wrt`, None where nothing reaches it; change no leaf.

    Args:
        roots: the nodes to differentiate, all of one kind.
        starts: the gradient of each root.
        wrt: the nodes whose gradients are asked for; the pass ends at them.
        create_graph: record the backward pass.
        since: a version of the engine; nodes made before are constants.
        linear: record only how the gradients depend on `starts`, in which they are linear.
        mask: which elements of the root a `where` did not cut off, True for all.
    """
    pairs = [pair for pair in zip(roots, starts, strict=True) if pair[0].requires_grad]
    if not pairs:
        return [None] * len(wrt)
    stops = [node for node in wrt if since or node.op is not None]
    this = PartialPass([root for root, _ in pairs], stops, since, linear)
    found = this.run(_differentiate, [start for _, start in pairs], create_graph, mask)
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
    found = list(contributions(alone, node, isinstance(g, Node)))
    _require_unwritten(alone)
    for _, parent, contribution in found:
        contribution = parent._fit(contribution, node)
        parent._grad = contribution if parent._grad is None else parent._grad + contribution


def _into_leaves(this: Pass, start: Any, create_graph: bool) -> None:
    """Add the gradients to those of the leaves."""
    leaves = _differentiate(this, (start,), create_graph)
    if create_graph:
        _recording(nullcontext, _accumulate, leaves, this, start)
    else:
        _accumulate(leaves, this, start)


def _differentiate(
    this: Pass, starts: Sequence[Any], create_graph: bool, mask: Any = True
) -> Gradients:
    """Return the gradients of the leaves; look whether what was used is as it was."""
    if this.foreign:
        for node in this.order:
            _require_captured(node)
    seals.passes += 1
    before = seals.handed_out
    try:
        leaves = _propagated(this, starts, create_graph, mask)
    except GradientError:
        _require_unwritten(this)  # a rule may have stumbled over what was written
        raise
    if seals.handed_out != before:  # by another thread, or a rule
        _look_again(this)
    if this.sealed:  # after all use, so that a thread has no moment in between
        _require_unwritten(this)
    return leaves


def _propagated(this: Pass, starts: Sequence[Any], create_graph: bool, mask: Any) -> Gradients:
    """Return the gradients of the leaves, by the sweep that gives what is asked for."""
    listener = listening.get()
    partly = isinstance(this, PartialPass) and (this.since or mask is not True)
    careful = create_graph or partly or this.selects or listener is not None
    if this.roots[0]._is_number and not careful and not this.foreign:
        return propagate(this, starts)  # the rules of this library warn of nothing for numbers
    with np.errstate(all="ignore"):  # an infinite slope is an answer, not a fault to warn of
        if not careful:
            return propagate(this, starts)
        if not create_graph:
            return propagate_carefully(this, starts, False, listener, mask)
        # What a `where` will cut off in the record is no anomaly.
        within = nullcontext if listener is None else debug
        return _recording(within, propagate_carefully, this, starts, True, listener, mask)


def _recording(within: Callable[[], Any], function: Callable[..., Any], *args: Any) -> Any:
    """Let a function record, in a context of its own, which is gone however the call ends."""

    def call() -> Any:
        with enable_grad(), within():
            return function(*args)

    return copy_context().run(call)


def _accumulate(leaves: Gradients, this: Pass, start: Any) -> None:
    """Add to the leaves what they got; a leaf has its gradient in an array, or node, of its own."""
    this.line_up(adding, next_of)
    sums = [g if leaf._grad is None else leaf._grad + g for leaf, g in leaves.items()]
    numbers = this.roots[0]._is_number
    if not numbers or isinstance(start, Node):
        sums = _of_their_own(sums, [start, *[node._grad for node in this.order]], numbers)
    this.publish(leaves, sums)


def _holds_memory(g: Any) -> bool:
    return g.__class__ is np.ndarray or isinstance(g, (Node, Symbolic))


def _of_their_own(gradients: Sequence[Any], others: Sequence[Any], numbers: bool) -> list[Any]:
    """Return gradients that share no memory among each other, nor with others."""
    taken = {id(other) for other in others}
    owned: list[Any] = []
    for g in gradients:
        if _holds_memory(g):
            if id(g) in taken or getattr(getattr(g, "_data", g), "base", None) is not None:
                g = positive(g)  # a copy, and of a node one with its graph
            taken.add(id(g))
        elif not numbers:
            g = as_array(g)  # the sum of arrays without axes is a scalar to NumPy
        owned.append(g)
    return owned


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
                look_at(this, node, parent)


def _require_unwritten(this: Pass) -> None:
    """Raise an error if the array of a leaf was written to since it was recorded."""
    for leaf, (version, node) in this.sealed.items():
        if leaf._is_written(version):
            raise StaleGraphError(
                f"backward: the array of {describe(leaf)} was written to in place after "
                f"{describe(node)} was computed from it, so the derivative there is lost. Compute "
                "the result again after writing, give the operation a copy, or write after "
                "backward()."
            )


def require_gradient(what: str, root: Node, purpose: str) -> None:
    """Raise an error if a node requires no gradient, which says why and what to do."""
    if not root.requires_grad:
        raise GradientError(
            f"{what}: {describe(root)} requires no gradient, so there is none to {purpose}. "
            f"{why_constant(root)}"
        )


def why_constant(node: Node) -> str:
    """Return why a node requires no gradient and what to do, for a message.

    >>> from micrograd import Tensor
    >>> why_constant(Tensor([1, 2]))[:50]
    'It has dtype int64, and integers have no gradient.'
    """
    if not node._is_number:
        dtype = np.asarray(node._data).dtype
        if dtype.kind != "f":
            kind = "booleans" if dtype.kind == "b" else "integers"
            return (
                f"It has dtype {dtype}, and {kind} have no gradient. Make what it is computed from "
                "of floats, as in Tensor([1.0, 2.0, 3.0]) or with dtype=float."
            )
    of_what = "constants" if node._is_number else "constants or integers"
    return (
        "It is a constant, whose derivative is 0. Such is the gradient of what is linear, too, and "
        f"what was computed from {of_what} only, or under no_grad(). For another, build it from "
        "floats in nodes made with requires_grad=True, outside no_grad()."
    )
