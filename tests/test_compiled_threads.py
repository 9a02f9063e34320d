"""While one thread records, others compute as always; compiled functions run in several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import micrograd as mg
from micrograd import Node, Tensor, Value
from micrograd.core.op import registry


def eager(x: float) -> list[Any]:
    """Return what eager calls compute, gradients too, on nodes of their own."""
    a, t = Value(x), Tensor([x, 2 * x])
    y = mg.tanh(a * a) + a**3
    y.backward()
    total = (mg.exp(-t) * t @ np.ones((2, 2))).sum()
    total.backward()
    t.data -= 0.5 * t.grad
    kinds = [type(thing) for thing in (a._data, a.grad, t._data, t.grad, y.data, total.data)]
    slope = mg.grad(lambda w: w * w * w)(x)
    return [y.data, a.grad, total.item(), t.grad.tolist(), t.data.tolist(), slope, kinds]


def test_others_compute_while_one_records() -> None:
    inside, go_on = threading.Event(), threading.Event()
    w = Value(2.0)

    def paused(x: float) -> Value:
        y = w * x
        inside.set()
        assert go_on.wait(60)
        (y * y).backward()
        return y

    expected = [eager(k / 7) for k in range(20)]
    with ThreadPoolExecutor(2) as pool:
        recorded = pool.submit(mg.compile(paused), 3.0)
        assert inside.wait(60)
        try:
            assert [eager(k / 7) for k in range(20)] == expected
            assert pool.submit(lambda: [eager(k / 7) for k in range(20)]).result() == expected
            assert (w.data, w.grad, (w * 5).data) == (2.0, 0, 10.0)
        finally:
            go_on.set()
        assert recorded.result().data == 6.0
    assert (w.data, w.grad) == (2.0, 36.0)
    assert type(Node.__dict__["_data"]).__name__ == "member_descriptor"
    assert "scalar" in vars(registry["add"])


def test_two_threads_record_at_once() -> None:
    barrier = threading.Barrier(2, timeout=60)

    def work(start: float) -> list[float]:
        w = Value(start)

        def step(x: float) -> Value:
            loss = (w * x - 1) ** 2
            w.zero_grad()
            loss.backward()
            w.data -= 0.1 * w.grad
            return loss

        compiled = mg.compile(step)
        barrier.wait()
        return [compiled(1 + k / 8).data for k in range(30)] + [w.data]

    def plainly(start: float) -> list[float]:
        w, found = start, list[float]()
        for k in range(30):
            x = 1 + k / 8
            found.append((w * x - 1) ** 2)
            w -= 0.1 * (2 * (w * x - 1) * x)
        return [*found, w]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, [2.0, 3.0]))
    np.testing.assert_allclose(found, [plainly(2.0), plainly(3.0)], rtol=1e-12)


def in_threads(function: Callable[[int], Any], count: int = 4) -> list[Any]:
    """Return what a function gives in several threads, which start together."""
    barrier = threading.Barrier(count, timeout=60)

    def run(k: int) -> Any:
        barrier.wait()
        return function(k)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_compiled_function_in_several_threads() -> None:
    def step(w: Any, x: Any) -> Any:
        loss = (mg.tanh(w * x) ** 2).sum()
        w.zero_grad()
        loss.backward()
        w.data -= 0.1 * w.grad
        return loss

    compiled = mg.compile(step)
    inputs = [np.linspace(k, k + 1, 300) for k in range(40)]

    def train(function: Any, k: int) -> Any:
        w = Tensor(np.linspace(-1, 1, 300) * (k + 1))
        losses = [function(w, x).item() for x in inputs]
        return losses, w.data.tobytes(), w.grad.tobytes()

    assert in_threads(lambda k: train(compiled, k)) == [train(step, k) for k in range(4)]
    assert 1 <= len(compiled.programs) <= 2


def test_one_compiled_function_of_numbers_in_several_threads() -> None:
    def step(w: Value, x: float) -> Any:
        loss = sum((mg.tanh(w * (x + j)) for j in range(100)), Value(0.0))
        w.zero_grad()
        loss.backward()
        w.data -= 0.01 * w.grad
        return loss.data, w.data, w.grad

    for how in ("source", "levels"):
        compiled = mg.compile(step, scalars=how)

        def train(function: Any, k: int) -> Any:
            w = Value(0.1 * k)
            return [function(w, j / 8) for j in range(30)]

        expected = [train(step, k) for k in range(4)]
        assert in_threads(lambda k, f=compiled: train(f, k)) == expected
