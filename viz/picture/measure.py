"""How large texts and shapes are; the widths are those of DejaVu Sans, a wide font."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

from viz.text.lines import Grid, Line, Lines, Mark, Row

FONTS = "DejaVu Sans,Helvetica,Arial,sans-serif"
FONT_SIZE = 14.0
LINE = 17.0
"""The height of a line of text."""
CIRCLE = 40.0
"""The diameter of an operation, and the height of a long one's ellipse."""
FOLDED = 48.0
"""The same of several operations that are drawn as one."""
TINY = 10.0
"""The size of the count of these."""
SMALL = 12.0
"""The size of what stands aside: rows of numbers, and the words below a picture."""
ROW = 15.0
"""The height of a row of numbers."""
MONO = "DejaVu Sans Mono,Menlo,Consolas,monospace"
CELL = 7.0
"""The side of a cell in a heat map."""

_WIDTHS = {
    character: width
    for width, characters in {
        0.29: "'ijlIJ",
        0.34: " ,./:;|\\·",
        0.41: "!()-[]frt",
        0.53: '"*?_`sz–',
        0.60: "FLPTYackoxyv",
        0.64: "$0123456789ESbdeghnpqu{}Σ√",
        0.70: "ABCKRVXZ",
        0.79: "&DGHNOQU",
        0.84: "#+<=>^~w×÷−",
    }.items()
    for character in characters
}


def text_width(text: str) -> float:
    """Return about how wide a line of text comes out.

    >>> text_width("apple") < text_width("apples") < text_width("APPLES")
    True
    """
    return FONT_SIZE * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if combining(character):
        return 0.0
    if east_asian_width(character) in "WF":  # wide, full-width
        return 1.3
    return _WIDTHS.get(character, 0.70 if character.isalpha() and character not in "mMW" else 1.0)


def line_size(line: Line) -> tuple[float, float]:
    """Return how wide and high a line of a label is.

    >>> line_size("ab")[1], line_size(Grid(((0, 1, 2), (0, 1, 2))))
    (17.0, (21.0, 18.0))
    """
    if isinstance(line, Grid):
        return CELL * len(line.cells[0]), CELL * len(line.cells) + 4
    if isinstance(line, Row):
        return 0.602 * SMALL * len(line), ROW
    if isinstance(line, Mark):
        return 1.15 * text_width(line) * SMALL / FONT_SIZE, LINE
    return text_width(line), LINE


def block_height(lines: Lines) -> float:
    """Return how high some lines of a label are.

    >>> block_height(("a", "b"))
    34.0
    """
    return sum(line_size(line)[1] for line in lines)


def block_width(lines: Lines) -> float:
    """Return how wide the widest of some lines of a label is.

    >>> block_width(("a", "abc")) == text_width("abc")
    True
    """
    return max((line_size(line)[0] for line in lines), default=0.0)


def circle_size(symbol: str, count: str = "") -> tuple[float, float]:
    """Return how wide and high an operation is: a circle, or an ellipse for a long symbol.

    >>> circle_size("×"), circle_size("matmul")[0] > 40, circle_size("+", "× 16")
    ((40.0, 40.0), True, (48.0, 48.0))
    """
    height = FOLDED if count else CIRCLE
    width = max(text_width(symbol), text_width(count) * TINY / FONT_SIZE)
    return (height if width <= height - 6 else width * 1.2 + 12), height


def box_size(title: str) -> tuple[float, float]:
    """Return how wide and high a collapsed group is.

    >>> box_size("layer")[1]
    40.0
    """
    return text_width(title) + 24, CIRCLE
