"""The curves of a training, drawn with matplotlib."""

from __future__ import annotations

import base64
import io
import os
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import ArgumentError, extra

if TYPE_CHECKING:
    from micrograd.training.history import History

BLUE, ORANGE, PALE = "#0072b2", "#d55e00", "#a6cbe3"
_POINTS = 400  # of a curve of steps: more than that is noise


def new_figure(
    panels: int, rows: int = 1, width: float = 5.0, height: float = 3.6
) -> tuple[Any, list[Any]]:
    """Return a figure of panels, which a notebook shows, and their axes, row by row.

    It belongs to no window and no global state, so that it is freed as any object.
    """
    figure_class = extra("matplotlib.figure", "a plot").Figure

    class Figure(figure_class):
        def _repr_png_(self) -> bytes:
            return png(self)

    columns = panels // rows
    figure: Any = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes: list[Any] = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, color="#e5e5e5", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()


def draw(history: History, path: str | os.PathLike[str] | None) -> Any:
    """Return a figure with a panel for the loss and each metric; save it, too, if asked to."""
    names = [name for name in history.steps if name not in ("lr", "samples")]
    if not names or not history.steps[names[0]]:
        raise ArgumentError("plot: the history has no steps. Train first.")
    figure, axes = new_figure(len(names))
    for axis, name in zip(axes, names, strict=True):
        _panel(axis, history, name)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def image(history: History, alt: str) -> str:
    """Return the curves as an HTML image that needs no file."""
    content = base64.b64encode(png(draw(history, None))).decode()
    return f'<img style="max-width:100%" alt="{escape(alt)}" src="data:image/png;base64,{content}">'


def smoothed(column: NDArray[Any], points: int = _POINTS) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the steps and the means of at most `points` stretches of a column.

    >>> steps, means = smoothed(np.array([4.0, 2.0]))
    >>> steps.tolist(), means.tolist()
    ([1.0, 2.0], [4.0, 2.0])
    """
    parts = np.array_split(column, min(len(column), points))
    ends = np.cumsum([len(part) for part in parts])
    lengths = np.array([len(part) for part in parts])
    return ends - (lengths - 1) / 2, np.array([part.mean() for part in parts])


def _panel(axis: Any, history: History, name: str) -> None:
    column = np.array(history.steps[name])
    axis.plot(*smoothed(column), color=PALE, linewidth=1, label="each batch")
    kinds = (("train", BLUE, "-"), ("test", ORANGE, "--"))
    for kind, color, style in kinds:
        means = history.epochs.get(f"{kind}_{name}")
        if means:
            marker = "o" if len(means) <= 30 else None
            axis.plot(
                history.epochs["step"],
                means,
                color=color,
                linestyle=style,
                marker=marker,
                markersize=4,
                label=f"{kind}, {means[-1]:.4g}",
            )
    if history.best_epoch is not None:
        axis.axvline(history.epochs["step"][history.best_epoch - 1], color="#777", linestyle=":")
    axis.set(xlabel="step", ylabel=name, xlim=(0, None))
    _set_limits(axis, column, name)
    axis.legend(frameon=False)


def _set_limits(axis: Any, column: NDArray[Any], name: str) -> None:
    """Leave out what the first steps alone would stretch the axis for."""
    finite = column[np.isfinite(column)]
    if name == "loss" and len(finite) and finite.min() >= 0:
        axis.set_ylim(0, 1.05 * max(np.percentile(finite, 99.5), 1e-12))
    elif name == "accuracy":
        axis.set_ylim(max(0.0, float(np.percentile(finite, 2)) - 0.05), 1.01)
