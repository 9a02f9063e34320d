"""What to write of several nodes that a picture shows as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from viz.text.lines import Lines, Mark
from viz.text.numbers import ShapeWriter, Writer, is_array, not_finite, peak, plain


def values(data: Sequence[Any], writer: Writer) -> Lines:
    """Return the lines for the data of several nodes: marks, shape and dtype, and range.

    >>> values([1.0, 3.0, float("nan")], Writer())
    ('⚠ 1 nan', '1 … 3')
    >>> values([np.ones((2, 3)), np.zeros((2, 3))], Writer())
    ('(2, 3) float64', '0 … 1')
    """
    kinds = dict.fromkeys(f"{d.shape} {d.dtype}" for d in data if is_array(d) and d.ndim)
    shape = () if not kinds else tuple(kinds) if len(kinds) == 1 else (f"{len(data):,} arrays",)
    if isinstance(writer, ShapeWriter):
        return shape or span(data, writer)
    return (*_marks(data), *shape, *span(data, writer))


def gradients(found: Sequence[Any], writer: Writer) -> Lines:
    """Return the lines for the gradients of several nodes.

    >>> gradients([-0.5, 2.0], Writer())
    ('-0.5 … 2',)
    """
    if isinstance(writer, ShapeWriter):
        return ()
    return (*span(found, writer), *_marks(found))


def span(data: Iterable[Any], writer: Writer) -> Lines:
    """Return a line with the least and the greatest number in some data; none for no number.

    >>> span([3, 1, 2], Writer()), span([1.0, 1.0], Writer()), span([], Writer())
    (('1 … 3',), ('1',), ())
    """
    ends = [end for item in data for end in _ends(item)]
    if not ends:
        return ()
    least, greatest = (writer.number(end + 0) for end in (min(ends), max(ends)))  # never -0
    return (least if least == greatest else f"{least} … {greatest}",)


def greatest_peak(data: Iterable[Any]) -> float | None:
    """Return the number of greatest magnitude in some data, with its sign.

    >>> greatest_peak([1.0, -2.0]), greatest_peak([])
    (-2.0, None)
    """
    peaks = [at for item in data if (at := peak(item)) is not None]
    return max(peaks, key=abs, default=None)


def _ends(data: Any) -> list[Any]:
    """Return the least and greatest number in one item of data, nan aside."""
    if np.ndim(data) == 0:
        number = plain(data)
        return [number] if number == number else []
    known = data[data == data]
    return [known.min().item(), known.max().item()] if known.size else []


def _marks(data: Sequence[Any]) -> tuple[Mark, ...]:
    counts = sum(map(not_finite, data), Counter[str]())
    return tuple(Mark(f"⚠ {counts[what]:,} {what}") for what in ("nan", "inf") if counts[what])
