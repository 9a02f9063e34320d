"""Graphs are freed by reference counting alone, at any depth; their memory serves the next."""

import gc
import os
import pickle
import platform
import subprocess
import sys
import threading
import tracemalloc
import weakref
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import micrograd
from micrograd import (
    StaleGraphError,
    Tensor,
    Value,
    no_grad,
    softmax_cross_entropy,
    topological_order,
    where,
)
from micrograd.core.op import Op
from micrograd.engine.memory import keep_freed_memory


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def scalar_graph():
    x = Value(0.5)
    y = where(x > 0, (x.tanh() * x + 2 / x).exp(), x).relu() ** 2
    return x, y


def array_graph():
    x = Tensor(np.ones((4, 3)))
    y = softmax_cross_entropy((x @ np.ones((3, 3)))[[0, 1, 1]].sum(axis=0, keepdims=True), [1])
    return x, y


@pytest.mark.slow
@pytest.mark.parametrize("build", [scalar_graph, array_graph])
def test_a_dropped_graph_leaves_nothing_for_the_cyclic_collector(
    no_collector: Any, build: Any
) -> None:
    x, y = build()
    y.backward()
    nodes = [weakref.ref(node) for node in topological_order(y)]
    assert len(nodes) > 3
    del x, y
    assert [ref() for ref in nodes] == [None] * len(nodes)
    assert gc.collect() == 0


@pytest.mark.slow
def test_a_chain_of_a_million_values(no_collector: Any) -> None:
    x = y = Value(1.0)
    for _ in range(1_000_000):
        y = y * 1.0
    first = weakref.ref(x)
    y.backward()
    assert x.grad == 1.0
    del x, y
    assert first() is None


@pytest.mark.slow
def test_a_long_chain_of_tensors() -> None:
    x = y = Tensor([1.0, 2.0])
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert len(topological_order(y)) == 200_001


def test_a_pickled_graph_differentiates_and_notices_writes() -> None:
    x = Value(3.0, label="x")
    y = pickle.loads(pickle.dumps(x * x + micrograd.exp(x)))
    y.backward()
    copied: Any = next(node for node in topological_order(y) if node.label == "x")
    assert copied.grad == 6.0 + np.exp(3.0)
    copied.data = 1.0
    with pytest.raises(StaleGraphError):
        y.backward()


