"""The page of operations, and the singular points that stand in it."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from micrograd.core.op import registry
from tests.domains import SINGULAR, TABLE
from tests.domains.building import Singular
from tests.operations_page import NAMES, PAGE, page, public_name, row_of


def test_the_page_is_what_the_registry_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_public_function_and_every_row_is_proven_and_on_the_page() -> None:
    text = page()

    for public in filter(None, map(public_name, NAMES)):
        assert f"| `{public}` |" in text, public
    assert TABLE.keys() <= registry.keys()
    assert {op.name for op in map(row_of, NAMES) if op} <= TABLE.keys()


def test_every_operation_on_the_page_exists() -> None:
    operations = page().partition("## Singular points")[0]
    for name in re.findall(r"^\| `([a-z0-9_.]+)`", operations, flags=re.MULTILINE):
        assert callable(attrgetter(name)(mg)), name


def evaluate(point: Singular, kind: Any) -> tuple[Any, dict[str, Any]]:
    nodes: dict[str, Any] = {
        name: (Tensor if isinstance(value, list) else kind)(value)
        for name, value in point.at.items()
    }
    with np.errstate(all="ignore"):
        result: Any = eval(point.expression, {"mg": mg, "np": np, **nodes})
        (result.sum() if isinstance(result, Tensor) else result).backward()
    return result.data, {name: node.grad for name, node in nodes.items()}


def kinds_of(point: Singular) -> list[Any]:
    arrays = any(isinstance(value, list) for value in point.at.values())
    return [Tensor] if arrays or "axis" in point.expression else [Value, Tensor]


CASES = [
    pytest.param(point, kind, id=f"{point.expression} at {point.at} of {kind.__name__}s")
    for point in SINGULAR
    for kind in kinds_of(point)
]


@pytest.mark.parametrize(("point", "kind"), CASES)
def test_value_and_gradient_at_a_singular_point_are_those_of_the_page(
    point: Singular, kind: Any
) -> None:
    value, gradient = evaluate(point, kind)

    # One LAPACK gives 0 where another rounds.
    np.testing.assert_allclose(value, point.value, rtol=1e-12, atol=1e-15)
    assert gradient.keys() >= point.gradient.keys()
    for name, expected in point.gradient.items():
        np.testing.assert_allclose(gradient[name], expected, rtol=1e-12, atol=1e-300)
