"""Places outside of a function that hold what it reads; each tells whether that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from micrograd.compiler.watching.comparison import (
    ABSENT,
    base_of,
    class_of,
    comparison,
    elements_of,
    is_of,
    is_unchanged,
    shown,
)
from micrograd.compiler.watching.reading import Reading, values_of


class Names:
    """Names that code reads in a mapping, or in the first of several that has them.

    Args:
        owner: what one calls that whose names they are; '' for the globals.
        mappings: gives where to look, in order.
        relevant: gives the names that count.
        thing: the object whose attributes they are; None for variables.
        is_whole: whether all of the first mapping count.
    """

    def __init__(
        self,
        owner: str,
        mappings: Callable[[], list[Any]],
        relevant: Callable[[], Iterable[str]],
        thing: Any = None,
        is_whole: bool = False,
    ) -> None:
        self._is_whole = is_whole
        self._owner = owner
        self._kind = class_of(thing)
        self._mappings = mappings
        self._relevant = relevant
        self._thing = thing
        self._was: dict[str, Any] = {}

    def now(self) -> dict[str, Any]:
        """Return what the names stand for that there are."""
        mappings = self._mappings()
        found: dict[str, Any] = {}
        for key in list(self._relevant()):
            for mapping in mappings:
                if key in mapping:
                    found[key] = _in_slot(mapping[key], self._thing)
                    break
        return found

    def remember(self) -> None:
        """Let what there is be what was."""
        self._was = self.now()

    def words(self) -> list[str]:
        """Return what one calls the things."""
        return [f"{self._owner}.{key}" if self._owner else key for key in self._was]

    def change(self) -> str | None:
        """Return words for the first name that stands for something else; None if there is none."""
        now, kind = self.now(), class_of(self._thing)
        for key in self._was | now:
            was, found = self._was.get(key, ABSENT), now.get(key, ABSENT)
            if not is_unchanged(was, found):
                what = f"`{self._owner}.{key}`" if self._owner else f"the global `{key}`"
                return comparison(what, was, found)
        if kind is not self._kind:
            return f"`{self._owner}` was a {self._kind.__name__} and is a {kind.__name__}"
        return None

    def join(self, reading: Reading) -> None:
        """Let a reading read these names with others."""
        first, *others = self._mappings()
        if self._is_whole and self._thing is None:
            reading.dicts.append(first)
            return
        keys = set(self._relevant())
        if not self._is_whole:
            present = [key for key in keys if key in first]
            reading.mappings += [first] * len(present)
            reading.keys += present
        if self._thing is None:
            reading.absent.append((first.keys(), frozenset(keys.difference(first.keys()))))
            return
        reading.objects.append(self._thing)
        if _has_own_reading(self._kind):
            reading.dicts.append(first)  # to read it from the object would run that
        elif has_dict(self._thing):
            (reading.whole if self._is_whole else reading.named).append(self._thing)
        for mapping in others:
            for slot in [mapping[key] for key in keys if key in mapping]:
                if is_of(slot, MemberDescriptorType):
                    reading.calls.append(partial(_in_slot, slot))
                    reading.given.append(self._thing)


def dict_of(thing: Any) -> dict[str, Any]:
    """Return the dict of a thing's attributes, without running its class's code; {} if none."""
    return object.__getattribute__(thing, "__dict__") if has_dict(thing) else {}


def has_dict(thing: Any) -> bool:
    """Tell whether a thing has a dict of attributes, and not a property that is called so."""
    for kind in type(thing).__mro__:
        if "__dict__" in vars(kind):
            return is_of(vars(kind)["__dict__"], GetSetDescriptorType, MemberDescriptorType)
    return False


def _has_own_reading(kind: Any) -> bool:
    """Tell whether a class says in code of its own what reading an attribute does."""
    name = "__getattribute__"
    return any(name in vars(k) and is_of(vars(k)[name], FunctionType) for k in kind.__mro__)


def _in_slot(value: Any, thing: Any) -> Any:
    """Return what stands in a slot of a thing, given the descriptor that its class has there."""
    if thing is None or not is_of(value, MemberDescriptorType):
        return value
    try:
        return value.__get__(thing)
    except (AttributeError, TypeError):  # it is empty, or of another class
        return ABSENT


class Single:
    """What stands in a cell, or in a field of a function.

    Args:
        what: the words for it.
        read: a function of the owner that gives it.
        owner: the cell or the function.
    """

    def __init__(self, what: str, read: Callable[[Any], Any], owner: Any) -> None:
        self._what = what
        self._read = read
        self._owner = owner
        self._was: Any = ABSENT

    def now(self) -> Any:
        """Return what stands there."""
        try:
            return self._read(self._owner)
        except ValueError:  # an empty cell
            return ABSENT

    def remember(self) -> None:
        """Let what there is be what was."""
        self._was = self.now()

    def words(self) -> list[str]:
        """Return what one calls the thing."""
        return [self._what.replace("`", "")]

    def change(self) -> str | None:
        """Return words if something else stands there."""
        now = self.now()
        return None if is_unchanged(self._was, now) else comparison(self._what, self._was, now)

    def join(self, reading: Reading) -> None:
        """Let a reading read this with others."""
        empty = self._was is ABSENT
        reading.calls.append(_now_of if empty else self._read)
        reading.given.append(self if empty else self._owner)


def _now_of(single: Single) -> Any:
    return single.now()


class Contents:
    """The elements of a container; of a dict the keys and the values.

    Args:
        name: what one calls it.
        container: one that can be changed.
    """

    def __init__(self, name: str, container: Any) -> None:
        self._name = name
        self._container = container
        self._base = base_of(container)
        self._keyed = issubclass(self._base, dict)
        self._was: list[Any] = []
        self._values: list[Any] = []

    def now(self) -> tuple[list[Any], list[Any]]:
        """Return the elements, and the values of a dict."""
        values = list(values_of(self._container)) if self._keyed else []
        return elements_of(self._container), values

    def remember(self) -> None:
        """Let what there is be what was."""
        self._was, self._values = self.now()

    def words(self) -> list[str]:
        """Return what one calls the elements."""
        return [f"the elements of {self._name}"]

    def change(self) -> str | None:
        """Return words for another length, or for the first element that is another."""
        was, (now, values) = self._was, self.now()
        kind = f"the {self._base.__name__} `{self._name}`"
        if len(was) != len(now):
            return f"{kind} had {len(was)} elements and has {len(now)}"
        ordered = not self._keyed and self._base is not set
        for i, (a, b) in enumerate(zip(was, now, strict=True)):
            if not is_unchanged(a, b):
                what = f"`{self._name}[{i}]`" if ordered else f"a part of {kind}"
                return comparison(what, a, b)
        for key, a, b in zip(was, self._values, values, strict=False):
            if not is_unchanged(a, b):
                return comparison(f"`{self._name}[{shown(key)}]`", a, b)
        return None

    def join(self, reading: Reading) -> None:
        """Let a reading read this with others."""
        kind = class_of(self._container)
        if kind is list:
            reading.lists.append(self._container)
        elif kind is dict:
            reading.dicts.append(self._container)
        else:
            reading.others.append(self._container)
            if self._keyed:
                reading.others.append(values_of(self._container))
