"""PyTorch as the judge: every operation that it has, and whole programs, in float64."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import Tensor, Value
from tests.domains import TABLE, Array, Sample

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch warns of while it is imported is not ours
        import torch
except ImportError:
    torch = None

if torch is not None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _oracle() -> None:
    """Skip without PyTorch, but not in CI, where nobody would notice."""
    if torch is None and os.environ.get("CI"):
        pytest.fail("PyTorch is missing in CI. Install the extra micrograd-graph[oracle].")
    if torch is None:
        pytest.skip("PyTorch is not installed")


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reduction of PyTorch's over NumPy's kind of axis: () is none, None is all."""

    def call(x: Any, *, axis: Any, keepdims: bool) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else axis
        axes = (axes,) if isinstance(axes, int) else axes
        return function(x, axes, keepdims) if axes else x * 1  # to PyTorch, () is all

    return call


def torch_getitem(x: Any, *, index: Any) -> Any:
    """Pick by flat positions, since PyTorch knows no negative strides."""
    flat = np.arange(math.prod(x.shape)).reshape(tuple(x.shape))[index]
    return x.reshape(-1)[torch.tensor(np.array(flat), dtype=torch.long)]


def torch_put(x: Any, *, index: Any, shape: Any) -> Any:
    flat = torch.tensor(np.arange(math.prod(shape)).reshape(shape)[index].reshape(-1).copy())
    whole = torch.zeros(math.prod(shape), dtype=x.dtype)
    return whole.index_add(0, flat.long(), x.reshape(-1)).reshape(shape)


def torch_cross_entropy(x: Any, targets: Any, *, kind: str) -> Any:
    classes = x.shape[-1]
    t = targets.reshape(-1) if kind == "labels" else targets.reshape(-1, classes)
    return torch.nn.functional.cross_entropy(x.reshape(-1, classes), t)


def torch_cross_entropy_slope(x: Any, targets: Any, *, kind: str) -> Any:
    classes = x.shape[-1]
    t = torch.nn.functional.one_hot(targets, classes) if kind == "labels" else targets
    return (torch.softmax(x, -1) * t.sum(-1, keepdim=True) - t) / (x.numel() // classes)


def torch_sum_to(x: Any, *, shape: Any) -> Any:
    return x.sum_to_size(shape) if shape else x.sum()


def torch_astype(x: Any, *, dtype: Any) -> Any:
    return x.to(getattr(torch, np.dtype(dtype).name))


def torch_table() -> dict[str, Callable[..., Any]]:
    return {
        "add": torch.add,
        "subtract": torch.subtract,
        "multiply": torch.multiply,
        "divide": torch.divide,
        "power": torch.pow,
        "maximum": torch.maximum,
        "minimum": torch.minimum,
        "negative": torch.negative,
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "sin": torch.sin,
        "cos": torch.cos,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "relu": torch.relu,
        "absolute": torch.absolute,
        "where": lambda c, a, b: torch.where(c.bool(), a, b),
        "sum": reduced(torch.sum),
        "mean": reduced(torch.mean),
        "max": reduced(torch.amax),
        "min": reduced(torch.amin),
        "logsumexp": reduced(torch.logsumexp),
        "softmax": lambda x, *, axis: torch.softmax(x, axis),
        "log_softmax": lambda x, *, axis: torch.log_softmax(x, axis),
        "softmax_cross_entropy": torch_cross_entropy,
        "softmax_cross_entropy_slope": torch_cross_entropy_slope,
        "matmul": torch.matmul,
        "getitem": torch_getitem,
        "put_add": torch_put,
        "reshape": lambda x, *, shape: x.reshape(shape),
        "transpose": lambda x, *, axes: x.permute(axes),
        "broadcast_to": lambda x, *, shape: x.broadcast_to(shape),
        "sum_to": torch_sum_to,
        "astype": torch_astype,
        "concatenate": lambda *xs, axis: torch.cat(xs, axis),
        "stack": lambda *xs, axis: torch.stack(xs, axis),
    }


def torch_leaf(array: Any, requires_grad: bool = True) -> Any:
    return torch.tensor(np.array(array), requires_grad=requires_grad)


def assert_agrees(ours: Any, theirs: Any, tolerance: float = 1e-10) -> None:
    theirs = theirs.numpy(force=True)
    assert np.shape(ours) == theirs.shape
    np.testing.assert_allclose(
        ours, theirs, rtol=tolerance, atol=tolerance * max(1, np.abs(theirs).max(initial=0)) / 10
    )


def check_against_torch(name: str, sample: Sample) -> None:
    """Assert that value, gradients and gradients of <gradients, v> agree."""
    wanted = sample.wanted()
    nodes = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(sample.args)]
    leaves = [torch_leaf(a, i in wanted) for i, a in enumerate(sample.args)]
    result = sample.call(*nodes)
    expected = torch_table()[name](*leaves, **sample.settings)
    assert_agrees(result.data, expected)

    cotangent = np.asarray(np.cos(np.arange(result.size)).reshape(result.shape), result.dtype)
    result.backward(cotangent, create_graph=True)
    ours = [nodes[i].grad for i in wanted]
    theirs = torch.autograd.grad(
        expected, [leaves[i] for i in wanted], torch.tensor(cotangent), create_graph=True
    )
    for g, h in zip(ours, theirs, strict=True):
        assert_agrees(g.data, h)

    v = [np.sin(1 + np.arange(g.size)).reshape(g.shape) for g in ours]
    for node in nodes:
        node.zero_grad()
    inner = micrograd.stack([(g * w).sum() for g, w in zip(ours, v, strict=True)]).sum()
    theirs_inner = sum((h * torch.tensor(w)).sum() for h, w in zip(theirs, v, strict=True))
    if inner.requires_grad:
        inner.backward()
    if not theirs_inner.requires_grad:  # a linear operation
        assert all(not np.any(nodes[i].grad) for i in wanted if nodes[i].has_grad)
        return
    seconds = torch.autograd.grad(
        theirs_inner, [leaves[i] for i in wanted], allow_unused=True, materialize_grads=True
    )
    for i, second in zip(wanted, seconds, strict=True):
        assert_agrees(nodes[i].grad if nodes[i].has_grad else np.zeros(nodes[i].shape), second)


