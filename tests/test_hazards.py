"""A gradient is right, or there is an error: the hazards of docs/hazards.md, one by one."""

from __future__ import annotations

import copy
import doctest
import math
import operator
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    GradientError,
    MicrogradError,
    Op,
    OperandError,
    ShapeError,
    StaleGraphError,
    Tensor,
    Value,
    debug,
    no_grad,
    topological_order,
)
from micrograd.ops.reach import SAME
from tests.domains import TABLE, calls_of

PAGE = Path(__file__).parents[1] / "docs" / "hazards.md"

both_kinds = pytest.mark.parametrize("kind", [Value, Tensor])


# Data that change after they were recorded


def assign(node: Any) -> None:
    node.data = 1.0


def subtract(node: Any) -> None:
    node.data -= 1.0


def add(node: Any) -> None:
    node.data += 1.0


@both_kinds
@pytest.mark.parametrize("write", [assign, subtract, add])
def test_every_way_to_assign_to_a_leaf_is_noticed_by_all_that_used_it(
    kind: Any, write: Callable[[Any], None]
) -> None:
    x, w = kind(3.0, label="x"), kind(2.0)
    results = [x * x, mg.exp(x) * 2, mg.maximum(x, 1.0), x + w]
    write(x)
    for y in results:
        with pytest.raises(StaleGraphError, match=r"'x'.* was assigned to after"):
            y.backward()
    assert not x.has_grad
    assert not w.has_grad


@both_kinds
def test_an_assignment_to_a_result_is_noticed_by_what_used_it_and_names_it(kind: Any) -> None:
    x = kind(3.0)
    y = x * x
    z = y * y
    y.label = "y"
    y.data = 1.0
    with pytest.raises(StaleGraphError, match="'y' made by multiply was assigned to after"):
        z.backward()
    with pytest.raises(StaleGraphError, match=r"the data of its result .*'y'"):
        y.backward()
    assert not x.has_grad


@pytest.mark.parametrize("write", [subtract, add])
def test_the_array_of_a_result_refuses_a_write_in_place(write: Callable[[Any], None]) -> None:
    x = Tensor([3.0, 4.0])
    y = x * x
    with pytest.raises(ValueError, match="read-only"):
        write(y)
    with pytest.raises(ValueError, match="read-only"):
        y.data.sort()
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 8.0]


VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "reshape": lambda t: t.reshape(1, 2),
    "transpose": lambda t: t.T,
    "a slice": lambda t: t[::-1],
    "broadcast_to": lambda t: mg.broadcast_to(t, (3, 2)),
    "einsum": lambda t: mg.einsum("i->i", t),
    "windows": lambda t: mg.im2col(t.reshape(1, 1, 1, 2), 1, 2),
}


@pytest.mark.parametrize("view", VIEWS)
def test_what_no_grad_computed_keeps_its_numbers_when_the_leaf_is_written_to(view: str) -> None:
    W, x = Tensor([1.0, 2.0]), Tensor(1.0)
    with no_grad():
        before = VIEWS[view](W)
    loss = (x * before).sum()
    expected = before.data.sum()
    W.data -= 1.0
    loss.backward()
    assert x.grad == expected


@pytest.mark.parametrize("view", VIEWS)
def test_a_part_of_a_constant_keeps_its_numbers_when_the_constant_is_written_to(view: str) -> None:
    c, x = Tensor([1.0, 2.0], requires_grad=False), Tensor(1.0)
    part = VIEWS[view](c)
    loss = (x * part).sum()
    expected = part.data.sum()
    c.data += 10.0
    loss.backward()
    assert x.grad == expected


@pytest.mark.parametrize("view", VIEWS)
def test_a_detached_view_keeps_its_numbers_when_the_leaf_is_written_to(view: str) -> None:
    x = Tensor([1.0, 2.0])
    old = VIEWS[view](x).detach()
    expected = old.data.copy()
    x.data -= 1.0
    assert old.data.tolist() == expected.tolist()


