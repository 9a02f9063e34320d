"""What holds labels, targets, indices or conditions makes no difference to what is done with it.

Lists, arrays, constant Tensors and Tensors that require a gradient are checked alike, and give the
same result; where one of them cannot be taken, there is a typed error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import ArgumentError, MicrogradError, OperandError, ShapeError, Tensor, Value
from micrograd.layers import SoftmaxWithLoss, TwoLayerNet
from micrograd.nn import losses
from micrograd.ops.axes import plain
from micrograd.training.evaluation import accuracy

SCORES = np.arange(9.0).reshape(3, 3)
ONE_HOT = np.eye(3)[[1, 2, 0]]
CROSS_ENTROPIES: list[Any] = [mg.softmax_cross_entropy, losses.cross_entropy]
every_cross_entropy = pytest.mark.parametrize("loss", CROSS_ENTROPIES)


def holders(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what can hold the numbers of an array in its dtype."""
    if array.dtype.name in ("float64", "int64", "bool"):
        yield "list", array.tolist()
    yield "array", array
    yield "constant", Tensor(array, requires_grad=False)
    if array.ndim:
        yield "list of constants", [Tensor(row, requires_grad=False) for row in array]
    if array.dtype.kind == "f":
        yield "leaf", Tensor(array)
        yield "result", Tensor(array) * 1


def outcome(function: Callable[[Any], Any], held: Any) -> Any:
    """Return the result as an array, or the error, which has to be a typed one."""
    try:
        found = function(held)
    except MicrogradError as error:
        return type(error)
    return data_of(found)


def data_of(found: Any) -> Any:
    return np.asarray(found.data if isinstance(found, Tensor) else found)


def assert_same(found: Any, expected: Any, holder: str) -> None:
    if isinstance(found, type) or isinstance(expected, type):
        assert found is expected, holder
    else:
        assert found.dtype == expected.dtype, holder
        np.testing.assert_array_equal(found, expected, err_msg=holder)


# --- labels and targets ---


@every_cross_entropy
def test_labels_in_a_column_are_refused_whatever_holds_them(loss: Any) -> None:
    """They were broadcast in a Tensor that requires a gradient: 4.2228 for 1.4076."""
    for column in (np.array([[1], [2], [0]]), np.array([[1.0], [2.0], [0.0]])):
        for _, labels in holders(column):
            with pytest.raises(ShapeError, match=r"labels of shape \(3, 1\) .*labels.squeeze\(-1"):
                loss(Tensor(SCORES), labels)
    column = np.array([[1], [2], [0]])
    assert float(loss(SCORES, column.squeeze(-1))) == pytest.approx(1.4076, abs=5e-5)


@every_cross_entropy
def test_labels_that_require_a_gradient_are_checked_as_any(loss: Any) -> None:
    with pytest.raises(OperandError, match="have to be integers"):
        loss(Tensor(SCORES), Tensor([1.0, 2.0, 0.0]))
    t = Tensor(ONE_HOT)
    loss(Tensor(SCORES), t).backward()
    log_p = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(t.grad, -log_p / 3, rtol=1e-14)


@every_cross_entropy
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integer_scores_and_one_hot_labels_are_taken_in_tensors_too(loss: Any, dtype: Any) -> None:
    scores, labels = np.array([[1, 2], [4, 1]]).astype(dtype), np.array([[1, 0], [1, 0]])
    plain = loss(scores, labels)
    assert float(plain) == pytest.approx(
        float(np.mean(np.log(np.exp(scores.astype(float)).sum(axis=1)) - scores[:, 0])), rel=2e-3
    )
    for _, x in holders(scores):
        for _, t in holders(labels):
            assert_same(data_of(loss(x, t)), data_of(plain), type(x).__name__)
    assert float(loss(Tensor([[1, 2], [4, 1]]), [[1, 0], [1, 0]])) == pytest.approx(
        0.6809, abs=1e-4
    )


def test_integer_scores_with_integer_one_hot_labels_have_the_loss_of_the_plain_arrays() -> None:
    """Rows (0, 1, 2) and (3, 4, 5) with classes 0 and 1: log(1 + e + e**2) less 0 and less 1."""
    scores, labels = np.arange(6).reshape(2, 3), np.eye(3, dtype=int)[:2]
    found = mg.softmax_cross_entropy(Tensor(scores), Tensor(labels))
    assert isinstance(found, Tensor)
    assert (
        found.item() == mg.softmax_cross_entropy(scores, labels) == pytest.approx(1.9076, abs=5e-5)
    )
    assert found.item() == pytest.approx(np.log(1 + np.e + np.e**2) - 0.5, rel=1e-15)


