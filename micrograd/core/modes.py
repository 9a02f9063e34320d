"""Whether operations are recorded, and who is told of each node as it is."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

__all__ = ["is_grad_enabled"]


class Listener(Protocol):
    """Who wants to be told of each node as it is recorded."""

    def on_record(self, node: Any) -> None:
        """Take note of `node`, which was recorded just now."""


recording: ContextVar[Listener | bool] = ContextVar("recording", default=True)
"""False, True, or the listener that is told of each node."""

listening: ContextVar[Listener | None] = ContextVar("listening", default=None)
"""The listener of the innermost `debug()`, also where recording is off."""

scoping: ContextVar[Any] = ContextVar("scoping", default=None)
"""The innermost `scope`, also where recording is off."""


def mode_when_on() -> Listener | bool:
    """Return what `recording` is here unless it is off."""
    return listening.get() or scoping.get() or True


def is_grad_enabled() -> bool:
    """Tell whether operations are being recorded here.

    >>> is_grad_enabled()
    True
    """
    return bool(recording.get())
