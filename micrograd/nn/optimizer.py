"""What all optimizers share: which parameters are updated when, in place, and the state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.compiler.recording.hosted import host_overrides, hosted, hosted_unless
from micrograd.core.node import Node
from micrograd.errors import ArgumentError, in_range
from micrograd.nn.parameters import (
    Parameters,
    as_arrays,
    by_name,
    require_finite,
    with_gradients,
)
from micrograd.nn.told import tell_step
from micrograd.ops.ranges import wide

_Array = NDArray[Any]

_BLOCK = 32_768  # elements: what an update works on stays in the cache from pass to pass


@dataclass(slots=True)
class _Entry:
    """A parameter, and what belongs to it."""

    node: Node
    blocks: list[tuple[Any, tuple[_Array, _Array]]]  # an index, and two arrays to compute in
    kept: tuple[_Array, ...] | None = None  # None before its first update
    steps: int = 0


class Optimizer:
    """The base of the optimizers, which says all but the rule of the update.

    An update writes into the arrays of the parameters, in blocks that fit into
    the cache, and makes no arrays but for its state, at the first step. For
    float16, which does not hold the square of 300 or 1e-4, it computes in
    float32, and so is the state. The square of a gradient above 1e19 in float32
    is inf, so that a step that is divided by its root is 0. A graph
    that was recorded before refuses `backward()` afterwards. A parameter
    without a gradient is left alone, and so is its state.

    Attributes:
        lr: the learning rate; to be set at will, as schedules do.
        steps: how many steps were taken.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        host_overrides(cls, "step")

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        weight_decay: float,
        error_if_nonfinite: bool,
        slots: Iterable[str] = (),
    ) -> None:
        kind = type(self).__name__
        self._named = named = by_name(parameters, kind)
        self.lr = lr
        self.weight_decay = in_range(kind, "weight_decay", weight_decay)
        self.error_if_nonfinite = error_if_nonfinite
        self.steps = 0
        self._slots = tuple(slots)
        self._told: dict[tuple[str, ...], Any] = {}  # see `told`
        pools = _pools(named.values())
        self._entries = {
            name: _Entry(node, _blocks(node, pools[_dtype(node)])) for name, node in named.items()
        }

    @property
    def lr(self) -> float:
        """The learning rate: a number of 0 or more."""
        return self._lr

    @lr.setter
    @hosted
    def lr(self, new: float) -> None:
        self._lr = in_range(type(self).__name__, "lr", new)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters.

        >>> from micrograd import Value
        >>> from micrograd.nn.optim import SGD
        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> SGD([x]).zero_grad()
        >>> x.has_grad
        False
        """
        for node in self._named.values():
            node.zero_grad()

    @hosted_unless(tell_step)
    def step(self) -> None:
        """Update each parameter that has a gradient; or none, if something is wrong with one.

        Raises:
            DivergenceError: if a gradient has nan or inf in it, unless
                `error_if_nonfinite` is False.
            GradientError: if a gradient has a graph of its own.
        """
        what = f"{type(self).__name__}.step"
        found = with_gradients(self._named, what)
        if self.error_if_nonfinite:
            require_finite(found, f"{what}: at step {self.steps + 1}")
        self.steps += 1
        with np.errstate(all="ignore"):  # as in the engine, an overflow is an answer
            for name, _, grad in found:
                self._advance(self._entries[name], grad)

    @hosted
    def state_dict(self) -> dict[str, _Array]:
        """Return the state as arrays, copied: what `load_state_dict` needs to go on exactly so.

        'step' and 'lr' are those of the optimizer; 'momentum.layers.0.weight'
        and so on belong to the parameter named last. Settings other than the
        learning rate are not part of it.

        >>> from micrograd import Value
        >>> from micrograd.nn.optim import SGD
        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> optimizer = SGD({"x": x}, lr=0.5, momentum=0.9)
        >>> optimizer.step()
        >>> {name: array.item() for name, array in optimizer.state_dict().items()}
        {'step': 1, 'lr': 0.5, 'step.x': 1, 'momentum.x': 6.0}
        """
        state: dict[str, _Array] = {"step": np.array(self.steps), "lr": np.array(self.lr)}
        for name, entry in self._entries.items():
            if entry.kept and entry.steps:
                state[f"step.{name}"] = np.array(entry.steps)
                for slot, array in zip(self._slots, entry.kept, strict=True):
                    state[f"{slot}.{name}"] = array.copy()
        return state

    @hosted
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that an optimizer of the same kind and parameters gave.

        All is checked before anything is changed. A parameter of which nothing
        is said has not been updated yet.

        Args:
            state: names and arrays, such as an open `.npz` file.

        Raises:
            OperandError: if it is no mapping.
            ArgumentError: if names are missing, are not known here, or have
                another shape or kind of number; the message lists them all.
        """
        kind = type(self).__name__
        loaded = as_arrays(f"{kind}.load_state_dict", state)
        faults = self._faults(loaded)
        if faults:
            raise ArgumentError(
                f"{kind}.load_state_dict: the state is not that of this optimizer.\n"
                + "\n".join(f"  {fault}" for fault in faults)
                + "\nMake the optimizer with the same settings for the same parameters, with the "
                "same names. Nothing was changed."
            )
        self.lr = loaded["lr"].item()
        self.steps = int(loaded["step"])
        for name, entry in self._entries.items():
            entry.kept, entry.steps = None, 0
            if f"step.{name}" in loaded:
                entry.steps = int(loaded[f"step.{name}"])
                dtype = _dtype(entry.node)
                entry.kept = tuple(
                    [np.array(loaded[f"{slot}.{name}"], dtype, order="C") for slot in self._slots]
                )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_told": {}}  # whose functions are for this optimizer alone

    def __repr__(self) -> str:
        settings = {
            name.lstrip("_"): value
            for name, value in vars(self).items()
            if name not in ("_entries", "_named", "_slots", "_told", "steps", "error_if_nonfinite")
        }
        words = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({len(self._entries)} parameters, {words})"

    def _advance(self, entry: _Entry, grad: Any) -> None:
        node = entry.node
        data: _Array = np.array(node._data, float) if node._is_number else node._data
        new, grad = wide(data), wide(np.asarray(grad))
        if entry.kept is None:
            entry.kept = tuple([np.zeros_like(new) for _ in self._slots])
        entry.steps += 1
        try:
            for index, scratch in entry.blocks:
                kept = [array[index] for array in entry.kept]
                self._update(new[index], grad[index], kept, scratch, entry.steps)
        finally:  # what was written has to be known, even after an interrupt
            if new is not data:
                data[...] = new
            node._overwrite(data.item() if node._is_number else data)

    def _update(
        self,
        p: _Array,
        g: _Array,
        kept: Sequence[_Array],
        scratch: tuple[_Array, _Array],
        step: int,
    ) -> None:
        """Write the new parameters into `p` and the new state into `kept`.

        Args:
            p: a block of a parameter.
            g: its gradient, not to be written to.
            kept: an array for each of the slots, zero at the first step.
            scratch: two arrays of the same shape to compute in.
            step: how many updates the parameter gets with this one.
        """
        self._rule(p, g, kept, scratch, self._factors(step))

    def _factors(self, step: int) -> tuple[float, ...]:
        """Return what Python computes of the settings and of the number of updates, from 1.

        First comes that of `_decayed`.
        """
        return (self.weight_decay,)

    def _rule(
        self,
        p: Any,
        g: Any,
        kept: Sequence[Any],
        scratch: tuple[Any, Any],
        factors: tuple[Any, ...],
    ) -> None:
        """Update as `_update` does, by the numbers of `_factors` in place of any settings.

        It computes in place by operators and by functions of NumPy's with out=, so that what
        stands for arrays and numbers can be told what it does.
        """
        raise NotImplementedError

    def _decayed(self, p: Any, g: Any, out: Any, decay: Any) -> Any:
        """Return the gradient of the loss and of weight_decay / 2 |p|², which `out` may hold."""
        if not self.weight_decay:
            return g
        np.multiply(p, decay, out=out)
        out += g
        return out

    def _faults(self, loaded: Mapping[str, _Array]) -> list[str]:
        """Return what is wrong with a state, in words."""
        shapes: dict[str, tuple[int, ...]] = {"step": (), "lr": ()}
        required = ["step", "lr"]
        for name, entry in self._entries.items():
            own = [f"{slot}.{name}" for slot in self._slots]
            if own:
                shapes |= {f"step.{name}": (), **dict.fromkeys(own, np.shape(entry.node._data))}
                if any(key in loaded for key in (f"step.{name}", *own)):
                    required += [f"step.{name}", *own]
        faults = [f"missing: {key}" for key in required if key not in loaded]
        for key, array in loaded.items():
            if key not in shapes:
                faults.append(f"unexpected: {key}")
            elif array.shape != shapes[key]:
                faults.append(f"{key}: expected shape {shapes[key]}, but came {array.shape}")
            elif array.dtype.kind not in ("iu" if key.partition(".")[0] == "step" else "f"):
                faults.append(f"{key}: came dtype {array.dtype}")
            elif array.dtype.kind == "i" and array < 0:
                faults.append(f"{key}: came {array}")
        return faults


