"""What each operation computes and how it differentiates, as formulas.

A row holds the names of the arguments, the expression and, for each argument, its
local derivative, in the syntax of `notation`. A derivative is a factor, with which
the gradient g of the result is multiplied element by element; where it names g, it
is the whole of what is passed on. `y` is the result. Beside the operation's own
settings a formula may name those of `settings_of`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from viz.formulas.arrays import ARRAYS
from viz.formulas.row import Row, binary, unary


def row_for(node: Any) -> Row | None:
    """Return the formulas for what made a node; None if there are none.

    A closure that a user gave for a single node may bear any name, and is not looked up.

    >>> from micrograd import Value
    >>> row_for(Value(2.0) * 3.0).derivatives
    ('b', 'a')
    """
    entry = ROWS.get(node.op.name) if is_defined(node.op) else None
    return entry(node) if callable(entry) else entry


def is_defined(op: Any) -> bool:
    """Tell whether an operation is one of its name, and no closure made for a single node.

    >>> from micrograd import Value
    >>> is_defined((Value(2.0) * 3).op), is_defined(Value(9.0, (Value(3.0),), "tanh").op)
    (True, False)
    """
    return op.reach is not None or op.arrays_only


def settings_of(node: Any) -> dict[str, Any]:
    """Return what formulas may name beside arguments: the settings and what follows from them.

    `shape` is that of the first argument, `result_shape` that of the result, `count`
    says how many elements a reduction makes one of, `free` the same less `ddof`,
    `rows` how many samples a batch has, and `stack` names the axes of the result
    before those of its matrices.
    """
    settings, shape = node.settings, np.shape(node.parents[0].data)
    axis = settings.get("axis")
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis).tolist()
    count = math.prod(shape[i] for i in axes if -len(shape) <= i < len(shape))
    return {
        **settings,
        "shape": shape,
        "result_shape": np.shape(node.data),
        "count": count,
        "free": count - settings.get("ddof", 0),
        "rows": math.prod(shape[:-1]),
        "stack": tuple(range(np.ndim(node.data) - 2)),
    }


def _step(name: str) -> Row:
    return unary(f"{name}(x)", "0")


def _extreme(name: str, sign: str) -> Row:
    def share(mine: str, other: str) -> str:
        return f"1 if {mine} {sign} {other} else 1 / 2 if {mine} == {other} else 0"

    return binary(f"{name}(a, b)", share("a", "b"), share("b", "a"))


_POWER = Row(("x", "n"), "x ** n", ("n * x ** (n - 1)", "y * log(x)"))

ROWS: Mapping[str, Row | Callable[[Any], Row]] = {
    "add": binary("a + b", "1", "1"),
    "subtract": binary("a - b", "1", "-1"),
    "multiply": binary("a * b", "b", "a"),
    "divide": binary("a / b", "1 / b", "-a / b ** 2"),
    "negative": unary("-x", "-1"),
    "positive": unary("x", "1"),
    "alias": unary("x", "1"),
    "reciprocal": unary("1 / x", "-1 / x ** 2"),
    "power": _POWER,
    "float_power": _POWER,
    "square": unary("x ** 2", "2 * x"),
    "sqrt": unary("sqrt(x)", "1 / (2 * y)"),
    "cbrt": unary("cbrt(x)", "1 / (3 * y ** 2)"),
    "exp": unary("exp(x)", "y"),
    "expm1": unary("exp(x) - 1", "exp(x)"),
    "exp2": unary("2 ** x", "y * log(2)"),
    "log": unary("log(x)", "1 / x"),
    "log1p": unary("log(1 + x)", "1 / (1 + x)"),
    "log2": unary("log2(x)", "1 / (x * log(2))"),
    "log10": unary("log10(x)", "1 / (x * log(10))"),
    "logaddexp": binary("log(exp(a) + exp(b))", "sigmoid(a - b)", "sigmoid(b - a)"),
    "logaddexp2": binary("log2(2 ** a + 2 ** b)", "2 ** (a - y)", "2 ** (b - y)"),
    "sin": unary("sin(x)", "cos(x)"),
    "cos": unary("cos(x)", "-sin(x)"),
    "tan": unary("tan(x)", "1 + y ** 2"),
    "one_minus_square": unary("1 - x ** 2", "-2 * x"),
    "arcsin": unary("arcsin(x)", "1 / sqrt(1 - x ** 2)"),
    "arccos": unary("arccos(x)", "-1 / sqrt(1 - x ** 2)"),
    "arctan": unary("arctan(x)", "1 / (1 + x ** 2)"),
    "arctan2": binary("arctan2(a, b)", "b / (a ** 2 + b ** 2)", "-a / (a ** 2 + b ** 2)"),
    "hypot": binary("sqrt(a ** 2 + b ** 2)", "a / y", "b / y"),
    "cosine": binary(
        "a / sqrt(a ** 2 + b ** 2)",
        "b ** 2 / (a ** 2 + b ** 2) ** (3 / 2)",
        "-a * b / (a ** 2 + b ** 2) ** (3 / 2)",
    ),
    "turn": binary(
        "a / (a ** 2 + b ** 2)",
        "(b ** 2 - a ** 2) / (a ** 2 + b ** 2) ** 2",
        "-2 * a * b / (a ** 2 + b ** 2) ** 2",
    ),
    "sinh": unary("sinh(x)", "cosh(x)"),
    "cosh": unary("cosh(x)", "sinh(x)"),
    "tanh": unary("tanh(x)", "1 - y ** 2"),
    "tanh_slope": Row(("a", "x"), "a / cosh(x) ** 2", ("1 / cosh(x) ** 2", "-2 * y * tanh(x)")),
    "arcsinh": unary("arcsinh(x)", "1 / sqrt(x ** 2 + 1)"),
    "arccosh": unary("arccosh(x)", "1 / sqrt(x ** 2 - 1)"),
    "arctanh": unary("arctanh(x)", "1 / (1 - x ** 2)"),
    "sinc": unary("sin(pi * x) / (pi * x)", "(cos(pi * x) - y) / x if x != 0 else 0"),
    "deg2rad": unary("x * pi / 180", "pi / 180"),
    "rad2deg": unary("x * 180 / pi", "180 / pi"),
    "sigmoid": unary("sigmoid(x)", "y * (1 - y)"),
    "log_sigmoid": unary("log(sigmoid(x))", "sigmoid(-x)"),
    "relu": unary("max(0, x)", "1 if x > 0 else 0"),
    "leaky_relu": unary("x if x > 0 else negative_slope * x", "1 if x > 0 else negative_slope"),
    "elu": unary("x if x > 0 else alpha * (exp(x) - 1)", "1 if x > 0 else alpha * exp(x)"),
    "softplus": unary("log(1 + exp(beta * x)) / beta", "sigmoid(beta * x)"),
    "softsign": unary("x / (1 + abs(x))", "1 / (1 + abs(x)) ** 2"),
    "normal_cdf": unary("Phi(x)", "exp(-(x ** 2) / 2) / sqrt(2 * pi)"),
    "erf": unary("erf(x)", "2 / sqrt(pi) * exp(-(x ** 2))"),
    "absolute": unary("abs(x)", "sign(x)"),
    "fabs": unary("abs(x)", "sign(x)"),
    "maximum": _extreme("max", ">"),
    "minimum": _extreme("min", "<"),
    "fmax": _extreme("fmax", ">"),
    "fmin": _extreme("fmin", "<"),
    "copysign": binary("abs(a) * sign(b)", "sign(a) * sign(b)", "0"),
    "where": Row(
        ("condition", "a", "b"),
        "a if condition else b",
        ("0", "1 if condition else 0", "0 if condition else 1"),
    ),
    "clip": Row(
        ("x", "low", "high"),
        "clip(x, low, high)",
        (
            "1 if low <= x <= high else 0",
            "1 if x < low <= high else 0",
            "1 if x > high or low > high else 0",
        ),
    ),
    "nan_to_num": unary("nan_to_num(x)", "1 if isfinite(x) else 0"),
    "heaviside": Row(("x", "h"), "0 if x < 0 else h if x == 0 else 1", ("0", "1 if x == 0 else 0")),
    "remainder": binary("a % b", "1", "-floor(a / b)"),
    "fmod": binary("fmod(a, b)", "1", "-trunc(a / b)"),
    "floor_divide": binary("a // b", "0", "0"),
    **{name: _step(name) for name in ("sign", "floor", "ceil", "trunc", "rint", "round")},
    **ARRAYS,
}
"""The formulas of an operation, or a function of the node that gives them, by its name."""
