"""How a call of NumPy's is made with this library's function, argument by argument.

A call is bound by NumPy's own signature. What NumPy requires is handed on in order, everything
else by name: so a function of this library serves as it is where its settings have NumPy's names
and meaning. Where they differ, a function here stands between the two: it has NumPy's names, but
only those of the arguments that it honours. Any other argument is refused by name, unless it has
the value that NumPy gives it by default.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from micrograd import linalg, ops
from micrograd.core.node import Node
from micrograd.engine.signatures import UNGIVEN, Function, name_of, signature_of
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import array_of, arrays_of, axes_of, plain, shown


class Form:
    """A function of NumPy's as it is called, and what is called in its place.

    Args:
        function: NumPy's.
        ours: takes what NumPy requires, in order, and settings by NumPy's names.
        nodes: those of the settings that a gradient may go through.

    Attributes:
        settings: the names of what can be honoured beside that.
    """

    def __init__(self, function: Function, ours: Function, nodes: frozenset[str]) -> None:
        signature = signature_of(function)
        assert signature is not None, f"{name_of(function)} needs a row in micrograd.signatures"
        self.signature = signature
        self._name = name_of(function)
        self._ours = ours
        self._nodes = nodes
        parameters = signature.parameters.values()
        self._required = [p.name for p in parameters if p.default is p.empty and p.kind < _STAR]
        self.settings = _settings_of(ours, len(self._required))
        self._defaults: dict[str, Any] = {  # ours may have others
            p.name: p.default
            for p in parameters
            if p.name in self.settings and p.default not in (p.empty, UNGIVEN)
        }
        self._places = [p.name for p in parameters if p.kind < _STAR]
        self._names = {p.name for p in parameters if p.kind in _NAMED}
        self._star = next((p.name for p in parameters if p.kind == _STAR), None)
        self._rest = next((p.name for p in parameters if p.kind > _KEYWORD), None)

    def __call__(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Return what the call gives, or refuse what cannot be honoured."""
        if self._star is None and not options and len(args) == len(self._required):
            return self._ours(*args, **self._defaults)
        given = self._bound(args, options)
        operands = [*map(given.pop, self._required), *given.pop(self._star, ())]
        given |= given.pop(self._rest, {})
        settings = dict(self._defaults)
        for name, value in given.items():
            if value is UNGIVEN:
                continue
            if name in self.settings:
                settings[name] = self._without_graph(name, value)
            elif not self._is_default(name, value):
                raise OperandError(
                    f"{self._name}: {name}={shown(value)} cannot be honoured for a Tensor. "
                    f"{_INSTEAD.get(name, 'Leave it out.')}"
                )
        return self._ours(*operands, **settings)

    def _bound(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[Any, Any]:
        """Return the arguments by NumPy's names, as `inspect` does, only faster."""
        given = dict(zip(self._places, args, strict=False))
        whole = self._star is None and len(args) <= len(self._places)
        if whole and self._names.issuperset(options) and given.keys().isdisjoint(options):
            given |= options
            if all([name in given for name in self._required]):
                return given
        return self.signature.bind(*args, **options).arguments

    def _is_default(self, name: str, value: Any) -> bool:
        parameter = self.signature.parameters.get(name)
        default: Any = UNGIVEN if parameter is None else parameter.default
        simple = isinstance(value, (bool, int, str, np.bool_)) and isinstance(default, (bool, str))
        return value is default or (simple and value == default)

    def _without_graph(self, name: str, value: Any) -> Any:
        """Return a setting as plain data, unless a gradient may go through it."""
        if not isinstance(value, Node) or name in self._nodes:
            return value
        if value.requires_grad:
            raise OperandError(
                f"{self._name}: {name} has no gradient, but came {shown(value)} that requires one. "
                "Give its .data, if it is meant as a constant."
            )
        return value._data


_STAR = inspect.Parameter.VAR_POSITIONAL
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, _KEYWORD)

# These tell something that has no gradient; they get the plain arrays.
OF_DATA = frozenset(
    function
    for name in (
        *("shape", "ndim", "size", "result_type", "can_cast", "min_scalar_type", "common_type"),
        *("allclose", "isclose", "array_equal", "array_equiv", "isin"),
        *("isreal", "iscomplex", "iscomplexobj", "isrealobj", "isneginf", "isposinf"),
        *("shares_memory", "may_share_memory", "einsum_path"),
        *("all", "any", "count_nonzero", "nonzero", "flatnonzero", "argwhere"),
        *("argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argpartition", "lexsort"),
        *("searchsorted", "digitize", "array_repr", "array_str", "array2string"),
        "linalg.matrix_rank",
    )
    if (function := getattr(np.linalg if "." in name else np, name.rpartition(".")[2], None))
)
# These take from their first argument the shape and the dtype only.
OF_SHAPE = frozenset({np.zeros_like, np.ones_like, np.empty_like, np.full_like})

