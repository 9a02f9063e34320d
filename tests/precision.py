"""The law of range and precision: a gradient is right to a few units of its last place.

    python -m tests.precision [--rows tanh power] [--dtypes float32] [--count 20000] [--seed 1]

For a row of the engine, g its gradient (or its second derivative, or its value) as computed, and g*
the true one at the very same arguments, worked out by mpmath in as many digits as it takes:

    |g - g*| <= 8 ulp(g*) κ + the smallest subnormal,    κ = max(1, Σ |x_i ∂g*/∂x_i| / |g*|).

κ is the componentwise condition number: what rounding the arguments would do to g*. Where g* is
larger than the dtype holds, g is ±inf or the largest number; where it is too small, 0 or subnormal.
A second derivative is not looked at where a first one by one of its arguments is out of range.
The arguments are taken from the whole exponent range, subnormal numbers and the largest ones
included, and from close to special points; documented singular points are left out. For Tensors
this is checked in every dtype the row takes, for Values in float64.

How to declare a row. Put `name: Row(call, exact, draw)` into the TABLE of a module in
`tests/precision_rows/`; an operation of the registry without a declaration fails the suite. Of a
row that only moves or selects elements, declare the reason as a string instead.

- `draw(rng, dtype, count)` gives the arguments: arrays of `count` samples each, along the first
  axis. Arguments of shape (count,) are numbers, those of (count, n) are rows of n, and so on.
  `numbers(...)` and `rows_of(...)` make such a function.
- `call(*nodes)` gives a node of shape (count,): one number for each sample, which depends on that
  sample only. What gives rows is summed up with weights, or one element of it is picked.
- `exact(*jets)` gives the truth for one sample: each argument comes as a `Jet`, or as an array of
  jets (dtype object) of the sample's shape, which NumPy's operators take. Functions of jets are in
  `tests/jets.py`. Subtract nothing here that could cancel: the precision is 200 bits more than the
  exponents of the arguments need, times `spread`.
- `inside(*arrays)` tells where the law holds, sample by sample; elsewhere is a singular point.
- `terms` is the number of terms in the longest sum: log2 of it multiplies the tolerance.
- `orders` are 0 for the value, 1 and 2; `values` whether Values take the row.

A row for which that is too strict stands in the table LOOSER with the reason.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from micrograd import Tensor, Value
from tests.jets import Jet, variables

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, Any, int], tuple[Array, ...]]

FACTOR = 8
DTYPES = ("float16", "float32", "float64", "longdouble")


@dataclass(frozen=True)
class Row:
    """How to hold a row to the law; the attributes are explained above."""

    call: Callable[..., Any]
    exact: Callable[..., Any]
    draw: Draw
    inside: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = DTYPES
    orders: tuple[int, ...] = (1, 2)
    values: bool = True
    terms: int = 1
    spread: float = 2


@dataclass(frozen=True)
class Looser:
    """What the law allows a row beyond 8 units, for some orders and dtypes, and the reason.

    Attributes:
        why: the reason.
        factor: in place of 8.
        lost: how many smallest subnormals may be lost, in place of 1: a function of the
            arguments of a sample, as mpmath's numbers. It tells how much what underflows on
            the way counts in the end; inf where it all may.
        orders: for which orders.
        dtypes: for which dtypes; "Value" is one.
    """

    why: str
    factor: float = FACTOR
    lost: Callable[..., Any] | None = None
    orders: tuple[int, ...] = (0, 1, 2)
    dtypes: tuple[str, ...] = (*DTYPES, "Value")


# -- arguments


def anywhere(rng: np.random.Generator, dtype: Any, count: int) -> Array:
    """Return numbers of either sign from the whole exponent range, subnormal ones included.

    Of longdouble, which can hold more than anyone computes with, the range is that of float64.
    """
    dtype = np.dtype(dtype)
    kind = np.dtype(np.float64) if dtype == np.longdouble else dtype
    bits = rng.integers(0, 2 ** (8 * kind.itemsize), count, np.uint64, endpoint=False)
    found = bits.astype(f"u{kind.itemsize}").view(kind)
    spare = rng.standard_normal(count).astype(kind)
    return _filled(np.where(np.isfinite(found), found, spare).astype(dtype), rng)


def moderate(rng: np.random.Generator, dtype: Any, count: int) -> Array:
    """Return numbers of either sign whose exponentials and squares are mostly in range."""
    size = np.ldexp(1.0, rng.integers(-12, 11, count)) * rng.uniform(1, 2, count)
    small = rng.normal(0, 3, count)
    chosen = np.where(rng.random(count) < 0.5, small, size * rng.choice([-1, 1], count))
    return _filled(_within(chosen, dtype), rng)


def near(*points: float) -> Draw:
    """Return the draw of numbers at these points and close to them, at every distance."""

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array]:
        dtype = np.dtype(dtype)
        centre = np.asarray(rng.choice(points, count), dtype)
        digits = np.finfo(dtype).nmant + 2
        step = np.ldexp(rng.uniform(1, 2, count), -rng.integers(0, digits, count))
        side = rng.choice([-1.0, 0.0, 1.0], count)
        found = centre + (side * step).astype(dtype) * np.where(centre == 0, 1, abs(centre))
        return (found.astype(dtype),)

    return draw


def edges(dtype: Any) -> Array:
    """Return the numbers at the edges of the range of a dtype, and ±1; of longdouble as above."""
    info = np.finfo(np.float64 if np.dtype(dtype) == np.longdouble else dtype)
    ends = [info.max, info.tiny, info.smallest_subnormal, info.eps, np.asarray(1, dtype)]
    ends = [np.asarray(end, dtype) for end in ends]
    return np.array([*ends, *[-end for end in ends]], dtype)


def numbers(*special: Sequence[float], positive: Sequence[int] = ()) -> Draw:
    """Return the draw of one number for each argument.

    Args:
        special: for each argument, the points to look close to; () for none.
        positive: which arguments are to be positive.
    """

    def one(rng: np.random.Generator, dtype: Any, count: int, i: int) -> Array:
        sources = [anywhere(rng, dtype, count), moderate(rng, dtype, count)]
        if len(special[i]):
            sources.append(near(*special[i])(rng, dtype, count)[0])
        found = np.choose(rng.integers(0, len(sources), count), sources)
        found = np.where(rng.random(count) < 0.1, rng.choice(edges(dtype), count), found)
        return abs(found) if i in positive else found

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array, ...]:
        columns = [one(rng, dtype, count, i) for i in range(len(special))]
        if len(special) == 2:
            columns[1] = _related(rng, *columns)
            columns[1] = abs(columns[1]) if 1 in positive else columns[1]
        return tuple(np.asarray(column, dtype) for column in columns)

    return draw


def _related(rng: np.random.Generator, a: Array, b: Array) -> Array:
    """Return b, now and then replaced by a number close to ±a, or of a like exponent."""
    count, eps = len(a), np.finfo(a.dtype).eps
    with np.errstate(all="ignore"):
        close = a * (1 + rng.integers(-3, 4, count) * eps) * rng.choice([-1, 1], count)
        alike = a * np.ldexp(rng.uniform(-1, 1, count), rng.integers(-10, 11, count))
        found = np.choose(rng.choice([0, 0, 1, 2], count), [b, close, alike]).astype(a.dtype)
    return np.where(np.isfinite(found), found, b)


def rows_of(n: int, elements: Callable[..., Array] = moderate) -> Draw:
    """Return the draw of one argument of n numbers in each sample."""

    def draw(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Array]:
        return (elements(rng, dtype, count * n).reshape(count, n),)

    return draw


def _within(x: Array, dtype: Any) -> Array:
    largest = float(min(np.finfo(dtype).max, np.finfo(np.float64).max))
    return np.clip(x, -largest, largest).astype(dtype)


def _filled(x: Array, rng: np.random.Generator) -> Array:
    """Return x in longdouble with its last bits in use; as it is in other dtypes."""
    if x.dtype != np.longdouble:
        return x
    return x * (1 + rng.integers(0, 2**10, len(x)) * np.finfo(np.longdouble).eps)


# -- the truth


def to_exact(x: Any) -> Any:
    """Return a number of any dtype as mpmath's, without rounding."""
    if not np.isfinite(x):
        return mpmath.mpf(float(x))
    mantissa, exponent = np.frexp(np.longdouble(x))
    whole = int(np.ldexp(mantissa, 64))
    with mp.workprec(80):
        return mpmath.ldexp(mpmath.mpf(whole), int(exponent) - 64)


