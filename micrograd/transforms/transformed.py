"""What transforms take and give: functions, which keep their name and can be pickled."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any, Concatenate, ParamSpec

from micrograd.errors import OperandError

Function = Callable[..., Any]
P = ParamSpec("P")
Given = (  # a function that came; the first three give the arguments of a lambda a type
    Callable[[Any], Any]
    | Callable[[Any, Any], Any]
    | Callable[Concatenate[Any, Any, Any, ...], Any]
    | Callable[P, Any]
)


class Transformed:
    """A function that a transform made of another: called as that is, and pickled as the call.

    It has the name, docstring and signature of the other, and is bound as a
    method where it stands in a class. Wherever the other can be pickled, or
    copied, so can this.

    Args:
        call: what it does.
        make: the transform, to be found by its name.
        f: the function that was transformed.
        settings: what the transform got besides.

    >>> from micrograd import grad, tanh
    >>> grad(tanh), grad(tanh).__name__
    (<grad of tanh>, 'tanh')
    """

    __slots__ = ("__dict__", "__weakref__", "_call", "_made")

    def __init__(self, call: Function, make: Function, f: Any, *settings: Any) -> None:
        self.__name__ = make.__name__
        update_wrapper(self, f)
        self._call = call
        self._made = make, (f, *settings)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made

    def __repr__(self) -> str:
        make, (f, *_) = self._made
        return f"<{make.__name__} of {getattr(f, '__qualname__', None) or repr(f)}>"


def require_function(name: str, f: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(f):
        raise OperandError(
            f"{name}: expected a function to differentiate, but came a {type(f).__name__}. "
            "Give the function itself, not what it returns."
        )
