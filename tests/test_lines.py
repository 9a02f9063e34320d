"""The counter of lines of code, on texts counted by hand; and the sizes that are promised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lines import ROOT, crowding, lines_of_code

COUNTED = {
    "nothing": ("", 0),
    "blank lines": ("\n   \n\n", 0),
    "comments": ("# one\n    # another\n", 0),
    "a comment behind code": ("x = 1  # one\n", 1),
    "a docstring": ('"""One\n\ntwo."""\nx = 1\n', 1),
    "docstrings of a class and a method": (
        'class A:\n    """One\n    two."""\n\n    def f(x):\n        "Three."\n        return x\n',
        3,
    ),
    "a text about a variable": ('x = 1\n"""What x is,\nat length."""\n', 1),
    "a text that is a value": ('x = """one\ntwo\n\nfour"""\n', 4),
    "a call over several lines, with a comment and a blank one": (
        "f(\n    1,\n    # why\n\n    2,\n)\n",
        4,
    ),
    "lines joined by a backslash": ("x = 1 + \\\n    2\n", 2),
    "a decorator": ("@f\ndef g():\n    pass\n", 3),
    "a number sign in a text": ("x = '# none'\n", 1),
    "no end of line": ("x = 1", 1),
}


@pytest.mark.parametrize("case", COUNTED)
def test_lines_are_counted_as_by_hand(case: str) -> None:
    source, expected = COUNTED[case]
    assert lines_of_code(source) == expected


CROWDED: dict[str, tuple[str, list[str]]] = {
    "two statements": ("x = 1; y = 2\n", ["line 1: two statements"]),
    "three statements": ("x = 1; y = 2; z = 3\n", ["line 1: two statements"]),
    "a body behind its head": ("if x: y = 1\n", ["line 1: two statements"]),
    "a body behind the end of its head": ("if f(\n    x\n): y = 1\n", ["line 3: two statements"]),
    "an else with its body": ("if x:\n    y\nelse: z\n", ["line 3: two statements"]),
    "a function in a line": ("def f(x): return x\n", ["line 1: two statements"]),
    "a statement behind the end of another": (
        "x = [\n    1,\n]; y = 2\n",
        ["line 3: two statements"],
    ),
    "letters of two bytes": ("é = 'é'; y = 2\n", ["line 1: two statements"]),
    "a long line": (f"x = {'1' * 97}\n", ["line 1: 101 columns"]),
    "a long comment": ("x = 1\n" + "#" * 101 + "\n", ["line 2: 101 columns"]),
    "both": (f"x = {'1' * 97}; y = 2\n", ["line 1: 108 columns", "line 1: two statements"]),
    "100 columns": (f"x = {'1' * 96}\n", []),
    "100 letters of two bytes": (f"x = '{'é' * 94}'\n", []),
    "a declaration": ("def f(self) -> int: ...\n", []),
    "a decorated method": ("class A:\n    @f\n    def g(self):\n        pass\n", []),
    "elif, async and match": (
        "async def f(x):\n    if x:\n        pass\n    elif y:\n        pass\n"
        "    match x:\n        case 1:\n            pass\n",
        [],
    ),
    "a lambda and a condition": ("f = lambda x: 1 if x else 2\n", []),
}


@pytest.mark.parametrize("case", CROWDED)
def test_lines_that_hold_too_much_are_found(case: str) -> None:
    source, expected = CROWDED[case]
    assert crowding(source) == expected


def test_the_command_prints_each_file_and_the_sum(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2; z = 3\n")
    (tmp_path / "b.py").write_text('"""None."""\n\nx = 1\n')
    command = [sys.executable, "-m", "tests.lines", f"{tmp_path}/a.py", f"{tmp_path}/b.py"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split() for line in printed.splitlines()] == [
        ["2", f"{tmp_path}/a.py"],
        ["line", "2:", "two", "statements"],
        ["1", f"{tmp_path}/b.py"],
        ["3", "together"],
    ]


MOST_LINES: dict[tuple[str, ...], int] = {("micrograd/plain.py",): 100}
"""How many lines of code some files have together, at most."""


@pytest.mark.parametrize("files", MOST_LINES, ids=", ".join)
def test_files_are_as_short_as_promised(files: tuple[str, ...]) -> None:
    sources = [(ROOT / file).read_text() for file in files]
    assert sum(map(lines_of_code, sources)) <= MOST_LINES[files]
    assert [message for source in sources for message in crowding(source)] == []
