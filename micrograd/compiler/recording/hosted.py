"""What a compiled function calls as it is, after its program: the step of an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from micrograd.compiler.recording import seams
from micrograd.errors import CompileError

HOSTED = "__hosted__"
"""The attribute of functions that are called after programs, and need not be watched."""

F = TypeVar("F", bound=Callable[..., Any])


def hosted(function: F) -> F:
    """Let a function be called after the program, where it is called in a compiled function.

    What it reads and writes is that of nodes; the program leaves them as they are at that call.
    Iterators among its arguments are gone through once, and stand for lists from then on.
    """
    return hosted_unless(None)(function)


def hosted_unless(told: Callable[..., bool] | None) -> Callable[[F], F]:
    """Return a decorator as `hosted`, for a function that can be part of the program sometimes.

    Args:
        told: notes the call on the recorder that it is given last, and tells whether it did.
    """

    def decorator(function: F) -> F:
        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            recorder = seams.current.get()
            if recorder is None:
                return function(*args, **kwargs)
            if told is not None and told(*args, recorder, **kwargs):
                return None
            later = Later(function.__qualname__)
            given = tuple([_listed(arg) for arg in args])
            recorder.host(function, given, {k: _listed(v) for k, v in kwargs.items()}, later)
            return later

        vars(called)[HOSTED] = True
        return called  # pyright: ignore[reportReturnType]

    return decorator


def host_overrides(kind: type, *names: str) -> None:
    """Let the methods that a class defines itself be hosted, as those of its base are.

    So what such a method does beside calling the one of its base happens after each program, too.
    """
    for name in names:
        if name in vars(kind):
            setattr(kind, name, hosted(vars(kind)[name]))


def _listed(thing: Any) -> Any:
    return list(cast("Iterator[Any]", thing)) if isinstance(thing, Iterator) else thing


class Later:
    """What a hosted call will return, which the function can return, but not compute with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _refuse(self, *args: Any) -> NoReturn:
        raise CompileError(
            f"compile: {self.name} runs after the program, and what it returns is used in the "
            "compiled function. Return it, and use it outside, or call it outside."
        )

    __bool__ = __float__ = __int__ = __index__ = __iter__ = __len__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __lt__ = __le__ = __gt__ = __ge__ = __array__ = _refuse
    __str__ = __format__ = _refuse
