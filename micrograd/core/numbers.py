"""Arithmetic of Python numbers by the rules of IEEE-754, where Python's own raises an error.

Python raises where the standard has an answer: for 1/0, log(0), exp(1000).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import Node
from micrograd.errors import require_number

_EXACT_INTEGERS = 2**53


def to_number(x: Any) -> float:
    """Return a real number as a Python float, or int where that is exact.

    Integers stay integers while a float would hold them exactly; past that they
    become floats, so that their arithmetic overflows to inf as IEEE-754 has it.
    """
    if not isinstance(x, int) and isinstance(x, Symbolic):
        return x.as_number()
    if isinstance(x, int) or np.asarray(x).dtype.kind in "biu":
        return int(x) if -_EXACT_INTEGERS <= x <= _EXACT_INTEGERS else _to_float(x)
    return _to_float(x)


def _to_float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")


def compute(op: Any, args: Iterable[Any], settings: dict[str, Any]) -> Any:
    """Return what an operation gives for Python numbers, as a Python number."""
    try:
        result = op.scalar(*args, **settings)
    except (ArithmeticError, ValueError):
        with np.errstate(all="ignore"):
            result = op.forward(*map(np.float64, map(to_number, args)), **settings)
    if result.__class__ is float:
        return result
    return to_number(require_number(op.name, result))


def contributions(node: Node, g: Any) -> list[Any]:
    """Return what a node of a number contributes to each parent, None to a constant."""
    rules, settings, parents = node.op.derivatives, node.settings, node.parents
    with np.errstate(all="ignore"):
        g, y, *args = map(np.float64, (g, node._data, *[p._data for p in parents]))
        return [
            rules[i](g, y, *args, **settings) if p.requires_grad else None
            for i, p in enumerate(parents)
        ]
