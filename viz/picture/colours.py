"""The colours and widths of lines, circles and texts, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

RED = "#b22222"
MARK = "#7a3e00"
"""The colour of a warning."""
GROUP = "#3b6ea5"
"""The colour of the boxes of groups, in different strengths."""
GROUP_FILL = "#e8eef5"
GROUP_LINE = "#a9bdd3"
GROUP_TEXT = "#35587f"
COUNT = "#555555"


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a node and the arrows out of it are drawn.

    Attributes:
        line: the colour of lines, circles and arrow heads.
        width: how wide lines are, in points: 1, or an even number.
        text: the colour of names, symbols and values.
        gradient: the colour of gradients.
    """

    line: str = "black"
    width: int = 1
    text: str = "black"
    gradient: str = RED


PLAIN = Appearance()
STRONG = Appearance(width=2)
PALE = Appearance(line="#b8b8b8", text="#8c8c8c", gradient="#c99a9a")
FORWARD = Appearance(gradient="black")
BACKWARD = Appearance(line=RED, text=RED)
"""How a program is drawn, of which nothing but the colour tells the two passes apart."""
UNKNOWN = Appearance(line="#a0a0a0")

# Blue and orange look different to readers who cannot tell red from green.
BLUES = ("#deebf7", "#9ecae1", "#4a97c9", "#08519c")
ORANGES = ("#fee6ce", "#fdae6b", "#e6741c", "#a63603")
ZERO = "#ffffff"
NOT_A_NUMBER = "#777777"


def cell_colour(level: int | None) -> str:
    """Return the colour of a cell of a heat map.

    >>> cell_colour(0), cell_colour(1), cell_colour(-1), cell_colour(None)
    ('#ffffff', '#fee6ce', '#deebf7', '#777777')
    """
    if level is None:
        return NOT_A_NUMBER
    return ZERO if level == 0 else (ORANGES if level > 0 else BLUES)[abs(level) - 1]


def largest(peaks: Iterable[float | None]) -> float:
    """Return the greatest magnitude among gradients, which sets the scale; 0 for none.

    >>> largest([1.0, -3.0, None])
    3.0
    """
    return max((abs(peak) for peak in peaks if peak is not None), default=0.0)


def appearance_for(peak: float | None, scale: float) -> Appearance:
    """Return the appearance for a gradient: orange for positive, blue for negative, grey for none.

    With s = √(|gradient| / scale), a line is thin and light up to s = 1/3, twice as
    wide and darker up to 2/3, and above it four times as wide and darkest. The root
    keeps small gradients apart beside large ones.

    Args:
        peak: the gradient; of an array, its element of greatest magnitude.
        scale: the greatest magnitude in the graph.

    >>> strongest = appearance_for(-2.0, 2.0)
    >>> strongest.line, strongest.width, appearance_for(0.02, 2.0).width
    ('#08519c', 4, 1)
    """
    if peak is None or peak == 0 or scale == 0:
        return UNKNOWN
    colours = (ORANGES if peak > 0 else BLUES)[1:]
    step = min(int(3 * sqrt(abs(peak) / scale)), 2)
    return Appearance(line=colours[step], width=2**step, gradient=colours[-1])