# What to do instead of giving an argument that cannot be honoured.
_INSTEAD = {
    "UPLO": "Leave it out, and give symmetric matrices.",
    "append": "Leave it out, and join the parts first, with micrograd.concatenate.",
    "casting": "Leave it out, and convert the arguments first, with x.astype(dtype).",
    "copy": "Leave it out: the argument is never written into, nor copied without need.",
    "correction": "Give ddof, which means the same.",
    "dtype": "Leave it out, and convert what goes in or comes out, with x.astype(dtype).",
    "hermitian": "Leave it out, or use micrograd.linalg.eigh.",
    "initial": "Leave it out, and combine it with the result.",
    "mean": "Leave it out: the mean is a part of what is differentiated.",
    "mode": "Leave it out, and bring the indices into the range first, as with indices % n.",
    "order": "Leave it out: the last axis runs fastest. Transpose first for another order.",
    "out": "Leave it out, and use what the call returns.",
    "prepend": "Leave it out, and join the parts first, with micrograd.concatenate.",
    "returned": "Leave it out, and sum up the weights yourself.",
    "sparse": "Leave it out, and reshape each array, which then broadcasts.",
    "where": "Leave it out, and choose the elements with micrograd.where or an index.",
}


def _settings_of(ours: Function, count: int) -> set[str]:
    """Return the names of the settings, which stand after `count` arguments."""
    parameters = list(inspect.signature(ours).parameters.values())[count:]
    return {p.name for p in parameters if p.kind in _NAMED}


# What stands between: NumPy's names, and what they mean there.


def _average(a: Any, axis: Any = None, weights: Any = None, keepdims: Any = False) -> Any:
    if weights is None and 0 in np.shape(plain(a)):
        raise ArgumentError(
            f"np.average: came an array of shape {np.shape(plain(a))}, which has no elements to "
            "average. Use np.mean, which gives nan for none."
        )
    axes: Any = axis if axis is None else axes_of("average", axis, np.ndim(plain(a)))
    return ops.average(a, axes, weights, keepdims)


def _clip(
    a: Any,
    a_min: Any = UNGIVEN,
    a_max: Any = UNGIVEN,
    min: Any = UNGIVEN,
    max: Any = UNGIVEN,
) -> Any:
    bounds = [a_min, a_max, min, max]
    came = [bound is not UNGIVEN for bound in bounds]
    if came[0] != came[1] or (came[0] and (came[2] or came[3])):
        raise ArgumentError(
            "np.clip: expected both a_min and a_max, or min and max by their names, but came "
            "others. Give None for a bound that is not there."
        )
    low, high = bounds[:2] if came[0] else [None if b is UNGIVEN else b for b in bounds[2:]]
    floating = any(isinstance(b, float) and math.isinf(b) for b in (low, high))
    if floating and array_of("clip", a).dtype.kind != "f":  # no bound to ours, but a float
        a = ops.astype(a, np.result_type(array_of("clip", a).dtype, float))
    return ops.clip(a, low, high)


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    if axis is None:
        arrays = [ops.ravel(x) for x in arrays_of("concatenate", arrays)]
    return ops.concatenate(arrays, 0 if axis is None else axis)


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a = ops.moveaxis(array_of("cross", a), axisa, -1)
    b = ops.moveaxis(array_of("cross", b), axisb, -1)
    return ops.moveaxis(ops.cross(a, b), -1, axisc)


def _einsum(*operands: Any, optimize: Any = False) -> Any:
    if not isinstance(optimize, bool) and optimize not in ("greedy", "optimal"):
        raise ArgumentError(
            f"np.einsum: optimize is True, False, 'greedy' or 'optimal' for a Tensor, but came "
            f"{shown(optimize)}. Leave it out: a good order is looked for in any case."
        )
    return ops.einsum(*operands)


def _median(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if 0 in np.shape(plain(a)) and axis in ((), []):
        raise ArgumentError(
            "np.median: came an array without elements, and no axis to reduce. Leave axis out."
        )
    return ops.median(a, axis, keepdims)


def _outer_of_vectors(x1: Any, x2: Any) -> Any:
    x1, x2 = array_of("outer", x1), array_of("outer", x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            f"np.linalg.outer: expected two vectors, but came shapes {x1.shape} and {x2.shape}. "
            "Use np.outer or micrograd.outer, which flatten what they get."
        )
    return ops.outer(x1, x2)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = UNGIVEN) -> Any:
    if constant_values is UNGIVEN:
        return ops.pad(array, pad_width, mode)
    if mode != "constant":
        raise ArgumentError(
            f"np.pad: constant_values came for the mode {shown(mode)}, which takes none. Leave "
            'them out, or use the mode "constant".'
        )
    return ops.pad(array, pad_width, mode, constant_values)


