"""Lowered numbers equal what the calls give one by one, in every bit and class."""

from __future__ import annotations

import math
import operator
import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd.compiler.lowering.scalars import lower_numbers, registers, source
from micrograd.compiler.lowering.scalars.careful import interpret
from micrograd.compiler.recording.tape import call_of_numbers
from micrograd.core.op import registry

from .tapes import DRAWN, Recorder, bits, random_tape, run_tape

HOWS = ["levels", "source"]


def same(found: Any, wanted: Any) -> bool:
    """Tell whether two results are the same in every bit and class."""
    if found is None or wanted is None:
        return found is wanted
    return list(map(bits, found)) == list(map(bits, wanted))


def lowered(recorder: Recorder, outputs: list[int], how: str) -> Any:
    """Return the code of a tape, after a look at what lowered it."""
    code = lower_numbers(recorder.tape, outputs, how)
    assert code.how == how
    return code


# Values worked out by hand


@pytest.mark.parametrize("how", HOWS)
def test_it_computes_by_ieee_754_and_keeps_classes(how: str) -> None:
    recorder = Recorder()
    x, n = recorder.input(-1.5), recorder.input(3)
    outputs = [
        recorder.call("relu", x),
        recorder.call("divide", x, recorder.constant(0)),
        recorder.call("multiply", n, n),
        recorder.call(operator.gt, x, n),
        recorder.call("negative", recorder.call("relu", x)),
        recorder.call("multiply", recorder.call("relu", x), x),
        recorder.call("exp", recorder.call("multiply", n, recorder.constant(1000))),
    ]
    code = lowered(recorder, outputs, how)
    assert same(code.run([-1.5, 3]), [0, -math.inf, 9, False, 0, -0.0, math.inf])
    assert same(code.run([2.0, -2]), [2.0, math.inf, 4, True, -2.0, 4.0, 0.0])
    assert same(code.run([-0.0, 0]), [-0.0, math.nan, 0, False, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("how", HOWS)
def test_an_integer_zero_has_no_sign(how: str) -> None:
    recorder = Recorder()
    n, m, x = recorder.input(2), recorder.input(3), recorder.input(-1.5)
    outputs = [recorder.call("multiply", n, m), recorder.call("negative", n)]
    one = recorder.constant(1)
    mixed = recorder.call("relu", x)
    outputs += [recorder.call("negative", mixed), recorder.call("multiply", mixed, m)]
    outputs += [recorder.call("divide", one, i) for i in outputs]
    code = lowered(recorder, outputs, how)
    assert same(code.run([0, -3, -1.5]), [0, 0, 0, 0, *[math.inf] * 4])
    assert same(code.run([0, -3, -0.0]), [0, 0, 0.0, 0.0, *[math.inf] * 4])


@pytest.mark.parametrize("how", HOWS)
def test_an_integer_past_the_exact_ones_becomes_a_float(how: str) -> None:
    recorder = Recorder()
    n = recorder.input(2)
    outputs = [recorder.call("add", n, n), recorder.call("multiply", n, n)]
    code = lowered(recorder, outputs, how)
    assert same(code.run([2**52]), [2**53, 2.0**104])
    assert same(code.run([2**53]), [2.0**54, 2.0**106])
    assert same(code.run([-3]), [-6, 9])
    truth = recorder.call(operator.gt, n, recorder.constant(0))
    code = lowered(recorder, [recorder.call(operator.mul, n, truth)], how)
    assert same(code.run([2**60]), [2.0**60])


@pytest.mark.parametrize("how", HOWS)
def test_additions_go_on_in_their_order(how: str) -> None:
    recorder = Recorder()
    terms = [recorder.input(x) for x in (1e16, 1.0, 1.0, -1e16)]
    total = terms[0]
    for term in terms[1:]:
        total = recorder.call("add", total, term)
    code = lowered(recorder, [total], how)
    assert same(code.run([1e16, 1.0, 1.0, -1e16]), [0.0])
    assert same(code.run([1.0, 1.0, 1e16, -1e16]), [2.0])


@pytest.mark.parametrize("how", HOWS)
def test_an_error_of_python_is_none_but_an_operation_goes_on(how: str) -> None:
    recorder = Recorder()
    x, y = recorder.input(1.0), recorder.input(2.0)
    by_python = recorder.call(operator.truediv, x, y)
    by_ieee = recorder.call("divide", x, y)
    both = lowered(recorder, [by_python, by_ieee], how)
    assert same(both.run([1.0, 2.0]), [0.5, 0.5])
    assert both.run([1.0, 0.0]) is None
    assert same(lowered(recorder, [by_ieee], how).run([1.0, 0.0]), [math.inf])


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("operation", [operator.floordiv, operator.truediv, operator.pow])
def test_an_error_in_what_a_where_leaves_out_is_one(how: str, operation: Any) -> None:
    recorder = Recorder()
    x, y, choice = recorder.input(-1.0), recorder.input(2.0), recorder.input(True)
    other = recorder.call(operation, *((y, x) if operation is operator.pow else (x, y)))
    code = lowered(recorder, [recorder.call("where", choice, x, other)], how)
    assert same(code.run([-1.0, 2.0, True]), [-1.0])
    assert code.run([-1.0, 0.0, True]) is None


@pytest.mark.parametrize("how", HOWS)
def test_what_is_checked_has_to_be_equal(how: str) -> None:
    recorder = Recorder()
    x = recorder.input(1.0)
    positive = recorder.call(operator.gt, x, recorder.constant(0))
    double = recorder.call("add", x, x)
    recorder.tape.checks.append((positive, True))
    code = lowered(recorder, [double], how)
    assert code.run([3.0]) == [6.0]
    assert code.run([-3.0]) is None
    assert code.run([math.nan]) is None


@pytest.mark.parametrize("how", HOWS)
def test_settings_are_kept(how: str) -> None:
    recorder = Recorder()
    x = recorder.input(-2.0)
    outputs = [recorder.call("leaky_relu", x, negative_slope=slope) for slope in (0.5, 1.5)]
    outputs.append(recorder.call("round", x, decimals=1))
    assert same(lowered(recorder, outputs, how).run([-2.25]), [-1.125, -3.375, -2.2])


@pytest.mark.parametrize("how", HOWS)
def test_signs_that_move_on_leave_those_of_zeros_and_classes_as_they_are(how: str) -> None:
    recorder = Recorder()
    x, y, n = recorder.input(1.0), recorder.input(-1.0), recorder.input(3)
    minus = [recorder.call("negative", i) for i in (x, y, n)]
    outputs = [
        recorder.call("add", minus[0], minus[1]),
        recorder.call("negative", recorder.call("add", x, y)),
        recorder.call("subtract", minus[0], minus[1]),
        recorder.call("subtract", minus[0], y),
        recorder.call("add", minus[0], y),
        recorder.call("multiply", minus[0], minus[2]),
        recorder.call("multiply", recorder.constant(-1), x),
        recorder.call("multiply", recorder.constant(-1), n),
        recorder.call("divide", minus[0], y),
        recorder.call("tanh_slope", minus[0], x),
        recorder.call("copysign", n, recorder.call("multiply", recorder.constant(-1.0), x)),
    ]
    both = lowered(recorder, outputs, how), lowered(recorder, outputs[:-1], how)
    c = math.cosh(1.0)
    for inputs, wanted in (
        ([1.0, -1.0, 3], [0.0, -0.0, -2.0, 0.0, -2.0, 3.0, -1.0, -3, 1.0, -1 / c / c, -3.0]),
        ([0.0, 2.0, 0], [-2.0, -2.0, 2.0, -2.0, 2.0, -0.0, -0.0, 0, -0.0, -0.0, -0.0]),
        ([-0.0, 0.0, -1], [0.0, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, math.nan, 0.0, 1.0]),
    ):
        assert same(both[0].run(inputs), wanted)
        assert same(both[1].run(inputs), wanted[:-1])


def test_the_sign_of_a_nan_stays_where_it_is_seen() -> None:
    recorder = Recorder()
    x, y, one = recorder.input(1.0), recorder.input(2.0), recorder.constant(1.0)
    product = recorder.call("multiply", recorder.call("negative", x), y)
    outputs = [recorder.call("copysign", one, product)]
    code = lowered(recorder, outputs, "source")
    for inputs in ([math.inf, 0.0], [0.0, math.inf], [math.nan, 1.0], [-math.nan, 1.0]):
        assert same(code.run(inputs), run_tape(recorder.tape, outputs, inputs))


def test_a_derivative_of_tanh_goes_on_where_cosh_is_too_large() -> None:
    recorder = Recorder()
    x, g = recorder.input(1.0), recorder.input(2.0)
    output = recorder.call("tanh_slope", recorder.call("negative", g), x)
    code = lowered(recorder, [output], "source")
    assert same(code.run([1000.0, 2.0]), [-0.0])
    assert same(code.run([0.0, 2.0]), [-2.0])


# Any tape, at other numbers


@pytest.mark.parametrize("seed", range(30))
def test_many_values_live_in_few_variables(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "FAST", 4)
    rng = random.Random(seed)
    recorder = random_tape(rng, 80, [0.5, -2.0, 3, True], plain=seed % 2 == 0)
    outputs = [rng.randrange(len(recorder.tape)) for _ in range(6)]
    code = lower_numbers(recorder.tape, outputs, "source")
    for inputs in ([0.25, -1.0, 2, False], [-0.0, math.inf, 0, True]):
        assert same(code.run(inputs), run_tape(recorder.tape, outputs, inputs))


def test_a_variable_holds_one_value_after_another() -> None:
    head, lines = "def program(v):", [f"    t{k} = t{k - 1} + t1" for k in range(2, 400)]
    text = registers.reuse_names([head, "    t1, = v", *lines, "    return [t399, t1]"])
    scope: dict[str, Any] = {}
    exec("\n".join(text), scope)
    assert scope["program"]([2]) == [2 * 399, 2]
    assert scope["program"].__code__.co_nlocals == 2 + 1  # and v


@pytest.mark.parametrize("how", HOWS)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), plain=st.booleans(), data=st.data())
def test_random_tapes_replay(how: str, seed: int, plain: bool, data: Any) -> None:
    rng = random.Random(seed)
    kinds: list[type] = [rng.choice((float, float, int, bool)) for _ in range(rng.randrange(1, 5))]
    drawn = [rng.choice(DRAWN[kind][:6]) for kind in kinds]
    recorder = random_tape(rng, rng.randrange(1, 30), drawn, plain)
    tape = recorder.tape
    outputs = [rng.randrange(len(tape)) for _ in range(4)]
    if rng.random() < 0.2:
        slot = rng.randrange(len(tape))
        tape.checks.append((slot, recorder.values[slot]))
    code = lower_numbers(tape, outputs, how)
    other = {float: st.floats(), int: st.integers(-(2**53), 2**53), bool: st.booleans()}
    for _ in range(4):
        inputs = [data.draw(st.sampled_from(DRAWN[kind]) | other[kind]) for kind in kinds]
        kept = list(inputs)
        wanted = run_tape(tape, outputs, inputs)
        assert same(code.run(inputs), wanted)
        assert same(interpret(tape, outputs, inputs), wanted)
        assert all(a is b for a, b in zip(inputs, kept, strict=True))