@pytest.mark.parametrize("name", TABLE)
@settings(max_examples=15)
@given(data=st.data())
def test_every_operation_agrees_with_pytorch(name: str, data: st.DataObject) -> None:
    check_against_torch(name, data.draw(TABLE[name].samples()))  # asserts


def test_the_check_against_pytorch_refutes_a_rule_that_is_slightly_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        micrograd.tanh, "derivatives", (lambda g, y, x: g * (1 - y * y) * (1 + 1e-8),)
    )
    sample = Sample(micrograd.tanh, np.tanh, (np.array([0.3, 0.5]),))

    with pytest.raises(AssertionError):
        check_against_torch("tanh", sample)


# Programs

UNARY = ["sin", "cos", "tanh", "sigmoid", "relu", "absolute", "negative"]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum"]
# Written with a library's own functions, in a range where all is smooth.
COMPOUND: dict[str, Callable[[Any, Any, Any], Any]] = {
    "a / (2 + cos b)": lambda m, a, b: a / (2 + m.cos(b)),
    "exp(sin a) * b": lambda m, a, b: m.exp(m.sin(a)) * b,
    "log(2 + tanh a) - b": lambda m, a, b: m.log(2 + m.tanh(a)) - b,
    "sqrt(2 + sin a) + b": lambda m, a, b: m.sqrt(2 + m.sin(a)) + b,
    "(2 + sin a) ** cos b": lambda m, a, b: (2 + m.sin(a)) ** m.cos(b),
    "tanh(a) ** 3 - 1 / (2 + tanh b)": lambda m, a, b: m.tanh(a) ** 3 - 1 / (2 + m.tanh(b)),
    "2 ** sigmoid(a) * b": lambda m, a, b: 2 ** m.sigmoid(a) * b,
    "where(a < b, a * b, sin a)": lambda m, a, b: m.where(a < b, a * b, m.sin(a)),
    "a * a - a": lambda m, a, b: a * a - a,
}


@dataclass(frozen=True)
class Program:
    """Instructions (operation, i, j), each on two of the results so far."""

    steps: tuple[tuple[str, int, int], ...]

    def run(self, library: Any, leaves: list[Any]) -> Any:
        """Return the last result, plus every other that nothing has used."""
        results, used = list(leaves), set[int]()
        for name, i, j in self.steps:
            i, j = i % len(results), j % len(results)
            a, b = results[i], results[j]
            used |= {i, j}
            if name in COMPOUND:
                results.append(COMPOUND[name](library, a, b))
            elif name in UNARY:
                results.append(getattr(library, name)(a))
            else:
                results.append(getattr(library, name)(a, b))
        y = results[-1]
        for k, result in enumerate(results[:-1]):
            if k not in used:
                y = y + result
        return y


steps = st.tuples(
    st.sampled_from([*UNARY, *BINARY, *COMPOUND]), st.integers(0, 99), st.integers(0, 99)
)
programs = st.lists(steps, min_size=2, max_size=14).map(lambda steps: Program(tuple(steps)))
seeds = st.integers(0, 2**32 - 1)


def total(y: Any) -> Any:
    return y.sum() if y.shape else y


