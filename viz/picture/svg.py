"""A laid-out picture as SVG text."""

from __future__ import annotations

from collections.abc import Iterator

from viz.picture.colours import (
    COUNT,
    GROUP,
    GROUP_FILL,
    GROUP_LINE,
    GROUP_TEXT,
    MARK,
    Appearance,
    cell_colour,
)
from viz.picture.layout import ARROW, Arrow, Curve, Layout, PlacedGroup, PlacedStrand
from viz.picture.measure import CELL, FONT_SIZE, FONTS, MONO, SMALL, TINY, block_height, line_size
from viz.picture.picture import Strand, escape
from viz.picture.sizes import Box, Point
from viz.text.lines import Grid, Line, Lines, Mark, Row

_HALF_ARROW = 3.6  # half as wide as an arrow head is at its base
_RISE = 5.0  # from the baseline to the middle of a digit
_DEPTH = 4.5  # from the lower end of a line of text to its baseline
_CLEAR = 2.0  # between a line and what stands below it
_ASIDE = 4.5  # between an upright line and what stands beside it
_BELOW = 8.0  # below the caption


def write_svg(layout: Layout) -> str:
    """Return SVG text for a laid-out picture; the same text for the same layout.

    >>> from viz.picture.picture import Picture, Strand
    >>> from viz.picture.layout import lay_out
    >>> svg = write_svg(lay_out(Picture((Strand("0", name="x", above=("3",)),), ())))
    >>> svg.count("<text")
    2
    """
    width, height = _number(layout.width), _number(layout.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<g font-family="{FONTS}" font-size="{_number(FONT_SIZE)}" text-anchor="middle" '
        'stroke-linecap="square">',
    ]
    for group in layout.groups:
        lines += _group(group)
    drawn: set[Curve] = set()
    for arrow in layout.arrows:
        lines += _arrow(arrow, drawn)
    for strand in layout.strands:
        lines += _strand(strand, layout.rankdir)
    if layout.caption:
        at = layout.width / 2, layout.height - _BELOW
        lines.append(_text("caption", layout.caption, *at, f' font-size="{_number(SMALL)}"'))
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _group(placed: PlacedGroup) -> Iterator[str]:
    """Yield the box of a group, and its name at the top left."""
    box, look = placed.box, f' fill="{GROUP_TEXT}" font-size="{SMALL:g}" text-anchor="start"'
    left, top = box.x - box.width / 2, box.y - box.height / 2
    yield '<g class="group">'
    yield _frame(box, f'fill="{GROUP}" fill-opacity="0.07" stroke="{GROUP_LINE}"')
    yield _text("group", placed.group.title, left + 8, top + 15, look)
    yield "</g>"


def _frame(box: Box, look: str) -> str:
    corner = f'x="{_number(box.x - box.width / 2)}" y="{_number(box.y - box.height / 2)}"'
    size = f'width="{_number(box.width)}" height="{_number(box.height)}"'
    return f'<rect {corner} {size} rx="8" {look}/>'


def _arrow(arrow: Arrow, drawn: set[Curve]) -> Iterator[str]:
    """Yield an arrow; what it shares with one drawn before is not drawn again."""
    yield f'<g class="edge" data-tail="{escape(arrow.tail)}" data-head="{escape(arrow.head)}">'
    new = [curve for curve in arrow.curves if curve not in drawn]
    drawn.update(new)
    path = f"M{_points(new[0][0])}" + "".join(_curve(curve) for curve in new)
    yield f'<path d="{path}" fill="none" {_stroke(arrow.appearance)}/>'
    if arrow.is_pointed:
        yield _arrow_head(arrow.curves[-1][3], arrow.tip, arrow.appearance)
    yield "</g>"


def _stroke(appearance: Appearance) -> str:
    return f'stroke="{appearance.line}"' + (
        f' stroke-width="{appearance.width}"' if appearance.width != 1 else ""
    )


def _fill(colour: str) -> str:
    return "" if colour == "black" else f' fill="{colour}"'


def _curve(curve: Curve) -> str:
    return f"L{_points(curve[3])}" if _straight(curve) else f"C{_points(*curve[1:])}"


def _straight(curve: Curve) -> bool:
    (x, y), (end_x, end_y) = curve[0], curve[3]
    return all(abs((px - x) * (end_y - y) - (py - y) * (end_x - x)) < 0.01 for px, py in curve[1:3])


def _arrow_head(base: Point, tip: Point, appearance: Appearance) -> str:
    x, y = ((t - b) / ARROW * _HALF_ARROW for t, b in zip(tip, base, strict=True))
    one, other = (base[0] - y, base[1] + x), (base[0] + y, base[1] - x)
    return f'<path d="M{_points(one)}L{_points(tip)}L{_points(other)}Z"{_fill(appearance.line)}/>'


def _strand(placed: PlacedStrand, rankdir: str) -> Iterator[str]:
    strand, head, appearance = placed.strand, placed.head, placed.strand.appearance
    if strand.carries:
        tail, target = map(escape, strand.carries)
        yield f'<g class="note" data-tail="{tail}" data-head="{target}">'
    else:
        yield f'<g class="node" data-node="{escape(strand.key)}">'
    if placed.start != placed.end:
        is_input = strand.boxed and not strand.symbol  # its line comes out of its record
        start = (placed.label.x, placed.label.y) if is_input else placed.start
        yield f'<path d="M{_points(start)}L{_points(placed.end)}" {_stroke(appearance)}/>'
    if strand.symbol:
        yield from _head(strand, head)
    elif strand.has_name:
        yield _text("name", strand.name, head.x, head.y + _RISE, _fill(appearance.text))
    if strand.boxed:
        yield from _record(placed, rankdir)
    else:
        yield from (_beside if rankdir == "TB" else _around)(placed)
    yield "</g>"