def test_grad_mode_belongs_to_the_thread() -> None:
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((Value(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_independent_graphs_in_eight_threads_give_exact_results() -> None:
    weights = Tensor(np.linspace(-1, 1, 12).reshape(3, 4))
    results = {}

    def work(i: Any):
        x = Tensor(np.full((2, 3), i + 1.0))
        for _ in range(50):
            x.zero_grad()
            ((x @ weights.data).relu() ** 2).sum().backward()
        results[i] = x.grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        h = np.maximum(np.full((2, 3), i + 1.0) @ weights.data, 0)
        np.testing.assert_allclose(results[i], 2 * h @ weights.data.T, rtol=1e-13)


def peak_during(step: Any, times: Any):
    """Return the bytes held at the end, and at most meanwhile, beyond those at the start.

    They are those of the best of three rounds: other threads, such as one that brings this
    process its next tests, need memory too, but not each time.
    """
    found = []
    for _ in range(3):
        tracemalloc.start()
        try:
            for _ in range(times):
                step()
            found.append(tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
    return tuple(map(min, zip(*found, strict=True)))


def scalar_step():
    w, b = Value(0.5), Value(0.0)

    def step():
        loss = (w * 2.0 + b - 1.0) ** 2
        loss.backward()
        for p in (w, b):
            p.data -= 0.01 * p.grad
            p.zero_grad()

    return step


def array_step():
    w = Tensor(np.ones((4, 3)))
    x = np.eye(4)

    def step():
        loss = softmax_cross_entropy(x @ w, [0, 1, 2, 0])
        loss.backward()
        w.data -= 0.01 * w.grad
        w.zero_grad()

    return step


@pytest.mark.slow
def test_a_loop_of_100_000_steps_holds_memory_constant(no_collector: Any) -> None:
    step = scalar_step()
    blocks = []
    for _ in range(10):
        for _ in range(10_000):
            step()
        blocks.append(sys.getallocatedblocks())
    assert max(blocks) - min(blocks) < 1_000  # where one object a step would be 90,000


@pytest.mark.slow
@pytest.mark.parametrize(("make", "times"), [(scalar_step, 700), (array_step, 1_700)])
def test_a_training_loop_holds_memory_constant(no_collector: Any, make: Any, times: Any) -> None:
    step = make()
    for _ in range(100):  # NumPy keeps small arrays for the next ones, up to a limit
        step()
    _, peak_of_few = peak_during(step, 10)
    held, peak = peak_during(step, times)
    assert held < 2_000
    assert peak < peak_of_few + 2_000


GLIBC = platform.libc_ver()[0] == "glibc"
FAULTS_OF_A_SECOND_STEP = """
import resource
import numpy as np
import micrograd

def step():
    for array in [np.ones(2**20) for _ in range(20)]:  # 160 MB in pieces of 8 MB
        array += 1

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults_of_a_second_step(**variables: str) -> int:
    run = [sys.executable, "-c", FAULTS_OF_A_SECOND_STEP]
    environment = {**os.environ, **variables}
    return int(subprocess.check_output(run, env=environment, text=True))


@pytest.mark.slow
@pytest.mark.skipif(not GLIBC, reason="only glibc can be told what to keep")
def test_what_a_step_frees_serves_the_next_without_being_cleared_anew() -> None:
    kept_less = faults_of_a_second_step(MALLOC_TRIM_THRESHOLD_="131072")
    assert kept_less > 20 * 2**23 / 2**21  # pages of 2 MB at the largest
    assert faults_of_a_second_step() < kept_less / 2  # the system may take a page meanwhile


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"])
def test_what_the_environment_says_of_memory_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    monkeypatch.setenv(name, "1000000")
    assert keep_freed_memory() is False


@pytest.mark.parametrize("library", [{"side_effect": OSError}, {"return_value": Mock(spec=[])}])
def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    load = Mock(**library)
    monkeypatch.setattr("micrograd.engine.memory.ctypes.CDLL", load)
    assert keep_freed_memory() is False
    load.assert_called_once_with(None)


def counted(nodes: list[Tensor], most: list[int]) -> Op:
    """Return an operation whose derivative notes how many nodes hold a gradient."""

    def rule(g: Any, y: Any, x: Any):
        most.append(sum(hasattr(node._grad, "shape") for node in nodes))
        return g * 1.0

    return Op("counted", lambda x: x * 1.0, (rule,))


@pytest.mark.parametrize("twice", [False, True])
def test_a_transform_holds_a_gradient_until_it_has_been_passed_on(twice: Any) -> None:
    nodes, most = [], []
    op = counted(nodes, most)

    def f(x: Any):
        for _ in range(20):
            x = op(x)
            nodes.append(x)
        return (x * x).sum()

    x = np.ones(3)
    slope = micrograd.grad(lambda x: (micrograd.grad(f)(x) ** 2).sum() if twice else f(x))(x)
    assert slope.tolist() == ([8.0] * 3 if twice else [2.0] * 3)
    assert len(most) >= 20
    assert max(most) <= 1  # that of the node itself
    assert not any(node.has_grad for node in nodes)


def test_backward_leaves_the_nodes_between_their_gradients() -> None:
    nodes, most = [], []
    op = counted(nodes, most)
    x = y = Tensor(np.ones(3))
    for _ in range(20):
        y = op(y)
        nodes.append(y)
    y.sum().backward()
    assert most == list(range(1, 21))
    assert all(node.grad.tolist() == [1.0] * 3 for node in nodes)
    assert x.grad.tolist() == [1.0] * 3
