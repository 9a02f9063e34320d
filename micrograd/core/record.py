"""How a call of an operation is recorded: the hot path of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd.core.modes import recording
from micrograd.core.node import CLOSED, NO_SETTINGS, Node
from micrograd.core.user_rules import owned_copy
from micrograd.core.versions import versions

new_node: Any = object.__new__
is_recording = recording.get


def record(op: Any, first: Node, rest: Any, settings: dict[str, Any]) -> Any:
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
            first._secure()
        if rest is not None and not several and rest.op is None and rest._seal is not CLOSED:
            rest._secure()
        for parent in several:
            if parent.op is None and parent._seal is not CLOSED:
                parent._secure()
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
        data = kind._recover(op, error, settings, first, rest)
    if not number or data.__class__ is not float:
        data = kind._adopt(op, data, first, rest)
    if not mode or not (number or data.dtype.kind == "f"):
        return constant(kind, data if number else owned_copy(data))
    node = new_node(kind)
    node._data = data
    node._grad = None
    node._version = version
    node.label = None
    node.settings = settings
    node._first = first
    node._rest = rest
    node.op = op
    node.requires_grad = True
    if mode is not True:
        mode.on_record(node)
    return node


def constant(kind: Any, data: Any) -> Any:
    """Return a node that no operation made, and that requires no gradient."""
    node = new_node(kind)
    node._set_leaf(data, False, None)
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
        kind = self._kind
        number = kind._is_number
        mode = (self.requires_grad or other.requires_grad) and is_recording()
        if mode and not number:
            if self.op is None and self._seal is not CLOSED:
                self._secure()
            if other.op is None and other._seal is not CLOSED:
                other._secure()
        version = versions.now  # read before the data, so that a write in between shows
        try:
            data = scalar(self._data, other._data) if number else forward(self._data, other._data)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            data = kind._recover(op, error, NO_SETTINGS, self, other)
        if not number or data.__class__ is not float:
            data = kind._adopt(op, data, self, other)
        if not mode or not (number or data.dtype.kind == "f"):
            return constant(kind, data)
        node = new_node(kind)
        node._data = data
        node._grad = None
        node._version = version
        node.label = None
        node.settings = NO_SETTINGS
        node._first = self
        node._rest = other
        node.op = op
        node.requires_grad = True
        if mode is not True:
            mode.on_record(node)
        return node

    return operator
