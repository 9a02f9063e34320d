"""What holds the elementwise rows to the law of range and precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp

import micrograd as mg
from micrograd.core.op import registry
from tests import jets
from tests.jets import Jet
from tests.precision import DTYPES, Draw, Looser, Row, numbers, to_exact

NARROW = ("float16", "float32", "float64")  # what math.erf and NumPy's own sinc are exact for

E = math.e
PI = math.pi


def unary(call: Any, exact: Any, *special: float, positive: bool = False, **options: Any) -> Row:
    """Return the declaration of a function of one number."""
    return Row(call, exact, numbers(special, positive=(0,) if positive else ()), **options)


def binary(call: Any, exact: Any, draw: Draw | None = None, **options: Any) -> Row:
    """Return the declaration of a function of two numbers."""
    return Row(call, exact, draw or numbers((), ()), **options)


def inverse_of(x: Jet) -> Jet:
    return 1 / x


def sinc(x: Jet) -> Jet:
    z = x * mp.pi
    if abs(x.value) > 2.0**-10:
        return jets.sin(z) / z
    series: Any = sum((-1) ** k * z ** (2 * k) / math.factorial(2 * k + 1) for k in range(13))
    return series


def sinc_slope(x: Jet) -> Jet:
    z = x * mp.pi
    if abs(x.value) > 2.0**-10:
        return (jets.cos(z) - jets.sin(z) / z) / x
    return mp.pi * sum(
        (-1) ** k * 2 * k * z ** (2 * k - 1) / math.factorial(2 * k + 1) for k in range(1, 14)
    )


def remainder(quotient: Callable[[Any], Any]) -> Callable[[Jet, Jet], Jet]:
    return lambda a, b: a - b * quotient(a.value / b.value)


def logaddexp(a: Jet, b: Jet) -> Jet:
    return logaddexp(b, a) if b.value < a.value else b + jets.softplus(a - b)


def logaddexp2(a: Jet, b: Jet) -> Jet:
    return logaddexp(a * mp.log(2), b * mp.log(2)) / mp.log(2)


def hypot(a: Jet, b: Jet) -> Jet:
    return jets.sqrt(a * a + b * b)


def arctan2(a: Jet, b: Jet) -> Jet:
    """Return the angle but for a constant, which is its own value."""
    angle = jets.atan(a / b) if b.value else -jets.atan(b / a)
    return angle + (mp.atan2(a.value, b.value) - angle.value)


def gelu_tanh(x: Jet) -> Jet:
    # x / 2 * (1 + tanh(z)) is x * sigmoid(2 z); sqrt(2 / pi) is a constant of the formula.
    z = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
    return x * jets.sigmoid(z * 2)


def elu(x: Jet, alpha: float = 1.0) -> Jet:
    return x if x.value > 0 else jets.expm1(x) * alpha


def off_zero(x: Any, *_: Any) -> Any:
    return x != 0


def above(low: float) -> Callable[..., Any]:
    return lambda x: x > low


def between(low: float, high: float) -> Callable[..., Any]:
    return lambda x: (low < x) & (x < high)


SELECTS = "it selects elements of g, or puts 0 in their place"
STEP = "a step, whose derivative is 0 everywhere"

TABLE: dict[str, Row | str] = {
    "alias": "its derivative is g itself",
    "positive": "its derivative is g itself",
    "negative": "its derivative is -g",
    "add": "its derivatives are g itself",
    "subtract": "its derivatives are g and -g",
    **dict.fromkeys(["where", "maximum", "minimum", "fmax", "fmin", "clip"], SELECTS),
    **dict.fromkeys(["relu", "absolute", "fabs", "copysign", "nan_to_num", "heaviside"], SELECTS),
    **dict.fromkeys(["sign", "floor", "ceil", "trunc", "rint", "round", "floor_divide"], STEP),
    "multiply": binary(mg.multiply, lambda a, b: a * b),
    "divide": binary(mg.divide, lambda a, b: a / b, inside=lambda a, b: b != 0),
    "reciprocal": unary(mg.reciprocal, inverse_of, 1, inside=off_zero),
    "square": unary(mg.square, lambda x: x * x),
    "sqrt": unary(mg.sqrt, jets.sqrt, 1, positive=True, inside=off_zero),
    "cbrt": unary(mg.cbrt, jets.cbrt, 1, inside=off_zero),
    "power": binary(
        mg.power, jets.power, numbers((1, E), (-1, 0, 1, 2), positive=(0,)), inside=off_zero
    ),
    "float_power": binary(
        mg.float_power,
        jets.power,
        numbers((1, E), (-1, 0, 1, 2), positive=(0,)),
        inside=off_zero,
        dtypes=("float64", "longdouble"),
    ),
    **{
        f"power by {n}": unary(lambda x, n=n: x**n, lambda x, n=n: x**n, 1, inside=off_zero)
        for n in (2, 3, 10, -1, -3)
    },
    **{
        f"power by {n}": unary(
            lambda x, n=n: x**n, lambda x, n=n: x**n, 1, positive=True, inside=off_zero
        )
        for n in (0.5, -0.5, 1.75)
    },
    "exp": unary(mg.exp, jets.exp, 0, 80, -80, 700, -700),
    "exp2": unary(mg.exp2, lambda x: jets.exp(x * mp.log(2)), 0, 1000, -1000),
    "expm1": unary(mg.expm1, jets.expm1, 0, 80, -80, 700, -700),
    "log": unary(mg.log, jets.log, 1, positive=True, inside=off_zero),
    "log2": unary(mg.log2, lambda x: jets.log(x) / mp.log(2), 1, positive=True, inside=off_zero),
    "log10": unary(mg.log10, lambda x: jets.log(x) / mp.log(10), 1, positive=True, inside=off_zero),
    "log1p": unary(mg.log1p, jets.log1p, -1, 0, 1, inside=above(-1)),
    "logaddexp": binary(mg.logaddexp, logaddexp),
    "logaddexp2": binary(mg.logaddexp2, logaddexp2),
    "erf": unary(mg.erf, jets.erf, 0, 5, -5, 26, -26),
    "sin": unary(mg.sin, jets.sin, 0, PI / 2, PI, 2 * PI, 100 * PI),
    "cos": unary(mg.cos, jets.cos, 0, PI / 2, PI, 2 * PI, 100 * PI),
    "tan": unary(mg.tan, jets.tan, 0, PI / 2, -PI / 2, PI, 100 * PI),
    "arcsin": unary(mg.arcsin, jets.asin, 0, 1, -1, inside=between(-1, 1)),
    "arccos": unary(mg.arccos, lambda x: mp.pi / 2 - jets.asin(x), 0, 1, -1, inside=between(-1, 1)),
    "arctan": unary(mg.arctan, jets.atan, 0, 1, -1),
    "arctan2": binary(mg.arctan2, arctan2, inside=lambda a, b: (a != 0) | (b != 0), spread=8),
    "hypot": binary(mg.hypot, hypot, inside=lambda a, b: (a != 0) | (b != 0), spread=8),
    "sinh": unary(mg.sinh, jets.sinh, 0, 80, -80, 700, -700),
    "cosh": unary(mg.cosh, jets.cosh, 0, 80, -80, 700, -700),
    "tanh": unary(mg.tanh, jets.tanh, 0, 1, -1, 2, 9, 20, -20, 370),
    "arcsinh": unary(mg.arcsinh, jets.asinh, 0, 1, -1),
    "arccosh": unary(mg.arccosh, jets.acosh, 1, 2, inside=above(1)),
    "arctanh": unary(mg.arctanh, jets.atanh, 0, 1, -1, inside=between(-1, 1)),
    "sinc": unary(mg.sinc, sinc, 0, 1, 2, 0.5, 10, spread=8, dtypes=NARROW),
    "sinc_slope": unary(
        lambda x: registry["sinc_slope"](x, order=1),
        sinc_slope,
        0,
        1,
        2,
        0.5,
        10,
        spread=8,
        dtypes=NARROW,
    ),
    "cosine": "the law for hypot is about it",
    "turn": "the law for arctan2 is about it",
    "one_minus_square": "the law for arcsin, arccos and arctanh is about it",
    "tanh_slope": "the law for tanh and sigmoid is about it",
    "deg2rad": unary(mg.deg2rad, lambda x: x * (mp.pi / 180)),
    "rad2deg": unary(mg.rad2deg, lambda x: x * (180 / mp.pi)),
    "remainder": binary(mg.mod, remainder(mp.floor), inside=lambda a, b: b != 0),
    "fmod": binary(
        registry["fmod"],
        remainder(lambda q: mp.floor(q) if q > 0 else mp.ceil(q)),
        inside=lambda a, b: b != 0,
    ),
    "sigmoid": unary(mg.sigmoid, jets.sigmoid, 0, 1, -1, 17, 40, -40, 700, -740, orders=(0, 1, 2)),
    "log_sigmoid": unary(
        mg.log_sigmoid, lambda x: -jets.softplus(-x), 0, 1, 17, 40, -40, 700, orders=(0, 1, 2)
    ),
    "softplus": unary(mg.softplus, jets.softplus, 0, 1, 17, 40, -40, 700, orders=(0, 1, 2)),
    "softplus, beta=3": unary(
        lambda x: mg.softplus(x, beta=3.0),
        lambda x: jets.softplus(x * 3) / 3,
        0,
        1,
        -5,
        40,
        orders=(0, 1, 2),
    ),
    "silu": unary(
        mg.silu,
        lambda x: x * jets.sigmoid(x),
        0,
        1,
        -1.278,
        2.4,
        -2.4,
        40,
        -40,
        700,
        -740,
        orders=(0, 1, 2),
    ),
    "gelu": unary(
        mg.gelu,
        lambda x: x * jets.normal_cdf(x),
        0,
        -0.75,
        1.41,
        -1.41,
        8,
        -8,
        -38,
        dtypes=NARROW,
        orders=(0, 1, 2),
    ),
    "gelu, tanh": unary(
        lambda x: mg.gelu(x, approximate="tanh"),
        gelu_tanh,
        0,
        -0.75,
        1.41,
        3,
        -3,
        10,
        -10,
        orders=(0, 1, 2),
    ),
    "normal_cdf": unary(
        mg.normal_cdf, jets.normal_cdf, 0, 1, -1, 8, -8, -38, orders=(0, 1, 2), dtypes=NARROW
    ),
    "softsign": unary(
        mg.softsign, lambda x: x / (1 + abs(x)), 0, 1, -1, inside=off_zero, orders=(0, 1, 2)
    ),
    "leaky_relu": unary(
        mg.leaky_relu,
        lambda x: x if x.value > 0 else x * 0.01,
        0,
        inside=off_zero,
        orders=(0, 1, 2),
    ),
    "elu": unary(mg.elu, elu, 0, -1, -17, -40, -700, inside=off_zero, orders=(0, 1, 2)),
    "elu, alpha=0.3": unary(
        lambda x: mg.elu(x, alpha=0.3),
        lambda x: elu(x, 0.3),
        0,
        -40,
        inside=off_zero,
        orders=(0, 1, 2),
    ),
    "selu": unary(
        mg.selu,
        lambda x: elu(x, 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946,
        0,
        -40,
        inside=off_zero,
        orders=(0, 1, 2),
    ),
    "hard_tanh": SELECTS,
}

OWN_CONSTANTS = "its constants, such as log(2), have the digits of float64"
FLOAT64 = "it is computed in float64"
UNDERFLOWN = "a result that is subnormal has few digits, and the derivative is made of it"


def lost_by_power(x: Any, n: Any) -> Any:
    return ((1 + abs(n)) * (1 + abs(mp.log(x))) * max(1, 1 / x)) ** 2


def lost_by_quotient(a: Any, b: Any) -> Any:
    return max(1, 1 / b**2)


def lost_by_turn(a: Any, b: Any) -> Any:
    return 8 * max(1, 1 / (a * a + b * b))


def beyond(why: str, f: Callable[..., Any], orders: tuple[int, ...] = (2,)) -> list[Looser]:
    """Return that the law does not hold where f, which is met on the way, leaves the range."""

    def entry(dtype: str) -> Looser:
        largest = to_exact(np.finfo("float64" if dtype == "Value" else dtype).max) / 4

        def lost(*args: Any) -> Any:
            return mp.inf if f(*args) > largest else 1

        return Looser(why, lost=lost, orders=orders, dtypes=(dtype,))

    return [entry(dtype) for dtype in (*DTYPES, "Value")]


POWER = [
    Looser(UNDERFLOWN, lost=lost_by_power),
    *beyond(
        "y is infinite, and y * log(x) just in range",
        lambda x, n: x**n if abs(mp.log(x)) < 1 else 0,
        orders=(1, 2),
    ),
    *beyond(
        "x**(n - 1) is infinite, and n times it just in range",
        lambda x, n: x ** (n - 1) if abs(n) < 1 else 0,
        orders=(1, 2),
    ),
    *beyond(
        "x**(n - 2) is infinite, and n * (n - 1) times it just in range, or inf - inf",
        lambda x, n: x ** (n - 2) if abs(n) < 2 else 0,
    ),
]

LOOSER: dict[str, list[Looser]] = {
    **{
        name: [Looser(OWN_CONSTANTS, 2**14, dtypes=("longdouble",))]
        for name in ("log2", "log10", "logaddexp2", "deg2rad", "rad2deg", "erf")
    },
    "exp2": [
        Looser(OWN_CONSTANTS, 2**14, dtypes=("longdouble",)),
        *beyond("y is infinite, and log(2) * y just in range", lambda x: 2**x, orders=(1, 2)),
    ],
    "cbrt": [
        Looser(
            "math.cbrt is off by some units, and y**-5 by five times as many",
            24,
            dtypes=("Value",),
            orders=(2,),
        )
    ],
    "gelu, tanh": [
        Looser("a sum of products of ten factors, some of which cancel", 32, orders=(1, 2))
    ],
    "divide": [Looser(UNDERFLOWN, lost=lost_by_quotient)],
    **{name: POWER for name in ("power", "float_power")},
    "arctan2": [Looser("the sine of an angle near 0 may be subnormal", lost=lost_by_turn)],
    "hypot": [
        Looser("the sine of an angle near 0 may be subnormal", lost=lost_by_turn),
        *beyond("1 / y is subnormal where y overflows, and comes out as 0", mp.hypot),
        *beyond("1 / y overflows where y is subnormal", lambda a, b: 1 / mp.hypot(a, b)),
    ],
    "sinc_slope": [Looser("powers of pi multiply what underflows", lost=lambda x: 32)],
}
