"""The loop of a training: epochs of steps, from the place where it stands."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from micrograd.compiler.compiling import compile as compiled
from micrograd.compiler.recording.programs import is_a
from micrograd.core.node import Node
from micrograd.data import Batches
from micrograd.errors import ArgumentError, CheckpointError, DivergenceError
from micrograd.nn.clip import clip_grad_norm
from micrograd.nn.module import Module
from micrograd.nn.optim import Optimizer
from micrograd.nn.parameters import is_finite
from micrograd.nn.plateau import ReduceLROnPlateau
from micrograd.training import history as tables
from micrograd.training import saved
from micrograd.training.checks import LastGood, check_loss, divergence, nodes_of
from micrograd.training.evaluation import (
    Loss,
    Means,
    Metric,
    count,
    figures_of,
    measured,
    number,
    parts_of,
)
from micrograd.training.generators import generators_of, set_states, states_of
from micrograd.training.history import History
from micrograd.training.interrupt import Interrupt
from micrograd.training.progress import Progress


@dataclass
class Plan:
    """What a training is to do; see `fit`."""

    model: Module
    data: Any
    optimizer: Optimizer
    epochs: int
    loss: Loss
    test: Any
    metrics: Mapping[str, Metric] | None
    schedule: Any
    schedule_per: str
    clip_norm: float | None
    patience: int | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int | None
    compile: bool | Mapping[str, Any]


class Training:
    """A training under way: its plan, and the place where it stands.

    Attributes:
        history: what it was like so far.
    """

    def __init__(self, plan: Plan, rng: Any, progress: Progress) -> None:
        self.plan = plan
        self.history = History()
        self._progress = progress
        self._generators = generators_of(plan.model, rng, plan.data, plan.test)
        self._good = LastGood(plan.model)
        self._gradients = _gradients(plan)
        self._epoch = 0  # how many are complete
        self._batch = 0  # how many of the current one are complete
        self._begun: list[Any] = []  # states of the generators when the epoch began
        self._here: list[Any] = []  # and when its last step ended, after a resume
        self._start = 0.0
        self._seconds = 0.0  # spent on the current one before a resume
        self._best: dict[str, NDArray[Any]] = {}
        self._best_loss = math.inf

    def run(self, interrupt: Interrupt) -> None:
        """Train until the last epoch, or until there is a reason to stop."""
        plan, history = self.plan, self.history
        history.ended = "done"
        try:
            while self._epoch < plan.epochs and not self._is_stale():
                if not self._run_epoch(interrupt):
                    history.ended = "interrupted"
                    self._save()
                    break
            else:
                if self._epoch < plan.epochs:
                    history.ended = "stopped early"
        except KeyboardInterrupt:
            if interrupt.came:
                raise
            history.ended = "interrupted"  # within a step, which no checkpoint can go on from
            if self._good.step > self._step:  # it may have been half way through the update
                self._good.restore()
        if history.ended == "interrupted":
            self._progress.say(
                f"fit: interrupted after step {self._step:,} (epoch {self._epoch + 1}); the model "
                "has the weights of that step."
            )
        elif self._best:
            plan.model.load_state_dict(self._best)
        plan.optimizer.zero_grad()

    @property
    def _step(self) -> int:
        return len(self.history.steps.get("loss", []))

    def _is_stale(self) -> bool:
        """Tell whether the test loss has not fallen for as long as patience lasts."""
        best = self.history.best_epoch or 0
        return self.plan.patience is not None and self._epoch - best >= self.plan.patience

    def _run_epoch(self, interrupt: Interrupt) -> bool:
        """Finish the epoch that was begun; False if Ctrl-C came."""
        plan, done = self.plan, self._batch
        self._start = time.perf_counter() - self._seconds
        self._begun = states_of(self._generators) if not done else self._begun
        if plan.schedule_per == "epoch" and self._epoch and not done:
            self._advance_schedule()
        means = self._means_so_far()
        self._progress.begin(self._epoch + 1, _length(plan.data), done)
        batches = 0
        for batches, batch in enumerate(plan.data, 1):
            if batches <= done:
                if batches == done:
                    set_states(self._generators, self._here)
                continue
            x, t = parts_of("fit", batch)
            means.add(self._take_step(x, t), count(t))
            self._batch = batches
            self._progress.step(means.row())
            if plan.checkpoint_every and self._step % plan.checkpoint_every == 0:
                self._save()
            if interrupt.came:
                return False
        if batches <= done and not means.samples:
            raise ArgumentError("fit: data has no batches. Give one sample or more.")
        return self._end_epoch(means, interrupt)

    def _take_step(self, x: Any, t: Any) -> dict[str, float]:
        """Update the parameters for a batch, and return what it measured."""
        plan, step = self.plan, self._step + 1
        place = f"step {step:,} (epoch {self._epoch + 1}, batch {self._batch + 1})"
        if plan.schedule_per == "batch" and step > 1:
            self._advance_schedule()
        try:
            scores, loss = self._gradients(x, t)
            row = {"loss": number(loss)} | measured(scores, t, plan.loss, plan.metrics)
        except Exception as error:
            error.add_note(f"This was at {place} of fit.")
            raise
        finite = math.isfinite(row["loss"])
        if finite:
            self._good.take(step)
        else:
            raise self._divergence(place, f"the loss is {row['loss']}", x)
        try:
            if plan.clip_norm is not None:
                clip_grad_norm(plan.model.parameters(), plan.clip_norm)
            plan.optimizer.step()
        except DivergenceError as error:
            raise self._divergence(place, "a gradient is not finite", x) from error
        if not all(is_finite(node._data) for node in nodes_of(plan.optimizer)):
            raise self._divergence(place, "the update made a parameter that is not finite", x)
        samples = {"lr": plan.optimizer.lr, "samples": float(count(t))}
        tables.append(self.history.steps, row | samples)
        return row

    def _advance_schedule(self) -> None:
        """Set the rate of what begins now: a schedule may have no step beyond the last."""
        schedule = self.plan.schedule
        if schedule is not None and not isinstance(schedule, ReduceLROnPlateau):
            schedule.step()

    def _divergence(self, place: str, cause: str, x: Any) -> DivergenceError:
        plan = self.plan
        return divergence(plan.model, plan.optimizer, place, cause, x, self._good)

    def _means_so_far(self) -> Means:
        """Return the means of the steps that the epoch had before."""
        means, steps = Means(), self.history.steps
        first = self._step - self._batch
        for i in range(first, self._step):
            row = {name: column[i] for name, column in steps.items()}
            samples = row.pop("samples")
            row.pop("lr")
            means.add(row, samples)
        return means

    def _end_epoch(self, means: Means, interrupt: Interrupt) -> bool:
        plan, history = self.plan, self.history
        row = {f"train_{name}": mean for name, mean in means.row().items()}
        if plan.test is not None:
            before = states_of(self._generators)  # of which the test set may draw
            tested = figures_of(
                plan.model, plan.test, plan.loss, plan.metrics, stop=lambda: interrupt.came
            )
            if tested is None:
                set_states(self._generators, before)
                return False
            row |= {f"test_{name}": mean for name, mean in tested.items()}
        row |= {"lr": history.steps["lr"][-1], "step": float(self._step)}
        row["seconds"] = time.perf_counter() - self._start
        tables.append(history.epochs, row)
        if isinstance(plan.schedule, ReduceLROnPlateau):
            plan.schedule.step(row.get("test_loss", row["train_loss"]))
        self._progress.end(row)
        self._epoch, self._batch, self._seconds = self._epoch + 1, 0, 0.0
        if plan.patience is not None and row["test_loss"] < self._best_loss:
            self._best_loss, history.best_epoch = row["test_loss"], self._epoch
            self._best = plan.model.state_dict()
        self._save()
        return True

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one.

        Raises:
            CheckpointError: if it is damaged, or that of another training.
        """
        plan = self.plan
        path: Any = plan.checkpoint
        found = saved.read(path)
        if found is None:
            return
        facts, before = found.facts, states_of(self._generators)
        self._check_fit(facts)
        try:
            set_states(self._generators, facts["begun"] if facts["batch"] else facts["here"])
            saved.restore(path, self._parts(), found)
        except (KeyError, TypeError, ValueError) as error:
            set_states(self._generators, before)
            if isinstance(error, CheckpointError):
                raise
            raise saved.misfit(path, "is of other kinds of random generators") from error
        self._good = LastGood(plan.model)
        self.history = tables.from_arrays(found.arrays.get("history", {}))
        self.history.best_epoch = facts["best_epoch"]
        self._epoch, self._batch = facts["epoch"], facts["batch"]
        self._begun, self._here, self._seconds = facts["begun"], facts["here"], facts["seconds"]
        self._best = found.arrays.get("best", {})
        self._best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]

    def _parts(self) -> dict[str, Any]:
        """Return what has a state that a checkpoint holds; the order is that of loading."""
        plan = self.plan
        parts = {"model": plan.model, "optimizer": plan.optimizer, "schedule": plan.schedule}
        return {name: part for name, part in parts.items() if part is not None}

    def _check_fit(self, facts: Mapping[str, Any]) -> None:
        """Raise an error if a checkpoint is that of another training."""
        plan = self.plan
        path: Any = plan.checkpoint
        if facts.keys() != self._facts().keys():
            raise saved.misfit(path, "is of another version")
        for what, here in self._identity().items():
            there = facts["of"].get(what)
            if there != here:
                raise saved.misfit(
                    path, f"is that of another training ({what}: there {there}, here {here})"
                )
        begun = facts["epoch"] + bool(facts["batch"])
        if begun > plan.epochs:
            raise saved.misfit(path, f"is in epoch {begun}, beyond epochs={plan.epochs}")

    def _identity(self) -> dict[str, Any]:
        """Return what tells this training from another with the same model and optimizer."""
        plan = self.plan
        length = _length(plan.data)
        return {
            "data": repr(plan.data) if isinstance(plan.data, Batches) else f"{length} batches",
            "test set": plan.test is not None,
            "metrics": None if plan.metrics is None else sorted(plan.metrics),
            "schedule": plan.schedule is not None,
            "random generators": len(self._generators),
        }

    def _facts(self) -> dict[str, Any]:
        """Return what a checkpoint holds that is no array."""
        return {
            "of": self._identity(),
            "epoch": self._epoch,
            "batch": self._batch,
            "begun": self._begun,
            "here": states_of(self._generators),
            "seconds": time.perf_counter() - self._start if self._batch else 0.0,
            "best_loss": self._best_loss if self._best else None,
            "best_epoch": self.history.best_epoch,
        }

    def _save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        plan = self.plan
        if plan.checkpoint is None:
            return
        arrays = {
            **{name: part.state_dict() for name, part in self._parts().items()},
            "best": self._best,
            "history": tables.to_arrays(self.history),
        }
        saved.write(plan.checkpoint, saved.Saved(arrays, self._facts()))


def _gradients(plan: Plan) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return the function that leaves the gradients of a batch, and returns scores and loss."""
    model, loss_of, optimizer = plan.model, plan.loss, plan.optimizer

    def gradients(x: Any, t: Any) -> tuple[Any, Any]:
        optimizer.zero_grad()
        scores: Any = model(x)
        loss = loss_of(scores, t)
        check_loss(loss)
        loss.backward()
        return scores.data if is_a(scores, Node) else scores, loss.data

    if not plan.compile:
        return gradients
    return compiled(gradients, **({} if plan.compile is True else dict(plan.compile)))


def _length(data: Any) -> int | None:
    return len(data) if hasattr(data, "__len__") else None
