"""What a user's own functions use beside their arguments: the variables that they capture.

A derivative is called long after the forward function, and sees its variables
as they are then. What they were is kept beside each record, to be compared.
"""

from __future__ import annotations

import dis
import inspect
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, NamedTuple, cast

import numpy as np

Function = Callable[..., Any]

NUMBERS = (float, int, np.number, np.bool_)
_CONTAINERS = (list, tuple, dict, deque)
_BUFFERS = (bytearray, memoryview, array)
_LIBRARIES = {"micrograd", "numpy", *sys.stdlib_module_names} - {"__main__"}


class Told:
    """What tells itself whether it is what it was, as nodes do."""

    __slots__ = ()

    def _snapshot(self) -> Any:
        """Return what tells later, by `fits(thing)`, whether a thing is this, as it is now."""
        raise NotImplementedError


Place = tuple[str, Any, frozenset[str]]  # what one calls a thing, it, and which attributes count


def captured(functions: Iterable[Function], deep: bool = True) -> dict[str, Any]:
    """Return the arrays, nodes and numbers that functions capture, by what one calls them.

    They are looked for in variables, defaults, lists, tuples, dicts, and in those
    attributes of objects that a function's code names. Integers in containers
    are left out: they count calls more often than they scale gradients.

    Args:
        functions: functions, methods, partial functions or callable objects.
        deep: also nodes, and the attributes of objects.

    >>> slope = np.ones(2)
    >>> list(captured([lambda g, y, x: g * slope]))
    ['slope']
    """
    found: dict[str, Any] = {}
    stack: list[Place] = [("", function, frozenset()) for function in functions]
    seen: set[tuple[int, frozenset[str]]] = set()
    while stack:
        name, thing, reads = stack.pop()
        one: Any = thing
        if isinstance(thing, NUMBERS) or (deep and isinstance(thing, Told)):
            found[name] = thing
        elif isinstance(thing, _BUFFERS):
            found[name] = np.asarray(memoryview(thing))  # pyright: ignore
        elif isinstance(thing, np.ndarray) and one.dtype.kind in "fiub":
            found[name] = thing
        elif (id(one), reads) not in seen:
            seen.add((id(one), reads))
            stack += _inside(name, one, reads, deep)
    return found


def parameters_of(function: Function) -> list[str]:
    """Return the names of the positional parameters of a function.

    >>> parameters_of(lambda g, y, x, *, axis: g)
    ['g', 'y', 'x']
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def _inside(name: str, thing: Any, reads: frozenset[str], deep: bool) -> Iterable[Place]:
    """Yield what is to be looked at in a function, a container or another object."""
    if isinstance(thing, partial):
        arguments = [
            *_entries("argument ", thing.args, reads),
            *_entries("", thing.keywords, reads),
        ]
        return [("", thing.func, reads), *arguments]
    if isinstance(thing, MethodType):
        function: Any = thing.__func__
        if not isinstance(function, FunctionType) or is_a_librarys(function):
            return ()
        names = names_in(function.__code__)
        own = names.attributes - names.stored
        return [("", function, reads), *([("self", thing.__self__, own)] if deep else ())]
    if isinstance(thing, FunctionType):
        return () if name and is_a_librarys(thing) else _variables(thing)
    if isinstance(thing, _CONTAINERS):
        return _entries(name, thing, reads)
    if isinstance(thing, np.ndarray):  # of objects
        return _entries(name, list(cast("Any", thing).flat), reads)
    return _attributes(name, thing, reads) if deep else ()


def is_a_librarys(thing: Any) -> bool:
    """Tell whether a function, class or module is of Python's or an installed library.

    >>> is_a_librarys(np.ndarray), is_a_librarys(ModuleType("mine"))
    (True, False)
    """
    if isinstance(thing, FunctionType):  # it may have the `__module__` of one that it wraps
        module = str(thing.__globals__.get("__name__"))
    else:
        module = str(thing.__name__ if isinstance(thing, ModuleType) else thing.__module__)
    if module.partition(".")[0] in _LIBRARIES:
        return True
    if isinstance(thing, FunctionType):
        return "site-packages" in thing.__code__.co_filename
    return "site-packages" in str(getattr(sys.modules.get(module), "__file__", None))


def _entries(name: str, container: Any, reads: frozenset[str]) -> list[Place]:
    keyed = issubclass(container.__class__, dict)
    items: Any = container.items() if keyed else enumerate(container)
    counts = (int, np.integer, np.bool_)
    return [
        (f"{name}[{k!r}]", item, reads) for k, item in list(items) if not isinstance(item, counts)
    ]


def _attributes(name: str, thing: Any, reads: frozenset[str]) -> list[Place]:
    """Return the attributes of an object that code reads, and the object's own call."""
    if isinstance(thing, ModuleType) and thing.__name__.partition(".")[0] in _LIBRARIES:
        return []
    found = [(f"{name}.{key}", _attribute(thing, key), reads) for key in sorted(reads)]
    if not name and callable(thing):
        found.append(("", _attribute(thing, "__call__"), reads))
    return [place for place in found if place[1] is not None]


