"""Calls of NumPy's functions, drawn for NumPy's own signatures.

`OPERANDS` says for every function that Tensors take how what it requires is drawn; `OPTIONS` how
any other argument is, by its name. Both hold right and wrong values: where NumPy raises, this
library has to. Elements come from a seeded generator; shapes, dtypes and options are Hypothesis's.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.engine.forms import forms
from micrograd.engine.signatures import UNGIVEN, name_of, signature_of

Draw = Callable[[Any], Any]
Array = np.ndarray[Any, Any]

DTYPES = ("f8", "f8", "f8", "f4", "f2", "i8", "i1", "u1", "?")


def elements(draw: Draw, shape: tuple[int, ...], dtypes: Any = DTYPES) -> Array:
    """Return an array whose sums and products are mostly exact; one in eight has nan or inf."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    x = rng.integers(-3, 4, shape).astype("f8")
    if dtype.kind == "u":
        x = abs(x) * 60
    elif dtype.kind == "i":
        x *= draw(st.sampled_from([1, 30]))
    elif dtype.kind == "f":
        x *= draw(st.sampled_from([1.0, 0.5, 0.3]))
        if draw(st.integers(1, 8)) == 1:
            where = rng.integers(0, 4, shape) == 0
            x = np.where(where, rng.choice([np.nan, np.inf, -np.inf], shape), x)
    return np.asarray(x.astype(dtype))


SHAPES = st.lists(st.integers(1, 4), max_size=3).map(tuple) | st.sampled_from(
    [(0,), (2, 0), (3, 3), (2, 3, 3), (2, 2, 2, 2)]
)


def array(draw: Draw) -> Array:
    """Return an array of any shape."""
    return elements(draw, draw(SHAPES))


def alike(draw: Draw, x: Array) -> Array:
    """Return an array that broadcasts with another, mostly."""
    shape = tuple([n if draw(st.integers(0, 3)) else 1 for n in x.shape])
    shape = draw(st.sampled_from([x.shape, x.shape, shape, shape[1:], (), (7,)]))
    return elements(draw, shape)


def finite(x: Array) -> Array:
    """Return an array with 1 in place of inf and nan."""
    return np.where(np.isfinite(x), x, x.dtype.type(1))


def matrix(draw: Draw, dtypes: Any = ("f8", "f8", "f4", "i8", "f2")) -> Array:
    """Return matrices of any shape; of inf and nan, LAPACK leaves whatever comes."""
    shape = draw(st.sampled_from([(2, 2), (3, 3), (2, 3), (3, 2), (2, 3, 3), (2, 2, 3), (3,), ()]))
    return finite(elements(draw, shape, dtypes))


def square(draw: Draw) -> Array:
    """Return square matrices, mostly: well conditioned, singular, or of other shapes."""
    x = matrix(draw) if draw(st.integers(0, 3)) == 0 else None
    if x is None:
        x = elements(draw, draw(st.sampled_from([(1, 1), (2, 2), (3, 3), (2, 2, 2)])), ("f8",))
    x = finite(x)
    if x.ndim > 1 and x.shape[-1] == x.shape[-2] and draw(st.booleans()):
        x = x + 5 * np.eye(x.shape[-1], dtype=x.dtype)
    return x


def symmetric(draw: Draw) -> Array:
    """Return symmetric matrices, mostly."""
    x = square(draw)
    if x.ndim > 1 and x.shape[-1] == x.shape[-2] and draw(st.integers(0, 5)):
        x = x + np.swapaxes(x, -1, -2)
    return x


def an_axis(draw: Draw, x: Array) -> Any:
    """Return an axis, mostly one that is there."""
    n = x.ndim
    return draw(
        st.integers(-n, n - 1) if n and draw(st.integers(0, 5)) else st.sampled_from([n, -n - 1, 5])
    )


def axes(draw: Draw, x: Array) -> Any:
    """Return an axis, several, or what is none."""
    kind = draw(st.integers(0, 9))
    if kind < 4:
        return an_axis(draw, x)
    if kind < 7:
        return tuple(draw(st.lists(st.integers(-x.ndim, max(x.ndim - 1, 0)), max_size=2)))
    return draw(st.sampled_from([None, None, np.int64(0), 0.0, "a", [0]]))


def some(*values: Any) -> Callable[[Draw, Array], Any]:
    """Return a strategy for one of some values."""
    return lambda draw, x: draw(st.sampled_from(values))


