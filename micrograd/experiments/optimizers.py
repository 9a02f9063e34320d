"""Compare optimizers: their paths down f(x, y) = x² / 20 + y², and how fast they learn digits."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from micrograd import Tensor
from micrograd.datasets.command import whole_from
from micrograd.experiments.command import add_data, load_data, new_parser, run
from micrograd.experiments.models import Data
from micrograd.nn import Linear, ReLU, Sequential
from micrograd.nn.optim import SGD, AdaGrad, Adam, Optimizer, RMSprop
from micrograd.training import fit
from micrograd.training.curves import BLUE, ORANGE, new_figure, smoothed

Maker = Callable[[Any], Optimizer]

START = (-7.0, 2.0)
PATH_STEPS = 30

# With the book's learning rates, for the surface and for a network of five layers.
PATHS: dict[str, Maker] = {
    "SGD": lambda p: SGD(p, lr=0.95),
    "Momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
    "Nesterov": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "AdaGrad": lambda p: AdaGrad(p, lr=1.5),
    "RMSprop": lambda p: RMSprop(p, lr=0.3, alpha=0.9),
    "Adam": lambda p: Adam(p, lr=0.3),
}
LEARNERS: dict[str, Maker] = {
    "SGD": lambda p: SGD(p, lr=0.01),
    "Momentum": lambda p: SGD(p, lr=0.01, momentum=0.9),
    "Nesterov": lambda p: SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "AdaGrad": lambda p: AdaGrad(p, lr=0.01),
    "RMSprop": lambda p: RMSprop(p, lr=0.001),
    "Adam": lambda p: Adam(p, lr=0.001),
}
COLORS = ("#767676", BLUE, "#56b4e9", "#009e73", "#cc79a7", ORANGE)


def path(make: Maker, steps: int = PATH_STEPS) -> np.ndarray[Any, Any]:
    """Return the places that an optimizer comes through on the surface, from START on.

    >>> path(PATHS["SGD"], 1).round(3).tolist()
    [[-7.0, 2.0], [-6.335, -1.8]]
    """
    place = Tensor(START)
    optimizer = make([place])
    places = [place.data.copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        x, y = place
        (x**2 / 20 + y**2).backward()
        optimizer.step()
        places.append(place.data.copy())
    return np.array(places)


def draw_paths() -> Any:
    """Return a figure with the path of each optimizer, between the surface's contours."""
    figure, axes = new_figure(len(PATHS), rows=2, width=4.2, height=2.9)
    x, y = np.meshgrid(np.linspace(-10, 10, 201), np.linspace(-4, 4, 161))
    for axis, (name, make), color in zip(axes, PATHS.items(), COLORS, strict=True):
        places = path(make)
        axis.contour(x, y, x**2 / 20 + y**2, levels=12, colors="#d0d0d0", linewidths=0.8)
        axis.plot(*places.T, "o-", color=color, markersize=3.5, linewidth=1.3)
        axis.plot(0, 0, "+", color="black", markersize=10)
        axis.set(title=name, xlabel="x", ylabel="y", xlim=(-10, 10), ylim=(-4, 4))
        axis.grid(False)
    return figure


def learn(data: Data, steps: int, seed: int) -> dict[str, list[float]]:
    """Return the losses of a network of five layers, step by step, for each optimizer.

    All begin with the same weights and see the same batches.
    """
    (x, t), _ = data
    per_epoch = max(1, len(x) // 100)
    epochs, rest = divmod(steps, per_epoch)
    losses: dict[str, list[float]] = {}
    for name, make in LEARNERS.items():
        rng = np.random.default_rng(seed)
        sizes = [x.shape[1], 100, 100, 100, 100, 10]
        parts: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            parts += [Linear(inputs, outputs, rng=rng, dtype=np.float32), ReLU()]
        model = Sequential(*parts[:-1])
        order = rng.permutation(len(x))[: steps * 100] if not epochs else slice(None)
        print(name)
        history = fit(
            model,
            (x[order], t[order]),
            make(model.named_parameters()),
            epochs + bool(rest),
            rng=rng,
            compile=True,
        )
        if history.ended == "interrupted":
            raise KeyboardInterrupt
        losses[name] = history.steps["loss"][:steps]
    return losses


def draw_losses(losses: dict[str, list[float]], what: str) -> Any:
    """Return a figure with the loss curve of each optimizer."""
    figure, (axis,) = new_figure(1, width=7.5, height=4.5)
    for (name, column), color in zip(losses.items(), COLORS, strict=True):
        axis.plot(*smoothed(np.array(column), points=100), color=color, label=name)
    axis.set(xlabel="step", ylabel="training loss", xlim=(0, None), ylim=(0, 1))
    axis.set_title(f"A network of five layers learns {what}")
    axis.legend(frameon=False)
    return figure


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m micrograd optimizers` and return the exit code."""
    parser = new_parser("optimizers", __doc__, "optimizers")
    add_data(parser)
    parser.add_argument(
        "--steps",
        type=whole_from(1),
        default=2000,
        help="training steps of 100 samples for each; default: 2,000, as in the book",
    )
    return run(parser, compare, arguments)


def compare(options: argparse.Namespace) -> None:
    """Draw both pictures, and print where each optimizer ended."""
    draw_paths().savefig(options.out / "paths.png", dpi=120)
    print(f"On x² / 20 + y², from {START}, after {PATH_STEPS} steps:")
    for name, make in PATHS.items():
        x, y = path(make)[-1]
        print(f"  {name:9} ({x:7.3f}, {y:7.3f})  f = {x**2 / 20 + y**2:.4f}")
    what, data = load_data(options.data)
    losses = learn(data, options.steps, options.seed)
    print(f"The mean training loss on {what} in the last tenth of {options.steps:,} steps:")
    for name, column in losses.items():
        print(f"  {name:9} {np.mean(column[-max(1, len(column) // 10) :]):.4f}")
    draw_losses(losses, what).savefig(options.out / "losses.png", dpi=120)
    print("The pictures are", options.out / "paths.png", "and", options.out / "losses.png")
