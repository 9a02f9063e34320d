"""Blocks in which something is switched on or off: context variables with other values.

The values belong to a context: a thread, or an asyncio task. A generator has
none of its own; one that yields inside such a block leaves it open around
whoever iterates it. So a block knows which one is around it, and says so if it
is not left in the order in which it was entered.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextvars import ContextVar
from functools import partial, wraps
from types import coroutine
from typing import Any, ClassVar, NoReturn, Self, TypeVar, cast, overload

from micrograd.core.modes import mode_when_on, recording
from micrograd.errors import ModeError, OperandError

__all__ = ["enable_grad", "no_grad"]

F = TypeVar("F", bound=Callable[..., Any])
Values = Iterable[tuple[ContextVar[Any], Any]]
Function = Callable[..., Any]
Again = Callable[[], "Mode"]

innermost: ContextVar[Block | None] = ContextVar("innermost", default=None)


class Block:
    """A `with` block in which context variables have the values that `_values()` gives.

    Attributes:
        name: what a message calls it.
    """

    __slots__ = ("_before", "_outer", "name")

    name: str
    _outer: Block | None
    _before: Any  # while the block is open, the variables and the values that they had before
    _closed: ClassVar[Any] = None  # what `_before` is after the block; None if it may come again

    def __init__(self, name: str) -> None:
        self.name = name
        self._before = None
        self._outer = None

    def _values(self) -> Values:
        raise NotImplementedError

    def _refuse(self) -> NoReturn:
        raise ModeError(
            f"{self!r}: was entered before, and not left. Make a new one for each block."
        )

    def __enter__(self) -> Self:
        if self._before is not None:
            self._refuse()
        self._outer = innermost.get()
        before: list[tuple[ContextVar[Any], Any]] = []
        self._before = before
        for variable, value in self._values():
            before.append((variable, variable.get()))
            variable.set(value)
        innermost.set(self)
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        last = innermost.get()
        still_open = (self,) if last is self else _open_in(self, last)
        for block in still_open:
            for variable, value in block._before:
                variable.set(value)
        if still_open:
            innermost.set(self._outer)
        self._before, self._outer = self._closed, None
        if last is self:
            return
        if kind is None:  # or else what is on its way out matters more
            left = f"while {last!r}, entered inside it, is open" if still_open else _ELSEWHERE
            raise ModeError(f"{self!r}: the block is left {left}. {_ADVICE}")

    def __repr__(self) -> str:
        return f"{self.name}()"


_ELSEWHERE = "in another thread, task or order than it was entered in"
_ADVICE = (
    "A generator that yields inside `with` leaves the block open for whoever iterates it: use the "
    "mode as a decorator of the generator function, or yield outside of the block."
)


def _open_in(outer: Block, block: Block | None) -> list[Block]:
    """Return the blocks from `block` outwards to `outer`; none if that is not around it."""
    found: list[Block] = []
    while block is not None:
        found.append(block)
        if block is outer:
            return found
        block = block._outer
    return []


class Mode(Block):
    """A block that is a decorator, too: of functions, generator functions and async ones.

    A decorated generator is in the mode while it runs, and never while it waits
    at a `yield` or an `await`.

    Args:
        name: what a message calls it.
        values: gives the variables and the values that they have in the block.
    """

    __slots__ = ("_given",)

    def __init__(self, name: str, values: Callable[[], Values]) -> None:
        self.name = name
        self._before = self._outer = None
        self._given = values

    def _values(self) -> Values:
        return self._given()

    def __call__(self, function: F) -> F:
        """Return the function with each of its steps in this mode."""
        if not callable(function) or isinstance(function, type):
            raise OperandError(
                f"{self.name}: decorates functions, but came {function!r:.60}. Decorate the "
                f"methods of a class, or write `with {self.name}():`."
            )
        again = partial(Mode, self.name, self._given)
        wrap = next(wrap for is_such, wrap in _WRAPPERS if is_such(function))
        return cast("F", wraps(function)(wrap(again, function)))


def _plain(again: Again, function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with again():
            return function(*args, **kwargs)

    return wrapper


def _generator(again: Again, function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return (yield from _stepwise(again, function(*args, **kwargs)))

    return wrapper


def _coroutine(again: Again, function: Function) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _awaited(again, function(*args, **kwargs))

    return wrapper


def _async_generator(again: Again, function: Function) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = function(*args, **kwargs)
        step = steps.asend(None)
        while True:
            try:
                out = await _awaited(again, step)
            except StopAsyncIteration:
                return
            try:
                step = steps.asend((yield out))
            except GeneratorExit:
                await _awaited(again, steps.aclose())
                raise
            except BaseException as error:
                step = steps.athrow(error)

    return wrapper


_WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[[Again, Function], Function]], ...] = (
    (inspect.isgeneratorfunction, _generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isasyncgenfunction, _async_generator),
    (callable, _plain),
)


def _stepwise(again: Again, steps: Any) -> Generator[Any, Any, Any]:
    """Run a generator, or what an `await` runs, with each step in a mode."""
    step: Function = steps.send
    given: Any = None
    while True:
        try:
            with again():
                out = step(given)
        except StopIteration as stop:
            return stop.value
        try:
            step, given = steps.send, (yield out)
        except GeneratorExit:
            with again():
                steps.close()
            raise
        except BaseException as error:
            step, given = steps.throw, error


@coroutine
def _awaited(again: Again, awaitable: Any) -> Generator[Any, Any, Any]:
    return (yield from _stepwise(again, awaitable.__await__()))


@overload
def no_grad() -> Mode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Record nothing inside the block; what is computed there is a constant.

    The setting belongs to the current thread or asyncio task, and nests. As a
    decorator, with parentheses or without, it switches recording off while the
    function runs; a generator function or an `async def`, too, only while it
    runs, and not while it waits at a `yield` or an `await`.

    A generator that yields inside `with no_grad():` leaves recording switched
    off for whoever iterates it: decorate it instead.

    Args:
        function: the function to decorate; a `with` block needs none.

    Raises:
        ModeError: at the end of the block, where it is not left in the order and in
            the thread or task in which it was entered.
        OperandError: if what is decorated is no function.

    >>> from micrograd import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    >>> @no_grad
    ... def squares():
    ...     yield x * x
    >>> [(y.requires_grad, (y + x).requires_grad) for y in squares()]
    [(False, True)]
    """
    mode = Mode("no_grad", _off)
    return mode if function is None else mode(function)


@overload
def enable_grad() -> Mode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Record again inside a block that stands in `no_grad`.

    It is a decorator as `no_grad` is, with the same argument and errors.

    >>> from micrograd import Value, enable_grad, no_grad
    >>> with no_grad(), enable_grad():
    ...     y = Value(3.0) * 2
    >>> y.requires_grad
    True
    """
    mode = Mode("enable_grad", _on)
    return mode if function is None else mode(function)


def _off() -> Values:
    return ((recording, False),)


def _on() -> Values:
    return ((recording, mode_when_on()),)
