"""Operations with thousands of arguments, each of which costs its own share only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import GradientError, Tensor, Value, define_op
from micrograd.core.op import Op, Together


def instructions(work: Callable[[], Any]) -> int:
    """Return how many instructions of Python `work` takes."""
    count = 0

    def local(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def tracer(frame: Any, event: str, arg: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def masked(parts: list[Tensor]) -> Any:
    joined = mg.concatenate(parts)
    return mg.where(joined.data > 0, joined, 0.0)


def closed(parts: list[Tensor]) -> Any:
    n = len(parts)
    return Tensor([1.0], parents=parts, backward=lambda g: (g,) * n)


JOINS: list[Callable[[list[Tensor]], Any]] = [
    mg.concatenate,
    mg.stack,
    mg.hstack,
    mg.vstack,
    mg.dstack,
    mg.column_stack,
    lambda parts: mg.stack(parts, axis=-1),
    Tensor,
    masked,
    closed,
    lambda parts: mg.checkpoint(mg.concatenate)(parts),
]


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_work_backwards_grows_with_the_number_of_arguments(
    join: Any, create_graph: bool
) -> None:
    if create_graph and join is closed:
        return  # a closure is differentiated once only
    work: list[int] = []
    for n in (40, 80, 160):
        y = join([Tensor([1.0 + i]) for i in range(n)]).sum()
        work.append(instructions(lambda y=y: y.backward(create_graph=create_graph)))
    assert work[2] - work[1] < 2.5 * (work[1] - work[0])  # twice; four times if quadratic


def test_an_operation_of_ones_own_is_asked_once_for_all_arguments() -> None:
    asked: list[tuple[int, ...]] = []

    def rule(g: Any, y: Any, *args: Any, scale: float) -> Callable[[int], Any]:
        asked.append(np.shape(args[0]))
        return lambda i: g * scale * (i + 1)

    forward = lambda *args, scale: scale * sum((i + 1) * x for i, x in enumerate(args))  # noqa: E731
    op = define_op("weighted by place", forward, together=rule)
    x, y, constant = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), np.ones(2)
    result = op(x, constant, y, scale=2.0)
    result.sum().backward()
    assert asked == [(2,)]
    assert x.grad.tolist() == [2.0, 2.0]
    assert y.grad.tolist() == [6.0, 6.0]
    v, w = Value(1.0), Value(2.0)
    op(v, w, scale=3.0).backward()
    assert (v.grad, w.grad) == (3.0, 6.0)


def writes_early(g: Any, y: Any, *args: Any) -> Any:
    g *= 2
    return lambda i: g


def writes_late(g: Any, y: Any, *args: Any) -> Any:
    def one(i: int) -> Any:
        args[0][0] = 7.0
        return g

    return one


@pytest.mark.parametrize("rule", [writes_early, writes_late])
def test_a_rule_for_all_arguments_cannot_write_into_what_it_gets(rule: Any) -> None:
    op = Op("writes", lambda *args: sum(args), Together(rule))
    with pytest.raises(GradientError, match="writes into an array that it was given"):
        op(*[Tensor([1.0]) for _ in range(3)]).sum().backward()


def test_a_rule_for_all_arguments_keeps_none_of_the_gradients() -> None:
    kept = np.ones(1)
    op = Op("keeps", lambda *args: sum(args), Together(lambda g, y, *args: lambda i: kept))
    parts = [Tensor([1.0]) for _ in range(3)]
    op(*parts).sum().backward()
    kept[0] = 7.0
    assert [part.grad.tolist() for part in parts] == [[1.0]] * 3
