"""Things whose state cannot be compared: reading them changes it, or it differs between threads."""

from __future__ import annotations

from contextvars import ContextVar
from queue import Queue, SimpleQueue
from threading import local
from types import MappingProxyType
from typing import Any
from weakref import (
    CallableProxyType,
    ProxyType,
    ReferenceType,
    WeakKeyDictionary,
    WeakSet,
    WeakValueDictionary,
)

from micrograd.common.captures import is_a_librarys
from micrograd.compiler.watching.comparison import is_of

_HIDDEN = (
    *(ContextVar, Queue, SimpleQueue, local, memoryview, ReferenceType, ProxyType),
    *(CallableProxyType, WeakKeyDictionary, WeakValueDictionary, WeakSet),
)


_EMPTY: dict[str, Any] = {}
WINDOWS: tuple[type[Any], ...] = (
    *(MappingProxyType, type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items())),
)
"""The classes of what shows a dict, and holds nothing else."""


def has_a_hidden_state(thing: Any) -> bool:
    """Tell whether a thing is an iterator of a library, a queue, a weak reference or the like.

    >>> has_a_hidden_state(iter([1])), has_a_hidden_state([1])
    (True, False)
    """
    if is_of(thing, *_HIDDEN):
        return True
    steps = [kind for kind in type(thing).__mro__ if "__next__" in vars(kind)]
    return bool(steps) and is_a_librarys(steps[0])
