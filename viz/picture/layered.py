"""Drawing a graph in layers: which layer, in which order, and at which place.

Vertices are numbers, and a link goes from a lower to a higher one. A link that
passes layers gets a bend in each of them; links from the same place share
bends, so that they run together and branch.

A vertex may be a whole group, laid out by itself. Then links start and end at
places of their own along its sides.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Link = tuple[int, int]
Ends = tuple[float, float]
"""Where a link starts and ends, as distances from the middles of its vertices."""
_SWEEPS = 12
_PATIENCE = 30_000  # how many vertices and bends are visited in all these sweeps


@dataclass(frozen=True, slots=True)
class Layered:
    """A graph cut into layers.

    Attributes:
        rows: the vertices of each layer, in order; bends have numbers of their own.
        before: for each vertex, those in the layer before that are linked to it.
        after: for each vertex, those in the layer after.
        before_ends: for each of `before`, where the link starts and ends.
        after_ends: for each of `after`, where the link starts and ends.
        routes: for each link, the vertices it runs through, from its tail to its head.
    """

    rows: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    before_ends: list[list[Ends]]
    after_ends: list[list[Ends]]
    routes: list[list[int]]


def arrange(
    count: int,
    links: Sequence[Link],
    ends: Sequence[Ends] | None = None,
    entries: int = 0,
    exits: int = 0,
) -> Layered:
    """Cut a graph into layers, with few links crossing.

    Args:
        count: how many vertices there are.
        links: pairs of tail and head, where the tail is the lower number.
        ends: for each link, where it starts and ends; in the middles when left out.
        entries: how many vertices, the first ones, must be in the first layer.
        exits: how many, the last ones, must be in the last layer, and alone there.

    >>> arrange(4, [(0, 1), (1, 2), (0, 3), (2, 3)]).rows
    [[0], [1, 4], [2, 5], [3]]
    """
    layer = _layers(count, links, entries, exits)
    graph = _with_bends(layer, links, ends or [(0.0, 0.0)] * len(links))
    best, fewest = [row[:] for row in graph.rows], _all_crossings(graph)
    for sweep in range(_sweeps(graph)):
        if fewest == 0:
            break
        _sort_by_neighbours(graph, forwards=sweep % 2 == 0)
        _swap_neighbours(graph)
        crossings = _all_crossings(graph)
        if crossings < fewest:
            best, fewest = [row[:] for row in graph.rows], crossings
    graph.rows[:] = best
    return graph


def _sweeps(graph: Layered) -> int:
    """Return how often to improve a drawing: seldom if it is large."""
    return max(1, min(_SWEEPS, _PATIENCE // (len(graph.before) + 1)))


def _layers(count: int, links: Sequence[Link], entries: int, exits: int) -> list[int]:
    """Return the layer of each vertex: as late as what it feeds allows."""
    heads: list[list[int]] = [[] for _ in range(count)]
    for tail, head in links:
        heads[tail].append(head)
    layer = [0] * count
    for tail in range(count):  # as early as possible
        for head in heads[tail]:
            layer[head] = max(layer[head], layer[tail] + 1)
    first_exit = count - exits
    if exits:
        last = max(layer[first_exit:] + [at + 1 for at in layer[:first_exit]])
        layer[first_exit:] = [last] * exits
    for tail in reversed(range(entries, first_exit)):
        if heads[tail]:
            layer[tail] = min(layer[head] for head in heads[tail]) - 1
    return layer


def _with_bends(layer: list[int], links: Sequence[Link], ends: Sequence[Ends]) -> Layered:
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex, at in enumerate(layer):
        rows[at].append(vertex)
    bends: dict[tuple[int, float, int], int] = {}
    routes: list[list[int]] = []
    joints: dict[tuple[int, int, Ends], None] = {}
    for (tail, head), (start, end) in zip(links, ends, strict=True):
        route = [tail]
        for at in range(layer[tail] + 1, layer[head]):
            if (tail, start, at) not in bends:
                bends[tail, start, at] = len(layer) + len(bends)
                rows[at].append(bends[tail, start, at])
            route.append(bends[tail, start, at])
        routes.append([*route, head])
        for u, v in pairwise(routes[-1]):
            joints[u, v, (start if u == tail else 0.0, end if v == head else 0.0)] = None
    before: list[list[int]] = [[] for _ in range(len(layer) + len(bends))]
    after: list[list[int]] = [[] for _ in before]
    before_ends: list[list[Ends]] = [[] for _ in before]
    after_ends: list[list[Ends]] = [[] for _ in before]
    for tail, head, at in joints:
        before[head].append(tail)
        before_ends[head].append(at)
        after[tail].append(head)
        after_ends[tail].append(at)
    return Layered(rows, before, after, before_ends, after_ends, routes)


def _places(row: list[int]) -> dict[int, int]:
    return {vertex: place for place, vertex in enumerate(row)}


def _part(end: float) -> float:
    """Turn a distance from the middle of a vertex to a part of its place, below a half."""
    return end / (2 + 2 * abs(end))


def _from(graph: Layered, v: int, places: dict[int, int]) -> list[float]:
    """Return the places, in the layer before, at which links to `v` start."""
    near = zip(graph.before[v], graph.before_ends[v], strict=True)
    return [places[u] + _part(start) for u, (start, _) in near]


def _to(graph: Layered, v: int, places: dict[int, int]) -> list[float]:
    """Return the places, in the layer after, at which links from `v` end."""
    near = zip(graph.after[v], graph.after_ends[v], strict=True)
    return [places[w] + _part(end) for w, (_, end) in near]


def _all_crossings(graph: Layered) -> int:
    total = 0
    for row, following in pairwise(graph.rows):
        places, passed = _places(following), list[float]()
        for vertex in row:
            starts = [start for start, _ in graph.after_ends[vertex]]
            links = sorted(zip(starts, _to(graph, vertex, places), strict=True))
            i = 0
            while i < len(links):  # links from one point do not cross
                point = [end for start, end in links[i:] if start == links[i][0]]
                total += sum(len(passed) - bisect_right(passed, end) for end in point)
                for end in point:
                    insort(passed, end)
                i += len(point)
    return total


def _sort_by_neighbours(graph: Layered, forwards: bool) -> None:
    """Put each vertex at the mean place of its neighbours, one layer after the other."""
    rows = graph.rows if forwards else graph.rows[::-1]
    near = _from if forwards else _to
    for fixed, row in pairwise(rows):
        places = _places(fixed)
        found = {v: near(graph, v, places) for v in row}
        mean = {v: sum(ends) / len(ends) for v, ends in found.items() if ends}
        in_order = iter(sorted(mean, key=mean.__getitem__))
        row[:] = [next(in_order) if v in mean else v for v in row]


def _swap_neighbours(graph: Layered) -> None:
    """Swap two that stand side by side wherever fewer links cross then."""
    for i, row in enumerate(graph.rows):
        earlier = _places(graph.rows[i - 1]) if i else {}
        later = _places(graph.rows[i + 1]) if i + 1 < len(graph.rows) else {}
        left = {v: sorted(_from(graph, v, earlier)) for v in row}
        right = {v: sorted(_to(graph, v, later)) for v in row}
        for j in range(len(row) - 1):
            a, b = row[j], row[j + 1]
            now = _crossings(left[a], left[b]) + _crossings(right[a], right[b])
            if now > _crossings(left[b], left[a]) + _crossings(right[b], right[a]):
                row[j], row[j + 1] = b, a


def _crossings(upper: list[float], lower: list[float]) -> int:
    """Count how often links to `upper` cross links to `lower`, which stands below."""
    return sum(bisect_left(lower, end) for end in upper)


def place(
    graph: Layered, sizes: Sequence[float], weight: Callable[[int, int], float]
) -> list[float]:
    """Return the place of each vertex across its layer, such that most links are straight.

    Args:
        graph: the layers.
        sizes: how much room each vertex needs, the distance to the next included.
        weight: how much a link between two vertices should be straight.

    >>> graph = arrange(3, [(0, 2), (1, 2)])
    >>> place(graph, [10.0, 10.0, 10.0], lambda u, v: 1.0)
    [0.0, 10.0, 5.0]
    """
    places = [0.0] * len(sizes)
    rooms = [[0.0, *((sizes[a] + sizes[b]) / 2 for a, b in pairwise(row))] for row in graph.rows]
    for row, room in zip(graph.rows, rooms, strict=True):
        for vertex, at in zip(row, accumulate(room), strict=True):
            places[vertex] = at - sum(room) / 2

    around = [[*b, *a] for b, a in zip(graph.before, graph.after, strict=True)]
    backwards = [[start - end for start, end in ends] for ends in graph.before_ends]
    onwards = [[end - start for start, end in ends] for ends in graph.after_ends]
    both = [[*b, *a] for b, a in zip(backwards, onwards, strict=True)]

    def settle(
        row: list[int], room: list[float], near: list[list[int]], shifts: list[list[float]]
    ) -> None:
        wishes = [
            [(places[u] + shift, weight(u, v)) for u, shift in zip(near[v], shifts[v], strict=True)]
            or [(places[v], 1.0)]
            for v in row
        ]
        for vertex, at in zip(row, spread(wishes, room), strict=True):
            places[vertex] = at

    forwards = list(zip(graph.rows, rooms, strict=True))
    for _ in range(_sweeps(graph)):
        for row, room in reversed(forwards):
            settle(row, room, graph.after, onwards)
        for row, room in forwards:
            settle(row, room, graph.before, backwards)
    for row, room in forwards[::-1] + forwards:
        settle(row, room, around, both)
    lowest = min(places, default=0.0)
    return [at - lowest for at in places]


def spread(wishes: Sequence[list[tuple[float, float]]], room: Sequence[float]) -> list[float]:
    """Return ascending places, each at least `room` behind the one before.

    Their distances to the wished places, times the weights of the wishes, are
    small in sum. Those that want to be closer together than they may form a
    block, which stands where the weighted median of their wishes is.

    Args:
        wishes: for each one, pairs of a place and a weight.
        room: for each one, the least distance to the one before.

    >>> spread([[(0.0, 1.0)], [(0.0, 1.0)], [(9.0, 1.0)]], [0.0, 4.0, 4.0])
    [-2.0, 2.0, 9.0]
    """
    offsets = list(accumulate(room))
    blocks: list[tuple[float, list[tuple[float, float]], int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        wanted = [(at - offset, weight) for at, weight in wish]
        middle, size = _median(wanted), 1
        while blocks and blocks[-1][0] > middle:
            _, others, count = blocks.pop()
            wanted, size = others + wanted, size + count
            middle = _median(wanted)
        blocks.append((middle, wanted, size))
    bases = [middle for middle, _, size in blocks for _ in range(size)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _median(points: list[tuple[float, float]]) -> float:
    """Return the weighted median; the middle between two when both would do."""
    points = sorted(points)
    half = sum(weight for _, weight in points) / 2
    passed = 0.0
    for i, (at, weight) in enumerate(points):
        passed += weight
        if passed == half:
            return (at + points[i + 1][0]) / 2
        if passed > half:
            return at
    raise AssertionError("no points")
