"""The row of formulas that an operation has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The formulas of one operation.

    Attributes:
        arguments: what the formulas call the arguments.
        expression: what is computed.
        derivatives: one for each argument; None where it is no formula that helps.
    """

    arguments: tuple[str, ...]
    expression: str
    derivatives: tuple[str | None, ...]


def unary(expression: str, derivative: str) -> Row:
    """Return the row of an operation on `x`."""
    return Row(("x",), expression, (derivative,))


def binary(expression: str, one: str, other: str) -> Row:
    """Return the row of an operation on `a` and `b`."""
    return Row(("a", "b"), expression, (one, other))
