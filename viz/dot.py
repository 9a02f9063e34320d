"""A picture as DOT text, for graphviz to lay out."""

from __future__ import annotations

from collections.abc import Iterator

from viz.measure import CIRCLE, FONT_SIZE, FONTS, RED, block_width, circle_size
from viz.picture import Picture, Strand, escape

_POINTS = 72  # to the inch, in which DOT measures nodes


def write_dot(picture: Picture, rankdir: str = "LR") -> str:
    """Return DOT text for a picture; the same text for the same picture.

    Args:
        picture: what to draw.
        rankdir: 'LR' to draw from left to right, 'TB' from top to bottom.

    >>> print(write_dot(Picture((Strand("0", name="x"),), ())))
    digraph {
      graph [rankdir=LR bgcolor=white nodesep=0.2 ranksep=0.4]
      node [shape=plain fontname="DejaVu Sans,Helvetica,Arial,sans-serif" fontsize=14]
      edge [arrowsize=0.8]
      name0 [label=<x> shape=plaintext height=0.3 width=0 margin="0.06,0"]
    }
    <BLANKLINE>
    """
    lines = [
        f"graph [rankdir={rankdir} bgcolor=white nodesep=0.2 ranksep=0.4]",
        f'node [shape=plain fontname="{FONTS}" fontsize={FONT_SIZE:g}]',
        "edge [arrowsize=0.8]",
    ]
    enter, leave = "we" if rankdir == "LR" else "ns"
    for strand in picture.strands:
        lines += _strand(strand, rankdir, enter)
    for tail, head in picture.arrows:
        source, target = picture.strands[tail], picture.strands[head]
        # A run of operations is kept straighter than what joins it from a leaf.
        weight = " [weight=3]" if source.symbol else ""
        lines.append(f"value{source.key}:{leave} -> {_head(target)}{weight}")
    return "digraph {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _head(strand: Strand) -> str:
    """Return the DOT name of what an arrow to a strand points at."""
    return ("op" if strand.symbol else "name") + strand.key


def _strand(strand: Strand, rankdir: str, enter: str) -> Iterator[str]:
    has_head = bool(strand.symbol or strand.name or not strand.above)
    if strand.symbol:
        yield f"{_head(strand)} [label=<{_text(strand.symbol)}> {_circle(strand.symbol)}]"
    elif strand.name:
        box = 'shape=plaintext height=0.3 width=0 margin="0.06,0"'
        yield f"{_head(strand)} [label=<{_text(strand.name)}> {box}]"
    elif has_head:
        yield f'{_head(strand)} [label="" shape=point style=invis width=0.01]'
    if strand.above:
        label = (_side_by_side if rankdir == "TB" else _stacked)(strand.above, strand.below)
        yield f"value{strand.key} [label=<{label}>]"
        if has_head:
            yield f"{_head(strand)} -> value{strand.key}:{enter} [arrowhead=none weight=10]"


def _circle(symbol: str) -> str:
    width, height = circle_size(symbol)
    shape = "circle" if width == CIRCLE else "ellipse"
    return f"shape={shape} margin=0 width={width / _POINTS:.2f} height={height / _POINTS:.2f}"


def _stacked(above: tuple[str, ...], below: tuple[str, ...]) -> str:
    """Return a label with a horizontal line, in the middle: both halves are as high."""
    height = max(len(above), len(below))
    value = _lines(("",) * (height - len(above)) + above)
    gradient = _red(_lines(below + ("",) * (height - len(below))))
    # The wider padding is as high as the border and padding of the other half.
    return _table(
        f'<TR><TD SIDES="B" CELLPADDING="1">{value}</TD></TR>'
        f'<TR><TD BORDER="0" CELLPADDING="2">{gradient}</TD></TR>'
    )


def _side_by_side(left: tuple[str, ...], right: tuple[str, ...]) -> str:
    """Return a label with a vertical line, in the middle: both halves are as wide."""
    width = f'WIDTH="{max(block_width(left), block_width(right)) + 10:.0f}" CELLPADDING="3"'
    value, gradient = _lines(left), _red(_lines(right))
    return _table(
        f'<TR><TD SIDES="R" ALIGN="RIGHT" BALIGN="RIGHT" {width}>{value}</TD>'
        f'<TD BORDER="0" ALIGN="LEFT" BALIGN="LEFT" {width}>{gradient}</TD></TR>'
    )


def _table(rows: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0">{rows}</TABLE>'


def _red(text: str) -> str:
    return f'<FONT COLOR="{RED}">{text}</FONT>'


def _lines(lines: tuple[str, ...]) -> str:
    return "<BR/>".join(_text(line) or " " for line in lines) or " "


def _text(text: str) -> str:
    """Write text for a label in angle brackets, where backslashes have a meaning too."""
    return escape(text).replace("\\", "\\\\")
