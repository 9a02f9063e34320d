"""Memory for time: a function whose record is dropped, and made again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from micrograd.common.captures import Captures
from micrograd.common.symbolic import Symbolic
from micrograd.common.tree import tree_leaves, tree_map, tree_paths
from micrograd.core.node import Node
from micrograd.core.versions import versions
from micrograd.engine.autodiff import gradients
from micrograd.engine.copying import Following, links_now
from micrograd.engine.modes import enable_grad
from micrograd.engine.one_off import OneOff, attach
from micrograd.errors import GradientError
from micrograd.transforms.leaves import like
from micrograd.transforms.trace import nodes_outside
from micrograd.transforms.transformed import (
    Function,
    Given,
    P,
    Transformed,
    require_function,
)

__all__ = ["checkpoint"]


def checkpoint(f: Given[P]) -> Function:
    """Return `f` as one node that computes again in the backward pass what it does not keep.

    The gradients are the same, at every order, and so are those of nodes from
    outside that `f` uses. What lies between its arguments and results is
    dropped when it returns, and recorded again when the gradients are asked
    for: that takes the time of a forward pass, once for each result.

    Args:
        f: a function that returns nodes, or containers of them. It has to give
            the same each time.

    Raises:
        GradientError: in the backward pass, if `f` then gives something else.

    >>> from micrograd import Tensor, tanh
    >>> x = Tensor([0.5])
    >>> y = checkpoint(lambda x: tanh(tanh(x)))(x)
    >>> [parent is x for parent in y.parents]
    [True]
    >>> y.backward()
    >>> x.grad.round(4)
    array([0.6398])
    """
    require_function("checkpoint", f)

    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        since = versions.advance()
        out = f(*args, **kwargs)
        links = links_now()

        def call() -> Any:
            return f(*args, **kwargs)

        def again() -> Any:
            with Following(links):  # as the first time
                return call()

        captures = Captures((call,), deep=False)  # nodes are parents; running means may change
        given = [node for node in tree_leaves([args, kwargs]) if isinstance(node, Node)]

        def alone(path: str, leaf: Any) -> Any:
            if not isinstance(leaf, Node) or not leaf.requires_grad or leaf._version_now() < since:
                return leaf
            used = dict.fromkeys(nodes_outside([leaf], since))
            constants = [node for node in given if not node.requires_grad]
            return _alone(leaf, path, captures, again, (*(used | dict.fromkeys(constants)),), since)

        return tree_map(alone, out)

    return Transformed(checkpointed, checkpoint, f)


def _alone(
    result: Node,
    path: str,
    captures: Captures,
    again: Callable[[], Any],
    parents: tuple[Node, ...],
    since: int,
) -> Node:
    """Return the result of a function as a node that computes the function again.

    Args:
        result: what the function computed.
        path: where it stands in all that the function returned.
        captures: what the function uses from outside.
        again: the function, ready to be called.
        parents: what it used from outside; constants too, as they must not be written to.
        since: when the function was called.
    """
    wanted = [parent for parent in parents if _takes_gradient(parent)]
    digest = _digest(result, since)

    def rule(g: Any, y: Any, mask: Any) -> list[Any]:
        now = versions.advance()
        twin = _computed_again(again, path, getattr(y, "_data", y), wanted, now, digest)
        found = gradients([twin], [g], wanted, isinstance(g, Node), now, mask=mask)
        known = dict(zip(wanted, found, strict=True))
        return [like(n, 0) if known.get(n) is None else known[n] for n in parents]

    kind: Any = result._kind
    node = object.__new__(kind)
    node._set_leaf(result._data, False, result.label)
    node._version = since
    attach(node, OneOff("checkpoint", rule, captures=captures), parents)
    return node


def _takes_gradient(parent: Node) -> bool:
    """Tell whether a backward pass asks for the gradient of a parent, or of what is behind it."""
    return parent.requires_grad or parent.op is not None


def _computed_again(
    again: Callable[[], Any],
    path: str,
    before: Any,
    wanted: Sequence[Node],
    now: int,
    digest: bytes,
) -> Node:
    """Return what the function gives for the second time, which has to be what it gave before.

    Not only the result: where that is 0, what it depends on by a factor would not show.
    """
    with enable_grad():
        result = dict(tree_paths(again())).get(path)
    if isinstance(result, Node) and _same(result._data, before):
        used = [node for node in nodes_outside([result], now) if _takes_gradient(node)]
        if set(used) == set(wanted) and _digest(result, now) == digest:
            return result
    raise GradientError(
        "checkpoint: the function gave another result when it was computed again, so its "
        "gradient would be that of something else. Keep what it depends on as it was, and "
        "pass a generator's random numbers in as arguments."
    )


def _same(now: Any, before: Any) -> bool:
    return np.array_equal(_plain(now), _plain(before), equal_nan=True)


def _plain(thing: Any) -> Any:
    """Return the numbers themselves; they are another call's, too, where the calls are the same."""
    return thing.example() if isinstance(thing, Symbolic) else thing


def _digest(result: Node, since: int) -> bytes:
    """Return what tells one computation from another: its operations, settings and constants."""
    from hashlib import blake2b  # which loads OpenSSL: a tenth of what it takes to import all

    digest = blake2b(digest_size=16)
    stack, seen = [result], {result}
    while stack:
        node = stack.pop()
        if node.op is None or node._version_now() < since:
            if not _takes_gradient(node):
                digest.update(_octets(node._data))
            continue
        digest.update(f"{node.op.name} {len(node.parents)}".encode())
        for setting in tree_leaves([node.settings]):
            digest.update(_octets(setting))
        for parent in node.parents:
            if parent not in seen or not parent.parents:
                seen.add(parent)
                stack.append(parent)
    return digest.digest()


def _octets(thing: Any) -> bytes:
    thing = _plain(thing)
    if thing.__class__ is np.ndarray:
        array: Any = np.ascontiguousarray(thing)
        return f"{array.shape} {array.dtype} {crc32(array)}".encode()
    return repr(thing).encode()