def _head(strand: Strand, box: Box) -> Iterator[str]:
    """Yield a circle, twice drawn if it stands for many, or the box of a collapsed group."""
    appearance, y = strand.appearance, box.y + _RISE
    if strand.is_group:
        yield _frame(box, f'fill="{GROUP_FILL}" {_stroke(appearance)}')
    else:
        yield _circle(box, appearance)
    if strand.times:
        yield _circle(Box(box.x, box.y, box.width - 6, box.height - 6), appearance)
        look = f' fill="{COUNT}" font-size="{TINY:g}"'
        yield _text("count", strand.times, box.x, box.y + 13, look)
        y -= 5
    yield _text("symbol", strand.symbol, box.x, y, _fill(appearance.text))


def _circle(box: Box, appearance: Appearance) -> str:
    centre = f'cx="{_number(box.x)}" cy="{_number(box.y)}"'
    if box.width == box.height:
        return f'<circle {centre} r="{_number(box.width / 2)}" fill="white" {_stroke(appearance)}/>'
    radii = f'rx="{_number(box.width / 2)}" ry="{_number(box.height / 2)}"'
    return f'<ellipse {centre} {radii} fill="white" {_stroke(appearance)}/>'


def _around(placed: PlacedStrand) -> Iterator[str]:
    """Yield the value above a horizontal line and the gradient below it."""
    strand, label = placed.strand, placed.label
    top = label.y - block_height(strand.above)
    yield from _lines("value", strand.above, label.x, top, strand.appearance.text)
    yield from _lines(
        "gradient", strand.below, label.x, label.y + _CLEAR, strand.appearance.gradient
    )


def _beside(placed: PlacedStrand) -> Iterator[str]:
    """Yield the value left of a vertical line and the gradient right of it."""
    strand, label = placed.strand, placed.label
    for kind, lines, x, colour, anchor in (
        ("value", strand.above, label.x - _ASIDE, strand.appearance.text, "end"),
        ("gradient", strand.below, label.x + _ASIDE, strand.appearance.gradient, "start"),
    ):
        top = label.y - block_height(lines) / 2
        yield from _lines(kind, lines, x, top, colour, anchor)


def _record(placed: PlacedStrand, rankdir: str) -> Iterator[str]:
    """Yield the boxes of a record, and the arrow head before them."""
    appearance = placed.strand.appearance
    if placed.strand.symbol:
        first = placed.boxes[0]
        if rankdir == "TB":
            tip = first.x, first.y - first.height / 2
            yield _arrow_head((tip[0], tip[1] - ARROW), tip, appearance)
        else:
            tip = first.x - first.width / 2, first.y
            yield _arrow_head((tip[0] - ARROW, tip[1]), tip, appearance)
    kinds = ("name",) * (len(placed.boxes) - 2) + ("value", "gradient")
    cells = zip(kinds, placed.boxes, placed.strand.cells(), strict=True)
    for kind, box, (lines, colour) in cells:
        corner = f'x="{_number(box.x - box.width / 2)}" y="{_number(box.y - box.height / 2)}"'
        size = f'width="{_number(box.width)}" height="{_number(box.height)}"'
        yield f'<rect {corner} {size} fill="white" stroke="{appearance.line}"/>'
        yield from _lines(kind, lines, box.x, box.y - block_height(lines) / 2, colour)


def _lines(
    kind: str, lines: Lines, x: float, top: float, colour: str, anchor: str = "middle"
) -> Iterator[str]:
    """Yield lines below each other; `x` is their middle, start or end."""
    for line in lines:
        width, height = line_size(line)
        if isinstance(line, Grid):
            left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            yield from _heat_map(kind, line, left, top + 2)
        else:
            look = _look(line, colour) + (f' text-anchor="{anchor}"' if anchor != "middle" else "")
            yield _text(_kind(line, kind), line, x, top + height - _DEPTH, look)
        top += height


def _kind(line: Line, kind: str) -> str:
    return f"mark {kind}" if isinstance(line, Mark) else kind


def _look(line: str, colour: str) -> str:
    if isinstance(line, Mark):
        return f'{_fill(MARK)} font-weight="bold" font-size="{_number(SMALL)}"'
    if isinstance(line, Row):
        return f'{_fill(colour)} font-family="{MONO}" font-size="{_number(SMALL)}"'
    return _fill(colour)


def _heat_map(kind: str, grid: Grid, left: float, top: float) -> Iterator[str]:
    """Yield a frame, and one path for the cells of each colour."""
    paths: dict[int | None, str] = {}
    for i, row in enumerate(grid.cells):
        for j, level in enumerate(row):
            corner = _points((left + j * CELL, top + i * CELL))
            paths[level] = paths.get(level, "") + f"M{corner}h{CELL:g}v{CELL:g}h-{CELL:g}z"
    for level, path in paths.items():
        yield f'<path class="cells {kind}" d="{path}" fill="{cell_colour(level)}"/>'
    width, height = CELL * len(grid.cells[0]), CELL * len(grid.cells)
    yield (
        f'<rect class="frame {kind}" x="{_number(left)}" y="{_number(top)}" '
        f'width="{width:g}" height="{height:g}" '
        'fill="none" stroke="#999999"/>'
    )


def _text(kind: str, text: str, x: float, y: float, look: str = "") -> str:
    place = f'x="{_number(x)}" y="{_number(y)}"'
    return f'<text class="{kind}" {place}{look}>{escape(text)}</text>'


def _points(*points: Point) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    """Write a length with two digits at most, and never as -0."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
