"""What is looked at only when asked for: who made a node, what was rewritten, where a nan began."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from micrograd.errors import AnomalyError, StaleGraphError
from micrograd.node import Node, describe, recording, scoping, watching

_LIBRARIES = tuple(str(Path(file).parent) + os.sep for file in (__file__, np.__file__))


class Origin(NamedTuple):
    """Where a node was made, and the fingerprints of the arrays that it was made from."""

    place: str
    arrays: tuple[tuple[str, Any, int], ...]  # what to call it, the array, its fingerprint


class Watch:
    """What is told of each node as it is recorded, while `debug()` is on.

    Attributes:
        has_noted: whether any node was, so that there are fingerprints to check.
    """

    has_noted: ClassVar[bool] = False

    def __init__(self, anomalies: bool) -> None:
        self.anomalies = anomalies

    def note(self, node: Node) -> None:
        """Remember where `node` was made and from what; refuse a nan or inf if asked to."""
        Watch.has_noted = True
        arrays = [(what, a, fingerprint(a)) for what, a in _rewritable(node)]
        node._origin = Origin(_place(sys._getframe(1)), tuple(arrays))
        node._scope = scoping.get()
        if self.anomalies:
            self._check_forward(node)

    def _check_forward(self, node: Node) -> None:
        kind = _anomaly(node._data, [parent._data for parent in node.parents])
        if kind:
            args = "; ".join(_summary(parent) for parent in node.parents)
            raise AnomalyError(
                f"{node.op.name}: made {kind} forward{_where(node._data)}. Its arguments: {args}. "
                f"The path there: {_chain(_ancestors(node))}."
            )

    def check_backward(self, contribution: Any, node: Node, i: int, g: Any, root: Node) -> None:
        """Refuse a nan or inf that the derivative of `node` made for its argument `i`."""
        contribution, g = (getattr(x, "_data", x) for x in (contribution, g))
        kind = _anomaly(contribution, [g]) if self.anomalies else ""
        if kind:
            parent = node.parents[i]
            raise AnomalyError(
                f"{node.op.name}: its derivative made {kind} backward for argument {i}, "
                f"{_summary(parent)}{_where(contribution)}. The path there, from the end: "
                f"{_chain(_path(root, node))}."
            )


@contextmanager
def debug(*, anomalies: bool = False) -> Generator[None, None, None]:
    """Remember where nodes are made, and notice arrays that are rewritten in place.

    Every node that is recorded inside the block keeps the file and line (or the
    notebook's cell) that made it, and messages say it. The arrays of leaves and
    constants, and those in settings, get a fingerprint when an operation uses
    them, and `backward()` through that operation is an error if it no longer
    fits: so a buffer that was filled anew, or a write through `.data[...]`, is
    noticed. What it costs is in the benchmarks. The setting belongs to the
    current thread or asyncio task, and nests.

    Args:
        anomalies: raise an AnomalyError at the first nan or inf, as
            `detect_anomaly()` does.

    >>> import numpy as np
    >>> from micrograd import Tensor, debug
    >>> W, batch = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    >>> with debug():
    ...     loss = (W * batch).sum()
    >>> batch[:] = 0.0
    >>> loss.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    micrograd.errors.StaleGraphError: multiply: its argument 1 was written to in place after ...
    """
    watch = Watch(anomalies)
    tokens = watching.set(watch), recording.set(watch if recording.get() else False)
    try:
        yield
    finally:
        watching.reset(tokens[0])
        recording.reset(tokens[1])


@contextmanager
def detect_anomaly() -> Generator[None, None, None]:
    """Raise an error at the first operation that makes a nan or an inf, forward or backward.

    It does what `debug()` does, too. An inf is an anomaly where what it was
    made from is finite, a nan always.

    Raises:
        AnomalyError: naming the operation, its arguments and the path there.

    >>> from micrograd import Value, detect_anomaly, log
    >>> with detect_anomaly():
    ...     log(Value(0.0, label="x") * 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    micrograd.errors.AnomalyError: log: made -inf forward. Its arguments: Value made by multiply ...
    """
    with debug(anomalies=True):
        yield


def check_fingerprints(nodes: Iterable[Node]) -> None:
    """Raise an error if an array that `nodes` were made from under `debug()` was written to."""
    for node in nodes:
        origin = getattr(node, "_origin", None)
        for what, array, before in () if origin is None else origin.arrays:
            if fingerprint(array) != before:
                raise StaleGraphError(
                    f"{node.op.name}: {what} was written to in place after "
                    f"{describe(node)} was computed from it, so the derivative there is lost. Give "
                    "the operation a copy, or write after backward()."
                )


def fingerprint(array: Any) -> int:
    """Return a number that tells an array from what it is after almost any change.

    >>> a = np.zeros(3)
    >>> before = fingerprint(a)
    >>> a[1] = 1e-300
    >>> fingerprint(a) == before
    False
    """
    octets: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return zlib.crc32(octets, zlib.crc32(repr((array.shape, array.dtype)).encode()))


def _rewritable(node: Node) -> Iterator[tuple[str, Any]]:
    """Yield the arrays that `node` was made from and that can be written to unnoticed."""
    for i, parent in enumerate(node.parents):
        if parent.op is None and parent._data.__class__ is np.ndarray:
            label = "" if parent.label is None else f", {parent.label!r},"
            yield f"its argument {i}{label}", parent._data
    for name, setting in node.params.items():
        parts: Any = setting if setting.__class__ is tuple else (setting,)
        for part in parts:
            if part.__class__ is np.ndarray:
                yield f"its setting {name}", part


def _place(frame: FrameType | None) -> str:
    """Return the file and line of the nearest caller outside this library and NumPy."""
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame = frame.f_back
    if frame is None:
        return "an unknown place"
    return f"{_file(frame.f_code.co_filename)}:{frame.f_lineno}"


def _file(name: str) -> str:
    """Return what a reader calls a file: In[3] for a notebook's third cell."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        cell = shell.compile.format_code_name(name)
        if cell is not None:
            return " ".join(cell)
    return name


def _anomaly(result: Any, sources: Iterable[Any]) -> str:
    """Return what is wrong with a result: 'nan', 'inf', '-inf', or nothing."""
    result = np.asarray(result, dtype=float)
    if np.isfinite(result).all():
        return ""
    if np.isnan(result).any():
        return "nan"
    if not all(np.all(np.isfinite(source)) for source in sources):
        return ""  # an inf that came in is no news
    return "inf" if (result > 0)[np.isinf(result)].any() else "-inf"


def _where(array: Any) -> str:
    """Return the first place of an array that is not finite, for a message."""
    if np.ndim(array) == 0:
        return ""
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f", first at index {place}"


def _summary(node: Node) -> str:
    """Return what to call a node, and the range of its numbers."""
    data = np.asarray(node._data)
    if data.size < 2:
        return f"{describe(node)}, which is {data.item() if data.size else 'empty'}"
    return f"{describe(node)}, from {data.min():.6g} to {data.max():.6g}"


def _ancestors(node: Node) -> list[Node]:
    """Return a way from a leaf to `node`, by the first parent that requires a gradient."""
    way = [node]
    while way[-1].op is not None:
        parents = way[-1].parents
        way.append(next((parent for parent in parents if parent.requires_grad), parents[0]))
    return way[::-1]


def _path(root: Node, target: Node) -> list[Node]:
    """Return the shortest way from `root` back to `target`."""
    came: dict[Node, Node | None] = {root: None}
    queue = [root]
    for node in queue:
        if node is target:
            break
        for parent in node.parents:
            if parent not in came:
                came[parent] = node
                queue.append(parent)
    way: list[Node] = []
    step: Node | None = target
    while step is not None:
        way.append(step)
        step = came[step]
    return way[::-1]


def _chain(way: list[Node]) -> str:
    """Return a way through the graph as text, without its middle if it is long."""
    words = [describe(node) for node in way]
    if len(words) > 12:
        words[6:-6] = [f"... {len(words) - 12} more ..."]
    return " → ".join(words)