OPTIONS: dict[str, Callable[[Draw, Array], Any]] = {
    "a_max": lambda draw, x: (
        draw(st.sampled_from([None, 1, 2.5, np.inf])) if draw(st.booleans()) else alike(draw, x)
    ),
    "append": some(UNGIVEN, 1.0, np.ones(2)),
    "assume_unique": some(False, True),
    "atol": some(1e-8, 0.5),
    "axes": some((0, 1), (1, 0), (-1, 0), None, 1, 0),
    "axis": axes,
    "casting": some("same_kind", "unsafe", "no", "nonsense"),
    "compute_uv": some(True, False),
    "copy": some(True, False, None),
    "correction": some(UNGIVEN, 0, 1),
    "ddof": some(0, 1, 0.5, 2),
    "decimals": some(0, 1, -1, 2, 1.5),
    "device": some(None, "cpu", "gpu"),
    "dtype": some(None, "f4", "f8", "i8", float, "nonsense"),
    "edgeitems": some(None, 1),
    "equal_nan": some(False, True),
    "floatmode": some(None, "fixed"),
    "formatter": some(None),
    "full_matrices": some(True, False),
    "hermitian": some(False, True),
    "indexing": some("xy", "ij", "zz"),
    "initial": some(UNGIVEN, 0, 2.0, None),
    "invert": some(False, True),
    "k": some(0, 1, -1, 3, -4, 1.5),
    "keepdims": some(False, True, UNGIVEN, 1),
    "kind": some(None, "stable", "quicksort", "mergesort", "heapsort", "nonsense"),
    "kth": some(0, 1),
    "legacy": some(None),
    "max_line_width": some(None, 40),
    "mean": some(UNGIVEN, 1.0),
    "mode": some("raise", "wrap", "clip", "nonsense"),
    "n": some(0, 1, 2, 3, -1, 1.5),
    "nan": some(0.0, 7, -1.5, np.ones(2)),
    "offset": some(0, 1, -1, 3, 1.5),
    "optimize": some(False, True, "greedy", "optimal", "nonsense"),
    "ord": some(None, 1, 2, -1, 3, 0.5, np.inf, -np.inf, "fro", "nuc", 0, -2, "nonsense"),
    "order": some(None, "C", "F", "K", "A"),
    "out": some(None, UNGIVEN, UNGIVEN, [0.0]),  # UNGIVEN: an array that fits, to be made
    "overwrite_input": some(False, True),
    "precision": some(None, 3),
    "prefix": some("", "x"),
    "returned": some(False, True),
    "right": some(False, True),
    "rtol": some(1e-5, 0.0, 0.5, None),
    "separator": some(" ", ", "),
    "shape": some(None, (2,), (2, 3), 3),
    "side": some("left", "right", "nonsense"),
    "sign": some(None, "+"),
    "sorter": some(None),
    "sparse": some(False, True),
    "stable": some(None, True, False),
    "strides": some(None),
    "style": some(UNGIVEN),
    "subok": some(True, False),
    "suffix": some("", "x"),
    "suppress_small": some(None, True),
    "threshold": some(None, 2),
    "tol": some(None, 0.1),
    "upper": some(False, True),
    "where": lambda draw, x: (
        draw(st.sampled_from([True, UNGIVEN, np.True_]))
        if draw(st.booleans())
        else elements(draw, x.shape, ("?",))
    ),
    "x": lambda draw, x: alike(draw, x),
    "y": lambda draw, x: alike(draw, x),
    "max_work": some(None),
    "min_itemsize": some(None),
    "keys": some(None),
    "UPLO": some("L", "U", "l", "X"),
    "weights": lambda draw, x: None if draw(st.booleans()) else alike(draw, x),
    "axisa": lambda draw, x: an_axis(draw, x),
    "axisb": lambda draw, x: an_axis(draw, x),
    "axisc": lambda draw, x: an_axis(draw, x),
    "axis1": lambda draw, x: an_axis(draw, x),
    "axis2": lambda draw, x: an_axis(draw, x),
    "posinf": some(None, 9.0, -1),
    "neginf": some(None, -9.0, 1),
    "rcond": some(None, 1e-15, 0.1, 2.0),
    "constant_values": some(0, 2, 1.5, (1, 2), ((1, 2),)),
    "end_values": some(0, 1.0),
    "stat_length": some(None, 1),
    "reflect_type": some("even", "odd"),
}
OPTIONS["a_min"] = OPTIONS["min"] = OPTIONS["max"] = OPTIONS["a_max"]
OPTIONS["prepend"] = OPTIONS["append"]
OPTIONS["newshape"] = OPTIONS["shape"]

