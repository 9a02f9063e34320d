"""What an operation is.

An operation is one row: a name, the symbol that a diagram shows, the forward
function, and one derivative per argument. A derivative is called as
`derivative(g, y, *args, **settings)`, where `g` is the gradient of the result
`y`, and returns the gradient of its argument. It is written with operators and
this library's own functions, so that it computes when it is given numbers or
arrays and records when it is given nodes: gradients of gradients need no
second rule. Broadcasting is undone by the engine, never by a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any, NoReturn, TypedDict, TypeVar, Unpack

from micrograd import errors
from micrograd.common.captures import parameters_of
from micrograd.core import numbers, user_rules
from micrograd.core.node import Node
from micrograd.core.record import operator_of, record

__all__ = ["Op", "define_op"]

Derivative = Callable[..., Any]

registry: dict[str, Op] = {}
"""Every operation by its name."""


class Options(TypedDict, total=False):
    """What an operation may be given besides its functions.

    Args:
        symbol: what a diagram shows, or a function of the node that tells it;
            the name, when left out.
        scalar: a faster `forward` for Python numbers, as from `math`.
        reach: what of the arguments an element of the result depends on, one of
            `micrograd.ops.reach`; on all, when left out.
        arrays_only: whether to refuse a `Value`.
        expects: what the shapes have to fulfil, for the error message.
    """

    symbol: str | Callable[[Node], str] | None
    scalar: Callable[..., Any] | None
    reach: Any
    arrays_only: bool
    expects: str | None


class Op:
    """One differentiable operation; call it with nodes, numbers or arrays.

    With a `Value` or `Tensor` among its arguments, it records a node; with
    plain numbers or arrays only, it just computes. Data arguments are
    positional, settings are keyword-only. Make one with `define_op`.

    Args:
        name: what messages call it.
        forward: a function of arrays.
        derivatives: one per data argument, or `Each` for any number.
        options: see `Options`.

    Attributes:
        operator: the method that records a registered operation as an operator.
        selects: whether it cuts elements off, as a `where` does.
        foreign: whether somebody else made it than this library, so that it is guarded.
        special: whether it is one or the other, so that a backward pass takes note of it.
    """

    operator: Callable[[Any, Any], Any]

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        derivatives: tuple[Derivative | None, ...] | Each,
        **options: Unpack[Options],
    ) -> None:
        given = errors.require_options(name, options, Options.__annotations__)
        if not isinstance(derivatives, Each):
            derivatives = tuple([rule or user_rules.no_gradient for rule in derivatives])
        self._given = forward, derivatives, given.get("scalar")
        self.name = name
        self.symbol: str | Callable[[Node], str] = given.get("symbol") or name
        self.reach: Any = given.get("reach")
        self.selects: bool = self.reach is not None and self.reach.selects
        self.arrays_only: bool = given.get("arrays_only", False)
        self.expects: str | None = given.get("expects")
        self.guard()

    def guard(self) -> None:
        """Let the functions spoil nothing, as long as it is not known whose they are."""
        user_rules.guard(self, *self._given)

    def trust(self) -> None:
        """Take the functions as they are: this library made them, and its tests prove them."""
        self.forward, self.derivatives, scalar = self._given
        self.scalar = scalar or self.forward
        self.foreign, self.special = False, self.selects

    def __call__(self, *args: Any, **settings: Any) -> Any:
        for arg in args:
            if isinstance(arg, Node):
                parents = arg._lift(self, args)
                rest = parents[1] if len(parents) == 2 else parents if parents[1:] else None
                if self.foreign:
                    return user_rules.record_foreign(record, self, parents[0], rest, settings)
                return record(self, parents[0], rest, settings)
        if not self.arrays_only and all([isinstance(arg, (float, int)) for arg in args]):
            return numbers.compute(self, args, settings)
        try:
            return self.forward(*args, **settings)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            self.refuse(args, error)

    def refuse(self, args: Iterable[Any], error: Exception) -> NoReturn:
        """Raise the typed form of what NumPy said about `args`, nodes or plain."""
        if isinstance(error, errors.MicrogradError):
            raise error
        given = zip(self.argument_names(), args, strict=False)
        raise errors.refusal(self.name, given, self.expects, error) from error

    def gradients_of(self, mask: Any, g: Any, known: Any, settings: Any) -> Callable[[int], Any]:
        """Return the function that gives the gradient of argument `i`.

        Args:
            mask: which elements of the result a `where` did not cut off, True for all; it is
                for one-off operations, which differentiate a graph of their own by it.
            g: the gradient of the result.
            known: the result and the arguments.
            settings: those of the call.
        """
        rules: Any = self.derivatives
        if isinstance(rules, Together):
            return rules.rule(g, *known, **settings)
        return lambda i: rules[i](g, *known, **settings)

    def argument_names(self) -> Iterator[str]:
        """Yield the names of the data arguments, as the derivatives name them."""
        rules = () if isinstance(self.derivatives, Each) else self.derivatives
        named = [rule for rule in rules if rule is not user_rules.no_gradient][:1]
        yield from (name for rule in named for name in parameters_of(rule)[2:])
        yield from (f"argument {i}" for i in count())

    def symbol_for(self, node: Node) -> str:
        """Return the symbol that a diagram shows for `node`, which this made."""
        return self.symbol if isinstance(self.symbol, str) else self.symbol(node)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class Each:
    """The derivatives of an operation with any number of arguments of one sort.

    Its rule is called as `rule(i, g, y, *args, **settings)` for argument `i`.
    """

    def __init__(self, rule: Derivative) -> None:
        self.rule = rule

    def __getitem__(self, i: int) -> Derivative:
        return partial(self.rule, i)

    def guarded(self, name: str, captures: Any) -> Each:
        """Return the same with a rule that spoils nothing."""
        return Each(user_rules.guarded_rule(name, self.rule, captures, 1))


class Together(Each):
    """The same, from what is computed once for all arguments.

    Its rule is called as `rule(g, y, *args, **settings)` and returns the
    function that gives the gradient of argument `i`. So each costs its own
    share only, and not a look at all the others.
    """

    def __getitem__(self, i: int) -> Derivative:
        return lambda *given, **settings: self.rule(*given, **settings)(i)

    def guarded(self, name: str, captures: Any) -> Each:
        return Together(user_rules.guarded_together(name, self.rule, captures))


AnyOp = TypeVar("AnyOp", bound=Op)


def register(op: AnyOp) -> AnyOp:
    """Enter `op` under its name; a name used twice is an error."""
    errors.require_new(op, registry.setdefault(op.name, op))  # at one stroke, for threads
    op.operator = operator_of(op)
    return op


def define_op(
    name: str,
    forward: Callable[..., Any],
    *derivatives: Derivative | None,
    each: Derivative | None = None,
    together: Callable[..., Callable[[int], Any]] | None = None,
    **options: Unpack[Options],
) -> Op:
    """Define a differentiable operation and return it, ready to be called.

    The built-in operations are made by this same call.

    Args:
        name: a name that no other operation has.
        forward: a function of arrays; settings are its keyword-only arguments.
        derivatives: one per data argument, called as
            `derivative(g, y, *args, **settings)` and returning the gradient of
            that argument; None for an argument that has none. Write them with
            operators and functions of this library.
        each: instead of `derivatives`, for any number of arguments: one rule
            that is called as `each(i, g, y, *args, **settings)`.
        together: instead of `each`, where there may be thousands of arguments: a
            rule that is called once, as `together(g, y, *args, **settings)`, and
            returns the function that gives the gradient of argument i.
        options: symbol, scalar, reach, arrays_only and expects; see `Options`.

    Raises:
        ArgumentError: if the name is taken, or no derivative is given.
        OperandError: if a function came that cannot be called, or an option that there is not.

    >>> from micrograd import Value, define_op
    >>> cube = define_op("cube", lambda x: x**3, lambda g, y, x: g * 3 * x**2)
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad
    12.0
    """
    rules = Each(each) if each is not None else Together(together) if together else derivatives
    errors.require_rules(name, rules, (forward, *derivatives, each, together))
    return register(Op(name, forward, rules, **options))
