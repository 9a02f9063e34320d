"""What the inputs of a program are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.compiler.arguments import Arguments
from micrograd.compiler.arrays.names import Names
from micrograd.compiler.recording import Recording
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
            wish = outside.get(id(of)) or getattr(of, "name", None) or wish
        found.append(names.new(wish))
    return found


def _parameters(f: Callable[..., Any]) -> Sequence[str]:
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return ()
