"""Optimizers: worked out by hand, then beside PyTorch's, then in place, saved and refused."""

from __future__ import annotations

import io
import math
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from micrograd import (
    ArgumentError,
    DivergenceError,
    GradientError,
    MicrogradError,
    OperandError,
    StaleGraphError,
    Tensor,
    Value,
    nn,
)
from micrograd.nn.optim import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSprop

Array = np.ndarray[Any, Any]
Settings = dict[str, Any]

both_kinds = pytest.mark.parametrize("kind", [Value, Tensor])
OPTIMIZERS: list[Callable[..., Optimizer]] = [
    SGD,
    partial(SGD, momentum=0.9),
    AdaGrad,
    RMSprop,
    partial(RMSprop, centered=True, momentum=0.5),
    Adam,
    AdamW,
]
NAMES = ["SGD", "SGD with momentum", "AdaGrad", "RMSprop", "RMSprop with all", "Adam", "AdamW"]
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS, ids=NAMES)


def take_steps(optimizer: Optimizer, parameter: Any, gradients: Sequence[Any]) -> None:
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()


# --- by hand ---

ROOT7 = math.sqrt(7)
HAND_WORKED: list[tuple[type[Optimizer], Settings, list[float], list[float]]] = [
    # from 10, with these gradients, to these numbers
    (SGD, {"lr": 0.5}, [2, -4], [9, 11]),
    (SGD, {"lr": 1, "momentum": 0.5}, [2, 4], [8, 3]),
    (SGD, {"lr": 1, "momentum": 0.5, "nesterov": True}, [2, 4], [7, 0.5]),
    (SGD, {"lr": 1, "weight_decay": 0.5}, [2, 0], [3, 1.5]),
    (SGD, {"lr": 1, "weight_decay": 0.5, "momentum": 0.5}, [2, 0], [3, -2]),
    (AdaGrad, {"lr": 2, "eps": 0}, [3, 4], [8, 6.4]),
    (AdaGrad, {"lr": 2, "eps": 1}, [3, 4], [8.5, 8.5 - 8 / 6]),
    (AdaGrad, {"lr": 2, "eps": 0, "weight_decay": 0.5}, [-2, 0], [8, 6.4]),
    (RMSprop, {"lr": 1, "eps": 0, "alpha": 0.75}, [4, 2], [8, 7]),
    (RMSprop, {"lr": 1, "eps": 2, "alpha": 0.75}, [4, 2], [9, 8.5]),
    (RMSprop, {"lr": 1, "eps": 0, "alpha": 0.75, "momentum": 0.5}, [4, 2], [8, 6]),
    (RMSprop, {"lr": 1, "eps": 0, "alpha": 0.5, "centered": True}, [4, 3], [8, 6]),
    (RMSprop, {"lr": 1, "eps": 0, "alpha": 0.75, "weight_decay": 0.5}, [-1, -2], [8, 7]),
    (Adam, {"lr": 1, "eps": 0, "betas": (0.5, 0.75)}, [4, 2], [9, 9 - ROOT7 / 3]),
    (Adam, {"lr": 1, "eps": 4, "betas": (0.5, 0.75)}, [4, 2], [9.5, 9.5 - 8 / 3 / (8 / ROOT7 + 4)]),
    (
        Adam,
        {"lr": 1, "eps": 0, "betas": (0.5, 0.75), "weight_decay": 0.5},
        [-1, -2.5],
        [9, 9 - ROOT7 / 3],
    ),
    (
        AdamW,
        {"lr": 1, "eps": 0, "betas": (0.5, 0.75), "weight_decay": 0},
        [4, 2],
        [9, 9 - ROOT7 / 3],
    ),
    (
        AdamW,
        {"lr": 0.5, "eps": 0, "betas": (0.5, 0.75), "weight_decay": 1},
        [4, 2],
        [4.5, 2.25 - ROOT7 / 6],
    ),
]


@both_kinds
@pytest.mark.parametrize(("optimizer", "settings", "gradients", "numbers"), HAND_WORKED)
def test_the_first_steps_are_those_worked_out_by_hand(
    kind: Any,
    optimizer: Callable[..., Optimizer],
    settings: Settings,
    gradients: list[float],
    numbers: list[float],
) -> None:
    p = kind(10.0)
    made = optimizer([p], **settings)
    for gradient, number in zip(gradients, numbers, strict=True):
        take_steps(made, p, [gradient])
        assert p.item() == pytest.approx(number, rel=1e-14)


