"""How a call of an operation is recorded: the hot path of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from micrograd.core.node import NO_SETTINGS, Node, recording
from micrograd.core.user_rules import owned_copy
from micrograd.core.versions import versions
from micrograd.seals import CLOSED, heed

N = TypeVar("N", bound=Node)

new_node: Any = object.__new__
is_recording = recording.get


def record(op: Any, first: N, rest: Any, settings: dict[str, Any]) -> N:
    """Compute `op` for nodes of one kind and return the node that remembers it.

    This is the hot path of every operation: it is written out, not factored.

    Args:
        op: the operation.
        first: its first argument.
        rest: None if that is the only one, the second of two, or the tuple of all.
        settings: its settings.
    """
    kind = first._kind
    number = kind._is_number
    several: Any = ()
    if rest is None:
        mode = first.requires_grad and is_recording()
    elif rest.__class__ is not tuple:
        mode = (first.requires_grad or rest.requires_grad) and is_recording()
    else:
        several = rest
        mode = any([parent.requires_grad for parent in several]) and is_recording()
    if mode and not number:
        if first.op is None and first._seal is not CLOSED:
            heed(first)
        if rest is not None and not several and rest.op is None and rest._seal is not CLOSED:
            heed(rest)
        for parent in several:
            if parent.op is None and parent._seal is not CLOSED:
                heed(parent)
    version = versions.now  # read before the data, so that a write in between shows
    function = op.scalar if number else op.forward
    try:
        if rest is None:
            data = function(first._data, **settings) if settings else function(first._data)
        elif several:
            data = function(*[parent._data for parent in several], **settings)
        elif settings:
            data = function(first._data, rest._data, **settings)
        else:
            data = function(first._data, rest._data)
    except (ArithmeticError, ValueError, TypeError, IndexError) as error:
        data = kind._recover(op, _parents(first, rest), settings, error)
    if not number or data.__class__ is not float:
        data = kind._adopt(op, data, first, rest)
    node = new_node(kind)
    node._data = data
    node._grad = None
    node._version = version
    node.label = None
    node.settings = settings
    if mode and (number or data.dtype.kind == "f"):
        node._first = first
        node._rest = rest
        node.op = op
        node.requires_grad = True
        if mode is not True:
            mode.on_record(node)
    else:
        if not number:
            node._data = owned_copy(data)  # nothing would tell of a write to what it is a view of
        node._seal = None
        node._first = None
        node._rest = None
        node.op = None
        node.requires_grad = False
    return node


def operator_of(op: Any) -> Callable[[Any, Any], Any]:
    """Return the function that records `op` for a node and another operand: an operator's method.

    It does what `record` does for two arguments and no settings, written out:
    that saves a fifth of the time of every operator.
    """
    scalar, forward = op.scalar, op.forward

    def operator(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            other = self._constant(other, op)
        version = versions.now  # read before the data, so that a write in between shows
        kind = self._kind
        number = kind._is_number
        mode = (self.requires_grad or other.requires_grad) and is_recording()
        if mode and not number:
            if self.op is None and self._seal is not CLOSED:
                heed(self)
            if other.op is None and other._seal is not CLOSED:
                heed(other)
        version = versions.now  # read before the data, so that a write in between shows
        try:
            data = scalar(self._data, other._data) if number else forward(self._data, other._data)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            data = kind._recover(op, (self, other), NO_SETTINGS, error)
        if not number or data.__class__ is not float:
            data = kind._adopt(op, data, self, other)
        node = new_node(kind)
        node._data = data
        node._grad = None
        node._version = version
        node.label = None
        node.settings = NO_SETTINGS
        if mode and (number or data.dtype.kind == "f"):
            node._first = self
            node._rest = other
            node.op = op
            node.requires_grad = True
            if mode is not True:
                mode.on_record(node)
        else:
            node._seal = None
            node._first = None
            node._rest = None
            node.op = None
            node.requires_grad = False
        return node

    return operator


def attach(node: Node, op: Any, parents: tuple[Node, ...]) -> None:
    """Let `node`, a leaf, be what `op` made of `parents`; a constant if they are constants."""
    mode = is_recording()
    node.requires_grad = bool(mode) and any([parent.requires_grad for parent in parents])
    if node.requires_grad:
        for parent in parents:
            if parent.op is None and not parent._is_number:
                heed(parent)
        put_record(node, op, parents)
        if mode is not True:
            mode.on_record(node)


def put_record(node: Node, op: Any, parents: tuple[Node, ...]) -> None:
    """Put into `node` that `op`, which has one rule for all arguments, made it of `parents`."""
    node._first = parents[0]
    node._rest = parents if len(parents) > 1 else None  # a pair, too, is asked for together
    node.op = op
    node._seal = op.captures.taken(node)


def _parents(first: Node, rest: Any) -> tuple[Node, ...]:
    if rest.__class__ is tuple:
        return rest
    return (first,) if rest is None else (first, rest)


_EXACT_INTEGERS = 2**53


def to_number(x: Any) -> float:
    """Return a real number as a Python float, or int where that is exact.

    Integers stay integers while a float would hold them exactly; past that they
    become floats, so that their arithmetic overflows to inf as IEEE-754 has it.
    """
    if isinstance(x, int) or np.asarray(x).dtype.kind in "biu":
        return int(x) if -_EXACT_INTEGERS <= x <= _EXACT_INTEGERS else _to_float(x)
    return _to_float(x)


def _to_float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")
