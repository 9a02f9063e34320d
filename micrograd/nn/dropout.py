"""Dropout: in training, some elements are left out at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.compiler.recording.draws import draw
from micrograd.errors import ArgumentError
from micrograd.nn.init import generator
from micrograd.nn.module import Module
from micrograd.ops.axes import array_of


class Dropout(Module):
    """Set each element to 0 with probability p, in training only.

    The others are divided by 1 - p, so that the mean stays what it is and
    nothing is left to do after `eval()`, where the output is x itself.

    Source: N. Srivastava, G. Hinton and others, Dropout, 2014; the book's chapter 6
    multiplies by 1 - p in a test instead.

    Args:
        p: the probability of leaving an element out, from 0 to 1.
        rng: the source of the choice; a fresh one when left out.

    Attributes:
        rng: the generator, which each call in training advances.

    Raises:
        ArgumentError: if p is no probability.
        OperandError: if rng is no generator.

    >>> dropout = Dropout(0.5, rng=np.random.default_rng(0))
    >>> dropout(np.ones(6)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    >>> dropout.eval()(np.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"Dropout: p has to be a probability from 0 to 1, but came {p!r}.")
        self.p = p
        self.rng = generator("Dropout", rng)

    def forward(self, x: Any) -> Any:
        """Return x with some elements left out and the others made larger, of any shape."""
        x = array_of("Dropout", x)
        if not self.training or self.p == 0:
            return x
        dtype = np.result_type(x.dtype, np.float16)
        kept = draw(self.rng, "random", x.shape, np.float32) >= self.p
        return x * (kept * dtype.type(0 if self.p == 1 else 1 / (1 - self.p)))

    def extra_repr(self) -> str:
        return f"{self.p}"


__all__ = ["Dropout"]