def test_the_books_layer_takes_the_label_of_one_sample_as_chapter_7_does() -> None:
    x, layer = np.array([[1.0, 2.0, 3.0]]), SoftmaxWithLoss()
    loss = layer.forward(x, np.array([[1]]))
    assert loss == SoftmaxWithLoss().forward(x, np.array([1]))
    p = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(layer.backward(), p - [[0, 1, 0]], rtol=1e-15)
    assert layer.t.tolist() == [[1]]
    for scores in (SCORES, SCORES[:, :1]):
        with pytest.raises(ShapeError, match=r"labels of shape \(2, 1\)"):
            SoftmaxWithLoss().forward(scores, np.array([[1], [2]]))
    with pytest.raises(ShapeError, match="labels of shape"):
        SoftmaxWithLoss().forward(SCORES, np.array([[1]]))
    assert SoftmaxWithLoss().forward([[5.0]], np.array([[1.0]])) == 0.0  # one class, one-hot


def test_the_accuracy_of_the_books_network_takes_no_column() -> None:
    """It was compared with class 0 for every sample."""
    labels = NETWORK.predict(SCORES).argmax(axis=1)
    for t in (labels, np.eye(3)[labels], Tensor(labels)):
        assert NETWORK.accuracy(SCORES, t) == 1.0
    with pytest.raises(ShapeError, match=r"TwoLayerNet.accuracy: labels of shape \(3, 1\)"):
        NETWORK.accuracy(SCORES, labels[:, None])


def reduced(name: str, reduction: str) -> Callable[[Any, Any], Any]:
    loss = getattr(losses, name)
    return lambda y, t: loss(y, t, reduction=reduction)


NAMES = [name for name in losses.__all__ if name != "Reduction"]
NETWORK = TwoLayerNet(3, 4, 3, weight_init_std=1.0, rng=np.random.default_rng(0))
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "softmax_cross_entropy": mg.softmax_cross_entropy,
    **{f"{name} {how}": reduced(name, how) for name in NAMES for how in ("mean", "sum", "none")},
    "smoothed": lambda y, t: losses.cross_entropy(y, t, label_smoothing=0.25),
    "accuracy": accuracy,
    "accuracy of the book's network": lambda y, t: NETWORK.accuracy(np.asarray(plain(y)), t),
}
TARGETS = st.sampled_from(
    [
        np.array([1, 2, 0]),
        np.array([1.0, 2.0, 0.0]),
        np.array([1, 3, 0]),
        np.array([-1, 0, 0]),
        np.array([[1], [2], [0]]),
        np.array([[1.0], [2.0], [0.0]]),
        ONE_HOT,
        ONE_HOT.astype(int),
        ONE_HOT.astype(bool),
        ONE_HOT.astype(np.float32),
        ONE_HOT.astype(np.float16),
        2 * ONE_HOT - 1,
        2 * ONE_HOT.astype(int) - 1,
        3 * ONE_HOT,
        SCORES / 9,
        np.full((3, 3), np.nan),
        ONE_HOT[None],
        np.array(1),
        np.array(1.0),
        np.zeros((0, 3)),
        np.zeros(0, int),
    ]
)
PREDICTIONS = st.sampled_from(
    [SCORES, SCORES.astype(np.float32), SCORES.astype(int), SCORES.astype(np.uint8), SCORES > 3]
)


@given(name=st.sampled_from(sorted(LOSSES)), y=PREDICTIONS, t=TARGETS)
def test_a_loss_does_not_depend_on_what_holds_its_arguments(name: str, y: Any, t: Any) -> None:
    expected = outcome(lambda t: LOSSES[name](y, t), t)
    for y_holder, predictions in holders(y):
        if y_holder == "list":  # Python's numbers choose their dtype by themselves
            continue
        for t_holder, targets in holders(t):
            found = outcome(lambda t, y=predictions: LOSSES[name](y, t), targets)
            assert_same(found, expected, f"{y_holder}, {t_holder}")


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_mask_is_not_lost(name: str) -> None:
    rows = np.ma.array(ONE_HOT, mask=ONE_HOT > 0)
    with pytest.raises(OperandError, match="a masked array, whose mask would be lost"):
        LOSSES[name](SCORES, rows)
    with pytest.raises(OperandError, match="a masked array, whose mask would be lost"):
        LOSSES[name](SCORES, np.ma.array([0, 1, 2], mask=[False, False, True]))


