"""A naive engine to compare with: evidently right, slow, and with no mechanism of the real one.

An array here is made of Numbers, one object for each element, which NumPy adds, multiplies and
broadcasts as it does any objects. A Number knows from which others it was computed, and is
differentiated forwards, as the textbook does it by hand. A gradient is made of Numbers, too, if
it is to be differentiated in turn.

A `Shadow` is what a node ought to be. Instead of by a clock, it tells what was overwritten by
how often each array was written to, before and after it was used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, cast

import numpy as np

Array = Any  # of Numbers, or of floats

_ages = count()


class Number:
    """A number, and how it was computed: by which operation, from which others."""

    __slots__ = ("age", "args", "op", "value")

    def __init__(self, op: str, args: Sequence[Number], value: float | None = None) -> None:
        self.op = op
        self.args = tuple(args)
        self.value = VALUES[op](*[x.value for x in args]) if value is None else float(value)
        self.age = next(_ages)

    def slopes(self) -> tuple[Number, ...]:
        """Return the derivative by each of the arguments."""
        return SLOPES[self.op](self, *self.args)

    def __add__(self, other: Number) -> Number:
        return Number("add", (self, other))

    def __mul__(self, other: Number) -> Number:
        return Number("multiply", (self, other))

    def __neg__(self) -> Number:
        return MINUS_ONE * self

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __truediv__(self, other: Number) -> Number:
        return self * Number("reciprocal", (other,))


VALUES: dict[str, Callable[..., float]] = {
    "same": lambda x: x,
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "reciprocal": lambda x: 1 / x,
    "relu": lambda x: x if x > 0 else 0.0,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
}

SLOPES: dict[str, Callable[..., tuple[Number, ...]]] = {
    "number": lambda y: (),
    "same": lambda y, x: (ONE,),
    "add": lambda y, a, b: (ONE, ONE),
    "multiply": lambda y, a, b: (b, a),
    "reciprocal": lambda y, x: (-(y * y),),
    "relu": lambda y, x: (ONE if x.value > 0 else ZERO,),
    "exp": lambda y, x: (y,),
    "sin": lambda y, x: (Number("cos", (x,)),),
    "cos": lambda y, x: (-Number("sin", (x,)),),
    "tanh": lambda y, x: (ONE - y * y,),
}

ZERO, ONE, MINUS_ONE = (Number("number", (), x) for x in (0, 1, -1))


def history(numbers: Iterable[Number]) -> list[Number]:
    """Return `numbers` and all that they were computed from, the oldest first."""
    seen: set[Number] = set()
    stack = list(numbers)
    while stack:
        number = stack.pop()
        if number not in seen:
            seen.add(number)
            stack += number.args
    return sorted(seen, key=lambda number: number.age)


def slopes_by(y: Number, xs: Sequence[Number]) -> Array:
    """Return the derivative of `y` by each of `xs`, as floats."""
    moves = {x: row for x, row in zip(xs, np.eye(len(xs)), strict=True)}  # each x by itself
    for number in history([y]):
        moved = [arg in moves for arg in number.args]
        if any(moved):
            for arg, slope in zip(number.args, number.slopes(), strict=True):
                if arg in moves:
                    moves[number] = moves.get(number, 0) + slope.value * moves[arg]
    return moves.get(y, np.zeros(len(xs)))


def slope_by(y: Number, x: Number) -> Number:
    """Return the derivative of `y` by `x`, to be differentiated in turn."""
    moves = {x: ONE}
    for number in history([y]):
        if any(arg in moves for arg in number.args):
            for arg, slope in zip(number.args, number.slopes(), strict=True):
                if arg in moves:
                    share = slope * moves[arg]
                    moves[number] = moves[number] + share if number in moves else share
    return moves.get(y, ZERO)


def plain(data: Any) -> Array:
    """Return numbers that nothing is known of."""
    return each(lambda x: Number("number", (), x), np.asarray(data, dtype=float))


def each(function: Callable[..., Any], *arrays: Any) -> Array:
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), dtype=object)


def floats(numbers: Array) -> Array:
    return np.asarray(each(lambda x: x.value, numbers), dtype=float)


def applied(op: str, numbers: Array) -> Array:
    return each(lambda x: Number(op, (x,)), numbers)


UNKNOWN = "unknown"  # a gradient that depends on how the engine writes its rules


class Shadow:
    """What a node ought to be.

    Attributes:
        cells: its data, in memory that results may be views of, as they are in NumPy.
        numbers: the same, and how they were computed.
        requires_grad: as that of the node.
        parents: what it was computed from; nothing if that was not recorded.
        used: how often each parent had been written to by then.
        writes: how often this was written to.
        spoiled: whether this is a result that was written to.
        writable: whether its array can be written to in place.
        behind: for a gradient, what it may depend on, by its `writes` then, with its `numbers`.
        order: how many times what it depends on was differentiated.
        grad: floats, a Shadow if it can be differentiated in turn, None, or UNKNOWN.
        loose: whether None is as good a gradient as the zeros in `grad`.
        hidden: whether the floats in `grad` stand for a node that is not modelled.
    """

    def __init__(self, numbers: Array, requires_grad: bool, parents: Sequence[Shadow] = ()) -> None:
        # An element that was only moved is a variable of its own here.
        self._numbers: Array = applied("same", numbers) if parents else numbers
        self.cells = floats(numbers)
        self.requires_grad = requires_grad
        self.parents = tuple(parents)
        self.used = tuple(parent.writes for parent in parents)
        self.writes = 0
        self.spoiled = False
        self.writable = True
        self.behind: dict[tuple[Shadow, int], Array] = {}
        self.order = max([parent.order for parent in parents], default=0)
        self.set_grad(None)

    @property
    def numbers(self) -> Array:
        if not np.array_equal(floats(self._numbers), self.cells):  # the view of what was written to
            self._numbers = plain(self.cells)
        return self._numbers

    @property
    def data(self) -> Array:
        return self.cells.copy()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.cells.shape

    @property
    def is_result(self) -> bool:
        """Whether an operation was recorded here."""
        return bool(self.parents) or (bool(self.behind) and self.requires_grad)

    def set_grad(self, grad: Any) -> None:
        self.grad, self.loose, self.hidden = grad, False, False

    def grad_floats(self) -> Array:
        return self.grad.data if isinstance(self.grad, Shadow) else self.grad

    def write(self, data: Any, in_place: bool = False) -> None:
        """Replace the data; if in place, that of views too."""
        if in_place:
            self.cells[...] = data
        else:
            self.cells = np.array(data, dtype=float)
            self.writable = not self.is_result
        self._numbers = plain(data)
        self.spoiled = self.is_result
        self.writes += 1

    def stale(self) -> bool:
        """Tell whether what it was made of, or itself, was written to since."""
        return self.spoiled or any(
            parent.writes != used for parent, used in zip(self.parents, self.used, strict=True)
        )

    def detached(self) -> Shadow:
        """Return a constant with the same data."""
        twin = Shadow(plain(self.data), False)
        twin.writable = not self.is_result
        return twin

    def copied(self) -> Shadow:
        """Return what copy.copy gives: the same record, in a node of its own."""
        twin = object.__new__(Shadow)
        twin.__dict__.update(self.__dict__, writes=0, cells=self.data)
        twin._numbers = each(lambda x: Number(x.op, x.args, x.value), self.numbers)
        return twin


def computed(
    rule: Callable[..., Array],
    parents: Sequence[Shadow],
    recording: bool = True,
    moves: bool = False,
) -> Shadow:
    """Return the result of a rule for arrays of Numbers, recorded or not.

    One that only moves the elements of its argument may give a view of it.
    """
    numbers = np.asarray(rule(*[parent.numbers for parent in parents]), dtype=object)
    recorded = recording and any(parent.requires_grad for parent in parents)
    made = Shadow(numbers, True, parents) if recorded else Shadow(plain(floats(numbers)), False)
    made.writable = False
    if recorded and moves:
        made.cells = np.asarray(rule(parents[0].cells))
    return made


def deep_copies(shadows: Sequence[Shadow]) -> list[Shadow]:
    """Return copies of `shadows` and of all that they depend on, as they depend on each other."""
    twins: dict[Shadow, Shadow] = {}
    stack = list(shadows)
    while stack:
        shadow = stack.pop()
        if shadow not in twins:
            twins[shadow] = object.__new__(Shadow)
            stack += [*shadow.parents, *(other for other, _ in shadow.behind)]
            if isinstance(shadow.grad, Shadow):
                stack.append(shadow.grad)
    arrays = [shadow.numbers for shadow in twins]
    arrays += [numbers for shadow in twins for numbers in shadow.behind.values()]
    copies: dict[Number, Number] = {}
    for x in history(x for array in arrays for x in array.flat):
        copies[x] = Number(x.op, [copies[arg] for arg in x.args], x.value)
    for shadow, twin in twins.items():
        twin.__dict__.update(shadow.__dict__, cells=shadow.data)
        twin._numbers = each(copies.__getitem__, shadow.numbers)
        twin.parents = tuple(twins[parent] for parent in shadow.parents)
        twin.behind = {
            (twins[other], writes): each(copies.__getitem__, numbers)
            for (other, writes), numbers in shadow.behind.items()
        }
        if isinstance(shadow.grad, Shadow):
            twin.grad = twins[shadow.grad]
    return [twins[shadow] for shadow in shadows]


def reached_from(root: Shadow) -> list[Shadow]:
    """Return what a backward pass from `root` goes through, the leaves included."""
    reached: dict[Shadow, None] = {}
    stack = [root]
    while stack:
        shadow = stack.pop()
        if shadow.requires_grad and shadow not in reached:
            reached[shadow] = None
            stack += shadow.parents
    return list(reached)


class Backward:
    """What a backward pass ought to do; nothing is done before `succeed` or `fail`.

    Attributes:
        known: what the pass goes through, from the root to the leaves.
        vague: what it may go through by way of a gradient, whose graph is not modelled.
        must_refuse, may_refuse: whether the pass has to, or may, meet what was written to.
        slopes: what each leaf and result gets.
    """

    def __init__(self, root: Shadow, gradient: Any = None) -> None:
        self.root = root
        self.given = isinstance(gradient, Shadow)
        start = np.ones(root.shape) if gradient is None else gradient
        if not isinstance(gradient, Shadow):
            gradient = Shadow(plain(start), False)
        self.gradient = gradient
        self.known = reached_from(root)
        behind = {then: numbers for shadow in self.known for then, numbers in shadow.behind.items()}
        self.vague = {shadow for shadow, _ in behind if shadow.requires_grad}
        self.must_refuse = any(shadow.stale() for shadow in self.known)
        self.may_refuse = self.must_refuse or any(
            shadow.writes != writes for shadow, writes in behind
        )
        self._variables = [(shadow, shadow.numbers) for shadow in self.known]
        self._variables += [
            (shadow, numbers)
            for (shadow, writes), numbers in behind.items()
            if shadow in self.vague and not (shadow in self.known and shadow.writes == writes)
        ]
        self.slopes = {} if self.must_refuse else self._slopes()

    def _slopes(self) -> dict[Shadow, Array]:
        y = ZERO
        for weight, x in zip(self.gradient.numbers.flat, self.root.numbers.flat, strict=True):
            y = y + Number("number", (), weight.value) * x
        rows = iter(slopes_by(y, [x for _, numbers in self._variables for x in numbers.flat]))
        slopes: dict[Shadow, Array] = {}
        for shadow, numbers in self._variables:
            slope = np.array([next(rows) for _ in numbers.flat]).reshape(shadow.shape)
            slopes[shadow] = slopes.get(shadow, 0) + slope
        return slopes

    def succeed(self, create_graph: bool = False) -> None:
        """Add to the leaves, and overwrite the gradients of the results."""
        for shadow, slope in self.slopes.items():
            certain = shadow in self.known or slope.any()  # that it gets something
            if shadow.is_result:
                shadow.set_grad(UNKNOWN if shadow in self.vague else slope)
            elif isinstance(shadow.grad, str) or (isinstance(shadow.grad, Shadow) and not certain):
                shadow.set_grad(UNKNOWN)  # whether it is still the same node
            elif shadow.grad is None or (shadow.loose and not np.any(cast(Any, shadow.grad))):
                shadow.set_grad(slope)
                shadow.loose = not certain
            else:
                hidden = shadow.hidden or isinstance(shadow.grad, Shadow)
                shadow.set_grad(shadow.grad_floats() + slope)
                shadow.hidden = hidden
            shadow.hidden |= create_graph
        if create_graph and self.given and self.root.is_result:
            self.root.set_grad(self.gradient)

    def fail(self) -> None:
        """Leave the leaves as they are, and the results without a gradient."""
        for shadow in [*self.known, *self.vague]:
            if shadow.is_result:
                shadow.set_grad(UNKNOWN if shadow in self.vague else None)

    def differentiable(self) -> list[Shadow]:
        """Return the leaves whose gradient can be modelled, after create_graph, as a Shadow."""
        return [
            shadow
            for shadow in self.known
            if not (shadow.is_result or shadow.hidden or shadow.loose)
            and not isinstance(shadow.grad, str)
            and not (isinstance(shadow.grad, Shadow) and shadow.grad.stale())
        ]

    def gradient_of(self, leaf: Shadow) -> Shadow:
        """Return the gradient that this pass, which is still to succeed, leaves in `leaf`."""
        pairs = [*zip(self.gradient.numbers.flat, self.root.numbers.flat, strict=True)]

        def total(x: Number) -> Number:
            shares = [weight * slope_by(y, x) for weight, y in pairs]
            found: Any = sum(shares[1:], start=shares[0])
            return found

        numbers = each(total, leaf.numbers)
        reached = [*self.known, self.gradient, *reached_from(self.gradient)]
        if isinstance(leaf.grad, Shadow):
            numbers = numbers + leaf.grad.numbers
            reached.append(leaf.grad)
        elif leaf.grad is not None:
            numbers = numbers + plain(leaf.grad)
        made = Shadow(applied("same", np.asarray(numbers, dtype=object)), True)
        made.order = max(self.root.order, self.gradient.order) + 1
        reached += [parent for shadow in reached for parent in shadow.parents]
        for shadow in reached:
            made.behind[shadow, shadow.writes] = shadow.numbers
        for shadow in reached:
            made.behind |= shadow.behind
        return made
