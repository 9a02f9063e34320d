"""The operators and methods that both kinds of node share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from micrograd.clock import clock
from micrograd.errors import OperandError
from micrograd.node import Node, describe
from micrograd.op import Op, registry
from micrograd.ops import (
    absolute,
    add,
    cos,
    divide,
    exp,
    floor_divide,
    log,
    multiply,
    negative,
    power,
    relu,
    remainder,
    sigmoid,
    sin,
    sqrt,
    subtract,
    tanh,
)
from micrograd.ops import round as rounded
from micrograd.record import is_recording, new_node, record, record_call

_NO_SETTINGS: dict[str, Any] = {}


def binary_operator(op: Op) -> Any:
    """Return the method that records `op` for a node and another operand.

    It does what `record` does for two arguments and no settings, written out:
    a call less saves a fifth of the time of every operator.
    """
    scalar, forward = op.scalar, op.forward

    def operator(self: Any, other: Any) -> Any:
        tick = clock.now  # read before the data, so that a write in between shows
        if other.__class__ is not self.__class__:
            other = self._constant(other, op)
        kind = self._kind
        number = kind._is_number
        try:
            data = scalar(self._data, other._data) if number else forward(self._data, other._data)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            data = kind._recover(op, (self, other), _NO_SETTINGS, error)
        if not number or data.__class__ is not float:
            data = kind._adopt(op, data, self, other)
        node = new_node(kind)
        node._data = data
        node._grad = None
        node._tick = tick
        node.label = None
        node.params = _NO_SETTINGS
        mode = (self.requires_grad or other.requires_grad) and is_recording()
        if mode and (number or data.dtype.kind == "f"):
            node._first = self
            node._rest = other
            node.op = op
            node.requires_grad = True
            if mode is not True:
                mode.note(node)
        else:
            node._first = None
            node._rest = None
            node.op = None
            node.requires_grad = False
        return node

    return operator


class Arithmetic(Node):
    """A node that can be computed with: each operator records one operation."""

    __slots__ = ()

    def _constant(self, other: Any, op: Op) -> Self:
        """Return the other operand of `op` as a node of this kind."""
        raise NotImplementedError

    def item(self) -> float:
        """Return the number, without its graph."""
        raise NotImplementedError

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Self: ...
        def __sub__(self, other: Any) -> Self: ...
        def __mul__(self, other: Any) -> Self: ...
        def __truediv__(self, other: Any) -> Self: ...
        def __pow__(self, other: Any) -> Self: ...
        def __mod__(self, other: Any) -> Self: ...
        def __floordiv__(self, other: Any) -> Self: ...

    else:
        __add__ = binary_operator(add)
        __sub__ = binary_operator(subtract)
        __mul__ = binary_operator(multiply)
        __truediv__ = binary_operator(divide)
        __pow__ = binary_operator(power)
        __mod__ = binary_operator(remainder)
        __floordiv__ = binary_operator(floor_divide)

    def __radd__(self, other: Any) -> Self:
        return record(add, self._constant(other, add), self, _NO_SETTINGS)

    def __rsub__(self, other: Any) -> Self:
        return record(subtract, self._constant(other, subtract), self, _NO_SETTINGS)

    def __rmul__(self, other: Any) -> Self:
        return record(multiply, self._constant(other, multiply), self, _NO_SETTINGS)

    def __rtruediv__(self, other: Any) -> Self:
        return record(divide, self._constant(other, divide), self, _NO_SETTINGS)

    def __rpow__(self, other: Any) -> Self:
        return record(power, self._constant(other, power), self, _NO_SETTINGS)

    def __rmod__(self, other: Any) -> Self:
        return record(remainder, self._constant(other, remainder), self, _NO_SETTINGS)

    def __rfloordiv__(self, other: Any) -> Self:
        return record(floor_divide, self._constant(other, floor_divide), self, _NO_SETTINGS)

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

    def __round__(self, decimals: int = 0) -> Self:
        return rounded(self, decimals)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    @property
    def _mask(self) -> NoReturn:
        """Refuse numpy.ma, which looks for a mask here and takes the data without their graph."""
        raise OperandError(
            f"numpy.ma: {describe(self)} cannot meet a masked array, where its graph would be "
            "lost. Use where(mask, ...), or .data for the plain number or array."
        )

    def _refuse_to_lose_graph(self, what: str) -> None:
        if self.requires_grad:
            raise OperandError(
                f"{what}: {describe(self)} requires a gradient, and would lose its graph. Use "
                ".data, .item() or .detach()."
            )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        op = registry.get(name)
        plain = method == "__call__" and not options
        if plain and op is not None:
            return record_call(op, self._lift(op, inputs), _NO_SETTINGS)
        if not plain or name not in _TESTS:
            call = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
            asked = f" with {', '.join(options)}=" if options else ""
            raise OperandError(
                f"{call}{asked}: has no derivative here for a {type(self).__name__}. Use an "
                "operation of this library, or .data for the plain number or array."
            )
        return self._compare(ufunc, *inputs)

    def _compare(self, ufunc: Any, *args: Any) -> Any:
        """Return what one of NumPy's tests gives, as when an array stands on the left."""
        raise NotImplementedError


_TESTS = {
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("isnan", "isinf", "isfinite", "signbit"),
    *("logical_and", "logical_or", "logical_xor", "logical_not"),
}
