"""Numbers on which a function is smooth, so that its derivative can be checked there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from micrograd.errors import ArgumentError

_READABLE = 0.125  # multiples of an eighth are exact in every floating dtype
_MOST_READABLE = 256  # numbers from each end of an interval; no domain needs more


@dataclass(frozen=True)
class Domain:
    """Describe the numbers on which a function is smooth.

    `x in domain` tells whether a number is one of them.

    Args:
        low: the smallest number.
        high: the largest number.
        singular: points where the function has a kink, a jump or a pole.
        margin: how far from the singular points, and in a distinct domain from
            each other, the numbers are.
        distinct: whether all the elements of one array differ by at least the
            margin, as the derivatives of max and sort want it.

    Raises:
        ArgumentError: if a bound is not finite, the margin is not positive, or
            no number is left between the bounds.

    >>> domain = Domain(low=0.0, high=4.0, singular=(0.0, 1.0), margin=0.25)
    >>> domain.intervals
    ((0.25, 0.75), (1.25, 4.0))
    >>> 0.5 in domain, 1.0 in domain
    (True, False)
    """

    low: float = -4.0
    high: float = 4.0
    singular: tuple[float, ...] = ()
    margin: float = 0.125
    distinct: bool = False

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.low, self.high, *self.singular))):
            raise ArgumentError(f"Domain: expected low, high and singular finite, but came {self}.")
        if self.low > self.high:
            raise ArgumentError(
                f"Domain: expected low to be at most high, but came low={self.low} and "
                f"high={self.high}."
            )
        if not 0 < self.margin < math.inf:
            raise ArgumentError(
                f"Domain: expected margin to be a positive number, but came {self.margin}."
            )
        if not self.intervals:
            raise ArgumentError(
                f"Domain: expected singular points that leave numbers between low={self.low} and "
                f"high={self.high}, but {self.singular} with margin={self.margin} leave none."
            )

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """The closed intervals that remain when the margins are taken out."""
        return tuple(self._intervals())

    def _intervals(self) -> Iterator[tuple[float, float]]:
        start = self.low
        for point in sorted(self.singular):
            end = min(point - self.margin, self.high)
            if start <= end:
                yield start, end
            start = max(start, point + self.margin)
        if start <= self.high:
            yield start, self.high

    def __contains__(self, number: float) -> bool:
        return any(low <= number <= high for low, high in self.intervals)


DOMAINS: dict[str, Domain] = {
    "real": Domain(),
    "positive": Domain(low=0.0, singular=(0.0,)),
    "nonzero": Domain(singular=(0.0,)),
    "unit": Domain(low=-1.0, high=1.0, singular=(-1.0, 1.0)),
    "probability": Domain(low=0.0, high=1.0, singular=(0.0, 1.0)),
    "distinct": Domain(distinct=True),
}
"""Ready domains by name; `unit` and `probability` leave their ends out."""


def domain_named(domain: str | Domain) -> Domain:
    """Return the ready domain of a name; a `Domain` stands for itself.

    Args:
        domain: a name in `DOMAINS`, or a domain of your own.

    Raises:
        ArgumentError: if there is no domain of that name.

    >>> domain_named("positive").intervals
    ((0.125, 4.0),)
    """
    if isinstance(domain, Domain):
        return domain
    if not isinstance(domain, str) or domain not in DOMAINS:
        known = ", ".join(map(repr, DOMAINS))
        raise ArgumentError(
            f"domain_named: expected a Domain or one of {known}, but came {domain!r}."
        )
    return DOMAINS[domain]


def readable_numbers(
    domain: Domain, dtype: DTypeLike = np.float64, step: float = _READABLE
) -> list[float]:
    """Return the multiples of `step` in a domain, the simplest first and 0 last.

    >>> readable_numbers(Domain(low=-1.0, high=2.0), step=0.5)
    [1.0, 2.0, -1.0, 0.5, 1.5, -0.5, 0.0]
    """
    numbers = [
        float(k * step)
        for low, high in domain.intervals
        for k in _nearest_zero(math.ceil(low / step), math.floor(high / step))
    ]
    kind: Any = np.dtype(dtype).type
    with np.errstate(over="ignore"):
        exact = [x for x in numbers if float(kind(x)) == x]
    return sorted(exact, key=lambda x: (x == 0, Fraction(x).denominator, x < 0, abs(x)))


def _nearest_zero(first: int, last: int) -> range:
    """Return the integers from `first` to `last`, but no more than are useful."""
    if first > 0:
        return range(first, min(last, first + _MOST_READABLE) + 1)
    if last < 0:
        return range(max(first, last - _MOST_READABLE), last + 1)
    return range(max(first, -_MOST_READABLE), min(last, _MOST_READABLE) + 1)


def singular_points(domain: Domain, dtype: np.dtype[Any]) -> list[float]:
    """Return the singular points between the bounds of a domain, as its dtype has them."""
    inside = [float(dtype.type(x)) for x in domain.singular if domain.low <= x <= domain.high]
    return sorted(inside, key=abs)
