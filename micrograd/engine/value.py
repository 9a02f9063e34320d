"""Value: a node that holds one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from numbers import Real
from typing import Any, NoReturn

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import NO_SETTINGS, Node, all_of
from micrograd.core.numbers import compute, to_number
from micrograd.core.op import Op
from micrograd.core.passes import Pass
from micrograd.core.record import new_node
from micrograd.core.versions import versions
from micrograd.engine import autodiff
from micrograd.engine.arithmetic import FUNCTIONS_OF_OURS, Arithmetic
from micrograd.engine.fitting import fit_number
from micrograd.engine.one_off import record_closure, record_lecture
from micrograd.errors import GradientError, OperandError, describe
from micrograd.ops.axes import no_value

__all__ = ["Value"]


class Value(Arithmetic):
    """A number that remembers how it was computed, and can be differentiated.

    A superset of karpathy/micrograd's: arithmetic builds the graph, and
    `backward()` on its result leaves the gradient in every node's `grad`, which
    reads 0 until then. Arithmetic follows IEEE-754, as NumPy's float64 does:
    1 / 0 is inf, and nothing raises. `<`, `>`, `<=` and `>=` compare data; `==`
    and the hash are those of the object.

    Args:
        data: a real number; NumPy's scalars become Python's.
        parents: the Values that your own code computed `data` from; none for a leaf.
        op: what to call that code.
        label: the name that diagrams and messages show.
        requires_grad: False for a constant.
        backward: the derivative of that code: a function of the gradient of this
            Value that returns the gradient of its one parent, or a tuple with one
            for each. Second derivatives need `define_op` instead.

    Raises:
        OperandError: if `data` is not a real number, or the parents are no Values.

    >>> x = Value(3.0)
    >>> y = x * x + 1
    >>> y.backward()
    >>> x
    Value(data=3.0, grad=6.0)
    >>> cube = Value(x.data**3, (x,), "cube", backward=lambda g: g * 3 * x.data**2)
    >>> cube.backward()
    >>> x.grad
    33.0
    """

    __slots__ = ()
    _is_number = True

    def __init__(
        self,
        data: Any,
        parents: Iterable[Value] = (),
        op: str = "",
        label: str | None = None,
        *,
        requires_grad: bool = True,
        backward: Callable[[Any], Any] | None = None,
    ) -> None:
        if data.__class__ is not float:
            data = _checked(data, "Value")
        self._set_leaf(data, requires_grad, label)
        if parents or backward is not None:
            record_closure(self, parents, op, backward)

    @property
    def data(self) -> float:
        """The number; after assigning to it, records that used the old one refuse backward()."""
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        self._overwrite(_checked(new, "Value.data"))

    @property
    def grad(self) -> Any:
        """The gradient: 0 until it is computed; a Value after `create_graph=True`."""
        grad = self._grad
        if grad is None or (self.op is not None and isinstance(grad, Pass)):
            return 0
        return grad

    @grad.setter
    def grad(self, new: Any) -> None:
        self._grad = new if new is None or isinstance(new, Value) else _checked(new, "Value.grad")

    @property
    def shape(self) -> tuple[()]:
        """The shape of a number: ()."""
        return ()

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """Compute the gradient of this value with respect to every node it came from.

        Leaves add it to their `grad`; call `zero_grad()` to start anew.

        Args:
            gradient: what to start from; 1 when left out.
            create_graph: make the gradients Values with a graph of their own,
                so that they can be differentiated in turn.

        Raises:
            GradientError: if this value requires no gradient.
            StaleGraphError: if data was assigned to after it was recorded.

        >>> x = Value(2.0)
        >>> (x**3).backward(create_graph=True)
        >>> slope = x.grad
        >>> x.zero_grad()
        >>> slope.backward()
        >>> slope.data, x.grad
        (12.0, 12.0)
        """
        if gradient is None:
            gradient = 1
        elif not isinstance(gradient, Value):
            gradient = _checked(gradient, "backward(gradient)")
        if create_graph and not isinstance(gradient, Value):
            gradient = Value(gradient, requires_grad=False)
        elif not create_graph and isinstance(gradient, Value):
            if gradient.requires_grad:
                raise GradientError(
                    "backward: came a gradient that requires one itself. Use create_graph=True "
                    "to keep its graph, or give its .data."
                )
            gradient = gradient._data
        autodiff.backward(self, gradient, create_graph)

    def item(self) -> float:
        """Return the number, without its graph.

        >>> Value(2.0).item()
        2.0
        """
        return self._data

    def detach(self) -> Value:
        """Return a constant with the same number.

        >>> Value(2.0).detach().requires_grad
        False
        """
        return Value(self._data, requires_grad=False, label=self.label)

    def _fit(self, contribution: Any, node: Node) -> Any:
        if contribution.__class__ is int and -1000 < contribution < 1000:  # most often the first
            return contribution
        return fit_number(contribution, node)

    @classmethod
    def _adopt(cls, op: Op, data: Any, first: Any, rest: Any) -> float:
        try:
            return to_number(data)
        except (TypeError, ValueError) as error:
            raise OperandError(
                f"{op.name}: gave {data!r:.60} for numbers, but a Value is one real number. Use "
                "Tensors for arrays."
            ) from error

    @classmethod
    def _recover(
        cls, op: Op, error: Exception, settings: dict[str, Any], first: Any, rest: Any
    ) -> float:
        if isinstance(error, (ArithmeticError, ValueError)):
            return compute(op, [parent._data for parent in all_of(first, rest)], settings)
        raise error

    def _constant(self, other: Any, op: Op) -> Any:
        kind = other.__class__
        if kind is not float and kind is not int:
            if isinstance(other, Value):
                return other
            other = _checked(other, op.name)
        constant = new_node(Value)  # `_set_leaf`, written out: half of all operands are constants
        constant._data = other
        constant._version = versions.now
        constant._grad = constant._first = constant._rest = constant._seal = None
        constant.op = constant.label = None
        constant.settings = NO_SETTINGS
        constant.requires_grad = False
        return constant

    def _lift(self, op: Op, args: tuple[Any, ...]) -> tuple[Node, ...]:
        if op.arrays_only:
            raise no_value(op.name)
        return tuple(self._constant(arg, op) for arg in args)

    def __lt__(self, other: Any) -> bool:
        return self._data < _number_of(other)

    def __gt__(self, other: Any) -> bool:
        return self._data > _number_of(other)

    def __le__(self, other: Any) -> bool:
        return self._data <= _number_of(other)

    def __ge__(self, other: Any) -> bool:
        return self._data >= _number_of(other)

    def _compare(self, ufunc: Any, *args: Any) -> Any:
        if ufunc in (np.equal, np.not_equal):  # of Values, == is identity
            return ufunc is np.not_equal
        # NumPy hands its scalars over as arrays without axes here.
        numbers = [x.item() if getattr(x, "shape", None) == () else x for x in args]
        return bool(ufunc(*map(_number_of, numbers)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise OperandError(
            f"np.asarray: {describe(self)} would lose its graph in an array. Keep Values in a "
            "list, as in [2 * v for v in values], or compute with one Tensor from the start, as in "
            "Tensor([1.0, 2.0]). For the number without a gradient, use .data."
        )

    def __float__(self) -> float:
        self._refuse_to_lose_graph("float", _AS_NUMBER)
        return float(self._data)

    def __int__(self) -> int:
        self._refuse_to_lose_graph("int", _AS_NUMBER)
        return int(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    @property
    def _backward(self) -> Callable[[], Any]:
        """The function that adds to the parents' gradients what this Value passes on.

        One can be set, as karpathy's lecture does for an operation of one's own.
        """
        return partial(autodiff.pass_on, self)

    @_backward.setter
    def _backward(self, closure: Callable[[], Any]) -> None:
        record_lecture(self, closure)

    @property
    def _op(self) -> str:
        """The operation as karpathy/micrograd writes it: '+', '*', '**3', 'ReLU'; '' for a leaf."""
        if self.op is None:
            return ""
        if self.op.name == "power":
            return f"**{self._rest._data}"
        return _MICROGRAD_SYMBOLS.get(self.op.name) or str(self.op.name)

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"


Value._kind = Value

_AS_NUMBER = (
    f"{FUNCTIONS_OF_OURS}, and keep Values in a list, since an array would hold plain numbers."
)
"""What to do instead of making a Python number of a Value."""

_MICROGRAD_SYMBOLS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "negative": "-",
    "relu": "ReLU",
}


def _number_of(other: Any) -> float:
    return other._data if isinstance(other, Value) else _checked(other, "comparison")


def _checked(data: Any, what: str) -> float:
    """Return a real number as Python's, or raise an error that says what came."""
    if isinstance(data, (Real, np.bool_, Symbolic)):
        return to_number(data)
    kind = data.__class__.__name__
    if hasattr(data, "shape"):
        raise OperandError(
            f"{what}: a Value holds one number, but came {kind} of shape {data.shape}. Take one "
            "element with .item(), or use Tensors throughout."
        )
    raise OperandError(
        f"{what}: expected a real number, but came {data!r} of type {kind}. "
        "Convert it with float()."
    )
