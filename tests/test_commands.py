"""The book's experiments as commands: what they print, draw and refuse."""

from __future__ import annotations

import hashlib
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd import DatasetError
from micrograd.__main__ import COMMANDS, main
from micrograd.datasets import digits, load_digits, load_mnist
from micrograd.experiments import command, initialization, models, optimizers
from micrograd.saving import load
from micrograd.training import evaluate

ROOT = Path(__file__).resolve().parents[1]
Array = np.ndarray[Any, Any]


def idx(array: Array) -> bytes:
    magic = {3: 2051, 1: 2049}[array.ndim]
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


@pytest.fixture(autouse=True)
def mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the published data set by 300 + 60 noisy images of ten patterns, in a folder."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 2, (10, 28, 28))
    folder = tmp_path / "data"
    folder.mkdir()
    published: dict[str, digits.Published] = {}
    for part, samples in (("train", 300), ("t10k", 60)):
        labels = rng.integers(0, 10, samples)
        images = np.where(
            rng.random((samples, 28, 28)) < 0.2, 1 - patterns[labels], patterns[labels]
        )
        for kind, array in (("images-idx3", 255 * images), ("labels-idx1", labels)):
            content = idx(array.astype(np.uint8))
            (folder / f"{part}-{kind}-ubyte").write_bytes(content)
            published[f"{part}-{kind}-ubyte"] = digits.Published(
                len(content), hashlib.sha256(content).hexdigest()
            )
    monkeypatch.setattr(digits, "FILES", published)
    monkeypatch.setattr(digits, "_MIRRORS", ())
    monkeypatch.setenv("MICROGRAD_DATA", str(folder))
    return folder


def run(name: str, out: Path, *arguments: str) -> int:
    return main([name, "--out", str(out), *arguments])


def is_png(path: Path) -> bool:
    content = path.read_bytes()
    return content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")


def accuracies(shown: str) -> list[tuple[float, float]]:
    """Return the accuracies for training and test in the lines of epochs."""
    figures = r"^epoch .*train accuracy (\d\.\d{4}).*test accuracy (\d\.\d{4})"
    return [(float(a), float(b)) for a, b in re.findall(figures, shown, re.MULTILINE)]


