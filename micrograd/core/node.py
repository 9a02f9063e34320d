"""The record that an operation leaves behind, and how to walk a graph of them.

A graph needs no container: each node knows its parents, and that is the graph.
"""

from __future__ import annotations

from typing import Any, ClassVar

from micrograd.core.versions import versions

__all__ = ["Node", "topological_order"]


NO_SETTINGS: dict[str, Any] = {}
"""What nodes that were made without settings share."""

CLOSED: Any = False
"""The seal of a leaf that records may need, and whose data nobody outside can write to."""


class Node:
    """One value in a graph: its data, its gradient and where it came from.

    `Value` and `Tensor` are the two kinds; this class holds what they share.

    Attributes:
        data: the number or array; assigning to it makes the records that used
            the old data refuse a later `backward()`.
        grad: the gradient that the last `backward()` left here.
        parents: the arguments of the operation, in order; one that was used
            twice stands twice. A leaf has none.
        op: the operation that made this node; None for a leaf.
        settings: the operation's settings, such as `axis`.
        requires_grad: whether a gradient is wanted for, or through, this node.
        label: the name that diagrams and messages show; None for none.
    """

    # The parents stand in two slots and not in a tuple: the cyclic garbage
    # collector visits every object that holds others, and a tuple per node
    # would double its work, which is a large share of a scalar step. `_rest`
    # is None for one parent, the second of two, or the tuple of all if more.
    #
    # Two are filled on demand only: `_origin`, where the node was made, under
    # `debug()`, and `_scope` in a `scope`.
    #
    # `_seal` belongs to the kind of node: what is known of its data if somebody
    # outside can write to it, or of what the rules of a user's operation read.
    #
    # `_data` stands behind a property: the engine reads it at full speed, a
    # user writes through `data`, and the write is noticed.
    __slots__ = (
        *("_data", "_first", "_grad", "_origin", "_rest", "_scope", "_seal", "_version"),
        *("__weakref__", "label", "op", "requires_grad", "settings"),
    )

    _kind: ClassVar[type[Node]]  # the class of what is computed from such nodes
    _is_number: ClassVar[bool]  # whether the data are Python numbers

    _data: Any
    _grad: Any
    _first: Any
    _rest: Any
    _version: int
    _origin: Any
    _scope: Any
    _seal: Any
    op: Any
    settings: dict[str, Any]
    requires_grad: bool
    label: str | None

    def _set_leaf(self, data: Any, requires_grad: bool, label: Any, seal: Any = None) -> None:
        """Fill the slots of a node that no operation made."""
        self._version = versions.now
        self._data = data
        self._seal = seal
        self._grad = None
        self._first = None
        self._rest = None
        self.op = None
        self.settings = NO_SETTINGS
        self.requires_grad = requires_grad
        self.label = label

    # What differs between the kinds of node, each of which has its own:

    @classmethod
    def _adopt(cls, op: Any, data: Any, first: Any, rest: Any) -> Any:
        """Return what the operation `op` on `first` and `rest` gave as data of this kind."""

    @classmethod
    def _recover(cls, op: Any, error: Exception, settings: Any, first: Any, rest: Any) -> Any:
        """Return the data that `op` gives although Python or NumPy raised `error`."""

    def _lift(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Return `args` as nodes of this kind; numbers and arrays become constants."""

    def _fit(self, contribution: Any, node: Node) -> Any:
        """Return what `node` contributes to the gradient of this one in its shape and dtype."""

    def _overwrite(self, data: Any) -> None:
        """Replace the data, so that no record that used the old data holds."""

    def _secure(self) -> None:
        """Let a leaf's data be such that a write to them is noticed: a record needs them."""

    def _version_now(self) -> int:
        """Return the version, also of a leaf that somebody may write to while records need it.

        The `_version` of such a leaf is later than that of any record, so that each pass looks.
        """
        return self._version

    def _is_written(self, version: int) -> bool:
        """Tell whether the data are no longer those that they were at `version`."""
        return self._version != version

    @property
    def parents(self) -> tuple[Node, ...]:
        return all_of(self._first, self._rest)

    @property
    def is_leaf(self) -> bool:
        """Whether no operation made this node."""
        return self.op is None

    @property
    def scope(self) -> Any:
        """The innermost `scope` that this node was recorded in."""
        return getattr(self, "_scope", None)

    @property
    def has_grad(self) -> bool:
        """Whether a gradient has been computed, or set; zero is one."""
        return self._grad is not None

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next `backward()` starts anew.

        >>> from micrograd import Value
        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.zero_grad()
        >>> x.grad
        0
        """
        self._grad = None


def all_of(first: Any, rest: Any) -> tuple[Node, ...]:
    """Return the parents that stand in the two slots."""
    if rest is None:
        return () if first is None else (first,)
    return rest if rest.__class__ is tuple else (first, rest)


def topological_order(*roots: Node) -> list[Node]:
    """Return every node that `roots` depend on, parents before children.

    The walk keeps a stack of its own, so that depth is bounded by memory only,
    and visits parents in the order of their arguments, so that it always comes
    out the same.

    Args:
        roots: the nodes to start from; they are part of the result.

    >>> from micrograd import Value
    >>> x = Value(2.0)
    >>> [node.data for node in topological_order((x + 1) * x)]
    [2.0, 1, 3.0, 6.0]
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Any] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # everything that the node below it needs is in order
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None)
            stack += [parent for parent in reversed(node.parents) if parent not in seen]
    return order
