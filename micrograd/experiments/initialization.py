"""Show what becomes of activations, layer by layer, for weights of different size."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd import relu, sigmoid, tanh
from micrograd.experiments.command import new_parser, run
from micrograd.nn import init
from micrograd.training.curves import BLUE, ORANGE, new_figure

SAMPLES, NODES, LAYERS = 1000, 100, 5  # as in the book

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}
WEIGHTS: dict[str, Callable[..., NDArray[Any]]] = {
    "std 1": partial(init.normal, std=1.0),
    "std 0.01": partial(init.normal, std=0.01),
    "Xavier, √(1/n)": init.lecun_normal,
    "He, √(2/n)": init.he_normal,
}
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, 1.0)}


def activations(activation: str, weights: str, seed: int) -> list[NDArray[Any]]:
    """Return what each of five layers gives for random samples.

    >>> [round(float(h.std()), 2) for h in activations("tanh", "std 0.01", 0)]
    [0.1, 0.01, 0.0, 0.0, 0.0]
    """
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((SAMPLES, NODES))
    layers: list[NDArray[Any]] = []
    for _ in range(LAYERS):
        h = ACTIVATIONS[activation](h @ WEIGHTS[weights]((NODES, NODES), rng=rng))
        layers.append(h)
    return layers


def draw(activation: str, seed: int) -> Any:
    """Return a figure of histograms: a row for each kind of weights, a column for each layer."""
    figure, axes = new_figure(len(WEIGHTS) * LAYERS, rows=len(WEIGHTS), width=2.3, height=1.75)
    low, high = _RANGES[activation]
    for row, weights in enumerate(WEIGHTS):
        layers = activations(activation, weights, seed)
        for column, h in enumerate(layers):
            axis = axes[row * LAYERS + column]
            edges = np.linspace(low, high, 31)
            shares = np.histogram(np.clip(h, low, high), edges)[0] / h.size
            axis.stairs(shares, edges, fill=True, color=_color(h, activation))
            axis.set(xlim=(low, high), ylim=(0, max(0.25, 1.3 * shares.max())))
            axis.text(
                0.5, 0.97, f"std {h.std():.2g}", transform=axis.transAxes, ha="center", va="top"
            )
            axis.tick_params(labelsize=8)
            if not row:
                axis.set_title(f"layer {column + 1}", fontsize=10)
            if not column:
                axis.set_ylabel(weights)
    figure.suptitle(
        f"Activations after {activation}, as shares of {SAMPLES * NODES:,} (orange: little told)"
    )
    return figure


def _color(h: NDArray[Any], activation: str) -> str:
    return BLUE if is_alive(h, activation) else ORANGE


def is_alive(h: NDArray[Any], activation: str) -> bool:
    """Tell whether a layer still says something: it has neither saturated nor shrunk to a point."""
    low, high = _RANGES[activation]
    width = high - low
    at_ends = np.mean((h < low + width / 20) | (h > high - width / 20))
    at_zero = np.mean(h <= 0) if activation == "relu" else 0.0
    saturated = at_ends > 0.6 and activation != "relu"
    return bool(h.std() > 0.03 * width and h.std() < 5 * width and at_zero < 0.9 and not saturated)


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m micrograd init` and return the exit code."""
    return run(new_parser("init", __doc__, "init"), show, arguments)


def show(options: argparse.Namespace) -> None:
    """Draw a picture for each activation, and print the standard deviations."""
    for activation in ACTIVATIONS:
        print(f"\nStandard deviation after {activation}, layers 1 to {LAYERS}")
        for weights in WEIGHTS:
            stds = [h.std() for h in activations(activation, weights, options.seed)]
            print(f"  {weights:15}", "  ".join(f"{std:8.3g}" for std in stds))
        draw(activation, options.seed).savefig(options.out / f"{activation}.png", dpi=110)
    print("\nThe pictures are in", options.out.resolve())
    for activation in ACTIVATIONS:
        print(f"  {activation}.png")
