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

from micrograd.nn import (
    activations,
    clip,
    convolution,
    dropout,
    init,
    linear,
    losses,
    mlp,
    module,
    normalization,
    optim,
    schedules,
    sequential,
)
from micrograd.nn.activations import *
from micrograd.nn.clip import *
from micrograd.nn.convolution import *
from micrograd.nn.dropout import *
from micrograd.nn.linear import *
from micrograd.nn.losses import *
from micrograd.nn.mlp import *
from micrograd.nn.module import *
from micrograd.nn.normalization import *
from micrograd.nn.sequential import *

__all__: list[str] = ["init", "losses", "optim", "schedules"]
__all__ += activations.__all__
__all__ += clip.__all__
__all__ += convolution.__all__
__all__ += dropout.__all__
__all__ += linear.__all__
__all__ += losses.__all__
__all__ += mlp.__all__
__all__ += module.__all__
__all__ += normalization.__all__
__all__ += sequential.__all__
