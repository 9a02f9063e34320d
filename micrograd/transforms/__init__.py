"""Derivatives of functions, after JAX: of numbers, arrays and containers of them, nested."""
