"""Record a computation as a graph, and differentiate it backwards.

>>> from micrograd import Value
>>> apple, count, tax = Value(100), Value(2), Value(1.1)
>>> price = apple * count * tax
>>> price.backward()
>>> apple.grad, count.grad, tax.grad
(2.2, 110.00000000000001, 200)
"""

from micrograd.errors import (
    ArgumentError,
    DatasetError,
    GradientError,
    IndexingError,
    MicrogradError,
    MissingExtraError,
    OperandError,
    ShapeError,
    StaleGraphError,
)
from micrograd.node import Node, enable_grad, is_grad_enabled, no_grad, topological_order
from micrograd.op import Op, define_op
from micrograd.ops import (
    absolute,
    add,
    astype,
    broadcast_to,
    concatenate,
    cos,
    divide,
    exp,
    getitem,
    log,
    log_softmax,
    logsumexp,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    multiply,
    negative,
    power,
    relu,
    reshape,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    sqrt,
    stack,
    subtract,
    sum,
    swapaxes,
    tanh,
    transpose,
    where,
)
from micrograd.tensor import Tensor
from micrograd.value import Value

abs = absolute

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "DatasetError",
    "GradientError",
    "IndexingError",
    "MicrogradError",
    "MissingExtraError",
    "Node",
    "Op",
    "OperandError",
    "ShapeError",
    "StaleGraphError",
    "Tensor",
    "Value",
    "__version__",
    "abs",
    "absolute",
    "add",
    "astype",
    "broadcast_to",
    "concatenate",
    "cos",
    "define_op",
    "divide",
    "enable_grad",
    "exp",
    "getitem",
    "is_grad_enabled",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "no_grad",
    "power",
    "relu",
    "reshape",
    "sigmoid",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "sqrt",
    "stack",
    "subtract",
    "sum",
    "swapaxes",
    "tanh",
    "topological_order",
    "transpose",
    "where",
]