def test_a_stale_view_is_noticed_where_no_gradient_flows_to_it() -> None:
    scaled = Op("scaled", np.multiply, (None, lambda g, y, a, b: g * a))
    x, w = Tensor([1.0, 2.0]), Tensor([1.0, 1.0])
    loss = scaled(x.reshape(2), w).sum()
    x.data -= 1.0
    with pytest.raises(StaleGraphError):
        loss.backward()
    assert w.grad is None


def test_a_leaf_that_is_written_to_within_a_transform_is_noticed() -> None:
    x = Tensor([1.0, 2.0])

    def loss(a: Any) -> Any:
        result = (a * a).sum()
        x.data -= 1.0
        return result

    with pytest.raises(StaleGraphError):
        mg.grad(loss)(x)


class Keeper:
    """An object that hands out its own array."""

    def __init__(self) -> None:
        self.array = np.array([3.0, 4.0])

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array


def test_a_leaf_copies_the_array_that_an_object_keeps() -> None:
    keeper = Keeper()
    x = Tensor(keeper)
    y = (x * x).sum()
    keeper.array[:] = 100.0
    y.backward()
    assert x.grad.tolist() == [6.0, 8.0]


def test_a_leaf_copies_a_memory_mapped_array(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "numbers", float, "w+", shape=(2,))
    mapped[:] = 3.0
    x = Tensor(mapped)
    y = (x * x).sum()
    mapped[:] = 100.0
    y.backward()
    assert type(x.data) is np.ndarray
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("container", [list, np.array])
def test_what_indexes_or_shapes_may_change_after_the_call(container: Any) -> None:
    x = Tensor([1.0, 2.0, 3.0])
    index, repeats, widths = container([0, 0]), container([1, 1, 2]), container([1, 2])
    picked, repeated, padded = x[index], mg.repeat(x, repeats), mg.pad(x, widths)
    taken = mg.take(x, index) + x[None, index][0]
    for changed in (index, repeats, widths):
        changed[:] = [2] * len(changed)
    total = (repeated * [1.0, 10.0, 100.0, 1000.0]).sum() + padded.sum()
    (picked.sum() + taken.sum() + total).backward()
    assert x.grad.tolist() == [6 + 1 + 1, 10 + 1, 1100 + 1]


# Gradients that share memory


def test_an_intermediate_gradient_cannot_be_written_to_since_others_may_share_it() -> None:
    p, q = Tensor([1.0]), Tensor([1.0])
    a, b = p * 2, q * 3
    (a + b).backward([1.0])
    for write in (lambda: a.grad.fill(5.0), lambda: operator.imul(a.grad, 5.0)):
        with pytest.raises(ValueError, match="read-only"):
            write()
    a.grad = a.grad * 5
    assert (a.grad, b.grad) == (5.0, 1.0)


@pytest.mark.parametrize("create_graph", [False, True])
@both_kinds
def test_each_leaf_has_a_gradient_of_its_own_to_write_to(kind: Any, create_graph: bool) -> None:
    x, z, seed = kind(1.0), kind(1.0), kind(1.0, requires_grad=False)
    (x + z).backward(seed, create_graph=create_graph)
    if create_graph:
        x.grad.data = x.grad.data * 5.0
    else:
        x.grad *= 5.0
    assert float(x.grad) == 5.0
    assert float(z.grad) == 1.0
    assert seed.data == 1.0


@pytest.mark.parametrize("create_graph", [False, True])
@both_kinds
def test_a_gradient_given_as_a_node_is_not_written_to(kind: Any, create_graph: bool) -> None:
    leaf, seed = kind(1.0), kind(1.0, requires_grad=False)
    leaf.backward(seed, create_graph=create_graph)
    if create_graph:
        leaf.grad.data = leaf.grad.data * 5.0
    else:
        leaf.grad *= 5.0
    assert seed.data == 1.0


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_the_gradient_of_a_tensor_without_axes_can_be_clipped_in_place(passes: int) -> None:
    x = Tensor(2.0)
    for _ in range(passes):
        (x * x * x).backward()
    np.clip(x.grad, -1.0, 1.0, out=x.grad)
    assert x.grad == 1.0


