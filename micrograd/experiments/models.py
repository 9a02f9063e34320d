"""The networks that learn digits: the book's from primitives, and two from the library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd import Tensor, compile, relu, softmax_cross_entropy
from micrograd.engine.modes import no_grad
from micrograd.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential
from micrograd.nn.optim import Adam
from micrograd.nn.schedules import CosineAnnealingLR
from micrograd.training import History, accuracy, fit
from micrograd.training import history as tables
from micrograd.training.evaluation import Means
from micrograd.training.interrupt import Interrupt
from micrograd.training.progress import Progress

Data = tuple[tuple[Any, Any], tuple[Any, Any]]

BATCH = 100


class BookNet:
    """The network of the book's chapter 5, from primitives: x W1 + b1, ReLU, h W2 + b2.

    Attributes:
        params: the parameters W1, b1, W2 and b2, in float32.

    >>> net = BookNet(4, 3, 2, np.random.default_rng(0))
    >>> net.scores(np.ones((5, 4), np.float32)).shape
    (5, 2)
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> None:
        def weights(*shape: int) -> NDArray[np.float32]:
            return 0.01 * rng.standard_normal(shape, np.float32)

        self.params = {
            "W1": Tensor(weights(inputs, hidden), label="W1"),
            "b1": Tensor(np.zeros(hidden, np.float32), label="b1"),
            "W2": Tensor(weights(hidden, outputs), label="W2"),
            "b2": Tensor(np.zeros(outputs, np.float32), label="b2"),
        }

    def scores(self, x: Any) -> Tensor:
        """Return a score for each class, for samples x of shape (n, inputs)."""
        W1, b1, W2, b2 = self.params.values()
        return relu(x @ W1 + b1) @ W2 + b2

    def step(self, x: Any, t: Any, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Go a step down the gradient of the loss of a batch; return the loss and the scores."""
        scores = self.scores(x)
        loss = softmax_cross_entropy(scores, t)
        loss.backward()
        for parameter in self.params.values():
            parameter.data -= learning_rate * parameter.grad
            parameter.zero_grad()
        return loss, scores


def train_book(
    data: Data,
    steps: int,
    rng: np.random.Generator,
    progress: bool = True,
    compiled: bool = True,
) -> History:
    """Train the book's network as the book does: batches of 100 drawn with replacement, rate 0.1.

    Args:
        data: `(x_train, t_train), (x_test, t_test)`.
        steps: how many batches.
        rng: the source of weights and batches.
        progress: whether to show it.
        compiled: whether each step is a program, to the same bits.
    """
    (x, t), test = data
    net = BookNet(x.shape[1], 50, 10, rng)
    step = compile(net.step) if compiled else net.step
    history = History()
    epoch = max(1, len(x) // BATCH)
    shown = Progress(progress, math.ceil(steps / epoch))
    with Interrupt() as interrupt:
        for first in range(0, steps, epoch):
            means = Means()
            count = min(epoch, steps - first)
            shown.begin(first // epoch + 1, count, 0)
            for _ in range(count):
                chosen = rng.choice(len(x), BATCH)
                loss, scores = step(x[chosen], t[chosen], 0.1)
                row = {"loss": loss.item(), "accuracy": accuracy(scores, t[chosen])}
                tables.append(history.steps, row)
                means.add(row, BATCH)
                shown.step(means.row())
                if interrupt.came:
                    break
            _end_epoch(history, net, means, test, shown)
            if interrupt.came:
                history.ended = "interrupted"
                break
    return history


def _end_epoch(
    history: History, net: BookNet, means: Means, test: tuple[Any, Any], shown: Progress
) -> None:
    with no_grad():
        scores = net.scores(test[0])
        loss = softmax_cross_entropy(scores, test[1]).item()
    row = {f"train_{name}": mean for name, mean in means.row().items()}
    row |= {"test_loss": loss, "test_accuracy": accuracy(scores, test[1])}
    tables.append(history.epochs, row | {"step": float(len(history.steps["loss"]))})
    shown.end(row)


def mlp(inputs: int, rng: np.random.Generator) -> Sequential:
    """Return inputs-256-10 with He's weights, ReLU and dropout."""
    kind: dict[str, Any] = {"rng": rng, "dtype": np.float32}
    return Sequential(
        Linear(inputs, 256, **kind), ReLU(), Dropout(0.3, rng=rng), Linear(256, 10, **kind)
    )


def conv(side: int, rng: np.random.Generator) -> Sequential:
    """Return a small convolutional network, as in chapter 7, for images of side by side pixels."""
    kind: dict[str, Any] = {"rng": rng, "dtype": np.float32}
    size, padding = (5, 0) if side == 28 else (3, 1)  # the digits have 8 by 8 pixels
    left = side
    for _ in range(2):
        left = (left + 2 * padding - size + 1) // 2
    return Sequential(
        Conv2d(1, 16, size, padding=padding, **kind),
        ReLU(),
        MaxPool2d(2),
        Conv2d(16, 32, size, padding=padding, **kind),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(32 * left * left, 100, **kind),
        ReLU(),
        Dropout(0.3, rng=rng),
        Linear(100, 10, **kind),
    )


def train_library(
    model: Sequential,
    data: Data,
    steps: int,
    rng: np.random.Generator,
    progress: bool = True,
    compiled: bool = True,
) -> History:
    """Train a network with `fit`: Adam, whose rate falls from 0.001 along half a cosine.

    Args:
        model: the network.
        data: `(x_train, t_train), (x_test, t_test)`.
        steps: about how many batches; of more than an epoch, whole ones.
        rng: the source of the order.
        progress: whether to show it.
        compiled: whether `fit` compiles, to the same bits.
    """
    (x, t), test = data
    x, t = x[: steps * BATCH], t[: steps * BATCH]
    per_epoch = math.ceil(len(x) / BATCH)
    epochs = max(1, round(steps / per_epoch))
    optimizer = Adam(model.named_parameters(), lr=1e-3)
    schedule = CosineAnnealingLR(optimizer, epochs * per_epoch)
    return fit(
        model,
        (x, t),
        optimizer,
        epochs,
        test=test,
        batch_size=min(BATCH, len(x)),
        schedule=schedule,
        schedule_per="batch",
        rng=rng,
        progress=progress,
        compile=compiled,
    )