def test_a_new_rate_holds_from_the_next_step_on_and_momentum_is_not_scaled_by_it() -> None:
    p = Tensor([10.0])
    optimizer = SGD([p], lr=1.0, momentum=0.5)
    take_steps(optimizer, p, [[2.0]])
    optimizer.lr = 2
    take_steps(optimizer, p, [[4.0]])
    assert p.data.tolist() == [8.0 - 2 * 5]


def test_equal_gradients_do_not_make_a_centered_rmsprop_nan() -> None:
    # h - mean² is 0 then but for rounding, and came out below it
    gradients = np.random.default_rng(0).standard_normal(100)
    p = Tensor(np.zeros(100))
    optimizer = RMSprop([p], lr=1e-9, alpha=0.9, centered=True)
    take_steps(optimizer, p, [gradients] * 500)
    assert np.isfinite(p.data).all()


# --- beside PyTorch's ---

CASES: list[tuple[str, Settings]] = [
    *[(name, {}) for name in ("SGD", "AdaGrad", "RMSprop", "Adam", "AdamW")],
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    ("AdaGrad", {"lr": 0.1}),
    ("AdaGrad", {"lr": 0.1, "eps": 1e-2}),
    ("AdaGrad", {"lr": 0.1, "eps": 1e-7, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9}),
    ("RMSprop", {"lr": 0.01, "eps": 1e-2}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "weight_decay": 0.1}),
    (
        "RMSprop",
        {
            "lr": 0.01,
            "alpha": 0.8,
            "eps": 1e-3,
            "momentum": 0.5,
            "centered": True,
            "weight_decay": 0.1,
        },
    ),
    *[
        (name, {"lr": 0.05} | settings)
        for name in ("Adam", "AdamW")
        for settings in (
            {"betas": (0.8, 0.95)},
            {"betas": (0.0, 0.0)},
            {"eps": 1e-2},
            {"weight_decay": 0.1},
            {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.2},
        )
    ],
]
OURS: dict[str, Callable[..., Optimizer]] = {
    "SGD": SGD,
    "AdaGrad": AdaGrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
    "AdamW": AdamW,
}
each_case = pytest.mark.parametrize(("name", "settings"), CASES, ids=str)

_rng = np.random.default_rng(0)
X, T = _rng.standard_normal((6, 2)), _rng.standard_normal((6, 1))
START: dict[str, list[Array]] = {
    "rosenbrock": [np.array([-1.2, 1.0])],
    "network": [_rng.standard_normal(shape) for shape in ((2, 3), (3,), (3, 1), (1,))],
}


def rosenbrock(x: Any, y: Any) -> Any:
    """Return his function, so scaled that one learning rate suits all optimizers."""
    return ((1 - x) ** 2 + 100 * (y - x * x) ** 2) / 1000


def loss_of_arrays(problem: str, constant: Callable[[Array], Any], p: Sequence[Any]) -> Any:
    """Return the loss of a problem, from Tensors or from PyTorch's."""
    if problem == "rosenbrock":
        return rosenbrock(p[0][0], p[0][1])
    W, b, V, c = p
    return (((constant(X) @ W + b).tanh() @ V + c - constant(T)) ** 2).mean()


def loss_of_numbers(problem: str, p: Sequence[Any]) -> Any:
    """Return the same loss from Values, of which there is one for each element."""
    if problem == "rosenbrock":
        return rosenbrock(*p)
    W, b, V, c = p[:6], p[6:9], p[9:12], p[12]
    errors = [
        sum(((x[0] * W[j] + x[1] * W[3 + j] + b[j]).tanh() * V[j] for j in range(3)), c) - t[0]
        for x, t in zip(X.tolist(), T.tolist(), strict=True)
    ]
    return sum(error * error for error in errors) / len(errors)


def walk(
    optimizer: Any, loss: Callable[[], Any], place: Callable[[], Array], halve: Callable[[], None]
) -> Array:
    """Return where 100 steps lead, one row for each; the rate is halved on the way."""
    places: list[Array] = []
    for step in range(100):
        if step == 50:
            halve()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        places.append(place())
    return np.array(places)