@pytest.mark.parametrize("name", sorted(TABLE))
def test_no_rule_here_writes_into_what_it_gets_or_gives_what_others_hold(name: str) -> None:
    with np.errstate(all="ignore"):
        for sample, _ in calls_of(name, 1, 3):
            leaves = sample.leaves()
            y = sample.call(*leaves)
            nodes: list[Any] = [node for node in topological_order(y) if node.op is not None]
            for node in nodes:
                arrays = [node.data, *(np.asarray(p._data) for p in node.parents)]
                kept = [array.copy() for array in arrays]
                g = np.ones(node.shape, node.dtype)
                g.flags.writeable = False
                for i, parent in enumerate(node.parents):
                    if parent.requires_grad:
                        came = node.op.derivatives[i](
                            g, node._data, *[p._data for p in node.parents], **node.settings
                        )
                        assert not any(shares(came, array) for array in arrays)
                for array, before in zip(arrays, kept, strict=True):
                    np.testing.assert_array_equal(array, before)
            if y.requires_grad:
                y.backward(np.ones(y.shape))
            for leaf in leaves:
                others = [n for n in [*nodes, *leaves] if n is not leaf]
                assert not any(shares(leaf.grad, n._grad) for n in others)
                assert not any(shares(leaf.grad, n._data) for n in [*others, leaf])


def shares(a: Any, b: Any) -> bool:
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return arrays and bool(np.shares_memory(a, b))


# Rules and functions of a user


def test_a_derivative_that_writes_into_its_gradient_is_refused() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        g *= 2 * x
        return g

    square = Op("square in place", np.square, (rule,))
    for build in (lambda x: x * 5 + square(x), lambda x: square(x) + x * 5):
        x = Tensor([3.0, 4.0])
        with pytest.raises(GradientError, match="square in place: its derivative writes into"):
            build(x).backward([1.0, 1.0])
        assert x.grad is None


def test_a_derivative_that_writes_into_an_argument_is_refused() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        x *= 2
        return g * x

    x = Tensor([3.0])
    with pytest.raises(GradientError, match="derivative writes into"):
        Op("double the data", np.square, (rule,))(x).sum().backward()
    assert x.data.tolist() == [3.0]


def test_a_forward_function_that_writes_into_its_argument_is_refused() -> None:
    square = Op("into", lambda x: np.square(x, out=x), (lambda g, y, x: g * 2 * x,))
    x, array = Tensor([3.0]), np.array([3.0])
    for argument in (x, array):
        with pytest.raises(GradientError, match="into: its forward function writes into"):
            square(argument)
    assert (x.data, array) == (3.0, 3.0)


def test_other_errors_of_a_forward_function_keep_their_words() -> None:
    def fail(x: Any) -> Any:
        raise ValueError("only for squares")

    with pytest.raises(ShapeError, match="only for squares"):
        Op("fails", fail, (lambda g, y, x: g,))(Tensor([1.0]))


def test_a_derivative_may_fill_one_buffer_again_and_again() -> None:
    buffer = np.empty(2)
    rule = lambda g, y, x: np.multiply(g, 2 * x, out=buffer)  # noqa: E731
    square = Op("square with a buffer", np.square, (rule,))
    x = Tensor([3.0, 4.0])
    (square(x) * 2 + square(x) * 3).sum().backward()
    assert x.grad.tolist() == [30.0, 40.0]
    x.grad *= 0.0
    square(x).sum().backward()
    assert x.grad.tolist() == [6.0, 8.0]


