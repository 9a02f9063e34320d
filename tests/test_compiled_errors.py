"""What a compiled function refuses, in words that say what to do; it then changes nothing."""

from __future__ import annotations

import copy
import math
import os
import pickle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import CompileError, MicrogradError, OperandError, Tensor, Value
from tests.twins import bits

Body = Callable[[Any], Any]

W = Value(2.0)
T = Tensor([1.0, 2.0])
EARLIER = W * 3
EARLIER_TENSOR = T * 3


class Box:
    def __init__(self, x: Any) -> None:
        self.x = x


REFUSED: dict[str, tuple[Body, str]] = {
    # of numbers
    "float": (lambda x: float((W * x).data), r"float: .*micrograd.exp\(x\) in place of math.exp"),
    "float of a node": (lambda x: float(W * x), r"float: .*\.data"),
    "math": (lambda x: math.exp(x), r"float: .*micrograd.exp"),
    "int": (lambda x: int(x), r"int: .*return it"),
    "round": (lambda x: round(x, 2), r"round: .*micrograd.round"),
    "floor": (lambda x: math.floor(x), r"floor: .*micrograd.floor"),
    "ceil": (lambda x: math.ceil(x), r"ceil: .*micrograd.ceil"),
    "str": (lambda x: str(x), r"str: .*print what the compiled function returns"),
    "format": (lambda x: f"{x:.2f}", r"format: .*print what the compiled function returns"),
    "print": (lambda x: print(x), r"str: .*print what the compiled function returns"),
    "a node's repr": (lambda x: repr(W * x), r"format: .*print what"),
    "asarray": (lambda x: np.asarray(x), r"np.asarray: .*NumPy's function"),
    "array": (lambda x: np.array([x, 1.0]), r"np.asarray: .*NumPy's function"),
    "pickle": (lambda x: pickle.dumps(x), r"pickle: .*return"),
    # of arrays
    "item of an array": (lambda x: float(T.data.sum()), r"float: .*np.exp for math.exp"),
    "an array": (lambda x: np.asarray(T.data), r"array: .*micrograd.take"),
    "tolist": (lambda x: T.data.tolist(), r"tolist: .*whole array"),
    "a tensor's repr": (lambda x: repr(T * x), r"format: .*print what comes out"),
    "print of an array": (lambda x: print(T.data), r"str: .*print what comes out"),
    "unique": (lambda x: np.unique(T.data), r"np.unique: .*masks"),
    "nonzero": (lambda x: np.nonzero(T.data), r"np.nonzero: .*masks"),
    "array_equal": (lambda x: np.array_equal(T.data, T.data), r"np.array_equal: "),
    "into an array": (lambda x: np.add(T.data, 1, out=np.zeros(2)), r"np.add: .*zeros_like"),
    "range": (lambda x: range(int(T.data[0])), r"int: .*astype"),
    # of nodes
    "a node from before": (lambda x: EARLIER * x, r"computed before the call.*inside the function"),
    "a tensor from before": (lambda x: EARLIER_TENSOR * x, r"computed before the call.*inside"),
    # of results
    "a set": (lambda x: {W * x}, r"class set that it makes.*dicts, lists"),
    "a generator": (lambda x: (y for y in [x]), r"class generator that it makes"),
    "a function": (lambda x: lambda: x, r"class function that it makes"),
    "an object": (lambda x: Box(x), r"class Box that it makes"),
    "a deque": (lambda x: deque([x]), r"class deque that it makes"),
    # of NumPy
    "errstate": (lambda x: raising(x), r"errstate.*outside of that block"),
}


def raising(x: Any) -> Any:
    with np.errstate(over="raise"):
        return np.exp(T.data * x)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused(name: str) -> None:
    body, words = REFUSED[name]
    compiled = mg.compile(body)
    for _ in range(2):
        with pytest.raises(MicrogradError, match=words):
            call_twice(compiled)
    assert not compiled.programs
    assert (W.data, T.data.tolist()) == (2.0, [1.0, 2.0])


def call_twice(compiled: Body) -> None:
    compiled(2.0)
    compiled(3.0)


def test_the_message_names_the_line() -> None:
    with pytest.raises(CompileError, match=r"at test_compiled_errors.py:\d+"):
        mg.compile(lambda x: float(x))(1.0)


def test_what_python_cannot_do_with_a_symbol_is_an_error() -> None:
    bodies: list[Body] = [
        lambda x: {x: 1},
        lambda x: x.is_integer(),
        lambda x: x * 1j,
        lambda x: memoryview(T.data),  # pyright: ignore[reportArgumentType]
        lambda x: T.data.flat[0],
        lambda x: T.data.ctypes,
    ]
    for body in bodies:
        with pytest.raises((TypeError, AttributeError)):
            mg.compile(body)(2.0)


