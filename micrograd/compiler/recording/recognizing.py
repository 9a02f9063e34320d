"""Arguments of a kind that came before, known at a glance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd.compiler.recording.arguments import Arguments
from micrograd.core.modes import is_grad_enabled

Recognizer = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""Gives the leaves of arguments, or None where it does not know them."""


MANY = 64
"""From more leaves on there are quicker ways than a line for each."""


def nothing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Recognize no arguments."""


def recognizer(given: Arguments) -> Recognizer:
    """Return a function that gives the leaves of arguments with the key of those given.

    It knows numbers and different arrays, in lists and tuples, given by position; of other
    arguments it knows none.

    >>> recognize = recognizer(Arguments(([1.0, np.ones(3)],), {}))
    >>> recognize(([2.0, np.zeros(3)],), {})
    (2.0, array([0., 0., 0.]))
    >>> recognize(([2.0, np.zeros(4)],), {}), recognize(((2.0, np.zeros(3)),), {})
    (None, None)
    """
    args, kwargs = given.args, given.kwargs
    lines = _Lines()
    if kwargs or len(given.leaves) > MANY or not lines.take(args, "args"):
        return nothing
    arrays = [f"id({leaf})" for leaf, kind in lines.leaves.items() if kind is np.ndarray]
    if len({id(leaf) for leaf in given.leaves if leaf.__class__ is np.ndarray}) < len(arrays):
        return nothing
    if len(arrays) > 1:
        lines.differ(f"len({{{', '.join(arrays)}}}) != {len(arrays)}")
    lines.differ(f"is_grad_enabled() is not {is_grad_enabled()}")
    text = "\n    ".join(["def recognize(args, kwargs):", "if kwargs: return None", *lines.lines])
    exec(f"{text}\n    return ({''.join([f'{leaf}, ' for leaf in lines.leaves])})", lines.known)
    return lines.known["recognize"]


class _Lines:
    """The lines that take arguments apart, and what they name.

    Attributes:
        leaves: names of the leaves, with their classes.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.leaves: dict[str, type] = {}
        self.known: dict[str, Any] = {"ndarray": np.ndarray, "is_grad_enabled": is_grad_enabled}

    def differ(self, question: str) -> None:
        """Let what answers a question with yes be unknown."""
        self.lines.append(f"if {question}: return None")

    def take(self, thing: Any, name: str) -> bool:
        """Write the lines for a leaf or a container; tell whether it is of a kind to be known."""
        kind = thing.__class__
        if kind is list or kind is tuple:
            self.differ(f"{name}.__class__ is not {kind.__name__} or len({name}) != {len(thing)}")
            parts = [f"{name}_{i}" for i in range(len(thing))]
            if parts:
                self.lines.append(f"{', '.join(parts)}, = {name}")
            return all([self.take(part, to) for part, to in zip(thing, parts, strict=True)])
        self.leaves[name] = kind
        if kind is np.ndarray:
            self.known[f"dtype_{name}"] = thing.dtype
            self.differ(
                f"{name}.__class__ is not ndarray or {name}.shape != {thing.shape} or "
                f"{name}.dtype is not dtype_{name} or {name}.strides != {thing.strides}"
            )
        else:
            self.differ(f"{name}.__class__ is not {kind.__name__}")
        return kind in (np.ndarray, float, int)
