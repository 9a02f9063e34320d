"""`explain`: the chain rule written out for one graph, with formulas and numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from micrograd import Node, topological_order, trace_backward
from micrograd.errors import ArgumentError, GradientError
from viz.telling.chain import MANY, Chain, chain_between, longest, paths_of
from viz.telling.equations import EquationWriter, equation_writer, shape_of
from viz.telling.explanation import Equation, Explanation, sentence, total
from viz.text.formula import Formula, name
from viz.text.names import names_from, not_a_node
from viz.text.numbers import Writer

PATHS, FACTORS = 8, 10
"""Up to so many paths, of so many factors each, are written out one by one."""
LINES = 60
"""Of more lines, one for each node, the middle ones are left out."""

_Lines = Iterator[Equation | Formula | None]


def explain(
    root: Node,
    wrt: Node,
    names: Mapping[str, Node] | str | None = None,
    number_format: str = ".4g",
    **nodes: Node,
) -> Explanation:
    """Write out the chain rule for the derivative of `root` by another node.

    Up to 8 paths of up to 10 factors are written out: each factor with its formula and
    number, the product along each path, and their sum. Otherwise, and where arrays are
    on the way, the sum is factored: one line for each node from the root back, which
    uses the lines before; of more than 60 lines, the middle is left out. No gradient
    has to be computed before, and none is changed.

    Args:
        root: what to differentiate; of an array, the sum of its elements.
        wrt: by what: a node that `root` was computed from.
        names: names by which to call nodes, instead of their labels, such as
            `{"apple": apple}`; 'caller' to call them as your variables are called.
        number_format: how to write numbers, as in `format()`.
        nodes: names for nodes, as in `names`.

    Raises:
        OperandError: if `root` or `wrt`, or what a name is given for, is not a node.
        ArgumentError: if `root` does not depend on `wrt`.
        GradientError: if `root` or `wrt` requires no gradient.
        StaleGraphError: if data was assigned to after it was recorded.

    >>> from micrograd import Value
    >>> apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
    >>> total = apple * count
    >>> price = total * tax
    >>> explain(price, wrt=apple, names="caller")
    ∂price/∂apple = ∂price/∂total · ∂total/∂apple = 1.1 · 2 = 2.2
    <BLANKLINE>
      ∂price/∂total = ∂(total·tax)/∂total = tax = 1.1
      ∂total/∂apple = ∂(apple·count)/∂apple = count = 2
    <BLANKLINE>
    backward() gives the same: 2.2
    """
    given = names_from(names, nodes, sys._getframe(1))
    writer = Writer(number_format)
    order = _checked(root, wrt)
    flow = trace_backward(root)
    chain = chain_between(order, flow, wrt)
    gradient = flow.gradients.get(wrt, 0.0)
    if wrt is root:
        lines = _of_itself(equation_writer(chain, chain.order, order, writer, given))
    elif not chain.path_count:
        lines = _of_nothing(equation_writer(chain, [root, wrt], order, writer, given))
    elif _is_short(chain):
        lines = _path_by_path(equation_writer(chain, chain.order, order, writer, given), gradient)
    else:
        lines = _node_by_node(chain, order, writer, given, gradient)
    return Explanation(list(lines))


def _checked(root: Any, wrt: Any) -> list[Node]:
    """Return the graph in order, if there is a derivative to explain."""
    for what, node in (("root", root), ("wrt", wrt)):
        if not isinstance(node, Node):
            raise not_a_node(f"explain: {what}", node)
    order = topological_order(root)
    if wrt not in set(order):
        raise ArgumentError(
            f"explain: root was not computed from wrt, a {_described(wrt)}, so that the "
            "derivative is 0. Pass one of the nodes in the graph of root; after the data was "
            "computed anew, root is another node too."
        )
    for what, node in (("root", root), ("wrt", wrt)):
        if not node.requires_grad:
            raise GradientError(
                f"explain: {what}, a {_described(node)}, requires no gradient: it is a constant, "
                "or was computed from constants or integers or under no_grad(). Make what it comes "
                "from of floats, with requires_grad=True."
            )
    return order


def _described(node: Any) -> str:
    label = "" if node.label is None else f" {node.label!r}"
    made = "" if node.op is None else f" made by {node.op.name}"
    return f"{type(node).__name__}{label}{made}"


def _is_short(chain: Chain) -> bool:
    """Tell whether to write out every path: only numbers, few paths, none of them long."""
    return (
        chain.path_count <= PATHS
        and longest(chain) <= FACTORS
        and not any(map(shape_of, chain.order))
    )


def _of_itself(equations: EquationWriter) -> _Lines:
    yield Equation(equations.derivative(equations.chain.root), (name("1"),))
    yield sentence("The derivative of anything by itself is 1.")


def _of_nothing(equations: EquationWriter) -> _Lines:
    yield Equation(equations.derivative(equations.chain.wrt), (name("0"),))
    yield sentence(
        "No gradient flows from {0} to {1}: what stands between them has no derivative.",
        equations.name(equations.chain.root),
        equations.name(equations.chain.wrt),
    )


def _path_by_path(equations: EquationWriter, gradient: Any) -> _Lines:
    paths = paths_of(equations.chain)
    left = equations.derivative(equations.chain.wrt)
    results = [float(np.prod([equations.slope(edge) for edge in path])) for path in paths]
    edges = list(dict.fromkeys(edge for path in paths for edge in path))
    if len(edges) == 1:
        yield Equation(left, equations.factor(edges[0])[1:])
    elif len(paths) == 1:
        yield Equation(left, (*equations.along(paths[0]), equations.number(results[0])))
    else:
        yield sentence("{0} is the sum over {1} paths:", left, name(str(len(paths))))
        yield None
        for path, result in zip(paths, results, strict=True):
            parts = (*equations.along(path), equations.number(result))
            yield Equation(equations.route(path), parts, is_detail=True, sign=": ")
    if len(edges) > 1:
        yield None
        for edge in edges:
            first, *parts = equations.factor(edge)
            yield Equation(first, tuple(parts), equations.meaning(edge), is_detail=True)
    if len(paths) > 1:
        yield None
        terms = total([equations.number(result) for result in results])
        yield Equation(left, (terms, equations.number(sum(results))))
    yield None
    yield equations.verdict(sum(results), gradient)


def _node_by_node(
    chain: Chain,
    order: Sequence[Node],
    writer: Writer,
    given: Mapping[str, Node],
    gradient: Any,
) -> _Lines:
    targets = [node for node in reversed(chain.order) if node is not chain.root]
    first, last = targets, list[Node]()
    if len(targets) > LINES:
        first, last = targets[: LINES // 2], targets[len(targets) - LINES // 2 + 1 :]
    shown = [*first, *last]
    equations = equation_writer(chain, shown, order, writer, given)
    values = equations.accumulated()
    yield sentence(
        "{0}" + _how_many(chain) + ", a line for each node from {1} back to {2}:",
        equations.derivative(chain.wrt),
        equations.name(chain.root),
        equations.name(chain.wrt),
    )
    yield None
    if shape_of(chain.root):
        yield equations.start()
    for node in first:
        yield equations.line(node, values)
    if last:
        yield sentence(
            "… {0} lines are left out. To see some of them, explain {1} by an inner node, or an "
            "inner node by {2}.",
            name(f"{len(targets) - len(shown):,}"),
            equations.name(chain.root),
            equations.name(chain.wrt),
        )
    for node in last:
        yield equations.line(node, values)
    yield None
    yield equations.verdict(values[chain.wrt], gradient)


def _how_many(chain: Chain) -> str:
    if chain.path_count == 1:
        return ""
    count = f"{chain.path_count:,}" if chain.path_count < MANY else "more than 10³⁰"
    return f" is the sum over {count} paths; factored"
