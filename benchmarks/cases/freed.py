"""A training step whose freed memory is kept for the next one, and one where it is given back."""

from __future__ import annotations

from benchmarks.cases.mnist import micrograd, numpy

__all__ = ["micrograd", "numpy"]
