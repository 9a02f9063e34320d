"""A process that measures one peer in one case, a round whenever it is told to.

Run by `python -m benchmarks`, which tells the workers of all peers in turn, so that
a machine that slows down does so for all of them.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

_ROUND = 0.03  # seconds that a round takes at least


def peak_bytes() -> int:
    """Return the largest resident size that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes() -> int:
    """Return what this process holds now; its peak, where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return peak_bytes()


def seconds(step: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    """Return the time of a step, as the mean of so many."""
    start = clock()
    for _ in range(times):
        step()
    return (clock() - start) / times


def main(case: str, peer: str, threads: int, settings: dict[str, Any]) -> None:
    """Prepare a step, tell its bytes, then answer each line with what a step costs."""
    module = importlib.import_module(f"benchmarks.cases.{case}")
    if peer in ("pytorch", "torch-compile"):
        importlib.import_module("torch").set_num_threads(threads)
    make = getattr(module, peer.replace("-", "_"))
    measured = getattr(module, "cost", seconds)  # unless a case tells what a step costs
    # Of one thread, the processor's time is told, which other programs do not lengthen.
    clock = time.process_time if threads == 1 else time.perf_counter
    step = make(**settings)
    gc.collect()
    gc.freeze()  # what a peer imported is not to be gone through at each collection
    before = resident_bytes()
    first = measured(step, 1, clock)
    peak = max(peak_bytes() - before, 0)
    times = max(1, round(_ROUND / max(min(first, measured(step, 1, clock)), 1e-7)))
    print(json.dumps({"bytes": peak}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"cost": measured(step, times, clock)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]))
