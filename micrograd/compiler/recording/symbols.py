"""Symbols, which tell what is computed with them: numbers compute, nodes record, symbols tell.

The forward functions and the rules of this library are written with operators and with NumPy's
functions, and both of them a class may define for itself (NEP 13 and NEP 18). So they run on
symbols as they are, and what they do becomes a program.

A program is right for other numbers of the same shapes, or an error: what depends on the numbers
is refused when it is told, or noticed when the program is evaluated. What asks for something else
is told as it went once: for the type of an argument or its text, which are those of a symbol, for
random numbers and counters, or by catching the error of a refusal.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from micrograd.compiler.recording import programs
from micrograd.compiler.recording.array_like import ArrayLike, overlap, owner_of, refuse
from micrograd.compiler.recording.programs import (
    Slot,
    is_a,
    mapped,
    name_of,
)
from micrograd.compiler.recording.refusals import is_users
from micrograd.core.node import Node
from micrograd.core.user_rules import read_only
from micrograd.engine.seals import is_locked
from micrograd.errors import MicrogradError, OperandError

__all__ = ["Symbol"]

Function = Callable[..., Any]


class Teller:
    """What symbols of arrays tell each call to: it computes the example, and keeps note.

    Attributes:
        alive: the symbols that there are, by number.
        frozen: the arrays of nodes that were computed, by id: nobody writes to them.
    """

    def __init__(self) -> None:
        self.alive: WeakValueDictionary[int, Symbol] = WeakValueDictionary()
        self.frozen: dict[int, Any] = {}
        self.count = 0

    def enter(self, symbol: Symbol) -> None:
        """Take note of a symbol that was made."""
        self.count += 1
        self.alive[self.count] = symbol

    def tell(self, operation: Function, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Call an operation for the examples, note the call, and return what stands for it."""
        name = name_of(operation)
        given, named = mapped((args, settings), lambda leaf: self.example_of(leaf, name))
        result = self.compute(operation, given, named)
        slot = self.note(operation, args, settings, result)
        symbol = Symbol(self, slot, result)
        if not is_a(result, tuple, list):
            return symbol
        return programs.like(result, [symbol[i] for i in range(len(result))])

    def compute(self, operation: Function, args: Any, settings: dict[str, Any]) -> Any:
        """Return what an operation gives for examples."""
        return operation(*args, **settings)

    def note(self, operation: Function, args: Any, settings: dict[str, Any], result: Any) -> Slot:
        """Keep note of a call, and return the place of what it gave."""
        raise NotImplementedError

    def example_of(self, leaf: Any, name: str) -> Any:
        """Return an argument of a call as its example."""
        if is_a(leaf, Symbol):
            if leaf._teller is not self:
                raise OperandError(f"{name}: came a symbol of another call of tell, which is over.")
            leaf._checked_slot()
            return leaf._example
        if hasattr(leaf, "__array_ufunc__") and not is_a(leaf, np.ndarray, np.generic, type):
            raise OperandError(
                f"{name}: came a symbol and a {type(leaf).__name__}. Give the .data of the latter."
            )
        return leaf

    def decide(self, symbol: Any, how: Function) -> Any:
        """Return what Python asks of a symbol to go one way or another."""
        refuse(symbol, how.__name__)

    def item(self, symbol: Symbol) -> Any:
        """Return the one element of a symbol as a Python number."""
        refuse(symbol, "item")

    def keep(self, error: MicrogradError) -> MicrogradError:
        """Return an error for what only numbers can answer, to be raised."""
        return error

    def before_write(self, symbol: Symbol) -> None:
        """Raise an error if what a symbol stands for cannot be written to."""


