"""Hypothesis strategies for Values, Tensors and what goes with them.

What they draw suits numerical derivatives: readable numbers on which a function
is smooth. With `singular=True` they draw the points where it is not, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike, NDArray

from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.testing.arguments import (
    check_count,
    checked_dtype,
    checked_elements,
    checked_floating,
    checked_shape,
    refuse,
)
from micrograd.testing.domains import Domain, domain_named, readable_numbers, singular_points
from micrograd.testing.shapes import (
    Shape,
    broadcastable_shapes,
)

Floats = st.SearchStrategy[float]
Elements = st.SearchStrategy[Any]


def elements_of(
    domain: str | Domain = "real", dtype: DTypeLike = np.float64, singular: bool = False
) -> Floats:
    """Draw floats of a domain, most of them multiples of an eighth.

    They shrink to 1.0 or the simplest number that is allowed.

    Args:
        domain: a name in `DOMAINS`, or a `Domain`.
        dtype: a floating dtype that holds every number exactly.
        singular: whether to draw the domain's singular points, too; all else
            keeps away from them in any case.

    Raises:
        ArgumentError: if the domain is unknown, the dtype is not floating, or
            it has no number in the domain.

    >>> from hypothesis import find
    >>> find(elements_of("positive"), lambda x: True)
    1.0
    >>> find(elements_of("unit"), lambda x: x < 0)
    -0.5
    """
    domain = domain_named(domain)
    dtype = checked_floating("elements_of", dtype)
    readable = readable_numbers(domain, dtype)
    branches: list[Floats] = []
    if readable:  # three of a kind, since one_of draws each branch equally often
        branches += [st.sampled_from(readable) for _ in range(3)]
    branches += list(_floats(domain, dtype))
    if not branches:
        refuse("elements_of", "domain", domain, f"one with numbers of dtype {dtype} in it")
    points = singular_points(domain, dtype) if singular else []
    if points:
        branches.append(st.sampled_from(points))
    return st.one_of(branches)


def _floats(domain: Domain, dtype: np.dtype[Any]) -> Iterator[Floats]:
    """Yield the floats of each interval that has some in this dtype."""
    width = 16 if dtype.itemsize == 2 else 32 if dtype.itemsize == 4 else 64
    kind = np.dtype(f"f{width // 8}").type
    for low, high in domain.intervals:
        with np.errstate(over="ignore"):
            least, most = kind(low), kind(high)
        least = least if float(least) >= low else np.nextafter(least, kind(np.inf))
        most = most if float(most) <= high else np.nextafter(most, kind(-np.inf))
        if least <= most:
            yield st.floats(float(least), float(most), width=width)


def values(
    domain: str | Domain = "real",
    elements: Elements | None = None,
    singular: bool = False,
    requires_grad: bool = True,
) -> st.SearchStrategy[Value]:
    """Draw Values.

    Args:
        domain: a name in `DOMAINS`, or a `Domain`.
        elements: a strategy of numbers to draw from instead of a domain.
        singular: whether to draw the domain's singular points, too.
        requires_grad: False for constants.

    Raises:
        ArgumentError: if the domain is unknown or `elements` is no strategy.

    >>> from hypothesis import find
    >>> find(values("nonzero"), lambda value: value.data < 0)
    Value(data=-1.0, grad=0)
    """
    numbers = checked_elements("values", elements)
    if numbers is None:
        numbers = elements_of(domain, singular=singular)
    return numbers.map(lambda number: Value(number, requires_grad=requires_grad))


def arrays_of(
    domain: Domain,
    dtype: np.dtype[Any],
    shape: Shape,
    elements: Elements | None = None,
    singular: bool = False,
) -> st.SearchStrategy[NDArray[Any]]:
    """Draw arrays of a domain; those of a distinct one tie only if `singular`."""
    if elements is None and domain.distinct:
        return _distinct_arrays(domain, dtype, shape, singular)
    if elements is None:
        elements = elements_of(domain, dtype, singular)
    # Without a fill, each element is drawn by itself: a wrong index should show.
    return hnp.arrays(dtype, shape, elements=elements, fill=st.nothing())


def _distinct_arrays(
    domain: Domain, dtype: np.dtype[Any], shape: Shape, singular: bool
) -> st.SearchStrategy[NDArray[Any]]:
    step = 2.0 ** math.ceil(math.log2(domain.margin))  # a power of two is exact and readable
    numbers, size = readable_numbers(domain, dtype, step), math.prod(shape)
    if singular:  # a choice of few makes ties
        few = [*numbers[:3], *singular_points(domain, dtype)]
        return hnp.arrays(dtype, shape, elements=st.sampled_from(few), fill=st.nothing())
    if size > len(numbers):
        refuse("tensors", "shape", shape, f"one of at most {len(numbers)} elements in {domain}")
    drawn = st.lists(st.sampled_from(numbers), min_size=size, max_size=size, unique=True)
    return drawn.map(lambda flat: np.array(flat, dtype).reshape(shape))


def tensors(
    dtype: DTypeLike | st.SearchStrategy[Any] = np.float64,
    shape: int | Shape | st.SearchStrategy[Any] | None = None,
    elements: Elements | None = None,
    domain: str | Domain = "real",
    requires_grad: bool | None = None,
    singular: bool = False,
) -> st.SearchStrategy[Tensor]:
    """Draw Tensors, each of whose elements is drawn by itself.

    Args:
        dtype: a dtype, or a strategy of dtypes.
        shape: a tuple of lengths, one length, or a strategy of these; None for
            up to three axes of length 1 to 3.
        elements: a strategy of elements to draw from instead of a domain.
        domain: a name in `DOMAINS`, or a `Domain`. The elements of a distinct
            one do not tie.
        requires_grad: as `Tensor` takes it.
        singular: whether to draw the domain's singular points, too, and ties
            where it is distinct.

    Raises:
        ArgumentError: if an argument is of another kind, the dtype is not
            floating and no elements came, or a distinct domain has fewer
            numbers than the shape has elements.

    >>> from hypothesis import find
    >>> find(tensors(shape=3), lambda x: True)
    Tensor([1., 1., 1.])
    >>> find(tensors(np.float32, (2, 2), domain="distinct"), lambda x: True)
    Tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    """
    numbers = checked_elements("tensors", elements)
    known = domain_named(domain)
    if not isinstance(dtype, st.SearchStrategy):
        dtype = st.just(checked_dtype("tensors", dtype, numbers))
    if shape is None:
        shape = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
    elif not isinstance(shape, st.SearchStrategy):
        shape = st.just(checked_shape("tensors", shape))
    return _tensors(dtype, shape, numbers, known, requires_grad, singular)


@st.composite
def _tensors(
    draw: st.DrawFn,
    dtypes: st.SearchStrategy[Any],
    shapes: st.SearchStrategy[Any],
    elements: Elements | None,
    domain: Domain,
    requires_grad: bool | None,
    singular: bool,
) -> Tensor:
    dtype = checked_dtype("tensors", draw(dtypes), elements)
    shape = checked_shape("tensors", draw(shapes))
    array = draw(arrays_of(domain, dtype, shape, elements, singular))
    return Tensor(array, requires_grad=requires_grad)


def mutually_broadcastable(
    n: int,
    *,
    dtype: DTypeLike | st.SearchStrategy[Any] = np.float64,
    domain: str | Domain | Sequence[str | Domain] = "real",
    elements: Elements | None = None,
    requires_grad: bool | None = None,
    singular: bool = False,
) -> st.SearchStrategy[tuple[Tensor, ...]]:
    """Draw tuples of `n` Tensors whose shapes broadcast together.

    Args:
        n: how many Tensors.
        dtype: as `tensors` takes it.
        domain: one for all, or a sequence of one for each.
        elements: as `tensors` takes it.
        requires_grad: as `Tensor` takes it.
        singular: as `tensors` takes it.

    Raises:
        ArgumentError: if `n` is not a positive integer, the domains are not
            `n`, or an argument is none that `tensors` takes.

    >>> from hypothesis import find
    >>> find(mutually_broadcastable(2, domain=["real", "positive"]), lambda pair: True)
    (Tensor(1.), Tensor(1.))
    """
    check_count("mutually_broadcastable", "n", n)
    domains = [domain] * n if isinstance(domain, (str, Domain)) else list(domain)
    if len(domains) != n:
        refuse("mutually_broadcastable", "domain", domain, f"one domain or a sequence of {n}")

    def one(domain: str | Domain, shape: Shape | None = None) -> st.SearchStrategy[Tensor]:
        return tensors(dtype, shape, elements, domain, requires_grad, singular)

    def of_shapes(shapes: tuple[Shape, ...]) -> st.SearchStrategy[tuple[Tensor, ...]]:
        return st.tuples(*map(one, domains, shapes))

    for each in domains:
        one(each)  # refuses here what it cannot take, not in the middle of a test
    return broadcastable_shapes(n).flatmap(of_shapes)
