"""Rules by which parameters follow their gradients: SGD, AdaGrad, RMSprop, Adam, AdamW.

In float64, each walks where PyTorch's does. In the formulas, p is a parameter,
g its gradient, to which all but AdamW add weight_decay * p, and t counts the
updates from 1. See chapter 6 of *Deep Learning from Scratch*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import ArgumentError, in_range
from micrograd.nn.optimizer import Optimizer
from micrograd.nn.parameters import Parameters

__all__ = ["SGD", "AdaGrad", "Adam", "AdamW", "Optimizer", "RMSprop"]

_Array = NDArray[Any]
_Scratch = tuple[_Array, _Array]
_Factors = tuple[float, ...]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

        v = momentum * v + g
        p = p - lr * v

    Without momentum v is g. With Nesterov's, p moves by lr (g + momentum * v).
    The book's Momentum keeps -lr * v instead of v, which comes to the same
    unless the learning rate changes.

    Args:
        parameters: leaves, or pairs of names and leaves.
        lr: the learning rate.
        momentum: how much of the last step goes into the next, from 0 to below 1.
        nesterov: look ahead by the momentum.
        weight_decay: the strength of the L2 penalty.
        error_if_nonfinite: refuse nan and inf in gradients, before any update.

    Raises:
        ArgumentError: if a setting is out of range, or a parameter cannot be trained.
        OperandError: if a parameter is no node.

    >>> from micrograd import Tensor
    >>> x = Tensor([4.0])
    >>> optimizer = SGD([x], lr=0.25)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (x * x).sum().backward()
    ...     optimizer.step()
    ...     print(x.data)
    [2.]
    [1.]
    [0.5]
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        error_if_nonfinite: bool = True,
    ) -> None:
        self.momentum = in_range("SGD", "momentum", momentum, below=1)
        self.nesterov = nesterov
        if nesterov and not self.momentum:
            raise ArgumentError("SGD: nesterov=True needs a momentum above 0, such as 0.9.")
        slots = ("momentum",) if self.momentum else ()
        super().__init__(parameters, lr, weight_decay, error_if_nonfinite, slots)

    def _factors(self, step: int) -> tuple[float, ...]:
        return *super()._factors(step), self.momentum, self.lr

    def _rule(
        self, p: _Array, g: _Array, kept: Sequence[_Array], scratch: _Scratch, factors: _Factors
    ) -> None:
        (work, ahead), (decay, momentum, lr) = scratch, factors
        g = self._decayed(p, g, work, decay)
        for v in kept:
            v *= momentum
            v += g
            if self.nesterov:
                np.multiply(v, momentum, out=ahead)
                ahead += g
            g = ahead if self.nesterov else v
        np.multiply(g, lr, out=work)
        p -= work


class AdaGrad(Optimizer):
    """AdaGrad: the more an element has moved, the smaller its steps (Duchi et al. 2011).

        h = h + g²
        p = p - lr * g / (√h + eps)

    Args:
        parameters: leaves, or pairs of names and leaves.
        lr: the learning rate.
        eps: keeps the denominator from 0; 1e-7 in the book.
        weight_decay: the strength of the L2 penalty.
        error_if_nonfinite: refuse nan and inf in gradients, before any update.

    Raises:
        ArgumentError: if a setting is out of range, or a parameter cannot be trained.
        OperandError: if a parameter is no node.

    >>> from micrograd import Tensor
    >>> x = Tensor([4.0])
    >>> (x * x).sum().backward()
    >>> AdaGrad([x], lr=0.5).step()
    >>> x.data
    array([3.5])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        error_if_nonfinite: bool = True,
    ) -> None:
        self.eps = in_range("AdaGrad", "eps", eps)
        super().__init__(parameters, lr, weight_decay, error_if_nonfinite, ["sum"])

    def _factors(self, step: int) -> tuple[float, ...]:
        return *super()._factors(step), self.eps, self.lr

    def _rule(
        self, p: _Array, g: _Array, kept: Sequence[_Array], scratch: _Scratch, factors: _Factors
    ) -> None:
        (h,), (work, spare), (decay, eps, lr) = kept, scratch, factors
        g = self._decayed(p, g, work, decay)
        np.multiply(g, g, out=spare)
        h += spare
        np.sqrt(h, out=spare)
        spare += eps
        np.divide(g, spare, out=spare)
        spare *= lr
        p -= spare


