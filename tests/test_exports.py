"""What is exported: each name once, documented, and no other."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import micrograd as mg
import viz
from micrograd import linalg, nn, ops
from tests.names_page import DATA, MODULES, PAGE, page, public
from tests.operations_page import PAGE as OPERATIONS_PAGE

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]


def first_column(text: str) -> set[str]:
    return set(re.findall(r"^\| `([\w.]+)` \|", text, flags=re.MULTILINE))


def operations() -> set[str]:
    """Return the operations on their page, those of linalg with a dot."""
    text = OPERATIONS_PAGE.read_text(encoding="utf-8")
    return first_column(text.partition("## Singular points")[0])


def section(name: str) -> set[str]:
    """Return the names in a section of the page of names."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {name}\n")[2]
    return first_column(text.partition("\n## ")[0])


def test_the_page_of_names_is_what_the_modules_export() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_what_stands_at_the_top_is_what_the_pages_name() -> None:
    named = {name for name in operations() if "." not in name} | section("micrograd")

    assert set(mg.__all__) == named | {"abs"}
    assert len(mg.__all__) == 203
    assert mg.abs is mg.absolute


def test_linalg_exports_what_the_page_and_numpy_have_there() -> None:
    own = {name.partition(".")[2] for name in operations() if name.startswith("linalg.")}
    both = {"cross", "matmul", "matrix_transpose", "outer", "tensordot"}

    assert set(linalg.__all__) == own | both | {"diagonal", "trace"}


@pytest.mark.parametrize("module", [mg, linalg, nn, ops], ids=lambda module: module.__name__)
def test_no_name_is_exported_twice(module: Any) -> None:
    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


def test_dir_and_a_star_give_what_is_exported() -> None:
    assert dir(mg) == sorted(mg.__all__)
    code = (
        "import builtins; before = {*globals()}\n"
        "from micrograd import *\n"
        "import micrograd\n"
        "given = {*globals()} - before - {'before', 'micrograd'}\n"
        "assert builtins.set(micrograd.__all__) == given, given ^ {*micrograd.__all__}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def things() -> Iterator[tuple[str, Any]]:
    """Yield everything public under its full name."""
    for name in [*MODULES, "micrograd.linalg"]:
        module = import_module(name)
        for public_name in public(module):
            if public_name not in DATA:
                yield f"{name}.{public_name}", getattr(module, public_name)


def test_everything_public_says_in_a_line_what_it_is() -> None:
    for name, thing in things():
        first = (inspect.getdoc(thing) or "").partition("\n")[0]
        assert first.endswith((".", ")).", "?")), name
        assert thing.__doc__ != type(thing).__doc__, name


def test_every_public_function_shows_an_example() -> None:
    for name, thing in things():
        if inspect.isfunction(thing) or isinstance(thing, mg.Op):
            assert ">>> " in (thing.__doc__ or ""), name


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_what_the_texts_name_is_exported(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    homes = {"mg": mg, "micrograd": mg, "nn": nn, "viz": viz}
    modules = {name.split(".")[1] for name in MODULES if "." in name} | {"errors", *mg._MOVED}

    text = text.partition("**MyGrad.**")[0]  # whose users call it mg
    for home, name in re.findall(r"(?<![\w./-])(mg|micrograd|nn|viz)\.([A-Za-z]\w*)\b(?!/)", text):
        exported = (home != "viz" and name in modules) or name in homes[home].__all__
        assert exported, f"{home}.{name}"
    for name, given in re.findall(r"from ((?:micrograd|viz)[\w.]*) import ([\w, ]+)", text):
        module = import_module(name)
        known = {*public(module), *modules} if name == "micrograd" else {*public(module)}
        assert {part.split()[0] for part in given.split(",") if part.strip()} <= known, name
