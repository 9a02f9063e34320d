"""Symbols for Python numbers: what the `.data` of a Value is while a function is recorded."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable
from numbers import Real
from types import FrameType
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.compiler.recording.number_like import NumberLike
from micrograd.compiler.recording.programs import SIGNS, is_a
from micrograd.compiler.recording.refusals import (
    module_of,
    user_line,
)
from micrograd.core.node import Node
from micrograd.errors import CompileError

_new_number: Any = object.__new__
_NO_SETTINGS: dict[str, Any] = {}
_PLAIN = (float, int, bool)
_ENGINE = ("micrograd.core.", "micrograd.engine.", "micrograd.ops.", "micrograd.transforms.")


class Number(NumberLike):
    """What stands for a Python number in a function that is recorded.

    It has the operators of a number; each gives another symbol, and notes what was computed.
    Where Python decides by it, as in `if x > 0`, the decision is noted, too, and has to be the
    same when the program runs.
    """

    __slots__ = ("_recorder", "_slot", "_value")

    def __init__(self, recorder: Any, slot: int, value: Any) -> None:
        self._recorder = recorder
        self._slot = slot
        self._value = value

    def _tell(self, operation: Any, *args: Any, **settings: Any) -> Any:
        return self._recorder.tell(operation, args, settings)

    def example(self) -> Any:
        """Return the number of the call that is recorded."""
        return self._value

    def as_number(self) -> Any:
        """Return what a Value holds of it: a truth becomes 0 or 1."""
        number: Any = self
        return +number if self._value.__class__ is bool else self

    def as_array(self) -> Any:
        """Return what stands for an array of the number."""
        return self._recorder.tell(np.asarray, (self,), {})

    def adopted(self) -> Any:
        """Return what stands for an array of the number."""
        return self.as_array()

    def as_owned(self) -> Any:
        """Return the number itself."""
        return self

    def as_float(self) -> Any:
        """Return the number as a float, a symbol, too."""
        number: Any = self
        return number * 1.0

    def in_form_of(self, given: Any) -> Any:
        """Return the number itself."""
        return self

    def as_operand(self, copied: bool) -> Any:
        """Return what a constant beside a Tensor holds of it: a truth becomes an array."""
        is_truth = self._value.__class__ is bool
        return self.as_array() if is_truth else self

    def __bool__(self) -> bool:
        return self._recorder.decide(self, bool)

    def __index__(self) -> int:
        if self._value.__class__ is float:
            raise TypeError("a float cannot be an index")
        return self._recorder.decide(self, operator.index)

    def __int__(self) -> int:
        if self._value.__class__ is float:
            self._refuse("int", "keep it a number that is recorded, or return it")
        return self._recorder.decide(self, operator.index)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **settings: Any) -> Any:
        if any(isinstance(arg, Node) for arg in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if ufunc is np.logical_or and function is ufunc and not settings:
            return self._recorder.picking.either(*args)
        if method == "__call__" and not settings and all(np.ndim(_plain(a)) == 0 for a in args):
            function = _OPERATORS.get(ufunc, ufunc)  # of NumPy's numbers, Python's are the faster
            args = tuple([arg[()] if is_a(arg, np.ndarray) else arg for arg in args])
        return self._recorder.tell(function, args, settings)

    def __array_function__(self, function: Any, types: Any, args: Any, settings: Any) -> Any:
        if function in (np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj):
            return function(0.0)
        if any(issubclass(kind, Node) for kind in types):
            return NotImplemented
        return self._recorder.tell(function, args, settings)

    def any(self) -> Any:
        """Return the number itself, as rules ask of arrays whether one element is true."""
        return self

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __repr__(self) -> str:
        return f"<a {self._value.__class__.__name__} that is recorded>"


def _plain(thing: Any) -> Any:
    return getattr(thing, "_example", 0.0) if hasattr(thing, "_tell") else thing


def _method(function: Callable[..., Any], op: Any, raises: bool, turned: bool) -> Any:
    """Return the method of an operator: an instruction by IEEE-754, or Python's own in f itself."""

    def method(self: Number, other: Any) -> Any:
        kind = other.__class__
        recorder = self._recorder
        if kind is Number:
            second, value = other._slot, other._value
            if other._recorder is not recorder:
                recorder.require_own(other)
        elif kind in _PLAIN:
            second, value = recorder.constant(other), other
        elif is_a(other, np.generic):
            args = (other, self) if turned else (self, other)
            return recorder.tell(function, args, {})
        elif kind is complex:
            self._refuse(function.__name__, "compute with real numbers")
        else:
            return NotImplemented
        if turned:
            slots, values = (second, self._slot), (value, self._value)
        else:
            slots, values = (self._slot, second), (self._value, value)
        if raises:
            told = op
            if not recorder.depth and not module_of(sys._getframe(1)).startswith(_ENGINE):
                told = function
            number = recorder.call_of_numbers(told, slots, values)
            if told is function:
                recorder.raising.append(number._slot)
                if op is ops.power and _is_complex(number._value, values):
                    self._refuse(
                        "a negative number to a fractional power",
                        "use micrograd.power(x, y), which gives nan, or the power of abs(x)",
                    )
            return number
        result = function(*values)
        if result.__class__ is not float or recorder.done:
            return recorder.call_of_numbers(op, slots, values)
        # The commonest, written out: `Recorder.call_of_numbers` does the same.
        number = _new_number(Number)
        number._recorder, number._value = recorder, result
        number._slot = recorder.tape.add(op, slots, _NO_SETTINGS, float, recorder.backward)
        return number

    return method


