"""Writes docs/operations.md from the registry, the domains and the table of singular points.

python -m tests.operations_page          says whether the page is up to date
python -m tests.operations_page --write  writes it
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import micrograd
from micrograd import MicrogradError, Value, ops
from micrograd.core.op import Op, registry
from tests.domains import SINGULAR, TABLE
from tests.domains.building import Singular
from tests.page import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations.md"

FAMILIES = {
    "elementwise": "Elementwise",
    "powers": "Powers, roots and logarithms",
    "trigonometric": "Trigonometric and hyperbolic functions",
    "rounding": "Rounding and signs",
    "bounds": "Bounds",
    "activations": "Activations",
    "fused": "Softmax and its loss",
    "reductions": "Reductions",
    "statistics": "Products and statistics",
    "norms": "Norms",
    "counting": "Counting and finding (constants)",
    "scans": "Scans",
    "shape": "Shape and dtype",
    "reshaping": "Reshaping",
    "arranging": "Arranging",
    "joining": "Joining and splitting",
    "repeating": "Repeating and padding",
    "indexing": "Indexing",
    "picking": "Picking, sorting and updating",
    "diagonals": "Diagonals and triangles",
    "linalg": "Matrix product",
    "contractions": "Inner products",
    "products": "Outer products",
    "einsum": "Einstein sums",
    "inverses": "Solving",
    "determinants": "Determinants",
    "decompositions": "Decompositions",
    "spectra": "Eigenvalues and singular values",
    "convolution": "Convolution",
    "windows": "Windows",
    "pooling": "Pooling",
}

NAMES = sorted({*ops.__all__, *micrograd.linalg.__all__})

INTRODUCTION = """# Operations

This page is written from the registry of operations, and a test holds it to that. Every row has a
derivative that the laws of `micrograd.testing` prove against numerical derivatives, at both orders,
over random shapes, dtypes and memory layouts; what is made of rows inherits theirs. NumPy's own
function of the name, called as NumPy has it, gives what NumPy gives: `np.sum(t, axis=0)` of a
Tensor is a Tensor. An argument that cannot be honoured, such as `out=` or `dtype=`, is refused by
its name, unless it has NumPy's default; what NumPy refuses is an error of NumPy's class, too. As in
NumPy, `linalg.trace` and `linalg.diagonal` are those of the last two axes, `trace` and `diagonal`
of the first two.

"""


def family_of(function: Any) -> str:
    """Return the file of `micrograd.ops` that a public function stands in."""
    return function.__module__.rpartition(".")[2]


def numpy_name(name: str) -> str:
    """Return what NumPy calls it, or a dash."""
    for module, prefix in ((np, "np."), (np.linalg, "np.linalg.")):
        if callable(getattr(module, name, None)):
            return f"`{prefix}{name}`"
    return "–"


def public_name(name: str) -> str | None:
    """Return where a function stands in `micrograd`; None for one that only rules use."""
    if hasattr(micrograd, name):
        return name
    return f"linalg.{name}" if hasattr(micrograd.linalg, name) else None


def function_of(name: str) -> Any:
    """Return a public function; of those that `linalg` has another of, the general one."""
    return getattr(ops if hasattr(ops, name) else micrograd.linalg, name)


def row_of(name: str) -> Op | None:
    """Return the row of the registry behind a public function, if it has one of its own."""
    function = function_of(name)
    return function if isinstance(function, Op) else registry.get(name)


def takes_values(function: Any) -> bool:
    """Tell whether a function that is made of others takes a Value, and gives one."""
    try:
        return isinstance(function(Value(0.5)), Value)
    except (MicrogradError, TypeError):
        return False


def lines_of(family: str) -> Iterator[str]:
    """Yield a line for each public function of a family."""
    for name in NAMES:
        function = function_of(name)
        op = row_of(name)
        where = op if isinstance(function, Op) else function
        if family_of(where) != family or public_name(name) is None:
            continue
        if op is None:
            kinds, orders = "Value, Tensor" if takes_values(function) else "Tensor", "of its rows"
        else:
            kinds = "Tensor" if op.arrays_only else "Value, Tensor"
            orders = "1, 2" if op.name in TABLE else "–"
        yield f"| `{public_name(name)}` | {numpy_name(name)} | {kinds} | {orders} |"


def singular_line(point: Singular) -> str:
    """Return the line of a singular point."""
    at = ", ".join(f"{name} = {value}" for name, value in point.at.items())
    gradient = ", ".join(f"{name}: {value}" for name, value in point.gradient.items())
    return f"| `{point.expression}` | {at} | {point.value} | {gradient} | {point.note} |"


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for family, title in FAMILIES.items():
        lines = [*lines_of(family)]
        if lines:
            head = "| operation | NumPy | takes | orders proven |\n|---|---|---|---|\n"
            parts.append(f"## {title}\n\n{head}" + "\n".join(lines) + "\n\n")
    parts.append(
        "## Singular points\n\nThe gradient is that of the sum of the expression. A test evaluates "
        "every line.\n\n| expression | at | value | gradient | |\n|---|---|---|---|---|\n"
    )
    parts.append("\n".join(map(singular_line, SINGULAR)) + "\n")
    return "".join(parts)


if __name__ == "__main__":
    raise SystemExit(main(PAGE, page(), __doc__ or ""))