def our_walk(optimizer: Optimizer, loss: Callable[[], Any], leaves: Sequence[Any]) -> Array:
    def halve() -> None:
        optimizer.lr /= 2

    def place() -> Array:
        return np.concatenate([np.ravel(leaf.data) for leaf in leaves])

    return walk(optimizer, loss, place, halve)


_walks: dict[Any, Array] = {}


def torch_walk(torch: Any, name: str, settings: Settings, problem: str) -> Array:
    key = (name, repr(settings), problem)
    if key not in _walks:
        p = [torch.tensor(array, requires_grad=True) for array in START[problem]]
        optimizer = torch_optimizer(torch, name, p, settings)

        def halve() -> None:
            optimizer.param_groups[0]["lr"] /= 2

        def place() -> Array:
            return np.concatenate([leaf.detach().numpy().ravel() for leaf in p])

        _walks[key] = walk(
            optimizer, lambda: loss_of_arrays(problem, torch.tensor, p), place, halve
        )
    return _walks[key]


def torch_optimizer(torch: Any, name: str, parameters: Any, settings: Settings) -> Any:
    kind = getattr(torch.optim, {"AdaGrad": "Adagrad"}.get(name, name))
    return kind(parameters, **settings)


def assert_same_walk(ours: Array, theirs: Array, start: Sequence[Array]) -> None:
    moved = np.abs(theirs[-1] - np.concatenate([array.ravel() for array in start]))
    assert moved.max() > 1e-4
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("problem", START)
@each_case
def test_a_hundred_steps_on_tensors_are_pytorchs(
    torch: Any, name: str, settings: Settings, problem: str
) -> None:
    leaves = [Tensor(array) for array in START[problem]]
    ours = our_walk(
        OURS[name](leaves, **settings), lambda: loss_of_arrays(problem, np.asarray, leaves), leaves
    )
    assert_same_walk(ours, torch_walk(torch, name, settings, problem), START[problem])


@pytest.mark.slow
@pytest.mark.parametrize("problem", START)
@each_case
def test_a_hundred_steps_on_values_are_pytorchs(
    torch: Any, name: str, settings: Settings, problem: str
) -> None:
    numbers = np.concatenate([array.ravel() for array in START[problem]])
    leaves = [Value(number) for number in numbers.tolist()]
    ours = our_walk(
        OURS[name](leaves, **settings), lambda: loss_of_numbers(problem, leaves), leaves
    )
    assert_same_walk(ours, torch_walk(torch, name, settings, problem), START[problem])


@pytest.mark.parametrize("name", OURS)
def test_a_parameter_that_gets_gradients_now_and_then_walks_as_in_pytorch(
    torch: Any, name: str
) -> None:
    start = [np.array([1.0, 2.0]), np.array([3.0])]
    leaves, theirs = [Tensor(a) for a in start], [torch.tensor(a) for a in start]
    optimizer = OURS[name](leaves, lr=0.1, weight_decay=0.1)
    judge = torch_optimizer(torch, name, theirs, {"lr": 0.1, "weight_decay": 0.1})
    rng = np.random.default_rng(0)
    for step in range(20):
        for i, (ours, other) in enumerate(zip(leaves, theirs, strict=True)):
            gradient = rng.standard_normal(ours.shape)
            absent = i == 1 and step % 3 != 1
            ours.grad = None if absent else gradient
            other.grad = None if absent else torch.tensor(gradient)
        optimizer.step()
        judge.step()
    for ours, other in zip(leaves, theirs, strict=True):
        np.testing.assert_allclose(ours.data, other.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_float32_stays_float32_and_walks_as_in_pytorch(torch: Any, name: str) -> None:
    start = np.array([1.0, -2.0, 0.5], np.float32)
    p, theirs = Tensor(start), torch.tensor(start)
    optimizer = OURS[name]([p], lr=0.1, weight_decay=0.1)
    judge = torch_optimizer(torch, name, [theirs], {"lr": 0.1, "weight_decay": 0.1})
    rng = np.random.default_rng(0)
    for _ in range(20):
        gradient = rng.standard_normal(3).astype(np.float32)
        p.grad, theirs.grad = gradient, torch.tensor(gradient)
        optimizer.step()
        judge.step()
    state = optimizer.state_dict()
    assert {array.dtype for array in state.values() if array.shape} <= {np.dtype(np.float32)}
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.data, theirs.numpy(), rtol=1e-5)


