"""Schedules: by the formulas, beside PyTorch's, over a restart, and refused."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, MicrogradError, OperandError, Tensor, Value
from micrograd.nn.optim import SGD, Adam, Optimizer
from micrograd.nn.schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    Schedule,
    StepLR,
)

Settings = dict[str, Any]


def sgd(lr: float = 1.0) -> Optimizer:
    return SGD([Value(1.0)], lr=lr)


def rates(schedule: Schedule, steps: int) -> list[float]:
    """Return the rate that each step is taken with."""
    found: list[float] = []
    for _ in range(steps):
        found.append(schedule.optimizer.lr)
        schedule.optimizer.step()
        schedule.step()
    return found


# --- by hand ---

R = math.sqrt(0.5)
HAND_WORKED: list[tuple[type[Schedule], Settings, list[float]]] = [
    # the rates of the first steps, from 8
    (StepLR, {"step_size": 2, "gamma": 0.5}, [8, 8, 4, 4, 2]),
    (StepLR, {"step_size": 1}, [8, 0.8, 0.08]),
    (StepLR, {"step_size": 1, "gamma": 0.5, "warmup": 3}, [2, 4, 6, 8, 4, 2]),
    (MultiStepLR, {"milestones": [1, 3], "gamma": 0.5}, [8, 4, 4, 2, 2]),
    (MultiStepLR, {"milestones": [3, 1, 3], "gamma": 0.5}, [8, 4, 4, 1, 1]),
    (MultiStepLR, {"milestones": []}, [8, 8, 8]),
    (MultiStepLR, {"milestones": (1,), "gamma": 0.5, "warmup": 1}, [4, 8, 4, 4]),
    (ExponentialLR, {"gamma": 0.5}, [8, 4, 2, 1, 0.5]),
    (ExponentialLR, {"gamma": 0.5, "warmup": 1}, [4, 8, 4, 2]),
    (LinearLR, {}, [8 * share / 15 for share in (5, 7, 9, 11, 13, 15, 15)]),
    (
        LinearLR,
        {"start_factor": 1, "end_factor": 0.5, "total_iters": 4},
        [8, 7, 6, 5, 4, 4, 4],
    ),
    (
        LinearLR,
        {"start_factor": 0.5, "end_factor": 0.0, "total_iters": 2, "warmup": 1},
        [2, 4, 2, 0],
    ),
    (
        CosineAnnealingLR,
        {"T_max": 4},
        [8, 4 + 4 * R, 4, 4 - 4 * R, 0, 4 - 4 * R, 4, 4 + 4 * R, 8],
    ),
    (CosineAnnealingLR, {"T_max": 2, "eta_min": 2}, [8, 5, 2, 5]),
    (CosineAnnealingLR, {"T_max": 2, "eta_min": 2, "warmup": 3}, [2, 4, 6, 8, 5, 2]),
    (
        OneCycleLR,
        {"max_lr": 4, "total_steps": 5, "pct_start": 0.6, "div_factor": 4, "final_div_factor": 10},
        [1, 2.5, 4, 2.05, 0.1],
    ),
    (
        OneCycleLR,
        {
            "max_lr": 4,
            "total_steps": 9,
            "pct_start": 5 / 9,
            "div_factor": 4,
            "final_div_factor": 4,
            "anneal_strategy": "linear",
        },
        [1, 1.75, 2.5, 3.25, 4, 3.0625, 2.125, 1.1875, 0.25],
    ),
    (OneCycleLR, {"max_lr": 4, "total_steps": 2, "pct_start": 0.5}, [4, 4 / 25e4]),
]


@pytest.mark.parametrize(("kind", "settings", "numbers"), HAND_WORKED)
def test_the_rates_are_those_worked_out_by_hand(
    kind: Callable[..., Schedule], settings: Settings, numbers: list[float]
) -> None:
    schedule = kind(sgd(8.0), **settings)
    assert schedule.t == 0
    expected = pytest.approx(numbers, rel=1e-12, abs=1e-12)
    assert [schedule.at(t) for t in range(len(numbers))] == expected
    assert rates(schedule, len(numbers)) == expected
    assert schedule.t == len(numbers)


def test_the_rate_of_the_first_step_is_set_at_once() -> None:
    optimizer = sgd(8.0)
    schedule = LinearLR(optimizer, start_factor=0.25)
    assert (optimizer.lr, schedule.base_lr) == (2.0, 8.0)


def test_looking_ahead_changes_nothing() -> None:
    schedule = ExponentialLR(sgd(), gamma=0.5)
    assert schedule.at(3) == 0.125
    assert (schedule.t, schedule.optimizer.lr) == (0, 1.0)


# --- beside PyTorch's ---

CASES: list[tuple[str, Settings]] = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 3, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [4, 9, 9, 20]}),
    ("MultiStepLR", {"milestones": [10], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.95}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}),
    ("CosineAnnealingLR", {"T_max": 30}),
    ("CosineAnnealingLR", {"T_max": 12, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 30}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 30, "pct_start": 0.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31, "pct_start": 0.45, "div_factor": 10.0}),
    (
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "total_steps": 30,
            "anneal_strategy": "linear",
            "final_div_factor": 100.0,
        },
    ),
]
OURS: dict[str, Callable[..., Schedule]] = {
    "StepLR": StepLR,
    "MultiStepLR": MultiStepLR,
    "ExponentialLR": ExponentialLR,
    "LinearLR": LinearLR,
    "CosineAnnealingLR": CosineAnnealingLR,
    "OneCycleLR": OneCycleLR,
}


def torch_sgd(torch: Any, lr: float) -> Any:
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.zeros(1)
    return torch.optim.SGD([p], lr=lr)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_the_rates_are_pytorchs(torch: Any, name: str, settings: Settings) -> None:
    judge = torch_sgd(torch, 0.2)
    extra = {"cycle_momentum": False} if name == "OneCycleLR" else {}
    theirs = getattr(torch.optim.lr_scheduler, name)(judge, **settings, **extra)
    expected: list[float] = []
    for _ in range(30):
        expected.append(theirs.get_last_lr()[0])
        judge.step()
        theirs.step()
    assert len(set(expected)) > 1
    found = rates(OURS[name](sgd(0.2), **settings), 30)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


# --- over a restart ---


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
@pytest.mark.parametrize("warmup", [0, 5])
def test_a_state_goes_on_with_the_same_rates(name: str, settings: Settings, warmup: int) -> None:
    if name != "OneCycleLR":
        settings = {**settings, "warmup": warmup}
    schedule = OURS[name](sgd(0.2), **settings)
    rates(schedule, 11)
    file = io.BytesIO()
    state: dict[str, Any] = schedule.state_dict()
    np.savez(file, **state)
    file.seek(0)
    again = OURS[name](sgd(0.7), **settings)
    with np.load(file) as loaded:
        again.load_state_dict(loaded)
    assert again.optimizer.lr == schedule.optimizer.lr
    assert rates(again, 19) == rates(schedule, 19)
    assert (again.t, again.base_lr) == (30, 0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t": None}, "missing: t"),
        ({"best": np.array(1.0)}, "unexpected: best"),
        ({"t": np.array(1.5)}, r"t has shape \(\) and dtype float64"),
        ({"t": np.array(math.nan)}, "dtype float64"),
        ({"t": np.array([1, 2])}, r"t has shape \(2,\)"),
        ({"t": np.array(-1)}, "t is -1"),
        ({"t": np.array("x")}, "dtype <U1"),
        ({"base_lr": np.array(math.nan)}, "base_lr is nan"),
        ({"base_lr": np.array(-1.0)}, "lr is"),
        ({"base_lr": np.array(math.inf)}, "lr is"),
    ],
)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(
    change: Settings, words: str
) -> None:
    schedule = ExponentialLR(sgd(0.2), gamma=0.5)
    schedule.step()
    state = {**schedule.state_dict(), "t": np.array(5), **change}
    with pytest.raises(ArgumentError, match=words):
        schedule.load_state_dict({key: value for key, value in state.items() if value is not None})
    assert (schedule.t, schedule.base_lr, schedule.optimizer.lr) == (1, 0.2, 0.1)


def test_the_state_of_a_longer_cycle_is_refused_and_changes_nothing() -> None:
    long, short = (OneCycleLR(sgd(), max_lr=1.0, total_steps=n) for n in (100, 10))
    rates(long, 50)
    before = short.optimizer.lr
    with pytest.raises(ArgumentError, match="step 50 lies beyond total_steps=10"):
        short.load_state_dict(long.state_dict())
    assert (short.t, short.optimizer.lr) == (0, before)


@pytest.mark.parametrize("kind", [partial(StepLR, step_size=1), ReduceLROnPlateau])
def test_what_is_no_state_is_refused(kind: Callable[[Optimizer], Any]) -> None:
    for bad in (None, 3, [("t", 1)]):
        with pytest.raises(OperandError, match="load_state_dict: expected a dict of arrays"):
            kind(sgd()).load_state_dict(bad)


# --- refused ---


def test_a_cycle_may_be_stepped_once_after_its_last_update_and_no_more() -> None:
    schedule = OneCycleLR(sgd(), max_lr=1.0, total_steps=5)
    *_, last = rates(schedule, 5)
    assert schedule.optimizer.lr == last == schedule.at(4)
    with pytest.raises(ArgumentError, match="step 6 lies beyond total_steps=5"):
        schedule.step()
    assert (schedule.t, schedule.optimizer.lr) == (5, last)


BAD_SETTINGS: list[tuple[Callable[..., Any], Settings, type[MicrogradError], str]] = [
    (StepLR, {"step_size": 0}, ArgumentError, "step_size is 0; expected a whole number from 1 on"),
    (StepLR, {"step_size": 1.5}, OperandError, "a whole number for step_size, but came 1.5"),
    (StepLR, {"step_size": True}, OperandError, "a whole number for step_size"),
    (StepLR, {"step_size": 1, "gamma": -0.1}, ArgumentError, "gamma is"),
    (StepLR, {"step_size": 1, "warmup": -1}, ArgumentError, "warmup is -1"),
    (MultiStepLR, {"milestones": 3}, OperandError, r"but came 3\. Give a list"),
    (MultiStepLR, {"milestones": [0]}, ArgumentError, "milestones is 0"),
    (MultiStepLR, {"milestones": [1.5]}, OperandError, "came 1.5"),
    (ExponentialLR, {"gamma": math.nan}, ArgumentError, "gamma is nan"),
    (LinearLR, {"total_iters": 0}, ArgumentError, "total_iters is 0"),
    (LinearLR, {"start_factor": -1}, ArgumentError, "start_factor is"),
    (CosineAnnealingLR, {"T_max": 0}, ArgumentError, "T_max is 0"),
    (CosineAnnealingLR, {"T_max": 5, "eta_min": -1}, ArgumentError, "eta_min is"),
    (OneCycleLR, {"max_lr": 1, "total_steps": 1}, ArgumentError, "a whole number from 2 on"),
    (OneCycleLR, {"max_lr": math.inf, "total_steps": 9}, ArgumentError, "max_lr is inf"),
    (OneCycleLR, {"max_lr": 1, "total_steps": 9, "pct_start": 1}, ArgumentError, "below 1"),
    (OneCycleLR, {"max_lr": 1, "total_steps": 9, "div_factor": 0}, ArgumentError, "div_factor"),
    (
        OneCycleLR,
        {"max_lr": 1, "total_steps": 9, "anneal_strategy": "cosine"},
        ArgumentError,
        "anneal_strategy is 'cosine'; expected 'cos' or 'linear'",
    ),
    (ReduceLROnPlateau, {"mode": "least"}, ArgumentError, "mode is 'least'"),
    (ReduceLROnPlateau, {"threshold_mode": "both"}, ArgumentError, "threshold_mode is 'both'"),
    (ReduceLROnPlateau, {"factor": 1.0}, ArgumentError, "factor is 1.0"),
    (ReduceLROnPlateau, {"patience": -1}, ArgumentError, "patience is -1"),
    (ReduceLROnPlateau, {"cooldown": 0.5}, OperandError, "cooldown"),
    (ReduceLROnPlateau, {"min_lr": -1}, ArgumentError, "min_lr is"),
    (ReduceLROnPlateau, {"threshold": -1}, ArgumentError, "threshold is"),
]


@pytest.mark.parametrize(("kind", "settings", "error", "words"), BAD_SETTINGS)
def test_settings_out_of_range_are_refused_and_the_rate_stays(
    kind: Any, settings: Settings, error: type[MicrogradError], words: str
) -> None:
    optimizer = sgd(0.5)
    with pytest.raises(error, match=f"^{kind.__name__}: .*{words}"):
        kind(optimizer, **settings)
    assert optimizer.lr == 0.5


@pytest.mark.parametrize("kind", [partial(StepLR, step_size=1), ReduceLROnPlateau])
def test_what_is_no_optimizer_is_refused(kind: Callable[[Any], Any]) -> None:
    with pytest.raises(OperandError, match="expected an optimizer, but came a float"):
        kind(0.1)


# --- plateau ---


def plateau_rates(schedule: ReduceLROnPlateau, metrics: list[float]) -> list[float]:
    found: list[float] = []
    for metric in metrics:
        schedule.step(metric)
        found.append(schedule.optimizer.lr)
    return found


def test_patience_is_how_many_steps_without_improvement_are_borne() -> None:
    schedule = ReduceLROnPlateau(sgd(), patience=2, factor=0.5)
    found = plateau_rates(schedule, [3, 2, 2, 2, 2, 1, 1, 1, 1, 1])
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_accuracies_improve_upwards() -> None:
    schedule = ReduceLROnPlateau(sgd(), mode="max", patience=0, factor=0.5)
    assert plateau_rates(schedule, [0.1, 0.2, 0.15, 0.2, 0.3]) == [1, 1, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "improves", "does_not"),
    [
        ("min", "rel", 8.9, 9.0),
        ("max", "rel", 11.1, 11.0),
        ("min", "abs", 9.8, 9.9),
        ("max", "abs", 10.2, 10.1),
    ],
)
def test_an_improvement_is_a_change_by_more_than_the_threshold(
    mode: str, threshold_mode: str, improves: float, does_not: float
) -> None:
    for metric, best in ((improves, improves), (does_not, 10.0)):
        schedule = ReduceLROnPlateau(sgd(), mode=mode, threshold=0.1, threshold_mode=threshold_mode)
        plateau_rates(schedule, [10.0, metric])
        assert schedule.best == best


def test_steps_of_the_cooldown_are_not_counted() -> None:
    schedule = ReduceLROnPlateau(sgd(), patience=0, cooldown=2, factor=0.5)
    found = plateau_rates(schedule, [1] * 8)
    assert found == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_the_rate_stops_at_min_lr_and_tiny_changes_are_not_made() -> None:
    schedule = ReduceLROnPlateau(sgd(), patience=0, factor=0.5, min_lr=0.3)
    assert plateau_rates(schedule, [1] * 4) == [1, 0.5, 0.3, 0.3]
    schedule = ReduceLROnPlateau(sgd(), patience=0, factor=0.5, eps=0.3)
    assert plateau_rates(schedule, [1] * 4) == [1, 0.5, 0.5, 0.5]


PLATEAUS: list[Settings] = [
    {},
    {"patience": 2, "factor": 0.5},
    {"mode": "max", "patience": 1},
    {"patience": 1, "cooldown": 3, "factor": 0.7},
    {"patience": 0, "threshold": 0.2, "threshold_mode": "abs", "factor": 0.9},
    {"patience": 0, "threshold": 0.2, "mode": "max", "factor": 0.9},
    {"patience": 0, "factor": 0.3, "min_lr": 0.05, "eps": 1e-3},
]


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_the_rates_of_a_plateau_are_pytorchs(torch: Any, settings: Settings) -> None:
    metrics = np.random.default_rng(0).uniform(0.1, 2.0, 60).tolist()
    judge = torch_sgd(torch, 0.2)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(judge, **settings)
    expected: list[float] = []
    for metric in metrics:
        theirs.step(metric)
        expected.append(judge.param_groups[0]["lr"])
    assert expected[-1] < 0.2
    found = plateau_rates(ReduceLROnPlateau(sgd(0.2), **settings), metrics)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
@pytest.mark.parametrize("pause", [0, 7])
def test_the_state_of_a_plateau_and_its_optimizer_goes_on(settings: Settings, pause: int) -> None:
    metrics = np.random.default_rng(1).uniform(0.1, 2.0, 40).tolist()
    schedule, again = (ReduceLROnPlateau(sgd(lr), **settings) for lr in (0.2, 0.7))
    plateau_rates(schedule, metrics[:pause])
    again.load_state_dict(schedule.state_dict())
    again.optimizer.load_state_dict(schedule.optimizer.state_dict())
    assert plateau_rates(again, metrics[pause:]) == plateau_rates(schedule, metrics[pause:])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"best": np.array(math.nan)}, "best is nan"),
        ({"bad_steps": np.array(0.5)}, "bad_steps has"),
        ({"resting": np.array(-1)}, "resting is -1"),
        ({"t": np.array(1)}, "unexpected: t"),
    ],
)
def test_a_state_of_a_plateau_that_cannot_be_changes_nothing(change: Settings, words: str) -> None:
    schedule = ReduceLROnPlateau(sgd())
    plateau_rates(schedule, [3, 4])
    with pytest.raises(ArgumentError, match=words):
        schedule.load_state_dict({"best": 1.0, "bad_steps": 5, "resting": 0, **change})
    assert (schedule.best, schedule.bad_steps, schedule.resting) == (3.0, 1, 0)


def test_a_metric_that_is_nan_or_no_number_is_refused_and_not_counted() -> None:
    schedule = ReduceLROnPlateau(sgd(), patience=0)
    schedule.step(np.float32(1.0))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="the metric is nan"):
        schedule.step(math.nan)
    for bad in (Tensor(1.0), Value(1.0), None, "1.0", np.ones(2)):
        with pytest.raises(OperandError, match="expected a number for the metric"):
            schedule.step(bad)  # type: ignore[arg-type]
    assert (schedule.bad_steps, schedule.optimizer.lr) == (0, 1.0)


def test_schedules_drive_any_optimizer() -> None:
    optimizer = Adam([Tensor([1.0])], lr=0.5)
    StepLR(optimizer, step_size=1, gamma=0.5).step()
    assert optimizer.lr == 0.25
