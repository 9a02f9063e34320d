"""Names of a program's values, and how Python writes its constants."""

from __future__ import annotations

import builtins
import keyword
import math
import operator
import re
from typing import Any

import numpy as np

from micrograd.compiler.recording.programs import is_a, name_of

_RESERVED = {"np", "math", "operator", "program", *dir(builtins), *keyword.kwlist}


class Names:
    """Names that differ from each other, and from what Python and NumPy have.

    >>> names = Names()
    >>> [names.new(wish) for wish in ("layer.0 W", "lambda", "t", "t", "2nd")]
    ['layer_0_W', 'lambda_', 't', 't_2', '_2nd']
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def new(self, wish: str) -> str:
        """Return a name like the one that is wished for."""
        name = re.sub(r"\W+", "_", wish).strip("_") or "x"
        name = name if name.isidentifier() else f"_{name}"
        name = made = f"{name}_" if name in _RESERVED else name
        while made in self.taken:
            self._counts[name] = self._counts.get(name, 1) + 1
            made = f"{name}_{self._counts[name]}"
        self.taken.add(made)
        return made


def literal(thing: Any) -> str | None:
    """Return how Python writes a constant, exactly; None if that takes a line of its own.

    >>> literal((1, -0.0, np.float32(0.5), np.dtype(int))), literal(float("inf"))
    ('(1, -0.0, np.float32(0.5), np.int64)', 'np.inf')
    """
    if is_a(thing, bool, int, str, bytes, type(None)):
        return repr(thing)
    if is_a(thing, np.generic):
        inner = literal(thing.item()) if thing.dtype.kind in "biuf" else None
        return inner and f"np.{thing.dtype.name.replace('bool', 'bool_')}({inner})"
    if is_a(thing, float):
        return repr(thing).replace("inf", "np.inf").replace("nan", "np.nan")
    if is_a(thing, complex):
        return f"complex({literal(thing.real)}, {literal(thing.imag)})"
    if thing is ...:
        return "..."
    if is_a(thing, np.dtype):
        if thing.kind == "b":
            return "bool"
        known = getattr(np, thing.name, None) if thing.kind in "iufc" else None
        plain = known is not None and np.dtype(known) == thing
        return f"np.{thing.name}" if plain else f'np.dtype("{thing.str}")'
    if is_a(thing, tuple, list):
        parts = [literal(part) for part in thing]
        return None if None in parts else row(parts, thing)
    if is_a(thing, slice):
        parts = [literal(part) for part in (thing.start, thing.stop, thing.step)]
        return None if None in parts else f"slice({', '.join(map(str, parts))})"
    if is_a(thing, np.ufunc) or is_a(thing, type) or callable(thing):
        return known_name(thing)
    return None


def row(parts: list[Any], like: Any) -> str:
    """Return a list or tuple of what is written already."""
    inner = ", ".join(parts)
    return f"[{inner}]" if is_a(like, list) else f"({inner}{',' * (len(parts) == 1)})"


def known_name(function: Any) -> str | None:
    """Return how Python names a function of NumPy's or its own; None if it does not.

    >>> known_name(np.add.reduce), known_name(operator.pow), known_name(known_name)
    ('np.add.reduce', 'operator.pow', None)
    """
    name = getattr(function, "__name__", "")
    for module, path in ((builtins, ""), (operator, "operator."), (math, "math.")):
        if name and getattr(module, name, None) is function:
            return path + name
    try:
        name = name_of(function)
    except (AttributeError, TypeError):
        return None
    found: Any = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return name if name.startswith("np.") and found == function else None


def array_text(array: Any) -> str:
    """Return how NumPy makes an array of constants.

    >>> array_text(np.arange(20)), array_text(np.ones(3)), array_text(np.array([1.5, -0.0]))
    ('np.arange(20)', 'np.ones(3)', 'np.array([1.5, -0.0])')
    """
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        return f"np.asfortranarray({array_text(array.copy('C'))})"
    dtype = literal(array.dtype)
    more = {np.dtype(float): "", np.dtype(int): ""}.get(array.dtype, f", {dtype}")
    if array.size and array.ndim and (array == 1).all():
        return f"np.ones({_shape(array)}{more if array.dtype != int else f', {dtype}'})"
    if array.size and (array == 0).all() and not np.signbit(array).any() and array.ndim:
        return f"np.zeros({_shape(array)}{more if array.dtype != int else f', {dtype}'})"
    counted = array.ndim == 1 and array.dtype.kind == "i" and array.size > 2
    if counted and array[0] == 0 and array[1] > 0 and (np.diff(array) == array[1]).all():
        step = int(array[1])
        ends = f"{array.size}" if step == 1 else f"0, {step * array.size}, {step}"
        return f"np.arange({ends}{f', dtype={dtype}' if more else ''})"
    listed = literal(array.tolist())
    plain = np.array(array.tolist())
    made = f"np.array({listed}{'' if plain.dtype == array.dtype else f', {dtype}'})"
    return made if plain.shape == array.shape else f"{made}.reshape({array.shape})"


def _shape(array: Any) -> str:
    return str(array.shape[0]) if array.ndim == 1 else str(array.shape)
