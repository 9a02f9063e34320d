"""Modes as blocks and as decorators: of functions, generators and coroutines."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from threading import Thread
from typing import Any

import pytest

from micrograd import (
    ArgumentError,
    ModeError,
    OperandError,
    Value,
    debug,
    detect_anomaly,
    enable_grad,
    is_grad_enabled,
    no_grad,
    scope,
)
from micrograd.core.modes import listening, recording, scoping
from micrograd.engine.modes import innermost

VARIABLES: tuple[ContextVar[Any], ...] = (recording, listening, scoping, innermost)
MODES: list[Callable[..., Any]] = [no_grad, enable_grad, debug, detect_anomaly]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = [variable.get() for variable in VARIABLES]
    yield
    after = [variable.get() for variable in VARIABLES]
    for variable, value in zip(VARIABLES, before, strict=True):
        variable.set(value)
    assert after == before


def leaky(*blocks: Any) -> Iterator[bool]:
    """Yield inside of blocks."""
    for block in blocks:
        block.__enter__()
    yield is_grad_enabled()
    for block in reversed(blocks):
        block.__exit__(None, None, None)
    yield is_grad_enabled()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bare", [True, False])
def test_a_mode_decorates_with_and_without_parentheses(mode: Any, bare: bool) -> None:
    def inside(x: Value, *, times: int) -> tuple[Any, ...]:
        """Say what is on."""
        return x, times, recording.get(), listening.get()

    decorated = (mode if bare else mode())(inside)
    assert decorated.__name__ == "inside"
    assert decorated.__doc__ == inside.__doc__
    x = Value(1.0)
    with mode():
        on = recording.get(), listening.get()
    found = decorated(x, times=3)
    assert found[:2] == (x, 3)
    assert [type(value) for value in found[2:]] == [type(value) for value in on]
    assert (found[2] is False) == (mode is no_grad)


def test_a_decorated_generator_is_in_the_mode_while_it_runs_and_not_while_it_waits() -> None:
    @no_grad
    def squares(x: Value) -> Any:
        try:
            came = yield is_grad_enabled()
            yield came, is_grad_enabled()
        except KeyError:
            yield "caught", is_grad_enabled()
        finally:
            ended.append(is_grad_enabled())
        return "result"

    ended: list[bool] = []
    assert inspect.isgeneratorfunction(squares)
    steps: Any = squares(Value(1.0))
    assert next(steps) is False
    assert is_grad_enabled()
    assert steps.send(5) == (5, False)
    assert is_grad_enabled()
    assert steps.throw(KeyError()) == ("caught", False)
    assert is_grad_enabled()
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    assert stopped.value.value == "result"
    assert ended == [False]
    steps = squares(Value(1.0))
    next(steps)
    steps.close()
    assert ended == [False, False]
    with pytest.raises(ZeroDivisionError):
        squares(Value(1.0)).throw(ZeroDivisionError())


def test_a_decorated_generator_that_is_iterated_within_the_opposite_mode() -> None:
    @enable_grad
    def steps() -> Iterator[bool]:
        yield is_grad_enabled()
        with no_grad():
            pass
        yield is_grad_enabled()

    with no_grad():
        for inside in steps():
            assert inside
            assert not is_grad_enabled()


def test_a_decorated_coroutine_is_in_the_mode_while_it_runs() -> None:
    @no_grad()
    async def work(x: int) -> tuple[int, bool, bool]:
        before = is_grad_enabled()
        await asyncio.sleep(0)
        return x, before, is_grad_enabled()

    async def several() -> list[Any]:
        return [*await asyncio.gather(work(1), work(2)), is_grad_enabled()]

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(several()) == [(1, False, False), (2, False, False), True]
    by_hand = work(3)
    assert by_hand.send(None) is None
    assert is_grad_enabled()
    with pytest.raises(StopIteration):
        by_hand.send(None)


def test_a_decorated_async_generator_is_in_the_mode_while_it_runs() -> None:
    ended: list[bool] = []

    @no_grad
    async def steps() -> AsyncIterator[bool]:
        try:
            for _ in range(2):
                await asyncio.sleep(0)
                try:
                    yield is_grad_enabled()
                except KeyError:
                    yield is_grad_enabled()
        finally:
            ended.append(is_grad_enabled())

    async def iterate() -> list[bool]:
        seen: list[bool] = []
        async for inside in steps():
            seen += [inside, is_grad_enabled()]
        generator: Any = steps()
        seen.append(await generator.asend(None))
        seen.append(await generator.athrow(KeyError()))
        seen.append(is_grad_enabled())
        await generator.aclose()
        return seen

    assert inspect.isasyncgenfunction(steps)
    assert asyncio.run(iterate()) == [False, True, False, True, False, False, True]
    assert ended == [False, False]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("thing", [3, int, "f"])
def test_what_is_no_function_is_not_decorated(mode: Any, thing: Any) -> None:
    with pytest.raises(OperandError, match="decorates functions"):
        mode(thing)


BLOCKS: list[Callable[[], Any]] = [*MODES, lambda: scope("part")]


@pytest.mark.parametrize("outer", BLOCKS)
@pytest.mark.parametrize("inner", BLOCKS)
def test_a_block_left_while_one_inside_it_is_open_says_so(outer: Any, inner: Any) -> None:
    before = [variable.get() for variable in VARIABLES]
    steps = leaky(inner())
    with pytest.raises(ModeError, match=r"entered inside it, is open\. A gen"), outer():
        next(steps)
    assert [variable.get() for variable in VARIABLES] == before
    with pytest.raises(ModeError, match="another thread, task or order"):
        next(steps)


def test_a_generator_that_is_resumed_in_another_thread_is_noticed() -> None:
    before = [variable.get() for variable in VARIABLES]
    steps, said = leaky(no_grad()), list[str]()
    next(steps)

    def resume() -> None:
        try:
            next(steps)
        except ModeError as error:
            said.append(str(error))
        said.append(str(is_grad_enabled()))

    thread = Thread(target=resume)
    thread.start()
    thread.join()
    assert said[0].startswith("no_grad(): the block is left in another thread")
    assert said[1] == "True"
    assert not is_grad_enabled()  # here it is left open, which nothing can tell
    for variable, value in zip(VARIABLES, before, strict=True):
        variable.set(value)


def test_an_exception_on_its_way_out_is_not_hidden() -> None:
    steps = leaky(enable_grad())
    with pytest.raises(KeyError), no_grad():
        raise KeyError(next(steps))


def test_a_block_is_entered_again_only_after_it_was_left() -> None:
    block = no_grad()
    for _ in range(2):
        with block:
            assert not is_grad_enabled()
    with block, pytest.raises(ModeError, match="was entered before"):
        block.__enter__()
    part = scope("part")
    with part:
        pass
    with pytest.raises(ArgumentError, match="was entered before"):
        part.__enter__()
