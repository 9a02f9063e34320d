"""The place where karpathy/micrograd keeps `Value`; it is at home in `micrograd.engine.value`."""

from micrograd.engine.value import Value

__all__ = ["Value"]
