"""Record a computation as a graph, and differentiate it backwards.

>>> from micrograd import Value
>>> apple, count, tax = Value(100), Value(2), Value(1.1)
>>> price = apple * count * tax
>>> price.backward()
>>> apple.grad, count.grad, tax.grad
(2.2, 110.00000000000001, 200)
"""

import sys

from micrograd import errors, linalg, ops
from micrograd.compiler import compiling, program
from micrograd.compiler.compiling import *
from micrograd.compiler.program import *
from micrograd.compiler.recording.programs import Slot
from micrograd.core import modes, node, op
from micrograd.core.modes import *
from micrograd.core.node import *
from micrograd.core.op import *
from micrograd.engine import debug as debugging
from micrograd.engine import modes as switches
from micrograd.engine import scopes, tensor, value
from micrograd.engine.debug import *
from micrograd.engine.modes import *
from micrograd.engine.scopes import *
from micrograd.engine.tensor import *
from micrograd.engine.value import *
from micrograd.errors import *
from micrograd.ops import *
from micrograd.transforms import backward_trace, derivatives
from micrograd.transforms import checkpoint as checkpointing
from micrograd.transforms.backward_trace import *
from micrograd.transforms.checkpoint import *
from micrograd.transforms.derivatives import *

abs = absolute

__version__ = "0.1.0"

__all__: list[str] = ["Slot", "__version__", "abs", "linalg"]
__all__ += backward_trace.__all__
__all__ += checkpointing.__all__
__all__ += compiling.__all__
__all__ += debugging.__all__
__all__ += derivatives.__all__
__all__ += errors.__all__
__all__ += modes.__all__
__all__ += node.__all__
__all__ += op.__all__
__all__ += ops.__all__
__all__ += program.__all__
__all__ += scopes.__all__
__all__ += switches.__all__
__all__ += tensor.__all__
__all__ += value.__all__

# Where modules stood that pickles name, and their classes and functions.
_MOVED = {
    "autodiff": ".engine.autodiff",
    "captures": ".common.captures",
    "checkpoint": ".transforms.checkpoint",
    "copying": ".engine.copying",
    "debug": ".engine.debug",
    "flow": ".transforms.backward_trace",
    "modes": ".engine.modes",
    "node": "",  # what was public there is so here
    "op": ".engine.stored_ops",
    "scopes": ".engine.scopes",
    "tensor": ".engine.tensor",
    "tree": ".common.tree",
    "value": ".engine.value",
}
for _old, _new in _MOVED.items():
    sys.modules[f"{__name__}.{_old}"] = _module = sys.modules[__name__ + _new]
    if _old not in __all__:  # as the functions `checkpoint` and `debug` are
        globals()[_old] = _module


def __dir__() -> list[str]:
    return __all__
