"""The count of versions, by which a record knows that what it used was overwritten."""

from __future__ import annotations

import os
from threading import Lock
from time import time_ns


class VersionCounter:
    """A count that advances whenever data is overwritten, or a function is traced.

    Each node carries the version at which it was computed or last written. An edge
    holds while the parent's version is not later than the child's. That of a write
    is odd, so that a leaf which was written to can be told from a new one.

    >>> versions = VersionCounter()
    >>> before = versions.now
    >>> written = versions.write()
    >>> before < written < versions.now, written % 2
    (True, 1)
    """

    __slots__ = ("_lock", "now")

    def __init__(self) -> None:
        # A graph that was pickled elsewhere is older than a write here.
        self.now = time_ns() // 2 * 2
        self._lock = Lock()

    def renew_lock(self) -> None:
        """Take a new lock: in a forked child, no thread is there to release the old one."""
        self._lock = Lock()

    def advance(self) -> int:
        """Return a version later than that of every node there is."""
        with self._lock:
            self.now += 2
            return self.now

    def write(self) -> int:
        """Return a version later than that of every node there is, for one that is written to."""
        with self._lock:
            self.now += 2
            return self.now - 1

    def reach(self, version: int) -> None:
        """Let it be at least `version`, that of a node which came from elsewhere."""
        with self._lock:
            self.now = max(self.now, version + version % 2)


versions = VersionCounter()

if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=versions.renew_lock)
