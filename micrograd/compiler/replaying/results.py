"""What a compiled function returns: what the program gave, in nodes and in f's containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NoReturn

import numpy as np

from micrograd.common.tree import Flat
from micrograd.compiler.recording.hosted import Later
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.recording import Held, Out, OutNode, Recording, Same
from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.core.record import constant
from micrograd.engine.seals import copy_out
from micrograd.errors import GradientError

Values = Sequence[Any]
Maker = Callable[[Values, Sequence[Any], dict[Any, Any]], Any]
"""Makes a result of the outputs, the leaves of the arguments, and what was called after them."""


class Results:
    """What f returns, to be made of the outputs of a program.

    Args:
        recording: what was recorded.
        places: by node that came as an argument, its place among the leaves of the arguments.
        at: for slots, their places among the outputs.
    """

    def __init__(self, recording: Recording, places: dict[Node, int], at: dict[int, int]) -> None:
        self._places, self._at = places, at
        keys = [r.of if is_a(r, OutNode) else (i,) for i, r in enumerate(recording.results)]
        different = dict(zip(keys, recording.results, strict=True))  # a node may come out twice
        order = {key: i for i, key in enumerate(different)}
        self._makers = [self._maker(result) for result in different.values()]
        self._fill = _filler(recording.flat.filled([order[key] for key in keys]))

    def made(self, values: Values, leaves: Sequence[Any], later: dict[Any, Any]) -> Any:
        """Return what f returns."""
        return self._fill([make(values, leaves, later) for make in self._makers])

    def _maker(self, result: Any) -> Maker:
        if isinstance(result, Later):
            return lambda values, leaves, later: later.get(result)
        if isinstance(result, OutNode):
            return self._node_maker(result)
        if isinstance(result, Out):
            read = reader(result, self._at)
            return lambda values, leaves, later: read(values)
        place, node = self._places.get(result.node), result.node
        what = result.what if isinstance(result, Held) else None

        def given(values: Values, leaves: Sequence[Any], later: dict[Any, Any]) -> Any:
            found = node if place is None else leaves[place]
            return found if what is None else getattr(found, what)

        assert isinstance(result, (Same, Held))
        return given

    def _node_maker(self, result: OutNode) -> Maker:
        """Return what makes a node with no graph."""
        data_of, grad_of = reader(result.data, self._at), reader(result.grad, self._at)
        kind, wanted, label = result.kind, result.requires_grad, result.label
        is_new = result.is_leaf and wanted
        op = COMPILED if wanted and not is_new else None

        def make(values: Values, leaves: Sequence[Any], later: dict[Any, Any]) -> Any:
            data = data_of(values)
            node = constant(kind, data if is_new else _kept(data))
            node._grad, node.label = grad_of(values), label
            node.requires_grad, node.op = wanted, op
            return node

        return make


def reader(out: Out, at: dict[int, int]) -> Callable[[Values], Any]:
    """Return the function that gives a value of the outputs, an array to be looked at as a copy.

    Args:
        out: the value.
        at: for slots, their places among the outputs.
    """
    read = unlocked(out, at)
    return (lambda values: copy_out(read(values))) if out.locked else read


def unlocked(out: Out, at: dict[int, int]) -> Callable[[Values], Any]:
    """Return the function that gives a value of the outputs, for a node to hold."""
    read = _unlocked(out, at)
    if out.present is None:
        return read
    there = at[out.present]
    return lambda values: read(values) if values[there] else None


def _unlocked(out: Out, at: dict[int, int]) -> Callable[[Values], Any]:
    thing, kind, again = out.constant, out.kind, out.again
    if out.slot is None:
        return _copier(thing) if is_a(thing, np.ndarray) else lambda values: thing
    place = at[out.slot]
    if kind is None:
        return (lambda values: _apart(values[place])) if again else itemgetter(place)

    def read(values: Values) -> Any:
        value = values[place]
        if value.__class__ is not kind:
            value = np.asarray(value) if kind is np.ndarray else value[()]
        return _apart(value) if again else value

    return read


def _apart(value: Any) -> Any:
    return value.copy("K") if is_a(value, np.ndarray) else value


def _copier(array: Any) -> Callable[[Values], Any]:
    """Return the function that gives a copy of a constant, to be written to if that is."""
    if array.flags.writeable:
        return lambda values: array.copy("K")

    def copied(values: Values) -> Any:
        copy = array.copy("K")
        copy.setflags(write=False)
        return copy

    return copied


def _kept(data: Any) -> Any:
    """Return the data of a node that was computed: an array that cannot be written to."""
    if is_a(data, np.generic):
        data = np.asarray(data)
    if is_a(data, np.ndarray):
        data.setflags(write=False)
    return data


def _filler(tree: Any) -> Callable[[list[Any]], Any]:
    """Return the function that puts things into containers, given their places there.

    >>> _filler(([0, 1], 0))(["a", "b"])
    (['a', 'b'], 'a')
    """
    known: dict[str, Callable[[list[Any]], Any]] = {}
    text = _filled(tree, known)
    return eval(f"lambda x: {text}", {**known})


def _filled(tree: Any, known: dict[str, Callable[[list[Any]], Any]]) -> str:
    """Return the text of containers with the elements of x, whose places they hold."""
    kind = tree.__class__
    if kind is int:
        return f"x[{tree}]"
    if tree is None:
        return "None"
    if kind is list or kind is tuple:
        parts = "".join([f"{_filled(part, known)}, " for part in tree])
        return f"[{parts}]" if kind is list else f"({parts})"
    if kind is dict and all([key.__class__ is str for key in tree]):
        return f"{{{', '.join([f'{key!r}: {_filled(tree[key], known)}' for key in tree])}}}"
    flat, name = Flat(tree), f"fill{len(known)}"
    known[name] = lambda x: flat.filled([x[i] for i in flat.leaves])
    return f"{name}(x)"


def _no_graph(*args: Any) -> NoReturn:
    raise GradientError(
        "backward: this node was computed by a compiled function, which keeps no graph. Call "
        "backward() inside the function, or compile its derivative, as in "
        "micrograd.compile(micrograd.grad(f))."
    )


class _Compiled(Op):
    """The operation of a node without parents, which no backward pass goes through."""

    @property
    def special(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        _no_graph()

    @special.setter
    def special(self, new: bool) -> None: ...


COMPILED = _Compiled("compiled", _no_graph, ())
"""The operation of what a compiled function returns that has a gradient, but no graph."""
