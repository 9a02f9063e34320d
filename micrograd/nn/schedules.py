"""Schedules that change the learning rate of an optimizer from step to step.

All but ReduceLROnPlateau are formulas: the rate of a step follows from its
number t, from 0, and from the rate that the optimizer had at first. Whether a
step is a batch or an epoch is up to the caller of `step()`, after
`optimizer.step()`. They agree with PyTorch's of the same names.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.compiler.recording.hosted import host_overrides, hosted
from micrograd.errors import ArgumentError, OperandError, in_range, whole
from micrograd.nn.optimizer import Optimizer
from micrograd.nn.plateau import ReduceLROnPlateau
from micrograd.nn.scalars import read_scalars, require_optimizer

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
]


class Schedule:
    """The base of the schedules that are formulas; it sets the rate of step 0 at once.

    Any of them can warm up first: in the `warmup` steps before its own step 0,
    the rate rises by even steps to that of step 0, and starts above 0.

    Attributes:
        optimizer: the optimizer whose `lr` it sets.
        base_lr: the rate that the optimizer had when the schedule was made.
        t: how many steps were taken.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        host_overrides(cls, "step")

    def __init__(self, optimizer: Optimizer, warmup: int = 0) -> None:
        kind = type(self).__name__
        self.optimizer = require_optimizer(kind, optimizer)
        self.base_lr = optimizer.lr
        self.warmup = whole(kind, "warmup", warmup, 0)
        self.t = 0
        optimizer.lr = self.at(0)

    def at(self, t: int) -> float:
        """Return the learning rate of step `t`, without taking a step.

        >>> from micrograd import Value
        >>> from micrograd.nn.optim import SGD
        >>> schedule = ExponentialLR(SGD([Value(1.0)], lr=8.0), gamma=0.5, warmup=3)
        >>> [schedule.at(t) for t in range(6)]
        [2.0, 4.0, 6.0, 8.0, 4.0, 2.0]
        """
        if t < self.warmup:
            return self.base_lr * self._factor(0) * (t + 1) / (self.warmup + 1)
        return self.base_lr * self._factor(t - self.warmup)

    @hosted
    def step(self) -> None:
        """Set the learning rate of the next step."""
        self.optimizer.lr = self.at(self.t + 1)
        self.t += 1

    @hosted
    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays: the number of the step, and the rate at first.

        >>> from micrograd import Value
        >>> from micrograd.nn.optim import SGD
        >>> schedule = StepLR(SGD([Value(1.0)], lr=0.5), step_size=10)
        >>> schedule.step()
        >>> {name: array.item() for name, array in schedule.state_dict().items()}
        {'t': 1, 'base_lr': 0.5}
        """
        return {"t": np.array(self.t), "base_lr": np.array(self.base_lr)}

    @hosted
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a schedule with the same settings, and set the rate.

        Raises:
            OperandError: if it is no mapping.
            ArgumentError: if a name is missing, not known, or has no number that
                can be; then nothing is changed.
        """
        loaded = read_scalars(type(self).__name__, state, self.state_dict())
        before = self.t, self.base_lr
        self.t, self.base_lr = loaded["t"], loaded["base_lr"]
        try:
            self.optimizer.lr = self.at(self.t)
        except ArgumentError:
            self.t, self.base_lr = before
            raise

    def _factor(self, t: int) -> float:
        """Return the rate of step `t` in units of the first one."""
        raise NotImplementedError


