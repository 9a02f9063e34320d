"""What a gradient check found, as an object that tells yes or no and prints as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Discrepancy:
    """One element of a gradient: what differences gave and what reverse mode gave.

    Attributes:
        index: where in the argument.
        numerical: the numerical derivative.
        reverse: the derivative by reverse mode.
        error: how far the numerical derivative may be off.
        tolerance: how far the two were allowed to be apart.
    """

    index: tuple[int, ...]
    numerical: float
    reverse: float
    error: float
    tolerance: float

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.index))}]" if self.index else "the number"
        return (
            f"{where}: numerical {self.numerical:.9g} ± {self.error:.1e}, "
            f"reverse {self.reverse:.9g}"
        )


@dataclass(frozen=True)
class ArgumentReport:
    """What was found for one argument at one order.

    Attributes:
        name: the name of the argument.
        order: 1 for the gradient, 2 for the gradient's gradient, and so on.
        shape: the shape of the argument.
        checked: how many elements were compared.
        wrong: how many differ.
        kinks: how many stand where the derivatives from the two sides differ, or
            where there is none. Their reverse value was right if it lies between
            the two sides.
        uncertain: how many the numerical derivative cannot tell from a gradient
            that is off by a thousandth.
        worst: the element that counts most: a wrong one if there is one.
        cause: a guess at why, a sentence; empty when all is right.
    """

    name: str
    order: int
    shape: tuple[int, ...]
    checked: int
    wrong: int
    kinks: int
    uncertain: int
    worst: Discrepancy | None
    cause: str

    @property
    def verdict(self) -> str:
        """One word or two on this argument."""
        if self.wrong:
            return "WRONG"
        if self.uncertain:
            return "uncertain"
        return "right, at kinks" if self.kinks and self.kinks == self.checked else "right"


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found; true if all gradients are right.

    Attributes:
        function: the name of the function.
        arguments: one report for each argument at each order.
        strict: whether a kink counts as a failure.

    >>> from micrograd.testing import gradcheck
    >>> report = gradcheck(lambda x: x * x, 3.0)
    >>> bool(report), report.arguments[0].worst.reverse
    (True, 6.0)
    """

    function: str
    arguments: tuple[ArgumentReport, ...]
    strict: bool = False

    def __bool__(self) -> bool:
        return not self.failures()

    def failures(self) -> list[ArgumentReport]:
        """Return the arguments whose gradient is not known to be right."""
        return [a for a in self.arguments if a.wrong or a.uncertain or (self.strict and a.kinks)]

    def explain(self) -> str:
        """Return a paragraph for each failure: what, where, and a guess at why."""
        return "\n".join(_explain(self.function, a) for a in self.failures())

    def __str__(self) -> str:
        head = ("order", "argument", "shape", "checked", "wrong", "kinks", "uncertain", "verdict")
        rows = [
            (a.order, a.name, a.shape, a.checked, a.wrong, a.kinks, a.uncertain, a.verdict)
            for a in self.arguments
        ]
        outcome = "right" if self else "NOT right"
        table = _table(head, rows)
        return (
            f"The gradients of {self.function} are {outcome}.\n{table}\n{self.explain()}".rstrip()
        )

    __repr__ = __str__


def _explain(function: str, a: ArgumentReport) -> str:
    gradient = {1: "gradient", 2: "second-order gradient"}.get(a.order, f"order-{a.order} gradient")
    if a.wrong:
        number, what = a.wrong, "is wrong"
    elif a.uncertain:
        number, what = a.uncertain, "cannot be judged"
    else:
        number, what = a.kinks, "stands at a kink"
    return (
        f"The {gradient} of {function} with respect to {a.name}, shape {a.shape}, {what} at "
        f"{number} of {a.checked} {'element' if a.checked == 1 else 'elements'}.\n"
        f"  The worst is {a.worst}.\n  {a.cause}"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [tuple(map(str, row)) for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
