"""Derivatives of functions: by their graphs, after JAX, nested; and by differences."""

from micrograd.transforms import derivatives
from micrograd.transforms.derivatives import *
from micrograd.transforms.derivatives import Pullback as Pullback  # which pickles name

__all__: list[str] = []
__all__ += derivatives.__all__
