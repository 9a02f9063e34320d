"""What an optimizer is given: leaves by name, and the gradients that they have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from micrograd.core.node import Node
from micrograd.errors import ArgumentError, DivergenceError, GradientError, OperandError, describe

Parameters = Iterable[Node] | Iterable[tuple[str, Node]] | Mapping[str, Node]
Found = tuple[str, Node, Any]  # a name, the leaf, and its gradient: an array, or a number


def by_name(parameters: Parameters, what: str) -> dict[str, Node]:
    """Return parameters by name; those without one are called by their place, '0', '1', ...

    Args:
        parameters: leaves that require gradients; alone, in pairs with their
            names as `Module.named_parameters()` gives them, or in a dict.
        what: what asks for them, to begin a message with.

    Raises:
        OperandError: if something else came.
        ArgumentError: if there are none, if one is computed, constant or there twice, or if two
            have one name.

    >>> from micrograd import Tensor
    >>> W, b = Tensor([1.0]), Tensor([0.0])
    >>> list(by_name([W, b], "example")), list(by_name({"W": W, "b": b}, "example"))
    (['0', '1'], ['W', 'b'])
    """
    named: dict[str, Node] = {}
    names: dict[Node, str] = {}
    for name, node in _pairs(parameters, what):
        _require_parameter(name, node, what)
        if node in names:
            raise ArgumentError(
                f"{what}: {describe(node)} came twice, as {names[node]!r} and as {name!r}, and "
                "would be updated twice. Give each parameter once."
            )
        if name in named:
            raise ArgumentError(
                f"{what}: two parameters are called {name!r}. Give each a name of its own."
            )
        named[name], names[node] = node, name
    if not named:
        raise ArgumentError(
            f"{what}: came no parameters. Give a list of them, as model.parameters() does; a "
            "generator can be used up only once."
        )
    return named


def with_gradients(named: Mapping[str, Node], what: str) -> list[Found]:
    """Return name, leaf and gradient of those parameters that have one.

    Those of Values come as floats, since a Value may hold an int.

    Raises:
        GradientError: if a gradient has a graph of its own.

    >>> from micrograd import Tensor
    >>> W, b = Tensor([3.0]), Tensor([0.0])
    >>> (W * W).sum().backward()
    >>> [(name, grad.tolist()) for name, _, grad in with_gradients({"W": W, "b": b}, "example")]
    [('W', [6.0])]
    """
    found = [(name, node, node._grad) for name, node in named.items() if node._grad is not None]
    for name, node, grad in found:
        if isinstance(grad, Node):
            raise GradientError(
                f"{what}: the gradient of {called(name, node)} is a {type(grad).__name__} with a "
                "graph of its own, from create_graph=True, which an update would ignore. Set "
                "p.grad = p.grad.data to use its numbers, or call zero_grad() and a plain "
                "backward()."
            )
    return [(name, node, float(g) if node._is_number else g) for name, node, g in found]


def require_finite(found: Iterable[Found], what: str) -> None:
    """Raise an error that names the first parameter with nan or inf in its gradient.

    Raises:
        DivergenceError: if there is one.

    >>> from micrograd import Tensor
    >>> W = Tensor([1.0, 2.0], label="W")
    >>> require_finite([("W", W, np.array([0.0, np.nan]))], "example")
    Traceback (most recent call last):
    micrograd.errors.DivergenceError: example: the gradient of 'W' (Tensor 'W' of shape (2,)) has \
1 nan and 0 inf among its 2 elements. Nothing was changed. Lower the learning rate, clip the \
gradients earlier, or find the operation with detect_anomaly().
    """
    with np.errstate(all="ignore"):
        wrong = next((one for one in found if not is_finite(one[2])), None)
    if wrong is not None:
        name, node, grad = wrong
        nans, size = int(np.isnan(grad).sum()), np.size(grad)
        infs = int(np.isinf(grad).sum())
        raise DivergenceError(
            f"{what}: the gradient of {called(name, node)} has {nans:,} nan and {infs:,} inf among "
            f"its {size:,} elements. Nothing was changed. Lower the learning rate, clip the "
            "gradients earlier, or find the operation with detect_anomaly()."
        )


def as_arrays(what: str, state: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays of a state by name; numbers become arrays.

    Raises:
        OperandError: if it is no mapping.

    >>> as_arrays("SGD.load_state_dict", {"lr": 0.5})
    {'lr': array(0.5)}
    """
    if not isinstance(state, Mapping):
        raise OperandError(
            f"{what}: expected a dict of arrays, but came {type(state).__name__}. Give what "
            "state_dict() returned."
        )
    named = cast("Mapping[Any, Any]", state)
    return {str(name): np.asarray(array) for name, array in named.items()}


def called(name: str, node: Node) -> str:
    """Return what to call a parameter in a message: its name, and what it is.

    >>> from micrograd import Value
    >>> called("layers.0.b", Value(1.0))
    "'layers.0.b' (Value)"
    """
    return f"{name!r} ({describe(node)})"


def _pairs(parameters: Any, what: str) -> Iterator[tuple[str, Any]]:
    if isinstance(parameters, Node) or not isinstance(parameters, Iterable):
        hint = "model.parameters()" if hasattr(parameters, "parameters") else "[p] for one"
        raise OperandError(
            f"{what}: expected several parameters, but came a {type(parameters).__name__}. "
            f"Give {hint}."
        )
    if isinstance(parameters, Mapping):
        parameters = cast("Mapping[str, Any]", parameters).items()
    for i, item in enumerate(cast("Iterable[Any]", parameters)):
        yield item if _is_pair(item) else (str(i), item)


def _is_pair(item: Any) -> TypeGuard[tuple[str, Any]]:
    return isinstance(item, tuple) and len(cast("Any", item)) == 2 and isinstance(item[0], str)


def _require_parameter(name: str, node: Any, what: str) -> None:
    if not isinstance(node, Node):
        raise OperandError(
            f"{what}: parameter {name!r} is a {type(node).__name__}. Expected Tensors or Values; "
            "make one of an array with Tensor(array)."
        )
    if node.op is not None:
        raise ArgumentError(
            f"{what}: parameter {called(name, node)} was computed and is no leaf, so that "
            "backward() would not see the update. Give the leaves it was computed from, or "
            "Tensor(it.data)."
        )
    if not node.requires_grad:
        raise ArgumentError(
            f"{what}: parameter {called(name, node)} is a constant and never gets a gradient. "
            "Make it of floats and with requires_grad=True, or leave it out."
        )


def is_finite(grad: Any) -> bool:
    """Tell whether there is neither nan nor inf, at the cost of one product.

    The square of the norm is finite only if all elements are; that it is not
    may also come of large ones, which takes a second look.

    >>> is_finite(np.array([1.0, np.inf])), is_finite(1.0)
    (False, True)
    """
    flat: NDArray[Any] = np.ravel(grad, order="K")
    return math.isfinite(np.dot(flat, flat)) or bool(np.isfinite(flat).all())
