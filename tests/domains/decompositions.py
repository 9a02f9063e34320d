"""The domains of the operations of this family: decompositions.

The elements make the matrices well-conditioned, with eigenvalues and singular
values that are well apart, so that the vectors keep their signs nearby.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.core.op import registry
from micrograd.ops import (
    decompositions,
    determinants,
    inverses,
)
from micrograd.testing import Sample
from micrograd.testing.samples import Array
from tests.domains.building import (
    Draw,
    Elements,
    Entry,
    Function,
    Shape,
    Singular,
    anywhere,
    generator,
)

# Elements


def symmetric(a: Any) -> Any:
    return (a + a.swapaxes(-1, -2)) / 2


def invertible(rng: np.random.Generator, shape: Shape) -> Array:
    """Return matrices of full rank, whose columns are near to those of diag(1.5, 2.5, ...)."""
    diagonal = np.eye(shape[-2], shape[-1]) * (1.5 + np.arange(shape[-1]))
    signs = rng.choice([-1.0, 1.0], (*shape[:-2], 1, shape[-1]))
    return (diagonal + rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 0.35, shape)) * signs


def definite(rng: np.random.Generator, shape: Shape) -> Array:
    return invertible(rng, shape) + np.eye(shape[-1]) * 4


# Families


def batch(draw: Draw, smallest: int) -> Shape:
    return draw(st.sampled_from([(), (2,), (2, 1)] + [(0,)] * (smallest == 0)))


def side(draw: Draw, smallest: int) -> int:
    return draw(st.sampled_from([3, 2, 1] + [0] * (smallest == 0)))


def of_squares(
    function: Function, reference: Function, elements: Elements = invertible, number: int = 1
) -> Entry:
    """Return the entry of a function of square matrices, all arguments of one shape."""

    def draw(draw: Draw, smallest: int) -> Sample:
        rng, n = generator(draw), side(draw, smallest)
        shape = (*batch(draw, smallest), n, n)
        return Sample(function, reference, tuple(elements(rng, shape) for _ in range(number)))

    return Entry(draw)


def of_any(function: Function, reference: Function, tall: bool = False) -> Entry:
    """Return the entry of a function of matrices of any shape, or of tall ones."""

    def draw(draw: Draw, smallest: int) -> Sample:
        m, n = side(draw, smallest), side(draw, smallest)
        if tall:
            m, n = max(m, n), min(m, n)
        x = invertible(generator(draw), (*batch(draw, smallest), m, n))
        return Sample(function, reference, (x,))

    return Entry(draw)


def draw_solve(draw: Draw, smallest: int) -> Sample:
    rng, n = generator(draw), side(draw, smallest)
    sizes = (0, 2) if smallest == 0 else (2,)
    batches = [(a, b) for k in sizes for a in ((), (1,), (k,)) for b in ((), (1,), (k,))]
    left, right = draw(st.sampled_from(batches))
    columns = draw(st.integers(smallest, 3))
    b = (n,) if draw(st.booleans()) else (*right, n, columns)
    return Sample(
        inverses.solve,
        lambda a, b: (
            np.einsum("...ij,...jk->...ik", np.linalg.inv(a), b)
            if b.ndim > 1
            else np.linalg.inv(a) @ b
        ),
        (invertible(rng, (*left, n, n)), anywhere(rng, b)),
    )


def draw_pinv(draw: Draw, smallest: int) -> Sample:
    sample = of_any(inverses.pinv, np.linalg.pinv).draw(draw, smallest)
    rtol = draw(st.sampled_from([None, 1e-4]))
    return Sample(
        lambda a: inverses.pinv(a, rtol=rtol), sample.reference, sample.args, {"rtol": rtol}
    )


def joined(results: Any, *, axis: int) -> Array:
    return np.concatenate(results, axis=axis)


def numpy_eigh(a: Array) -> Array:
    w, v = np.linalg.eigh(symmetric(a))
    return joined([w[..., None, :], v], axis=-2)


def numpy_svd(a: Array) -> Array:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return joined([u.swapaxes(-1, -2), s[..., None], vh], axis=-1)


def numpy_cofactors(a: Array) -> Array:
    """Return the cofactors by their definition: determinants with a row and a column replaced."""
    n = a.shape[-1]
    result = np.zeros_like(a)
    for i, j in np.ndindex(n, n):
        replaced = a.copy()
        replaced[..., i, :] = 0
        replaced[..., :, j] = 0
        replaced[..., i, j] = 1
        result[..., i, j] = np.linalg.det(replaced)
    return result


def numpy_cofactors_slope(b: Array, a: Array) -> Array:
    """Return d/dt cofactors(a + t b), a polynomial of degree n - 1 in t, by interpolation."""
    a, b, dtype = a.astype(float), b.astype(float), a.dtype
    at = {t: numpy_cofactors(a + t * b) for t in (-1, 1)}
    return ((at[1] - at[-1]) / 2).astype(dtype)  # exact up to the degree 2


TABLE: dict[str, Entry] = {
    "inv": of_squares(inverses.inv, np.linalg.inv),
    "solve": Entry(draw_solve),
    "det": of_squares(determinants.det, np.linalg.det),
    "logabsdet": of_squares(
        lambda a: determinants.slogdet(a).logabsdet, lambda a: np.log(np.abs(np.linalg.det(a)))
    ),
    "cofactors": of_squares(lambda a: registry["cofactors"](a), numpy_cofactors),
    "cofactors_slope": of_squares(
        lambda b, a: registry["cofactors_slope"](b, a), numpy_cofactors_slope, number=2
    ),
    "pinv": Entry(draw_pinv),
    "cholesky": of_squares(
        lambda a: decompositions.cholesky(symmetric(a)),
        lambda a: np.linalg.cholesky(symmetric(a)),
        definite,
    ),
    "eigh": of_squares(lambda a: registry["eigh"](symmetric(a)), numpy_eigh),
    "svd": of_any(lambda a: registry["svd"](a), numpy_svd),
    "qr": of_any(
        lambda a: registry["qr"](a), lambda a: joined(np.linalg.qr(a), axis=-2), tall=True
    ),
}

IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
ONES = [[1.0, 1.0], [1.0, 1.0]]

SINGULAR: list[Singular] = [
    Singular(
        "mg.linalg.det(x)",
        {"x": ONES},
        0.0,
        {"x": [[1.0, -1.0], [-1.0, 1.0]]},
        "the cofactors, also without an inverse",
    ),
    Singular(
        "mg.linalg.det(x)",
        {"x": [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]},
        0.0,
        {"x": [[0.0] * 3] * 3},
        "the cofactors are 0 below rank n - 1",
    ),
    Singular(
        "mg.linalg.eigvalsh(x)",
        {"x": IDENTITY},
        [1.0, 1.0],
        {"x": IDENTITY},
        "each eigenvalue has the derivative of its own eigenvector",
    ),
    Singular(
        "mg.linalg.svdvals(x)",
        {"x": ONES},
        [2.0, 0.0],
        {"x": [[0.5, 0.5], [0.5, 0.5]]},
        "a singular value of 0 has derivative 0, as abs has",
    ),
    Singular(
        "mg.linalg.svdvals(x)",
        {"x": [[0.0, 0.0]] * 2},
        [0.0, 0.0],
        {"x": [[0.0, 0.0]] * 2},
        "likewise",
    ),
    Singular(
        "mg.linalg.matrix_power(x, 0)",
        {"x": [[0.0, 0.0]] * 2},
        IDENTITY,
        {"x": [[0.0, 0.0]] * 2},
        "the power 0 is constant, as x**0 is",
    ),
]


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def signs(ours: Any, theirs: Any, axis: int) -> Any:
        """Return 1 or -1 for each vector, so that PyTorch's times this is NumPy's."""
        return torch.sign((torch.tensor(np.array(ours)) * theirs.detach()).sum(axis, keepdim=True))

    def torch_eigh(a: Any) -> Any:
        w, v = torch.linalg.eigh((a + a.mT) / 2)
        ours = numpy_eigh(a.numpy(force=True))[..., 1:, :]
        return torch.cat([w[..., None, :], v * signs(ours, v, -2)], -2)

    def torch_svd(a: Any) -> Any:
        u, s, vh = torch.linalg.svd(a, full_matrices=False)
        ours = numpy_svd(a.numpy(force=True))[..., : a.shape[-2]]
        sign = signs(ours, u.mT, -1)
        return torch.cat([u.mT * sign, s[..., None], vh * sign], -1)

    def torch_qr(a: Any) -> Any:
        q, r = torch.linalg.qr(a)
        ours = np.linalg.qr(a.numpy(force=True))[0]
        sign = signs(ours, q, -2)
        return torch.cat([q * sign, r * sign.mT], -2)

    def torch_solve(a: Any, b: Any) -> Any:
        """Return the solution; PyTorch takes some b for stacks of vectors unless as long as a."""
        columns = b[:, None] if b.ndim == 1 else b
        stack = torch.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
        solution = torch.linalg.solve(a, columns.expand(*stack, *columns.shape[-2:]))
        return solution[..., 0] if b.ndim == 1 else solution

    return {
        "inv": torch.linalg.inv,
        "solve": torch_solve,
        "det": torch.linalg.det,
        "logabsdet": lambda a: torch.linalg.slogdet(a)[1],
        "cofactors": lambda a: torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT,
        "cofactors_slope": None,
        "pinv": lambda a, *, rtol: torch.linalg.pinv(a),
        "cholesky": lambda a: torch.linalg.cholesky((a + a.mT) / 2),
        "eigh": torch_eigh,
        "svd": torch_svd,
        "qr": torch_qr,
    }
