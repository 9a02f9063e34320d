"""Checkpoints: a training that was killed goes on to the same bits, and no file can spoil one."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd import ArgumentError, CheckpointError, DivergenceError, nn
from micrograd.data import batches
from micrograd.nn import losses, schedules
from micrograd.nn.optim import SGD, Adam, Optimizer
from micrograd.training import History, fit
from micrograd.training import saved as saving

ROOT = Path(__file__).resolve().parents[1]
Array = np.ndarray[Any, Any]


def data(samples: int = 60) -> tuple[Array, Array]:
    x = np.random.default_rng(0).standard_normal((samples, 2))
    return x, x.argmax(axis=1)


class Run:
    """A training with all that has a state: dropout, batch norm, momentum, a schedule, an order.

    Args:
        seed: that of the one generator for weights, dropout and order.
        per: whether the steps of the schedule are epochs or batches.
    """

    def __init__(self, seed: int = 0, per: str = "batch", hidden: int = 8) -> None:
        self.rng = np.random.default_rng(seed)
        self.model = nn.Sequential(
            nn.Linear(2, hidden, rng=self.rng),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.3, rng=np.random.default_rng(seed + 1)),
            nn.Linear(hidden, 2, rng=self.rng),
            nn.Dropout(0.1, rng=self.rng),
        )
        self.optimizer: Optimizer = SGD(self.model.named_parameters(), lr=0.1, momentum=0.9)
        self.schedule: Any = schedules.CosineAnnealingLR(
            self.optimizer, 24 if per == "batch" else 4
        )
        self.settings: dict[str, Any] = {
            "schedule": self.schedule,
            "schedule_per": per,
            "batch_size": 10,
            "test": data(20),
            "rng": self.rng,
            "progress": False,
        }

    def fit(self, epochs: int = 4, pair: Any = None, **settings: Any) -> History:
        settings = {**self.settings, **settings}
        return fit(self.model, data() if pair is None else pair, self.optimizer, epochs, **settings)

    def state(self) -> dict[str, Any]:
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        arrays = {
            f"{part}/{name}": array.tobytes()
            for part, holder in parts.items()
            for name, array in holder.state_dict().items()
        }
        return arrays | {"rng": str(self.rng.bit_generator.state)}


def outcome(run: Run, history: History) -> tuple[Any, ...]:
    """Return all that has to be the same to the bit: everything but the time it took."""
    epochs = {name: column for name, column in history.epochs.items() if name != "seconds"}
    return history.steps, epochs, history.ended, history.best_epoch, run.state()


class Killed(BaseException):
    """What ends a training as suddenly as a signal, within one process."""


def kill() -> None:
    raise Killed


def killed_at(call: int) -> Callable[..., Any]:
    """Return a loss that kills the training at its so manieth call."""
    return acting_at(call, kill)


def acting_at(call: int, do: Callable[[], None]) -> Callable[..., Any]:
    calls = iter(range(1, 10_000))

    def loss(y: Any, t: Any) -> Any:
        if next(calls) == call:
            do()
        return losses.cross_entropy(y, t)

    return loss


# --- the same bits ---


@pytest.mark.slow
@pytest.mark.parametrize("per", ["epoch", "batch"])
@pytest.mark.parametrize("every", [None, 1, 4])
def test_a_training_that_was_killed_goes_on_to_the_same_losses_and_weights(
    per: str, every: int | None, tmp_path: Path
) -> None:
    whole = Run(per=per)
    expected = outcome(whole, whole.fit())
    for call in (3, 7, 8, 16, 20, 28):  # a call more for each test: 7 is that of the first epoch
        path = tmp_path / f"{call}.ckpt"
        with pytest.raises(Killed):
            Run(per=per).fit(loss=killed_at(call), checkpoint=path, checkpoint_every=every)
        resumed = Run(per=per)
        assert outcome(resumed, resumed.fit(checkpoint=path)) == expected, call


def test_it_really_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        Run().fit(loss=killed_at(20), checkpoint=path, checkpoint_every=5)  # in step 18
    calls: list[int] = []
    Run().fit(loss=acting_at(1, lambda: calls.append(1)), checkpoint=path)
    counted: list[int] = []

    def loss(y: Any, t: Any) -> Any:
        counted.append(len(t))
        return losses.cross_entropy(y, t)

    with pytest.raises(Killed):
        Run().fit(loss=killed_at(20), checkpoint=tmp_path / "other.ckpt", checkpoint_every=5)
    Run().fit(loss=loss, checkpoint=tmp_path / "other.ckpt")
    assert counted.count(10) == 24 - 15
    counted.clear()
    again = Run()
    history = again.fit(loss=loss, checkpoint=path)  # which is complete
    assert (counted, len(history), history.ended) == ([], 4, "done")
    whole = Run()
    assert outcome(again, history) == outcome(whole, whole.fit())


@pytest.mark.parametrize("call", [3, 6, 7, 9, 14])
def test_ctrl_c_leaves_a_checkpoint_of_that_very_step(call: int, tmp_path: Path) -> None:
    whole, stopped, resumed = Run(), Run(), Run()
    # The test set is shuffled by the same generator, so that a test broken off has drawn from it.
    test: list[Any] = [
        {"test": batches(*data(20), 10, rng=run.rng)} for run in (whole, stopped, resumed)
    ]
    expected = outcome(whole, whole.fit(**test[0]))
    press = acting_at(call, lambda: signal.raise_signal(signal.SIGINT))
    path = tmp_path / "run.ckpt"
    history = stopped.fit(loss=press, checkpoint=path, **test[1])
    assert history.ended == "interrupted"
    assert outcome(resumed, resumed.fit(checkpoint=path, **test[2])) == expected


def test_an_interrupt_in_the_middle_of_a_step_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    path = tmp_path / "run.ckpt"
    history = Run().fit(loss=acting_at(12, interrupt), checkpoint=path, checkpoint_every=3)
    assert history.ended == "interrupted"
    whole, resumed = Run(), Run()
    assert outcome(resumed, resumed.fit(checkpoint=path)) == outcome(whole, whole.fit())


def test_patience_counts_on_after_a_resume_and_the_best_weights_come_back(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"patience": 3, "epochs": 40}
    whole = Run(per="epoch")
    settings["schedule"] = None
    history = whole.fit(**settings)
    assert history.ended == "stopped early"
    expected = outcome(whole, history)
    path = tmp_path / "run.ckpt"
    killer = killed_at(7 * (len(history) - 1) + 3)  # when the best epoch was long before
    with pytest.raises(Killed):
        Run(per="epoch").fit(**settings, loss=killer, checkpoint=path)
    for _ in range(2):  # it goes on, and then there is nothing left to do
        resumed = Run(per="epoch")
        assert outcome(resumed, resumed.fit(**settings, checkpoint=path)) == expected


def test_a_plateau_and_adam_go_on_too(tmp_path: Path) -> None:
    def run() -> Run:
        made = Run()
        made.optimizer = Adam(made.model.named_parameters(), lr=0.01)
        made.schedule = schedules.ReduceLROnPlateau(
            made.optimizer, patience=0, factor=0.5, threshold=9
        )
        made.settings |= {"schedule": made.schedule, "schedule_per": "epoch"}
        return made

    whole, resumed = run(), run()
    expected = outcome(whole, whole.fit())
    assert expected[1]["lr"][-1] < 0.01
    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        run().fit(loss=killed_at(17), checkpoint=path, checkpoint_every=2)
    assert outcome(resumed, resumed.fit(checkpoint=path)) == expected


def test_more_epochs_go_on_from_a_complete_training(tmp_path: Path) -> None:
    path, settings = tmp_path / "run.ckpt", {"schedule": None}
    Run().fit(2, checkpoint=path, **settings)
    whole, resumed = Run(), Run()
    history = resumed.fit(4, checkpoint=path, **settings)
    assert outcome(resumed, history) == outcome(whole, whole.fit(4, **settings))


def test_a_list_of_batches_and_a_generator_of_another_kind_go_on_too(tmp_path: Path) -> None:
    def run() -> Run:
        made = Run()
        made.model[3].rng = np.random.Generator(np.random.MT19937(3))  # type: ignore[attr-defined]
        made.settings["batch_size"] = None
        return made

    pairs = [(x, t) for x, t in batches(*data(), 10, shuffle=False)]
    whole, resumed = run(), run()
    expected = outcome(whole, whole.fit(pair=pairs))
    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        run().fit(pair=pairs, loss=killed_at(17), checkpoint=path, checkpoint_every=2)
    assert outcome(resumed, resumed.fit(pair=pairs, checkpoint=path)) == expected


def test_without_resume_the_training_begins_anew_and_the_file_is_overwritten(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.ckpt"
    Run(seed=5).fit(checkpoint=path)
    whole, anew = Run(), Run()
    expected = outcome(whole, whole.fit())
    assert outcome(anew, anew.fit(checkpoint=path, resume=False)) == expected
    resumed = Run(seed=7)
    assert outcome(resumed, resumed.fit(checkpoint=path)) == expected


# --- a real SIGKILL ---

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.test_training_state import Run, outcome, losses

def loss(y, t):
    print("step", flush=True)
    sys.stdin.readline()  # go no further than is allowed
    return losses.cross_entropy(y, t)

run = Run()
history = run.fit(15, loss=loss, checkpoint=sys.argv[2], checkpoint_every=1, schedule=None)
Path(sys.argv[2] + ".result").write_text(repr(outcome(run, history)))
"""


