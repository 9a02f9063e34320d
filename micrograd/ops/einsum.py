"""Products of any number of arrays, summed over indices: Einstein's notation."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.node import Node
from micrograd.core.op import define_op
from micrograd.errors import ArgumentError, OperandError, ShapeError
from micrograd.ops.axes import array_of, as_array
from micrograd.ops.elementwise import where
from micrograd.ops.kinds import N
from micrograd.ops.reach import PRODUCT
from micrograd.ops.shape import Shape, broadcast_to

# An operation of this file has its subscripts written out: no spaces, no "...", and an output.


def _split(subscripts: str) -> tuple[list[str], str]:
    inputs, output = subscripts.split("->")
    return inputs.split(","), output


def _lengths(terms: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the length of every index; a length of 1 gives way to any other."""
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for letter, n in zip(term, shape, strict=True):
            if own.setdefault(letter, n) != n:
                raise ShapeError(
                    f"einsum: index {letter!r} stands twice for one operand of shape {shape}, but "
                    f"with lengths {own[letter]} and {n}. A diagonal needs equal lengths."
                )
            known = lengths.setdefault(letter, n)
            if n not in (1, known) and known != 1:
                raise ShapeError(
                    f"einsum: index {letter!r} has length {known} in one operand and {n} in "
                    f"another; the shapes are {_listed(shapes)} for {','.join(terms)!r}. An index "
                    "has one length, beside which only 1 is broadcast."
                )
            lengths[letter] = known if n == 1 else n
    return lengths


def _listed(things: Iterable[Any]) -> str:
    return ", ".join(map(str, things))


_WORTH_PLANNING = 2**14  # products below which NumPy's search for a good order costs more


def _forward_einsum(*operands: Any, subscripts: str) -> Any:
    terms, output = _split(subscripts)
    arrays: list[Any] = [as_array(operand) for operand in operands]
    lengths = _lengths(terms, [array.shape for array in arrays])
    for i, (term, array) in enumerate(zip(terms, arrays, strict=True)):
        # What is broadcast is left out, since it would keep NumPy from multiplying matrices.
        kept = [k for k, letter in enumerate(term) if array.shape[k] == lengths[letter]]
        terms[i] = "".join(term[k] for k in kept)
        arrays[i] = array.reshape([array.shape[k] for k in kept])
    planned = len(arrays) > 1 and math.prod(lengths.values()) > _WORTH_PLANNING
    return np.einsum(f"{','.join(terms)}->{output}", *arrays, optimize=planned)


def _einsum_rule(i: int, g: Any, y: Any, *operands: Any, subscripts: str) -> Any:
    # A product is linear in each factor: g takes the place of operand i, whose indices are
    # those of the result.
    terms, output = _split(subscripts)
    rest = [output, *terms[:i], *terms[i + 1 :]]
    shape = operands[i].shape
    long = [letter if n != 1 else "" for letter, n in zip(terms[i], shape, strict=True)]
    kept = "".join(letter for letter in dict.fromkeys(long) if letter in "".join(rest))
    others = (*operands[:i], *operands[i + 1 :])
    slope = _einsum(g, *others, subscripts=f"{','.join(rest)}->{kept}")
    return _spread(slope, kept, long, shape)


def _spread(slope: Any, kept: str, long: Sequence[str], shape: Shape) -> Any:
    """Return the gradient of an operand of `shape` from that of its different indices.

    An index that only this operand has was summed, so each element gets the same;
    of one that it has twice, only the diagonal was used. `long` has the index of
    each axis, "" for one of length 1.
    """
    lengths = dict(zip(kept, slope.shape, strict=True))
    placed = slope.reshape(
        [lengths.get(letter, 1) if letter not in long[:k] else 1 for k, letter in enumerate(long)]
    )
    for k, letter in enumerate(long):
        if letter and letter in long[:k]:
            placed = where(_diagonal(shape, long.index(letter), k), placed, 0)
    return placed if placed.shape == shape else broadcast_to(placed, shape)


def _diagonal(shape: Shape, first: int, second: int) -> NDArray[np.bool_]:
    """Return where the positions along two axes are equal, as a mask that broadcasts."""
    mask = np.eye(shape[first], dtype=bool)
    return mask.reshape([n if k in (first, second) else 1 for k, n in enumerate(shape)])


