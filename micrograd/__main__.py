"""Show the whole idea, from graph to trained network: the tour, `python -m micrograd`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import viz
from micrograd import Value, exp
from micrograd.datasets.command import whole_from
from micrograd.datasets.digits import load_digits, load_mnist
from micrograd.errors import extra
from micrograd.experiments import initialization, mnist, optimizers
from micrograd.experiments.command import new_parser, run
from micrograd.layers import TwoLayerNet

Data = tuple[tuple[Any, Any], tuple[Any, Any]]

COMMANDS = {"mnist": mnist.main, "optimizers": optimizers.main, "init": initialization.main}


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'-' * len(text)}")


def show_gradients(result: Value, *inputs: Value) -> None:
    """Print the result of a graph and the gradient of each input."""
    print(f"{result.label} = {result.data:.10g}")
    for node in inputs:
        print(f"  d {result.label} / d {node.label:<13} = {node.grad:.10g}")


def apple_graph() -> Value:
    """Buy two apples at 100 with a tax of 10 %: the book's first graph."""
    apple, count, tax = (
        Value(100, label="apple"),
        Value(2, label="apple count"),
        Value(1.1, label="tax"),
    )
    price = apple * count * tax
    price.label = "price"
    price.backward()
    show_gradients(price, apple, count, tax)
    return price


def shopping_graph() -> Value:
    """Buy two apples and three oranges: multiply and add nodes together."""
    apple, apple_count = Value(100, label="apple"), Value(2, label="apple count")
    orange, orange_count = Value(150, label="orange"), Value(3, label="orange count")
    tax = Value(1.1, label="tax")
    price = (apple * apple_count + orange * orange_count) * tax
    price.label = "price"
    price.backward()
    show_gradients(price, apple, apple_count, orange, orange_count, tax)
    return price


def sigmoid_graph() -> Value:
    """Take the sigmoid apart into ×, exp, + and /, and compare with y (1 - y)."""
    x = Value(1.0, label="x")
    y = 1 / (1 + exp(x * -1))
    y.label = "y"
    y.backward()
    show_gradients(y, x)
    print(f"  y (1 - y)           = {y.data * (1 - y.data):.10g}")
    return y


def check_gradients(data: Data, rng: np.random.Generator) -> None:
    """Compare backpropagation with differences for a small network on three samples."""
    (x, t), _ = data
    network = TwoLayerNet(x.shape[1], 5, 10, rng=rng)
    batch = x[:3].astype(np.float64), t[:3]
    backpropagated, numerical = network.gradient(*batch), network.numerical_gradient(*batch)
    print("      backpropagated    numerical         mean absolute difference")
    for name, gradient in backpropagated.items():
        strongest = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
        difference = np.abs(gradient - numerical[name]).mean()
        print(
            f"  {name}  {gradient[strongest]:<16.10f}  {numerical[name][strongest]:<16.10f}"
            f"  {difference:.2e}"
        )


def train(data: Data, steps: int, rng: np.random.Generator) -> tuple[TwoLayerNet, dict[str, Any]]:
    """Train the two-layer network as the book does, and return it with its history."""
    (x, t), (x_test, t_test) = data
    batch_size, learning_rate = 100, 0.1
    network = TwoLayerNet(x.shape[1], 50, 10, rng=rng)
    epoch = max(len(x) // batch_size, steps // 20, 1)
    history: dict[str, Any] = {"loss": [], "step": [], "train": [], "test": []}
    watched = slice(len(x_test))  # enough of the training data for a curve
    with extra("tqdm", "the tour").tqdm(
        total=steps, unit="step", desc="training", file=sys.stdout
    ) as bar:
        for step in range(1, steps + 1):
            chosen = rng.choice(len(x), batch_size)
            for name, gradient in network.gradient(x[chosen], t[chosen]).items():
                network.params[name] -= learning_rate * gradient
            bar.update()
            if step % epoch == 0 or step == steps:
                history["step"].append(step)
                history["loss"].append(network.loss(x[watched], t[watched]))
                history["train"].append(network.accuracy(x[watched], t[watched]))
                history["test"].append(network.accuracy(x_test, t_test))
                bar.set_postfix(loss=f"{history['loss'][-1]:.3f}")
    history["train"][-1] = network.accuracy(x, t)
    print(f"train accuracy {history['train'][-1]:.4f}, test accuracy {history['test'][-1]:.4f}")
    return network, history


def plot(history: dict[str, Any], path: Path) -> None:
    """Draw loss and accuracy over the steps into a file."""
    extra("matplotlib", "the tour").use("Agg")
    pyplot = extra("matplotlib.pyplot", "the tour")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(history["step"], history["loss"], color="#0072b2")
    left.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    right.plot(history["step"], history["train"], color="#0072b2", label="train")
    right.plot(history["step"], history["test"], color="#d55e00", linestyle="--", label="test")
    right.set(xlabel="step", ylabel="accuracy", ylim=(0, 1))
    right.legend(loc="lower right")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def tour(options: argparse.Namespace) -> None:
    """Show every stop of the tour and write its pictures."""
    folder: Path = options.out
    rng = np.random.default_rng(options.seed)
    stops: list[tuple[str, str, Callable[[], Value]]] = [
        ("Two apples and the tax", "apple.svg", apple_graph),
        ("Apples, oranges and the tax", "shopping.svg", shopping_graph),
        ("The sigmoid, taken apart", "sigmoid.svg", sigmoid_graph),
    ]
    for title, name, build in stops:
        heading(title)
        viz.draw(build()).save(folder / name)
    data: Data = load_mnist() if options.data == "mnist" else load_digits()
    heading("The gradient check of a small two-layer network")
    check_gradients(data, rng)
    heading(f"A two-layer network learns {options.data}")
    _, history = train(data, options.steps or (10_000 if options.data == "mnist" else 2_000), rng)
    plot(history, folder / "training_curve.png")
    print("\nThe pictures are in", folder.resolve())
    for name in [*(name for _, name, _ in stops), "training_curve.png"]:
        print(" ", name)


def main(arguments: list[str] | None = None) -> int:
    """Run the tour, or the command that comes first, and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in COMMANDS:
        return COMMANDS[given[0]](given[1:])
    parser = new_parser("", __doc__, "tour")
    parser.epilog = (
        "Other commands, each with its own --help: "
        + ", ".join(f"{parser.prog} {name}" for name in COMMANDS)
        + f", {parser.prog}.datasets."
    )
    parser.add_argument(
        "--data",
        choices=["digits", "mnist"],
        default="digits",
        help="what the network learns: scikit-learn's digits (8 x 8, no download), or MNIST "
        "(from the folder in MICROGRAD_DATA, else from a cache, else downloaded); default: digits",
    )
    parser.add_argument(
        "--steps",
        type=whole_from(1),
        help="training steps of 100 samples; default: 2,000 for digits, 10,000 for MNIST, as in "
        "the book",
    )
    return run(parser, tour, given)


if __name__ == "__main__":
    sys.exit(main())