class RMSprop(Optimizer):
    """RMSprop: AdaGrad that forgets what is long ago (Tieleman and Hinton 2012).

        h = alpha * h + (1 - alpha) * g²
        p = p - lr * g / (√h + eps)

    Centered, h is diminished by the square of the mean gradient. With momentum,
    v = momentum * v + g / (√h + eps), and p moves by lr * v.

    Args:
        parameters: leaves, or pairs of names and leaves.
        lr: the learning rate.
        alpha: how much of h is kept, from 0 to below 1.
        eps: keeps the denominator from 0.
        momentum: how much of the last step goes into the next, from 0 to below 1.
        centered: divide by the standard deviation and not by the root mean square.
        weight_decay: the strength of the L2 penalty.
        error_if_nonfinite: refuse nan and inf in gradients, before any update.

    Raises:
        ArgumentError: if a setting is out of range, or a parameter cannot be trained.
        OperandError: if a parameter is no node.

    >>> from micrograd import Tensor
    >>> x = Tensor([4.0])
    >>> (x * x).sum().backward()
    >>> RMSprop([x], lr=0.5, alpha=0.75).step()
    >>> x.data.round(6)
    array([3.])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        *,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        error_if_nonfinite: bool = True,
    ) -> None:
        self.alpha = in_range("RMSprop", "alpha", alpha, below=1)
        self.eps = in_range("RMSprop", "eps", eps)
        self.momentum = in_range("RMSprop", "momentum", momentum, below=1)
        self.centered = centered
        slots = ["square_avg"] + ["grad_avg"] * centered + ["momentum"] * bool(self.momentum)
        super().__init__(parameters, lr, weight_decay, error_if_nonfinite, slots)

    def _factors(self, step: int) -> tuple[float, ...]:
        own = self.alpha, 1 - self.alpha, self.eps, self.momentum, self.lr
        return *super()._factors(step), *own

    def _rule(
        self, p: _Array, g: _Array, kept: Sequence[_Array], scratch: _Scratch, factors: _Factors
    ) -> None:
        (h, *others), (work, spare) = kept, scratch
        decay, alpha, rest, eps, momentum, lr = factors
        g = self._decayed(p, g, work, decay)
        np.multiply(g, g, out=spare)
        spare *= rest
        h *= alpha
        h += spare
        if self.centered:
            mean = others.pop(0)
            np.subtract(g, mean, out=spare)
            spare *= rest
            mean += spare
            np.multiply(mean, mean, out=spare)
            np.subtract(h, spare, out=spare)
            np.maximum(spare, 0, out=spare)  # below 0 by rounding, when all gradients are equal
            np.sqrt(spare, out=spare)
        else:
            np.sqrt(h, out=spare)
        spare += eps
        np.divide(g, spare, out=spare)
        way = spare
        for v in others:
            v *= momentum
            v += spare
            way = v
        np.multiply(way, lr, out=spare)
        p -= spare


class Adam(Optimizer):
    """Adam: momentum, and steps in units of the gradient's size (Kingma and Ba 2015).

        m = β1 * m + (1 - β1) * g
        v = β2 * v + (1 - β2) * g²
        p = p - lr * m̂ / (√v̂ + eps)   with   m̂ = m / (1 - β1^t),  v̂ = v / (1 - β2^t)

    The book, as the paper's section 2 does for speed, adds eps to √v in place
    of √v̂.

    Args:
        parameters: leaves, or pairs of names and leaves.
        lr: the learning rate.
        betas: how much of m and of v is kept, each from 0 to below 1.
        eps: keeps the denominator from 0.
        weight_decay: the strength of the L2 penalty; see AdamW.
        error_if_nonfinite: refuse nan and inf in gradients, before any update.

    Raises:
        ArgumentError: if a setting is out of range, or a parameter cannot be trained.
        OperandError: if a parameter is no node.

    >>> from micrograd import Tensor
    >>> x = Tensor([4.0])
    >>> (x * x).sum().backward()
    >>> Adam([x], lr=0.5).step()
    >>> x.data.round(6)
    array([3.5])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        error_if_nonfinite: bool = True,
    ) -> None:
        kind = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ArgumentError(f"{kind}: betas is {betas!r}; expected two numbers (β1, β2).")
        self.betas = (
            in_range(kind, "betas[0]", betas[0], below=1),
            in_range(kind, "betas[1]", betas[1], below=1),
        )
        self.eps = in_range(kind, "eps", eps)
        slots = ["exp_avg", "exp_avg_sq"]
        super().__init__(parameters, lr, weight_decay, error_if_nonfinite, slots)

    def _factors(self, step: int) -> tuple[float, ...]:
        beta1, beta2 = self.betas
        # m̂ / (√v̂ + eps), multiplied by r = √(1 - β2^t) above and below to save a pass
        r = math.sqrt(1 - beta2**step)
        rate = self.lr * r / (1 - beta1**step)
        return *super()._factors(step), 1 - beta1, beta2, 1 - beta2, self.eps * r, rate

    def _rule(
        self, p: _Array, g: _Array, kept: Sequence[_Array], scratch: _Scratch, factors: _Factors
    ) -> None:
        (m, v), (work, spare) = kept, scratch
        decay, rest1, beta2, rest2, eps, rate = factors
        g = self._decayed(p, g, work, decay)
        np.subtract(g, m, out=spare)
        spare *= rest1
        m += spare
        np.multiply(g, g, out=spare)
        spare *= rest2
        v *= beta2
        v += spare
        np.sqrt(v, out=spare)
        spare += eps
        np.divide(m, spare, out=spare)
        spare *= rate
        p -= spare


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves (Loshchilov and Hutter 2019).

        p = p - lr * weight_decay * p,   then as Adam does, with g alone

    Args:
        parameters: leaves, or pairs of names and leaves.
        lr: the learning rate.
        betas: how much of m and of v is kept, each from 0 to below 1.
        eps: keeps the denominator from 0.
        weight_decay: the share, times lr, by which parameters shrink at each step.
        error_if_nonfinite: refuse nan and inf in gradients, before any update.

    Raises:
        ArgumentError: if a setting is out of range, or a parameter cannot be trained.
        OperandError: if a parameter is no node.

    >>> from micrograd import Tensor
    >>> x = Tensor([4.0])
    >>> (x * x).sum().backward()
    >>> AdamW([x], lr=0.5, weight_decay=0.25).step()
    >>> x.data.round(6)
    array([3.])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        error_if_nonfinite: bool = True,
    ) -> None:
        super().__init__(
            parameters,
            lr,
            betas,
            eps=eps,
            weight_decay=weight_decay,
            error_if_nonfinite=error_if_nonfinite,
        )

    def _factors(self, step: int) -> tuple[float, ...]:
        return 1 - self.lr * self.weight_decay, *super()._factors(step)[1:]

    def _decayed(self, p: _Array, g: _Array, out: _Array, decay: float) -> _Array:
        p *= decay
        return g