def test_a_forward_function_may_give_views_of_one_buffer() -> None:
    buffer = np.empty(4)

    def forward(x: Any) -> Any:
        np.square(x, out=buffer[: len(x)])
        return buffer[: len(x)]

    square = Op("square into a buffer", forward, (lambda g, y, x: g * 2 * x,))
    x = Tensor([3.0, 4.0])
    first, second = square(x), square(x * 10)
    (first * first + second * 0).sum().backward()
    assert first.data.tolist() == [9.0, 16.0]
    assert x.grad.tolist() == [4 * 27.0, 4 * 64.0]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_forward_function_may_give_back_an_argument_or_a_view_of_it(place: int) -> None:
    rules = [lambda g, y, *args: 0 * g] * 3
    rules[place] = lambda g, y, *args: g
    for forward in (lambda *args: args[place], lambda *args: args[place][::-1][::-1]):
        pick = Op("pick", forward, tuple(rules))
        leaves = [Tensor([float(i), 1.0]) for i in range(3)]
        (pick(*leaves) * [1.0, 10.0]).sum().backward()
        assert leaves[place].grad.tolist() == [1.0, 10.0]
        for leaf in leaves:
            leaf.data -= 1.0  # each array is still its leaf's to write to


def test_a_closure_cannot_spoil_its_gradient_and_keeps_no_array() -> None:
    slopes = np.array([2.0, 2.0])
    x = Tensor([3.0, 4.0])
    Tensor(2 * x.data, parents=(x,), backward=lambda g: slopes).backward([1.0, 1.0])
    x.grad *= 0.5
    assert slopes.tolist() == [2.0, 2.0]

    def spoil(g: Any) -> Any:
        g *= 2
        return g

    with pytest.raises(GradientError, match="closure: its backward writes into"):
        Tensor(2 * x.data, parents=(x,), backward=spoil).backward([1.0, 1.0])


@pytest.mark.parametrize("shape", [(5, 3), (2, 3), (1, 1, 3), (4,), (2,)])
def test_a_gradient_with_an_axis_from_nowhere_is_refused_and_not_summed(
    shape: tuple[int, ...],
) -> None:
    x = Tensor([1.0, 2.0, 3.0], label="x")
    wrong = Op("misshapen", np.tanh, (lambda g, y, x: np.ones(shape),))
    closed = Tensor(x.data, parents=(x,), op="misshapen", backward=lambda g: np.ones(shape))
    for y in (wrong(x), closed):
        with debug(), pytest.raises(GradientError) as caught:
            y.sum().backward()
        words = f"misshapen gave shape {shape} for its argument Tensor 'x' of shape (3,)"
        assert words in str(caught.value)
    assert x.grad is None


def test_a_gradient_in_a_shape_that_broadcasting_made_is_summed() -> None:
    scale = Op(
        "scale", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), reach=SAME
    )
    a, b = Tensor(np.ones((2, 1))), Tensor([1.0, 2.0, 3.0])
    scale(a, b).sum().backward()
    assert a.grad.tolist() == [[6.0], [6.0]]
    assert b.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "came", ["text", [1j, 1j], np.array([None, None]), np.array(["1", "2"]), {"a": 1}]
)
def test_a_gradient_that_is_not_made_of_real_numbers_is_refused(came: Any) -> None:
    x = Tensor([1.0, 2.0])
    y = Op("unreal", np.tanh, (lambda g, y, x: came,))(x)
    with pytest.raises(GradientError, match=r"unreal gave .*made by unreal|unreal gave shape"):
        y.backward([1.0, 1.0])
    assert x.grad is None


@both_kinds
def test_a_derivative_that_uses_a_node_from_outside_is_refused(kind: Any) -> None:
    W, x = kind(2.0, label="W"), kind(3.0)
    hidden = Op("hidden", lambda x: x * W.data, (lambda g, y, x: g * W,))
    with pytest.raises(GradientError, match=r"derivative of hidden gave a .*Make that node an"):
        hidden(x).backward()
    constant = W.detach()
    plain = Op("plain", lambda x: x * W.data, (lambda g, y, x: g * constant,))
    plain(x).backward()
    assert type(x.grad) is not kind
    assert x.grad == 2.0


