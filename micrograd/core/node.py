"""The record that an operation leaves behind, and how to walk a graph of them.

A graph needs no container: each node knows its parents, and that is the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar, overload

import numpy as np

from micrograd.core.copying import Copied
from micrograd.core.versions import versions
from micrograd.modes import Mode, Values
from micrograd.seals import CLOSED, overwrite, time_for_copy

F = TypeVar("F", bound=Callable[..., Any])

# True, False, or a listener that is told of each node as it is recorded.
recording: ContextVar[Any] = ContextVar("recording", default=True)
listening: ContextVar[Any] = ContextVar("listening", default=None)
scoping: ContextVar[Any] = ContextVar("scoping", default=None)


NO_SETTINGS: dict[str, Any] = {}
"""What nodes that were made without settings share."""


def mode_when_on() -> Any:
    """Return what `recording` is here unless it is off: what wants to be told, or True."""
    return listening.get() or scoping.get() or True


@overload
def no_grad() -> Mode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Record nothing inside the block; what is computed there is a constant.

    The setting belongs to the current thread or asyncio task, and nests. As a
    decorator, with parentheses or without, it switches recording off while the
    function runs; a generator function or an `async def`, too, only while it
    runs, and not while it waits at a `yield` or an `await`.

    A generator that yields inside `with no_grad():` leaves recording switched
    off for whoever iterates it: decorate it instead.

    Args:
        function: the function to decorate; a `with` block needs none.

    Raises:
        ModeError: at the end of the block, where it is not left in the order and in
            the thread or task in which it was entered.
        OperandError: if what is decorated is no function.

    >>> from micrograd import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    >>> @no_grad
    ... def squares():
    ...     yield x * x
    >>> [(y.requires_grad, (y + x).requires_grad) for y in squares()]
    [(False, True)]
    """
    mode = Mode("no_grad", _off)
    return mode if function is None else mode(function)


@overload
def enable_grad() -> Mode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Record again inside a block that stands in `no_grad`.

    It is a decorator as `no_grad` is, with the same argument and errors.

    >>> from micrograd import Value, enable_grad, no_grad
    >>> with no_grad(), enable_grad():
    ...     y = Value(3.0) * 2
    >>> y.requires_grad
    True
    """
    mode = Mode("enable_grad", _on)
    return mode if function is None else mode(function)


def _off() -> Values:
    return ((recording, False),)


def _on() -> Values:
    return ((recording, mode_when_on()),)


def is_grad_enabled() -> bool:
    """Tell whether operations are being recorded here.

    >>> is_grad_enabled()
    True
    """
    return bool(recording.get())


class Node(Copied):
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
    # `_seal` is None, `CLOSED` or a `Seal` of a leaf, and `Captured` of what a
    # user's operation made.
    #
    # `_data` stands behind a property: the engine reads it at full speed, a
    # user writes through `data`, and the write is noticed.
    __slots__ = (
        "__weakref__",
        "_data",
        "_first",
        "_grad",
        "_origin",
        "_rest",
        "_scope",
        "_seal",
        "_version",
        "label",
        "op",
        "requires_grad",
        "settings",
    )

    _copied = ("_version", "_data", "_first", "_grad", "_rest", "label", "op", "settings")
    _copied += ("requires_grad", "_scope", "_seal")

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

    def _set_leaf(
        self, data: Any, requires_grad: bool, label: str | None, seal: Any = None
    ) -> None:
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

    def _become(self, other: Node) -> None:
        """Take over the record of another node, so that this is what was computed."""
        self._fill(other._fields(), None)
        for slot in ("_origin", "_scope"):
            if hasattr(other, slot):
                setattr(self, slot, getattr(other, slot))

    def _overwrite(self, data: Any) -> None:
        """Replace the data, so that no record that used the old data holds."""
        overwrite(self, data)

    def _fields(self) -> tuple[Any, ...]:
        _, *fields, seal = super()._fields()
        return (time_for_copy(self), *fields, CLOSED if self.op is None else seal)

    @classmethod
    def _adopt(cls, op: Any, data: Any, first: Any, rest: Any) -> Any:
        """Return what the operation `op` on `first` and `rest` gave as data of this kind."""
        raise NotImplementedError

    @classmethod
    def _recover(
        cls, op: Any, parents: tuple[Node, ...], settings: dict[str, Any], error: Exception
    ) -> Any:
        """Return the data that `op` gives although Python or NumPy raised `error`."""
        raise NotImplementedError

    def _lift(self, op: Any, args: tuple[Any, ...]) -> tuple[Node, ...]:
        """Return `args` as nodes of this kind; numbers and arrays become constants."""
        raise NotImplementedError

    @property
    def parents(self) -> tuple[Node, ...]:
        rest = self._rest
        if rest is None:
            return () if self._first is None else (self._first,)
        return rest if rest.__class__ is tuple else (self._first, rest)

    @property
    def params(self) -> dict[str, Any]:
        """The settings, under the name that they had before."""
        return self.settings

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

    def _linked(self) -> Iterator[Node]:
        yield from self.parents
        if isinstance(self._grad, Node):
            yield self._grad

    @property
    def _prev(self) -> set[Node]:
        """The parents as karpathy/micrograd has them: a set."""
        return set(self.parents)

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


def describe(node: Node) -> str:
    """Return what to call a node in a message: kind, label, shape and operation.

    Under `debug()`, it says where the node was made, too.

    >>> from micrograd import Value
    >>> describe(Value(2.0, label="x") * 3)
    'Value made by multiply'
    """
    words = [type(node).__name__]
    if node.label is not None:
        words.append(repr(node.label))
    if np.ndim(node._data):
        words.append(f"of shape {np.shape(node._data)}")
    if node.op is not None:
        words.append(f"made by {node.op.name}")
    origin = getattr(node, "_origin", None)
    if origin is not None:
        words.append(f"at {origin.place}")
    return " ".join(words)


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
