"""The state of a module: what is written into it, after all of it was checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.engine.value import Value
from micrograd.errors import ArgumentError, OperandError
from micrograd.nn.parameters import as_arrays

_SHOWN = 20  # names of a kind in a message


def by_name(what: str, named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict of named leaves, none of which may have the name of another.

    >>> by_name("Net", [("w", 1), ("b", 2)])
    {'w': 1, 'b': 2}
    """
    leaves: dict[str, Any] = {}
    for name, leaf in named:
        if leaves.setdefault(name, leaf) is not leaf:
            raise ArgumentError(
                f"{what}.state_dict: two parameters have the name {name!r}. Change the keys of the "
                "dicts that hold them."
            )
    return leaves


def load(what: str, leaves: Mapping[str, Any], state: Mapping[str, Any], strict: bool) -> None:
    """Write an array into the leaf of its name, for all or, if one does not fit, for none.

    Args:
        what: the call, for messages.
        leaves: Tensors and Values by name.
        state: arrays by name.
        strict: whether missing and unexpected names are errors.

    Raises:
        ArgumentError: if names or shapes do not fit.
        OperandError: if a dtype does not fit, or `state` is no mapping.

    >>> from micrograd import Tensor
    >>> w = Tensor([1.0, 2.0])
    >>> load("load", {"w": w}, {"w": np.array([3.0, 4.0])}, strict=True)
    >>> w
    Tensor([3., 4.])
    """
    given = as_arrays(what, state)
    arrays = {
        name: _as_array(what, name, given[name], leaf)
        for name, leaf in leaves.items()
        if name in given
    }
    misshapen = [
        f"{name} (expected {leaves[name].shape}, but came {array.shape})"
        for name, array in arrays.items()
        if array.shape != leaves[name].shape
    ]
    missing = [name for name in leaves if name not in given] if strict else []
    unexpected = [name for name in given if name not in leaves] if strict else []
    wrong = {"missing": missing, "unexpected": unexpected, "of another shape": misshapen}
    found = [f"{kind}: {_listed(names)}" for kind, names in wrong.items() if names]
    if found:
        raise ArgumentError(
            f"{what}: the state does not fit, and nothing was loaded. {'; '.join(found)}. Load the "
            "state of a model that was built the same way"
            + (", or use strict=False to load the names in common." if strict else ".")
        )
    for name, array in arrays.items():
        leaves[name].data = array.item() if isinstance(leaves[name], Value) else array


def _as_array(what: str, name: str, array: NDArray[Any], leaf: Any) -> NDArray[Any]:
    """Return what came for a leaf as an array of its dtype."""
    real = array.dtype.kind in "fiub"
    if not real or not (
        isinstance(leaf, Value) or np.can_cast(array.dtype, leaf.dtype, "same_kind")
    ):
        wanted = "float64" if isinstance(leaf, Value) else leaf.dtype
        raise OperandError(
            f"{what}: {name} has dtype {wanted}, but came {array.dtype}, and nothing was loaded. "
            "Convert it first, if that is meant."
        )
    return array if isinstance(leaf, Value) else array.astype(leaf.dtype, copy=False)


def _listed(names: list[str]) -> str:
    left = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {left} more" if left > 0 else "")


__all__ = ["by_name", "load"]
