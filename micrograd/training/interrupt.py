"""Ctrl-C that waits for the end of a step."""

from __future__ import annotations

import signal
import threading
from typing import Any, Self


class Interrupt:
    """A block in which the first Ctrl-C is noted and the second raises.

    A handler other than Python's own stays in place, as do those of programs
    that ignore the signal; and only the main thread can have one.

    Attributes:
        came: whether Ctrl-C came.

    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupt.came
    True
    """

    def __init__(self) -> None:
        self.came = False
        self._installed = False

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def __exit__(self, *exception: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, signum: int, frame: Any) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
