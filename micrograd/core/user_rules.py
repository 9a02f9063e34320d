"""What a user's own rules get and give: arrays that they cannot spoil, and do not keep.

And what an operation may be given besides its functions.

The rules of this library are proven not to write into what they get, nor to
give what somebody else holds; so only those that it did not make are guarded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypedDict

import numpy as np

from micrograd.captures import Captured, Captures
from micrograd.core.node import Node, describe
from micrograd.errors import GradientError, OperandError

Function = Callable[..., Any]

OLDER_OPTIONS: dict[str, Callable[[Any], Any]] = {}
"""What gives the `reach` for each option of version 0.1.0 that `reach` replaces."""


class Options(TypedDict, total=False):
    """What an operation may be given besides its functions.

    Args:
        symbol: what a diagram shows, or a function of the node that tells it;
            the name, when left out.
        scalar: a faster `forward` for Python numbers, as from `math`.
        reach: what of the arguments an element of the result depends on, of
            `micrograd.ops.reach`; on all of it, when left out.
        arrays_only: whether to refuse a `Value`.
        expects: what the shapes have to fulfil, for the error message.
    """

    symbol: str | Callable[[Node], str] | None
    scalar: Function | None
    reach: Any
    arrays_only: bool
    expects: str | None


def all_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of the operation `name`, of which some are given."""
    options: dict[str, Any] = dict.fromkeys(Options.__annotations__) | {"arrays_only": False}
    options.update(given)
    older = [option for option in OLDER_OPTIONS if option in options]
    for option in reversed(older):  # the first says most
        said = options.pop(option)
        if said:
            options["reach"] = OLDER_OPTIONS[option](said)
    if older:
        warnings.warn(
            f"{name}: reach=, of micrograd.ops.reach, takes the place of {', '.join(older)}.",
            DeprecationWarning,
            stacklevel=4,
        )
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown or not (options["reach"] is None or hasattr(options["reach"], "through")):
        what = f"the option {min(unknown)}" if unknown else f"reach={options['reach']!r}"
        raise OperandError(
            f"define_op: {name!r} came with {what}. Give some of "
            f"{', '.join(Options.__annotations__)}; reach is a value of micrograd.ops.reach, such "
            "as SAME."
        )
    return options


def read_only(thing: Any) -> Any:
    """Return an array as one that cannot be written to, over the same memory; others as they are.

    >>> read_only(np.ones(2)).flags.writeable
    False
    """
    if thing.__class__ is not np.ndarray or not thing.flags.writeable:
        return thing
    view = thing.view()
    view.flags.writeable = False
    return view


def _at_heeds_flags() -> bool:
    array = read_only(np.zeros(1))
    try:
        np.add.at(array, 0, 1)
    except ValueError:
        return True
    return False


_AT_HEEDS_FLAGS = _at_heeds_flags()


def lent(thing: Any) -> Any:
    """Return what a function from outside gets for an array: one that it cannot spoil.

    It is a copy where NumPy's `ufunc.at` writes to what cannot be written to, as in NumPy 2.4.
    """
    if thing.__class__ is np.ndarray and not _AT_HEEDS_FLAGS:
        thing = thing.copy("K")
    return read_only(thing)


def owned_copy(array: Any) -> Any:
    """Return an array over memory that nobody writes to: a copy, if it is a view of such.

    >>> leaf = np.ones(2)
    >>> owned_copy(leaf[:1]).base is None
    True
    """
    owner = array
    while owner.__class__ is np.ndarray and owner.base is not None:
        owner = owner.base
    kept = owner is array or (owner.__class__ is np.ndarray and not owner.flags.writeable)
    if not kept:
        array = array.copy()
        array.flags.writeable = False
    return array


