"""A program at work: inputs are read, the code runs, and results and effects come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from micrograd.compiler.lowering.lower import Code
from micrograd.compiler.recording.draws import put_back, states_of
from micrograd.compiler.recording.programs import Form, is_a
from micrograd.compiler.recording.recording import Call, Recording, Write, seams
from micrograd.compiler.replaying.naming import OutputNames
from micrograd.compiler.replaying.outcome import Outcome
from micrograd.compiler.replaying.preparing import FEW, Line, Prepare
from micrograd.core.node import Node

FAILED: Any = object()
"""What a replay gives that is not right for a call: the function has to be recorded again."""

_grad_of = seams.GRAD.__get__


class Replay:
    """A recorded call that can be made again, for other numbers.

    Args:
        recording: what was recorded.
        places: by node that came as an argument, its place among the leaves of the arguments.
        names: of the inputs, by slot.
        how: how numbers are lowered; see `Code`.
        exact: see `Code`.
        named: other nodes of which it counts whether they require gradients.
    """

    def __init__(
        self,
        recording: Recording,
        places: dict[Node, int],
        names: dict[int, str],
        how: str | None = None,
        exact: bool = True,
        named: Sequence[Node] = (),
    ) -> None:
        tape = recording.tape
        self.recording, self.places = recording, places
        self.how = how, exact
        of_slot = dict(zip(tape.inputs, recording.sources, strict=True))
        stores = _stores(
            recording, {s: at for at, s in of_slot.items() if s[0] in ("data", "state")}
        )
        outputs = [slot for slot in dict.fromkeys(recording.outputs) if slot not in stores]
        outputs += [slot for slot in _results_among(recording, stores)]
        live = {*tape.live([*outputs, *stores])} if recording.raising else set[int]()
        outputs += [slot for slot in recording.raising if slot not in live]
        told = OutputNames(recording, [names[slot] for slot in tape.inputs])
        within = {slot: at for slot, (at, _) in stores.items()}
        self.code = Code(tape, outputs, within, told.names | names, how, exact, told.notes)
        self.sources = [of_slot[slot] for slot in self.code.inputs]
        self.kinds = [tape.forms[slot] for slot in self.code.inputs]
        self.outcome = Outcome(recording, places, outputs, [node for _, node in stores.values()])
        nodes = dict.fromkeys([*recording.nodes, *named])
        self.fixed = [node for node in nodes if node not in places]
        self.wants = [node.requires_grad for node in self.fixed]
        self.holders = [places.get(node, node) for node in recording.absent]
        self.absent = list(recording.absent.values())
        self.moving = bool(places)
        self.numbers = all(kind.__class__ is type for kind in self.kinds)
        self.read = _reader(self.sources, places)
        self.generators = recording.draws.drawn
        self.states = list(recording.states.items())
        self.prepare = self._preparing()

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Make the call again, or return FAILED, with nothing changed.

        Args:
            leaves: those of the arguments, of the same kinds and forms as when it was recorded.
        """
        inputs = self.prepare(leaves)
        if inputs is None:
            return FAILED
        if self.numbers and list(map(type, inputs)) != self.kinds:
            return FAILED
        states = states_of(self.generators) if self.generators else {}
        try:
            values = self.code.run(inputs)
        except (ArithmeticError, ValueError, TypeError, IndexError):
            values = None  # f itself raises what it raises
        if values is None:
            put_back(states)
            return FAILED
        return self.outcome.finish(values, leaves)

    def _preparing(self) -> Prepare:
        """Return the function that gives the inputs; None if the nodes are not as they were."""
        if len(self.sources) + len(self.fixed) > FEW:
            return lambda leaves: self.read(leaves) if self.holds(leaves) else None
        line = Line(self.places)
        for node, wanted in zip(self.fixed, self.wants, strict=True):
            line.ask(node, wanted)
        for state, was in self.states:
            line.ask_state(state, was)
        for node, absent in self.recording.absent.items():
            line.ask_gradient(node, absent)
        return line.reading(self.sources)

    def without_calls(self, leaves: Sequence[Any]) -> Any:
        """Return the results alone, for a program after which something is called."""
        values = self.code.run(self.read(leaves)) if self.holds(leaves) else None
        return FAILED if values is None else self.outcome.results_of(values, leaves)

    def holds(self, leaves: Sequence[Any]) -> bool:
        """Tell whether the nodes are as they were: which need a gradient, and which have one."""
        if [node.requires_grad for node in self.fixed] != self.wants:
            return False
        for state, was in self.states:
            if state.ready() != was:
                return False
        holders = self.holders
        if self.moving:
            holders = [leaves[h] if h.__class__ is int else h for h in holders]
        return [grad is None for grad in map(_grad_of, holders)] == self.absent


def _stores(recording: Recording, inputs: dict[Any, int]) -> dict[int, tuple[int, Any]]:
    """Return, by slot, the input in whose memory the code can leave it, and whose that is."""
    found: dict[int, tuple[int, Any]] = {}
    forms = recording.tape.forms
    for effect in recording.effects:
        if isinstance(effect, Call):
            break  # it may see what the nodes hold
        slot = effect.value.slot
        if slot is None or effect.what == "grad":
            continue
        if effect.node in recording.replaced:
            continue
        at = inputs.get((effect.what, effect.node))
        if at is not None and is_a(forms[at], Form) and forms[at] == forms[slot]:
            if slot in found or slot == at:
                continue
            found[slot] = at, effect.node
    return found


def _results_among(recording: Recording, stores: dict[int, Any]) -> list[int]:
    """Return the slots that are stored and come out besides."""
    written = [e.value.slot for e in recording.effects if isinstance(e, Write)]
    others = list(recording.outputs)
    for slot in written:
        if slot in stores:
            others.remove(slot)
    return [slot for slot in dict.fromkeys(others) if slot in stores]


def _reader(
    sources: Sequence[Any], places: dict[Node, int]
) -> Callable[[Sequence[Any]], list[Any]]:
    """Return the function that reads the inputs, given the leaves of the arguments.

    What follows upon each other of one kind is read together: most are the data of leaves.
    """
    parts = [
        _reading(kind, [of for _, of in row], places)
        for kind, row in groupby(sources, lambda source: _kind_of(source, places))
    ]
    if len(parts) == 1:
        return parts[0]
    return lambda leaves: [x for part in parts for x in part(leaves)]


def _kind_of(source: Any, places: dict[Node, int]) -> tuple[str, bool]:
    return source[0], isinstance(source[1], Node) and source[1] in places


def _reading(
    kind: tuple[str, bool], of: Sequence[Any], places: dict[Node, int]
) -> Callable[[Sequence[Any]], Any]:
    """Return the function that reads inputs of one kind.

    Args:
        kind: "argument", "data" and so on, and whether of nodes that came as arguments.
        of: places of arguments, nodes, arrays or states.
        places: of the nodes that came as arguments.
    """
    what, moving = kind
    at = [places[node] for node in of] if moving else of
    if what == "argument":
        return lambda leaves: [leaves[i] for i in at]
    if what == "data":
        if moving:
            return lambda leaves: [leaves[i]._data for i in at]
        return lambda leaves: [node._data for node in of]
    if what == "grad":
        if moving:
            return lambda leaves: [leaves[i]._grad for i in at]
        return lambda leaves: [node._grad for node in of]
    if what == "state":
        return lambda leaves: [state.read() for state in of]
    return lambda leaves: of
