"""What a compiled function calls as it is, after its program: the step of an optimizer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar

from micrograd.compiler import seams
from micrograd.errors import CompileError

F = TypeVar("F", bound=Callable[..., Any])


def hosted(function: F) -> F:
    """Let a method be called after the program, where it is called in a compiled function.

    What it reads and writes is that of nodes; the program leaves them as they are at that call.
    """

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        recorder = seams.current.get()
        if recorder is None:
            return function(*args, **kwargs)
        later = Later(function.__qualname__)
        recorder.host(function, args, kwargs, later)
        return later

    return called  # pyright: ignore[reportReturnType]


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