@dataclass(frozen=True)
class Truth:
    """A true derivative at one sample, and Σ |x_i ∂g*/∂x_i|, which its condition number is made of.

    Both are 0 where nothing depends on the arguments.
    """

    value: Any
    sway: Any
    slope: Any = 0
    """Of a second derivative: the larger of the first ones by the same arguments."""


def truths(row: Row, arguments: Sequence[Any]) -> list[list[Truth]]:
    """Return the truths of one sample for each order, by each argument or pair of them."""
    flat = [to_exact(x) for argument in arguments for x in np.ravel(argument)]
    largest = max((abs(mpmath.frexp(x)[1]) for x in flat if x), default=0)
    with mp.workprec(200 + int(row.spread * largest)):
        jets = variables(flat)
        result = row.exact(*_shaped(jets, arguments))
        if not isinstance(result, Jet):  # a number: nothing depends on the arguments
            result = jets[0] * 0 + result

        def truth(*which: int) -> Truth:
            return Truth(
                result.derivative(*which),
                sum(abs(x * result.derivative(*which, k)) for k, x in enumerate(flat)),
                max(abs(result.derivative(i)) for i in which) if len(which) == 2 else 0,
            )

        every = range(len(flat))
        slopes = [truth(i) for i in every]
        if max(row.orders) < 2:
            return [[truth()], slopes]
        return [[truth()], slopes, [truth(i, j) for i in every for j in every]]


