"""Graphs are freed by reference counting alone, at any depth; their memory serves the next."""

import gc
import os
import pickle
import platform
import re
import subprocess
import sys
import threading
import tracemalloc
import weakref
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import micrograd
from benchmarks.peers import environment_of_kept_memory
from micrograd import (
    ArgumentError,
    OperandError,
    StaleGraphError,
    Tensor,
    Value,
    no_grad,
    softmax_cross_entropy,
    topological_order,
    where,
)
from micrograd.core.op import Op
from micrograd.experiments.command import new_parser, run
from micrograd.training.memory import keep_freed_memory


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


SAID = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"]
GLIBC = platform.libc_ver()[0] == "glibc"
FAULTS_OF_A_SECOND_STEP = """
import resource
import numpy as np
import micrograd
from micrograd.training import keep_freed_memory

{}

def step():
    for array in [np.ones(2**20) for _ in range(20)]:  # 160 MB in pieces of 8 MB
        array += 1

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults_of_a_second_step(setting: str = "", **variables: str) -> int:
    """Return how often a step was given memory that the system had to clear."""
    run = [sys.executable, "-c", FAULTS_OF_A_SECOND_STEP.format(setting)]
    kept = {name: text for name, text in os.environ.items() if name not in SAID}
    return int(subprocess.check_output(run, env=kept | variables, text=True))


@pytest.mark.slow
@pytest.mark.skipif(not GLIBC, reason="only glibc can be told what to keep")
def test_what_a_step_frees_serves_the_next_without_being_cleared_anew_where_asked_for() -> None:
    fewest = 20 * 2**23 / 2**21  # pages of 2 MB at the largest
    for setting in ("", "keep_freed_memory(); keep_freed_memory(2**17)"):
        assert faults_of_a_second_step(setting) > fewest
    # The system may take a page meanwhile.
    assert faults_of_a_second_step("keep_freed_memory()") < fewest / 2
    # What the environment says holds, less or more.
    less = faults_of_a_second_step("keep_freed_memory()", MALLOC_TRIM_THRESHOLD_="131072")
    assert less > fewest
    assert faults_of_a_second_step("", **environment_of_kept_memory()) < fewest / 2


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SAID:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", SAID)
def test_what_the_environment_says_of_memory_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, nothing_said: None, name: str
) -> None:
    load = Mock(side_effect=AssertionError)
    monkeypatch.setattr("micrograd.training.memory.ctypes.CDLL", load)
    monkeypatch.setenv(name, "glibc.malloc.trim_threshold=1000000")
    assert keep_freed_memory() is False


def test_other_tunables_of_glibc_say_nothing_of_memory(
    monkeypatch: pytest.MonkeyPatch, nothing_said: None
) -> None:
    library = Mock()
    monkeypatch.setattr("micrograd.training.memory.ctypes.CDLL", library)
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=3")
    assert keep_freed_memory() is True


@pytest.mark.parametrize(
    ("most", "block"),
    [(2**29, 2**25), (2**20, 2**20), (2**17, 2**17), (0, 2**17), (np.int64(2**20), 2**20)],
)
def test_the_c_library_is_told_how_much_to_keep_and_in_blocks_of_which_size(
    monkeypatch: pytest.MonkeyPatch, nothing_said: None, most: Any, block: int
) -> None:
    library = Mock()
    monkeypatch.setattr("micrograd.training.memory.ctypes.CDLL", library)
    assert keep_freed_memory(most) is True
    told = [call.args for call in library.return_value.mallopt.call_args_list]
    assert [type(number) for _, number in told] == [int, int]
    assert told == [(-3, block), (-1, most)]  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h


@pytest.mark.parametrize(
    ("most", "error", "message"),
    [
        (-1, ArgumentError, "keep_freed_memory: most is -1; expected a whole number from 0 on."),
        (1e6, OperandError, "keep_freed_memory: expected a whole number for most, but came"),
        (2**31, ArgumentError, "most is 2,147,483,648 bytes, but glibc takes less than 2 GB"),
    ],
)
def test_a_setting_that_glibc_does_not_take_is_refused(most: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        keep_freed_memory(most)


@pytest.mark.parametrize("library", [{"side_effect": OSError}, {"return_value": Mock(spec=[])}])
def test_other_c_libraries_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, nothing_said: None, library: Any
) -> None:
    load = Mock(**library)
    monkeypatch.setattr("micrograd.training.memory.ctypes.CDLL", load)
    assert keep_freed_memory() is False
    load.assert_called_once_with(None)


def test_the_commands_keep_freed_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep, done = Mock(), Mock()
    monkeypatch.setattr("micrograd.experiments.command.keep_freed_memory", keep)
    command = new_parser("test", "", str(tmp_path))
    assert run(command, lambda options: done(keep.call_count), []) == 0
    done.assert_called_once_with(1)


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
