"""Nodes from outside while a call is recorded: what they hold is kept aside until it is over."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.picking import STALE, Picking
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.refusals import user_line
from micrograd.compiler.recording.symbols import Symbol, Teller
from micrograd.core.node import Node
from micrograd.core.versions import versions
from micrograd.engine.seals import SEALED, Seal
from micrograd.errors import CompileError, describe

Source = tuple[str, Any]
"""Where an input comes from: "argument" and its place, or "data", "grad", "array" and whose.

Or "state", and a cell of one.
"""


class Outside(Teller):
    """The base of `Recorder`: what stands for the data and the gradients of nodes from outside.

    Args:
        arrays: the arrays that the function names from outside, by id: each is an input.
    """

    def __init__(self, arrays: dict[int, Any]) -> None:
        super().__init__()
        self.since = versions.advance()
        self.arrays = arrays
        self.data: dict[Node, Any] = {}
        self.grads: dict[Node, Any] = {}
        self.absent: dict[Node, bool] = {}
        self.replaced: dict[Node, None] = {}
        self.written: dict[tuple[str, Any], None] = {}
        self.hosted: list[tuple[list[Any], tuple[Any, ...]]] = []  # writes before it, and the call
        self.states: dict[Any, Any] = {}  # with what `ready` said
        self.cells: dict[Any, Any] = {}  # what stands for them, now
        self.picking = Picking()
        self.fresh: Any = None  # the node that was made last
        self._owners: dict[int, tuple[str, Node]] = {}
        self._versions: dict[Node, int] = {}
        self._seals: dict[Node, Any] = {}
        self._fresh: dict[tuple[str, Node], None] = {}  # written since the last hosted call

    def lift(self, source: Source, example: Any) -> Any:
        """Return what stands for an input, which is a number or an array."""
        raise NotImplementedError

    def lift_array(self, array: Any) -> Symbol:
        """Return what stands for an array that the function names from outside."""
        raise NotImplementedError

    def is_outside(self, node: Node) -> bool:
        """Tell whether a node was there before the call."""
        try:
            version = seams.VERSION.__get__(node)
        except AttributeError:  # one that is just being made
            self.fresh = node
            return False
        return version < self.since or version == SEALED or node in self._versions

    def read_data(self, node: Node, x: Any) -> Any:
        """Return what stands for the data `x` of a node."""
        known = self.data.get(node)
        if known is not None:
            self._require_known("data", node)
            return known
        if x is STALE:
            self.picking.fail()
        if not self.is_outside(node):
            return x
        if node.op is not None:
            raise CompileError(
                f"compile: {describe_plainly(node)} was computed before the call, and is used in "
                "it. Compute it inside the function, or give its .data as an argument."
            )
        self._require_known("data", node)
        return self.lift_data(node, x)

    def lift_data(self, node: Node, x: Any) -> Any:
        """Return what stands for the data of a node from outside, which become an input."""
        self._keep_seal(node)
        symbol = self.data[node] = self.lift(("data", node), x)
        self._owners[id(symbol)] = ("data", node)
        return symbol

    def write_data(self, node: Node, x: Any) -> bool:
        """Keep what is written to the data of a node; tell whether the node is from outside."""
        self.picking.before_write(node)
        if node not in self.data and not self.is_outside(node):
            known = x.__class__ is np.ndarray and id(x) in self.arrays
            if known:
                seams.DATA.__set__(node, self.lift_array(x))
            return known
        if not seams.has_data(node):  # a copy that is being made
            seams.VERSION.__set__(node, versions.now)
            return False
        self.keep_version(node)
        if self.data.get(node) is not x and not node._is_number:
            self.replaced[node] = None
        self.data[node] = x
        self.written["data", node] = self._fresh["data", node] = None
        if isinstance(x, Symbol):
            self._owners[id(x)] = ("data", node)
        return True

    def write_into(self, node: Node, x: Any) -> None:
        """Keep what is written into the array, or the number, of a node from outside."""
        replaced = node in self.replaced
        self.write_data(node, x)
        if not replaced:
            self.replaced.pop(node, None)
        seams.VERSION.__set__(node, versions.write())

    def read_grad(self, node: Node, x: Any) -> Any:
        """Return what stands for the gradient `x` of a node."""
        if node in self.grads:
            self._require_known("grad", node)
            return self.grads[node]
        if isinstance(x, Symbolic) or not self.is_outside(node):
            return x
        self._require_known("grad", node)
        self.absent.setdefault(node, x is None)
        if x is None or isinstance(x, Node):
            self.grads[node] = x
            return x
        symbol = self.grads[node] = self.lift(("grad", node), x)
        self._owners[id(symbol)] = ("grad", node)
        return symbol

    def write_grad(self, node: Node, x: Any) -> bool:
        """Keep what is written to the gradient of a node; tell whether it is from outside."""
        if node not in self.grads and not self.is_outside(node):
            return False
        self.grads[node] = x
        self.written["grad", node] = self._fresh["grad", node] = None
        if isinstance(x, Symbol):
            self._owners[id(x)] = ("grad", node)
        return True

    def keep_version(self, node: Node) -> None:
        """Keep the version that a node from outside had before the call."""
        self._versions.setdefault(node, seams.VERSION.__get__(node))
        self._keep_seal(node)

    def _keep_seal(self, node: Node) -> None:
        seal = node._seal
        if seal.__class__ is Seal:
            self._seals.setdefault(node, (seal, seal.elements))

    def holder(self, symbol: Symbol) -> tuple[str, Node] | None:
        """Return which node from outside holds an array, and whether as its data or gradient."""
        what, node = self._owners.get(id(symbol), ("", None))
        held = self.data if what == "data" else self.grads
        return (what, node) if node is not None and held.get(node) is symbol else None

    def enter_state(self, state: Any) -> bool:
        """Take note of a state; tell whether it can be used, as it can once in a program."""
        if state in self.states or self.hosted:
            return False
        self.states[state] = state.ready()
        return True

    def read_cell(self, cell: Any) -> Any:
        """Return what stands for a part of a state."""
        return self.lift(("state", cell), cell.read())

    def write_cell(self, cell: Any, value: Any) -> None:
        """Keep what is written to a part of a state."""
        self.cells[cell] = value
        self.written["state", cell] = None

    def host(self, function: Any, args: Any, kwargs: dict[str, Any], later: Any) -> None:
        """Note what is to be called after the program, and what has to be written before it."""
        self.hosted.append((self.writes(), (function, args, kwargs, later)))
        self.written.clear()
        self._fresh.clear()

    def require_whole(self) -> None:
        """Raise an error if an array of a node was written to by way of a view that is no part."""
        for held in (*self.data.values(), *self.grads.values()):
            if is_a(held, Symbol):
                held._checked_slot()

    def writes(self) -> list[tuple[str, Node, Any]]:
        """Return what has been written to nodes since the last hosted call."""
        held: Any = {"data": self.data, "grad": self.grads, "state": self.cells}
        found: list[tuple[str, Node, Any]] = []
        for what, node in self.written:
            value = held[what][node]
            found.append((what, node, value.locked() if is_a(value, Symbol) else value))
        return found

    def _require_known(self, what: str, node: Node) -> None:
        """Refuse to read what a hosted call may change."""
        if self.hosted and (what, node) not in self._fresh:
            raise CompileError(
                f"compile: {self.hosted[-1][1][3].name} runs after the program, and "
                f"{describe_plainly(node)} is read after it, at {user_line()}. Read it before, or "
                "outside of the compiled function."
            )

    def undo(self) -> None:
        """Give the nodes from outside their versions back, and what is kept for their records."""
        for node, version in self._versions.items():
            seams.VERSION.__set__(node, version)
        for node, (seal, elements) in self._seals.items():
            node._seal, seal.elements = seal, elements


def describe_plainly(node: Node) -> str:
    """Return what to call a node whose data are not to be read."""
    token = seams.current.set(None)
    try:
        return describe(node)
    finally:
        seams.current.reset(token)
