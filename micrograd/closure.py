"""Operations of a single node, whose derivative is a closure: for experiments."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NoReturn

from micrograd.errors import GradientError, OperandError
from micrograd.node import Node
from micrograd.op import OneOff
from micrograd.record import attach


def record_closure(
    node: Node, parents: Any, name: str, backward: Callable[[Any], Any] | None
) -> None:
    """Let `node`, a leaf, be what was computed from `parents` by a user's own code.

    Args:
        node: the leaf.
        parents: the nodes it was computed from, of the same kind.
        name: what to call the operation.
        backward: takes the gradient of the node and returns that of the parent,
            or a tuple of one for each of several; None if the closure comes later.

    Raises:
        OperandError: if `parents` are no such nodes, or `backward` cannot be called.
    """
    kind = node._kind
    parents = tuple(parents)
    for i, parent in enumerate(parents):
        if not isinstance(parent, Node) or parent._kind is not kind:
            raise OperandError(
                f"{kind.__name__}: parent {i} has to be a {kind.__name__}, but came a "
                f"{type(parent).__name__}. Give the nodes that the data was computed from."
            )
    if backward is not None and not callable(backward):
        raise OperandError(
            f"{kind.__name__}: backward has to be a function of the gradient, but came "
            f"{backward!r}."
        )
    if not parents:
        if backward is not None:
            raise OperandError(
                f"{kind.__name__}: came a backward function without parents. Give the nodes that "
                "the data was computed from, as the second argument."
            )
        return
    name = name or "closure"
    rule = _missing(name) if backward is None else _returned(name, backward, len(parents))
    attach(node, OneOff(name, rule), parents)


def record_lecture(node: Node, closure: Callable[[], Any]) -> None:
    """Let the derivative of `node` be a closure that adds to its parents' `grad`.

    So karpathy's lecture adds an operation: `closure` reads the gradient of the
    node it made, and adds to that of each parent what is its due.
    """
    if not callable(closure):
        raise OperandError(f"_backward: expected a function, but came {closure!r}.")
    if node.op is None:
        if not node.requires_grad:  # as under no_grad: there is nothing to pass on
            return
        raise GradientError(
            "_backward: this Value has no parents to pass a gradient on to. Make it with them: "
            "Value(data, (a, b), 'name')."
        )
    name = node.op.name
    # The closure refers to the node, and the node to the operation.
    node.op = OneOff(name, _added(name, closure, weakref.ref(node)), node.op.symbol)


def _once(name: str, g: Any) -> None:
    if isinstance(g, Node):
        raise GradientError(
            f"{name}: its derivative is a closure, which is differentiated once only. Make it an "
            "operation with define_op to have derivatives of every order."
        )


def _missing(name: str) -> Callable[..., NoReturn]:
    def rule(*args: Any) -> NoReturn:
        raise GradientError(
            f"{name}: was made with parents but without a derivative. Give backward=, or set "
            "_backward, or use define_op."
        )

    return rule


def _returned(name: str, backward: Callable[[Any], Any], n: int) -> Callable[..., Any]:
    def rule(i: int, g: Any, *args: Any) -> Any:
        _once(name, g)
        came: Any = backward(g)
        several: tuple[Any, ...] = came if came.__class__ is tuple else (came,)
        if len(several) != n:
            raise GradientError(
                f"{name}: its backward gave {len(several)} gradients for {n} parents. Return a "
                "tuple with one for each."
            )
        return several[i]

    return rule


def _added(name: str, closure: Callable[[], Any], made: weakref.ref[Node]) -> Callable[..., Any]:
    def rule(i: int, g: Any, *args: Any) -> Any:
        _once(name, g)
        node = made()
        parents = node.parents if node is not None else ()
        if node is None or parents[i] in parents[:i]:
            return 0  # the first of two that are the same gets it all
        kept = [(n, n._grad) for n in (node, *dict.fromkeys(parents))]
        try:
            for parent in parents:
                parent._grad = None
            node._grad = g
            closure()
            return 0 if parents[i]._grad is None else parents[i]._grad
        finally:
            for n, grad in kept:
                n._grad = grad

    return rule