@pytest.mark.parametrize("how", HOWS)
def test_wide_tapes_replay(how: str) -> None:
    for seed in range(6):
        rng = random.Random(seed)
        drawn = [rng.gauss(0, 1) for _ in range(8)] + [2, True]
        recorder = random_tape(rng, 600, drawn, plain=True, reach=10**9 if seed % 2 else 200)
        outputs = [rng.randrange(len(recorder.tape)) for _ in range(60)]
        code = lower_numbers(recorder.tape, outputs, how)
        for _ in range(3):
            inputs = [rng.choice([*DRAWN[float], rng.gauss(0, 1)]) for _ in range(8)]
            inputs += [rng.choice(DRAWN[int]), rng.random() < 0.5]
            assert same(code.run(inputs), run_tape(recorder.tape, outputs, inputs))


@np.errstate(all="ignore")
@pytest.mark.parametrize("how", HOWS)
def test_every_operation_of_numbers_replays(how: str) -> None:
    given = {
        "leaky_relu": {"negative_slope": 0.1},
        "elu": {"alpha": 1.5},
        "softplus": {"beta": 2.0},
        "round": {"decimals": 1},
        "sinc_slope": {"order": 1},
        "nan_to_num": {"nan": 0.5, "posinf": None, "neginf": None},
    }
    seen = 0
    for name, op in registry.items():
        if op.arrays_only or op.foreign:
            continue
        arity = len(op.derivatives)  # pyright: ignore[reportArgumentType]
        for kind, value in ((float, 0.75), (int, 1)):
            recorder = Recorder()
            slots = [recorder.input(value) for _ in range(arity)]
            outputs = [recorder.call(name, *slots, **given.get(name, {}))]
            code = lower_numbers(recorder.tape, outputs, how)
            for x in DRAWN[kind]:
                for y in DRAWN[kind]:
                    inputs = [x, y, x][:arity]
                    wanted = [call_of_numbers(op, inputs, given.get(name, {}))]
                    assert same(code.run(inputs), wanted), (name, inputs)
            seen += 1
    assert seen > 90


