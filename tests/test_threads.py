"""Threads: independent graphs, shared leaves, shared graphs; and passes within passes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import GradientError, Tensor, Value, define_op
from micrograd.core.op import Op
from micrograd.core.turns import underway
from micrograd.errors import ArgumentError

THREADS = 8


@pytest.fixture(autouse=True)
def many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(task: Any, arguments: Any) -> list[Any]:
    """Return what each thread gives, all of them started together."""
    arguments = list(arguments)
    barrier = Barrier(len(arguments))

    def run(argument: Any) -> Any:
        barrier.wait()
        return task(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def scalar_gradient(seed: int) -> float:
    x = Value(1.0 + seed / 10)
    y = x
    for i in range(300):
        y = y * x + mg.tanh(y) / (i + 1) if i % 3 else mg.sin(y)
    y.backward()
    return x.grad


def array_gradient(seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    W, x = Tensor(rng.standard_normal((8, 8))), rng.standard_normal((4, 8))
    h: Any = x
    for _ in range(30):
        h = mg.tanh(h @ W)
    (h * h).sum().backward()
    return W.grad.ravel().tolist()


@pytest.mark.parametrize("gradient", [scalar_gradient, array_gradient])
def test_independent_graphs_in_eight_threads_are_exact(gradient: Any) -> None:
    alone = [gradient(seed) for seed in range(THREADS)]
    assert at_once(gradient, range(THREADS)) == alone


def test_threads_that_share_leaves_lose_no_gradient() -> None:
    x, W = Value(3.0), Tensor(np.ones(4))

    def task(times: int) -> None:
        for _ in range(times):
            (x * x).backward()
            (W * 2).sum().backward()

    at_once(task, [50] * THREADS)
    assert x.grad == 6 * 50 * THREADS
    assert W.grad.tolist() == [2 * 50 * THREADS] * 4


def test_threads_that_differentiate_the_same_graph_wait_for_each_other() -> None:
    x = Value(1.1)
    h = x
    for _ in range(200):
        h = h * x
    roots = [h * (i + 1) for i in range(THREADS)]
    at_once(lambda root: root.backward(), roots)
    expected = 201 * 1.1**200 * sum(range(1, THREADS + 1))
    assert x.grad == pytest.approx(expected, rel=1e-12)
    assert not underway


def test_a_graph_of_one_thread_is_differentiated_in_another() -> None:
    x = Value(3.0)
    y = x * x
    thread = Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad == 6.0


def test_a_pass_waits_for_one_that_shares_its_nodes() -> None:
    begun, go_on = Event(), Event()

    def slow(g: Any, y: Any, x: Any) -> Any:
        begun.set()
        assert go_on.wait(120)
        return g * 2

    double = Op("slow double", lambda x: 2 * x, (slow,))
    x = Value(3.0)
    y = double(x) * 1.0
    first, second = Thread(target=y.backward), Thread(target=(y * 10).backward)
    first.start()
    assert begun.wait(120)
    second.start()
    second.join(0.05)
    assert second.is_alive()
    go_on.set()
    first.join(120)
    second.join(120)
    assert x.grad == 22.0


def test_a_pass_within_a_pass_over_the_same_nodes_is_an_error() -> None:
    x = Value(3.0)
    h = x * x

    def rule(g: Any, y: Any, a: Any) -> Any:
        h.backward()
        return g

    y = Op("backward within backward", lambda a: a, (rule,))(h)
    with pytest.raises(GradientError, match="being differentiated just now"):
        y.backward()
    assert x.grad == 0
    assert not underway
    h.backward()
    assert x.grad == 6.0


def test_a_pass_within_a_pass_over_a_graph_of_its_own_is_fine() -> None:
    rule = lambda g, y, a: g * mg.grad(mg.tanh)(a)  # noqa: E731
    op = Op("tanh by grad", np.tanh, (rule,))
    x = Value(0.5)
    op(x).backward()
    assert x.grad == pytest.approx(1 - np.tanh(0.5) ** 2, rel=1e-15)


def test_of_threads_that_define_one_name_one_succeeds() -> None:
    def define(_: int) -> bool:
        try:
            define_op("defined by threads", lambda x: x, lambda g, y, x: g)
        except ArgumentError:
            return False
        return True

    assert sorted(at_once(define, range(THREADS))) == [False] * (THREADS - 1) + [True]


def test_no_version_is_given_twice() -> None:
    from micrograd.core.versions import VersionCounter

    versions = VersionCounter()
    times = at_once(lambda _: [versions.advance() for _ in range(500)], range(THREADS))
    assert len({time for several in times for time in several}) == 500 * THREADS


class Writing:
    """An operand that becomes an array while another thread writes to a node of its own."""

    def __init__(self, other: Tensor) -> None:
        self.other = other

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.other.data = np.ones(1)
        return np.array([2.0])


def test_a_write_elsewhere_while_an_operand_is_taken_makes_no_record_stale() -> None:
    x, other = Tensor([3.0]), Tensor([0.0])
    y = x * Writing(other)
    y.sum().backward()
    assert x.grad.tolist() == [2.0]
