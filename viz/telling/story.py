"""A computation told step by step: forwards, then backwards, in words and numbers.

The story is plain data. It comes from a backward pass that leaves no trace, so it
can be told before `backward()` was called, and changes no gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from micrograd import Contribution, Flow, Node, topological_order, trace_backward
from micrograd.errors import ArgumentError
from viz.graph.broadcast import note_on
from viz.graph.item import NOT_COMPUTED, Item
from viz.graph.snapshot import Snapshot, take_snapshot
from viz.telling.descriptions import Describer
from viz.text.lines import Lines
from viz.text.names import not_a_node
from viz.text.numbers import Writer, marks_for

FORWARD, BACKWARD = "forward", "backward"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a computation. Nodes are told by their position in topological order.

    Attributes:
        phase: 'forward' or 'backward'.
        title: what happens.
        lines: how, in words and numbers.
        values: the nodes whose value is known from this step on.
        gradients: the nodes whose gradient is known from this step on.
        nodes: the nodes at which something happens.
        edges: the edges along which something flows, as (tail, head).
    """

    phase: str
    title: str
    lines: tuple[str, ...]
    values: tuple[int, ...] = ()
    gradients: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What there is to say of one node, apart from the steps.

    Attributes:
        name: what the story calls it.
        formula: what it is, without numbers.
        known: the same with numbers.
        gradient: its gradient, or why there is none.
        unknown: what to say instead as long as the gradient is not known.
        slopes: its derivatives by what it is computed from.
    """

    name: str
    formula: str
    known: str
    gradient: str
    unknown: str
    slopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of a computation, and what there is to say of each node.

    Attributes:
        steps: from the inputs to the root and, if it requires a gradient, back.
        descriptions: one for each node, in topological order.
        snapshot: the graph, with the gradients of the story.
    """

    steps: tuple[Step, ...]
    descriptions: tuple[Description, ...]
    snapshot: Snapshot


def tell(
    root: Node,
    *,
    names: Mapping[str, Node] | None = None,
    number_format: str = ".4g",
    limit: int = 100,
) -> Story:
    r"""Return the story of how `root` is computed, and differentiated.

    Args:
        root: the output of the graph.
        names: names by which to call nodes, instead of their labels.
        number_format: how to write numbers, as in `format()`.
        limit: how many nodes to allow.

    Raises:
        OperandError: if `root` is not a node.
        ArgumentError: if there are more nodes than `limit`, or `number_format`
            cannot be used.
        StaleGraphError: if data was assigned to after it was recorded.

    >>> from micrograd import Value
    >>> apple, count = Value(100.0, label="apple"), Value(2.0, label="count")
    >>> for step in tell(apple * count).steps:
    ...     print(step.title, *step.lines, sep="\n  ")
    Forward: the inputs
      apple = 100
      count = 2
    Forward: × computes y
      y = apple·count = 100·2 = 200
    Backward: start at y
      ∂y/∂y = 1
    Backward: × passes on the gradient of y
      apple: upstream 1 × local ∂(apple·count)/∂apple = count = 2 → 2
      count: upstream 1 × local ∂(apple·count)/∂count = apple = 100 → 100
    Backward: all gradients are known
      ∂y/∂apple = 2
      ∂y/∂count = 100
    """
    if not isinstance(root, Node):
        raise not_a_node("root:", root)
    writer = Writer(number_format)
    order = topological_order(root)
    if len(order) > limit:
        raise ArgumentError(
            f"the graph has {len(order):,} nodes, more than limit={limit:,}: too many to step "
            f"through by hand. Step through an inner node to see a part, or pass "
            f"limit={len(order)} for all of them."
        )
    flow = trace_backward(root) if root.requires_grad else Flow()
    words = Describer(order, writer, names or {})
    builder = _StepBuilder(order, flow, words)
    steps = (*builder.forward(), *(builder.backward() if root.requires_grad else builder.refuse()))
    snapshot = take_snapshot((root,), names=words.names, number_format=number_format)
    items = map(_Inserter(writer, flow).into, order, snapshot.items)
    told = replace(snapshot, items=tuple(items))
    return Story(steps, tuple(map(builder.description, order)), told)


class _Inserter:
    """What puts the gradients of a flow in the place of those of the graph."""

    def __init__(self, writer: Writer, flow: Flow) -> None:
        self._writer = writer
        self._gradients = flow.gradients
        self._summed = {(c.node, c.argument): c.summed for c in flow.contributions}

    def into(self, node: Node, item: Item) -> Item:
        """Return the item of a node with what flows to it, and from it."""
        shown: Lines = (NOT_COMPUTED,) if node.requires_grad else ()
        if node in self._gradients:
            gradient = self._gradients[node]
            shown = (*self._writer.gradient(gradient), *marks_for(gradient))
        notes = tuple(note_on(self._summed.get((node, i), ())) for i in range(len(item.inputs)))
        return replace(item, gradient=shown, notes=notes if any(notes) else ())


