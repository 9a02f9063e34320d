"""A chain of Values: seconds and bytes a node to build, differentiate and free it.

Run as a program with a number of nodes, it prints both, for a process of its own.
"""

import resource
import sys
import time

from micrograd import Value


def peak_bytes() -> int:
    """Return the largest resident size that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def chain_seconds(nodes: int) -> float:
    """Return what a chain of so many nodes takes, from the first to the last of it."""
    start = time.process_time()
    x = Value(1.0)
    factor = Value(1.0000001)
    y = x
    for _ in range(nodes):
        y = y * factor
    y.backward()
    del y
    return time.process_time() - start


def main(nodes: int, repeats: int) -> None:
    """Print seconds a node (the median of several) and peak bytes a node."""
    before = peak_bytes()
    seconds = sorted(chain_seconds(nodes) for _ in range(repeats))[repeats // 2]
    print(seconds / nodes, (peak_bytes() - before) / nodes)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
