"""The program of a graph: its forward pass and its gradients, with the leaves as inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.compiler.lowering.names import Names
from micrograd.compiler.program import CompiledProgram
from micrograd.compiler.recording.programs import Slot
from micrograd.compiler.recording.recorder import Recorder
from micrograd.compiler.recording.recording import Recording, seams
from micrograd.compiler.replaying.replay import Replay
from micrograd.core.node import Node, topological_order
from micrograd.core.record import record
from micrograd.engine.autodiff import require_gradient
from micrograd.errors import CompileError, describe


def program_of(root: Any, how: str | None, exact: bool) -> CompiledProgram:
    """Return the program of the graph of a node, and of its gradients.

    Args:
        root: the node, of either kind; a Tensor of several elements begins with ones.
        how: how numbers are computed; see `compile`.
        exact: likewise.
    """
    require_gradient("compile", root, "compile")
    if root.op is None:
        raise CompileError(
            f"compile: {describe(root)} is a leaf, from which there is nothing to compute. Give a "
            "node that was computed, or a function."
        )
    recorder = Recorder({})
    order = topological_order(root)
    leaves = [node for node in order if node.op is None]
    with seams.recording(recorder):
        again: dict[Node, Any] = {}
        for node in order:
            again[node] = _again(node, again, recorder)
        top = again[root]
        top.backward(None if np.size(top.data) == 1 else np.ones(top.shape, top.dtype))
        names = _names(recorder, leaves)
        gradients = {names[leaf]: recorder.grads[leaf] for leaf in leaves if leaf.requires_grad}
        recording = Recording(recorder, {"value": seams.DATA.__get__(top), "gradients": gradients})
        places = {
            node: (
                _slot(node, recorder.data, seams.DATA, again[node]),
                _slot(node, recorder.grads, seams.GRAD, again[node]),
            )
            for node in order
        }
    recorder.close()
    recording.effects.clear()
    recording.absent.clear()
    called = [names[node] for _, node in recording.sources]
    replay = Replay(
        recording, {}, dict(zip(recording.tape.inputs, called, strict=True)), how, exact
    )
    return CompiledProgram(root.label or "graph", replay, called, places)


def _again(node: Any, again: dict[Node, Any], recorder: Recorder) -> Any:
    if node.op is None:
        recorder.read_data(node, seams.DATA.__get__(node))
        recorder.write_grad(node, None)
        return node
    first, *others = [again[parent] for parent in node.parents]
    rest: Any = None if not others else others[0] if len(others) == 1 else (first, *others)
    return record(node.op, first, rest, node.settings)


def _names(recorder: Recorder, leaves: list[Node]) -> dict[Node, str]:
    names = Names()
    return {leaf: names.new(leaf.label or f"x{i + 1}") for i, leaf in enumerate(leaves)}


def _slot(node: Node, held: dict[Node, Any], slot: Any, again: Any) -> Any:
    """Return what stands for the data, or the gradient, of a node of the graph."""
    x = held.get(node) if node.op is None else slot.__get__(again)
    place: Any = getattr(x, "_slot", None)
    return Slot(place) if place.__class__ is int else place