class Symbol(ArrayLike):
    """What stands for an array or a number in a function that `tell` calls.

    It has a shape and a dtype, and the operators, functions and methods of an array; each gives
    another symbol. Numbers it has none: `bool`, `float`, `np.asarray` and the like are refused.

    >>> from micrograd.compiler.recording.telling import tell
    >>> def rule(g, x):
    ...     return g if x > 0 else 0
    >>> tell(rule, 1.0, 2.0)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    micrograd.errors.OperandError: bool: came a symbol, which has no numbers...
    """

    __slots__ = (
        "__weakref__",
        "_example",
        "_fresh",
        "_locked",
        "_part",
        "_slot",
        "_stale",
        "_teller",
    )

    def __init__(self, teller: Teller, slot: Slot, example: Any, locked: bool = False) -> None:
        self._teller = teller
        self._slot = slot
        self._example = read_only(example)
        self._fresh = is_a(example, np.ndarray) and example.base is None
        self._part: Any = None  # of which symbol this is a view, and the index that picks it
        self._stale = False
        self._locked = locked
        teller.enter(self)

    def example(self) -> Any:
        """Return the array, or number, that it stands for in the call that is told."""
        return self._example

    def locked(self) -> Symbol:
        """Return another symbol for the same, as an array that cannot be written to."""
        return Symbol(self._teller, self._checked_slot(), np.asarray(self._example), True)

    def as_number(self) -> Any:
        """Return what a Value holds of it, if it is of one element."""
        if self.shape != ():
            raise OperandError(
                f"Value: holds one number, but came {self!r}. Take one element, or use Tensors."
            )
        return self._tell(programs.item, self)

    @property
    def is_array(self) -> bool:
        """Whether it stands for an array, and not for one of NumPy's scalars."""
        return is_a(self._example, np.ndarray)

    def as_array(self) -> Any:
        """Return what stands for an array, where this stands for one of NumPy's scalars."""
        if not is_a(self._example, np.generic):
            return self
        return Symbol(self._teller, self._checked_slot(), np.asarray(self._example))

    def adopted(self) -> Any:
        """Return what stands for the data of a node that an operation gave."""
        array = self.as_array()
        if array._fresh:
            owner = owner_of(array._example)
            self._teller.frozen[id(owner)] = owner
        return array

    def as_owned(self) -> Any:
        """Return what stands for memory that nobody writes to: a copy, if it is a view of such."""
        kept = self._fresh or id(owner_of(self._example)) in self._teller.frozen
        return self if kept else self.copy().adopted()

    def as_float(self) -> Any:
        """Return the one element as a float."""
        return self if self.ndim else self.item().as_float()

    def in_form_of(self, given: Any) -> Any:
        """Return another symbol for the same; without axes, it is an array if what was given is."""
        array = np.asarray(self._example)
        is_array = is_a(given, np.ndarray) or given.is_array
        return Symbol(self._teller, self._checked_slot(), array if is_array else array[()])

    def as_operand(self, copied: bool) -> Any:
        """Return what a constant beside a Tensor holds of it."""
        scalar = not is_a(self._example, np.ndarray)
        if not (copied or scalar):
            return self.locked()
        copy = self.copy("K")
        return copy.adopted() if is_locked(self._example) else copy

    def __hash__(self) -> int:
        if is_users(sys._getframe(1)):
            refuse(self, "hash, by a dict or set")
        return object.__hash__(self)

    def __repr__(self) -> str:
        return f"<symbol of shape {self.shape} and dtype {self.dtype}>"

    def __len__(self) -> int:
        return len(self._example)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        for picked in index if is_a(index, tuple) else (index,):
            if is_a(picked, Symbol) and picked.dtype == bool:
                self._refuse(
                    "getitem: how many elements a mask picks depends on numbers. Use np.where."
                )
        part = self._tell(operator.getitem, self, index)
        if overlap(part._example, self._example):
            part._part = self, index
        return part

    def __bool__(self) -> bool:
        return self._teller.decide(self, bool)

    def __index__(self) -> int:
        return self._teller.decide(self, operator.index)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **settings: Any) -> Any:
        if any(isinstance(arg, Node) for arg in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            return self._target(function, args[0])._write(function, *args[1:])
        return self._call(function, args, settings)

    def __array_function__(self, function: Any, types: Any, args: Any, settings: Any) -> Any:
        if function in _OF_FORMS:
            return function(*mapped(args, lambda leaf: self._teller.example_of(leaf, "tell")))
        if any(issubclass(kind, Node) for kind in types):
            return NotImplemented
        if function in _WRITING:
            return self._target(function, args[0])._write(function, *args[1:], **settings)
        if function in _OF_VALUES or (function is np.where and len(args) == 1):
            self._refuse(
                f"{name_of(function)}: what it gives is no array, or of a size that depends on "
                "numbers, which a symbol does not have. Compute with masks, as np.where does."
            )
        return self._call(function, args, settings)

    def _call(self, function: Function, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        out = settings.pop("out", None)
        if out is None:
            return self._teller.tell(function, args, settings)
        target = self._target(function, out[0] if is_a(out, tuple) else out)
        return target._become(self._teller.tell(programs.into, (target, function, *args), settings))

    def _target(self, function: Function, thing: Any) -> Symbol:
        if not is_a(thing, Symbol):
            self._refuse(
                f"{name_of(function)}: writes what a symbol stands for into an array of numbers. "
                "An array from outside that a program is to write to has to be the data of a "
                "Tensor, as in `v.data += g`; make one from inside with np.zeros_like(symbol, "
                "shape=...)."
            )
        return thing

    def _refuse(self, words: str) -> NoReturn:
        raise self._teller.keep(OperandError(words))

    def _tell(self, operation: Function, *args: Any, **settings: Any) -> Any:
        return self._teller.tell(operation, args, settings)

    def item(self, *index: Any) -> Any:
        """Return one element as a Python number, where what is told has such."""
        return self._teller.item(self[index] if index else self)

    # Writing. A program writes to nothing: what is written to becomes another value.

    def __setitem__(self, index: Any, value: Any) -> None:
        part = value._part if is_a(value, Symbol) else None
        if part is None or part[0] is not self or part[1] is not index:  # not x[index] += ...
            self._write(operator.setitem, index, value)

    def _write(self, function: Function, *args: Any, **settings: Any) -> None:
        told = self._tell(programs.written, function, self, *args, **settings)
        if self._part is None:
            self._become(told)
            return
        whole, index = self._part
        whole[index] = told
        part = whole[index]
        self._slot, self._example, self._stale = part._slot, part._example, False

    def _become(self, told: Symbol) -> Symbol:
        """Stand for another value from now on, as an array does that was written to."""
        self._teller.before_write(self)
        if self._locked:
            self._refuse(f"{self!r}: was computed, and cannot be written to. Copy it first.")
        for other in list(self._teller.alive.values()):
            other._stale = other._stale or overlap(other._example, self._example)
        self._slot, self._example, self._stale = told._slot, told._example, False
        return self

    def _checked_slot(self) -> Slot:
        if self._stale:
            raise OperandError(
                f"{self!r}: was written to by way of another array that shares its memory. Copy "
                "one of them first."
            )
        return self._slot


_OF_FORMS = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory}
_WRITING = {np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal}
_OF_VALUES = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.bincount),
    *(np.array_equal, np.array_equiv, np.allclose, np.trim_zeros, np.union1d, np.intersect1d),
    *(np.array2string, np.array_repr, np.array_str),
}
