"""Places for the shapes of a picture, without the `dot` program.

All is worked out along the flow and across it, and turned to x and y at the
end: in a picture from left to right, along is x and across is y.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin

from viz.layered import arrange, place, spread
from viz.measure import LINE, block_width, circle_size, text_width
from viz.picture import Picture, Strand

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]
"""A cubic Bézier curve: its start, two control points and its end."""

MARGIN = 8.0
ARROW = 10.0
"""The length of an arrow head."""
_SPACE = 16.0  # between neighbours in a layer
_LEAD = 12.0  # the least length of line before a label
_GAP = 32.0  # the least distance from one layer to the next
_BEND_SIZE = 12.0
_WIDEST = 55 * pi / 180  # how far from straight ahead an arrow may reach a circle
_APART = 28 * pi / 180  # the angle between two arrows to a circle


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around a shape: its centre and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PlacedStrand:
    """A strand with the boxes of its circle or name, and of its label.

    The line runs from `start` to `end`; there is none at the end of an output.
    """

    strand: Strand
    head: Box
    label: Box
    start: Point
    end: Point


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one strand to another: curves joined end to end, then a head."""

    tail: str
    head: str
    curves: tuple[Curve, ...]
    tip: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture whose every shape has a place."""

    width: float
    height: float
    rankdir: str
    strands: tuple[PlacedStrand, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The sizes of a strand's two parts, along and across the flow."""

    head: Point
    label: Point

    @property
    def across(self) -> float:
        return max(self.head[1], self.label[1])