class StepLR(Schedule):
    """Multiply the rate by `gamma` after every `step_size` steps.

        lr = base_lr * gamma ^ ⌊t / step_size⌋

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> schedule = StepLR(SGD([Value(1.0)], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.at(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, *, warmup: int = 0
    ) -> None:
        self.step_size = whole("StepLR", "step_size", step_size)
        self.gamma = in_range("StepLR", "gamma", gamma)
        super().__init__(optimizer, warmup)

    def _factor(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """Multiply the rate by `gamma` at each of the `milestones`, which are numbers of steps.

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> schedule = MultiStepLR(SGD([Value(1.0)], lr=1.0), milestones=[1, 4], gamma=0.5)
    >>> [schedule.at(t) for t in range(6)]
    [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        *,
        warmup: int = 0,
    ) -> None:
        kind = "MultiStepLR"
        if not isinstance(milestones, Iterable):
            raise OperandError(
                f"{kind}: expected numbers of steps for milestones, but came {milestones!r:.60}. "
                "Give a list, such as [30, 80]."
            )
        self.milestones = sorted(whole(kind, "milestones", m) for m in milestones)
        self.gamma = in_range(kind, "gamma", gamma)
        super().__init__(optimizer, warmup)

    def _factor(self, t: int) -> float:
        return self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(Schedule):
    """Multiply the rate by `gamma` after each step.

        lr = base_lr * gamma ^ t

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> schedule = ExponentialLR(SGD([Value(1.0)], lr=1.0), gamma=0.5)
    >>> [schedule.at(t) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, *, warmup: int = 0) -> None:
        self.gamma = in_range("ExponentialLR", "gamma", gamma)
        super().__init__(optimizer, warmup)

    def _factor(self, t: int) -> float:
        return self.gamma**t


class LinearLR(Schedule):
    """Let the rate go evenly from `start_factor` to `end_factor` in `total_iters` steps, and stay.

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> schedule = LinearLR(SGD([Value(1.0)], lr=1.0), start_factor=1, end_factor=0, total_iters=4)
    >>> [schedule.at(t) for t in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        *,
        warmup: int = 0,
    ) -> None:
        self.start_factor = in_range("LinearLR", "start_factor", start_factor)
        self.end_factor = in_range("LinearLR", "end_factor", end_factor)
        self.total_iters = whole("LinearLR", "total_iters", total_iters)
        super().__init__(optimizer, warmup)

    def _factor(self, t: int) -> float:
        share = min(t, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share


class CosineAnnealingLR(Schedule):
    """Let the rate fall along half a cosine, from the first one to `eta_min` at step `T_max`.

        lr = eta_min + (base_lr - eta_min) * (1 + cos(π t / T_max)) / 2

    From there on it rises again, as in PyTorch (Loshchilov and Hutter 2017);
    make T_max the number of steps after the warm-up.

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> schedule = CosineAnnealingLR(SGD([Value(1.0)], lr=1.0), T_max=4, warmup=1)
    >>> [round(schedule.at(t), 3) for t in range(6)]
    [0.5, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, *, warmup: int = 0
    ) -> None:
        self.T_max = whole("CosineAnnealingLR", "T_max", T_max)
        self.eta_min = in_range("CosineAnnealingLR", "eta_min", eta_min)
        super().__init__(optimizer, warmup)

    def at(self, t: int) -> float:
        """Return the learning rate of step `t`, without taking a step."""
        if t < self.warmup:
            return super().at(t)
        return _cosine(self.base_lr, self.eta_min, (t - self.warmup) / self.T_max)

    def _factor(self, t: int) -> float:
        return 1.0  # where the warm-up leads to


class OneCycleLR(Schedule):
    """Let the rate rise to `max_lr` and fall to almost nothing, in `total_steps` steps.

    It starts at max_lr / div_factor, is max_lr after `pct_start` of the steps,
    and ends at max_lr / div_factor / final_div_factor, along half a cosine or a
    line each time (Smith and Topin 2018). The momentum stays as it is.

    Raises:
        ArgumentError: at a step beyond `total_steps`. A loop may well call `step()`
            once more after its last update; the rate stays then.

    >>> from micrograd import Value
    >>> from micrograd.nn.optim import SGD
    >>> optimizer = SGD([Value(1.0)])
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6)
    >>> [round(schedule.at(t), 3) for t in range(5)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        kind = "OneCycleLR"
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f"{kind}: anneal_strategy is {anneal_strategy!r}; expected 'cos' or 'linear'."
            )
        self.max_lr = in_range(kind, "max_lr", max_lr)
        self.total_steps = whole(kind, "total_steps", total_steps, 2)
        self.pct_start = in_range(kind, "pct_start", pct_start, below=1)
        self.anneal_strategy = anneal_strategy
        self.div_factor = in_range(kind, "div_factor", div_factor, least=1)
        self.final_div_factor = in_range(kind, "final_div_factor", final_div_factor, least=1)
        super().__init__(optimizer)

    def at(self, t: int) -> float:
        """Return the learning rate of step `t`, from 0 to total_steps."""
        if t > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: step {t} lies beyond total_steps={self.total_steps}. Make the "
                "schedule with the number of all steps of the training."
            )
        last = self.total_steps - 1
        t = min(t, last)
        go = _cosine if self.anneal_strategy == "cos" else _line
        first = self.max_lr / self.div_factor
        top = self.pct_start * self.total_steps - 1
        if t <= top:
            return go(first, self.max_lr, t / top if top else 1.0)
        return go(self.max_lr, first / self.final_div_factor, (t - top) / (last - top))


def _cosine(start: float, end: float, share: float) -> float:
    """Return where half a cosine from `start` to `end` is after a share of its way."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
