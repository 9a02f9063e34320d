"""What the schedules share: their states are numbers, and they belong to an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import ArgumentError, OperandError
from micrograd.nn.optimizer import Optimizer
from micrograd.nn.parameters import as_arrays


def require_optimizer(kind: str, optimizer: Any) -> Optimizer:
    """Return what came if it is an optimizer.

    Raises:
        OperandError: if it is not.

    >>> require_optimizer("StepLR", 0.1)
    Traceback (most recent call last):
    micrograd.errors.OperandError: StepLR: expected an optimizer, but came a float. Make one of \
micrograd.nn.optim first.
    """
    if not isinstance(optimizer, Optimizer):
        raise OperandError(
            f"{kind}: expected an optimizer, but came a {type(optimizer).__name__}. Make one of "
            "micrograd.nn.optim first."
        )
    return optimizer


def read_scalars(kind: str, state: Any, own: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return a state whose arrays are one number each, checked against the present one.

    Args:
        kind: the schedule, to begin a message with.
        state: what came.
        own: the present state, whose names and kinds of numbers it has to have.

    Raises:
        OperandError: if it is no mapping.
        ArgumentError: if a name is missing or not known, or if what it stands for is
            another kind of number, nan, or a count below 0.

    >>> import numpy as np
    >>> read_scalars("StepLR", {"t": np.array(3)}, {"t": np.array(0)})
    {'t': 3}
    """
    found = as_arrays(f"{kind}.load_state_dict", state)
    wrong = [f"missing: {name}" for name in own if name not in found]
    for name, array in found.items():
        if name not in own:
            wrong.append(f"unexpected: {name}")
        elif array.shape or array.dtype.kind != own[name].dtype.kind:
            wrong.append(f"{name} has shape {array.shape} and dtype {array.dtype}")
        elif np.isnan(array) or (array.dtype.kind == "i" and array < 0):
            wrong.append(f"{name} is {array}")
    if wrong:
        raise ArgumentError(
            f"{kind}.load_state_dict: {'; '.join(wrong)}. Give the state of a schedule of the same "
            "kind. Nothing was changed."
        )
    return {name: array.item() for name, array in found.items()}
