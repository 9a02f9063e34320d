"""The step of an optimizer as calls of a program, in a compiled function."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.common.symbolic import Symbolic
from micrograd.compiler import seams
from micrograd.compiler.number import Number
from micrograd.compiler.states import Cell
from micrograd.core.node import Node

LARGEST = 65_536
"""Elements of a parameter up to which whole arrays are updated faster than blocks of them."""


class Step:
    """The state that the step of an optimizer reads and writes, for some of its parameters.

    Args:
        optimizer: whose step it is.
        names: of the parameters that have a gradient.
    """

    def __init__(self, optimizer: Any, names: tuple[str, ...]) -> None:
        self.optimizer = optimizer
        self.names = names
        self.entries = [optimizer._entries[name] for name in names]
        self.factors: tuple[float, ...] = ()
        self.ready()
        kind = type(optimizer).__name__.lower()
        self.numbers = [
            Cell(self, f"{kind}_{i + 1}", lambda i=i: self.factors[i], _fixed)
            for i in range(len(self.factors))
        ]
        self.kept_cells = [
            [_cell(self, entry, slot, i, name) for i, slot in enumerate(optimizer._slots)]
            for name, entry in zip(names, self.entries, strict=True)
        ]
        self.count = Cell(self, f"{kind}_steps", lambda: optimizer.steps, self._count)

    def ready(self) -> Hashable:
        """Compute the factors, and return what decides how the update goes."""
        optimizer = self.optimizer
        for entry in self.entries:
            if entry.kept is None:
                zeros = [_zeros(entry.node) for _ in optimizer._slots]
                entry.kept = tuple(zeros)
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
        entries = [(entry.steps, [a.copy() for a in entry.kept]) for entry in self.entries]
        return self.optimizer.steps, entries

    def restore(self, kept: Any) -> None:
        """Go back to what `kept` gave."""
        self.optimizer.steps, entries = kept
        for entry, (steps, arrays) in zip(self.entries, entries, strict=True):
            entry.steps = steps
            for array, was in zip(entry.kept, arrays, strict=True):
                array[...] = was

    def _count(self, nothing: Any) -> None:
        self.optimizer.steps += 1
        for entry in self.entries:
            entry.steps += 1

    def __repr__(self) -> str:
        return repr(self.optimizer)


def tell_step(optimizer: Any, recorder: Any) -> bool:
    """Note the step of an optimizer as calls of the program; tell whether that can be.

    It cannot where a rule is not one of this library's, for large parameters, which are updated
    faster block by block, for float16, and where parameters have had different numbers of updates.
    """
    found = [(name, node, node._grad) for name, node in optimizer._named.items()]
    found = [(name, node, grad) for name, node, grad in found if grad is not None]
    if not found or type(optimizer).__module__ != "micrograd.nn.optim":
        return False
    if not all([_is_plain(node, grad) for _, node, grad in found]):
        return False
    names = tuple([name for name, _, _ in found])
    step = optimizer._told.get(names)
    if step is None:
        step = optimizer._told[names] = Step(optimizer, names)
    if not step.ready()[-1] or (optimizer.error_if_nonfinite and not _are_finite(found)):
        return False
    if not recorder.enter_state(step):
        return False
    factors = [recorder.read_cell(cell) for cell in step.numbers]
    for (_, node, grad), cells in zip(found, step.kept_cells, strict=True):
        p, g = _Box(_floating(node._data)), _Box(_floating(grad))
        kept = [_Box(recorder.read_cell(cell)) for cell in cells]
        optimizer._rule(p, g, list(kept), (_Box(None), _Box(None)), factors)
        recorder.overwrite(node, p.now)
        for cell, box in zip(cells, kept, strict=True):
            recorder.write_cell(cell, box.now)
    recorder.write_cell(step.count, None)
    return True


def _is_plain(node: Node, grad: Any) -> bool:
    if isinstance(grad, Node) or not isinstance(grad, Symbolic):
        return False
    if node._is_number:
        return True
    data: Any = node._data
    return data.size <= LARGEST and data.dtype in (np.float32, np.float64)


def _are_finite(found: Sequence[tuple[str, Node, Any]]) -> bool:
    """Tell whether the squares of all gradients have a finite sum, a decision of the program."""
    total: Any = 0.0
    for _, node, grad in found:
        flat = grad if node._is_number else np.ravel(grad, order="K")
        total = (flat * flat if node._is_number else np.dot(flat, flat)) + total
    return bool(abs(total) < np.inf)


def _floating(thing: Any) -> Any:
    """Return an int of a Value as a float, as an update does."""
    return thing * 1.0 if isinstance(thing, Number) else thing


def _zeros(node: Node) -> Any:
    data = seams.DATA.__get__(node)  # itself, and not what stands for it
    return np.zeros_like(np.array(data, float) if node._is_number else data)


def _cell(step: Step, entry: Any, slot: str, i: int, name: str) -> Cell:
    number = entry.node._is_number

    def read() -> Any:
        return entry.kept[i].item() if number else entry.kept[i]

    def write(value: Any) -> None:
        entry.kept[i][...] = value

    return Cell(step, f"{slot}_{name}", read, write)


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
