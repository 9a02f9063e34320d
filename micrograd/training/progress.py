"""What a training shows while it runs: a bar where someone looks on, else a line per epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from micrograd.training.history import summary


class Progress:
    """Bars by tqdm in a terminal or notebook; without tqdm, or in a file, lines.

    Args:
        shown: whether anything is shown.
        epochs: how many there are.

    >>> progress = Progress(True, 2)
    >>> progress.begin(1, 600, 0)
    >>> progress.step({"loss": 0.5})
    >>> progress.end({"train_loss": 0.5})  # doctest: +ELLIPSIS
    epoch 1/2: train loss 0.5000 (... steps/s)
    """

    def __init__(self, shown: bool, epochs: int) -> None:
        self._shown = shown
        self._epochs = epochs
        self._tqdm = _tqdm() if shown else None
        self._bar: Any = None
        self._title = ""
        self._steps = 0
        self._start = 0.0

    def begin(self, epoch: int, steps: int | None, done: int) -> None:
        """Begin an epoch, counted from 1, of which some steps may have been done before."""
        self._title = f"epoch {epoch}/{self._epochs}"
        self._steps = 0
        self._start = time.perf_counter()
        if self._tqdm is not None:
            file = sys.stdout if _in_notebook() else sys.stderr
            self._bar = self._tqdm(
                total=steps, initial=done, desc=self._title, unit="step", file=file
            )

    def step(self, row: Mapping[str, float]) -> None:
        """Count a step, and show the means of the epoch so far."""
        self._steps += 1
        if self._bar is not None:
            words = ", ".join(f"{name} {mean:.4f}" for name, mean in row.items())
            self._bar.set_postfix_str(words, refresh=False)
            self._bar.update()

    def end(self, row: Mapping[str, float]) -> None:
        """Show the results of an epoch."""
        if self._bar is not None:
            self._bar.set_postfix_str(summary(row), refresh=False)
            self.close()
        elif self._shown:
            rate = self._steps / max(time.perf_counter() - self._start, 1e-9)
            print(f"{self._title}: {summary(row)} ({rate:,.0f} steps/s)", flush=True)

    def say(self, sentence: str) -> None:
        """Show a sentence, whatever is shown otherwise."""
        self.close()
        print(sentence, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _tqdm() -> Any:
    """Return tqdm if it is installed and its bars can be seen."""
    if not (sys.stderr.isatty() or _in_notebook()):
        return None
    try:
        return import_module("tqdm").tqdm
    except ImportError:
        return None


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "ipykernel" in type(shell).__module__
