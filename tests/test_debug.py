"""What `debug()` and `detect_anomaly()` notice, and what their messages say."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from threading import Thread
from typing import Any, cast

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    AnomalyError,
    ShapeError,
    StaleGraphError,
    Tensor,
    Value,
    debug,
    detect_anomaly,
    no_grad,
)


def line() -> int:
    """Return the number of the line that this is called on."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def write_to_leaf() -> Tensor:
    W = Tensor(np.ones(3))
    loss = (W * W).sum()
    W.data[0] = 4.0
    return loss


def write_through_a_view() -> Tensor:
    W = Tensor(np.ones(3))
    view = W.data[:1]
    loss = (W * W).sum()
    view[:] = 4.0
    return loss


REWRITES = [write_to_leaf, write_through_a_view]


@pytest.mark.parametrize("rewrite", REWRITES)
def test_debug_tells_what_was_computed_from_an_array_that_was_rewritten(
    rewrite: Callable[[], Tensor],
) -> None:
    with debug():
        loss = rewrite()
    with pytest.raises(StaleGraphError, match=r"written to in place after Tensor .*test_debug\.py"):
        loss.backward()


def test_the_leaves_are_as_they_were_when_a_rewrite_is_noticed() -> None:
    W = Tensor(np.ones(3))
    (W * 2).sum().backward()
    loss = (W * W).sum()
    W.data[0] = 5.0
    with pytest.raises(StaleGraphError):
        loss.backward()
    assert W.grad.tolist() == [2.0, 2.0, 2.0]


def test_debug_lets_pass_what_was_not_rewritten() -> None:
    W, batch = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    with debug():
        loss = (W * batch).sum()
        W.data -= 0.0  # the engine's own notice of writes is another matter
        with pytest.raises(StaleGraphError, match="was assigned to"):
            loss.backward()
        loss = (W * batch).sum()
        loss.backward()
    assert W.grad.tolist() == [3.0, 4.0]


def test_a_message_tells_the_line_that_made_a_node() -> None:
    x = Value(2.0, label="x")
    with debug():
        y, made = x * 3, line()
    x.data = 5.0
    with pytest.raises(StaleGraphError, match=rf"made by multiply at .*test_debug\.py:{made}"):
        y.backward()


def test_a_line_within_the_library_is_not_what_made_a_node() -> None:

    x = Tensor([1.0, 2.0])
    with debug():
        y, made = cast(Tensor, np.mean(x)), line()

    x.data = x.data
    with pytest.raises(StaleGraphError, match=rf"test_debug\.py:{made}"):
        y.backward()


def test_a_refused_operation_tells_the_labels_and_origins_of_its_arguments() -> None:
    with debug():
        W, made = Tensor(np.ones((3, 2)), label="W") * 1.0, line()
        x = Tensor(np.ones(4), label="x")
        message = rf"a of shape \(4,\) \(Tensor 'x'.*b of shape \(3, 2\) \(Tensor.*:{made}\)"
        with pytest.raises(ShapeError, match=message):
            _ = x @ W


def test_debug_is_off_after_the_block_and_outside_it() -> None:
    with debug(), debug():
        pass
    assert not hasattr(Value(1.0) * 2, "_origin")


def test_no_grad_is_respected_under_debug_and_the_reverse() -> None:
    x = Value(2.0)
    with debug(), no_grad():
        assert not (x * x).requires_grad
        with mg.enable_grad():
            assert hasattr(x * x, "_origin")
    with no_grad(), debug():
        assert not (x * x).requires_grad


def test_debug_belongs_to_its_thread() -> None:
    seen: list[bool] = []
    with debug():
        thread = Thread(target=lambda: seen.append(hasattr(Value(1.0) * 2, "_origin")))
        thread.start()
        thread.join()
    assert seen == [False]


def test_modes_belong_to_their_task() -> None:
    seen: dict[str, tuple[bool, bool]] = {}

    async def task(name: str, mode: Callable[[], Any]) -> None:
        with mode():
            await asyncio.sleep(0)
            y = Value(1.0) * 2
            seen[name] = y.requires_grad, hasattr(y, "_origin")
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(
            task("none", no_grad), task("debug", debug), task("plain", mg.enable_grad)
        )

    asyncio.run(main())
    assert seen == {"none": (False, False), "debug": (True, True), "plain": (True, False)}


FORWARD: dict[str, tuple[Callable[[], Any], str]] = {
    "log of 0": (lambda: mg.log(Value(0.0, label="x") * 2), "log: made -inf forward"),
    "1 / 0": (lambda: 1 / Value(0.0, label="x"), "divide: made inf forward"),
    "overflow": (lambda: mg.exp(Tensor([0.0, 800.0])), r"exp: made inf .*index \(1,\)"),
    "0 * inf": (lambda: Tensor([0.0]) * np.inf, "multiply: made nan forward"),
    "a nan that came in": (lambda: Tensor([1.0, np.nan]) + 1, "add: made nan forward"),
    "inf - inf": (lambda: Value(np.inf) - np.inf, "subtract: made nan forward"),
}


@pytest.mark.parametrize("case", FORWARD)
def test_the_first_operation_that_makes_a_nan_or_inf_forward_is_named(case: str) -> None:
    compute, message = FORWARD[case]
    with (
        detect_anomaly(),
        np.errstate(all="ignore"),
        pytest.raises(AnomalyError, match=message) as caught,
    ):
        compute()
    assert re.search(r"Its arguments: .*The path there: ", str(caught.value))


def test_an_inf_that_came_in_is_no_anomaly() -> None:
    x = Tensor([1.0, 2.0])
    with detect_anomaly():
        masked = x + np.array([0.0, -np.inf])
        mg.softmax(masked).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_the_first_derivative_that_makes_an_inf_is_named_with_its_path() -> None:
    x = Tensor([4.0, 0.0], label="x")
    with detect_anomaly():
        loss = (mg.sqrt(x) * 2).sum()
        message = (
            r"sqrt: its derivative made inf backward for argument 0, Tensor 'x' .*index \(1,\)"
            r".*made by sum .* → .*made by multiply .* → .*made by sqrt"
        )
        with pytest.raises(AnomalyError, match=message):
            loss.backward()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_nan_in_a_derivative_is_named_for_values(create_graph: bool) -> None:
    x = Value(0.0, label="x")
    with detect_anomaly():
        y = x**0.5 * 0.0
        with pytest.raises(AnomalyError, match=r"power: its derivative made (nan|inf) backward"):
            y.backward(create_graph=create_graph)


def test_what_is_finite_passes() -> None:
    x = Tensor([1.0, 2.0])
    with detect_anomaly():
        (mg.log(x) / x).sum().backward()
    assert np.isfinite(x.grad).all()


def test_a_long_path_is_shortened() -> None:
    x = Value(1.0)
    y = x
    for _ in range(100):
        y = y * 1.0
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"\.\.\. \d+ more \.\.\."):
        mg.log(y - 1.0)
