"""Twins: a function as it is and compiled, each with state of its own, that do the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import micrograd as mg
from micrograd import Node

Make = Callable[[], tuple[Callable[..., Any], Sequence[Node]]]
"""What makes a function and the nodes that it reads and writes, anew at each call."""


def bits(thing: Any) -> Any:
    """Return what two results have to share: containers, types, dtypes and every bit."""
    if isinstance(thing, Node):
        node: Any = thing
        grad = node._grad if node.op is None or isinstance(node._grad, Node) else node.grad
        known = grad if grad is None or isinstance(grad, Node) else np.asarray(grad)
        known = grad if isinstance(thing, mg.Value) else known
        return (type(thing), thing.requires_grad, bits(thing._data), bits(known))
    if isinstance(thing, dict):
        return {key: bits(part) for key, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return (type(thing), *map(bits, thing))
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = dataclasses.fields(thing)
        return (type(thing), *[bits(getattr(thing, field.name)) for field in fields])
    if isinstance(thing, (np.ndarray, np.generic)):
        nan = np.isnan(thing) if thing.dtype.kind == "f" else np.zeros(thing.shape, bool)
        kept = np.where(nan, 0, thing)  # the bits of a nan differ from machine to machine
        return type(thing), thing.dtype, thing.shape, kept.tobytes(), nan.tobytes()
    return type(thing), repr(thing)


def assert_twins(make: Make, calls: Iterable[Sequence[Any]], **settings: Any) -> Any:
    """Assert that a function and its compiled twin leave and return the same at each call.

    Args:
        make: gives both their state.
        calls: the arguments of each call; there should be more than two calls of a kind.
        settings: of `compile`.

    Returns:
        the compiled function.
    """
    plain, nodes = make()
    traced, twins = make()
    compiled = mg.compile(traced, **settings)
    for number, args in enumerate(calls):
        expected, found = plain(*fresh(args)), compiled(*fresh(args))
        assert bits(found) == bits(expected), f"call {number}: {found!r} is not {expected!r}"
        for node, twin in zip(nodes, twins, strict=True):
            assert bits(twin) == bits(node), f"call {number}: {twin!r} is not {node!r}"
        assert shared([found, twins]) <= shared([expected, nodes]), f"call {number}"
    assert compiled.programs
    return compiled


def arrays_in(thing: Any) -> list[Any]:
    """Return the arrays in results and nodes, in order."""
    if isinstance(thing, Node):
        return arrays_in([thing._data, thing._grad])
    if isinstance(thing, dict):
        return arrays_in([*thing.values()])
    if isinstance(thing, (list, tuple)):
        return [array for part in thing for array in arrays_in(part)]
    return [thing] if isinstance(thing, np.ndarray) else []


def shared(thing: Any) -> set[tuple[int, int]]:
    """Return which arrays lie in the same memory and can be written to."""
    arrays = arrays_in(thing)
    pairs = [(i, j) for i in range(len(arrays)) for j in range(i)]
    return {
        (i, j)
        for i, j in pairs
        if arrays[i].flags.writeable
        and arrays[j].flags.writeable
        and np.shares_memory(arrays[i], arrays[j])
    }


def fresh(args: Any) -> Any:
    """Return arguments with nodes and arrays of their own, alike in both."""
    known: dict[int, Any] = {}

    def copy(thing: Any) -> Any:
        if isinstance(thing, Node):
            if id(thing) not in known:
                kind: Any = type(thing)
                known[id(thing)] = kind(
                    thing._data, requires_grad=thing.requires_grad, label=thing.label
                )
                known[id(thing)]._grad = thing._grad
            return known[id(thing)]
        if isinstance(thing, (list, tuple)):
            return type(thing)(map(copy, thing))
        if isinstance(thing, dict):
            return {key: copy(part) for key, part in thing.items()}
        return thing.copy("K") if isinstance(thing, np.ndarray) else thing

    return copy(args)
