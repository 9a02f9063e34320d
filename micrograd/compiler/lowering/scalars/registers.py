"""Few local variables for many values: one whose value is no longer needed holds another.

Python finds the first 256 local variables of a function faster than others, and makes a float
fastest in the memory of one that has just gone.
"""

from __future__ import annotations

import heapq
import re

_VALUE = re.compile(r"\bt\d+\b")

FAST = 250
"""How many variables are surely among the first 256."""


def reuse_names(lines: list[str]) -> list[str]:
    """Return the lines of a function, its values t0, t1, … in as few variables as can be.

    Args:
        lines: the head, and straight Python; what a line starts with and names is a target.

    >>> reuse_names(["def f(a):", "    t7 = a + 1", "    t8 = -t7", "    return t8"])
    ['def f(a):', '    t0 = a + 1', '    t0 = -t0', '    return t0']
    """
    values = [_VALUE.findall(line) for line in lines]
    last = {value: k for k, row in enumerate(values) for value in row}
    slow = _slow(values, last)
    free: tuple[list[int], list[int]] = [], []
    counts, place = [0, 0], dict[str, int]()

    def enter(value: str) -> None:
        of = value in slow
        if free[of]:
            place[value] = free[of].pop()
        else:
            place[value], counts[of] = counts[of], counts[of] + 1

    for k, (line, row) in enumerate(zip(lines, values, strict=True)):
        target = row[0] if row and line.startswith(f"    {row[0]} = ") else None
        for value in row:
            if value not in place and value != target:
                enter(value)
        for value in dict.fromkeys(row):  # the target may take the place of what it is made of
            if last[value] == k and value != target:
                free[value in slow].append(place[value])
        if target is not None:
            enter(target)
    start = counts[0]
    name = {value: f"t{k + start if value in slow else k}" for value, k in place.items()}
    new = [_VALUE.sub(lambda found: name[found[0]], line) for line in lines]
    if slow:  # Python numbers variables in the order of the text
        new.insert(1, f"    if 0: {' = '.join([f't{k}' for k in range(start)])} = 0")
    return new


def _slow(values: list[list[str]], last: dict[str, int]) -> set[str]:
    """Return the values that have to live elsewhere: those that live longest, where many live."""
    slow: set[str] = set()
    living: list[tuple[int, str]] = []  # a heap: what lives longest comes first
    ends = [0] * len(values)  # how many of the fast ones end in each line
    seen: set[str] = set()
    count = 0
    for k, row in enumerate(values):
        for value in row:
            if value in seen:
                continue
            seen.add(value)
            heapq.heappush(living, (-last[value], value))
            ends[last[value]] += 1
            count += 1
            if count > FAST:
                end, value = heapq.heappop(living)
                ends[-end] -= 1
                slow.add(value)
                count -= 1
        count -= ends[k]
    return slow
