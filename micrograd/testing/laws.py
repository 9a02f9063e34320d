"""The laws that every operation obeys, each a function that asserts it for one sample.

A law takes the operation, a sample of a call of it, and a source of random
numbers; it returns nothing and raises an AssertionError that says what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd.core.node import Node
from micrograd.core.op import Op
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.testing.gradcheck import assert_gradients
from micrograd.testing.samples import Array, Sample

Law = Callable[[Op, Sample, np.random.Generator], None]


def weights(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """Return nonzero eighths of either sign, which every floating dtype holds exactly."""
    sign = rng.choice([-1, 1], shape)
    return np.asarray(sign * rng.integers(1, 17, shape) / 8, dtype)


def assert_close(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    """Compare with a tolerance relative to each element, and a tenth of it to the largest."""
    largest = float(np.abs(np.asarray(expected)).max(initial=1))
    np.testing.assert_allclose(
        np.asarray(actual),
        expected,
        rtol=tolerance,
        atol=tolerance / 10 * largest,
        err_msg=f"{what} is not what it should be.",
    )


def assert_like(actual: Any, expected: Any, what: str) -> None:
    """Compare shape and dtype."""
    came, meant = (actual.shape, actual.dtype), (expected.shape, expected.dtype)
    assert came == meant, f"{what} has shape and dtype {came}, where {meant} are expected."


def backward(op: Op, result: Any, cotangent: Any, **options: Any) -> None:
    """Differentiate a result that has to be a node which `op` made."""
    assert isinstance(result, Tensor), f"{op.name} of Tensors gave a {type(result).__name__}."
    result.backward(cotangent, **options)


def the_result_is_that_of_the_reference(op: Op, sample: Sample, rng: np.random.Generator) -> None:
    """Compare values, shapes and dtypes in float64 and float32, of arrays and of Tensors."""
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        args = sample.cast(dtype)
        expected = np.asarray(sample.reference(*args))
        for kind, result in (
            ("arrays", np.asarray(sample.call(*args))),
            ("Tensors", sample.call(*sample.leaves(args)).data),
        ):
            what = f"The result of {op.name} for {kind} in {np.dtype(dtype)}"
            assert_like(result, expected, what)
            assert_close(result, expected, tolerance, what)


def the_gradient_is_the_numerical_derivative(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Check every gradient, also of arguments that were broadcast."""
    _check_gradients(op, sample, rng, order=1)


