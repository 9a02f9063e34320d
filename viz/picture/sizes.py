"""How much room a strand takes: its circle or name, its label, and the boxes of a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from viz.picture.measure import LINE, block_height, block_width, box_size, circle_size, text_width
from viz.picture.picture import Strand

Point = tuple[float, float]

LEAD = 12.0
"""The least length of line before a label."""
_CELL_PADDING = 5.0  # around the text in a box of a record
_CLEAR = 8.0  # before and behind a record, beside the lead


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around a shape: its centre and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a strand's two parts, or of a group, along and across the flow.

    Attributes:
        head: that of its circle or name; of a group, that of its box.
        label: that of its label, with the line before it.
        is_round: whether the head is a circle or an ellipse.
        is_group: whether it is a group, which arrows pass into.
        is_piece: whether it is a piece of an arrow.
    """

    head: Point = (0.0, 0.0)
    label: Point = (0.0, 0.0)
    is_round: bool = False
    is_group: bool = False
    is_piece: bool = False

    @property
    def across(self) -> float:
        """How much room it needs across the flow."""
        return max(self.head[1], self.label[1])


def sizes_of(strand: Strand, rankdir: str) -> Sizes:
    """Return the sizes of a strand's circle or name, and of its label with lead.

    >>> sizes_of(Strand("0", symbol="+"), "LR").head
    (40.0, 40.0)
    """
    head = (0.0, 0.0)
    if strand.symbol:
        head = head_size(strand)
    elif strand.has_name:
        head = (text_width(strand.name) + 8, LINE + 4)
    label = _label_size(strand, rankdir) if strand.has_line else (0.0, 0.0)
    if rankdir == "TB":
        head, label = (head[1], head[0]), (label[1], label[0])
    return Sizes(
        head,
        (label[0] + LEAD, label[1]) if strand.has_line else label,
        is_round=bool(strand.symbol and not strand.is_group),
        is_piece=strand.carries is not None,
    )


def head_size(strand: Strand) -> Point:
    """Return how wide and high the circle, or the box, of an operation is.

    >>> head_size(Strand("0", symbol="+")), head_size(Strand("0", symbol="a", is_group=True))[1]
    ((40.0, 40.0), 40.0)
    """
    return box_size(strand.symbol) if strand.is_group else circle_size(strand.symbol, strand.times)


def _label_size(strand: Strand, rankdir: str) -> Point:
    """Return how wide and high a label is."""
    widest = max(block_width(strand.above), block_width(strand.below))
    highest = max(block_height(strand.above), block_height(strand.below))
    if not strand.boxed:
        is_beside = rankdir == "TB"
        return (2 * widest + 20, highest + 6) if is_beside else (widest + 10, 2 * highest + 6)
    widths, heights = zip(*_cell_sizes(strand), strict=True)
    if rankdir == "TB":
        return max(widths), sum(heights) + 2 * _CLEAR
    return sum(widths) + 2 * _CLEAR, max(heights)


def _cell_sizes(strand: Strand) -> list[Point]:
    return [
        (block_width(lines) + 2 * _CELL_PADDING, block_height(lines) + 2 * _CELL_PADDING)
        for lines, _ in strand.cells()
    ]


def record_boxes(strand: Strand, around: Box, rankdir: str) -> Iterator[Box]:
    """Yield the boxes of a record, side by side or from top to bottom, in the middle of a box.

    >>> strand = Strand("0", above=("data 3",), below=("grad 1",), boxed=True)
    >>> left, right = record_boxes(strand, Box(0, 0, 300, 40), "LR")
    >>> left.x < 0 < right.x, left.height == right.height
    (True, True)
    """
    sizes = _cell_sizes(strand)
    widest, highest = (max(size[side] for size in sizes) for side in (0, 1))
    if rankdir == "TB":
        y = around.y - sum(height for _, height in sizes) / 2
        for _, height in sizes:
            yield Box(around.x, y + height / 2, widest, height)
            y += height
    else:
        x = around.x - sum(width for width, _ in sizes) / 2
        for width, _ in sizes:
            yield Box(x + width / 2, around.y, width, highest)
            x += width