# Where a name means something else than in other functions.
OWN_OPTIONS: dict[str, dict[str, Callable[[Draw, Array], Any]]] = {
    "np.pad": {
        "mode": some("constant", "edge", "reflect", "symmetric", "wrap", "mean", "empty", "zz"),
    },
    "np.linalg.qr": {"mode": some("reduced", "complete", "r", "raw", "nonsense")},
    "np.linalg.tensordot": {
        "axes": some(0, 1, 2, 5, ([0], [0]), (1, 0), ((0, 1), (0, 1)), ([0, 0], [0, 1]), "zz"),
    },
    "np.transpose": {
        "axes": lambda draw, x: (
            draw(st.permutations(range(x.ndim)))
            if draw(st.booleans())
            else draw(st.sampled_from([None, (0,), (0, 0), (1, 0), (-1, 0)]))
        ),
    },
    "np.cross": {"axis": lambda draw, x: draw(st.sampled_from([None, 0, -1, 1, 5]))},
    "np.linalg.pinv": {"rtol": some(UNGIVEN, None, 0.1)},
    "np.where": {},
    "np.full_like": {},
    "np.isin": {"kind": some(None, "sort")},
    "np.argpartition": {"kind": some("introselect")},
    "np.average": {"axis": axes},
    "np.isneginf": {"out": some(None)},
    "np.einsum_path": {"einsum_call": some(False)},
    "np.linalg.matrix_rank": {"tol": some(None, 0.1), "rtol": some(None, 0.1)},
    "np.shares_memory": {"max_work": some(None)},
}
OWN_OPTIONS["np.tensordot"] = OWN_OPTIONS["np.linalg.tensordot"]
# What stands in the place of **kwargs.
MORE_OPTIONS = {
    "np.clip": ("dtype", "casting"),
    "np.einsum": ("dtype", "order", "casting"),
    "np.pad": ("constant_values", "end_values", "stat_length", "reflect_type"),
}


def pair(draw: Draw) -> list[Any]:
    x = array(draw)
    return [x, alike(draw, x)]


def several(draw: Draw, least: int = 1) -> list[Any]:
    """Return a list of arrays, mostly such as can be joined."""
    x = array(draw)
    count = draw(st.integers(least, 3))
    parts = [x, *[x.copy() if draw(st.integers(0, 4)) else array(draw) for _ in range(count - 1)]]
    if x.ndim and len(x) and draw(st.integers(0, 15)) == 0:  # else NumPy does not ask anyone
        return [x]
    return [draw(st.sampled_from([list, tuple]))(parts)]


def sort_keys(draw: Draw) -> list[Any]:
    return [tuple(several(draw)[0])]


def with_some(*values: Any) -> Callable[[Draw], list[Any]]:
    """Return a strategy for an array and one of some values beside it."""
    return lambda draw: [array(draw), draw(st.sampled_from(values))]


def with_axes(count: int) -> Callable[[Draw], list[Any]]:
    def operands(draw: Draw) -> list[Any]:
        x = array(draw)
        return [x, *[an_axis(draw, x) for _ in range(count)]]

    return operands


def moved(draw: Draw) -> list[Any]:
    x = array(draw)
    if draw(st.booleans()):
        return [x, an_axis(draw, x), an_axis(draw, x)]
    both = st.lists(st.integers(-x.ndim, max(x.ndim - 1, 0)), max_size=2)
    return [x, draw(both), draw(both)]


def expanded(draw: Draw) -> list[Any]:
    return [array(draw), draw(st.sampled_from([0, 1, -1, 5, (0, 1), (0, -1), (0, 0), 1.5]))]


def reshaped(draw: Draw) -> list[Any]:
    x = array(draw)
    n = x.size
    shapes = [n, -1, (n,), (n, 1), (1, -1), (-1, 1), (2, -1), (), [1, n], (-1, -1), 2.5, "a"]
    return [x, draw(st.sampled_from([*shapes, x.shape[::-1]]))]


def taken(draw: Draw) -> list[Any]:
    indices = [0, -1, [0, 1], [[0], [-1]], [], 5, np.array([0, 0]), [1.5], [True], "a"]
    return [array(draw), draw(st.sampled_from(indices))]


