"""What is looked at only when asked for: who made a node, and where a nan began."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np

from micrograd.core.modes import listening, recording, scoping
from micrograd.core.node import Node
from micrograd.engine.modes import Mode
from micrograd.errors import AnomalyError, describe

__all__ = ["debug", "detect_anomaly"]

F = TypeVar("F", bound=Callable[..., Any])
_PACKAGES = (Path(__file__).parents[1], Path(np.__file__).parent)
_LIBRARIES = tuple(f"{folder}{os.sep}" for folder in _PACKAGES)


class Origin(NamedTuple):
    """Where a node was made."""

    place: str


class DebugListener:
    """What is told of each node as it is recorded, while `debug()` is on."""

    def __init__(self, anomalies: bool) -> None:
        self.anomalies = anomalies

    def on_record(self, node: Node) -> None:
        """Remember where `node` was made; refuse a nan or inf if asked to."""
        node._origin = Origin(_place(sys._getframe(1)))
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


@overload
def debug(*, anomalies: bool = False) -> Mode: ...
@overload
def debug(function: F, *, anomalies: bool = False) -> F: ...
def debug(function: Any = None, *, anomalies: bool = False) -> Any:
    """Remember where nodes are made, for messages to say it.

    Every node that is recorded inside the block keeps the file and line (or the
    notebook's cell) that made it. What it costs is in the benchmarks. The
    setting belongs to the current thread or asyncio task, and nests. It is a
    decorator as `no_grad` is.

    Args:
        function: the function to decorate; a `with` block needs none.
        anomalies: raise an AnomalyError at the first nan or inf, as
            `detect_anomaly()` does.

    >>> from micrograd import Tensor, debug
    >>> W = Tensor([1.0, 2.0], label="W")
    >>> with debug():
    ...     loss = (W * W).sum()
    >>> W.data[0] = 0.0
    >>> loss.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    micrograd.errors.StaleGraphError: backward: the array of Tensor 'W' of shape (2,) was ...
    """
    mode = Mode("debug", lambda: _listened(DebugListener(anomalies)))
    return mode if function is None else mode(function)


@overload
def detect_anomaly() -> Mode: ...
@overload
def detect_anomaly(function: F) -> F: ...
def detect_anomaly(function: Any = None) -> Any:
    """Raise an error at the first operation that makes a nan or an inf, forward or backward.

    It does what `debug()` does, too. An inf is an anomaly where what it was
    made from is finite, a nan always.

    Args:
        function: the function to decorate; a `with` block needs none.

    Raises:
        AnomalyError: naming the operation, its arguments and the path there.

    >>> from micrograd import Value, detect_anomaly, log
    >>> with detect_anomaly():
    ...     log(Value(0.0, label="x") * 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    micrograd.errors.AnomalyError: log: made -inf forward. Its arguments: Value made by multiply ...
    """
    mode = Mode("detect_anomaly", lambda: _listened(DebugListener(anomalies=True)))
    return mode if function is None else mode(function)


def _listened(listener: DebugListener) -> list[tuple[ContextVar[Any], Any]]:
    return [(listening, listener), (recording, listener if recording.get() else False)]


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
