"""Named parts of a computation, which diagrams draw as boxes."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from micrograd.core.modes import listening, recording, scoping
from micrograd.core.node import Node
from micrograd.engine.modes import Block, innermost
from micrograd.errors import ArgumentError

__all__ = ["Scope", "scope"]


class Scope(Block):
    """A block whose nodes belong together, entered once; made by `scope`.

    Attributes:
        name: what a diagram calls it.
        parent: the scope around it; None for none.

    >>> with Scope("model") as model, Scope("layer0") as layer:
    ...     pass
    >>> layer.parent is model, layer.path
    (True, ('model', 'layer0'))
    """

    __slots__ = ("parent",)

    parent: Scope | None
    _closed = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self._before = self._outer = self.parent = None

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the scopes from the outermost to this one."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names.append(scope.name)
            scope = scope.parent
        return tuple(reversed(names))

    def on_record(self, node: Node) -> None:
        """Remember that `node` was recorded here."""
        node._scope = self

    def __enter__(self) -> Self:  # what Block does, written out: each call of a module is here
        if self._before is not None:
            self._refuse()
        self.parent, on = scoping.get(), recording.get()
        self._outer = innermost.get()
        self._before = (scoping, self.parent), (recording, on)
        scoping.set(self)
        if on:
            recording.set(listening.get() or self)
        innermost.set(self)
        return self

    def _refuse(self) -> NoReturn:
        raise ArgumentError(
            f"scope: {self.name!r} was entered before. Make a new one for each block."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _left, (self.name, self.parent)

    def __repr__(self) -> str:
        return f"<scope {'/'.join(self.path)}>"


def _left(name: str, parent: Scope | None) -> Scope:
    """Return a scope as it is after its block."""
    scope = Scope(name)
    scope.parent, scope._before = parent, ()
    return scope


def scope(name: str) -> Scope:
    """Group what is recorded in a `with` block under a name.

    A diagram draws a box around the group, or folds it into one node. Scopes
    nest; each block is a group of its own, also where two have the same name.

    Args:
        name: what to call the group.

    Raises:
        ArgumentError: if `name` is empty.

    >>> from micrograd import Value, scope
    >>> x = Value(2.0)
    >>> with scope("model"), scope("square"):
    ...     y = x * x
    >>> y.scope
    <scope model/square>
    >>> x.scope is None
    True
    """
    if not name or not isinstance(name, str):
        raise ArgumentError(f"scope: expected a name, but came {name!r}.")
    return Scope(name)
