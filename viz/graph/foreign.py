"""Nodes of other engines in a picture: what stands for them.

What counts is karpathy/micrograd's interface: a node has `data` and `grad`, `_prev` are the
nodes it was computed from, and `_op` is the name of the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, TypeVar

from micrograd import Node, Op
from viz.graph.expand import StandIn
from viz.text.names import is_foreign

T = TypeVar("T")


def adopted(things: T) -> T:
    """Return nodes, one or several or by name, with a node of ours for each of another engine.

    What is no node is returned as it is.

    >>> from micrograd import plain
    >>> x = plain.Value(2.0, label="x")
    >>> y, names = adopted((x * 3, {"apple": x}))
    >>> y.op.name, y.data, [parent.data for parent in y.parents]
    ('*', 6.0, [2.0, 3.0])
    >>> names["apple"] is y.parents[0]
    True
    """
    return _Adoption().of(things)


class ForeignNode(StandIn):
    """A node that stands for one of another engine."""

    __slots__ = ()


class _Adoption:
    """What stands for the nodes of other engines so far."""

    def __init__(self) -> None:
        self._stands: dict[int, Node] = {}  # by id: what has == may have no hash
        self._ops: dict[str, Op] = {}

    def of(self, things: Any) -> Any:
        """Return nodes, one or several or by name, with what stands for them."""
        if isinstance(things, Mapping):
            return {name: self.of(thing) for name, thing in things.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(things, list | tuple):
            return type(things)(map(self.of, things))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return self._stand_for(things) if is_foreign(things) else things

    def _stand_for(self, root: Any) -> Node:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [parent for parent in node._prev if id(parent) not in self._stands]
            if missing:
                stack += missing
            elif id(stack.pop()) not in self._stands:
                self._stands[id(node)] = self._stand(node)
        return self._stands[id(root)]

    def _stand(self, node: Any) -> Node:
        parents = tuple(self._stands[id(parent)] for parent in node._prev)
        requires_grad = getattr(node, "requires_grad", True)
        shown = SimpleNamespace(
            data=node.data,
            grad=node.grad,
            has_grad=requires_grad and node.grad is not None,
            requires_grad=requires_grad,
            label=getattr(node, "label", None),
            op=self._op(str(node._op or "closure")) if parents else None,
            settings={},
        )
        return ForeignNode(shown, shown, parents, None)

    def _op(self, name: str) -> Op:
        """Return an operation that has a name and nothing else."""
        if name not in self._ops:
            self._ops[name] = Op(name, float, (None,))
        return self._ops[name]
