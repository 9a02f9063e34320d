"""Checks of gradients against numerical derivatives."""

from micrograd.testing.numerical import numerical_gradient

__all__ = ["numerical_gradient"]
