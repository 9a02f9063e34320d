"""The program of a compiled function, to be read, run, stored, drawn and played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from micrograd.compiler.recording.arguments import Arguments
from micrograd.compiler.recording.programs import Form, Instruction, Slot
from micrograd.compiler.recording.recording import Call, Out, OutNode, Same, Write, seams
from micrograd.compiler.recording.tape import INPUT, Tape
from micrograd.compiler.replaying.replay import FAILED, Replay
from micrograd.compiler.watching.watch import Watch
from micrograd.compiler.writing.report import report_of
from micrograd.compiler.writing.stored import StoredProgram, stored
from micrograd.compiler.writing.text import text_of
from micrograd.core.node import Node
from micrograd.errors import ArgumentError, CompileError

__all__ = ["CompiledProgram"]

_SLOTS = {"data": seams.DATA, "grad": seams.GRAD}


@dataclass(frozen=True)
class Input:
    """What a program reads.

    Attributes:
        name: what it is called: that of the parameter, the label of the node, or where it stands.
        what: "argument", "data" or "grad" of a node, or "array".
        form: its shape and dtype.
        default: what it was when the program was made; None for an argument.
    """

    name: str
    what: str
    form: Form
    default: Any = field(default=None, repr=False)


class CompiledProgram:
    """What a compiled function computes, recorded for one case: kinds, shapes, ways it went.

    It can be called as the function itself, for arguments of that case. Printed, it is the NumPy
    that runs. `instructions` are what was recorded, one by one, as plain data.

    Attributes:
        name: that of the function.
        inputs: what it reads: arguments, and data and gradients of nodes.
        recorded: how many calls were recorded, before those that nothing needs were left out.

    >>> import micrograd as mg
    >>> @mg.compile
    ... def f(a, b):
    ...     return mg.tanh(a * b)
    >>> program = f.program(2.0, 0.25)
    >>> [i.name for i in program.inputs]
    ['a', 'b']
    >>> program.instructions[0].arguments, program.results
    ((Slot(number=0), Slot(number=1)), Slot(number=3))
    >>> program(0.0, 1.0)
    0.0
    """

    def __init__(
        self,
        name: str,
        replay: Replay,
        names: Sequence[str],
        nodes: dict[Node, tuple[Any, Any]] | None = None,
        watch: Watch | None = None,
        key: Any = None,
    ) -> None:
        self.name = name
        self._replay = replay
        self._names = names
        self._nodes = nodes
        self._watch, self._key = watch, key
        self.recorded = len(replay.recording.tape)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._nodes is not None and not args:
            return self._for_leaves(kwargs)
        given = Arguments(args, kwargs)
        changed = self._watch.changed() if self._watch else None
        fits = given.key == self._key and changed is None
        found = self._replay(given.leaves) if fits else FAILED
        if found is FAILED:
            why = changed or (
                "other kinds of arguments, or given in another way, or a number by which Python "
                "goes another way"
            )
            raise CompileError(
                f"{self.name}: the program was recorded for another case: {why}. Call the compiled "
                "function itself, which records it anew where it has to."
            )
        return found

    def _for_leaves(self, others: dict[str, Any]) -> Any:
        """Run the program of a graph, for its leaves as they are but for some, by name."""
        replay = self._replay
        inputs = dict(zip([i.name for i in self.inputs], replay.read(()), strict=True))
        unknown = [name for name in others if name not in inputs]
        if unknown:
            raise ArgumentError(
                f"{self.name}: has no input {unknown[0]!r}. Its inputs are {', '.join(inputs)}."
            )
        for (name, old), kind in zip(inputs.items(), replay.kinds, strict=True):
            if name in others:
                new = others[name]
                inputs[name] = kind(new) if kind.__class__ is type else np.asarray(new, old.dtype)
        values = replay.code.run(list(inputs.values()))
        if values is None:
            raise CompileError(f"{self.name}: for these numbers the graph is another one.")
        return replay.outcome.finish(values, ())

    def alone(self) -> StoredProgram:
        """Return the program without nodes, as it is pickled: leaves become inputs by name.

        Raises:
            CompileError: if something runs after it, such as the step of an optimizer.
        """
        replay = self._replay
        now: list[Any] = []
        for what, of in replay.recording.sources:
            if what in _SLOTS and of not in replay.places:
                of = _SLOTS[what].__get__(of)
            now.append(None if what == "argument" or isinstance(of, Node) else of)
        return stored(self.name, replay.recording, self._names, now, replay.how, replay.places)

    def __reduce__(self) -> Any:
        return self.alone().__reduce__()

    def save(self, path: str | Path) -> None:
        """Write the program as a module that needs only NumPy.

        It has one function, of the name of this one, which takes the arguments, and by name what
        leaves were, with their present data as defaults. It returns what the function returns,
        and, if that leaves something in nodes, a pair: this, and a dict of what is left.

        Args:
            path: of the file, such as "step.py".

        Raises:
            CompileError: if something cannot be written there: what runs after the program, an
                operation that is called as it is, a generator.
        """
        self.alone().save(path)

    def slots_of(self, node: Node) -> tuple[Any, Any]:
        """Return where the data and the gradient of a node of the graph stand, in `compile(node)`.

        Each is a `Slot`, or a constant, or None where there is none.

        Args:
            node: of the graph.

        Raises:
            ArgumentError: if the node is of another graph, or the program of a function.
        """
        if self._nodes is None or node not in self._nodes:
            raise ArgumentError(
                f"{self.name}: the node is not of the graph that was compiled. Ask for one of the "
                "graph of compile(y)."
            )
        data, grad = self._nodes[node]
        return self._of_symbol(data), self._of_symbol(grad)

    def _of_symbol(self, place: Any) -> Any:
        if place is None:
            return None
        tape, at = self._compact
        slot = at.get(place.number)
        return tape.constants.get(place.number) if slot is None else Slot(slot)

    @cached_property
    def _compact(self) -> tuple[Tape, dict[int, int]]:
        """What is needed, as a tape of its own: inputs first, constants in their places."""
        replay = self._replay
        tape = replay.recording.tape
        live = tape.live(replay.recording.outputs)
        inputs = [slot for slot in live if tape.operations[slot] is INPUT]
        calls = [slot for slot in live if tape.is_call(slot)]
        return tape, {slot: i for i, slot in enumerate([*inputs, *calls])}

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """Return what the program reads, in order."""
        tape, at = self._compact
        sources = zip(tape.inputs, self._replay.recording.sources, self._names, strict=True)
        found: list[Input] = []
        for slot, (what, of), name in sources:
            if slot in at:
                form: Any = tape.forms[slot]
                default = of if what == "array" else of.read() if what == "state" else None
                if what in ("data", "grad") and of not in self._replay.places:
                    default = (seams.DATA if what == "data" else seams.GRAD).__get__(of)
                form = Form((), form) if tape.is_number(slot) else form
                found.append(Input(name, what, form, default))
        return tuple(found)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """Return the calls in order: the first gives `Slot(len(inputs))`, and so on."""
        tape, at = self._compact
        return tuple([tape.instruction(slot, at) for slot in at if tape.is_call(slot)])

    @property
    def backward(self) -> tuple[bool, ...]:
        """Return for each instruction whether it was made in a backward pass."""
        tape, at = self._compact
        return tuple([tape.backward[slot] for slot in at if tape.is_call(slot)])

    @property
    def checks(self) -> dict[Slot, Any]:
        """Return what has to come out where Python went one way or another: else it is not run."""
        tape, at = self._compact
        return {Slot(at[slot]): truth for slot, truth in tape.checks if slot in at}

    @property
    def results(self) -> Any:
        """Return what comes out, in the containers of the function: a `Slot` for each value."""
        recording = self._replay.recording
        return recording.flat.filled([self._shown(result) for result in recording.results])

    @property
    def writes(self) -> dict[str, Any]:
        """Return what is left in nodes and states, by the input's name and "data" or "grad"."""
        found: dict[str, Any] = {}
        for effect in self._replay.recording.effects:
            if isinstance(effect, Write):
                owner = effect.node
                state = effect.what == "state"
                name = owner.name if state else f"{self._called(owner)}.{effect.what}"
                found[name] = self._shown(effect.value)
        return found

    @property
    def afterwards(self) -> tuple[str, ...]:
        """Return the names of what is called after the program, as the step of an optimizer."""
        effects = self._replay.recording.effects
        return tuple([effect.later.name for effect in effects if isinstance(effect, Call)])

    def _called(self, node: Node) -> str:
        sources = zip(self._replay.recording.sources, self._names, strict=True)
        names = {source: name for source, name in sources if source[0] in ("data", "grad")}
        return names.get(("data", node)) or names.get(("grad", node)) or node.label or "a node"

    def _shown(self, result: Any) -> Any:
        _, at = self._compact
        if isinstance(result, OutNode):
            result = result.data
        if isinstance(result, Out):
            if result.slot is None:
                return result.constant
            slot = at.get(result.slot)
            tape = self._replay.recording.tape
            return tape.constants[result.slot] if slot is None else Slot(slot)
        return result.node if isinstance(result, Same) else result

    def __str__(self) -> str:
        return text_of(self._replay.code, self.name)

    def __repr__(self) -> str:
        return (
            f"<program of {self.name}: {len(self.inputs)} inputs, "
            f"{len(self.instructions)} instructions, {self._replay.code.calls} calls>"
        )

    def report(self) -> str:
        """Return how large the program is, what it holds for, and what was not traced, in words."""
        kinds = [i.what for i in self.inputs]
        return report_of(self.name, self._replay, len(self.instructions), kinds, self._watch)
