"""What a user's own functions use beside their arguments: the variables that they capture.

A derivative is called long after the forward function, and sees its variables
as they are then. What they were is kept beside each record, to be compared.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, ClassVar, cast
from weakref import ref

import numpy as np

from micrograd.node import Node
from micrograd.versions import heed, is_same, is_written, time_of

Function = Callable[..., Any]

_NUMBERS = (float, int, np.number, np.bool_)
_LIBRARIES = ("micrograd.", "numpy")
_STORES = {"STORE_DEREF", "STORE_GLOBAL", "DELETE_DEREF", "DELETE_GLOBAL"}
_LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}


def captured(functions: Iterable[Function], deep: bool = True) -> dict[str, Any]:
    """Return the arrays, nodes and numbers that functions capture, by what one calls them.

    Args:
        functions: functions, methods, partial functions or callable objects.
        deep: also nodes, and what stands in the attributes of other objects.

    >>> slope = np.ones(2)
    >>> list(captured([lambda g, y, x: g * slope]))
    ['slope']
    """
    found: dict[str, Any] = {}
    stack: list[tuple[str, Any]] = [("", function) for function in functions]
    seen: set[int] = set()
    while stack:
        name, thing = stack.pop()
        if isinstance(thing, _NUMBERS) or (deep and isinstance(thing, Node)):
            found[name] = thing
        elif isinstance(thing, np.ndarray):
            if cast("Any", thing).dtype.kind in "fiub":
                found[name] = thing
        elif id(thing) not in seen:
            seen.add(id(thing))
            stack += _inside(name, thing, deep)
    return found


def _inside(name: str, thing: Any, deep: bool) -> Iterable[tuple[str, Any]]:
    """Yield what is to be looked at in a function, a container or another object."""
    if isinstance(thing, partial):
        return [("", thing.func), *_entries("argument ", thing.args), *thing.keywords.items()]
    if isinstance(thing, MethodType):
        return [("", thing.__func__), *(_attributes("self", thing.__self__) if deep else ())]
    if isinstance(thing, FunctionType):
        known = name and str(thing.__module__).startswith(_LIBRARIES)
        return () if known else _variables(thing)
    if isinstance(thing, (list, tuple, dict)):
        return _entries(name, thing)
    return _attributes(name, thing) if deep else ()


def _entries(name: str, container: Any) -> list[tuple[str, Any]]:
    """Return the arrays and nodes in a list, tuple or dict, and in those inside."""
    items: Any = container.items() if hasattr(container, "items") else enumerate(container)
    deep = (np.ndarray, Node, list, tuple, dict)
    return [(f"{name}[{key!r}]", item) for key, item in items if isinstance(item, deep)]


def _attributes(name: str, thing: Any) -> list[tuple[str, Any]]:
    """Return the arrays and nodes among the attributes of an object, and its own call."""
    if isinstance(thing, (ModuleType, type)) or type(thing).__module__.startswith(_LIBRARIES):
        return []
    own: dict[str, Any] = getattr(thing, "__dict__", {})
    found: list[tuple[str, Any]] = [
        (f"{name}.{key}", v) for key, v in own.items() if isinstance(v, (np.ndarray, Node))
    ]
    call: Any = type(thing).__call__ if callable(thing) else None
    return [*found, ("", call)] if isinstance(call, FunctionType) else found


def _variables(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables from outside that a function reads and does not assign to."""
    code, places = function.__code__, function.__globals__
    assigned, read = _names(code)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if name not in assigned:
            try:
                yield name, cell.cell_contents
            except ValueError:  # nothing has been assigned to it yet
                continue
    yield from ((name, places[name]) for name in read if name in places)
    yield from _entries("default ", function.__defaults__ or ())
    yield from _entries("default ", function.__kwdefaults__ or {})


@lru_cache(maxsize=1024)
def _names(code: CodeType) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the outer variables that code assigns to, and the globals that it only reads."""
    assigned: set[str] = set()
    read: dict[str, None] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname in _STORES:
            assigned.add(instruction.argval)
        elif instruction.opname in _LOADS:
            read[instruction.argval] = None
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            further, inside = _names(inner)
            assigned |= further
            read |= dict.fromkeys(inside)
    return frozenset(assigned), tuple(name for name in read if name not in assigned)


class Captures:
    """The variables that the functions of one operation capture.

    Attributes:
        scratch: those that a derivative writes into without reading them.
        were_taken: whether any operation captured anything, so that passes have to look.
    """

    were_taken: ClassVar[bool] = False

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

    def taken(self, node: Node | None = None) -> Captured | None:
        """Return what the variables are when `node` is recorded; None if there are none."""
        found = self.now() if self._functions else {}
        if not found:
            return None
        Captures.were_taken = True
        return Captured(found, node)

    def written(self, before: Captured) -> list[str]:
        """Return the names of the variables that are no longer what they were."""
        return before.changed(self.now())


class _NodeWas:
    """A node, and its time."""

    def __init__(self, node: Node) -> None:
        if node.op is None and not node._is_number:
            heed(node)
        self._node = ref(node)
        self._tick = time_of(node)

    def fits(self, node: Any) -> bool:
        if node is not self._node() or time_of(node) != self._tick:
            return False
        return node.op is not None or node._is_number or not is_written(node, self._tick)


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
        if not isinstance(number, _NUMBERS):
            return False
        return number == self._number or (number != number and self._number != self._number)


class Captured:
    """What functions captured when a node was recorded.

    Args:
        variables: what `captured` gave.
        node: the node; itself and its parents, at which every pass looks, are left out.
    """

    def __init__(self, variables: dict[str, Any], node: Node | None = None) -> None:
        known = set[Node]() if node is None else {node, *node.parents}
        self._were = {
            name: _was(thing)
            for name, thing in variables.items()
            if not isinstance(thing, Node) or thing not in known
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
    if isinstance(thing, Node):
        return _NodeWas(thing)
    return _ArrayWas(thing) if isinstance(thing, np.ndarray) else _NumberWas(thing)


def _travels(was: Any) -> bool:
    return not isinstance(was, _NodeWas)
