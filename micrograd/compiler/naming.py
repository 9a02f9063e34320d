"""What the inputs of a program are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.compiler.arguments import Arguments
from micrograd.compiler.arrays.names import Names
from micrograd.compiler.recording import Out, OutNode, Recording, Write
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
    names, parameters = Names(), _parameters(f)
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
            wish = outside.get(id(of)) or wish
        found.append(names.new(wish))
    return found


def output_names(recording: Recording, names: Sequence[str]) -> dict[int, str]:
    """Return what to call what comes out, by slot.

    Args:
        recording: of a call.
        names: those of its inputs.

    Returns:
        labels, and as "w_grad" and "w_new" what is left in nodes.
    """
    found: dict[int, str] = {}
    called = dict(zip(recording.sources, names, strict=True))
    for result in recording.results:
        if isinstance(result, OutNode):
            _enter(found, result.data, result.label)
    for effect in recording.effects:
        if isinstance(effect, Write):
            data, grad = called.get(("data", effect.node)), called.get(("grad", effect.node))
            name = data or (grad and grad.removesuffix("_grad")) or effect.node.label
            end = "new" if effect.what == "data" else "grad"
            _enter(found, effect.value, name and f"{name}_{end}")
    for slot in recording.tape.inputs:
        found.pop(slot, None)
    return found


def _enter(found: dict[int, str], out: Out, name: str | None) -> None:
    if out.slot is not None and name:
        found.setdefault(out.slot, name)


def _parameters(f: Callable[..., Any]) -> Sequence[str]:
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return ()
