"""fit: what it computes, shows and returns, how it is stopped, and what it refuses."""

from __future__ import annotations

import gc
import io
import re
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd import (
    ArgumentError,
    DivergenceError,
    MicrogradError,
    MissingExtraError,
    OperandError,
    ShapeError,
    Tensor,
    Value,
    nn,
)
from micrograd.data import batches
from micrograd.nn import Module, losses, schedules
from micrograd.nn.optim import SGD, Adam
from micrograd.training import History, accuracy, evaluate, fit
from micrograd.training.curves import smoothed

ROOT = Path(__file__).resolve().parents[1]
Array = np.ndarray[Any, Any]
Pair = tuple[Array, Array]


class Line(Module):
    """y = x w, which is easy to follow by hand."""

    def __init__(self, w: float = 1.0) -> None:
        self.w = Tensor([[w]])

    def forward(self, x: Any) -> Any:
        return x @ self.w


class Watched(Line):
    """A line that notes how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, bool, bool]] = []

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        self.calls.append((len(x), self.training, y.requires_grad))
        return y


def column(*numbers: float) -> Array:
    return np.array(numbers)[:, None]


def sorted_pair(samples: int = 60, seed: int = 0) -> Pair:
    """Return points, and which of their coordinates is the larger one."""
    x = np.random.default_rng(seed).standard_normal((samples, 2))
    return x, x.argmax(axis=1)


def small_net(seed: int = 0) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 8, rng=rng),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Dropout(0.2, rng=rng),
        nn.Linear(8, 2, rng=rng),
    )


def train(model: Module, data: Any, epochs: int = 1, lr: float = 0.1, **settings: Any) -> History:
    optimizer = SGD(model.named_parameters(), lr=lr)
    options: dict[str, Any] = {"progress": False, **settings}
    return fit(model, data, optimizer, epochs, **options)


def state_of(model: Module) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in model.state_dict().items()}


def after(call: int, do: Callable[[], Any], loss: Any = losses.mse_loss) -> Callable[..., Any]:
    """Return a loss that does something else, too, at its so manieth call."""
    calls = iter(range(1, 1000))

    def wrapped(y: Any, t: Any) -> Any:
        if next(calls) == call:
            do()
        return loss(y, t)

    return wrapped


def interrupt() -> None:
    raise KeyboardInterrupt


# --- what it computes ---


def test_the_loss_falls_and_the_classes_are_learned() -> None:
    model, test = small_net(), sorted_pair(200, seed=1)
    optimizer = Adam(model.named_parameters(), lr=0.02)
    rng = np.random.default_rng(0)
    history = fit(
        model, sorted_pair(300), optimizer, 10, test=test, batch_size=20, rng=rng, progress=False
    )
    assert history.epochs["train_loss"][-1] < history.epochs["train_loss"][0] / 2
    assert history.last["test_accuracy"] > 0.95
    assert history.last["test_loss"] == evaluate(model, test)["loss"]
    assert (len(history), history.ended, history.best_epoch) == (10, "done", None)


def test_the_rows_of_steps_and_epochs_are_those_worked_out_by_hand() -> None:
    model = Line()
    data = [(column(1, 1, 1), column(0, 0, 0)), (column(2), column(0))]
    history = train(model, data, 1, loss=losses.mse_loss, test=(column(1), column(0)))
    # y = 1: loss 1, gradient 2, w = 0.8; y = 1.6: loss 2.56, gradient 6.4, w = 0.16.
    assert model.w.item() == pytest.approx(0.16)
    assert history.steps.keys() == {"loss", "lr", "samples"}
    assert history.steps["loss"] == pytest.approx([1, 2.56])
    assert history.steps["lr"] == [0.1, 0.1]
    assert history.steps["samples"] == [3, 1]
    assert history.epochs["train_loss"] == pytest.approx([(3 * 1 + 2.56) / 4])
    assert history.epochs["test_loss"] == pytest.approx([0.16**2])
    assert history.epochs["step"] == [2]
    assert history.epochs["lr"] == [0.1]
    assert history.epochs["seconds"][0] > 0
    assert repr(history) == "History(1 epoch, 2 steps: train loss 1.3900, test loss 0.0256)"


def test_an_epoch_sees_each_sample_once_and_batches_are_of_the_size_asked_for() -> None:
    seen: list[float] = []

    def loss(y: Any, t: Any) -> Any:
        seen.extend(t.ravel())
        return losses.mse_loss(y, t)

    x = column(*range(25))
    history = train(Line(), (x, x), 2, lr=1e-9, loss=loss, batch_size=10)
    assert history.steps["samples"] == [10, 10, 5] * 2
    assert sorted(seen[:25]) == sorted(seen[25:]) == list(range(25))
    assert seen[:25] != seen[25:] != list(range(25))
    whole = train(Line(), (x, x), 1, lr=1e-9, loss=losses.mse_loss)
    assert whole.steps["samples"] == [25]


def test_the_test_set_is_measured_in_evaluation_mode_without_a_graph_after_each_epoch() -> None:
    x = column(1, 2, 3, 4)
    for mode in (True, False):
        model = Watched()
        model.train(mode)
        train(model, (x, x), 2, loss=losses.mse_loss, test=(x[:3], x[:3]), batch_size=2)
        assert model.calls == [(2, True, True), (2, True, True), (3, False, False)] * 2
        assert model.training is mode


def test_what_batch_norm_and_dropout_do_in_training_is_not_in_the_test_loss() -> None:
    x, t = sorted_pair()
    model = small_net()
    history = train(model, (x, t), 2, test=(x, t), rng=np.random.default_rng(0))
    before = state_of(model)
    assert (
        evaluate(model, (x, t))["loss"] == history.last["test_loss"] != history.last["train_loss"]
    )
    assert state_of(model) == before


def test_metrics_are_accuracy_for_classes_none_for_numbers_or_those_asked_for() -> None:
    x, t = sorted_pair()
    assert "accuracy" in train(small_net(), (x, t)).steps
    assert "accuracy" not in train(small_net(), (x, t), metrics={}).steps
    assert "accuracy" not in train(Line(), (column(1), column(0)), loss=losses.mse_loss).steps

    def furthest(y: Array, t: Array) -> float:
        return np.abs(y - t).max()

    data = (column(1, 3), column(0, 0))
    history = train(
        Line(), data, test=data, loss=losses.mse_loss, metrics={"furthest": furthest}, lr=0.0
    )
    assert history.steps["furthest"] == history.epochs["train_furthest"] == [3]
    assert history.epochs["test_furthest"] == [3]
    assert isinstance(history.steps["furthest"][0], float)


def test_accuracy_counts_classes_signs_and_one_hot_rows() -> None:
    scores = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    assert accuracy(scores, [0, 1, 1]) == pytest.approx(2 / 3)
    assert accuracy(Tensor(scores), np.eye(2)[[0, 1, 1]]) == pytest.approx(2 / 3)
    assert accuracy(column(1.0, -2.0), [1, 0]) == 1
    assert accuracy([1.0, -2.0], [-1, -1]) == 0.5
    for labels in ([0, 1], [[0], [1], [1]], []):
        with pytest.raises(ShapeError, match="accuracy: labels of shape"):
            accuracy(scores, labels)


def test_clip_norm_bounds_the_length_of_a_step() -> None:
    data = (column(1000), column(0))
    model = Line()
    train(model, data, loss=losses.mse_loss, clip_norm=0.5)
    assert model.w.item() == pytest.approx(1 - 0.1 * 0.5)
    model = Line()
    train(model, (column(0.01), column(0)), loss=losses.mse_loss, clip_norm=0.5)
    assert model.w.item() == pytest.approx(1 - 0.1 * 0.0002)


@pytest.mark.parametrize(
    ("per", "rates"),
    [("epoch", [1, 1, 0.5, 0.5, 0.25, 0.25]), ("batch", [2.0**-i for i in range(6)])],
)
def test_a_schedule_sets_the_rate_of_each_epoch_or_batch(per: Any, rates: list[float]) -> None:
    model = Line()
    optimizer = SGD(model.named_parameters(), lr=1.0)
    schedule = schedules.StepLR(optimizer, 1, gamma=0.5)
    x = column(1e-3, 1e-3)
    history = fit(
        model,
        (x, x),
        optimizer,
        3,
        loss=losses.mse_loss,
        batch_size=1,
        schedule=schedule,
        schedule_per=per,
        progress=False,
    )
    assert history.steps["lr"] == rates
    assert history.epochs["lr"] == rates[1::2]


def test_a_schedule_as_long_as_the_training_is_never_asked_for_more() -> None:
    model = Line()
    optimizer = SGD(model.named_parameters(), lr=1.0)
    schedule = schedules.OneCycleLR(optimizer, 1e-3, total_steps=4)
    x = column(1, 1)
    settings: dict[str, Any] = {"schedule": schedule, "schedule_per": "batch", "batch_size": 1}
    history = fit(model, (x, x), optimizer, 2, loss=losses.mse_loss, progress=False, **settings)
    assert history.steps["lr"] == pytest.approx([schedule.at(t) for t in range(4)])


def test_a_plateau_of_the_test_loss_lowers_the_rate() -> None:
    model = Line(0.0)
    optimizer = SGD(model.named_parameters(), lr=1.0)
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    data = (column(1), column(0))  # there is nothing to learn
    settings: dict[str, Any] = {"schedule": schedule, "test": data, "loss": losses.mse_loss}
    history = fit(model, data, optimizer, 6, progress=False, **settings)
    assert history.epochs["lr"] == [1, 1, 1, 0.5, 0.5, 0.25]


def scripted(model: Line, script: list[float]) -> Callable[..., Any]:
    """Return a loss that lowers w by the rate in each step, and has given values in tests."""
    values = iter(script)

    def loss(y: Any, t: Any) -> Any:
        return y.mean() if model.training else Tensor(next(values))

    return loss


@pytest.mark.parametrize(
    ("script", "ran", "best", "ended"),
    [
        ([3, 2, 2.5, 2.0], 4, 2, "stopped early"),
        ([3, 2, 2.5, 1, 5], 5, 4, "done"),
        ([np.nan, np.nan], 2, None, "stopped early"),
    ],
)
def test_patience_stops_and_goes_back_to_the_best_epoch(
    script: list[float], ran: int, best: int | None, ended: str
) -> None:
    model = Line(10.0)
    data = (column(1), column(0))
    history = train(model, data, 5, lr=1.0, loss=scripted(model, script), test=data, patience=2)
    assert (len(history), history.best_epoch, history.ended) == (ran, best, ended)
    assert model.w.item() == 10 - (best or ran)
    np.testing.assert_equal(history.epochs["test_loss"], script)


def test_networks_of_values_are_trained_too() -> None:
    class Parabola(Module):
        def __init__(self) -> None:
            self.a = Value(1.0)

        def forward(self, x: Any) -> Any:
            return self.a * float(x[0])

    model = Parabola()
    data = (np.array([2.0]), np.array([2.0]))
    history = train(model, data, 50, loss=lambda y, t: (y - float(t[0])) ** 2, test=data)
    assert model.a.data == 1.0
    assert history.steps["loss"] == [0.0] * 50
    train(model, (data[0], np.array([6.0])), 50, loss=lambda y, t: (y - float(t[0])) ** 2)
    assert model.a.data == pytest.approx(3.0)


def test_one_seed_gives_the_same_losses_whatever_was_run_before() -> None:
    def run() -> tuple[Any, dict[str, bytes]]:
        model = small_net(3)
        history = train(
            model, sorted_pair(), 3, batch_size=16, rng=np.random.default_rng(5), test=sorted_pair()
        )
        return (history.steps, history.epochs["test_loss"]), state_of(model)

    first = run()
    np.random.seed(1)
    np.random.random(7)
    train(small_net(), sorted_pair(), 1, rng=np.random.default_rng())
    assert run() == first


def test_other_seeds_give_other_losses() -> None:
    runs = [
        train(small_net(), sorted_pair(), batch_size=10, rng=np.random.default_rng(seed)).steps[
            "loss"
        ]
        for seed in (0, 1)
    ]
    assert runs[0] != runs[1]


def test_memory_is_constant_and_the_cyclic_collector_has_nothing_to_do() -> None:
    x = np.ones((64, 100))
    model = nn.Sequential(nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 2))
    data = (x, np.zeros(64, int))

    def peak(epochs: int) -> int:
        tracemalloc.start()
        train(model, data, epochs, lr=0.0, rng=np.random.default_rng(0))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    gc.collect()
    gc.disable()
    try:
        few, many = peak(5), peak(40)
    finally:
        gc.enable()
    assert many - few < x.nbytes  # of which each graph has several


# --- what it shows ---


def test_a_line_for_each_epoch_goes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    train(small_net(), sorted_pair(), 2, progress=True, test=sorted_pair())
    shown = capsys.readouterr()
    figure = r"\d\.\d{4}"
    line = (
        rf"epoch \d/2: train loss {figure}, train accuracy {figure}, "
        rf"test loss {figure}, test accuracy {figure} \([\d,]+ steps/s\)\n"
    )
    assert re.fullmatch(line * 2, shown.out)
    assert shown.err == ""
    train(small_net(), sorted_pair())
    assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_loss_accuracy_and_steps_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    train(small_net(), sorted_pair(), 2, progress=True, test=sorted_pair(), batch_size=10)
    ends = [line for line in screen.getvalue().split("\r") if "6/6" in line and "test" in line]
    assert [end.partition(":")[0] for end in ends] == ["epoch 1/2", "epoch 2/2"]
    for words in (r"train loss \d\.\d{4}", r"test accuracy \d\.\d{4}", r"step/s|s/step"):
        assert re.search(words, ends[0])
    assert capsys.readouterr().out == ""


def test_without_tqdm_a_terminal_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    train(small_net(), sorted_pair(), 2, progress=True)
    assert capsys.readouterr().out.count("steps/s") == 2


def test_a_history_plots_itself_to_a_file_and_in_a_notebook(tmp_path: Path) -> None:
    history = train(small_net(), sorted_pair(), 3, test=sorted_pair(), batch_size=10)
    figure = history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "accuracy"]
    steps, train_loss, test_loss = figure.axes[0].get_lines()
    np.testing.assert_allclose(steps.get_ydata(), history.steps["loss"])
    np.testing.assert_allclose(steps.get_xdata(), np.arange(1, 19))
    assert train_loss.get_ydata().tolist() == history.epochs["train_loss"]
    assert test_loss.get_ydata().tolist() == history.epochs["test_loss"]
    assert test_loss.get_xdata().tolist() == [6, 12, 18]
    assert 'src="data:image/png;base64,' in history._repr_html_()


def test_curves_of_many_steps_are_drawn_as_means_of_stretches() -> None:
    steps, means = smoothed(np.arange(1.0, 10_001.0))
    assert len(steps) == len(means) == 400
    np.testing.assert_allclose(steps, means)


def test_a_history_without_steps_or_without_matplotlib_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ArgumentError, match="no steps"):
        History().plot()
    history = train(small_net(), sorted_pair())
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib.*micrograd-graph\[demo\]"):
        history.plot()
    assert history._repr_html_().startswith("<table>")
    assert "train accuracy" in history._repr_html_()


# --- how it is stopped ---


def weights_after(steps: int) -> float:
    model = Line()
    data = [(column(1), column(0))] * steps
    train(model, data, loss=losses.mse_loss)
    return model.w.item()


LONG = [(column(1), column(0))] * 10


def test_an_interrupt_in_the_middle_of_a_step_leaves_the_model_and_history_of_whole_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = Line()
    history = train(model, LONG, 3, loss=after(14, interrupt))
    assert history.ended == "interrupted"
    assert (len(history), len(history.steps["loss"])) == (1, 13)
    assert model.w.item() == weights_after(13)
    assert repr(history).startswith("History(1 epoch, 13 steps, interrupted: train loss")
    assert "interrupted after step 13 (epoch 2)" in capsys.readouterr().err
    more = train(model, LONG, 1, loss=losses.mse_loss)
    assert (more.ended, len(more)) == ("done", 1)


def test_an_interrupt_in_the_middle_of_an_update_leaves_no_half_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = SGD(model.named_parameters(), lr=0.1)
    calls = iter(range(1, 100))
    advance = optimizer._advance

    def advance_once(*arguments: Any) -> None:
        if next(calls) == 6:
            raise KeyboardInterrupt  # the weight is new, the bias old
        advance(*arguments)

    monkeypatch.setattr(optimizer, "_advance", advance_once)
    data = [sorted_pair()] * 5
    history = fit(model, data, optimizer, 1, progress=False)
    assert len(history.steps["loss"]) == 2
    whole = nn.Linear(2, 2, rng=np.random.default_rng(0))
    train(whole, data[:2])
    assert state_of(model) == state_of(whole)


def test_the_first_ctrl_c_waits_for_the_end_of_the_step() -> None:
    model = Line()
    press = after(4, lambda: signal.raise_signal(signal.SIGINT))
    history = train(model, LONG, 3, loss=press, test=LONG)
    assert (history.ended, len(history), len(history.steps["loss"])) == ("interrupted", 0, 4)
    assert model.w.item() == weights_after(4)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_test_after_an_epoch_ends_it_too() -> None:
    model = Line()
    press = after(13, lambda: signal.raise_signal(signal.SIGINT))
    history = train(model, LONG, 3, loss=press, test=LONG)
    assert (history.ended, len(history), len(history.steps["loss"])) == ("interrupted", 0, 10)
    assert model.training


def test_a_second_ctrl_c_raises_at_once_and_the_model_is_usable() -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    model = Line()
    with pytest.raises(KeyboardInterrupt):
        train(model, LONG, 3, loss=after(4, twice))
    assert model.w.item() == weights_after(3)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_users_own_stays_in_place() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        press = after(4, lambda: signal.raise_signal(signal.SIGINT))
        assert train(Line(), LONG, loss=press).ended == "done"
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == [signal.SIGINT]


def test_a_thread_that_gets_no_signals_can_train() -> None:
    found: list[History] = []
    thread = threading.Thread(
        target=lambda: found.append(train(Line(), LONG, loss=losses.mse_loss))
    )
    thread.start()
    thread.join()
    assert found[0].ended == "done"


STOPPED = """
import sys
import numpy as np
from micrograd import nn
from micrograd.training import evaluate, fit

