"""What is known of the functions that a tape of arrays calls."""

from __future__ import annotations

import math
import operator as typed_operator
from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Slot, is_a
from micrograd.core.op import Op

operator: Any = typed_operator  # its functions take anything

UFUNCS: dict[Any, Any] = {
    **{operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply},
    **{operator.truediv: np.true_divide, operator.floordiv: np.floor_divide},
    **{operator.mod: np.remainder, operator.matmul: np.matmul},
    **{operator.and_: np.bitwise_and, operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor},
    **{operator.lt: np.less, operator.le: np.less_equal, operator.gt: np.greater},
    **{operator.ge: np.greater_equal, operator.eq: np.equal, operator.ne: np.not_equal},
    **{operator.neg: np.negative, operator.pos: np.positive, operator.invert: np.invert},
    **{operator.abs: np.absolute},
}
"""What the operators do to arrays. `**` is none of them: a scalar exponent has its own ways."""

WRITTEN: dict[Any, Any] = {
    **{operator.iadd: np.add, operator.isub: np.subtract, operator.imul: np.multiply},
    **{operator.itruediv: np.true_divide, operator.ifloordiv: np.floor_divide},
    **{operator.imod: np.remainder, operator.iand: np.bitwise_and},
    **{operator.ior: np.bitwise_or, operator.ixor: np.bitwise_xor},
}
"""What the operators that write to an array do."""

REDUCTIONS: dict[Any, Any] = {
    **{np.sum: np.add.reduce, np.prod: np.multiply.reduce},
    **{np.max: np.maximum.reduce, np.min: np.minimum.reduce},
    **{np.amax: np.maximum.reduce, np.amin: np.minimum.reduce},
}
"""What NumPy's reductions come to, after their wrapper."""

NEW: set[Any] = {
    *(np.empty, np.zeros, np.ones, np.full),
    *(np.empty_like, np.zeros_like, np.ones_like, np.full_like),
}
"""What makes an array to write to."""

PRODUCTS: set[Any] = {
    *(np.matmul, np.dot, np.inner, np.vdot, np.tensordot, np.einsum, np.outer),
    *(operator.matmul, np.linalg.multi_dot),
}
"""What may be computed in another way for an array and itself."""

_WRITING: set[Any] = {
    *(np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal),
    *(operator.setitem, operator.ipow, operator.imatmul, *WRITTEN),
}
_OPERATORS: set[Any] = {*UFUNCS, operator.pow, operator.getitem, operator.index, operator.truth}
_BUILTINS: set[Any] = {bool, int, float, abs, round, max, min, divmod, pow, len}
_OURS: set[Any] = {programs.astype, programs.item}
_PLAIN = (np.ndarray, np.generic, np.dtype, Slot, int, float, complex, str, type, type(None))


def is_ufunc(function: Any) -> bool:
    """Tell whether a function is one of NumPy's that go element by element."""
    return is_a(function, np.ufunc) and function.signature is None


def is_method(function: Any, *names: str) -> bool:
    """Tell whether a function is such a method of a ufunc, as `np.add.reduce` is."""
    owner = getattr(function, "__self__", None)
    return is_a(owner, np.ufunc) and function.__name__ in names


def gives_new(function: Any) -> bool:
    """Tell whether a function always gives arrays that lie in memory of their own.

    >>> gives_new(np.matmul), gives_new(np.reshape)
    (True, False)
    """
    if is_a(function, np.ufunc) or is_method(function, "reduce", "accumulate", "outer"):
        return True
    return function in UFUNCS or function in REDUCTIONS or function in _MAKING


def is_draw(function: Any) -> bool:
    """Tell whether a function is a method of random generators that gives a new array in C order.

    >>> is_draw(np.random.Generator.normal), is_draw(np.random.Generator.permuted)
    (True, False)
    """
    name = getattr(function, "__name__", "")
    return name != "permuted" and getattr(np.random.Generator, name, None) is function