@both_kinds
def test_a_node_as_a_setting_is_refused_since_it_would_get_no_gradient(kind: Any) -> None:
    scaled = Op("scaled", lambda x, *, by: x * by, (lambda g, y, x, *, by: g * by,))
    x = kind(2.0)
    with pytest.raises(OperandError, match="scaled: its setting by has no gradient"):
        scaled(x, by=kind(3.0))
    scaled(x, by=3.0).backward()
    assert x.grad == 3.0


def test_a_number_made_by_an_operation_of_ones_own_is_named_if_it_is_none() -> None:
    twice = Op("twice", lambda x: np.array([x, x]), (lambda g, y, x: g[0],))
    with pytest.raises(OperandError, match=r"twice: .*Use Tensors"):
        twice(Value(1.0))


# Graphs that are used again, elsewhere, or half way


def backward_twice(x: Any) -> None:
    y = x * x * x
    y.backward()
    y.backward()


def two_losses(x: Any) -> None:
    h = x * x * x
    (h * 0.5).backward()
    (h + h * 0.5).backward()


def under_no_grad(x: Any) -> None:
    y = x * x * x * 2
    with no_grad():
        y.backward()


def under_no_grad_with_a_graph(x: Any) -> None:
    y = x * x * x * 2
    with no_grad():
        y.backward(create_graph=True)
    assert x.grad.requires_grad


@both_kinds
@pytest.mark.parametrize(
    "use", [backward_twice, two_losses, under_no_grad, under_no_grad_with_a_graph]
)
def test_a_graph_gives_the_same_gradient_however_it_is_used(
    kind: Any, use: Callable[[Any], None]
) -> None:
    x = kind(3.0)
    use(x)
    grad = x.grad.data if isinstance(x.grad, (Tensor, Value)) else x.grad
    assert grad == 54.0


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))]
)
def test_a_copied_graph_has_the_gradient_of_the_original(copied: Callable[[Any], Any]) -> None:
    x = Tensor([3.0], label="x")
    y = copied(mg.reshape(x, (1, 1)) * x)
    y.sum().backward()
    leaf: Any = next(node for node in topological_order(y) if node.label == "x")
    assert leaf.grad == 6.0
    leaf.data -= 1.0
    with pytest.raises(StaleGraphError):
        y.sum().backward()


@both_kinds
def test_a_result_said_to_require_no_gradient_passes_on_what_was_recorded(kind: Any) -> None:
    x, w = kind(2.0), kind(1.0)
    y = x * x
    z = y * 2 + mg.exp(y) * w
    y.requires_grad = False
    z.backward()
    assert x.grad == pytest.approx(4 * (2 + math.exp(4)), rel=1e-14)


@both_kinds
def test_what_requires_grad_says_counts_from_the_next_operation_on(kind: Any) -> None:
    c, x = kind(2.0, requires_grad=False), kind(3.0)
    y = c * c * x
    c.requires_grad = True
    y.backward()
    assert not c.has_grad
    (c * c * x).backward()
    assert c.grad == 12.0


def test_an_integer_tensor_made_to_require_a_gradient_is_refused() -> None:
    x = Tensor([1, 2], label="x")
    x.requires_grad = True
    y = (x * 0.5).sum()
    with pytest.raises(GradientError, match=r"'x' .*an argument of multiply.*int64"):
        y.backward()
    assert x.grad is None


# What loses a graph, or a meaning


