"""An import in a fresh process, the seconds as that process tells them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

_CODE = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"


def _importing(module: str) -> Callable[[], float]:
    def step() -> float:
        command = [sys.executable, "-c", _CODE.format(module)]
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    return step


def micrograd() -> Callable[[], float]:
    """Return the import of this library, and with it that of NumPy."""
    return _importing("micrograd")


def numpy() -> Callable[[], float]:
    """Return the import of NumPy."""
    return _importing("numpy")


def cost(step: Callable[[], float], times: int, clock: Any) -> float:
    """Return what steps tell of themselves, as a mean."""
    return sum(step() for _ in range(times)) / times
