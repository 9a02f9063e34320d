"""What stands in many places, read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from gc import get_referents
from itertools import chain
from operator import attrgetter, call, getitem
from typing import Any, Protocol, cast

import numpy as np

from micrograd.compiler.watching.comparison import ABSENT, elements_of, is_unchanged

values_of: Callable[[Any], Any] = cast("Any", dict).values
"""The values of a dict, also of one of the user's class."""


_DICT = attrgetter("__dict__")  # faster than `vars`

_FEW = 64
"""Up to how many things a line of Python that names each is quicker than reading them at once."""


class Place(Protocol):
    """What holds something that a function reads."""

    def remember(self) -> None:
        """Let what there is be what was."""

    def words(self) -> list[str]:
        """Return what one calls what it holds."""
        ...

    def change(self) -> str | None:
        """Return words for what is no longer what it was; None if all is."""

    def join(self, reading: Reading) -> None:
        """Let a reading read this with others."""


class Reading:
    """What stands in many places, read in few strokes, so that it costs next to nothing.

    Where everything is by identity what it was, nothing changed. Otherwise
    each place has to say whether it did.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self.mappings: list[Any] = []  # each beside a name in it
        self.keys: list[str] = []
        self.absent: list[tuple[Any, frozenset[str]]] = []  # all names, and those not among them
        self.objects: list[Any] = []  # of which the class counts
        self.named: list[Any] = []  # of which the names of the attributes count
        self.whole: list[Any] = []  # of which all attributes count
        self.calls: list[Callable[[Any], Any]] = []  # each beside what it is given
        self.given: list[Any] = []
        self.lists: list[list[Any]] = []
        self.dicts: list[dict[Any, Any]] = []
        self.others: list[Any] = []  # containers
        for place in places:
            place.join(self)
        self._kinds = list(map(type, self.objects))
        things, self._names, self._lengths = self._now()
        self._was = things, _pointers(things)  # at one stroke, for threads
        self._at_a_glance = _comparison(self) if len(things) <= _FEW else None

    def _now(self) -> tuple[list[Any], list[str], list[int]]:
        """Return all things, the names of attributes, and how many there are of each."""
        flat = chain.from_iterable
        whole: list[Any] = list(map(_DICT, self.whole))
        named: list[Any] = [*whole, *map(_DICT, self.named)] if self.named else whole
        things: list[Any] = [
            *get_referents(*self.lists),  # their elements
            *flat(map(values_of, whole)),
            *map(getitem, self.mappings, self.keys),
            *map(cast("Any", call), self.calls, self.given),
        ]
        if self.dicts or self.others:
            for names in self.dicts:
                things += (*names, ABSENT, *names.values())
            for thing in self.others:
                things += (*elements_of(thing), ABSENT)  # so that their lengths count
        return things, [*flat(named)], [*map(len, self.lists), *map(len, named)]

    def is_as_it_was(self) -> bool:
        """Tell whether everything is, by identity, what it was, or an equal number."""
        try:
            if self._at_a_glance is not None and self._at_a_glance(self._was[0]):
                return True
            now, names, lengths = self._now()
        except (LookupError, ValueError, AttributeError, RuntimeError):  # it is gone, or grows
            return False
        if lengths != self._lengths or names != self._names:
            return False
        if list(map(type, self.objects)) != self._kinds:
            return False
        for there, absent in self.absent:
            if not there.isdisjoint(absent):
                return False
        was, pointers = self._was
        found = _pointers(now)
        if found == pointers:
            return True
        if len(now) != len(was) or not all(map(is_unchanged, was, now)):
            return False
        self._was = now, found  # what is another thing is equal
        return True


def _comparison(reading: Reading) -> Callable[[list[Any]], bool] | None:
    """Return the function that tells whether all is, by identity, what it is given.

    It knows variables, cells, fields of functions and lists; None where there is more.
    """
    if reading.objects or reading.named or reading.dicts or reading.others:
        return None
    known: dict[str, Any] = {}
    questions: list[str] = []
    values: list[str] = []

    def name(thing: Any) -> str:
        known[f"x{len(known)}"] = thing
        return f"x{len(known) - 1}"

    for elements in reading.lists:
        there = name(elements)
        questions.append(f"len({there}) == {len(elements)}")
        values += [f"{there}[{i}]" for i in reversed(range(len(elements)))]  # so they are read
    values += [f"{name(m)}[{k!r}]" for m, k in zip(reading.mappings, reading.keys, strict=True)]
    calls = zip(reading.calls, reading.given, strict=True)
    values += [f"{name(read)}({name(owner)})" for read, owner in calls]
    questions += [f"{name(n)}.isdisjoint({name(absent)})" for n, absent in reading.absent if absent]
    questions += [f"{value} is was[{i}]" for i, value in enumerate(values)]
    return eval(f"lambda was: {' and '.join(questions) or True}", known)


def _pointers(things: list[Any]) -> bytes:
    """Return which things they are: equal for the same things only, as long as those live."""
    return np.fromiter(things, object, len(things)).tobytes()
