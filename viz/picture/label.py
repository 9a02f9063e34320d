"""The labels of a picture in DOT's dialect of HTML: tables, fonts, and cells with colours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from viz.picture.colours import MARK, Appearance, cell_colour
from viz.picture.measure import CELL, MONO, SMALL, block_height, block_width
from viz.picture.picture import Strand, escape
from viz.text.lines import Grid, Line, Lines, Mark, Row

_PADDING = 2


def text(words: str) -> str:
    """Write text for a label in angle brackets, where backslashes have a meaning too.

    >>> print(text("a < b"))
    a &lt; b
    """
    return escape(words).replace("\\", "\\\\")


def coloured(markup: str, colour: str) -> str:
    """Return what a label shows in a colour; black needs no word.

    >>> coloured("x", "black"), coloured("x", "red")
    ('x', '<FONT COLOR="red">x</FONT>')
    """
    return markup if colour == "black" else f'<FONT COLOR="{colour}">{markup}</FONT>'


def stacked(strand: Strand) -> str:
    """Return a label with a horizontal line, in the middle: both halves are as high.

    >>> stacked(Strand("0", above=("3",), below=("–",))).count("<TD")
    2
    """
    appearance = strand.appearance
    height = max(block_height(strand.above), block_height(strand.below)) + 2 * _PADDING
    above = (
        f'<TD HEIGHT="{height:.0f}" VALIGN="BOTTOM">{_lines(strand.above, appearance.text)}</TD>'
    )
    below = (
        f'<TD HEIGHT="{height:.0f}" VALIGN="TOP">{_lines(strand.below, appearance.gradient)}</TD>'
    )
    line = "<HR/>" if appearance.width == 1 else f"<TR>{_bar(appearance, 'HEIGHT')}</TR>"
    return _table(f"<TR>{above}</TR>{line}<TR>{below}</TR>", appearance.line)


def side_by_side(strand: Strand) -> str:
    """Return a label with a vertical line, in the middle: both halves are as wide.

    >>> side_by_side(Strand("0", above=("3",), below=("–",))).count("<TR>")
    1
    """
    appearance = strand.appearance
    width = max(block_width(strand.above), block_width(strand.below)) + 10
    wide = f'WIDTH="{width:.0f}" CELLPADDING="3"'
    left = f"{_aligned('RIGHT')} {wide}>{_lines(strand.above, appearance.text, 'RIGHT')}"
    right = f"{_aligned('LEFT')} {wide}>{_lines(strand.below, appearance.gradient, 'LEFT')}"
    line = "<VR/>" if appearance.width == 1 else _bar(appearance, "WIDTH")
    return _table(f"<TR><TD {left}</TD>{line}<TD {right}</TD></TR>", appearance.line)


def _bar(appearance: Appearance, across: str) -> str:
    """Return a cell that is a thick line; dot draws a rule only as thin as can be.

    It lies exactly where the edges meet it, if it is an even number of points wide.
    """
    return f'<TD {across}="{appearance.width}" CELLPADDING="0" BGCOLOR="{appearance.line}"></TD>'


def record(strand: Strand, upright: bool) -> str:
    """Return a label of boxes: the name, the data and the gradient.

    >>> record(Strand("0", name="x", above=("data 3",), boxed=True), False).count("<TD")
    2
    """
    appearance = strand.appearance
    cells = [
        f'<TD BORDER="1" CELLPADDING="5">{_lines(lines, colour)}</TD>'
        for lines, colour in strand.cells()
    ]
    rows = [f"<TR>{cell}</TR>" for cell in cells] if upright else [f"<TR>{''.join(cells)}</TR>"]
    return _table("".join(rows), appearance.line)


def _table(rows: str, colour: str) -> str:
    look = "" if colour == "black" else f' COLOR="{colour}"'
    frame = f'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{_PADDING}"'
    return f"<TABLE {frame}{look}>{rows}</TABLE>"


def _lines(lines: Lines, colour: str, side: str = "CENTER") -> str:
    """Return lines below each other; those that differ in kind need a table around them."""
    parts = [_part(list(run), colour, side) for _, run in groupby(lines, type)]
    if len(parts) < 2:
        return parts[0] if parts else " "
    look = "" if side == "CENTER" else f" {_aligned(side)}"
    rows = "".join(f"<TR><TD{look}>{part}</TD></TR>" for part in parts)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>'


def _aligned(side: str) -> str:
    return f'ALIGN="{side}" BALIGN="{side}"'


def _part(lines: list[Line], colour: str, side: str) -> str:
    if isinstance(lines[0], Grid):
        return "".join(_heat_map(line, side) for line in lines if isinstance(line, Grid))
    return coloured("<BR/>".join(_line(line) for line in lines if isinstance(line, str)), colour)


def _line(line: str) -> str:
    if isinstance(line, Mark):
        return f'<FONT COLOR="{MARK}" POINT-SIZE="{SMALL:g}"><B>{text(line)}</B></FONT>'
    if isinstance(line, Row):
        return f'<FONT FACE="{MONO}" POINT-SIZE="{SMALL:g}">{text(line)}</FONT>'
    return text(line) or " "


def _heat_map(grid: Grid, side: str) -> str:
    rows = "".join(f"<TR>{''.join(_cells(row))}</TR>" for row in grid.cells)
    width, height = CELL * len(grid.cells[0]) + 2, CELL * len(grid.cells) + 2
    size = f'FIXEDSIZE="TRUE" WIDTH="{width:g}" HEIGHT="{height:g}"'
    frame = 'BORDER="1" COLOR="#999999" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
    return f'<TABLE {frame} {size} ALIGN="{side}">{rows}</TABLE>'


def _cells(row: tuple[int | None, ...]) -> Iterator[str]:
    """Yield the cells of a row; neighbours of one colour are one wide cell."""
    side = f'FIXEDSIZE="TRUE" HEIGHT="{CELL:g}"'
    for level, run in groupby(row):
        count = len(list(run))
        span = f' COLSPAN="{count}"' if count > 1 else ""
        yield f'<TD {side} WIDTH="{CELL * count:g}"{span} BGCOLOR="{cell_colour(level)}"></TD>'