def _dtype(node: Node) -> np.dtype[Any]:
    """Return what a parameter is updated in: its dtype, but float32 for float16."""
    return np.dtype(float) if node._is_number else np.result_type(node._data.dtype, np.float32)


def _rows(shape: tuple[int, ...]) -> int:
    """Return how many rows of an array make a block."""
    return max(1, _BLOCK // max(1, math.prod(shape[1:])))


def _pools(nodes: Iterable[Node]) -> dict[np.dtype[Any], tuple[_Array, _Array]]:
    """Return two arrays of each dtype to compute in, as long as the longest block."""
    lengths: dict[np.dtype[Any], int] = {}
    for node in nodes:
        shape = np.shape(node._data)
        length = min(math.prod(shape), _rows(shape) * math.prod(shape[1:]))
        lengths[_dtype(node)] = max(length, lengths.get(_dtype(node), 0))
    return {dtype: (np.empty(n, dtype), np.empty(n, dtype)) for dtype, n in lengths.items()}


def _blocks(node: Node, pools: tuple[_Array, _Array]) -> list[tuple[Any, tuple[_Array, _Array]]]:
    """Return the blocks of a parameter: how to index it, and views to compute in."""
    shape: tuple[int, ...] = np.shape(node._data)
    rows = _rows(shape)
    if not shape or shape[0] <= rows:
        parts: list[tuple[Any, tuple[int, ...]]] = [(..., shape)]
    else:
        parts = [
            (slice(i, i + rows), (min(rows, shape[0] - i), *shape[1:]))
            for i in range(0, shape[0], rows)
        ]
    first, second = pools
    return [
        (index, (first[:n].reshape(part), second[:n].reshape(part)))
        for index, part in parts
        for n in [math.prod(part)]
    ]
