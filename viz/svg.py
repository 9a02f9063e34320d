"""A laid-out picture as SVG text."""

from __future__ import annotations

from collections.abc import Iterator

from viz.layout import ARROW, Arrow, Box, Curve, Layout, PlacedStrand, Point
from viz.measure import CIRCLE, FONT_SIZE, FONTS, LINE, RED
from viz.picture import escape

_HALF_ARROW = 3.6  # half as wide as an arrow head is at its base
_RISE = 5.0  # from the baseline to the middle of a digit
_CLEAR = 4.5  # between a line and the text beside it
_RED_FILL = f' fill="{RED}"'


def write_svg(layout: Layout) -> str:
    """Return SVG text for a laid-out picture; the same text for the same layout.

    >>> from viz.picture import Picture, Strand
    >>> from viz.layout import lay_out
    >>> svg = write_svg(lay_out(Picture((Strand("0", name="x", above=("3",)),), ())))
    >>> svg.count("<text")
    2
    """
    width, height = _number(layout.width), _number(layout.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<g font-family="{FONTS}" font-size="{_number(FONT_SIZE)}" text-anchor="middle">',
    ]
    drawn: set[Curve] = set()
    for arrow in layout.arrows:
        lines += _arrow(arrow, drawn)
    for strand in layout.strands:
        lines += _strand(strand, layout.rankdir)
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _arrow(arrow: Arrow, drawn: set[Curve]) -> Iterator[str]:
    """Yield an arrow; what it shares with one drawn before is not drawn again."""
    yield f'<g class="edge" data-tail="{arrow.tail}" data-head="{arrow.head}">'
    new = [curve for curve in arrow.curves if curve not in drawn]
    drawn.update(new)
    path = f"M{_points(new[0][0])}" + "".join(_curve(curve) for curve in new)
    yield f'<path d="{path}" fill="none" stroke="black"/>'
    yield f'<path d="{_arrow_head(arrow.curves[-1][3], arrow.tip)}"/>'
    yield "</g>"


def _curve(curve: Curve) -> str:
    return f"L{_points(curve[3])}" if _straight(curve) else f"C{_points(*curve[1:])}"


def _straight(curve: Curve) -> bool:
    (x, y), (end_x, end_y) = curve[0], curve[3]
    return all(abs((px - x) * (end_y - y) - (py - y) * (end_x - x)) < 0.01 for px, py in curve[1:3])


def _arrow_head(base: Point, tip: Point) -> str:
    x, y = ((t - b) / ARROW * _HALF_ARROW for t, b in zip(tip, base, strict=True))
    one, other = (base[0] - y, base[1] + x), (base[0] + y, base[1] - x)
    return f"M{_points(one)}L{_points(tip)}L{_points(other)}Z"


def _strand(placed: PlacedStrand, rankdir: str) -> Iterator[str]:
    strand, head = placed.strand, placed.head
    yield f'<g class="node" data-node="{strand.key}">'
    if placed.start != placed.end:
        yield f'<path d="M{_points(placed.start)}L{_points(placed.end)}" stroke="black"/>'
    if strand.symbol:
        yield _circle(head)
        yield _text("symbol", strand.symbol, head.x, head.y + _RISE)
    elif strand.name:
        yield _text("name", strand.name, head.x, head.y + _RISE)
    yield from (_beside if rankdir == "TB" else _around)(placed)
    yield "</g>"


def _circle(box: Box) -> str:
    centre = f'cx="{_number(box.x)}" cy="{_number(box.y)}"'
    if box.width == box.height == CIRCLE:
        return f'<circle {centre} r="{_number(CIRCLE / 2)}" fill="white" stroke="black"/>'
    radii = f'rx="{_number(box.width / 2)}" ry="{_number(box.height / 2)}"'
    return f'<ellipse {centre} {radii} fill="white" stroke="black"/>'


def _around(placed: PlacedStrand) -> Iterator[str]:
    """Yield the value above a horizontal line and the gradient below it."""
    strand, label = placed.strand, placed.label
    for i, line in enumerate(strand.above):
        yield _text("value", line, label.x, label.y - _CLEAR - (len(strand.above) - 1 - i) * LINE)
    for i, line in enumerate(strand.below):
        y = label.y + _CLEAR + 2 * _RISE + i * LINE
        yield _text("gradient", line, label.x, y, _RED_FILL)


def _beside(placed: PlacedStrand) -> Iterator[str]:
    """Yield the value left of a vertical line and the gradient right of it."""
    strand, label = placed.strand, placed.label
    for kind, lines, x, look in (
        ("value", strand.above, label.x - _CLEAR, ' text-anchor="end"'),
        ("gradient", strand.below, label.x + _CLEAR, ' text-anchor="start"' + _RED_FILL),
    ):
        for i, line in enumerate(lines):
            y = label.y + (i - (len(lines) - 1) / 2) * LINE + _RISE
            yield _text(kind, line, x, y, look)


def _text(kind: str, text: str, x: float, y: float, look: str = "") -> str:
    place = f'x="{_number(x)}" y="{_number(y)}"'
    return f'<text class="{kind}" {place}{look}>{escape(text)}</text>'


def _points(*points: Point) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    """Write a length with two digits at most, and never as -0."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
