"""Laws that every built-in operation obeys, each tested over the whole table of domains."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import Node, Tensor, Value
from micrograd.op import Each, Op, no_gradient, registry
from micrograd.testing import numerical_gradient
from tests.domains import TABLE, Array, Sample

LAYOUTS = ["as it is", "Fortran", "reversed", "every other", "read-only"]

every_op = pytest.mark.parametrize("name", TABLE)
ops_of_numbers = pytest.mark.parametrize("name", [n for n, e in TABLE.items() if e.function])
ops_of_arrays = pytest.mark.parametrize("name", [n for n, e in TABLE.items() if not e.function])


def lay_out(array: Array, layout: str) -> Array:
    """Return an array with the same elements, in the same order, elsewhere in memory."""
    if layout == "Fortran":
        return np.asfortranarray(array) if array.ndim else array
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    if layout == "every other" and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


def node_laid_out(array: Array, layout: str) -> Tensor:
    """Return a node over a view of its leaf."""
    if layout == "Fortran":
        return Tensor(array.T).T
    if layout == "reversed" and array.ndim:
        return Tensor(array[::-1])[::-1]
    if layout == "every other" and array.ndim:
        return Tensor(np.repeat(array, 2, axis=-1))[..., ::2]
    return Tensor(array)


def leaves_for(sample: Sample, args: Sequence[Array]) -> list[Tensor]:
    return [Tensor(a, requires_grad=i in sample.wanted()) for i, a in enumerate(args)]


def weights(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Return nonzero eighths, which every floating dtype holds exactly."""
    sign = rng.choice([-1, 1], shape)
    return np.asarray(sign * rng.integers(1, 17, shape) / 8, dtype)


def assert_close(actual: Any, expected: Any, tolerance: float) -> None:
    """Compare with a tolerance relative to each element, and a tenth of it to the largest."""
    largest = np.abs(expected).max(initial=1)
    np.testing.assert_allclose(
        np.asarray(actual), expected, rtol=tolerance, atol=tolerance / 10 * largest
    )


def differences(f: Callable[[], float], x: Array, step: float) -> Array:
    """Return the derivatives of f by the elements of x, which f reads: central, extrapolated."""

    def by(step: float) -> Array:
        return numerical_gradient(lambda _: f(), x, step)

    return (4 * by(step / 2) - by(step)) / 3


def check_gradient(sample: Sample, rng: np.random.Generator) -> None:
    """Assert that the gradients agree with differences of NumPy's reference."""
    args = [arg.copy() for arg in sample.args]
    nodes = leaves_for(sample, args)
    result = sample.call(*nodes)
    cotangent = weights(rng, result.shape, result.dtype)
    result.backward(cotangent)

    def objective() -> float:
        return float(np.sum(sample.reference(*args) * cotangent.astype(float)))

    for i in sample.wanted():
        assert_close(nodes[i].grad, differences(objective, args[i], sample.step), 1e-6)


def recorded_gradients(sample: Sample, nodes: Sequence[Tensor], cotangent: Tensor) -> list[Tensor]:
    """Return the gradients as nodes, and leave none behind."""
    sample.call(*nodes).backward(cotangent, create_graph=True)
    gradients = [nodes[i].grad for i in sample.wanted()]
    for node in nodes:
        node.zero_grad()
    return gradients


def check_second_order(sample: Sample, rng: np.random.Generator) -> None:
    """Assert that gradients of <gradient, v> agree with differences of the first gradient."""
    nodes = leaves_for(sample, sample.args)
    result = sample.call(*nodes)
    cotangent = Tensor(weights(rng, result.shape, result.dtype))
    v = [weights(rng, sample.args[i].shape) for i in sample.wanted()]
    inner = micrograd.stack(
        [
            (g * v).sum()
            for g, v in zip(recorded_gradients(sample, nodes, cotangent), v, strict=True)
        ]
    ).sum()
    if inner.requires_grad:
        inner.backward()

    def objective() -> float:
        fresh = leaves_for(sample, args)
        sample.call(*fresh).backward(weight)
        return sum(
            float(np.sum(fresh[i].grad * v)) for i, v in zip(sample.wanted(), v, strict=True)
        )

    args, weight = [arg.copy() for arg in sample.args], cotangent.data.copy()
    for i in sample.wanted():
        assert_close(gradient_of(nodes[i]), differences(objective, args[i], sample.step), 1e-6)
    assert_close(gradient_of(cotangent), differences(objective, weight, 0.5), 1e-6)