def along(draw: Draw) -> list[Any]:
    x = array(draw)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = draw(st.sampled_from([x.shape, x.shape, (1,) * x.ndim, (2,)]))
    return [x, rng.integers(0, draw(st.sampled_from([1, 2, 5])), shape)]


def products(draw: Draw) -> list[Any]:
    """Return two arrays of finite numbers: BLAS takes 0 times inf for 0 at times."""
    x = finite(array(draw))
    shapes = [x.shape, x.shape[::-1], x.shape[-1:], (*x.shape[-1:], 2), (), (2, *x.shape[-1:])]
    return [x, finite(elements(draw, draw(st.sampled_from(shapes))))]


def vectors(draw: Draw) -> list[Any]:
    dtypes = ("f8", "f4", "i8")
    shapes = [(3,), (3, 3), (3, 3), (3, 3), (2, 3), (3, 2), (3, 3, 3), (1, 3), (2,), (2, 4, 3), ()]
    return [elements(draw, draw(st.sampled_from(shapes)), dtypes) for _ in range(2)]


def summed(draw: Draw) -> list[Any]:
    subscripts, *shapes = draw(
        st.sampled_from(
            [
                ("ij,jk->ik", (2, 3), (3, 2)),
                ("ij,jk", (2, 3), (3, 2)),
                ("ii->i", (3, 3)),
                ("ii", (3, 3)),
                ("...i,i", (2, 3), (3,)),
                ("i,j->ji", (2,), (3,)),
                ("ij->", (2, 3)),
                ("ij,ij", (2, 3), (2, 3)),
                ("ij,jk", (2, 3), (2, 3)),
                ("ij", (2,)),
                ("i,i", (1,), (3,)),
                ("->", ()),
                ("i->z", (2,)),
                ("ij,jk,kl", (2, 2), (2, 3), (3, 2)),
            ]
        )
    )
    # With `optimize`, NumPy adds up small integers by themselves, which then overflow, and
    # multiplies in another order, by which inf becomes nan.
    arrays = [finite(elements(draw, shape, ("f8", "f4", "i8", "?"))) for shape in shapes]
    if subscripts == "ij,jk->ik" and draw(st.booleans()):
        return [arrays[0], [0, 1], arrays[1], [1, 2], [0, 2]]
    return [subscripts, *arrays]


def grids(draw: Draw) -> list[Any]:
    shapes = st.sampled_from([(2,), (3,), (), (1,), (2, 2)])
    return [elements(draw, draw(shapes)) for _ in range(draw(st.integers(1, 3)))]


def system(draw: Draw) -> list[Any]:
    a = square(draw)
    n = a.shape[-1] if a.ndim else 2
    shapes = [(n,), (n, 2), (*a.shape[:-2], n, 1), (n + 1,), ()]
    return [a, finite(elements(draw, draw(st.sampled_from(shapes)), ("f8", "f4", "i8")))]


def chain(draw: Draw) -> list[Any]:
    shapes = draw(
        st.sampled_from(
            [
                [(2, 3), (3, 2)],
                [(3,), (3, 2), (2, 4), (4,)],
                [(2, 3), (3, 4), (4, 2)],
                [(2, 3)],
                [(2, 3), (2, 3)],
                [(3,), (3,)],
                [(2, 2, 2), (2, 2)],
            ]
        )
    )
    return [[elements(draw, shape, ("f8", "f4", "i8")) for shape in shapes]]


def padded(draw: Draw) -> list[Any]:
    x = array(draw)
    widths = [0, 1, (1, 2), ((1, 0),), [(0, 1)] * x.ndim, [(1, 2)] * (x.ndim + 1), -1, 1.5]
    return [x, draw(st.sampled_from(widths))]


def sections(draw: Draw) -> list[Any]:
    return [
        array(draw),
        draw(st.sampled_from([1, 2, 3, [1], [1, 2], [0, 5], [], 0, -1, 1.5, [0.5]])),
    ]


def one(of: Callable[[Draw], Any]) -> Callable[[Draw], list[Any]]:
    return lambda draw: [of(draw)]


_ONE = one(array)

