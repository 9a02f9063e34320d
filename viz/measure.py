"""How large texts and shapes are; the widths are those of DejaVu Sans, a wide font."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

FONTS = "DejaVu Sans,Helvetica,Arial,sans-serif"
FONT_SIZE = 14.0
LINE = 17.0
"""The height of a line of text."""
CIRCLE = 40.0
"""The diameter of an operation, and the height of a long one's ellipse."""
RED = "#b22222"

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


def block_width(lines: tuple[str, ...]) -> float:
    """Return how wide the widest of some lines of text is.

    >>> block_width(("a", "abc")) == text_width("abc")
    True
    """
    return max(map(text_width, lines), default=0.0)


def circle_size(symbol: str) -> tuple[float, float]:
    """Return how wide and high an operation is: a circle, or an ellipse for a long symbol.

    >>> circle_size("×"), circle_size("matmul")[0] > 40
    ((40.0, 40.0), True)
    """
    width = text_width(symbol)
    return (CIRCLE if width <= CIRCLE - 6 else width * 1.2 + 12), CIRCLE
