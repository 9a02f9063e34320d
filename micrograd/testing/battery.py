"""`check_op`: every law of an operation, over calls that Hypothesis draws and simplifies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrograd.core.op import Each, Op
from micrograd.core.user_rules import no_gradient
from micrograd.errors import ArgumentError
from micrograd.testing.domains import Domain, domain_named
from micrograd.testing.laws import ALSO_EMPTY, LAWS, LAWS_OF_NUMBERS, Law
from micrograd.testing.samples import Sample
from micrograd.testing.shapes import Shape, broadcastable_shapes
from micrograd.testing.strategies import arrays_of

_every: Any = HealthCheck  # Hypothesis types what this yields as its metaclass
_HEALTH_CHECKS: list[HealthCheck] = list(_every)  # a slow machine breaks no law
Domains = str | Domain | Sequence[str | Domain]


def check_op(
    op: Op,
    domain: Domains = "real",
    *,
    reference: Callable[..., Any] | None = None,
    shapes: st.SearchStrategy[tuple[Shape, ...]] | None = None,
    options: dict[str, Any] | None = None,
    samples: st.SearchStrategy[Sample] | None = None,
    examples: int = 25,
) -> list[str]:
    """Check an operation by all the laws that the built-in ones obey.

    The laws: the result is the reference's, in float64 and float32; gradients and
    the gradients' gradients are the numerical derivatives, also of arguments that
    were broadcast; gradients have the shape and dtype of their arguments, and the
    rules compute in that of the result; memory layout does not matter; nothing
    that came in is changed; arrays and nodes mix; a recorded backward pass gives
    the same; a node can be computed again from its record; a diagram has a symbol
    for it; and, unless `arrays_only` was declared, Values and Python numbers give
    what Tensors give.

    Each run draws new calls. It draws the same ones every time if Hypothesis's
    profile says so, by `settings.register_profile("same", derandomize=True)` and
    `settings.load_profile("same")`.

    Args:
        op: an operation, as `define_op` returns it.
        domain: where the operation is smooth, one for all data arguments or one
            for each: "real", "positive", "nonzero", "unit", "probability",
            "distinct", or a `Domain`.
        reference: the same function in NumPy alone; the operation's own forward
            function when left out.
        shapes: a strategy of tuples of shapes, one for each data argument; shapes
            that broadcast together when left out.
        options: settings to call it with, such as axis=0.
        samples: instead of all these, a strategy of whole calls.
        examples: how many calls to draw for each law.

    Returns:
        The laws that were checked.

    Raises:
        AssertionError: if a law does not hold, with the simplest call found that
            breaks it, and what differs.
        ArgumentError: if the domains don't fit the number of arguments.

    >>> from micrograd import define_op, sqrt
    >>> squareplus = define_op(
    ...     "squareplus",
    ...     lambda x: (x + np.sqrt(x * x + 4)) / 2,
    ...     lambda g, y, x: g * (1 + x / sqrt(x * x + 4)) / 2,
    ... )
    >>> len(check_op(squareplus, examples=5))
    13
    """
    if samples is None:
        samples_of = partial(_samples, op, domain, reference, shapes, options or {})
    else:
        given_samples = samples

        def samples_of(smallest: int) -> st.SearchStrategy[Sample]:
            return given_samples

    laws = LAWS if op.arrays_only else (*LAWS, *LAWS_OF_NUMBERS)
    for law in laws:
        check_law(law, op, samples_of(0 if law in ALSO_EMPTY else 1), examples)
    return [title(law) for law in laws]


def title(law: Law) -> str:
    """Return a law as a sentence."""
    return law.__name__.replace("_", " ")


def check_law(
    law: Law, op: Op, samples: st.SearchStrategy[Sample], examples: int | None = None
) -> None:
    """Check one law of an operation over samples.

    Args:
        law: one of `micrograd.testing.laws`.
        op: an operation.
        samples: a strategy of calls of it.
        examples: how many calls to draw; as the Hypothesis profile has it when
            left out.

    Raises:
        AssertionError: if it does not hold, with the simplest call that was found.
    """
    simplest: list[Sample] = []

    @settings(
        max_examples=examples or settings().max_examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=_HEALTH_CHECKS,
    )
    @given(samples, st.integers(0, 2**16))
    def holds(sample: Sample, seed: int) -> None:
        simplest[:] = [sample]  # the last that Hypothesis tries is the simplest that fails
        law(op, sample, np.random.default_rng(seed))

    try:
        holds()
    except Exception as error:
        if not simplest:  # nothing could be drawn
            raise
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        raise AssertionError(
            f"{op.name} breaks the law '{title(law)}'.\n"
            f"The simplest call found that shows it: {simplest[-1]}\n{kind}{error}"
        ) from None


def _samples(
    op: Op,
    domain: Domains,
    reference: Callable[..., Any] | None,
    shapes: st.SearchStrategy[tuple[Shape, ...]] | None,
    options: dict[str, Any],
    smallest: int,
) -> st.SearchStrategy[Sample]:
    """Return samples of an operation with as many arguments as it has derivatives."""
    domains = _domains(op, domain)
    if shapes is None:
        shapes = broadcastable_shapes(len(domains), min_side=smallest)
    rules = op.derivatives
    constants = () if isinstance(rules, Each) else _positions_without_gradient(rules)

    @st.composite
    def draw(draw: st.DrawFn) -> Sample:
        args = [
            draw(arrays_of(domain, np.dtype(float), shape))
            for domain, shape in zip(domains, draw(shapes), strict=True)
        ]
        return Sample(
            partial(op, **options),
            partial(reference or op.forward, **options),
            tuple(args),
            options,
            constants,
            name=op.name,
        )

    return draw()


def _positions_without_gradient(rules: Sequence[Any]) -> tuple[int, ...]:
    return tuple(i for i, rule in enumerate(rules) if rule is no_gradient)


def _domains(op: Op, domain: Domains) -> list[Domain]:
    several = not isinstance(domain, (str, Domain))
    rules = op.derivatives
    if several:
        domains = [domain_named(one) for one in domain]
        if not isinstance(rules, Each) and len(domains) != len(rules):
            raise ArgumentError(
                f"check_op: {op.name} takes {len(rules)} arguments, but came {len(domains)} "
                "domains. Give one domain for all, or one for each."
            )
        return domains
    if isinstance(rules, Each):
        raise ArgumentError(
            f"check_op: {op.name} takes any number of arguments. Give a sequence of domains, one "
            "for each argument to check it with, or samples."
        )
    return [domain_named(domain)] * len(rules)
