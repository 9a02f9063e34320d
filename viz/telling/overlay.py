"""What lies over a picture that can be stepped through: places to point at, and flows."""

from __future__ import annotations

from collections.abc import Iterator

from viz.picture.layout import Arrow, Layout, PlacedStrand
from viz.picture.picture import escape
from viz.picture.svg import _curve as curve_path
from viz.picture.svg import _number as length
from viz.picture.svg import _points as points

_AROUND = 3.0  # between a node and the frame around it


def overlay(layout: Layout) -> str:
    """Return SVG text to stand at the end of a picture, invisible as it is.

    It holds the whole way of each arrow, the line that it comes out of included,
    as a path of class 'flow' with data-tail and data-head; and a rectangle of
    class 'hit' around each node, with data-node.

    Args:
        layout: the picture.

    >>> from viz.picture.layout import lay_out
    >>> from viz.picture.picture import Picture, Strand
    >>> x, end = Strand("0", above=("3",)), Strand("0_end", name="y")
    >>> text = overlay(lay_out(Picture((x, end), ((0, 1),))))
    >>> text.count('class="flow"'), text.count('class="hit"')
    (1, 2)
    """
    lines = ['<g class="overlay" fill="none">']
    starts = {placed.strand.key: placed for placed in layout.strands}
    for placed in layout.strands:
        lines += _note(placed) if placed.strand.carries else []
    lines += [_flow(arrow, starts) for arrow in layout.arrows]
    lines += [_hit(placed) for placed in layout.strands if not placed.strand.carries]
    return "\n".join([*lines, "</g>"]) + "\n"


def _note(placed: PlacedStrand) -> Iterator[str]:
    tail, head = placed.strand.carries or ("", "")
    yield _path(tail, head, f"M{points(placed.start)}L{points(placed.end)}")


def _flow(arrow: Arrow, starts: dict[str, PlacedStrand]) -> str:
    source = starts[arrow.tail]
    start = arrow.curves[0][0]
    way = f"M{points(source.start)}L{points(start)}" if start == source.end else f"M{points(start)}"
    return _path(arrow.tail, arrow.head, way + "".join(map(curve_path, arrow.curves)))


def _path(tail: str, head: str, way: str) -> str:
    ends = f'data-tail="{escape(tail)}" data-head="{escape(head)}"'
    return f'<path class="flow" {ends} d="{way}"/>'


def _hit(placed: PlacedStrand) -> str:
    """Return a rectangle around a node's circle or name, line and label."""
    boxes = [box for box in (placed.head, placed.label) if box.width and box.height]
    boxes = boxes or [placed.head]
    left = min(box.x - box.width / 2 for box in boxes) - _AROUND
    top = min(box.y - box.height / 2 for box in boxes) - _AROUND
    right = max(box.x + box.width / 2 for box in boxes) + _AROUND
    bottom = max(box.y + box.height / 2 for box in boxes) + _AROUND
    corner = f'x="{length(left)}" y="{length(top)}"'
    size = f'width="{length(right - left)}" height="{length(bottom - top)}"'
    return f'<rect class="hit" data-node="{escape(placed.strand.key)}" {corner} {size} rx="6"/>'
