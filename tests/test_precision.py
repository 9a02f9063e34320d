"""That gradients are right to a few units of the last place, over the whole exponent range."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from micrograd.core.op import registry

try:
    import mpmath
except ImportError:
    if os.environ.get("CI"):
        raise
    pytest.skip("mpmath is not installed", allow_module_level=True)

from tests import jets
from tests.precision import Row, Truth, check, fault, kinds_of, to_exact, ulp
from tests.precision_rows import LOOSER, TABLE
from tests.precision_rows.others import WANTED

COUNT = 24  # samples of each row, dtype and order; fewer without --all, more by tests.precision
ROWS = {name: row for name, row in TABLE.items() if isinstance(row, Row)}


def test_every_operation_declares_how_it_is_held_to_the_law() -> None:
    ours = {name for name, op in registry.items() if not op.foreign}
    missing = ours - TABLE.keys() - set(WANTED)

    assert not missing, f"Declare {sorted(missing)} in tests/precision_rows/."


def test_a_row_with_a_looser_factor_says_why() -> None:
    for name, entries in LOOSER.items():
        assert isinstance(TABLE[name], Row)
        assert all(entry.why and (entry.factor > 8 or entry.lost) for entry in entries)


@pytest.mark.parametrize("name", ROWS)
def test_a_derivative_is_right_to_a_few_units_of_its_last_place(
    name: str, examples: Callable[[int], int]
) -> None:
    row, count = ROWS[name], max(8, examples(COUNT))
    for dtype in kinds_of(row):
        checked, broken = check(name, row, LOOSER, dtype, count, 1)
        assert not broken, "\n".join(map(str, broken[:5]))
        assert checked, f"{name}: no sample in {dtype}"


# -- values worked out one by one: the point, and the first or second derivative there

TAIL = 4.248354255291589e-18  # exp(-40)

WORKED_OUT: dict[str, tuple[Any, float, int, float]] = {
    "sigmoid at 40": (mg.sigmoid, 40.0, 1, TAIL),
    "sigmoid at -40": (mg.sigmoid, -40.0, 1, TAIL),
    "sigmoid near 0": (mg.sigmoid, 1e-20, 2, -1e-20 / 8),
    "tanh at 20": (mg.tanh, 20.0, 1, 4 * TAIL),
    "tanh at -20": (mg.tanh, -20.0, 1, 4 * TAIL),
    "tanh at 20, twice": (mg.tanh, 20.0, 2, -8 * TAIL),
    "tanh where cosh overflows": (mg.tanh, 1000.0, 2, 0.0),
    "tanh where the square of cosh overflows": (mg.tanh, 360.0, 1, 4 * math.exp(-720)),
    "softplus at 40": (mg.softplus, 40.0, 2, TAIL),
    "log_sigmoid at -40": (mg.log_sigmoid, -40.0, 2, -TAIL),
    "silu at 40": (mg.silu, 40.0, 2, -38 * TAIL),
    "logaddexp at 40": (lambda x: mg.logaddexp(x, 0.0), 40.0, 2, TAIL),
    "gelu by tanh, far below 0": (
        lambda x: mg.gelu(x, approximate="tanh"), -12.0, 0, -1.635985449353481e-61
    ),
    "arcsin near 0": (mg.arcsin, 1e-20, 2, 1e-20),
    "arcsin near 1": (mg.arcsin, 1 - 2.0**-53, 2, (1 - 2.0**-53) * (2.0**-52 - 2.0**-106) ** -1.5),
    "arccos near 0": (mg.arccos, 1e-20, 2, -1e-20),
    "arctanh near 0": (mg.arctanh, 1e-20, 2, 2e-20),
    "arctan far out": (mg.arctan, 1e101, 2, -2e-303),
    "arctan where x * x overflows": (mg.arctan, 2.0**520, 1, 2.0**-1040),
    "softsign where its square overflows": (mg.softsign, 1e101, 2, -2e-303),
    "hypot of legs apart": (lambda x: mg.hypot(x, 1e-20), 1.0, 2, 1e-40),
    "hypot out of range": (lambda x: mg.hypot(x, 1.5e308), 1.5e308, 1, math.sqrt(0.5)),
    "sinc at a large whole number": (mg.sinc, 2.0**60, 1, 2.0**-60),
    "a power by nearly 0": (lambda x: x**5e-324, 5e-324, 1, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("kind", [Value, Tensor])
@pytest.mark.parametrize("name", WORKED_OUT)
def test_a_derivative_keeps_its_digits(name: str, kind: Any) -> None:
    f, at, order, expected = WORKED_OUT[name]
    x = kind(at)
    with np.errstate(all="ignore"):
        y = f(x)
        for _ in range(order):
            x.zero_grad()
            y.backward(create_graph=True)
            y = x.grad

    assert y.item() == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("f", [mg.tanh, mg.sigmoid, mg.softplus, mg.arctan, mg.silu])
def test_a_tail_in_a_narrow_dtype_is_that_of_float64_rounded(f: Any, dtype: str) -> None:
    x = np.arange(-16, 17, dtype=dtype)
    narrow, wide = Tensor(x), Tensor(x.astype(float))
    for node in (narrow, wide):
        f(node).sum().backward()

    assert narrow.grad.dtype == dtype
    unit = float(np.finfo(dtype).eps)
    lost = float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(narrow.grad, wide.grad, rtol=32 * unit, atol=lost)


# -- the law itself


FUNCTIONS: dict[str, tuple[Any, Any, float]] = {
    "reciprocal": (jets.reciprocal, lambda x: 1 / x, 0.7),
    "power": (lambda x: jets.power(x, 1.75), lambda x: x ** mpmath.mpf(1.75), 0.7),
    "cbrt": (jets.cbrt, mpmath.cbrt, 0.7),
    "exp": (jets.exp, mpmath.exp, 0.7),
    "expm1": (jets.expm1, mpmath.expm1, 0.7),
    "log": (jets.log, mpmath.log, 0.7),
    "log1p": (jets.log1p, mpmath.log1p, 0.7),
    "sin": (jets.sin, mpmath.sin, 0.7),
    "cos": (jets.cos, mpmath.cos, 0.7),
    "tan": (jets.tan, mpmath.tan, 0.7),
    "sinh": (jets.sinh, mpmath.sinh, 0.7),
    "cosh": (jets.cosh, mpmath.cosh, 0.7),
    "tanh": (jets.tanh, mpmath.tanh, 0.7),
    "sigmoid": (jets.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), -0.7),
    "softplus": (jets.softplus, lambda x: mpmath.log(1 + mpmath.exp(x)), -0.7),
    "asin": (jets.asin, mpmath.asin, 0.7),
    "atan": (jets.atan, mpmath.atan, 0.7),
    "asinh": (jets.asinh, mpmath.asinh, 0.7),
    "acosh": (jets.acosh, mpmath.acosh, 1.7),
    "atanh": (jets.atanh, mpmath.atanh, 0.7),
    "erf": (jets.erf, mpmath.erf, 0.7),
    "normal_cdf": (jets.normal_cdf, mpmath.ncdf, -0.7),
    "a product and a quotient": (
        lambda x: x * jets.exp(x) / (2 - x),
        lambda x: x * mpmath.exp(x) / (2 - x),
        0.7,
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_jet_has_the_derivatives_that_mpmath_finds(name: str) -> None:
    of_jet, f, at = FUNCTIONS[name]
    with mpmath.workprec(200):
        (x,) = jets.variables([at])
        found = [of_jet(x).derivative(*[0] * order) for order in range(4)]
        expected = [mpmath.diff(f, mpmath.mpf(at), order) for order in range(4)]
        assert all(
            mpmath.almosteq(a, b, rel_eps=1e-30) for a, b in zip(found, expected, strict=True)
        )


def test_a_jet_of_two_variables_has_mixed_derivatives() -> None:
    x, y = jets.variables([3, 2])
    z = x * x * y**3

    assert z.derivative(0, 1) == 2 * 3 * 3 * 2**2
    assert z.derivative(1, 1, 0) == 2 * 3 * 6 * 2
    assert z.derivative(0, 0, 0) == 0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_number_becomes_an_exact_one_and_its_unit_is_the_distance_to_the_next(dtype: str) -> None:
    kind = np.dtype(dtype).type
    for x in (kind(1), kind(3) / kind(7), np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal):
        below = np.nextafter(x, kind(0))
        with mpmath.workprec(100):
            assert to_exact(x) - to_exact(below) in (
                ulp(to_exact(x), dtype),
                ulp(to_exact(x), dtype) / 2,
            )


def test_the_law_allows_eight_units_and_no_more() -> None:
    true = Truth(mpmath.mpf(1), mpmath.mpf(0))
    eps = float(np.finfo(np.float64).eps)

    assert fault(np.float64(1 + 8 * eps), true, np.float64, 8) <= 1
    assert fault(np.float64(1 + 9 * eps), true, np.float64, 8) > 1
    assert fault(np.float64(math.nan), true, np.float64, 8) == math.inf
    assert fault(np.float64(math.inf), true, np.float64, 8) == math.inf


def test_out_of_range_the_law_wants_infinity_or_zero() -> None:
    huge, tiny = (Truth(mpmath.mpf(10) ** power, mpmath.mpf(0)) for power in (400, -400))

    assert fault(np.float64(math.inf), huge, np.float64, 8) <= 1
    assert fault(np.float64(-math.inf), huge, np.float64, 8) > 1
    assert fault(np.float64(1e300), huge, np.float64, 8) > 1
    assert fault(np.float64(0), tiny, np.float64, 8) <= 1
    assert fault(np.float64(1e-300), tiny, np.float64, 8) > 1


def test_the_textbook_derivative_of_tanh_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry["tanh"], "derivatives", (lambda g, y, x: g * (1 - y * y),))

    _, broken = check("tanh", ROWS["tanh"], LOOSER, "float64", COUNT, 1)

    assert broken
    assert "tanh, float64, order 1" in str(broken[0])
