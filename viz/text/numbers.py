"""Numbers and arrays as the lines that a picture shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from unicodedata import category

import numpy as np

from micrograd.errors import ArgumentError
from viz.text.lines import LEVELS, Grid, Lines, Mark, Row

TENSORS = ("auto", "numbers", "heat", "summary", "shape")
"""How arrays can be shown below their shape and dtype."""
_ROWS, _COLUMNS, _ELEMENTS = 6, 5, 20  # what 'auto' prints as numbers at most
_PRINTED = 10  # of more rows or columns, 'numbers' leaves out the middle
_GRID_ROWS, _GRID_COLUMNS = 8, 16  # of more, the means of blocks are shown
_GAP = "\u00a0"  # a space that SVG and HTML keep
_ELLIPSIS = "…"
_UNWRITABLE = {"Cc", "Cs", "Cn"}  # control characters, halves of surrogates, unassigned

_NEGATIVE_ZERO = re.compile(r"-0*\.?0*(e[-+]0+)?%?")


class Writer:
    r"""Writes numbers and arrays as lines of text and heat maps.

    An array is written as its shape and dtype and, below that, as `tensors` says:
    'numbers' as rows of numbers, without the middle ones of more than 10; 'heat'
    as a heat map of up to 8 by 16 cells, blue for negative and orange for positive
    ones, with its least and greatest number; 'summary' as min, max, mean and share
    of zeros; 'shape' as nothing more. 'auto' takes 'numbers' for up to 6 rows of 5,
    and 20 in all, and 'heat' for others.

    Args:
        number_format: how to write numbers, as in `format()`.
        tensors: one of the words above.

    Raises:
        ArgumentError: if either cannot be used.

    >>> Writer(".2g").value(np.array([[1.0, -2.5], [10.0, 0.25]]))
    ('(2, 2) float64', '[\xa01 -2.5]', '[10 0.25]')
    >>> Writer(tensors="summary").value(np.eye(2))
    ('(2, 2) float64', 'min 0, max 1', 'mean 0.5, 50 % zeros')
    """

    def __init__(self, number_format: str = ".4g", tensors: str = "auto") -> None:
        check_word("tensors", tensors, TENSORS)
        try:
            format(1.5, number_format)
        except (ValueError, TypeError) as error:
            raise ArgumentError(
                f"number_format: {number_format!r} cannot write the number 1.5 ({error}). "
                "Use one such as '.4g' or '.2f'."
            ) from None
        self._format = number_format
        self._tensors = tensors

    def number(self, number: Any) -> str:
        """Return a number as text; zero has no sign."""
        try:
            text = format(number, self._format)
            return one_line(text[1:] if _NEGATIVE_ZERO.fullmatch(text) else text)
        except (ValueError, TypeError, OverflowError):  # not a number, or a huge integer
            return f"<{type(number).__name__}>"

    def value(self, data: Any) -> Lines:
        """Return the lines for the data of a node."""
        if not is_array(data):
            return (self.number(data),)
        if data.ndim == 0:
            return (f"{self.number(data.item())} {data.dtype}",)
        return (f"{data.shape} {data.dtype}", *self._body(data))

    def gradient(self, gradient: Any) -> Lines:
        """Return the lines for a gradient, whose dtype is that of the data."""
        if np.ndim(gradient) == 0:
            return (self.number(plain(gradient)),)
        return (str(gradient.shape), *self._body(gradient))

    def _body(self, array: Any) -> Lines:
        how = self._tensors
        if how == "auto":
            how = "numbers" if _is_small(array) else "heat"
        if how == "shape" or array.size == 0 or array.dtype.kind not in "fiub":
            return ()
        table = array.reshape(-1, array.shape[-1])
        bodies: dict[str, Callable[[Any], Lines]] = {
            "numbers": self._rows,
            "heat": self._heat,
            "summary": self._summary,
        }
        with np.errstate(all="ignore"):
            return bodies[how](table)

    def _rows(self, table: Any) -> Lines:
        columns = [
            _aligned([self._cell(table, row, column) for row in _kept(len(table))])
            for column in _kept(table.shape[1])
        ]
        return tuple(Row("[" + " ".join(row) + "]") for row in zip(*columns, strict=True))

    def _cell(self, table: Any, row: int | None, column: int | None) -> str:
        known = row is not None and column is not None
        return self.number(table[row, column].item()) if known else _ELLIPSIS

    def _ends(self, table: Any) -> tuple[str, str]:
        return self.number(table.min().item()), self.number(table.max().item())

    def _heat(self, table: Any) -> Lines:
        least, greatest = self._ends(table)
        span = f"all {least}" if least == greatest else f"{least} {_ELLIPSIS} {greatest}"
        return (heat_map(table), span)

    def _summary(self, table: Any) -> Lines:
        least, greatest = self._ends(table)
        mean = self.number(table.mean(dtype=np.float64).item())
        zeros = np.count_nonzero(table == 0) / table.size
        return (
            f"min {least}, max {greatest}",
            f"mean {mean}, {zeros:.0%} zeros".replace("%", " %"),
        )


class ShapeWriter(Writer):
    """Writes the shape and dtype of data alone, and nothing of gradients.

    >>> ShapeWriter().value(np.ones((2, 3))), ShapeWriter().value(0.5)
    (('(2, 3) float64',), ('0.5',))
    """

    def value(self, data: Any) -> Lines:
        """Return the line for the data of a node; a plain number has no shape."""
        return (f"{data.shape} {data.dtype}",) if is_array(data) else (self.number(data),)

    def gradient(self, gradient: Any) -> Lines:
        """Return no line."""
        return ()


def check_word(what: str, word: object, allowed: tuple[str | None, ...]) -> None:
    """Raise an ArgumentError unless a word is one of those allowed.

    >>> check_word("tensors", "heat", TENSORS)
    """
    if word not in allowed:
        raise ArgumentError(
            f"{what}: came as {word!r}, expected one of {', '.join(map(repr, allowed))}."
        )


def _is_small(array: Any) -> bool:
    columns = array.shape[-1]
    return array.size <= min(_ELEMENTS, _ROWS * columns) and columns <= _COLUMNS


def _kept(count: int) -> list[int | None]:
    """Return which of `count` rows or columns to print; None stands for those left out."""
    if count <= _PRINTED:
        return list(range(count))
    return [*range(_PRINTED // 2), None, *range(count - _PRINTED // 2 + 1, count)]


def _aligned(texts: list[str]) -> list[str]:
    """Return the numbers of a column, all as wide as the widest."""
    width = max(map(len, texts))
    return [text.rjust(width, _GAP) for text in texts]


def heat_map(table: Any) -> Grid:
    """Return a heat map of a matrix; where it is large, of the means of its blocks.

    The darkest shade stands for the greatest magnitude, and a number's shade for
    its magnitude in proportion to it; only zero has no shade.

    >>> heat_map(np.array([[-4.0, 0.0, 1.0, np.nan]])).cells
    ((-4, 0, 1, None),)
    """
    means = _block_means(_block_means(table.astype(np.float64), _GRID_ROWS).T, _GRID_COLUMNS).T
    finite = np.abs(means[np.isfinite(means)])
    scale = finite.max() if finite.size and finite.max() > 0 else 1.0
    levels = np.clip(np.ceil(np.abs(means) / scale * LEVELS), 0, LEVELS) * np.sign(means)
    rows = levels.tolist()
    return Grid(tuple(tuple(None if n != n else int(n) for n in row) for row in rows))


def _block_means(table: Any, count: int) -> Any:
    """Return the means of at most `count` runs of rows, as even as can be."""
    runs = np.array_split(table, min(count, len(table)))
    return np.stack([run.mean(axis=0) for run in runs])


def marks_for(data: Any) -> tuple[Mark, ...]:
    """Return what to warn of in numbers: how many are nan or infinite.

    >>> marks_for(np.array([1.0, np.nan, np.nan])), marks_for(-np.inf), marks_for(1)
    (('⚠ 2 nan',), ('⚠ inf',), ())
    """
    found = not_finite(data).items()
    return tuple(
        Mark(f"⚠ {count} {what}" if np.ndim(data) else f"⚠ {what}") for what, count in found
    )


def not_finite(data: Any) -> Counter[str]:
    """Return how many numbers are nan, and how many infinite.

    >>> not_finite(np.array([1.0, np.nan, np.nan])), not_finite(1)
    (Counter({'nan': 2}), Counter())
    """
    array = np.asarray(data)
    if array.dtype.kind not in "fc":
        return Counter()
    return +Counter(nan=int(np.isnan(array).sum()), inf=int(np.isinf(array).sum()))  # no zeros


def peak(data: Any) -> float | None:
    """Return the number of greatest magnitude, with its sign; None if there is none.

    >>> peak(np.array([1.0, -3.0, np.nan])), peak(2), peak(np.ones(0))
    (-3.0, 2.0, None)
    """
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        return None
    finite = array[np.isfinite(array)].astype(np.float64)
    return finite[np.argmax(np.abs(finite))].item() if finite.size else None


def one_line(text: str) -> str:
    r"""Return text without line breaks and without what no SVG may contain.

    >>> one_line("a\n b")
    'a b'
    """
    text = " ".join(text.split())
    return "".join("\ufffd" if category(c) in _UNWRITABLE else c for c in text)


def is_array(data: object) -> bool:
    """Tell whether data are NumPy's, and not a plain number.

    >>> is_array(np.float32(1)), is_array(1.0)
    (True, False)
    """
    return isinstance(data, np.ndarray | np.generic)


def plain(data: Any) -> Any:
    """Return the plain number in an array of one.

    >>> plain(np.float64(2.0))
    2.0
    """
    return data.item() if is_array(data) else data
