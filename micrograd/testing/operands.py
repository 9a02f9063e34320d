"""What the steps of a random program take, and where they can be taken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from micrograd.testing.shapes import Shape

MARGIN = 0.125  # how far from a kink, and ties apart
CLEAR = 0.25  # how far from a pole, where derivatives grow without bound


@dataclass(frozen=True, eq=False)
class Operand:
    """A variable or constant of a program: its text, and its data at the inputs."""

    text: str
    data: Any

    @cached_property
    def shape(self) -> Shape:
        return np.shape(self.data)

    @cached_property
    def low(self) -> float:
        return float(np.min(self.data))

    @cached_property
    def high(self) -> float:
        return float(np.max(self.data))

    @cached_property
    def distance(self) -> float:
        """How far the element nearest to 0 is from it."""
        return float(np.min(np.abs(self.data)))

    @cached_property
    def gap(self) -> float:
        """How far the two nearest elements are from each other."""
        gaps: Any = np.diff(np.sort(self.data, axis=None))
        return float(np.min(gaps, initial=np.inf))


# Guards, of operands


def anywhere(*operands: Operand) -> bool:
    del operands
    return True


def off_zero(x: Operand) -> bool:
    return x.distance >= MARGIN


def well_off_zero(x: Operand) -> bool:
    return x.distance >= CLEAR


def divisible(a: Operand, b: Operand) -> bool:
    return well_off_zero(b)


def positive(x: Operand) -> bool:
    return x.low >= CLEAR


def raisable(x: Operand, n: Operand) -> bool:
    # At n = 0, PyTorch, which judges the programs of the project's tests, has 0 for the mixed
    # second derivative, where it is 1 / x.
    return positive(x) and off_zero(n) and n.low >= -3 and n.high <= 3


def below_three(x: Operand) -> bool:
    return x.high < 3


def without_ties(x: Operand) -> bool:
    return x.gap >= MARGIN


def decided(x: Operand, *branches: Operand) -> bool:
    return off_zero(x)


def apart(a: Operand, b: Operand) -> bool:
    return bool(np.min(np.abs(a.data - b.data)) >= MARGIN)


# Which shapes fit


def together(*shapes: Shape) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def a_vector_or_more(shape: Shape) -> bool:
    return len(shape) >= 1


def a_matrix(shape: Shape) -> bool:
    return len(shape) == 2


def a_matrix_or_more(shape: Shape) -> bool:
    return len(shape) >= 2


def equal(a: Shape, b: Shape) -> bool:
    return a == b


def multipliable(a: Shape, b: Shape) -> bool:
    return bool(a and b) and a[-1] == b[-2:][0] and together(a[:-2], b[:-2])


def joinable(a: Shape, b: Shape) -> bool:
    return 1 <= len(a) == len(b) and len(differing_axes(a, b)) <= 1


def differing_axes(a: Shape, b: Shape) -> list[int]:
    return [i for i, (m, n) in enumerate(zip(a, b, strict=True)) if m != n]
