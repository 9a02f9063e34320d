"""Drawing a graph in layers: which layer, in which order, and at which place.

Vertices are numbers, and a link goes from a lower to a higher one. A link that
passes layers gets a bend in each of them; links from the same vertex share
bends, so that they run together and branch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Link = tuple[int, int]
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Layered:
    """A graph cut into layers.

    Attributes:
        rows: the vertices of each layer, in order; bends have numbers of their own.
        before: for each vertex, those in the layer before that are linked to it.
        after: for each vertex, those in the layer after.
        routes: for each link, the vertices it runs through, from its tail to its head.
    """

    rows: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    routes: list[list[int]]


def arrange(count: int, links: Sequence[Link]) -> Layered:
    """Cut a graph into layers, with few links crossing.

    Args:
        count: how many vertices there are.
        links: pairs of tail and head, where the tail is the lower number.

    >>> arrange(4, [(0, 1), (1, 2), (0, 3), (2, 3)]).rows
    [[0], [1, 4], [2, 5], [3]]
    """
    graph = _with_bends(_layers(count, links), links)
    best, fewest = [row[:] for row in graph.rows], _all_crossings(graph)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        _sort_by_neighbours(graph, forwards=sweep % 2 == 0)
        _swap_neighbours(graph)
        crossings = _all_crossings(graph)
        if crossings < fewest:
            best, fewest = [row[:] for row in graph.rows], crossings
    return Layered(best, graph.before, graph.after, graph.routes)


def _layers(count: int, links: Sequence[Link]) -> list[int]:
    """Return the layer of each vertex: as late as what it feeds allows."""
    heads: list[list[int]] = [[] for _ in range(count)]
    for tail, head in links:
        heads[tail].append(head)
    layer = [0] * count
    for tail in range(count):  # as early as possible
        for head in heads[tail]:
            layer[head] = max(layer[head], layer[tail] + 1)
    for tail in reversed(range(count)):
        if heads[tail]:
            layer[tail] = min(layer[head] for head in heads[tail]) - 1
    return layer


def _with_bends(layer: list[int], links: Sequence[Link]) -> Layered:
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex, at in enumerate(layer):
        rows[at].append(vertex)
    bends: dict[tuple[int, int], int] = {}
    routes: list[list[int]] = []
    for tail, head in links:
        route = [tail]
        for at in range(layer[tail] + 1, layer[head]):
            if (tail, at) not in bends:
                bends[tail, at] = len(layer) + len(bends)
                rows[at].append(bends[tail, at])
            route.append(bends[tail, at])
        routes.append([*route, head])
    before: list[list[int]] = [[] for _ in range(len(layer) + len(bends))]
    after: list[list[int]] = [[] for _ in before]
    for tail, head in dict.fromkeys(pair for route in routes for pair in pairwise(route)):
        before[head].append(tail)
        after[tail].append(head)
    return Layered(rows, before, after, routes)


def _places(row: list[int]) -> dict[int, int]:
    return {vertex: place for place, vertex in enumerate(row)}


def _all_crossings(graph: Layered) -> int:
    total = 0
    for row, following in pairwise(graph.rows):
        place, passed = _places(following), list[int]()
        for vertex in row:
            ends = sorted(place[head] for head in graph.after[vertex])
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _sort_by_neighbours(graph: Layered, forwards: bool) -> None:
    """Put each vertex at the mean place of its neighbours, one layer after the other."""
    rows = graph.rows if forwards else graph.rows[::-1]
    near = graph.before if forwards else graph.after
    for fixed, row in pairwise(rows):
        place = _places(fixed)
        mean = {v: sum(place[u] for u in near[v]) / len(near[v]) for v in row if near[v]}
        in_order = iter(sorted(mean, key=mean.__getitem__))
        row[:] = [next(in_order) if v in mean else v for v in row]


def _swap_neighbours(graph: Layered) -> None:
    """Swap two that stand side by side wherever fewer links cross then."""
    for i, row in enumerate(graph.rows):
        earlier = _places(graph.rows[i - 1]) if i else {}
        later = _places(graph.rows[i + 1]) if i + 1 < len(graph.rows) else {}
        left = {v: sorted(earlier[u] for u in graph.before[v]) for v in row}
        right = {v: sorted(later[u] for u in graph.after[v]) for v in row}
        for j in range(len(row) - 1):
            a, b = row[j], row[j + 1]
            now = _crossings(left[a], left[b]) + _crossings(right[a], right[b])
            if now > _crossings(left[b], left[a]) + _crossings(right[b], right[a]):
                row[j], row[j + 1] = b, a


def _crossings(upper: list[int], lower: list[int]) -> int:
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

    def settle(row: list[int], room: list[float], near: list[list[int]]) -> None:
        wishes = [[(places[u], weight(u, v)) for u in near[v]] or [(places[v], 1.0)] for v in row]
        for vertex, at in zip(row, spread(wishes, room), strict=True):
            places[vertex] = at

    around = [[*before, *after] for before, after in zip(graph.before, graph.after, strict=True)]
    forwards = list(zip(graph.rows, rooms, strict=True))
    for _ in range(_SWEEPS):
        for row, room in reversed(forwards):
            settle(row, room, graph.after)
        for row, room in forwards:
            settle(row, room, graph.before)
    for row, room in forwards[::-1] + forwards:
        settle(row, room, around)
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
