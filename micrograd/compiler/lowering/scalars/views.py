"""Places in one vector that many numbers are read from at once: slices, strided views, or lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Indices = NDArray[np.intp]
Axes = list[tuple[int, list[int]]]
"""Axes from outer to inner: how long each is, and how far a step goes in each list of indices."""

SMALL = 256
"""Pieces of fewer numbers are gathered together, rather than each be a call."""

MOST = 12
"""How many pieces are looked for."""


@dataclass(frozen=True)
class View:
    """Where some numbers stand in a vector: from a start, by steps along some axes."""

    start: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    def of(self, vector: Any) -> Any:
        """Return the view of a vector of floats."""
        if len(self.shape) == 1 and self.steps[0] > 0:
            n, step = self.shape[0], self.steps[0]
            return vector[self.start : self.start + (n - 1) * step + 1 : step]
        return as_strided(vector[self.start :], self.shape, [8 * step for step in self.steps])


def pieces(lists: list[Indices]) -> list[tuple[int, int, Axes | None]]:
    """Return where lists of indices can be cut so that each piece has steps along some axes.

    Args:
        lists: of one length.

    Returns:
        from where to where, and the axes, None if the numbers have to be gathered.
    """
    n = len(lists[0])
    found: list[tuple[int, int, Axes | None]] = []
    start = 0
    while start < n:
        axes, count = _axes([each[start:] for each in lists])
        if len(found) >= MOST or (count < 4 and n - start > SMALL and len(found) > 2):
            found.append((start, n, None))
            break
        found.append((start, start + count, axes))
        start += count
    if len(found) <= 2 and found[-1][2] is not None:
        return found
    return _joined(found)


def _joined(found: list[tuple[int, int, Axes | None]]) -> list[tuple[int, int, Axes | None]]:
    """Return the pieces with the small ones that stand side by side in one."""
    joined: list[tuple[int, int, Axes | None]] = []
    for start, stop, axes in found:
        small = axes is None or stop - start < SMALL
        if small and joined and (joined[-1][2] is None or joined[-1][1] - joined[-1][0] < SMALL):
            joined[-1] = joined[-1][0], stop, None
        else:
            joined.append((start, stop, axes))
    return joined


def _axes(lists: list[Indices]) -> tuple[Axes, int]:
    """Return the axes of the longest beginning of lists, and how long it is."""
    n = len(lists[0])
    if n == 1:
        return [], 1
    steps = [int(each[1] - each[0]) for each in lists]
    run = n
    for each, step in zip(lists, steps, strict=True):
        run = _run(each, step, run)
    blocks = [each[: n // run * run].reshape(-1, run) for each in lists]
    count = len(blocks[0])
    if count > 1:
        for block, step in zip(blocks, steps, strict=True):
            bad = (np.diff(block, axis=1) != step).any(axis=1)
            if bad.any():
                count = min(count, int(bad.argmax()))
    axis = run, steps
    if count == 1:
        return [axis], run
    outer, covered = _axes([block[:count, 0] for block in blocks])
    return [*outer, axis], covered * run


def _run(each: Indices, step: int, limit: int) -> int:
    """Return how far a list goes on by one step, at most a limit."""
    size = 64
    while True:  # most runs are short: don't look at all of a long list
        part = np.diff(each[: min(size, limit)]) != step
        if part.any():
            return int(part.argmax()) + 1
        if size >= limit:
            return limit
        size *= 8


def view_of(indices: Indices, axes: Axes, which: int) -> View:
    """Return the view that a list of indices is, by the axes of some lists."""
    if not axes:
        return View(int(indices[0]), (1,), (1,))
    return View(int(indices[0]), tuple([n for n, _ in axes]), tuple([s[which] for _, s in axes]))


def straight(indices: Indices) -> View | None:
    """Return the view that a list of indices is by itself, None if it has more than one axis."""
    axes, count = _axes([indices])
    if count < len(indices) or len(axes) > 1:
        return None
    return view_of(indices, axes, 0)
