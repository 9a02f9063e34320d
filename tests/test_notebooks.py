"""The notebooks are true: they run, with dot and without, and show what is committed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import jupyterlab, launched, needs
from tests.notebooks import (
    FOLDER,
    METADATA,
    NOT_YET,
    PICTURES,
    ROOT,
    VARIES,
    Cell,
    Notebook,
    execute,
    normalize,
    normalized,
    picture,
    read,
    texts,
)

PATHS = sorted(FOLDER.glob("*.ipynb"))
ABSENT = [
    name
    for name in ("ipykernel", "nbclient", "matplotlib", "sklearn", "hypothesis")
    if importlib.util.find_spec(name) is None
]
needs_kernel = pytest.mark.skipif(
    bool(ABSENT) and not os.environ.get("CI"),
    reason=f"needs {', '.join(ABSENT)}: pip install -e '.[notebooks]'",
)
needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"), reason="needs the dot program"
)
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
pytestmark = needs_kernel


def code_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def checks(notebook: Notebook) -> list[int]:
    """Return where the checks of exercises are, which say that nothing was answered so far."""
    return [
        index
        for index, cell in enumerate(notebook["cells"])
        if any(text.startswith(NOT_YET) for text in texts(cell))
    ]


def solutions(notebook: Notebook) -> dict[int, str]:
    """Return the code of the solution that follows each check, in `<details>`."""
    places = checks(notebook)
    found = dict[int, str]()
    for place, following in zip(places, [*places[1:], len(notebook["cells"])], strict=True):
        for cell in notebook["cells"][place:following]:
            details = re.search(r"<details>(.*?)</details>", cell["source"], re.DOTALL)
            if details and cell["cell_type"] == "markdown":
                blocks = re.findall(r"```python\n(.*?)```", details[1], re.DOTALL)
                found.setdefault(place, "\n".join(blocks))
    return found


def answered(notebook: Notebook) -> Notebook:
    """Return a notebook in which each check is followed by the solution, and the check again."""
    solved = solutions(notebook)
    cells = list[Cell]()
    for index, cell in enumerate(notebook["cells"]):
        cells.append(cell)
        if index in solved:
            blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
            cells.append(blank | {"id": f"solution-{index}", "source": solved[index]})
            cells.append(blank | {"id": f"again-{index}", "source": cell["source"]})
    return notebook | {"cells": cells}


def test_dot_is_there_in_ci() -> None:
    assert shutil.which("dot") or not os.environ.get("CI"), "CI must have the dot program"
    assert not ABSENT


@pytest.mark.slow
@each
@pytest.mark.parametrize("dot", [pytest.param(True, marks=needs_dot, id="dot"), False])
def test_it_runs_and_shows_the_committed_text_and_its_solutions_are_right(
    path: Path, dot: bool
) -> None:
    committed = read(path)
    executed = execute(answered(committed), dot=dot)
    cells = {cell["id"]: cell for cell in executed["cells"]}
    for cell in code_cells(committed):
        if VARIES not in cell["metadata"].get("tags", []):
            assert texts(cells[cell["id"]]) == texts(cell), cell["source"]
    for index in solutions(committed):
        verdict = texts(cells[f"again-{index}"])
        assert verdict, f"the check says nothing: {cells[f'again-{index}']['source']}"
        assert not verdict[0].startswith("Not "), verdict[0]


@each
def test_it_has_exercises_with_checks_and_solutions(path: Path) -> None:
    notebook = read(path)
    assert len(checks(notebook)) >= 2
    assert sorted(solutions(notebook)) == checks(notebook)
    assert all(solutions(notebook).values())


@each
def test_it_is_normalized_and_small(path: Path) -> None:
    notebook = read(path)
    assert notebook == normalized(notebook)
    assert notebook["metadata"] == METADATA
    identities = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identities)) == len(identities)
    assert path.stat().st_size < 1_000_000


@each
def test_it_ran_without_errors_or_warnings(path: Path) -> None:
    for cell in code_cells(read(path)):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", cell["source"]
            assert output.get("name") != "stderr", output["text"]


@each
def test_every_picture_shows_where_nothing_is_trusted(path: Path) -> None:
    pictures = 0
    for cell in code_cells(read(path)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            page = data.get("text/html", "")
            if "image/svg+xml" in data or "image/png" in data or page:
                pictures += 1
                assert "image/png" in data or '<img src="data:image/' in page, cell["source"]
                assert 'alt=""' not in page
    assert pictures > 1


@each
def test_it_tells_nothing_of_a_machine(path: Path) -> None:
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))
    text = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.search(r"/(home|root|tmp|usr|opt|var|work|Users)/|site-packages|[A-Z]:\\\\", text)
    assert not re.search(r"\b0x[0-9a-f]{6,}", text)
    assert str(ROOT) not in text


@each
def test_each_begins_with_a_title_and_what_it_needs_and_links_to_the_next(path: Path) -> None:
    first, *_, last = read(path)["cells"]
    assert first["source"].startswith("# ")
    assert "You need" in first["source"]
    following = PATHS[PATHS.index(path) + 1 :][:1]
    assert all(f"({other.name})" in last["source"] for other in following)


@each
def test_links_between_files_lead_somewhere(path: Path) -> None:
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", cell["source"]):
                if "://" not in target:
                    assert (FOLDER / target).exists(), target


@each
def test_its_picture_stands_in_the_readme(path: Path) -> None:
    ending, content = picture(read(path))
    file = PICTURES / f"{path.stem}.{ending}"
    assert file.read_bytes() == content
    assert file.relative_to(ROOT).as_posix() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_has_an_index_of_all() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\(notebooks/(\d\d_\w+\.ipynb)\)", readme)
    assert sorted(set(linked)) == [path.name for path in PATHS]


# -- live in JupyterLab


@pytest.fixture
def lab_page(tmp_path: Path) -> Iterator[Any]:
    """Open the first notebook in a JupyterLab of its own, and run all of its cells."""
    shutil.copy(PATHS[0], tmp_path)
    with jupyterlab(tmp_path) as address, launched() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(40_000)
        faults = list[str]()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{address}/doc/tree/{PATHS[0].name}")
        page.get_by_text("| Idle").wait_for()
        yield page
        assert not faults


@pytest.mark.slow
@needs("playwright", "ipykernel", "jupyterlab")
def test_the_first_runs_in_jupyterlab_and_its_stepper_responds(lab_page: Any) -> None:
    from playwright.sync_api import expect

    lab_page.get_by_role("menuitem", name="Run", exact=True).click()
    lab_page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    iframe = lab_page.locator("iframe[srcdoc]").first
    iframe.wait_for()
    iframe.scroll_into_view_if_needed()
    frame = iframe.element_handle().content_frame()
    expect(frame.locator("#count")).to_have_text(re.compile(r"1 / \d+"))
    said = frame.locator("#step").inner_text()
    frame.get_by_role("button", name="Next step").click()
    expect(frame.locator("#count")).to_have_text(re.compile(r"2 / \d+"))
    assert frame.locator("#step").inner_text() != said
    frame.get_by_role("button", name="Last step").click()
    expect(frame.get_by_role("button", name="Next step")).to_have_attribute("aria-disabled", "true")


def test_normalizing_takes_away_what_changes_from_run_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = PATHS[0].read_text("utf-8")
    path = tmp_path / "saved_by_jupyter.ipynb"
    path.write_text(source.replace('"execution_count": 1,', '"execution_count": 42,'), "utf-8")
    assert path.read_text("utf-8") != source
    assert normalize(path) is True
    assert path.read_text("utf-8") == source
    assert normalize(path) is False
    assert capsys.readouterr().out == "saved_by_jupyter.ipynb is normalized now\n"