def _pinv(a: Any, rcond: Any = None, rtol: Any = UNGIVEN) -> Any:
    if rcond is None and rtol is UNGIVEN:
        rcond = 1e-15  # NumPy's default, which is not ours
    elif rcond is not None and rtol is not UNGIVEN:
        raise ArgumentError("np.linalg.pinv: rcond and rtol came, which mean the same. Give one.")
    elif rtol is None:
        np.finfo(plain(a).dtype)  # refuses integers, as NumPy does
    return ops.pinv(a, rtol=rtol if rcond is None else rcond)


def _qr(a: Any, mode: Any = "reduced") -> Any:
    if mode not in ("reduced", "r"):
        raise ArgumentError(
            f"np.linalg.qr: mode={shown(mode)} cannot be honoured for a Tensor: what else it asks "
            'for is not determined by the matrix. Give mode="reduced", or "r" for R alone.'
        )
    factors = ops.qr(a)
    return factors if mode == "reduced" else factors.R


def _reshape(a: Any, shape: Any = None, newshape: Any = None) -> Any:
    if (shape is None) == (newshape is None):
        raise OperandError("np.reshape: expected one shape. Give it once, as in np.reshape(x, -1).")
    return ops.reshape(a, newshape if shape is None else shape)


def _solve(a: Any, b: Any) -> Any:
    if _NUMPY_1 and 1 < np.ndim(plain(b)) == np.ndim(plain(a)) - 1:
        raise ShapeError(
            "np.linalg.solve: b is a stack of vectors to NumPy 1, and a matrix to NumPy 2. Give "
            "vectors as b[..., None], or use micrograd.linalg.solve for a matrix."
        )
    return ops.solve(a, b)


_NUMPY_1 = np.lib.NumpyVersion(np.__version__) < "2.0.0"


def _sort(a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    if kind not in _KINDS or (kind is not None and stable is not None):
        raise ArgumentError(
            f"np.sort: kind is None or one of {', '.join(_KINDS[1:])}, without `stable` beside it, "
            f"but came {shown(kind)}. Leave it out: equal elements keep their order in any case."
        )
    return ops.sort(a, axis)


_KINDS: tuple[Any, ...] = (None, "quicksort", "heapsort", "mergesort", "stable")


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True) -> Any:
    shape = np.shape(plain(a))
    if not compute_uv:
        return ops.svdvals(a)
    if full_matrices and len(shape) > 1 and shape[-1] != shape[-2]:
        raise ArgumentError(
            f"np.linalg.svd: full_matrices=True, NumPy's default, asks for vectors that a matrix "
            f"of shape {shape[-2:]} does not determine, and which have no derivative. Give "
            "full_matrices=False."
        )
    return ops.svd(a)


def _where(condition: Any, x: Any = UNGIVEN, y: Any = UNGIVEN) -> Any:
    if x is UNGIVEN and y is UNGIVEN:
        return np.nonzero(plain(condition))
    if x is UNGIVEN or y is UNGIVEN:
        raise ArgumentError(
            "np.where: came a condition and one array. Give two, for where it is true and where "
            "it is not, or none for the places where it is true."
        )
    return ops.where(condition, x, y)


_BETWEEN: dict[str, Function] = {
    "np.average": _average,
    "np.clip": _clip,
    "np.concatenate": _concatenate,
    "np.cross": _cross,
    "np.einsum": _einsum,
    "np.linalg.outer": _outer_of_vectors,
    "np.linalg.pinv": _pinv,
    "np.linalg.qr": _qr,
    "np.linalg.solve": _solve,
    "np.linalg.svd": _svd,
    "np.median": _median,
    "np.pad": _pad,
    "np.reshape": _reshape,
    "np.sort": _sort,
    "np.where": _where,
}
_NODES = {
    "np.average": frozenset({"weights"}),
    "np.clip": frozenset({"a_min", "a_max", "min", "max"}),
    "np.where": frozenset({"x", "y"}),
}
# What has another name in NumPy as well.
_SYNONYMS = {"amax": "max", "amin": "min", "around": "round"}


@cache
def forms() -> dict[Function, Form]:
    """Return how each function of NumPy's is called that this library has.

    >>> forms()[np.diagonal](([[1.0, 2.0], [3.0, 4.0]], 1), {}).tolist()
    [2.0]
    """
    names = {name: name for name in ops.__all__} | _SYNONYMS
    found: dict[Any, Function] = {
        getattr(np, name, None): getattr(ops, ours) for name, ours in names.items()
    }
    for name in linalg.__all__:
        found[getattr(np.linalg, name, None)] = getattr(linalg, name)
    return {
        function: Form(
            function,
            _BETWEEN.get(name_of(function), ours),
            _NODES.get(name_of(function), frozenset()),
        )
        for function, ours in found.items()
        if callable(function)
        and not isinstance(function, (np.ufunc, type))
        and function not in OF_DATA
    }
