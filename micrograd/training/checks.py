"""What `fit` asks of its arguments, and what it says when numbers are no longer finite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micrograd.core.node import Node
from micrograd.errors import ArgumentError, DivergenceError, OperandError
from micrograd.nn.module import Module
from micrograd.nn.optim import Optimizer
from micrograd.nn.parameters import is_finite
from micrograd.nn.plateau import ReduceLROnPlateau
from micrograd.nn.schedules import Schedule
from micrograd.training.evaluation import check_lengths, is_pair, plain


def check_model(model: Any, optimizer: Any) -> None:
    """Raise an error if the optimizer cannot train the model.

    >>> from micrograd.nn import Linear, optim
    >>> check_model(Linear(2, 2), optim.SGD(Linear(2, 2).parameters()))
    Traceback (most recent call last):
    micrograd.errors.ArgumentError: fit: the optimizer holds none of the model's 2 parameters. \
Make it with model.named_parameters().
    """
    if not isinstance(model, Module):
        raise OperandError(
            f"fit: expected a Module as the model, but came a {type(model).__name__}. Derive your "
            "model from micrograd.nn.Module."
        )
    if not isinstance(optimizer, Optimizer):
        raise OperandError(
            f"fit: expected an optimizer, but came a {type(optimizer).__name__}. Make one of "
            "micrograd.nn.optim with model.named_parameters()."
        )
    parameters = set(model.parameters())
    if not parameters:
        raise ArgumentError(
            f"fit: the model, {type(model).__name__}, has no parameters. Assign Tensors that "
            "require gradients, or modules that have some, to its attributes."
        )
    if parameters.isdisjoint(nodes_of(optimizer)):
        raise ArgumentError(
            f"fit: the optimizer holds none of the model's {len(parameters)} parameters. Make it "
            "with model.named_parameters()."
        )


def nodes_of(optimizer: Optimizer) -> list[Node]:
    """Return the parameters that an optimizer updates."""
    return [entry.node for entry in optimizer._entries.values()]


def check_data(name: str, data: Any) -> None:
    """Raise an error if `data` cannot be gone through in every epoch.

    >>> check_data("data", iter([]))
    Traceback (most recent call last):
    micrograd.errors.ArgumentError: fit: data is a list_iterator, which can be used up only once. \
Give arrays (x, t), micrograd.data.batches(...), or a list of batches.
    """
    what = type(data).__name__
    way_out = "Give arrays (x, t), micrograd.data.batches(...), or a list of batches."
    if isinstance(data, (np.ndarray, Node)) or not isinstance(data, Iterable):
        raise OperandError(
            f"fit: expected {name} with samples and labels, but came a {what}. {way_out}"
        )
    if isinstance(data, Iterator):
        raise ArgumentError(f"fit: {name} is a {what}, which can be used up only once. {way_out}")
    if is_pair(data):
        check_lengths(f"fit: {name}", *cast("tuple[Any, Any]", data))


def check_schedule(schedule: Any, optimizer: Optimizer) -> None:
    """Raise an error if a schedule does not set the rate of this optimizer.

    >>> from micrograd.nn import Linear, optim
    >>> check_schedule(0.1, optim.SGD(Linear(2, 2).parameters()))
    Traceback (most recent call last):
    micrograd.errors.OperandError: fit: expected a schedule, but came a float. Make one of \
micrograd.nn.schedules for the optimizer.
    """
    if not isinstance(schedule, (Schedule, ReduceLROnPlateau)):
        raise OperandError(
            f"fit: expected a schedule, but came a {type(schedule).__name__}. Make one of "
            "micrograd.nn.schedules for the optimizer."
        )
    if schedule.optimizer is not optimizer:
        raise ArgumentError(
            "fit: the schedule sets the learning rate of another optimizer. Make it for the one "
            "given to fit."
        )


def check_loss(loss: Any) -> None:
    """Raise an error if what a loss function returned is no number with a graph."""
    if not isinstance(loss, Node) or np.shape(loss._data) != ():
        came = f"a {type(loss).__name__} of shape {np.shape(plain(loss))}"
        raise OperandError(
            f"fit: expected a loss that is one Tensor or Value without axes, but came {came}. Let "
            'the loss function return a mean, as with reduction="mean".'
        )


class LastGood:
    """A copy of all parameters and buffers, to go back to.

    Attributes:
        step: the last step whose loss was finite; 0 before there was one.
    """

    def __init__(self, model: Module) -> None:
        self.step = 0
        self._leaves = [leaf for _, leaf in (*model.named_parameters(), *model.named_buffers())]
        self._copies: list[NDArray[Any]] = [np.array(leaf.data) for leaf in self._leaves]

    def take(self, step: int) -> None:
        """Copy what the model is now, into the arrays that are there."""
        self.step = step
        for leaf, copy in zip(self._leaves, self._copies, strict=True):
            np.copyto(copy, leaf._data)

    def restore(self) -> None:
        """Write the copies back."""
        for leaf, copy in zip(self._leaves, self._copies, strict=True):
            leaf.data = copy.item() if leaf._is_number else copy


def divergence(
    model: Module, optimizer: Optimizer, place: str, cause: str, x: Any, good: LastGood
) -> DivergenceError:
    """Return the error that says what is not finite, and restore the last good weights."""
    culprit = _culprit(model, x)
    optimizer.zero_grad()
    good.restore()
    left = f"with which step {good.step:,} had a finite loss" if good.step else "it came with"
    return DivergenceError(
        f"fit: at {place}, {cause}; {culprit}. The model has the weights again {left}. Lower the "
        f"learning rate (it was {optimizer.lr:g}), clip the gradients with clip_norm=1.0, or find "
        "the operation by calling fit in a block `with micrograd.detect_anomaly():`."
    )


def _culprit(model: Module, x: Any) -> str:
    samples = plain(x)
    if samples.dtype.kind == "f" and not is_finite(samples):
        return "the samples of its batch hold nan or inf"
    for what in ("value", "gradient"):
        for name, parameter in model.named_parameters():
            array = parameter._data if what == "value" else parameter._grad
            if array is not None and not is_finite(plain(array)):
                return f"the first parameter that is not finite is {name!r}, in its {what}"
    return "all parameters and their gradients are finite"
