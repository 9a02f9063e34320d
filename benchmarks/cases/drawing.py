"""The drawing of a graph of 30 to 10,000 nodes, with the `dot` program and without it."""

from __future__ import annotations

import os
import random
import resource
import tempfile
from collections.abc import Callable
from typing import Any

_WIDTHS = {30: [2], 300: [8, 3], 1_000: [16, 8], 10_000: [16, 16]}


def graph(count: int) -> Any:
    """Return the loss of a network on so many points that there are about `count` nodes.

    It is built without scopes, so that the `dot` program lays it out where it is there.
    """
    from micrograd import Value, topological_order
    from micrograd.nn import MLP

    random.seed(0)
    model = MLP(2, [*_WIDTHS[count], 1])
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


def micrograd(count: int, dot: bool) -> Callable[[], Any]:
    """Return the drawing, as SVG."""
    from viz import draw

    if not dot:
        os.environ["PATH"] = tempfile.gettempdir()  # where no program is
    root = graph(count)
    return lambda: draw(root).svg


def cost(step: Callable[[], Any], times: int, clock: Any) -> float:
    """Return the mean processor time of a step, that of the `dot` program included."""
    before = _spent()
    for _ in range(times):
        step()
    return (_spent() - before) / times


def _spent() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
