"""Nested containers of parameters: dicts, lists, tuples and dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any, cast


class Flat:
    """A tree taken apart: its leaves, where they stand, and containers to put others into.

    The containers are copies, which whoever gave the tree cannot change.

    Args:
        tree: a leaf, or a dict, list, tuple, named tuple or dataclass of trees.
        path: what to write in front of where a leaf stands.

    Attributes:
        leaves: in the order of the containers.
        paths: where each stands, as Python would write it.

    >>> flat = Flat({"W": [1, 2], "b": 3}, "p")
    >>> flat.leaves, flat.paths
    ([1, 2, 3], ["p['W'][0]", "p['W'][1]", "p['b']"])
    >>> flat.filled([10, 20, 30])
    {'W': [10, 20], 'b': 30}
    """

    __slots__ = ("_filled", "leaves", "paths")

    def __init__(self, tree: Any, path: str = "") -> None:
        self.leaves: list[Any] = []
        self.paths: list[str] = []
        self._filled = self._taken_apart(tree, path)

    def _taken_apart(self, tree: Any, path: str) -> Callable[[Iterator[Any]], Any]:
        """Note the leaves of a tree, and return what makes one like it of as many others."""
        entries = _entries(tree)
        if entries is None:
            self.leaves.append(tree)
            self.paths.append(path)
            return next
        shell = _rebuilt(tree, [entry for _, entry in entries])
        parts = [self._taken_apart(entry, path + step) for step, entry in entries]
        return lambda others: _rebuilt(shell, [part(others) for part in parts])

    def filled(self, others: Iterable[Any]) -> Any:
        """Return the same containers with the next of `others` for each leaf."""
        return self._filled(iter(others))


def tree_map(function: Callable[[str, Any], Any], tree: Any, path: str = "") -> Any:
    """Return the same containers with `function(path, leaf)` for each leaf.

    Args:
        function: called with where a leaf stands, as Python would write it, and
            the leaf. Anything that is no container is a leaf; None is a
            container of nothing.
        tree: a leaf, or a dict, list, tuple, named tuple or dataclass of trees.
        path: what to write in front.

    >>> tree_map(lambda path, leaf: f"{path}={leaf}", {"W": [1, 2], "b": 3}, "p")
    {'W': ["p['W'][0]=1", "p['W'][1]=2"], 'b': "p['b']=3"}
    """
    entries = _entries(tree)
    if entries is None:
        return function(path, tree)
    return _rebuilt(tree, [tree_map(function, entry, path + step) for step, entry in entries])


def tree_paths(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield where each leaf stands, and the leaf, in the order of the containers.

    >>> dict(tree_paths({"W": [1, 2], "b": 3}))
    {"['W'][0]": 1, "['W'][1]": 2, "['b']": 3}
    """
    entries = _entries(tree)
    if entries is None:
        yield path, tree
    else:
        for step, entry in entries:
            yield from tree_paths(entry, path + step)


def tree_leaves(tree: Any) -> list[Any]:
    """Return the leaves of a tree, in the order of its containers.

    >>> tree_leaves({"W": [1, 2], "b": 3})
    [1, 2, 3]
    """
    return [leaf for _, leaf in tree_paths(tree)]


def _entries(tree: Any) -> list[tuple[str, Any]] | None:
    """Return what a container holds, and how Python writes where; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [(f"[{key!r}]", entry) for key, entry in cast("dict[Any, Any]", tree).items()]
    if isinstance(tree, (list, tuple)):
        return [(f"[{i}]", entry) for i, entry in enumerate(cast("list[Any]", tree))]
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [(f".{f.name}", getattr(tree, f.name)) for f in _fields(tree)]
    return None


def _rebuilt(tree: Any, entries: list[Any]) -> Any:
    """Return a container of the same kind, with other entries."""
    if tree is None:
        return None
    kind = cast("type[Any]", type(tree))
    if isinstance(tree, dict):
        new = {} if kind is dict else copy(cast("dict[Any, Any]", tree))
        new.update(zip(cast("dict[Any, Any]", tree), entries, strict=True))
        return new
    if isinstance(tree, (list, tuple)):
        return kind(*entries) if hasattr(kind, "_fields") else kind(entries)
    names = [f.name for f in _fields(tree)]
    return dataclasses.replace(tree, **dict(zip(names, entries, strict=True)))


def _fields(tree: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(tree) if field.init]
