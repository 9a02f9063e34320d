"""Random programs: small functions of Values or Tensors whose derivatives can be checked.

A program is drawn step by step. The inputs' data are known then, so each step
is computed at once, and is taken only where it is smooth.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from keyword import kwlist
from types import FunctionType
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

import micrograd
from micrograd.core.op import Each, Op
from micrograd.testing.arguments import check_count, refuse
from micrograd.testing.domains import Domain, domain_named, readable_numbers
from micrograd.testing.draft import Draft
from micrograd.testing.operands import Operand
from micrograd.testing.shapes import Shape, broadcastable_shapes
from micrograd.testing.steps import ROWS, Row, array_text, elementwise
from micrograd.testing.strategies import arrays_of, elements_of

Kind = Literal["tensor", "value"]

_OF_AN_OP = 6  # rows for each of the user's operations, so that most programs have it
_KEPT = {"mg", "np", "program", "inputs", *kwlist}  # names with a meaning in the text
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_NONZERO = domain_named("nonzero")
_NUMBERS = st.sampled_from(readable_numbers(_NONZERO))  # the constants


@dataclass(frozen=True, repr=False)
class Program:
    """A function of nodes, arrays or numbers that is a text in Python.

    Its repr is the text. It ends with inputs at which all of it is smooth.

    Attributes:
        source: the text, which defines `program` and `inputs`.
        ops: what the names of the user's own operations in the text stand for.

    >>> import micrograd as mg
    >>> program = Program('''
    ... def program(a, b):
    ...     return mg.tanh(a) * b
    ... inputs = (0.0, 2.0)
    ... ''')
    >>> program(*program.inputs)
    0.0
    >>> a, b = map(mg.Value, program.inputs)
    >>> program(a, b).backward()
    >>> a.grad
    2.0
    """

    source: str
    ops: Mapping[str, Callable[..., Any]] = field(
        default_factory=dict[str, Callable[..., Any]], compare=False
    )

    @cached_property
    def _scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = {"np": np, "mg": micrograd, **self.ops}
        exec(compile(self.source, "<program>", "exec"), scope)
        return scope

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The inputs: float64 arrays, or floats for a program of Values."""
        return self._scope["inputs"]

    @property
    def __name__(self) -> str:
        return "program"

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._scope["program"])

    def __call__(self, *arguments: Any) -> Any:
        return self._scope["program"](*arguments)

    def run(self, arguments: Sequence[Any], namespace: Mapping[str, Any]) -> Any:
        """Run the text with other meanings of its names, as in another library.

        Args:
            arguments: what to call it with.
            namespace: what `mg`, `np` and other names of the text stand for.

        >>> program = Program('''
        ... def program(a):
        ...     return mg.tanh(a)
        ... inputs = (0.5,)
        ... ''')
        >>> program.run([0.0], {"mg": np})
        np.float64(0.0)
        """
        code = self._scope["program"].__code__
        return FunctionType(code, {**self._scope, **namespace})(*arguments)

    def __repr__(self) -> str:
        return self.source

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.source)  # Hypothesis would print the fields

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.source, self.ops)


def programs(
    kind: Kind = "tensor",
    *,
    max_steps: int = 10,
    max_inputs: int = 3,
    ops: Mapping[str, Op] | None = None,
    domain: str | Domain = "real",
    singular: bool = False,
) -> st.SearchStrategy[Program]:
    """Draw programs: expressions of this library's operations, with inputs where they are smooth.

    Results are used several times, shapes are mixed and broadcast, constants
    are numbers and small arrays, and numbers stay of a moderate size. Programs
    shrink to few steps on simple numbers.

    Args:
        kind: "tensor", or "value" for programs of Values, which have no shapes.
        max_steps: the largest number of steps.
        max_inputs: the largest number of inputs.
        ops: elementwise operations of your own, unary or binary, by the name
            that the text calls them.
        domain: that of the inputs, a name in `DOMAINS` or a `Domain`.
        singular: whether to go where relu, absolute and the extremes have a
            kink, too, and make zeros and ties frequent.

    Raises:
        ArgumentError: if an argument is of another kind.

    >>> from hypothesis import find
    >>> find(programs(), lambda program: "mg.exp" in program.source)
    import numpy as np
    import micrograd as mg
    <BLANKLINE>
    def program(a):
        return mg.exp(a)
    <BLANKLINE>
    inputs = (np.array(1.0),)
    <BLANKLINE>
    """
    if kind not in ("tensor", "value"):
        refuse("programs", "kind", kind, "'tensor' or 'value'")
    check_count("programs", "max_steps", max_steps)
    check_count("programs", "max_inputs", max_inputs)
    if not isinstance(ops, Mapping | None):
        refuse("programs", "ops", ops, "a dict from names to operations")
    ops = dict(ops or {})
    for name, op in ops.items():
        _check_op(name, op, kind)
    rows = [row for row in ROWS.values() if row.numbers or kind == "tensor"]
    rows += [_row_of(name, op) for name, op in ops.items() for _ in range(_OF_AN_OP)]
    request = _Request(kind, rows, ops, domain_named(domain), singular, max_steps, max_inputs)
    return _programs(request)