# What changes is noticed


def test_an_append_outside_is_refused() -> None:
    losses: list[Any] = []
    f = mg.compile(lambda x: losses.append(W * x))
    with pytest.raises(CompileError, match=r"changes what is outside.*`losses`.*Return it instead"):
        f(1.0)


def test_a_counter_outside_is_refused() -> None:
    class State:
        calls = 0

    state = State()

    def f(x: Any) -> Any:
        state.calls += 1
        return W * x

    with pytest.raises(CompileError, match=r"changes what is outside.*calls.*Return it instead"):
        mg.compile(f)(1.0)


def test_a_container_that_came_as_an_argument_is_not_changed() -> None:
    @dataclass
    class State:
        step: Any

    def appends(row: list[Any]) -> None:
        row.append(row[0])

    def replaces(weights: dict[str, Any]) -> None:
        weights["w"] = weights["w"] * 2

    def counts(state: Any) -> None:
        state.step += 1

    calls: list[tuple[Body, Any]] = [
        (appends, [1.0]),
        (replaces, {"w": Value(1.0)}),
        (counts, State(1)),
    ]
    for body, argument in calls:
        with pytest.raises(CompileError, match=r"container.*is changed.*Return what changes"):
            mg.compile(body)(argument)


def test_a_number_that_an_earlier_call_left_is_refused() -> None:
    kept: list[Any] = [Box(0.0)]

    def f(x: Any) -> Any:
        total = kept[0].x + x
        vars(kept[0])["x"] = total
        return total

    compiled = mg.compile(f)
    with pytest.raises(CompileError, match=r"outside|earlier call|Keep it in a Value"):
        call_twice(compiled)


def test_symbols_that_are_used_later_are_refused() -> None:
    kept: list[Any] = []

    def f(x: Any, y: Any) -> Any:
        kept.append([x * 2, y * 2])
        return x

    with pytest.raises(CompileError, match="changes what is outside"):
        mg.compile(f)(1.0, np.ones(2))
    for thing in kept[0]:
        with pytest.raises(CompileError, match=r"used after it.*Return it"):
            _ = thing + 1


def test_numbers_that_change_from_call_to_call_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    f = mg.compile(lambda x: x * len(os.environ.get("MICROGRAD_OF_A_TEST", "")))
    assert f(2.0) == 0.0
    monkeypatch.setenv("MICROGRAD_OF_A_TEST", "a")
    with pytest.raises(CompileError, match=r"was 0 and is 1, at test_compiled_errors.py.*argument"):
        f(2.0)


def test_too_many_programs() -> None:
    f = mg.compile(lambda x: W * x if x > 0 else W / x, max_programs=1)
    message = r"needs more than 1 programs.*micrograd.where, micrograd.maximum.*max_programs"
    assert [f(x).data for x in (1.0, 2.0, 3.0, -1.0)] == [2.0, 4.0, 6.0, -2.0]
    with pytest.raises(CompileError, match=message):
        f(-2.0)
    assert f(4.0).data == 8.0


# All or nothing


def snapshot(*nodes: Any) -> Any:
    return bits([*nodes]), [node._version for node in nodes], [id(node._data) for node in nodes]


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("kind", ["value", "tensor"])
def test_an_error_in_the_function_leaves_all_as_it_was(kind: str) -> None:
    w: Any = Value(2.0) if kind == "value" else Tensor([2.0, 3.0])
    v: Any = Value(3.0) if kind == "value" else Tensor([4.0, 5.0])
    w.grad = 1.0 if kind == "value" else np.ones(2)
    stopping = [True]

    def step(x: Any) -> Any:
        loss = w * w * v * x
        total = loss if kind == "value" else loss.sum()
        total.backward()
        w.data -= 0.5 * w.grad
        v.data = v.data * 2
        v.zero_grad()
        if stopping[0]:
            raise StoppedError
        return total

    compiled = mg.compile(step)
    held, record = w.data, w * v
    record = record if kind == "value" else record.sum()
    before = snapshot(w, v)
    for _ in range(3):
        with pytest.raises(StoppedError):
            compiled(1.0)
        assert snapshot(w, v) == before
    assert kind == "value" or held is w.data
    record.backward()  # which is not stale
    w.zero_grad()
    v.zero_grad()
    stopping[0] = False
    for _ in range(4):
        compiled(1.0)
    with pytest.raises(mg.StaleGraphError):
        record.backward()


