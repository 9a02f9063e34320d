"""The engine in a hundred lines: what the rest of the library means.

A `Value` is a number that remembers how it was computed: by which operation, from
which Values. `RULES` has a line for each operation: what it gives, and its local
derivatives. `Value.backward` walks the graph from its end to its beginning, and the
chain rule is one line of `Value._backward`.

The interface is that of karpathy/micrograd, the numbers are floats, and arithmetic
follows IEEE-754: 1 / 0 is inf, log(-1) is nan, and nothing raises. The library's own
`micrograd.Value` gives the same numbers, which tests/test_plain.py holds it to, but at the edges of
the range (as for exponents next to 0), where it takes more care. It is
that of everyday use: faster, beside `Tensor` for arrays, with derivatives of any order,
and refusing what would be wrong, such as the gradient of what was overwritten.

>>> a, b = Value(-4.0), Value(2.0)
>>> c = (a * b + b**3).relu() + 10 / b
>>> c.backward()
>>> c.data, a.grad, b.grad
(5.0, 0.0, -2.5)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

__all__ = ["RULES", "Constant", "Value", "apply", "topological_order"]

Unary = Callable[[float], float]
Binary = Callable[[float, float], float]

# Arithmetic as IEEE-754 has it, where Python raises an error instead.


def divide(a: float, b: float) -> float:
    """Return a / b, where 1 / 0 is inf and 0 / 0 is nan.

    >>> divide(1, 4), divide(-1, 0.0), divide(1, -0.0), divide(0, 0)
    (0.25, -inf, -inf, nan)
    """
    return a / b if b else a * math.copysign(math.inf, b)


def power(x: float, n: float) -> float:
    """Return x**n, where 10**400 is inf and a fractional power of a negative number is nan.

    >>> power(2, 0.5), power(0, -1), power(-10, 401), power(-8, 1 / 3)
    (1.4142135623730951, inf, -inf, nan)
    """
    try:
        return math.pow(x, n)
    except (OverflowError, ValueError):
        return math.nan if x < 0 and n % 1 else divide(1, math.pow(x, -n))


def ieee(function: Unary) -> Unary:
    """Return a function that gives inf where `function` finds its result too large, else nan.

    >>> ieee(math.exp)(1000), ieee(math.sqrt)(-1)
    (inf, nan)
    """

    def guarded(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return guarded


def log(x: float) -> float:
    """Return the natural logarithm, which is -inf at 0 and nan below.

    >>> log(1), log(0), log(-1)
    (0.0, -inf, nan)
    """
    return ieee(math.log)(x) if x else -math.inf


def power_by_exponent(x: float, n: float) -> float:
    """Return the derivative of x**n by n, which is 0 where 0**n is.

    >>> power_by_exponent(1, 2), power_by_exponent(0, 2), power_by_exponent(0, -2)
    (0.0, 0.0, -inf)
    """
    return power(x, n) * log(x if abs(x) > 0 or n < 0 else 1)


exp, sqrt, sin, cos, cosh = map(ieee, (math.exp, math.sqrt, math.sin, math.cos, math.cosh))

# An operation's name: its function, and the derivative of that by each of its arguments.
RULES: dict[str, tuple[Unary, Unary] | tuple[Binary, Binary, Binary]] = {
    "+": (lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1),
    "-": (lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1),
    "*": (lambda a, b: a * b, lambda a, b: b, lambda a, b: a),
    "/": (divide, lambda a, b: divide(1, b), lambda a, b: -divide(divide(a, b), b)),
    "**": (power, lambda x, n: n * power(x, n - 1) if n else 0, power_by_exponent),
    "neg": (lambda x: -x, lambda x: -1),
    "abs": (abs, lambda x: (x > 0) - (x < 0)),
    "ReLU": (lambda x: 0 if x < 0 else x, lambda x: x > 0),
    "exp": (exp, exp),
    "log": (log, lambda x: divide(1, x)),
    "sqrt": (sqrt, lambda x: divide(1, 2 * sqrt(x))),
    "sin": (sin, cos),
    "cos": (cos, lambda x: -sin(x)),
    "tanh": (math.tanh, lambda x: 1 / cosh(x) / cosh(x)),  # not 1 - y * y, which is 0 early
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), lambda x: 1 / cosh(x / 2) / cosh(x / 2) / 4),
}


def apply(op: str, *args: Value | float) -> Value:
    """Return the Value that an operation makes of Values and numbers.

    A line more in `RULES` is an operation more.

    >>> RULES["cube"] = (lambda x: x**3, lambda x: 3 * x**2)
    >>> x = Value(2.0)
    >>> apply("cube", x).backward()
    >>> x.grad
    12.0
    """
    parents = [arg if isinstance(arg, Value) else Constant(arg) for arg in args]
    return Value(RULES[op][0](*[parent.data for parent in parents]), parents, op)


def unary(op: str) -> Callable[[Value], Value]:
    """Return the method for an operation of one argument.

    >>> unary("neg")(Value(2.0))
    Value(data=-2.0, grad=0)
    """
    return lambda x: apply(op, x)


def binary(op: str) -> tuple[Callable[[Value, Value | float], Value], ...]:
    """Return the methods for an operator: of the Value on its left, and on its right.

    >>> subtract, subtract_from = binary("-")
    >>> subtract(Value(2.0), 5).data, subtract_from(Value(2.0), 5).data
    (-3.0, 3.0)
    """
    return (lambda a, b: apply(op, a, b)), (lambda a, b: apply(op, b, a))


class Value:
    """A number that remembers how it was computed, and can be differentiated.

    Args:
        data: the number.
        _children: the Values that it was computed from, in their order.
        _op: the operation, by its name in `RULES`; "" for a leaf.
        label: the name that a diagram shows.

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y._op, y._prev == (x, x)
    ('*', True)
    """

    requires_grad = True

    def __init__(
        self, data: float, _children: Iterable[Value] = (), _op: str = "", label: str = ""
    ) -> None:
        self.data = float(data)
        self.grad: float = 0
        self._prev = tuple(_children)
        self._op = _op
        self.label = label

    __add__, __radd__ = binary("+")
    __sub__, __rsub__ = binary("-")
    __mul__, __rmul__ = binary("*")
    __truediv__, __rtruediv__ = binary("/")
    __pow__, __rpow__ = binary("**")
    __neg__, __abs__, relu = unary("neg"), unary("abs"), unary("ReLU")
    exp, log, sqrt = unary("exp"), unary("log"), unary("sqrt")
    sin, cos, tanh, sigmoid = unary("sin"), unary("cos"), unary("tanh"), unary("sigmoid")

    def _backward(self) -> None:
        """Add to the gradient of each parent what comes to it by this Value."""
        numbers = [parent.data for parent in self._prev]
        for parent, derivative in zip(self._prev, RULES[self._op][1:], strict=True):
            if parent.requires_grad:
                parent.grad += self.grad * derivative(*numbers)

    def backward(self) -> None:
        """Compute the gradient of this Value with respect to every Value it came from.

        Leaves add it to their `grad`; those between are computed anew.

        >>> x = Value(3.0)
        >>> y = x * x
        >>> y.backward()
        >>> y.backward()
        >>> x
        Value(data=3.0, grad=12.0)
        """
        computed = [node for node in topological_order(self) if node._prev]
        for node in computed:
            node.grad = 0
        self.grad += 1
        for node in reversed(computed):
            node._backward()

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next `backward()` starts anew.

        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.zero_grad()
        >>> x.grad
        0
        """
        self.grad = 0

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"


class Constant(Value):
    """A number that met a Value: it gets no gradient.

    >>> (Value(2.0) * 5)._prev[1].requires_grad
    False
    """

    requires_grad = False


def topological_order(root: Value) -> list[Value]:
    """Return all that `root` was computed from, and `root`, parents before children.

    The walk keeps a stack of its own, so that graphs may be deeper than Python's.

    >>> x = Value(2.0)
    >>> [node.data for node in topological_order((x + 1) * x)]
    [2.0, 1.0, 3.0, 6.0]
    """
    order: dict[Value, None] = {}
    stack = [root]
    while stack:
        missing = [parent for parent in stack[-1]._prev if parent not in order]
        if missing:
            stack.append(missing[0])
        else:
            order[stack.pop()] = None
    return list(order)
