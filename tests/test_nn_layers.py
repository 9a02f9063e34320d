"""Layers against PyTorch's, against numerical derivatives, and what they refuse."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd import (
    ArgumentError,
    GradientError,
    OperandError,
    ShapeError,
    Tensor,
    Value,
    checkpoint,
    no_grad,
    topological_order,
)
from micrograd.nn import (
    ELU,
    GELU,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    init,
)
from micrograd.testing import assert_gradients


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


# A layer of ours, the name and arguments of PyTorch's, and the shape of an input.
Case = tuple[Callable[[], Module], str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]

CASES: list[Case] = [
    (lambda: Linear(4, 3), "Linear", (4, 3), {}, (5, 4)),
    (lambda: Linear(4, 3), "Linear", (4, 3), {}, (4,)),
    (lambda: Linear(4, 3, bias=False), "Linear", (4, 3, False), {}, (2, 5, 4)),
    (lambda: Conv2d(2, 3, 3), "Conv2d", (2, 3, 3), {}, (2, 2, 5, 6)),
    (
        lambda: Conv2d(2, 3, (3, 2), stride=2, padding=(1, 0), bias=False),
        "Conv2d",
        (2, 3, (3, 2)),
        {"stride": 2, "padding": (1, 0), "bias": False},
        (2, 2, 5, 6),
    ),
    (lambda: MaxPool2d(2), "MaxPool2d", (2,), {}, (2, 3, 4, 6)),
    (lambda: MaxPool2d(3, 2, 1), "MaxPool2d", (3, 2, 1), {}, (2, 3, 5, 6)),
    (lambda: AvgPool2d((2, 3), 1), "AvgPool2d", ((2, 3), 1), {}, (2, 3, 4, 6)),
    (lambda: Flatten(), "Flatten", (), {}, (2, 3, 4, 5)),
    (lambda: BatchNorm1d(4), "BatchNorm1d", (4,), {}, (5, 4)),
    (lambda: BatchNorm1d(4, 0.1, 0.3), "BatchNorm1d", (4, 0.1, 0.3), {}, (3, 4, 2)),
    (lambda: BatchNorm2d(3), "BatchNorm2d", (3,), {}, (2, 3, 4, 2)),
    (lambda: LayerNorm(4), "LayerNorm", (4,), {}, (3, 2, 4)),
    (lambda: LayerNorm((2, 4), 0.1), "LayerNorm", ((2, 4), 0.1), {}, (3, 2, 4)),
    (Identity, "Identity", (), {}, (3, 4)),
    (ReLU, "ReLU", (), {}, (3, 4)),
    (lambda: LeakyReLU(0.2), "LeakyReLU", (0.2,), {}, (3, 4)),
    (lambda: ELU(0.5), "ELU", (0.5,), {}, (3, 4)),
    (GELU, "GELU", (), {}, (3, 4)),
    (lambda: GELU("tanh"), "GELU", ("tanh",), {}, (3, 4)),
    (SiLU, "SiLU", (), {}, (3, 4)),
    (Sigmoid, "Sigmoid", (), {}, (3, 4)),
    (Tanh, "Tanh", (), {}, (3, 4)),
    (lambda: Softplus(2.0), "Softplus", (2.0,), {}, (3, 4)),
    (Softmax, "Softmax", (-1,), {}, (3, 4)),
    (lambda: Softmax(0), "Softmax", (0,), {}, (3, 4)),
    (LogSoftmax, "LogSoftmax", (-1,), {}, (3, 4)),
]


def named(case: Case) -> str:
    return f"{case[1]}{case[2]}{''.join(case[3])} on {case[4]}"


cases = pytest.mark.parametrize("case", CASES, ids=named)


def drawn(layer: Module) -> Module:
    """Return the layer with parameters of which none is 0 or 1."""
    for i, p in enumerate(layer.parameters()):
        p.data = numbers(*p.shape, seed=i + 1)
    return layer


def twin_of(torch: Any, layer: Module, case: Case) -> Any:
    """Return PyTorch's layer with the parameters of ours."""
    theirs = getattr(torch.nn, case[1])(*case[2], **case[3]).double()
    ours = dict(layer.named_parameters())
    for name, p in theirs.named_parameters():
        array = ours[name].data
        p.data = torch.tensor(array.T.copy() if case[1] == "Linear" and array.ndim > 1 else array)
    return theirs


