"""The domain of every built-in operation: how it is called, with what, and what it equals.

One entry per name in the registry. An entry draws samples: shapes and settings
are Hypothesis's, so that they shrink; elements come from a seeded generator, in
the range where the operation is smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from micrograd.testing import Sample
from tests.domains import (
    activations,
    arranging,
    convolution,
    core,
    decompositions,
    elementwise,
    indexing,
    products,
    reductions,
)
from tests.domains.building import Entry, Singular

FAMILIES: tuple[Any, ...] = (
    core,
    elementwise,
    activations,
    reductions,
    arranging,
    indexing,
    products,
    decompositions,
    convolution,
)

TABLE: dict[str, Entry] = {name: e for family in FAMILIES for name, e in family.TABLE.items()}
SINGULAR: list[Singular] = [point for family in FAMILIES for point in family.SINGULAR]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""
    return {name: f for family in FAMILIES for name, f in family.torch_table(torch).items()}


@cache
def calls_of(name: str, smallest: int, examples: int) -> list[tuple[Sample, int]]:
    """Return calls of an operation as Hypothesis draws them, each with a seed for the law."""
    drawn: list[tuple[Sample, int]] = []

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(cast(Any, HealthCheck)),
    )
    @given(TABLE[name].samples(smallest), st.integers(0, 2**16))
    def draw(sample: Sample, seed: int) -> None:
        drawn.append((sample, seed))

    draw()
    return drawn
