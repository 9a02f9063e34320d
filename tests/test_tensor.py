"""Tensors: NumPy's behaviour, gradients worked by hand, and who owns which array."""

from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import GradientError, Op, StaleGraphError, Tensor, Value, enable_grad, no_grad


def test_broadcasting_is_undone_by_summing() -> None:
    matrix, row = Tensor(np.ones((3, 2))), Tensor([10.0, 20.0])
    (matrix * row).sum().backward()
    assert row.grad.tolist() == [3.0, 3.0]
    assert matrix.grad.tolist() == [[10.0, 20.0]] * 3


def test_a_repeated_index_accumulates() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    (x[[0, 0, 2]] * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [11.0, 0.0, 100.0]


def test_a_matrix_product_by_hand() -> None:
    a, b = Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])
    (a @ b).backward()
    assert a.grad.tolist() == [[3.0, 4.0]]
    assert b.grad.tolist() == [[1.0], [2.0]]


def test_matmul_of_an_empty_batch_has_zero_gradients() -> None:
    a, b = Tensor(np.ones((0, 3))), Tensor(np.ones((3, 2)))
    (a @ b).sum().backward()
    assert b.grad.tolist() == np.zeros((3, 2)).tolist()
    assert a.grad.shape == (0, 3)


def test_attributes_are_numpy_s() -> None:
    t = Tensor(np.zeros((2, 3), np.float32))
    assert (t.shape, t.ndim, t.size, t.dtype, t.T.shape) == ((2, 3), 2, 6, np.float32, (3, 2))
    assert len(t) == 2
    assert [row.shape for row in t] == [(3,), (3,)]
    assert t.reshape(3, 2).shape == t.reshape((3, 2)).shape == (3, 2)
    assert t.transpose(1, 0).shape == t.transpose((1, 0)).shape == t.transpose().shape == (3, 2)
    assert 0.0 in t
    assert 1.0 not in t


def test_comparisons_are_elementwise_and_the_hash_is_identity() -> None:
    a = Tensor([1.0, 2.0])
    assert (a == [1.0, 3.0]).tolist() == [True, False]
    assert (a != Tensor([1.0, 3.0])).tolist() == [False, True]
    assert (np.array([2.0, 2.0]) > a).tolist() == [True, False]
    assert len({a, Tensor([1.0, 2.0])}) == 2


def test_a_leaf_copies_its_array() -> None:
    array = np.array([1.0, 2.0])
    t = Tensor(array)
    array[0] = 100.0
    assert t.data.tolist() == [1.0, 2.0]
    view = Tensor(array[:1])
    array[0] = 7.0
    assert view.data.tolist() == [100.0]


def test_the_data_of_a_result_is_read_only_and_that_of_a_leaf_is_not() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1.0
    x.data[0] = 5.0
    assert x.data.tolist() == [5.0, 2.0]


def test_an_operation_that_gives_its_argument_back_leaves_the_leaf_writable() -> None:
    same = micrograd.Op("same", lambda x: x, (lambda g, y, x: g,))
    x = Tensor([1.0, 2.0])
    same(x).sum().backward()
    x.data[0] = 5.0
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("build", [lambda x: x + 1, lambda x: x.reshape(2, 1), lambda x: x])
def test_a_leaf_has_a_gradient_array_of_its_own(build: Any) -> None:
    x, z = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    y = (build(x) + build(z)).sum()
    y.backward()
    x.grad += 100
    assert z.grad.tolist() == [1.0, 1.0]
    y.backward()
    assert z.grad.tolist() == [2.0, 2.0]
    assert x.grad.tolist() == [102.0, 102.0]


def test_the_gradient_given_to_backward_stays_the_caller_s() -> None:
    x = Tensor([1.0, 2.0])
    seed = np.array([1.0, 1.0])
    (x + 0).backward(seed)
    x.grad *= 5
    assert seed.tolist() == [1.0, 1.0]
    leaf = Tensor([1.0, 2.0])
    leaf.backward(seed)
    leaf.grad *= 5
    assert seed.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_assigning_to_data_makes_the_records_that_used_it_stale(kind: Any) -> None:
    x = kind(2.0)
    y = x * x
    x.data = 5.0
    with pytest.raises(StaleGraphError, match="assigned to after"):
        y.backward()
    assert not x.has_grad
    (x * x).backward()
    assert float(x.grad) == 10.0


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_updating_data_in_place_makes_the_records_that_used_it_stale(kind: Any) -> None:
    x = kind(2.0)
    y = x * x
    x.data -= 1.0
    with pytest.raises(StaleGraphError):
        y.backward()


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_assigning_to_a_constant_makes_the_records_that_used_it_stale(kind: Any) -> None:
    x, c = kind(2.0), kind(3.0, requires_grad=False)
    for y in (x * c, c * x, micrograd.where(True, x * c, c)):
        c.data = 5.0
        with pytest.raises(StaleGraphError):
            y.backward()
    (x * c).backward()
    assert float(x.grad) == 5.0


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_assigning_to_a_result_makes_its_own_record_and_its_users_stale(kind: Any) -> None:
    x = kind(2.0)
    y = micrograd.tanh(x)
    z = y * 3
    y.data = 0.5
    for node in (z, y, y * 2):
        with pytest.raises(StaleGraphError):
            node.backward()
    assert not x.has_grad


