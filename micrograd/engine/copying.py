"""How a graph is copied and pickled, at any depth.

Python copies and pickles an object by way of what it refers to, and a chain of
nodes would take as many nested calls as it has links. So a node is handed over
as a shell, and a flat list says what belongs into each shell of its graph.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.core.node import CLOSED, Node
from micrograd.core.passes import Pass
from micrograd.core.versions import versions
from micrograd.engine.seals import version_for_copy
from micrograd.errors import GradientError

_Fields = tuple[Any, ...]
_Item = tuple["Copied", _Fields, dict[str, Any] | None, bool]

_on_the_way: ContextVar[frozenset[int]] = ContextVar("_on_the_way", default=frozenset())

Links = dict[Node, Callable[[Any], Any]]

_followed: dict[object, Links] = {}  # by block; changed at one stroke, for threads


class Following:
    """Let the copies of some nodes be what their link makes of them, in a block.

    So what a function computes with a copy of its argument depends on the
    argument. Pickles, which cannot be followed, are refused.

    Args:
        links: by node, the function that gives its copy.
    """

    __slots__ = ("_links",)

    def __init__(self, links: Links) -> None:
        self._links = links

    def __enter__(self) -> None:
        _followed[self] = self._links

    def __exit__(self, *exception: object) -> None:
        del _followed[self]


def links_now() -> Links:
    """Return what the blocks follow that are entered now, in any thread."""
    return {node: link for links in list(_followed.values()) for node, link in links.items()}


class Copied(Node):
    """A node of a graph, as copy, deepcopy and pickle see it."""

    __slots__ = ()

    # The slots that make up a node, in the order of the pickles that there are.
    _copied = (
        *("_version", "_data", "_first", "_grad", "_rest", "label", "op", "settings"),
        *("requires_grad", "_scope", "_seal"),
    )

    def _fields(self) -> _Fields:
        fields = {name: getattr(self, name, None) for name in self._copied}
        fields["_version"] = version_for_copy(self)
        if isinstance(self._grad, Pass):  # one that is under way has left no gradient yet
            fields["_grad"] = None
        if self.op is None:
            fields["_seal"] = CLOSED
        return tuple(fields.values())

    def _fill(self, fields: _Fields, extra: dict[str, Any] | None) -> None:
        """Become the node that `_fields` was called on; `extra` is what a subclass added."""
        for name, field in zip(self._copied, fields, strict=True):
            setattr(self, name, field)
        if extra:
            self.__dict__.update(extra)

    def _become(self, other: Copied) -> None:
        """Take over the record of another node, so that this is what was computed."""
        self._fill(other._fields(), None)
        for slot in ("_origin", "_scope"):
            if hasattr(other, slot):
                setattr(self, slot, getattr(other, slot))

    def _linked(self) -> Iterator[Any]:
        """Yield the nodes that this one refers to: its parents, and a gradient with a graph."""
        yield from self.parents
        if isinstance(self._grad, Node):
            yield self._grad

    def __copy__(self) -> Self:
        """Return a node with the same record, or a leaf with a copy of the data."""
        link = links_now().get(self)
        if link is not None:
            return link(self)
        twin = _shell(type(self))
        twin._fill(self._fields(), getattr(self, "__dict__", None))
        for name in ("_data", "_grad"):
            field = getattr(twin, name)
            if isinstance(field, np.ndarray):
                setattr(twin, name, _own(field))
            elif isinstance(field, Symbolic):
                setattr(twin, name, copy.copy(field))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy of the whole graph behind this node."""
        links = links_now()
        nodes = [node for node in _reachable(self, links) if id(node) not in memo]
        for node in nodes:
            memo[id(node)] = links[node](node) if node in links else _shell(type(node))
        for node in nodes:
            if node in links:
                continue
            extra = copy.deepcopy(getattr(node, "__dict__", None), memo)
            memo[id(node)]._fill([_deeply(field, memo) for field in node._fields()], extra)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return what pickle needs: a shell, and what belongs into those of the graph."""
        if id(self) in _on_the_way.get():
            return _shell, (type(self),)
        graph, links = _reachable(self), links_now()
        if links and not links.keys().isdisjoint(graph):
            raise GradientError(
                "pickle: came a node that depends on an argument of the function that is being "
                "differentiated, which bytes cannot be followed back to. Use copy.deepcopy(x), "
                "which is followed, or x.detach() for a constant."
            )
        return _shell, (type(self),), _Graph(graph), None, None, _fill_all


class _Graph(list["Copied"]):
    """The nodes of a graph, which pickle as one flat list."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (), None, self._items()

    def _items(self) -> Iterator[_Item]:
        token = _on_the_way.set(_on_the_way.get() | {id(node) for node in self})
        try:
            for node in self:
                yield node, node._fields(), getattr(node, "__dict__", None), _is_read_only(node)
        finally:
            _on_the_way.reset(token)


# What stood in a pickle, in this order, before leaves had seals.
_WITHOUT_SEAL: tuple[str, ...] = (
    *("_data", "_first", "_grad", "_rest", "_version", "label", "op", "settings"),
    *("requires_grad", "_scope"),
)


def _fill_all(root: Any, items: list[_Item]) -> None:
    for node, fields, extra, read_only in items:
        if len(fields) == len(_WITHOUT_SEAL):
            named = dict(zip(_WITHOUT_SEAL, fields, strict=True))
            named["_seal"] = None if named["op"] else CLOSED
            fields = tuple([named[name] for name in node._copied])
        node._fill(fields, extra)
        if read_only:
            node._data.flags.writeable = False
    versions.reach(max([node._version for node, *_ in items]))


def _is_read_only(node: Copied) -> bool:
    data = node._data
    return data.__class__ is np.ndarray and not data.flags.writeable


def _shell(kind: type[Any]) -> Any:
    """Return a node with nothing in it."""
    return object.__new__(kind)


def _reachable(root: Copied, ends: Collection[Node] = ()) -> list[Copied]:
    """Return every node that `root` refers to, itself first, but not what lies behind `ends`."""
    seen: dict[Copied, None] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            if node in ends:
                continue
            stack += [linked for linked in node._linked() if linked not in seen]
    return list(seen)


def _deeply(field: Any, memo: dict[int, Any]) -> Any:
    if isinstance(field, np.ndarray):
        return _own(field)
    return copy.deepcopy(field, memo)


def _own(array: Any) -> Any:
    """Return a copy of an array, read-only if it is."""
    twin = array.copy()
    twin.flags.writeable = array.flags.writeable
    return twin
