"""Derivatives of functions: by their graphs, after JAX, nested; and by differences."""
