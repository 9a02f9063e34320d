"""Counts lines of code: what is left of a file without docstrings, comments and blank lines.

    python -m tests.lines micrograd/plain.py micrograd/core/*.py

So that a small number means short code and not crowded code, `crowding` tells which lines are
longer than 100 columns or have two statements.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_COLUMNS = 100
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def lines_of_code(source: str) -> int:
    """Return how many lines of a text in Python have code on them.

    A string that stands for itself, as a docstring does, is none; any other counts with all
    of its lines.
    """
    lines = set[int]()
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for statement in _statements(source):
        if _is_text(statement):
            lines.difference_update(_lines_of(statement))
    return len(lines)


def crowding(source: str) -> list[str]:
    """Return what makes lines hold more than they should: a message for each."""
    lines = source.splitlines()
    found = [
        (i, f"{len(line)} columns") for i, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS
    ]
    for statement in _statements(source):
        before = lines[statement.lineno - 1].encode()[: statement.col_offset]
        if before.strip() and not _is_ellipsis(statement):
            found.append((statement.lineno, "two statements"))
    return [f"line {i}: {what}" for i, what in sorted(set(found))]


def _statements(source: str) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt))


def _lines_of(statement: ast.stmt) -> range:
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)


def _is_text(statement: ast.stmt) -> bool:
    constant = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)


def _is_ellipsis(statement: ast.stmt) -> bool:
    """Tell whether a statement is the ... that stands for the body of a declaration."""
    constant = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(constant, ast.Constant) and constant.value is ...


def main(files: Sequence[str]) -> None:
    """Print the lines of code of some files, and of all of them together."""
    counts = list[int]()
    for name in files:
        source = Path(name).read_text()
        counts.append(lines_of_code(source))
        print(f"{counts[-1]:6}  {name}", *crowding(source), sep="\n        ")
    print(f"{sum(counts):6}  together")


if __name__ == "__main__":
    main(sys.argv[1:])
