"""The notebooks, executed and normalized: `python -m tests.notebooks --write [names]`.

With `--check` in its place, it tells which of them are stale; what is not text or a
drawn graph, such as a plot in PNG, is not compared. `--normalize` executes nothing: it
takes away what changes from run to run, and tells of which. A name is a file's, or its
beginning, such as `03`; none stands for all.

They run in a fresh kernel in `notebooks/`, where the project can be imported,
without the `dot` program and without downloads (MICROGRAD_DATA names an empty
folder), so that what they show is the same everywhere.

An exercise is a code cell with a placeholder, then a code cell that prints a
sentence, beginning with 'Not yet' until the answer is right, and somewhere after it
a cell of Markdown with `<details>` and the solution in a ```python block. The tests
run that, too. Outputs of a cell with the tag 'varies' are not compared. The picture of
the cell with the tag 'index' is that of the notebook in the README, in docs/notebooks/.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest import mock

from tests.browser import surroundings

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PICTURES = ROOT / "docs" / "notebooks"
VARIES = "varies"
INDEX = "index"
NOT_YET = "Not yet"
_PATIENCE = 180  # seconds for a notebook on a busy machine
_TEXTS = ("text/plain", "text/latex", "text/markdown")
_SHOWN = (*_TEXTS, "text/html", "image/svg+xml", "image/png")

Notebook = dict[str, Any]
Cell = dict[str, Any]
Output = dict[str, Any]


def paths(names: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks whose names begin so, or all."""
    stems = [Path(name).name.removesuffix(".ipynb") for name in names] or [""]
    found = {stem: sorted(FOLDER.glob(f"{stem}*.ipynb")) for stem in stems}
    absent = [stem for stem, matches in found.items() if not matches]
    if absent:
        raise SystemExit(f"notebooks/ has none that begins with {', '.join(absent)}")
    return sorted({path for matches in found.values() for path in matches})


def read(path: Path) -> Notebook:
    """Read a notebook, in which each source and text is one string."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        _join(cell, "source")
        for output in cell.get("outputs", ()):
            _join(output, "text")
            for kind in output.get("data", ()):
                _join(output["data"], kind)
    return notebook


def _join(holder: dict[str, Any], key: str) -> None:
    """Make one string of what a file keeps as a list of lines."""
    if isinstance(holder.get(key), list):
        holder[key] = "".join(holder[key])


def write(path: Path, notebook: Notebook) -> None:
    """Write a notebook, after checking that it is one."""
    import nbformat

    node = nbformat.from_dict(notebook)
    nbformat.validate(node)
    path.write_text(nbformat.writes(node), encoding="utf-8", newline="\n")


# -- executing


def execute(notebook: Notebook, *, dot: bool) -> Notebook:
    """Run a notebook in a fresh kernel, with the `dot` program or without, and normalize it."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the tools warn of is not the notebook's
        import nbformat
        from nbclient import NotebookClient

        folder = Path(name)
        (folder / "nothing").mkdir()
        node: Any = nbformat.from_dict(notebook)
        with mock.patch.dict(os.environ, _environment(folder, dot=dot), clear=True):
            NotebookClient(
                node,
                kernel_name="python3",
                extra_arguments=["--log-level=ERROR"],
                record_timing=False,
                timeout=_PATIENCE,
                resources={"metadata": {"path": str(FOLDER)}},
            ).execute()
        return normalized(json.loads(json.dumps(node)))


def _environment(folder: Path, *, dot: bool) -> dict[str, str]:
    """Return an environment that is the same everywhere, but for where Python is."""
    fonts = os.environ.get("MPLCONFIGDIR") or str(Path.home() / ".cache" / "matplotlib")
    own = {
        "MICROGRAD_DATA": str(folder / "nothing"),
        "MPLCONFIGDIR": fonts,  # matplotlib takes seconds to look for fonts anew
        "PYTHONPATH": str(ROOT),
    }
    threads = {f"{name}_NUM_THREADS": "1" for name in ("MKL", "OMP", "OPENBLAS")}
    path = {} if dot else {"PATH": str(folder / "nothing")}
    environment = surroundings(folder) | own | threads | path
    environment.pop("MPLBACKEND", None)
    return environment


