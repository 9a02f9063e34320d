"""Whether a thing outside of a function is what it was, and words for what it was and is.

Nobody's code is run: things are compared by identity, but numbers, strings and
tuples of them by what they are.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from micrograd.common.captures import is_same


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""What a name stands for that has not been assigned to."""

class_of: Callable[[Any], Any] = type
"""The class of a thing, whatever it says its `__class__` is."""

BASES: tuple[type[Any], ...] = (
    *(list, OrderedDict, dict, set, frozenset, tuple, deque, np.ndarray, bytearray, array),
)
"""The classes of containers; those of the user's derive from one of them."""

_ATOMS = (
    *(float, int, complex, str, bytes, type(None), np.generic, np.dtype, range, slice),
    MemberDescriptorType,
)


def is_of(thing: Any, *kinds: type) -> bool:
    """Tell whether a thing is of one of some classes, whatever it says its `__class__` is.

    >>> is_of(True, int, str)
    True
    """
    return issubclass(type(thing), kinds)


def base_of(thing: Any) -> Any:
    """Return which of the classes of containers a thing is of; None if it is no container."""
    kind = class_of(thing)
    return next((base for base in BASES if issubclass(kind, base)), None)


def elements_of(thing: Any) -> list[Any]:
    """Return the elements of a container, of a dict the keys, by the iterator of its base class.

    >>> elements_of({"a": 1, "b": 2})
    ['a', 'b']
    """
    base = base_of(thing)
    if base is np.ndarray:
        return list(thing.flat)
    return list(thing) if base is None else list(base.__iter__(thing))


def has_nothing_inside(thing: Any) -> bool:
    """Tell whether a thing is a number, string or the like, in which there is nothing to find."""
    return issubclass(type(thing), _ATOMS)


def is_unchanged(was: Any, now: Any) -> bool:
    """Tell whether a thing is another by identity, or an equal number, string or tuple of them.

    >>> is_unchanged(float("nan"), float("nan")), is_unchanged(1, True), is_unchanged(0.0, -0.0)
    (True, False, False)
    """
    stack: list[tuple[Any, Any]] = [(was, now)]
    while stack:
        a, b = stack.pop()
        if a is b:
            continue
        kind = class_of(a)
        if kind is not type(b):
            return False
        if kind is tuple and len(a) == len(b):
            stack.extend(zip(a, b, strict=True))
        elif kind is MethodType:
            stack += [(a.__func__, b.__func__), (a.__self__, b.__self__)]
        elif kind is float or kind is complex:
            if repr(a) != repr(b):
                return False
        elif kind is slice:
            stack += [(a.start, b.start), (a.stop, b.stop), (a.step, b.step)]
        elif kind in (int, str, bytes, range) or issubclass(kind, np.dtype):
            if a != b:
                return False
        elif not issubclass(kind, np.generic) or not is_same(np.asarray(a), np.asarray(b)):
            return False
    return True


def comparison(what: str, was: Any, now: Any) -> str:
    """Return words for a place, what it held and what it holds.

    >>> comparison("the global `rate`", 0.1, 0.2)
    'the global `rate` was 0.1 and is 0.2'
    """
    if was is ABSENT:
        return f"{what} was not there and is {shown(now)}"
    if now is ABSENT:
        return f"{what} was {shown(was)} and is no longer there"
    before, after = shown(was), shown(now)
    if before != after:
        return f"{what} was {before} and is {after}"
    if type(was) is not type(now):
        return f"{what} was {before} ({type(was).__name__}) and is a {type(now).__name__}"
    return f"{what} was {before} and is another one"


def shown(thing: Any) -> str:
    """Return words for a thing, without running code of its class."""
    kind = class_of(thing)
    if has_nothing_inside(thing) and kind.__module__ in ("builtins", "numpy"):
        return f"{thing!r:.60}"
    if is_of(thing, np.ndarray):
        return f"an array of shape {thing.shape} and dtype {thing.dtype}"
    if is_of(thing, FunctionType, BuiltinFunctionType, MethodType):
        return f"the function {thing.__qualname__}"
    if is_of(thing, type):
        return f"the class {thing.__name__}"
    if is_of(thing, ModuleType):
        return f"the module {thing.__name__}"
    article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind.__name__}" + (
        f" of {len(elements_of(thing))}" if base_of(thing) else ""
    )