@pytest.mark.slow
@pytest.mark.hypothesis
def test_a_program_killed_at_random_moments_ends_in_the_same_bits(tmp_path: Path) -> None:
    whole = Run()
    expected = repr(outcome(whole, whole.fit(15, schedule=None)))
    path, result = tmp_path / "run.ckpt", tmp_path / "run.ckpt.result"
    command = [sys.executable, "-c", PROGRAM, str(ROOT), str(path)]
    seed = random.getrandbits(32)  # of this run, which is the same unless one searches
    rng = np.random.default_rng(seed)
    for _ in range(3):
        steps = int(rng.integers(3, 25))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            running.stdin.write(b"\n" * (steps + 8))  # so that it never ends before it is killed
            running.stdin.flush()
            for _ in range(steps):
                running.stdout.readline()
            time.sleep(rng.uniform(0, 0.005))
            running.kill()
        assert not result.exists()
    done = subprocess.run(command, input="\n" * 200, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step") <= 15 * 7 - 3 * 2, seed  # it did go on, and not begin anew
    assert result.read_text() == expected, seed
    assert sorted(os.listdir(tmp_path)) == ["run.ckpt", "run.ckpt.result"]


# --- files that are torn, altered, or those of others ---


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_is_torn_leaves_the_checkpoint_before(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.ckpt"
    calls = iter(range(1, 1000))
    real = getattr(os, broken)

    def torn(*arguments: Any) -> Any:
        if next(calls) == 9:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(os, broken, torn)
    with pytest.raises(Killed):
        Run().fit(checkpoint=path, checkpoint_every=1)
    assert saving.read(path) is not None
    whole, resumed = Run(), Run()
    assert outcome(resumed, resumed.fit(checkpoint=path)) == outcome(whole, whole.fit())


def test_what_a_killed_writer_left_is_removed_and_other_files_are_not(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    for name in ("run.ckpt.0123abcd.part", "run.ckpt.part", "other.ckpt.0123abcd.part"):
        (tmp_path / name).write_text("x")
    Run().fit(checkpoint=path)
    assert sorted(os.listdir(tmp_path)) == ["other.ckpt.0123abcd.part", "run.ckpt", "run.ckpt.part"]


def refused(run: Run, path: Path, words: str, **settings: Any) -> None:
    """Expect a clear error, with the training and the file left as they were."""
    before, content = run.state(), path.read_bytes()
    with pytest.raises(CheckpointError, match=words) as caught:
        run.fit(checkpoint=path, **settings)
    assert str(path) in str(caught.value)
    assert "resume=False" in str(caught.value)
    assert run.state() == before
    assert path.read_bytes() == content


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        Run().fit(loss=killed_at(11), checkpoint=path, checkpoint_every=2)
    return path


def test_a_checkpoint_cut_anywhere_is_refused(checkpoint: Path) -> None:
    content = checkpoint.read_bytes()
    run = Run()
    for length in [0, 1, 100, *range(1000, len(content), 1500), len(content) - 1]:
        checkpoint.write_bytes(content[:length])
        refused(run, checkpoint, "is damaged, or no checkpoint of fit")


def test_a_changed_byte_is_refused_or_means_the_same(checkpoint: Path) -> None:
    def contents() -> tuple[Any, Any]:
        found = saving.read(checkpoint)
        assert found is not None
        arrays = {
            (part, name): (array.dtype, array.shape, array.tobytes())
            for part, named in found.arrays.items()
            for name, array in named.items()
        }
        return arrays, found.facts

    content = bytearray(checkpoint.read_bytes())
    expected = contents()
    caught = 0
    places = range(0, len(content), 101)
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 0xFF
        checkpoint.write_bytes(altered)
        try:
            assert contents() == expected, place
        except CheckpointError:
            caught += 1
    assert caught > len(places) / 2


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def archive_of_objects(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, training=np.array([Bomb()], dtype=object))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(pickle.dumps(Bomb())),
        archive_of_objects,
        lambda path: path.write_text("a letter"),
        lambda path: saving.write_npz(path, {"weight": np.ones(2)}),
        lambda path: saving.write_npz(path, {"training": np.frombuffer(b"[]", np.uint8)}),
        lambda path: saving.write_npz(path, {"training": np.frombuffer(b"\xff{", np.uint8)}),
        lambda path: saving.write_npz(
            path, {"training": np.frombuffer(b'{"format": 0}', np.uint8)}
        ),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_never_unpickled(
    write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.ckpt"
    write(path)
    refused(Run(), path, "is damaged, or no checkpoint of fit")
    assert os.listdir(tmp_path) == ["run.ckpt"]


def test_a_checkpoint_with_other_facts_is_refused(checkpoint: Path) -> None:
    saving.write(checkpoint, saving.Saved({}, {"epoch": 1}))
    refused(Run(), checkpoint, "is of another version")


def test_a_checkpoint_of_another_training_is_refused_and_nothing_changed(checkpoint: Path) -> None:
    refused(Run(hidden=9), checkpoint, r"(?s)does not fit: .*0.weight.*Nothing was changed")
    longer = (
        r"data: there <6 batches of 10 from 60 samples>, here <6 batches of 10 from 55 samples>"
    )
    refused(Run(), checkpoint, longer, pair=data(55))
    refused(Run(), checkpoint, "here <12 batches of 5 from 60", batch_size=5)
    refused(Run(), checkpoint, "here 1 batches", pair=[data()], batch_size=None)
    refused(Run(), checkpoint, "schedule: there True, here False", schedule=None)
    refused(Run(), checkpoint, "test set: there True, here False", test=None)
    refused(Run(), checkpoint, "metrics: there None, here", metrics={})
    refused(Run(), checkpoint, "is in epoch 2, beyond epochs=1", epochs=1)


def test_a_checkpoint_of_another_optimizer_or_generator_changes_nothing(checkpoint: Path) -> None:
    other = Run()
    other.optimizer = Adam(other.model.named_parameters())
    other.schedule = schedules.CosineAnnealingLR(other.optimizer, 24)
    refused(other, checkpoint, "(?s)does not fit: Adam", schedule=other.schedule)
    other = Run()
    other.model[3].rng = np.random.Generator(np.random.MT19937(3))  # type: ignore[attr-defined]
    refused(other, checkpoint, "other kinds of random generators")
    other.model[3].rng = other.rng  # type: ignore[attr-defined]
    refused(other, checkpoint, "random generators: there 2, here 1")


# --- what goes wrong beside it ---


def test_a_divergence_after_a_resume_leaves_the_weights_of_the_checkpoint(
    checkpoint: Path,
) -> None:
    found = saving.read(checkpoint)
    assert found is not None
    run = Run()
    with pytest.raises(DivergenceError):
        run.fit(loss=lambda y, t: (y * np.inf).sum(), checkpoint=checkpoint)
    for name, array in run.model.state_dict().items():
        np.testing.assert_array_equal(array, found.arrays["model"][name])
    whole, resumed = Run(), Run()
    assert outcome(resumed, resumed.fit(checkpoint=checkpoint)) == outcome(whole, whole.fit())


def test_an_error_in_a_step_leaves_the_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    def fail() -> None:
        raise ArgumentError("no")

    path = tmp_path / "deep" / "run.ckpt"  # whose folder is made
    with pytest.raises(ArgumentError):
        Run().fit(loss=acting_at(9, fail), checkpoint=path, checkpoint_every=1)
    whole, resumed = Run(), Run()
    assert outcome(resumed, resumed.fit(checkpoint=path)) == outcome(whole, whole.fit())


def test_a_path_that_is_a_folder_is_the_system_s_own_error(tmp_path: Path) -> None:
    run = Run()
    before = run.state()
    with pytest.raises(IsADirectoryError):
        run.fit(checkpoint=tmp_path)
    assert run.state() == before
