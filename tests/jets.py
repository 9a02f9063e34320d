"""Numbers with their derivatives up to the third, in as many digits as one likes.

A `Jet` is a Taylor polynomial in the displacements of the arguments, with mpmath's numbers as
coefficients. What is computed from jets has the derivatives of the result as coefficients: the
truth that gradients are held to. It is worked out forwards, by power series, and so has nothing in
common with the chain rule of the engine; `tests/test_precision.py` holds it to mpmath's own
derivatives.

The functions here take jets, and work in the precision of `mpmath.mp`. The coefficients of each
function are written without differences that could cancel, so that a few digits suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations_with_replacement
from math import factorial
from typing import Any

import mpmath
from mpmath import mp

ORDER = 3


@cache
def monomials(variables: int) -> list[tuple[int, ...]]:
    """Return the products of at most `ORDER` variables, each as the sorted variables in it."""
    return [
        which
        for degree in range(ORDER + 1)
        for which in combinations_with_replacement(range(variables), degree)
    ]


@cache
def products(variables: int) -> list[tuple[int, int, int]]:
    """Return which two monomials have which product, by their places."""
    places = {which: i for i, which in enumerate(monomials(variables))}
    return [
        (i, j, places[tuple(sorted(a + b))])
        for a, i in places.items()
        for b, j in places.items()
        if len(a + b) <= ORDER
    ]


class Jet:
    """A number as a function of the arguments: value and derivatives at one point."""

    def __init__(self, terms: list[Any], variables: int) -> None:
        self.terms = terms  # as `monomials`, without the zeros' products
        self.variables = variables

    @property
    def value(self) -> Any:
        return self.terms[0]

    def derivative(self, *by: int) -> Any:
        """Return a derivative by the variables named, each as often as it is named."""
        term = self.terms[monomials(self.variables).index(tuple(sorted(by)))]
        for variable in set(by):
            term = term * factorial(by.count(variable))
        return term

    def _lift(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return other
        rest = [mpmath.mpf(0)] * (len(self.terms) - 1)
        return Jet([mpmath.mpf(other), *rest], self.variables)

    def __add__(self, other: Any) -> Jet:
        terms = zip(self.terms, self._lift(other).terms, strict=True)
        return Jet([a + b for a, b in terms], self.variables)

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            factor = mpmath.mpf(other)
            return Jet([a * factor for a in self.terms], self.variables)
        terms = [mpmath.mpf(0)] * len(self.terms)
        for i, j, k in products(self.variables):
            if self.terms[i] and other.terms[j]:
                terms[k] += self.terms[i] * other.terms[j]
        return Jet(terms, self.variables)

    def __neg__(self) -> Jet:
        return Jet([-a for a in self.terms], self.variables)

    def __sub__(self, other: Any) -> Jet:
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> Jet:
        return self._lift(other) - self

    def __truediv__(self, other: Any) -> Jet:
        return self * reciprocal(self._lift(other))

    def __rtruediv__(self, other: Any) -> Jet:
        return reciprocal(self) * other

    def __pow__(self, n: Any) -> Jet:
        return power(self, n)

    def __abs__(self) -> Jet:
        return -self if self.value < 0 else self

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < (other.value if isinstance(other, Jet) else other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > (other.value if isinstance(other, Jet) else other))

    __radd__ = __add__
    __rmul__ = __mul__


def variables(values: Sequence[Any]) -> list[Jet]:
    """Return the arguments themselves as jets."""
    count = len(values)
    jets: list[Jet] = []
    for i, value in enumerate(values):
        slopes = [mpmath.mpf(which == (i,)) for which in monomials(count)[1:]]
        jets.append(Jet([mpmath.mpf(value), *slopes], count))
    return jets


def composed(derivatives: Iterable[Any], x: Jet) -> Jet:
    """Return f(x) for the value of f and its three derivatives at the value of x."""
    step = Jet([mpmath.mpf(0), *x.terms[1:]], x.variables)
    series = [mpmath.mpf(d) / factorial(k) for k, d in enumerate(derivatives)]
    result = x._lift(series[-1])
    for coefficient in reversed(series[:-1]):
        result = result * step + coefficient
    return result


def function(derivatives: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Jet]:
    """Return the function of jets whose value and three derivatives a function of numbers gives."""

    def of_jet(x: Any) -> Jet:
        return composed(derivatives(x.value), x)

    return of_jet


# -- functions; each gives f, f', f'' and f''' of a number


def e_to(x: Any) -> Any:
    """Return e**x, or for large |x| another number that is out of the range of every dtype."""
    return mp.exp(max(min(x, 10**6), -(10**6)))


def sinh_and_cosh(x: Any) -> tuple[Any, Any]:
    e = e_to(x)
    return mp.sinh(x) if abs(x) < 1 else (e - 1 / e) / 2, (e + 1 / e) / 2


@function
def reciprocal(x: Any) -> Iterable[Any]:
    r = 1 / x
    return r, -(r**2), 2 * r**3, -6 * r**4


def power(x: Any, n: Any) -> Jet:
    """Return x**n for a number or jet x > 0 (any x, if n is whole) and a number or jet n."""
    if isinstance(n, Jet):
        base = log(x) if isinstance(x, Jet) else mp.log(x)
        return exp(n * base)
    if mp.isint(n) and 0 <= n <= ORDER:
        result = x._lift(1)
        for _ in range(int(n)):
            result = result * x
        return result

    n = mpmath.mpf(n)
    v = x.value
    return composed(
        (v**n, n * v ** (n - 1), n * (n - 1) * v ** (n - 2), n * (n - 1) * (n - 2) * v ** (n - 3)),
        x,
    )


def sqrt(x: Any) -> Jet:
    return power(x, mpmath.mpf(1) / 2)


@function
def cbrt(x: Any) -> Iterable[Any]:
    y = mp.sign(x) * mp.cbrt(abs(x))
    return y, y / x / 3, -2 * y / x**2 / 9, 10 * y / x**3 / 27


@function
def exp(x: Any) -> Iterable[Any]:
    return (e_to(x),) * 4


@function
def expm1(x: Any) -> Iterable[Any]:
    return mp.expm1(x) if abs(x) < 1 else e_to(x) - 1, e_to(x), e_to(x), e_to(x)


@function
def log(x: Any) -> Iterable[Any]:
    return mp.log(x), 1 / x, -1 / x**2, 2 / x**3


@function
def log1p(x: Any) -> Iterable[Any]:
    return mp.log1p(x), 1 / (1 + x), -1 / (1 + x) ** 2, 2 / (1 + x) ** 3


@function
def sin(x: Any) -> Iterable[Any]:
    s, c = mp.sin(x), mp.cos(x)
    return s, c, -s, -c


@function
def cos(x: Any) -> Iterable[Any]:
    s, c = mp.sin(x), mp.cos(x)
    return c, -s, -c, s


@function
def tan(x: Any) -> Iterable[Any]:
    t, q = mp.tan(x), mp.sec(x) ** 2
    return t, q, 2 * t * q, 2 * q * (q + 2 * t * t)


@function
def sinh(x: Any) -> Iterable[Any]:
    s, c = sinh_and_cosh(x)
    return s, c, s, c


@function
def cosh(x: Any) -> Iterable[Any]:
    s, c = sinh_and_cosh(x)
    return c, s, c, s


@function
def tanh(x: Any) -> Iterable[Any]:
    t, q = mp.tanh(x), 1 / sinh_and_cosh(x)[1] ** 2
    return t, q, -2 * t * q, 2 * q * (2 - 3 * q)


@function
def sigmoid(x: Any) -> Iterable[Any]:
    e = e_to(-abs(x))
    t, q = mp.tanh(x / 2), e / (1 + e) ** 2
    return 1 / (1 + e_to(-x)), q, -t * q, q * (1 - 6 * q)


@function
def softplus(x: Any) -> Iterable[Any]:
    e = e_to(-abs(x))
    s, t, q = 1 / (1 + e_to(-x)), mp.tanh(x / 2), e / (1 + e) ** 2
    return max(x, 0) + mp.log1p(e), s, q, -t * q


@function
def asin(x: Any) -> Iterable[Any]:
    r = (1 - x) * (1 + x)
    s = mp.sqrt(r)
    return mp.asin(x), 1 / s, x / (r * s), (1 + 2 * x * x) / (r * r * s)


@function
def atan(x: Any) -> Iterable[Any]:
    r = 1 + x * x
    return mp.atan(x), 1 / r, -2 * x / r**2, (6 * x * x - 2) / r**3


@function
def asinh(x: Any) -> Iterable[Any]:
    r = 1 + x * x
    s = mp.sqrt(r)
    return mp.asinh(x), 1 / s, -x / (r * s), (2 * x * x - 1) / (r * r * s)


@function
def acosh(x: Any) -> Iterable[Any]:
    r = (x - 1) * (x + 1)
    s = mp.sqrt(r)
    return mp.acosh(x), 1 / s, -x / (r * s), (2 * x * x + 1) / (r * r * s)


@function
def atanh(x: Any) -> Iterable[Any]:
    r = (1 - x) * (1 + x)
    return mp.atanh(x), 1 / r, 2 * x / r**2, (6 * x * x + 2) / r**3


@function
def erf(x: Any) -> Iterable[Any]:
    q = 2 / mp.sqrt(mp.pi) * e_to(-x * x)
    value = mp.erf(x) if abs(x) < 300 else mp.sign(x)
    return value, q, -2 * x * q, (4 * x * x - 2) * q


@function
def normal_cdf(x: Any) -> Iterable[Any]:
    q = e_to(-x * x / 2) / mp.sqrt(2 * mp.pi)
    value = mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 300 else mpmath.mpf(x > 0)
    return value, q, -x * q, (x * x - 1) * q
