"""A program at work: inputs are read, the code runs, and results and effects come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import call
from typing import Any

from micrograd.compiler import seams
from micrograd.compiler.draws import put_back, states_of
from micrograd.compiler.lower import Code
from micrograd.compiler.outcome import Outcome
from micrograd.compiler.programs import Form, is_a
from micrograd.compiler.recording import Call, Recording, Write
from micrograd.core.node import Node

FAILED: Any = object()
"""What a replay gives that is not right for a call: the function has to be recorded again."""

_requires_grad: Any = Node.__dict__["requires_grad"].__get__
_grad_of = seams.GRAD.__get__
_slots = {"data": seams.DATA.__get__, "grad": seams.GRAD.__get__}


class Replay:
    """A recorded call that can be made again, for other numbers.

    Args:
        recording: what was recorded.
        places: by node that came as an argument, its place among the leaves of the arguments.
        names: of the inputs, by slot.
        how: how numbers are lowered; see `Code`.
        exact: see `Code`.
    """

    def __init__(
        self,
        recording: Recording,
        places: dict[Node, int],
        names: dict[int, str],
        how: str | None = None,
        exact: bool = True,
    ) -> None:
        tape = recording.tape
        self.recording, self.places = recording, places
        self.how = how, exact
        of_slot = dict(zip(tape.inputs, recording.sources, strict=True))
        stores = _stores(recording, {s: at for at, s in of_slot.items() if s[0] in ("data", "state")})
        outputs = [slot for slot in dict.fromkeys(recording.outputs) if slot not in stores]
        outputs += [slot for slot in _results_among(recording, stores)]
        self.code = Code(
            tape, outputs, {slot: at for slot, (at, _) in stores.items()}, names, how, exact
        )
        self.sources = [of_slot[slot] for slot in self.code.inputs]
        self.kinds = [tape.forms[slot] for slot in self.code.inputs]
        self.outcome = Outcome(recording, places, outputs, [node for _, node in stores.values()])
        self.fixed = [node for node in recording.nodes if node not in places]
        self.wants = list(map(_requires_grad, self.fixed))
        self.holders = [places.get(node, node) for node in recording.absent]
        self.absent = list(recording.absent.values())
        self.moving = bool(places)
        self.numbers = all(kind.__class__ is type for kind in self.kinds)
        self.read = _reader(self.sources, places)
        self.generators = recording.draws.drawn
        self.states = list(recording.states.items())

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Make the call again, or return FAILED, with nothing changed.

        Args:
            leaves: those of the arguments, of the same kinds and forms as when it was recorded.
        """
        if not self.holds(leaves):
            return FAILED
        inputs = self.read(leaves)
        if self.numbers and list(map(type, inputs)) != self.kinds:
            return FAILED
        states = states_of(self.generators) if self.generators else {}
        values = self.code.run(inputs)
        if values is None:
            put_back(states)
            return FAILED
        return self.outcome.finish(values, leaves)

    def without_calls(self, leaves: Sequence[Any]) -> Any:
        """Return the results alone, for a program after which something is called."""
        values = self.code.run(self.read(leaves)) if self.holds(leaves) else None
        return FAILED if values is None else self.outcome.results_of(values, leaves)

    def holds(self, leaves: Sequence[Any]) -> bool:
        """Tell whether the nodes are as they were: which need a gradient, and which have one."""
        if list(map(_requires_grad, self.fixed)) != self.wants:
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
    """Return the function that reads the inputs, given the leaves of the arguments."""
    for what, read in _slots.items():
        nodes = [node for kind, node in sources if kind == what and node not in places]
        if len(nodes) == len(sources):
            return lambda leaves: list(map(read, nodes))
    parts: list[Any] = []
    for kind, of in sources:
        if kind == "argument":
            parts.append((None, of))
        elif kind == "array":
            parts.append((_itself, of))
        elif kind == "state":
            parts.append((call, of.read))
        elif of in places:
            parts.append((_slots[kind], places[of]))
        else:
            parts.append((_slots[kind], of))
    moving = {
        i for i, (kind, of) in enumerate(sources) if kind in ("data", "grad") and of in places
    }
    first = next((i for i, (kind, _) in enumerate(sources) if kind == "data"), 0)
    row = sources[first:]
    if len(row) > 8 and all(kind == "data" and node not in places for kind, node in row):
        before, nodes, read = parts[:first], [node for _, node in row], _slots["data"]
        arguments = [of for _, of in before]
        if all(read is None for read, _ in before):
            return lambda leaves: [*[leaves[i] for i in arguments], *map(read, nodes)]

    def read_all(leaves: Sequence[Any]) -> list[Any]:
        return [
            leaves[of] if read is None else read(leaves[of] if i in moving else of)
            for i, (read, of) in enumerate(parts)
        ]

    return read_all


def _itself(thing: Any) -> Any:
    return thing
