"""Numbers to be read: a tape as Python, a line for each operation, as one would have written it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd.compiler.lowering.names import Names, known_name, literal
from micrograd.compiler.lowering.portable import number, of_numbers
from micrograd.compiler.lowering.scalars.kinds import ANY, FLOAT, INT, LIMIT, TRUTH, Range, kind_of
from micrograd.compiler.recording.programs import SIGNS
from micrograd.compiler.recording.tape import CONSTANT, INPUT, Tape, call_of_numbers
from micrograd.core.op import Op, registry

_CLASSES = {float: FLOAT, int: INT, bool: TRUTH}
_SIGN_OF = {
    **{getattr(operator, name): sign for name, sign in SIGNS.items()},
    **{registry[name]: sign for name, sign in (("add", "+"), ("subtract", "-"))},
    **{registry["multiply"]: "*", registry["negative"]: "-", registry["positive"]: "+"},
}
_CALLED = {abs: "abs", operator.abs: "abs", registry["absolute"]: "abs", operator.truth: "bool"}
_python: Any = operator
_NAMED: dict[Any, str] = {
    **{operator.add: "add", operator.sub: "subtract", operator.mul: "multiply"},
    **{_python.truediv: "divide", operator.neg: "negative", operator.abs: "absolute"},
    abs: "absolute",
    **{_python.floordiv: "floordiv", operator.mod: "mod", registry["reciprocal"]: "divide"},
    **{getattr(operator, name): name for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    **{operator.truth: "ne", operator.not_: "ne", bool: "ne"},
}
"""What operations are called where their kinds are known."""
_SAME = {operator.pos, registry["positive"], registry["alias"]}

OTHER = "the program was recorded for another case than these numbers"


@dataclass
class NumbersText:
    """A program of numbers as Python.

    Attributes:
        parameters: the names of the inputs.
        lines: those of the function.
        outputs: how each output is written after them.
        needs: what the lines call by name, which Python and NumPy do not have.
        head: comments before the function.
        row: the name of a list of all outputs, if there is one.
    """

    parameters: list[str]
    lines: list[str] = field(default_factory=list[str])
    outputs: list[str] = field(default_factory=list[str])
    needs: dict[str, Any] = field(default_factory=dict[str, Any])
    head: list[str] = field(default_factory=list[str])
    row: str = ""


class Writer:
    """Writes a tape of numbers as lines.

    Args:
        tape: what was recorded.
        outputs: the slots that are wanted.
        names: wishes for the names of slots.
        notes: what to say of slots.
        taken: the names that there are.
    """

    def __init__(
        self,
        tape: Tape,
        outputs: Sequence[int],
        names: Mapping[int, str],
        notes: Mapping[int, str],
        taken: Names,
    ) -> None:
        self._tape, self._wishes, self._notes, self._names = tape, names, notes, taken
        self._word: dict[int, str] = {}
        self._kind: dict[int, int] = {}
        self._range: dict[int, Range] = {}
        self._value: dict[int, Any] = {}
        self._known: dict[Any, int] = {}
        self._count = 0
        self._needs: dict[Any, str] = {}
        self.text = NumbersText([])
        for k, slot in enumerate(tape.inputs):
            name = taken.new(names.get(slot, f"x{k + 1}"))
            self._enter(slot, name, _CLASSES[tape.forms[slot]], ANY)
            self.text.parameters.append(name)
        self._checks = dict(tape.checks)
        backward = False
        for slot in tape.live(outputs):
            if tape.is_call(slot) and tape.backward[slot] is not backward:
                backward = tape.backward[slot]
                self.text.lines.append(
                    f"# {'the backward pass' if backward else 'after the backward pass'}"
                )
            self._write(slot)
        self.text.outputs = [self._word[slot] for slot in outputs]

    def _enter(self, slot: int, word: str, kind: int, known: Range) -> None:
        self._word[slot], self._kind[slot] = word, kind
        if kind != FLOAT:
            self._range[slot] = known

    def _enter_constant(self, slot: int, value: Any) -> None:
        kind = _CLASSES[value.__class__]
        self._enter(slot, str(literal(value)), kind, (0, 0) if kind == FLOAT else (value, value))
        self._value[slot] = value

    def _write(self, slot: int) -> None:
        """Write a value, which may be one that there is."""
        tape = self._tape
        operation, args = tape.operations[slot], tape.arguments[slot]
        if operation is INPUT:
            self._check(slot)
            return
        if operation is CONSTANT:
            self._enter_constant(slot, tape.constants[slot])
            return
        settings = tape.settings[slot]
        pure = (isinstance(operation, Op) and not operation.foreign) or operation in _SIGN_OF
        if pure and not settings and all([i in self._value for i in args]):
            value = _computed(operation, [self._value[i] for i in args])
            if value is not None:
                self._enter_constant(slot, value)
                return
        same = self._kept(operation, args)
        key = operation, tuple([self._word[i] for i in args]), repr(settings)
        if same is None and pure:
            same = self._known.setdefault(key, slot)
        if same is None or same == slot:
            self._write_call(slot, operation, args, settings)
        else:
            self._enter(slot, self._word[same], self._kind[same], self._range.get(same, ANY))
        self._check(slot)

    def _kept(self, operation: Any, args: Sequence[int]) -> int | None:
        """Return the argument that a call gives as it is, None if it gives another number."""
        kinds = [self._kind[i] for i in args]
        if operation in _SAME:
            return args[0] if kinds[0] != TRUTH else None
        if operation in (bool, operator.truth) and kinds[0] == TRUTH:
            return args[0]
        if operation is operator.index and kinds[0] == INT:
            return args[0]
        if operation in (registry["multiply"], operator.mul):
            for one, other in (args, args[::-1]):
                value, kind = self._value.get(one), self._kind[other]
                if value == 1 and (kind == FLOAT or (value.__class__ is int and kind == INT)):
                    return other
        return None

    def _write_call(self, slot: int, operation: Any, args: Any, settings: dict[str, Any]) -> None:
        kinds, ranges = [self._kind[i] for i in args], [self._range.get(i, ANY) for i in args]
        name: Any = _NAMED.get(operation) or getattr(operation, "name", "")
        kind, known = kind_of(name, kinds, ranges)
        if self._tape.forms[slot] is bool and not isinstance(operation, Op):
            kind, known = TRUTH, (0, 1)
        if operation is float:
            kind = FLOAT
        wide = known[0] < -LIMIT or known[1] > LIMIT
        text, is_number = self._call(operation, args, settings, kind)
        if kind != FLOAT and wide and not is_number:
            text = f"{self._need('number', number)}({text})"
        low, high = known
        word = self._new_name(slot)
        self._enter(slot, word, kind, (max(low, -LIMIT), min(high, LIMIT)))
        note = self._notes.get(slot)
        self.text.lines.append(f"{word} = {text}" + (f"  # {note}" if note else ""))

    def _call(
        self, operation: Any, args: Any, settings: dict[str, Any], kind: int
    ) -> tuple[str, bool]:
        """Return a call as text, and whether it gives a number as eager calls do."""
        words = [self._word[i] for i in args]
        sign = _SIGN_OF.get(operation)
        exact = self._value.get(args[-1]) if operation is registry["divide"] else None
        if exact:
            sign = "/"
        if sign is not None and not settings:
            if len(words) == 1:
                word = f"({words[0]})" if words[0].startswith("-") else words[0]
                return sign + word, False
            if sign == "**":
                return f"{self._need('number', number)}({_base(words[0])} ** {words[1]})", True
            return f"{words[0]} {sign} {words[1]}", False
        if operation is operator.not_:
            return f"not {words[0]}", False
        given = ", ".join(
            [
                *words,
                *[f"{k}={literal(value) or self._need(k, value)}" for k, value in settings.items()],
            ]
        )
        if operation in _CALLED:
            return f"{_CALLED[operation]}({given})", False
        if operation is registry["where"] and TRUTH not in [self._kind[i] for i in args[1:]]:
            return f"{words[1]} if {words[0]} else {words[2]}", False
        if isinstance(operation, Op):
            return f"{self._need(operation.name, operation)}({given})", True
        known = known_name(operation)
        name = known or self._need(getattr(operation, "__name__", "function"), operation)
        if kind == TRUTH or operation is float:
            return f"{name}({given})", True
        return f"{self._need('number', number)}({name}({given}))", True

    def _need(self, name: str, thing: Any) -> str:
        """Return the name by which the text knows a thing."""
        if thing not in self._needs:
            self._needs[thing] = self._names.new(name)
            made = of_numbers(thing) if isinstance(thing, Op) else thing
            self.text.needs[self._needs[thing]] = made
        return self._needs[thing]

    def _new_name(self, slot: int) -> str:
        wish = self._wishes.get(slot)
        if wish is None:
            self._count += 1
            wish = f"t{self._count}"
        return self._names.new(wish)

    def _check(self, slot: int) -> None:
        """Write what notices that a number is none for which the program is right."""
        if slot in self._checks:
            wanted, word = self._checks[slot], self._word[slot]
            asked = f"{word} != {wanted}"
            if wanted.__class__ is bool:
                asked = f"not {word}" if wanted else word
            self.text.lines.append(f"if {asked}: raise ValueError({OTHER!r})")


def _base(word: str) -> str:
    return f"({word})" if word.startswith("-") else word


def _computed(operation: Callable[..., Any], values: list[Any]) -> Any:
    """Return what a call of constants gives; None where Python raises an error."""
    try:
        return call_of_numbers(operation, values, {})
    except (ArithmeticError, ValueError):
        return None
