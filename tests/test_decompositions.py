"""Inverses, determinants and decompositions: closed forms, compositions, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, OperandError, ShapeError, Tensor, Value, where
from micrograd.core.op import registry
from micrograd.errors import GradientError
from micrograd.ops import decompositions, determinants, inverses, spectra
from micrograd.testing import assert_gradients
from micrograd.testing.samples import Array
from tests.domains.decompositions import (
    definite,
    invertible,
    numpy_cofactors,
    symmetric,
)

EVERY = {
    **{
        name: getattr(module, name)
        for module in (inverses, determinants, decompositions, spectra)
        for name in module.__all__
    },
    "solve": lambda a: inverses.solve(a, np.ones(2)),
    "matrix_power": lambda a: inverses.matrix_power(a, 2),
}
SQUARE = ["inv", "det", "slogdet", "solve", "matrix_power", "cholesky", "eigh", "eigvalsh"]


def square(n: int = 3, *batch: int, seed: int = 0) -> Array:
    return invertible(np.random.default_rng(seed), (*batch, n, n))


def gradient(f: Callable[[Any], Any], x: Any, g: Any = None) -> Any:
    leaf = Tensor(x)
    f(leaf).backward(g)
    return leaf.grad


# Closed forms


def test_the_gradient_of_the_inverse() -> None:
    a = square()
    y, g = np.linalg.inv(a), square(seed=1)

    np.testing.assert_allclose(gradient(inverses.inv, a, g), -y.T @ g @ y.T, rtol=1e-13)


def test_the_gradients_of_the_determinant_and_its_logarithm() -> None:
    a = square(4, 2)
    y = np.linalg.inv(a).swapaxes(-1, -2)
    d = np.linalg.det(a)[:, None, None]

    np.testing.assert_allclose(gradient(determinants.det, a, np.ones(2)), d * y, rtol=1e-12)
    slope = gradient(lambda a: determinants.slogdet(a).logabsdet, a, np.ones(2))
    np.testing.assert_allclose(slope, y, rtol=1e-12)


def test_the_logarithm_of_the_determinant_by_four_ways_has_one_gradient() -> None:
    a = definite(np.random.default_rng(0), (3, 3))
    a = a @ a.T
    ways: list[Callable[[Any], Any]] = [
        lambda a: determinants.slogdet(a)[1],
        lambda a: np.log(determinants.det(a)),
        lambda a: np.log(spectra.eigvalsh(a)).sum(),
        lambda a: np.log(spectra.svdvals(a)).sum(),
        lambda a: 2 * np.log((decompositions.cholesky(a) * np.eye(3)).sum(axis=-1)).sum(),
        lambda a: np.log(abs((decompositions.qr(a).R * np.eye(3)).sum(axis=-1))).sum(),
    ]

    for way in ways:
        np.testing.assert_allclose(gradient(way, a), np.linalg.inv(a), rtol=1e-11)


def test_the_sign_of_the_determinant_is_a_constant() -> None:
    a = np.array([square(), -square()])
    sign, logabsdet = determinants.slogdet(Tensor(a))

    assert isinstance(sign, Tensor)
    assert not sign.requires_grad
    np.testing.assert_array_equal(sign.data, np.linalg.slogdet(a)[0])
    np.testing.assert_allclose(logabsdet.data, np.linalg.slogdet(a)[1])
    assert isinstance(determinants.slogdet(a).sign, np.ndarray)


# Singular matrices


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_the_slope_of_the_determinant_is_the_cofactors_for_every_rank(n: int, lost: int) -> None:
    u, s, vh = np.linalg.svd(square(n, seed=n))
    s[n - min(lost, n) :] = 0
    a = u * s @ vh

    np.testing.assert_allclose(gradient(determinants.det, a), numpy_cofactors(a), atol=1e-12)
    b, h = square(n, seed=7), 1e-2
    at = [numpy_cofactors(a + k * h * b) for k in (-2, -1, 1, 2)]  # exact up to the degree 4
    slope = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
    result = registry["cofactors_slope"](b, a)
    np.testing.assert_allclose(result, slope, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_determinant_of_a_singular_matrix_has_both_derivatives(seed: int) -> None:
    a = np.random.default_rng(seed).normal(size=(3, 3))
    a[:, 2] = a[:, 0] - 2 * a[:, 1]

    assert_gradients(determinants.det, a, order=2)
    assert_gradients(lambda a: determinants.det(a) + a.sum(), np.outer(a[0], a[1]), order=2)


def test_the_third_derivative_of_the_determinant() -> None:
    assert_gradients(determinants.det, square(3), order=3)
    assert_gradients(determinants.det, square(4), order=3)


def test_repeated_eigenvalues_have_a_derivative_and_their_eigenvectors_none() -> None:
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.normal(size=(3, 3))).Q
    a = symmetric(q * [1.0, 1.0, 2.0] @ q.T)  # repeated but for rounding

    slope = gradient(lambda a: (spectra.eigvalsh(a) ** 2).sum(), a)
    np.testing.assert_allclose(slope, 2 * a, atol=1e-12)
    single = gradient(lambda a: (spectra.eigh(a).eigenvectors[:, 2] ** 3).sum(), a)
    assert np.isfinite(single).all()
    with pytest.raises(GradientError, match=r"eigh: an eigenvalue is there twice, so that"):
        gradient(lambda a: (spectra.eigh(a).eigenvectors[:, 0] ** 3).sum(), a)


def test_the_second_derivative_of_repeated_eigenvalues_is_refused() -> None:
    leaf = Tensor(np.eye(2))
    (spectra.eigvalsh(leaf) ** 2).sum().backward(create_graph=True)
    slope: Any = leaf.grad

    with pytest.raises(GradientError, match=r"Use the values alone"):
        (slope * np.array([[1.0, 2.0], [2.0, 3.0]])).sum().backward()


def test_singular_vectors_of_a_value_that_is_zero_or_repeated_have_no_derivative() -> None:
    for a in (np.eye(2), np.ones((2, 2)), np.ones((3, 2)), np.zeros((2, 3))):
        for i in (0, 2):
            with pytest.raises(GradientError, match=r"svd: a singular value is 0 or there twice"):
                gradient(lambda a, i=i: (spectra.svd(a)[i] ** 3).sum(), a)


def test_the_nuclear_norm_of_a_matrix_of_low_rank_has_its_smallest_subgradient() -> None:
    rng = np.random.default_rng(0)
    u, s, vh = np.linalg.svd(np.outer(rng.normal(size=4), rng.normal(size=3)))
    slope = gradient(lambda a: spectra.svdvals(a).sum(), u[:, :1] * s[0] @ vh[:1])

    np.testing.assert_allclose(slope, u[:, :1] @ vh[:1], atol=1e-13)


def test_pinv_and_qr_of_less_than_full_rank_have_no_derivative() -> None:
    a = np.ones((3, 2))

    np.testing.assert_allclose(inverses.pinv(a), np.linalg.pinv(a), rtol=1e-14)
    with pytest.raises(GradientError, match=r"pinv: a matrix of shape \(3, 2\) has a rank below 2"):
        gradient(inverses.pinv, a, np.ones((2, 3)))
    with pytest.raises(GradientError, match=r"qr: the columns of a matrix of shape \(3, 2\)"):
        gradient(lambda a: decompositions.qr(a).R, a, np.ones((2, 2)))


def test_the_logarithm_of_a_determinant_of_zero_has_no_derivative() -> None:
    y = determinants.slogdet(Tensor(np.ones((2, 2)))).logabsdet

    assert y.item() == -np.inf
    with pytest.raises(GradientError, match=r"slogdet: a matrix of shape \(2, 2\) is singular"):
        y.backward()


def test_a_singular_matrix_that_where_left_out_does_not_matter() -> None:
    a = np.stack([2 * np.eye(2), np.ones((2, 2))])

    def masked(a: Any) -> Any:
        sign, logabsdet = determinants.slogdet(a)
        return where(sign.data, logabsdet, 0).sum()

    np.testing.assert_allclose(gradient(masked, a), [np.eye(2) / 2, np.zeros((2, 2))])


# Compositions


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 6, np.int64(4)])
def test_matrix_power(n: int) -> None:
    a = square(3, 2)

    expected = np.linalg.matrix_power(a, int(n))
    np.testing.assert_allclose(inverses.matrix_power(a, n), expected, rtol=1e-11)
    assert isinstance(inverses.matrix_power(Tensor(a), n), Tensor)
    assert_gradients(lambda a: inverses.matrix_power(a, n), a, order=2)
    narrow = inverses.matrix_power(Tensor(a.astype("float32")), n)
    assert narrow.dtype == np.float32
    whole = inverses.matrix_power([[1, 2], [3, 4]], abs(int(n)))
    np.testing.assert_array_equal(whole, np.linalg.matrix_power([[1, 2], [3, 4]], abs(int(n))))
    assert whole.dtype.kind == "i"


@pytest.mark.parametrize("shape", [(2, 3), (2, 4), (3, 2, 3), (1, 2)])
def test_qr_of_wide_matrices(shape: tuple[int, ...]) -> None:
    a = invertible(np.random.default_rng(0), shape)

    for part, expected in zip(decompositions.qr(a), np.linalg.qr(a), strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-13)
    assert_gradients(decompositions.qr, a, order=2)


def test_several_results_come_with_the_names_that_numpy_gives_them() -> None:
    a = symmetric(square())
    for name in ("eigh", "qr", "slogdet"):
        ours, theirs = EVERY[name](a), getattr(np.linalg, name)(a)
        for part in theirs._fields:
            np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), atol=1e-13)
    assert spectra.svd(a)._fields == ("U", "S", "Vh")


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 2, 4)])
def test_the_parts_of_a_decomposition_make_the_matrix_with_derivative_one(shape: Any) -> None:
    a, g = (invertible(np.random.default_rng(i), shape) for i in range(2))

    def by_svd(a: Any) -> Any:
        u, s, vh = spectra.svd(a)
        return u * s[..., None, :] @ vh

    def by_qr(a: Any) -> Any:
        q, r = decompositions.qr(a)
        return q @ r

    for way in (by_svd, by_qr):
        np.testing.assert_allclose(way(a), a, atol=1e-13)
        np.testing.assert_allclose(gradient(way, a, g), g, atol=1e-12)
    values = spectra.svdvals(a)
    np.testing.assert_allclose(values, np.linalg.svd(a, compute_uv=False), rtol=1e-12)


def test_the_factor_of_cholesky_and_the_eigenvectors_make_the_matrix() -> None:
    a = definite(np.random.default_rng(0), (2, 3, 3))
    a, g = symmetric(a), symmetric(square(3, 2))

    def by_cholesky(a: Any) -> Any:
        return decompositions.cholesky(a) @ decompositions.cholesky(a, upper=True)

    def by_eigh(a: Any) -> Any:
        w, v = spectra.eigh(a)
        return v * w[..., None, :] @ v.swapaxes(-1, -2)

    for way in (by_cholesky, by_eigh):
        np.testing.assert_allclose(way(a), a, atol=1e-13)
        np.testing.assert_allclose(gradient(way, a, g), g, atol=1e-12)


def test_eigenvalues_of_a_list() -> None:
    np.testing.assert_allclose(spectra.eigvalsh([[2, 1], [1, 2]]), [1, 3])


def test_solve_takes_a_vector_only_where_b_has_one_axis() -> None:
    a, b = square(2, 2), np.array([1.0, 2.0])

    np.testing.assert_allclose(
        inverses.solve(a, b), np.linalg.solve(a, np.stack([b, b])[..., None])[..., 0]
    )
    np.testing.assert_allclose(inverses.solve(a, square(2)), np.linalg.inv(a) @ square(2))
    assert_gradients(inverses.solve, a, b, order=2)


# What is refused


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_matrices_that_are_not_square(name: str, kind: Any) -> None:
    with pytest.raises(ShapeError, match=r"expected square matrices.*came .* shape \(2, 3\)"):
        EVERY[name](kind(np.ones((2, 3))))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_a_vector_is_no_matrix(name: str, kind: Any) -> None:
    with pytest.raises(ShapeError, match=r"expected .*came an array of shape \(2,\)"):
        EVERY[name](kind(np.ones(2)))


@pytest.mark.parametrize("name", [name for name in EVERY if name != "solve"])
def test_a_value_is_no_matrix(name: str) -> None:
    with pytest.raises(OperandError, match=r"takes arrays, but came a Value.* Use Tensors"):
        EVERY[name](Value(2.0))


@pytest.mark.parametrize("name", ["inv", "solve"])
def test_a_singular_matrix_has_no_inverse(name: str) -> None:
    for kind in (np.asarray, Tensor):
        with pytest.raises(ArgumentError, match=rf"{name}: the matrix of shape \(2, 2\) is sing"):
            EVERY[name](kind(np.ones((2, 2))))
        with pytest.raises(ArgumentError, match=rf"{name}: one of the matrices of shape \(2, 2\)"):
            EVERY[name](kind(np.ones((5, 2, 2))))


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh"])
def test_a_matrix_that_is_not_symmetric(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"an element differs by 3 from the one across"):
        EVERY[name](Tensor([[5.0, 1.0], [-2.0, 5.0]]))


def test_a_matrix_that_is_symmetric_but_for_rounding_is_taken() -> None:
    a = np.array([[2.0, 1.0], [1.0 + 1e-12, 2.0]])

    np.testing.assert_allclose(spectra.eigvalsh(a), [1, 3])


def test_a_matrix_that_is_not_positive_definite() -> None:
    with pytest.raises(ArgumentError, match=r"cholesky: expected positive definite"):
        decompositions.cholesky(Tensor([[1.0, 2.0], [2.0, 1.0]]))


@pytest.mark.parametrize("name", ["eigh", "svd"])
def test_nan_among_the_elements(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"{name}: did not converge. Look for nan"):
        EVERY[name](Tensor(np.full((3, 3), np.nan)))


def test_vectors_that_the_matrix_does_not_determine() -> None:
    with pytest.raises(ArgumentError, match=r"svd: full_matrices=True asks"):
        spectra.svd(np.ones((2, 3)), full_matrices=True)


@pytest.mark.parametrize("shape", [(), (3,), (3, 1), (4, 3, 1)])
def test_a_right_side_of_a_wrong_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"solve: a of shape \(2, 2\) needs b of shape \(2,\)"):
        inverses.solve(Tensor(square(2)), np.ones(shape))


def test_batches_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"solve: cannot take a of shape .* Expected leading axes"):
        inverses.solve(Tensor(square(2, 2)), np.ones((3, 2, 1)))


@pytest.mark.parametrize("n", [0.5, 2.0, True, "2"])
def test_a_power_that_is_not_an_integer(n: Any) -> None:
    with pytest.raises(OperandError, match="matrix_power: n has to be an integer"):
        inverses.matrix_power(square(2), n)


def test_half_precision_is_not_in_lapack() -> None:
    with pytest.raises(OperandError, match="inv: cannot take a of shape"):
        inverses.inv(Tensor(square(2).astype("float16")))
