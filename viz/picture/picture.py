"""The book's style: a snapshot as shapes and arrows, not yet placed.

Every node becomes an edge label, the value above a line and the gradient below
it. The line comes out of a circle or, for a leaf, out of a name, and leads to
every circle that uses the node; so what is used twice branches.
"""

from __future__ import annotations

from dataclasses import dataclass

from viz.folding.group import OUTSIDE, Group
from viz.graph.item import NOT_COMPUTED, Item
from viz.graph.snapshot import Snapshot
from viz.picture.colours import (
    BACKWARD,
    FORWARD,
    PALE,
    PLAIN,
    STRONG,
    Appearance,
    appearance_for,
    largest,
)
from viz.text.lines import Lines, Mark

STYLES = ("book", "micrograd", "shapes")
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Strand:
    """What is drawn for one node: a circle or name, and the labelled line out of it.

    Attributes:
        key: what to call it in DOT and SVG.
        symbol: the text in the circle; '' for no circle.
        name: the text before the line when there is no circle.
        above: the lines of text above the line.
        below: the lines of text below it; with none above either, there is no line.
        boxed: whether to show name, value and gradient in a record of boxes.
        appearance: how to draw it, and the arrows out of it.
        carries: for a piece of line with a note, in the midst of an arrow, the keys of
            what that arrow leads from and to.
        count: how many operations the circle stands for.
        is_group: whether it is a collapsed group, with a box in place of the circle.
        group: the group that it stands in, by position.
    """

    key: str
    symbol: str = ""
    name: str = ""
    above: Lines = ()
    below: Lines = ()
    boxed: bool = False
    appearance: Appearance = PLAIN
    carries: tuple[str, str] | None = None
    count: int = 1
    is_group: bool = False
    group: int = OUTSIDE

    @property
    def has_line(self) -> bool:
        """Whether a labelled line, or a record, comes out of it."""
        return bool(self.above or self.below)

    @property
    def times(self) -> str:
        """What tells of how many operations the circle stands for; '' for one."""
        return f"× {self.count:,}" if self.count > 1 and not self.is_group else ""

    @property
    def has_name(self) -> bool:
        """Whether a name stands in place of a circle."""
        return bool(self.name and not self.symbol and not self.boxed)

    def cells(self) -> list[tuple[Lines, str]]:
        """Return what the boxes of a record hold, and in which colours."""
        name = (self.name,) if self.name else ()
        cells = [
            (name, self.appearance.text),
            (self.above, self.appearance.text),
            (self.below, self.appearance.gradient),
        ]
        return [cell for cell in cells if cell[0]]


@dataclass(frozen=True, slots=True)
class Picture:
    """Strands, each behind those that feed it, the arrows from one to another, and groups."""

    strands: tuple[Strand, ...]
    arrows: tuple[tuple[int, int], ...]
    caption: str = ""
    groups: tuple[Group, ...] = ()


def picture_of(snapshot: Snapshot, style: str = "book", color: str | None = None) -> Picture:
    """Return the shapes and arrows that show a snapshot.

    Args:
        snapshot: what to show.
        style: 'micrograd' for records; in the other styles, values stand above lines.
        color: 'gradient' to colour lines by the gradients, as `appearance_for` tells.

    >>> from micrograd import Value
    >>> from viz.graph.snapshot import take_snapshot
    >>> x = Value(3.0)
    >>> picture_of(take_snapshot((x * x,))).arrows
    ((0, 1), (0, 1), (1, 2))
    """
    drawing = _Drawing(style, color, largest(item.peak for item in snapshot.items))
    for item in snapshot.items:
        drawing.add(item)
    if style != "micrograd":  # there, an output has its name in its record
        for i, item in enumerate(snapshot.items):
            if item.is_output and item.symbol:
                drawing.lead_to(
                    i,
                    Strand(f"{item.key}_end", name=item.name, appearance=drawing.appearance(item)),
                )
    for i, item in enumerate(snapshot.items):
        if item.hidden_uses:
            drawing.lead_to(i, Strand(f"{item.key}_after", name=_cut(item.hidden_uses)))
    arrows = tuple(drawing.arrows)
    caption = drawing.caption() or snapshot.caption
    return Picture(tuple(drawing.strands), arrows, caption, snapshot.groups)


