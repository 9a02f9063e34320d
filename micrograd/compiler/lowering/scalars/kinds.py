"""What is known of a number before it is computed: its class, and how far an integer may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

FLOAT, INT, TRUTH, MIXED = range(4)
"""The kinds. A mixed number, as that of a relu, is a float or an integer: numbers decide."""

LIMIT = 2**53
"""The largest integer that stays one: past it, numbers are floats."""

Range = tuple[int, int]
"""From where to where a number goes, if it is an integer."""

ANY: Range = (-LIMIT, LIMIT)

ARITHMETIC = frozenset(("add", "subtract", "multiply"))
COMPARISONS = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_FLOATS = """
divide exp log sqrt sin cos tanh tanh_slope sigmoid fmod fabs copysign erf tan arcsin arccos arctan
cosine hypot arctan2 sinh cosh arcsinh arccosh arctanh deg2rad rad2deg cbrt expm1 exp2 log1p log2
log10 float_power normal_cdf softsign
"""
_FLOATS_OF_FLOATS = """
add subtract multiply negative absolute power where maximum minimum fmax fmin elu softplus
log_sigmoid logaddexp logaddexp2 floor_divide remainder sign floor ceil trunc rint heaviside turn
sinc floordiv mod
"""
FLOATS = frozenset(_FLOATS.split())
"""Operations that give floats, whatever they are given."""

FLOATS_OF_FLOATS = FLOATS | frozenset(_FLOATS_OF_FLOATS.split())
"""Operations that give floats where all that they are given are floats."""


def kind_of(name: str, kinds: Sequence[int], ranges: Sequence[Range]) -> tuple[int, Range]:
    """Return the kind of what an operation gives, and its range before large ones become floats.

    Args:
        name: that of the operation, as `micrograd.compiler.lowering.scalars.graph` has it.
        kinds: those of its arguments.
        ranges: those of its arguments, for the case that they are integers.

    >>> kind_of("relu", [FLOAT], [ANY]) == (MIXED, (0, 0))
    True
    >>> kind_of("add", [INT, TRUTH], [(2, 3), (0, 1)]) == (INT, (2, 4))
    True
    """
    if name in COMPARISONS or name in ("and_", "or_", "xor"):
        return TRUTH, (0, 1)
    if name in FLOATS:
        return FLOAT, ANY
    if name in ("where", "maximum", "minimum"):
        return _chosen(kinds[-2:], ranges[-2:])
    if name == "relu":
        low, high = (0, 0) if kinds[0] == FLOAT else ranges[0]
        kind = MIXED if kinds[0] in (FLOAT, MIXED) else INT
        return kind, (max(low, 0), max(high, 0))
    if FLOAT in kinds and name in FLOATS_OF_FLOATS and (len(kinds) == 1 or name in _SPREADING):
        return FLOAT, ANY
    if name in FLOATS_OF_FLOATS and all(kind == FLOAT for kind in kinds):
        return FLOAT, ANY
    if name in _RANGES:
        return MIXED if MIXED in kinds else INT, _RANGES[name](*ranges)
    return MIXED, ANY


def _chosen(kinds: Sequence[int], ranges: Sequence[Range]) -> tuple[int, Range]:
    """Return what is known of one of two numbers."""
    if all(kind == FLOAT for kind in kinds):
        return FLOAT, ANY
    known = [r for kind, r in zip(kinds, ranges, strict=True) if kind != FLOAT]
    kind = MIXED if FLOAT in kinds or MIXED in kinds else INT
    return kind, (min(low for low, _ in known), max(high for _, high in known))


def _product(a: Range, b: Range) -> Range:
    ends = [p * q for p in a for q in b]
    return min(ends), max(ends)


def _absolute(a: Range) -> Range:
    return (0 if a[0] <= 0 <= a[1] else min(map(abs, a))), max(map(abs, a))


_SPREADING = ARITHMETIC | {"power", "floordiv", "mod", "floor_divide", "remainder"}
"""Operations that give a float where one of two arguments is one."""


def _sum(a: Range, b: Range) -> Range:
    return a[0] + b[0], a[1] + b[1]


def _difference(a: Range, b: Range) -> Range:
    return _sum(a, _negative(b))


def _negative(a: Range) -> Range:
    return -a[1], -a[0]


_RANGES: dict[str, Callable[..., Range]] = {
    "add": _sum,
    "subtract": _difference,
    "multiply": _product,
    "negative": _negative,
    "absolute": _absolute,
}
