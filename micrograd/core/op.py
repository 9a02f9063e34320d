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

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, Unpack, cast

import numpy as np

from micrograd.captures import Captures
from micrograd.core import numbers
from micrograd.core.node import Node, describe
from micrograd.core.record import operator_of, record
from micrograd.core.user_rules import (
    Options,
    all_options,
    guarded_forward,
    guarded_rule,
    guarded_together,
)
from micrograd.errors import (
    ArgumentError,
    CalculationError,
    DivisionError,
    FloatingError,
    IndexingError,
    MicrogradError,
    OperandError,
    RangeError,
    ShapeError,
    StaleGraphError,
)
from micrograd.tree import tree_map

__all__ = ["Op", "define_op"]

Derivative = Callable[..., Any]

registry: dict[str, Op] = {}
"""Every operation by its name."""

_REFUSALS: dict[type[Exception], type[MicrogradError]] = {
    ValueError: ShapeError,
    TypeError: OperandError,
    IndexError: IndexingError,
    ArithmeticError: CalculationError,
    OverflowError: RangeError,
    FloatingPointError: FloatingError,
    ZeroDivisionError: DivisionError,
}
_WAYS_OUT: dict[type[MicrogradError], str] = {
    RangeError: "Give numbers that the dtype can hold, or widen it first, as with astype(float).",
    FloatingError: "np.errstate, or np.seterr, asks for an error there; under "
    "np.errstate(all='ignore') the result is inf, nan or 0, as IEEE-754 has it.",
}


class Op:
    """One differentiable operation; call it with nodes, numbers or arrays.

    With a `Value` or `Tensor` among its arguments, it records a node; with
    plain numbers or arrays only, it just computes. Data arguments are
    positional, settings are keyword-only. Make one with `define_op`.

    Attributes:
        operator: the method that records a registered operation as an operator.
    """

    operator: Callable[[Any, Any], Any]
    symbol: str | Callable[[Node], str]
    scalar: Callable[..., Any]
    reach: Any
    arrays_only: bool
    expects: str | None

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        derivatives: tuple[Derivative | None, ...] | Each,
        **options: Unpack[Options],
    ) -> None:
        self.name = name
        if not isinstance(derivatives, Each):
            derivatives = tuple(no_gradient if rule is None else rule for rule in derivatives)
        vars(self).update(all_options(name, options))
        self.symbol = options.get("symbol") or name
        self.selects = self.reach is not None and self.reach.selects
        self._given = forward, derivatives, options.get("scalar")
        self.guard()

    def guard(self) -> None:
        """Let the functions spoil nothing, as long as it is not known whose they are."""
        forward, derivatives, scalar = self._given
        if isinstance(derivatives, Each):
            self.captures = Captures((derivatives.rule,))
            self.derivatives = derivatives.guarded(self.name, self.captures)
        else:
            rules = [rule for rule in derivatives if rule is not no_gradient]
            self.captures = Captures(rules)
            self.derivatives = tuple(
                rule if rule is no_gradient else guarded_rule(self.name, rule, self.captures)
                for rule in derivatives
            )
        self.forward = guarded_forward(self.name, forward)
        self.scalar = scalar or self.forward
        self.foreign = True

    def trust(self) -> None:
        """Take the functions as they are: this library made them, and its tests prove them."""
        self.forward, self.derivatives, scalar = self._given
        self.scalar = scalar or self.forward
        self.foreign = False

    if not TYPE_CHECKING:

        def __call__(self, *args, **settings):
            for arg in args:
                if isinstance(arg, Node):
                    parents = arg._lift(self, args)
                    if self.foreign:
                        return self._record_foreign(parents, settings)
                    if len(parents) == 2:
                        return record(self, *parents, settings)
                    return record(self, parents[0], parents if parents[1:] else None, settings)
            if not self.arrays_only and all([isinstance(arg, (float, int)) for arg in args]):
                return numbers.compute(self, args, settings)
            try:
                return self.forward(*args, **settings)
            except tuple(_REFUSALS) as error:
                self.refuse(args, error)

    else:

        def __call__(self, *args: Any, **settings: Any) -> Any: ...

    def _record_foreign(self, parents: tuple[Node, ...], settings: dict[str, Any]) -> Node:
        """Record a user's operation, with settings of its own and what it captures."""
        rest = None if len(parents) == 1 else parents[1] if len(parents) == 2 else parents
        node = record(self, parents[0], rest, tree_map(lambda _, leaf: _own(leaf), settings))
        if node.op is self:
            node._seal = self.captures.taken(node)
        return node

    def refuse(self, args: Iterable[Any], error: Exception) -> NoReturn:
        """Raise the typed form of what NumPy said about `args`, nodes or plain."""
        if isinstance(error, MicrogradError):
            raise error
        came = ", ".join(
            f"{name} of {_form(arg)}{_known(arg)}"
            for name, arg in zip(self.argument_names(), args, strict=False)
        )
        kind = next(_REFUSALS[cls] for cls in type(error).__mro__ if cls in _REFUSALS)
        expected = f"Expected {self.expects}." if self.expects else ""
        hint = _WAYS_OUT.get(kind, expected)
        raise kind(
            f"{self.name}: cannot take {came}.{' ' * bool(hint)}{hint} NumPy says: {error}"
        ) from error

    def gradients_together(
        self, mask: Any, g: Any, known: Sequence[Any], settings: dict[str, Any]
    ) -> Callable[[int], Any]:
        """Return the function that gives the gradient of argument `i`.

        Args:
            mask: which elements of the result a `where` did not cut off, True for all.
            g: the gradient of the result.
            known: the result and the arguments.
            settings: those of the call.
        """
        derivatives = self.derivatives
        if isinstance(derivatives, Together):
            return derivatives.rule(g, *known, **settings)
        return lambda i: derivatives[i](g, *known, **settings)

    def argument_names(self) -> Iterator[str]:
        """Yield the names of the data arguments, as the derivatives name them."""
        if not isinstance(self.derivatives, Each):
            rules = [d for d in self.derivatives if d is not no_gradient]
            rule = rules[0] if rules else no_gradient
            positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
            parameters = list(inspect.signature(rule).parameters.values())[2:]
            yield from (p.name for p in parameters if p.kind == positional)
        yield from (f"argument {i}" for i in count())

    def symbol_for(self, node: Node) -> str:
        """Return the symbol that a diagram shows for `node`, which this made."""
        return self.symbol if isinstance(self.symbol, str) else self.symbol(node)

    def overwritten(self, node: str) -> Op:
        """Return this operation as it stands on a node, so described, that was overwritten."""
        return Overwritten(self, node)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if registry.get(self.name) is not self:
            raise self._refuse_to_travel("pickle")
        return _find, (self.name,)

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def _refuse_to_travel(self, how: str) -> OperandError:
        return OperandError(
            f"{how}: the operation {self.name!r} was not made by define_op, so that its derivative "
            "cannot be found again. Define it with define_op, or detach() what it computed."
        )


