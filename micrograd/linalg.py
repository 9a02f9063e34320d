"""NumPy's `linalg`: solving, decomposing and norms, for Tensors and arrays.

As in NumPy, `trace` and `diagonal` are those of the matrices in the last two axes here.

>>> import micrograd as mg
>>> mg.linalg.det(mg.Tensor([[2.0, 0.0], [0.0, 3.0]])).item()
6.0
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from micrograd import ops
from micrograd.ops import decompositions, determinants, inverses, norms, spectra
from micrograd.ops.contractions import tensordot
from micrograd.ops.decompositions import *
from micrograd.ops.determinants import *
from micrograd.ops.inverses import *
from micrograd.ops.kinds import A, N
from micrograd.ops.linalg import matmul
from micrograd.ops.norms import *
from micrograd.ops.products import cross, matrix_transpose, multi_dot, outer
from micrograd.ops.spectra import *

__all__: list[str] = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
]
__all__ += decompositions.__all__
__all__ += determinants.__all__
__all__ += inverses.__all__
__all__ += norms.__all__
__all__ += spectra.__all__


def diagonal(x: A | ArrayLike, *, offset: int = 0) -> A:
    """Return a diagonal of the matrices in the last two axes of x, of shape (..., m, n).

    `micrograd.diagonal` takes any two axes, by default the first two.

    Derivative: the gradient on the diagonal, 0 elsewhere.

    Args:
        x: matrices of shape (..., m, n).
        offset: which diagonal: 0 for the main one, above it from 1 up, below it from -1 down.

    Raises:
        ShapeError: if x has fewer than two axes.

    >>> diagonal([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]).tolist()
    [[1, 4], [5, 8]]
    """
    return ops.diagonal(x, offset, -2, -1)


def trace(x: N | ArrayLike, *, offset: int = 0) -> N:
    """Return the sum of a diagonal of the matrices in the last two axes of x.

    `micrograd.trace` takes any two axes, by default the first two.

    Derivative: 1 on the diagonal, 0 elsewhere.

    Args:
        x: matrices of shape (..., m, n).
        offset: which diagonal: 0 for the main one, above it from 1 up, below it from -1 down.

    Raises:
        ShapeError: if x has fewer than two axes.

    >>> trace([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]).tolist()
    [5, 13]
    """
    return ops.trace(x, offset, -2, -1)
