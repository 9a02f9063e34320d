"""Programs that stand alone: what leaves were are inputs, with the data of then as defaults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micrograd.common.tree import Flat
from micrograd.compiler.lower import Code
from micrograd.compiler.module_text import module_text
from micrograd.compiler.recording import Call, Held, Out, OutNode, Recording, Same, Write
from micrograd.compiler.tape import Tape
from micrograd.errors import ArgumentError, CompileError


class StoredProgram:
    """A program without nodes: it is called with arguments, and with inputs by name.

    It returns what the function returned, with the data of nodes in place of these. If the
    function left something in nodes, it returns a pair: that, and a dict of what it left, by the
    names of the inputs, as "w" for data and "w.grad" for a gradient.

    Args:
        name: that of the function.
        inputs: names, kinds ("argument", "data", "grad", "array") and defaults.
        tape: the calls.
        results: the containers of what the function returned, with numbers in order in them.
        outs: what stands in them.
        left: what is left in nodes, by name.
        how: how numbers are computed; see `compile`.
        exact: likewise.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[tuple[str, str, Any]],
        tape: Tape,
        results: Any,
        outs: Sequence[Out],
        left: dict[str, Out],
        how: str | None,
        exact: bool,
    ) -> None:
        self._given = name, inputs, tape, results, outs, left, how, exact
        self.name, self._inputs = name, inputs
        self._outs = [*outs, *left.values()]
        self._results, self._left = results, list(left)
        slots = [out.slot for out in self._outs if out.slot is not None]
        self._outputs = list(dict.fromkeys(slots))
        names = dict(zip(tape.inputs, [name for name, _, _ in inputs], strict=True))
        self._code = Code(tape, self._outputs, {}, names, how, exact)
        of = dict(zip(tape.inputs, range(len(inputs)), strict=True))
        self._read = [of[slot] for slot in self._code.inputs]

    def __reduce__(self) -> Any:
        return StoredProgram, self._given

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple([name for name, _, _ in self._inputs])

    def __call__(self, *args: Any, **others: Any) -> Any:
        values = self._filled(args, others)
        found = self._code.run([values[i] for i in self._read])
        if found is None:
            raise CompileError(
                f"{self.name}: the program was recorded for another case: by one of these numbers "
                "the function goes another way. Record it for that case, too."
            )
        at = dict(zip(self._outputs, found, strict=True))
        values = [_copied(o.constant) if o.slot is None else at[o.slot] for o in self._outs]
        count = len(values) - len(self._left)
        result = Flat(self._results).filled(values[:count])
        return (
            (result, dict(zip(self._left, values[count:], strict=True))) if self._left else result
        )

    def _filled(self, args: Sequence[Any], others: dict[str, Any]) -> list[Any]:
        names = [name for name, what, _ in self._inputs if what == "argument"]
        if len(args) > len(names):
            raise ArgumentError(
                f"{self.name}: came {len(args)} arguments, but it has {len(names)}: "
                f"{', '.join(names) or 'none'}."
            )
        given = {**dict(zip(names, args, strict=False)), **others}
        values: list[Any] = []
        for name, what, default in self._inputs:
            if name not in given and what == "argument":
                raise ArgumentError(f"{self.name}: its argument {name} is missing.")
            values.append(given.pop(name, default))
        if given:
            raise ArgumentError(
                f"{self.name}: has no input {next(iter(given))!r}. It has {', '.join(self.inputs)}."
            )
        return values

    def __str__(self) -> str:
        return self._code.text()

    def save(self, path: str | Path) -> None:
        """Write a module that needs only NumPy; see `CompiledProgram.save`."""
        text = module_text(
            self.name, self._inputs, self._code, self._results, self._outs, self._left
        )
        Path(path).write_text(text, encoding="utf-8")


def stored(
    name: str, recording: Recording, names: Sequence[str], inputs: Sequence[Any], how: Any
) -> StoredProgram:
    """Return a program as one that stands alone.

    Args:
        name: that of the function.
        recording: what was recorded.
        names: those of the inputs of the recording.
        inputs: what each is now; None for an argument.
        how: how numbers are computed, and whether exactly.

    Raises:
        CompileError: if something runs after the program, or counts, such as an optimizer.
    """
    for effect in recording.effects:
        if isinstance(effect, Call):
            raise CompileError(
                f"{name}: cannot be stored, since {effect.later.name} runs after the program, and "
                "not in it. Compile a function without it, such as one that returns gradients."
            )
    for state in recording.states:
        raise CompileError(
            f"{name}: cannot be stored, since the step of {state!r} is part of it, and counts its "
            "steps. Compile a function without it, such as one that returns gradients."
        )
    called = {source: name for source, name in zip(recording.sources, names, strict=True)}

    def plain(result: Any) -> Out:
        if isinstance(result, Same):
            source = ("data", result.node)
            if source not in called:
                raise CompileError(
                    f"{name}: cannot be stored, as it returns a node that it only "
                    "passes on. Return its .data."
                )
            return Out(recording.tape.inputs[recording.sources.index(source)])
        if isinstance(result, Held):
            return _held(recording, result)
        return result.data if isinstance(result, OutNode) else result

    outs = [plain(result) for result in recording.results]
    left: dict[str, Out] = {}
    for effect in recording.effects:
        if isinstance(effect, Write):
            node = called.get(("data", effect.node)) or effect.node.label or "a node"
            left[node if effect.what == "data" else f"{node}.grad"] = effect.value
    wanted = [out.slot for out in [*outs, *left.values()] if out.slot is not None]
    part, at = recording.tape.part(recording.tape.live(wanted))

    def moved(out: Out) -> Out:
        return out if out.slot is None else Out(at[out.slot])

    kept = [i for i, slot in enumerate(recording.tape.inputs) if slot in at]
    return StoredProgram(
        name,
        [(names[i], recording.sources[i][0], inputs[i]) for i in kept],
        part,
        recording.flat.filled(range(len(outs))),
        [moved(out) for out in outs],
        {key: moved(out) for key, out in left.items()},
        *how,
    )


def _held(recording: Recording, held: Held) -> Out:
    """Return what a node holds in the end: what is written to it, or what it held before."""
    writes = [effect for effect in recording.effects if isinstance(effect, Write)]
    left = [w.value for w in writes if (w.what, w.node) == (held.what, held.node)]
    if left:
        return left[-1]
    return Out(recording.tape.inputs[recording.sources.index((held.what, held.node))])


def _copied(thing: Any) -> Any:
    return thing.copy() if isinstance(thing, np.ndarray) else thing