class _Drawing:
    """A picture being made, one item after the other."""

    def __init__(self, style: str, color: str | None, scale: float) -> None:
        self.style = style
        self.color = color
        self.scale = scale
        self.strands: list[Strand] = []
        self.arrows: list[tuple[int, int]] = []
        self.at: list[int] = []  # for each item, the position of its strand

    def add(self, item: Item) -> None:
        """Add the strand of an item, and the arrows that lead to it."""
        appearance = self.appearance(item)
        sources = [self._source(item, k) for k in range(len(item.inputs))]
        if item.hidden_inputs:
            sources.append(len(self.strands))
            faint = PLAIN if item.is_strong is None else PALE
            name = _cut(item.hidden_inputs)
            cut = Strand(f"{item.key}_before", name=name, appearance=faint, group=item.group)
            self.strands.append(cut)
        self.at.append(len(self.strands))
        self.strands.append(
            _record(item, appearance) if self.style == "micrograd" else _strand(item, appearance)
        )
        self.arrows += [(source, self.at[-1]) for source in sources]

    def _source(self, item: Item, k: int) -> int:
        """Return the position of what the arrow for an input comes out of."""
        source = self.at[item.inputs[k]]
        note = item.notes[k] if item.notes else ""
        if not note or self.style == "shapes":
            return source
        tail = self.strands[source]
        piece = Strand(
            f"{item.key}_note{k}",
            below=(note,),
            appearance=tail.appearance,
            carries=(tail.key, item.key),
            group=item.group,
        )
        self.arrows.append((source, len(self.strands)))
        self.strands.append(piece)
        return len(self.strands) - 1

    def lead_to(self, item: int, strand: Strand) -> None:
        """Add a strand with an arrow from an item to it."""
        self.arrows.append((self.at[item], len(self.strands)))
        self.strands.append(strand)

    def appearance(self, item: Item) -> Appearance:
        """Return how to draw an item."""
        if item.is_backward is not None:
            return BACKWARD if item.is_backward else FORWARD
        if item.is_strong is False:
            return PALE
        if self.color:
            return appearance_for(item.peak, self.scale)
        return STRONG if item.is_strong else PLAIN

    def caption(self) -> str:
        """Return what the colours mean."""
        if not self.color:
            return ""
        if not self.scale:
            return "gradient: none but 0"
        return f"gradient: blue negative, orange positive; up to {self.scale:.4g} in magnitude"


def _strand(item: Item, appearance: Appearance) -> Strand:
    inner_name = (item.name,) if item.name and item.symbol and not item.is_output else ()
    return Strand(
        item.key,
        item.symbol,
        "" if item.symbol else _input_name(item),
        inner_name + item.value,
        item.gradient,
        appearance=appearance,
        count=item.count,
        is_group=item.is_group,
        group=item.group,
    )


def _input_name(item: Item) -> str:
    """Return what to call a leaf, or several that have been folded into one item."""
    name = item.name or item.number
    if item.count == 1:
        return name
    return f"{name} × {item.count:,}" if name else f"{item.count:,} inputs"


def _record(item: Item, appearance: Appearance) -> Strand:
    value, gradient = _led("data", item.value), _led("grad", item.gradient or (NOT_COMPUTED,))
    return Strand(
        item.key,
        item.symbol,
        item.name if item.symbol else _input_name(item),
        value,
        gradient,
        boxed=True,
        appearance=appearance,
        count=item.count,
        is_group=item.is_group,
        group=item.group,
    )


def _led(word: str, lines: Lines) -> Lines:
    """Put a word before the first line that is no mark."""
    first = next(i for i, line in enumerate(lines) if not isinstance(line, Mark))
    return (*lines[:first], f"{word} {lines[first]}", *lines[first + 1 :])


def _cut(count: int) -> str:
    """Return what stands for edges that lead out of the picture."""
    return _CUT if count == 1 else f"{_CUT} × {count}"


def escape(text: str) -> str:
    """Write text so that SVG, and DOT's labels in angle brackets, show it as it is.

    >>> escape('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    for character, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, f"&{entity};")
    return text
