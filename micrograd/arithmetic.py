"""The operators and methods that both kinds of node share."""

from __future__ import annotations

from typing import Any, Self

from micrograd.errors import OperandError
from micrograd.node import Node
from micrograd.op import Op, record, record_call, registry
from micrograd.ops import (
    absolute,
    add,
    cos,
    divide,
    exp,
    log,
    multiply,
    negative,
    power,
    relu,
    sigmoid,
    sin,
    sqrt,
    subtract,
    tanh,
)

_NO_SETTINGS: dict[str, Any] = {}


class Arithmetic(Node):
    """A node that can be computed with: each operator records one operation."""

    __slots__ = ()

    def _constant(self, other: Any, op: Op) -> Self:
        """Return the other operand of `op` as a node of this kind."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Self:
        if other.__class__ is not self.__class__:
            other = self._constant(other, add)
        return record(add, self, other, _NO_SETTINGS)

    def __radd__(self, other: Any) -> Self:
        return record(add, self._constant(other, add), self, _NO_SETTINGS)

    def __sub__(self, other: Any) -> Self:
        if other.__class__ is not self.__class__:
            other = self._constant(other, subtract)
        return record(subtract, self, other, _NO_SETTINGS)

    def __rsub__(self, other: Any) -> Self:
        return record(subtract, self._constant(other, subtract), self, _NO_SETTINGS)

    def __mul__(self, other: Any) -> Self:
        if other.__class__ is not self.__class__:
            other = self._constant(other, multiply)
        return record(multiply, self, other, _NO_SETTINGS)

    def __rmul__(self, other: Any) -> Self:
        return record(multiply, self._constant(other, multiply), self, _NO_SETTINGS)

    def __truediv__(self, other: Any) -> Self:
        if other.__class__ is not self.__class__:
            other = self._constant(other, divide)
        return record(divide, self, other, _NO_SETTINGS)

    def __rtruediv__(self, other: Any) -> Self:
        return record(divide, self._constant(other, divide), self, _NO_SETTINGS)

    def __pow__(self, other: Any) -> Self:
        if other.__class__ is not self.__class__:
            other = self._constant(other, power)
        return record(power, self, other, _NO_SETTINGS)

    def __rpow__(self, other: Any) -> Self:
        return record(power, self._constant(other, power), self, _NO_SETTINGS)

    def __neg__(self) -> Self:
        return record(negative, self, None, _NO_SETTINGS)

    def __abs__(self) -> Self:
        return record(absolute, self, None, _NO_SETTINGS)

    def __pos__(self) -> Self:
        return self

    def exp(self) -> Self:
        """Return e**self; see `micrograd.exp`."""
        return record(exp, self, None, _NO_SETTINGS)

    def log(self) -> Self:
        """Return the natural logarithm; see `micrograd.log`."""
        return record(log, self, None, _NO_SETTINGS)

    def sqrt(self) -> Self:
        """Return the square root; see `micrograd.sqrt`."""
        return record(sqrt, self, None, _NO_SETTINGS)

    def sin(self) -> Self:
        """Return the sine; see `micrograd.sin`."""
        return record(sin, self, None, _NO_SETTINGS)

    def cos(self) -> Self:
        """Return the cosine; see `micrograd.cos`."""
        return record(cos, self, None, _NO_SETTINGS)

    def tanh(self) -> Self:
        """Return the hyperbolic tangent; see `micrograd.tanh`."""
        return record(tanh, self, None, _NO_SETTINGS)

    def sigmoid(self) -> Self:
        """Return 1 / (1 + exp(-self)); see `micrograd.sigmoid`."""
        return record(sigmoid, self, None, _NO_SETTINGS)

    def relu(self) -> Self:
        """Return self where it is positive, and 0 elsewhere; see `micrograd.relu`."""
        return record(relu, self, None, _NO_SETTINGS)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        op = registry.get(name)
        plain = method == "__call__" and not options
        if plain and op is not None:
            return record_call(op, self._lift(op, inputs), _NO_SETTINGS)
        if not plain or name not in _COMPARISONS:
            call = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
            asked = f" with {', '.join(options)}=" if options else ""
            raise OperandError(
                f"{call}{asked}: has no derivative here for a {type(self).__name__}. Use an "
                "operation of this library, or .data for the plain number or array."
            )
        return self._compare(ufunc, *inputs)

    def _compare(self, ufunc: Any, a: Any, b: Any) -> Any:
        """Return what NumPy's comparison gives when an array or scalar stands on the left."""
        raise NotImplementedError


_COMPARISONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
