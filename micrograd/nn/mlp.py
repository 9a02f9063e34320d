"""A multi-layer perceptron of Values, neuron by neuron."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from micrograd.engine.scopes import Scope
from micrograd.engine.value import Value
from micrograd.errors import ShapeError
from micrograd.nn.module import Module

__all__ = ["MLP", "Layer", "Neuron"]


class Neuron(Module):
    """A weighted sum of the inputs plus a bias, and ReLU unless told otherwise.

    The weights are drawn from Python's `random`, uniformly from -1 to 1; seed
    that for the same neuron again.

    Args:
        nin: how many inputs there are.
        nonlin: whether ReLU follows.

    >>> Neuron(2)
    ReLUNeuron(2)
    """

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1), label=f"w{i}") for i in range(nin)]
        self.b = Value(0, label="b")
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Any]) -> Value:
        """Return the output for one sample, a sequence of `nin` numbers or Values.

        Raises:
            ShapeError: if `x` has another length.
        """
        if len(x) != len(self.w):
            raise ShapeError(
                f"Neuron: expected {len(self.w)} inputs, but came {len(x)}. Make the neuron with "
                "as many inputs as a sample has."
            )
        total = self.b
        for weight, value in zip(self.w, x, strict=True):
            total = total + weight * value
        return total.relu() if self.nonlin else total

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Several neurons over the same inputs; `kwargs` go to each.

    >>> Layer(2, 1)
    Layer of [ReLUNeuron(2)]
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Return the list of outputs, or the one output of a layer of one neuron."""
        out: list[Value] = []
        for i, neuron in enumerate(self.neurons):
            with Scope(f"neuron{i}"):
                out.append(neuron(x))
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """Layers one after the other, all with ReLU but the last.

    Args:
        nin: how many inputs there are.
        nouts: how many neurons each layer has.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    """

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Return the outputs for one sample; a single one stands alone."""
        for i, layer in enumerate(self.layers):
            x = [x] if isinstance(x, Value) else x  # a layer of one neuron gave no list
            with Scope(f"layer{i}"):
                x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"
