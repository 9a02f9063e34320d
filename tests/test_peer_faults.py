"""Where engines of the field are silently wrong, or refuse: here it is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor
from micrograd.testing import assert_gradients

RNG = np.random.default_rng(0)


def test_a_matrix_product_of_stacks_of_matrices() -> None:
    """DeZero transposes all the axes of a stack."""
    assert_gradients(mg.matmul, RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 5)), order=2)
    assert_gradients(mg.matmul, RNG.normal(size=(2, 1, 3, 4)), RNG.normal(size=(5, 4, 2)))


@pytest.mark.parametrize("zeros", [1, 2, 3])
def test_a_product_with_zeros(zeros: int) -> None:
    """HIPS/autograd divides by the elements: nan where one is zero."""
    x = Tensor([2.0, 3.0, 4.0, 5.0])
    x.data[:zeros] = 0
    mg.prod(x).backward()

    others = [np.prod(np.delete(x.data, i)) for i in range(4)]
    np.testing.assert_array_equal(x.grad, others)
    assert_gradients(mg.prod, x.data, order=2)
    assert_gradients(mg.cumprod, x.data, order=2)


def test_a_tie_of_max_is_shared_and_not_counted_twice() -> None:
    """DeZero gives every maximum the whole gradient."""
    x = Tensor([1.0, 1.0])
    mg.max(x).backward()

    assert x.grad.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_python_float_beside_a_small_dtype_leaves_it(dtype: Any) -> None:
    """MyGrad makes float64 of it."""
    x = Tensor(np.ones(3, dtype))
    y = (2.5 * x + 1.0) / 3.0 - x**2.0
    y.sum().backward()

    assert (y.dtype, x.grad.dtype) == (dtype, dtype)


def test_an_array_on_the_left_makes_one_tensor_and_not_an_array_of_them() -> None:
    x = Tensor([1.0, 2.0])
    y = np.array([[3.0], [4.0]]) * x
    y.sum().backward()

    assert isinstance(y, Tensor)
    assert y.shape == (2, 2)
    assert x.grad.tolist() == [7, 7]


def test_a_function_of_numpy_records() -> None:
    """DeZero's np.sin of a variable gives an array of objects, or an error."""
    x = Tensor([0.0, 1.0])
    np.sum(np.sin(x)).backward()

    np.testing.assert_allclose(x.grad, np.cos([0.0, 1.0]))


def test_views_that_share_memory_do_not_share_gradients() -> None:
    x = Tensor(np.arange(6.0))
    a, b = x[:4], x[2:]
    (a * 2).sum().backward()
    first = x.grad.copy()
    (b * 3).sum().backward()

    assert first.tolist() == [2, 2, 2, 2, 0, 0]
    assert x.grad.tolist() == [2, 2, 5, 5, 3, 3]
    with pytest.raises(ValueError, match="read-only"):
        a.grad[:] = 100
    assert x.grad.tolist() == [2, 2, 5, 5, 3, 3]


def test_a_branch_that_where_did_not_take_leaks_nothing() -> None:
    """MyGrad, autograd, tinygrad, PyTorch and JAX give nan."""
    x = Tensor([0.0, 4.0])
    with np.errstate(all="ignore"):
        mg.where(x > 0, mg.sqrt(mg.log(x + 1) / x), 0.0).sum().backward()

    assert x.grad[0] == 0
    assert np.isfinite(x.grad).all()
