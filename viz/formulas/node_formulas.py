"""What an operation computes, and how it differentiates, written with the reader's names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd import Node
from viz.formulas.notation import write
from viz.formulas.row import Row
from viz.formulas.table import row_for, settings_of
from viz.text.formula import ATOM, POWER, Formula, as_formula, call, latex_text, name
from viz.text.numbers import is_array, plain
from viz.text.phrases import axes_in_words


@dataclass(frozen=True, slots=True)
class Formulas:
    """One operation at one argument.

    Attributes:
        expression: what the operation computes, such as 'a·b'.
        derivative: the local derivative, such as 'b': a factor of the gradient of
            the result or, if `uses_gradient`, all of what is passed on, such as
            'g @ Wᵀ'.
        passed: what is passed on to the argument in any case, such as 'g·b'.
        uses_gradient: whether `derivative` names the gradient of the result.
    """

    expression: Formula
    derivative: Formula
    passed: Formula
    uses_gradient: bool


def formulas(
    node: Node,
    argument: int,
    names: Sequence[str | Formula],
    result_name: str | Formula = "y",
    gradient_name: str | Formula = "g",
) -> Formulas:
    """Return the formulas of the operation that made `node`, at one of its arguments.

    Args:
        node: a node that an operation made.
        argument: to which argument, by position.
        names: what to call each argument: a name, or for a constant its number.
        result_name: what to call the node itself.
        gradient_name: what to call the gradient of the node; 1 is left out.

    >>> from micrograd import Value, sigmoid
    >>> formulas(Value(2.0) - 3, 1, ["a", "b"]).passed.text
    '−g'
    >>> formulas(sigmoid(Value(2.0)), 0, ["x"]).derivative.text
    'y·(1 − y)'
    """
    row = row_for(node)
    derivative = None if row is None else row.derivatives[argument]
    gradient = {"g": as_formula(gradient_name)}
    if row is None or derivative is None:
        call = _call(node, names)
        factor = quotient(call, as_formula(names[argument]))
        return Formulas(call, factor, write("g * d", {"d": factor}, gradient), False)
    given = _named(row, names) | {"y": as_formula(result_name)}
    settings = _settings(node) | gradient
    uses_gradient = re.search(r"\bg\b", derivative) is not None
    passed = derivative if uses_gradient else f"g * ({derivative})"
    return Formulas(
        write(row.expression, given, settings),
        write(derivative, given, settings),
        write(passed, given, settings),
        uses_gradient,
    )


def quotient(top: Formula, bottom: Formula) -> Formula:
    r"""Return the derivative of one thing by another, as it is formula.

    >>> quotient(name("y"), name("x")).text, quotient(name("y"), name("x")).latex
    ('∂y/∂x', '\\frac{\\partial y}{\\partial x}')
    """
    over, under = _whole(top), _whole(bottom)
    latex = rf"\frac{{\partial {over.latex}}}{{\partial {under.latex}}}"
    return Formula(f"∂{over.text}/∂{under.text}", latex, POWER)


def _whole(formula: Formula) -> Formula:
    """Return what ∂ can stand before: a formula, or a name of several words, in parentheses."""
    if formula.precedence < ATOM:
        return Formula(f"({formula.text})", rf"\left({formula.latex}\right)")
    is_call = re.match(r"[^\s(]+\(", formula.text) is not None
    if " " in formula.text and not is_call:
        return Formula(f"({formula.text})", formula.latex)
    return formula


def expression(node: Node, names: Sequence[str | Formula]) -> str:
    """Return what the operation that made `node` computes, as text.

    Args:
        node: a node that an operation made.
        names: what to call each argument.

    >>> from micrograd import Value
    >>> expression((Value(2.0) + 3) ** 2, ["s", "2"])
    's²'
    """
    row = row_for(node)
    if row is None:
        return _call(node, names).text
    return write(row.expression, _named(row, names), _settings(node)).text


def _named(row: Row, names: Sequence[str | Formula]) -> dict[str, Formula]:
    return {own: as_formula(given) for own, given in zip(row.arguments, names, strict=True)}


def _call(node: Any, names: Sequence[str | Formula]) -> Formula:
    return call(node.op.name, latex_text(node.op.name), [as_formula(given) for given in names])


def slope(node: Node, argument: int) -> Any:
    """Return the local derivative of a node that is one number, by one argument, as a number.

    Args:
        node: a node that an operation made.
        argument: by which argument, by position.

    >>> from micrograd import Value
    >>> slope(Value(2.0) * 3.0, 0)
    3.0
    """
    made: Any = node
    args = [parent.data for parent in made.parents]
    one = made.data * 0 + 1 if is_array(made.data) else 1.0
    with np.errstate(all="ignore"):
        found = made.op.derivatives[argument](one, made.data, *args, **made.settings)
    return plain(found) if np.size(found) == 1 else found


def _settings(node: Any) -> dict[str, Formula]:
    return {key: _setting(key, value) for key, value in settings_of(node).items()}


def _setting(key: str, value: Any) -> Formula:
    if key in ("axis", "stack"):
        return name("" if value is None else axes_in_words(np.atleast_1d(value).tolist()))
    if key == "index":
        return name(f"[{_index(value)}]")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return name(f"{value:.6g}")
    return name(str(value))


def _index(index: Any) -> str:
    several = isinstance(index, tuple)
    parts: tuple[Any, ...] = index if several else (index,)  # pyright: ignore[reportUnknownVariableType]
    return ", ".join(map(_index_part, parts))


def _index_part(part: Any) -> str:
    if isinstance(part, slice):
        return _slice(part)
    if part is Ellipsis:
        return "..."
    if not is_array(part):
        return str(part)
    return str(part.tolist()) if part.size <= 6 else f"{part.dtype} array of shape {part.shape}"


def _slice(part: Any) -> str:
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])
