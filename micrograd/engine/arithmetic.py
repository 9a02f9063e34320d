"""The operators and methods that both kinds of node share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from micrograd.common.captures import Told
from micrograd.core.node import NO_SETTINGS, Node
from micrograd.core.op import Op, registry
from micrograd.core.record import record
from micrograd.engine.copying import Copied
from micrograd.engine.protocol import TESTS, call_ufunc
from micrograd.engine.seals import overwrite
from micrograd.engine.snapshots import Snapshot
from micrograd.engine.stored_ops import overwritten
from micrograd.errors import MicrogradError, OperandError, describe
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


def reflected(op: Op) -> Any:
    """Return the method that records `op` with the node on the right of another operand."""

    def operator(self: Any, other: Any) -> Any:
        return op.operator(self._constant(other, op), self)

    return operator


class Arithmetic(Copied, Told):
    """A node that can be computed with: each operator records one operation."""

    __slots__ = ()

    def _constant(self, other: Any, op: Op) -> Any:
        """Return the other operand of `op` as a node of this kind."""
        raise NotImplementedError

    def _snapshot(self) -> Snapshot:
        return Snapshot(self)

    def item(self) -> float:
        """Return the number, without its graph."""
        raise NotImplementedError

    def _overwrite(self, data: Any) -> None:
        overwrite(self, data)
        if self.op is not None:
            self.op = overwritten(self.op, self)

    params = Node.settings  # the settings, under the name that they had before

    @property
    def _prev(self) -> set[Node]:
        """The parents as karpathy/micrograd has them: a set."""
        return set(self.parents)

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Self: ...
        def __radd__(self, other: Any) -> Self: ...
        def __sub__(self, other: Any) -> Self: ...
        def __rsub__(self, other: Any) -> Self: ...
        def __mul__(self, other: Any) -> Self: ...
        def __rmul__(self, other: Any) -> Self: ...
        def __truediv__(self, other: Any) -> Self: ...
        def __rtruediv__(self, other: Any) -> Self: ...
        def __pow__(self, other: Any) -> Self: ...
        def __rpow__(self, other: Any) -> Self: ...
        def __mod__(self, other: Any) -> Self: ...
        def __rmod__(self, other: Any) -> Self: ...
        def __floordiv__(self, other: Any) -> Self: ...
        def __rfloordiv__(self, other: Any) -> Self: ...

    else:
        __add__ = add.operator
        __radd__ = reflected(add)
        __sub__ = subtract.operator
        __rsub__ = reflected(subtract)
        __mul__ = multiply.operator
        __rmul__ = reflected(multiply)
        __truediv__ = divide.operator
        __rtruediv__ = reflected(divide)
        __pow__ = power.operator
        __rpow__ = reflected(power)
        __mod__ = remainder.operator
        __rmod__ = reflected(remainder)
        __floordiv__ = floor_divide.operator
        __rfloordiv__ = reflected(floor_divide)

    def __neg__(self) -> Self:
        return record(negative, self, None, NO_SETTINGS)

    def __abs__(self) -> Self:
        return record(absolute, self, None, NO_SETTINGS)

    def __pos__(self) -> Self:
        return self

    def exp(self) -> Self:
        """Return e**self; see `micrograd.exp`."""
        return record(exp, self, None, NO_SETTINGS)

    def log(self) -> Self:
        """Return the natural logarithm; see `micrograd.log`."""
        return record(log, self, None, NO_SETTINGS)

    def sqrt(self) -> Self:
        """Return the square root; see `micrograd.sqrt`."""
        return record(sqrt, self, None, NO_SETTINGS)

    def sin(self) -> Self:
        """Return the sine; see `micrograd.sin`."""
        return record(sin, self, None, NO_SETTINGS)

    def cos(self) -> Self:
        """Return the cosine; see `micrograd.cos`."""
        return record(cos, self, None, NO_SETTINGS)

    def tanh(self) -> Self:
        """Return the hyperbolic tangent; see `micrograd.tanh`."""
        return record(tanh, self, None, NO_SETTINGS)

    def sigmoid(self) -> Self:
        """Return 1 / (1 + exp(-self)); see `micrograd.sigmoid`."""
        return record(sigmoid, self, None, NO_SETTINGS)

    def relu(self) -> Self:
        """Return self where it is positive, and 0 elsewhere; see `micrograd.relu`."""
        return record(relu, self, None, NO_SETTINGS)

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

    def _refuse_to_lose_graph(self, what: str, instead: str) -> None:
        if self.requires_grad:
            raise OperandError(
                f"{what}: {describe(self)} requires a gradient, which would lose its graph here. "
                f"{instead} For what needs no gradient, use .data, .item() or .detach()."
            )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        op = registry.get(name)
        plain = method == "__call__" and not options
        if plain and name in TESTS:
            try:
                return self._compare(ufunc, *inputs)
            except MicrogradError:
                raise
            except (TypeError, ValueError):
                op = None  # a test that NumPy refuses is refused in typed form, below
        if op is None or not plain:
            return call_ufunc(self, ufunc, method, inputs, options)
        if len(inputs) == 2 and inputs[1] is self:  # an array on the left of an operator
            return op.operator(self._constant(inputs[0], op), self)
        return op(*inputs)

    # To pandas: this class decides what an operator between the two gives.
    __pandas_priority__ = 10_000

    def _compare(self, ufunc: Any, *args: Any) -> Any:
        """Return what one of NumPy's tests gives, as when an array stands on the left."""
        raise NotImplementedError


FUNCTIONS_OF_OURS = (
    "Use this library's function in place of Python's, as in micrograd.exp(x) for math.exp(x)"
)
"""What to do instead of giving a node to a function that makes a Python number of it."""
