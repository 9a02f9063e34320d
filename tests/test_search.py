"""That every run of the tests draws the same, that a search does not, and that it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import search
from tests.search import ROOT, Outcome, Piece

DRAWING = """
import random
import numpy as np
from hypothesis import given, strategies as st
import micrograd as mg
from micrograd.testing import Sample, check_op

def test_what_is_drawn():
    drawn = [random.random(), np.random.random(), np.random.default_rng().random()]
    square = mg.Op("square", np.square, (lambda g, y, x: 2 * g * x,))

    @given(st.integers(), st.floats())
    def law(n, x):
        drawn.append((n, x))

    def noted(x):
        drawn.append(x)
        return Sample(square, np.square, (np.array(x),))

    law()
    check_op(square, samples=st.floats(1, 2).map(noted), examples=3)
    print("\\ndrawn", drawn)
"""


def drawn(path: Path, hash_seed: int, *options: str) -> list[str]:
    """Return what a test draws in a new process."""
    path.write_text(DRAWING)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-n", "0", "-p", "conftest"]
    where = [f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml"), str(path)]
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [*command, *where, *options], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("drawn")]


@pytest.mark.slow
def test_each_run_draws_the_same_and_a_search_draws_by_its_seed(tmp_path: Path) -> None:
    path = tmp_path / "test_drawing.py"
    once, again = drawn(path, 1), drawn(path, 2)
    assert len(once) == 1
    assert once == again
    one, other = (
        drawn(path, 1, "--hypothesis-profile=search", f"--hypothesis-seed={seed}")
        for seed in (1, 2)
    )
    assert len({*once, *one, *other}) == 3


def test_no_slow_machine_fails_a_property_test() -> None:
    default = settings()
    assert set(default.suppress_health_check) == set(HealthCheck)
    assert default.deadline is None


@pytest.mark.slow
def test_the_files_with_property_tests_are_found_by_their_mark() -> None:
    found = search.files_with_tests(
        ["tests/test_value.py", "tests/test_ops.py", "tests/test_tour.py"]
    )
    assert found == ["tests/test_ops.py", "tests/test_value.py"]


def test_a_search_that_was_interrupted_goes_on_and_repeats_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, ran = tmp_path / "state" / "search.jsonl", list[Piece]()

    def run(piece: Piece) -> Outcome:
        ran.append(piece)
        failed = piece == Piece("b.py", 8, 10) and len(ran) < 5
        return Outcome(piece, "1 passed", 0.5, "what failed" if failed else "")

    monkeypatch.setattr(search, "files_with_tests", lambda paths: list(paths))
    monkeypatch.setattr(search, "run", run)
    options = ["--seed", "7", "--times", "10", "--jobs", "1", "--state", str(state)]

    assert search.main(["a.py", "b.py", *options, "--seeds", "2"]) == 1
    said = capsys.readouterr().out
    assert "what failed" in said
    assert "--hypothesis-seed=8 --randomly-seed=8 --times=10 b.py" in said
    assert len(ran) == len(state.read_text().splitlines()) == 4

    assert search.main(["a.py", "b.py", "c.py", *options, "--seeds", "2"]) == 0
    assert ran[4:] == [Piece("c.py", 7, 10), Piece("b.py", 8, 10), Piece("c.py", 8, 10)]
    assert search.main(["a.py", "b.py", "c.py", *options, "--seeds", "2"]) == 0
    assert len(ran) == 7


def test_the_seed_is_made_of_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(**options: Any) -> int:
        monkeypatch.setattr(search.subprocess, "run", lambda *args, **kwargs: options["run"]())
        return search.seed_of_the_commit()

    def fail() -> Any:
        raise FileNotFoundError("git")

    commit = "00000ff9cd0f5d3ae8d5c3f0a5a0a5e0a5d0a5c0\n"
    assert of(run=lambda: subprocess.CompletedProcess([], 0, commit)) == 0xFF
    assert of(run=fail) == 0
