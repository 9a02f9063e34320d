"""Networks of Values, as karpathy/micrograd has them: Module, Neuron, Layer, MLP."""

from micrograd.nn.mlp import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron"]
