"""Functions that make derivatives of functions, with JAX's names and conventions.

They take and return floats, arrays, and nested dicts, lists, tuples and
dataclasses of them. Inside `f`, a float is a `Value`; an array is a `Tensor`,
and so is a float beside arrays. They nest to any depth. Given nodes, or where
`f` uses nodes from outside that require a gradient, they give nodes that are
linked to the graph outside, so that its `backward()` goes through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.common.tree import Flat
from micrograd.core.modes import is_grad_enabled
from micrograd.core.node import Node
from micrograd.core.versions import versions
from micrograd.engine.value import Value
from micrograd.errors import OperandError
from micrograd.transforms.leaves import fitting, has_nodes, probe
from micrograd.transforms.trace import Argnums, Places, Trace, pull
from micrograd.transforms.transformed import (
    Function,
    Given,
    P,
    Transformed,
    require_function,
)

__all__ = ["elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


def grad(f: Given[P], argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that gives the gradient of `f`, which returns one number.

    Args:
        f: the function.
        argnums: which positional argument to differentiate, or several of them.
        has_aux: whether `f` returns a pair: the number, and something else.

    Returns:
        A function of the same arguments. It gives the gradient in the structure
        of the argument, or a tuple of one for each of several; with `has_aux`,
        the pair of that and the something else.

    Raises:
        GradientError: if `f` does not return one number.
        OperandError: if an argument cannot be differentiated.

    >>> import micrograd as mg
    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(grad(mg.tanh)))(0.0)
    -2.0
    >>> loss = lambda p, x: ((x @ p["W"] + p["b"]) ** 2).sum()
    >>> grad(loss)({"W": np.array([1.0, 2.0]), "b": 0.5}, np.eye(2))
    {'W': array([3., 5.]), 'b': 8.0}
    """
    places = _places("grad", f, argnums)
    both = _value_and_grad(f, places, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, slopes = both(*args, **kwargs)
        return (slopes, result[1]) if has_aux else slopes

    return Transformed(gradient, grad, f, places.argnums, has_aux)


def value_and_grad(f: Given[P], argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that gives what `f` returns, and its gradient.

    The arguments, and what is raised, are those of `grad`. With `has_aux`, the
    function gives ((result, aux), gradient).

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    places = _places("value_and_grad", f, argnums)
    both = _value_and_grad(f, places, has_aux)
    return Transformed(both, value_and_grad, f, places.argnums, has_aux)


def _places(name: str, f: Any, argnums: Argnums) -> Places:
    places = Places(name, argnums)
    require_function(name, f)
    return places


def _value_and_grad(f: Function, places: Places, has_aux: bool) -> Function:
    def both(*args: Any, **kwargs: Any) -> Any:
        trace = Trace(places.name, f, args, kwargs, places.among(args), has_aux)
        trace.one_number()
        slopes = places.of(trace.slopes(trace.pull(trace.ones())))
        out = trace.result()
        return ((out, trace.beside()) if has_aux else out), slopes

    return both


def elementwise_grad(f: Given[P], argnums: Argnums = 0) -> Function:
    """Return the function that gives the derivative of each element of f(x) by its own x.

    That is what the gradient of the sum is, where an element of the result
    depends on that element of the argument only.

    >>> import micrograd as mg
    >>> elementwise_grad(mg.tanh)(np.array([0.0, 1.0])).round(4).tolist()
    [1.0, 0.42]
    """
    places = _places("elementwise_grad", f, argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        trace = Trace("elementwise_grad", f, args, kwargs, places.among(args))
        return places.of(trace.slopes(trace.pull(trace.ones())))

    return Transformed(derivative, elementwise_grad, f, places.argnums)


def vjp(f: Given[P], *primals: Any, has_aux: bool = False) -> Any:
    """Return f(*primals), and the function that multiplies with its Jacobian from the left.

    Args:
        f: the function.
        primals: its arguments, all of them differentiated.
        has_aux: whether `f` returns a pair: the result, and something else.

    Returns:
        The pair (out, back), or (out, back, aux). `back(cotangent)` takes a
        gradient in the structure of `out` and gives a tuple with that of each
        argument; it can be called several times.

    Raises:
        ArgumentError, ShapeError: by `back`, if the cotangent is not like `out`.

    >>> out, back = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> out, back(1.0), back(10.0)
    (6.0, (3.0, 2.0), (30.0, 20.0))
    """
    require_function("vjp", f)
    trace = Trace("vjp", f, primals, {}, range(len(primals)), has_aux)
    out = trace.result()
    if not has_aux:
        return out, Pullback(trace)
    aux, trace.aux = trace.beside(), None  # of which the Jacobian knows nothing
    return out, Pullback(trace), aux


class Pullback:
    """What `vjp` returns: the function that multiplies a cotangent with the Jacobian."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """Return a tuple of the gradient of each argument, for that of the result."""
        trace = self._trace
        starts = trace.cotangents(cotangent)
        found = trace.pull(starts, _recorded(trace, starts))
        return tuple(trace.slopes(found, has_nodes(starts)))


def jvp(
    f: Given[P], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False
) -> Any:
    """Return f(*primals), and its derivative in the direction of the tangents.

    The derivative is the Jacobian times the tangents. It is found by reverse
    mode applied twice: what `vjp` gives is linear in the cotangent, so its
    derivative by the cotangent is the Jacobian.

    Args:
        f: the function.
        primals: its arguments, all of them differentiated: a tuple or list.
        tangents: the direction, one for each primal and in its structure.
        has_aux: whether `f` returns a pair: the result, and something else.

    Returns:
        The pair (out, tangent), or (out, tangent, aux).

    Raises:
        ArgumentError, ShapeError: if the tangents are not like the primals.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    require_function("jvp", f)
    _require_tuples("jvp", primals, tangents)
    trace = Trace("jvp", f, tuple(primals), {}, range(len(primals)), has_aux)
    paths = Flat(tuple(primals)).paths
    directions = fitting("jvp: tangents", tuple(tangents), paths, trace.inputs, "the primals")
    create_graph = _recorded(trace, directions)
    since = versions.advance()
    probes = [probe(out) if isinstance(out, Node) else None for out in trace.outputs]
    slopes = trace.pull(probes, create_graph=True)
    wrt = [p for p in probes if p is not None]
    found = iter(pull(slopes, directions, wrt, create_graph, since))
    moved = [None if p is None else next(found) for p in probes]
    tangent = trace.tangent(moved, has_nodes(directions))
    out = trace.result()
    return (out, tangent, trace.beside()) if has_aux else (out, tangent)


def jacobian(f: Given[P], argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that gives the derivative of every element of f(x) by every one of x.

    Args:
        f: the function.
        argnums: which positional argument to differentiate, or several of them.
        has_aux: whether `f` returns a pair: the result, and something else.

    Returns:
        A function of the same arguments. For each array of the result, in its
        structure, it gives the structure of the argument with arrays of shape
        (*shape of the result, *shape of the argument); a tuple of these for
        several arguments. It takes one backward pass for each element of the result.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    places = _places("jacobian", f, argnums)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        trace = Trace("jacobian", f, args, kwargs, places.among(args), has_aux)
        blocks = [places.of(trace.slopes(_block(trace, out))) for out in trace.outputs]
        whole = trace.out.filled(blocks)
        return (whole, trace.beside()) if has_aux else whole

    return Transformed(derivatives, jacobian, f, places.argnums, has_aux)


def hessian(f: Given[P], argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that gives the second derivatives of `f`: the Jacobian of the Jacobian.

    The arguments are those of `jacobian`. For a number f(x) of an array x of n
    elements, it gives an array of shape (n, n).

    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    require_function("hessian", f)
    return jacobian(jacobian(f, argnums, has_aux), argnums, has_aux)


def hvp(f: Given[P], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of `f`, which returns one number, times the tangents.

    It is found without the Hessian: that is symmetric, so that the product is
    what the gradient's `vjp` makes of the tangents.

    Args:
        f: the function.
        primals: its arguments, all of them differentiated: a tuple or list.
        tangents: what to multiply with, one for each primal and in its structure.

    Returns:
        The product in the structure of the primal; a tuple for several primals.

    >>> hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    array([  6., 120.])
    """
    require_function("hvp", f)
    _require_tuples("hvp", primals, tangents)
    places = tuple(range(len(primals)))
    primals, tangents = tuple(primals), tuple(tangents)
    flat = Flat(primals)
    fitting("hvp: tangents", tangents, flat.paths, flat.leaves, "the primals")
    _, back = vjp(grad(f, places), *primals)
    products = back(tangents)
    return products[0] if len(places) == 1 else products


def _block(trace: Trace, out: Any) -> list[Any]:
    """Return the derivative of one output by each input, over all elements of the output."""
    data = getattr(out, "_data", out)
    shape, size = np.shape(data), int(np.size(data))
    recorded = trace.linked and is_grad_enabled()
    since = trace.since if trace.bounded else 0
    rows: list[list[Any]] = []
    for element in range(size):
        one = np.zeros(size, getattr(data, "dtype", float))
        one[element] = 1
        start = float(one[0]) if isinstance(out, Value) else one.reshape(shape)
        rows.append(pull([out], [start], trace.inputs, recorded, since))
    return [_stacked(shape, rows, i, node) for i, node in enumerate(trace.inputs)]


def _stacked(shape: tuple[int, ...], rows: list[list[Any]], i: int, node: Node) -> Any:
    column = [row[i] for row in rows]
    if all(g is None for g in column):
        whole = np.zeros(shape + np.shape(node._data), getattr(node._data, "dtype", float))
        return float(whole) if node._is_number and not shape else whole
    if node._is_number:
        return column[0]
    filled = [np.zeros_like(node._data) if g is None else g for g in column]
    stack: Any = ops.stack(filled)
    return stack.reshape(shape + np.shape(node._data))


def _recorded(trace: Trace, starts: Sequence[Any]) -> bool:
    """Tell whether to record a pass that begins with `starts`."""
    wanted = any(isinstance(start, Node) and start.requires_grad for start in starts)
    return (trace.linked or wanted) and is_grad_enabled()


def _require_tuples(name: str, primals: Any, tangents: Any) -> None:
    for what, came in (("primals", primals), ("tangents", tangents)):
        if not isinstance(came, (tuple, list)):
            raise OperandError(
                f"{name}: {what} has to be a tuple with one entry for each argument of f, but "
                f"came a {type(came).__name__}. Write ({what[:-1]},) for one."
            )
