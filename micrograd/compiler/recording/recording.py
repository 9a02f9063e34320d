"""A recording: what one call of a function did, with all that is needed to do it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.common.tree import Flat
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.arguments import shells_of
from micrograd.compiler.recording.hosted import Later
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.outside import describe_plainly
from micrograd.compiler.recording.picking import Picked
from micrograd.compiler.recording.programs import is_a, mapped
from micrograd.compiler.recording.recorder import Recorder
from micrograd.compiler.recording.symbols import Symbol
from micrograd.core.node import Node
from micrograd.errors import CompileError


class Out(NamedTuple):
    """A value that comes out of a program.

    Attributes:
        slot: where it stands on the tape; None for a constant.
        constant: what it is, if it has no slot.
        kind: of a value without axes whether it is an array or a scalar, for which NumPy has two.
        locked: whether it is an array that was computed, of which one gets a copy.
        again: whether another array with the same elements comes out, too.
        present: of a gradient, the slot of whether there is one; None if there is.
    """

    slot: int | None
    constant: Any = None
    kind: type | None = None
    locked: bool = False
    again: bool = False
    present: int | None = None


class OutNode(NamedTuple):
    """A node that comes out of a program; `of` tells apart what were different nodes."""

    of: int
    kind: type[Node]
    data: Out
    grad: Out
    requires_grad: bool
    label: str | None
    is_leaf: bool


class Same(NamedTuple):
    """A node from outside that f returned as it is."""

    node: Node


class Held(NamedTuple):
    """The array itself that a node from outside holds: its data ("data") or gradient ("grad")."""

    what: str
    node: Node


class Write(NamedTuple):
    """What a program leaves in a node: its data ("data") or its gradient ("grad").

    Or in a cell of a state outside of nodes ("state").
    """

    what: str
    node: Any
    value: Out


@dataclass(frozen=True)
class Given:
    """What a program computes for what is called after it; no tuple, as containers are."""

    out: Out


class Call(NamedTuple):
    """What is called after the program, such as an optimizer's step."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    later: Later


class Recording:
    """What a call of f did.

    Args:
        recorder: which noted it.
        returned: what f returned.

    Attributes:
        tape: the calls.
        sources: where each input of the tape comes from: see `Recorder`.
        results: for each leaf of what f returned, an `Out`, an `OutNode`, `Same` or `Later`.
        flat: its containers.
        shells: their kinds, and where the leaves stand in them.
        effects: what is written and called after the program, in order.
        examples: what came out in this call, by slot.
        nodes: those from outside that were read or written.
        arrays: those from outside that are inputs.
        absent: by node whose gradient was read, whether there was none.
        lines: where the user's code was at constants and checks, by slot.
        raising: slots of calls that are made also where nobody needs what they give, since
            Python may raise an error there.
        opaque: names of what is called as it is.
        replaced: the nodes whose data became another array, and were not just written to.
        draws: the states of random generators.
        states: other states that are read and written, each with what its `ready` said.
    """

    def __init__(self, recorder: Recorder, returned: Any) -> None:
        self._recorder: Any = recorder
        self.tape, self.sources = recorder.tape, recorder.sources
        self.absent, self.lines, self.opaque = recorder.absent, recorder.lines, recorder.opaque
        self.draws, self.states = recorder.draws, recorder.states
        self.replaced = recorder.replaced
        self.raising = recorder.raising
        self.nodes = list(dict.fromkeys([*recorder.data, *recorder.grads]))
        self.arrays = [of for what, of in recorder.sources if what == "array"]
        self.examples: dict[int, Any] = {}
        self._first: dict[int, Any] = {}
        flat = Flat(returned)
        self.results = [self._result(leaf) for leaf in flat.leaves]
        self.flat = Flat(flat.filled(range(len(flat.leaves))))  # that holds no graph
        self.shells = shells_of(returned), tuple(flat.paths)
        self.effects: list[Write | Call] = []
        for writes, (function, args, kwargs, later) in recorder.hosted:
            self.effects += [self._write(*write) for write in writes]
            given, named = mapped((args, kwargs), self._given)
            self.effects.append(Call(function, given, named, later))
        self.effects += [self._write(*write) for write in recorder.writes()]
        recorder.require_whole()
        recorder.require_answered()
        recorder.picking.require_kept()
        self._recorder = None
        self._first.clear()

    def _result(self, leaf: Any) -> Any:
        if isinstance(leaf, Later):
            return leaf
        if isinstance(leaf, Picked):
            self._recorder.picking.fail()
        if isinstance(leaf, Node):
            if self._recorder.is_outside(leaf):
                return Same(leaf)
            data, grad = self._out(seams.DATA.__get__(leaf)), seams.GRAD.__get__(leaf)
            if isinstance(grad, Node):
                raise _with_graph("what f returns")
            wanted, label, is_leaf = leaf.requires_grad, leaf.label, leaf.op is None
            return OutNode(id(leaf), leaf._kind, data, self._out(grad), wanted, label, is_leaf)
        held = self._recorder.holder(leaf) if is_a(leaf, Symbol) else None
        if held is None:
            return self._out(leaf)
        self._out(leaf)  # which has to be known
        return Held(*held)

    def _out(self, thing: Any) -> Out:
        if thing.__class__ is Number:
            self._recorder.require_own(thing)
            self.examples[thing._slot] = thing._value
            return Out(thing._slot)
        if is_a(thing, Symbol):
            slot = thing._checked_slot().number
            example: Any = self._recorder.example_of(thing, "compile")
            self.examples[slot] = example
            kind = None if np.ndim(example) else example.__class__
            again = self._first.setdefault(slot, thing) is not thing
            return Out(slot, None, kind, thing._locked is True, again)
        return Out(None, thing)

    def _given(self, leaf: Any) -> Any:
        return Given(self._out(leaf)) if isinstance(leaf, Symbolic) else leaf

    def _write(self, what: str, node: Node, value: Any) -> Write:
        if isinstance(value, Node):
            raise _with_graph(describe_plainly(node))
        out = self._out(value)
        if what == "grad":
            present = self._recorder.picking.presence(value)
            if present.__class__ is Number:
                out = out._replace(present=self._out(present).slot)
        return Write(what, node, out)

    @property
    def outputs(self) -> list[int]:
        """The slots of all that comes out: results first, then writes."""
        found: list[int | None] = []
        for result in self.results:
            if isinstance(result, Out):
                found.append(result.slot)
            elif isinstance(result, OutNode):
                found += [result.data.slot, result.grad.slot]
        for effect in self.effects:
            if isinstance(effect, Write):
                found.extend([effect.value.slot, effect.value.present])
            else:
                mapped((effect.args, effect.kwargs), lambda leaf: found.append(_slot(leaf)))
        return [slot for slot in found if slot is not None]


def _slot(thing: Any) -> int | None:
    return thing.out.slot if isinstance(thing, Given) else None


def _with_graph(where: str) -> CompileError:
    return CompileError(
        f"compile: {where} has a gradient with a graph of its own, as create_graph=True leaves "
        "it, and a program keeps no graph. Use micrograd.hvp, or nested micrograd.grad, inside the "
        "function, or forget that gradient there with zero_grad()."
    )