OPERANDS: dict[str, Callable[[Draw], list[Any]]] = {
    **dict.fromkeys(
        (
            *("np.amax", "np.amin", "np.around", "np.average", "np.clip", "np.cumprod"),
            *("np.cumsum", "np.diag", "np.diagonal", "np.diff", "np.flip", "np.fliplr"),
            *("np.flipud", "np.matrix_transpose", "np.max", "np.mean", "np.median", "np.min"),
            *("np.nan_to_num", "np.nansum", "np.prod", "np.ptp", "np.ravel", "np.rot90"),
            *("np.round", "np.sinc", "np.sort", "np.squeeze", "np.std", "np.sum", "np.trace"),
            *("np.transpose", "np.tril", "np.triu", "np.var", "np.linalg.diagonal"),
            *("np.linalg.trace", "np.linalg.matrix_transpose", "np.linalg.norm"),
            # of the data
            *("np.all", "np.any", "np.argmax", "np.argmin", "np.argsort", "np.argwhere"),
            *("np.array2string", "np.array_repr", "np.array_str", "np.count_nonzero"),
            *("np.flatnonzero", "np.iscomplex", "np.iscomplexobj", "np.isneginf"),
            *("np.isposinf", "np.isreal", "np.isrealobj", "np.nanargmax", "np.nanargmin"),
            *("np.ndim", "np.nonzero", "np.shape", "np.size", "np.min_scalar_type"),
            *("np.empty_like", "np.ones_like", "np.zeros_like"),
        ),
        _ONE,
    ),
    **dict.fromkeys(("np.atleast_1d", "np.atleast_2d", "np.atleast_3d", "np.common_type"), pair),
    **dict.fromkeys(
        ("np.allclose", "np.array_equal", "np.array_equiv", "np.isclose", "np.isin"), pair
    ),
    **dict.fromkeys(("np.may_share_memory", "np.shares_memory", "np.result_type"), pair),
    **dict.fromkeys(
        (
            *("np.column_stack", "np.concatenate", "np.dstack", "np.hstack", "np.stack"),
            "np.vstack",
        ),
        several,
    ),
    **dict.fromkeys(
        (
            *("np.dot", "np.inner", "np.kron", "np.outer", "np.tensordot", "np.vdot"),
            *("np.linalg.matmul", "np.linalg.outer", "np.linalg.tensordot"),
        ),
        products,
    ),
    **dict.fromkeys(("np.cross", "np.linalg.cross"), vectors),
    **dict.fromkeys(("np.array_split", "np.split", "np.hsplit", "np.vsplit"), sections),
    **dict.fromkeys(("np.linalg.cholesky", "np.linalg.eigh", "np.linalg.eigvalsh"), one(symmetric)),
    **dict.fromkeys(("np.linalg.det", "np.linalg.inv", "np.linalg.slogdet"), one(square)),
    **dict.fromkeys(
        (
            *("np.linalg.matrix_rank", "np.linalg.pinv", "np.linalg.qr", "np.linalg.svd"),
            "np.linalg.svdvals",
        ),
        one(matrix),
    ),
    "np.linalg.matrix_power": lambda draw: [
        square(draw),
        draw(st.sampled_from([0, 1, 2, 3, -1, -2, 1.5])),
    ],
    "np.linalg.multi_dot": chain,
    "np.linalg.solve": system,
    "np.argpartition": with_some(0),
    "np.astype": with_some("f4", "f8", "i8", "?", "c16", "nonsense", None),
    "np.broadcast_to": with_some((2, 3), (3,), 4, (2, 2, 2), (1,), (-1,), "a"),
    "np.can_cast": lambda draw: [draw(st.sampled_from([np.float32(1), "f8"])), "f4"],
    "np.digitize": lambda draw: [array(draw), np.array([-1.0, 0.5, 2.0])],
    "np.einsum": summed,
    "np.einsum_path": summed,
    "np.expand_dims": expanded,
    "np.full_like": lambda draw: pair(draw),
    "np.lexsort": sort_keys,
    "np.meshgrid": grids,
    "np.moveaxis": moved,
    "np.pad": padded,
    "np.repeat": with_some(0, 1, 2, [1, 2], [2], -1, 1.5, [[1]]),
    "np.reshape": reshaped,
    "np.roll": with_some(0, 1, -2, (1, 2), 1.5, 100),
    "np.searchsorted": lambda draw: [np.array([-1.0, 0.5, 2.0]), array(draw)],
    "np.swapaxes": with_axes(2),
    "np.take": taken,
    "np.take_along_axis": along,
    "np.tile": with_some(0, 1, 2, (2, 1), (1, 2, 1), -1, 1.5, ()),
    "np.where": lambda draw: [elements(draw, draw(SHAPES), ("?", "f8", "i8"))],
}


