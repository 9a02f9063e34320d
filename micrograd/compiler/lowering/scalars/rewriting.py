"""Operations that are others in other words."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from micrograd.compiler.lowering.scalars.graph import Graph
from micrograd.compiler.lowering.scalars.kinds import FLOAT, INT, TRUTH
from micrograd.core.op import registry

_NUMBERS = (float, int, bool)
_OPERATORS: Any = operator  # of any numbers


def _same(graph: Graph, x: int) -> int:
    return graph.number(x)


def _truediv(graph: Graph, a: int, b: int) -> int:
    if not graph.constants.get(b):
        graph.divisors.append(b)
    return graph.call("divide", a, b)


def _truth(graph: Graph, x: int) -> int:
    return x if graph.kinds[x] == TRUTH else graph.call("ne", x, graph.constant(0))


def _not(graph: Graph, x: int) -> int:
    return graph.call("eq", x, graph.constant(0))


def _index(graph: Graph, x: int) -> int | None:
    return x if graph.kinds[x] in (INT, TRUTH) else None


def _float(graph: Graph, x: int) -> int:
    return x if graph.kinds[x] == FLOAT else graph.call("multiply", x, graph.constant(1.0))


def _square(graph: Graph, x: int) -> int:
    return graph.call("multiply", x, x)


def _reciprocal(graph: Graph, x: int) -> int:
    return graph.call("divide", graph.constant(1), x)


def _fabs(graph: Graph, x: int) -> int | None:
    return graph.call("absolute", x) if graph.kinds[x] == FLOAT else None


def _leaky_relu(graph: Graph, x: int, *, negative_slope: Any) -> int | None:
    if negative_slope.__class__ not in _NUMBERS:
        return None
    small = graph.call("multiply", graph.constant(negative_slope), x)
    return graph.call("where", graph.call("gt", x, graph.constant(0)), x, small)


def _clip(graph: Graph, x: int, low: int, high: int) -> int:
    for bound, name, none in ((low, "lt", -math.inf), (high, "gt", math.inf)):
        value = graph.constants.get(bound, math.nan)
        if value != none:
            outside = graph.call(name, x, bound)
            if value != value:  # nan, or not known
                outside = graph.call("or_", outside, graph.call("ne", bound, bound))
            x = graph.call("where", outside, bound, x)
    return graph.number(x)


def _logical(name: str) -> Callable[[Graph, int, int], int | None]:
    def call(graph: Graph, a: int, b: int) -> int | None:
        truths = graph.kinds[a] == graph.kinds[b] == TRUTH
        return graph.call(name, a, b) if truths else None

    return call


EXPANSIONS: dict[Any, Callable[..., int | None]] = {
    _OPERATORS.truediv: _truediv,
    operator.pos: _same,
    operator.index: _index,
    operator.truth: _truth,
    operator.not_: _not,
    bool: _truth,
    float: _float,
    registry["positive"]: _same,
    registry["alias"]: _same,
    registry["square"]: _square,
    registry["reciprocal"]: _reciprocal,
    registry["fabs"]: _fabs,
    registry["leaky_relu"]: _leaky_relu,
    registry["clip"]: _clip,
    **{getattr(_OPERATORS, name): _logical(name) for name in ("and_", "or_", "xor")},
}
