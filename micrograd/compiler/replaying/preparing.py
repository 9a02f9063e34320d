"""What a program of few inputs asks and reads before it runs, as one line of Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from micrograd.core.node import Node

Prepare = Callable[[Sequence[Any]], Any]
"""Gives the inputs for the leaves of the arguments; None if the nodes are not as they were."""

FEW = 1024
"""Up to how many nodes a line of Python that names each is worth the time to compile it."""


class Line:
    """The line, and what it names.

    Args:
        places: by node that came as an argument, its place among the leaves of the arguments.
    """

    def __init__(self, places: dict[Node, int]) -> None:
        self._places = places
        self._known: dict[str, Any] = {}
        self._questions: list[str] = []

    def _name(self, thing: Any) -> str:
        self._known[f"x{len(self._known)}"] = thing
        return f"x{len(self._known) - 1}"

    def _node(self, node: Any) -> str:
        place = self._places.get(node)
        return self._name(node) if place is None else f"leaves[{place}]"

    def ask(self, node: Node, wanted: bool) -> None:
        """Ask whether a node requires a gradient, as it did, or does not."""
        self._questions.append(f"{'' if wanted else 'not '}{self._node(node)}.requires_grad")

    def ask_gradient(self, node: Node, absent: bool) -> None:
        """Ask whether a node has no gradient, as it had none, or has one."""
        self._questions.append(f"{self._node(node)}._grad is {'' if absent else 'not '}None")

    def ask_state(self, state: Any, was: Any) -> None:
        """Ask whether a state says that a program for what it said is right."""
        self._questions.append(f"{self._name(state)}.ready() == {self._name(was)}")

    def reading(self, sources: Sequence[Any]) -> Prepare:
        """Return the function that asks and reads."""
        inputs = ", ".join([self._input(*source) for source in sources])
        asked = " and ".join(self._questions) or "True"
        return eval(f"lambda leaves: [{inputs}] if {asked} else None", self._known)

    def _input(self, what: str, of: Any) -> str:
        if what == "argument":
            return f"leaves[{of}]"
        if what in ("data", "grad"):
            return f"{self._node(of)}._{what}"
        return f"{self._name(of)}.read()" if what == "state" else self._name(of)
