"""Elements of lists that a recorded number picks: instructions of the program, no decisions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NoReturn, cast

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.symbols import Symbol
from micrograd.core.node import Node
from micrograd.core.op import Each, Op, registry
from micrograd.engine.value import Value
from micrograd.ops import where
from micrograd.ops.reach import Same

ADD, WHERE = registry["add"], registry["where"]

__all__ = ["STALE", "Picked", "Picking", "UnpickedError", "pick"]


OF_AN_INDEX = (
    "a list is picked from by the code of functions that f names, if their source can be read; "
    "otherwise keep the table in a Tensor, or give the row as nodes, and a target as zeros and a "
    "one, as arguments"
)
"""What to do where an index is a decision."""


class UnpickedError(Exception):
    """Something is done to what was picked that only the element itself can be asked for."""


def pick(things: Any, index: Any) -> Any:
    """Return `things[index]`; for a recorded index, what stands for that element at each call.

    So it is for lists and tuples of Values, or of numbers, or of such lists and tuples that are
    alike. All else is Python's subscript, where a recorded index is a decision.

    >>> pick(["a", "b"], 1)
    'b'
    """
    if not isinstance(index, Symbolic) or not _is_alike(things):
        return things[index]
    at: Any = _as_number(index)
    if at is None or at._recorder.done or not -len(things) <= at._value < len(things):
        return things[index]
    recorder, n = at._recorder, len(things)
    bool((at >= -n) & (at < n))  # a check: another index is none of these
    at = where(at < 0, at + n, at)
    found = _picked(things, lambda column: _one_of(at, column))
    if found.__class__ in (list, tuple):
        recorder.picking.keep(things, found)
    return found


def _as_number(index: Any) -> Number | None:
    """Return an index as a recorded integer, None if it is none."""
    if index.__class__ is Symbol:
        example = index._example
        if np.ndim(example) or np.asarray(example).dtype.kind not in "iu":
            return None
        index = index.item()
    if index.__class__ is not Number or index._value.__class__ is float:
        return None
    whole = index._recorder.call_of_numbers(operator.index, (index._slot,), (index._value,))
    return whole + 0 if whole._value.__class__ is bool else whole


def _is_alike(things: Any) -> bool:
    """Tell whether things are a list or tuple of Values, of numbers, or of such that are alike."""
    return things.__class__ in (list, tuple) and _form(things) is not None


def _form(thing: Any) -> Any:
    """Return what has to be equal for two things to be alike; None for what cannot be picked."""
    if isinstance(thing, Value):
        return Value
    if thing.__class__ in (list, tuple):
        forms = [_form(part) for part in thing]
        if not forms or forms[0] is None or any([form != forms[0] for form in forms]):
            return None
        return thing.__class__, len(forms), forms[0]
    kind = thing._value.__class__ if thing.__class__ is Number else thing.__class__
    return float if kind in (float, int) else None


def _picked(things: Sequence[Any], one_of: Callable[[Sequence[Any]], Any]) -> Any:
    kind: Any = things[0].__class__
    if kind in (list, tuple):
        return cast(Any, kind([_picked(column, one_of) for column in zip(*things, strict=True)]))
    return one_of(things)


def _one_of(at: Number, column: Sequence[Any]) -> Any:
    """Return what stands for the picked one of some Values, or of some numbers."""
    if not isinstance(column[0], Value):
        return _chosen(at, *column)
    computed = any([one.op is not None for one in column])
    node = (PICK if computed else PICK_LEAF)(at, *column)
    node.__class__ = Picked
    at._recorder.picking.enter(node, column)
    return node


def _chosen(at: Any, *column: Any) -> Any:
    """Return an element by halves: each step asks on which side of the middle the index is."""
    if at.__class__ is not Number:
        return column[int(at)]
    known = at._recorder.picking.sides

    def between(low: int, high: int) -> Any:
        if high - low == 1:
            return column[low]
        middle = (low + high) // 2
        side = known.get((at._slot, middle))
        if side is None:
            side = known[at._slot, middle] = at < middle
        return where(side, between(low, middle), between(middle, high))

    return between(0, len(column))


def _rule(i: int, g: Any, y: Any, at: Any, *column: Any) -> Any:
    """Return g for the element that was picked, and 0 for the others, whatever g is."""
    return where(_is_at(at._data if isinstance(at, Node) else at, i - 1, len(column)), g, 0.0)


def _is_at(at: Any, place: int, n: int) -> Any:
    return at._recorder.picking.is_at(at, place, n) if at.__class__ is Number else at == place


class _Reach(Same):
    """Of the elements the one that was picked."""

    selects = True

    def through(self, node: Node, mask: Any) -> Callable[[int], Any]:
        at, *column = node.parents

        def one(i: int) -> Any:
            here = _is_at(at._data, i - 1, len(column))
            return at._data._recorder.picking.both(mask, here) if mask is not True else here

        return one


class _Picking(Op):
    """An operation whose forward is recorded as the calls that it makes."""

    scalar: Any = None  # stands before the seam of `Op`, and behind what `trust` sets


PICK = _Picking("pick", _chosen, Each(_rule), reach=_Reach())
"""Of computed nodes, from which a gradient goes on."""

PICK_LEAF = _Picking("pick", _chosen, Each(_rule))
"""Of leaves."""

for _op in (PICK, PICK_LEAF):
    _op.trust()


class Picked(Value):
    """What stands for the Value that was picked: read like it, but it is another object."""

    __slots__ = ()
    __hash__: Any = Value.__hash__

    def _fail(self, *args: Any) -> Any:
        seams.current.get().picking.fail()

    data: Any = property(lambda self: self._data, _fail)
    grad: Any = property(_fail, _fail)
    label: Any = property(_fail, _fail)
    has_grad: Any = property(_fail)
    zero_grad: Any = _fail
    __eq__: Any = _fail
    __ne__: Any = _fail


class Picking:
    """What was picked while a function was recorded.

    Attributes:
        subscripts: the code that indexed lists by recorded numbers, as Python does, and where.
        failed: whether something was done to what was picked that cannot be done to it.
        sides: on which side of a middle an index is, by its slot and the middle.
    """

    def __init__(self) -> None:
        self.subscripts: dict[CodeType, str] = {}
        self.failed = False
        self.sides: dict[tuple[int, int], Any] = {}
        self._places: dict[tuple[int, int, int], Any] = {}  # by slot of an index, n and place
        self._some: dict[int, Any] = {}  # by slot of a truth: of which index, of n, it is which
        self._truths: dict[int, Any] = {}  # by slot: whether some of them were picked
        self._of: dict[Node, list[Node]] = {}
        self._kept: list[tuple[Any, Any]] = []

    def is_at(self, at: Any, place: int, n: int) -> Any:
        """Return whether an index of n elements is that of one place."""
        key = at._slot, n, place
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = self._truth(at == place)
            self._some[known._slot] = (at._slot, n), frozenset([place])
        return known

    def either(self, a: Any, b: Any) -> Any:
        """Return whether one of two masks holds: True if they are of all places of an index."""
        for one, other in ((a, b), (b, a)):
            if one is True or one is False:
                return one or other
        if not all([x.__class__ is Number and x._value.__class__ is bool for x in (a, b)]):
            return (a if a.__class__ is Number else b)._recorder.tell(np.logical_or, (a, b), {})
        (of, some), (of_other, others) = [self._some.get(m._slot, (None, a)) for m in (a, b)]
        if of is None or of != of_other:
            return self._truth(a | b)
        places = some | others
        if len(places) == of[1]:
            return True
        mask = self._truth(a | b)
        self._some[mask._slot] = of, places
        return mask

    def both(self, a: Any, b: Any) -> Any:
        """Return whether two masks hold."""
        return self._truth(a & b)

    def _truth(self, mask: Any) -> Any:
        self._truths[mask._slot] = mask
        return mask

    def presence(self, gradient: Any) -> Any:
        """Return whether a gradient has come from what was picked: True if from elsewhere, too."""
        if gradient.__class__ is not Number:
            return True
        tape, found, stack = gradient._recorder.tape, False, [gradient._slot]
        while stack:
            slot = stack.pop()
            operation, given = tape.operations[slot], tape.arguments[slot]
            if operation is ADD:
                stack += given
                continue
            is_cut = operation is WHERE and tape.constants.get(given[2], 1) == 0
            if not is_cut or given[0] not in self._truths:
                return True
            found = self.either(found, self._truths[given[0]])
        return found

    def enter(self, node: Node, column: Sequence[Node]) -> None:
        """Take note of what stands for one of some nodes."""
        for one in column:
            self._of.setdefault(one, []).append(node)

    def keep(self, *things: Any) -> None:
        """Take note of lists that have to stay as they are, since one is a copy of another."""
        self._kept += [(thing, [*_leaves(thing)]) for thing in things]

    def before_write(self, node: Node) -> None:
        """Let nothing be read any more that may stand for a node which is written to."""
        for picked in self._of.pop(node, ()):
            seams.DATA.__set__(picked, STALE)

    def require_kept(self) -> None:
        """Give up if something was done that cannot be done to what was picked."""
        for thing, leaves in self._kept:
            now = [*_leaves(thing)]
            self.failed |= len(now) != len(leaves) or any(map(operator.is_not, now, leaves))
        if self.failed:
            self.fail()

    def fail(self) -> NoReturn:
        """Give up: the function has to be recorded with Python's own subscripts."""
        self.failed = True
        raise UnpickedError


STALE: Any = object()
"""The data of what was picked, once an element was written to."""


def _leaves(thing: Any) -> Iterator[Any]:
    if thing.__class__ in (list, tuple):
        for part in thing:
            yield from _leaves(part)
    else:
        yield thing
