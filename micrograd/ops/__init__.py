"""The rules, by family. Importing this package fills the registry of operations.

Those of matrices stand in `micrograd.linalg`, all others in `micrograd`.
"""

from micrograd.core.op import registry
from micrograd.core.record import operator_of
from micrograd.ops import (
    activations,
    arranging,
    bounds,
    contractions,
    convolution,
    counting,
    diagonals,
    elementwise,
    fused,
    indexing,
    joining,
    linalg,
    picking,
    pooling,
    powers,
    products,
    reductions,
    repeating,
    reshaping,
    rounding,
    scans,
    shape,
    statistics,
    trigonometric,
)
from micrograd.ops.activations import *
from micrograd.ops.arranging import *
from micrograd.ops.bounds import *
from micrograd.ops.contractions import *
from micrograd.ops.convolution import *
from micrograd.ops.counting import *
from micrograd.ops.decompositions import *
from micrograd.ops.determinants import *
from micrograd.ops.diagonals import *
from micrograd.ops.einsum import einsum
from micrograd.ops.elementwise import *
from micrograd.ops.fused import *
from micrograd.ops.indexing import *
from micrograd.ops.inverses import *
from micrograd.ops.joining import *
from micrograd.ops.linalg import *
from micrograd.ops.norms import *
from micrograd.ops.picking import *
from micrograd.ops.pooling import *
from micrograd.ops.powers import *
from micrograd.ops.products import *
from micrograd.ops.reductions import *
from micrograd.ops.repeating import *
from micrograd.ops.reshaping import *
from micrograd.ops.rounding import *
from micrograd.ops.scans import *
from micrograd.ops.shape import *
from micrograd.ops.spectra import *
from micrograd.ops.statistics import *
from micrograd.ops.trigonometric import *

for _op in registry.values():  # they are ours
    _op.trust()
    _op.operator = operator_of(_op)

__all__: list[str] = ["einsum"]
__all__ += activations.__all__
__all__ += arranging.__all__
__all__ += bounds.__all__
__all__ += contractions.__all__
__all__ += convolution.__all__
__all__ += counting.__all__
__all__ += diagonals.__all__
__all__ += elementwise.__all__
__all__ += fused.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linalg.__all__
__all__ += picking.__all__
__all__ += pooling.__all__
__all__ += powers.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += repeating.__all__
__all__ += reshaping.__all__
__all__ += rounding.__all__
__all__ += scans.__all__
__all__ += shape.__all__
__all__ += statistics.__all__
__all__ += trigonometric.__all__
