"""State outside of nodes that a program reads and writes: that of an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol


class Cell(NamedTuple):
    """A number or an array of a state.

    Attributes:
        owner: of which it is a part.
        name: what to call it.
        read: gives what it is now.
        write: makes it another; an array is written into the one that is there.
    """

    owner: Any
    name: str
    read: Callable[[], Any]
    write: Callable[[Any], None]

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class State(Protocol):
    """What owns cells, and says for which case a program that uses them is right."""

    def ready(self) -> Hashable:
        """Bring the cells up to date, and return what has to be as it was when it was recorded."""
        ...

    def kept(self) -> Any:
        """Return a copy of all, for `restore`."""
        ...

    def restore(self, kept: Any) -> None:
        """Go back to what `kept` gave."""
        ...
