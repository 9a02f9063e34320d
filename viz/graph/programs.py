"""A compiled program as plain data: what it reads, its instructions, and what comes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import micrograd as mg
from micrograd.errors import ArgumentError
from viz.folding.equivalence import Graph
from viz.folding.fold import Folded
from viz.folding.group import OUTSIDE, family
from viz.folding.limit import fold_to_limit
from viz.graph.instructions import arriving, instruction_symbol, is_a, text_of
from viz.graph.item import Item
from viz.graph.item_builder import shorten
from viz.graph.snapshot import Snapshot
from viz.text.lines import Lines
from viz.text.numbers import Writer, plain

LARGEST = 20_000
"""How many instructions a program may have that is looked through for what repeats."""
_ADVICE = (
    "Draw the program of a part of it, such as of one point or one layer; or print(program), which "
    "has a line for each call of NumPy's"
)
_NO_NUMBERS = "a program has shapes and dtypes, and no numbers"
_NO_NODES = "a program has instructions, and no nodes"
_USUAL: dict[str, tuple[Any, str]] = {
    "more_roots": ((), "a program is drawn alone"),
    "nodes": ({}, "draw() has no option of that name, and a program has no nodes to call so"),
    "names": (None, "its inputs are called as parameters are, and by the labels of nodes"),
    "style": (None, _NO_NUMBERS),
    "tensors": ("auto", _NO_NUMBERS),
    "color": (None, _NO_NUMBERS),
    "highlight": ((), _NO_NODES),
    "around": ((), _NO_NODES),
    "depth": (2, _NO_NODES),
    "expand": (False, "its instructions are the calls that it makes"),
    "collapse": (False, "its instructions are in no scopes"),
}
"""By option for graphs, what it is unless one is given, and why a program has none."""
_EMPTY = Item("", "", "", "", (), (), (), False, is_backward=False)


def program_snapshot(
    program: mg.CompiledProgram,
    *,
    number_format: str = ".4g",
    fold: bool | None = None,
    limit: int = 300,
) -> Snapshot:
    """Return a program as plain data, as a graph is: shapes above lines, dtypes below them.

    Args:
        program: what to show.
        number_format: how to write constants, as in `format()`.
        fold: whether to show as one what repeats; None for where `limit` asks for it.
        limit: how many items to allow.

    Raises:
        ArgumentError: if there are more items than `limit`, or an argument cannot be used.

    >>> program = mg.compile(lambda x, w: mg.tanh(2 * x * w)).program(1.5, np.ones(3))
    >>> for item in program_snapshot(program).items:
    ...     print(item.symbol or item.name, item.value, item.gradient, item.inputs)
    argument x ('float',) () ()
    argument w ('(3,)',) ('float64',) ()
    2 × ('float',) () (0,)
    × ('(3,)',) ('float64',) (2, 1)
    tanh ('(3,)',) ('float64',) (3,)
    """
    if len(program.backward) > max(LARGEST, limit):
        raise ArgumentError(
            f"draw: {program.name} has {len(program.backward):,} instructions, too many to look "
            f"for what repeats among them: there may be {LARGEST:,}. {_ADVICE}."
        )
    items = _Items(program, Writer(number_format)).items
    alike = _Items(program, _Blank()).items
    folded = fold_to_limit(_outline(alike), fold, limit=limit, advice=_ADVICE)
    return Snapshot(
        tuple(_folded(folded, items, alike)),
        title=f"Program of {program.name}",
        caption=_caption(program),
    )


def require_usual(**options: Any) -> None:
    """Raise an ArgumentError if an option is given that is for graphs only.

    Args:
        options: of `draw`, by name, as they are without being given.

    >>> require_usual(color=None, depth=2)
    """
    for option, given in options.items():
        usual, why = _USUAL[option]
        if type(given) is not type(usual) or given != usual:
            called = ", ".join(given) if option == "nodes" else option
            raise ArgumentError(
                f"draw: {called} came for a program, which is drawn without it: {why}. Options for "
                "programs are style='shapes', rankdir, number_format, fold and limit."
            )


class _Blank(Writer):
    """Writes all numbers alike: instructions that differ in their constants are alike."""

    def number(self, number: Any) -> str:
        return "…"


def _outline(items: list[Item]) -> Graph:
    """Return a program as numbers: what its instructions have in common."""
    return Graph(
        [(item.symbol, item.number, item.value, item.gradient, item.is_backward) for item in items],
        [item.inputs for item in items],
        [],
        [OUTSIDE] * len(items),
        [_family(item.name) for item in items],
        frozenset(i for i, item in enumerate(items) if item.is_output),
    )


def _family(name: str) -> str:
    """Return a name without the number that it, or what it is of, ends in.

    >>> _family("w12.grad"), _family("result[0]")
    ('w.grad', 'result')
    """
    of, dot, what = name.rpartition(".")
    return f"{family(of)}.{what}" if dot and what in ("data", "grad") else family(name)


def _folded(folded: Folded, items: list[Item], alike: list[Item]) -> Iterator[Item]:
    """Yield the items of a program of which some have been joined; those look alike but for this.

    Args:
        folded: which have been joined.
        items: all of them.
        alike: the same without what they differ in.
    """
    for members, inputs in zip(folded.members, folded.inputs, strict=True):
        first, other = items[members[0]], alike[members[0]]

        def shared(field: str, otherwise: str, members: list[int] = members) -> str:
            found = {getattr(items[i], field) for i in members}
            return found.pop() if len(found) == 1 else otherwise

        yield replace(
            first,
            name=shared("name", _family(first.name)),
            symbol=shared("symbol", other.symbol),
            number=shared("number", other.number),
            inputs=inputs,
            count=len(members),
        )


def _caption(program: mg.CompiledProgram) -> str:
    """Return what the colours mean, and what happens besides."""
    said = ["red: the backward pass"] if any(program.backward) else []
    if program.afterwards:
        said.append(f"called after the program: {', '.join(program.afterwards)}")
    return "; ".join(said)


class _Items:
    """The items of a program: one for each input, larger constant and instruction."""

    def __init__(self, program: mg.CompiledProgram, writer: Writer) -> None:
        self.writer = writer
        self.items: list[Item] = []
        self._at: dict[Any, int] = {}  # by slot, or by the id of an array
        names, constants = _outputs(program)
        for number, source in enumerate(program.inputs):
            self._at[mg.Slot(number)] = self._add(source.form, name=_input_name(source))
        calls = zip(program.instructions, program.backward, strict=True)
        for number, (instruction, is_backward) in enumerate(calls, len(program.inputs)):
            name = ", ".join(names.pop(mg.Slot(number), ()))
            self._at[mg.Slot(number)] = self._add(
                instruction.result,
                symbol=shorten(instruction_symbol(instruction, writer)),
                name=name,
                inputs=self._places(arriving((instruction.arguments, instruction.settings))),
                is_output=bool(name),
                is_backward=is_backward,
            )
        for slot, called in names.items():  # an input that comes out as it is
            self._end(self._at[slot], ", ".join(called))
        for constant, name in constants:
            self._end(self._constant(constant), name)

    def _add(self, form: Any, **fields: Any) -> int:
        above, below = _lines(form)
        item = replace(_EMPTY, key=str(len(self.items)), value=above, gradient=below, **fields)
        self.items.append(item)
        return len(self.items) - 1

    def _end(self, source: int, name: str) -> None:
        """Add what comes out although no instruction gave it."""
        self.items.append(
            replace(
                self.items[source],
                **{"key": str(len(self.items)), "symbol": "=", "number": "", "name": name},
                **{"inputs": (source,), "is_output": True},
            )
        )

    def _places(self, things: Iterable[Any]) -> tuple[int, ...]:
        """Return where slots and larger arrays stand."""
        found: list[int] = []
        for thing in things:
            key = thing if isinstance(thing, mg.Slot) else id(thing)
            if key not in self._at:
                self._at[key] = self._constant(thing)
            found.append(self._at[key])
        return tuple(found)

    def _constant(self, thing: Any) -> int:
        if not is_a(thing, np.ndarray):
            form = thing if is_a(thing, int, float, np.generic) else None
            return self._add(form, number=shorten(text_of(thing, self.writer)))
        first = plain(thing.flat[0]) if thing.size else 0
        is_uniform = thing.size and bool((thing == first).all())
        return self._add(thing, number=self.writer.number(first) if is_uniform else "constant")


def _input_name(source: Any) -> str:
    """Return what to call an input: 'argument x', 'array x', 'w.data' or 'w.grad'."""
    of_node = source.what in ("data", "grad")
    return shorten(f"{source.name}.{source.what}" if of_node else f"{source.what} {source.name}")


def _lines(form: Any) -> tuple[Lines, Lines]:
    """Return what stands above the line of a value, and below it: shape and dtype, if any."""
    if form is None:
        return (), ()
    if is_a(form, tuple):
        return (f"{len(form):,} arrays",), ()
    dtype: Any = getattr(form, "dtype", form.__class__)
    if is_a(dtype, type):
        return (dtype.__name__,), ()
    return (str(form.shape),), (str(dtype),)


def _outputs(program: mg.CompiledProgram) -> tuple[dict[mg.Slot, list[str]], list[tuple[Any, str]]]:
    """Return what comes out: names by slot, and constants with theirs."""
    names: dict[mg.Slot, list[str]] = defaultdict(list)
    constants: list[tuple[Any, str]] = []
    for thing, name in (*_leaves(program.results, "result"), *_writes(program)):
        if isinstance(thing, mg.Slot):
            names[thing].append(name)
        else:
            constants.append((thing, name))
    return names, constants


def _writes(program: mg.CompiledProgram) -> Iterator[tuple[Any, str]]:
    for name, thing in program.writes.items():
        yield thing, name
    for slot, truth in program.checks.items():
        yield slot, f"has to be {truth}"


def _leaves(results: Any, name: str) -> Iterator[tuple[Any, str]]:
    """Yield what a function returns, out of its containers, with names."""
    if is_a(results, dict):
        for key, thing in results.items():
            yield from _leaves(thing, f"{name}.{key}".removeprefix("result."))
    elif is_a(results, list, tuple):
        for i, thing in enumerate(results):
            yield from _leaves(thing, f"{name}[{i}]")
    else:
        yield results, name