def _shaped(jets: list[Jet], arguments: Sequence[Any]) -> Iterator[Any]:
    start = 0
    for argument in arguments:
        size = np.size(argument)
        part = jets[start : start + size]
        start += size
        if np.ndim(argument) == 0:
            yield part[0]
        else:
            array = np.empty(size, object)
            array[:] = part
            yield array.reshape(np.shape(argument))


def ulp(x: Any, dtype: Any) -> Any:
    """Return the distance of the numbers of a dtype at x, as mpmath's number."""
    info = np.finfo(dtype)
    lowest = int(np.frexp(info.smallest_subnormal)[1]) - 1
    exponent = int(mpmath.frexp(x)[1]) - 1 - info.nmant if x else lowest
    return mpmath.ldexp(mpmath.mpf(1), max(exponent, lowest))


def fault(found: Any, true: Truth, dtype: Any, factor: float, lost: Any = 1) -> float:
    """Return how many times the tolerance an error is: at most 1 is right."""
    info = np.finfo(dtype)
    if abs(true.slope) > to_exact(info.max):
        return 0.0  # what is infinite has no derivative
    if lost == mp.inf:
        return 0.0
    unit = ulp(true.value, dtype)
    condition = max(1, true.sway / abs(true.value)) if true.value else 1
    tolerance = factor * unit * condition + lost * to_exact(info.smallest_subnormal)
    if not true.value:
        tolerance += factor * true.sway * to_exact(info.eps)
    if np.isnan(found):
        return math.inf
    if np.isinf(found):  # the tolerance may lead past the largest number
        beyond = (to_exact(info.max) - tolerance) - true.value * int(np.sign(found))
        return 0.0 if beyond < 0 else math.inf
    size = abs(to_exact(found))
    reached = to_exact(info.max) * (1 - factor * condition * to_exact(info.eps))
    if abs(true.value) > to_exact(info.max) and size >= reached and found * true.value > 0:
        return 0.0
    return float(abs(to_exact(found) - true.value) / tolerance)


# -- what the engine gives


def derivatives_of_tensors(row: Row, arguments: Sequence[Array], order: int) -> Array:
    """Return the derivatives of an order of each sample: an array of (count, how many)."""
    nodes = [Tensor(x.copy()) for x in arguments]
    count = len(arguments[0])
    if order == 0:
        return np.asarray(row.call(*nodes).data).reshape(count, 1)
    if order == 1:
        row.call(*nodes).backward(np.ones(count, arguments[0].dtype))
        return _columns([_taken(node, x) for node, x in zip(nodes, arguments, strict=True)], count)
    result: list[Array] = []
    row.call(*nodes).backward(np.ones(count, arguments[0].dtype), create_graph=True)
    slopes = [node.grad if node.has_grad else None for node in nodes]
    for slope, x in zip(slopes, arguments, strict=True):
        for place in np.ndindex(x.shape[1:]):
            for node in nodes:
                node.zero_grad()
            if slope is not None and slope.requires_grad:
                slope[(slice(None), *place)].backward(np.ones(count, x.dtype))
            columns = [_taken(n, a) for n, a in zip(nodes, arguments, strict=True)]
            result.append(_columns(columns, count))
    return np.concatenate(result, axis=1)


def _taken(node: Any, x: Any) -> Any:
    return node.grad if node.has_grad else np.zeros_like(x)


def _columns(gradients: Sequence[Array], count: int) -> Array:
    return np.concatenate([g.reshape(count, -1) for g in gradients], axis=1)


def derivatives_of_values(row: Row, arguments: Sequence[Array], order: int) -> Array:
    """Return the same for Values, sample by sample."""
    return np.array([_of_values(row, sample, order) for sample in zip(*arguments, strict=True)])


def _of_values(row: Row, sample: Sequence[Any], order: int) -> list[float]:
    nodes = [Value(float(x)) for x in sample]
    y = row.call(*nodes)
    if order == 0:
        return [y.data]
    y.backward(create_graph=order == 2)
    slopes = [node.grad for node in nodes]
    if order == 1:
        return slopes
    result: list[float] = []
    for slope in slopes:
        for node in nodes:
            node.zero_grad()
        if isinstance(slope, Value) and slope.requires_grad:
            slope.backward()
        result += [float(_data(node.grad)) for node in nodes]
    return result


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


# -- the law


