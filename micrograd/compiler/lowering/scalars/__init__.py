"""From recorded calls of numbers to code that runs them fast."""

from micrograd.compiler.lowering.scalars.code import Code, lower_numbers

__all__ = ["Code", "lower_numbers"]
