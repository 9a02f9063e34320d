"""Copies of functions in which something else stands for generators, and for subscripts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from micrograd.common.captures import is_a_librarys, names_in
from micrograd.compiler.recording.picking import pick
from micrograd.compiler.recording.subscripts import NAME, codes_in, with_calls
from micrograd.compiler.watching.comparison import is_of
from micrograd.compiler.watching.surroundings import Surroundings
from micrograd.transforms.transformed import Transformed

__all__ = ["with_stand_ins"]

Function = Callable[..., Any]


def with_stand_ins(
    f: Function,
    stand_in_for: Callable[[np.random.Generator], Any],
    subscripts: Collection[CodeType] = (),
) -> Function | None:
    """Return a function that computes as `f` does, but draws from stand-ins for generators.

    It is a copy of f, and of the user's functions that it names, with the same
    code over other variables: where a global, a closure cell, a default or an
    argument of a partial function is a Generator, it has the stand-in. Code of
    `subscripts` is made anew from its source, with calls of `pick`. Nothing
    that anybody else sees is changed. The copy knows globals as they are now: make
    one for each call. A generator that is reached in another way, as in an
    attribute or a list, stays what it is.

    Args:
        f: a function, method, partial function, callable object, or what a transform returned.
        stand_in_for: gives what stands for a generator; called once for each.
        subscripts: code in which `pick(a, b)` is to stand for `a[b]`, where its source is found.

    Returns:
        f itself if it names no generator, and has no such code; None if the copy would not do
        what f does, as something that f calls assigns to globals, or to the variable of a
        generator.

    >>> class Half:
    ...     def random(self):
    ...         return 0.5
    >>> rng = np.random.default_rng(0)
    >>> with_stand_ins(lambda x: x * rng.random(), lambda generator: Half())(3.0)
    1.5
    """
    copies = _Copies(f, stand_in_for, frozenset(subscripts))
    copy = copies.of(f)
    return copy if copies.are_faithful() else None


class _Copies:
    """The copies of all functions that have to be copied for one function.

    Args:
        f: the function that calls the others.
        stand_in_for: gives what stands for a generator.
        subscripts: code that is to call `pick`.
    """

    def __init__(
        self,
        f: Function,
        stand_in_for: Callable[[np.random.Generator], Any],
        subscripts: frozenset[CodeType],
    ) -> None:
        self._f = f
        self._subscripts = subscripts
        self._stand_in_for = stand_in_for
        self._things: dict[int, Any] = {}  # what f leads to through variables
        self._needed: set[int] = set()  # generators, and what leads to one
        self._copies: dict[int, Any] = {}
        self._cells: dict[int, CellType] = {}
        self._globals: dict[int, dict[str, Any]] = {}
        self._find()

    def _find(self) -> None:
        holders: dict[int, list[int]] = {}
        stack: list[Any] = [self._f]
        while stack:
            thing = stack.pop()
            if id(thing) not in self._things:
                self._things[id(thing)] = thing
                for held in self._held_by(thing):
                    holders.setdefault(id(held), []).append(id(thing))
                    stack.append(held)
        found = [k for k, thing in self._things.items() if self._is_other(thing)]
        while found:
            one = found.pop()
            if one not in self._needed:
                self._needed.add(one)
                found += holders.get(one, [])

    def _is_other(self, thing: Any) -> bool:
        """Tell whether a thing itself is another in a copy."""
        if is_of(thing, FunctionType):
            return self._code_of(thing) is not thing.__code__
        return is_of(thing, np.random.Generator)

    def _code_of(self, function: FunctionType) -> CodeType:
        code = function.__code__
        picks = self._subscripts and not self._subscripts.isdisjoint(codes_in(code))
        return (with_calls(code) if picks else None) or code

    def _held_by(self, thing: Any) -> list[Any]:
        """Return what a function has that may have to be another in its copy."""
        if is_of(thing, FunctionType):
            if is_a_librarys(thing) and thing is not self._f:
                return []
            names = names_in(thing.__code__).read
            variables = [v for k, v in thing.__globals__.items() if k in names]
            cells = [_contents(cell) for cell in thing.__closure__ or ()]
            keywords: dict[str, Any] = thing.__kwdefaults__ or {}
            return [*variables, *cells, *(thing.__defaults__ or ()), *keywords.values()]
        if is_of(thing, MethodType):
            return [thing.__func__]
        if is_of(thing, partial):
            return [thing.func, *thing.args, *thing.keywords.values()]
        if is_of(thing, Transformed):
            return list(thing._made[1])
        return [type(thing).__call__] if thing is self._f and callable(thing) else []

    def of(self, thing: Any) -> Any:
        """Return what stands for a thing: itself, a copy, or a stand-in."""
        if id(thing) not in self._needed:
            return thing
        if id(thing) not in self._copies:
            if is_of(thing, FunctionType):
                self._copy(thing)
            else:
                self._copies[id(thing)] = self._made_for(thing)
        return self._copies[id(thing)]

    def _made_for(self, thing: Any) -> Any:
        if is_of(thing, np.random.Generator):
            return self._stand_in_for(thing)
        if is_of(thing, MethodType):
            return MethodType(self.of(thing.__func__), thing.__self__)
        if is_of(thing, partial):
            keywords = {key: self.of(value) for key, value in thing.keywords.items()}
            return partial(self.of(thing.func), *map(self.of, thing.args), **keywords)
        if is_of(thing, Transformed):
            make, given = thing._made
            return make(*map(self.of, given))
        return MethodType(self.of(type(thing).__call__), thing)

    def _copy(self, function: FunctionType) -> None:
        """Copy a function; it is known before its variables are, which may name it."""
        code = self._code_of(function)
        variables = self._globals.setdefault(
            id(function.__globals__), {**function.__globals__, NAME: pick}
        )
        closure = tuple(map(self._cell, function.__closure__ or ()))
        copy = FunctionType(code, variables, function.__name__, None, closure)
        self._copies[id(function)] = copy
        copy.__qualname__, copy.__doc__ = function.__qualname__, function.__doc__
        copy.__dict__ = function.__dict__  # the same one, as code may write to it
        copy.__defaults__ = _mapped(self.of, function.__defaults__)
        if function.__kwdefaults__:
            copy.__kwdefaults__ = {k: self.of(v) for k, v in function.__kwdefaults__.items()}
        for name in names_in(function.__code__).read & variables.keys():
            variables[name] = self.of(function.__globals__[name])
        for cell, new in zip(function.__closure__ or (), closure, strict=True):
            if new is not cell:
                new.cell_contents = self.of(_contents(cell))

    def _cell(self, cell: CellType) -> CellType:
        """Return the cell, or a new one for another content; shared as the cell is."""
        if id(_contents(cell)) not in self._needed:
            return cell
        return self._cells.setdefault(id(cell), CellType())

    def are_faithful(self) -> bool:
        """Tell whether nobody assigns to a variable that stands elsewhere in a copy."""
        if not self._copies:
            return True
        for function in Surroundings([("", self._f)]).functions:
            names = names_in(function.__code__)
            if names.globals and id(function.__globals__) in self._globals:
                return False
            for name, cell in _cells_of(function):
                if name in names.cells and id(cell) in self._cells:
                    return False
        return True


def _cells_of(function: FunctionType) -> Iterator[tuple[str, CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing has been assigned to it yet
        return None


def _mapped(function: Function, things: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    return None if things is None else tuple(map(function, things))
