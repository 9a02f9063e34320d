"""How good a model is: its loss and other measures over a whole data set."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.node import Node
from micrograd.engine.modes import no_grad
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.nn.losses import binary_cross_entropy_with_logits, cross_entropy, hinge_loss
from micrograd.nn.module import Module
from micrograd.ops.axes import array_of

Metric = Callable[[NDArray[Any], NDArray[Any]], float]
Loss = Callable[[Any, Any], Any]
Batches = Iterable[tuple[Any, Any]]

_OF_CLASSES = (cross_entropy, binary_cross_entropy_with_logits, hinge_loss)
_TEST_BATCH = 1000  # samples at once: what is in between has to fit into memory


def accuracy(scores: ArrayLike | Node, labels: ArrayLike | Node) -> float:
    """Return the share of samples that are classified right.

    Args:
        scores: of shape (n, classes), where the largest decides; or (n,) or
            (n, 1) for two classes, where the sign decides.
        labels: integers of shape (n,), or one-hot rows; of two classes the
            positive ones are those above 0, be it 0 and 1 or -1 and 1.

    Raises:
        OperandError: if one is a masked array, or a Value.
        ShapeError: if the shapes do not fit together, or there is no sample.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    >>> accuracy([2.0, -1.0, 0.5], [1, -1, -1]) == 2 / 3
    True
    """
    y, t = (plain(array_of("accuracy", given)) for given in (scores, labels))
    several = y.ndim > 1 and y.shape[-1] > 1
    fits = t.shape in (y.shape, y.shape[:-1]) if several else t.size == y.size
    if not fits or not y.size:
        raise ShapeError(
            f"accuracy: labels of shape {t.shape} came for scores of shape {y.shape}. Expected "
            "scores of shape (n, classes) and labels of shape (n,), or one-hot rows, for one "
            "sample or more."
        )
    right: NDArray[np.bool_]
    if several:
        right = y.argmax(axis=-1) == (t.argmax(axis=-1) if t.shape == y.shape else t)
    else:
        right = (y.reshape(-1) > 0) == (t.reshape(-1) > 0)
    return float(np.mean(right))


def evaluate(
    model: Module,
    data: Any,
    *,
    loss: Loss = cross_entropy,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """Return the mean loss of a model over a data set, and other measures, by name.

    The model computes as after `eval()`, without a graph, and is left in the
    mode that it was in.

    Args:
        model: what gives scores for samples.
        data: arrays (x, t), or batches of such.
        loss: a function of scores and labels that returns their mean loss.
        metrics: more functions of scores and labels, as arrays, by name. When
            left out, "accuracy" where the labels are classes.

    Raises:
        ArgumentError: if there is no sample.

    >>> from micrograd.nn import Linear
    >>> model = Linear(2, 3, rng=np.random.default_rng(0))
    >>> evaluate(model, (np.zeros((4, 2)), np.array([0, 1, 2, 0])))
    {'loss': 1.0986122886681098, 'accuracy': 0.5}
    """
    means = figures_of(model, data, loss, metrics, stop=lambda: False)
    assert means is not None  # nobody stops it
    return means


def figures_of(
    model: Module,
    data: Any,
    loss: Loss,
    metrics: Mapping[str, Metric] | None,
    stop: Callable[[], bool],
) -> dict[str, float] | None:
    """Return what `evaluate` does, or None if `stop()` says so between two batches."""
    means = Means()
    with as_for_test(model), no_grad():
        for x, t in pairs_of(data):
            if stop():
                return None
            scores = model(x)
            row = {"loss": number(loss(scores, t))} | measured(scores, t, loss, metrics)
            means.add(row, count(t))
    if not means.samples:
        raise ArgumentError("evaluate: the data has no samples. Give one or more.")
    return means.row()


class Means:
    """Means of several columns, weighted by samples.

    >>> means = Means()
    >>> means.add({"loss": 1.0}, 3)
    >>> means.add({"loss": 2.0}, 1)
    >>> means.row()
    {'loss': 1.25}
    """

    def __init__(self) -> None:
        self.samples = 0.0
        self._sums: dict[str, float] = {}

    def add(self, row: Mapping[str, float], samples: float) -> None:
        """Count the means of a batch."""
        self.samples += samples
        for name, mean in row.items():
            self._sums[name] = self._sums.get(name, 0.0) + mean * samples

    def row(self) -> dict[str, float]:
        """Return the means over all that came."""
        return {name: total / self.samples for name, total in self._sums.items()}


@contextmanager
def modes_kept(model: Module) -> Generator[None]:
    """Leave every module in the mode of training or testing that it was in."""
    before = [(module, module.training) for _, module in model.named_modules()]
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def as_for_test(model: Module) -> Generator[None]:
    """Let a model compute as after `eval()` in a block."""
    with modes_kept(model):
        model.eval()
        yield


def is_pair(data: Any) -> bool:
    """Tell arrays (x, t) from batches of such.

    >>> is_pair((np.ones(3), [0, 1, 0])), is_pair([(np.ones(3), [0, 1, 0])])
    (True, False)
    """
    if not isinstance(data, tuple) or len(cast("Any", data)) != 2:
        return False
    return not any(isinstance(part, tuple) for part in cast("tuple[Any, Any]", data))


def pairs_of(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield batches for a test, which need not be of one size."""
    if not is_pair(data):
        for batch in data:
            yield parts_of("evaluate", batch)
        return
    x, t = cast("list[Any]", [a if isinstance(a, Node) else np.asarray(a) for a in data])
    check_lengths("evaluate", x, t)
    for i in range(0, len(x), _TEST_BATCH):
        yield x[i : i + _TEST_BATCH], t[i : i + _TEST_BATCH]