def _attribute(thing: Any, key: str) -> Any:
    """Return an attribute without running anybody's code; a method bound; None if there is none."""
    own = getattr(thing, "__dict__", {})
    if key in own and not isinstance(thing, type):
        return own[key]
    for cls in (thing if isinstance(thing, type) else type(thing)).__mro__:
        if key in vars(cls):
            value = vars(cls)[key]
            if isinstance(value, MemberDescriptorType):
                return getattr(thing, key, None)
            if isinstance(value, (staticmethod, classmethod)):
                value = cast("Any", value).__func__
            if isinstance(value, property):
                value = value.fget
            return MethodType(value, thing) if isinstance(value, FunctionType) else value
    return None


def _variables(function: FunctionType) -> Iterator[Place]:
    """Yield the variables from outside that a function reads and does not assign to."""
    code, places = function.__code__, function.__globals__
    names = names_in(code)
    attributes = names.attributes - names.stored
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if name not in names.assigned:
            try:
                yield name, cell.cell_contents, attributes
            except ValueError:  # nothing has been assigned to it yet
                continue
    read = names.read - names.assigned
    yield from ((name, places[name], attributes) for name in read if name in places)
    yield from _entries("default ", function.__defaults__ or (), attributes)
    yield from _entries("default ", function.__kwdefaults__ or {}, attributes)


class Names(NamedTuple):
    """The names in code, with that of the functions in it."""

    cells: frozenset[str]  # variables, outer ones or shared with inner functions, it assigns to
    globals: frozenset[str]  # globals that it assigns to
    read: frozenset[str]  # globals that it reads
    attributes: frozenset[str]  # attributes, of whatever, that it reads
    stored: frozenset[str]  # attributes that it assigns to
    imported: frozenset[str]  # modules
    written: frozenset[str]  # strings, which may name attributes for getattr

    @property
    def assigned(self) -> frozenset[str]:
        return self.cells | self.globals


@lru_cache(maxsize=1024)
def names_in(code: CodeType) -> Names:
    """Return the names in code, and in that of the functions and classes in it.

    >>> sorted(names_in((lambda x: x.size * np.pi).__code__).attributes)
    ['pi', 'size']
    """
    found: dict[str, set[str]] = {kind: set() for kind in Names._fields}
    for instruction in dis.get_instructions(code):
        kind = _KINDS.get(instruction.opname)
        if kind is not None:
            found[kind].add(instruction.argval)
    found["written"].update(one for one in code.co_consts if isinstance(one, str))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            for kind, names in names_in(inner)._asdict().items():
                found[kind].update(names)
    return Names(**{kind: frozenset(names) for kind, names in found.items()})


