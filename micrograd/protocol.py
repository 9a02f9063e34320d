"""NumPy's own functions on Tensors: each becomes the operation of its name, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.errors import MicrogradError, OperandError
from micrograd.node import Node

# These tell something that has no gradient; they get the plain arrays.
_OF_DATA = (
    np.shape,
    np.ndim,
    np.size,
    np.allclose,
    np.isclose,
    np.array_equal,
    np.result_type,
    np.can_cast,
    np.isreal,
    np.iscomplexobj,
    np.isrealobj,
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.searchsorted,
    np.digitize,
    np.array_repr,
    np.array_str,
    np.array2string,
)
# These take from their first argument the shape and the dtype only.
_OF_SHAPE = (np.zeros_like, np.ones_like, np.empty_like, np.full_like)


def call_numpy(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """Return what a NumPy function gives for arguments with Tensors among them.

    Raises:
        OperandError: if the library has no operation of that name, or it takes
            no such argument.

    >>> import micrograd as mg
    >>> np.sum(mg.Tensor([[1.0, 2.0]]), axis=0)
    Tensor([1., 2.])
    """
    ours = _table().get(function)
    if ours is not None:
        try:
            return ours(*args, **options)
        except MicrogradError:
            raise
        except TypeError as error:
            raise OperandError(
                f"{_name(function)}: cannot be called like this with a Tensor ({error}). Leave "
                "that argument out, or use .data for the plain array."
            ) from error
    if function in _OF_SHAPE and args:
        return function(_plain(args[0]), *args[1:], **options)
    if function in _OF_DATA or not any(node.requires_grad for node in _nodes(args, options)):
        return function(*map(_plain, args), **{k: _plain(v) for k, v in options.items()})
    close = get_close_matches(function.__name__, ops.__all__, n=1, cutoff=0.75)
    hint = f"micrograd.{close[0]}, or " if close else ""
    raise OperandError(
        f"{_name(function)}: has no derivative here for a Tensor. Use {hint}an operation of this "
        "library, or .data for the plain array."
    )


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


@cache
def _table() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return this library's function for each function of NumPy's that it has."""
    found: dict[Callable[..., Any], Callable[..., Any]] = {np.amax: ops.max, np.amin: ops.min}
    for name in ops.__all__:
        for module in (np, np.linalg):
            function = getattr(module, name, None)
            if callable(function) and not isinstance(function, (np.ufunc, type)):
                found[function] = getattr(ops, name)
    return found


def _nodes(*things: Any) -> Iterator[Node]:
    """Yield the nodes in arguments, also those in lists."""
    for thing in things:
        if isinstance(thing, Node):
            yield thing
        elif isinstance(thing, (list, tuple)):
            yield from _nodes(*thing)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(thing, dict):
            yield from _nodes(*thing.values())  # pyright: ignore[reportUnknownArgumentType]


def _plain(thing: Any) -> Any:
    if isinstance(thing, Node):
        return thing._data
    if isinstance(thing, (list, tuple)):
        return type(thing)(map(_plain, thing))  # pyright: ignore
    return thing
