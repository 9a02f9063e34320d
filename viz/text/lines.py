"""The lines that a label is made of: text, rows of numbers, marks, and small heat maps."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = 4
"""How many shades a heat map has for each sign."""


class Row(str):
    """A row of a matrix, to be set in a font whose characters are equally wide."""

    __slots__ = ()


class Mark(str):
    """A warning that stands with the numbers, such as '⚠ nan'."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A small heat map.

    Attributes:
        cells: rows of levels: from -LEVELS to LEVELS, or None for what is not a number.
    """

    cells: tuple[tuple[int | None, ...], ...]


Line = str | Grid
Lines = tuple[Line, ...]


def plain_text(lines: Lines) -> str:
    """Return in one line what lines say without marks and heat maps.

    >>> plain_text((Mark("⚠ inf"), "(2,) float64", Row("[1 inf]")))
    '(2,) float64 [1 inf]'
    """
    return " ".join(line for line in lines if isinstance(line, str) and not isinstance(line, Mark))


def marks_in(lines: Lines) -> tuple[Mark, ...]:
    """Return the marks among lines.

    >>> marks_in((Mark("⚠ inf"), "inf"))
    ('⚠ inf',)
    """
    return tuple(line for line in lines if isinstance(line, Mark))