def test_sums_of_rows_go_in_order_at_any_width() -> None:
    rng = np.random.default_rng(0)
    for rows, width in [
        (300, 1),
        (3, 2),
        (9, 2),
        (40, 3),
        (130, 2),
        (300, 7),
        (17, 16),
        (3, 300),
        (129, 33),
    ]:
        recorder = Recorder()
        inputs = (
            rng.standard_normal((rows, width)) * 10.0 ** rng.integers(-8, 8, (rows, 1))
        ).ravel()
        slots = [recorder.input(float(x)) for x in inputs]
        outputs: list[int] = []
        for column in range(width):
            products = [recorder.call("multiply", slots[c], slots[c]) for c in slots[column::width]]
            total = products[0]
            for term in products[1:]:
                total = recorder.call("add", total, term)
            outputs.append(total)
        code = lower_numbers(recorder.tape, outputs, "levels")
        assert same(code.run(recorder.values[: len(slots)]), [recorder.values[i] for i in outputs])


def test_sums_of_sums_go_in_order() -> None:
    rng = random.Random(0)
    for points, units, terms in [(5, 17, 20), (30, 3, 18), (2, 40, 33), (1, 20, 20), (64, 8, 9)]:
        recorder = Recorder()
        weights = [[recorder.input(rng.gauss(0, 1e3)) for _ in range(terms)] for _ in range(units)]
        data = [[recorder.constant(rng.gauss(0, 1)) for _ in range(terms)] for _ in range(points)]
        outputs: list[int] = []
        for x in data:
            total = recorder.constant(0)
            for w in weights:
                inner = recorder.call("multiply", w[0], x[0])
                for a, b in zip(w[1:], x[1:], strict=True):
                    inner = recorder.call("add", inner, recorder.call("multiply", a, b))
                total = recorder.call("add", total, inner)
            outputs.append(total)
        code = lower_numbers(recorder.tape, outputs, "levels")
        for _ in range(2):
            inputs = [rng.gauss(0, 10.0 ** rng.randrange(-9, 9)) for _ in range(units * terms)]
            assert same(code.run(inputs), run_tape(recorder.tape, outputs, inputs))


