"""Backward passes that are cut short: by a signal, by another thread, by a fork."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import GradientError, Tensor, Value
from micrograd.core.node import Node, topological_order
from micrograd.core.op import Op
from micrograd.core.passes import Pass
from micrograd.core.turns import adding, next_of, sharer_of, underway
from micrograd.core.versions import versions
from micrograd.transforms.backward_trace import trace_backward

Built = tuple[Any, list[Any]]


LOCKING = {"micrograd.core.versions", "micrograd.engine.seals"}
"""Where locks are held for a moment: a tracer can come between `with` and its body, no signal."""


class Cut(BaseException):
    """What comes from outside, as KeyboardInterrupt does."""


def cut_at(k: int, work: Callable[[], Any]) -> bool:
    """Raise before the k-th instruction of `work`; tell whether it came so far."""
    left = k

    def local(frame: Any, event: str, arg: Any) -> Any:
        nonlocal left
        if event == "opcode":
            left -= 1
            if left == 0:
                raise Cut
        return local

    def tracer(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_globals["__name__"] in LOCKING:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    before = sys.gettrace()
    gc.disable()  # what else is called back when it runs is not to be cut
    sys.settrace(tracer)
    try:
        copy_context().run(work)  # a `with` that is cut short at its end leaves its mode on
    except Cut:
        return True
    finally:
        sys.settrace(before)
        gc.enable()
    return False


def every_cut(step: int, prepare: Callable[[], Any], work: Callable[[], Any]) -> Iterator[int]:
    """Cut `work` short at every `step`-th instruction, until it comes to its end."""
    for k in range(1, sys.maxsize, step):
        prepare()
        if not cut_at(k, work):
            assert k > 1
            return
        yield k


def of_numbers() -> Built:
    a, b = Value(2.0), Value(3.0)
    return (a * b + a).tanh() * b, [a, b]


def of_arrays() -> Built:
    a, b, c = Tensor([1.0, 2.0]), Tensor([3.0]), Tensor([0.5])
    joined = mg.concatenate([a, b, c, a * b])
    return (joined * joined).sum(), [a, b, c]


def with_a_mask() -> Built:
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 1.0])
    y = mg.where(a.data > 1, mg.log(a) * b, b)
    return mg.concatenate([y, a]).sum(), [a, b]


def with_a_closure_that_adds() -> Built:
    a, b = Value(2.0), Value(3.0)
    y = Value(a.data * b.data, (a, b), "*")

    def add() -> None:
        a.grad += b.data * y.grad
        b.grad += a.data * y.grad

    y._backward = add
    return y * a, [a, b]


def with_a_checkpoint() -> Built:
    a, b = Tensor([0.2]), Tensor([0.3])
    return (mg.checkpoint(lambda a, b: mg.tanh(a * b) + a)(a, b) * b).sum(), [a, b]


def numbers(leaves: list[Any]) -> list[Any]:
    grads = [getattr(leaf._grad, "_data", leaf._grad) for leaf in leaves]
    return [None if grad is None else np.asarray(grad).tolist() for grad in grads]


@pytest.mark.parametrize(
    ("build", "create_graph", "step"),
    [
        (of_numbers, False, 1),
        (of_arrays, False, 2),
        (with_a_mask, False, 23),
        (with_a_closure_that_adds, False, 3),
        (with_a_checkpoint, False, 53),
        (of_numbers, True, 11),
        (of_arrays, True, 37),
        (with_a_mask, True, 101),
        (with_a_checkpoint, True, 211),
    ],
)
def test_a_pass_that_is_cut_short_anywhere_is_made_whole_or_not_at_all(
    build: Callable[[], Built], create_graph: bool, step: int
) -> None:
    y, leaves = build()
    y.backward(create_graph=create_graph)
    once = numbers(leaves)
    ones = [np.ones(np.shape(x.data)).tolist() for x in leaves]
    both = [(np.asarray(g) + 1.0).tolist() for g in once]
    seen: list[Any] = []

    def prepare() -> None:
        for x in leaves:
            x.grad = np.ones(x.shape) if isinstance(x, Tensor) else 1.0

    for k in every_cut(step, prepare, lambda: y.backward(create_graph=create_graph)):
        seen.append(numbers(leaves))
        assert seen[-1] in (ones, both), k
        assert not underway, k
        assert not adding, k
        assert not any(isinstance(node._grad, Pass) for node in topological_order(y)), k
        for x in leaves:
            x.grad = None
        y.backward()
        assert numbers(leaves) == once, k
    assert ones in seen
    assert numbers(leaves) == both


@pytest.mark.parametrize("transform", [mg.grad, mg.jacobian])
def test_a_transform_that_is_cut_short_anywhere_leaves_no_trace(transform: Any) -> None:
    w, x = Value(3.0), Value(2.0)
    h = w * x
    h.backward()
    slope = transform(lambda t: (t * h).tanh())
    expected = slope(0.1).data
    for k in every_cut(29, lambda: None, lambda: slope(0.1)):
        assert (w.grad, x.grad) == (2.0, 3.0), k
        assert not underway, k
        assert slope(0.1).data == expected, k


def test_a_followed_pass_that_is_cut_short_anywhere_changes_no_gradient() -> None:
    y, leaves = of_numbers()
    y.backward()
    before = [node._grad for node in topological_order(y)]
    for k in every_cut(7, lambda: None, lambda: trace_backward(y)):
        assert [node._grad for node in topological_order(y)] == before, k
        assert not underway, k
    assert [leaf.grad for leaf in leaves] == before[: len(leaves)]


def test_a_signal_in_a_rule_leaves_no_trace() -> None:
    came = [True]

    def rule(g: Any, y: Any, x: Any) -> Any:
        if came.pop():
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):  # it comes between two of these
                pass
        return g

    x = Value(3.0)
    y = Op("interrupted", lambda x: x, (rule,))(x * x) * x
    came.append(True)
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert x.grad == 0
    assert not underway
    came[:] = [False]
    y.backward()
    assert x.grad == 27.0


def stand_in_line(root: Node) -> Pass:
    """Return a pass that holds its nodes and has no call that runs it: what is left of one."""
    lost = Pass((root,))
    lost.line_up(underway, sharer_of)
    lost.acquire()
    lost.line_up(adding, next_of)
    return lost


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_pass_that_no_longer_runs_is_in_nobodys_way(elsewhere: bool) -> None:
    x = Value(3.0)
    y = x * x
    stand_in_line(y)
    assert y.grad == 0  # it shows no pass
    if elsewhere:
        thread = Thread(target=y.backward, daemon=True)
        thread.start()
        thread.join(30)
    else:
        y.backward()
    assert x.grad == 6.0
    assert not underway
    assert not adding


def test_a_pass_of_a_thread_that_has_ended_is_in_nobodys_way() -> None:
    x = Tensor([3.0])
    y = (x * x).sum()
    thread = Thread(target=stand_in_line, args=(y,))
    thread.start()
    thread.join()
    assert y.grad is None
    y.backward()
    assert x.grad == [6.0]
    assert not underway


def test_a_pass_whose_nodes_were_taken_adds_nothing() -> None:
    x = Value(3.0)

    def rule(g: Any, y: Any, x: Any) -> Any:
        for other in list(underway):
            other.leave(underway)
        return g

    y = Op("taken", lambda x: x, (rule,))(x) * 2.0
    with pytest.raises(GradientError, match="differentiated by somebody else"):
        y.backward()
    assert x.grad == 0


def test_a_handler_that_differentiates_in_the_middle_of_a_sum_is_refused() -> None:
    x = Value(3.0)
    y = x * x

    class Sum:
        def __add__(self, g: float) -> float:
            (x * 5.0).backward()
            return g

    x._grad = Sum()
    with pytest.raises(GradientError, match="being differentiated just now"):
        y.backward()
    assert isinstance(x._grad, Sum)
    assert not adding


def test_exceptions_sent_to_a_thread_leave_all_or_nothing() -> None:
    y, leaves = of_arrays()
    y.backward()
    once = numbers(leaves)
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    for _ in range(20):
        for x in leaves:
            x.grad = None
        begun = Event()

        def work(begun: Event = begun) -> None:
            try:
                while True:
                    for x in leaves:
                        x._grad = None
                    begun.set()
                    y.backward()
            except Cut:
                pass

        thread = Thread(target=work, daemon=True)
        thread.start()
        assert begun.wait(30)
        assert thread.ident is not None
        send(ctypes.c_ulong(thread.ident), ctypes.py_object(Cut))
        thread.join(30)
        assert not thread.is_alive()
        assert all(g in (None, o) for g, o in zip(numbers(leaves), once, strict=True))
        assert not underway
        assert not adding
    for x in leaves:
        x.grad = None
    y.backward()
    assert numbers(leaves) == once


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


def succeeds_in_a_child(task: Callable[[], bool]) -> bool:
    """Fork, and tell whether `task` returns True there, before long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if task() else 1
        finally:
            os._exit(status)
    for _ in range(3000):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