def assert_close(ours: Any, theirs: Any) -> None:
    theirs = theirs.numpy(force=True)
    assert np.shape(ours) == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def assert_same_step(torch: Any, ours: Module, theirs: Any, x: Any) -> None:
    """Assert that outputs, gradients of x and of all parameters, and statistics agree."""
    a, b = Tensor(x), torch.tensor(x, requires_grad=True)
    ours.zero_grad()
    theirs.zero_grad()
    y, z = ours(a), theirs(b)
    assert_close(y.data, z)
    cotangent = np.cos(np.arange(y.size)).reshape(y.shape)
    (y * cotangent).sum().backward()
    (z * torch.tensor(cotangent)).sum().backward()
    assert_close(a.grad, b.grad)
    parameters = dict(ours.named_parameters())
    assert len(parameters) == len(list(theirs.parameters()))
    for name, p in theirs.named_parameters():
        linear = isinstance(ours, Linear) and p.ndim > 1
        assert_close(parameters[name].grad, p.grad.T if linear else p.grad)
    buffers = dict(theirs.named_buffers())
    for name, buffer in ours.named_buffers():
        assert_close(buffer.data, buffers[name])


@cases
def test_a_layer_agrees_with_pytorch_in_training_and_after_it(torch: Any, case: Case) -> None:
    ours = drawn(case[0]())
    theirs = twin_of(torch, ours, case)
    for step in range(4):
        assert_same_step(torch, ours, theirs, 2 * numbers(*case[4], seed=step) + step)
    ours.eval()
    theirs.eval()
    assert_same_step(torch, ours, theirs, numbers(*case[4], seed=9))
    ours.train()
    theirs.train()
    assert_same_step(torch, ours, theirs, numbers(*case[4], seed=10))


@cases
@pytest.mark.parametrize("training", [True, False])
def test_the_gradients_of_a_layer_are_right_twice(case: Case, training: bool) -> None:
    layer = drawn(case[0]()).train(training)
    names = [name for name, _ in layer.named_parameters()]

    def f(x: Any, *parameters: Any) -> Any:
        for name, p in zip(names, parameters, strict=True):
            setattr(layer, name, p)
        return layer(x)

    arrays = [p.data for p in layer.parameters()]
    assert_gradients(f, numbers(*case[4], seed=3), *arrays, order=2, elements=6, kinks="skip")


@cases
@pytest.mark.parametrize("training", [True, False])
def test_a_float32_layer_keeps_float32_throughout(case: Case, training: bool) -> None:
    layer = case[0]().astype(np.float32).train(training)
    x = Tensor(numbers(*case[4]).astype(np.float32))
    y = layer(x)
    y.sum().backward()
    nodes: list[Any] = topological_order(y)
    dtypes = {node.dtype.name for node in nodes if np.ndim(node._data)}
    assert dtypes - {"bool"} == {"float32"}  # bool is that of a condition
    assert {p.grad.dtype.name for p in [x, *layer.parameters()]} == {"float32"}
    assert {array.dtype.name for array in layer.state_dict().values()} <= {"float32"}


@cases
def test_plain_arrays_and_lists_are_taken_too_and_left_as_they_were(case: Case) -> None:
    layer, x = drawn(case[0]()).eval(), numbers(*case[4])
    given = x.copy()
    expected = layer(Tensor(x)).data
    for came in (layer(x), layer(x.tolist())):
        np.testing.assert_array_equal(getattr(came, "data", came), expected)
    np.testing.assert_array_equal(x, given)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda d: Linear(3, 2, dtype=d), np.float32),
        (lambda d: Conv2d(1, 2, 2, dtype=d), np.float32),
        (lambda d: BatchNorm1d(3, dtype=d), np.float32),
        (lambda d: LayerNorm(3, dtype=d), np.float32),
    ],
)
def test_parameters_and_statistics_have_the_dtype_asked_for(make: Any, dtype: Any) -> None:
    assert {array.dtype for array in make(dtype).state_dict().values()} == {np.dtype(dtype)}
    with pytest.raises(OperandError, match="floating dtype"):
        make(int)