def is_pure(function: Any, arguments: Any = ()) -> bool:
    """Tell whether a call is known to give the same for the same, and to write to nothing.

    >>> is_pure(np.add.reduce), is_pure(np.random.default_rng(0).random), is_pure(print)
    (True, False, False)
    """
    if function is programs.written or function is programs.into:
        inner = arguments[0][0] if function is programs.written else arguments[0][1]
        return _is_known(inner, writing=True) and _are_plain(arguments)
    return _is_known(function) and _are_plain(arguments)


def _is_known(function: Any, writing: bool = False) -> bool:
    if is_a(function, np.ufunc) or is_method(function, "reduce", "accumulate", "outer", "reduceat"):
        return True
    if is_a(function, Op):
        return not function.foreign
    if writing and (
        function is operator.setitem or function in WRITTEN or is_method(function, "at")
    ):
        return True
    if not callable(function) or getattr(function, "__hash__", None) is None:
        return False
    if function in _BUILTINS or function in _OPERATORS or function in _OURS:
        return True
    if writing and (function in _WRITING or is_method(function, "at")):
        return True
    module = getattr(function, "__module__", None) or ""
    if module.split(".")[0] == "numpy":
        known = not module.startswith("numpy.random") and function not in _WRITING
        return known and getattr(function, "__self__", None) is None and not is_a(function, type)
    return module == "math" and getattr(math, function.__name__, None) is function


def _are_plain(thing: Any) -> bool:
    """Tell whether arguments hold data only, or functions that are known themselves."""
    if is_a(thing, tuple, list):
        return all([part.__class__ is Slot or _are_plain(part) for part in thing])
    if is_a(thing, dict):
        return not thing or _are_plain([*thing.values()])
    if is_a(thing, slice):
        return _are_plain([thing.start, thing.stop, thing.step])
    return is_a(thing, *_PLAIN) or thing is ... or _is_known(thing, writing=True)


def depends_on_numbers(function: Any, args: tuple[Any, ...], form_of: Callable[[Any], Any]) -> bool:
    """Tell whether the shape or dtype of what a call gives may depend on numbers."""
    if is_a(function, np.ufunc) or is_method(function, "reduce", "accumulate", "outer"):
        return False
    if function is operator.pow or is_draw(function):
        return False
    if function is operator.getitem:
        index = args[1] if is_a(args[1], tuple) else (args[1],)
        return any(is_a(i, Slot, np.ndarray, list) and _may_pick(i, form_of) for i in index) or any(
            is_a(i, slice) and any(is_a(end, Slot) for end in (i.start, i.stop, i.step))
            for i in index
        )
    return function not in _FIXED


def _may_pick(index: Any, form_of: Callable[[Any], Any]) -> bool:
    form = form_of(index) if is_a(index, Slot) else np.asarray(index)
    return np.dtype(getattr(form, "dtype", form)).kind == "b"  # the form of a number is its class


_MAKING: set[Any] = {
    *NEW, operator.pow, programs.into, programs.written, np.copy, np.dot, np.where, np.take,
    np.mean, np.std, np.var, np.any, np.all, np.argmax, np.argmin, np.argsort, np.sort, np.cumsum,
    np.cumprod, np.take_along_axis, np.clip, np.concatenate, np.stack, np.trace, np.roll,
    np.round, np.tril, np.triu, np.tensordot, np.inner, np.outer, np.kron, np.cross, np.tile,
    np.pad, np.prod, np.searchsorted, np.nan_to_num, np.linalg.inv, np.linalg.det, np.linalg.solve,
    np.linalg.cholesky,
}  # fmt: skip
"""Functions that make an array, whose shape and dtype depend on no numbers."""

_FIXED: set[Any] = {
    *UFUNCS, *REDUCTIONS, *_MAKING, programs.astype, programs.item, np.reshape, np.transpose,
    np.swapaxes, np.squeeze, np.ravel, np.expand_dims, np.moveaxis, np.diagonal, np.flip,
    np.broadcast_to, np.atleast_1d, np.atleast_2d, np.einsum, np.linalg.eigh, np.linalg.svd,
    np.linalg.qr, np.linalg.slogdet, np.split,
}  # fmt: skip
