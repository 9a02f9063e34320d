"""Where a gradient was summed because the forward pass had broadcast an argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from viz.text.numbers import is_array
from viz.text.phrases import axes_in_words


def summed_axes(node: Any, argument: int) -> tuple[int, ...]:
    """Return the axes along which the gradient of an argument was summed to undo broadcasting.

    What the rule gives for ones is compared with the argument: exact for every
    operation, a user's own too, and without a backward pass. Nothing was summed where
    no gradient has been computed.

    Args:
        node: what an operation made.
        argument: which of its arguments, by position.

    >>> from micrograd import Tensor
    >>> b = Tensor(np.ones(3))
    >>> y = Tensor(np.ones((2, 3))) + b
    >>> summed_axes(y, 1)
    ()
    >>> y.backward(np.ones((2, 3)))
    >>> summed_axes(y, 0), summed_axes(y, 1)
    ((), (0,))
    """
    parent = node.parents[argument]
    shape = np.shape(parent.data)
    if not parent.has_grad or not is_array(node.data) or node.data.shape == shape:
        return ()
    args = [p.data for p in node.parents]
    try:
        with np.errstate(all="ignore"):
            rule = node.op.derivatives[argument]
            came = np.shape(rule(np.ones_like(node.data), node.data, *args, **node.settings))
    except Exception:  # a rule may fail for data written later; the picture stands all the same
        return ()
    return _stretched(came, shape)


def _stretched(came: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    extra = len(came) - len(shape)
    if extra < 0:
        return ()
    same_rank = (extra + i for i, n in enumerate(shape) if n == 1 and came[extra + i] != 1)
    return (*range(extra), *same_rank)


def note_on(axes: tuple[int, ...]) -> str:
    """Return what an edge says of a sum along axes; '' for none.

    >>> note_on((0,)), note_on((0, 2)), note_on(())
    ('Σ axis 0', 'Σ axes 0, 2', '')
    """
    return f"Σ {axes_in_words(axes)}" if axes else ""
