"""Losses against PyTorch's, against numerical derivatives, at extremes, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import (
    ArgumentError,
    MicrogradError,
    OperandError,
    ShapeError,
    Tensor,
    Value,
    softmax,
)
from micrograd.nn import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
)
from micrograd.testing import assert_gradients

REDUCTIONS = ("mean", "sum", "none")
reductions = pytest.mark.parametrize("reduction", REDUCTIONS)


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def probabilities(*shape: int) -> Any:
    return softmax(numbers(*shape, seed=1))


# A name, our loss, PyTorch's, predictions and targets.
Case = tuple[str, Callable[..., Any], Callable[[Any], Callable[..., Any]], Any, Any]


def pytorch(name: str, **options: Any) -> Callable[[Any], Callable[..., Any]]:
    return lambda torch: (
        lambda *args, **more: getattr(torch.nn.functional, name)(*args, **options, **more)
    )


def pytorch_hinge(torch: Any) -> Callable[..., Any]:
    def hinge(y: Any, t: Any, reduction: str) -> Any:
        losses = torch.relu(1 - t * y)
        return losses if reduction == "none" else getattr(losses, reduction)()

    return hinge


LABELS = np.array([2, 0, 1, 2, 2])
SIGNS = np.where(numbers(5, 3, seed=2) > 0, 1.0, -1.0)
BITS = (SIGNS + 1) / 2


def smoothed(share: float) -> Callable[..., Any]:
    return lambda *args, **options: cross_entropy(*args, label_smoothing=share, **options)


def huber_of(delta: float) -> Callable[..., Any]:
    return lambda *args, **options: huber_loss(*args, delta=delta, **options)


bce, torch_bce = binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits"
x = 2 * numbers(5, 3)
CASES: list[Case] = [
    ("labels", cross_entropy, pytorch("cross_entropy"), x, LABELS),
    ("rows", cross_entropy, pytorch("cross_entropy"), x, probabilities(5, 3)),
    ("one sample", cross_entropy, pytorch("cross_entropy"), x[0], np.array(2)),
    ("smoothed", smoothed(0.1), pytorch("cross_entropy", label_smoothing=0.1), x, LABELS),
    (
        "smoothed rows",
        smoothed(0.3),
        pytorch("cross_entropy", label_smoothing=0.3),
        x,
        probabilities(5, 3),
    ),
    ("all smoothed", smoothed(1), pytorch("cross_entropy", label_smoothing=1.0), x, LABELS),
    ("bits", bce, pytorch(torch_bce), x, BITS),
    ("probabilities", bce, pytorch(torch_bce), x, probabilities(5, 3)),
    ("mse", mse_loss, pytorch("mse_loss"), x, numbers(5, 3, seed=3)),
    ("l1", l1_loss, pytorch("l1_loss"), x, numbers(5, 3, seed=3)),
    ("huber", huber_loss, pytorch("huber_loss"), x, numbers(5, 3, seed=3)),
    ("huber 0.3", huber_of(0.3), pytorch("huber_loss", delta=0.3), x, numbers(5, 3, seed=3)),
    ("hinge", hinge_loss, pytorch_hinge, x, SIGNS),
]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])


@cases
@reductions
def test_a_loss_agrees_with_pytorch_in_value_and_gradient(
    torch: Any, case: Case, reduction: Any
) -> None:
    _, ours, theirs, predictions, targets = case
    a, b = Tensor(predictions), torch.tensor(predictions, requires_grad=True)
    y = ours(a, targets, reduction=reduction)
    z = theirs(torch)(b, torch.tensor(targets), reduction=reduction)
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-10, atol=1e-12)


@cases
@reductions
def test_the_gradients_of_a_loss_are_right_twice(case: Case, reduction: Any) -> None:
    _, ours, _, predictions, targets = case
    assert_gradients(
        lambda y: ours(y, targets, reduction=reduction), predictions, order=2, kinks="skip"
    )


@cases
@reductions
def test_plain_arrays_give_the_same_numbers_and_targets_are_left_alone(
    case: Case, reduction: Any
) -> None:
    _, ours, _, predictions, targets = case
    before = targets.copy()
    plain = ours(predictions.tolist(), targets.tolist(), reduction=reduction)
    assert not isinstance(plain, Tensor)
    np.testing.assert_allclose(
        plain,
        ours(
            Tensor(predictions),
            Tensor(targets, requires_grad=False) if targets.dtype.kind == "f" else Tensor(targets),
            reduction=reduction,
        ).data,
        rtol=1e-13,
    )
    np.testing.assert_array_equal(targets, before)


@cases
@reductions
def test_float32_predictions_give_a_float32_loss_whatever_the_targets(
    case: Case, reduction: Any
) -> None:
    _, ours, _, predictions, targets = case
    a = Tensor(predictions.astype(np.float32))
    for came in (targets, targets.tolist()):
        y = ours(a, came, reduction=reduction)
        assert y.dtype == np.float32
        y.sum().backward()
        assert a.grad.dtype == np.float32


@pytest.mark.parametrize("loss", [cross_entropy, smoothed(0.2), bce, mse_loss, l1_loss, huber_loss])
@reductions
def test_targets_that_require_a_gradient_get_the_right_one(loss: Any, reduction: Any) -> None:
    assert_gradients(
        lambda y, t: loss(y, t, reduction=reduction), numbers(2, 3), probabilities(2, 3), order=2
    )


@given(
    st.lists(st.floats(-30, 30), min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0, 1),
)
def test_a_smoothed_cross_entropy_lies_between_that_of_the_label_and_of_even_odds(
    logits: list[float], label: int, share: float
) -> None:
    sharp = cross_entropy([logits], [label])
    even = cross_entropy([logits], [[1 / 3] * 3])
    mixed = cross_entropy([logits], [label], label_smoothing=share)
    assert mixed == pytest.approx((1 - share) * sharp + share * even, rel=1e-9, abs=1e-12)
    each = cross_entropy([logits, logits], [label, label], reduction="none")
    np.testing.assert_allclose(each, [sharp, sharp], rtol=1e-12, atol=1e-12)


def test_scores_of_several_axes_count_every_place_as_a_sample() -> None:
    scores, labels = numbers(2, 4, 3), np.array([[0, 1, 2, 0], [2, 2, 1, 0]])
    each = cross_entropy(scores, labels, reduction="none")
    assert each.shape == (2, 4)
    assert cross_entropy(scores, labels) == pytest.approx(each.mean(), rel=1e-13)


@pytest.mark.parametrize("size", [40.0, 1e3, 1e300])
def test_losses_are_exact_for_huge_scores(size: float) -> None:
    y = Tensor([size, size, -size, -size])
    losses = bce(y, [1, 0, 1, 0], reduction="none")
    tiny = np.exp(-size)
    np.testing.assert_allclose(losses.data, [tiny, size + tiny, size + tiny, tiny], rtol=1e-12)
    losses.sum().backward()
    np.testing.assert_allclose(y.grad, [-tiny, 1, -1, tiny], rtol=1e-12)

    rows = Tensor([[size, -size], [-size, size]])
    losses = cross_entropy(rows, [1, 1], reduction="none")
    np.testing.assert_allclose(losses.data, [2 * size, np.exp(-2 * size)], rtol=1e-12, atol=1e-30)
    losses.sum().backward()
    np.testing.assert_allclose(rows.grad, [[1, -1], [0, 0]], atol=1e-15)


@reductions
def test_a_class_that_cannot_be_counts_for_nothing(reduction: Any) -> None:
    logits = Tensor([[0.0, -np.inf, 0.0]])
    loss = cross_entropy(logits, [[0.5, 0.0, 0.5]], reduction=reduction).sum()
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(logits.grad, [[0, 0, 0]], atol=1e-15)


def test_derivatives_where_a_loss_has_a_kink() -> None:
    y = Tensor([0.0, 1.0, -1.0])
    l1_loss(y, [0, 1, -1], reduction="sum").backward()
    assert y.grad.tolist() == [0, 0, 0]
    y = Tensor([0.0])
    bce(y, [0.25]).backward()
    assert y.grad.tolist() == [0.25]
    y = Tensor([1.0, -1.0, 2.0])
    huber_loss(y, [0, 0, 0], reduction="sum").backward()
    assert y.grad.tolist() == [1, -1, 1]
    y = Tensor([1.0])
    hinge_loss(y, [1]).backward()
    assert y.grad.tolist() == [0]


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: cross_entropy(x, [0, 1, 2, 3, 0]), ArgumentError, "cross_entropy: label 3 names"),
        (lambda: cross_entropy(x, [0, 1, 2, -1, 0]), ArgumentError, "label -1 names no class"),
        (lambda: cross_entropy(x, [0, 1]), ShapeError, r"cross_entropy: labels of shape \(2,\)"),
        (lambda: cross_entropy(x, LABELS[:, None]), ShapeError, r"labels of shape \(5, 1\)"),
        (lambda: cross_entropy(x, LABELS.astype(float)), OperandError, "have to be integers"),
        (lambda: cross_entropy(x, LABELS.astype(str)), OperandError, "integers"),
        (lambda: cross_entropy(np.ones((0, 3)), []), ShapeError, "expected logits"),
        (lambda: cross_entropy(x, LABELS, label_smoothing=1.5), ArgumentError, "label_smoothing"),
        (lambda: cross_entropy(x, LABELS, reduction="avg"), ArgumentError, "'mean', 'sum' or"),  # pyright: ignore[reportArgumentType]
        (lambda: bce(x, 2 * BITS), ArgumentError, "from 0 to 1, but came 2.0"),
        (lambda: bce(x, np.full((5, 3), np.nan)), ArgumentError, "but came nan"),
        (lambda: bce(x, SIGNS), ArgumentError, r"\(t \+ 1\) / 2"),
        (lambda: hinge_loss(x, BITS), ArgumentError, r"Use 2 \* t - 1"),
        (lambda: mse_loss(x, x[0]), ShapeError, r"came \(5, 3\) and \(3,\). They are not broad"),
        (lambda: mse_loss(np.ones((5, 1)), np.ones(5)), ShapeError, "use reshape"),
        (lambda: l1_loss([], []), ShapeError, "not empty"),
        (lambda: mse_loss(x, x.astype(str)), OperandError, "real numbers"),
        (lambda: mse_loss(Value(1.0), 2.0), OperandError, "mse_loss: takes arrays"),
        (lambda: huber_loss(x, x, delta=0), ArgumentError, "delta has to be positive"),
        (lambda: huber_loss(x, x, reduction=None), ArgumentError, "huber_loss: reduction"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_a_loss_cannot_take_is_refused_with_words(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, MicrogradError)