UFUNCS = sorted(
    {f for name in dir(np) if isinstance(f := getattr(np, name), np.ufunc)},
    key=lambda f: f.__name__,
)
METHODS = ("__call__", "__call__", "__call__", "reduce", "accumulate", "outer", "reduceat", "at")


@st.composite
def ufunc_calls(draw: Draw, ufunc: np.ufunc) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Draw a method of an elementwise function, and arguments for it."""
    binary = ufunc.nin == 2 and ufunc.nout == 1 and not ufunc.signature  # others have no methods
    method = draw(st.sampled_from(METHODS)) if binary else "__call__"
    x = vectors(draw)[0] if ufunc.signature else array(draw)
    args = [x, *[alike(draw, x) for _ in range(ufunc.nin - 1)]]
    names = ["dtype", "casting", "order", "subok", "out", "where"]
    if ufunc.signature:
        names = names[:-1]
    elif method == "reduce":
        args, names = [x], ["axis", "dtype", "keepdims", "initial", "out", "where"]
    elif method in ("accumulate", "reduceat"):
        args, names = [x, [0]][: 1 + (method == "reduceat")], ["axis", "dtype", "out"]
    elif method == "outer":
        names = names[:-2]
    elif method == "at":
        args, names = [x, [0], *args[1:]], []
    chosen = draw(st.permutations(names))[: draw(st.sampled_from([0, 0, 1, 2]))]
    values = {name: OPTIONS[name](draw, x) for name in chosen if name != "out"}
    values = {key: value for key, value in values.items() if value is not UNGIVEN}
    if "out" in chosen or "where" in values:  # without out, the others would be any numbers
        values["out"] = fitting_out(getattr(ufunc, method), args, values)
        if values["out"] is None:
            del values["out"]
            values.pop("where", None)
    return method, tuple(args), values


def options_of(function: Any) -> dict[str, Callable[[Draw, Array], Any]]:
    """Return how each argument of a function is drawn that it does not require."""
    name, own = name_of(function), OWN_OPTIONS.get(name_of(function), {})
    signature = signature_of(function)
    assert signature is not None, name
    names = [
        p.name
        for p in signature.parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.default is not p.empty
    ]
    return {key: own.get(key) or OPTIONS[key] for key in [*names, *MORE_OPTIONS.get(name, ())]}


def fitting_out(function: Any, operands: list[Any], options: dict[str, Any]) -> Any:
    """Return an array that takes the result of a call, None where it has none."""
    others = {key: value for key, value in options.items() if key != "out"}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = function(*copy.deepcopy(operands), **copy.deepcopy(others))
        except Exception:
            return None
    if isinstance(result, tuple):
        return tuple([np.zeros_like(one) for one in result])
    return np.zeros_like(result) if isinstance(result, np.ndarray) else None


@st.composite
def calls(draw: Draw, function: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Draw arguments for a function: some by their position, the others by their names."""
    operands = OPERANDS[name_of(function)](draw)
    arrays = [x for x in operands if isinstance(x, np.ndarray)] or [np.zeros((2, 3))]
    signature: Any = signature_of(function)
    parameters = list(signature.parameters.values())
    options = options_of(function)
    form = forms().get(function)
    honoured = [key for key in options if form is not None and key in form.settings]
    among = honoured if honoured and draw(st.booleans()) else list(options)
    most = draw(st.sampled_from([0, 1, 1, 2, len(among)])) if among else 0
    chosen = draw(st.permutations(among))[:most]
    values = {key: options[key](draw, arrays[0]) for key in options if key in chosen}
    values = {
        key: value
        for key, value in values.items()
        if value is not UNGIVEN or key == "out" or signature.parameters[key].default is UNGIVEN
    }
    if values.get("out") is UNGIVEN:
        values["out"] = fitting_out(function, operands, values)
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return tuple(operands), values
    required = [p.name for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD]
    more = {key: OPTIONS[key](draw, arrays[0]) for key in required[len(operands) :]}  # in NumPy 1
    given = dict(zip(required, operands, strict=False)) | more | values
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    run = next((i for i, p in enumerate(places) if p.name not in given), len(places))
    least = sum(p.kind == inspect.Parameter.POSITIONAL_ONLY for p in places[:run])
    count = draw(st.sampled_from([least, run, min(max(least, len(required)), run)]))
    first = [p.name for p in places[:count]]
    late = {p.name for p in places[count:] if p.kind == inspect.Parameter.POSITIONAL_ONLY}
    keywords = {k: v for k, v in given.items() if k not in first and k not in late}
    return tuple(given[key] for key in first), keywords
