"""Nested containers of parameters: dicts, lists, tuples and dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast


def tree_map(function: Callable[[str, Any], Any], tree: Any, path: str = "") -> Any:
    """Return the same containers with `function(path, leaf)` for each leaf.

    Args:
        function: called with where a leaf stands, as Python would write it, and
            the leaf. Anything that is no container is a leaf.
        tree: a leaf, or a dict, list, tuple, named tuple or dataclass of trees.
        path: what to write in front.

    >>> tree_map(lambda path, leaf: f"{path}={leaf}", {"W": [1, 2], "b": 3}, "p")
    {'W': ["p['W'][0]=1", "p['W'][1]=2"], 'b': "p['b']=3"}
    """
    if isinstance(tree, dict):
        entries = cast("dict[Any, Any]", tree)
        return {k: tree_map(function, v, f"{path}[{k!r}]") for k, v in entries.items()}
    if isinstance(tree, (list, tuple)):
        several = cast("list[Any]", tree)
        items = [tree_map(function, item, f"{path}[{i}]") for i, item in enumerate(several)]
        kind = cast("type[Any]", type(several))
        return kind(*items) if hasattr(kind, "_fields") else kind(items)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = {f.name: getattr(tree, f.name) for f in dataclasses.fields(tree) if f.init}
        changed = {k: tree_map(function, v, f"{path}.{k}") for k, v in fields.items()}
        return dataclasses.replace(tree, **changed)
    return function(path, tree)


def tree_leaves(tree: Any) -> list[Any]:
    """Return the leaves of a tree, in the order of its containers.

    >>> tree_leaves({"W": [1, 2], "b": 3})
    [1, 2, 3]
    """
    leaves: list[Any] = []
    tree_map(lambda _, leaf: leaves.append(leaf), tree)
    return leaves
