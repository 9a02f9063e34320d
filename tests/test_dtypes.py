"""Dtypes: promotion as in NumPy (NEP 50), what is a constant, and who may stand on the left."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import GradientError, OperandError, Tensor, Value

FLOATS = [np.float16, np.float32, np.float64]
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
COMPARISONS = [
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]

every_operator = pytest.mark.parametrize("sign", OPERATORS)
every_float = pytest.mark.parametrize("dtype", FLOATS)


@every_float
@every_operator
@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_tensor_keeps_its_dtype_beside_a_python_number(
    dtype: Any, sign: str, number: Any, side: str
) -> None:
    f = OPERATORS[sign]
    array = np.array([1.0, 1.5], dtype)
    x = Tensor(array)
    y = f(x, number) if side == "right" else f(number, x)
    y.backward(np.ones(2))

    expected = f(array, number) if side == "right" else f(number, array)
    assert y.dtype == dtype
    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(y.data, expected)


@every_float
def test_a_long_computation_stays_in_its_dtype_forwards_and_backwards(dtype: Any) -> None:
    x, w = Tensor(np.ones((2, 3), dtype)), Tensor(np.ones((3, 2), dtype))
    h = micrograd.relu(x @ w / 3 - 0.5) ** 2 + 1e-3
    p = micrograd.softmax(h.log() * 2).mean(axis=0, keepdims=True)
    loss = micrograd.softmax_cross_entropy(1 - p.reshape(1, 2), [1]) + abs(h.max())
    loss.backward(create_graph=True)
    first = [x.grad, w.grad]
    x.zero_grad()
    (first[0] * first[0]).sum().backward()

    assert loss.dtype == dtype
    assert [g.dtype for g in first] == [dtype, dtype]
    assert x.grad.dtype == dtype


@every_operator
@pytest.mark.parametrize("side", ["left", "right"])
def test_float32_beside_a_float64_array_gives_float64_and_a_float32_gradient(
    sign: str, side: str
) -> None:
    f = OPERATORS[sign]
    single, double = np.array([1.0, 1.5], np.float32), np.array([0.5, 2.0])
    x = Tensor(single)
    y = f(x, double) if side == "right" else f(double, x)
    y.backward(np.ones(2))

    expected = f(single, double) if side == "right" else f(double, single)
    assert y.dtype == np.float64
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(y.data, expected)


@every_operator
def test_two_tensors_promote_and_each_gets_a_gradient_of_its_own_dtype(sign: str) -> None:
    for left in FLOATS:
        for right in FLOATS:
            a, b = Tensor(np.array([1.0, 2.0], left)), Tensor(np.array([[2.0], [1.5]], right))
            y = OPERATORS[sign](a, b)
            y.backward(np.ones((2, 2)))

            assert y.dtype == np.promote_types(left, right)
            assert (a.grad.dtype, b.grad.dtype) == (left, right)
            assert (a.grad.shape, b.grad.shape) == ((2,), (2, 1))


@pytest.mark.parametrize("join", [micrograd.concatenate, micrograd.stack])
def test_joined_arrays_promote_and_each_gets_a_gradient_of_its_own_dtype(join: Any) -> None:
    parts = [Tensor(np.array([1.0, 2.0], dtype)) for dtype in FLOATS]
    y = join(parts)
    y.sum().backward()

    assert y.dtype == np.float64
    assert [part.grad.dtype for part in parts] == FLOATS


def test_float16_computes_in_float16() -> None:
    x = Tensor(np.array([300.0, 0.1], np.float16))
    with np.errstate(over="ignore"):
        y = x * x

    assert y.dtype == np.float16
    assert np.isinf(y.data[0])
    assert y.data[1] == np.float16(0.1) * np.float16(0.1)


def test_an_integer_array_beside_float32_promotes_as_numpy_has_it() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    for integers in (np.array([3, 4]), np.array([3, 4], np.int8), np.array([True, False])):
        y = x * integers

        assert y.dtype == (x.data * integers).dtype
        y.backward(np.ones(2))
        np.testing.assert_array_equal(x.grad, integers)
        assert x.grad.dtype == np.float32
        x.zero_grad()


@pytest.mark.parametrize("data", [[1, 2], [True, False], np.array([1, 2], np.uint8)])
def test_integers_and_booleans_are_constants(data: Any) -> None:
    t = Tensor(data)
    x = Tensor([1.0, 2.0])
    y = t * x
    y.backward([1.0, 1.0])

    assert not t.requires_grad
    assert t.grad is None
    assert (t * 2).dtype.kind in "iu"
    assert not (t * 2).requires_grad
    np.testing.assert_array_equal(x.grad, data)
    with pytest.raises(OperandError, match="has no gradient"):
        Tensor(data, requires_grad=True)
    with pytest.raises(GradientError, match="requires no gradient"):
        (t * 2).sum().backward()


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_what_is_cast_to_integers_is_a_constant(dtype: Any) -> None:
    x = Tensor([1.5, 2.5])
    y = x.astype(dtype)

    assert y.dtype == dtype
    assert not y.requires_grad  # rounding has no slope: 1 would be a wrong number


def test_integers_divide_to_floats() -> None:
    assert (Tensor([1, 2]) / 2).dtype == np.float64
    assert Tensor([1, 2]).mean().dtype == np.float64


SCALARS = [
    np.float64(2.0),
    np.float32(2.0),
    np.float16(2.0),
    np.int64(2),
    np.uint8(2),
    np.array(2.0),
]


@every_operator
@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{type(s).__name__}-{s.dtype}")
@pytest.mark.parametrize("side", ["left", "right"])
def test_numpy_scalars_stand_on_either_side_of_a_tensor(sign: str, scalar: Any, side: str) -> None:
    f = OPERATORS[sign]
    array = np.array([1.0, 3.0], np.float32)
    x, reference = Tensor(array), Tensor(array)
    constant = Tensor(scalar, requires_grad=False)
    if side == "right":
        y, z, expected = f(x, scalar), f(reference, constant), f(array, scalar)
    else:
        y, z, expected = f(scalar, x), f(constant, reference), f(scalar, array)
    y.backward(np.ones(2))
    z.backward(np.ones(2))

    assert type(y) is Tensor
    assert y.dtype == expected.dtype
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(y.data, expected)
    np.testing.assert_array_equal(x.grad, reference.grad)


@every_operator
@pytest.mark.parametrize("scalar", SCALARS[:5], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("side", ["left", "right"])
def test_numpy_scalars_stand_on_either_side_of_a_value(sign: str, scalar: Any, side: str) -> None:
    f, number = OPERATORS[sign], scalar.item()
    x, reference = Value(3.0), Value(3.0)
    y = f(x, scalar) if side == "right" else f(scalar, x)
    z = f(reference, number) if side == "right" else f(number, reference)
    y.backward()
    z.backward()

    assert type(y) is Value
    assert type(y.data) is float
    assert y.data == z.data
    assert x.grad == reference.grad


@pytest.mark.parametrize("kind", [Value, Tensor])
@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("scalar", SCALARS[:5], ids=lambda s: type(s).__name__)
def test_numpy_scalars_compare_on_either_side(kind: Any, compare: Any, scalar: Any) -> None:
    if kind is Value and compare in (operator.eq, operator.ne):  # identity
        expected = (compare is operator.ne,) * 3
    else:
        expected = tuple(compare(x, 2.0) for x in (1.0, 2.0, 3.0))

    right = tuple(bool(compare(kind(x), scalar)) for x in (1.0, 2.0, 3.0))
    left = tuple(bool(compare(scalar, kind(4 - x))) for x in (1.0, 2.0, 3.0))

    assert right == expected
    assert left == expected


@every_operator
@pytest.mark.parametrize("shape", [(2,), (2, 2), (), (1, 2)])
def test_an_array_on_the_left_is_a_constant_of_the_operation(sign: str, shape: Any) -> None:
    f = OPERATORS[sign]
    array = np.full(shape, 1.5)
    x, reference = Tensor([2.0, 3.0]), Tensor([2.0, 3.0])
    y, z = f(array, x), f(Tensor(array, requires_grad=False), reference)
    y.backward(np.ones(y.shape))
    z.backward(np.ones(z.shape))

    assert type(y) is Tensor
    assert y.shape == np.broadcast_shapes(shape, (2,))
    np.testing.assert_array_equal(y.data, f(array, x.data))
    np.testing.assert_array_equal(x.grad, reference.grad)


@pytest.mark.parametrize("left", [(3,), (2, 3), (4, 2, 3)])
@pytest.mark.parametrize("right", [(3,), (3, 5), (4, 3, 5)])
def test_an_array_on_the_left_of_a_matrix_product_is_a_constant(left: Any, right: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=left), rng.normal(size=right)
    x, reference = Tensor(b), Tensor(b)
    y, z = a @ x, Tensor(a) @ reference
    y.sum().backward()
    z.sum().backward()

    assert type(y) is Tensor
    np.testing.assert_array_equal(y.data, a @ b)
    np.testing.assert_array_equal(x.grad, reference.grad)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_an_array_on_the_left_of_a_comparison_gives_booleans(compare: Any) -> None:
    array = np.array([1.0, 2.0, 3.0])
    result = compare(array, Tensor([2.0, 2.0, 2.0]))

    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, compare(array, 2.0))


@pytest.mark.parametrize(
    "ufunc", ["exp", "log", "sqrt", "sin", "cos", "tanh", "absolute", "negative"]
)
def test_a_numpy_function_of_a_node_is_the_operation_of_its_name(ufunc: str) -> None:
    for kind in (Value, Tensor):
        y = getattr(np, ufunc)(kind(0.5))

        assert type(y) is kind
        assert y.op.name == ufunc
        assert y.data == pytest.approx(getattr(np, ufunc)(0.5), rel=1e-15)


IN_PLACE = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
]


@pytest.mark.parametrize("update", IN_PLACE)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_writing_a_tensor_into_an_array_in_place_is_refused(
    update: Any, requires_grad: bool
) -> None:
    array = np.array([1.0, 2.0])
    with pytest.raises(OperandError, match="out"):
        update(array, Tensor([3.0, 4.0], requires_grad=requires_grad))

    np.testing.assert_array_equal(array, [1, 2])


def test_writing_a_matrix_product_into_an_array_in_place_is_refused() -> None:
    array = np.eye(2)
    with pytest.raises(OperandError, match="out"):
        array @= Tensor([[1.0, 2.0], [3.0, 4.0]])

    np.testing.assert_array_equal(array, np.eye(2))


@pytest.mark.parametrize("update", IN_PLACE)
def test_updating_the_name_of_a_tensor_makes_a_new_node(update: Any) -> None:
    x = Tensor([1.0, 2.0])
    y = update(x, 2.0)
    y.backward([1.0, 1.0])

    assert y is not x
    np.testing.assert_array_equal(x.data, [1, 2])
    assert x.grad.shape == (2,)


@pytest.mark.parametrize("array", [np.array([1.0, 2.0]), np.array([[1.0]]), [1.0, 2.0]])
@every_operator
def test_a_value_meeting_an_array_is_refused_on_either_side(array: Any, sign: str) -> None:
    for f in (
        lambda: OPERATORS[sign](array, Value(1.0)),
        lambda: OPERATORS[sign](Value(1.0), array),
    ):
        with pytest.raises(OperandError):
            f()


def test_a_value_meeting_a_tensor_is_refused_on_either_side() -> None:
    for f in OPERATORS.values():
        with pytest.raises(OperandError, match="Value"):
            f(Value(1.0), Tensor([1.0]))
        with pytest.raises(OperandError, match="Value"):
            f(Tensor([1.0]), Value(1.0))


def a_broadcast(x: Tensor) -> None:
    (x * Tensor([1.0, 2.0])).sum().backward()


def a_fan_out(x: Tensor) -> None:
    (x * x).backward()


def a_second_call(x: Tensor) -> None:
    (x * 3).backward()
    (x * 3).backward()


@pytest.mark.parametrize("backward", [a_broadcast, a_fan_out, a_second_call])
@every_float
def test_the_gradient_of_a_tensor_without_axes_is_an_array_too(backward: Any, dtype: Any) -> None:
    x = Tensor(dtype(1.5))
    backward(x)

    assert float(x.grad) in (3.0, 6.0)
    assert x.grad.dtype == dtype
    assert type(x.grad) is np.ndarray


def test_the_gradient_that_starts_backward_is_taken_in_the_dtype_of_the_result() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    y = x * 2
    y.backward([1, 2])

    assert y.grad.dtype == np.float32
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [2, 4])


@every_float
def test_a_gradient_accumulates_in_the_dtype_of_its_leaf(dtype: Any) -> None:
    x = Tensor(np.array([1.0, 2.0], dtype))
    for factor in (np.array([1.0, 2.0]), np.array([3.0, 4.0], np.float32)):
        (x * factor).sum().backward()

    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad, [4, 6])


@pytest.mark.parametrize("data", [["a"], [1j], [None], np.array(["2020"], "datetime64[Y]")])
def test_what_is_no_real_number_is_refused(data: Any) -> None:
    with pytest.raises(OperandError, match="real numbers"):
        Tensor(data)
    with pytest.raises(OperandError, match="real numbers"):
        _ = Tensor([1.0]) + np.array(data)