# The code itself


def layer(units: int, points: int) -> tuple[Recorder, list[int]]:
    """Return the tape of a layer with a relu for some points."""
    recorder, rng = Recorder(), random.Random(0)
    weights = [[recorder.input(rng.gauss(0, 1)) for _ in range(3)] for _ in range(units)]
    outputs: list[int] = []
    for _ in range(points):
        x = [recorder.constant(rng.gauss(0, 1)) for _ in range(2)]
        for w in weights:
            total = recorder.call("add", w[2], recorder.call("multiply", w[0], x[0]))
            total = recorder.call("add", total, recorder.call("multiply", w[1], x[1]))
            outputs.append(recorder.call("relu", total))
    return recorder, outputs


def test_what_is_alike_is_one_call() -> None:
    recorder, outputs = layer(16, 100)
    code = lower_numbers(recorder.tape, outputs)
    assert code.how == "levels"
    assert code.instructions > 8000
    assert code.calls <= 8
    assert code.bytes > 0


def test_what_is_not_alike_is_python() -> None:
    recorder = Recorder()
    x = y = recorder.input(0.5)
    for _ in range(50):
        y = recorder.call("tanh", recorder.call("multiply", y, x))
    code = lower_numbers(recorder.tape, [y])
    assert code.how == "source"
    assert same(code.run([0.5]), [recorder.values[y]])


@pytest.mark.parametrize("how", HOWS)
def test_it_is_pickled_and_threads_may_share_it(how: str) -> None:
    recorder, outputs = layer(4, 10)
    code = pickle.loads(pickle.dumps(lower_numbers(recorder.tape, outputs, how)))
    rng = random.Random(1)
    given = [[rng.gauss(0, 1) for _ in range(12)] for _ in range(400)] * 4
    wanted = [run_tape(recorder.tape, outputs, inputs) for inputs in given]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(code.run, given))
    finally:
        sys.setswitchinterval(interval)
    assert all(map(same, found, wanted))


@pytest.mark.parametrize("how", HOWS)
def test_a_deep_tape_needs_no_recursion(how: str) -> None:
    recorder = Recorder()
    x = y = recorder.input(0.5)
    for k in range(4000):
        y = recorder.call("add" if k % 2 else "multiply", y, x)
    assert same(lowered(recorder, [y], how).run([0.5]), [recorder.values[y]])


def test_numbers_cross_from_function_to_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SIZE", 7)
    for seed in range(20):
        rng = random.Random(seed)
        recorder = random_tape(rng, 60, [0.5, -2.0, 3], plain=True)
        outputs = [rng.randrange(len(recorder.tape)) for _ in range(6)]
        code = lower_numbers(recorder.tape, outputs, "source")
        assert same(code.run([0.25, -1.0, 2]), run_tape(recorder.tape, outputs, [0.25, -1.0, 2]))


def test_the_faster_functions_are_close() -> None:
    recorder, rng = Recorder(), random.Random(0)
    slots = [recorder.input(rng.uniform(0.1, 5)) for _ in range(300)]
    outputs = [recorder.call(name, i) for i in slots for name in ("exp", "log", "tanh")]
    outputs += [recorder.call("power", i, j) for i, j in pairwise(slots)]
    code = lower_numbers(recorder.tape, outputs, "levels", exact=False)
    found = code.run(recorder.values[: len(slots)])
    for got, i in zip(found or [], outputs, strict=True):
        wanted = recorder.values[i]
        assert abs(got - wanted) <= 4 * math.ulp(wanted)
