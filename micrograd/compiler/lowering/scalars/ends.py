"""What becomes of the floats that are wanted in the end: outputs with their classes, checks."""

from __future__ import annotations

from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import INT, LIMIT, MIXED, TRUTH
from micrograd.compiler.lowering.scalars.primitives import Primitives


class Ends:
    """What is wanted of a run.

    Attributes:
        roots: the primitives that are wanted: outputs, then what is checked, then flags of
            outputs, then divisors of Python's, then integers that may have become too large.
        ints, truths: which outputs are integers, and truths.
        mixed: pairs of a root that is a flag, and the output that it tells of.
        wanted: what the checked ones have to equal.
    """

    def __init__(self, graph: Graph, primitives: Primitives) -> None:
        values = primitives.values
        kinds = [graph.kinds[i] for i in graph.outputs]
        self.count = len(kinds)
        self.ints = [k for k, kind in enumerate(kinds) if kind == INT]
        self.truths = [k for k, kind in enumerate(kinds) if kind == TRUTH]
        self.wanted = [value for _, value in graph.checks]
        mixed = [k for k, kind in enumerate(kinds) if kind == MIXED]
        self.roots = [values[i] for i in graph.outputs]
        self.checks = self._extend([values[i] for i, _ in graph.checks])
        self.mixed = list(enumerate(mixed, len(self.roots)))
        self._extend([primitives.flag(graph.outputs[k]) for k in mixed])
        self.divisors = self._extend([values[i] for i in graph.divisors])
        self._wide = self._extend([values[i] for i in graph.wide])
        large = [i for i in graph.inputs if graph.kinds[i] == INT]
        self._large = self._extend([values[i] for i in large])
        self._bounded = len(graph.wide), len(large)

    def _extend(self, roots: list[int]) -> slice:
        start = len(self.roots)
        self.roots += roots
        return slice(start, len(self.roots))

    def too_large(self, found: list[Any]) -> bool:
        """Tell whether an integer has become a float, which was not foreseen."""
        wide, large = self._bounded
        if large and _largest(found[self._large]) > LIMIT:
            return True
        return bool(wide) and _largest(found[self._wide]) >= LIMIT

    def finish(self, found: list[Any]) -> list[Any] | None:
        """Return the outputs, None where a check fails."""
        if self.wanted and found[self.checks] != self.wanted:
            return None
        if not all(found[self.divisors]):
            return None
        for k in self.ints:
            found[k] = int(found[k])
        for k in self.truths:
            found[k] = bool(found[k])
        for flag, k in self.mixed:
            if found[flag]:
                found[k] = int(found[k])
        del found[self.count :]
        return found


def _largest(numbers: list[float]) -> float:
    return max([abs(x) for x in numbers])
