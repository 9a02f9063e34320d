"""Whether what a function names from outside is what it was when the function was recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, MethodType
from typing import Any, cast

import numpy as np

from micrograd.compiler.watching.comparison import is_of
from micrograd.compiler.watching.reading import Reading
from micrograd.compiler.watching.surroundings import Surroundings, is_live

__all__ = ["Watch"]

_Array = np.ndarray[Any, Any]

_FULL = 1 << 16  # bytes up to which an array is compared whole
_SAMPLES = 4096
_OF_FUNCTIONS = ("the code of ", "the defaults of ", "the kwdefaults of ")


class Watch:
    """What a function reads from outside, and whether it is what it was.

    It covers each closure cell, global and default that the function names, and
    the user's functions that it calls, and each attribute that their code names;
    of our modules all attributes. Numbers and strings count by value and type,
    arrays by identity and elements (of those past 64 KiB some 4,096 of them), nodes and
    other objects by identity, containers by identity, length and elements.
    Nothing of the user's is run, not even a property: what its code names is watched.

    Args:
        f: a function, method, partial function or callable object.
        args: objects among its arguments, whose attributes count, too; by name or in order.
        live: tells of an object of ours whether it changes with each call, as optimizers do.
            Only those of its attributes count that the user's code names.

    Attributes:
        arrays: the arrays that were found, by id.
        generators: NumPy's generators, with their names. What they draw is no change.
        names: what one calls nodes and arrays, by id.
        nodes: the nodes that were found. Whether they require gradients is no part of this.
        writes: the attributes, globals and outer variables that the code assigns to, in order of
            the alphabet. What it only writes and never reads is no change.
        unwatched: words for what may change unnoticed: clocks and the like.
        refused: words for iterators, queues and others whose state cannot be compared.

    >>> rate = [0.1]
    >>> watch = Watch(lambda x: x * rate[0])
    >>> watch.changed()
    >>> rate[0] = 0.2
    >>> watch.changed()
    '`rate[0]` was 0.1 and is 0.2'
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Mapping[str, Any] | Iterable[Any] = (),
        live: Callable[[Any], bool] = is_live,
    ) -> None:
        things: list[tuple[str, Any]] = [("" if is_of(f, FunctionType, MethodType) else "self", f)]
        if isinstance(args, Mapping):
            things += cast("Mapping[str, Any]", args).items()
        else:
            things += [(f"args[{i}]", thing) for i, thing in enumerate(args)]
        found = Surroundings(things, live)
        self.arrays = found.arrays
        self.generators = found.generators
        self.names = found.names
        self.nodes = found.nodes
        self.writes = sorted(found.writes)
        self.unwatched = found.unwatched
        self.refused = found.refused
        self._seen = found.seen
        self._places = found.places
        self._reading = Reading(self._places)
        self._elements = {key: _Elements(array) for key, array in found.arrays.items()}

    @property
    def watched(self) -> list[str]:
        """What counts besides the code of functions, as one calls it.

        >>> rate = [0.1]
        >>> Watch(lambda x: x * rate[0]).watched
        ['rate', 'the elements of rate']
        """
        found = [word for place in self._places for word in place.words()]
        return [word for word in dict.fromkeys(found) if not word.startswith(_OF_FUNCTIONS)]

    def has_seen(self, thing: Any) -> bool:
        """Tell whether a thing was found outside of the function."""
        return id(thing) in self._seen

    def changed(self, but: Iterable[_Array] = ()) -> str | None:
        """Return words for what is no longer what it was, and for both values; None if all is.

        Args:
            but: arrays whose elements are left out.
        """
        left_out = {id(array) for array in but} if but else ()
        if not self._reading.is_as_it_was():
            for place in self._places:
                if change := place.change():
                    return change
            self._reading = Reading(self._places)  # what changed is nothing that counts
        for key, elements in self._elements.items():
            if key not in left_out and not elements.are_same():
                return f"the array `{self.names[key]}` was written to"
        return None

    def written(self, arrays: Iterable[_Array]) -> list[_Array]:
        """Return which of some arrays have other elements than they had."""
        known = [(array, self._elements.get(id(array))) for array in arrays]
        return [array for array, elements in known if elements and not elements.are_same()]

    def renew(self, arrays: Iterable[_Array]) -> None:
        """Take the elements of some arrays for what they are now."""
        for array in arrays:
            self._elements[id(array)] = _Elements(array)

    def release(self, array: _Array) -> None:
        """Leave the elements of an array out: whoever calls this reads them anew at each call."""
        self._elements.pop(id(array), None)


class _Elements:
    """The elements of an array, or some of them."""

    def __init__(self, array: _Array) -> None:
        self._array = array
        self._sample = _sample(array) if array.nbytes > _FULL else None
        self._shape = array.shape
        self._dtype = array.dtype
        self._was = self._now()

    def _now(self) -> bytes:
        array: Any = self._array
        return (array if self._sample is None else array[self._sample]).tobytes()

    def are_same(self) -> bool:
        """Tell whether they are, bit by bit, what they were."""
        array = self._array
        if array.shape != self._shape or array.dtype is not self._dtype:
            return False
        return self._now() == self._was


def _sample(array: _Array) -> tuple[_Array, ...]:
    """Return indices of elements that lie evenly in an array, and in each of its columns."""
    step = max(1, array.size // _SAMPLES)
    while math.gcd(step, math.prod(array.shape)) > 1:
        step += 1
    return np.unravel_index(np.arange(0, array.size, step), array.shape)
