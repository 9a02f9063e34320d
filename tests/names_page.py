"""Writes docs/names.md: every public name beside the operations, with its docstring's first line.

python -m tests.names_page          says whether the page is up to date
python -m tests.names_page --write  writes it
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import ModuleType
from typing import Any

from micrograd import errors, ops
from tests.page import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "names.md"
OPERATIONS = {*ops.__all__, "abs"}

MODULES = [
    "micrograd",
    "micrograd.data",
    "micrograd.datasets",
    "micrograd.engine",
    "micrograd.layers",
    "micrograd.nn",
    "micrograd.nn.init",
    "micrograd.nn.losses",
    "micrograd.nn.optim",
    "micrograd.nn.schedules",
    "micrograd.ops.reach",
    "micrograd.plain",
    "micrograd.saving",
    "micrograd.testing",
    "micrograd.training",
    "viz",
]

DATA = {
    "DOMAINS": "The domains by name.",
    "MOVED": "Elements that the operation moved, repeated, negated or added up.",
    "PRODUCT": "Elements that were multiplied, a factor from each argument, and added up.",
    "ROWS": "The row along the setting `axis`.",
    "RULES": "An operation's name: its function, and its derivatives, one a line.",
    "SAME": "The same element of the arguments, which broadcast.",
    "WHOLE": "All elements of all arguments.",
    "Initializer": "The type of the functions here: from a shape to an array.",
    "__version__": "The version of this library.",
}

INTRODUCTION = """# Names

This page is written from what the modules export, and a test holds it to that: what does not stand
here, or in [the table of operations](operations.md), may change from version to version. Each has a
docstring, with an example that runs with the tests: `help(micrograd.grad)`.

"""


def public(module: ModuleType) -> list[str]:
    """Return what a module exports; of one without a list, what it defines."""
    names: list[str] | None = getattr(module, "__all__", None)
    if names is not None:
        return sorted(names)
    defined = vars(module).items()
    here = [k for k, v in defined if getattr(v, "__module__", None) == module.__name__]
    return sorted(name for name in here if not name.startswith("_"))


def summary(name: str, thing: Any) -> str:
    """Return the first line of a docstring; of plain data, what is written of it here."""
    if name in DATA:
        return DATA[name]
    return (getdoc(thing) or "").partition("\n")[0].replace("|", "\\|")


def lines_of(module: ModuleType) -> Iterator[str]:
    """Yield a line for each name of a module that is no operation, the errors last."""
    names = [name for name in public(module) if name not in OPERATIONS]
    for name in sorted(names, key=lambda name: (name in errors.__all__, name)):
        yield f"| `{name}` | {summary(name, getattr(module, name))} |"


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for name in MODULES:
        lines = "\n".join(lines_of(import_module(name)))
        parts.append(f"## {name}\n\n| name | |\n|---|---|\n{lines}\n\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main(PAGE, page(), __doc__ or ""))
