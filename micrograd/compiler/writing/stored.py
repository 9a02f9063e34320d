"""Programs that stand alone: what leaves were are inputs, with the data of then as defaults."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micrograd.common.tree import Flat
from micrograd.compiler.lowering.lower import Code
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.recording import Call, Held, Out, OutNode, Recording, Same, Write
from micrograd.compiler.recording.tape import Tape
from micrograd.compiler.replaying.naming import OutputNames, names_of_nodes
from micrograd.compiler.writing.module_text import module_text
from micrograd.compiler.writing.text import text_of
from micrograd.core.node import Node
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
        called: names and notes of what comes out, by slot, for when the program is printed.

    >>> import micrograd as mg
    >>> w = mg.Value(3.0, label="w")
    >>> @mg.compile
    ... def step(x):
    ...     loss = (w * x - 1) ** 2
    ...     loss.backward()
    ...     return loss
    >>> program = step.program(2.0).alone()
    >>> program.inputs, program(2.0), program(2.0, w=0.5)
    (('x', 'w'), (25.0, {'w.grad': 20.0}), (0.0, {'w.grad': 0.0}))
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
        called: tuple[dict[int, str], dict[int, str]] = ({}, {}),
    ) -> None:
        self._given = name, inputs, tape, results, outs, left, how, exact, called
        self.name, self._inputs = name, inputs
        self._outs = [*outs, *left.values()]
        self._results, self._left = results, list(left)
        slots = [out.slot for out in self._outs if out.slot is not None]
        self._outputs = list(dict.fromkeys(slots))
        wishes, notes = called
        names = wishes | dict(zip(tape.inputs, self.inputs, strict=True))
        self._forms = [tape.forms[slot] for slot in tape.inputs]
        self._code = Code(tape, self._outputs, {}, names, how, exact, notes)
        of = dict(zip(tape.inputs, range(len(inputs)), strict=True))
        self._read = [of[slot] for slot in self._code.inputs]

    def __reduce__(self) -> Any:
        tape = self._given[2]
        operations = {id(each): each for each in tape.__getstate__()["operations"]}
        for thing in [*operations.values(), self._results]:
            try:
                pickle.dumps(thing)
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                what = getattr(thing, "__name__", type(thing).__name__)
                raise CompileError(
                    f"{self.name}: cannot be pickled, since it holds {what}, which pickle does not "
                    f"find again ({error}). Define that at the top of a module."
                ) from error
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
        for (name, what, default), form in zip(self._inputs, self._forms, strict=True):
            if name not in given and what == "argument":
                raise ArgumentError(f"{self.name}: its argument {name} is missing.")
            came = name in given
            value = given.pop(name, default)
            values.append(self._fitting(name, value, form) if came else value)
        if given:
            raise ArgumentError(
                f"{self.name}: has no input {next(iter(given))!r}. It has {', '.join(self.inputs)}."
            )
        return values

    def _fitting(self, name: str, value: Any, form: Any) -> Any:
        """Return an input as the program was recorded for it."""
        if form.__class__ is not type:
            value = value if is_a(value, np.generic) else np.asarray(value)
            if (value.shape, value.dtype) == (form.shape, form.dtype):
                return value
            came = f"one of shape {value.shape} and dtype {value.dtype}"
            expected = f"an array of shape {form.shape} and dtype {form.dtype}"
        else:
            value = value.item() if is_a(value, np.generic, np.ndarray) else value
            if value.__class__ is form:
                return value
            if value.__class__ is int and form is float:
                return float(value)
            came, expected = f"{value!r}", f"a number of class {form.__name__}"
        raise ArgumentError(
            f"{self.name}: the input {name} is {expected}, but came {came}. Convert it, or "
            "record the function for such arguments, too."
        )

    def __str__(self) -> str:
        return text_of(self._code, self.name)

    def save(self, path: str | Path) -> None:
        """Write a module that needs only NumPy; see `CompiledProgram.save`."""
        text = module_text(
            self.name, self._inputs, self._code, self._results, self._outs, self._left
        )
        Path(path).write_text(text, encoding="utf-8")


def stored(
    name: str,
    recording: Recording,
    names: Sequence[str],
    inputs: Sequence[Any],
    how: Any,
    places: Mapping[Node, int],
) -> StoredProgram:
    """Return a program as one that stands alone.

    Args:
        name: that of the function.
        recording: what was recorded.
        names: those of the inputs of the recording.
        inputs: what each is now; None for an argument.
        how: how numbers are computed, and whether exactly.
        places: of nodes that came as arguments, among the arguments.

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
    called = names_of_nodes(recording, names)

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
    order = [_place(source, places) for source in recording.sources]
    wanted += [recording.tape.inputs[i] for i, place in enumerate(order) if place is not None]
    part, at = recording.tape.part(recording.tape.live(wanted))

    def moved(out: Out) -> Out:
        return out if out.slot is None else Out(at[out.slot])

    told = OutputNames(recording, names)

    def kept_names(words: dict[int, str]) -> dict[int, str]:
        return {at[slot]: word for slot, word in words.items() if slot in at}

    kept = [i for i, slot in enumerate(recording.tape.inputs) if slot in at]
    kept.sort(key=lambda i: math.inf if (place := order[i]) is None else place)
    part.inputs = [at[recording.tape.inputs[i]] for i in kept]
    kinds = ["argument" if order[i] is not None else recording.sources[i][0] for i in kept]
    return StoredProgram(
        name,
        [(names[i], kind, inputs[i]) for i, kind in zip(kept, kinds, strict=True)],
        part,
        recording.flat.filled(range(len(outs))),
        [moved(out) for out in outs],
        {key: moved(out) for key, out in left.items()},
        how[0],
        how[1],
        (kept_names(told.names), kept_names(told.notes)),
    )


def _held(recording: Recording, held: Held) -> Out:
    """Return what a node holds in the end: what is written to it, or what it held before."""
    writes = [effect for effect in recording.effects if isinstance(effect, Write)]
    left = [w.value for w in writes if (w.what, w.node) == (held.what, held.node)]
    if left:
        return left[-1]
    return Out(recording.tape.inputs[recording.sources.index((held.what, held.node))])


def _place(source: Any, places: Mapping[Node, int]) -> int | None:
    """Return where an input stands among the arguments; None for one from outside."""
    what, of = source
    if what == "argument":
        return of
    return places.get(of) if what in ("data", "grad") else None


def _copied(thing: Any) -> Any:
    return thing.copy() if is_a(thing, np.ndarray) else thing
