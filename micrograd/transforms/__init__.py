"""Derivatives of functions, after JAX: of numbers, arrays and containers of them, nested."""

from micrograd.transforms import derivatives
from micrograd.transforms.derivatives import *

__all__: list[str] = []
__all__ += derivatives.__all__
