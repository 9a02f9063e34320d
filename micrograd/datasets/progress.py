"""The progress of a download: tqdm's bar where that is installed, else a line of text."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from micrograd.errors import MissingExtraError, extra


class Progress:
    """A bar on stderr, from `start` to `total` bytes, for the time of a `with` block.

    Args:
        url: what is fetched.
        start: how many bytes were there before.
        total: how many there will be; None if nobody knows.
        shown: False to show nothing.

    >>> with Progress("http://localhost/labels.gz", 0, 100, shown=False) as bar:
    ...     bar.update(100)
    """

    def __init__(self, url: str, start: int, total: int | None, shown: bool = True) -> None:
        self._bar = _bar(url, start, total) if shown else None

    def update(self, count: int) -> None:
        """Take note of so many bytes more."""
        if self._bar is not None:
            self._bar.update(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class _Line:
    """One line: the address, the size, and every tenth of the way as it is reached."""

    def __init__(self, url: str, start: int, total: int | None) -> None:
        size = "" if total is None else f" ({total / 1e6:.1f} MB)"
        on = f", from {start / 1e6:.1f} MB on" if start else ""
        self.done, self.total = start, total
        self.tenths = 10 * start // total if total else 0
        print(f"Downloading {url}{size}{on}", end="", file=sys.stderr, flush=True)

    def update(self, count: int) -> None:
        self.done += count
        tenths = 10 * self.done // self.total if self.total else 0
        if tenths > self.tenths:
            self.tenths = tenths
            print(f" {10 * tenths}%", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print(file=sys.stderr)


def _bar(url: str, start: int, total: int | None) -> Any:
    try:
        tqdm = extra("tqdm", "The bar").tqdm
    except MissingExtraError:
        return _Line(url, start, total)
    name = url.rpartition("/")[2]
    return tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, file=sys.stderr)
