"""A copy of an argument within a transform: followed back to the argument, or an error."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import GradientError, Tensor, Value, checkpoint, grad, hessian, jacobian, jvp, vjp
from micrograd.engine.copying import _followed
from micrograd.nn import Linear


@dataclasses.dataclass
class Pair:
    """A container of the user's."""

    a: Any
    b: Any


class Holder:
    """An object that is no container to the transforms, as a module is."""

    def __init__(self, w: Any) -> None:
        self.w = w


def in_a_thread(p: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(copy.deepcopy(p)))
    thread.start()
    thread.join()
    return found[0]


WAYS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda p: p,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of a copy": lambda p: copy.deepcopy(copy.copy(p)),
    "deepcopy of a result": lambda p: copy.deepcopy(p * 2) / 2,
    "copy of a result": lambda p: copy.copy(p * 2) / 2,
    "deepcopy of a list": lambda p: copy.deepcopy([p, {"p": p}])[1]["p"],
    "deepcopy of a dataclass": lambda p: copy.deepcopy(Pair(p, 1)).a,
    "deepcopy of an object": lambda p: copy.deepcopy(Holder(p)).w,
    "deepcopy in a thread": in_a_thread,
    "checkpoint": checkpoint(lambda p: copy.deepcopy(p) * 1),
}
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
def test_a_copied_argument_has_its_gradient(way: str) -> None:
    """It was 0 for 2 p."""
    copied = WAYS[way]
    assert grad(lambda p: copied(p) ** 2)(3.0) == 6.0
    assert grad(lambda p: (copied(p) ** 2).sum())(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert grad(lambda p: copied(p) * p)(3.0) == 6.0


@given(
    way=st.sampled_from(sorted(WAYS)),
    x=st.lists(st.integers(-16, 16).map(lambda n: n / 8), min_size=1, max_size=3),
    kind=st.sampled_from(["array", "leaf", "result", "constant"]),
)
def test_every_transform_follows_a_copy(way: str, x: list[float], kind: str) -> None:
    def f(p: Any) -> Any:
        return p * p * p

    def g(p: Any) -> Any:
        return f(WAYS[way](p))

    def given_anew() -> Any:
        array = np.array(x)
        if kind == "array":
            return array
        return (
            Tensor(array) * 1 if kind == "result" else Tensor(array, requires_grad=kind == "leaf")
        )

    def plain(thing: Any) -> Any:
        return np.asarray(thing.data if isinstance(thing, Tensor) else thing)

    ones = np.ones(len(x))
    for transform in (
        lambda f: grad(lambda p: f(p).sum())(given_anew()),
        lambda f: grad(lambda p: (grad(lambda q: f(q).sum())(p) ** 2).sum())(given_anew()),
        lambda f: jacobian(f)(given_anew()),
        lambda f: hessian(lambda p: f(p).sum())(given_anew()),
        lambda f: vjp(f, given_anew())[1](ones)[0],
        lambda f: jvp(f, (given_anew(),), (ones,))[1],
        lambda f: mg.hvp(lambda p: f(p).sum(), (given_anew(),), (ones,)),
    ):
        np.testing.assert_array_equal(plain(transform(g)), plain(transform(f)))
    assert not _followed


def test_the_graph_outside_is_reached_through_a_copy() -> None:
    x = Tensor([1.0, 2.0])
    slope = grad(lambda p: (copy.deepcopy(p) ** 3).sum())(x)
    slope.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_the_copy_of_an_outer_argument_in_an_inner_function_is_followed() -> None:
    def outer(p: Any) -> Any:
        return grad(lambda q: copy.deepcopy(p) ** 2 * copy.deepcopy(q) ** 2)(p)

    assert outer(3.0) == 54.0
    assert grad(outer)(3.0) == 54.0  # of 2 p**3


def test_a_copied_module_with_arguments_as_its_parameters_has_their_gradients() -> None:
    model = Linear(2, 1, rng=np.random.default_rng(0))
    x = np.array([[1.0, 3.0]])

    def f(p: Any) -> Any:
        model.weight, model.bias = p["weight"], p["bias"]
        return (copy.deepcopy(model)(x) ** 2).sum()

    found = grad(f)({"weight": np.array([[1.0], [2.0]]), "bias": np.array([0.5])})
    assert found["weight"].tolist() == [[15.0], [45.0]]
    assert found["bias"].tolist() == [15.0]


def test_a_copy_of_a_node_from_outside_is_a_leaf_of_its_own() -> None:
    w = Value(2.0)
    found = grad(lambda x: x * copy.deepcopy(w))(3.0)
    assert found.data == 2.0
    assert w.grad == 0


def test_a_pickled_argument_is_an_error_that_names_the_way_out() -> None:
    for thing in (lambda p: p, lambda p: p * 2, lambda p: {"p": [p]}, Holder):
        with pytest.raises(GradientError, match=r"pickle: .*Use copy.deepcopy\(x\), .*detach\(\)"):
            grad(lambda p, thing=thing: pickle.loads(pickle.dumps(thing(p))) ** 2)(3.0)
    assert grad(lambda p: p * pickle.loads(pickle.dumps(p.detach())))(3.0) == 3.0
    assert grad(lambda p: p * pickle.loads(pickle.dumps(Value(2.0))))(3.0) == 2.0


def test_what_is_detached_on_purpose_stays_a_constant() -> None:
    assert grad(lambda p: p * copy.deepcopy(p.detach()))(3.0) == 3.0
    assert grad(lambda p: (p * Tensor(p.data, requires_grad=False)).sum())(
        np.array([3.0])
    ).tolist() == [3.0]

    def f(p: Any) -> Any:
        with mg.no_grad():
            target = copy.deepcopy(p)
        return p * target

    assert grad(f)(3.0) == 3.0


def test_outside_of_transforms_a_copy_is_a_leaf_of_its_own() -> None:
    x = Value(3.0)
    twin = copy.deepcopy(x)
    (twin * twin).backward()
    assert (x.grad, twin.grad, twin.is_leaf) == (0, 6.0, True)
    kept: list[Any] = []
    grad(lambda p: kept.append(p) or p * p)(3.0)
    twin = copy.deepcopy(kept[0])
    assert twin.is_leaf
    assert pickle.loads(pickle.dumps(kept[0])).data == 3.0


def test_an_error_in_f_leaves_nothing_followed() -> None:
    with pytest.raises(ZeroDivisionError):
        grad(lambda p: 1 // 0)(3.0)
    assert not _followed