def gradient_of(node: Tensor) -> Array:
    return np.zeros(node.shape) if node.grad is None else node.grad


def fails_somewhere(
    check: Callable[[Sample, np.random.Generator], None], name: str, examples: int = 30
) -> bool:
    """Tell whether a check refutes an operation within a number of examples."""

    @settings(max_examples=examples, phases=[Phase.generate], database=None, derandomize=True)
    @given(TABLE[name].samples(), st.integers(0, 1000))
    def law(sample: Sample, seed: int) -> None:
        check(sample, np.random.default_rng(seed))

    try:
        law()
    except AssertionError:
        return True
    return False


def planted(op: Op, i: int, change: Callable[[Any], Any]) -> Any:
    """Return the derivatives of `op` with that of argument `i` changed."""
    originals = op.derivatives

    def rule_of(j: int) -> Any:
        original = originals[j]

        def rule(*args: Any, **settings: Any) -> Any:
            return change(original(*args, **settings))

        return rule if j == i else original

    if isinstance(originals, Each):
        return Each(lambda j, *args, **settings: rule_of(j)(*args, **settings))
    return tuple(rule_of(j) for j in range(len(originals)))


def arguments_with_rules() -> list[Any]:
    pairs: list[Any] = []
    for name in TABLE:
        rules = registry[name].derivatives
        some = (
            (0, 1)
            if isinstance(rules, Each)
            else [i for i, rule in enumerate(rules) if rule is not no_gradient]
        )
        pairs += [pytest.param(name, i, id=f"{name}-{i}") for i in some]
    return pairs


def test_every_built_in_operation_has_an_entry_and_every_entry_an_operation() -> None:
    root = str(Path(micrograd.__file__).parents[1])
    built_in = subprocess.run(
        [sys.executable, "-c", "from micrograd.op import registry; print(*registry)"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert len(built_in) >= 36
    assert sorted(TABLE) == sorted(built_in)


@every_op
@settings(max_examples=18)
@given(data=st.data())
def test_the_result_is_that_of_numpy(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples(smallest=0))
    dtype, tolerance = data.draw(st.sampled_from([(np.float64, 1e-12), (np.float32, 1e-5)]))
    layout = data.draw(st.sampled_from(LAYOUTS))
    args = sample.cast(dtype)
    expected = np.asarray(sample.reference(*args))

    plain = sample.call(*[lay_out(a, layout) for a in args])
    tensor = sample.call(*[node_laid_out(a, layout) for a in args])

    for result in (np.asarray(plain), tensor.data):
        assert result.shape == expected.shape
        assert result.dtype == expected.dtype
        assert_close(result, expected, tolerance)


@every_op
@settings(max_examples=18)
@given(data=st.data())
def test_the_gradient_is_the_numerical_derivative(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples())
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))

    check_gradient(sample, rng)  # asserts


@every_op
@settings(max_examples=10)
@given(data=st.data())
def test_the_second_gradient_is_the_numerical_derivative_of_the_first(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples())
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))

    check_second_order(sample, rng)  # asserts