x = np.random.default_rng(0).standard_normal((1000, 2))
data = x, x.argmax(axis=1)
model = nn.Linear(2, 2, rng=np.random.default_rng(0))

def loss(y, t):
    print("step", flush=True)
    return nn.losses.cross_entropy(y, t)

optimizer = nn.optim.SGD(model.named_parameters(), lr=0.1)
history = fit(model, data, optimizer, 100_000, loss=loss, batch_size=10, progress=False)
print("END", history.ended, len(history.steps["loss"]), evaluate(model, data)["accuracy"] > 0.5)
"""


def test_a_real_ctrl_c_ends_a_program_s_training_and_the_program_goes_on() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", STOPPED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as running:
        assert running.stdout is not None
        for _ in range(20):
            running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=300)
    ended = out.splitlines()[-1].split()
    assert running.returncode == 0
    assert (ended[:2], ended[3]) == (["END", "interrupted"], "True")
    assert int(ended[2]) >= 20
    assert f"interrupted after step {int(ended[2]):,}" in err


# --- what is no longer finite ---


class Two(Module):
    """Two parameters, of which the second goes through a square root."""

    def __init__(self) -> None:
        self.first = Tensor([1.0])
        self.second = Tensor([1.0])

    def forward(self, x: Any) -> Any:
        return self.first * x[:, 0] + (self.second * x[:, 1]).sqrt()


def test_a_loss_that_is_nan_stops_with_step_and_parameter_and_the_last_good_weights() -> None:
    model = Two()
    good = np.array([[1.0, 1.0]])
    data = [(good, np.zeros(1))] * 2 + [(-good, np.zeros(1))] + [(good, np.zeros(1))]
    seen: list[dict[str, bytes]] = []

    def loss(y: Any, t: Any) -> Any:
        seen.append(state_of(model))
        return losses.mse_loss(y, t)

    with pytest.raises(DivergenceError) as caught:
        train(model, data, 2, lr=0.01, loss=loss)
    message = str(caught.value)
    assert "at step 3 (epoch 1, batch 3), the loss is nan" in message
    assert "the first parameter that is not finite is 'first', in its gradient" in message
    assert "step 2 had a finite loss" in message
    assert "learning rate (it was 0.01)" in message
    assert len(seen) == 3
    assert state_of(model) == seen[1]
    assert not model.second.has_grad


def test_a_gradient_that_is_not_finite_stops_before_the_update() -> None:
    model = Two()
    before = state_of(model)
    each: tuple[dict[str, Any], ...] = ({}, {"clip_norm": 1.0})
    for settings in each:
        with pytest.raises(
            DivergenceError, match=r"at step 1 .*gradient is not finite; .*'second'"
        ):
            train(
                model, (np.array([[1.0, 0.0]]), np.ones(1)), **settings, loss=lambda y, t: y.sum()
            )
        assert state_of(model) == before


def test_an_update_that_leaves_the_finite_numbers_is_taken_back() -> None:
    model = Line()
    with pytest.raises(DivergenceError, match=r"the update made .*'w', in its value"):
        train(model, (column(10), column(0)), lr=1e308, loss=losses.mse_loss)
    assert model.w.item() == 1.0


def test_samples_that_hold_nan_are_named_as_the_cause_and_buffers_are_restored() -> None:
    model = small_net()
    before = state_of(model)
    x, t = sorted_pair()
    x[7, 1] = np.nan
    with pytest.raises(DivergenceError, match=r"step 1 .*samples of its batch hold nan") as caught:
        train(model, (x, t))
    assert "weights again it came with" in str(caught.value)
    assert state_of(model) == before


# --- what it refuses ---


def once() -> Iterator[Pair]:
    yield sorted_pair()


X, T = sorted_pair()


@pytest.mark.parametrize(
    ("data", "settings", "kind", "words"),
    [
        ((X, T + 1), {}, ArgumentError, r"label.* 2|2.*label"),
        ((X, T - 1), {}, ArgumentError, "-1"),
        ((X, T.astype(float)), {}, OperandError, "cross_entropy: .*integer"),
        ((X, T[:, None]), {}, ShapeError, "cross_entropy"),
        ((X, T[1:]), {}, ShapeError, r"fit: data: .*\(60, 2\).*\(59,\)"),
        ((X[:0], T[:0]), {}, ArgumentError, "fit: data: the data set is empty"),
        ((1.0, 2), {}, ShapeError, "fit: data: "),
        ([], {}, ArgumentError, "data has no batches"),
        ([X, T], {}, OperandError, r"expected a batch \(x, t\).*as a tuple"),
        (X, {}, OperandError, "fit: expected data with samples and labels, but came a ndarray"),
        (None, {}, OperandError, "came a NoneType"),
        (once(), {}, ArgumentError, "generator, which can be used up only once"),
        ((X, T), {"batch_size": 61}, ArgumentError, "batch_size=61 is more than the 60 samples"),
        ((X, T), {"batch_size": 0}, ArgumentError, "batch_size is 0"),
        ([(X, T)], {"batch_size": 5}, ArgumentError, "batch_size is for arrays"),
        ((X, T), {"epochs": 0}, ArgumentError, "epochs is 0"),
        ((X, T), {"epochs": 1.5}, OperandError, "epochs"),
        ((X, T), {"test": once()}, ArgumentError, "test is a generator"),
        ((X, T), {"test": (X, T[1:])}, ShapeError, "fit: test: "),
        ((X, T), {"test": (X[:0], T[:0])}, ArgumentError, "fit: test: the data set is empty"),
        ((X, T), {"patience": 1}, ArgumentError, "Give test="),
        ((X, T), {"patience": 0, "test": (X, T)}, ArgumentError, "patience is 0"),
        ((X, T), {"schedule_per": "step"}, ArgumentError, "'epoch' or 'batch', not 'step'"),
        ((X, T), {"schedule": 0.1}, OperandError, "expected a schedule, but came a float"),
        ((X, T), {"clip_norm": -1}, ArgumentError, "clip_norm is -1"),
        ((X, T), {"checkpoint_every": 5}, ArgumentError, "Give checkpoint="),
        ((X, T), {"loss": lambda y, t: y}, OperandError, r"a Tensor of shape \(60, 2\)"),
        ((X, T), {"loss": lambda y, t: 1.0}, OperandError, "came a float"),
        ((X, T), {"rng": 0}, OperandError, "default_rng"),
    ],
)
def test_what_cannot_be_trained_with_is_refused_in_words_and_nothing_changes(
    data: Any, settings: dict[str, Any], kind: type[MicrogradError], words: str
) -> None:
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    before = state_of(model)
    with pytest.raises(kind, match=words):
        train(model, data, **{"epochs": 1, **settings})
    assert state_of(model) == before


def test_an_error_in_a_step_says_which_one() -> None:
    good, bad = (X, T), (X, T + 1)
    with pytest.raises(ArgumentError) as caught:
        train(nn.Linear(2, 2), [good, good, bad])
    assert caught.value.__notes__ == ["This was at step 3 (epoch 1, batch 3) of fit."]


def test_the_optimizer_and_the_schedule_have_to_be_the_model_s() -> None:
    model, other = nn.Linear(2, 2), nn.Linear(2, 2)
    own, foreign = SGD(model.named_parameters()), SGD(other.named_parameters())
    with pytest.raises(ArgumentError, match="holds none of the model's 2 parameters"):
        fit(model, (X, T), foreign, 1)
    with pytest.raises(ArgumentError, match="of another optimizer"):
        fit(model, (X, T), own, 1, schedule=schedules.StepLR(foreign, 1))
    with pytest.raises(OperandError, match="expected a Module"):
        fit(lambda x: x, (X, T), own, 1)  # type: ignore[arg-type]
    with pytest.raises(OperandError, match="expected an optimizer"):
        fit(model, (X, T), 0.1, 1)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="has no parameters"):
        fit(nn.ReLU(), (X, T), own, 1)


def test_evaluate_takes_batches_and_refuses_what_has_none() -> None:
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    whole = evaluate(model, (X, T))
    parts = evaluate(model, batches(X, T, 7))
    assert parts["accuracy"] == pytest.approx(whole["accuracy"])
    assert parts["loss"] == pytest.approx(whole["loss"])
    for nothing in ([], (X[:0], T[:0])):
        with pytest.raises(ArgumentError, match="evaluate: "):
            evaluate(model, nothing)
    with pytest.raises(ShapeError, match="evaluate: "):
        evaluate(model, (X, T[1:]))