def _own(setting: Any) -> Any:
    """Return a setting that came from outside as one that nobody writes to."""
    if setting.__class__ is np.ndarray:
        setting = setting.copy("K")
        setting.flags.writeable = False
    return setting


def _form(arg: Any) -> str:
    """Return the shape of an argument, for a message, and its dtype where that is no float."""
    data: Any = getattr(arg, "_data", arg)
    dtype = getattr(data, "dtype", None)
    other = dtype is not None and dtype.kind != "f"
    return f"shape {np.shape(data)}" + (f" and dtype {dtype}" if other else "")


def _known(arg: Any) -> str:
    """Return what else is known of an argument, for a message: its label and origin."""
    if not isinstance(arg, Node) or (arg.label is None and arg.op is None):
        return ""
    return f" ({describe(arg)})"


class OneOff(Op):
    """The operation of a single node, which knows the arguments and not how to compute anew.

    Its rule is called as `rule(g, y, mask)`, once in a backward pass, and gives
    the gradients of all arguments; `mask` tells which elements of `y` a `where`
    did not cut off, True for all.
    """

    def __init__(
        self,
        name: str,
        rule: Derivative,
        symbol: Any = None,
        captures: Captures | None = None,
    ) -> None:
        def together(g: Any, y: Any, *args: Any) -> Callable[[int], Any]:
            return rule(g, y, True).__getitem__

        super().__init__(name, partial(_compute_another, name), Together(together), symbol=symbol)
        self.foreign = True
        self.captures = captures or Captures(())
        self._rule = rule

    def guard(self) -> None:
        self.trust()

    def gradients_together(
        self, mask: Any, g: Any, known: Sequence[Any], settings: dict[str, Any]
    ) -> Callable[[int], Any]:
        return self._rule(g, known[0], mask).__getitem__

    def __reduce__(self) -> tuple[Any, ...]:
        raise self._refuse_to_travel("pickle")

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        raise self._refuse_to_travel("deepcopy")