@pytest.mark.parametrize(("name", "i"), arguments_with_rules())
def test_the_check_of_the_gradient_refutes_a_rule_that_is_off_by_a_thousandth(
    name: str, i: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = registry[name]
    before = fails_somewhere(check_gradient, name, examples=3)
    monkeypatch.setattr(op, "derivatives", planted(op, i, lambda g: g * 1.001))

    assert not before
    assert fails_somewhere(check_gradient, name)


@pytest.mark.parametrize(("name", "i"), arguments_with_rules())
def test_the_check_of_the_second_order_refutes_a_rule_that_detaches(
    name: str, i: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = registry[name]

    def detached(g: Any) -> Any:
        return g.detach() * 1 if isinstance(g, Tensor) else g

    monkeypatch.setattr(op, "derivatives", planted(op, i, detached))

    assert fails_somewhere(check_second_order, name)


@every_op
@settings(max_examples=18)
@given(data=st.data())
def test_a_gradient_has_the_shape_and_dtype_of_its_parent(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples(smallest=0))
    dtypes = st.sampled_from([np.float32, np.float64])
    args = [
        a.astype(data.draw(dtypes)) if i in sample.wanted() else a
        for i, a in enumerate(sample.args)
    ]
    create_graph = data.draw(st.booleans())
    nodes = leaves_for(sample, args)
    result = sample.call(*nodes)
    result.backward(np.ones(result.shape, result.dtype), create_graph=create_graph)

    assert sample.wanted()
    for i, node in enumerate(nodes):
        if i in sample.wanted():
            assert isinstance(node.grad, Tensor) == create_graph
            assert node.grad.shape == args[i].shape
            assert node.grad.dtype == args[i].dtype
        else:
            assert node.grad is None


@every_op
@settings(max_examples=10)
@given(data=st.data())
def test_a_recorded_backward_pass_gives_the_same_gradient(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples(smallest=0))
    nodes = leaves_for(sample, sample.args)
    result = sample.call(*nodes)
    cotangent = weights(np.random.default_rng(0), result.shape, result.dtype)

    result.backward(np.asfortranarray(cotangent) if cotangent.ndim else cotangent)
    plain = [nodes[i].grad for i in sample.wanted()]
    for node in nodes:
        node.zero_grad()
    recorded = recorded_gradients(sample, nodes, Tensor(cotangent))

    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(a, b.data, rtol=1e-12, atol=1e-14)


@every_op
@settings(max_examples=10)
@given(data=st.data())
def test_arguments_and_gradients_that_came_in_are_left_as_they_were(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples(smallest=0))
    copies = [arg.copy() for arg in sample.args]
    nodes = leaves_for(sample, sample.args)

    plain = sample.call(*sample.args)
    result = sample.call(*nodes)
    cotangent = np.ones(result.shape, result.dtype)
    result.backward(cotangent)
    for i in sample.wanted():
        nodes[i].grad += 1  # a gradient is an array of the leaf's own

    for arg, node, copy in zip(sample.args, nodes, copies, strict=True):
        np.testing.assert_array_equal(arg, copy)
        np.testing.assert_array_equal(node.data, copy)
    np.testing.assert_array_equal(cotangent, 1)
    np.testing.assert_array_equal(result.data, plain)


@every_op
@settings(max_examples=12)
@given(data=st.data())
def test_an_array_and_a_node_give_the_same_in_every_position(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples())
    nodes = leaves_for(sample, sample.args)
    result = sample.call(*nodes)
    cotangent = weights(np.random.default_rng(0), result.shape, result.dtype)
    result.backward(cotangent)
    plain = sample.call(*sample.args)

    assert not isinstance(plain, Node)
    np.testing.assert_array_equal(plain, result.data)
    if len(sample.args) == 1:
        return
    for i in range(len(sample.args)):
        mixed: list[Any] = leaves_for(sample, sample.args)
        mixed[i] = sample.args[i]
        again = sample.call(*mixed)
        others = [j for j in sample.wanted() if j != i]
        if others:
            assert isinstance(again, Tensor)
            again.backward(cotangent)
        again = again.data if isinstance(again, Tensor) else again
        np.testing.assert_array_equal(again, result.data)
        for j in others:
            np.testing.assert_array_equal(mixed[j].grad, nodes[j].grad)


def gradient_of_one_node_and_sum_of_several(sample: Sample) -> tuple[Array, Array]:
    """Return the gradient with one node in every position, and the sum of those of copies."""
    wanted = sample.wanted()
    one, copies = Tensor(sample.args[wanted[0]]), leaves_for(sample, sample.args)
    shared: list[Any] = [one if i in wanted else a for i, a in enumerate(sample.args)]
    for i in wanted:
        copies[i] = Tensor(one.data)
    y, z = sample.call(*shared), sample.call(*copies)
    assert len(y.parents) == len(shared)
    cotangent = weights(np.random.default_rng(0), y.shape, y.dtype)
    y.backward(cotangent)
    z.backward(cotangent)
    return one.grad, sum(copies[i].grad for i in wanted)


@pytest.mark.parametrize(
    "name",
    [
        "add",
        "subtract",
        "multiply",
        "divide",
        "maximum",
        "minimum",
        "where",
        "concatenate",
        "stack",
    ],
)
@settings(max_examples=10)
@given(data=st.data())
def test_a_node_in_several_positions_gets_the_sum_of_their_gradients(
    name: str, data: st.DataObject
) -> None:
    shared, several = gradient_of_one_node_and_sum_of_several(data.draw(TABLE[name].samples()))

    np.testing.assert_allclose(shared, several, rtol=1e-12, atol=1e-14)


def test_a_square_matrix_times_itself_gets_the_sum_of_both_gradients() -> None:
    square = np.random.default_rng(0).normal(size=(2, 3, 3))
    sample = Sample(micrograd.matmul, np.matmul, (square, square))
    shared, several = gradient_of_one_node_and_sum_of_several(sample)

    np.testing.assert_allclose(shared, several, rtol=1e-12)
    check_gradient(sample, np.random.default_rng(1))


@ops_of_numbers
@settings(max_examples=12)
@given(data=st.data())
def test_a_number_an_array_and_a_node_give_the_same_in_every_position(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples())
    for i in range(len(sample.args)):
        number = sample.args[i].flat[0].item()
        forms = [
            number,
            np.array(number),
            np.float64(number),
            Tensor(float(number)),
            Tensor(number),
        ]
        outcomes: list[list[Any]] = []
        for form in forms:
            mixed: list[Any] = leaves_for(sample, sample.args)
            mixed[i] = form
            result = sample.call(*mixed)
            others = [mixed[j] for j in sample.wanted() if j != i]
            if others:
                result.backward(np.ones(result.shape))
            data_of = result.data if isinstance(result, Tensor) else np.asarray(result, float)
            outcomes.append([data_of, *[node.grad for node in others]])
        for outcome in outcomes[1:]:
            for a, b in zip(outcome, outcomes[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)
                assert a.shape == b.shape
                assert a.dtype == b.dtype


@ops_of_numbers
@settings(max_examples=18)
@given(data=st.data())
def test_values_give_the_result_and_the_gradients_of_tensors(
    name: str, data: st.DataObject
) -> None:
    sample = data.draw(TABLE[name].samples())
    numbers = [arg.flat[0].item() for arg in sample.args]
    wanted = sample.wanted()
    values = [Value(x, requires_grad=i in wanted) for i, x in enumerate(numbers)]
    tensors = [Tensor(x, requires_grad=i in wanted) for i, x in enumerate(numbers)]

    value, tensor = sample.call(*values), sample.call(*tensors)
    value.backward(0.75)
    tensor.backward(0.75)

    assert isinstance(value, Value)
    np.testing.assert_allclose(value.data, tensor.data, rtol=1e-13)
    for i in wanted:
        np.testing.assert_allclose(values[i].grad, tensors[i].grad, rtol=1e-12)


@ops_of_numbers
@settings(max_examples=10)
@given(data=st.data())
def test_values_give_the_second_gradients_of_tensors(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples())
    numbers = [arg.flat[0].item() for arg in sample.args]
    outcomes: list[list[float]] = []
    for kind in (Value, Tensor):
        nodes = [kind(x, requires_grad=i in sample.wanted()) for i, x in enumerate(numbers)]
        g = kind(0.75)
        sample.call(*nodes).backward(g, create_graph=True)
        slopes = [nodes[i].grad * (i + 1) for i in sample.wanted()]
        for node in nodes:
            node.zero_grad()
        for slope in slopes:
            if slope.requires_grad:
                slope.backward()
        outcomes.append([0.0 if not node.has_grad else float(node.grad) for node in (*nodes, g)])

    np.testing.assert_allclose(outcomes[0], outcomes[1], rtol=1e-12, atol=1e-14)


@ops_of_numbers
@settings(max_examples=10)
@given(data=st.data())
def test_of_plain_numbers_an_operation_makes_a_plain_number(name: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[name].samples())
    function = TABLE[name].function
    assert function is not None

    result = function(*[arg.flat[0].item() for arg in sample.args])

    assert type(result) is float or (type(result) is int and result == 0)  # relu's 0 is micrograd's
    one = sample.reference(*[arg.flat[0] for arg in sample.args])
    np.testing.assert_allclose(result, one, rtol=1e-13)


@ops_of_arrays
@settings(max_examples=5)
@given(data=st.data())
def test_an_operation_on_arrays_refuses_a_value(name: str, data: st.DataObject) -> None:
    op = registry[name]
    sample = data.draw(TABLE[name].samples())

    with pytest.raises(micrograd.OperandError, match=r"takes arrays.*Use Tensors"):
        op(*[Value(1.0) for _ in sample.args])