LOSING: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "int": int,
    "complex": complex,
    "math.sin": math.sin,
    "math.floor": math.floor,
    "math.fsum": lambda x: math.fsum([x]),
    "np.float64": np.float64,
    "np.asarray": np.asarray,
    "np.array of a list": lambda x: np.array([x]),
    "np.array of objects": lambda x: np.array([x], dtype=object),
    "np.sum of a list": lambda x: np.sum([x, x]),
    "np.full": lambda x: np.full(2, x),
    "np.full_like": lambda x: np.full_like(np.ones(2), x),
    "np.full_like of it": lambda x: np.full_like(x, x),
    "np.unique": np.unique,
    "np.copyto": lambda x: np.copyto(np.ones(1), x),
    "np.add.at": lambda x: np.add.at(np.ones(2), [0], x),
    "np.add with out=": lambda x: np.add(np.ones(()), x, out=np.ones(())),
    "+= of an array": lambda x: operator.iadd(np.ones(2), x),
    "[:] = of an array": lambda x: operator.setitem(cast(Any, np.ones(2)), slice(0, 1), x),
    "ndarray.dot": lambda x: np.ones(1).dot(x),
    "a random number": lambda x: np.random.default_rng(0).normal(x),
    "a masked array on the left": lambda x: np.ma.array([1.0, 2.0], mask=[False, True]) * x,
    "a masked array on the right": lambda x: x * np.ma.array([1.0, 2.0], mask=[False, True]),
    "np.ma.exp": lambda x: np.ma.exp(x),
}


@both_kinds
@pytest.mark.parametrize("what", LOSING)
def test_what_would_lose_the_graph_is_an_error_that_names_a_way_out(kind: Any, what: str) -> None:
    x = kind(0.5)
    with pytest.raises(OperandError, match=r"\.data|\.item\(\)|where\(|micrograd\."):
        LOSING[what](x)
    (x * 2).backward()
    assert x.grad == 2.0


@both_kinds
@pytest.mark.parametrize(
    "use",
    [
        operator.index,
        math.trunc,
        lambda x: [1, 2][x],
        lambda x: operator.setitem(cast(Any, np.ones(2)), 0, x),
        memoryview,
        lambda x: divmod(x, 2),
    ],
)
def test_what_python_or_numpy_refuses_by_itself_stays_refused(
    kind: Any, use: Callable[[Any], Any]
) -> None:
    with pytest.raises((TypeError, ValueError)):
        use(kind(1.0))


def test_the_weights_of_a_count_lose_no_graph() -> None:
    with pytest.raises(OperandError, match=r"np\.bincount: has no derivative"):
        np.bincount([0, 1], weights=Tensor([1.0, 2.0]))
    assert np.full_like(Tensor([1.0, 2.0]), 7.0).tolist() == [7.0, 7.0]


def test_the_error_names_the_node_that_would_lose_its_graph() -> None:
    W = Tensor([1.0], label="W")
    with debug():
        y = W * 2
    with pytest.raises(OperandError, match=r"float: Tensor 'W' of shape \(1,\) requires"):
        float(W)
    with pytest.raises(OperandError, match=r"made by multiply at .*test_hazards"):
        np.asarray(y)


@pytest.mark.parametrize("node", [Value(2.345), Tensor(2.345), Tensor([[2.345]])])
def test_a_number_is_formatted_as_python_formats_it(node: Any) -> None:
    assert f"{node:.2f}|{node:>6.1f}" == "2.35|   2.3"
    assert f"{node}" == str(node)


def test_formatting_an_array_as_a_number_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"item: .*\(2,\).*use \.data"):
        f"{Tensor([1.0, 2.0]):.2f}"


@both_kinds
def test_rounding_gives_a_node_whose_derivative_is_0(kind: Any) -> None:
    x = kind(2.6)
    (round(x) * x).backward()
    assert x.grad == 3.0


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "use",
    [lambda m, t: m * t, lambda m, t: t * m, lambda m, t: t + m, lambda m, t: Tensor(m)],
)
def test_an_np_matrix_is_refused_since_its_product_is_another(use: Callable[..., Any]) -> None:
    with pytest.raises(OperandError, match=r"np\.matrix.*Give np\.asarray"):
        use(np.matrix([[1.0, 2.0], [3.0, 4.0]]), Tensor(np.ones((2, 2))))