def gradients_of(y: Any, leaves: list[Any], create_graph: bool = False) -> list[Any]:
    """Return this library's gradients as PyTorch's `grad` does, leaving none behind."""
    if not y.requires_grad:
        return [np.zeros(leaf.shape) for leaf in leaves]
    y.backward(create_graph=create_graph)
    gradients = [leaf.grad if leaf.has_grad else np.zeros(leaf.shape) for leaf in leaves]
    for leaf in leaves:
        leaf.zero_grad()
    return gradients


def torch_gradients_of(y: Any, leaves: list[Any]) -> list[Any]:
    if not y.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return list(
        torch.autograd.grad(y, leaves, create_graph=True, allow_unused=True, materialize_grads=True)
    )


def check_program(program: Program, kind: Any, arrays: list[Array]) -> None:
    """Assert that the value and both orders of derivatives agree."""
    leaves = [kind(a.item() if kind is Value else a) for a in arrays]
    theirs = [torch_leaf(a) for a in arrays]
    y, expected = total(program.run(micrograd, leaves)), total(program.run(torch, theirs))
    assume(abs(y.data) < 1e6)
    assert_agrees(y.data, expected)

    plain = gradients_of(y, leaves)
    first = gradients_of(y, leaves, create_graph=True)
    expected_first = torch_gradients_of(expected, theirs)
    assume(all(bool((abs(h) < 1e6).all()) for h in expected_first))
    for g, recorded, h in zip(plain, first, expected_first, strict=True):
        assert_agrees(g, h)
        assert_agrees(getattr(recorded, "data", recorded), h)

    # Differentiate <gradient, gradient>: products of nodes that share the graph.
    length = sum(total(g * g) for g in first if hasattr(g, "requires_grad"))
    expected_length = sum(total(h * h) for h in expected_first)
    if not hasattr(length, "requires_grad") or not expected_length.requires_grad:
        return  # constant slopes
    for second, h in zip(
        gradients_of(length, leaves), torch_gradients_of(expected_length, theirs), strict=True
    ):
        assert_agrees(second, h, 1e-8)


@settings(max_examples=100)
@given(programs, seeds)
def test_a_program_on_values_agrees_with_pytorch_in_both_orders(
    program: Program, seed: int
) -> None:
    rng = np.random.default_rng(seed)

    check_program(program, Value, [rng.normal(size=()) * np.ones(()) for _ in range(3)])  # asserts


@settings(max_examples=100)
@given(programs, seeds, st.permutations([(2, 3), (3,), (2, 1), ()]))
def test_a_program_on_tensors_agrees_with_pytorch_in_both_orders(
    program: Program, seed: int, shapes: list[tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(seed)

    check_program(
        program, Tensor, [np.asarray(rng.normal(size=shape)) for shape in shapes[:3]]
    )  # asserts


@settings(max_examples=50)
@given(programs, seeds)
def test_a_program_on_values_is_that_on_tensors_of_one_element(program: Program, seed: int) -> None:
    numbers = np.random.default_rng(seed).normal(size=3).tolist()
    values, tensors = [Value(x) for x in numbers], [Tensor(x) for x in numbers]
    y, z = program.run(micrograd, values), program.run(micrograd, tensors)
    assume(abs(y.data) < 1e6)

    np.testing.assert_allclose(y.data, z.data, rtol=1e-12, atol=1e-12)
    for g, h in zip(gradients_of(y, values), gradients_of(z, tensors), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-10, atol=1e-10)


def network(x: Any, W1: Any, b1: Any, W2: Any, m: Any) -> Any:
    return m.tanh(x @ W1 + b1) @ W2


def test_the_gradient_penalty_of_a_network_agrees_with_pytorch() -> None:
    rng = np.random.default_rng(0)
    shapes = [(5, 3), (3, 4), (4,), (4, 2)]
    arrays = [rng.normal(size=shape) for shape in shapes]
    labels = rng.integers(0, 2, 5)

    ours = [Tensor(a) for a in arrays]
    loss = micrograd.softmax_cross_entropy(network(*ours, micrograd), labels)
    first = gradients_of(loss, ours, create_graph=True)
    penalty = sum((g * g).sum() for g in first)
    second = gradients_of(loss + 0.1 * penalty, ours)

    theirs = [torch_leaf(a) for a in arrays]
    logits = network(*theirs, torch)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    slopes = torch_gradients_of(expected, theirs)
    penalized = expected + 0.1 * sum((g * g).sum() for g in slopes)

    assert_agrees(loss.data, expected)
    for g, h in zip(first, slopes, strict=True):
        assert_agrees(g.data, h)
    for g, h in zip(second, torch_gradients_of(penalized, theirs), strict=True):
        assert_agrees(g, h)
