"""What symbols have of arrays: the attributes, methods and operators, each a call that is told."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.refusals import STORED, STORING, asking, is_stored_at, is_users
from micrograd.core.node import Node
from micrograd.errors import OperandError

Function = Callable[..., Any]

_INSTEAD = {
    "bool": "choose with np.where, which takes both ways",
    "complex": "use astype(complex), or compute with real numbers",
    STORING: STORED,
    "hash, by a dict or set": "choose with np.where, or use id(x)",
    "shape": "use reshape",
    "<<= and >>=": "use x = x << n, and x = x >> n",
    "float": "use NumPy's function in place of that of math, as np.exp for math.exp",
    "int": "use astype(int)",
    "index": "use np.take, for which an index may be an array",
    "array": "call a function that takes the symbol as it is, as micrograd.take(a, x, axis=0) for "
    "a[x], and np.stack for np.array",
    "str": "return it, and print what comes out",
    "format": "return it, and print what comes out",
    "item": "keep the array of one element",
    "pickle": "return it, and store what comes out",
    "tolist": "compute with the whole array",
}


def refuse(symbol: Any, what: str) -> NoReturn:
    """Raise an error for what asks a symbol for numbers."""
    if what in ("float", "array") and is_stored_at(asking()):
        what = STORING
    instead = _INSTEAD.get(what, f"call NumPy's function on it, as in np.{what}(x), if it has one")
    raise symbol._teller.keep(
        OperandError(
            f"{what}: came a symbol, which has no numbers: each time that the program is "
            f"evaluated they may be others. Instead, {instead}."
        )
    )


def owner_of(array: Any) -> Any:
    """Return the array that owns the memory of another."""
    while is_a(array, np.ndarray) and is_a(array.base, np.ndarray):
        array = array.base
    return array


def overlap(a: Any, b: Any) -> bool:
    """Tell whether two things are arrays that may share memory."""
    return is_a(a, np.ndarray) and is_a(b, np.ndarray) and np.may_share_memory(a, b)


class Flags:
    """How an array lies in memory, as a symbol tells it; to set one changes nothing."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous = bool(flags.c_contiguous)
        self.f_contiguous = bool(flags.f_contiguous)
        self.carray = bool(flags.c_contiguous and flags.aligned)
        self.writeable = True