UNREAL: dict[str, Callable[[], Any]] = {
    "a masked Tensor": lambda: Tensor(np.ma.array([1.0, 2.0], mask=[False, True])),
    "a complex array, to be floats": lambda: Tensor(np.array([1 + 2j]), dtype=float),
    "None, to be floats": lambda: Tensor([None, 1.0], dtype=float),
    "complex dtype": lambda: Tensor([1.0], dtype=complex),
    "complex data": lambda: setattr(Tensor([1.0]), "data", np.array([1j])),
    "a complex gradient": lambda: setattr(Tensor([1.0]), "grad", np.array([1j])),
    "a complex start": lambda: Tensor([1.0]).backward(np.array([1j])),
    "objects": lambda: Tensor([1.0]) * np.array([1.0], dtype=object),
    "records": lambda: Tensor(np.zeros(2, dtype=[("a", float)])),
    "dates": lambda: Tensor([1.0]) * np.array(["2020"], dtype="M8[D]"),
}


@pytest.mark.parametrize("what", UNREAL)
def test_what_is_not_made_of_real_numbers_is_refused_and_not_cut_down(what: str) -> None:
    with pytest.raises(OperandError, match=r"expected real numbers|mask would be lost"):
        UNREAL[what]()


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.float16, np.longdouble])
@pytest.mark.parametrize("layout", ["reversed", "Fortran", "read-only", "empty"])
def test_unusual_arrays_have_the_gradient_of_usual_ones(dtype: Any, layout: str) -> None:
    plain = np.arange(1.0, 7.0).reshape(2, 3) / 4
    given = plain.astype(dtype)
    if layout == "reversed":
        given = given[::-1, ::-1]
    elif layout == "Fortran":
        given = np.asfortranarray(given)
    elif layout == "empty":
        given = given[:0]
    given.flags.writeable = layout != "read-only"
    x, usual = Tensor(given), Tensor(given.astype(float))
    for leaf in (x, usual):
        (mg.tanh(leaf.T) * leaf.T + given.T).sum().backward()
    assert x.grad.dtype == np.dtype(dtype).newbyteorder("=")
    tolerance = 0.01 if dtype is np.float16 else 1e-6
    np.testing.assert_allclose(x.grad.astype(float), usual.grad, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int8, np.bool_])
@pytest.mark.parametrize("power", [mg.power, mg.float_power])
@pytest.mark.parametrize("create_graph", [False, True])
def test_exponents_and_bases_of_small_integers_do_not_wrap_around(
    dtype: Any, power: Any, create_graph: bool
) -> None:
    numbers = np.array([0, 1, 1] if dtype is np.bool_ else [0, 1, 100], dtype)
    for call in (lambda x, c: power(x, c), lambda x, c: power(c, x)):
        gradients: list[Any] = []
        for constant in (numbers, numbers.astype(float)):
            x = Tensor([1.5, 2.5, 0.75])
            call(x, constant).sum().backward(create_graph=create_graph)
            gradients.append(x.grad.data if create_graph else x.grad)
        np.testing.assert_allclose(*gradients, rtol=1e-12)


# Python's own ways with lists and in-place operators


@both_kinds
def test_every_in_place_operator_rebinds_and_leaves_other_references_alone(kind: Any) -> None:
    operators = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]
    for in_place in operators:
        x = kind(3.0)
        y = x
        z = in_place(y, 2.0)
        assert z is not x
        assert x.data == 3.0
        z.backward()
        expected = {operator.imul: 2.0, operator.itruediv: 0.5, operator.ipow: 6.0}
        assert x.grad == expected.get(in_place, 1.0)


@pytest.mark.parametrize(
    "build", [lambda: [Value(1.0), Value(3.0), Value(2.0)], lambda: Tensor([1.0, 3.0, 2.0])]
)
def test_max_min_sum_and_sorted_give_nodes_with_their_gradients(build: Callable[[], Any]) -> None:
    values = build()
    low, middle, high = sorted(values)
    (max(values) * 100 + min(values) * 10 + sum(values) + high * middle * low).backward()
    grads = values.grad if isinstance(values, Tensor) else [v.grad for v in values]
    assert list(grads) == [10 + 1 + 6, 100 + 1 + 2, 1 + 3]


