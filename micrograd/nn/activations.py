"""Activation functions as modules, to stand between others; on Tensors, and most on Values too."""

from __future__ import annotations

from typing import Any, Literal

from micrograd import ops
from micrograd.nn.module import Module


class Identity(Module):
    """x as it is.

    >>> Identity()(3.0)
    3.0
    """

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x


class ReLU(Module):
    """max(x, 0), element by element; the derivative at 0 is 0.

    >>> ReLU()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def forward(self, x: Any) -> Any:
        """Return x where it is positive and 0 elsewhere."""
        return ops.relu(x)


class LeakyReLU(Module):
    """x where it is positive and negative_slope * x elsewhere.

    >>> LeakyReLU(0.1)([-1.0, 2.0]).tolist()
    [-0.1, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """Return `micrograd.leaky_relu` of x."""
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """x where it is positive and alpha * (exp(x) - 1) elsewhere.

    >>> ELU()([-1000.0, 2.0]).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Return `micrograd.elu` of x."""
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"{self.alpha}"


class GELU(Module):
    """x times the probability that a standard normal variable is below x.

    Args:
        approximate: "none", or "tanh" for a faster formula; see `micrograd.gelu`.

    >>> GELU()([0.0, 1.0]).round(4).tolist()
    [0.0, 0.8413]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate: Literal["none", "tanh"] = approximate

    def forward(self, x: Any) -> Any:
        """Return `micrograd.gelu` of x."""
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return "" if self.approximate == "none" else f"{self.approximate!r}"


class SiLU(Module):
    """x * sigmoid(x), also called swish.

    >>> SiLU()([0.0, 1.0]).round(4).tolist()
    [0.0, 0.7311]
    """

    def forward(self, x: Any) -> Any:
        """Return `micrograd.silu` of x."""
        return ops.silu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element.

    >>> Sigmoid()([0.0]).tolist()
    [0.5]
    """

    def forward(self, x: Any) -> Any:
        """Return the sigmoid of x."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent, element by element.

    >>> Tanh()([0.0]).tolist()
    [0.0]
    """

    def forward(self, x: Any) -> Any:
        """Return tanh(x)."""
        return ops.tanh(x)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, a smooth ReLU.

    >>> Softplus()([0.0]).round(4).tolist()
    [0.6931]
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Any:
        """Return `micrograd.softplus` of x."""
        return ops.softplus(x, self.beta)

    def extra_repr(self) -> str:
        return f"{self.beta}"


class Softmax(Module):
    """exp(x) / sum(exp(x)) along an axis; before a cross-entropy, leave it out.

    >>> Softmax()([[0.0, 0.0]]).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return `micrograd.softmax` of x."""
        return ops.softmax(x, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class LogSoftmax(Module):
    """log(softmax(x)) along an axis, without overflow or log(0).

    >>> LogSoftmax()([[0.0, 0.0]]).round(4).tolist()
    [[-0.6931, -0.6931]]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return `micrograd.log_softmax` of x."""
        return ops.log_softmax(x, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


__all__ = [
    "ELU",
    "GELU",
    "Identity",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