def check_lengths(what: str, x: Any, t: Any) -> None:
    """Raise an error if samples and labels are not as many, or there are none.

    >>> check_lengths("evaluate", np.zeros((2, 3)), np.zeros(1))
    Traceback (most recent call last):
    micrograd.errors.ShapeError: evaluate: came samples of shape (2, 3) and labels of shape (1,). \
Expected one label for each sample, along the first axis.
    """
    samples, labels = np.shape(plain(x)), np.shape(plain(t))
    if not samples or samples[:1] != labels[:1]:
        raise ShapeError(
            f"{what}: came samples of shape {samples} and labels of shape {labels}. Expected one "
            "label for each sample, along the first axis."
        )
    if not samples[0]:
        raise ArgumentError(f"{what}: the data set is empty. Give one sample or more.")


def parts_of(what: str, batch: Any) -> tuple[Any, Any]:
    """Return the samples and labels of a batch.

    >>> parts_of("fit", np.zeros((2, 3)))
    Traceback (most recent call last):
    micrograd.errors.OperandError: fit: expected a batch (x, t) of samples and labels, but came a \
ndarray. Give whole arrays as a tuple (x, t).
    """
    if not isinstance(batch, (tuple, list)) or len(cast("Any", batch)) != 2:
        raise OperandError(
            f"{what}: expected a batch (x, t) of samples and labels, but came a "
            f"{type(cast('Any', batch)).__name__}. Give whole arrays as a tuple (x, t)."
        )
    x, t = cast("tuple[Any, Any]", batch)
    return x, t


def measured(
    scores: Any, t: Any, loss: Loss, metrics: Mapping[str, Metric] | None
) -> dict[str, float]:
    """Return what the metrics make of a batch."""
    if metrics is None:
        metrics = {"accuracy": accuracy} if _are_classes(scores, t, loss) else {}
    if not metrics:
        return {}
    y, labels = plain(scores), plain(t)
    return {name: float(metric(y, labels)) for name, metric in metrics.items()}


def _are_classes(scores: Any, t: Any, loss: Loss) -> bool:
    """Tell labels of classes from numbers to come close to."""
    while isinstance(loss, partial):
        loss = loss.func
    if loss in _OF_CLASSES:
        return True
    labels, shape = plain(t), np.shape(plain(scores))
    return labels.dtype.kind in "iub" and len(shape) > 1 and labels.shape == shape[:-1]


def plain(array: Any) -> NDArray[Any]:
    """Return the numbers of a node, or of anything that is an array."""
    return np.asarray(array._data if isinstance(array, Node) else array)


def number(loss: Any) -> float:
    """Return a loss as a number."""
    return float(plain(loss))


def count(t: Any) -> int:
    """Return how many samples a batch of labels is for."""
    shape = np.shape(plain(t))
    return shape[0] if shape else 1
