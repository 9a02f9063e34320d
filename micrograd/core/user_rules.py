"""What a user's own rules get and give: arrays that they cannot spoil, and do not keep.

The rules of this library are proven not to write into what they get, nor to
give what somebody else holds; so only those that it did not make are guarded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, NoReturn

import numpy as np

from micrograd.common.captures import Captures
from micrograd.common.symbolic import Symbolic
from micrograd.common.tree import tree_map
from micrograd.core.node import Node
from micrograd.errors import GradientError, OperandError, describe

Function = Callable[..., Any]


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


_PROBE = read_only(np.zeros(1))
with suppress(ValueError):
    np.add.at(_PROBE, 0, 1)
_AT_HEEDS_FLAGS = not _PROBE.any()


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
    if owner.__class__ is not np.ndarray and isinstance(owner, Symbolic):
        return owner.as_owned()
    kept = owner is array or (owner.__class__ is np.ndarray and not owner.flags.writeable)
    if not kept:
        array = array.copy()
        array.flags.writeable = False
    return array


def no_gradient(*args: Any, **settings: Any) -> None:
    """Stand for the derivative of an argument that has none."""


def guard(op: Any, forward: Function, derivatives: Any, scalar: Function | None) -> None:
    """Let the functions of an operation spoil nothing, as it is not known whose they are.

    Args:
        op: the operation, which gets guarded functions in their place.
        forward: its forward function.
        derivatives: a rule for each argument, or an `Each`.
        scalar: its forward function for numbers, if that is another.
    """
    each = hasattr(derivatives, "rule")
    rules: Any = (derivatives.rule,) if each else derivatives
    op.captures = Captures([rule for rule in rules if rule is not no_gradient])

    def guarded(rule: Function) -> Function:
        return rule if rule is no_gradient else guarded_rule(op.name, rule, op.captures)

    op.derivatives = (
        derivatives.guarded(op.name, op.captures) if each else tuple(map(guarded, rules))
    )
    op.forward = guarded_forward(op.name, forward)
    op.scalar = scalar or op.forward
    op.foreign = op.special = True


def record_foreign(record: Function, op: Any, first: Node, rest: Any, settings: Any) -> Node:
    """Record a user's operation, with settings of its own and what it captures."""
    node = record(op, first, rest, tree_map(lambda _, leaf: _own(leaf), settings))
    if node.op is op:
        node._seal = op.captures.taken(node)
    return node


def _own(setting: Any) -> Any:
    """Return a setting that came from outside as one that nobody writes to."""
    return read_only(setting.copy("K")) if setting.__class__ is np.ndarray else setting


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

        return _tested(name, run, run, args[before], captures, kept)

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
            return _tested(name, run, anew, g, captures, before)

        return one

    return guarded


def _run(name: str, rule: Function, *args: Any, **settings: Any) -> Any:
    try:
        return rule(*args, **settings)
    except ValueError as error:
        explain(name, "derivative", error)


def _tested(name: str, run: Any, anew: Any, g: Any, captures: Captures, before: Any) -> Any:
    """Return what `run` gives; if it writes to what it captures, `anew` has to give the same."""
    result = _owned(name, run(), g)
    written = captures.written(before) if before else []
    if written:
        again = _owned(name, anew(), g)
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
    """Raise a typed error for a write to what `read_only` gave, and any other error as it is."""
    if "read-only" not in str(error):
        raise error
    raise GradientError(
        f"{name}: its {what} writes into an array that it was given, which others use too. Compute "
        f"a new one, as in g * 2 for g *= 2. NumPy says: {error}"
    ) from error


def require_derivatives(node: Node) -> None:
    """Raise an error if the operation of `node` has fewer derivatives than arguments."""
    derivatives, n = node.op.derivatives, len(node.parents)
    if derivatives.__class__ is tuple and len(derivatives) < n:
        raise GradientError(
            f"backward: {node.op.name} was called with {n} arguments in {describe(node)}, but has "
            f"{len(derivatives)} derivatives. Give define_op one for each, None for an argument "
            "that has none."
        )


def require_no_derivative(node: Node, i: int) -> None:
    """Raise an error if argument `i` of `node` has a derivative, which gave None."""
    if node.op.derivatives[i] is not no_gradient:
        raise GradientError(
            f"backward: the derivative of {node.op.name} for argument {i}, "
            f"{describe(node.parents[i])}, gave None. Return the gradient, zeros if there is none, "
            "or give define_op None instead of the derivative."
        )
