"""What is called by which name, whether Python computes or an operation of this library."""

from __future__ import annotations

import operator
from typing import Any

from micrograd.compiler.lowering.scalars.kinds import COMPARISONS
from micrograd.core.op import registry

_OPERATORS: Any = operator  # of any numbers
_SIGNS = {
    **{"add": "add", "sub": "subtract", "mul": "multiply", "neg": "negative", "abs": "absolute"},
    **{name: name for name in COMPARISONS},
}
_OWN = {name: op for name, op in registry.items() if not op.arrays_only and not op.foreign}

NAMES: dict[Any, str] = {
    **{op: name for name, op in _OWN.items()},
    **{getattr(_OPERATORS, sign): name for sign, name in _SIGNS.items()},
    abs: "absolute",
}
"""The functions that are known by name: what they give depends on numbers only."""

PYTHONS: dict[Any, str] = {_OPERATORS.floordiv: "floordiv", _OPERATORS.mod: "mod"}
"""Functions with a name that may raise errors."""

FUNCTIONS: dict[str, Any] = {
    **_OWN,
    **{name: getattr(_OPERATORS, name) for name in (*COMPARISONS, "and_", "or_", "xor")},
}
"""What is called for a name."""
