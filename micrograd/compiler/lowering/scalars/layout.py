"""Where each number stands in the vector of all, so that what is alike stands side by side.

What has the same operation at the same depth is one call. A chain of additions
((t0 + t1) + t2) + …, whose inner sums nobody else uses, is a column of a region: its terms are
computed right into the rows, and the rows are added up one after the other, in the eager order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.compiler.lowering.scalars.primitives import Primitives

Indices = NDArray[np.intp]


@dataclass
class Step:
    """What is done for many numbers at once.

    Attributes:
        operation: of `Primitives`, or "copy", or "reduce".
        out: where the results go.
        args: where the arguments stand; of "reduce", where the first row stands.
        backward: whether it is part of the backward pass.
        rows: of "reduce", how many rows there are.
        width: of "reduce", how far it is from row to row.
    """

    operation: Any
    out: Indices
    args: list[Indices]
    backward: bool
    rows: int = 0
    width: int = 0


LONG = 16
"""Chains of so many terms are worth a region, however few there are."""

LARGE = 512
"""A region of so many numbers is worth it, however short the chains are."""


class _Chains:
    """Chains of additions.

    Attributes:
        inner: for each number, the inner sum that it adds a term to, else -1.
        absorbed: which numbers are inner sums.
        length: for each number that ends a chain, how many terms it has, else 0.
        term, row, head: the terms of all chains, which row each is, and the number that ends it.
    """

    def __init__(self, inner: Indices, a: Indices, b: Indices) -> None:
        n = len(inner)
        self.inner = inner
        outer = np.flatnonzero(inner >= 0)
        self.absorbed = np.zeros(n, bool)
        self.absorbed[inner[outer]] = True
        links, pairs = [0] * n, list(zip(outer.tolist(), inner[outer].tolist(), strict=True))
        for i, j in pairs:
            links[i] = links[j] + 1
        head = list(range(n))
        for i, j in reversed(pairs):
            head[j] = head[i]
        link, self.end_of = np.array(links, np.intp), np.array(head, np.intp)
        self.length = np.where((link > 0) & ~self.absorbed, link + 2, 0)
        bottom = np.flatnonzero((inner < 0) & self.absorbed)
        others = np.where(inner == a, b, a)[outer]
        self.term = np.concatenate([a[bottom], b[bottom], others])
        zeros = np.zeros(len(bottom), np.intp)
        self.row = np.concatenate([zeros, zeros + 1, link[outer] + 1])
        self.head = self.end_of[np.concatenate([bottom, bottom, outer])]

    def regions(self, depth: Indices) -> tuple[Indices, Indices, Indices, Indices]:
        """Return which numbers end chains, the region of each, and rows and columns of regions."""
        heads = np.flatnonzero(self.length)
        keys = np.stack([depth[heads], self.length[heads]], 1)
        found, region = np.unique(keys, axis=0, return_inverse=True)
        region = region.reshape(-1)
        rows = found[:, 1] if len(found) else np.zeros(0, np.intp)
        return heads, region, rows, np.bincount(region, minlength=len(found))


def _inner_sums(adds: NDArray[np.bool_], a: Indices, b: Indices, uses: Indices) -> Indices:
    """Return for each number which of its two arguments is a sum that nobody else uses, else -1."""
    distinct = adds & (a != b)
    left = distinct & adds[a] & (uses[a] == 1)
    right = distinct & adds[b] & (uses[b] == 1)
    return np.where(left, a, np.where(right, b, -1))


class Layout:
    """The steps, and the place of each number.

    Attributes:
        place: for each primitive, where it stands; -1 for inner sums of chains.
        size: how long the vector is.
        steps: what is done, in order.
    """

    def __init__(self, primitives: Primitives, roots: list[int]) -> None:
        n = len(primitives.operations)
        self._leaves = primitives.inputs + len(primitives.constants)
        self._names, self._backward = primitives.operations, primitives.backward or n
        codes: dict[Any, int] = {}
        self._codes = np.array([codes.setdefault(o, len(codes)) for o in self._names], np.intp)
        self._arity = np.array([len(args) for args in primitives.arguments], np.intp)
        most = int(self._arity.max(initial=0))
        table = np.full((n, max(most, 2)), -1, np.intp)
        for k in range(1, most + 1):
            rows = np.flatnonzero(self._arity == k)
            if len(rows):
                table[rows, :k] = [primitives.arguments[i] for i in rows.tolist()]
        self._args = table
        uses = np.bincount(table[table >= 0], minlength=n)
        np.add.at(uses, roots, 2)
        self._uses = uses
        adds = self._codes == codes.get("add", -1)
        a, b = table[:, 0], table[:, 1]
        self._chains = _Chains(_inner_sums(adds, a, b, uses), a, b)
        self._depth = _depths(primitives.arguments, self._chains.absorbed)
        heads, region, rows, widths = self._chains.regions(self._depth)
        small = ((rows < LONG) & (rows * widths < LARGE))[region]
        if small.any():
            dropped = np.zeros(n, bool)
            dropped[heads[small]] = True
            inner = np.where(dropped[self._chains.end_of], -1, self._chains.inner)
            self._chains = _Chains(inner, a, b)
            self._depth = _depths(primitives.arguments, self._chains.absorbed)
        self.place = np.full(n, -1, np.intp)
        self._place_leaves(primitives.inputs)
        self.size = self._leaves
        self.steps: list[Step] = []
        self._make_regions()
        self._place_groups()

    def _place_leaves(self, inputs: int) -> None:
        """Give inputs, and then constants, places by what is first done with them.

        So the weights of a neuron stand side by side, in whatever order they were met.
        """
        rows, columns = np.nonzero((self._args >= 0) & (self._args < self._leaves))
        leaves, first = np.unique(self._args[rows, columns], return_index=True)
        roles = np.full((self._leaves, 3), -1)
        rows, columns = rows[first], columns[first]
        roles[leaves] = np.stack([columns, self._codes[rows], self._depth[rows]], 1)
        for start, stop in ((0, inputs), (inputs, self._leaves)):
            order = np.lexsort(roles[start:stop].T)
            self.place[start + order] = np.arange(start, stop)

    def _make_regions(self) -> None:
        """Give chains of one length at one depth a region, and their terms rows of it."""
        chains, n = self._chains, len(self.place)
        heads, region, self._rows, self._width = chains.regions(self._depth)
        self._region = np.full(n, -1, np.intp)  # of which a number ends a column
        self._region[heads] = region
        ends = self.size + np.cumsum(self._rows * self._width)
        self._base = ends - self._rows * self._width
        self.size = int(ends[-1]) if len(ends) else self.size
        self._column = np.full(n, -1, np.intp)
        self._home = np.full(n, -1, np.intp)  # the region that a number is computed into
        direct = (self._uses[chains.term] == 1) & (chains.term >= self._leaves)
        direct &= ~chains.absorbed[chains.term]
        term = chains.term[direct]
        self._home[term] = self._region[chains.head[direct]]
        self._row = np.full(n, -1, np.intp)
        self._row[term] = chains.row[direct]
        self._sum = np.full(n, -1, np.intp)
        self._sum[term] = chains.head[direct]
        rest = np.flatnonzero(~direct)
        order = np.argsort(self._region[chains.head[rest]], kind="stable")
        self._copied = rest[order]
        self._copied_from = np.searchsorted(
            self._region[chains.head[self._copied]], np.arange(len(self._rows) + 1)
        )

    def _place_groups(self) -> None:
        ids = np.flatnonzero((np.arange(len(self.place)) >= self._leaves) & ~self._chains.absorbed)
        if not len(ids):
            return
        keys = np.stack([self._home, self._region, self._codes, self._depth], 0)[:, ids]
        order = np.lexsort(keys)
        ids, keys = ids[order], keys[:, order]
        cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
        ready: set[int] = set()
        for group in np.split(ids, cuts):
            home, region = int(self._home[group[0]]), int(self._region[group[0]])
            if region >= 0 and region not in ready:
                ready.add(region)
                self._fill(region)
            self._place_group(group, home, region)

    def _place_group(self, group: Indices, home: int, region: int) -> None:
        """Give one group its places, and note its step."""
        place = self.place
        backward = bool(group.min() >= self._backward)
        if region >= 0 and home < 0 and self._width[region] == 1:
            place[group] = self._base[region] + self._rows[region] - 1  # it is added up in place
        elif home >= 0:
            self._arrange(home, group)
            at = self._row[group] * self._width[home] + self._column[self._sum[group]]
            group = group[np.argsort(at)]
            place[group] = self._base[home] + np.sort(at)
        else:
            group = group[self._order_of(group)]
            place[group] = np.arange(self.size, self.size + len(group))
            self.size += len(group)
        if region >= 0:
            first = self._base[region] + self._column[group]
            rows, width = int(self._rows[region]), int(self._width[region])
            self.steps.append(Step("reduce", place[group], [first], backward, rows, width))
        else:
            args = [place[self._args[group, q]] for q in range(int(self._arity[group[0]]))]
            self.steps.append(Step(self._names[group[0]], place[group], args, backward))

    def _order_of(self, group: Indices) -> Indices:
        """Return the order of numbers of one group by where their arguments stand."""
        if self._region[group[0]] >= 0:
            return np.argsort(self._column[group], kind="stable")
        places = [self.place[self._args[group, q]] for q in range(int(self._arity[group[0]]))]
        distinct = [len(np.unique(each)) for each in places]
        # The fewer there are the further out: so the inner loops are long.
        outwards = sorted(range(len(places)), key=lambda q: -distinct[q])
        return np.lexsort([places[q] for q in outwards])

    def _arrange(self, region: int, group: Indices) -> None:
        """Put the columns of a region in order, by the first terms that are computed."""
        heads = np.flatnonzero(self._region == region)
        if self._column[heads[0]] >= 0:
            return
        by_row = group[np.argsort(self._row[group], kind="stable")]
        known, first = np.unique(self._sum[by_row], return_index=True)
        terms = by_row[first]
        known = known[self._order_of(terms)]
        rest = heads[~np.isin(heads, known)]
        self._column[np.concatenate([known, rest])] = np.arange(len(heads))

    def _fill(self, region: int) -> None:
        """Note the step that copies the terms of a region which are not computed into it."""
        chains = self._chains
        start, stop = self._copied_from[region : region + 2]
        which = self._copied[start:stop]
        heads = np.flatnonzero(self._region == region)
        if self._column[heads[0]] < 0:  # no term is computed into it
            firsts = which[np.argsort(chains.row[which], kind="stable")]
            known, first = np.unique(chains.head[firsts], return_index=True)
            order = np.argsort(self.place[chains.term[firsts[first]]], kind="stable")
            self._column[known[order]] = np.arange(len(heads))
        if len(which):
            backward = bool(heads.min() >= self._backward)
            at = chains.row[which] * self._width[region] + self._column[chains.head[which]]
            order = np.argsort(at)
            out = self._base[region] + at[order]
            self.steps.append(Step("copy", out, [self.place[chains.term[which[order]]]], backward))


def _depths(arguments: list[tuple[int, ...]], absorbed: NDArray[np.bool_]) -> Indices:
    """Return how deep each number stands; an inner sum is as deep as its terms."""
    inner = absorbed.tolist()
    depths = [0] * len(arguments)
    for i, args in enumerate(arguments):
        if args:
            deepest = max([depths[j] for j in args])
            depths[i] = deepest if inner[i] else deepest + 1
    return np.array(depths, np.intp)
