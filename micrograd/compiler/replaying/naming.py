"""What the inputs of a program are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.compiler.lowering.names import Names
from micrograd.compiler.recording.arguments import Arguments
from micrograd.compiler.recording.recording import Out, OutNode, Recording, Write
from micrograd.core.node import Node


def input_names(
    f: Callable[..., Any], recording: Recording, given: Arguments, outside: dict[int, str]
) -> list[str]:
    """Return a name for each input of a recording: identifiers that differ from each other.

    Args:
        f: the function.
        recording: of a call.
        given: the arguments of that call.
        outside: what the function calls the nodes that it names from outside, by id.
    """
    names, parameters = Names(), parameters_of(f)
    nodes = given.nodes()
    found: list[str] = []
    for i, (what, of) in enumerate(recording.sources):
        wish = f"x{i + 1}"
        if what == "argument":
            wish = given.name(of, parameters)
        elif isinstance(of, Node):
            wish = of.label or outside.get(id(of)) or wish
            if of in nodes and not of.label:
                wish = given.name(nodes[of], parameters)
            wish += "_grad" if what == "grad" else ""
        else:
            wish = outside.get(id(of)) or getattr(of, "name", None) or wish
        found.append(names.new(wish))
    return found


def names_of_nodes(recording: Recording, names: Sequence[str]) -> dict[Any, str]:
    """Return what the inputs that are data and gradients of nodes are called, by source."""
    sources = zip(recording.sources, names, strict=True)
    return {source: name for source, name in sources if source[0] in ("data", "grad")}


class OutputNames:
    """What to call what comes out of a recording, by slot.

    Args:
        recording: of a call.
        names: those of its inputs.

    Attributes:
        names: labels, and as "w_grad" and "w_new" what is left in nodes.
        notes: what these are, in words.
    """

    def __init__(self, recording: Recording, names: Sequence[str]) -> None:
        self.names: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self._inputs = {*recording.tape.inputs}
        called = names_of_nodes(recording, names)
        for effect in recording.effects:
            if isinstance(effect, Write):
                data, grad = called.get(("data", effect.node)), called.get(("grad", effect.node))
                name = data or (grad and grad.removesuffix("_grad"))
                name = name or getattr(effect.node, "label", None)
                if name and effect.what == "data":
                    self._enter(effect.value, f"{name}_new", f"the new data of {name}")
                elif name:
                    self._enter(effect.value, f"{name}_grad", f"the gradient of {name}")
        for result in recording.results:
            if isinstance(result, OutNode) and result.label:
                self._enter(result.data, result.label)

    def _enter(self, out: Out, name: str, note: str = "") -> None:
        if out.slot is not None and out.slot not in self._inputs:
            self.names.setdefault(out.slot, name)
            if note:
                known = self.notes.get(out.slot)
                self.notes[out.slot] = f"{known}, {note}" if known else note


def parameters_of(f: Callable[..., Any]) -> Sequence[str]:
    """Return the names of the parameters of a function; none if it does not tell."""
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return ()
