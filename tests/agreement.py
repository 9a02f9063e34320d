"""That a function agrees with NumPy's, and its gradients with numerical ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd import Tensor
from micrograd.testing import assert_gradients


def numbers(*shape: int, seed: int = 0) -> Any:
    """Return normal numbers, the same for a shape and seed whatever ran before."""
    return np.asarray(np.random.default_rng([seed, *shape]).normal(size=shape))


def listed(result: Any) -> list[Any]:
    """Return several results, or one, as a list."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def assert_agrees(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    *arrays: Any,
    rtol: float = 0.0,
    order: int = 2,
) -> None:
    """Assert that results agree for arrays and Tensors, in two dtypes, and gradients are right."""
    for dtype in (np.float64, np.float32):
        given = [a.astype(dtype) for a in arrays]
        expected = listed(reference(*given))
        for results in (
            listed(function(*given)),
            [node.data for node in listed(function(*map(Tensor, given)))],
        ):
            assert len(results) == len(expected)
            for result, part in zip(results, expected, strict=True):
                np.testing.assert_allclose(
                    np.asarray(result), np.asarray(part), rtol=rtol, strict=True
                )
    if all(a.size for a in arrays):
        assert_gradients(lambda *xs: tuple(listed(function(*xs))), *arrays, order=order)


def assert_same(a: Any, b: Any) -> None:
    """Assert that two trees have the same containers, and leaves of the same type and value."""
    assert _same(a, b), f"{a!r} is not {b!r}"


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if dataclasses.is_dataclass(a):
        return _same(vars(a), vars(b))
    return bool(a == b)
