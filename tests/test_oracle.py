"""PyTorch as the judge: every operation that it has, and whole programs, in float64."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import Tensor, Value
from micrograd.testing import Sample
from micrograd.testing.program import Program, programs
from tests.domains import TABLE, torch_table

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch warns of while it is imported is not ours
        import torch as _torch
except ImportError:
    _torch = None

torch: Any = _torch
if torch is not None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _oracle() -> None:
    """Skip without PyTorch, but not in CI, where nobody would notice."""
    if torch is None and os.environ.get("CI"):
        pytest.fail("PyTorch is missing in CI. Install the extra micrograd-graph[oracle].")
    if torch is None:
        pytest.skip("PyTorch is not installed")


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
    function = torch_table(torch)[name]
    assert function is not None
    result = sample.call(*nodes)
    expected = function(*leaves, **sample.settings)
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
    theirs_inner: Any = sum((h * torch.tensor(w)).sum() for h, w in zip(theirs, v, strict=True))
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


KNOWN_TO_PYTORCH = [name for name, f in torch_table(MagicMock()).items() if f is not None]


def test_pytorch_judges_most_operations() -> None:
    assert set(KNOWN_TO_PYTORCH) <= set(TABLE)
    assert len(KNOWN_TO_PYTORCH) >= 0.8 * len(TABLE)


@pytest.mark.parametrize("name", KNOWN_TO_PYTORCH)
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


def torch_tensor(x: Any) -> Any:
    """Return a constant of a program as PyTorch's functions take it."""
    return x if isinstance(x, torch.Tensor) else torch.tensor(np.array(x))


def torch_namespace() -> dict[str, Any]:
    """Return what `mg` and `np` in the text of a program stand for, to run it with PyTorch."""
    table: dict[str, Any] = torch_table(torch)

    def reducing(name: str) -> Callable[..., Any]:
        return lambda x, axis=None, keepdims=False: table[name](x, axis=axis, keepdims=keepdims)

    def on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: function(*map(torch_tensor, args))

    def joining(name: str) -> Callable[..., Any]:
        return lambda arrays, axis: table[name](*map(torch_tensor, arrays), axis=axis)

    functions = {
        **table,
        **{name: reducing(name) for name in ("sum", "mean", "max", "min", "logsumexp")},
        **{name: on_tensors(table[name]) for name in ("maximum", "minimum", "where")},
        "concatenate": joining("concatenate"),
        "stack": joining("stack"),
        "reshape": torch.reshape,
        "transpose": lambda x, axes=None: x.permute(axes or [*range(x.ndim)][::-1]),
        "swapaxes": torch.swapaxes,
        "broadcast_to": torch.broadcast_to,
    }
    return {"mg": SimpleNamespace(**functions), "np": SimpleNamespace(array=torch_tensor)}


@cache
def numpy_indexed() -> Any:
    """Return the class of PyTorch's tensors that are indexed as NumPy's arrays are.

    PyTorch knows no negative strides, and [0, :, [0, 1]] has another shape there.
    """

    class Indexed(torch.Tensor):
        def __getitem__(self, index: Any) -> Any:
            positions = np.arange(self.numel()).reshape(tuple(self.shape))[index]
            return torch.take(self, torch.tensor(np.array(positions)))

    return Indexed


def run_with_torch(program: Program, leaves: list[Any]) -> Any:
    """Return what a program gives with PyTorch in the place of this library and of NumPy."""
    arguments = [leaf.as_subclass(numpy_indexed()) for leaf in leaves]
    return program.run(arguments, torch_namespace()).as_subclass(torch.Tensor)


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


def check_program(program: Program, kind: Any) -> None:
    """Assert that the value and both orders of derivatives agree."""
    leaves = [kind(data) for data in program.inputs]
    theirs = [torch_leaf(data) for data in program.inputs]
    result, expected = program(*leaves), run_with_torch(program, theirs)
    assert_agrees(result.data, expected)
    weights = np.cos(np.arange(expected.numel())).reshape(tuple(expected.shape))
    y = total(result * (weights.item() if kind is Value else weights))
    expected = total(expected * torch.tensor(weights))

    plain = gradients_of(y, leaves)
    first = gradients_of(y, leaves, create_graph=True)
    expected_first = torch_gradients_of(expected, theirs)
    for g, recorded, h in zip(plain, first, expected_first, strict=True):
        assert_agrees(g, h)
        assert_agrees(getattr(recorded, "data", recorded), h)

    # Differentiate <gradient, gradient>: products of nodes that share the graph.
    length: Any = sum(total(g * g) for g in first if hasattr(g, "requires_grad"))
    expected_length: Any = sum(total(h * h) for h in expected_first)
    if not hasattr(length, "requires_grad") or not expected_length.requires_grad:
        return  # constant slopes
    for second, h in zip(
        gradients_of(length, leaves), torch_gradients_of(expected_length, theirs), strict=True
    ):
        assert_agrees(second, h, 1e-8)


@settings(max_examples=100)
@given(programs("value"))
def test_a_program_on_values_agrees_with_pytorch_in_both_orders(program: Program) -> None:
    check_program(program, Value)  # asserts


@settings(max_examples=100)
@given(programs("tensor"))
def test_a_program_on_tensors_agrees_with_pytorch_in_both_orders(program: Program) -> None:
    check_program(program, Tensor)  # asserts


@settings(max_examples=100)
@given(programs("value", singular=True))
def test_a_program_on_values_is_that_on_tensors_of_one_element(program: Program) -> None:
    values, tensors = [Value(x) for x in program.inputs], [Tensor(x) for x in program.inputs]
    y, z = program(*values), program(*tensors)

    np.testing.assert_allclose(y.data, z.data, rtol=1e-12, atol=1e-12)
    for g, h in zip(gradients_of(y, values), gradients_of(z, tensors), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
def test_the_check_of_programs_refutes_a_rule_that_is_slightly_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        micrograd.tanh, "derivatives", (lambda g, y, x: g * (1 - y * y) * (1 + 1e-8),)
    )

    with pytest.raises(AssertionError):
        check_program(find(programs(), lambda p: "mg.tanh" in p.source), Tensor)


def network(x: Any, W1: Any, b1: Any, W2: Any, m: Any) -> Any:
    return m.tanh(x @ W1 + b1) @ W2


def test_the_gradient_penalty_of_a_network_agrees_with_pytorch() -> None:
    rng = np.random.default_rng(0)
    shapes = [(5, 3), (3, 4), (4,), (4, 2)]
    arrays = [rng.normal(size=shape) for shape in shapes]
    labels = rng.integers(0, 2, 5)

    ours = [Tensor(a) for a in arrays]
    loss = micrograd.softmax_cross_entropy(
        network(ours[0], ours[1], ours[2], ours[3], micrograd), labels
    )
    first = gradients_of(loss, ours, create_graph=True)
    penalty = sum((g * g).sum() for g in first)
    second = gradients_of(loss + 0.1 * penalty, ours)

    theirs = [torch_leaf(a) for a in arrays]
    logits = network(theirs[0], theirs[1], theirs[2], theirs[3], torch)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    slopes = torch_gradients_of(expected, theirs)
    penalized = expected + 0.1 * sum((g * g).sum() for g in slopes)

    assert_agrees(loss.data, expected)
    for g, h in zip(first, slopes, strict=True):
        assert_agrees(g.data, h)
    for g, h in zip(second, torch_gradients_of(penalized, theirs), strict=True):
        assert_agrees(g, h)
