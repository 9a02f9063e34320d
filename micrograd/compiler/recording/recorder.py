"""The recorder: one call of a function, computed on symbols, with every call that it makes noted.

The data and the gradients of nodes that were there before the call are inputs: they are read
through `seams` while the call lasts, and what is written to them is kept aside until it is over.
So if the call fails, everything is as it was.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable
from types import NoneType
from typing import Any

import numpy as np

from micrograd.compiler.recording import seams
from micrograd.compiler.recording.array_like import overlap
from micrograd.compiler.recording.draws import Draws
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.outside import Outside, Source
from micrograd.compiler.recording.programs import Slot, form_of, is_a, item, mapped, name_of
from micrograd.compiler.recording.refusals import asking, is_caught, user_line
from micrograd.compiler.recording.subscripts import is_read_at
from micrograd.compiler.recording.symbols import Symbol
from micrograd.compiler.recording.tape import Tape, call_of_numbers
from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.core.turns import underway
from micrograd.core.user_rules import read_only
from micrograd.core.versions import versions
from micrograd.errors import CompileError, MicrogradError

_NONE: dict[str, Any] = {}


class Recorder(Outside):
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
        refused: the first refusal that the user's code caused, which may catch it.
    """

    def __init__(self, arrays: dict[int, Any], generators: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(arrays)
        self.tape = Tape()
        self.sources: list[Source] = []
        self.raising: list[int] = []  # slots of calls for which Python may raise an error
        self.lines: dict[int, str] = {}
        self.opaque: dict[str, None] = {}
        self.draws = Draws(generators)
        self.depth = 0  # of operations and rules that are under way
        self.done = False
        self.refused: MicrogradError | None = None
        self._in_rules = False  # whether a rule was called since the last operation
        self.seams: dict[Any, Any] = {}
        self._constants: dict[Any, int] = {}
        self._lifted: dict[int, Symbol] = {}
        self._arguments: list[Symbol] = []
        self._decided: dict[Any, Any] = {}

    @property
    def backward(self) -> bool:
        """Whether a backward pass is under way: what comes after it is not part of it."""
        return self._in_rules and bool(underway)

    @backward.setter
    def backward(self, value: bool) -> None:
        self._in_rules = value

    def close(self) -> None:
        """End the recording: nodes are as they were, and nothing recorded lives on here."""
        self.done = True
        self.undo()
        self.fresh = None
        self.seams.clear()  # their functions hold the recorder

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
                plain = bool(arg) if is_a(arg, bool, np.bool_) else arg
                if not isinstance(plain, (float, int)):
                    return self.tell(op.forward, args, settings)
                plain = plain if plain.__class__ in (float, int, bool) else float(plain)
                slots.append(self.constant(plain))
                values.append(plain)
        return self.call_of_numbers(op, tuple(slots), values, settings)

    # Arrays

    def tell(self, operation: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Note a call on the tape, and return what stands for the result: a symbol, or a number."""
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
        """Return the one element of a symbol as a recorded number."""
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
            known = self._lifted[id(array)] = self.lift(("array", array), array)
        return known

    def constant_array(self, array: Any) -> Symbol:
        """Return what stands for an array that is the same at each call."""
        array = np.asarray(array).copy("K")
        return Symbol(self, Slot(self.tape.add_constant(array, form_of(array))), array)

    def lift(self, source: Source, example: Any) -> Any:
        self.sources.append(source)
        if example.__class__ in (float, int, bool):
            slot = self.tape.add_input(example.__class__)
            return Number(self, slot, example)
        slot = self.tape.add_input(form_of(example))
        copy = example.copy("K") if is_a(example, np.ndarray) else example
        return Symbol(self, Slot(slot), copy)

    def argument(self, place: Any, example: Any) -> Any:
        """Return what stands for an argument of the function: a number or an array."""
        if getattr(example, "dtype", np.dtype(float)).kind in "OSU":
            raise CompileError(
                f"compile: an argument is an array of dtype {example.dtype}, of whose elements a "
                "program knows nothing. Give numbers, or a list or tuple."
            )
        symbol = self.lift(("argument", place), example)
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

    # Refusals

    def keep(self, error: MicrogradError) -> MicrogradError:
        """Return an error to raise, and keep the first one that a user may catch."""
        if not (self.depth or self.done or self.refused) and not is_caught(asking()):
            self.refused = error.__class__(*error.args)  # which holds no frames
        return error

    def require_answered(self, error: BaseException | None = None) -> None:
        """Raise again what was refused, if the function went on, or raises another error."""
        if self.refused is None or not isinstance(error, (Exception, NoneType)):
            return
        if error is None or error.args != self.refused.args:
            raise self.refused from error

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

    # Writing

    def before_write(self, symbol: Symbol) -> None:
        given = [*self._lifted.values(), *self._arguments]
        if any(overlap(symbol._example, other._example) for other in given):
            raise self.keep(
                CompileError(
                    f"compile: an array from outside, or a view of it, is written to, at "
                    f"{user_line()}. Copy it first, or keep it in a Tensor."
                )
            )
        owner = self.holder(symbol)
        if owner is not None:
            self.written[owner] = None
            if owner[0] == "data":
                node = owner[1]
                self.keep_version(node)
                seams.VERSION.__set__(node, versions.write())


def _computed(operation: Any, values: Any) -> Any:
    """Return what a call of numbers gives the short way; None if it takes the long one."""
    try:
        scalar = operation.__dict__["scalar"] if operation.__class__ is Op else operation
        return scalar(*values)
    except (ArithmeticError, ValueError):
        return None