# -- normalizing


def normalized(notebook: Notebook) -> Notebook:
    """Return a notebook without what changes from run to run, or tells of the machine."""
    cells = [_normalized_cell(cell) for cell in notebook["cells"]]
    counts = iter(range(1, len(cells) + 1))
    for cell in cells:
        if cell["cell_type"] == "code" and cell["source"]:
            cell["execution_count"] = next(counts)
            for output in cell["outputs"]:
                if "execution_count" in output:
                    output["execution_count"] = cell["execution_count"]
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _normalized_cell(cell: Cell) -> Cell:
    tags = cell["metadata"].get("tags")
    kept = {"cell_type": cell["cell_type"], "id": cell["id"]}
    kept |= {"metadata": {"tags": tags} if tags else {}, "source": _trimmed(cell["source"])}
    if cell["cell_type"] == "code":
        kept |= {"execution_count": None, "outputs": list(_normalized_outputs(cell["outputs"]))}
    return kept


def _normalized_outputs(outputs: list[Output]) -> Iterator[Output]:
    """Yield outputs cleaned; streams, which come in pieces by chance, are put together."""
    for name, group in groupby(outputs, key=lambda output: output.get("name")):
        if name is None:
            yield from map(_normalized_output, group)
        else:
            text = _trimmed("".join(output["text"] for output in group))
            yield {"name": name, "output_type": "stream", "text": text}


def _normalized_output(output: Output) -> Output:
    if "data" not in output:
        return output
    data = {
        kind: _trimmed(content) if kind in _TEXTS else content
        for kind, content in sorted(output["data"].items())
        if kind in _SHOWN
    }
    return output | {"data": data, "metadata": {}}


def _trimmed(text: str) -> str:
    """Return text without blanks at the ends of its lines."""
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def normalize(path: Path) -> bool:
    """Normalize a notebook in place, and tell whether it was not."""
    notebook = read(path)
    if notebook == normalized(notebook):
        return False
    write(path, normalized(notebook))
    print(f"{path.name} is normalized now")
    return True


# -- the picture in the README


def picture(notebook: Notebook) -> tuple[str, bytes]:
    """Return how the file of a notebook's picture ends, and what is in it."""
    for cell in notebook["cells"]:
        if INDEX in cell["metadata"].get("tags", []):
            for data in [output.get("data", {}) for output in cell["outputs"]]:
                if "image/png" in data:
                    return "png", base64.b64decode(data["image/png"])
                if "image/svg+xml" in data:
                    return "svg", data["image/svg+xml"].encode()
    raise ValueError("no cell with the tag 'index' has a picture")


# -- comparing


def texts(cell: Cell) -> list[str]:
    """Return what a cell shows as text."""
    shown = list[str]()
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            shown.append(output["text"])
        shown += [output["data"][kind] for kind in _TEXTS if kind in output.get("data", {})]
    return shown


def _same_but_for_plots(committed: Notebook, executed: Notebook) -> bool:
    return _without_plots(committed) == _without_plots(executed)


def _without_plots(notebook: Notebook) -> Notebook:
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        if VARIES in cell["metadata"].get("tags", []):
            cell["outputs"] = []
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return notebook


def main() -> int:
    """Write notebooks anew, or tell which are stale or were not normalized."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="execute and normalize them")
    action.add_argument("--check", action="store_true", help="tell which are stale")
    action.add_argument("--normalize", action="store_true", help="only normalize them")
    parser.add_argument("names", nargs="*", help="such as 03; all if none is given")
    arguments = parser.parse_args()
    if arguments.normalize:
        return 1 if sum([normalize(path) for path in paths(arguments.names)]) else 0
    stale = 0
    for path in paths(arguments.names):
        committed = read(path)
        executed = execute(committed, dot=False)
        if arguments.write:
            write(path, executed)
            ending, content = picture(executed)
            PICTURES.mkdir(exist_ok=True)
            (PICTURES / f"{path.stem}.{ending}").write_bytes(content)
            print(f"{path.name}: {path.stat().st_size // 1024} kB")
        elif not _same_but_for_plots(committed, executed):
            stale += 1
            print(f"{path.name} is stale")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
