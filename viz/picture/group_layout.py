"""One group laid out by itself, or a whole picture: places along the flow and across it.

The vertices are strands, groups inside, and, for a group, the ports at which
lines enter and leave it. Places count from the top left corner of what is inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin

from viz.picture.layered import Ends, Link, arrange, place, spread
from viz.picture.sizes import Point, Sizes

Curve = tuple[Point, Point, Point, Point]
"""A cubic Bézier curve: its start, two control points and its end."""

ARROW = 10.0
"""The length of an arrow head."""
GAP = 32.0
"""The least distance from one layer to the next."""
_PORT_GAP = 14.0  # from the ports of a group to what is inside it
_SPACE = 16.0  # between neighbours in a layer
_BEND_SIZE = 12.0
_WIDEST = 55 * pi / 180  # how far from straight ahead an arrow may reach a circle
_APART = 28 * pi / 180  # the angle between two arrows to a circle


@dataclass(frozen=True, slots=True)
class Column:
    """Where along the flow a layer starts, where its names end, and where it ends itself."""

    start: float
    heads_end: float
    end: float


@dataclass(frozen=True, slots=True)
class Vertices:
    """What is laid out: first its entries, last its exits, both without size.

    Attributes:
        sizes: the size of each vertex.
        links: pairs of tail and head, where the tail is the lower number.
        ends: for each link, where it starts and ends, from the middles of its vertices.
        entries: how many vertices are entries.
        exits: how many are exits.
    """

    sizes: list[Sizes] = field(default_factory=list[Sizes])
    links: list[Link] = field(default_factory=list[Link])
    ends: list[Ends] = field(default_factory=list[Ends])
    entries: int = 0
    exits: int = 0


class GroupLayout:
    """Vertices that have been given places.

    Attributes:
        across: where the middle of each vertex is.
        columns: where each layer is.
        size: how much room all takes, along and across.
    """

    def __init__(self, vertices: Vertices) -> None:
        self._vertices = vertices
        sizes = vertices.sizes
        self._graph = arrange(
            len(sizes), vertices.links, vertices.ends, vertices.entries, vertices.exits
        )
        bends = len(self._graph.before) - len(sizes)
        room = [size.across + _SPACE if size.across else _BEND_SIZE for size in sizes]
        across = place(self._graph, room + [_BEND_SIZE] * bends, self._weight)
        lowest = min((at - self._extent(v) for v, at in enumerate(across)), default=0.0)
        self.across = [at - lowest for at in across]
        self.columns = list(self._columns())
        self._column_of = {
            v: self.columns[i] for i, row in enumerate(self._graph.rows) for v in row
        }
        self.size = (
            max((column.end for column in self.columns), default=0.0),
            max((at + self._extent(v) for v, at in enumerate(self.across)), default=0.0),
        )
        self._angles = self._all_angles()

    def column(self, vertex: int) -> Column:
        """Return the layer that a vertex is in."""
        return self._column_of[vertex]

    def way(self, link: int) -> list[Curve]:
        """Return the curves of a link, joined end to end; at a strand, up to the arrow head."""
        route, (leave, arrive) = self._graph.routes[link], self._vertices.ends[link]
        first, last = route[0], route[-1]
        curves: list[Curve] = []
        if self._is_port(first):
            curves.append(self._pass(first))
        elif self._is_group(first):
            curves.append(self._out_of(first, leave))
        for u, v in pairwise(route[:-1]):
            curves.append(self._bend(u, leave if u == first else 0.0, v, 0.0))
            curves.append(self._pass(v))
        leave = leave if len(route) == 2 else 0.0
        if self._is_port(last):
            return [*curves, self._bend(route[-2], leave, last, 0.0), self._pass(last)]
        if self._is_group(last):
            return [*curves, self._bend(route[-2], leave, last, arrive)]
        return [*curves, self._arrive(route[-2], leave, last, self._angles[link])]

    def tip(self, link: int) -> Point:
        """Return where the head of an arrow ends: at the rim of the link's last vertex."""
        return self._entry(self._graph.routes[link][-1], self._angles[link])[0]

    def _is_bend(self, vertex: int) -> bool:
        return vertex >= len(self._vertices.sizes) or self._is_port(vertex)

    def _is_port(self, vertex: int) -> bool:
        count = len(self._vertices.sizes)
        first_exit = count - self._vertices.exits
        return vertex < self._vertices.entries or first_exit <= vertex < count

    def _is_group(self, vertex: int) -> bool:
        return vertex < len(self._vertices.sizes) and self._vertices.sizes[vertex].is_group

    def _is_piece(self, vertex: int) -> bool:
        return vertex < len(self._vertices.sizes) and self._vertices.sizes[vertex].is_piece

    def _is_leaf(self, vertex: int) -> bool:
        return not self._graph.before[vertex]

    def _weight(self, one: int, other: int) -> float:
        """Tell how much to keep a link straight: the main line more than what joins it."""
        if self._is_bend(other) if self._is_bend(one) else self._is_piece(other):
            return 8.0
        return 1.0 if self._is_leaf(one) or self._is_leaf(other) else 2.0

    def _extent(self, vertex: int) -> float:
        return 0.0 if self._is_bend(vertex) else self._vertices.sizes[vertex].across / 2

    def _columns(self) -> Iterator[Column]:
        """Yield the layers, each as long as its longest circle or name and label."""
        start = 0.0
        rows = self._graph.rows
        for i, row in enumerate(rows):
            sizes = [self._vertices.sizes[v] for v in row if not self._is_bend(v)]
            strands = [size for size in sizes if not size.is_group]
            heads = max((size.head[0] for size in strands), default=0.0)
            labels = max((size.label[0] for size in strands), default=0.0)
            end = start + max(heads + labels, *(size.head[0] for size in sizes), 0.0)
            yield Column(start, end - labels, end)
            steepest = max((abs(rise) for v in row for rise in self._rises(v)), default=0.0)
            at_rim = any(all(map(self._is_port, near)) for near in rows[i : i + 2])
            gap = _PORT_GAP if at_rim else GAP
            start = end + gap + min(steepest / 5, 1.25 * GAP)

    def _rises(self, vertex: int) -> Iterator[float]:
        near = zip(self._graph.after[vertex], self._graph.after_ends[vertex], strict=True)
        for other, (start, end) in near:
            yield self.across[other] + end - self.across[vertex] - start

    def _bend(self, u: int, leave: float, v: int, arrive: float) -> Curve:
        """Return the curve between two layers, level at both ends."""
        start = (self._column_of[u].end, self.across[u] + leave)
        end = (self._column_of[v].start, self.across[v] + arrive)
        middle = (start[0] + end[0]) / 2
        return start, (middle, start[1]), (middle, end[1]), end

    def _pass(self, vertex: int) -> Curve:
        """Return the straight line past a layer."""
        column, at = self._column_of[vertex], self.across[vertex]
        return line((column.start, at), (column.end, at))

    def _out_of(self, vertex: int, leave: float) -> Curve:
        """Return the straight line from a group to the end of its layer."""
        column, at = self._column_of[vertex], self.across[vertex] + leave
        return line((column.start + self._vertices.sizes[vertex].head[0], at), (column.end, at))

    def _arrive(self, u: int, leave: float, v: int, angle: float) -> Curve:
        """Return the curve from `u` to the arrow head at `v`."""
        start = (self._column_of[u].end, self.across[u] + leave)
        tip, back = self._entry(v, angle)
        length = 0.0 if self._vertices.sizes[v].is_piece else ARROW
        base = (tip[0] + length * back[0], tip[1] + length * back[1])
        reach = (base[0] - start[0]) / 2
        bent = (base[0] + reach * back[0], base[1] + reach * back[1])
        return start, (start[0] + reach, start[1]), bent, base

    def _entry(self, vertex: int, angle: float) -> tuple[Point, Point]:
        """Return where an arrow at `angle` meets a vertex, and the way back from there."""
        start, at = self._column_of[vertex].start, self.across[vertex]
        size = self._vertices.sizes[vertex]
        along, across = (side / 2 for side in size.head)
        if not size.is_round:
            return (start, at + angle / _WIDEST * across / 2), (-1.0, 0.0)
        # Where the ellipse, or circle, is at right angles to the arrow.
        x, y = cos(angle), sin(angle)
        length = hypot(along * x, across * y)
        return (start + along - along**2 * x / length, at + across**2 * y / length), (-x, y)

    def _all_angles(self) -> list[float]:
        """Return the angle at which each arrow reaches its head: from where it comes."""
        routes, ends = self._graph.routes, self._vertices.ends
        arriving: dict[int, list[tuple[float, int]]] = {}
        for i, route in enumerate(routes):
            leave = ends[i][0] if len(route) == 2 else 0.0
            arriving.setdefault(route[-1], []).append((self.across[route[-2]] + leave, i))
        angles = [0.0] * len(routes)
        for head, group in arriving.items():
            group.sort()
            wishes = [[(atan2(at - self.across[head], 2 * GAP), 1.0)] for at, _ in group]
            last = len(group) - 1
            apart = min(_APART, 2 * _WIDEST / max(last, 1))
            for k, angle in enumerate(spread(wishes, [apart] * len(group))):
                lowest, highest = k * apart - _WIDEST, _WIDEST - (last - k) * apart
                angles[group[k][1]] = max(lowest, min(highest, angle))
        return angles


def line(start: Point, end: Point) -> Curve:
    """Return a straight curve.

    >>> line((0.0, 0.0), (1.0, 0.0))
    ((0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 0.0))
    """
    return start, start, end, end
