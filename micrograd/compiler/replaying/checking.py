"""checks=True: a call of the program beside one of the function itself, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from micrograd.common.tree import Flat
from micrograd.compiler.recording.draws import put_back, states_of
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.recording import Call, seams
from micrograd.compiler.replaying.replay import FAILED, Replay
from micrograd.core.node import Node
from micrograd.errors import CompileError, describe


class _Kept(NamedTuple):
    """What a node held: its data, an array as a copy, and its gradient, likewise."""

    data: Any
    grad: Any


def checked(
    name: str, replay: Replay, leaves: Sequence[Any], call: Callable[[], Any], nodes: Sequence[Node]
) -> Any:
    """Return what the function gives; it is called for good, after the program for a test.

    Args:
        name: of the function.
        replay: the program.
        leaves: those of the arguments.
        call: calls the function.
        nodes: those that either may change.

    Raises:
        CompileError: if they differ, in a result or in what they leave in a node.
    """
    hosted = any(isinstance(effect, Call) for effect in replay.recording.effects)
    before, states = _kept(nodes), states_of(replay.generators)
    others = [(state, state.kept()) for state, _ in replay.states]
    result = replay.without_calls(leaves) if hosted else replay(leaves)
    if result is FAILED:
        return FAILED
    by_program = [*map(_plain, Flat(result).leaves)]
    left = _kept(nodes)
    _restore(nodes, before)
    put_back(states)
    for state, kept in others:
        state.restore(kept)
    returned = call()
    for path, ours, theirs in zip(
        Flat(returned).paths, by_program, map(_plain, Flat(returned).leaves), strict=True
    ):
        _require_same(f"the result{path}", ours, theirs, name)
    if not hosted:
        for node, ours, theirs in zip(nodes, left, _kept(nodes), strict=True):
            _require_same(f"the data of {describe(node)}", ours.data, theirs.data, name)
            _require_same(f"the gradient of {describe(node)}", ours.grad, theirs.grad, name)
    return returned


def _kept(nodes: Sequence[Node]) -> list[_Kept]:
    return [_Kept(_copy(node._data), _copy(node._grad)) for node in nodes]


def _copy(thing: Any) -> Any:
    return thing.copy() if is_a(thing, np.ndarray) else thing


def _restore(nodes: Sequence[Node], kept: Sequence[_Kept]) -> None:
    for node, was in zip(nodes, kept, strict=True):
        if not _same(node._data, was.data):
            if is_a(node._data, np.ndarray) and node._data.flags.writeable:
                np.copyto(node._data, was.data)
                node._overwrite(node._data)
            else:
                node._overwrite(was.data)
        seams.GRAD.__set__(node, _copy(was.grad))


def _plain(leaf: Any) -> Any:
    return leaf._data if isinstance(leaf, Node) else leaf


def _same(a: Any, b: Any) -> bool:
    if is_a(a, np.ndarray, np.generic) and is_a(b, np.ndarray, np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if is_a(a, float) and is_a(b, float):
        return repr(a) == repr(b)
    return a is b or (a.__class__ is b.__class__ and not is_a(a, np.ndarray) and a == b)


def _require_same(what: str, ours: Any, theirs: Any, name: str) -> None:
    if not _same(ours, theirs):
        raise CompileError(
            f"compile: {what} of {name} was {ours!r:.60} by its program, and {theirs!r:.60} by the "
            "function itself: something that it reads has changed, and no name leads to it. Give "
            "it as an argument. This call was made by the function itself."
        )