def test_numpy_promotion_decides_where_precisions_meet() -> None:
    x = np.ones((2, 3), np.float32)
    assert Linear(3, 2)(x).dtype == np.float64
    assert Linear(3, 2, dtype=np.float32)(x).dtype == np.float32
    assert Linear(3, 2, dtype=np.float32)(x.astype(np.uint8)).dtype == np.float32


# Linear.


def test_the_same_generator_gives_the_same_weights_and_the_bias_starts_as_zero() -> None:
    a, b = (Linear(4, 3, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    assert a.bias is not None
    assert a.bias.data.tolist() == [0, 0, 0]
    assert Linear(4, 3, init=init.zeros).weight.data.tolist() == [[0] * 3] * 4
    assert (Linear(4, 3).weight.data != Linear(4, 3).weight.data).all()


def test_a_linear_layer_costs_two_nodes() -> None:
    x = Tensor(np.ones((5, 4)))
    made = [n for n in topological_order(Linear(4, 3)(x)) if n.op is not None]
    assert [n.op.name for n in made] == ["matmul", "add"]


# Dropout.


def test_dropout_keeps_the_mean_and_uses_one_mask_for_value_and_gradient() -> None:
    dropout = Dropout(0.3, rng=np.random.default_rng(0))
    x = Tensor(np.full((400, 500), 2.0))
    y = dropout(x)
    kept = y.data != 0
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.7 * 0.3 / x.size)
    np.testing.assert_allclose(y.data[kept], 2 / 0.7, rtol=1e-15)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, kept * (1 / 0.7))


def test_dropout_is_the_identity_after_eval_and_draws_nothing() -> None:
    dropout = Dropout(0.9, rng=np.random.default_rng(0)).eval()
    x = Tensor([1.0, 2.0])
    assert dropout(x) is x
    assert dropout.rng.random() == np.random.default_rng(0).random()
    assert Dropout(0.0)(x) is x
    assert Dropout(1.0)(x).data.tolist() == [0.0, 0.0]


def test_dropout_draws_anew_each_time_and_the_same_for_a_seed() -> None:
    a, b = (Dropout(0.5, rng=np.random.default_rng(3)) for _ in range(2))
    x = np.ones(100)
    first = a(x)
    assert (first != a(x)).any()
    np.testing.assert_array_equal(first, b(x))


def test_the_gradient_of_dropout_is_right_for_the_mask_that_was_drawn() -> None:
    def f(x: Any) -> Any:
        return Dropout(0.5, rng=np.random.default_rng(1))(x * x)

    assert_gradients(f, numbers(4, 3), order=2)


def test_dropout_within_a_checkpoint_is_refused_and_not_drawn_anew() -> None:
    dropout = Dropout(0.5, rng=np.random.default_rng(0))
    y = checkpoint(lambda x: dropout(x * 2))(Tensor(np.ones(100)))
    with pytest.raises(GradientError, match="another result"):
        y.sum().backward()


# Normalization.


def check_normalized(y: Any, x: Any, axis: int, eps: float) -> None:
    """Compare mean and variance with 0 and v / (v + eps), but for what rounding does to x."""
    variance = x.var(axis)
    rounding = 64 * np.finfo(float).eps * (1 + np.abs(x).max(axis) / np.sqrt(variance))
    assert (np.abs(y.mean(axis)) <= rounding).all()
    share = variance / (variance + eps)
    assert (np.abs(y.var(axis) - share) <= rounding * share).all()


@given(
    n=st.integers(2, 6),
    features=st.integers(1, 4),
    scale=st.floats(1e-7, 100),
    shift=st.floats(-100, 100),
)
@example(n=2, features=4, scale=0.125, shift=0.0)
def test_a_normalized_batch_has_mean_zero_and_variance_one(
    n: int, features: int, scale: float, shift: float
) -> None:
    x = scale * numbers(n, features) + shift
    check_normalized(BatchNorm1d(features, 1e-12)(x).data, x, 0, 1e-12)
    if features > 1:
        check_normalized(LayerNorm(features, 1e-12)(x).data, x, 1, 1e-12)


