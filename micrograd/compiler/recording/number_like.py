"""What symbols of numbers have besides operators, and what of numbers they refuse in words."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording.refusals import (
    STORED,
    STORING,
    asking,
    is_stored_at,
    is_users,
    user_line,
)
from micrograd.errors import CompileError


class NumberLike(Symbolic):
    """The base of `Number`, which has the operators."""

    __slots__ = ()

    _recorder: Any
    _value: Any

    def __hash__(self) -> int:
        if not is_users(sys._getframe(1)):
            raise TypeError("unhashable type: a number that is recorded")
        self._refuse(
            "hash, by a dict or set",
            "choose with micrograd.where, keep what is looked up in a list or a Tensor, or give "
            "the key as a string, which makes a program for each",
        )

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_" or not hasattr(self._value, name) or not is_users(sys._getframe(1)):
            raise AttributeError(f"a number that is recorded has no attribute {name!r}")
        self._refuse(name, "use the operators of numbers and functions of micrograd")

    @property
    def real(self) -> Any:
        """Return the number itself."""
        return self.as_number()

    @property
    def imag(self) -> Any:
        """Return 0."""
        return 0.0 if self._value.__class__ is float else 0

    def conjugate(self) -> Any:
        """Return the number itself."""
        return self.as_number()

    def __divmod__(self, other: Any) -> Any:
        number: Any = self
        return number // other, number % other

    def __rdivmod__(self, other: Any) -> Any:
        number: Any = self
        return other // number, other % number

    def _shift(self, other: Any) -> NoReturn:
        self._refuse("<< and >>", "use x * 2**n, and x // 2**n")

    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _shift

    def __complex__(self) -> NoReturn:
        self._refuse("complex", "compute with real numbers")

    def __float__(self) -> NoReturn:
        self._refuse("float", "use micrograd.exp(x) in place of math.exp(x), and so on")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self._refuse(
            "np.asarray",
            "call NumPy's function, or this library's, on it as it is, np.stack([a, b]) in place "
            "of np.array([a, b]), or give np.array([...]) as the argument, and not a list",
        )

    def __str__(self) -> str:
        self._refuse("str", "return it, and print what the compiled function returns")

    def __format__(self, spec: str) -> str:
        self._refuse("format", "return it, and print what the compiled function returns")

    def __round__(self, digits: Any = None) -> NoReturn:
        self._refuse("round", "use micrograd.round")

    def __floor__(self) -> NoReturn:
        self._refuse("math.floor", "use micrograd.floor")

    def __ceil__(self) -> NoReturn:
        self._refuse("math.ceil", "use micrograd.ceil")

    def __trunc__(self) -> NoReturn:
        self._refuse("math.trunc", "use micrograd.trunc")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        if is_stored_at(asking()):
            what, instead = STORING, STORED
        raise self._recorder.keep(
            CompileError(
                f"{what}: came a number that is being recorded, at {user_line()}: what is made of "
                f"it would be a constant of the program. Instead, {instead}."
            )
        )

    def __reduce__(self) -> NoReturn:
        self._refuse("pickle", "return it, and store what the compiled function returns")
