"""What holds the rows that combine elements to the law of range and precision."""

from __future__ import annotations

import math
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np

import micrograd as mg
from micrograd.core.op import registry
from micrograd.ops.scans import linear_scan
from micrograd.ops.shape import sum_to
from tests import jets
from tests.jets import Jet
from tests.precision import Array, Draw, Looser, Row, anywhere, moderate, rows_of

ADDS = "it only moves and adds up elements of g"
LAPACK = (
    "LAPACK's errors are relative to the norm of the matrix; tests/test_decompositions.py "
    "holds it to numerical derivatives"
)
FINITE = ("float16", "float32", "float64")
OF_LAPACK = ("float32", "float64")


# -- arguments


def widely(rng: np.random.Generator, dtype: Any, count: int) -> Array:
    """Return numbers of either sign, half of them from the whole exponent range."""
    everywhere = rng.random(count) < 0.5
    return np.where(everywhere, anywhere(rng, dtype, count), moderate(rng, dtype, count))


def close(n: int) -> Draw:
    """Return the draw of rows from anywhere, of which a third are nearly equal numbers."""

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array]:
        rows = widely(rng, dtype, count * n).reshape(count, n)
        units = rng.integers(-20, 21, (count, n)).astype(dtype)
        near = rows[:, :1] * (1 + units * np.finfo(dtype).eps)
        chosen = (rng.random(count) < 0.3)[:, None] & np.isfinite(near).all(axis=1, keepdims=True)
        return (np.where(chosen, near, rows).astype(dtype),)

    return draw


def several(*draws: Draw) -> Draw:
    """Return the draw of the arguments of several draws."""

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array, ...]:
        return tuple(argument for one in draws for argument in one(rng, dtype, count))

    return draw


def positive_rows(n: int) -> Draw:
    """Return the draw of rows of n positive numbers, such as weights."""

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array]:
        return (rng.uniform(0.1, 1, (count, n)).astype(dtype),)

    return draw


def matrices(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array]:
    """Return matrices of 2 by 2 with a heavy diagonal, as numbers in a row."""
    rows = rng.uniform(0.5, 1, (count, 4)) * rng.choice([-1, 1], (count, 4))
    return ((rows * [4, 1, 1, 4]).astype(dtype),)


def square(a: Any) -> Any:
    """Return rows of four numbers as matrices of 2 by 2."""
    return a.reshape((a.shape[0], 2, 2))


# -- the truth


def total(x: Any) -> Jet:
    return reduce(add, x)


def product(x: Any) -> Jet:
    return reduce(mul, x)


def softmax(x: Any) -> list[Jet]:
    return [1 / (total([jets.exp(e - x[i]) for e in others(x, i)]) + 1) for i in range(len(x))]


def logsumexp(x: Any) -> Jet:
    ordered = sorted(x, key=lambda e: -e.value)  # so that no derivative is a difference
    return reduce(lambda most, e: most + jets.softplus(e - most), ordered)


def log_softmax(x: Any) -> list[Jet]:
    return [-loss(x, i) for i in range(len(x))]


def loss(x: Any, i: int) -> Jet:
    rest = others(x, i)
    if all(e.value <= x[i].value for e in rest):  # two ways, each without a difference
        return jets.log1p(total([jets.exp(e - x[i]) for e in rest]))
    return jets.softplus(logsumexp(rest) - x[i])


def others(x: Any, i: int) -> list[Jet]:
    return [e for k, e in enumerate(x) if k != i]


def extreme(x: Any, sign: int) -> Jet:
    top = max(sign * e.value for e in x)
    tied = [e for e in x if sign * e.value == top]
    return total(tied) / len(tied)


