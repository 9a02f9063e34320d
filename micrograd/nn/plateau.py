"""A learning rate that falls when training no longer gets on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.compiler.recording.hosted import host_overrides, hosted
from micrograd.errors import ArgumentError, OperandError, in_range, whole
from micrograd.nn.optimizer import Optimizer
from micrograd.nn.scalars import read_scalars, require_optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau:
    """Multiply the rate by `factor` when a metric has not improved for more than `patience` steps.

    Args:
        optimizer: the optimizer whose `lr` it sets.
        mode: "min" if smaller is better, as for a loss; "max" for an accuracy.
        factor: by what to multiply, below 1.
        patience: how many steps without improvement are borne.
        threshold: what counts as improvement: a change by more than this.
        threshold_mode: "rel" for a share of the best so far, "abs" for a difference.
        cooldown: how many steps after a reduction are not counted.
        min_lr: the rate never falls below this.
        eps: a change of the rate by this or less is not made.

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> optimizer.lr
    0.5
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        host_overrides(cls, "step")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        kind = "ReduceLROnPlateau"
        if mode not in ("min", "max"):
            raise ArgumentError(f"{kind}: mode is {mode!r}; expected 'min' or 'max'.")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(
                f"{kind}: threshold_mode is {threshold_mode!r}; expected 'rel' or 'abs'."
            )
        self.optimizer = require_optimizer(kind, optimizer)
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = in_range(kind, "factor", factor, below=1)
        self.patience = whole(kind, "patience", patience, 0)
        self.threshold = in_range(kind, "threshold", threshold)
        self.cooldown = whole(kind, "cooldown", cooldown, 0)
        self.min_lr = in_range(kind, "min_lr", min_lr)
        self.eps = in_range(kind, "eps", eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_steps = 0
        self.resting = 0  # steps of the cooldown that are left

    @hosted
    def step(self, metric: float) -> None:
        """Take note of the metric, and reduce the rate if it is time.

        Raises:
            OperandError: if it is no number; of a node give `.item()`.
            ArgumentError: if it is nan.
        """
        metric = _metric(metric)
        if self._improves(metric):
            self.best, self.bad_steps = metric, 0
        else:
            self.bad_steps += 1
        if self.resting:
            self.resting -= 1
            self.bad_steps = 0
        if self.bad_steps > self.patience:
            new = max(self.optimizer.lr * self.factor, self.min_lr)
            if self.optimizer.lr - new > self.eps:
                self.optimizer.lr = new
            self.resting, self.bad_steps = self.cooldown, 0

    @hosted
    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays; the rate itself is in that of the optimizer.

        >>> from micrograd import Value
        >>> from micrograd.nn.optim import SGD
        >>> schedule = ReduceLROnPlateau(SGD([Value(1.0)]))
        >>> schedule.step(0.5)
        >>> {name: array.item() for name, array in schedule.state_dict().items()}
        {'best': 0.5, 'bad_steps': 0, 'resting': 0}
        """
        return {name: np.array(getattr(self, name)) for name in ("best", "bad_steps", "resting")}

    @hosted
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a schedule with the same settings.

        Raises:
            OperandError: if it is no mapping.
            ArgumentError: if a name is missing, not known, or has no number that
                can be; then nothing is changed.
        """
        for name, number in read_scalars("ReduceLROnPlateau", state, self.state_dict()).items():
            setattr(self, name, number)

    def _improves(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * metric > sign * self.best + self.threshold
        return sign * metric > sign * self.best * (1 + sign * self.threshold)


def _metric(metric: Any) -> float:
    what = "ReduceLROnPlateau.step"
    if not isinstance(metric, Real):
        raise OperandError(
            f"{what}: expected a number for the metric, but came a {type(metric).__name__}. Give "
            ".item() of it, or the mean of several."
        )
    number = float(metric)
    if math.isnan(number):
        raise ArgumentError(
            f"{what}: the metric is nan, which tells nothing. Stop the training, or leave the "
            "step out."
        )
    return number
