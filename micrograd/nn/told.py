"""The step of an optimizer as calls of a program, in a compiled function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.states import Cell
from micrograd.core.node import Node

_LARGEST = 65_536  # elements up to which whole arrays are updated faster than blocks of them
_SMALL = 4_096  # elements up to which calls take longer than what they compute


class Group:
    """Parameters that are updated as one array: a large one, small ones of one dtype, or a Value.

    Args:
        names: of the parameters.
        entries: theirs, in an optimizer.
        slots: the names of its state.
    """

    def __init__(self, names: Sequence[str], entries: Sequence[Any], slots: Sequence[str]) -> None:
        self.names, self.entries = names, entries
        data: list[Any] = [seams.DATA.__get__(entry.node) for entry in entries]
        self.number = entries[0].node._is_number
        self.shapes = [np.shape(array) for array in data]
        ends = [0, *accumulate(map(math.prod, self.shapes))]
        self.parts = [slice(start, end) for start, end in pairwise(ends)]
        dtype = float if self.number else data[0].dtype
        self.flat = [np.zeros(ends[-1], dtype) for _ in slots]
        self.kept: list[Any] = [
            tuple([flat[part].reshape(shape) for flat in self.flat])
            for part, shape in zip(self.parts, self.shapes, strict=True)
        ]
        self.cells = [_cell(self, i, f"{slot}_{names[0]}") for i, slot in enumerate(slots)]

    def take(self) -> None:
        """Let the state of each parameter lie in the arrays of the group."""
        for entry, kept in zip(self.entries, self.kept, strict=True):
            if entry.kept is not kept:
                for array, was in zip(kept, entry.kept or [0.0] * len(kept), strict=True):
                    array[...] = was
                entry.kept = kept

    def joined(self, symbols: Sequence[Any]) -> Any:
        """Return symbols of all as one."""
        if len(symbols) == 1:
            return symbols[0]
        return np.concatenate([np.ravel(symbol) for symbol in symbols])

    def parted(self, symbol: Any) -> list[Any]:
        """Return one symbol as those of all."""
        if len(self.parts) == 1:
            return [symbol]
        pairs = zip(self.parts, self.shapes, strict=True)
        return [symbol[part].reshape(shape) for part, shape in pairs]


class Step:
    """The state that the step of an optimizer reads and writes, for some of its parameters.

    Args:
        optimizer: whose step it is.
        names: of the parameters that have a gradient.
    """

    def __init__(self, optimizer: Any, names: Sequence[str]) -> None:
        self.optimizer = optimizer
        entries = {name: optimizer._entries[name] for name in names}
        self.entries = list(entries.values())
        self.groups = [
            Group(some, [entries[name] for name in some], optimizer._slots)
            for some in _grouped(entries)
        ]
        self.factors: tuple[float, ...] = ()
        self.ready()
        kind = type(optimizer).__name__.lower()
        self.numbers = [
            Cell(self, f"{kind}_{i + 1}", lambda i=i: self.factors[i], _fixed)
            for i in range(len(self.factors))
        ]
        self.count = Cell(self, f"{kind}_steps", lambda: optimizer.steps, self._count)

    def ready(self) -> tuple[bool, ...]:
        """Compute the factors, and return what decides how the update goes."""
        optimizer = self.optimizer
        for group in self.groups:
            group.take()
        steps = self.entries[0].steps
        self.factors = tuple(map(float, optimizer._factors(steps + 1)))
        return (
            optimizer.error_if_nonfinite,
            bool(optimizer.weight_decay),
            *[getattr(optimizer, name, False) for name in ("nesterov", "centered")],
            all([entry.steps == steps for entry in self.entries]),
        )

    def kept(self) -> Any:
        """Return a copy of the state."""
        counts = self.optimizer.steps, [entry.steps for entry in self.entries]
        return counts, [[flat.copy() for flat in group.flat] for group in self.groups]

    def restore(self, kept: Any) -> None:
        """Go back to what `kept` gave."""
        (self.optimizer.steps, steps), copies = kept
        for entry, count in zip(self.entries, steps, strict=True):
            entry.steps = count
        for group, arrays in zip(self.groups, copies, strict=True):
            for flat, was in zip(group.flat, arrays, strict=True):
                flat[...] = was

    def _count(self, nothing: Any) -> None:
        self.optimizer.steps += 1
        for entry in self.entries:
            entry.steps += 1

    def __repr__(self) -> str:
        return repr(self.optimizer)


def tell_step(optimizer: Any, recorder: Any) -> bool:
    """Note the step of an optimizer as calls of the program; tell whether that can be.

    It cannot where a rule is not one of this library's, where an index decides which parameters
    have a gradient, for large parameters, which are updated
    faster block by block, for float16, where parameters have had different numbers of updates, and
    after what runs after the program, such as clipping.
    """
    if recorder.hosted or type(optimizer).__module__ != "micrograd.nn.optim":
        return False
    nodes = {name: node for name, node in optimizer._named.items() if node._grad is not None}
    if not nodes or not all([_is_plain(node) for node in nodes.values()]):
        return False
    if not all([recorder.picking.presence(node._grad) is True for node in nodes.values()]):
        return False
    names = tuple(nodes)
    if "_told" not in vars(optimizer):  # from an old pickle
        vars(optimizer)["_told"] = {}
    told: dict[Any, Step] = optimizer._told
    if names not in told:
        told[names] = Step(optimizer, names)
    step = told[names]
    grads = [group.joined([nodes[name]._grad for name in group.names]) for group in step.groups]
    if not step.ready()[-1] or (optimizer.error_if_nonfinite and not _are_finite(grads)):
        return False
    if not recorder.enter_state(step):
        return False
    factors = [recorder.read_cell(cell) for cell in step.numbers]
    written: list[tuple[Cell, Any]] = []
    for group, grad in zip(step.groups, grads, strict=True):
        p, g = _Parts(group, [nodes[name]._data for name in group.names]), _Box(grad)
        kept = [_Box(recorder.read_cell(cell)) for cell in group.cells]
        optimizer._rule(p, g, kept, (_Box(None), _Box(None)), factors)
        for name, symbol in zip(group.names, p.parts, strict=True):
            recorder.write_into(nodes[name], symbol)
        written += [(cell, box.now) for cell, box in zip(group.cells, kept, strict=True)]
    for cell, value in (*written, (step.count, None)):
        recorder.write_cell(cell, value)
    return True


def _grouped(entries: dict[str, Any]) -> list[list[str]]:
    """Return the names of parameters that are updated as one."""
    groups: dict[Any, list[str]] = {}
    for name, entry in entries.items():
        data = seams.DATA.__get__(entry.node)
        alone = entry.node._is_number or data.size > _SMALL
        groups.setdefault(name if alone else data.dtype, []).append(name)
    return list(groups.values())


def _is_plain(node: Node) -> bool:
    data, grad = node._data, node._grad
    if isinstance(grad, Node) or not isinstance(grad, Symbolic):
        return False
    return node._is_number or (data.size <= _LARGEST and data.dtype in (np.float32, np.float64))


def _are_finite(grads: Sequence[Any]) -> bool:
    """Tell whether the squares of all gradients have a finite sum, a decision of the program."""
    squares = [_square(grad) for grad in grads]
    total = sum(squares[1:], squares[0])
    return bool(abs(total) < np.inf if isinstance(total, Number) else np.isfinite(total))


def _square(grad: Any) -> Any:
    number = isinstance(grad, Number)
    flat: Any = grad if number else np.ravel(grad, order="K")
    return flat * flat if number else np.dot(flat, flat)


def _cell(group: Group, i: int, name: str) -> Cell:
    flat = group.kept[0][i] if len(group.kept) == 1 else group.flat[i]

    def write(value: Any) -> None:
        flat[...] = value

    return Cell(group, name, flat.item if group.number else lambda: flat, write)


def _fixed(value: Any) -> None:
    raise AssertionError("a factor is not written to")


class _Box:
    """What stands for an array that an update writes to: it holds what stands for its values.

    Args:
        now: the symbol of an array or of a number; None before the first is written.
    """

    __slots__ = ("now",)

    def __init__(self, now: Any) -> None:
        self.now = now

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, out: Any) -> _Box:
        out[0].now = _computed(ufunc, *[_now(arg) for arg in args])
        return out[0]

    def __iadd__(self, other: Any) -> _Box:
        return self._become(np.add, other)

    def __isub__(self, other: Any) -> _Box:
        return self._become(np.subtract, other)

    def __imul__(self, other: Any) -> _Box:
        return self._become(np.multiply, other)

    def _become(self, ufunc: Any, other: Any) -> _Box:
        self.now = _computed(ufunc, self.now, _now(other))
        return self


class _Parts(_Box):
    """What stands for several arrays that an update writes to as one; they stay apart.

    Args:
        group: of the parameters.
        parts: their symbols.
    """

    __slots__ = ("group", "parts")

    def __init__(self, group: Group, parts: list[Any]) -> None:
        self.group, self.parts = group, parts

    @property
    def now(self) -> Any:
        return self.group.joined(self.parts)

    def _become(self, ufunc: Any, other: Any) -> _Box:
        boxed = isinstance(other, _Box)
        others = self.group.parted(other.now) if boxed else [other] * len(self.parts)
        self.parts = [_computed(ufunc, *pair) for pair in zip(self.parts, others, strict=True)]
        return self


def _now(thing: Any) -> Any:
    return thing.now if isinstance(thing, _Box) else thing


_OPS: dict[Any, Any] = {
    **{np.add: ops.add, np.subtract: ops.subtract, np.multiply: ops.multiply},
    **{np.divide: ops.divide, np.sqrt: ops.sqrt, np.maximum: ops.maximum},
}


def _computed(ufunc: Any, *args: Any) -> Any:
    """Return what a function gives for symbols; of numbers alone, by IEEE-754."""
    number = next((arg for arg in args if isinstance(arg, Number)), None)
    if number is not None and all([isinstance(arg, (Number, float, int)) for arg in args]):
        return number._recorder.tell_number(_OPS[ufunc], args, {})
    return ufunc(*args)