@dataclass(frozen=True)
class Difference:
    """A derivative that breaks the law."""

    row: str
    dtype: str
    order: int
    which: int
    arguments: list[Any]
    found: Any
    expected: Any
    times: float

    def __str__(self) -> str:
        return (
            f"{self.row}, {self.dtype}, order {self.order}, derivative {self.which} at "
            f"{self.arguments}: {self.found!r} for {written(self.expected)} "
            f"({self.times:.3g} times the tolerance)"
        )


def written(x: Any) -> str:
    """Return a number of mpmath's to read, however large its exponent is."""
    exponent = int(mpmath.frexp(x)[1]) if x else 0
    return str(mpmath.nstr(x, 12)) if abs(exponent) < 10_000 else "a number out of every range"


@dataclass(frozen=True)
class Allowed:
    """What the law allows a row in one dtype and order."""

    factor: float
    lost: Callable[..., Any]


def allowed(
    looser: dict[str, list[Looser]], name: str, row: Row, dtype: str, order: int
) -> Allowed:
    """Return what the law allows: 8 units and one subnormal, or what the looser table says."""
    fitting = [e for e in looser.get(name, []) if order in e.orders and dtype in e.dtypes]
    factor = max([FACTOR, *(e.factor for e in fitting)]) * max(1, math.log2(row.terms))
    functions = [e.lost for e in fitting if e.lost]
    return Allowed(factor, lambda *args: max([1, *(f(*args) for f in functions)]))


def samples(name: str, row: Row, dtype: str, count: int, seed: int) -> list[Array]:
    """Return the arguments of a row: the same for the same seed, and none at singular points."""
    kind = "float64" if dtype == "Value" else dtype
    rng = np.random.default_rng([seed, zlib.crc32(f"{name} {dtype}".encode())])
    with np.errstate(all="ignore"):
        arguments = row.draw(rng, np.dtype(kind), count)
        axes = tuple(range(1, arguments[0].ndim))
        fit = np.isfinite(arguments[0]).all(axis=axes)
        if row.inside is not None:
            fit &= row.inside(*arguments)
    return [x[fit] for x in arguments]


def check(
    name: str, row: Row, looser: dict[str, list[Looser]], dtype: str, count: int, seed: int
) -> tuple[int, list[Difference]]:
    """Return how many derivatives were held to the law, and those that break it."""
    arguments = samples(name, row, dtype, count, seed)
    if not len(arguments[0]):
        return 0, []
    kind = np.dtype("float64" if dtype == "Value" else dtype)
    compute = derivatives_of_values if dtype == "Value" else derivatives_of_tensors
    with np.errstate(all="ignore"):
        found = {order: compute(row, arguments, order) for order in row.orders}
    assert all(array.dtype == kind for array in found.values()), f"{name}: not {kind}"
    allowances = {order: allowed(looser, name, row, dtype, order) for order in row.orders}
    broken: list[Difference] = []
    checked = 0
    for k, sample in enumerate(zip(*arguments, strict=True)):
        expected = truths(row, sample)
        at = [to_exact(x) if np.ndim(x) == 0 else x for x in sample]
        for order in row.orders:
            allowance, given = allowances[order], found[order][k]
            lost = allowance.lost(*at)
            for which, true in enumerate(expected[order]):
                checked += 1
                times = fault(given[which], true, kind, allowance.factor, lost)
                if not times <= 1:
                    values = [np.asarray(x).tolist() for x in sample]
                    broken.append(
                        Difference(
                            name, dtype, order, which, values, given[which], true.value, times
                        )
                    )
    return checked, broken


def kinds_of(row: Row) -> tuple[str, ...]:
    """Return the dtypes a row is checked in, and 'Value' if it takes those."""
    return (*row.dtypes, "Value") if row.values else row.dtypes


def main() -> int:
    """Search deeper than the suite does, and print what breaks the law."""
    from tests.precision_rows import LOOSER, TABLE

    parser = argparse.ArgumentParser("python -m tests.precision")
    parser.add_argument("--rows", nargs="+", help="only these")
    parser.add_argument("--dtypes", nargs="+", help="only these; Value is one")
    parser.add_argument("--count", type=int, default=1000, help="samples for each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="differences to print of each")
    options = parser.parse_args()
    total = differences = 0
    for name, row in TABLE.items():
        if isinstance(row, str) or (options.rows and name not in options.rows):
            continue
        for dtype in options.dtypes or kinds_of(row):
            if dtype not in kinds_of(row):
                continue
            checked, broken = check(name, row, LOOSER, dtype, options.count, options.seed)
            total += checked
            differences += len(broken)
            if broken:
                print(f"{name}, {dtype}: {len(broken)} of {checked}")
                for difference in sorted(broken, key=lambda d: -d.times)[: options.show]:
                    print(f"    {difference}")
    print(f"{total} derivatives, {differences} differences")
    return differences > 0


if __name__ == "__main__":
    raise SystemExit(main())