class ArrayLike(Symbolic):
    """The base of `Symbol`, which says how a call is told, and how what is written to changes."""

    __slots__ = ()

    _example: Any
    _part: Any

    def _tell(self, operation: Function, *args: Any, **settings: Any) -> Any:
        raise NotImplementedError

    def _call(self, function: Function, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _write(self, function: Function, *args: Any, **settings: Any) -> None:
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape."""
        return np.shape(self._example)

    @shape.setter
    def shape(self, shape: Any) -> None:
        refuse(self, "shape")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype."""
        return np.result_type(self._example)

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return int(np.size(self._example))

    @property
    def flags(self) -> Flags:
        """Return how it lies in memory."""
        return Flags(np.asarray(self._example).flags)

    @property
    def base(self) -> None:
        """Return None, as for an array that owns its memory."""
        return None

    @property
    def nbytes(self) -> int:
        """Return how many bytes the elements take."""
        return int(np.asarray(self._example).nbytes)

    @property
    def itemsize(self) -> int:
        """Return how many bytes one element takes."""
        return self.dtype.itemsize

    @property
    def T(self) -> Any:
        """Return the same with its axes in reverse order."""
        return self._tell(np.transpose, self)

    @property
    def real(self) -> Any:
        """Return the real parts: the same, if it is real."""
        return self if self.dtype.kind != "c" else self._tell(np.real, self)

    @property
    def imag(self) -> Any:
        """Return the imaginary parts."""
        return self._tell(np.imag, self)

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_" or not hasattr(self._example, name) or not is_users(sys._getframe(1)):
            raise AttributeError(f"a symbol has no attribute {name!r}")
        refuse(self, name)

    # What arrays have as methods, NumPy has as functions.

    def conjugate(self) -> Any:
        """Return the same with the imaginary parts turned: itself, if it is real."""
        return self if self.dtype.kind != "c" else self._tell(np.conjugate, self)

    conj = conjugate

    def flatten(self, order: Any = "C") -> Any:
        """Return the elements in one row, in memory of their own."""
        return self._tell(np.ravel, self, order).copy()

    def __divmod__(self, other: Any) -> Any:
        return self._call(np.divmod, (self, other), {})

    def __rdivmod__(self, other: Any) -> Any:
        return self._call(np.divmod, (other, self), {})

    def astype(self, dtype: Any, order: Any = "K", *, copy: bool = True) -> Any:
        """Return the same in another dtype."""
        same = not copy and order == "K" and self.dtype == dtype
        return self if same else self._tell(programs.astype, self, np.dtype(dtype), order)

    def fill(self, value: Any) -> None:
        """Set each element to a number."""
        self._write(operator.setitem, ..., value)

    def copy(self, order: Any = "C") -> Any:
        """Return the same, in memory of its own."""
        return self._tell(np.copy, self, order=order)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        refuse(self, "pickle")

    def reshape(self, *shape: Any, **settings: Any) -> Any:
        """Return the same elements in another shape."""
        return self._tell(np.reshape, self, shape[0] if len(shape) == 1 else shape, **settings)

    def transpose(self, *axes: Any) -> Any:
        """Return the same with its axes in another order."""
        order = axes[0] if len(axes) == 1 else axes or None
        return self._tell(np.transpose, self, order)


# What a symbol has from tables: methods, operators, refusals

_METHODS = """all any argmax argmin argsort clip cumprod cumsum diagonal dot max mean min prod ravel
repeat round squeeze std sum swapaxes take trace var"""


def _telling(function: Function, turned: bool = False) -> Function:
    def method(self: ArrayLike, *args: Any, **settings: Any) -> Any:
        if args and isinstance(args[0], Node):
            return NotImplemented
        return self._call(function, (*args, self) if turned else (self, *args), settings)

    return method


def _in_place(function: Function, writing: Function) -> Function:
    def method(self: ArrayLike, other: Any) -> Any:
        if not isinstance(self._example, np.ndarray):
            return self._tell(function, self, other)  # a number becomes another one
        if self._part is not None:
            whole, index = self._part
            whole[index] = self._tell(function, self, other)
            return whole[index]
        self._write(writing, other)
        return self

    return method


def _refusal(name: str) -> Function:
    def method(self: ArrayLike, *args: Any, **settings: Any) -> NoReturn:
        refuse(self, name)

    return method


for _name in _METHODS.split():
    setattr(ArrayLike, _name, _telling(getattr(np, _name)))
for _name in ("float", "int", "complex", "array", "str", "format"):
    setattr(ArrayLike, f"__{_name}__", _refusal(_name))
ArrayLike.tolist = _refusal("tolist")  # pyright: ignore[reportAttributeAccessIssue]
for _name, _function in (("lshift", np.left_shift), ("rshift", np.right_shift)):
    setattr(ArrayLike, f"__{_name}__", _telling(_function))
    setattr(ArrayLike, f"__r{_name}__", _telling(_function, turned=True))
    setattr(ArrayLike, f"__i{_name}__", _refusal("<<= and >>="))
for _name in (*programs.SIGNS, "abs"):
    _function, _bare = getattr(operator, _name), _name.rstrip("_")
    setattr(ArrayLike, f"__{_bare}__", _telling(_function))
    if hasattr(operator, f"i{_bare}"):
        setattr(ArrayLike, f"__r{_bare}__", _telling(_function, turned=True))
        setattr(ArrayLike, f"__i{_bare}__", _in_place(_function, getattr(operator, f"i{_bare}")))
