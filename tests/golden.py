"""The book's figures as this library draws them, kept as files: `python -m tests.golden --write`.

Without `--write`, it tells which files are stale. Look at what changes before
committing it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from micrograd import Node, Tensor, Value, exp, matmul, softmax_cross_entropy
from tests.drawn import own_svg
from viz import draw

FOLDER = Path(__file__).with_name("golden")


def apple() -> Value:
    """Return the price of two apples with tax."""
    price = Value(100.0, label="apple") * Value(2.0, label="count") * Value(1.1, label="tax")
    price.label = "price"
    price.backward()
    return price


def apples_and_oranges() -> Value:
    """Return the price of two apples and three oranges with tax."""
    apples = Value(100.0, label="apple") * Value(2.0, label="apple count")
    oranges = Value(150.0, label="orange") * Value(3.0, label="orange count")
    total = (apples + oranges) * Value(1.1, label="tax")
    total.label = "total"
    total.backward()
    return total


def square_of_a_sum() -> Value:
    """Return z = t², t = x + y: the book's chain rule."""
    t = Value(1.0, label="x") + Value(2.0, label="y")
    t.label = "t"
    z = t**2
    z.label = "z"
    z.backward()
    return z


def sigmoid() -> Value:
    """Return the sigmoid of 1, taken apart."""
    y = 1 / (1 + exp(Value(1.0, label="x") * -1))
    y.label = "y"
    y.backward()
    return y


def affine() -> Tensor:
    """Return X·W + B for a batch of two; the gradient of B is a sum over the batch."""
    x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), label="X")
    w = Tensor(np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.5]]), label="W")
    y = matmul(x, w) + Tensor(np.array([0.1, 0.2, 0.3]), label="B")
    y.label = "Y"
    y.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    return y


def softmax_with_loss() -> Tensor:
    """Return the loss of scores whose softmax is (0.3, 0.2, 0.5), where the second is right."""
    scores = Tensor(np.log([[0.3, 0.2, 0.5]]), label="a")
    loss = softmax_cross_entropy(scores, Tensor([[0.0, 1.0, 0.0]], requires_grad=False, label="t"))
    loss.label = "L"
    loss.backward()
    return loss


FIGURES: dict[str, Callable[[], Node]] = {
    "apple": apple,
    "apples_and_oranges": apples_and_oranges,
    "square_of_a_sum": square_of_a_sum,
    "sigmoid": sigmoid,
    "affine": affine,
    "softmax_with_loss": softmax_with_loss,
}


def files() -> Iterator[tuple[Path, str]]:
    """Yield each file, and what is to stand in it."""
    for name, build in FIGURES.items():
        yield FOLDER / f"{name}.dot", draw(build()).source
        yield FOLDER / f"{name}.svg", own_svg(build())


def main() -> int:
    """Write the files, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    if parser.parse_args().write:
        FOLDER.mkdir(exist_ok=True)
        for path, text in files():
            path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{2 * len(FIGURES)} files are written to {FOLDER.name}/.")
        return 0
    stale = [
        path.name
        for path, text in files()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    print(f"stale, run with --write: {', '.join(stale)}" if stale else "All files are up to date.")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
