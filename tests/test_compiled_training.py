"""Optimizers, schedules, clipping, draws and fit in compiled functions: the bits of eager ones."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import nn
from micrograd.compiler.recording.draws import draw
from micrograd.nn import optim, schedules
from micrograd.training import fit

Maker = Callable[[Any], Any]

OPTIMIZERS: dict[str, Maker] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "AdaGrad": lambda p: optim.AdaGrad(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "RMSprop, centered": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam, decay": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
}
SCHEDULES: dict[str, Maker] = {
    "step": lambda o: schedules.StepLR(o, 3),
    "exponential": lambda o: schedules.ExponentialLR(o, 0.8),
    "linear": lambda o: schedules.LinearLR(o),
    "cosine": lambda o: schedules.CosineAnnealingLR(o, 6, warmup=2),
    "one cycle": lambda o: schedules.OneCycleLR(o, 0.1, 20),
}
CLIPPINGS: dict[str, Callable[[Any], Any]] = {
    "norm": lambda p: nn.clip_grad_norm(p, 0.1),
    "value": lambda p: nn.clip_grad_value(p, 0.02),
    "largest": lambda p: nn.clip_grad_norm(p, 0.05, np.inf),
}
T = np.array([0, 1, 2, 0, 1, 2])


def bits(array: Any) -> Any:
    array = np.asarray(array)
    return array.dtype, array.shape, array.tobytes()


def leaves_of(model: Any) -> list[Any]:
    found = [(leaf.data, leaf.grad) for leaf in model.parameters()]
    return [bits(part) for pair in found for part in pair]


def state_of(*things: Any) -> list[Any]:
    return [(name, bits(part)) for one in things for name, part in one.state_dict().items()]


def batches(dtype: Any) -> list[Any]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal((6, 4)).astype(dtype) for _ in range(12)]


def network(dtype: Any) -> Any:
    kind: Any = {"rng": np.random.default_rng(0), "dtype": dtype}
    return nn.Sequential(nn.Linear(4, 5, **kind), nn.Tanh(), nn.Linear(5, 3, **kind))


def training(
    model: Any,
    optimizer: Any,
    schedule: Any = None,
    clip: Callable[[Any], Any] | None = None,
    first: bool = True,
) -> Callable[[Any], Any]:
    """Return a step of a training, with zero_grad first or last."""

    def step(x: Any) -> Any:
        if first:
            optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), T)
        loss.backward()
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        if schedule is not None:
            schedule.step()
        if not first:
            optimizer.zero_grad()
        return loss.data

    return step


def programs_of(step: Any) -> list[Any]:
    return step.programs


def hosted(step: Any) -> list[str]:
    """Return the names of what runs after the programs of a compiled function."""
    effects = [e for program in programs_of(step) for e in program._replay.recording.effects]
    return [effect.later.name for effect in effects if hasattr(effect, "later")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_walk_as_eager_ones(name: str, first: bool, dtype: Any) -> None:
    model, other = network(dtype), network(dtype)
    ours, theirs = OPTIMIZERS[name](model.parameters()), OPTIMIZERS[name](other.parameters())
    step, eager = (
        mg.compile(training(model, ours, first=first)),
        training(other, theirs, first=first),
    )
    for x in batches(dtype):
        assert bits(step(x)) == bits(eager(x))
        assert leaves_of(model) == leaves_of(other)
        assert state_of(ours) == state_of(theirs)
    assert len(programs_of(step)) == 1
    assert not hosted(step)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("clipping", [None, *CLIPPINGS])
def test_schedules_and_clippings_as_eager_ones(name: str, clipping: str | None) -> None:
    steps: list[Any] = []
    for compiled in (True, False):
        model = network(np.float32)
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        schedule = SCHEDULES[name](optimizer)
        step = training(model, optimizer, schedule, CLIPPINGS[clipping] if clipping else None)
        steps.append((mg.compile(step) if compiled else step, model, optimizer, schedule))
    (step, model, *ours), (eager, other, *theirs) = steps
    for x in batches(np.float32):
        assert bits(step(x)) == bits(eager(x))
        assert leaves_of(model) == leaves_of(other)
        assert state_of(*ours) == state_of(*theirs)
    assert len(programs_of(step)) == 1


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if "centered" not in name])
def test_values_walk_as_eager_ones(name: str) -> None:
    def made() -> tuple[Any, Any, Any]:
        leaves = [mg.Value(0.5), mg.Value(-2), mg.Value(0.25)]
        optimizer = OPTIMIZERS[name](leaves)

        def step(x: Any) -> Any:
            a, b, c = leaves
            loss = (a * x + b * a + c.tanh()) ** 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step, leaves, optimizer

    (step, ours, one), (eager, theirs, other) = made(), made()
    compiled = mg.compile(step)
    for i in range(12):
        assert repr(compiled(0.1 * i).data) == repr(eager(0.1 * i).data)
        assert [repr((v.data, v.grad)) for v in ours] == [repr((v.data, v.grad)) for v in theirs]
        assert state_of(one) == state_of(other)
    assert not hosted(compiled)


def test_a_plateau_is_given_a_traced_loss() -> None:
    def made() -> tuple[Any, Any]:
        leaf = mg.Value(2.0)
        optimizer = optim.SGD([leaf], lr=0.01)
        plateau = schedules.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)

        def step() -> Any:
            optimizer.zero_grad()
            loss = leaf * leaf
            loss.backward()
            optimizer.step()
            plateau.step(loss.data)
            return loss

        return step, optimizer

    (step, ours), (eager, theirs) = made(), made()
    compiled = mg.compile(step)
    for _ in range(6):
        assert compiled().data == eager().data
        assert ours.lr == theirs.lr
    assert ours.lr < 0.01


def test_clipping_tells_the_norm_and_takes_an_iterator() -> None:
    w = mg.Tensor([3.0, 4.0])

    @mg.compile
    def step(x: Any) -> Any:
        w.zero_grad()
        (w * x).sum().backward()
        return nn.clip_grad_norm(iter([w]), 1.0)

    for _ in range(4):
        assert step(np.array([3.0, 4.0])) == 5.0
        np.testing.assert_allclose(w.grad, [0.6, 0.8], rtol=1e-6)


def test_what_a_hosted_call_returns_is_not_computed_with() -> None:
    w = mg.Tensor([3.0, 4.0])

    def step() -> Any:
        (w * w).sum().backward()
        return 2 * nn.clip_grad_norm([w], 1.0)

    with pytest.raises(mg.CompileError, match="runs after the program"):
        mg.compile(step)()


def test_a_step_that_a_subclass_defines_runs_as_it_is() -> None:
    class Counting(optim.SGD):
        def step(self) -> None:
            self.counted: int = getattr(self, "counted", 0) + 1
            super().step()

    model = network(np.float64)
    optimizer = Counting(model.parameters(), lr=0.1)
    step = mg.compile(training(model, optimizer))
    for x in batches(np.float64)[:5]:
        step(x)
    assert (optimizer.counted, optimizer.steps) == (5, 5)
    assert len(hosted(step)) == 1


def test_settings_that_change_between_calls_are_read() -> None:
    model, other = network(np.float32), network(np.float32)
    ours, theirs = optim.Adam(model.parameters()), optim.Adam(other.parameters())
    step, eager = mg.compile(training(model, ours)), training(other, theirs)
    saved: Any = None
    for i, x in enumerate(batches(np.float32)):
        for optimizer in (ours, theirs):
            if i == 4:
                optimizer.lr = 0.05
            if i == 5:
                saved = optimizer.state_dict()
            if i == 7:
                optimizer.weight_decay = 0.1
            if i == 9:
                optimizer.load_state_dict(saved)
            if i == 10:
                optimizer.betas = (0.5, 0.75)
        step(x)
        eager(x)
        assert leaves_of(model) == leaves_of(other)
        assert state_of(ours) == state_of(theirs)
    assert len(programs_of(step)) == 2  # with a decay and without


def test_a_rate_that_is_set_inside_holds_from_then_on() -> None:
    w = mg.Value(1.0)
    optimizer = optim.SGD([w], lr=1.0)

    @mg.compile
    def step(lr: float) -> None:
        optimizer.zero_grad()
        (w * 1.0).backward()
        optimizer.lr = lr
        optimizer.step()

    for i in range(4):
        step(0.25 * 2**-i)
    assert w.data == 1 - 0.25 * (1 + 0.5 + 0.25 + 0.125)
    assert optimizer.lr == 0.25 / 8


def test_a_gradient_that_is_not_finite_stops_the_step() -> None:
    model = network(np.float64)
    optimizer = optim.Adam(model.parameters())
    step = mg.compile(training(model, optimizer))
    x = batches(np.float64)[0]
    for _ in range(3):
        step(x)
    before = [bits(p.data) for p in model.parameters()], state_of(optimizer)
    with pytest.raises(mg.DivergenceError, match=r"Adam\.step: at step 4"):
        step(np.full_like(x, np.nan))
    assert ([bits(p.data) for p in model.parameters()], state_of(optimizer)) == before
    step(x)
    assert optimizer.steps == 4


def test_large_parameters_are_updated_block_by_block_after_the_program() -> None:
    def made() -> tuple[Any, Any, Any]:
        w = mg.Tensor(np.linspace(-1, 1, 70_000).reshape(700, 100))
        optimizer = optim.Adam([w])

        def step(x: Any) -> None:
            optimizer.zero_grad()
            (w * w * x).sum().backward()
            optimizer.step()

        return step, w, optimizer

    (step, ours, _), (eager, theirs, _) = made(), made()
    compiled = mg.compile(step)
    for i in range(4):
        compiled(float(i))
        eager(float(i))
        assert bits(ours.data) == bits(theirs.data)
    assert hosted(compiled) == ["Optimizer.step"]


def test_a_parameter_with_fewer_updates_is_another_case() -> None:
    def made() -> tuple[Any, Any, Any]:
        v, w = mg.Tensor([1.0, 2.0]), mg.Tensor([3.0])
        optimizer = optim.Adam([v, w], lr=0.1)

        def step(both: bool) -> None:
            optimizer.zero_grad()
            loss = (v * v).sum() + (w * w).sum() if both else (v * v).sum()
            loss.backward()
            optimizer.step()

        return step, [v, w], optimizer

    (step, ours, one), (eager, theirs, other) = made(), made()
    compiled = mg.compile(step)
    for both in (True, True, True, False, False, False, True, True, True):
        compiled(both)
        eager(both)
        assert [bits(p.data) for p in ours] == [bits(p.data) for p in theirs]
        assert state_of(one) == state_of(other)


def test_checks_compare_with_a_step_that_is_not_taken_twice() -> None:
    model, other = network(np.float32), network(np.float32)
    ours, theirs = optim.Adam(model.parameters()), optim.Adam(other.parameters())
    step, eager = mg.compile(training(model, ours), checks=True), training(other, theirs)
    for x in batches(np.float32):
        assert bits(step(x)) == bits(eager(x))
        assert leaves_of(model) == leaves_of(other)
        assert state_of(ours) == state_of(theirs)


@pytest.mark.parametrize(
    "body",
    [
        lambda w: (np.sqrt(w.data), 0),
        lambda w: (np.sqrt(w.data), w.data * 1.0),  # what is stored comes out, too
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_what_is_written_at_once_is_not_read_as_it_was(body: Any, reads: bool) -> None:
    def made() -> tuple[Any, list[Any]]:
        v, w = mg.Tensor([7.0, 9.0]), mg.Tensor([1.0, 2.0])

        def f() -> Any:
            old = w.data * 1.0 if reads else np.full(2, 3.0)
            v.data -= w.data  # of what was there before
            w.data *= 1.5
            return *body(w), old + np.sqrt(w.data), w.data * old

        return f, [v, w]

    (f, ours), (eager, theirs) = made(), made()
    compiled = mg.compile(f)
    found = [(compiled(), eager()) for _ in range(5)]
    assert [repr(one) for one, _ in found] == [repr(other) for _, other in found]
    assert [bits(leaf.data) for leaf in ours] == [bits(leaf.data) for leaf in theirs]


def test_nothing_is_written_where_a_check_fails_later() -> None:
    w = mg.Tensor([1.0, 2.0])

    @mg.compile
    def f(limit: float) -> Any:
        w.data *= 2.0
        total = np.sqrt(w.data).sum()
        return total * 2 if total < limit else total

    for limit in (1e9, 1e9, 1e9, 0.0):
        f(limit)
    assert w.data.tolist() == [16.0, 32.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_an_optimizer_has_a_state_of_its_own(copied: Callable[[Any], Any]) -> None:
    x = batches(np.float32)
    model = network(np.float32)
    optimizer = optim.Adam(model.parameters())
    step = mg.compile(training(model, optimizer))
    for one in x[:3]:
        step(one)
    other, theirs = copied((model, optimizer))
    before = state_of(optimizer)
    again = mg.compile(training(other, theirs))
    for one in x[3:7]:
        again(one)
    assert state_of(optimizer) == before
    for one in x[3:7]:
        step(one)
    assert state_of(optimizer) == state_of(theirs)
    assert leaves_of(model) == leaves_of(other)


def test_programs_with_an_optimizer_are_not_stored() -> None:
    model = network(np.float32)
    program = mg.compile(training(model, optim.Adam(model.parameters()))).program(
        batches(np.float32)[0]
    )
    assert "adam_steps" in program.writes
    with pytest.raises(mg.CompileError, match="Adam"):
        program.alone()


# Draws


def dropping(p: float = 0.5) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    kind: Any = {"rng": rng, "dtype": np.float32}
    parts = [nn.Linear(4, 5, **kind), nn.BatchNorm1d(5, dtype=np.float32), nn.ReLU()]
    model = nn.Sequential(*parts, nn.Dropout(p, rng=rng), nn.Linear(5, 3, **kind))
    return model, optim.Adam(model.parameters()), rng


def test_dropout_and_batch_norm_as_eager_ones() -> None:
    (model, ours, rng), (other, theirs, same) = dropping(), dropping()
    step, eager = mg.compile(training(model, ours)), training(other, theirs)
    for i, x in enumerate(batches(np.float32)):
        if i == 6:
            step.program(x)  # records without drawing
        assert bits(step(x)) == bits(eager(x))
        assert rng.bit_generator.state == same.bit_generator.state
        assert state_of(model) == state_of(other)
    model.eval()
    other.eval()
    x = batches(np.float32)[0]
    assert bits(step(x)) == bits(eager(x))
    assert rng.bit_generator.state == same.bit_generator.state


@pytest.mark.parametrize(
    "body",
    [
        lambda x, rng: x * rng.random(),
        lambda x, rng: x + rng.normal(0, 1),
        lambda x, rng: x + rng.integers(0, 5, size=3),
        lambda x, rng: x * rng.standard_normal((2, 3)),
        lambda x, rng: rng.normal(x, 0.5),
        lambda x, rng: rng.permutation(x),
        lambda x, rng: x[rng.permutation(3)],
        lambda x, rng: rng.choice(x, 2),
        lambda x, rng: (rng.random(2), x * rng.uniform(-1, 1, 3)),
        lambda x, rng: (rng.random(5), x)[1],
        lambda x, rng: x * rng.exponential(size=3).astype(np.float32),
    ],
)
def test_draws_are_the_eager_ones(body: Callable[[Any, Any], Any]) -> None:
    rng, same, given = (np.random.default_rng(5) for _ in range(3))
    named = mg.compile(lambda x: body(x, rng))
    argument = mg.compile(body)
    for i in range(6):
        x = np.array([1.0, 2.0, 3.0]) * i
        expected = body(x, same)
        for found in (named(x), argument(x, given)):
            assert repr(found) == repr(expected)
        assert rng.bit_generator.state == same.bit_generator.state


def test_a_draw_that_nothing_needs_is_made() -> None:
    rng, same = np.random.default_rng(5), np.random.default_rng(5)

    @mg.compile
    def f(x: float) -> Any:
        rng.random(3)
        return x * x

    for _ in range(4):
        f(2.0)
        same.random(3)
    assert rng.bit_generator.state == same.bit_generator.state


def test_what_fails_after_a_draw_gives_the_state_back() -> None:
    rng, same = np.random.default_rng(5), np.random.default_rng(5)

    def f(x: float, rng: Any) -> Any:
        drawn = rng.random()
        return drawn + x if x > 0 else drawn - x

    compiled = mg.compile(f)
    for x in (1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0):
        assert compiled(x, rng) == f(x, same)
    assert len(programs_of(compiled)) == 2

    def broken(x: float) -> Any:
        rng.random()
        return float(mg.Value(x) * 1.0)

    state = rng.bit_generator.state
    with pytest.raises(mg.OperandError, match="float"):
        mg.compile(broken)(1.0)
    assert rng.bit_generator.state == state


def test_a_draw_from_an_attribute_by_name() -> None:
    class Noise(nn.Module):
        def __init__(self) -> None:
            self.rng = np.random.default_rng(3)

        def forward(self, x: Any) -> Any:
            return x + draw(self.rng, "standard_normal", x.shape)

    noise, same = Noise(), np.random.default_rng(3)
    f = mg.compile(lambda x: noise(mg.Tensor(x)).data)
    for _ in range(4):
        assert bits(f(np.ones(3))) == bits(1 + same.standard_normal(3))


class Holder:
    rng = np.random.default_rng(2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda x: x * random.random(), "Python's random"),
        (lambda x: x * np.random.rand(), "np.random"),
        (lambda x: x * Holder.rng.random(), "Holder.rng"),
    ],
)
def test_other_draws_are_refused(body: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(mg.CompileError, match=words):
        mg.compile(body)(1.0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda x, rng: rng.shuffle(x), "permutation"),
        (lambda x, rng: rng.bytes(3), "integers"),
        (lambda x, rng: rng.random(out=np.zeros(3)), "out="),
    ],
)
def test_draws_that_write_are_refused(body: Callable[[Any, Any], Any], words: str) -> None:
    with pytest.raises(mg.CompileError, match=words):
        mg.compile(body)(np.ones(3), np.random.default_rng(0))


def test_a_program_writes_draws_as_one_would() -> None:
    rng = np.random.default_rng(0)
    program = mg.compile(lambda x: x * rng.random(3)).program(np.ones(3))
    assert "rng.random(3)" in str(program)


# fit


@pytest.mark.parametrize("clip", [None, 0.5])
def test_fit_compiles_to_the_same_history(clip: float | None) -> None:
    data = np.random.default_rng(4)
    x = data.standard_normal((50, 4)).astype(np.float32)
    t = data.integers(0, 3, 50)
    found: list[Any] = []
    for compiled in (True, {"checks": True}, False):
        model, optimizer, rng = dropping()
        history = fit(
            model,
            (x, t),
            optimizer,
            2,
            test=(x[:20], t[:20]),
            batch_size=8,  # the last batch of an epoch has 2
            schedule=schedules.CosineAnnealingLR(optimizer, 20),
            schedule_per="batch",
            clip_norm=clip,
            rng=rng,
            progress=False,
            compile=compiled,
        )
        history.epochs.pop("seconds")
        found.append((history.steps, history.epochs, state_of(model, optimizer)))
    assert found[0] == found[2]
    assert found[1] == found[2]


def test_fit_compiled_stops_where_a_loss_is_not_finite() -> None:
    model, optimizer, rng = dropping()
    x = np.ones((20, 4), np.float32) * np.arange(20, dtype=np.float32)[:, None]
    x[17] = np.nan
    before: list[Any] = []
    for compiled in (True, False):
        model, optimizer, rng = dropping()
        with pytest.raises(mg.DivergenceError, match="samples of its batch hold nan"):
            fit(
                model, (x, np.arange(20) % 3), optimizer, 1, batch_size=4, rng=rng,
                progress=False, compile=compiled,
            )  # fmt: skip
        before.append(state_of(model))
    assert before[0] == before[1]
