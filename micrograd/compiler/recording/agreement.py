"""Whether two recordings of a function are the same program, and if not, where they differ."""

from __future__ import annotations

import operator
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from micrograd.compiler.recording.picking import OF_AN_INDEX
from micrograd.compiler.recording.programs import Slot, is_a, mapped, name_of
from micrograd.compiler.recording.recording import Call, Out, OutNode, Recording, Same, Write
from micrograd.compiler.recording.tape import CONSTANT, INPUT
from micrograd.core.node import Node


class Difference(NamedTuple):
    """Where two recordings differ.

    Attributes:
        what: in words.
        decided: whether Python went another way there, by a number that it looked at, so that
            each of the two is right for its case.
    """

    what: str
    decided: bool


def difference(a: Recording, b: Recording, places: dict[Node, Any]) -> Difference | None:
    """Return the first difference between two recordings, None if there is none.

    Args:
        a: the one recorded first.
        b: the other.
        places: by node that came as an argument of one of them, its place.
    """
    if _absent(a, places) != _absent(b, places):
        return Difference("a gradient was there in one call, and not in the other", True)
    first, second = a.tape, b.tape
    earlier, later = dict(first.checks), dict(second.checks)
    for slot in range(min(len(first), len(second))):
        same = (
            first.operations[slot] == second.operations[slot]
            and _same_form(first, second, slot)
            and _same_given(first, second, slot)
        )
        if not same and {first.operations[slot], second.operations[slot]} == {INPUT}:
            return Difference("the data of a node were of another kind, such as int or float", True)
        if not same:
            return Difference(_told(a, b, slot), False)
        if first.operations[slot] is CONSTANT and not _alike(
            first.constants[slot], second.constants[slot]
        ):
            return Difference(
                f"a number from outside was {first.constants[slot]!r} and is "
                f"{second.constants[slot]!r}, at {b.lines.get(slot)}. Give it to the function as "
                "an argument, or keep it in a Value",
                False,
            )
        if slot in earlier and slot in later and earlier[slot] != later[slot]:
            advice = f" ({OF_AN_INDEX})" if first.operations[slot] is operator.index else ""
            return Difference(
                f"Python decided by a number that is computed, at {b.lines.get(slot)}: it was "
                f"{earlier[slot]!r} and is {later[slot]!r}{advice}",
                True,
            )
    if len(first) != len(second):
        return Difference(f"one call made {len(first)} calls, the other {len(second)}", False)
    for one, other in zip_longest(a.sources, b.sources):
        if _place(one, places) != _place(other, places):
            return Difference(f"one read {_source(one)}, the other {_source(other)}", False)
    for one, other in zip(a.results, b.results, strict=False):
        if _is_strange(one) and one.constant is not getattr(other, "constant", None):
            kind = type(one.constant).__name__
            return Difference(
                f"f returns an object of class {kind} that it makes, where a program returns "
                "numbers, arrays, nodes, and dicts, lists, tuples and dataclasses of them",
                False,
            )
    if _results(a, places) != _results(b, places):
        return Difference("what they returned is of other kinds", False)
    if not _same_effects(a, b, places):
        return Difference("they wrote to other nodes, or called something else after it", False)
    return None


def _absent(recording: Recording, places: dict[Node, Any]) -> dict[Any, bool]:
    return {places.get(node, id(node)): none for node, none in recording.absent.items()}


def _same_form(first: Any, second: Any, slot: int) -> bool:
    a, b = first.forms[slot], second.forms[slot]
    # What a call of numbers gives may be an int or a float, as that of relu.
    return a == b or (first.is_call(slot) and {a, b} == {int, float})


def _same_given(first: Any, second: Any, slot: int) -> bool:
    a, b = first.arguments[slot], second.arguments[slot]
    if first.has_plain_slots(slot) or not a:
        return a == b and first.settings[slot] == second.settings[slot]
    return _key(a) == _key(b) and _key(first.settings[slot]) == _key(second.settings[slot])


def _key(thing: Any) -> Any:
    """Return containers as something that `==` compares, element by element."""
    if is_a(thing, tuple, list):
        return (thing.__class__, *map(_key, thing))
    if is_a(thing, dict):
        return tuple((k, _key(v)) for k, v in thing.items())
    if is_a(thing, slice):
        return ("slice", _key(thing.start), _key(thing.stop), _key(thing.step))
    if is_a(thing, np.ndarray):
        return thing.dtype, thing.shape, thing.tobytes()
    if is_a(thing, Slot):
        return thing
    if is_a(thing, float, np.generic):
        return thing.__class__, repr(thing)
    return thing.__class__, thing


def _alike(a: Any, b: Any) -> bool:
    return a.__class__ is b.__class__ and repr(a) == repr(b)


def _told(a: Recording, b: Recording, slot: int) -> str:
    names = [
        operation if operation in (INPUT, CONSTANT) else name_of(operation)
        for operation in (a.tape.operations[slot], b.tape.operations[slot])
    ]
    line = b.lines.get(slot) or a.lines.get(slot)
    where = f", at {line}" if line else ""
    if names[0] != names[1]:
        return f"call {slot} was {names[0]} and is {names[1]}{where}"
    given = [_leaves((t.arguments[slot], t.settings[slot])) for t in (a.tape, b.tape)]
    for was, now in zip(*given, strict=False):
        if _key(was) != _key(now) and not (is_a(was, Slot) or is_a(now, Slot)):
            return f"what {names[0]} got from outside was {was!r:.60} and is {now!r:.60}{where}"
    return f"{names[0]}, call {slot}, was given something else{where}"


def _leaves(thing: Any) -> list[Any]:
    found: list[Any] = []
    mapped(thing, found.append)
    return found


def _place(source: Any, places: dict[Node, Any]) -> Any:
    if source is None:
        return None
    what, of = source
    if isinstance(of, Node):
        return what, places.get(of, id(of))
    return (what, id(of)) if what == "array" else source


def _source(source: Any) -> str:
    if source is None:
        return "nothing"
    what, of = source
    return f"argument {of}" if what == "argument" else f"the {what} of {type(of).__name__}"


def _is_strange(result: Any) -> bool:
    """Tell whether a result is an object that may hold anything."""
    plain = (str, bytes, float, int, complex, type(None), type, np.ndarray, np.generic, np.dtype)
    return isinstance(result, Out) and result.slot is None and not is_a(result.constant, *plain)


def _results(recording: Recording, places: dict[Node, Any]) -> list[Any]:
    nodes: dict[int, int] = {}

    def key(result: Any) -> Any:
        if isinstance(result, OutNode):
            of = nodes.setdefault(result.of, len(nodes))
            parts = [_result(out) for out in (result.data, result.grad)]
            return of, result.kind, *result[4:], *parts
        if isinstance(result, Same):
            return "same", places.get(result.node, id(result.node))
        return _result(result)

    return [recording.shells, *map(key, recording.results)]


def _result(result: Any) -> Any:
    kind: Any = result.__class__
    return (result.slot, _key(result.constant)) if isinstance(result, Out) else kind


def _same_effects(a: Recording, b: Recording, places: dict[Node, Any]) -> bool:
    def key(effect: Write | Call) -> Any:
        if isinstance(effect, Call):
            return effect.function, len(effect.args)
        node = places.get(effect.node, id(effect.node))
        return effect.what, node, effect.value.slot, _key(effect.value.constant)

    return [*map(key, a.effects)] == [*map(key, b.effects)]
