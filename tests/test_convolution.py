"""Convolution and pooling: against loops and PyTorch, and what they refuse."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Tensor, Value
from micrograd.ops.convolution import col2im, conv2d, im2col
from micrograd.ops.pooling import avg_pool2d, max_pool2d
from micrograd.testing import assert_gradients

Pair = tuple[int, int]


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def different(*shape: int) -> Any:
    """Return elements of which none are equal, nor closer than the steps of differences."""
    size = int(np.prod(shape))
    return np.random.default_rng(size).permutation(size).reshape(shape) / 5 - 1


def padded(x: Any, padding: Pair, fill: float = 0) -> Any:
    sides = [(0, 0), (0, 0), *((n, n) for n in padding)]
    return np.pad(x, sides, constant_values=fill)


def windows(x: Any, size: Pair, stride: Pair) -> tuple[Pair, Any]:
    """Return how many windows there are, and each with its place."""
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[2:], size, stride, strict=True))
    places = itertools.product(range(rows), range(columns))
    return (rows, columns), [
        (i, k, x[:, :, i * stride[0] :, k * stride[1] :][:, :, : size[0], : size[1]])
        for i, k in places
    ]


def naive_conv2d(x: Any, w: Any, b: Any, stride: Pair, padding: Pair) -> Any:
    counts, parts = windows(padded(x, padding), w.shape[2:], stride)
    y = np.zeros((len(x), len(w), *counts), x.dtype)
    for i, k, part in parts:
        for n, f in np.ndindex(len(x), len(w)):
            y[n, f, i, k] = (part[n] * w[f]).sum() + b[f]
    return y


def naive_pool(reduce: Any, x: Any, size: Pair, stride: Pair, padding: Pair, fill: float) -> Any:
    counts, parts = windows(padded(x, padding, fill), size, stride)
    y = np.zeros((*x.shape[:2], *counts), x.dtype)
    for i, k, part in parts:
        y[:, :, i, k] = reduce(part, axis=(2, 3))
    return y


LAYOUTS: list[tuple[Pair, Pair, Pair, Pair]] = [
    ((4, 5), (2, 2), (1, 1), (0, 0)),
    ((4, 5), (3, 2), (1, 2), (1, 0)),
    ((5, 4), (2, 3), (2, 3), (1, 2)),
    ((3, 3), (3, 3), (1, 1), (0, 0)),
    ((3, 3), (1, 1), (2, 2), (0, 0)),
    ((2, 3), (2, 2), (3, 1), (1, 1)),
    ((1, 1), (2, 2), (1, 1), (1, 1)),
]
"""Sides of an image, size of a window, stride and padding."""

layouts = pytest.mark.parametrize(("sides", "size", "stride", "padding"), LAYOUTS)


@layouts
def test_a_convolution_is_that_of_loops(
    sides: Pair, size: Pair, stride: Pair, padding: Pair
) -> None:
    x, w, b = normal(2, 3, *sides), normal(2, 3, *size), normal(2)

    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        args = [a.astype(dtype) for a in (x, w, b)]
        expected = naive_conv2d(args[0], args[1], args[2], stride, padding)
        nodes = [Tensor(a) for a in args]
        y = conv2d(*nodes, stride=stride, padding=padding)
        y.backward(np.ones(y.shape, dtype))
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y.data, expected, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(conv2d(*args, stride=stride, padding=padding), y.data)
        assert [node.grad.dtype for node in nodes] == [np.dtype(dtype)] * 3


@layouts
def test_the_derivatives_of_a_convolution_are_the_numerical_ones(
    sides: Pair, size: Pair, stride: Pair, padding: Pair
) -> None:
    x, w, b = normal(1, 2, *sides), normal(2, 2, *size), normal(2)

    assert_gradients(
        lambda x, w, b: conv2d(x, w, b, stride, padding), x, w, b, order=2, elements=10
    )


@layouts
def test_a_pooling_is_that_of_loops(sides: Pair, size: Pair, stride: Pair, padding: Pair) -> None:
    padding = (min(padding[0], size[0] - 1), min(padding[1], size[1] - 1))
    x = different(2, 2, *sides)

    largest, mean = max_pool2d(x, size, stride, padding), avg_pool2d(x, size, stride, padding)

    np.testing.assert_array_equal(largest, naive_pool(np.max, x, size, stride, padding, -np.inf))
    np.testing.assert_allclose(
        mean, naive_pool(np.mean, x, size, stride, padding, 0), rtol=1e-14, atol=1e-15
    )
    assert_gradients(lambda x: max_pool2d(x, size, stride, padding), x, order=2, elements=10)
    assert_gradients(lambda x: avg_pool2d(x, size, stride, padding), x, order=2, elements=10)


@layouts
def test_convolution_and_pooling_agree_with_pytorch(
    sides: Pair, size: Pair, stride: Pair, padding: Pair
) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    half = (min(padding[0], size[0] // 2), min(padding[1], size[1] // 2))
    cases: list[tuple[Callable[..., Any], Callable[..., Any], list[Any]]] = [
        (
            lambda x, w, b: conv2d(x, w, b, stride, padding),
            lambda x, w, b: functional.conv2d(x, w, b, stride, padding),
            [normal(2, 3, *sides), normal(2, 3, *size), normal(2)],
        ),
        (
            lambda x: max_pool2d(x, size, stride, half),
            lambda x: functional.max_pool2d(x, size, stride, half),
            [different(2, 2, *sides)],
        ),
        (
            lambda x: avg_pool2d(x, size, stride, half),
            lambda x: functional.avg_pool2d(x, size, stride, half),
            [different(2, 2, *sides)],
        ),
    ]
    for ours, theirs, args in cases:
        if any(n + 2 * p < k for n, k, p in zip(sides, size, half, strict=True)):
            continue
        nodes = [Tensor(a) for a in args]
        leaves = [torch.tensor(a, requires_grad=True) for a in args]
        y, z = ours(*nodes), theirs(*leaves)
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-12, atol=1e-12)
        cotangent = np.cos(np.arange(y.size)).reshape(y.shape)
        y.backward(cotangent)
        z.backward(torch.tensor(cotangent))
        for node, leaf in zip(nodes, leaves, strict=True):
            np.testing.assert_allclose(node.grad, leaf.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_the_books_matrix_of_windows_has_a_row_for_each_window() -> None:
    x = normal(2, 3, 4, 5)

    col = im2col(x, 3, 2, stride=1, pad=1)

    assert col.shape == (2 * 4 * 6, 3 * 3 * 2)
    _, parts = windows(padded(x, (1, 1)), (3, 2), (1, 1))
    for n in range(2):
        for i, k, part in parts:
            np.testing.assert_array_equal(col[(n * 4 + i) * 6 + k], part[n].reshape(-1))


def test_the_books_chapter_7_gives_these_shapes() -> None:
    assert im2col(np.zeros((1, 3, 7, 7)), 5, 5, stride=1, pad=0).shape == (9, 75)
    assert im2col(np.zeros((10, 3, 7, 7)), 5, 5, stride=1, pad=0).shape == (90, 75)


@layouts
def test_putting_the_windows_back_is_the_transpose_of_taking_them(
    sides: Pair, size: Pair, stride: Pair, padding: Pair
) -> None:
    x = normal(2, 3, *sides)
    col = im2col(x, *size, stride, padding)
    other = normal(*col.shape)

    back = col2im(other, x.shape, *size, stride, padding)

    assert back.shape == x.shape
    np.testing.assert_allclose((col * other).sum(), (x * back).sum(), rtol=1e-10)
    assert_gradients(lambda x: im2col(x, *size, stride, padding) ** 2, x, order=2, elements=5)
    assert_gradients(
        lambda c: col2im(c, x.shape, *size, stride, padding) ** 2, other, order=2, elements=5
    )


def test_windows_that_do_not_overlap_are_put_back_as_they_were() -> None:
    x = normal(2, 2, 4, 6)

    np.testing.assert_array_equal(col2im(im2col(x, 2, 3, (2, 3)), x.shape, 2, 3, (2, 3)), x)


def test_the_books_convolution_by_a_matrix_product_is_conv2d() -> None:
    x, w, b = normal(2, 3, 5, 5), normal(4, 3, 3, 3), normal(4)

    rows = im2col(x, 3, 3, 2, 1) @ w.reshape(4, -1).T + b

    np.testing.assert_allclose(
        rows.reshape(2, 3, 3, 4).transpose(0, 3, 1, 2), conv2d(x, w, b, 2, 1), rtol=1e-12
    )


def test_elements_that_tie_for_the_largest_share_the_gradient() -> None:
    x = Tensor(np.array([[[[3.0, 3.0, 1.0], [0.0, 3.0, 3.0]]]]))

    max_pool2d(x, 2, stride=1).backward([[[[3.0, 6.0]]]])

    np.testing.assert_array_equal(x.grad, [[[[1, 1 + 2, 0], [0, 1 + 2, 2]]]])


def test_padding_is_never_the_largest() -> None:
    x = -np.ones((1, 1, 2, 2))

    assert (max_pool2d(x, 2, 1, 1) == -1).all()
    assert (max_pool2d(x.astype(int), 2, 1, 1) == -1).all()
    assert max_pool2d(x.astype(int), 2, 1, 1).dtype.kind == "i"
    assert not max_pool2d(x > 0, 2, 1, 1).any()
    assert max_pool2d(x < 0, 2, 1, 1).all()


def test_the_stride_of_a_pooling_is_the_kernel_size_when_left_out() -> None:
    x = different(1, 1, 4, 6)

    np.testing.assert_array_equal(max_pool2d(x, (2, 3)), max_pool2d(x, (2, 3), (2, 3)))
    np.testing.assert_array_equal(avg_pool2d(x, 2), avg_pool2d(x, (2, 2), 2))


def test_no_images_give_no_results() -> None:
    x, w = Tensor(np.ones((0, 2, 3, 3))), Tensor(np.ones((4, 2, 2, 2)))

    y = conv2d(x, w)
    y.backward(np.ones(y.shape))

    assert y.shape == (0, 4, 2, 2)
    assert not w.grad.any()
    assert max_pool2d(x, 2).shape == (0, 2, 1, 1)
    assert im2col(x, 2, 2).shape == (0, 8)
    assert col2im(np.ones((0, 8)), (0, 2, 3, 3), 2, 2).shape == (0, 2, 3, 3)


def test_only_what_requires_a_gradient_gets_one() -> None:
    x, w = normal(1, 2, 3, 3), Tensor(normal(2, 2, 2, 2))

    y = conv2d(x, w, [1, 2])
    y.backward(np.ones(y.shape))

    assert w.grad.shape == w.shape


x4, w4 = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: conv2d(np.ones((2, 4, 4)), w4),
            micrograd.ShapeError,
            r"^conv2d: x has shape \(2, 4, 4\), .*images \(N, C, H, W\).*x\[None\]",
        ),
        (
            lambda: conv2d(x4, np.ones((3, 3))),
            micrograd.ShapeError,
            r"^conv2d: w has shape \(3, 3\), .*filters \(F, C, FH, FW\)",
        ),
        (
            lambda: conv2d(x4, np.ones((3, 1, 3, 3))),
            micrograd.ShapeError,
            r"^conv2d: x .* has 2 channels, but w .* for 1",
        ),
        (
            lambda: conv2d(x4, w4, np.ones((1, 3))),
            micrograd.ShapeError,
            r"^conv2d: b of shape \(1, 3\) .* shape \(3,\)",
        ),
        (
            lambda: conv2d(x4, np.ones((3, 2, 5, 3))),
            micrograd.ShapeError,
            r"^conv2d: a window of 5 by 3 does not fit into images of 4 by 4",
        ),
        (lambda: conv2d(x4, w4, stride=0), micrograd.ArgumentError, r"stride .* at least 1"),
        (lambda: conv2d(x4, w4, padding=-1), micrograd.ArgumentError, r"padding .* at least 0"),
        (
            lambda: conv2d(x4, w4, stride=1.5),  # type: ignore[arg-type] # pyright: ignore
            micrograd.OperandError,
            r"^conv2d: stride has to be an integer, or a pair .* came 1.5",
        ),
        (
            lambda: conv2d(x4, w4, padding=(1, 1, 1)),  # type: ignore[arg-type] # pyright: ignore
            micrograd.OperandError,
            r"padding has to be an integer, or a pair",
        ),
        (lambda: im2col(x4, 0, 2), micrograd.ArgumentError, r"^im2col: the size of a window"),
        (lambda: im2col(x4, 2, 2, pad=-1), micrograd.ArgumentError, r"^im2col: pad has"),
        (lambda: im2col(x4, 2, 5), micrograd.ShapeError, r"^im2col: a window of 2 by 5"),
        (lambda: im2col(x4[0], 2, 2), micrograd.ShapeError, r"^im2col: x has shape"),
        (
            lambda: col2im(np.ones((9, 4)), x4.shape, 2, 2),
            micrograd.ShapeError,
            r"^col2im: col of shape \(9, 4\) .* 3 by 3 windows, .* shape \(9, 8\)",
        ),
        (
            lambda: col2im(np.ones((9, 4)), (4, 4), 2, 2),
            micrograd.ShapeError,
            r"^col2im: input_shape has shape \(4, 4\), but expected four axes",
        ),
        (lambda: max_pool2d(x4, 5), micrograd.ShapeError, r"^max_pool2d: a window of 5 by 5"),
        (
            lambda: max_pool2d(x4, 2, padding=2),
            micrograd.ArgumentError,
            r"^max_pool2d: padding=2 .* less than the kernel size",
        ),
        (
            lambda: avg_pool2d(x4, (2, 3), padding=(2, 0)),
            micrograd.ArgumentError,
            r"^avg_pool2d: padding=\(2, 0\)",
        ),
        (lambda: avg_pool2d(x4, 0), micrograd.ArgumentError, r"^avg_pool2d: kernel_size .* 1"),
        (lambda: avg_pool2d(x4[0], 2), micrograd.ShapeError, r"^avg_pool2d: x has shape"),
        (
            lambda: max_pool2d(Value(1.0), 2),  # type: ignore[type-var] # pyright: ignore
            micrograd.OperandError,
            r"^max_pool2d: takes arrays.*Use Tensors",
        ),
        (lambda: conv2d(x4, w4, Value(1.0)), micrograd.OperandError, r"^conv2d: takes arrays"),
    ],
)
def test_a_wrong_argument_is_explained(
    call: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"(?s){message}"):
        call()
