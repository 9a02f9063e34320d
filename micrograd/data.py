"""Minibatches: parts of a data set, shuffled anew for each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import ArgumentError, OperandError, ShapeError, whole

__all__ = ["Batches", "batches"]

_Array = NDArray[Any]


class Batches:
    """Minibatches of some arrays, to be gone through once for each epoch; see `batches`.

    Attributes:
        arrays: the arrays as they came, not copied.
        batch_size: how many samples a batch has.
        shuffle: whether each epoch has an order of its own.
        rng: the generator of the orders. One draw is made when an epoch begins
            and none during it, so that its state between two epochs is all that is
            needed to go on in the same way: keep `rng.bit_generator.state`.
        drop_last: whether a last batch of fewer samples is left out.
    """

    def __init__(
        self,
        arrays: tuple[_Array, ...],
        batch_size: int,
        shuffle: bool,
        rng: np.random.Generator,
        drop_last: bool,
    ) -> None:
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.rng = rng
        self.drop_last = drop_last

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        samples = len(self.arrays[0])
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def __iter__(self) -> Iterator[tuple[_Array, ...]]:
        """Begin an epoch: draw its order now, whenever the batches are fetched."""
        order = self.rng.permutation(len(self.arrays[0])) if self.shuffle else None
        return self._epoch(order)

    def _epoch(self, order: NDArray[np.intp] | None) -> Iterator[tuple[_Array, ...]]:
        for i in range(len(self)):
            part = slice(i * self.batch_size, (i + 1) * self.batch_size)
            if order is None:
                yield tuple([array[part] for array in self.arrays])
            else:
                yield tuple([array.take(order[part], axis=0) for array in self.arrays])

    def __repr__(self) -> str:
        samples = f"{len(self.arrays[0]):,} samples"
        return f"<{len(self)} batches of {self.batch_size} from {samples}>"


def batches(
    *arrays: Any,
    batch_size: int | None = None,
    shuffle: bool = True,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches:
    """Return the minibatches of a data set, to be gone through once for each epoch.

    Each batch is a tuple with a part of each array. A shuffled batch is a new
    array, which nothing else writes to; otherwise it is a view of the data.

    Args:
        arrays: samples, labels and so on, all with one sample per row. As with
            `batches(x, t, 100)`, the last may be the batch size.
        batch_size: how many samples a batch has; the last may have fewer.
        shuffle: draw a new order for each epoch.
        rng: the generator to draw from; a fresh one when left out. The same
            seed gives the same batches.
        drop_last: leave out a last batch of fewer samples.

    Raises:
        ArgumentError: if there are no samples, or none would be left, or the batch size is
            below 1.
        OperandError: if an argument is of another kind.
        ShapeError: if the arrays differ in length.

    >>> x, t = np.arange(10).reshape(5, 2), np.array([0, 1, 0, 1, 0])
    >>> for x_batch, t_batch in batches(x, t, 2, rng=np.random.default_rng(0)):
    ...     print(x_batch.tolist(), t_batch.tolist())
    [[4, 5], [8, 9]] [0, 0]
    [[6, 7], [0, 1]] [1, 0]
    [[2, 3]] [1]
    >>> batches(x, t, 2, drop_last=True)
    <2 batches of 2 from 5 samples>
    """
    if batch_size is None and arrays:
        arrays, batch_size = arrays[:-1], arrays[-1]
    size = whole("batches", "batch_size", batch_size)
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise OperandError(
            f"batches: expected a generator for rng, but came {rng!r:.60}. Give "
            "np.random.default_rng(seed)."
        )
    data = _checked([_as_array(i, array) for i, array in enumerate(arrays)])
    samples = len(data[0])
    if drop_last and size > samples:
        raise ArgumentError(
            f"batches: batch_size={size:,} is more than the {samples:,} samples, so that "
            "drop_last=True leaves nothing. Give a smaller one, or drop_last=False."
        )
    return Batches(data, size, shuffle, rng or np.random.default_rng(), drop_last)


def _as_array(i: int, data: Any) -> _Array:
    try:
        return np.asarray(data)
    except ValueError as error:  # as for rows of several lengths
        raise ShapeError(
            f"batches: cannot make an array of argument {i}. NumPy says: {error}"
        ) from error


def _checked(data: list[_Array]) -> tuple[_Array, ...]:
    if not data:
        raise ArgumentError("batches: came no arrays. Give the samples first: batches(x, t, 100).")
    for i, array in enumerate(data):
        if array.ndim == 0:
            raise ShapeError(
                f"batches: argument {i} is a single {array.dtype}, not an array with a sample per "
                "row. Give arrays first, then the batch size."
            )
    lengths = [len(array) for array in data]
    if len(set(lengths)) > 1:
        raise ShapeError(
            f"batches: the arrays have {', '.join(f'{n:,}' for n in lengths)} rows. Give one "
            "label, and so on, for each sample."
        )
    if not lengths[0]:
        raise ArgumentError("batches: the data set is empty. Give at least one sample.")
    return tuple(data)