def test_running_statistics_move_by_the_formula_in_training_only() -> None:
    norm = BatchNorm1d(1, momentum=0.25)
    mean, var = norm.running_mean, norm.running_var
    norm([[1.0], [3.0]])  # mean 2, variance 2 when divided by n - 1
    assert (mean.item(), var.item()) == (0.5, 1.25)
    norm([[1.0], [3.0]])
    assert (mean.item(), var.item()) == (0.875, 1.4375)
    norm.eval()([[7.0], [9.0]])
    assert (mean.item(), var.item()) == (0.875, 1.4375)
    assert norm.running_mean is mean
    assert not mean.requires_grad


def test_an_evaluated_batch_norm_treats_each_sample_by_itself() -> None:
    norm = BatchNorm1d(3)
    for step in range(5):
        norm(numbers(8, 3, seed=step))
    norm.eval()
    x = numbers(4, 3)
    np.testing.assert_allclose(norm(x).data[1:2], norm(x[1:2]).data, rtol=1e-14)


def test_statistics_are_learned_in_no_grad_too_and_in_place() -> None:
    norm = BatchNorm1d(2)
    array = norm.running_mean.data
    with no_grad():
        norm(numbers(4, 2) + 5)
    assert norm.running_mean.data is array
    assert (array > 0.1).all()


def test_statistics_that_move_after_a_call_leave_its_gradient_right() -> None:
    norm: Any = drawn(BatchNorm1d(2))
    x = Tensor(numbers(4, 2))
    y = norm(x) ** 2
    norm(numbers(4, 2, seed=1))
    y.sum().backward()
    alone = Tensor(x.data)
    (drawn(BatchNorm1d(2))(alone) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, alone.grad)

    x.zero_grad()
    scale = norm.weight.data / np.sqrt(norm.running_var.data + norm.eps)
    y = norm.eval()(x).sum()
    norm.train()(numbers(4, 2, seed=2))
    y.backward()
    np.testing.assert_allclose(x.grad, np.tile(scale, (4, 1)), rtol=1e-14)


def test_the_output_of_a_batch_norm_in_a_checkpoint_has_the_same_gradients() -> None:
    x = numbers(4, 2)
    norm: Any = drawn(BatchNorm1d(2))
    a, b = Tensor(x), Tensor(x)
    (norm(a) ** 2).sum().backward()
    plain = norm.weight.grad.copy()
    norm.zero_grad()
    (checkpoint(lambda x: norm(x) ** 2)(b)).sum().backward()
    np.testing.assert_allclose(b.grad, a.grad, rtol=1e-12)
    np.testing.assert_allclose(norm.weight.grad, plain, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BatchNorm1d(3), (1, 3)),
        (BatchNorm1d(3), (0, 3)),
        (BatchNorm1d(3), (1, 3, 1)),
        (BatchNorm2d(3), (1, 3, 1, 1)),
    ],
)
def test_a_batch_without_variance_is_refused_in_training_only(
    layer: Module, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match="Train with batches of two or more"):
        layer.train()(np.ones(shape))
    assert layer.eval()(np.ones(shape)).shape == shape


