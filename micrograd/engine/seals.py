"""Arrays that stand in a graph while somebody outside can write to them.

A record holds for the numbers that it was made from. The version counter notices when
`data` is assigned to; writes in place it cannot see. So:

- an operand that came from outside is copied, for the records;
- the array of a leaf is handed out as an alias, a second array over the same
  memory, which lives as long as somebody outside can write there. Only while
  it does, and records need the leaf, is the leaf sealed: the elements are kept,
  and its version becomes `SEALED`, later than that of any record. A backward pass
  compares versions at every edge anyway, and so finds the leaves to look at;
- what a record computed is handed out as a copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pickle import PickleBuffer
from threading import RLock
from typing import Any, cast
from weakref import ref

import numpy as np

from micrograd.common.captures import is_same
from micrograd.common.symbolic import Symbolic
from micrograd.core.node import CLOSED
from micrograd.core.versions import versions

SEALED = 2**62 + 1
"""The version of a leaf that has to be looked at."""

_SMALL = 1 << 12  # bytes: up to here, what is fixed costs more than what grows
_SHARED = 1 << 16  # bytes: past this, records that use the same operand share a copy
_LARGE = 1 << 25  # bytes: past this, an operand is not copied
_new_seal: Any = object.__new__

_lock = RLock()  # a signal's handler may ask for an array while this is held
_NO_COPY: Any = (lambda: None, -1)
_copies: dict[int, Any] = {}  # by the id of an operand, its copy and in which graph it was made
_latest: Any = _NO_COPY  # the last large result that was handed out, and its copy

passes: int = 0
"""How many backward passes there were."""

handed_out: int = 0
"""How often an array was handed out that records may have needed."""


def _renew_lock() -> None:
    global _lock
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class Seal:
    """What is known of a leaf whose array is, or was, in somebody's hands.

    Attributes:
        alias: a weak reference to what was handed out.
        older: the same for what was handed out before and has got another shape since.
        elements: what records need, all or a `_Sample`; None while none does.
        version: that of the leaf, while the leaf itself says `SEALED`.
    """

    __slots__ = ("alias", "elements", "older", "version")

    alias: Callable[[], Any]
    older: tuple[Callable[[], Any], ...]
    elements: Any
    version: int

    def is_held(self) -> bool:
        """Tell whether somebody can write."""
        held = self.alias() is not None
        return held or (bool(self.older) and any(one() is not None for one in self.older))

    def fits(self, array: Any) -> bool:
        """Tell whether the elements are what records need."""
        elements = self.elements
        return elements.fits(array) if elements.__class__ is _Sample else is_same(elements, array)


class _Sample:
    """Some elements of an array that is too large to be copied."""

    def __init__(self, array: Any) -> None:
        even = np.arange(1, 4097) * 0.6180339887498949 % 1  # spread, and in step with no axis
        places: Any = (even * array.size).astype(np.intp)
        self.places = cast("Any", np.unravel_index(places, array.shape))
        self.elements = array[self.places]

    def fits(self, array: Any) -> bool:
        return is_same(self.elements, array[self.places])


def keep_operand(constant: Any, array: Any) -> None:
    """Let a constant stand for an array that came from outside: a copy, or sealed if large."""
    if array.nbytes <= _SHARED:
        constant._data = array.copy("K")
        constant._seal = CLOSED
    elif array.nbytes <= _LARGE:
        constant._data = _shared_copy(array)
        constant._seal = CLOSED
    else:
        constant._seal = _sealed(lambda: array, _Sample(array), constant._version)
        constant._version = SEALED


def is_copied(operand: Any) -> bool:
    """Tell whether records keep a copy of an operand, as it is not too large."""
    return getattr(operand, "nbytes", 0) <= _LARGE


def is_locked(operand: Any) -> bool:
    """Tell whether the copy of an operand cannot be written to, so that results may be views."""
    return _SHARED < getattr(operand, "nbytes", 0) <= _LARGE


def _shared_copy(array: Any) -> Any:
    """Return a copy that the records of a graph share which use the same array, if it fits.

    What comes after a backward pass is taken for another graph: there, to copy costs less than
    to compare.
    """
    there, when = _copies.get(id(array), _NO_COPY)
    known = there() if when == passes else None
    if known is None or not is_same(known, array):
        known = array.copy("K")
        known.flags.writeable = False
        if len(_copies) > 64:
            _copies.clear()
        _copies[id(array)] = ref(known), passes
    return known


def _sealed(alias: Callable[[], Any], elements: Any, version: int) -> Seal:
    seal: Seal = _new_seal(Seal)
    seal.alias, seal.older = alias, ()
    seal.elements, seal.version = elements, version
    return seal


def secure(leaf: Any) -> None:
    """Prepare a leaf to be an argument of a record: seal it if somebody can write to it."""
    with _lock:
        seal, array = leaf._seal, leaf._data
        if not seal:
            leaf._seal = CLOSED
            return
        if isinstance(array, Symbolic):  # which notes each write itself
            return
        if seal.elements is None:
            seal.version = leaf._version
        elif not seal.fits(array):
            seal.version, seal.elements = versions.write(), None  # what was recorded does not hold
        if not seal.is_held():
            leaf._version, leaf._seal = seal.version, CLOSED
        elif seal.elements is None:
            seal.elements = array.copy()
            leaf._version = SEALED


def hand_out(leaf: Any) -> Any:
    """Return an array over the memory of a leaf, in C order, for somebody to read and to write."""
    global handed_out
    with _lock:
        seal, array = leaf._seal, leaf._data
        known = seal.alias() if seal else None
        if known is not None and known.shape == array.shape and known.dtype is array.dtype:
            return known
        # With an array for its base, NumPy would let views of the alias refer to that one.
        alias = np.ndarray(array.shape, array.dtype, cast("Any", PickleBuffer(array)))
        if seal:
            if known is not None:
                seal.older += (seal.alias,)
            seal.alias = ref(alias)
        elif seal is None:
            leaf._seal = _sealed(ref(alias), None, 0)
        else:
            leaf._seal = _sealed(ref(alias), array.copy(), leaf._version)
            leaf._version = SEALED
            handed_out += 1
        return alias


def copy_out(array: Any) -> Any:
    """Return a copy that cannot be written to, of an array that nobody outside may write to.

    NumPy's read-only flag is no guard: `np.add.at`, and other libraries, heed none.
    """
    global _latest
    if array.nbytes > _SMALL and _latest[0]() is array:
        return _latest[1]
    copy: Any = array.copy()
    copy.flags.writeable = False
    if array.nbytes > _SMALL:  # so that a loop over elements does not copy them all each time
        _latest = ref(array), copy
    return copy


def hand_out_symbol(node: Any, symbol: Any) -> Any:
    """Return what stands for the array of a node, to be written to if it is that of a leaf."""
    return symbol if node.op is None else symbol.locked()


def is_handed_out(leaf: Any, array: Any) -> bool:
    """Tell whether an array is what `hand_out` gave for a leaf."""
    seal = leaf._seal
    return bool(seal) and array is not None and seal.alias() is array


def overwrite(node: Any, data: Any) -> None:
    """Give a node other data, or the same array written to; no record of the old data holds."""
    seal: Any = getattr(node, "_seal", None)
    if seal.__class__ is not Seal:
        node._data = data
        node._version = versions.write()
        return
    with _lock:
        if data is node._data:
            seal.elements = None
        else:
            node._seal = CLOSED
        node._data = data
        node._version = versions.write()


def version_of(node: Any) -> int:
    """Return the version of a node, also of a sealed leaf."""
    version = node._version
    if version != SEALED:
        return version
    with _lock:
        return node._seal.version if node._version == SEALED else node._version


def version_for_copy(node: Any) -> int:
    """Return the version of a copy of a node: if it is sealed and written to, that of the write."""
    with _lock:
        if node._version != SEALED:
            return node._version
        seal = node._seal
        return seal.version if seal.fits(node._data) else versions.write()


def is_written(leaf: Any, version: int) -> bool:
    """Tell whether a leaf that was sealed at `version` is no longer what it was then."""
    with _lock:
        seal = leaf._seal
        if version_of(leaf) != version:
            return True
        data = leaf._data
        return bool(seal) and not isinstance(data, Symbolic) and not seal.fits(data)