def _row_of(name: str, op: Op) -> Row:
    places = ", ".join(f"{{{i}}}" for i in range(len(_derivatives(op))))
    return elementwise(f"{name}({places})")


def _derivatives(op: Op) -> tuple[Any, ...]:
    return () if isinstance(op.derivatives, Each) else op.derivatives


def _check_op(name: Any, op: Any, kind: Kind) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _KEPT:
        expected = "named by identifiers that start with a letter and have no other meaning"
        refuse("programs", "ops", name, expected)
    if not isinstance(op, Op) or len(_derivatives(op)) not in (1, 2):
        refuse("programs", "ops", {name: op}, "unary or binary operations made by define_op")
    if op.arrays_only and kind == "value":
        refuse("programs", "ops", {name: op}, "operations that take Values, for kind='value'")


@dataclass(frozen=True)
class _Request:
    """What `programs` was asked for."""

    kind: Kind
    rows: list[Row] = field(repr=False)
    ops: Mapping[str, Op]
    domain: Domain
    singular: bool
    max_steps: int
    max_inputs: int

    @cached_property
    def elements(self) -> st.SearchStrategy[float]:
        """The elements of the inputs: readable ones, if the domain has any."""
        domain = self.domain
        numbers = readable_numbers(domain)
        elements = st.sampled_from(numbers) if numbers else elements_of(domain)
        if not self.singular:
            return elements
        few = [x for x in (1.0, 0.0, -1.0, *domain.singular) if domain.low <= x <= domain.high]
        return st.sampled_from(few) | elements if few else elements

    def draw_inputs(self, draw: st.DrawFn) -> list[Any]:
        """Draw the data of the inputs."""
        n = draw(st.integers(1, self.max_inputs))
        if self.kind == "value":
            return [draw(self.elements) for _ in range(n)]
        return [draw(self.arrays(shape)) for shape in draw(broadcastable_shapes(n))]

    def arrays(self, shape: Shape) -> st.SearchStrategy[Any]:
        tied = self.singular or not self.domain.distinct
        return arrays_of(self.domain, np.dtype(float), shape, self.elements if tied else None)

    def draw_step(self, draw: st.DrawFn, draft: Draft) -> None:
        """Draw a step, and add it to the draft if there is one that can be taken."""
        recent = draft.variables[::-1]
        # Most often the last result, so that most steps are used.
        first = draw(st.sampled_from([*recent[:1] * (3 * len(recent)), *recent[1:]]))
        row = draw(st.sampled_from(self.rows).filter(lambda row: self.may_start(row, first)))
        operands = self.draw_operands(draw, row, first, recent)
        if operands:
            settings = draw(row.settings(*[x.shape for x in operands]))
            draft.add(row.text(operands, settings), operands)

    def may_start(self, row: Row, first: Operand) -> bool:
        return row.arity > 1 or row.allows([first], self.singular)

    def draw_operands(
        self, draw: st.DrawFn, row: Row, first: Operand, variables: list[Operand]
    ) -> list[Operand]:
        """Draw the operands of a step, of which one is chosen; none if nothing goes with it."""
        order = slice(None, None, -1 if row.arity == 2 and draw(st.booleans()) else 1)
        operands = [first]
        while len(operands) < row.arity:
            last = len(operands) == row.arity - 1
            shapes = row.constants(first.shape) if last else ()
            found = [x for x in variables if row.allows([*operands, x][order], self.singular)]
            if not (found or shapes):
                return []
            choice = draw(st.sampled_from([*found, *shapes]))
            if not isinstance(choice, Operand):
                choice = draw(_constants(choice))
                if not row.allows([*operands, choice][order], self.singular):
                    return []
            operands.append(choice)
        return operands[order]


def _constants(shape: Shape) -> st.SearchStrategy[Operand]:
    """Draw a number, or a small array, as the text has it."""
    if shape == ():
        return _NUMBERS.map(lambda number: Operand(repr(number), number))
    arrays = arrays_of(_NONZERO, np.dtype(float), shape, _NUMBERS)
    return arrays.map(lambda array: Operand(array_text(array), array))


@st.composite
def _programs(draw: st.DrawFn, request: _Request) -> Program:
    draft = Draft(request.draw_inputs(draw), request.ops, request.singular)
    # The steps are elements of a list, of which Hypothesis knows how to leave some out.
    draw(st.lists(_steps(request, draft), min_size=1, max_size=request.max_steps))
    if not draft.steps:
        draft.add("-{_0}", draft.variables[:1])
    return Program(*draft.source_and_ops())


@st.composite
def _steps(draw: st.DrawFn, request: _Request, draft: Draft) -> None:
    request.draw_step(draw, draft)