# --- indices, masks and conditions ---

X = np.arange(9.0).reshape(3, 3)
TAKING: dict[str, Callable[[Any], Any]] = {
    "take": lambda i: mg.take(Tensor(X), i),
    "take along 1": lambda i: mg.take(X, i, 1),
    "take_along_axis": lambda i: mg.take_along_axis(Tensor(X), i),
    "[ ]": lambda i: Tensor(X)[i],
    "at.set": lambda i: mg.at(Tensor(X))[i].set(5.0),
    "at.add": lambda i: mg.at(Tensor(X))[i].add(5.0),
    "repeat": lambda i: mg.repeat(Tensor(X), i, 0),
    "split": lambda i: mg.concatenate(mg.split(Tensor(X), i)[::-1]),
}
INDICES = st.sampled_from(
    [
        np.array(1),
        np.array(-1),
        np.array(7),
        np.array(1.0),
        np.array([0, 2]),
        np.array([2, 2, 1], np.uint8),
        np.array([0, 7]),
        np.array([1.0, 0.0]),
        np.array([True, False, True]),
        np.array([[0, 1, 2], [2, 0, 1], [0, 0, 0]]),
        X > 3,
        np.array([], int),
    ]
)


@given(name=st.sampled_from(sorted(TAKING)), index=INDICES)
def test_picking_does_not_depend_on_what_holds_the_index(name: str, index: Any) -> None:
    expected = outcome(TAKING[name], index)
    for holder, held in holders(index):
        found = outcome(TAKING[name], held)
        if holder in ("leaf", "result"):
            assert isinstance(found, type), holder
        elif index.ndim and holder == "list":  # a list of lists is one index, of its own dtype
            continue
        elif index.ndim or name != "split":  # there, a number is how many parts, an array is not
            assert_same(found, expected, holder)


@pytest.mark.parametrize("name", sorted(TAKING))
def test_the_mask_of_an_index_is_not_lost(name: str) -> None:
    with pytest.raises(OperandError, match="a masked array, whose mask would be lost"):
        TAKING[name](np.ma.array([0, 1, 2], mask=[False, False, True]))


CONDITIONS = st.sampled_from(
    [X > 3, X - 3, (X - 3).astype(int), np.array(True), np.array(0.5), np.array(0), X[0] > 1,
     np.full((3, 3), np.nan), np.ones((2, 3), bool)]
)  # fmt: skip


@given(condition=CONDITIONS)
def test_where_does_not_depend_on_what_holds_the_condition(condition: Any) -> None:
    expected = outcome(lambda c: mg.where(c, X, 1.0), condition)
    for holder, held in holders(condition):
        for function in (
            lambda c: mg.where(c, X, 1.0),
            lambda c: mg.where(c, Tensor(X), 1.0),
            lambda c: np.where(c, Tensor(X), 1.0),  # type: ignore[call-overload]
        ):
            assert_same(outcome(function, held), expected, holder)


@pytest.mark.parametrize("condition", [True, False, 0.5, 0])
def test_a_value_decides_as_the_number_in_it_does(condition: float) -> None:
    a, b = Value(2.0), Value(3.0)
    for held in (condition, Value(condition), Value(condition, requires_grad=False)):
        found = mg.where(held, a, b)
        assert found.data == (2.0 if condition else 3.0)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_value_is_no_label_of_arrays(name: str) -> None:
    for held in (Value(1), [Value(1), Value(2), Value(0)]):
        assert isinstance(outcome(lambda t: LOSSES[name](SCORES, t), held), type)
        assert isinstance(outcome(lambda y: LOSSES[name](y, [1, 2, 0]), held), type)
    with pytest.raises(ArgumentError, match="names no class"):
        mg.softmax_cross_entropy(Tensor(SCORES), Tensor([1, 3, 0]))
