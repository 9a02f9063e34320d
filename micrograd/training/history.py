"""What a training was like: a table of its steps, a table of its epochs, and their curves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.training import curves

Table = dict[str, list[float]]

_SHOWN = 12  # epochs of a table in a notebook


@dataclass(repr=False, eq=False)
class History:
    """The course of a training, as `fit` returns it.

    Attributes:
        steps: by the name of a column, a number for each step: "loss", "lr" (the
            learning rate), "samples" (how many the batch had), and each metric, such as "accuracy".
        epochs: by the name of a column, a number for each whole epoch:
            "train_loss" and "train_accuracy" are means over its steps, while the network learned;
            "test_loss" and "test_accuracy" come after it, if there is a test set; "lr" is the
            learning rate of its last step, "seconds" what it took, "step" how many steps there were
            so far.
        ended: how it ended: "done", "stopped early" or "interrupted".
        best_epoch: the epoch whose weights the model has, counted from 1, if `patience` was given.

    >>> history = History(epochs={"step": [600.0], "train_loss": [0.25], "test_accuracy": [0.96]})
    >>> history
    History(1 epoch, 600 steps: train loss 0.2500, test accuracy 0.9600)
    >>> history.last["test_accuracy"]
    0.96
    """

    steps: Table = field(default_factory=dict[str, list[float]])
    epochs: Table = field(default_factory=dict[str, list[float]])
    ended: str = "done"
    best_epoch: int | None = None

    def __len__(self) -> int:
        """Return the number of whole epochs."""
        return max(map(len, self.epochs.values()), default=0)

    @property
    def last(self) -> dict[str, float]:
        """The row of the last whole epoch; empty before there is one."""
        return {name: column[-1] for name, column in self.epochs.items() if column}

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the curves of loss and metrics over the steps, and return the figure.

        A notebook shows what is returned by itself.

        Args:
            path: where to save it, too: a name that ends in .png, .svg or .pdf.

        Raises:
            MissingExtraError: if matplotlib is not installed.
            ArgumentError: if there was no step.
        """
        return curves.draw(self, path)

    def __repr__(self) -> str:
        count = int(self.last.get("step", 0)) or len(self.steps.get("loss", []))
        count = max(count, len(self.steps.get("loss", [])))
        end = "" if self.ended == "done" else f", {self.ended}"
        best = "" if self.best_epoch is None else f", best epoch {self.best_epoch}"
        counts = f"{_count(len(self), 'epoch')}, {_count(count, 'step')}{end}{best}"
        figures = summary(self.last)
        return f"History({counts}{f': {figures}' if figures else ''})"

    def _repr_html_(self) -> str:
        """Return the curves as an image; a table where matplotlib is missing."""
        try:
            return curves.image(self, repr(self))
        except Exception:  # what shows an object never fails
            return _table(self)


def summary(row: Mapping[str, float]) -> str:
    """Return an epoch's losses and metrics as words.

    >>> summary({"train_loss": 0.25, "lr": 0.1, "train_accuracy": 0.9})
    'train loss 0.2500, train accuracy 0.9000'
    """
    shown = [name for name in row if name.startswith(("train_", "test_"))]
    return ", ".join(f"{name.replace('_', ' ')} {row[name]:.4f}" for name in shown)


def append(table: Table, row: Mapping[str, float]) -> None:
    """Add a row to a table.

    >>> table = {"loss": [2.0]}
    >>> append(table, {"loss": 1.0})
    >>> table
    {'loss': [2.0, 1.0]}
    """
    for name, number in row.items():
        table.setdefault(name, []).append(number)


def to_arrays(history: History) -> dict[str, NDArray[np.float64]]:
    """Return both tables as arrays by name, from which `from_arrays` makes them again.

    >>> from_arrays(to_arrays(History({"loss": [1.0]}, {"lr": [0.1]}))).steps
    {'loss': [1.0]}
    """
    tables = {"steps": history.steps, "epochs": history.epochs}
    return {
        f"{kind}/{name}": np.array(column)
        for kind, table in tables.items()
        for name, column in table.items()
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> History:
    """Return the history that `to_arrays` was given."""
    history = History()
    tables = {"steps": history.steps, "epochs": history.epochs}
    for path, array in arrays.items():
        kind, _, name = path.partition("/")
        tables[kind][name] = array.tolist()
    return history


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _table(history: History) -> str:
    names = list(history.epochs)
    first = max(0, len(history) - _SHOWN)
    rows = [
        f"<tr><td>{i + 1}</td>"
        + "".join(f"<td>{history.epochs[name][i]:.4g}</td>" for name in names)
        + "</tr>"
        for i in range(first, len(history))
    ]
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    caption = f"<caption>{escape(repr(history))}</caption>"
    return f"<table>{caption}<tr><th>epoch</th>{head}</tr>{''.join(rows)}</table>"