@needs_fork
def test_a_child_differentiates_the_graph_that_another_thread_was_in() -> None:
    begun, go_on = Event(), Event()

    def rule(g: Any, y: Any, x: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return g * 2

    x = Value(3.0)
    inner = x * x
    y = Op("waits", lambda x: 2 * x, (rule,))(inner) * inner
    thread = Thread(target=y.backward)
    thread.start()
    assert begun.wait(30)

    def task() -> bool:
        clean = not any(node._grad is not None for node in topological_order(y))
        go_on.set()
        y.backward()
        return clean and x.grad == 216.0

    try:
        assert succeeds_in_a_child(task)
    finally:
        go_on.set()
        thread.join()
    assert x.grad == 216.0


@needs_fork
def test_a_child_goes_on_with_the_pass_that_forked_it() -> None:
    x = Value(3.0)

    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * (2.0 if succeeds_in_a_child(lambda: len(underway) == 1) else 0.0)

    Op("forks", lambda x: 2 * x, (rule,))(x).backward()
    assert x.grad == 2.0


@needs_fork
def test_a_child_has_locks_that_no_other_thread_holds() -> None:
    x = Value(3.0)

    def task() -> bool:
        x.data = 4.0
        y = x * x
        y.backward()
        return x.grad == 8.0

    with versions._lock:
        assert succeeds_in_a_child(task)
