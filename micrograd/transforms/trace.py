"""A call of a function on nodes of its own: what the transforms differentiate."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from micrograd.common.tree import Flat, tree_leaves, tree_map
from micrograd.core.modes import is_grad_enabled
from micrograd.core.node import Node
from micrograd.core.versions import versions
from micrograd.engine.autodiff import gradients
from micrograd.engine.copying import Following
from micrograd.engine.modes import enable_grad
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import ArgumentError, GradientError, OperandError, StaleGraphError
from micrograd.ops.elementwise import alias
from micrograd.transforms.leaves import (
    as_given,
    constant,
    dtype_beside,
    fitting,
    input_node,
    is_array_symbol,
    is_numeric,
    like,
    owned,
)
from micrograd.transforms.transformed import Function

Argnums = int | Sequence[int]


class Trace:
    """One call of `f` with fresh nodes in place of the arguments to differentiate.

    Plain arguments give plain results. Results are nodes if an argument is one,
    or if `f` uses a node from outside that requires a gradient: then they are
    `linked` to the graph outside, and can be differentiated with it.

    Args:
        name: the transform, for messages.
        f: the function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        places: which of `args` to differentiate.
        has_aux: whether `f` returns a pair: what to differentiate, and something else.
    """

    def __init__(
        self,
        name: str,
        f: Function,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        places: Sequence[int],
        has_aux: bool = False,
    ) -> None:
        self.name = name
        self.chosen = [Flat(args[i], str(i)) for i in places]
        self.since = versions.advance()
        recording = is_grad_enabled()
        self.given = [leaf for flat in self.chosen for leaf in flat.leaves]
        others = [arg for i, arg in enumerate(args) if i not in places]
        dtype = dtype_beside([*self.given, *tree_leaves([others, kwargs])])
        paths = [path for flat in self.chosen for path in flat.paths]
        self.inputs = [
            input_node(f"{name}: argument {path}", leaf, dtype, recording)
            for path, leaf in zip(paths, self.given, strict=True)
        ]
        lifted, nodes = list(args), iter(self.inputs)
        for i, flat in zip(places, self.chosen, strict=True):
            lifted[i] = flat.filled(nodes)
        before = [node._version_now() for node in self.inputs]
        with enable_grad(), Following(dict.fromkeys(self.inputs, alias)):
            self.out, self.aux = self._results(f(*lifted, **kwargs), has_aux)
        if [node._version_now() for node in self.inputs] != before:
            raise StaleGraphError(
                f"{name}: f assigned to the data of its argument, so that what it returned is not "
                "a function of what was given. Compute something new from it instead."
            )
        self.outputs = self.out.leaves
        leaves = [*self.outputs, *tree_leaves(self.aux)]
        reached = [leaf for leaf in leaves if isinstance(leaf, Node)]
        outside = nodes_outside(reached, self.since, set(self.inputs))
        used = any(node.requires_grad for node in outside)
        self.bounded = used or any(node.op is not None for node in self.inputs)
        self.linked = self.bounded and recording
        self.gives_nodes = self.linked or any(isinstance(leaf, Node) for leaf in self.given)

    def _results(self, result: Any, has_aux: bool) -> tuple[Flat, Any]:
        aux = None
        if has_aux:
            if result.__class__ is not tuple or len(result) != 2:
                raise ArgumentError(
                    f"{self.name}: with has_aux=True, f has to return a pair (result, aux), but "
                    f"returned a {type(result).__name__}."
                )
            result, aux = result
        out = Flat(result)
        wrong = [type(x).__name__ for x in out.leaves if not is_numeric(x)]
        if wrong or not out.leaves:
            raise OperandError(
                f"{self.name}: f has to return numbers, arrays or nodes, but returned "
                f"{wrong[0] if wrong else 'None'}. Return anything else beside, with has_aux=True."
            )
        return out, aux

    def one_number(self) -> Any:
        """Return the result of f, which has to be one number to have a gradient."""
        out = self.outputs[0]
        if self.out.paths != [""]:
            whole = self.out.filled(self.outputs)
            raise GradientError(
                f"{self.name}: f has to return one number, but returned a {type(whole).__name__}. "
                "Use has_aux=True to return more beside it, or jacobian or vjp."
            )
        if np.size(getattr(out, "_data", out)) != 1:
            raise GradientError(
                f"{self.name}: f has to return one number, but returned shape {np.shape(out)}. "
                "Reduce it, as with .sum(), or use elementwise_grad, jacobian or vjp."
            )
        return out

    def ones(self) -> list[Any]:
        """Return a cotangent of ones for each output."""
        return [like(out, 1) for out in self.outputs]

    def pull(self, cotangents: Sequence[Any], create_graph: bool | None = None) -> list[Any]:
        """Return the gradient for each input, None where nothing reaches it.

        Args:
            cotangents: one for each output, of its shape.
            create_graph: record the pass; so it is if the trace is linked, when left out.
        """
        recorded = self.linked and is_grad_enabled() if create_graph is None else create_graph
        since = self.since if self.bounded else 0
        return pull(self.outputs, cotangents, self.inputs, recorded, since, not self.linked)

    def result(self) -> Any:
        """Return what f returned as the caller gets it: plain, unless it has to be nodes."""
        return self.out.filled(map(self._outward, self.outputs))

    def beside(self) -> Any:
        """Return what f returned beside the result, likewise."""
        return tree_map(lambda _, leaf: self._outward(leaf), self.aux)

    def _outward(self, leaf: Any) -> Any:
        if not isinstance(leaf, Node) or self.linked:
            return leaf
        if self.gives_nodes:
            return leaf.detach() if isinstance(leaf, (Value, Tensor)) else leaf
        if leaf._is_number:
            return leaf._data
        return owned(leaf._data)  # the graph may be used again: it keeps its own

    def slopes(self, found: Sequence[Any], nodes: bool = False) -> list[Any]:
        """Return gradients as the caller gets them, in the structure of each argument.

        Args:
            found: the gradient for each input, None for zeros.
            nodes: make them nodes also where the results of f are plain.
        """
        taken: set[int] = set()

        def slope(given: Any, node: Node, g: Any) -> Any:
            g = like(node, 0) if g is None else g
            if nodes or self.gives_nodes:
                return g if isinstance(g, Node) else constant(node, g)
            return as_given(given, getattr(g, "_data", g), taken)

        slopes = iter([*map(slope, self.given, self.inputs, found)])
        return [flat.filled(slopes) for flat in self.chosen]

    def tangent(self, found: Sequence[Any], nodes: bool = False) -> Any:
        """Return the derivative of each output as the caller gets it, in the structure of f's."""

        def tangent(out: Any, moved: Any) -> Any:
            moved = like(out, 0) if moved is None else moved
            if (nodes or self.gives_nodes) and isinstance(out, Node):
                return moved if isinstance(moved, Node) else constant(out, moved)
            data = getattr(moved, "_data", moved)
            is_array = data.__class__ is np.ndarray or is_array_symbol(data)
            return data[()] if is_array and not np.ndim(data) else data

        return self.out.filled(map(tangent, self.outputs, found))

    def cotangents(self, tree: Any, what: str = "cotangent") -> list[Any]:
        """Return what came as a gradient for the outputs, checked against them, in order."""
        what = f"{self.name}: the {what}"
        return fitting(what, tree, self.out.paths, self.outputs, "the result of f")