_KINDS = {
    **dict.fromkeys(["STORE_DEREF", "DELETE_DEREF"], "cells"),
    **dict.fromkeys(["STORE_GLOBAL", "DELETE_GLOBAL"], "globals"),
    **dict.fromkeys(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"], "read"),
    **dict.fromkeys(["LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM"], "attributes"),
    **dict.fromkeys(["STORE_ATTR", "DELETE_ATTR"], "stored"),
    "IMPORT_NAME": "imported",
}


class Captures:
    """The variables that the functions of one operation capture.

    Attributes:
        scratch: those that a derivative writes into without reading them.
    """

    def __init__(self, functions: Iterable[Function], deep: bool = True) -> None:
        self.scratch: set[str] = set()
        self._functions = tuple(functions)
        self._deep = deep

    def now(self) -> dict[str, Any]:
        """Return the variables as they are now."""
        found = captured(self._functions, self._deep)
        for name in self.scratch & found.keys():
            del found[name]
        return found

    def taken(self, node: Any = None) -> Captured | None:
        """Return what the variables are when `node` is recorded; None if there are none."""
        found = self.now() if self._functions else {}
        return Captured(found, node) if found else None

    def written(self, before: Captured) -> list[str]:
        """Return the names of the variables that are no longer what they were."""
        return before.changed(self.now())


def is_same(a: Any, b: Any) -> bool:
    """Tell whether two arrays have the same shape, dtype and elements, bit by bit.

    >>> is_same(np.array([np.nan, 0.0]), np.array([np.nan, 0.0]))
    True
    >>> is_same(np.array([0.0]), np.array([-0.0]))
    False
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.itemsize > 8:  # extended precision has bits that mean nothing
        return bool(np.array_equal(a, b, equal_nan=True))
    if a.nbytes <= 1 << 12:  # up to here, what is fixed costs more than what grows
        return a.tobytes() == b.tobytes()
    bits = f"u{a.itemsize}"
    if a.flags.c_contiguous and b.flags.c_contiguous and a.nbytes % 8 == 0:
        a, b, bits = a.reshape(-1), b.reshape(-1), "u8"
    return bool((a.view(bits) == b.view(bits)).all())


class _ArrayWas:
    """The elements of an array."""

    def __init__(self, array: Any) -> None:
        self._elements = array.copy()

    def fits(self, array: Any) -> bool:
        return array.__class__ is np.ndarray and is_same(self._elements, array)


class _NumberWas:
    """A number."""

    def __init__(self, number: float) -> None:
        self._number = number

    def fits(self, number: Any) -> bool:
        if not isinstance(number, NUMBERS):
            return False
        return number == self._number or (number != number and self._number != self._number)


class Captured:
    """What functions captured when a node was recorded.

    Args:
        variables: what `captured` gave.
        node: the node; itself and its parents, at which every pass looks, are left out.
    """

    def __init__(self, variables: dict[str, Any], node: Any = None) -> None:
        known = set[Any]() if node is None else {node, *node.parents}
        self._were = {
            name: _was(thing)
            for name, thing in variables.items()
            if not isinstance(thing, Told) or thing not in known
        }

    def changed(self, variables: dict[str, Any]) -> list[str]:
        """Return the names of the variables that are not what they were."""
        return [
            name
            for name, was in self._were.items()
            if name in variables and not was.fits(variables[name])
        ]

    def __deepcopy__(self, memo: dict[int, Any]) -> Captured:
        return self  # a copied record has the same functions

    def __reduce__(self) -> Any:
        return Captured, ({},), {"_were": {k: v for k, v in self._were.items() if _travels(v)}}


def _was(thing: Any) -> Any:
    if isinstance(thing, Told):
        return thing._snapshot()
    return _ArrayWas(thing) if isinstance(thing, np.ndarray) else _NumberWas(thing)


def _travels(was: Any) -> bool:
    return isinstance(was, (_ArrayWas, _NumberWas))
