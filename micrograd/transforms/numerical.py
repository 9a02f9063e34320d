"""The numerical gradient, as the book has it, and by better methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast, overload

import numpy as np

from micrograd.common.tree import tree_paths
from micrograd.core.node import Node
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import ArgumentError, OperandError
from micrograd.transforms.differences import (
    METHODS,
    Array,
    Function,
    Method,
    central,
    complex_step,
    differentiate,
    is_floating,
    shared,
)

One = Callable[[Any], Any]


@overload
def numerical_gradient(
    f: One, x: float | Value, step: float | None = None, *, method: Method = "central"
) -> float: ...
@overload
def numerical_gradient(
    f: One, x: Array | Tensor, step: float | None = None, *, method: Method = "central"
) -> Array: ...
@overload
def numerical_gradient(
    f: One, x: dict[str, Any], step: float | None = None, *, method: Method = "central"
) -> dict[str, Any]: ...
@overload
def numerical_gradient(
    f: One,
    x: Any,
    step: float | None = None,
    *,
    method: Method = "central",
    return_error: Literal[True],
) -> tuple[Any, Any]: ...
def numerical_gradient(
    f: Callable[[Any], Any],
    x: Any,
    step: float | None = None,
    *,
    method: Method = "central",
    return_error: bool = False,
) -> Any:
    """Return the gradient of `f` at `x` by differences, element by element.

    Each element of `x` is changed in place while `f` is called, as the book
    does, so `f` may also read `x` by another way. `x` is restored at the end,
    also when `f` raises. A node that was changed counts as written to: what was
    recorded of it before refuses a later `backward()`.

    Formulas, for the step h:

    - "central": (f(x + h) - f(x - h)) / 2h, with an error of the order of h**2.
    - "richardson": (4 D(h/2) - D(h)) / 3 for the central differences D, with an
      error of the order of h**4 (L. F. Richardson, 1911). Where that does not
      settle, as beside a kink, smaller steps are tried.
    - "complex": imag f(x + ih) / h, exact to rounding (W. Squire and G. Trapp,
      1998). `f` gets a complex copy of `x`, so it has to be analytic and written
      for plain arrays or numbers.

    Args:
        f: a function of `x` that gives one number, or a node of one element.
        x: a floating array of any shape, a float, a `Value`, a `Tensor` that is a
            leaf, or a dict of them, which `f` gets whole.
        step: the h of the formula. When left out, the book's 1e-4 in float64 and
            the cube root of the machine epsilon in other dtypes; for
            "richardson" and "complex" a step that suits the dtype.
        method: one of the three above.
        return_error: return (gradient, error) for "richardson", where the error
            bounds how far each element may be off; it is inf where there is no
            derivative to be seen.

    Raises:
        OperandError: if `x` is nothing that can be changed by a small step, or if
            some of its elements share their memory, so that they change together.
        ArgumentError: if the method is unknown, or the step not positive.
        ShapeError: if `f` gives several numbers.
        GradientError: if `f` loses the imaginary part that "complex" needs.

    >>> x = np.array([3.0, 4.0])
    >>> numerical_gradient(lambda x: np.sum(x**2), x).round(6)
    array([6., 8.])
    >>> numerical_gradient(np.exp, 0.0, method="complex")
    1.0
    >>> slope, error = numerical_gradient(np.sin, 0.0, method="richardson", return_error=True)
    >>> abs(slope - 1) <= error < 1e-6
    True
    """
    _check_options(step, method, return_error)
    if method != "complex":  # that changes a copy
        _require_apart(x)
    if isinstance(x, dict):
        entries = cast("dict[str, Any]", x)
        return _gradient_of_dict(f, entries, step, method, return_error)
    box, evaluate, finish = _boxed(f, x, method)
    error: Any = None
    try:
        if method == "complex":
            gradient = complex_step(evaluate, box, step)
        elif method == "central":
            gradient = central(evaluate, box, step)
        else:
            estimate = differentiate(evaluate, box, step)
            gradient, error = estimate.value, estimate.error
    finally:
        finish()
    if isinstance(x, (float, int, Value)):
        gradient, error = gradient.item(), None if error is None else error.item()
    return (gradient, error) if return_error else gradient


def _check_options(step: float | None, method: str, return_error: bool) -> None:
    if method not in METHODS:
        raise ArgumentError(
            f"numerical_gradient: the method {method!r} is unknown. Use one of {METHODS}."
        )
    if step is not None and not 0 < step < float("inf"):
        raise ArgumentError(f"numerical_gradient: the step has to be positive, but came {step!r}.")
    if return_error and method != "richardson":
        raise ArgumentError(
            f"numerical_gradient: the method {method!r} gives no error estimate. "
            'Use method="richardson".'
        )


def _require_apart(x: Any) -> None:
    """Refuse elements that change together, each of which would get what is due to all."""
    arrays: dict[str, Array] = {}
    for path, leaf in tree_paths(x, "x"):
        data = leaf._data if isinstance(leaf, Tensor) else leaf
        if is_floating(data) and data.flags.writeable:  # what is not is refused later
            arrays[path] = data
    values = [(path, leaf) for path, leaf in tree_paths(x, "x") if isinstance(leaf, Value)]
    places = {id(leaf): path for path, leaf in reversed(values)}
    twice = [(places[id(leaf)], path) for path, leaf in values if places[id(leaf)] != path]
    pair = twice[0] if twice else shared(arrays) if arrays else None
    if pair is None:
        return
    first, second = pair
    what = f"elements of {first} overlap" if first == second else f"{first} and {second} are one"
    raise OperandError(
        f"numerical_gradient: {what} in memory, so that a step in one changes the other too, and "
        "each would get the derivative by both. Give copies, as with np.array(x), to "
        "differentiate by each, or give what they share once."
    )


def _gradient_of_dict(
    f: Callable[[Any], Any],
    x: dict[str, Any],
    step: float | None,
    method: Method,
    return_error: bool,
) -> Any:
    of_one: Callable[..., Any] = numerical_gradient

    def of_entry(name: str) -> Any:
        entry: Any = x[name]

        def of_whole(changed: Any) -> Any:
            return f(x if changed is entry else {**x, name: changed})

        return of_one(of_whole, entry, step, method=method, return_error=return_error)

    results: dict[str, Any] = {name: of_entry(name) for name in x}
    if not return_error:
        return results
    return tuple({name: pair[i] for name, pair in results.items()} for i in range(2))


def _boxed(f: Function, x: Any, method: str) -> tuple[Array, Function, Callable[[], None]]:
    """Return an array that stands for `x`, `f` as a function of it, and how to restore `x`."""
    if isinstance(x, Node) and method == "complex":
        raise OperandError(
            f"numerical_gradient: a {type(x).__name__} holds real numbers only. For "
            'method="complex", give its .data and a function of plain arrays.'
        )
    if isinstance(x, Value):
        data = x.data

        def of_value(box: Array) -> Any:
            x.data = box.item()
            return f(x)

        def restore() -> None:
            x.data = data

        return np.array(float(data)), of_value, restore
    if isinstance(x, Tensor) and x.is_leaf and is_floating(x._data) and x._data.flags.writeable:

        def of_tensor(box: Array) -> Any:
            x.data = box  # the array itself: what was recorded before is stale
            return f(x)

        return x.data, of_tensor, lambda: None
    if isinstance(x, (float, int)) and not isinstance(x, np.generic):

        def of_number(box: Array) -> Any:
            return f(box.item())

        return np.array(float(x)), of_number, lambda: None
    if is_floating(x) and x.flags.writeable:
        return x, f, lambda: None
    raise OperandError(
        "numerical_gradient: expected a floating array that can be written to, a float, a Value, "
        f"a floating Tensor that no operation made, or a dict of them, but came {x!r:.60}. "
        "Use np.array(x, dtype=float)."
    )
