"""The signatures of NumPy's functions: which argument of a call is which."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

Function = Callable[..., Any]

UNGIVEN: Any = np._NoValue  # pyright: ignore
"""NumPy's default for an argument of which every value means something."""

# Written in C, these tell their signatures from NumPy 2.4 on only, and `where` not truly.
_IN_C: dict[str, Function] = {
    "can_cast": lambda from_, to, casting="safe": None,
    "concatenate": lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    "copyto": lambda dst, src, casting="same_kind", where=True: None,
    "dot": lambda a, b, out=None: None,
    "empty_like": lambda prototype, /, dtype=None, order="K", subok=True, shape=None: None,
    "inner": lambda a, b, /: None,
    "lexsort": lambda keys, axis=-1: None,
    "may_share_memory": lambda a, b, /, max_work=None: None,
    "min_scalar_type": lambda a, /: None,
    "putmask": lambda a, mask, values: None,
    "result_type": lambda *arrays_and_dtypes: None,
    "shares_memory": lambda a, b, /, max_work=None: None,
    "vdot": lambda a, b, /: None,
    "where": lambda condition, x=UNGIVEN, y=UNGIVEN, /: None,
}


def name_of(function: Function) -> str:
    """Return what users call a function of NumPy's.

    >>> name_of(np.linalg.det)
    'np.linalg.det'
    """
    module = str(getattr(function, "__module__", None) or "numpy")
    return f"{module.replace('numpy', 'np', 1)}.{getattr(function, '__name__', function)}"


@cache
def signature_of(function: Function) -> inspect.Signature | None:
    """Return the signature of a function of NumPy's, None if it is not known.

    >>> str(signature_of(np.vdot))
    '(a, b, /)'
    """
    try:
        if function is not np.where:
            return inspect.signature(function)
    except (TypeError, ValueError):
        pass
    stub = _IN_C.get(name_of(function).removeprefix("np."))
    return None if stub is None else inspect.signature(stub)


def bound(function: Function, args: Any, options: Mapping[str, Any]) -> inspect.BoundArguments:
    """Return the arguments of a call by NumPy's names, or by none if these are not known.

    >>> bound(np.sum, ([1.0], 0), {"out": None}).arguments
    {'a': [1.0], 'axis': 0, 'out': None}
    """
    signature = signature_of(function) or inspect.signature(_anything)
    return signature.bind(*args, **options)


def _anything(*args: Any, **options: Any) -> None: ...