# --- in place ---


@each_optimizer
def test_an_update_writes_into_the_parameters_own_array(make: Any) -> None:
    p = Tensor([1.0, 2.0])
    array, gradient = p.data, np.array([1.0, -1.0])
    optimizer = make([p], lr=0.1)
    take_steps(optimizer, p, [gradient] * 3)
    assert p.data is array
    assert (array != [1.0, 2.0]).all()
    assert p.grad.tolist() == gradient.tolist() == [1.0, -1.0]


@both_kinds
@each_optimizer
def test_a_graph_that_was_recorded_before_refuses_backward(make: Any, kind: Any) -> None:
    p = kind(3.0)
    y = p * p
    y.backward()
    make([p], lr=0.1).step()
    with pytest.raises(StaleGraphError, match="was assigned to after"):
        y.backward()
    p.zero_grad()
    (p * p).backward()
    assert p.grad == 2 * p.data


def test_what_an_interrupted_update_wrote_is_noticed_too() -> None:
    class Interrupted(Optimizer):
        def _update(self, p: Array, g: Array, kept: Any, scratch: Any, step: int) -> None:
            p += 1
            raise KeyboardInterrupt

    x = Tensor([1.0])
    y = (x * x).sum()
    y.backward()
    with pytest.raises(KeyboardInterrupt):
        Interrupted([x], 0.1, 0.0, True).step()
    with pytest.raises(StaleGraphError):
        y.backward()


