"""Arrays: what was recorded becomes a function of NumPy calls, as a careful person writes it."""

from micrograd.compiler.arrays.code import ArrayCode, lower_arrays

__all__ = ["ArrayCode", "lower_arrays"]