def guarded_forward(name: str, forward: Function) -> Function:
    """Return a forward function that cannot write into its arguments, and keeps no result.

    Args:
        name: of the operation.
        forward: the function.
    """
    if isinstance(forward, np.ufunc):
        return forward

    @wraps(forward)
    def guarded(*args: Any, **settings: Any) -> Any:
        for setting, value in settings.items():
            if isinstance(value, Node) and value.requires_grad:
                raise OperandError(
                    f"{name}: its setting {setting} has no gradient, but came a node that requires "
                    "one. Make it an argument with a derivative, or give its .data."
                )
        given = [lent(arg) for arg in args]
        try:
            result = forward(*given, **settings)
        except ValueError as error:
            explain(name, "forward function", error)
        for arg, view in zip(args, given, strict=True):
            if result is view:
                return arg
        if result.__class__ is np.ndarray:
            arrays = [view for view in given if view.__class__ is np.ndarray]
            if not any([np.may_share_memory(result, view) for view in arrays]):
                return result.copy()  # of an array that the function may fill anew
        return result

    return guarded


def guarded_rule(name: str, rule: Function, captures: Captures, before: int = 0) -> Function:
    """Return a derivative that cannot write into what it gets, and keeps no gradient.

    Args:
        name: of the operation.
        rule: the derivative.
        captures: what the operation's functions capture.
        before: how many arguments stand before the gradient.
    """
    tested = False

    @wraps(rule)
    def guarded(*args: Any, **settings: Any) -> Any:
        nonlocal tested
        kept = None if tested else captures.taken()
        tested = True

        def run() -> Any:
            return _run(name, rule, *map(lent, args), **settings)

        return _tested(name, run, args[before], captures, kept)

    return guarded


def guarded_together(name: str, rule: Function, captures: Captures) -> Function:
    """Return a rule that gives the derivatives of all arguments, guarded as one for one is."""
    tested = False

    @wraps(rule)
    def guarded(g: Any, *known: Any, **settings: Any) -> Function:
        nonlocal tested
        kept = None if tested else captures.taken()
        tested = True
        given = [lent(thing) for thing in (g, *known)]
        gradient_of = _run(name, rule, *given, **settings)

        def one(i: int) -> Any:
            nonlocal kept

            def run() -> Any:
                return _run(name, gradient_of, i)

            def anew() -> Any:
                return _run(name, _run(name, rule, *given, **settings), i)

            before, kept = kept, None
            return _tested(name, run, g, captures, before, anew)

        return one

    return guarded


def _run(name: str, rule: Function, *args: Any, **settings: Any) -> Any:
    try:
        return rule(*args, **settings)
    except ValueError as error:
        explain(name, "derivative", error)


def _tested(
    name: str,
    run: Callable[[], Any],
    g: Any,
    captures: Captures,
    before: Captured | None,
    anew: Callable[[], Any] | None = None,
) -> Any:
    """Return what a derivative gives; if it writes to what it captures, let it give that twice."""
    result = _owned(name, run(), g)
    written = captures.written(before) if before else []
    if written:
        again = _owned(name, (anew or run)(), g)
        if not np.array_equal(_plain(again), _plain(result), equal_nan=True):
            raise GradientError(
                f"backward: the derivative of {name} writes into {', '.join(written)}, and gives "
                "another result the next time. Let it compute a new array, or fill one that it "
                "does not read."
            )
        captures.scratch.update(written)
    return result


def _plain(came: Any) -> Any:
    return came._data if isinstance(came, Node) else came


def _owned(name: str, came: Any, g: Any) -> Any:
    """Return a gradient as an array that nobody else holds, or as a node if it is recorded."""
    if isinstance(came, Node) and isinstance(g, Node):
        return came
    if isinstance(came, Node) and came.requires_grad:
        raise GradientError(
            f"backward: the derivative of {name} gave a {describe(came)} that requires a gradient "
            "itself, from outside of the operation. Make that node an argument of the operation, "
            "or use its .data."
        )
    data: Any = came._data if isinstance(came, Node) else came
    return data.copy() if data.__class__ is np.ndarray else data


def explain(name: str, what: str, error: ValueError) -> NoReturn:
    """Raise a typed error for a write to what `frozen` froze, and any other error as it is."""
    if "read-only" not in str(error):
        raise error
    raise GradientError(
        f"{name}: its {what} writes into an array that it was given, which others use too. Compute "
        f"a new one, as in g * 2 for g *= 2. NumPy says: {error}"
    ) from error