def median(x: Any) -> Jet:
    ordered = sorted(x, key=lambda e: e.value)
    return (ordered[(len(x) - 1) // 2] + ordered[len(x) // 2]) / 2


def var(x: Any, ddof: int = 0) -> Jet:
    mean = total(x) / len(x)
    return total([(e - mean) * (e - mean) for e in x]) / (len(x) - ddof)


def norm(x: Any, order: float) -> Jet:
    if order == 2:
        return jets.sqrt(total([e * e for e in x]))
    return jets.power(total([jets.power(abs(e), order) for e in x]), 1 / order_of(order))


def order_of(order: float) -> Any:
    return jets.mpmath.mpf(order)


def determinant(m: Any) -> Jet:
    return m[0] * m[3] - m[1] * m[2]


# -- the rows


def by_sample(function: Any) -> Any:
    """Return the call of a function of a whole batch on every sample by itself."""

    def call(*arguments: Any) -> Any:
        count = len(arguments[0].data)
        each = [[x[i : i + 1] for x in arguments] for i in range(count)]
        return mg.stack([function(*sample) for sample in each])

    return call


def not_equal(x: Array) -> Any:
    return (x != x[:, :1]).any(axis=1)


def without_zeros(x: Array) -> Any:
    return (x != 0).all(axis=1)


def from_one(x: Array, *rest: Array) -> Any:
    return (abs(x) >= 1).all(axis=1)


def norm_of(order: float) -> Row:
    """Return the declaration of a norm, which has no slope where all, or some, elements are 0."""
    inside = without_zeros if order != 2 else lambda x: (x != 0).any(axis=1)
    return Row(
        lambda x: mg.linalg.norm(x, order, axis=1),
        lambda x: norm(x, order),
        rows_of(3, widely),
        inside,
        values=False,
        terms=3,
        orders=(0, 1, 2) if order == 2 else (0, 1),
    )


def row(call: Any, exact: Any, draw: Draw, **options: Any) -> Row:
    return Row(call, exact, draw, values=False, terms=3, **options)


def label_loss(x: Any) -> Any:
    return mg.softmax_cross_entropy(x, [0])


TABLE: dict[str, Row | str] = {
    **dict.fromkeys(["windows", "windows_add", "put_add", "repeat", "tile", "pad"], ADDS),
    **dict.fromkeys(["pinv", "cholesky", "qr", "eigh", "svd"], LAPACK),
    **dict.fromkeys(["cofactors", "cofactors_slope"], LAPACK),
    "sum": row(lambda x: mg.sum(x, 1), total, rows_of(3, widely)),
    "mean": row(lambda x: mg.mean(x, 1), lambda x: total(x) / 3, rows_of(3, widely)),
    "max": row(lambda x: mg.max(x, 1), lambda x: extreme(x, 1), close(3)),
    "min": row(lambda x: mg.min(x, 1), lambda x: extreme(x, -1), close(3)),
    "median": row(lambda x: mg.median(x, 1), median, close(4), inside=not_equal),
    "sum_to": row(lambda x: sum_to(x, (x.shape[0], 1))[:, 0], total, rows_of(3, widely)),
    "broadcast_to": row(
        lambda x, v: (mg.broadcast_to(x.reshape((-1, 1)), v.shape) * v).sum(axis=1),
        lambda x, v: total([x * e for e in v]),
        several(lambda *args: (moderate(*args),), rows_of(3)),
        orders=(1,),
    ),
    "cumsum": row(lambda x: mg.cumsum(x, 1)[:, -1], total, rows_of(3, widely)),
    "average": row(
        lambda x, w: mg.average(x, 1, w),
        lambda x, w: total([a * b for a, b in zip(x, w, strict=True)]) / total(w),
        several(rows_of(2), positive_rows(2)),
        orders=(1,),
    ),
    "prod": row(lambda x: mg.prod(x, 1), product, rows_of(4, widely), spread=8, orders=(1,)),
    "prod, both orders": row(lambda x: mg.prod(x, 1), product, positive_rows(4)),
    "cumprod": row(lambda x: mg.cumprod(x, 1)[:, -1], product, positive_rows(3), spread=8),
    "linear_scan": row(
        lambda b, a: linear_scan(b, a, 1)[:, -1],
        lambda b, a: b[1] + a[1] * b[0],
        several(rows_of(2, widely), rows_of(2)),
    ),
    "var": row(lambda x: mg.var(x, 1), var, close(3), spread=8),
    "var, ddof=1": row(lambda x: mg.var(x, 1, 1), lambda x: var(x, 1), close(3), spread=8),
    "std": row(
        lambda x: mg.std(x, 1),
        lambda x: jets.sqrt(var(x)),
        close(3),
        inside=not_equal,
        spread=8,
        orders=(1,),
    ),
    "norm": norm_of(2),
    "norm, order 3": norm_of(3),
    "norm, order 1.5": norm_of(1.5),
    "norm, order 0.5": norm_of(0.5),
    "logsumexp": row(lambda x: mg.logsumexp(x, 1), logsumexp, rows_of(3, widely)),
    "softmax": row(
        lambda x: mg.softmax(x)[:, 0], lambda x: softmax(x)[0], rows_of(3, widely), orders=(0, 1)
    ),
    # Close to 0, rounded probabilities do not tell y (1 - y) (1 - 2 y), which is 0 at 1/2.
    "softmax, second order": row(
        lambda x: mg.softmax(x)[:, 0],
        lambda x: softmax(x)[0],
        rows_of(3),
        inside=from_one,
        orders=(2,),
    ),
    "softmax, weighted": row(
        lambda x, v: (mg.softmax(x) * v).sum(axis=1),
        lambda x, v: total([a * b for a, b in zip(softmax(x), v, strict=True)]),
        several(rows_of(3), rows_of(3)),
        orders=(1,),
    ),
    "log_softmax": row(
        lambda x: mg.log_softmax(x)[:, 0],
        lambda x: log_softmax(x)[0],
        rows_of(3),
        orders=(0, 1, 2),
    ),
    "log_softmax, weighted": row(
        lambda x, v: (mg.log_softmax(x) * v).sum(axis=1),
        lambda x, v: total([a * b for a, b in zip(log_softmax(x), v, strict=True)]),
        several(rows_of(2), rows_of(2)),
        orders=(1,),
    ),
    "softmax_cross_entropy": row(by_sample(label_loss), lambda x: -log_softmax(x)[0], rows_of(3)),
    "softmax_cross_entropy, soft": row(
        by_sample(lambda x, t: mg.softmax_cross_entropy(x, t)),
        lambda x, t: -total([a * b for a, b in zip(log_softmax(x), t, strict=True)]),
        several(rows_of(2), positive_rows(2)),
    ),
    "softmax_cross_entropy_slope": row(
        by_sample(lambda x, t: registry["softmax_cross_entropy_slope"](x, t)[0, 0]),
        lambda x, t: softmax(x)[0] * t[1] - softmax(x)[1] * t[0],
        several(rows_of(2), positive_rows(2)),
        inside=from_one,
    ),
    "matmul": row(
        lambda a, b: (a.reshape((-1, 1, 2)) @ b.reshape((-1, 2, 1))).reshape(-1),
        lambda a, b: a[0] * b[0] + a[1] * b[1],
        several(rows_of(2, widely), rows_of(2, widely)),
    ),
    "einsum": row(
        lambda a, b: mg.einsum("ij,ij->i", a, b),
        lambda a, b: a[0] * b[0] + a[1] * b[1],
        several(rows_of(2, widely), rows_of(2, widely)),
    ),
    "cross": row(
        lambda a, b: mg.cross(a, b)[:, 0],
        lambda a, b: a[1] * b[2] - a[2] * b[1],
        several(rows_of(3, widely), rows_of(3, widely)),
        orders=(1,),
    ),
    "det": row(
        lambda a: mg.linalg.det(square(a)), determinant, matrices, dtypes=OF_LAPACK, orders=(1,)
    ),
    "logabsdet": row(
        lambda a: mg.linalg.slogdet(square(a)).logabsdet,
        lambda a: jets.log(abs(determinant(a))),
        matrices,
        dtypes=OF_LAPACK,
    ),
    "inv": row(
        lambda a: mg.linalg.inv(square(a))[:, 0, 1],
        lambda a: -a[1] / determinant(a),
        matrices,
        dtypes=OF_LAPACK,
    ),
    "solve": row(
        lambda a, b: mg.linalg.solve(square(a), b.reshape((-1, 2, 1)))[:, 0, 0],
        lambda a, b: (a[3] * b[0] - a[1] * b[1]) / determinant(a),
        several(matrices, positive_rows(2)),
        dtypes=OF_LAPACK,
        orders=(1,),
    ),
}

CANCELS = (
    "each of them is a difference of numbers as large as 1 / y, which may cancel: the error is "
    "relative to those"
)

LOOSER: dict[str, list[Looser]] = {
    "norm": [Looser(why=CANCELS, factor=math.inf, orders=(2,))],
}