def test_a_list_finds_a_value_by_identity_and_not_by_its_number() -> None:
    a, b = Value(3.0), Value(3.0)
    values = [a, b]
    assert values.index(b) == 1
    assert Value(3.0) not in values
    assert a in values
    values.remove(b)
    assert values == [a]


def test_dicts_and_sets_tell_nodes_apart_by_identity() -> None:
    nodes = [Value(1.0), Value(1.0), Tensor([1.0]), Tensor([1.0]), Tensor([1.0, 2.0])]
    assert len(set(nodes)) == len(nodes)
    assert [{node: i for i, node in enumerate(nodes)}[node] for node in nodes] == list(range(5))


def test_a_list_of_tensors_compares_their_numbers_as_one_of_arrays_does() -> None:
    t = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="ambiguous"):
        operator.contains([Tensor([1.0, 2.0])], t)
    assert Tensor(3.0) in [Tensor(3.0)]
    assert 2.0 in t


# What the messages say


W = Tensor(np.ones((2, 3)), label="W")

MESSAGES: dict[str, tuple[Callable[[], Any], str]] = {
    "item": (lambda: W.item(), r"item: .*'W' of shape \(2, 3\)\. Take one"),
    "bool": (lambda: bool(W), r"bool: .*'W' of shape \(2, 3\) is ambiguous\. Use"),
    "len": (lambda: len(Tensor(1.0, label="c")), r"len: Tensor 'c' .*Use \.item\(\)"),
    "data": (lambda: setattr(W, "data", [1.0]), r"Tensor\.data: expected .*\(1,\).*'W'.*Make"),
    "grad": (lambda: setattr(W, "grad", [1.0]), r"Tensor\.grad: expected .*\(1,\).*'W'.*Give"),
    "backward": (lambda: W.backward(), r"backward: Tensor 'W' of shape \(2, 3\).*Reduce"),
    "a start": (lambda: W.backward([1.0]), r"backward: .*\(1,\).*\(2, 3\): Tensor 'W'.*Give"),
    "None": (
        lambda: Op("gave none", np.tanh, (lambda g, y, x: None,))(W).sum().backward(),
        r"gave none for argument 0, Tensor 'W' of shape \(2, 3\), gave None\. Return",
    ),
    "too few": (
        lambda: Op("too few", np.add, (lambda g, y, a, b: g,))(W, W).sum().backward(),
        r"too few was called with 2 arguments in Tensor of shape \(2, 3\) made by too few",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_message_tells_the_node_with_its_label_and_shape_and_what_to_do(case: str) -> None:
    attempt, words = MESSAGES[case]
    with pytest.raises(MicrogradError, match=words):
        attempt()
    assert W.grad is None


# The page


def test_every_test_that_the_page_names_exists() -> None:
    folder = Path(__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))
    named = re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 30
    assert set(named) <= defined


def test_the_examples_of_the_page_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


def test_every_row_of_the_page_has_a_cell_for_each_library_and_a_test() -> None:
    _, text = PAGE.read_text(encoding="utf-8").split("## Beside other libraries")
    rows = [line for line in text.splitlines() if line[:2] == "| "]
    assert len(rows) > 30
    for row in rows[1:]:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 7, row
        assert all(cells), row
        assert re.search("`test_", cells[-1]), row
        for cell in cells[1:-1]:
            assert re.match(r"right|error|wrong|not computed|an object array|—", cell), row


@pytest.mark.parametrize(
    ("dtype", "new"),
    [(int, [1.5, 2.0]), (np.int8, [300, 1]), (bool, [2, 0]), (int, [np.nan, 0.0])],
)
def test_numbers_that_integers_cannot_hold_are_refused_and_not_cut_down(
    dtype: Any, new: list[Any]
) -> None:
    t = Tensor(np.ones(2, dtype))
    with pytest.raises(OperandError, match=r"Tensor\.data: came .* cannot hold"):
        t.data = new
    assert t.data.tolist() == [1, 1]
    t.data = [1.0, 0.0]
    assert t.data.tolist() == [1, 0]
