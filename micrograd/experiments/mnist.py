"""Train a network on handwritten digits, and draw how its loss and accuracy went."""

from __future__ import annotations

import argparse

import numpy as np

from micrograd.datasets.command import whole_from
from micrograd.experiments.command import add_data, load_data, new_parser, run
from micrograd.experiments.models import conv, mlp, train_book, train_library
from micrograd.saving.arrays import save

STEPS = {"book": 10_000, "mlp": 6_000, "conv": 3_000}  # on MNIST
DIGITS_STEPS = {"book": 2_000, "mlp": 600, "conv": 600}


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m micrograd mnist` and return the exit code."""
    parser = new_parser("mnist", __doc__, "mnist")
    parser.add_argument(
        "--model",
        choices=list(STEPS),
        default="book",
        help="book: 784-50-10 from primitives, with the book's hyperparameters; mlp: 784-256-10 "
        "with He's weights, Adam and dropout; conv: two convolutions; default: book",
    )
    add_data(parser)
    defaults = ", ".join(f"{steps:,} for {name}" for name, steps in STEPS.items())
    parser.add_argument(
        "--steps",
        type=whole_from(1),
        help=f"training steps of 100 samples; default: {defaults}, and fewer for the digits",
    )
    parser.add_argument(
        "--eager",
        action="store_true",
        help="compute each step anew, and not by a compiled program, which gives the same bits; "
        "conv always does, as its programs are no faster",
    )
    return run(parser, train, arguments)


def train(options: argparse.Namespace) -> None:
    """Train the network that was asked for, and write its curves and weights."""
    name = options.model
    what, data = load_data(options.data, flatten=name != "conv")
    x = data[0][0]
    rng = np.random.default_rng(options.seed)
    steps = options.steps or (STEPS if what == "MNIST" else DIGITS_STEPS)[name]
    if name == "book":
        history = train_book(data, steps, rng, compiled=not options.eager)
    else:
        model = conv(x.shape[-1], rng) if name == "conv" else mlp(x.shape[1], rng)
        compiled = name == "mlp" and not options.eager
        history = train_library(model, data, steps, rng, compiled=compiled)
        save(options.out / f"{name}.npz", model)
        print("The weights are in", options.out / f"{name}.npz")
    print(history)
    if not history.steps:
        return
    history.plot(options.out / f"{name}.png")
    print("The curves are in", options.out / f"{name}.png")
