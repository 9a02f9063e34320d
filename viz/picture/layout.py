"""Places for the shapes of a picture, without the `dot` program.

All is worked out along the flow and across it, and turned to x and y at the
end: in a picture from left to right, along is x and across is y.
"""

from __future__ import annotations

from dataclasses import dataclass

from viz.folding.group import Group
from viz.picture.colours import Appearance
from viz.picture.group_layout import ARROW, Curve
from viz.picture.measure import FONT_SIZE, LINE, SMALL, text_width
from viz.picture.nested_layout import Frame, NestedLayout
from viz.picture.picture import Picture, Strand
from viz.picture.sizes import LEAD, Box, Point, record_boxes, sizes_of

__all__ = ["ARROW", "Arrow", "Curve", "Layout", "PlacedGroup", "PlacedStrand", "lay_out"]

MARGIN = 8.0
_HEADER = 18.0  # how high the name of a group is, at the top of its box
_PADDING = 10.0  # between a box and what is inside


@dataclass(frozen=True, slots=True)
class PlacedStrand:
    """A strand with the boxes of its circle or name, and of its label.

    The line runs from `start` to `end`; there is none at the end of an output. A
    record covers it in its middle, with a box for each of its cells.
    """

    strand: Strand
    head: Box
    label: Box
    start: Point
    end: Point
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one strand to another: curves joined end to end, then a head.

    An arrow that leads to a note in its midst has no head there.
    """

    tail: str
    head: str
    curves: tuple[Curve, ...]
    tip: Point
    appearance: Appearance
    is_pointed: bool


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """A group with the box around all that is in it."""

    group: Group
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture whose every shape has a place; each group stands behind the one around it."""

    width: float
    height: float
    rankdir: str
    strands: tuple[PlacedStrand, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[PlacedGroup, ...] = ()
    caption: str = ""


def lay_out(picture: Picture, rankdir: str = "LR") -> Layout:
    """Give every shape of a picture a place; none overlaps another.

    Args:
        picture: what to draw.
        rankdir: 'LR' to draw from left to right, 'TB' from top to bottom.

    >>> x, end = Strand("0", above=("3",)), Strand("0_end", name="y")
    >>> layout = lay_out(Picture((x, end), ((0, 1),)))
    >>> layout.strands[0].end[0] < layout.arrows[0].tip[0] < layout.strands[1].head.x
    True
    """
    return _Plan(picture, rankdir).layout()


class _Plan:
    """A layout being made: places along the flow and across it, turned to x and y."""

    def __init__(self, picture: Picture, rankdir: str) -> None:
        self.picture = picture
        self.rankdir = rankdir
        self.sizes = [sizes_of(strand, rankdir) for strand in picture.strands]
        self.fed = {head for _, head in picture.arrows}
        self.feeding = {tail for tail, _ in picture.arrows}
        self.nested = NestedLayout(
            picture.groups,
            [self._frame(group) for group in picture.groups],
            self.sizes,
            [strand.group for strand in picture.strands],
            picture.arrows,
        )

    def _frame(self, group: Group) -> Frame:
        """Return the room around what is in a group; its name stands at the top."""
        name = text_width(group.title) + 2 * _PADDING
        return Frame(
            self._turned((_PADDING, _PADDING + _HEADER)),
            (_PADDING, _PADDING),
            self._turned((name, _HEADER)),
        )

    def layout(self) -> Layout:
        width, height = (side + 2 * MARGIN for side in self._turned(self.nested.size))
        caption = self.picture.caption
        if caption:
            width = max(width, text_width(caption) * SMALL / FONT_SIZE + 2 * MARGIN)
            height += LINE
        return Layout(
            width,
            height,
            self.rankdir,
            tuple(self._strand(i) for i in range(len(self.sizes))),
            tuple(self._arrow(i) for i in range(len(self.picture.arrows))),
            tuple(self._group(i) for i in range(len(self.picture.groups))),
            caption,
        )

    def _turned(self, point: Point) -> Point:
        """Turn (along, across) to (x, y), or back."""
        return point if self.rankdir == "LR" else (point[1], point[0])

    def _xy(self, point: Point) -> Point:
        """Turn (along, across) to (x, y) in the picture."""
        x, y = self._turned(point)
        return x + MARGIN, y + MARGIN

    def _box(self, start: float, end: float, across: float, size: float) -> Box:
        return Box(*self._xy(((start + end) / 2, across)), *self._turned((end - start, size)))

    def _group(self, i: int) -> PlacedGroup:
        (along, across), (length, breadth) = self.nested.corners[i], self.nested.boxes[i]
        box = self._box(along, along + length, across + breadth / 2, breadth)
        return PlacedGroup(self.picture.groups[i], box)

    def _strand(self, i: int) -> PlacedStrand:
        strand, size = self.picture.strands[i], self.sizes[i]
        layer, at = self.nested.strand(i)
        # A name stands close to its line, a circle close to its arrows.
        is_input = i not in self.fed and not strand.symbol
        start = layer.heads_end - size.head[0] if is_input else layer.start
        head_end = start + size.head[0]
        label_start = layer.heads_end + LEAD if strand.has_line else head_end
        label_end = layer.end if strand.has_line or i in self.feeding else head_end
        label = self._box(label_start, label_end, at, size.label[1])
        boxes = tuple(record_boxes(strand, label, self.rankdir)) if strand.boxed else ()
        ends_here = strand.boxed and i not in self.feeding  # inside the record
        line_end = (label_start + label_end) / 2 if ends_here else label_end
        return PlacedStrand(
            strand,
            self._box(start, head_end, at, size.head[1]),
            label,
            self._xy((head_end, at)),
            self._xy((line_end, at)),
            boxes,
        )

    def _arrow(self, i: int) -> Arrow:
        source, target = (self.picture.strands[end] for end in self.picture.arrows[i])
        curves, tip = self.nested.way(i)
        turned = ((self._xy(a), self._xy(b), self._xy(c), self._xy(d)) for a, b, c, d in curves)
        return Arrow(
            *_ends(source, target),
            tuple(turned),
            self._xy(tip),
            source.appearance,
            not target.carries,
        )


def _ends(source: Strand, target: Strand) -> tuple[str, str]:
    """Return the keys of what an arrow leads from and to, of which a note shows a piece."""
    return source.carries or target.carries or (source.key, target.key)
