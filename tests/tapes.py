"""Tapes of numbers, drawn at random, and what they compute call by call."""

from __future__ import annotations

import math
import operator
import random
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from micrograd.compiler.recording.tape import Tape, call_of_numbers
from micrograd.core.op import registry

PYTHON = {
    1: [operator.neg, operator.pos, operator.abs, bool, operator.not_, abs],
    2: [
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv),
        *(operator.mod, operator.pow, operator.lt, operator.le, operator.gt, operator.ge),
        *(operator.eq, operator.ne),
    ],
}
OF_TRUTHS = [operator.and_, operator.or_, operator.xor, operator.invert]
_UNARY = """
negative relu absolute exp log sqrt sin tanh sigmoid square reciprocal positive alias floor sign
fabs log1p softsign
"""
_BINARY = """
add subtract multiply divide power maximum minimum tanh_slope fmax hypot copysign floor_divide
remainder arctan2
"""
OPS = {1: _UNARY.split(), 2: _BINARY.split(), 3: ["where", "clip"]}
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("leaky_relu", {"negative_slope": 0.1}),
    ("leaky_relu", {"negative_slope": 0}),
    ("elu", {"alpha": 1.5}),
    ("softplus", {"beta": 2.0}),
    ("round", {"decimals": 1}),
]
NUMBERS: list[float] = [
    *(0.0, -0.0, 1.5, -2.5, 0.1, 1e200, -1e-320, math.inf, -math.inf, math.nan, 3.0, -1.0),
]
INTEGERS = [0, 1, -1, 2, 3, -7, 2**53, -(2**53), 2**53 - 1, 2**31, 10]
TRUTHS = [True, False]
DRAWN: dict[type, list[Any]] = {float: NUMBERS, int: INTEGERS, bool: TRUTHS}


class Recorder:
    """What is computed with numbers, noted on a tape."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.values: list[Any] = []

    def input(self, value: Any) -> int:
        """Note an input."""
        self.values.append(value)
        return self.tape.add_input(value.__class__)

    def constant(self, value: Any) -> int:
        """Note a constant."""
        self.values.append(value)
        return self.tape.add_constant(value, value.__class__)

    def call(self, operation: Any, *args: int, **settings: Any) -> int:
        """Note a call; a name is that of an operation of this library."""
        operation = registry[operation] if isinstance(operation, str) else operation
        value = call_of_numbers(operation, [self.values[i] for i in args], settings)
        self.values.append(value)
        return self.tape.add(operation, args, settings, value.__class__)


def random_tape(
    rng: random.Random, size: int, inputs: Sequence[Any], plain: bool = False, reach: int = 10**9
) -> Recorder:
    """Return a tape of random calls.

    Args:
        rng: what draws.
        size: how many calls are tried.
        inputs: values to record with.
        plain: whether to take the common operations only.
        reach: how far back arguments lie.
    """
    recorder = Recorder()
    for value in inputs:
        recorder.input(value)
    for value in (2, 0.5, 1, 1.0, -3, True, 0, -0.0):
        if rng.random() < 0.5:
            recorder.constant(value)
    for _ in range(size):
        arity = rng.choice((1, 2, 2, 2, 3))
        last = len(recorder.values)
        args = [rng.randrange(max(0, last - reach), last) for _ in range(arity)]
        settings: dict[str, Any] = {}
        truths = all(recorder.values[i].__class__ is bool for i in args[:2])
        if rng.random() < 0.15 and last > 3:  # a chain of additions
            total = args[0]
            for _ in range(rng.randrange(2, 8)):
                total = recorder.call("add", total, rng.randrange(max(0, last - reach), last))
            continue
        if arity == 3:
            operation: Any = rng.choice(OPS[3])
        elif truths and rng.random() < 0.5:
            operation = rng.choice(OF_TRUTHS)
            args = args[:1] if operation is operator.invert else [args[0], args[-1]]
        elif rng.random() < 0.3 and not plain:
            operation = rng.choice(PYTHON[arity])
        elif arity == 1 and rng.random() < 0.2:
            operation, settings = rng.choice(SETTINGS)
        else:
            operation = rng.choice(OPS[arity][: 6 if plain else None])
        with suppress(ArithmeticError, ValueError, TypeError):
            recorder.call(operation, *args, **settings)
    return recorder


def bits(value: Any) -> Any:
    """Return what tells two numbers apart: the class, and the bits of a float."""
    if value.__class__ is float:
        return "nan" if value != value else struct.pack("<d", value)
    return value.__class__, value


def run_tape(tape: Tape, outputs: Sequence[int], inputs: Sequence[Any]) -> list[Any] | None:
    """Return what a tape computes, None where Python raises an error or a check fails."""
    values: dict[int, Any] = dict(zip(tape.inputs, inputs, strict=True)) | tape.constants
    needed = set(tape.live(outputs))
    for slot in range(len(tape)):
        if slot in values or slot not in needed:
            continue
        args = [values[i] for i in tape.arguments[slot]]
        try:
            values[slot] = call_of_numbers(tape.operations[slot], args, tape.settings[slot])
        except (ZeroDivisionError, OverflowError):
            return None
    if any(values[slot] != wanted for slot, wanted in tape.checks):
        return None
    return [values[slot] for slot in outputs]
