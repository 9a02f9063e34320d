"""Derivatives of functions: by their graphs, after JAX, nested; and by differences."""

from micrograd.transforms import derivatives
from micrograd.transforms.derivatives import *

__all__: list[str] = []
__all__ += derivatives.__all__
