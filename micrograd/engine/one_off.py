"""Operations of a single node, whose derivative is a closure: for experiments, and checkpoints."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from micrograd.common.captures import Captures
from micrograd.core.node import Node
from micrograd.core.op import Op, Together
from micrograd.core.passes import set_gradients
from micrograd.core.record import is_recording
from micrograd.core.user_rules import explain, lent
from micrograd.engine.stored_ops import refuse_to_travel
from micrograd.errors import GradientError, OperandError


class OneOff(Op):
    """The operation of a single node, which knows the arguments and not how to compute anew.

    Its rule is called as `rule(g, y, mask)`, once in a backward pass, and gives
    the gradients of all arguments; `mask` tells which elements of `y` a `where`
    did not cut off, True for all.
    """

    def __init__(
        self,
        name: str,
        rule: Callable[..., Any],
        symbol: Any = None,
        captures: Captures | None = None,
    ) -> None:
        def together(g: Any, y: Any, *args: Any) -> Callable[[int], Any]:
            return rule(g, y, True).__getitem__

        super().__init__(name, partial(_compute_another, name), Together(together))
        self.symbol = symbol or name
        self.foreign = self.special = True
        self.captures = captures or Captures(())
        self._rule = rule

    def guard(self) -> None:
        self.trust()

    def gradients_of(self, mask: Any, g: Any, known: Any, settings: dict[str, Any]) -> Any:
        return self._rule(g, known[0], mask).__getitem__

    def __reduce__(self) -> NoReturn:
        raise refuse_to_travel(self, "pickle")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise refuse_to_travel(self, "deepcopy")


def _compute_another(name: str, *args: Any, **settings: Any) -> NoReturn:
    raise OperandError(f"{name}: was made for one node, and cannot compute another. Use define_op.")


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
    if not kind._is_number and node._data.dtype.kind != "f":
        raise OperandError(
            f"{kind.__name__}: came parents, but dtype {node._data.dtype} has no gradient to pass "
            "on to them. Give floats, or dtype=float."
        )
    if node.requires_grad:
        name = name or "closure"
        rule = _missing(name) if backward is None else _returned(name, backward, len(parents))
        captures = Captures(() if backward is None else (backward,))
        attach(node, OneOff(name, rule, captures=captures), parents)


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
    name, parents = node.op.name, node.parents
    # The closure refers to the node, and the node to the operation.
    rule = _added(name, closure, parents, weakref.ref(node))
    put_record(node, OneOff(name, rule, node.op.symbol, Captures((closure,))), parents)


def attach(node: Node, op: Any, parents: tuple[Node, ...]) -> None:
    """Let `node`, a leaf, be what `op` made of `parents`; a constant if they are constants."""
    mode = is_recording()
    node.requires_grad = bool(mode) and any([parent.requires_grad for parent in parents])
    if mode and node.requires_grad:
        for parent in parents:
            if parent.op is None:
                parent._secure()
        put_record(node, op, parents)
        if mode is not True:
            mode.on_record(node)


def put_record(node: Node, op: Any, parents: tuple[Node, ...]) -> None:
    """Put into `node` that `op`, which has one rule for all arguments, made it of `parents`."""
    node._first = parents[0]
    node._rest = parents if len(parents) > 1 else None  # a pair, too, is asked for together
    node.op = op
    node._seal = op.captures.taken(node)


def _once(name: str, g: Any) -> None:
    if isinstance(g, Node):
        raise GradientError(
            f"{name}: its derivative is a closure, which is differentiated once only. Make it an "
            "operation with define_op to have derivatives of every order."
        )


def _missing(name: str) -> Callable[..., NoReturn]:
    def rule(g: Any, y: Any, mask: Any) -> NoReturn:
        raise GradientError(
            f"{name}: was made with parents but without a derivative. Give backward=, or set "
            "_backward, or use define_op."
        )

    return rule


def _returned(name: str, backward: Callable[[Any], Any], n: int) -> Callable[..., Any]:
    def rule(g: Any, y: Any, mask: Any) -> list[Any]:
        _once(name, g)
        try:
            came: Any = backward(lent(g))
        except ValueError as error:
            explain(name, "backward", error)
        several: tuple[Any, ...] = came if came.__class__ is tuple else (came,)
        if len(several) != n:
            raise GradientError(
                f"{name}: its backward gave {len(several)} gradients for {n} parents. Return a "
                "tuple with one for each."
            )
        return [_plain(gradient) for gradient in several]

    return rule


def _added(
    name: str, closure: Callable[[], Any], parents: tuple[Node, ...], made: weakref.ref[Node]
) -> Callable[..., Any]:
    def rule(g: Any, y: Any, mask: Any) -> list[Any]:
        _once(name, g)
        node = made()  # None for a copy of a node that is gone, which the closure does not use
        nodes = list(dict.fromkeys(parents if node is None else (*parents, node)))
        kept = [n._grad for n in nodes]
        try:
            set_gradients(nodes, [g if n is node else None for n in nodes])
            closure()
            added: dict[Node, Any] = {parent: parent._grad for parent in parents}
            set_gradients(nodes, kept)
        except BaseException:
            set_gradients(nodes, kept)
            raise
        # The first of two that are the same gets it all.
        return [_plain(added.pop(parent, None)) or 0 for parent in parents]

    return rule


def _plain(gradient: Any) -> Any:
    """Return a gradient without the graph that a closure may have computed it with.

    An array is copied, since the closure may keep it, and write to it.
    """
    data: Any = gradient._data if isinstance(gradient, Node) else gradient
    return data.copy() if data.__class__ is np.ndarray else data
