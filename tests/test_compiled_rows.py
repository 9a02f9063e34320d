"""Every operation compiled: values and gradients of first and second order are the eager ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from micrograd.core.op import registry
from tests.domains import calls_of
from tests.twins import bits

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

OURS = sorted(name for name, op in registry.items() if not op.foreign)  # other tests define some

FORWARDS = [
    *("cholesky", "cosine", "eigh", "linear_scan", "log_softmax"),
    *("norm", "std", "tanh_slope", "turn"),
]
DERIVATIVES = [
    *("eigh", "float_power", "logabsdet", "norm", "pinv"),
    *("power", "prod", "qr", "svd", "var"),
]
"""Operations whose forward, or derivative for the first argument, asks for elements of arrays."""

USED: dict[str, set[str]] = {
    **{name: {"cosine"} for name in ("arcsinh", "arctan", "hypot", "turn")},
    **{name: {"tanh_slope"} for name in ("log_sigmoid", "logaddexp", "logaddexp2", "sigmoid")},
    **{"softplus": {"tanh_slope"}, "tanh": {"tanh_slope"}},
    **{"arctan2": {"cosine", "turn"}, "cumprod": {"linear_scan"}, "std": {"norm"}},
}
"""What else of that sort their derivatives call."""


def opaque_of(name: str) -> set[str]:
    """Return what is called as it is, since it cannot be told, for gradients of an operation."""
    forwards = {name} & {*FORWARDS} | USED.get(name, set())
    rules = {f"the derivative of {name} for argument 0"} if name in DERIVATIVES else set[str]()
    return {f"the forward of {op}" for op in forwards} | rules


def others(arrays: Sequence[Array]) -> list[Array]:
    """Return other numbers of the same kinds: in another order, or multiples of matrices."""
    return [
        np.asarray(x * x.dtype.type(1.0625))
        if x.ndim >= 2 and x.shape[-1] == x.shape[-2] and x.dtype.kind == "f"
        else np.roll(x.ravel(), 1).reshape(x.shape)
        for x in arrays
    ]


def weights(y: Any) -> Array:
    """Return factors for the elements of a result, so that no two gradients are alike."""
    return np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)


def first_order(call: Function) -> Function:
    """Return a function of leaves that returns results, and leaves gradients."""

    def run(*leaves: Any) -> Any:
        y = call(*leaves)
        (y * weights(y)).sum().backward()
        return y

    return run


def second_order(call: Function) -> Function:
    """Return a function of leaves that returns a Hessian times a vector."""

    def run(*leaves: Any) -> Any:
        floats = tuple([x for x in leaves if x.dtype.kind == "f"])

        def loss(*floats: Any) -> Any:
            rest = iter(floats)
            y = call(*[next(rest) if x.dtype.kind == "f" else x for x in leaves])
            return (y * weights(y)).sum()

        tangents = [np.sin(np.arange(x.size)).reshape(x.shape).astype(x.dtype) for x in floats]
        return mg.hvp(loss, floats, tuple([Tensor(t, requires_grad=False) for t in tangents]))

    return run


def calls_with(name: str, dtype: Any) -> Iterator[tuple[Function, list[Tensor]]]:
    """Yield calls of an operation as its domain draws them, with leaves."""
    for sample, _ in calls_of(name, 1, 2):
        yield sample.call, sample.leaves(sample.cast(dtype))


def assert_compiles(function: Function, leaves: Sequence[Tensor]) -> set[str]:
    """Assert that a function is the same compiled, at inputs other than those recorded.

    Returns:
        what is called as it is.
    """
    compiled = mg.compile(function)
    arrays = [np.array(leaf.data) for leaf in leaves]
    rounds = [arrays, arrays, others(arrays), others(others(arrays))]
    for number, given in enumerate(rounds):
        one, two = (
            [
                Tensor(x, requires_grad=leaf.requires_grad)
                for x, leaf in zip(given, leaves, strict=True)
            ]
            for _ in range(2)
        )
        expected, found = function(*one), compiled(*two)
        assert bits(found) == bits(expected), f"call {number}: {found!r} is not {expected!r}"
        assert bits(two) == bits(one), f"call {number}: {two!r} is not {one!r}"
    assert compiled.programs
    return {what for program in compiled.programs for what in program._replay.recording.opaque}


SLOW = {"cofactors_slope", "eigh", "nan_to_num", "svd", "windows"}


def with_marks(names: Sequence[str]) -> list[Any]:
    """Return names, of which some take a while."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in names]


@pytest.mark.parametrize("name", with_marks(OURS))
def test_every_operation_replays_at_other_inputs(name: str, examples: Callable[[int], int]) -> None:
    opaque: set[str] = set()
    with np.errstate(all="ignore"):
        for dtype in (np.float64, np.float32)[: examples(5)]:
            for call, leaves in calls_with(name, dtype):
                opaque |= assert_compiles(first_order(call), leaves)
                if dtype is np.float64:
                    opaque |= assert_compiles(second_order(call), leaves)
    assert opaque == opaque_of(name)


def test_most_operations_are_told_whole() -> None:
    assert (len(OURS), len({*FORWARDS, *DERIVATIVES})) == (123, 17)


def of_numbers(name: str) -> Iterator[tuple[Function, list[float]]]:
    """Yield calls of an operation with numbers, as its domain draws them, if it takes them."""
    op = registry[name]
    for sample, _ in calls_of(name, 1, 3):
        node = sample.call(*sample.leaves(sample.cast(np.float64)))
        numbers = [parent.data.ravel()[0].item() for parent in node.parents if parent.size]
        settings = node.settings

        def call(*args: Any, settings: dict[str, Any] = settings) -> Any:
            return op(*args, **settings)

        try:
            call(*map(Value, numbers)).backward()
        except (mg.OperandError, mg.ShapeError, TypeError, ValueError):
            continue
        yield call, numbers


OF_NUMBERS = [name for name in OURS if not registry[name].arrays_only]


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_every_operation_of_numbers_replays_at_others(name: str) -> None:
    for call, numbers in of_numbers(name):

        def first(*leaves: Value, call: Function = call) -> Any:
            call(*leaves).backward()
            return call(*leaves)

        def second(*leaves: Value, call: Function = call) -> Any:
            return mg.hvp(call, leaves, (1.5,) * len(leaves))

        for function in (first, second):
            compiled = mg.compile(function)
            for factor in (1, 1, 0.75, 1.0625, 0.5):
                one, two = ([Value(x * factor) for x in numbers] for _ in range(2))
                assert bits(compiled(*two)) == bits(function(*one)), (numbers, factor)
                assert bits(two) == bits(one)
            assert compiled.programs


def test_many_operations_take_numbers() -> None:
    assert len(OF_NUMBERS) == sum(1 for name in OF_NUMBERS if [*of_numbers(name)])
