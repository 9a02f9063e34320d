"""What drawing costs: seconds for graphs of 30 to 10,000 nodes, with `dot` and without it.

Run as a program, it prints a line for each size: how many nodes there are, and the
processor time until there is SVG, that of the `dot` program included, first with
`dot` and then without.
"""

from __future__ import annotations

import os
import random
import resource
import tempfile

from micrograd import Value, topological_order
from micrograd.nn import MLP
from viz import draw

SIZES = (30, 300, 1_000, 10_000)


def graph(count: int) -> Value:
    """Return the loss of a network on so many points that there are about `count` nodes.

    It is built without scopes, so that the `dot` program lays it out where it is there.
    """
    random.seed(0)
    widths = {30: [2], 300: [8, 3], 1_000: [16, 8], 10_000: [16, 16]}[count]
    model = MLP(2, [*widths, 1])
    weights = [[(neuron.w, neuron.b) for neuron in layer.neurons] for layer in model.layers]
    loss = Value(0.0)
    while True:
        signal = [Value(random.gauss(0, 1)) for _ in range(2)]
        for layer in weights:
            signal = [
                sum((w * x for w, x in zip(ws, signal, strict=True)), b).relu() for ws, b in layer
            ]
        loss += (signal[0] - 1.0) ** 2
        if len(topological_order(loss)) >= count:
            loss.backward()
            return loss


def seconds(root: Value, fold: bool | None) -> float:
    """Return the processor time until a graph is SVG, the `dot` program included."""
    before = _spent()
    _ = draw(root, fold=fold, limit=300 if fold is None else 100_000).svg
    return _spent() - before


def _spent() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    """Print the nodes and seconds for each size; of 1,000 nodes unfolded, too."""
    path = os.environ["PATH"]
    for count, fold in [*((size, None) for size in SIZES), (1_000, False)]:
        root = graph(count)
        times: list[float] = []
        with tempfile.TemporaryDirectory() as empty:
            for programs in (path, empty):
                os.environ["PATH"] = programs
                times.append(min(seconds(root, fold) for _ in range(1 if fold is False else 3)))
        os.environ["PATH"] = path
        print(len(topological_order(root)), *times)


if __name__ == "__main__":
    main()
