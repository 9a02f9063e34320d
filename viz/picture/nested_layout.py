"""Groups inside groups, each laid out by itself and placed as one vertex in the one around it.

So a box holds all that is in its group and nothing else, and no two boxes
overlap unless one holds the other. A line enters and leaves a box at a port on
its border, one for each strand that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from viz.folding.group import OUTSIDE, Group, Tree, siblings, topological_sort
from viz.picture.group_layout import Column, Curve, GroupLayout, Vertices, line
from viz.picture.layered import Link
from viz.picture.sizes import Point, Sizes


@dataclass(frozen=True, slots=True)
class Frame:
    """The room, along and across the flow, around what is in a group.

    Attributes:
        before: from the border to what is inside, where both begin.
        after: from what is inside to the border, where both end.
        least: how large the box is at least.
    """

    before: Point
    after: Point
    least: Point


class _Piece(NamedTuple):
    """A part of an arrow inside one group; arrows from one strand may share it.

    Attributes:
        tail: a strand, a group inside or a port, by number.
        head: likewise.
        source: the strand that the arrow comes from.
        arrow: the arrow, if this is its last part; else -1.
    """

    tail: int
    head: int
    source: int
    arrow: int


class NestedLayout:
    """Strands and groups that have been given places along the flow and across it.

    Inside a group, a strand has its own number, and so have, after all strands,
    the groups inside, the ports at which a strand's line enters, and those at
    which it leaves.

    Attributes:
        size: how much room all takes.
        corners: for each group, the corner of its box where along and across begin.
        boxes: for each group, how large its box is.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        frames: Sequence[Frame],
        sizes: Sequence[Sizes],
        group_of: Sequence[int],
        arrows: Sequence[Link],
    ) -> None:
        self._groups, self._frames, self._group_of = groups, frames, group_of
        self._count = len(sizes)
        self._first_entry = self._count + len(groups)
        self._first_exit = self._first_entry + self._count
        self._sizes = [*sizes, *[Sizes()] * self._first_exit]
        self._at_home = list(siblings(Tree(groups), self._count, group_of, arrows))
        everywhere = range(OUTSIDE, len(groups))
        self._pieces: dict[int, dict[_Piece, int]] = {group: {} for group in everywhere}
        self._routes = list(self._cut(arrows))
        self._vertex: dict[int, dict[int, int]] = {}
        self._layouts: dict[int, GroupLayout] = {}
        self.boxes: list[Point] = [(0.0, 0.0)] * len(groups)
        inside = self._inside()
        for group in reversed(everywhere):
            self._lay_out(group, inside[group])
        self.size = self._layouts[OUTSIDE].size
        self.corners, self._origins = self._place()

    def strand(self, strand: int) -> tuple[Column, float]:
        """Return the layer that a strand is in, and where it is across the flow."""
        group = self._group_of[strand]
        layout, vertex = self._layouts[group], self._vertex[group][strand]
        along, across = self._origins[group]
        column = layout.column(vertex)
        moved = Column(column.start + along, column.heads_end + along, column.end + along)
        return moved, layout.across[vertex] + across

    def way(self, arrow: int) -> tuple[list[Curve], Point]:
        """Return the curves of an arrow, joined end to end, and the tip of its head."""
        curves: list[Curve] = []
        for group, piece in self._routes[arrow]:
            for curve in self._curves(group, piece):
                start = curves[-1][3] if curves else curve[0]  # to the last digit
                if start != curve[3]:
                    curves.append((start, *curve[1:]))
        group, piece = self._routes[arrow][-1]
        tip = self._layouts[group].tip(self._pieces[group][piece])
        return curves, _moved(tip, self._origins[group])

    def _around(self, strand: int, home: int) -> Iterator[tuple[int, int]]:
        """Yield each group around a strand up to `home`, and what holds the strand in there."""
        inner, group = strand, self._group_of[strand]
        while group != home:
            yield group, inner
            inner, group = self._count + group, self._groups[group].parent

    def _cut(self, arrows: Sequence[Link]) -> Iterator[list[tuple[int, _Piece]]]:
        """Yield for each arrow the pieces it falls into at the borders that it crosses."""
        tree = Tree(self._groups)
        for i, ((tail, head), at_home) in enumerate(zip(arrows, self._at_home, strict=True)):
            home = tree.common(self._group_of[tail], self._group_of[head])
            entry, leave = self._first_entry + tail, self._first_exit + tail
            pieces = [(group, inner, leave) for group, inner in self._around(tail, home)]
            pieces.append((home, *at_home))
            down = reversed(list(self._around(head, home)))
            pieces += [(group, entry, inner) for group, inner in down]
            route = [(g, _Piece(u, v, tail, i if v == head else -1)) for g, u, v in pieces]
            for group, piece in route:
                self._pieces[group].setdefault(piece, len(self._pieces[group]))
            yield route

    def _inside(self) -> dict[int, list[int]]:
        """Return the strands and groups in each group, each behind those that feed it."""
        inside: dict[int, list[int]] = {group: [] for group in range(OUTSIDE, len(self._groups))}
        for vertex in topological_sort(self._first_entry, self._at_home):
            if vertex < self._count:
                inside[self._group_of[vertex]].append(vertex)
            else:
                inside[self._groups[vertex - self._count].parent].append(vertex)
        return inside

    def _lay_out(self, group: int, inside: list[int]) -> None:
        """Lay out one group; those inside it have been."""
        ends = {end for piece in self._pieces[group] for end in piece[:2]}
        entries = sorted(end for end in ends if self._first_entry <= end < self._first_exit)
        exits = sorted(end for end in ends if end >= self._first_exit)
        order = [*entries, *inside, *exits]
        vertex = self._vertex[group] = {end: place for place, end in enumerate(order)}
        vertices = Vertices(entries=len(entries), exits=len(exits))
        vertices.sizes.extend(self._sizes[end] for end in order)
        for piece in self._pieces[group]:
            vertices.links.append((vertex[piece.tail], vertex[piece.head]))
            vertices.ends.append(
                (
                    self._port(piece.tail, self._first_exit + piece.source),
                    self._port(piece.head, self._first_entry + piece.source),
                )
            )
        layout = self._layouts[group] = GroupLayout(vertices)
        if group != OUTSIDE:
            frame = self._frames[group]
            along, across = (
                max(least, before + size + after)
                for least, before, size, after in zip(
                    frame.least, frame.before, layout.size, frame.after, strict=True
                )
            )
            self.boxes[group] = along, across
            self._sizes[self._count + group] = Sizes((along, across), is_group=True)

    def _port(self, end: int, port: int) -> float:
        """Return where a port of a group is, from the middle of its side; 0 for a strand."""
        if not self._count <= end < self._first_entry:
            return 0.0
        group = end - self._count
        inside = self._layouts[group].across[self._vertex[group][port]]
        return self._frames[group].before[1] + inside - self.boxes[group][1] / 2

    def _place(self) -> tuple[list[Point], dict[int, Point]]:
        """Return the corner of each group's box, and of what is inside it."""
        origins = {OUTSIDE: (0.0, 0.0)}
        corners: list[Point] = []
        for i, group in enumerate(self._groups):
            layout = self._layouts[group.parent]
            vertex = self._vertex[group.parent][self._count + i]
            across = layout.across[vertex] - self.boxes[i][1] / 2
            corner = _moved((layout.column(vertex).start, across), origins[group.parent])
            corners.append(corner)
            origins[i] = _moved(corner, self._frames[i].before)
        return corners, origins

    def _curves(self, group: int, piece: _Piece) -> Iterator[Curve]:
        """Yield the curves of a piece, which reach the border where they cross it."""
        found = self._layouts[group].way(self._pieces[group][piece])
        origin = self._origins[group]
        curves = [
            (_moved(a, origin), _moved(b, origin), _moved(c, origin), _moved(d, origin))
            for a, b, c, d in found
        ]
        if piece.tail >= self._first_entry:
            start = curves[0][0]
            yield line((self.corners[group][0], start[1]), start)
        yield from curves
        if piece.head >= self._first_exit:
            end = curves[-1][3]
            yield line(end, (self.corners[group][0] + self.boxes[group][0], end[1]))


def _moved(point: Point, by: Point) -> Point:
    return point[0] + by[0], point[1] + by[1]
