"""tell: the program of a function, told by symbols that stand for its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd.compiler.recording.array_like import overlap
from micrograd.compiler.recording.programs import (
    Instruction,
    Program,
    Slot,
    form_of,
    is_a,
    mapped,
    name_of,
)
from micrograd.compiler.recording.symbols import Symbol, Teller
from micrograd.core.node import Node
from micrograd.core.user_rules import read_only
from micrograd.errors import OperandError

__all__ = ["tell"]

Function = Callable[..., Any]


def tell(function: Function, *arguments: Any) -> Program:
    """Return what a function computes, told by symbols that stand for its arguments.

    Args:
        function: what to call: a rule, a forward function, or any that is made of operators and
            of NumPy's and this library's functions.
        arguments: examples of its arguments, arrays or numbers, for shapes and dtypes. The
            function is computed for them once, and cannot write to them. An operation of numbers
            is told as the calls of NumPy that it makes for arrays, not as the function of `math`.

    Raises:
        OperandError: if the function does what only numbers can answer, such as `if x > 0`,
            or an argument is neither an array nor a number.

    >>> from micrograd.compiler.recording.programs import evaluate
    >>> x = np.array([1.0, 2.0])
    >>> program = tell(lambda g, x: g / (2 * np.sqrt(x)), x, x)
    >>> program
    t1 = np.sqrt(x)
    t2 = 2 * t1
    t3 = g / t2
    return t3
    >>> evaluate(program, np.ones(2), np.array([1.0, 4.0])).tolist()
    [0.5, 0.25]
    """
    teller = _Program(arguments)
    result = function(*[Symbol(teller, Slot(i), given) for i, given in enumerate(arguments)])
    given = mapped(result, _returned)
    inputs = tuple(map(form_of, arguments))
    return Program(_names(function, len(inputs)), inputs, tuple(teller.instructions), given)


def _returned(leaf: Any) -> Any:
    if isinstance(leaf, Node):
        raise OperandError(f"tell: the function returned a {type(leaf).__name__}. Give its .data.")
    return leaf._checked_slot() if is_a(leaf, Symbol) else leaf


def _names(function: Function, count: int) -> tuple[str, ...]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [p.name for p in parameters if p.kind in positional][:count]
    return tuple([*names, *(f"x{i + 1}" for i in range(len(names), count))])


class _Program(Teller):
    """What has been told so far in one call of a function."""

    def __init__(self, inputs: tuple[Any, ...]) -> None:
        super().__init__()
        for given in inputs:
            if not is_a(given, np.ndarray, np.generic, float, int):
                raise OperandError(
                    f"tell: expected arrays or numbers, but came a {type(given).__name__}. Give "
                    "the .data of a node, and np.asarray of a list."
                )
        self.inputs = inputs
        self.instructions: list[Instruction] = []

    def compute(self, operation: Function, args: Any, settings: dict[str, Any]) -> Any:
        try:
            return operation(*args, **settings)
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            raise OperandError(
                f"{name_of(operation)}: what is computed after an error depends on numbers. Tell "
                f"the function with arguments for which there is none. NumPy says: {error}"
            ) from error

    def note(self, operation: Function, args: Any, settings: dict[str, Any], result: Any) -> Slot:
        raising = tuple([kind for kind, what in np.geterr().items() if what == "raise"])
        given, named = mapped((args, settings), _noted)
        self.instructions.append(Instruction(operation, given, named, form_of(result), raising))
        return Slot(len(self.inputs) + len(self.instructions) - 1)

    def before_write(self, symbol: Symbol) -> None:
        if any(overlap(symbol._example, given) for given in self.inputs):
            raise OperandError(
                f"{symbol!r}: is an argument, or a view of one, and was written to. Copy it first."
            )


def _noted(leaf: Any) -> Any:
    """Return what an instruction keeps of an argument: nothing that somebody may write to."""
    if is_a(leaf, np.ndarray):
        return read_only(leaf.copy("K"))
    return leaf._slot if is_a(leaf, Symbol) else leaf