def test_an_error_of_python_comes_as_eagerly() -> None:
    f = mg.compile(lambda a, b: a / b)
    assert [f(6.0, b) for b in (1.0, 2.0, 3.0)] == [6.0, 3.0, 2.0]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            f(1.0, 0.0)
    assert f(6.0, 4.0) == 1.5
    assert mg.compile(lambda a, b: a / b)(Value(1.0), 0.0).data == math.inf


def test_the_errors_of_the_library_come_as_eagerly() -> None:
    f = mg.compile(lambda a: a @ np.ones((3, 2)))
    for _ in range(2):
        with pytest.raises(mg.ShapeError, match="matmul"):
            f(Tensor(np.ones(2)))
    assert f(Tensor(np.ones(3))).data.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("kind", [np.array, Tensor])
def test_errors_that_depend_on_numbers_come_as_eagerly(kind: Any) -> None:
    invert = mg.compile(mg.linalg.inv)
    pick = mg.compile(lambda x, i: x[i])
    x, regular, singular = kind([1.0, 2.0]), kind(np.eye(2)), kind(np.ones((2, 2)))
    for _ in range(3):
        invert(regular)
        pick(x, np.array([0, 1]))
    for _ in range(2):
        with pytest.raises(type(error_of(lambda: mg.linalg.inv(singular)))):
            invert(singular)
        with pytest.raises(type(error_of(lambda: x[np.array([0, 7])]))):
            pick(x, np.array([0, 7]))
    assert bits(pick(x, np.array([1, -1]))) == bits(x[np.array([1, -1])])


def error_of(call: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return caught.value


def test_an_integer_that_becomes_a_float_beside_arrays_is_another_case() -> None:
    w = Value(2)
    f = mg.compile(lambda x: (x * w.data, w.data + 1))
    x = np.arange(3)
    for number in (2, 3, 4, 2.5, 3.5, 4.5, 5):
        w.data = number
        assert bits(f(x)) == bits((x * number, number + 1))


def test_a_program_alone_changes_nothing() -> None:
    w = Tensor([1.0, 2.0])

    @mg.compile
    def step(x: Any) -> Any:
        loss = (w * x).sum()
        loss.backward()
        w.data -= w.grad
        return loss

    before = snapshot(w)
    program = step.program(np.ones(2))
    assert snapshot(w) == before
    assert len(step.programs) == 1
    assert program(np.ones(2)).item() == 3.0
    assert w.data.tolist() == [0.0, 1.0]
    with pytest.raises(CompileError, match="another case"):
        program(np.ones(3, np.float32))


def test_records_from_before_are_stale_after_a_write_only() -> None:
    w, v = Value(2.0), Value(3.0)

    def write(x: float) -> None:
        w.data = x

    f = mg.compile(write)
    for x in (1.0, 2.0, 3.0, 4.0):
        kept, lost = v * v, w * w
        f(x)
        kept.backward()
        with pytest.raises(mg.StaleGraphError):
            lost.backward()


def test_copies_are_nodes_of_their_own() -> None:
    w, t = Value(2.0), Tensor([1.0, 2.0])

    def f(x: Any) -> Any:
        a, b = copy.copy(w), copy.deepcopy(t)
        b.data[0] = x
        a.data = x
        return a * w, (b * t).sum()

    compiled = mg.compile(f)
    for x in (3.0, 4.0, 5.0):
        w.data = x + 1
        assert bits(compiled(x)) == bits(f(x))
    assert t.data.tolist() == [1.0, 2.0]


def test_settings_are_checked() -> None:
    with pytest.raises(mg.ArgumentError, match="scalars"):
        mg.compile(lambda x: x, scalars="fast")
    number: Any = 3.0
    with pytest.raises(OperandError, match="compile"):
        mg.compile(number)


def test_a_program_is_called_for_its_case_only() -> None:
    rates = [2.0]
    program = mg.compile(lambda x: x * rates[0]).program(1.0)
    assert program(3.0) == 6.0
    for call in (lambda: program(3), lambda: program(3.0, 4.0), lambda: program(x=3.0)):
        with pytest.raises(CompileError, match="another case: other kinds of arguments"):
            call()
    rates[0] = 5.0
    with pytest.raises(CompileError, match=r"another case: `rates\[0\]` was 2.0 and is 5.0"):
        program(3.0)


def test_a_leaf_has_no_program() -> None:
    with pytest.raises(CompileError, match=r"'w' is a leaf.*was computed"):
        mg.compile(Value(2.0, label="w"))
