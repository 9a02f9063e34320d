"""What comes of a call: results in f's containers, what is left in nodes, and calls after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, repeat
from typing import Any

import numpy as np

from micrograd.compiler.recording import seams
from micrograd.compiler.recording.programs import is_a, mapped
from micrograd.compiler.recording.recording import Call, Given, Out, Recording
from micrograd.compiler.replaying.preparing import FEW
from micrograd.compiler.replaying.results import Results, reader, unlocked
from micrograd.core.node import Node
from micrograd.core.versions import versions
from micrograd.engine.seals import Seal

STORED_STATE = "state", True
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
        self.at = {slot: i for i, slot in enumerate(outputs)}
        self.results = Results(recording, places, self.at)
        self.stored, self.replaced = {*stored}, {*recording.replaced}
        self.steps: list[Callable[[Sequence[Any], Sequence[Any], dict[Any, Any]], None]] = []
        for _, stretch in groupby(recording.effects, lambda effect: isinstance(effect, Call)):
            self._add_steps(stretch)

    def _add_steps(self, effects: Iterable[Any]) -> None:
        """Add the steps of effects of which none sees another: those of one kind are one step."""
        kinds: dict[Any, list[Any]] = {}
        for effect in effects:
            kinds.setdefault(self._kind_of_effect(effect), []).append(effect)
        self.steps += [self._step(kind, of) for kind, of in kinds.items() if kind != STORED_STATE]

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
        return self.results.made(values, leaves, {} if later is None else later)

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
        readers = [reader(effect.value, self.at) for effect in effects]
        bare = [unlocked(effect.value, self.at) for effect in effects]
        in_row = places == list(range(start, start + len(places)))

        strokes = None if moving or len(nodes) > FEW else _assignment(what, nodes)

        def write(values: Any, leaves: Any, later: Any) -> None:
            targets = [self._node(node, leaves) for node in nodes] if moving else nodes
            if fixed:
                new: Any = constants
            elif not changes:
                new = [read(values) for read in readers]
            elif in_row:
                new = values[start : start + len(places)]
            else:
                new = [values[place] for place in places]
            if what == "data" and not numbers:
                for node, array, other in zip(targets, new, replaced, strict=True):
                    _overwrite(node, array, other)
                return
            if alike and changes:
                new = [read(values) for read in bare]
            if strokes is not None:
                strokes(new, versions.write() if what == "data" else 0)
                return
            any(map(_set[what], targets, new))  # at one stroke
            if what == "data":
                any(map(seams.VERSION.__set__, targets, repeat(versions.write())))

        return write

    def _keeping(self, effects: list[Any]) -> Any:
        writes = [(effect.node.write, reader(effect.value, self.at)) for effect in effects]

        def keep(values: Any, leaves: Any, later: Any) -> None:
            for write, read in writes:
                write(read(values))

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
        def given(out: Out, values: Any) -> Any:
            return reader(out, self.at)(values)

        def call(values: Any, leaves: Any, later: dict[Any, Any]) -> None:
            for effect in effects:
                args, kwargs = mapped(
                    (effect.args, effect.kwargs),
                    lambda leaf: given(leaf.out, values) if isinstance(leaf, Given) else leaf,
                )
                later[effect.later] = effect.function(*args, **kwargs)

        return call


def _assignment(what: str, nodes: Sequence[Node]) -> Callable[[Sequence[Any], int], None]:
    """Return the function that gives nodes their data, and a version, or their gradients.

    It calls nothing and has no loop, so that no interrupt comes in between.
    """
    known: dict[str, Any] = {f"x{i}": node for i, node in enumerate(nodes)}
    lines = [
        "def assign(new, version):",
        "".join([f"{name}._{what}, " for name in known]) + "= new",
    ]
    if what == "data":
        lines.append("".join([f"{name}._version = " for name in known]) + "version")
    exec("\n    ".join(lines), known)
    return known["assign"]


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
