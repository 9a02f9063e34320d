"""What flows back along each edge of a graph: a backward pass, told step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrograd.core.node import Node, topological_order
from micrograd.core.passes import Pass, set_gradients
from micrograd.engine.autodiff import require_gradient
from micrograd.engine.careful import propagate_carefully
from micrograd.transforms.leaves import fitting, like

__all__ = ["Contribution", "Flow", "trace_backward"]


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """What one node passes on to one of its arguments.

    Attributes:
        node: the node whose operation passes a gradient on.
        argument: to which of its arguments, by position.
        upstream: the gradient of `node`.
        value: what it contributes to the gradient of the argument, in that one's shape.
        summed: the axes, of the result of `node`, that were summed to undo broadcasting.

    >>> from micrograd import Tensor
    >>> x, b = Tensor([[1.0], [2.0]]), Tensor([3.0])
    >>> [(c.value.tolist(), c.summed) for c in trace_backward((x + b).sum()).contributions[1:]]
    [([[1.0], [1.0]], ()), ([2.0], (0,))]
    """

    node: Node
    argument: int
    upstream: Any
    value: Any
    summed: tuple[int, ...]

    @property
    def parent(self) -> Node:
        """The argument itself."""
        return self.node.parents[self.argument]


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A backward pass from one node, which left no trace in the graph.

    Attributes:
        contributions: one for each edge that a gradient flows along, in the order of the pass.
        gradients: for each node that the pass reached, the sum of what arrived there.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> flow = trace_backward(x * 2)
    >>> len(flow.contributions), flow.gradients[x]
    (1, 2.0)
    """

    contributions: list[Contribution] = field(default_factory=list[Contribution])
    gradients: dict[Node, Any] = field(default_factory=dict[Node, Any])


def trace_backward(root: Node, gradient: Any = None) -> Flow:
    """Return all that `root.backward(gradient)` would do, and change no gradient.

    Args:
        root: the node to differentiate.
        gradient: the gradient of `root` itself, in its shape; ones when left out.

    Raises:
        GradientError: if `root` requires no gradient, or a rule is wrong.
        ShapeError: if `gradient` has another shape than `root`.
        StaleGraphError: if data was assigned to after it was recorded.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> flow = trace_backward(x * x)
    >>> [(c.argument, c.upstream, c.value) for c in flow.contributions]
    [(0, 1.0, 3.0), (1, 1.0, 3.0)]
    >>> flow.gradients[x], x.grad
    (6.0, 0)
    """
    require_gradient("trace_backward", root, "follow")
    start = like(root, 1) if gradient is None else gradient
    (start,) = fitting("trace_backward: gradient", start, [""], [root], "the root")
    return _Unseen(root).run(_followed, start)


def _followed(this: Pass, start: Any) -> Flow:
    seen = _Recorder()
    with np.errstate(all="ignore"):
        leaves = propagate_carefully(this, (start,), listener=seen)
    gradients = {node: node._grad for node in this.order if node._grad is not None} | leaves
    this.undo()
    return Flow(seen.contributions, gradients)


class _Unseen(Pass):
    """A pass after which the nodes have the gradients they had before."""

    __slots__ = ("_kept",)

    def __init__(self, root: Node) -> None:
        super().__init__((root,))
        self._kept: tuple[list[Node], list[Any]] = ([], [])

    def acquire(self) -> None:
        nodes = [node for node in topological_order(*self.roots) if node.op is not None]
        self._kept = nodes, [node._grad for node in nodes]
        super().acquire()

    def undo(self) -> None:
        set_gradients(*self._kept)


class _Recorder:
    """What is told of each contribution, as the listener of `debug()` is."""

    def __init__(self) -> None:
        self.contributions: list[Contribution] = []

    def check_backward(self, contribution: Any, node: Node, i: int, g: Any, root: Node) -> None:
        parent = node.parents[i]
        value = parent._fit(contribution, node)
        summed = _summed(np.shape(contribution), np.shape(parent._data))
        self.contributions.append(Contribution(node, i, g, value, summed))


def _summed(came: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of `came` that are summed to give `shape`."""
    extra = len(came) - len(shape)
    stretched = [extra + i for i, n in enumerate(shape) if n == 1 and came[extra + i] != 1]
    return (*range(extra), *stretched)