def _symbol(node: Node) -> str:
    subscripts = node.settings["subscripts"]
    return subscripts if len(subscripts) <= 30 else "einsum"


_einsum = define_op(
    "einsum",
    _forward_einsum,
    each=_einsum_rule,
    symbol=_symbol,
    arrays_only=True,
    reach=PRODUCT,
)


def einsum(subscripts: str, *operands: N | ArrayLike) -> N:
    """Return the products of the operands' elements, summed over the indices not in the result.

    Each operand has a letter per axis; "..." stands for any axes, which
    broadcast. A letter that an operand has twice takes its diagonal. Without
    "->", the result has "..." and then the letters that stand once, sorted.

    Derivative: of each operand, the einsum of the gradient and the other
    operands, with this operand's letters as the result.

    Args:
        subscripts: text such as "ij,jk->ik"; spaces do not count.
        operands: one array for each term between the commas.

    Raises:
        ArgumentError: if the subscripts are no such text or name other operands.
        OperandError: if the subscripts are lists of integers, as NumPy would take too.
        ShapeError: if an operand's axes do not fit its letters, or the lengths differ.

    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).tolist()
    [21.0, 43.0]
    >>> float(einsum("ii", [[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    if not isinstance(subscripts, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OperandError(
            f"einsum: the subscripts have to be text, such as 'ij,jk->ik', but came a "
            f"{type(subscripts).__name__}. The form with lists of integers is not supported."
        )
    arrays = [array_of("einsum", operand) for operand in operands]
    return _einsum(*arrays, subscripts=_written_out(subscripts, [a.shape for a in arrays]))


_TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")


def _written_out(subscripts: str, shapes: Sequence[Shape]) -> str:
    """Return the subscripts without spaces, with letters for "..." and with an output."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    for term in (*terms, output):
        if not _TERM.fullmatch(term):
            raise ArgumentError(
                f"einsum: {term!r} in the subscripts {subscripts!r} is no list of indices. "
                "Write letters and at most one '...' for each operand, commas between the "
                "operands, and '->' before the indices of the result, as in 'ij,jk->ik'."
            )
    if len(terms) != len(shapes):
        raise ArgumentError(
            f"einsum: the subscripts {subscripts!r} name {len(terms)} operands, but came "
            f"{len(shapes)}. Put a comma between the indices of two operands."
        )
    hidden = [_hidden(term, shape, subscripts) for term, shape in zip(terms, shapes, strict=True)]
    dots = _unused(max(hidden), subscripts)
    if not arrow:
        letters = inputs.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in letters if letters.count(c) == 1))
    _check_output(output, inputs, dots, subscripts)
    written = ",".join(
        term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, hidden, strict=True)
    )
    return f"{written}->{output.replace('...', dots)}"


def _hidden(term: str, shape: Shape, subscripts: str) -> int:
    """Return how many axes of an operand its "..." stands for."""
    named = len(term.replace("...", ""))
    if named > len(shape) or (named < len(shape) and "..." not in term):
        raise ShapeError(
            f"einsum: {term!r} in the subscripts {subscripts!r} names {named} axes, but its "
            f"operand has shape {shape}. Give each axis a letter, or write '...' for the others."
        )
    return len(shape) - named


def _unused(number: int, subscripts: str) -> str:
    letters = [letter for letter in ascii_letters if letter not in subscripts]
    if number > len(letters):
        raise ArgumentError(
            f"einsum: '...' in {subscripts!r} stands for {number} axes, more than there are "
            "letters left. Reshape the operands to fewer axes."
        )
    return "".join(letters[:number])


def _check_output(output: str, inputs: str, dots: str, subscripts: str) -> None:
    if dots and "..." not in output:
        raise ArgumentError(
            f"einsum: '...' in the subscripts {subscripts!r} stands for {len(dots)} axes, but the "
            "result has no '...'. Write it after '->', or sum the result of that."
        )
    for letter in output.replace("...", ""):
        if letter not in inputs:
            raise ArgumentError(
                f"einsum: no operand has the index {letter!r} of the result of {subscripts!r}."
            )
        if output.count(letter) > 1:
            raise ArgumentError(
                f"einsum: the result of {subscripts!r} has the index {letter!r} twice. It can "
                "stand there once only."
            )