def by_hand(data: Any, steps: int, seed: int) -> list[tuple[float, float]]:
    """Return the accuracies of the book's network, written without the library."""
    (x, t), (x_test, t_test) = data
    rng = np.random.default_rng(seed)
    W1 = 0.01 * rng.standard_normal((784, 50), np.float32)
    W2 = 0.01 * rng.standard_normal((50, 10), np.float32)
    b1, b2 = np.zeros(50, np.float32), np.zeros(10, np.float32)
    rows: list[tuple[float, float]] = []
    right: list[float] = []
    for step in range(1, steps + 1):
        chosen = rng.choice(len(x), 100)
        h = x[chosen] @ W1 + b1
        y = np.maximum(h, 0) @ W2 + b2
        right.append(float(np.mean(y.argmax(axis=1) == t[chosen])))
        p = np.exp(y - y.max(axis=1, keepdims=True))
        dy = (p / p.sum(axis=1, keepdims=True) - np.eye(10, dtype=np.float32)[t[chosen]]) / 100
        dh = dy @ W2.T * (h > 0)
        W2[:] -= 0.1 * np.maximum(h, 0).T @ dy
        b2 -= 0.1 * dy.sum(axis=0)
        W1[:] -= 0.1 * x[chosen].T @ dh
        b1 -= 0.1 * dh.sum(axis=0)
        if step % (len(x) // 100) == 0 or step == steps:
            best = (np.maximum(x_test @ W1 + b1, 0) @ W2 + b2).argmax(axis=1)
            rows.append((float(np.mean(right)), float(np.mean(best == t_test))))
            right = []
    return rows


# --- mnist ---


def test_the_book_s_run_prints_its_accuracies_and_draws_its_curves(
    tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    assert run("mnist", out, "--data", str(mnist), "--steps", "40", "--seed", "3") == 0
    shown = capsys.readouterr().out
    expected = by_hand(load_mnist(folder=mnist), 40, 3)
    assert len(expected) == 14
    assert expected[0][1] < 0.5 < expected[-1][1]
    np.testing.assert_allclose(accuracies(shown), expected, atol=1 / 60 + 1e-4)
    last = shown.splitlines()[-2]
    assert last.startswith("History(14 epochs, 40 steps: train loss")
    assert shown.splitlines()[-1] == f"The curves are in {out / 'book.png'}"
    assert is_png(out / "book.png")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_the_library_s_networks_leave_the_weights_whose_accuracy_they_print(
    name: str, tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mnist", tmp_path, "--model", name, "--steps", "9") == 0
    shown = capsys.readouterr().out
    flatten = name == "mlp"
    rng = np.random.default_rng(7)
    model = models.mlp(784, rng) if flatten else models.conv(28, rng)
    model.load_state_dict(load(tmp_path / f"{name}.npz"))
    _, test = load_mnist(flatten=flatten, folder=mnist)
    assert len(accuracies(shown)) == 3
    found = evaluate(model, test)
    printed = f"test loss {found['loss']:.4f}, test accuracy {found['accuracy']:.4f}"
    assert shown.count(printed) == 2  # in the line of the last epoch, and in the history's
    assert f"The weights are in {tmp_path / name}.npz" in shown
    assert is_png(tmp_path / f"{name}.png")


@pytest.mark.slow
def test_the_same_seed_prints_the_same_and_another_seed_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    for seed in ("1", "1", "2"):
        assert run("mnist", tmp_path, "--model", "mlp", "--steps", "6", "--seed", seed) == 0
        shown.append(re.sub(r"\([\d,]+ steps/s\)", "", capsys.readouterr().out))
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize("model", ["book", "conv"])
def test_the_digits_need_no_download(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mnist", tmp_path, "--data", "digits", "--model", model, "--steps", "3") == 0
    assert len(accuracies(capsys.readouterr().out)) == 1
    assert is_png(tmp_path / f"{model}.png")


def test_where_mnist_cannot_be_had_the_digits_take_its_place_unless_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(**settings: Any) -> Any:
        raise DatasetError("No mirror answers.\nA way out.")

    monkeypatch.setattr(command, "load_mnist", missing)
    assert run("mnist", tmp_path, "--steps", "1") == 0
    said = "No MNIST, so these are the digits. No mirror answers."
    assert capsys.readouterr().out.splitlines()[0] == said
    what, ((x, _), _) = command.load_data(None)
    assert (what, x.shape) == ("digits", load_digits()[0][0].shape)
    assert run("mnist", tmp_path, "--steps", "1", "--data", "mnist") == 1
    assert capsys.readouterr().err.startswith("python -m micrograd mnist: No mirror answers.")


def test_ctrl_c_ends_the_book_s_run_with_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = iter(range(1, 100))
    accuracy = models.accuracy

    def pressed(scores: Any, labels: Any) -> float:
        if len(labels) == models.BATCH and next(calls) == 5:  # that of a step
            signal.raise_signal(signal.SIGINT)
        return accuracy(scores, labels)

    monkeypatch.setattr(models, "accuracy", pressed)
    assert run("mnist", tmp_path, "--steps", "40") == 0
    assert "History(2 epochs, 5 steps, interrupted:" in capsys.readouterr().out
    assert is_png(tmp_path / "book.png")


# --- optimizers ---


def test_the_optimizers_paths_and_losses_are_printed_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses: dict[str, list[float]] = {}
    learn = optimizers.learn
    monkeypatch.setattr(
        optimizers, "learn", lambda *arguments: losses.update(learn(*arguments)) or losses
    )
    assert run("optimizers", tmp_path, "--steps", "5") == 0
    shown = capsys.readouterr().out
    x, y = -7 * (1 - 0.95 / 10) ** 30, 2 * (1 - 2 * 0.95) ** 30
    f = x**2 / 20 + y**2
    assert f"  SGD       ({x:7.3f}, {y:7.3f})  f = {f:.4f}\n" in shown
    ends = re.findall(r"^  (\w+) +(\d\.\d{4})$", shown, re.MULTILINE)
    assert [name for name, _ in ends] == list(optimizers.LEARNERS) == list(optimizers.PATHS)
    assert [end for _, end in ends] == [f"{column[-1]:.4f}" for column in losses.values()]
    for picture in ("paths.png", "losses.png"):
        assert is_png(tmp_path / picture)
    # All begin with the same weights and batches, and then go ways of their own.
    assert {len(column) for column in losses.values()} == {5}
    assert len({column[0] for column in losses.values()}) == 1
    assert len({column[-1] for column in losses.values()}) == len(losses)


def test_ctrl_c_stops_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(self: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optimizers.Adam, "step", pressed)
    monkeypatch.setattr(optimizers, "draw_paths", lambda: optimizers.new_figure(1)[0])
    monkeypatch.setattr(optimizers, "PATHS", {})
    assert run("optimizers", tmp_path, "--steps", "2") == 130
    assert capsys.readouterr().err.endswith("python -m micrograd optimizers: stopped.\n")


# --- init ---


@pytest.mark.slow
def test_the_histograms_are_drawn_and_the_deviations_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = {name: initialization.ACTIVATIONS[name] for name in ("tanh", "relu")}
    monkeypatch.setattr(initialization, "ACTIVATIONS", some)  # each picture takes its time
    assert run("init", tmp_path, "--seed", "4") == 0
    shown = capsys.readouterr().out
    rows = re.findall(r"^  (\S.*?)  ((?: +[\d.e+-]+){5})$", shown, re.MULTILINE)
    assert [name.strip() for name, _ in rows] == list(initialization.WEIGHTS) * 2
    found = [float(std) for std in rows[-1][1].split()]
    layers = initialization.activations("relu", "He, √(2/n)", 4)
    np.testing.assert_allclose(found, [h.std() for h in layers], rtol=5e-3)
    for activation in some:
        assert is_png(tmp_path / f"{activation}.png")


@pytest.mark.parametrize(
    ("activation", "weights", "alive"),
    [
        ("sigmoid", "std 1", False),  # at 0 and 1
        ("sigmoid", "std 0.01", False),  # all at 0.5
        ("tanh", "std 1", False),
        ("tanh", "std 0.01", False),
        ("tanh", "Xavier, √(1/n)", True),
        ("relu", "std 0.01", False),
        ("relu", "He, √(2/n)", True),
    ],
)
def test_only_fitting_weights_keep_the_last_layer_alive(
    activation: str, weights: str, alive: bool
) -> None:
    for seed in range(3):
        last = initialization.activations(activation, weights, seed)[-1]
        assert last.shape == (1000, 100)
        assert initialization.is_alive(last, activation) is alive


# --- what all refuse ---


@pytest.mark.slow
@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_tells_what_each_argument_takes(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "micrograd", name, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: python -m micrograd {name}" in done.stdout
    words = ["--seed", "--out", "default"] + ["--data", "--steps"] * (name != "init")
    assert all(word in done.stdout for word in words)


def test_the_help_of_the_tour_names_the_other_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"python -m micrograd {name}" in shown for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mnist", "--steps", "0"], "--steps: expected a whole number from 1 on, but came '0'"),
        (["mnist", "--steps", "many"], "whole number"),
        (["mnist", "--seed", "-1"], "--seed: expected"),
        (["mnist", "--model", "rnn"], "invalid choice: 'rnn'"),
        (["mnist", "--data", "nowhere"], "expected mnist, digits or a folder with MNIST, but came"),
        (["optimizers", "--data", "nowhere"], "'nowhere'"),
        (["optimizers", "--steps", "1.5"], "whole number"),
        (["optimizers", "extra"], "unrecognized arguments: extra"),
        (["init", "--steps", "5"], "unrecognized"),
        (["minst"], "unrecognized arguments: minst"),
    ],
)
def test_wrong_arguments_get_one_clear_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert shown.err.endswith("Run it with --help for what it takes.\n")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_without_matplotlib_a_command_names_the_extra_before_anything_takes_time(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(name, tmp_path / "out") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        f"python -m micrograd {name}: a picture needs matplotlib. Install it with "
        "pip install 'micrograd-graph[demo]'.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_folder_that_cannot_be_made_gets_one_clear_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert run(name, tmp_path / "taken") == 1
    assert "cannot make that folder" in capsys.readouterr().err


def test_a_folder_without_mnist_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run("mnist", tmp_path / "out", "--data", str(tmp_path / "empty")) == 1
    assert "holds neither train-images-idx3-ubyte.gz nor" in capsys.readouterr().err