def takes_gradient(parent: Node) -> bool:
    """Tell whether a backward pass asks for the gradient of a parent, or of what is behind it."""
    return parent.requires_grad or parent.op is not None


def _compute_another(name: str, *args: Any, **settings: Any) -> NoReturn:
    raise OperandError(f"{name}: was made for one node, and cannot compute another. Use define_op.")


class Overwritten(Op):
    """An operation as it stands on a node whose data was overwritten: without derivative."""

    def __init__(self, op: Op, node: str) -> None:
        super().__init__(op.name, op.forward, Each(self._refuse), symbol=op.symbol)
        self._op = op
        self._node = node

    def guard(self) -> None:
        self.trust()

    def _refuse(self, *args: Any, **settings: Any) -> NoReturn:
        raise StaleGraphError(
            f"{self.name}: the data of its result was assigned to after it was recorded, so "
            f"its derivative is no longer that of the graph: {self._node}. Compute the result "
            "again, or assign to a leaf before the graph is built."
        )

    def overwritten(self, node: str) -> Op:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Overwritten, (self._op, self._node)


def _find(name: str) -> Op:
    if name not in registry:
        raise ArgumentError(
            f"op {name!r}: not defined here. Run the define_op call that made it before loading."
        )
    return registry[name]


def no_gradient(*args: Any, **settings: Any) -> None:
    """Stand for the derivative of an argument that has none."""


class Each:
    """The derivatives of an operation with any number of arguments of one sort.

    Its rule is called as `rule(i, g, y, *args, **settings)` for argument `i`.
    """

    def __init__(self, rule: Derivative) -> None:
        self.rule = rule

    def __getitem__(self, i: int) -> Derivative:
        return partial(self.rule, i)

    def guarded(self, name: str, captures: Captures) -> Each:
        """Return the same with a rule that spoils nothing."""
        return Each(guarded_rule(name, self.rule, captures, 1))


class Together(Each):
    """The same, from what is computed once for all arguments.

    Its rule is called as `rule(g, y, *args, **settings)` and returns the
    function that gives the gradient of argument `i`. So each costs its own
    share only, and not a look at all the others.
    """

    def __getitem__(self, i: int) -> Derivative:
        rule = self.rule

        def one(g: Any, *known: Any, **settings: Any) -> Any:
            return rule(g, *known, **settings)(i)

        return one

    def guarded(self, name: str, captures: Captures) -> Each:
        return Together(guarded_together(name, self.rule, captures))


AnyOp = TypeVar("AnyOp", bound=Op)


def register(op: AnyOp) -> AnyOp:
    """Enter `op` under its name; a name used twice is an error."""
    if registry.setdefault(op.name, op) is not op:  # at one stroke, for threads
        raise ArgumentError(
            f"define_op: the name {op.name!r} is taken by {registry[op.name]!r}. Choose another."
        )
    op.operator = operator_of(op)
    return op


def trust_all() -> None:
    """Take the functions of all operations that there are by now as they are."""
    for op in registry.values():
        op.trust()
        op.operator = operator_of(op)


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
        options: symbol, scalar, reach, arrays_only, expects; see `Options`.

    Raises:
        ArgumentError: if the name is taken, or no derivative is given.
        OperandError: if a function came that cannot be called.

    >>> from micrograd import Value, define_op
    >>> cube = define_op("cube", lambda x: x**3, lambda g, y, x: g * 3 * x**2)
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad
    12.0
    """
    if not derivatives and each is None and together is None:
        raise ArgumentError(
            f"define_op: {name!r} came without a derivative; give one per argument, "
            "None for an argument that has none."
        )
    for rule in (*derivatives, each, together, forward):
        if rule is not None and not callable(cast("Any", rule)):
            raise OperandError(
                f"define_op: {name!r} came with {rule!r} where a function is expected. Give "
                "functions, and None for the derivative of an argument that has none."
            )
    rules = Each(each) if each is not None else Together(together) if together else derivatives
    return register(Op(name, forward, rules, **options))
