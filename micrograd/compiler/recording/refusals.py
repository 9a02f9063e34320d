"""Whose frame asks a symbol for what it has not: the user's, or one of this library.

This library catches some refusals on purpose, and goes another way. A user's own `except` would
make what it does then the program, for all numbers, so that theirs are kept, and raised again.
"""

from __future__ import annotations

import dis
import sys
from types import FrameType
from typing import Any

__all__ = [
    "STORED",
    "STORING",
    "asking",
    "is_caught",
    "is_stored_at",
    "is_users",
    "module_of",
    "user_line",
]

STORING = "setitem of an array of numbers"
STORED = "make the array with np.zeros_like(x, shape=...), with np.stack or with np.where"
"""What NumPy asks for an element for, and what to do instead."""

_CATCHING = "micrograd.engine.conversion"
"""The module that has another way for lists of symbols."""

_CALLING = "micrograd.core."
"""The modules that call functions of operations on numbers, and have another way, too."""


def module_of(frame: Any) -> str:
    """Return the name of the module whose code a frame runs."""
    return str(frame.f_globals.get("__name__", ""))


def user_line() -> str:
    """Return where the user's code is now: file and line, of the innermost frame of theirs."""
    frame: Any = sys._getframe(1)
    while frame is not None and module_of(frame).partition(".")[0] in ("micrograd", "numpy"):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}"


def asking() -> Any:
    """Return the innermost frame that is not of the symbols themselves; None for none."""
    frame: Any = sys._getframe(1)
    while frame is not None and module_of(frame).startswith("micrograd.compiler."):
        frame = frame.f_back
    return frame


def is_caught(frame: Any) -> bool:
    """Tell whether this library, and not a user, catches what is refused to a frame."""
    if frame is None or frame.f_back is None:
        return False
    return module_of(frame) == _CATCHING or module_of(frame.f_back).startswith(_CALLING)


def is_users(frame: Any) -> bool:
    """Tell whether a frame is of none of this library's and NumPy's functions."""
    return frame is not None and module_of(frame).partition(".")[0] not in ("micrograd", "numpy")


def is_stored_at(frame: FrameType | None) -> bool:
    """Tell whether a frame is just setting an element, as in `a[0] = x`."""
    if frame is None:
        return False
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("STORE_S")
