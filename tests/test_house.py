"""The plan of the house: how much there is to read first, and what it leans on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.lines import ROOT, crowding, lines_of_code

CORE = ROOT / "micrograd" / "core"
FIRST = ["modes", "node", "op", "record", "passes", "backward"]  # in the order of reading
BESIDE = ["versions", "numbers", "turns", "user_rules"]
ROOMS = {"micrograd", "micrograd.core"}
BELOW = {
    "micrograd.errors",
    *(f"micrograd.common.{name}" for name in ("captures", "symbolic", "tree")),
}


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def imported_of_ours(path: Path) -> set[str]:
    found: set[str] = set()
    for statement in ast.walk(ast.parse(source(path))):
        if isinstance(statement, ast.ImportFrom) and statement.module in ROOMS:
            found.update(f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            found.add(statement.module or "")
        elif isinstance(statement, ast.Import):
            found.update(alias.name for alias in statement.names)
    return {name for name in found if name.startswith("micrograd")}


def test_the_core_is_six_files_and_what_stands_beside_them() -> None:
    found = {path.stem for path in CORE.glob("*.py")} - {"__init__"}
    assert found == {*FIRST, *BESIDE}


def test_the_core_can_be_read_in_an_afternoon() -> None:
    assert sum(lines_of_code(source(CORE / f"{name}.py")) for name in FIRST) <= 500
    assert sum(lines_of_code(source(CORE / f"{name}.py")) for name in BESIDE) <= 300


@pytest.mark.parametrize("name", [*FIRST, *BESIDE])
def test_no_line_of_the_core_is_crowded(name: str) -> None:
    assert not crowding(source(CORE / f"{name}.py"))


@pytest.mark.parametrize("name", [*FIRST, *BESIDE])
def test_the_core_leans_on_itself_and_the_lowest_floor_only(name: str) -> None:
    allowed = BELOW | {f"micrograd.core.{other}" for other in (*FIRST, *BESIDE)}
    assert imported_of_ours(CORE / f"{name}.py") <= allowed


def test_twenty_things_stand_at_the_top() -> None:
    names = [path.name for path in (ROOT / "micrograd").iterdir()]
    assert len([name for name in names if name != "__pycache__"]) <= 20


def test_the_readme_says_how_much_there_is_to_read() -> None:
    first = sum(lines_of_code(source(CORE / f"{name}.py")) for name in FIRST)
    plain = lines_of_code(source(ROOT / "micrograd" / "plain.py"))
    readme = " ".join(source(ROOT / "README.md").split())
    assert f"{first} lines of code" in readme
    assert f"{plain} lines of code" in readme
