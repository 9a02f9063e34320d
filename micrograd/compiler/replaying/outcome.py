"""What comes of a call: results in f's containers, what is left in nodes, and calls after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, repeat
from typing import Any, NoReturn

import numpy as np

from micrograd.compiler.recording.hosted import Later
from micrograd.compiler.recording.programs import is_a, mapped
from micrograd.compiler.recording.recording import (
    Call,
    Given,
    Held,
    Out,
    OutNode,
    Recording,
    Same,
    seams,
)
from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.core.record import constant
from micrograd.core.versions import versions
from micrograd.engine.seals import Seal, copy_out
from micrograd.errors import GradientError

_set = {"data": seams.DATA.__set__, "grad": seams.GRAD.__set__}


class Outcome:
    """What is made of the outputs of a program.

    Args:
        recording: what was recorded.
        places: by node that came as an argument, its place among the leaves of the arguments.
        outputs: the slots of the outputs, in order.
        stored: the nodes, and the cells of states, whose arrays the code itself writes to.
    """

    def __init__(
        self,
        recording: Recording,
        places: dict[Node, int],
        outputs: Sequence[int],
        stored: Sequence[Any] = (),
    ) -> None:
        self.places = places
        self.flat, self.results = recording.flat, recording.results
        bare = self.flat.paths == [""] and isinstance(self.results[0], OutNode)
        self.alone: Any = self.results[0] if bare else None
        self.at = {slot: i for i, slot in enumerate(outputs)}
        self.stored, self.replaced = {*stored}, {*recording.replaced}
        self.steps: list[Callable[[Sequence[Any], Sequence[Any], dict[Any, Any]], None]] = []
        for kind, effects in groupby(recording.effects, self._kind_of_effect):
            if kind != ("state", True):
                self.steps.append(self._step(kind, list(effects)))

    def finish(self, values: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """Write and call what is to be written and called, and return what f returns.

        Args:
            values: the outputs of the program.
            leaves: those of the arguments of the call.
        """
        later: dict[Any, Any] = {}
        for step in self.steps:
            step(values, leaves, later)
        return self.results_of(values, leaves, later)

    def results_of(
        self, values: Sequence[Any], leaves: Sequence[Any], later: dict[Any, Any] | None = None
    ) -> Any:
        """Return what f returns; what is called after the program gives `later`, or None."""
        if self.alone is not None:  # the commonest: a loss
            return self._made(self.alone, values)
        made: dict[int, Any] = {}
        later = {} if later is None else later
        return self.flat.filled(
            [self._result(result, values, leaves, later, made) for result in self.results]
        )

    def _result(
        self, result: Any, values: Any, leaves: Any, later: dict[Any, Any], made: dict[int, Any]
    ) -> Any:
        if isinstance(result, Out):
            return self._value(result, values)
        if isinstance(result, Later):
            return later.get(result)
        if isinstance(result, Same):
            return self._node(result.node, leaves)
        if isinstance(result, Held):
            return getattr(self._node(result.node, leaves), result.what)
        if result.of not in made:
            made[result.of] = self._made(result, values)
        return made[result.of]

    def _made(self, result: OutNode, values: Any) -> Any:
        """Return a node that f returned, with no graph."""
        data, new = self._value(result.data, values), result.is_leaf and result.requires_grad
        node = constant(result.kind, data if new else _kept(data))
        node._grad = self._value(result.grad, values)
        node.label = result.label
        if new:
            node.requires_grad = True
        elif result.requires_grad:
            node.requires_grad, node.op = True, COMPILED
        return node

    def _value(self, out: Out, values: Any) -> Any:
        value = self._unlocked(out, values)
        return copy_out(value) if out.locked else value

    def _unlocked(self, out: Out, values: Any) -> Any:
        if out.present is not None and not values[self.at[out.present]]:
            return None
        if out.slot is not None:
            value = values[self.at[out.slot]]
            if out.kind is None or value.__class__ is out.kind:
                return value.copy("K") if out.again and is_a(value, np.ndarray) else value
            value = np.asarray(value) if out.kind is np.ndarray else value[()]
            return value.copy("K") if out.again else value
        thing = out.constant
        if not is_a(thing, np.ndarray):
            return thing
        copy = thing.copy("K")
        copy.flags.writeable = thing.flags.writeable
        return copy

    def _node(self, node: Node, leaves: Any) -> Any:
        place = self.places.get(node)
        return node if place is None else leaves[place]

    def _kind_of_effect(self, effect: Any) -> Any:
        if isinstance(effect, Call):
            return ("call",)
        stored = effect.what != "grad" and effect.node in self.stored
        if effect.what == "state":
            return "state", stored
        return effect.what, effect.node._is_number, effect.value.slot is not None, stored

    def _step(self, kind: Any, effects: list[Any]) -> Any:
        """Return the function that writes to some nodes, or calls."""
        if kind[0] == "call":
            return self._calling(effects)
        if kind[0] == "state":
            return self._keeping(effects)
        what, numbers, changes, stored = kind
        nodes = [effect.node for effect in effects]
        if stored:
            return self._bumping(nodes)
        moving = any(node in self.places for node in nodes)
        slots = [effect.value.slot for effect in effects]
        start = 0 if slots[0] is None else self.at[slots[0]]
        places = [None if slot is None else self.at[slot] for slot in slots]
        replaced = [node in self.replaced for node in nodes]
        outs = [effect.value for effect in effects]
        alike = any([out.kind or out.again or out.present is not None for out in outs])
        fixed = not changes and not any(is_a(e.value.constant, np.ndarray) for e in effects)
        constants = [effect.value.constant for effect in effects]
        in_row = places == list(range(start, start + len(places)))

        def write(values: Any, leaves: Any, later: Any) -> None:
            targets = [self._node(node, leaves) for node in nodes] if moving else nodes
            if fixed:
                new: Any = constants
            elif not changes:
                new = [self._value(effect.value, values) for effect in effects]
            elif in_row:
                new = values[start : start + len(places)]
            else:
                new = [values[place] for place in places]
            if what == "data" and not numbers:
                for node, array, other in zip(targets, new, replaced, strict=True):
                    _overwrite(node, array, other)
                return
            if alike and changes:
                new = [self._unlocked(effect.value, values) for effect in effects]
            any(map(_set[what], targets, new))  # at one stroke
            if what == "data":
                any(map(seams.VERSION.__set__, targets, repeat(versions.write())))

        return write

    def _keeping(self, effects: list[Any]) -> Any:
        def keep(values: Any, leaves: Any, later: Any) -> None:
            for effect in effects:
                effect.node.write(self._value(effect.value, values))

        return keep

    def _bumping(self, nodes: Sequence[Node]) -> Any:
        moving = any(node in self.places for node in nodes)

        def bump(values: Any, leaves: Any, later: Any) -> None:
            written = versions.write()
            for node in [self._node(node, leaves) for node in nodes] if moving else nodes:
                if node._seal.__class__ is Seal:  # somebody may hold the array
                    node._overwrite(node._data)
                else:
                    node._version = written

        return bump

    def _calling(self, effects: list[Call]) -> Any:
        def call(values: Any, leaves: Any, later: dict[Any, Any]) -> None:
            for effect in effects:
                args, kwargs = mapped(
                    (effect.args, effect.kwargs),
                    lambda leaf: self._value(leaf.out, values) if isinstance(leaf, Given) else leaf,
                )
                later[effect.later] = effect.function(*args, **kwargs)

        return call


def _overwrite(node: Any, array: Any, other: bool) -> None:
    """Write an array into that of a leaf, which somebody may hold; or give it another one."""
    held = seams.DATA.__get__(node)
    array = np.asarray(array)
    if (
        not other
        and held.__class__ is np.ndarray
        and held.flags.writeable
        and held.shape == np.shape(array)
    ):
        np.copyto(held, array)
        array = held
    node._overwrite(array)


def _kept(data: Any) -> Any:
    """Return the data of a node that was computed: an array that cannot be written to."""
    if is_a(data, np.generic):
        data = np.asarray(data)
    if is_a(data, np.ndarray):
        data.flags.writeable = False
    return data


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
