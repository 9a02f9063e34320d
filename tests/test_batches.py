"""Minibatches: what is in them, in which order, made when, and from what."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, MicrogradError, OperandError, ShapeError, Tensor
from micrograd.data import Batches, batches

Array = np.ndarray[Any, Any]


def data(samples: int) -> tuple[Array, Array]:
    """Return samples that tell their number, and labels that do."""
    numbers = np.arange(samples)
    return np.stack([numbers, -numbers], axis=1).astype(float), numbers


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def labels(made: Batches) -> list[list[int]]:
    return [t.tolist() for _, t in made]


# --- what is in them ---


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("samples", "size", "sizes"),
    [(10, 3, [3, 3, 3, 1]), (9, 3, [3, 3, 3]), (2, 5, [2]), (1, 1, [1]), (5, 5, [5])],
)
def test_an_epoch_has_each_sample_once_with_its_label(
    samples: int, size: int, sizes: list[int], shuffle: bool
) -> None:
    x, t = data(samples)
    made = batches(x, t, size, shuffle=shuffle)
    for _ in range(3):
        parts = list(made)
        assert [len(part) for _, part in parts] == sizes
        assert len(made) == len(sizes)
        for x_part, t_part in parts:
            np.testing.assert_array_equal(x_part, x[t_part])
        assert sorted(np.concatenate([part for _, part in parts]).tolist()) == t.tolist()


@pytest.mark.parametrize(("samples", "size", "count"), [(10, 3, 3), (9, 3, 3), (5, 5, 1)])
def test_drop_last_leaves_out_what_is_no_whole_batch(samples: int, size: int, count: int) -> None:
    made = batches(*data(samples), size, drop_last=True, rng=seeded())
    for _ in range(3):
        parts = labels(made)
        assert [len(part) for part in parts] == [size] * count
        assert len({number for part in parts for number in part}) == size * count
    assert len(made) == count


def test_what_drop_last_leaves_out_is_another_sample_each_time() -> None:
    made = batches(*data(3), 2, drop_last=True, rng=seeded())
    seen = {number for _ in range(20) for part in labels(made) for number in part}
    assert seen == {0, 1, 2}


def test_unshuffled_batches_come_in_the_order_of_the_data_as_views_of_it() -> None:
    x, t = data(5)
    made = batches(x, t, 2, shuffle=False)
    assert labels(made) == labels(made) == [[0, 1], [2, 3], [4]]
    assert all(np.shares_memory(part, x) for part, _ in made)


def test_shuffled_batches_are_arrays_of_their_own() -> None:
    x, t = data(4)
    for x_part, t_part in batches(x, t, 2):
        x_part[:], t_part[:] = 99, 99
    np.testing.assert_array_equal(x, data(4)[0])
    np.testing.assert_array_equal(t, data(4)[1])


def test_dtypes_and_further_axes_stay() -> None:
    x = np.arange(2 * 3 * 4 * 4, dtype=np.float32).reshape(6, 1, 4, 4)
    for shuffle in (True, False):
        for x_part, t_part in batches(x, np.arange(6, dtype=np.uint8), 2, shuffle=shuffle):
            assert (x_part.shape, x_part.dtype) == ((2, 1, 4, 4), np.float32)
            assert t_part.dtype == np.uint8


def test_there_may_be_one_array_or_several_and_the_size_by_name() -> None:
    x, t = data(4)
    (first,) = batches(x, 4, shuffle=False)
    assert len(first) == 1
    for parts in batches(x, t, t * 2, t * 3, batch_size=2):
        assert len(parts) == 4
        np.testing.assert_array_equal(parts[3], parts[1] * 3)
    assert labels(batches([[0.0], [1.0]], [5, 6], np.int64(2), shuffle=False)) == [[5, 6]]


def test_the_repr_tells_what_it_is() -> None:
    assert repr(batches(*data(1_000), 30)) == "<34 batches of 30 from 1,000 samples>"


# --- in which order ---


def test_a_seed_gives_the_same_epochs_and_another_seed_others() -> None:
    first, second, other = (batches(*data(50), 7, rng=seeded(seed)) for seed in (1, 1, 2))
    for _ in range(3):
        epoch = labels(first)
        assert labels(second) == epoch
        assert labels(other) != epoch


def test_each_epoch_has_an_order_of_its_own() -> None:
    made = batches(*data(50), 50, rng=seeded())
    assert len({str(labels(made)) for _ in range(5)}) == 5


def test_without_a_generator_the_orders_differ_from_run_to_run() -> None:
    assert labels(batches(*data(50), 50)) != labels(batches(*data(50), 50))


def test_every_order_is_as_likely() -> None:
    made = batches(*data(3), 3, rng=seeded())
    orders = [tuple(labels(made)[0]) for _ in range(1_200)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert max(abs(count - 200) for count in counts) < 70  # more than five standard deviations


def test_the_global_generator_of_numpy_is_neither_read_nor_moved() -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    labels(batches(*data(50), 7))
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_unshuffled_batches_leave_the_generator_alone() -> None:
    rng = seeded()
    before = rng.bit_generator.state
    labels(batches(*data(5), 2, shuffle=False, rng=rng))
    assert rng.bit_generator.state == before


def test_the_state_of_the_generator_between_epochs_is_all_that_goes_on_needs() -> None:
    made = batches(*data(50), 7, rng=seeded())
    labels(made)
    state = made.rng.bit_generator.state
    expected = [labels(made) for _ in range(3)]
    again = batches(*data(50), 7, rng=seeded(9))
    again.rng.bit_generator.state = state
    assert [labels(again) for _ in range(3)] == expected


def test_an_epoch_that_is_left_early_counts_as_one() -> None:
    left, whole = (batches(*data(50), 7, rng=seeded()) for _ in range(2))
    next(iter(left))
    labels(whole)
    assert labels(left) == labels(whole)


def test_what_else_draws_during_an_epoch_does_not_change_its_order() -> None:
    rng = seeded()
    made = batches(*data(50), 7, rng=rng)
    found: list[list[int]] = []
    for _, t in made:
        found.append(t.tolist())
        rng.random(5)
    assert found == labels(batches(*data(50), 7, rng=seeded()))


def test_two_epochs_may_be_gone_through_at_a_time() -> None:
    made = batches(*data(20), 5, rng=seeded())
    pairs = [(a.tolist(), b.tolist()) for (_, a), (_, b) in zip(made, made, strict=True)]
    again = batches(*data(20), 5, rng=seeded())
    assert [list(epoch) for epoch in zip(*pairs, strict=True)] == [labels(again), labels(again)]


# --- made when ---


def test_batches_are_made_one_at_a_time_and_the_data_is_not_copied() -> None:
    x, t = np.ones((1_000, 1_000)), np.arange(1_000)  # 8 MB
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in batches(x, t, 10):  # 80 kB each
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 300_000


def test_a_change_of_the_data_is_seen_by_the_batches_that_follow() -> None:
    x, t = data(4)
    made = iter(batches(x, t, 2))
    next(made)
    t[:] = 7
    assert next(made)[1].tolist() == [7, 7]


# --- refused ---

X, T = data(3)
BAD: list[tuple[tuple[Any, ...], dict[str, Any], type[MicrogradError], str]] = [
    ((X, T, 0), {}, ArgumentError, "batch_size is 0; expected a whole number from 1 on"),
    ((X, T, -1), {}, ArgumentError, "batch_size is -1"),
    ((X, T, 2.0), {}, OperandError, "a whole number for batch_size, but came 2.0"),
    ((X, T, True), {}, OperandError, "a whole number for batch_size"),
    ((X, T), {}, OperandError, "a whole number for batch_size, but came array"),
    ((), {}, OperandError, "a whole number for batch_size, but came None"),
    ((2,), {}, ArgumentError, "came no arrays"),
    ((), {"batch_size": 2}, ArgumentError, "came no arrays"),
    ((X, T, 2), {"batch_size": 2}, ShapeError, "argument 2 is a single int64"),
    ((X[:0], T[:0], 2), {}, ArgumentError, "the data set is empty"),
    (([], 2), {}, ArgumentError, "the data set is empty"),
    ((X, T[:2], 2), {}, ShapeError, "the arrays have 3, 2 rows"),
    ((X, 5, 2), {}, ShapeError, "argument 1 is a single int64"),
    (([[1.0], [1.0, 2.0]], 2), {}, ShapeError, "cannot make an array of argument 0"),
    ((X, T, 4), {"drop_last": True}, ArgumentError, "batch_size=4 is more than the 3 samples"),
    ((X, T, 2), {"rng": 0}, OperandError, r"for rng, but came 0\. Give np\.random\.default_rng"),
    ((X, T, 2), {"rng": np.random.RandomState(0)}, OperandError, "expected a generator for rng"),
    ((Tensor(X), T, 2), {}, OperandError, "would lose its graph"),
]


@pytest.mark.parametrize(("arguments", "settings", "error", "words"), BAD)
def test_what_cannot_be_parted_is_refused(
    arguments: tuple[Any, ...], settings: dict[str, Any], error: type[MicrogradError], words: str
) -> None:
    with pytest.raises(error, match=words):
        batches(*arguments, **settings)
