"""What becomes of the memory that a graph frees.

A graph frees its arrays at one stroke, and the next step asks for as many
again. The C library of Linux (glibc) gives such memory back to the system,
which has to clear it page by page before it gives it anew: that takes as long
as the computation. So it is told to keep some.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h names and numbers them
_KEPT = 2**29
_LARGEST = 2**25  # of a block that can be kept: more, glibc does not take


def keep_freed_memory() -> bool:
    """Let the C library keep up to 512 MB of freed memory, in blocks of up to 32 MB.

    Nothing happens where the environment variables of glibc say how much to
    keep (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`), or where there is
    another C library.

    Returns:
        Whether it was told.

    >>> keep_freed_memory() in (True, False)
    True
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; on Windows, not even a library
        return False
    return bool(tell(_MMAP_THRESHOLD, _LARGEST) and tell(_TRIM_THRESHOLD, _KEPT))