@pytest.mark.parametrize(
    "shape", [(), (0, 3), (40_000,), (70, 1_000), (2, 40_000), (3, 2, 10_000), (65_537, 1)]
)
@each_optimizer
def test_a_parameter_of_any_size_moves_as_its_elements_do(
    make: Any, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(shape), rng.standard_normal((2, *shape))
    whole = Tensor(start)
    chosen = np.unique(np.linspace(0, max(start.size - 1, 0), 50, dtype=int))[: start.size]
    few = Tensor(start.ravel()[chosen])
    for p, grads in ((whole, gradients), (few, gradients.reshape(2, -1)[:, chosen])):
        take_steps(make([p], lr=0.1, weight_decay=0.1), p, list(grads))
    assert whole.shape == shape
    np.testing.assert_array_equal(whole.data.ravel()[chosen], few.data)
    assert (whole.data != start).all()


@each_optimizer
def test_a_step_makes_no_new_arrays(make: Any) -> None:
    parameters = [Tensor(np.ones((300, 500))), Tensor(np.ones(500))]  # 1.2 MB
    optimizer = make(parameters, lr=0.1, weight_decay=0.1)
    for p in parameters:
        p.grad = np.ones(p.shape)
    optimizer.step()  # makes the state
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        optimizer.step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 20_000
    assert after - before < 5_000


@both_kinds
@each_optimizer
def test_parameters_without_gradients_are_left_alone(make: Any, kind: Any) -> None:
    p, q = kind(1.0), kind(2.0)
    optimizer = make({"p": p, "q": q}, lr=0.1, weight_decay=0.1)
    recorded = q * q
    take_steps(optimizer, p, [1.0, 1.0])
    assert p.data != 1.0
    assert q.data == 2.0
    assert not any(name.endswith(".q") for name in optimizer.state_dict())
    recorded.backward()  # q was not written to
    assert q.grad == 4.0


def test_zero_grad_forgets_the_gradients_of_all_parameters() -> None:
    x, y = Tensor([1.0]), Value(1.0)
    x.grad, y.grad = [1.0], 1.0
    optimizer = SGD([x, y], lr=1.0)
    optimizer.zero_grad()
    optimizer.step()
    assert not x.has_grad
    assert not y.has_grad
    assert (x.data, y.data) == (1.0, 1.0)


def test_an_overflow_is_an_answer_and_no_warning() -> None:
    x, y = Tensor([1e308]), Value(1e308)
    x.grad, y.grad = [-1e308], -1e308
    SGD([x, y], lr=10.0).step()
    assert (x.data, y.data) == (math.inf, math.inf)


def test_a_value_that_holds_an_int_becomes_a_float() -> None:
    x = Value(3)
    (x * x).backward()
    Adam([x], lr=0.5).step()
    assert x.data == pytest.approx(2.5)


# --- its state ---


def twins() -> tuple[list[Any], list[Any]]:
    first, second = ([Tensor([[1.0, 2.0]]), Value(3.0), Tensor(4.0)] for _ in range(2))
    return first, second


def train(optimizer: Optimizer, leaves: list[Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(10):
        for leaf in leaves:
            shape = leaf.shape if isinstance(leaf, Tensor) else None
            leaf.grad = rng.standard_normal(shape)
        optimizer.step()
        optimizer.lr *= 0.9


@each_optimizer
def test_a_state_goes_on_bit_for_bit_also_through_a_file(make: Any) -> None:
    leaves, copies = twins()
    optimizer = make(leaves, lr=0.1)
    train(optimizer, leaves, 1)
    file = io.BytesIO()
    state: dict[str, Any] = optimizer.state_dict()
    np.savez(file, **state)
    for leaf, copy in zip(leaves, copies, strict=True):
        copy.data = leaf.data
    again = make(copies, lr=0.7)
    file.seek(0)
    with np.load(file) as loaded:
        again.load_state_dict(loaded)
    for which, its in ((optimizer, leaves), (again, copies)):
        train(which, its, 2)
    for leaf, copy in zip(leaves, copies, strict=True):
        np.testing.assert_array_equal(leaf.data, copy.data)
    assert again.lr == optimizer.lr
    assert again.steps == optimizer.steps == 20


@each_optimizer
def test_a_state_is_a_copy_both_ways(make: Any) -> None:
    leaves, copies = twins()
    optimizer = make(leaves, lr=0.1)
    train(optimizer, leaves, 1)
    state = optimizer.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    again = make(copies, lr=0.1)
    again.load_state_dict(state)
    for which, its in ((optimizer, leaves), (again, copies)):
        train(which, its, 2)
    assert_same_state(state, kept)


@each_optimizer
def test_the_state_of_a_fresh_optimizer_makes_another_fresh(make: Any) -> None:
    leaves, _ = twins()
    optimizer = make(leaves, lr=0.1)
    fresh = optimizer.state_dict()
    assert fresh.keys() == {"step", "lr"}
    train(optimizer, leaves, 1)
    optimizer.load_state_dict(fresh)
    assert_same_state(optimizer.state_dict(), fresh)


def assert_same_state(a: dict[str, Array], b: dict[str, Array]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_a_state_that_does_not_fit_is_refused_with_every_fault_and_changes_nothing() -> None:
    leaves, _ = twins()
    optimizer = Adam(dict(zip("abc", leaves, strict=True)), lr=0.1)
    train(optimizer, leaves, 1)
    before = optimizer.state_dict()
    state: dict[str, Any] = dict(optimizer.state_dict())
    del state["lr"], state["exp_avg.b"]
    state["exp_avg.z"] = np.zeros(1)
    state["exp_avg.a"] = np.zeros((2, 1))
    state["exp_avg_sq.a"] = np.array([["x", "y"]])
    state["step.b"] = np.array(1.5)
    state["step.c"] = np.array(-1)
    state["step"] = np.array(99)
    with pytest.raises(ArgumentError, match=r"^Adam\.load_state_dict") as caught:
        optimizer.load_state_dict(state)
    lines = [line[2:] for line in str(caught.value).splitlines() if line.startswith("  ")]
    assert sorted(lines) == [
        "exp_avg.a: expected shape (1, 2), but came (2, 1)",
        "exp_avg_sq.a: came dtype <U1",
        "missing: exp_avg.b",
        "missing: lr",
        "step.b: came dtype float64",
        "step.c: came -1",
        "unexpected: exp_avg.z",
    ]
    assert_same_state(optimizer.state_dict(), before)


@pytest.mark.parametrize("lr", [-1.0, math.nan, math.inf])
def test_a_state_with_an_impossible_rate_changes_nothing(lr: float) -> None:
    p = Tensor([1.0])
    optimizer = SGD([p], lr=0.5, momentum=0.9)
    take_steps(optimizer, p, [[1.0]])
    before = optimizer.state_dict()
    with pytest.raises(ArgumentError, match="lr is"):
        optimizer.load_state_dict({**before, "lr": np.array(lr), "step": np.array(7)})
    assert_same_state(optimizer.state_dict(), before)


def test_a_state_of_another_optimizer_or_of_no_kind_is_refused() -> None:
    p = Tensor([1.0])
    adam, sgd = Adam([p]), SGD([p], momentum=0.9)
    take_steps(adam, p, [[1.0]])
    with pytest.raises(ArgumentError, match=r"missing: momentum\.0\n(.|\n)*unexpected: exp_avg\.0"):
        sgd.load_state_dict(adam.state_dict())
    for bad in (None, 3, [("lr", 0.1)]):
        with pytest.raises(OperandError, match=r"SGD\.load_state_dict: expected a dict of arrays"):
            sgd.load_state_dict(bad)  # type: ignore[arg-type]


# --- refused ---


@both_kinds
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@each_optimizer
def test_a_gradient_that_is_not_finite_is_refused_before_anything_changes(
    make: Any, bad: float, kind: Any
) -> None:
    p, q = kind(1.0), kind(2.0)
    optimizer = make({"first": p, "layers.0.W": q}, lr=0.1)
    p.grad, q.grad = 1.0, 1.0
    optimizer.step()
    before, places = optimizer.state_dict(), (p.item(), q.item())
    q.grad = bad
    name = type(optimizer).__name__
    with pytest.raises(
        DivergenceError, match=rf"{name}\.step: at step 2: the gradient of 'layers\.0\.W' "
    ):
        optimizer.step()
    assert (p.item(), q.item()) == places
    assert_same_state(optimizer.state_dict(), before)


def test_the_message_counts_what_is_not_finite() -> None:
    p = Tensor(np.zeros((2, 3)), label="W")
    p.grad = [[1, math.nan, math.inf], [math.nan, 2, 3]]
    words = "'0' (Tensor 'W' of shape (2, 3)) has 2 nan and 1 inf among its 6 elements"
    with pytest.raises(DivergenceError) as caught:
        SGD([p]).step()
    assert words in str(caught.value)


def test_gradients_whose_squares_overflow_are_finite() -> None:
    p = Tensor([1.0, 1.0])
    take_steps(SGD([p], lr=1e-200), p, [[1e200, -1e200]])
    assert p.data.tolist() == [0.0, 2.0]


def test_nan_passes_if_that_is_asked_for() -> None:
    p = Tensor([1.0, 1.0])
    take_steps(SGD([p], lr=1.0, error_if_nonfinite=False), p, [[math.nan, 1.0]])
    np.testing.assert_array_equal(p.data, [math.nan, 0.0])


@both_kinds
def test_a_gradient_with_a_graph_of_its_own_is_refused(kind: Any) -> None:
    p, q = kind(1.0), kind(3.0)
    optimizer = SGD([p, q], lr=0.1)
    p.grad = 1.0
    (q * q).backward(create_graph=True)
    with pytest.raises(
        GradientError, match=r"SGD\.step: the gradient of '1' \(.*create_graph=True"
    ):
        optimizer.step()
    assert (p.data, q.data) == (1.0, 3.0)


X1 = Tensor([1.0], label="x")
BAD_PARAMETERS: list[tuple[Any, type[MicrogradError], str]] = [
    ([], ArgumentError, "came no parameters"),
    (iter(()), ArgumentError, "came no parameters"),
    ({}, ArgumentError, "came no parameters"),
    (X1, OperandError, r"came a Tensor\. Give \[p\] for one"),
    (nn.Linear(2, 1), OperandError, r"came a Linear\. Give model\.parameters\(\)"),
    (None, OperandError, "came a NoneType"),
    ([np.ones(2)], OperandError, "parameter '0' is a ndarray"),
    ([X1, 1.0], OperandError, "parameter '1' is a float"),
    ([X1, X1], ArgumentError, "Tensor 'x' of shape .* came twice, as '0' and as '1'"),
    ([("a", X1), ("b", X1)], ArgumentError, "as 'a' and as 'b'"),
    ([("a", X1), ("a", Tensor([1.0]))], ArgumentError, "two parameters are called 'a'"),
    ([X1 * 2], ArgumentError, "was computed and is no leaf"),
    ([Tensor([1.0], requires_grad=False)], ArgumentError, "is a constant"),
    ([Tensor([1])], ArgumentError, "is a constant"),
    ([Value(1.0, requires_grad=False)], ArgumentError, "is a constant"),
]


@pytest.mark.parametrize(("parameters", "error", "words"), BAD_PARAMETERS)
def test_parameters_that_cannot_be_trained_are_refused(
    parameters: Any, error: type[MicrogradError], words: str
) -> None:
    with pytest.raises(error, match=f"^AdamW: .*{words}"):
        AdamW(parameters)


def test_parameters_come_alone_or_with_names_in_any_container() -> None:
    model = nn.Linear(2, 1)

    def generated() -> Iterator[Any]:
        yield from model.parameters()

    named = dict(model.named_parameters())
    for parameters, names in (
        (model.parameters(), ["0", "1"]),
        (generated(), ["0", "1"]),
        (tuple(model.parameters()), ["0", "1"]),
        (model.named_parameters(), list(named)),
        (named, list(named)),
    ):
        optimizer = SGD(parameters, momentum=0.9)
        for p in model.parameters():
            p.grad = np.ones(p.shape)
        optimizer.step()
        assert set(optimizer.state_dict()) == {"step", "lr"} | {
            f"{slot}.{name}" for slot in ("step", "momentum") for name in names
        }


BAD_SETTINGS: list[tuple[Callable[..., Optimizer], Settings, type[MicrogradError], str]] = [
    *[
        (make, {"lr": lr}, ArgumentError, "lr is")
        for make in OURS.values()
        for lr in (-0.1, math.nan, math.inf)
    ],
    (SGD, {"lr": "0.1"}, OperandError, "a number for lr, but came '0.1' of type str"),
    (SGD, {"lr": True}, OperandError, "a number for lr"),
    (SGD, {"lr": Tensor(0.1)}, OperandError, "a number for lr"),
    (SGD, {"momentum": 1.0}, ArgumentError, "momentum is 1.0; .* below 1"),
    (SGD, {"momentum": -0.1}, ArgumentError, "momentum is"),
    (SGD, {"nesterov": True}, ArgumentError, "nesterov=True needs a momentum above 0"),
    (RMSprop, {"alpha": 1}, ArgumentError, "alpha is 1.0; .* below 1"),
    (RMSprop, {"momentum": 1}, ArgumentError, "momentum is 1.0"),
    *[(make, {"eps": -1}, ArgumentError, "eps is -1.0") for make in (AdaGrad, RMSprop, Adam)],
    *[(make, {"weight_decay": -1}, ArgumentError, "weight_decay is") for make in OURS.values()],
    (Adam, {"betas": 0.9}, ArgumentError, "betas is 0.9; expected two numbers"),
    (Adam, {"betas": (0.9,)}, ArgumentError, "expected two numbers"),
    (AdamW, {"betas": (1.0, 0.9)}, ArgumentError, r"betas\[0\] is 1.0"),
    (AdamW, {"betas": (0.9, -0.1)}, ArgumentError, r"betas\[1\] is -0.1"),
]


@pytest.mark.parametrize(("make", "settings", "error", "words"), BAD_SETTINGS)
def test_settings_out_of_range_are_refused(
    make: Any, settings: Settings, error: type[MicrogradError], words: str
) -> None:
    with pytest.raises(error, match=f"^{make.__name__}: .*{words}"):
        make([Tensor([1.0])], **settings)


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf, "0.1", None])
def test_a_rate_out_of_range_is_refused_later_too_and_the_old_one_stays(lr: Any) -> None:
    optimizer = SGD([Tensor([1.0])], lr=0.5)
    with pytest.raises((ArgumentError, OperandError), match=r"^SGD: .*lr"):
        optimizer.lr = lr
    assert optimizer.lr == 0.5


def test_the_repr_tells_the_settings() -> None:
    optimizer = SGD([Tensor([1.0]), Value(1.0)], lr=0.5, momentum=0.9)
    words = "SGD(2 parameters, momentum=0.9, nesterov=False, lr=0.5, weight_decay=0.0)"
    assert repr(optimizer) == words
