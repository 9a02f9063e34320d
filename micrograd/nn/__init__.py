"""Networks: modules, layers, losses and what weights start from, on Tensors.

`Neuron`, `Layer` and `MLP` are those of karpathy/micrograd, on Values.

>>> import numpy as np
>>> from micrograd import nn
>>> rng = np.random.default_rng(0)
>>> model = nn.Sequential(nn.Linear(784, 50, rng=rng), nn.ReLU(), nn.Linear(50, 10, rng=rng))
>>> loss = nn.cross_entropy(model(rng.random((100, 784))), rng.integers(10, size=100))
>>> loss.backward()
>>> [parameter.grad.shape for parameter in model.parameters()]
[(784, 50), (50,), (50, 10), (10,)]
"""

from micrograd.nn import init, losses, optim, schedules
from micrograd.nn.activations import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from micrograd.nn.clip import clip_grad_norm, clip_grad_value
from micrograd.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d
from micrograd.nn.dropout import Dropout
from micrograd.nn.linear import Linear
from micrograd.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
)
from micrograd.nn.mlp import MLP, Layer, Neuron
from micrograd.nn.module import Module
from micrograd.nn.normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from micrograd.nn.sequential import Sequential

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "Neuron",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "clip_grad_value",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_loss",
    "losses",
    "mse_loss",
    "optim",
    "schedules",
]