@dataclass(frozen=True, slots=True)
class _Layer:
    """Where along the flow a layer's circles and names, its labels and itself end."""

    start: float
    heads_end: float
    end: float


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
    """A layout being made: the layers, and where each vertex is across the flow."""

    def __init__(self, picture: Picture, rankdir: str) -> None:
        self.picture = picture
        self.rankdir = rankdir
        self.sizes = [_measure(strand, rankdir) for strand in picture.strands]
        self.graph = arrange(len(picture.strands), picture.arrows)
        bends = len(self.graph.before) - len(self.sizes)
        room = [size.across + _SPACE for size in self.sizes] + [_BEND_SIZE] * bends
        self.across = [at + MARGIN for at in place(self.graph, room, self._weight)]
        self._shift_to_margin()
        self.layers = list(self._layers())
        self.layer_of = {v: self.layers[i] for i, row in enumerate(self.graph.rows) for v in row}

    def _is_bend(self, vertex: int) -> bool:
        return vertex >= len(self.sizes)

    def _is_leaf(self, vertex: int) -> bool:
        return not self.graph.before[vertex]

    def _weight(self, one: int, other: int) -> float:
        """Tell how much to keep a link straight: the main line more than what joins it."""
        if self._is_bend(one) and self._is_bend(other):
            return 8.0
        return 1.0 if self._is_leaf(one) or self._is_leaf(other) else 2.0

    def _extent(self, vertex: int) -> float:
        return 0.0 if self._is_bend(vertex) else self.sizes[vertex].across / 2

    def _shift_to_margin(self) -> None:
        lowest = min((at - self._extent(v) for v, at in enumerate(self.across)), default=0.0)
        self.across = [at - lowest + MARGIN for at in self.across]

    def _layers(self) -> Iterator[_Layer]:
        """Yield the layers, each as long as its longest circle or name and label."""
        start = MARGIN
        for row in self.graph.rows:
            sizes = [self.sizes[v] for v in row if not self._is_bend(v)]
            heads_end = start + max(size.head[0] for size in sizes)
            end = heads_end + max(size.label[0] for size in sizes)
            yield _Layer(start, heads_end, end)
            steepest = max(
                (abs(self.across[v] - self.across[u]) for v in row for u in self.graph.after[v]),
                default=0.0,
            )
            start = end + _GAP + min(steepest / 5, 1.25 * _GAP)

    def layout(self) -> Layout:
        size = (
            max((layer.end for layer in self.layers), default=0.0) + MARGIN,
            max((at + self._extent(v) for v, at in enumerate(self.across)), default=0.0) + MARGIN,
        )
        width, height = self._xy(size)
        strands = tuple(self._strand(v) for v in range(len(self.sizes)))
        return Layout(width, height, self.rankdir, strands, tuple(self._arrows()))

    def _xy(self, point: Point) -> Point:
        """Turn (along, across) to (x, y)."""
        return point if self.rankdir == "LR" else (point[1], point[0])

    def _box(self, start: float, end: float, across: float, size: float) -> Box:
        return Box(*self._xy(((start + end) / 2, across)), *self._xy((end - start, size)))

    def _strand(self, vertex: int) -> PlacedStrand:
        strand, size, layer = (
            self.picture.strands[vertex],
            self.sizes[vertex],
            self.layer_of[vertex],
        )
        at = self.across[vertex]
        # A name stands close to its line, a circle close to its arrows.
        is_input = bool(strand.above and not strand.symbol)
        start = layer.heads_end - size.head[0] if is_input else layer.start
        head_end = start + size.head[0]
        label_start = layer.heads_end + _LEAD if strand.above else head_end
        label_end = layer.end if strand.above else head_end
        return PlacedStrand(
            strand,
            self._box(start, head_end, at, size.head[1]),
            self._box(label_start, label_end, at, size.label[1]),
            self._xy((head_end, at)),
            self._xy((label_end, at)),
        )

    def _arrows(self) -> Iterator[Arrow]:
        strands = self.picture.strands
        angles = self._angles()
        for i, route in enumerate(self.graph.routes):
            curves: list[Curve] = []
            for u, v in pairwise(route[:-1]):
                curves.append(self._bend(u, v))
                curves.append(self._pass(v))
            last, tip = self._arrive(route[-2], route[-1], angles[i])
            curves.append(last)
            yield Arrow(
                strands[route[0]].key,
                strands[route[-1]].key,
                tuple(
                    (self._xy(a), self._xy(b), self._xy(c), self._xy(d)) for a, b, c, d in curves
                ),
                self._xy(tip),
            )

    def _bend(self, u: int, v: int) -> Curve:
        """Return the curve between two layers, level at both ends."""
        start = (self.layer_of[u].end, self.across[u])
        end = (self.layer_of[v].start, self.across[v])
        middle = (start[0] + end[0]) / 2
        return start, (middle, start[1]), (middle, end[1]), end

    def _pass(self, vertex: int) -> Curve:
        """Return the straight line past a layer."""
        layer, at = self.layer_of[vertex], self.across[vertex]
        return (layer.start, at), (layer.start, at), (layer.end, at), (layer.end, at)

    def _arrive(self, u: int, v: int, angle: float) -> tuple[Curve, Point]:
        """Return the curve from `u` to the arrow head at `v`, and the head's tip."""
        start = (self.layer_of[u].end, self.across[u])
        tip, back = self._entry(v, angle)
        base = (tip[0] + ARROW * back[0], tip[1] + ARROW * back[1])
        reach = (base[0] - start[0]) / 2
        bent = (base[0] + reach * back[0], base[1] + reach * back[1])
        return (start, (start[0] + reach, start[1]), bent, base), tip

    def _entry(self, vertex: int, angle: float) -> tuple[Point, Point]:
        """Return where an arrow at `angle` meets a vertex, and the way back from there."""
        start, at = self.layer_of[vertex].start, self.across[vertex]
        if not self.picture.strands[vertex].symbol:
            return (start, at), (-1.0, 0.0)
        along, across = (side / 2 for side in self.sizes[vertex].head)
        # Where the ellipse, or circle, is at right angles to the arrow.
        x, y = cos(angle), sin(angle)
        length = hypot(along * x, across * y)
        return (start + along - along**2 * x / length, at + across**2 * y / length), (-x, y)

    def _angles(self) -> list[float]:
        """Return the angle at which each arrow reaches its head: from where it comes."""
        routes = self.graph.routes
        arriving: dict[int, list[int]] = {}
        for i, route in enumerate(routes):
            arriving.setdefault(route[-1], []).append(i)
        angles = [0.0] * len(routes)
        for head, group in arriving.items():
            group.sort(key=lambda i: self.across[routes[i][-2]])
            wishes = [[(self._wish(routes[i][-2], head), 1.0)] for i in group]
            last = len(group) - 1
            apart = min(_APART, 2 * _WIDEST / max(last, 1))
            for k, angle in enumerate(spread(wishes, [apart] * len(group))):
                lowest, highest = k * apart - _WIDEST, _WIDEST - (last - k) * apart
                angles[group[k]] = max(lowest, min(highest, angle))
        return angles

    def _wish(self, u: int, v: int) -> float:
        return atan2(self.across[u] - self.across[v], 2 * _GAP)


def _measure(strand: Strand, rankdir: str) -> _Sizes:
    """Return the sizes of a strand's circle or name, and of its label with lead."""
    turn = rankdir == "TB"
    head = (0.0, 0.0)
    if strand.symbol:
        head = circle_size(strand.symbol)
    elif strand.name:
        head = (text_width(strand.name) + 8, LINE + 4)
    widest = max(block_width(strand.above), block_width(strand.below))
    lines = max(len(strand.above), len(strand.below))
    label = (0.0, 0.0)
    if strand.above:
        label = (2 * widest + 20, lines * LINE + 6) if turn else (widest + 10, 2 * lines * LINE + 6)
    if turn:
        head, label = (head[1], head[0]), (label[1], label[0])
    return _Sizes(head, (label[0] + _LEAD, label[1]) if strand.above else label)
