"""Programs as text: a function to be read, or to stand in a module that needs only NumPy."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd.compiler.lowering.lower import Code
from micrograd.compiler.lowering.names import Names, row
from micrograd.compiler.lowering.scalars.vector_text import MOST, VectorWriter, may_be_wide
from micrograd.compiler.lowering.scalars.written import NumbersText, Writer
from micrograd.compiler.recording.programs import is_a

_WIDTH = 96
SHORT = 20_000
"""Up to how many values a module has a line for each, if integers may become floats."""
_MODULES = ("np", "math", "operator", "functools", "base64", "zlib")


@dataclass
class Body:
    """A program as lines.

    Attributes:
        parameters: the names of its inputs, by slot.
        outputs: how each output is written after the lines.
        lines: those of the function.
        before: what stands before the function.
        needs: what is called by name, and not defined before.
        silent: whether NumPy may warn where IEEE-754 has an answer.
        taken: the names that there are.
    """

    parameters: dict[int, str]
    outputs: list[str]
    lines: list[str]
    before: list[str] = field(default_factory=list[str])
    needs: dict[str, Any] = field(default_factory=dict[str, Any])
    silent: bool = False
    taken: Names = field(default_factory=Names)


def body_of(code: Code, name: str, as_module: bool = False) -> Body:
    """Return a program as lines.

    Args:
        code: what runs.
        name: that of the function.
        as_module: whether constants are written exactly, however large, and with what NumPy and
            Python do not have.

    Raises:
        CompileError: if a module cannot have what is called.
    """
    names, notes = code.names, code.notes
    if not code.parts:
        return Body({}, [], [])
    if code.arrays is None:
        taken = Names()
        taken.taken.add(name)
        written = _numbers(code, names, notes, taken, as_module)
        parameters = dict(zip(code.to_numbers, written.parameters, strict=True))
        at = dict(zip(code.from_numbers, written.outputs, strict=True))
        outputs = [at[slot] for slot in code.outputs]
        silent = code.numbers.how == "levels" or bool(written.needs)
        return Body(parameters, outputs, written.lines, written.head, written.needs, silent, taken)
    before, lines, words = _arrays(code, name, as_module)
    taken = Names()
    taken.taken.update(_names_in([*before, *lines]), {name})
    inputs = dict(zip(code.to_arrays, code.arrays.parameters, strict=True))
    at = dict(zip(code.from_arrays, words, strict=True))
    body = Body(inputs, [], lines, before, silent=True, taken=taken)
    if code.numbers is not None:
        _put_before(body, code, at, as_module)
    body.outputs = [at[slot] for slot in code.outputs]
    return body


def text_of(code: Code, name: str) -> str:
    """Return a program to be read.

    Args:
        code: what runs.
        name: that of the function.
    """
    name = identifier(name)
    body = body_of(code, name)
    head = head_of(name, [body.parameters[slot] for slot in code.inputs], False)
    lines = [f"    {line}" if line else "" for line in body.lines]
    before = [*body.before, *([""] * 2 if body.before and not _is_comment(body.before[-1]) else [])]
    returned = ", ".join(few(body.outputs)) or "None"
    return "\n".join([*before, *head, *lines, *folded(f"    return {returned}")])


def identifier(name: str) -> str:
    """Return what to call a function in text.

    >>> identifier("_step"), identifier("<lambda>"), identifier("max")
    ('_step', 'lambda_', 'max_')
    """
    taken = hasattr(builtins, name) or keyword.iskeyword(name) or name in _MODULES
    return Names().new(name) if taken or not name.isidentifier() else name


def folded(line: str) -> list[str]:
    """Return a line with brackets as several, if it is long.

    >>> folded("return a, b")
    ['return a, b']
    """
    if len(line) <= _WIDTH:
        return [line]
    start = len(line) - len(line.lstrip())
    head, bracket, rest = line.partition("(")
    if line.lstrip().startswith("return ") or not bracket:
        keyword, _, rest = line.strip().partition(" ")
        head, end, words = f"{' ' * start}{keyword} (", ")", rest
    else:
        at = rest.rindex(")")
        head, words, end = f"{head}(", rest[:at], rest[at:]
    lines, current = [head], " " * start + "   "
    parts = _split(words)
    if len(parts) == 1:
        return [head, f"{current} {parts[0]}", " " * start + end]  # a comma would make a tuple
    for word in parts:
        if len(current) + len(word) + 2 > _WIDTH:
            lines.append(current)
            current = " " * start + "   "
        current += f" {word},"
    return [*lines, current, " " * start + end]


def _split(words: str) -> list[str]:
    """Return what stands between commas outside of brackets."""
    found, depth, start = list[str](), 0, 0
    quote = ""
    for i, sign in enumerate(words):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and not depth:
            found.append(words[start:i].strip())
            start = i + 1
    return [word for word in [*found, words[start:].strip()] if word]


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _numbers(
    code: Code, names: Mapping[int, str], notes: Mapping[int, str], taken: Names, whole: bool
) -> NumbersText:
    """Return the part of numbers."""
    tape, outputs = code.number_tape
    at = code.number_slots
    names = {at[slot]: name for slot, name in names.items() if slot in at}
    notes = {at[slot]: note for slot, note in notes.items() if slot in at}
    if code.numbers.how == "levels" and not (
        whole and len(tape) < SHORT and may_be_wide(code.numbers._program)
    ):
        return VectorWriter(code.numbers._program, tape.inputs, names, taken, whole).text
    return Writer(tape, outputs, names, notes, taken).text


def _arrays(code: Code, name: str, as_module: bool) -> tuple[list[str], list[str], list[str]]:
    """Return what stands before the function of arrays, its lines, and what it returns."""
    text = code.arrays.module_text({}) if as_module else code.arrays.text()
    tree = ast.parse(text)
    if name in {getattr(node, "name", "") for node in tree.body} | _assigned(tree):
        text = re.sub(r"(?<![\w.\"'])" + name + r"\b(?!=)", f"{name}_of_arrays", text)
        tree = ast.parse(text)
    lines = text.splitlines()
    function: Any = next(n for n in tree.body if getattr(n, "name", "") == "program")
    first = min([function.lineno, *[d.lineno for d in function.decorator_list]])
    imports = [node.end_lineno or 0 for node in tree.body if isinstance(node, _IMPORTS)]
    before = lines[max([0, *imports]) : first - 1]
    while before and not before[-1]:
        before.pop()
    while before and not before[0]:
        before.pop(0)
    returned = function.body[-1]
    body = lines[function.lineno : returned.lineno - 1]
    words = [ast.unparse(element) for element in returned.value.elts]
    return before, [line[4:] for line in body], words


def _assigned(tree: ast.Module) -> set[str]:
    """Return the names that a module defines by assignments."""
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    return {getattr(node.targets[0], "id", "") for node in assignments}


def _names_in(lines: Sequence[str]) -> set[str]:
    """Return the names that lines define or use."""
    nodes = list(ast.walk(ast.parse("\n".join(lines).replace("return None", "pass"))))
    return {getattr(node, "id", "") or getattr(node, "name", "") for node in nodes} - {"", None}


_IMPORTS = (ast.Import, ast.ImportFrom)


def _put_before(body: Body, code: Code, at: dict[int, str], as_module: bool) -> None:
    """Let the function of arrays begin with a call of one of numbers."""
    written = _numbers(code, code.names, code.notes, body.taken, as_module)
    name, row_name = body.taken.new("numbers"), body.taken.new("found")
    inputs = [code.names.get(slot, f"x{slot}") for slot in code.to_numbers]
    used = [slot for slot in code.from_numbers if slot in body.parameters]
    places = [code.from_numbers.index(slot) for slot in used]
    at.update({slot: f"{row_name}[{k}]" for k, slot in enumerate(code.from_numbers)})
    words = [body.parameters.pop(slot) for slot in used]
    body.parameters.update(zip(code.to_numbers, inputs, strict=True))
    body.needs.update(written.needs)
    body.before += [*([""] * 2 if body.before else []), *written.head]
    body.before += head_of(name, written.parameters, as_module)
    body.before += [f"    {line}" for line in written.lines]
    body.before += folded(f"    return {written.row or row(written.outputs, [])}")
    begin = folded(f"{row_name} = {name}({', '.join(few(inputs, as_module))})")
    if places and places == list(range(places[0], places[0] + len(places))):
        some = f"{row_name}[{places[0]}:{places[0] + len(places)}]"
        begin += folded(f"({', '.join(few(words, as_module))},) = {some}")
    else:
        begin += [f"{word} = {row_name}[{k}]" for word, k in zip(words, places, strict=True)]
    body.lines[:0] = begin


def head_of(name: str, parameters: Sequence[str], whole: bool) -> list[str]:
    """Return the lines that begin a function."""
    return folded(f"def {name}({', '.join(few(parameters, whole))}):")


def few(words: Sequence[str], whole: bool = False) -> list[str]:
    """Return words, the first and the last if they are many and not to be whole."""
    if whole or len(words) <= MOST:
        return list(words)
    return [*words[: MOST // 2], "…", words[-1]]


def returned(results: Any, words: Sequence[str]) -> str:
    """Return containers as Python writes them, with words in place of numbers.

    >>> returned({"loss": 0, "rest": [1, (2,)]}, ["a", "b", "c"])
    "{'loss': a, 'rest': [b, (c,)]}"
    """
    if results is None:
        return "None"
    if is_a(results, int):
        return words[int(results)]
    if results.__class__ in (list, tuple):
        return row([returned(part, words) for part in results], results)
    if results.__class__ is dict and all([isinstance(key, (str, int)) for key in results]):
        parts = [f"{key!r}: {returned(part, words)}" for key, part in results.items()]
        return f"{{{', '.join(parts)}}}"
    raise TypeError(type(results).__name__)
