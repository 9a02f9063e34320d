"""The book's layers against the formulas that the book derives by hand."""

from typing import Any

import numpy as np
import pytest

from micrograd.layers import (
    AddLayer,
    Affine,
    MulLayer,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    TwoLayerNet,
)


def test_buying_apples_and_oranges() -> None:
    mul_apple, mul_orange, add, mul_tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
    apple = mul_apple.forward(100, 2)
    orange = mul_orange.forward(150, 3)
    price = mul_tax.forward(add.forward(apple, orange), 1.1)
    dall, dtax = mul_tax.backward(1)
    dapple_price, dorange_price = add.backward(dall)
    dorange, doranges = mul_orange.backward(dorange_price)
    dapple, dapples = mul_apple.backward(dapple_price)
    assert price == pytest.approx(715)
    assert [dapples, dapple, dorange, doranges, dtax] == pytest.approx([110, 2.2, 3.3, 165, 650])


def test_relu_and_sigmoid_on_arrays() -> None:
    rng = np.random.default_rng(1)
    x, dout = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    relu, sigmoid = Relu(), Sigmoid()
    np.testing.assert_array_equal(relu.forward(x), np.maximum(x, 0))
    np.testing.assert_array_equal(relu.backward(dout), dout * (x > 0))
    y = sigmoid.forward(x)
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-x)), rtol=1e-14)
    np.testing.assert_allclose(sigmoid.backward(dout), dout * y * (1 - y), rtol=1e-14)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (5, 2, 3), (5, 4, 6)])
def test_affine_of_a_sample_a_batch_and_more_axes(shape: Any) -> None:
    rng = np.random.default_rng(2)
    W, b, x = rng.standard_normal((6, 3)), rng.standard_normal(3), rng.standard_normal(shape)
    layer = Affine(W, b)
    out = layer.forward(x)
    rows = x.reshape(-1, 6)
    np.testing.assert_allclose(out.reshape(-1, 3), rows @ W + b, rtol=1e-13)
    dout = rng.standard_normal(out.shape)
    dx = layer.backward(dout)
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx.reshape(-1, 6), dout.reshape(-1, 3) @ W.T, rtol=1e-13)
    assert layer.dW is not None
    assert layer.db is not None
    np.testing.assert_allclose(layer.dW, rows.T @ dout.reshape(-1, 3), rtol=1e-12)
    np.testing.assert_allclose(layer.db, dout.reshape(-1, 3).sum(axis=0), rtol=1e-12)


def test_affine_sees_weights_that_were_updated_in_place() -> None:
    W, b = np.ones((2, 1)), np.zeros(1)
    layer = Affine(W, b)
    W[:] -= 0.5
    assert layer.forward(np.ones((1, 2))).tolist() == [[1.0]]
    W[:] *= 100  # after forward: backward belongs to the weights that forward saw
    assert layer.backward(np.ones((1, 1))).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("one_hot", [False, True])
def test_softmax_with_loss_gives_y_minus_t(one_hot: Any) -> None:
    rng = np.random.default_rng(3)
    x, labels = rng.standard_normal((4, 3)), np.array([2, 0, 1, 1])
    t = np.eye(3, dtype=int)[labels]
    layer = SoftmaxWithLoss()
    loss = layer.forward(x, t if one_hot else labels)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(y[np.arange(4), labels]).mean())
    np.testing.assert_allclose(layer.y, y, rtol=1e-13)
    np.testing.assert_allclose(layer.backward(), (y - t) / 4, rtol=1e-12)


def test_softmax_with_loss_of_one_sample_and_of_huge_scores() -> None:
    layer = SoftmaxWithLoss()
    assert layer.forward(np.array([1000.0, -1000.0]), np.array(1)) == 2000.0
    assert layer.backward().tolist() == [1.0, -1.0]


def test_the_gradient_check_of_the_two_layer_network() -> None:
    rng = np.random.default_rng(4)
    network = TwoLayerNet(12, 5, 10, weight_init_std=0.5, rng=rng)
    x, t = rng.random((3, 12)), np.array([1, 0, 9])
    backpropagated, numerical = network.gradient(x, t), network.numerical_gradient(x, t)
    assert list(backpropagated) == ["W1", "b1", "W2", "b2"]
    for name, gradient in backpropagated.items():
        assert gradient.shape == network.params[name].shape
        assert np.abs(gradient).max() > 1e-2
        assert np.abs(gradient - numerical[name]).mean() < 1e-8


def test_the_two_layer_network_learns() -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((200, 4))
    t = (x[:, 0] > x[:, 1]).astype(int)
    network = TwoLayerNet(4, 8, 2, weight_init_std=0.1, rng=rng)
    before = network.loss(x, t)
    for _ in range(300):
        for name, gradient in network.gradient(x, np.eye(2)[t]).items():
            network.params[name] -= 0.5 * gradient
    assert network.loss(x, t) < before / 4
    assert network.accuracy(x, t) > 0.95
    assert network.accuracy(x, t) == network.accuracy(x, np.eye(2)[t])