class _StepBuilder:
    """Builds the steps of a story."""

    def __init__(self, order: list[Node], flow: Flow, words: Describer) -> None:
        self._order = order
        self._flow = flow
        self._words = words
        self._root = order[-1]
        self._position = {node: i for i, node in enumerate(order)}

    def _at(self, *nodes: Node) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._position[node] for node in nodes))

    def _edges_to(self, node: Node) -> tuple[tuple[int, int], ...]:
        head = self._position[node]
        return tuple((tail, head) for tail in self._at(*node.parents))

    def forward(self) -> Iterator[Step]:
        words = self._words
        leaves = [node for node in self._order if node.op is None]
        given = [node for node in leaves if words.is_worth_naming(node)]
        lines = tuple(words.given(node) for node in given)
        yield Step(
            FORWARD,
            "Forward: the inputs",
            lines or ("All inputs are constants.",),
            values=self._at(*leaves),
            nodes=self._at(*given),
        )
        for node in self._order:
            if node.op is not None:
                yield Step(
                    FORWARD,
                    f"Forward: {words.symbol(node)} computes {words.name(node)}",
                    words.computation(node),
                    values=self._at(node),
                    nodes=self._at(node),
                    edges=self._edges_to(node),
                )

    def refuse(self) -> Iterator[Step]:
        """Yield the step that says why there is no way back."""
        name = self._words.name(self._root)
        lines = [f"{name} requires no gradient: nothing that it is computed from does."]
        root: Any = self._root
        dtype = getattr(root.data, "dtype", None)
        if dtype is not None and dtype.kind != "f":
            lines.append(f"Its dtype is {dtype}: give floats, as in Tensor([1.0, 2.0]).")
        yield Step(FORWARD, "No way back", tuple(lines))

    def backward(self) -> Iterator[Step]:
        words, root = self._words, self._root
        yield Step(
            BACKWARD,
            f"Backward: start at {words.name(root)}",
            (words.gradient(root, self._flow.gradients[root]),),
            gradients=self._at(root),
            nodes=self._at(root),
        )
        arrived: dict[Node, list[Contribution]] = {}
        due = _counts(self._flow.contributions)
        for _, group in groupby(self._flow.contributions, lambda c: self._position[c.node]):
            passed = list(group)
            node = passed[0].node
            for contribution in passed:
                arrived.setdefault(contribution.parent, []).append(contribution)
            parents = list(dict.fromkeys(c.parent for c in passed))
            complete = [p for p in parents if len(arrived[p]) == due[p]]
            yield Step(
                BACKWARD,
                f"Backward: {words.symbol(node)} passes on the gradient of {words.name(node)}",
                tuple(map(words.contribution, passed)),
                gradients=self._at(*(p for p in complete if due[p] == 1)),
                nodes=self._at(node),
                edges=tuple((tail, self._position[node]) for tail in self._at(*parents)),
            )
            for parent in complete:
                if due[parent] > 1:
                    yield self._addition(parent, arrived[parent])
        if self._flow.contributions:
            yield self._end()

    def _addition(self, parent: Node, arrived: list[Contribution]) -> Step:
        tail = self._position[parent]
        return Step(
            BACKWARD,
            f"Backward: {self._words.name(parent)} adds up what it gets",
            (self._words.addition(parent, arrived, self._flow.gradients[parent]),),
            gradients=(tail,),
            nodes=(tail,),
            edges=tuple((tail, head) for head in self._at(*(c.node for c in arrived))),
        )

    def _end(self) -> Step:
        leaves = [n for n in self._order if n.op is None and n in self._flow.gradients]
        return Step(
            BACKWARD,
            "Backward: all gradients are known",
            tuple(self._words.gradient(leaf, self._flow.gradients[leaf]) for leaf in leaves),
            nodes=self._at(*leaves),
        )

    def description(self, node: Node) -> Description:
        words = self._words
        name, of = words.name(node), words.derivative(node)
        if not node.requires_grad:
            gradient = unknown = "requires no gradient"
        elif node in self._flow.gradients:
            gradient = words.gradient(node, self._flow.gradients[node])
            unknown = f"{of}: not computed so far"
        else:
            gradient = unknown = f"{of}: no gradient flows to {name}"
        if node.op is None:
            kind = "an input" if words.is_worth_naming(node) else "a constant"
            known = words.given(node) if words.is_worth_naming(node) else f"{name}, {kind}"
            return Description(name, f"{name}, {kind}", known, gradient, unknown, ())
        known = words.computation(node)
        return Description(
            name, words.formula(node), "; ".join(known), gradient, unknown, words.slopes(node)
        )


def _counts(contributions: list[Contribution]) -> dict[Node, int]:
    """Return how many contributions each node gets."""
    counts: dict[Node, int] = {}
    for contribution in contributions:
        counts[contribution.parent] = counts.get(contribution.parent, 0) + 1
    return counts
