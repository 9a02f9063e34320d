"""The affine layer: every output a weighted sum of all inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from micrograd.engine.tensor import Tensor
from micrograd.nn.init import Initializer, generator, he_normal, zeros
from micrograd.nn.inputs import array_with_axis, positive, weights
from micrograd.nn.module import Module


class Linear(Module):
    """x W + b, the affine layer of the book.

    The weights have shape (inputs, outputs), as in the book; PyTorch keeps the
    transpose. The result has the dtype that NumPy promotes x and the weights to:
    float32 only if both are, so give a float32 network float32 data.

    Args:
        inputs: the length of a sample, the last axis of x.
        outputs: the length of what comes out.
        bias: whether b is added.
        init: what W starts from, one of `nn.init`; b starts as 0.
        rng: the source of the weights; a fresh one when left out.
        dtype: the dtype of the parameters, float64 unless told otherwise.

    Attributes:
        weight: W, of shape (inputs, outputs).
        bias: b, of shape (outputs,), or None.

    Raises:
        ArgumentError: if a size is not positive.
        OperandError: if a size is no integer, rng no generator, or dtype not floating.

    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer
    Linear(3, 2)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        init: Initializer = he_normal,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        shape = positive("Linear", "inputs", inputs), positive("Linear", "outputs", outputs)
        rng = generator("Linear", rng)
        self.weight = weights("Linear", init, shape, rng, dtype)
        self.bias = weights("Linear", zeros, shape[1:], rng, dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Return x W + b for x of shape (..., inputs).

        Raises:
            ShapeError: if the last axis of x has another length.
        """
        y = array_with_axis(self, x, -1, self.weight.shape[0]) @ self.weight
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        inputs, outputs = self.weight.shape
        return f"{inputs}, {outputs}" + ("" if self.bias is not None else ", bias=False")


__all__ = ["Linear"]
