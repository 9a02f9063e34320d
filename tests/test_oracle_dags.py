"""PyTorch as the judge of expressions that use results several times, at three orders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import Node, Op, Tensor, Value, topological_order
from micrograd.testing.program import Kind, Program, programs
from tests.test_oracle import (
    _oracle,
    assert_agrees,
    gradients_of,
    run_with_torch,
    torch,
    torch_gradients_of,
    torch_leaf,
    total,
)

__all__ = ["_oracle"]  # it skips these tests without PyTorch, but not in CI

KINDS: dict[Kind, Any] = {"value": Value, "tensor": Tensor}
TOLERANCES = [1e-10, 1e-9, 1e-8]  # of the first, second and third derivatives


def kind_of(program: Program) -> Any:
    return Value if isinstance(program.inputs[0], float) else Tensor


def has_exponent(program: Program) -> bool:
    """Tell whether an exponent is differentiated, in which PyTorch is wrong from order 3 on.

    It says that x**x has 2 as its third derivative at 1, where it is 3.
    """
    return re.search(r"\*\* [a-z]", program.source) is not None


def fans_out(program: Program) -> bool:
    """Tell whether a program uses a result, not just an input, more than once."""
    order = topological_order(program(*map(kind_of(program), program.inputs)))
    uses = Counter(parent for node in order for parent in node.parents if parent.op is not None)
    return max(uses.values(), default=0) > 1


def dags(kind: Kind) -> st.SearchStrategy[Program]:
    found = programs(kind, max_steps=14, max_inputs=2)
    return found.filter(lambda program: fans_out(program) and not has_exponent(program))


def summed(results: Sequence[Any], k: int, constant: Callable[[Any], Any]) -> Any:
    """Return the sum of all elements of some results, each with a weight of its own."""
    shapes = [tuple(x.shape) for x in results]
    weights = [
        np.cos(k + i + np.arange(np.prod(shape, dtype=int))) for i, shape in enumerate(shapes)
    ]
    pairs = zip(results, weights, shapes, strict=True)
    return sum(total(x * constant(weight.reshape(shape))) for x, weight, shape in pairs)


def plain(weight: Any) -> Any:
    return weight if weight.shape else weight.item()


def by_backward(program: Program) -> Iterator[list[Any]]:
    """Yield the derivatives of each order, by calling backward() on those of the order before."""
    leaves = list(map(kind_of(program), program.inputs))
    y = summed([program(*leaves)], 0, plain)
    for k in (1, 2, 3):
        found = gradients_of(y, leaves, create_graph=True) if isinstance(y, Node) else None
        found = found or [np.zeros(leaf.shape) for leaf in leaves]
        yield [g.data if isinstance(g, (Tensor, Value)) else g for g in found]
        y = summed(found, k, plain)


def by_grad(program: Program) -> Iterator[list[Any]]:
    """Yield the derivatives of each order, by grad, grad of grad, and grad of grad of grad."""

    def gradient_of(f: Callable[..., Any]) -> Callable[..., Any]:
        return mg.grad(f, argnums=tuple(range(len(program.inputs))))

    def slope(g: Callable[..., Any], k: int) -> Callable[..., Any]:
        return lambda *xs: summed(
            [x if hasattr(x, "shape") else np.array(x) for x in g(*xs)], k, plain
        )

    gradient = gradient_of(lambda *xs: summed([program(*xs)], 0, plain))
    for k in (1, 2, 3):
        yield list(gradient(*program.inputs))
        gradient = gradient_of(slope(gradient, k))


def by_torch(program: Program) -> Iterator[list[Any]]:
    leaves = list(map(torch_leaf, program.inputs))
    y = summed([run_with_torch(program, leaves)], 0, torch.tensor)
    for k in (1, 2, 3):
        found = torch_gradients_of(y, leaves)
        yield found
        y = summed(found, k, torch.tensor)


Way = Callable[[Program], Iterator[list[Any]]]


def check(program: Program, way: Way) -> None:
    """Assert that the derivatives of three orders agree."""
    for ours, theirs, tolerance in zip(way(program), by_torch(program), TOLERANCES, strict=True):
        for g, h in zip(ours, theirs, strict=True):
            assert_agrees(g, h, tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("way", [by_backward, by_grad])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_three_orders_of_derivatives_agree_with_pytorch(
    kind: Kind, way: Way, data: st.DataObject
) -> None:
    check(data.draw(dags(kind)), way)  # asserts


TWICE = """
def program(a):
    h = mg.tanh(a)
    return h * mg.tanh(h) + h
inputs = ({},)
"""


def without_graph(x: Any) -> Any:
    return x.detach() if isinstance(x, (Tensor, Value)) else x


# The slope of tanh, which is right, with a slope that is right for numbers only.
tanh_slope = Op(
    "slope of tanh",
    lambda x: 1 - np.tanh(x) ** 2,
    (lambda g, y, x: g * without_graph(-2 * y * mg.tanh(x)),),
)

FAULTS: dict[int, Callable[..., Any]] = {
    1: lambda g, y, x: g * (1 - y * y) * (1 + 1e-8),
    2: lambda g, y, x: g * without_graph(1 - y * y),
    3: lambda g, y, x: g * tanh_slope(x),
}


@pytest.mark.parametrize("order", FAULTS)
@pytest.mark.parametrize("way", [by_backward, by_grad])
@pytest.mark.parametrize("inputs", ["0.5", "np.array([0.5, -0.25])"])
def test_the_check_refutes_a_rule_that_is_wrong_from_one_order_on(
    inputs: str, way: Way, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(TWICE.format(inputs))
    assert fans_out(program)
    check(program, way)
    monkeypatch.setattr(mg.tanh, "derivatives", (FAULTS[order],))

    found, expected = list(way(program)), list(by_torch(program))
    agreeing = zip(found[: order - 1], expected, TOLERANCES, strict=False)
    for ours, theirs, tolerance in agreeing:
        assert_agrees(ours[0], theirs[0], tolerance)
    with pytest.raises(AssertionError):
        check(program, way)
