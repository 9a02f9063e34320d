"""What the strategies of micrograd.testing draw, what they reach, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import ArgumentError, Tensor
from micrograd.testing import (
    axes_for,
    broadcastable_shapes,
    elements_of,
    indices_for,
    mutually_broadcastable,
    one_hot_labels,
    tensors,
    values,
)
from micrograd.testing.domains import DOMAINS, Domain, domain_named

SEARCH = settings(
    max_examples=5000, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
)
FLOATING = ["float16", "float32", "float64", "longdouble"]
names = st.sampled_from(sorted(DOMAINS))
dtypes = st.sampled_from(FLOATING)
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def gap(array: Any) -> float:
    """Return how far the two nearest elements are from each other."""
    return float(np.diff(np.sort(array, axis=None)).min(initial=np.inf))


# Domains


def test_a_domain_leaves_out_what_is_near_a_singular_point() -> None:
    domain = Domain(low=-1.0, high=3.0, singular=(2.0, 0.0), margin=0.5)

    assert domain.intervals == ((-1.0, -0.5), (0.5, 1.5), (2.5, 3.0))
    assert 0.5 in domain
    assert 0.4 not in domain
    assert 3.5 not in domain


@pytest.mark.parametrize(
    ("domain", "intervals"),
    [
        (Domain(0.0, 1.0, singular=(-5.0, 9.0)), ((0.0, 1.0),)),
        (Domain(0.0, 1.0, singular=(0.25, 0.5), margin=0.25), ((0.0, 0.0), (0.75, 1.0))),
        (Domain(2.0, 2.0), ((2.0, 2.0),)),
    ],
)
def test_intervals_are_cut_to_the_bounds(domain: Domain, intervals: Any) -> None:
    assert domain.intervals == intervals


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": 2.0, "high": 1.0}, r"low to be at most high, but came low=2.0 and high=1.0"),
        ({"high": math.inf}, "finite"),
        ({"singular": (math.nan,)}, "finite"),
        ({"margin": 0.0}, "margin to be a positive number, but came 0.0"),
        ({"margin": math.nan}, "margin"),
        ({"low": 0.0, "high": 0.1, "singular": (0.0,)}, "leave none"),
    ],
)
def test_a_domain_without_sense_is_refused(fields: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Domain(**fields)


def test_an_unknown_domain_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r"'real', 'positive'.*but came 'reel'"):
        domain_named("reel")
    with pytest.raises(ArgumentError, match="but came 3"):
        domain_named(3)  # type: ignore[arg-type]


# Elements


@given(data=st.data(), name=names, dtype=dtypes)
def test_elements_are_in_the_domain_and_exact_in_the_dtype(
    data: st.DataObject, name: str, dtype: str
) -> None:
    x = data.draw(elements_of(name, dtype))

    assert x in DOMAINS[name]
    assert np.dtype(dtype).type(x) == x


@given(data=st.data(), dtype=dtypes)
def test_elements_of_a_domain_whose_bounds_the_dtype_lacks_stay_inside(
    data: st.DataObject, dtype: str
) -> None:
    for domain in (Domain(0.1, 0.3), Domain(-1e6, -0.7), Domain(1e-3, 1e5)):
        x = data.draw(elements_of(domain, dtype))
        assert x in domain
        assert np.dtype(dtype).type(x) == x


@pytest.mark.parametrize("name", ["positive", "nonzero", "unit", "probability"])
def test_singular_points_are_drawn_when_asked_for(name: str) -> None:
    for point in DOMAINS[name].singular:
        assert find(elements_of(name, singular=True), lambda x, p=point: x == p) == point


@given(data=st.data(), name=names)
def test_singular_elements_are_in_the_domain_or_singular_points(
    data: st.DataObject, name: str
) -> None:
    x = data.draw(elements_of(name, singular=True))

    assert x in DOMAINS[name] or x in DOMAINS[name].singular


@pytest.mark.slow
@pytest.mark.parametrize(
    ("domain", "simplest"),
    [
        ("real", 1.0),
        ("positive", 1.0),
        ("nonzero", 1.0),
        ("unit", 0.5),
        ("probability", 0.5),
        (Domain(-9.0, -2.5), -3.0),
        (Domain(1.3, 1.45), 1.375),
    ],
)
def test_elements_shrink_to_the_simplest(domain: Any, simplest: float) -> None:
    assert find(elements_of(domain), lambda x: True) == simplest


def test_elements_that_are_not_readable_are_drawn_too() -> None:
    assert find(elements_of("real"), lambda x: x * 8 % 1 != 0, settings=SEARCH) in DOMAINS["real"]


# Values and Tensors


def test_values_have_elements_of_the_domain_or_of_ones_own() -> None:
    @settings(max_examples=20)
    @given(values("positive"), values(elements=st.just(7.0), requires_grad=False))
    def law(x: micrograd.Value, seven: micrograd.Value) -> None:
        assert isinstance(x, micrograd.Value)
        assert x.data in DOMAINS["positive"]
        assert x.requires_grad
        assert seven.data == 7.0
        assert not seven.requires_grad

    law()


@given(data=st.data(), name=names, dtype=dtypes, shape=shapes)
def test_tensors_are_of_the_shape_dtype_and_domain(
    data: st.DataObject, name: str, dtype: str, shape: tuple[int, ...]
) -> None:
    x = data.draw(tensors(dtype, shape, domain=name))

    assert isinstance(x, Tensor)
    assert (x.shape, x.dtype) == (shape, np.dtype(dtype))
    assert all(element in DOMAINS[name] for element in x.data.flat)
    assert x.requires_grad


@given(tensors(dtypes, st.sampled_from([2, (3, 1)]), requires_grad=False))
def test_dtype_and_shape_may_be_strategies(x: Tensor) -> None:
    assert x.dtype.kind == "f"
    assert x.shape in [(2,), (3, 1)]
    assert not x.requires_grad


@given(tensors("int64", 3, elements=st.integers(0, 5)))
def test_tensors_of_integers_take_their_elements(x: Tensor) -> None:
    assert x.dtype == np.int64
    assert not x.requires_grad


@pytest.mark.parametrize("ndim", range(4))
def test_tensors_of_every_number_of_axes_are_drawn_by_default(ndim: int) -> None:
    assert find(tensors(), lambda x: x.ndim == ndim).ndim == ndim


@given(tensors())
def test_default_shapes_are_small(x: Tensor) -> None:
    assert x.ndim <= 3
    assert all(1 <= length <= 3 for length in x.shape)


def test_elements_of_an_array_vary() -> None:
    different = list[bool]()

    @settings(max_examples=50, derandomize=True)
    @given(tensors(shape=(3, 3)))
    def collect(x: Tensor) -> None:
        different.append(len(np.unique(x.data)) > 5)

    collect()
    assert sum(different) > len(different) / 2


@given(tensors(domain="distinct"), tensors(domain=Domain(margin=0.3, distinct=True), shape=(2, 3)))
def test_elements_of_distinct_domains_are_apart(x: Tensor, y: Tensor) -> None:
    assert gap(x.data) >= 0.125
    assert gap(y.data) >= 0.3


def test_a_singular_distinct_domain_makes_ties() -> None:
    assert gap(find(tensors(shape=2, domain="distinct", singular=True), is_tied).data) == 0


def is_tied(x: Tensor) -> bool:
    return gap(x.data) == 0


def test_a_distinct_domain_without_room_is_refused() -> None:
    @given(tensors(shape=(20, 20), domain="distinct"))
    def draws(x: Tensor) -> None:
        """Be called with what cannot be drawn."""

    with pytest.raises(ArgumentError, match=r"\(20, 20\)"):
        draws()


# Shapes and what picks from them


@given(data=st.data(), n=st.integers(1, 4))
def test_broadcastable_shapes_broadcast(data: st.DataObject, n: int) -> None:
    drawn = data.draw(broadcastable_shapes(n, max_side=4))

    assert len(drawn) == n
    np.broadcast_shapes(*drawn)  # raises if they do not
    assert all(1 <= length <= 4 for shape in drawn for length in shape)


def test_broadcastable_shapes_differ_in_length_and_in_stretched_axes() -> None:
    assert find(broadcastable_shapes(2), lambda s: len(s[0]) != len(s[1]))
    assert find(broadcastable_shapes(2), lambda s: s[0][:1] == (1,) and s[1][:1] == (2,))
    assert find(broadcastable_shapes(2, min_side=0), lambda s: 0 in s[0])


@given(mutually_broadcastable(3, dtype=dtypes, domain=["real", "positive", Domain(5.0, 6.0)]))
def test_mutually_broadcastable_tensors_broadcast_each_in_its_domain(
    drawn: tuple[Tensor, ...],
) -> None:
    a, b, c = drawn

    assert isinstance((a + b + c), Tensor)
    assert (b.data > 0).all()
    assert ((c.data >= 5) & (c.data <= 6)).all()


@given(data=st.data(), shape=shapes)
def test_indices_are_taken_by_numpy_and_by_tensors(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    array = np.arange(float(math.prod(shape))).reshape(shape)
    index = data.draw(indices_for(shape))

    np.testing.assert_array_equal(Tensor(array)[index].data, array[index])


def parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def has(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda index: any(test(part) for part in parts(index))


def is_array(part: Any, kind: str) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == kind


INDEX_KINDS: dict[str, Callable[[Any], bool]] = {
    "integer": has(lambda part: isinstance(part, int) and part < 0),
    "slice": has(lambda part: isinstance(part, slice) and part.start is not None),
    "stride": has(lambda part: isinstance(part, slice) and part.step == 2),
    "backwards": has(lambda part: isinstance(part, slice) and (part.step or 1) < 0),
    "None": has(lambda part: part is None),
    "Ellipsis": has(lambda part: part is Ellipsis),
    "list": has(lambda part: isinstance(part, list) and len(part) > 1),
    "repeats": has(lambda part: is_array(part, "i") and len(set(part.flat)) < part.size),
    "array of two axes": has(lambda part: is_array(part, "i") and part.ndim == 2),
    "whole mask": lambda index: is_array(index, "b") and index.ndim == 2,
    "mask of an axis": lambda index: (
        isinstance(index, tuple) and has(lambda p: is_array(p, "b"))(index)
    ),
    "array and slice": lambda index: (
        has(lambda p: is_array(p, "i"))(index) and has(lambda p: isinstance(p, slice))(index)
    ),
    "array and None": lambda index: (
        has(lambda p: is_array(p, "i"))(index) and has(lambda p: p is None)(index)
    ),
    "empty": lambda index: np.zeros((2, 3))[index].size == 0,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_indices_of_every_kind_are_drawn(kind: str) -> None:
    assert INDEX_KINDS[kind](find(indices_for((2, 3)), INDEX_KINDS[kind], settings=SEARCH))


def test_one_length_is_a_shape() -> None:
    @settings(max_examples=20)
    @given(indices_for(3))
    def law(index: Any) -> None:
        np.zeros(3)[index]

    law()


@given(data=st.data(), shape=shapes)
def test_axes_are_taken_by_reductions(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axis = data.draw(axes_for(shape))

    np.zeros(shape).sum(axis=axis)  # raises if it is not valid
    assert axis is None or isinstance(axis, (int, tuple))


@pytest.mark.parametrize("axis", [None, (), 0, -1, (1,), (0, 1), (1, 0), (-1, -2)])
def test_axes_of_every_kind_are_drawn(axis: Any) -> None:
    assert find(axes_for((2, 3)), lambda drawn: drawn == axis, settings=SEARCH) == axis


@given(one_hot_labels())
def test_labels_are_one_hot(labels: Any) -> None:
    assert labels.dtype == np.float64
    assert np.isin(labels, [0, 1]).all()
    np.testing.assert_array_equal(labels.sum(axis=1), 1)
    assert labels.shape[1] >= 2


@given(one_hot_labels(batch=2, classes=5))
def test_labels_are_of_the_size_asked_for(labels: Any) -> None:
    assert labels.shape == (2, 5)


# Arguments

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "elements domain": (lambda: elements_of("reel"), "but came 'reel'"),
    "elements dtype": (lambda: elements_of("real", "int64"), "elements_of: expected dtype to be"),
    "elements no dtype": (lambda: elements_of("real", "x"), "elements_of: expected dtype to be"),
    "elements none": (
        lambda: elements_of(Domain(7e4, 8e4), "float16"),
        "numbers of dtype float16 in it",
    ),
    "values domain": (lambda: values("reel"), "but came 'reel'"),
    "values elements": (lambda: values(elements=[1.0]), "values: expected elements to be"),  # type: ignore[arg-type]
    "tensors dtype": (lambda: tensors(int), "tensors: expected dtype to be a floating dtype"),
    "tensors no dtype": (lambda: tensors("x", elements=st.just(1)), "but came 'x'"),
    "tensors shape": (lambda: tensors(shape=[2, 3]), r"shape to be .*, but came \[2, 3\]"),  # type: ignore[arg-type]
    "tensors negative": (lambda: tensors(shape=(2, -1)), r"but came \(2, -1\)"),
    "tensors bool": (lambda: tensors(shape=True), "but came True"),
    "tensors domain": (lambda: tensors(domain="reel"), "but came 'reel'"),
    "tensors elements": (lambda: tensors(elements=1.0), "elements to be a Hypothesis strategy"),  # type: ignore[arg-type]
    "shapes n": (lambda: broadcastable_shapes(-1), "broadcastable_shapes: expected n to be"),
    "shapes zero": (lambda: broadcastable_shapes(0), "an integer of 1 or more, but came 0"),
    "shapes float": (lambda: broadcastable_shapes(2.0), "but came 2.0"),  # type: ignore[arg-type]
    "shapes dims": (lambda: broadcastable_shapes(2, min_dims=3, max_dims=2), "max_dims"),
    "shapes side": (lambda: broadcastable_shapes(2, min_side=-1), "min_side"),
    "mutually n": (lambda: mutually_broadcastable(-1), "mutually_broadcastable: expected n"),
    "mutually domains": (
        lambda: mutually_broadcastable(3, domain=["real"]),
        "one domain or a sequence of 3",
    ),
    "mutually dtype": (lambda: mutually_broadcastable(2, dtype="int8"), "floating dtype"),
    "mutually domain": (lambda: mutually_broadcastable(2, domain="reel"), "but came 'reel'"),
    "indices": (lambda: indices_for("ab"), "indices_for: expected shape"),  # type: ignore[arg-type]
    "axes": (lambda: axes_for(2), r"axes_for: .*\(1,\) \* ndim for ndim axes, but came 2"),  # type: ignore[arg-type]
    "axes shape": (lambda: axes_for((2.0,)), "axes_for: expected shape"),  # type: ignore[arg-type]
    "labels batch": (lambda: one_hot_labels(batch=0), "one_hot_labels: expected batch"),
    "labels classes": (lambda: one_hot_labels(classes=-3), "classes to be .* but came -3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused_when_the_strategy_is_made(case: str) -> None:
    call, message = REFUSED[case]

    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    "strategy",
    [tensors(st.just("int64")), tensors(shape=st.just([2]))],
    ids=["dtype", "shape"],
)
def test_bad_arguments_that_are_drawn_are_refused_when_drawn(strategy: Any) -> None:
    @given(strategy)
    def draws(x: Tensor) -> None:
        """Be called with what cannot be drawn."""

    with pytest.raises(ArgumentError, match="tensors: expected"):
        draws()
