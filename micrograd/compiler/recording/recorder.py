"""The recorder: one call of a function, computed on symbols, with every call that it makes noted.

The data and the gradients of nodes that were there before the call are inputs: they are read
through `seams` while the call lasts, and what is written to them is kept aside until it is over.
So if the call fails, everything is as it was.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.draws import Draws
from micrograd.compiler.recording.number import Number, user_line
from micrograd.compiler.recording.picking import STALE, Picking
from micrograd.compiler.recording.programs import Slot, form_of, is_a, item, mapped, name_of
from micrograd.compiler.recording.subscripts import is_read_at
from micrograd.compiler.recording.symbols import Symbol, Teller, overlap
from micrograd.compiler.recording.tape import Tape, call_of_numbers
from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.core.turns import underway
from micrograd.core.user_rules import read_only
from micrograd.core.versions import versions
from micrograd.engine.seals import SEALED, Seal
from micrograd.errors import CompileError, describe

_NONE: dict[str, Any] = {}

Source = tuple[str, Any]
"""Where an input comes from: "argument" and its place, or "data", "grad", "array" and whose.

Or "state", and a cell of one.
"""


class Recorder(Teller):
    """What one call of a function computes, noted on a tape.

    Args:
        arrays: the arrays that the function names from outside, by id: each is an input.
        generators: the random generators that it names, with their names.

    Attributes:
        tape: what was noted.
        sources: where each input of the tape comes from.
        data: what stands for the data of nodes from outside, now.
        grads: what stands for their gradients, now; None for none.
        writes: what was written to nodes from outside, and called for the program, in order.
        absent: by node from outside whose gradient was read, whether there was none at first.
        lines: where the user's code was at constants and checks, by slot.
        opaque: names of what is called as it is, since it could not be told.
        draws: the states of random generators.
        states: those that are read and written, each with what its `ready` said.
        picking: what recorded numbers picked from lists.
    """

    def __init__(self, arrays: dict[int, Any], generators: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self.tape = Tape()
        self.since = versions.advance()
        self.arrays = arrays
        self.sources: list[Source] = []
        self.data: dict[Node, Any] = {}
        self.grads: dict[Node, Any] = {}
        self.absent: dict[Node, bool] = {}
        self.replaced: dict[Node, None] = {}
        self.written: dict[tuple[str, Node], None] = {}
        self.hosted: list[tuple[list[Any], tuple[Any, ...]]] = []  # writes before it, and the call
        self.raising: list[int] = []  # slots of calls for which Python may raise an error
        self.lines: dict[int, str] = {}
        self.opaque: dict[str, None] = {}
        self.draws = Draws(generators)
        self.states: dict[Any, Any] = {}  # with what `ready` said
        self.cells: dict[Any, Any] = {}  # what stands for them, now
        self.picking = Picking()
        self.depth = 0  # of operations and rules that are under way
        self.done = False
        self.fresh: Any = None  # the node that was made last
        self._in_rules = False  # whether a rule was called since the last operation
        self.seams: dict[Any, Any] = {}
        self._constants: dict[Any, int] = {}
        self._lifted: dict[int, Symbol] = {}
        self._arguments: list[Symbol] = []
        self._owners: dict[int, tuple[str, Node]] = {}
        self._versions: dict[Node, int] = {}
        self._seals: dict[Node, Any] = {}
        self._decided: dict[Any, Any] = {}
        self._fresh: dict[tuple[str, Node], None] = {}  # written since the last hosted call

    @property
    def backward(self) -> bool:
        """Whether a backward pass is under way: what comes after it is not part of it."""
        return self._in_rules and bool(underway)

    @backward.setter
    def backward(self, value: bool) -> None:
        self._in_rules = value

    # Numbers

    def constant(self, x: Any) -> int:
        """Return the slot of a Python number that is no symbol."""
        key = (x.__class__, x) if x else (x.__class__, repr(x))
        slot = self._constants.get(key)
        if slot is None:
            slot = self._constants[key] = self.tape.add_constant(x, x.__class__)
            self.lines[slot] = user_line()
        return slot

    def require_own(self, number: Any) -> None:
        """Raise an error for a symbol that an earlier call has left behind."""
        if number._recorder is not self:
            raise CompileError(
                f"compile: a number that an earlier call computed was kept and is used again, at "
                f"{user_line()}. Keep it in a Value, as in `v.data = x`, or return it and give it "
                "to the next call."
            )

    def call_of_numbers(
        self, operation: Any, slots: tuple[int, ...], values: Any, settings: dict[str, Any] = _NONE
    ) -> Number:
        """Note a call of numbers, and return what stands for the result."""
        if self.done:
            raise CompileError(
                "compile: a number that was computed while a function was recorded is used after "
                "it. Return it from the function."
            )
        value = _computed(operation, values) if settings is _NONE else None
        if value.__class__ is not float:
            value = call_of_numbers(operation, values, settings)
        slot = self.tape.add(operation, slots, settings, value.__class__, self.backward)
        return Number(self, slot, value)

    def tell_number(self, op: Op, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Note a call of an operation for numbers."""
        slots: list[int] = []
        values: list[Any] = []
        for arg in args:
            if arg.__class__ is Number:
                self.require_own(arg)
                slots.append(arg._slot)
                values.append(arg._value)
            else:
                plain = bool(arg) if isinstance(arg, (bool, np.bool_)) else arg
                if not isinstance(plain, (float, int)):
                    return self.tell(op.forward, args, settings)
                plain = plain if plain.__class__ in (float, int, bool) else float(plain)
                slots.append(self.constant(plain))
                values.append(plain)
        return self.call_of_numbers(op, tuple(slots), values, settings)

    # Arrays

    def tell(self, operation: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        if self.done:
            raise CompileError(
                "compile: an array that was computed while a function was recorded is used after "
                "it. Return it from the function."
            )
        raising = [kind for kind, what in np.geterr().items() if what == "raise"]
        if raising:
            raise CompileError(
                f"{name_of(operation)}: NumPy is told to raise errors here, as by "
                f"np.errstate({raising[0]}='raise'), which a program does not. Compile what is "
                "outside of that block."
            )
        result = super().tell(operation, args, settings)
        if result.__class__ is Symbol and result._example.__class__ in (float, int, bool):
            slot = result._slot.number
            self.tape.forms[slot] = result._example.__class__
            return Number(self, slot, result._example)
        return result

    def item(self, symbol: Symbol) -> Any:
        return self.tell(item, (symbol,), {})

    def note(self, operation: Any, args: Any, settings: dict[str, Any], result: Any) -> Slot:
        given, named = mapped((args, settings), self._noted)
        form = form_of(result)
        slot = self.tape.add(operation, given, named, form, self.backward)
        self.lines[slot] = user_line()
        return Slot(slot)

    def example_of(self, leaf: Any, name: str) -> Any:
        if leaf.__class__ is Number:
            self.require_own(leaf)
            return leaf._value
        if is_a(leaf, Symbol) and leaf._teller is not self:
            raise CompileError(
                f"{name}: an array that an earlier call computed was kept and is used again, at "
                f"{user_line()}. Keep it in a Tensor, or return it and give it to the next call."
            )
        return super().example_of(leaf, name)

    def _noted(self, leaf: Any) -> Any:
        """Return what the tape keeps of an argument."""
        if leaf.__class__ is Number:
            return Slot(leaf._slot)
        if is_a(leaf, Symbol):
            return leaf._checked_slot()
        if is_a(leaf, np.ndarray):
            if id(leaf) in self.arrays:
                return self.lift_array(leaf)._slot
            return read_only(leaf.copy("K"))
        return leaf

    def lift_array(self, array: Any) -> Symbol:
        """Return what stands for an array that the function names from outside."""
        known = self._lifted.get(id(array))
        if known is None:
            known = self._lifted[id(array)] = self._input(("array", array), array)
        return known

    def constant_array(self, array: Any) -> Symbol:
        """Return what stands for an array that is the same at each call."""
        array = np.asarray(array).copy("K")
        return Symbol(self, Slot(self.tape.add_constant(array, form_of(array))), array)

    def _input(self, source: Source, example: Any) -> Any:
        self.sources.append(source)
        if example.__class__ in (float, int, bool):
            slot = self.tape.add_input(example.__class__)
            return Number(self, slot, example)
        slot = self.tape.add_input(form_of(example))
        copy = example.copy("K") if is_a(example, np.ndarray) else example
        return Symbol(self, Slot(slot), copy)

    def argument(self, place: Any, example: Any) -> Any:
        """Return what stands for an argument of the function: a number or an array."""
        symbol = self._input(("argument", place), example)
        if symbol.__class__ is Symbol:
            self._arguments.append(symbol)
        return symbol

    def attempt(self, as_it_is: Any, function: Any, args: Any, settings: dict[str, Any]) -> Any:
        """Return what a function of an operation gives; call it as it is if it cannot be told."""
        self.depth += 1
        try:
            return function(*args, **settings)
        except Exception:  # a fault of the caller's comes again, from the call as it is
            if any([isinstance(arg, Node) for arg in args]):
                raise
        finally:
            self.depth -= 1
        self.opaque[as_it_is.__name__] = None
        if any([isinstance(arg, Symbol) for arg in args]):
            return self.tell(as_it_is, args, settings)
        slots = [arg._slot if arg.__class__ is Number else self.constant(arg) for arg in args]
        values = [arg._value if arg.__class__ is Number else arg for arg in args]
        return self.call_of_numbers(as_it_is, tuple(slots), values, settings)

    def draw(self, generator: Any, method: str, args: Any, settings: dict[str, Any]) -> Any:
        """Note what is drawn from a random generator, and return what stands for it."""
        self.draws.before(generator)
        result = self.tell(getattr(np.random.Generator, method), (generator, *args), settings)
        self.draws.after(generator)
        self.tape.draws.append(len(self.tape) - 1)
        return result

    # Decisions

    def decide(self, symbol: Any, how: Any) -> Any:
        """Note what Python asks to go one way or another, and return the answer."""
        value = symbol._value if symbol.__class__ is Number else symbol._example
        if self.done:
            return how(value)
        if self.depth and symbol.__class__ is not Number:
            raise CompileError(f"{how.__name__}: the way depends on the elements of an array.")
        asked = symbol._slot if symbol.__class__ is Number else symbol._checked_slot().number
        answer = how(value)
        known = self._decided.get((asked, how))
        if how is operator.index and is_read_at(frame := sys._getframe(2)):
            self.picking.subscripts[frame.f_code] = user_line()
        if known is None:
            slot = self.tape.add(how, (asked,), _NONE, answer.__class__, self.backward)
            self.lines[slot] = user_line()
            self.tape.checks.append((slot, answer))
            self._decided[asked, how] = answer
        return answer

    # State outside of nodes

    def enter_state(self, state: Any) -> bool:
        """Take note of a state; tell whether it can be used, as it can once in a program."""
        if state in self.states or self.hosted:
            return False
        self.states[state] = state.ready()
        return True

    def read_cell(self, cell: Any) -> Any:
        """Return what stands for a part of a state."""
        return self._input(("state", cell), cell.read())

    def write_cell(self, cell: Any, value: Any) -> None:
        """Keep what is written to a part of a state."""
        self.cells[cell] = value
        self.written["state", cell] = None

    # Nodes

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
        symbol = self.data[node] = self._input(("data", node), x)
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
        symbol = self.grads[node] = self._input(("grad", node), x)
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

    def before_write(self, symbol: Symbol) -> None:
        given = [*self._lifted.values(), *self._arguments]
        if any(overlap(symbol._example, other._example) for other in given):
            raise CompileError(
                f"compile: an array from outside, or a view of it, is written to, at "
                f"{user_line()}. Copy it first, or keep it in a Tensor."
            )
        owner = self.holder(symbol)
        if owner is not None:
            self.written[owner] = None
            if owner[0] == "data":
                node = owner[1]
                self.keep_version(node)
                seams.VERSION.__set__(node, versions.write())

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


def _computed(operation: Any, values: Any) -> Any:
    """Return what a call of numbers gives the short way; None if it takes the long one."""
    try:
        scalar = operation.__dict__["scalar"] if operation.__class__ is Op else operation
        return scalar(*values)
    except (ArithmeticError, ValueError):
        return None


def describe_plainly(node: Node) -> str:
    """Return what to call a node whose data are not to be read."""
    token = seams.current.set(None)
    try:
        return describe(node)
    finally:
        seams.current.reset(token)