def the_second_gradient_is_the_numerical_derivative_of_the_first(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Check the gradient's gradient."""
    _check_gradients(op, sample, rng, order=2)


def _check_gradients(op: Op, sample: Sample, rng: np.random.Generator, order: int) -> None:
    inputs: list[Any] = sample.leaves()
    for name, leaf in zip(op.argument_names(), inputs, strict=False):
        leaf.label = name

    def call(*nodes: Any) -> Any:
        return sample.call(*nodes)

    call.__name__ = op.name  # for the message
    assert_gradients(call, *inputs, order=order, step=sample.step, seed=int(rng.integers(2**31)))


def memory_layout_does_not_matter(op: Op, sample: Sample, rng: np.random.Generator) -> None:
    """Compare result and gradients for Fortran, reversed, strided and read-only arrays."""
    plain = sample.leaves()
    result = sample.call(*plain)
    cotangent = weights(rng, result.shape, result.dtype)
    backward(op, result, cotangent)
    for layout in LAYOUTS:
        laid = [lay_out(a, layout) for a in sample.args]
        what = f"{op.name} with arrays laid out {layout}"
        assert_close(sample.call(*laid), result.data, 1e-12, f"The result of {what}")
        wanted = sample.wanted()
        views = [view_of_a_leaf(a, layout, i in wanted) for i, a in enumerate(sample.args)]
        backward(op, sample.call(*[node for _, node, _ in views]), lay_out(cotangent, layout))
        for i in wanted:
            leaf, _, back = views[i]
            assert_close(back(leaf.grad), plain[i].grad, 1e-12, f"The gradient of {what}")


LAYOUTS = ("Fortran", "reversed", "every other", "read-only")


def lay_out(array: Array, layout: str) -> Array:
    """Return an array with the same elements, in the same order, elsewhere in memory."""
    if layout == "Fortran" and array.ndim:
        return np.asfortranarray(array)
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    if layout == "every other" and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    array = array.copy()
    array.flags.writeable = layout != "read-only"
    return array


# How to view an array, and the array of which that view has the elements of another.
_VIEWS: dict[str, tuple[Callable[[Any], Any], Callable[[Array], Array]]] = {
    "Fortran": (lambda x: x.T, lambda array: array.T),
    "reversed": (lambda x: x[::-1], lambda array: array[::-1]),
    "every other": (lambda x: x[..., ::2], lambda array: np.repeat(array, 2, axis=-1)),
}


def view_of_a_leaf(
    array: Array, layout: str, requires_grad: bool
) -> tuple[Tensor, Tensor, Callable[[Array], Array]]:
    """Return a leaf, a view of it that equals `array`, and how to view its gradient likewise."""
    same: tuple[Callable[[Any], Any], Callable[[Array], Array]] = (lambda x: x, lambda array: array)
    view, whole = _VIEWS.get(layout, same) if array.ndim else same
    leaf = Tensor(whole(array), requires_grad=requires_grad)
    return leaf, view(leaf), view


def a_gradient_has_the_shape_and_dtype_of_its_argument(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Check shapes and dtypes for mixed precision, in plain and recorded backward passes."""
    args = [
        a.astype(rng.choice(["float32", "float64"])) if i in sample.wanted() else a
        for i, a in enumerate(sample.args)
    ]
    for create_graph in (False, True):
        nodes = sample.leaves(args)
        result = sample.call(*nodes)
        backward(op, result, weights(rng, result.shape, result.dtype), create_graph=create_graph)
        for i, node in enumerate(nodes):
            if i in sample.wanted():
                assert isinstance(node.grad, Tensor) == create_graph, (
                    "A gradient is of a wrong kind."
                )
                assert_like(node.grad, args[i], f"The gradient of argument {i} of {op.name}")
            else:
                assert node.grad is None, f"Argument {i} of {op.name}, a constant, has a gradient."


def a_rule_computes_in_the_dtype_of_the_result(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Check that no derivative widens float32 or narrows float64 on its way."""
    for dtype in (np.float32, np.float64):
        nodes = sample.leaves(sample.cast(dtype))
        node = sample.call(*nodes)
        g = weights(rng, node.shape, node.dtype)
        for i, parent in enumerate(node.parents):
            if parent.requires_grad:
                data = [p._data for p in node.parents]
                raw = np.asarray(node.op.derivatives[i](g, node._data, *data, **node.settings))
                assert raw.dtype in (node.dtype, parent._data.dtype), (
                    f"The derivative of argument {i} of {op.name} computes in {raw.dtype}, where "
                    f"the result is {node.dtype}."
                )


def a_gradient_is_linear_in_that_of_the_result(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Check that for a third of what comes in, a third comes out, which lost digits would spoil."""
    gradients: list[list[Any]] = []
    start: Array = rng.normal(size=np.shape(sample.reference(*sample.args)))
    for part in (1, 3):
        nodes = sample.leaves()
        result = sample.call(*nodes)
        backward(op, result, start.astype(result.dtype) / part)
        gradients.append([nodes[i].grad * part for i in sample.wanted()])
    tolerance = 1e-12 if result.dtype == np.float64 else 1e-5
    for whole, thirds in zip(*gradients, strict=True):
        assert_close(thirds, whole, tolerance, f"Three times the gradient of {op.name} for a third")


def a_recorded_backward_pass_gives_the_same_gradient(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Compare gradients with and without create_graph."""
    gradients: list[list[Any]] = []
    seed = int(rng.integers(2**31))
    for create_graph in (False, True):
        nodes = sample.leaves()
        result = sample.call(*nodes)
        cotangent = weights(np.random.default_rng(seed), result.shape, result.dtype)
        backward(op, result, cotangent, create_graph=create_graph)
        gradients.append([nodes[i].grad for i in sample.wanted()])
    for plain, recorded in zip(*gradients, strict=True):
        assert_close(recorded.data, plain, 1e-12, f"The recorded gradient of {op.name}")


def nothing_that_came_in_is_changed(op: Op, sample: Sample, rng: np.random.Generator) -> None:
    """Check that arguments, their data and the incoming gradient are left as they were."""
    copies = [arg.copy() for arg in sample.args]
    nodes = sample.leaves()
    plain = sample.call(*sample.args)
    result = sample.call(*nodes)
    cotangent = weights(rng, result.shape, result.dtype)
    copy = cotangent.copy()
    backward(op, result, cotangent)
    for i in sample.wanted():
        nodes[i].grad += 1  # a gradient is an array of the leaf's own
    for i, (arg, node, old) in enumerate(zip(sample.args, nodes, copies, strict=True)):
        np.testing.assert_array_equal(arg, old, f"{op.name} changed the array of argument {i}.")
        np.testing.assert_array_equal(node.data, old, f"{op.name} changed the node {i}.")
    for came in (cotangent, result.grad):
        np.testing.assert_array_equal(came, copy, f"{op.name} changed the gradient that came.")
    np.testing.assert_array_equal(result.data, plain, f"{op.name} changed its result.")


def an_array_and_a_node_give_the_same_in_every_position(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Replace one node after another by its array."""
    nodes = sample.leaves()
    result = sample.call(*nodes)
    cotangent = weights(rng, result.shape, result.dtype)
    backward(op, result, cotangent)
    plain = sample.call(*sample.args)
    assert not isinstance(plain, Node), f"{op.name} of arrays gave a {type(plain).__name__}."
    np.testing.assert_array_equal(plain, result.data)
    for i in range(len(sample.args)) if len(sample.args) > 1 else ():
        mixed: list[Any] = sample.leaves()
        mixed[i] = sample.args[i]
        again = sample.call(*mixed)
        others = [j for j in sample.wanted() if j != i]
        if others:
            backward(op, again, cotangent)
        np.testing.assert_array_equal(again.data if isinstance(again, Tensor) else again, plain)
        for j in others:
            np.testing.assert_array_equal(
                mixed[j].grad, nodes[j].grad, f"{op.name} with an array as argument {i}."
            )


def the_record_is_enough_to_compute_it_again(
    op: Op, sample: Sample, rng: np.random.Generator
) -> None:
    """Lower a node to its operation, parents and settings, and compute it from these alone."""
    node = sample.call(*sample.leaves())
    assert node.op is op, f"The node was made by {node.op!r}, not by {op!r}."
    replayed = node.op.forward(*[parent._data for parent in node.parents], **node.settings)
    np.testing.assert_array_equal(replayed, node.data, f"{op.name} replayed from its record.")
    assert len(node.parents) >= len(sample.wanted()), f"{op.name} lost an argument."


def a_diagram_has_a_symbol_for_it(op: Op, sample: Sample, rng: np.random.Generator) -> None:
    """Check that a node has a short text to show, always the same."""
    symbols = {op.symbol_for(sample.call(*sample.leaves())) for _ in range(2)}
    assert len(symbols) == 1, f"{op.name} has several symbols for one call: {symbols}."
    (symbol,) = symbols
    assert isinstance(symbol, str) and 0 < len(symbol) <= 30, (  # noqa: PT018
        f"{op.name} shows {symbol!r} in a diagram. Give a symbol of 1 to 30 characters."
    )


def values_give_what_tensors_give(op: Op, sample: Sample, rng: np.random.Generator) -> None:
    """Compare Values with Tensors of one number, and numbers with both, in both orders."""
    numbers = [arg.flat[0].item() for arg in sample.args]
    one = sample.reference(*[arg.flat[0] for arg in sample.args])
    assert_close(sample.call(*numbers), one, 1e-12, f"{op.name} of Python numbers")
    start = float(weights(rng, ()))
    outcomes: list[list[float]] = []
    for kind in (Value, Tensor):
        nodes: list[Any] = [
            kind(x, requires_grad=i in sample.wanted()) for i, x in enumerate(numbers)
        ]
        result = sample.call(*nodes)
        assert isinstance(result, kind), f"{op.name} of {kind.__name__}s gave another kind."
        outcomes.append([float(result.data), *_derivatives(result, nodes, sample, start)])
    assert_close(outcomes[0], outcomes[1], 1e-12, f"Result and gradients of {op.name} for Values")


def _derivatives(result: Any, nodes: Sequence[Any], sample: Sample, start: float) -> list[float]:
    """Return the gradients, and the gradients of their sum, of nodes of one number."""
    g = type(result)(start)
    result.backward(g, create_graph=True)
    slopes: list[Any] = [nodes[i].grad for i in sample.wanted()]
    for node in nodes:
        node.zero_grad()
    for i, slope in enumerate(slopes):
        if slope.requires_grad:
            slope.backward(i + 1.0)
    second = [float(node.grad) if node.has_grad else 0.0 for node in (*nodes, g)]
    return [*(float(slope.data) for slope in slopes), *second]


LAWS: tuple[Law, ...] = (
    the_result_is_that_of_the_reference,
    the_gradient_is_the_numerical_derivative,
    a_gradient_has_the_shape_and_dtype_of_its_argument,
    a_rule_computes_in_the_dtype_of_the_result,
    a_gradient_is_linear_in_that_of_the_result,
    memory_layout_does_not_matter,
    nothing_that_came_in_is_changed,
    an_array_and_a_node_give_the_same_in_every_position,
    a_recorded_backward_pass_gives_the_same_gradient,
    the_record_is_enough_to_compute_it_again,
    a_diagram_has_a_symbol_for_it,
    the_second_gradient_is_the_numerical_derivative_of_the_first,
)
"""The laws of every operation, the cheap ones first; `LAWS_OF_NUMBERS` come beside them."""

ALSO_EMPTY: frozenset[Law] = frozenset(
    {
        the_result_is_that_of_the_reference,
        a_gradient_has_the_shape_and_dtype_of_its_argument,
        nothing_that_came_in_is_changed,
        a_recorded_backward_pass_gives_the_same_gradient,
        the_record_is_enough_to_compute_it_again,
    }
)
"""The laws to check on arrays without elements too."""

LAWS_OF_NUMBERS: tuple[Law, ...] = (values_give_what_tensors_give,)
"""The laws of operations that take Python numbers and Values."""
