"""What becomes of the memory that a graph frees.

A graph frees its arrays at one stroke, and the next step asks for as many
again. The C library of Linux (glibc) gives such memory back to the system,
which has to clear it page by page before it gives it anew: that may take as
long as the computation. It can be told to keep some.
"""

from __future__ import annotations

import ctypes
import os

from micrograd.errors import ArgumentError, whole

KEPT = 2**29  # bytes
LARGEST = 2**25  # of a block that can be kept: more, glibc does not take

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h names and numbers them
_AT_FIRST = 2**17  # both thresholds of glibc, before it adapts them
_VARIABLES = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"
_TUNABLES = "glibc.malloc.trim_threshold", "glibc.malloc.mmap_threshold"


def keep_freed_memory(most: int = KEPT) -> bool:
    """Let the C library keep freed memory for the next step, in blocks of up to 32 MB.

    It holds for the whole process, whatever allocates there, until it is said
    anew: `keep_freed_memory(2**17)` keeps as little as glibc does at first.

    Only glibc, the C library of most Linux systems, can be told. Elsewhere
    nothing happens, and neither where the environment says how much to keep
    (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`, or the same in
    `GLIBC_TUNABLES`).

    Args:
        most: how many bytes to keep at most; 512 MB when left out.

    Returns:
        Whether it was told.

    Raises:
        OperandError: if `most` is no whole number.
        ArgumentError: if it is below 0, or 2 GB or more.

    >>> keep_freed_memory() in (True, False)
    True
    """
    most = whole("keep_freed_memory", "most", most, least=0)
    if most >= 2**31:
        raise ArgumentError(
            f"keep_freed_memory: most is {most:,} bytes, but glibc takes less than 2 GB. "
            f"Give {2**31 - 1:,} or fewer."
        )
    if _is_said_by_the_environment():
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; on Windows, not even a library
        return False
    block = min(max(most, _AT_FIRST), LARGEST)
    return bool(tell(_MMAP_THRESHOLD, block) and tell(_TRIM_THRESHOLD, most))


def _is_said_by_the_environment() -> bool:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return any(name in os.environ for name in _VARIABLES) or any(
        name in tunables for name in _TUNABLES
    )


__all__ = ["KEPT", "LARGEST", "keep_freed_memory"]
