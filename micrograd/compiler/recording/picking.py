"""Elements of lists that a recorded number picks: instructions of the program, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, NoReturn

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording import seams
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.symbols import Symbol
from micrograd.core.node import Node
from micrograd.core.op import Each, Op
from micrograd.engine.value import Value
from micrograd.ops import where
from micrograd.ops.reach import Same

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
    at = _as_number(index)
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
    return index + 0 if index.__class__ is Number and index._value.__class__ is not float else None


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
    kind = things[0].__class__
    if kind in (list, tuple):
        return kind([_picked(column, one_of) for column in zip(*things, strict=True)])
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
            return here if mask is True else mask & here

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

    def _fail(self, *args: Any) -> NoReturn:
        seams.current.get().picking.fail()

    data: Any = property(lambda self: self._data, _fail)
    grad: Any = property(_fail, _fail)
    label: Any = property(_fail, _fail)
    has_grad: Any = property(_fail)
    zero_grad = __eq__ = __ne__ = __copy__ = __deepcopy__ = __reduce__ = _fail


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
        self._places: dict[tuple[int, int, int], Number] = {}  # by slot of an index, n and place
        self._some: dict[int, Any] = {}  # by slot of a truth: of which index, of n, it is which
        self._of: dict[Node, list[Node]] = {}
        self._kept: list[tuple[Any, Any]] = []

    def is_at(self, at: Number, place: int, n: int) -> Number:
        """Return whether an index of n elements is that of one place."""
        key = at._slot, n, place
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = at == place
            self._some[known._slot] = (at._slot, n), frozenset([place])
        return known

    def either(self, a: Any, b: Any) -> Any:
        """Return whether one of two masks holds: True if they are of all places of an index."""
        for one, other in ((a, b), (b, a)):
            if one is True or one is False:
                return one or other
        if any(
            [mask.__class__ is not Number or mask._value.__class__ is not bool for mask in (a, b)]
        ):
            return (a if a.__class__ is Number else b)._recorder.tell(np.logical_or, (a, b), {})
        (of, some), (of_other, others) = [self._some.get(m._slot, (None, a)) for m in (a, b)]
        if of is None or of != of_other:
            return a | b
        places = some | others
        if len(places) == of[1]:
            return True
        mask = a | b
        self._some[mask._slot] = of, places
        return mask

    def enter(self, node: Node, column: Sequence[Node]) -> None:
        """Take note of what stands for one of some nodes."""
        for one in column:
            self._of.setdefault(one, []).append(node)

    def keep(self, *things: Any) -> None:
        """Take note of lists that have to stay as they are, since one is a copy of another."""
        self._kept += [(thing, _ids(thing)) for thing in things]

    def before_write(self, node: Node) -> None:
        """Let nothing be read any more that may stand for a node which is written to."""
        for picked in self._of.pop(node, ()):
            seams.DATA.__set__(picked, STALE)

    def require_kept(self) -> None:
        """Give up if something was done that cannot be done to what was picked."""
        if self.failed or any([_ids(thing) != was for thing, was in self._kept]):
            self.fail()

    def fail(self) -> NoReturn:
        """Give up: the function has to be recorded with Python's own subscripts."""
        self.failed = True
        raise UnpickedError


STALE: Any = object()
"""The data of what was picked, once an element was written to."""


def _ids(thing: Any) -> Any:
    return [*map(_ids, thing)] if thing.__class__ in (list, tuple) else id(thing)
