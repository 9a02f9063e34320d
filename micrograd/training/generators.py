"""Generators of random numbers: which a training draws from, and their states as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micrograd.nn.module import Module

Generators = list[np.random.Generator]


def generators_of(model: Module, *others: Any) -> Generators:
    """Return the generators in the modules of a model, and those that others are or have as `rng`.

    Each stands there once, and they always come in the same order.

    >>> from micrograd.nn import Dropout, Linear, Sequential
    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Linear(2, 2), Dropout(0.5, rng=rng), Dropout(0.5, rng=rng))
    >>> len(generators_of(model, rng, None))
    1
    """
    found = [getattr(other, "rng", other) for other in others]
    for _, module in model.named_modules():
        found += vars(module).values()
    kept = {id(item): item for item in found if isinstance(item, np.random.Generator)}
    return list(kept.values())


def states_of(generators: Iterable[np.random.Generator]) -> list[Any]:
    """Return the states of generators, of which `json` can make text.

    >>> rng = np.random.default_rng(0)
    >>> states = states_of([rng])
    >>> first = rng.random()
    >>> set_states([rng], json.loads(json.dumps(states)))
    >>> rng.random() == first
    True
    """
    return json.loads(json.dumps([g.bit_generator.state for g in generators], default=_listed))


def set_states(generators: Iterable[np.random.Generator], states: list[Any]) -> None:
    """Set generators to the states that `states_of` gave.

    Raises:
        ValueError, TypeError, KeyError: if a state is that of another kind of generator.
    """
    for generator, state in zip(generators, states, strict=True):
        generator.bit_generator.state = _unlisted(state)


def _listed(array: Any) -> Any:
    if isinstance(array, np.ndarray):
        numbers = cast("NDArray[Any]", array)
        return {"dtype": str(numbers.dtype), "numbers": numbers.tolist()}
    return array.item()


def _unlisted(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    parts = cast("dict[str, Any]", state)
    if "numbers" in parts:
        return np.array(parts["numbers"], parts["dtype"])
    return {name: _unlisted(part) for name, part in parts.items()}
