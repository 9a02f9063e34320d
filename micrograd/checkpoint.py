"""Memory for time: a function whose record is dropped, and made again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from micrograd.autodiff import gradients
from micrograd.clock import clock
from micrograd.errors import GradientError
from micrograd.leaves import like
from micrograd.node import Node, enable_grad
from micrograd.op import OneOff
from micrograd.passes import nodes_outside
from micrograd.record import attach
from micrograd.traces import Function, Given, P, named_like, require_function
from micrograd.tree import tree_leaves, tree_map


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

    @named_like(f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        since = clock.advance()
        out = f(*args, **kwargs)
        places = iter(range(len(tree_leaves(out))))

        def alone(_: str, leaf: Any) -> Any:
            place = next(places)
            if not isinstance(leaf, Node) or not leaf.requires_grad or leaf._tick < since:
                return leaf
            return _alone(leaf, place, partial(f, *args, **kwargs), since)

        return tree_map(alone, out)

    return checkpointed


def _alone(result: Node, place: int, again: Callable[[], Any], since: int) -> Node:
    """Return the result of a function as a node that computes the function again."""
    parents = tuple(nodes_outside([result], since, ()))
    kept: list[Any] = []  # the gradient that came last, and what was found for it

    def rule(i: int, g: Any, y: Any, *args: Any) -> Any:
        if not kept or kept[0] is not g:
            kept[:] = [g, _gradients_again(again, place, g, getattr(y, "_data", y), parents)]
        found = kept[1][i]
        if i == len(parents) - 1:
            kept.clear()
        return like(parents[i], 0) if found is None else found

    kind: Any = result._kind
    node = object.__new__(kind)
    node._set_leaf(result._data, False, result.label)
    node._tick = since
    attach(node, OneOff("checkpoint", rule), parents)
    return node


def _gradients_again(
    again: Callable[[], Any], place: int, g: Any, before: Any, parents: Sequence[Node]
) -> list[Any]:
    since = clock.advance()
    with enable_grad():
        result = tree_leaves(again())[place]
    if not np.array_equal(getattr(result, "_data", result), before, equal_nan=True):
        raise GradientError(
            "checkpoint: the function gave another result when it was computed again, so its "
            "gradient would be that of something else. Keep what it depends on as it was, and "
            "pass a generator's random numbers in as arguments."
        )
    return gradients([result], [g], parents, isinstance(g, Node), since)
