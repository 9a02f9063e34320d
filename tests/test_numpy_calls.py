"""The law of NumPy's functions: a call with Tensors means what it means with arrays, or is refused.

Many more calls: python -m pytest tests/test_numpy_calls.py -n 0 --times 100
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd import MicrogradError, Node, Tensor
from micrograd.engine.forms import OF_DATA, OF_SHAPE, forms
from micrograd.engine.signatures import name_of, signature_of
from tests.numpy_calls import OPERANDS, UFUNCS, calls, options_of, ufunc_calls

FUNCTIONS = sorted({*forms(), *OF_DATA, *OF_SHAPE}, key=name_of)
EXAMPLES = 10

# These go another way than NumPy's: a sum of products in another order, or a norm without BLAS.
# Their rounding is in proportion to what they give for the absolute values.
_SUMS = {
    *("np.average", "np.cross", "np.dot", "np.einsum", "np.inner", "np.nansum", "np.tensordot"),
    *("np.trace", "np.vdot", "np.linalg.cross", "np.linalg.matmul", "np.linalg.multi_dot"),
    *("np.linalg.norm", "np.linalg.tensordot", "np.linalg.trace", "np.linalg.matrix_power"),
}


# These come from another function of LAPACK's: the largest element tells how far any may be off.
_LAPACK = {"np.linalg.eigvalsh", "np.linalg.qr", "np.linalg.svd", "np.linalg.svdvals"}


def largest(result: Any) -> Any:
    """Return the largest of each matrix, or row of values, times its length; of each result."""
    if isinstance(result, tuple):
        return [largest(one) for one in result]
    axes = tuple(range(-min(result.ndim, 2), 0))
    return np.max(abs(result), axis=axes, keepdims=True, initial=0).astype(float) * 4


def public(error: Exception) -> type[Exception]:
    """Return the class that a user may catch."""
    modules = ("builtins", "numpy.exceptions", "numpy.linalg")
    return next(kind for kind in type(error).__mro__ if kind.__module__ in modules)


def attempt(function: Any, args: Any, options: Any) -> tuple[Any, Exception | None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*args, **options), None
        except Exception as error:
            return None, error


def arrays_in(thing: Any) -> Iterator[Any]:
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from arrays_in(item)
    elif isinstance(thing, np.ndarray):
        yield thing


def mapped(thing: Any, change: Callable[[Any], Any]) -> Any:
    """Return arguments with each array changed."""
    if isinstance(thing, dict):
        return {key: mapped(item, change) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)([mapped(item, change) for item in thing])
    return change(thing) if isinstance(thing, np.ndarray) else thing


class Wrapped:
    """Arrays as Tensors: the first that comes, and of the others those that `choices` says."""

    def __init__(self, choices: int) -> None:
        self._choices = choices
        self.tensors: list[tuple[Any, Any]] = []

    def __call__(self, array: Any) -> Any:
        turn = len(self.tensors)
        kind = (self._choices >> 2 * turn) % 4
        if array.dtype.kind not in "fiub" or (turn and kind == 0):
            self.tensors.append((None, None))
            return array.copy()
        tensor = Tensor(array, requires_grad=None if kind else False)
        self.tensors.append((tensor, array.copy()))
        return tensor


def parts_of(result: Any) -> Any:
    """Return what is to be equal: the kind of several results, or the data of one."""
    if isinstance(result, (list, tuple)):
        return getattr(result, "_fields", len(result)), [parts_of(item) for item in result]
    if isinstance(result, (str, np.dtype, type)):
        return str(result), []
    return None, np.asarray(result._data if isinstance(result, Node) else result)


def assert_same(ours: Any, numpys: Any, scale: Any, call: str) -> None:
    (kind, mine), (their_kind, theirs) = parts_of(ours), parts_of(numpys)
    assert kind == their_kind, call
    if kind is not None:
        scales = scale if scale is not None and len(scale) == len(mine) else [None] * len(mine)
        for i in range(len(mine)):
            assert_same(ours[i], numpys[i], scales[i], f"{call}[{i}]")
        return
    assert mine.shape == theirs.shape, call
    assert mine.dtype == theirs.dtype, call
    if np.array_equal(mine, theirs, equal_nan=mine.dtype.kind in "fc"):
        return
    assert mine.dtype.kind in "fc", call
    with np.errstate(all="ignore"):
        size = abs(theirs) if scale is None else np.maximum(abs(theirs), abs(np.asarray(scale)))
        near = abs(mine - theirs) <= 4 * np.spacing(size.astype(theirs.dtype))
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    assert np.all(near | same), f"{call}: {mine} is not {theirs}"


def check(function: Any, args: Any, options: Any, choices: int) -> None:
    """Assert that a call with Tensors gives what it gives with arrays, or a typed error."""
    name = getattr(function, "__self__", function).__name__
    name = name_of(function) if hasattr(function, "__module__") else name
    numpys, theirs = attempt(function, *copy.deepcopy((args, options)))
    wrap = Wrapped(choices)
    with_tensors = mapped(args, wrap), mapped(options, wrap)
    call = f"{name}{with_tensors}"
    ours, mine = attempt(function, *with_tensors)
    for tensor, before in wrap.tensors:
        if tensor is not None:
            np.testing.assert_array_equal(tensor._data, before, err_msg=f"{call} wrote")
    if not any(tensor is not None for tensor, _ in wrap.tensors):
        return
    if mine is not None:
        assert isinstance(mine, MicrogradError), f"{call} raised {mine!r}"
        assert theirs is None or isinstance(mine, public(theirs)), f"{call}: {mine!r}, {theirs!r}"
        assert len(str(mine)) <= 600, f"{call}: {mine}"
        return
    assert theirs is None, f"{call} gave {ours!r}, but NumPy raised {theirs!r}"
    if function is np.empty_like:  # any numbers
        ours, numpys = np.zeros_like(ours), np.zeros_like(numpys)
    scale = None
    if name in _SUMS:
        scale, _ = attempt(function, *mapped((list(args), options), abs))
    if name in _LAPACK:
        scale = largest(numpys)
    assert_same(ours, numpys, scale, call)
    for result in ours if isinstance(ours, (list, tuple)) else [ours]:
        if isinstance(result, Tensor) and result.requires_grad:
            assert_differentiable(result, call)


def assert_differentiable(result: Tensor, call: str) -> None:
    _, error = attempt(result.backward, (np.ones(result.shape),), {})
    assert error is None or isinstance(error, MicrogradError), f"{call}: {error!r}"


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_a_call_means_what_it_means_to_numpy(function: Any, examples: Callable[[int], int]) -> None:
    @settings(max_examples=examples(EXAMPLES))
    @given(calls(function), st.integers(0, 2**12))
    def law(call: Any, choices: int) -> None:
        args, options = call
        check(function, args, options, choices)

    law()


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_an_elementwise_function_means_what_it_means_to_numpy(
    ufunc: Any, examples: Callable[[int], int]
) -> None:
    @settings(max_examples=examples(EXAMPLES))
    @given(ufunc_calls(ufunc), st.integers(0, 2**12))
    def law(call: Any, choices: int) -> None:
        method, args, options = call
        check(getattr(ufunc, method), args, options, choices)

    law()


LARGE: list[Any] = [np.full((30, 30), 0.5), list(np.linspace(0, 1, 900)), "long" * 300]


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_no_error_prints_what_is_large(function: Any) -> None:
    signature: Any = signature_of(function)
    tensor = Tensor(np.ones((30, 30)))
    required = [p.name for p in signature.parameters.values() if p.default is p.empty]
    for name in signature.parameters:
        for large in LARGE:
            given = dict.fromkeys(required, tensor) | {name: large}
            if next(iter(given)) == name:
                given = dict.fromkeys(required, large) | {name: tensor}
            args = [given.pop(key) for key in list(given) if key in required]
            _, error = attempt(function, args, given)
            if isinstance(error, MicrogradError):
                assert len(str(error)) <= 600, f"{name_of(function)}, {name}: {error}"
                assert "\n" not in str(error), f"{name_of(function)}, {name}: {error}"


def test_every_function_and_every_argument_is_drawn() -> None:
    for function in FUNCTIONS:
        assert name_of(function) in OPERANDS
        options_of(function)
