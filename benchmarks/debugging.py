"""What `debug()` costs: a training step under it, as a multiple of the plain one.

Run as a program with a number of rounds, it prints the multiple for a network of
Values and for the MNIST step with Tensors, round by round.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.mnist import by_engine, parameters
from micrograd import Value, debug
from micrograd.nn import MLP


def value_step() -> Callable[[], object]:
    """Return the step of a small network of Values."""
    model = MLP(2, [8, 8, 1])

    def step() -> None:
        loss = (model([Value(0.5), Value(-1.0)]) - 1.0) ** 2
        model.zero_grad()
        loss.backward()

    return step


def tensor_step() -> Callable[[], object]:
    """Return the MNIST step with a batch of 100."""
    rng = np.random.default_rng(0)
    x, t = rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)
    step = by_engine(parameters(rng))
    return lambda: step(x, t)


def seconds(step: Callable[[], object], times: int) -> float:
    """Return the processor time of some steps."""
    start = time.process_time()
    for _ in range(times):
        step()
    return time.process_time() - start


def main(rounds: int) -> None:
    """Print the multiples of both steps, plain and debugged ones in turn."""
    steps = value_step(), tensor_step()
    for _ in range(rounds):
        for step in steps:
            plain = seconds(step, 30)
            with debug():
                watched = seconds(step, 30)
            print(watched / plain, end=" ")
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]))
