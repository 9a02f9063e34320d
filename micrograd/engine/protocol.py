"""NumPy's own functions on nodes: each becomes the operation of its name, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NoReturn

import numpy as np

from micrograd.core.node import Node
from micrograd.core.op import registry
from micrograd.core.user_rules import read_only
from micrograd.engine.forms import OF_DATA, OF_SHAPE, forms
from micrograd.engine.hints import hint_for
from micrograd.engine.signatures import bound, name_of
from micrograd.errors import MicrogradError, OperandError, as_well

# These write into their first argument.
_WRITING = frozenset({np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis})
# Of NumPy's elementwise functions, these.
TESTS = {
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("isnan", "isinf", "isfinite", "signbit"),
    *("logical_and", "logical_or", "logical_xor", "logical_not"),
}
_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def call_numpy(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """Return what a NumPy function gives for arguments with Tensors among them.

    Raises:
        MicrogradError: if the library has no operation of that name, or cannot honour an
            argument, or the arguments do not fit. What NumPy itself refuses is an error of
            NumPy's class, too.

    >>> import micrograd as mg
    >>> np.sum(mg.Tensor([[1.0, 2.0]]), axis=0)
    Tensor([1., 2.])
    """
    try:
        form = forms().get(function)
        return form(args, options) if form is not None else _on_data(function, args, options)
    except _ERRORS as error:
        _refuse(name_of(function), partial(_ask, function, args, options), error)


def _on_data(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """Return what a function gives for the plain arrays, if no gradient is lost by that."""
    name = name_of(function)
    arguments = bound(function, args, options).arguments
    first = next(iter(arguments.values()), None)
    written = arguments.get("out"), first if function in _WRITING else None
    if next(_nodes(written), None) is not None:
        raise OperandError(f"{name}: cannot write into a Tensor. {hint_for('np.copyto')}")
    if function in OF_SHAPE:
        lost = _differentiable(*list(arguments.values())[1:])
    else:
        lost = function not in OF_DATA and _differentiable(args, options)
    if lost:
        raise _no_derivative(name)
    return function(*_plain(args), **_plain(options))


def _no_derivative(name: str, kind: str = "Tensor") -> OperandError:
    return OperandError(
        f"{name}: has no derivative here for a {kind}. {hint_for(name)} For what needs no "
        "gradient, give .data, the plain array or number."
    )


def _refuse(name: str, ask: Callable[[], Any], error: Exception) -> NoReturn:
    """Raise an error in typed form, of the class that NumPy raises for the same call, too."""
    if isinstance(error, MicrogradError):
        typed, cause = error, error.__cause__
    else:
        said = " ".join(str(error).split())
        typed, cause = (
            OperandError(
                f"{name}: cannot be called like this with a Tensor ({said:.300}). Check the "
                "arguments against NumPy's, and leave out those that are not needed."
            ),
            error,
        )
    raise as_well(typed, _numpys_error(ask)).with_traceback(error.__traceback__) from cause


def _numpys_error(ask: Callable[[], Any]) -> type[Exception]:
    """Return what NumPy raises when it is asked, as the class that a user may catch."""
    try:
        with np.errstate(all="ignore"):
            ask()
    except _ERRORS as error:
        public = ("builtins", "numpy.exceptions", "numpy.linalg")
        return next(kind for kind in type(error).__mro__ if kind.__module__ in public)
    except Exception:  # a warning that is an error here
        pass
    return Exception


def _ask(function: Callable[..., Any], args: Any, options: Mapping[str, Any]) -> None:
    """Call NumPy's function for copies of the plain arrays, which it may write into."""
    call = bound(function, args, options)
    call.arguments.pop("out", None)  # some of NumPy's crash where it does not fit
    function(*_plain(call.args, _copied), **_plain(call.kwargs, _copied))


def call_ufunc(node: Node, ufunc: Any, method: str, inputs: Any, options: Mapping[str, Any]) -> Any:
    """Return what an elementwise function gives that is not simply an operation.

    Args:
        node: the first node among the arguments.
        ufunc: NumPy's function.
        method: "__call__", or the name of a method such as "reduce".
        inputs: the arguments.
        options: the keyword arguments.

    Raises:
        OperandError: if a gradient would be lost by it.
    """
    name = f"np.{ufunc.__name__}" if method == "__call__" else f"np.{ufunc.__name__}.{method}"
    try:
        return _elementwise(name, node, ufunc, method, inputs, options)
    except _ERRORS as error:
        rest = {key: value for key, value in options.items() if key != "out"}
        _refuse(name, partial(_ask, getattr(ufunc, method), inputs, rest), error)


def _elementwise(
    name: str, node: Node, ufunc: Any, method: str, inputs: Any, options: Mapping[str, Any]
) -> Any:
    written = options.get("out"), inputs[0] if method == "at" else None
    if next(_nodes(written), None) is not None:
        raise OperandError(f"{name}: cannot write into a Tensor. {hint_for('np.copyto')}")
    if method == "__call__" and ufunc.__name__ in registry and options:
        _refuse_options(name, type(node).__name__, options)
    if (ufunc.__name__ in TESTS and method != "at") or not _differentiable(inputs, options):
        return getattr(ufunc, method)(*_plain(inputs), **_plain(options))
    if node._is_number and method in ("reduce", "accumulate", "reduceat"):
        raise OperandError(
            f"{name}: a Value is one number, and of one there is nothing to reduce. Keep Values in "
            "a list, and use Python's sum, max or min of it; or use Tensors throughout. "
            "For the number without its graph, use .data."
        )
    raise _no_derivative(name, type(node).__name__)


def _refuse_options(name: str, kind: str, options: Mapping[str, Any]) -> NoReturn:
    if options.get("out") is not None:
        raise OperandError(
            f"{name} with out=: the result is a {kind} with a graph, which an array cannot hold. "
            "Leave it out, and write array = array + tensor for array += tensor (and so for -=, *= "
            "and /=); to change a plain array without gradients, use the .data of the other."
        )
    raise OperandError(
        f"{name} with {', '.join(options)}=: cannot be honoured for a {kind}. Leave it out; use "
        "x.astype(dtype) for another dtype, and micrograd.where to choose elements."
    )


def _differentiable(*things: Any) -> bool:
    return any(node.requires_grad for node in _nodes(*things))


def _nodes(*things: Any) -> Iterator[Node]:
    """Yield the nodes in arguments, also those in lists."""
    for thing in things:
        if isinstance(thing, Node):
            yield thing
        elif isinstance(thing, (list, tuple)):
            yield from _nodes(*thing)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(thing, dict):
            yield from _nodes(*thing.values())  # pyright: ignore[reportUnknownArgumentType]


def _copied(thing: Any) -> Any:
    return thing.copy() if thing.__class__ is np.ndarray else thing


def _plain(thing: Any, made: Callable[[Any], Any] = lambda array: array) -> Any:
    """Return arguments with the data of nodes in their place, `made` of every array."""
    if isinstance(thing, Node):
        return made(read_only(thing._data))  # what comes may be a view of it
    if isinstance(thing, (list, tuple)):
        plain = [_plain(item, made) for item in thing]  # pyright: ignore[reportUnknownVariableType]
        return plain if isinstance(thing, list) else tuple(plain)
    if isinstance(thing, dict):
        return {key: _plain(item, made) for key, item in thing.items()}  # pyright: ignore
    return made(thing)
