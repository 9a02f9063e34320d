"""The arguments of a compiled function: what of them is an input, and what makes another case."""

from __future__ import annotations

import operator
from collections.abc import Iterator, MappingView, Sequence
from numbers import Number
from types import MappingProxyType
from typing import Any

import numpy as np

from micrograd.common.tree import Flat
from micrograd.compiler.recording.programs import is_a
from micrograd.core.modes import is_grad_enabled
from micrograd.core.node import Node
from micrograd.engine.copying import links_now
from micrograd.errors import CompileError


class Arguments:
    """The arguments of one call.

    Floats, integers and arrays are inputs, and so are the data of nodes; all else, truths and
    words among it, belongs to the case.

    Args:
        args: by position.
        kwargs: by name.

    Attributes:
        args, kwargs: as they were given.
        leaves: what stands in the containers, in order.
        key: what tells one case from another: kinds, shapes, dtypes, layouts, other objects.
        others: the other objects, by their places.
        has_nodes: whether there are nodes among the leaves.
        computed: the places of nodes that were computed, with a graph.
    """

    __slots__ = (*("_bare", "args", "computed", "has_nodes", "key", "kwargs", "leaves", "others"),)

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.others: dict[int, Any] = {}
        self.computed: list[int] = []
        self.has_nodes = False
        self.args, self.kwargs = args, kwargs
        self._bare = not kwargs and all([is_leaf(arg) for arg in args])
        self.leaves: Sequence[Any] = args
        shells: Any = len(args)
        if not self._bare:
            self.leaves, shells = [], []
            try:
                _take_apart((args, kwargs), self.leaves, shells)
            except RecursionError:
                raise CompileError(
                    "compile: a container among the arguments is too deep, or holds itself. Give "
                    "its parts as arguments."
                ) from None
            shells = tuple(shells)
        first: dict[int, int] = {}
        key: list[Any] = [is_grad_enabled(), shells]
        for place, leaf in enumerate(self.leaves):
            kind = leaf.__class__
            if kind is np.ndarray:
                same = first.setdefault(id(leaf), place)
                key += (leaf.shape, leaf.dtype, leaf.strides, same)
            else:
                key.append(kind if kind in _NUMBERS else self._key_of(place, leaf, first))
        self.key = tuple(key)

    def _key_of(self, place: int, leaf: Any, first: dict[int, int]) -> Any:
        kind = leaf.__class__
        if isinstance(leaf, Node):
            self.has_nodes = True
            data: Any = leaf._data
            if leaf.op is not None and leaf.requires_grad:
                self.computed.append(place)
            same = first.setdefault(id(leaf), place)
            form = data.__class__ if leaf._is_number else (np.shape(data), leaf.dtype)  # pyright: ignore
            return kind, form, leaf.requires_grad, same
        if is_a(leaf, np.generic):
            return leaf.dtype
        if isinstance(leaf, _MOVING):
            raise CompileError(
                f"compile: argument {place} is a {kind.__name__}, whose state a program does not "
                "see. Give a list, or what it yields."
            )
        self.others[place] = leaf
        if isinstance(leaf, Number):  # 0.0 equals -0.0
            return kind, repr(leaf)
        return kind, leaf if _is_known_by_value(leaf) else _Itself(leaf)

    def require_leaves(self) -> None:
        """Raise an error for a node with a graph, of which a program knows nothing."""
        for place in self.computed:
            raise CompileError(
                f"compile: argument {place} is a {type(self.leaves[place]).__name__} that was "
                "computed before the call, with a graph, which a program does not reach. Compute "
                "it inside the function, give its .data, or compile the derivative of the whole."
            )

    def is_input(self, place: int) -> bool:
        """Tell whether an argument is a number or an array that is an input."""
        leaf = self.leaves[place]
        return leaf.__class__ in (float, int) or isinstance(leaf, (np.ndarray, np.generic))

    def is_followed(self) -> bool:
        """Tell whether a transform has given one of the nodes, to differentiate by it."""
        links = links_now()
        return any([isinstance(leaf, Node) and leaf in links for leaf in self.leaves])

    def nodes(self) -> dict[Node, int]:
        """Return the nodes among the arguments, each with its first place."""
        found: dict[Node, int] = {}
        for place, leaf in enumerate(self.leaves):
            if isinstance(leaf, Node):
                found.setdefault(leaf, place)
        return found

    def filled(self, leaves: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with other leaves."""
        return (tuple(leaves), {}) if self._bare else Flat((self.args, self.kwargs)).filled(leaves)

    def require_unchanged(self, leaves: Sequence[Any], args: Any, kwargs: Any) -> None:
        """Raise an error if a container among the arguments holds something else than it did."""
        now, was = Flat((args, kwargs)), Flat((self.args, self.kwargs))
        same = now.paths == was.paths and all(map(operator.is_, now.leaves, leaves))
        if not same:
            raise CompileError(
                "compile: a container that came as an argument is changed, and a program leaves "
                "data and gradients in nodes, and nothing else. Return what changes instead."
            )

    def name(self, place: int, names: Sequence[str]) -> str:
        """Return what to call an argument, given the names of the parameters."""
        called, _, path = Flat((self.args, self.kwargs)).paths[place][len("[0][") :].partition("]")
        if not called.isdigit():  # given by name
            return called.strip("'") + path
        return (names[int(called)] if int(called) < len(names) else f"x{called}") + path


_NUMBERS = (float, int)
_MOVING = (Iterator, MappingView, MappingProxyType, memoryview)


class _Itself:
    """An object as a key: itself and no other, which lives as long as the key."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.thing is self.thing


def _is_known_by_value(thing: Any) -> bool:
    """Tell whether equal things of its class are the same, as strings, ranges and paths are."""
    kind: type[Any] = thing.__class__
    if kind.__hash__ in (None, object.__hash__):
        return False
    try:
        hash(thing)
    except TypeError:  # a tuple, or the like, with a list in it
        return False
    return True


_LEAVES = (np.ndarray, float, int, str, bool)


def is_leaf(thing: Any) -> bool:
    """Tell whether an argument is no container."""
    if thing.__class__ in _LEAVES:
        return True
    return isinstance(thing, (Node, float, int, np.ndarray, np.generic, str)) or not (
        thing is None
        or isinstance(thing, (dict, list, tuple))
        or hasattr(thing, "__dataclass_fields__")
    )


def _take_apart(thing: Any, leaves: list[Any], shells: list[Any]) -> None:
    """Note the leaves of containers in order, as `Flat` does, and what the containers are."""
    kind = thing.__class__
    if kind in _LEAVES:
        leaves.append(thing)
    elif kind is list or kind is tuple:
        shells.append((kind, len(thing), len(leaves)))
        for part in thing:
            _take_apart(part, leaves, shells)
    elif is_leaf(thing):
        leaves.append(thing)
    else:
        flat = Flat(thing)
        shells.append((shells_of(thing), tuple(flat.paths), len(leaves)))
        leaves += flat.leaves


def shells_of(tree: Any) -> Any:
    """Return the kinds of the containers, as a key."""
    if isinstance(tree, dict):
        return (tree.__class__, *[shells_of(tree[k]) for k in tree])  # pyright: ignore
    if isinstance(tree, (list, tuple)):
        return (tree.__class__, *[shells_of(part) for part in tree])  # pyright: ignore
    return tree.__class__ if tree is None or hasattr(tree, "__dataclass_fields__") else ""
