"""The tour, as a user starts it, and what stands in the README."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import micrograd
from micrograd.__main__ import main, train
from micrograd.datasets import load_mnist
from micrograd.experiments import models

ROOT = Path(__file__).resolve().parents[1]
slow = pytest.mark.slow
COMMAND = [sys.executable, "-W", "error", "-m", "micrograd"]


def test_the_tour_shows_the_book_s_numbers_and_writes_its_pictures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "new"), "--steps", "1500"]) == 0
    shown = capfd.readouterr().out
    for number in ("price = 220", "price = 715", "= 2.2", "= 110", "= 200", "= 165", "= 650"):
        assert number in shown
    assert shown.count("0.1966119332") == 2
    differences = re.findall(r"^  \w\d  .*  (\d\.\d+e-\d+)$", shown, re.MULTILINE)
    assert len(differences) == 4
    assert max(map(float, differences)) < 1e-7
    train_accuracy, test_accuracy = map(float, re.findall(r"accuracy (0\.\d+)", shown))
    assert train_accuracy > 0.95
    assert test_accuracy > 0.93
    pictures = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert pictures == ["apple.svg", "shopping.svg", "sigmoid.svg", "training_curve.png"]
    assert "2.2" in (tmp_path / "new" / "apple.svg").read_text()


@slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "cifar"], "invalid choice"),
        (["--steps", "many"], "whole number"),
        (["--steps", "0"], "whole number"),
        (["--speed", "1"], "unrecognized"),
    ],
)
def test_wrong_arguments_get_one_clear_line_and_exit_code_2(
    arguments: list[str], words: str
) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@slow
def test_help_tells_what_each_argument_takes() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--data", "--steps", "--seed", "--out", "default"))


def test_a_folder_that_cannot_be_made_gets_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["--out", str(tmp_path / "taken")]) == 1
    assert "cannot make that folder" in capsys.readouterr().err


@slow
def test_the_book_s_run_on_mnist_reaches_its_accuracy(mnist_folder: Path) -> None:
    data = load_mnist(folder=mnist_folder)
    _, history = train(data, 10_000, np.random.default_rng(0))
    assert history["test"][-1] >= 0.968
    assert history["train"][-1] >= 0.975


@slow
def test_the_library_s_network_is_good_after_two_epochs_of_mnist(mnist_folder: Path) -> None:
    rng = np.random.default_rng(0)
    data = load_mnist(folder=mnist_folder)
    history = models.train_library(models.mlp(784, rng), data, 1200, rng, progress=False)
    assert history.epochs["test_accuracy"][-1] >= 0.95


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        *[f"docs/{name}.md" for name in ("compiling", "diagrams", "transforms")],
        *[pytest.param(f"docs/{name}.md", marks=slow) for name in ("testing", "training")],
    ],
)
def test_the_examples_of_the_documentation_run(page: str) -> None:
    result = doctest.testfile(str(ROOT / page), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


def test_every_public_name_has_a_docstring_and_every_function_an_example() -> None:
    for name in micrograd.__all__:
        thing = getattr(micrograd, name)
        if callable(thing):
            assert thing.__doc__, name
            is_error = isinstance(thing, type) and issubclass(thing, Exception)
            if not is_error and name not in ("Node", "Op"):
                assert ">>>" in thing.__doc__, name


def test_importing_the_library_imports_no_optional_package() -> None:
    code = (
        "import sys, micrograd, micrograd.layers, micrograd.nn, micrograd.datasets, "
        "micrograd.testing; "
        "print([m for m in ('viz', 'graphviz', 'matplotlib', 'sklearn', 'tqdm', 'hypothesis') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


@slow
def test_the_user_script_runs() -> None:
    script = ROOT / "tests" / "user_script.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