def test_a_failing_rule_leaves_the_leaves_as_they_were() -> None:
    def fail(g: Any, y: Any, x: Any):
        raise RuntimeError("on purpose")

    broken = micrograd.Op("broken", np.negative, (fail,))
    x = Tensor([1.0])
    (x * 2).sum().backward()
    y = (broken(x) + x * 3).sum()
    with pytest.raises(RuntimeError, match="on purpose"):
        y.backward()
    assert x.grad.tolist() == [2.0]


def test_an_interrupted_backward_pass_leaves_no_trace() -> None:
    def interrupt(g: Any, y: Any, x: Any):
        raise KeyboardInterrupt

    stopped = micrograd.Op("stopped", np.negative, (interrupt,))
    x = Tensor([1.0])
    middle = x * 2
    y = stopped(middle) + middle
    with pytest.raises(KeyboardInterrupt):
        y.sum().backward()
    assert not x.has_grad
    assert not middle.has_grad
    middle.sum().backward()
    assert x.grad.tolist() == [2.0]


def test_second_order_through_arrays() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    (x**3).sum().backward(create_graph=True)
    slope = x.grad
    assert isinstance(slope, Tensor)
    x.zero_grad()
    (slope * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [6.0, 120.0, 1800.0]


def test_grad_mode_nests() -> None:
    x = Tensor([1.0])
    with no_grad():
        assert not micrograd.is_grad_enabled()
        with enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_in_place_operators_rebind_and_leave_other_references_alone() -> None:
    x = Tensor([1.0])
    y = x
    y += 1
    assert x.data.tolist() == [1.0]
    assert y.data.tolist() == [2.0]


def test_detach_and_item() -> None:
    x = Tensor([2.0])
    assert (x * x.detach()).sum().item() == 4.0
    assert np.asarray(x.detach()).tolist() == [2.0]
    assert not x.detach().requires_grad


def test_repr_tells_what_differs_from_the_default() -> None:
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    text = repr(Tensor(np.array([1], np.float32), requires_grad=False))
    assert text == "Tensor([1.], dtype=float32, requires_grad=False)"


@pytest.mark.parametrize("logits", [[[1000.0, -1000.0]], [[-1000.0, 1000.0]]])
def test_the_loss_does_not_overflow(logits: Any) -> None:
    x = Tensor(logits)
    loss = micrograd.softmax_cross_entropy(x, [0])
    loss.backward()
    right = logits[0][0] > 0
    assert loss.item() == (0.0 if right else 2000.0)
    assert x.grad.tolist() == [[0.0, 0.0]] if right else [[-1.0, 1.0]]


def test_the_gradient_of_the_loss_does_not_depend_on_the_memory_order() -> None:
    labels = np.array([[0, 1], [1, 0]])
    x = Tensor(np.zeros((2, 2, 2)))
    micrograd.softmax_cross_entropy(micrograd.transpose(x), labels).backward()
    one_hot = np.eye(2)[labels]
    assert x.grad.T.tolist() == ((0.5 - one_hot) / 4).tolist()


def test_integer_and_one_hot_labels_give_the_same_loss_and_gradient() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((4, 3)), np.array([0, 2, 1, 1])
    by_number, by_row = Tensor(logits), Tensor(logits)
    one = micrograd.softmax_cross_entropy(by_number, labels)
    other = micrograd.softmax_cross_entropy(by_row, np.eye(3)[labels])
    one.backward()
    other.backward()
    assert one.item() == pytest.approx(other.item(), rel=1e-14)
    np.testing.assert_allclose(by_number.grad, by_row.grad, rtol=1e-13, atol=1e-16)
    expected = (micrograd.softmax(logits) - np.eye(3)[labels]) / 4
    np.testing.assert_allclose(by_number.grad, expected, rtol=1e-13, atol=1e-16)


def test_an_empty_list_picks_nothing() -> None:
    t = Tensor([1.0, 2.0])
    y = t[[]]
    y.sum().backward()
    assert y.shape == (0,)
    assert t.grad.tolist() == [0, 0]


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_python_number_from_a_rule_is_fitted_to_the_array(create_graph: bool) -> None:
    slope = Op("slope", lambda x: 2 * x, (lambda g, y, x: 2.0,))
    pair = Op("pair", lambda x, y: 2 * x + y, (lambda g, z, x, y: 2.0, lambda g, z, x, y: 1.0))
    x, w = Tensor(np.float32(1)), Tensor(np.float32(1))

    pair(slope(x.reshape(())), w.reshape(())).backward(create_graph=create_graph)

    for leaf, number in ((x, 2.0), (w, 1.0)):
        assert leaf.grad.shape == ()
        assert leaf.grad.dtype == np.float32
        assert leaf.grad.item() == number
    with pytest.raises(GradientError, match=r"gave shape \(\) for its argument"):
        slope(Tensor([1.0, 2.0]) * 1).sum().backward(create_graph=create_graph)