def _is_complex(power: float, values: Any) -> bool:
    """Tell whether a power that is nan here is a complex number for Python."""
    return power != power and all([value == value for value in values])


def is_called_by_c(frame: FrameType) -> bool:
    """Tell whether an operator is called by a function in C, such as `sum`, and not by a sign.

    >>> class One:
    ...     def __radd__(self, other):
    ...         return is_called_by_c(sys._getframe(1))
    >>> sum([One()]), 0 + One()
    (True, False)
    """
    return not dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("BINARY_")


def _refusing_sums(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return an addition that Python's `sum` cannot use for floats, as it rounds otherwise."""

    def add(self: Number, other: Any) -> Any:
        frame = sys._getframe(1)
        total = method(self, other)
        if (
            total.__class__ is Number
            and total._value.__class__ is float
            and not module_of(frame).startswith("micrograd.")
            and is_called_by_c(frame)
        ):
            raise self._recorder.keep(
                CompileError(
                    f"sum: came floats that are recorded, at {user_line()}. Since Python 3.12 its "
                    "sum of floats keeps what rounding loses, which a program does not. Sum "
                    "Values, or add the numbers up in a loop."
                )
            )
        return total

    return add


def _unary(function: Any) -> Any:
    def method(self: Number) -> Any:
        return self._recorder.call_of_numbers(function, (self._slot,), (self._value,))

    return method


_ROWS: dict[str, Any] = {
    **{"add": ops.add, "sub": ops.subtract, "mul": ops.multiply, "truediv": ops.divide},
    **{"pow": ops.power, "floordiv": ops.floor_divide, "mod": ops.remainder},
    **{name: None for name in ("and_", "or_", "xor", "lt", "le", "gt", "ge", "eq", "ne")},
}
_OPERATORS: dict[Any, Any] = {
    **{np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul},
    **{np.divide: operator.truediv, np.power: operator.pow, np.negative: operator.neg},  # pyright: ignore[reportUnknownMemberType]
    **{np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt},
    **{np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne},
}

for _name, _op in _ROWS.items():
    _function, _bare = getattr(operator, _name), _name.rstrip("_")
    _raises = _bare in ("truediv", "pow", "floordiv", "mod")
    _told = _op or _function
    setattr(Number, f"__{_bare}__", _method(_function, _told, _raises, False))
    if _bare not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Number, f"__r{_bare}__", _method(_function, _told, _raises, True))
for _name, _function in (("neg", ops.negative), ("pos", ops.positive), ("abs", ops.absolute)):
    setattr(Number, f"__{_name}__", _unary(_function))
Number.__invert__ = _unary(operator.invert)  # pyright: ignore[reportAttributeAccessIssue]

if sys.version_info >= (3, 12):
    for _name in ("__add__", "__radd__"):
        setattr(Number, _name, _refusing_sums(getattr(Number, _name)))

Real.register(Number)
assert set(_ROWS) <= set(SIGNS)
