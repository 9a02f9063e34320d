"""How much of the engine a call goes through: the files it enters, the lines it executes.

`python -m tests.footprint` shows both for the programs that a reader follows first.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

import micrograd
from micrograd import Tensor, Value, relu, softmax_cross_entropy

_HOME = Path(micrograd.__file__).parent
_RULES = _HOME / "ops"

Line = tuple[str, int]


def two_values() -> Callable[[], Any]:
    """Return a call that multiplies two Values and differentiates the product."""
    a, b = Value(2.0), Value(3.0)

    def call() -> None:
        c = a * b
        c.backward()

    return call


def two_layers() -> Callable[[], Any]:
    """Return a call that computes the loss of a network with two layers, and differentiates it."""
    loss = _loss_of_two_layers()

    def call() -> None:
        loss().backward()

    return call


def backward_of_two_layers() -> Callable[[], Any]:
    """Return the `backward` of such a loss, which was computed before."""
    return _loss_of_two_layers()().backward


def _loss_of_two_layers() -> Callable[[], Tensor]:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((5, 4)), np.array([0, 2, 1, 1, 0])
    W1, b1 = Tensor(rng.standard_normal((4, 3))), Tensor(np.zeros(3))
    W2, b2 = Tensor(rng.standard_normal((3, 3))), Tensor(np.zeros(3))
    return lambda: softmax_cross_entropy(relu(x @ W1 + b1) @ W2 + b2, t)


def files_entered(call: Callable[[], Any]) -> set[str]:
    """Return the files in which a Python frame ran, other than those of the rules, and this one."""
    entered: set[CodeType] = set()

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            entered.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return _named(code.co_filename for code in entered)


def lines_executed(call: Callable[[], Any]) -> set[Line]:
    """Return the lines of Python that ran, each once, other than those of this file."""
    executed: set[Line] = set()

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            executed.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    kept = {path: _name(path) for path in {path for path, _ in executed}}
    return {(kept[path], line) for path, line in executed if path != __file__}


def _named(paths: Iterable[str]) -> set[str]:
    return {_name(path) for path in paths if path != __file__ and _RULES not in Path(path).parents}


def _name(path: str) -> str:
    """Return a file of the package by its place there, and any other as it is."""
    return Path(path).relative_to(_HOME).as_posix() if _HOME in Path(path).parents else path


def main() -> None:
    """Print both for each program."""
    for make in (two_values, two_layers, backward_of_two_layers):
        files, lines = files_entered(make()), lines_executed(make())
        print(f"{make.__name__}: {len(files)} files, {len(lines)} lines")
        for path, count in Counter(path for path, _ in lines).most_common():
            print(f"  {count:4} {path}{'' if path in files else '  (not counted as a file)'}")


if __name__ == "__main__":
    main()