def pull(
    outputs: Sequence[Any],
    cotangents: Sequence[Any],
    wrt: Sequence[Node],
    create_graph: bool,
    since: int,
    linear: bool = False,
) -> list[Any]:
    """Return the gradient for each node of `wrt`, of outputs that may be of either kind."""
    totals: list[Any] = [None] * len(wrt)
    for is_number in (True, False):
        roots: list[Node] = []
        starts: list[Any] = []
        for out, start in zip(outputs, cotangents, strict=True):
            if isinstance(out, Node) and out._is_number is is_number:
                roots.append(out)
                starts.append(_start(out, start, create_graph))
        if roots:
            found = gradients(roots, starts, wrt, create_graph, since, linear)
            totals = [_sum(*pair) for pair in zip(totals, found, strict=True)]
    return totals


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _start(out: Node, start: Any, create_graph: bool) -> Any:
    if create_graph:
        return start if isinstance(start, Node) else constant(out, start)
    return start._data if isinstance(start, Node) else start


class Places:
    """Which positional arguments to differentiate, as `argnums` says it."""

    def __init__(self, name: str, argnums: Argnums) -> None:
        self.name = name
        several = isinstance(argnums, (tuple, list))
        self.argnums = tuple(argnums) if isinstance(argnums, list) else argnums
        self.alone = not several
        try:
            given: Any = argnums if several else (argnums,)
            self.numbers = [operator.index(number) for number in given]
        except TypeError:
            raise OperandError(
                f"{name}: argnums has to be an integer or a tuple of integers, but came "
                f"{argnums!r}. It says which positional arguments to differentiate."
            ) from None
        if not self.numbers or len(set(self.numbers)) < len(self.numbers):
            raise self._each_once(argnums)

    def among(self, args: Sequence[Any]) -> list[int]:
        """Return the places, counted from the first of `args`."""
        n = len(args)
        for number in self.numbers:
            if not -n <= number < n:
                raise ArgumentError(
                    f"{self.name}: argnums names argument {number}, but the function was called "
                    f"with {n} positional arguments. Give that argument by position."
                )
        places = [number % n for number in self.numbers]
        if len(set(places)) < len(places):
            raise self._each_once(tuple(self.numbers))
        return places

    def _each_once(self, argnums: Any) -> ArgumentError:
        return ArgumentError(
            f"{self.name}: argnums has to name one or more arguments, each once, but came "
            f"{argnums!r}."
        )

    def of(self, results: list[Any]) -> Any:
        """Return one result for one argument, a tuple for several."""
        return results[0] if self.alone else tuple(results)


def nodes_outside(roots: Iterable[Node], since: int, inside: Collection[Node] = ()) -> list[Node]:
    """Return what the graph behind `roots` takes from outside: the nodes not among `inside`.

    These are the nodes that were made before `since`, a version of the engine, and
    used later. A leaf that was written to meanwhile is taken for one of them; a
    leaf that was made meanwhile is nobody else's.
    """
    found: dict[Node, None] = {}
    stack = list(dict.fromkeys(roots))
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in inside:
            continue
        version = node._version_now()
        if version < since or (node.op is None and version % 2):
            found[node] = None
            continue
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return list(found)
