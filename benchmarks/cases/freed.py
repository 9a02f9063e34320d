"""Steps of other cases whose freed memory is kept for the next one, or given back to the system."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def _of(peer: str) -> Callable[..., Callable[[], Any]]:
    def make(case: str, **settings: Any) -> Callable[[], Any]:
        return getattr(import_module(f"benchmarks.cases.{case}"), peer)(**settings)

    return make


micrograd, numpy = _of("micrograd"), _of("numpy")
