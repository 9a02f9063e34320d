"""Gradients that are nodes: linked to what they depend on, and each leaf has one of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from micrograd import Tensor, Value, no_grad

KINDS = [Value, pytest.param(lambda x: Tensor([x]), id="Tensor")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("result", [lambda x: x, lambda x: x + 1.0], ids=["leaf", "result"])
def test_a_gradient_that_was_given_as_a_leaf_is_still_differentiated_by_it(
    kind: Any, result: Any
) -> None:
    x, v = kind(3.0), kind(5.0)
    result(x).backward(v, create_graph=True)
    slope = x.grad
    assert slope is not v
    (slope * slope).backward()
    assert v.grad == 10.0


@pytest.mark.parametrize(
    "moved",
    [lambda x: x, lambda x: x.reshape(1, 2), lambda x: x[::-1]],
    ids=["leaf", "reshaped", "reversed"],
)
def test_a_gradient_does_not_follow_what_is_written_to_the_one_that_was_given(moved: Any) -> None:
    x = Tensor([1.0, 2.0])
    y = moved(x)
    v = Tensor(np.full(y.shape, 5.0))
    y.backward(v, create_graph=True)
    v.data -= 1.0
    assert x.grad.data.tolist() == [5.0, 5.0]


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_gradients_add_up_with_their_graphs_where_nothing_is_recorded(
    kind: Any,
) -> None:
    x = kind(3.0)
    y = x**3
    with no_grad():
        y.backward(create_graph=True)
        y.backward(create_graph=True)
    slope = x.grad
    x.zero_grad()
    slope.backward()
    assert x.grad == 2 * 18.0