# What is refused.


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Linear(784, 50), (100, 28, 28), r"Linear\(784, 50\) in linear: expected x of shape "),
        (Linear(784, 50), (100, 28, 28), r"\(\.\.\., 784\), but came \(100, 28, 28\). Put a Flat"),
        (Linear(3, 2), (5, 4), r"expected x of shape \(..., 3\), but came \(5, 4\)\.$"),
        (Linear(3, 2), (), r"but came \(\)"),
        (Conv2d(1, 2, 3), (5, 28, 28), r"Conv2d\(1, 2, kernel_size=\(3, 3\)\).*x\[:, None\]"),
        (Conv2d(3, 2, 3), (5, 1, 28, 28), r"expected x of shape \(n, 3, H, W\), but came"),
        (Conv2d(1, 2, 5), (1, 1, 4, 4), "does not fit"),
        (MaxPool2d(2), (4, 4), r"MaxPool2d\(\(2, 2\)\).*expected x of shape \(n, C, H, W\)"),
        (AvgPool2d(5), (1, 1, 4, 4), "does not fit"),
        (BatchNorm1d(3), (5, 4), r"expected x of shape \(n, 3\) or \(n, 3, length\), but came"),
        (BatchNorm1d(3), (5, 3, 2, 2), r"BatchNorm1d\(3\)"),
        (BatchNorm2d(3), (5, 3), r"expected x of shape \(n, 3, H, W\)"),
        (LayerNorm(3), (5, 4), r"LayerNorm\(3\).*expected x of shape \(..., 3\)"),
        (LayerNorm((2, 3)), (3,), r"expected x of shape \(..., 2, 3\)"),
        (Flatten(), (), r"expected x of shape \(n, \.\.\.\)"),
    ],
)
def test_an_input_of_another_shape_is_refused_by_the_layer_by_name(
    layer: Module, shape: tuple[int, ...], words: str
) -> None:
    before = layer.state_dict()
    with pytest.raises(ShapeError, match=words):
        layer(np.ones(shape))
    assert all((array == before[name]).all() for name, array in layer.state_dict().items())


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: Linear(0, 2), ArgumentError, "Linear: inputs has to be at least 1, but came 0"),
        (lambda: Linear(2.5, 2), OperandError, "Linear: inputs has to be an integer"),  # pyright: ignore[reportArgumentType]
        (lambda: Linear(2, 2, rng=0), OperandError, r"np\.random\.default_rng\(seed\)"),  # pyright: ignore[reportArgumentType]
        (lambda: Linear(2, 2, init=0.01), OperandError, "init has to be a function"),  # pyright: ignore[reportArgumentType]
        (lambda: Linear(2, 2, init=lambda *_, **k: np.ones(3)), ShapeError, "init gave shape"),
        (lambda: Conv2d(1, 1, 0), ArgumentError, "kernel_size has to be at least 1"),
        (lambda: Conv2d(1, 1, 2, padding=-1), ArgumentError, "padding has to be at least 0"),
        (lambda: MaxPool2d(2, 0), ArgumentError, "stride has to be at least 1"),
        (lambda: Dropout(1.5), ArgumentError, "p has to be a probability"),
        (lambda: Dropout(0.5, rng=1), OperandError, "numpy.random.Generator"),  # pyright: ignore[reportArgumentType]
        (lambda: BatchNorm1d(0), ArgumentError, "num_features"),
        (lambda: BatchNorm1d(2, eps=0), ArgumentError, "eps has to be positive"),
        (lambda: BatchNorm1d(2, momentum=2), ArgumentError, "momentum"),
        (lambda: LayerNorm(()), ArgumentError, "normalized_shape is empty"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(make: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        make()


@pytest.mark.parametrize("layer", [Linear(1, 1), Dropout(0.5), BatchNorm1d(1), LayerNorm(1)])
def test_a_value_is_refused_where_arrays_are_taken(layer: Module) -> None:
    with pytest.raises(OperandError, match=f"{type(layer).__name__}: takes arrays"):
        layer(Value(1.0))


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), ELU(), GELU(), SiLU(), Sigmoid(), Tanh()])
def test_activations_take_values_too(layer: Module) -> None:
    x = Value(0.5)
    y = layer(x)
    y.backward()
    assert isinstance(y, Value)
    assert y.data == pytest.approx(layer(np.array(0.5)).item(), rel=1e-14)
    assert x.grad > 0


# Training.


@pytest.mark.slow
def test_training_with_every_kind_of_layer_holds_memory_constant() -> None:
    rng = np.random.default_rng(0)
    net = Sequential(
        Conv2d(1, 2, 3, rng=rng),
        BatchNorm2d(2),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(18, 8, rng=rng),
        BatchNorm1d(8),
        Dropout(0.2, rng=rng),
        LayerNorm(8),
        Linear(8, 1, rng=rng),
    )
    x = rng.normal(size=(4, 1, 8, 8))

    def step() -> None:
        net.zero_grad()
        (net(x) ** 2).mean().backward()
        for p in net.parameters():
            p.data -= 0.01 * p.grad

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(20):
            step()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            step()
        assert gc.collect() == 0
        # Lists of free objects fill up; a node that is kept in each step would take more.
        assert tracemalloc.get_traced_memory()[0] - before < 300 * 100
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(topological_order(*[b for _, b in net.named_buffers()])) == 4
