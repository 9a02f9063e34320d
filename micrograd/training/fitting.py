"""fit: train a model, and watch, stop, save and resume that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from micrograd.data import batches
from micrograd.engine.modes import enable_grad
from micrograd.errors import ArgumentError, in_range, whole
from micrograd.nn.losses import cross_entropy
from micrograd.nn.module import Module
from micrograd.nn.optim import Optimizer
from micrograd.nn.plateau import ReduceLROnPlateau
from micrograd.nn.schedules import Schedule
from micrograd.training.checks import check_data, check_model, check_schedule
from micrograd.training.evaluation import Loss, Metric, is_pair, modes_kept
from micrograd.training.history import History
from micrograd.training.interrupt import Interrupt
from micrograd.training.loop import Plan, Training
from micrograd.training.memory import keep_freed_memory
from micrograd.training.progress import Progress

_BATCH = 100  # samples, as in the book


def fit(
    model: Module,
    data: Any,
    optimizer: Optimizer,
    epochs: int,
    *,
    loss: Loss = cross_entropy,
    test: Any = None,
    metrics: Mapping[str, Metric] | None = None,
    batch_size: int | None = None,
    schedule: Schedule | ReduceLROnPlateau | None = None,
    schedule_per: Literal["epoch", "batch"] = "epoch",
    clip_norm: float | None = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    rng: np.random.Generator | None = None,
    progress: bool = True,
    keep_memory: bool = True,
    compile: bool | Mapping[str, Any] = False,
) -> History:
    """Train a model on a data set, epoch by epoch, and return what that was like.

    For each batch: `optimizer.zero_grad()`, `loss(model(x), t).backward()`,
    `optimizer.step()`. The model is in training mode meanwhile, and afterwards
    in the mode that it was in.

    Ctrl-C ends the training after the current step, and the model, the history
    and the checkpoint are those of that step; a second one raises at once.

    Args:
        model: what gives scores for samples.
        data: arrays (x, t), or what can be gone through again and again and
            yields batches (x, t), such as `micrograd.data.batches(...)`.
        optimizer: made with the model's parameters.
        epochs: how often to go through the data.
        loss: a function of scores and labels that returns their mean loss.
        test: arrays (x, t), or batches, to measure loss and metrics on after each epoch.
        metrics: functions of scores and labels, as arrays, by name. When left
            out, "accuracy" where the labels are classes.
        batch_size: samples of a batch, for arrays as data; when left out 100, or all if fewer.
        schedule: one of `micrograd.nn.schedules`, made for the optimizer.
        schedule_per: whether its steps are epochs or batches. ReduceLROnPlateau
            watches the loss of the test set, if there is one, after each epoch.
        clip_norm: the largest norm of all gradients together, to which longer ones are shortened.
        patience: stop when the test loss has not fallen for so many epochs.
            With it, the model ends with the weights of its best epoch.
        checkpoint: a file to write the whole state to after each epoch. Killed
            at any moment, the same call goes on from there, to the same bits.
        checkpoint_every: write it after so many steps, too.
        resume: whether to go on from the checkpoint if there is one.
        rng: the source of the order of the samples, for arrays as data; a fresh
            one when left out.
        progress: whether to show a bar, or a line per epoch.
        keep_memory: whether to call `keep_freed_memory()` first, which changes what the C
            library of the whole process does with freed memory, also afterwards.
        compile: whether to run scores, loss and gradients as a program, as `micrograd.compile`
            does, to the same bits; or a dict of its settings, such as {"checks": True}.

    Raises:
        ArgumentError: if there is no data, no parameter to train, or a setting is out of range.
        OperandError: if an argument is of the wrong kind.
        ShapeError: if samples and labels do not fit together.
        DivergenceError: if the loss, a gradient or a parameter is nan or inf;
            the model then has the last weights that gave a finite loss.
        CheckpointError: if the checkpoint is damaged or that of another training.
        CompileError: if compile is given, and the model does what a program cannot.

    >>> from micrograd.nn import Linear, optim
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((200, 2))
    >>> model = Linear(2, 2, rng=rng)
    >>> optimizer = optim.SGD(model.named_parameters(), lr=1.0)
    >>> fit(model, (x, x.argmax(axis=1)), optimizer, 5, batch_size=20, rng=rng, progress=False)
    History(5 epochs, 50 steps: train loss 0.1010, train accuracy 1.0000)
    """
    check_model(model, optimizer)
    check_data("data", data)
    epochs = whole("fit", "epochs", epochs)
    if test is not None:
        check_data("test", test)
    if patience is not None:
        whole("fit", "patience", patience)
        if test is None:
            raise ArgumentError("fit: patience watches the loss on a test set. Give test=.")
    if schedule_per not in ("epoch", "batch"):
        raise ArgumentError(f"fit: expected schedule_per 'epoch' or 'batch', not {schedule_per!r}.")
    if schedule is not None:
        check_schedule(schedule, optimizer)
    if clip_norm is not None:
        in_range("fit", "clip_norm", clip_norm)
    if checkpoint_every is not None:
        whole("fit", "checkpoint_every", checkpoint_every)
        if checkpoint is None:
            raise ArgumentError("fit: checkpoint_every needs a file to write to. Give checkpoint=.")
    if is_pair(data):
        data = batches(*data, _size(batch_size, len(data[0])), rng=rng)
    elif batch_size is not None:
        raise ArgumentError("fit: batch_size is for arrays, but the data came in batches already.")
    if keep_memory:
        keep_freed_memory()
    plan = Plan(
        model=model,
        data=data,
        optimizer=optimizer,
        epochs=epochs,
        loss=loss,
        test=test,
        metrics=metrics,
        schedule=schedule,
        schedule_per=schedule_per,
        clip_norm=clip_norm,
        patience=patience,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        compile=compile,
    )
    shown = Progress(progress, epochs)
    training = Training(plan, rng, shown)
    if checkpoint is not None and resume:
        training.restore()
    try:
        # What is not finite is looked for at each step, and is no matter for warnings.
        with modes_kept(model), enable_grad(), np.errstate(all="ignore"), Interrupt() as interrupt:
            model.train()
            training.run(interrupt)
    finally:
        shown.close()
    return training.history


def _size(batch_size: int | None, samples: int) -> int:
    """Return how many samples a batch has."""
    if batch_size is None:
        return max(1, min(_BATCH, samples))
    if whole("fit", "batch_size", batch_size) > samples > 0:
        raise ArgumentError(
            f"fit: batch_size={batch_size:,} is more than the {samples:,} samples. Give a smaller "
            "one, or leave it out."
        )
    return batch_size


__all__ = ["fit"]
