"""The benchmarks measure what they say: their tables, their cases, a worker. Nothing is timed."""

from __future__ import annotations

import importlib
import io
import json
import sys
import types
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from benchmarks import worker
from benchmarks.cases import CASES, decorated
from benchmarks.measure import Result, measure, ratio
from benchmarks.peers import OURS, PEERS, environment
from benchmarks.report import Report

VARIANTS = [(case, name) for case in CASES.values() for name in case.variants]


@pytest.mark.parametrize(("case", "name"), VARIANTS, ids=lambda item: getattr(item, "name", item))
def test_every_peer_of_a_case_has_a_step_there(case: Any, name: Any) -> None:
    module = importlib.import_module(f"benchmarks.cases.{case.name}")
    variant = case.variants[name]
    assert variant.peers[0] == OURS or OURS in variant.peers
    assert set(variant.peers) <= set(PEERS)
    assert set(variant.bars) <= set(variant.peers)
    assert variant.base is None or variant.base in case.variants
    assert all(callable(getattr(module, peer.replace("-", "_"))) for peer in variant.peers)


def test_a_ratio_is_the_median_of_neighbours() -> None:
    ours, theirs = Result("", "", OURS, [1.0, 9.0, 3.0]), Result("", "", "numpy", [2.0, 3.0, 4.0])
    assert ratio(ours, theirs) == 0.75
    assert ratio(ours, Result("", "", "numpy")) is None


def test_a_worker_measures_and_a_peer_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PEERS, "numpy", PEERS["numpy"].__class__("NumPy", "no_such_module"))
    results = list(measure(CASES["einsum"], [OURS, "numpy"], 2, lambda sentence: None))
    ours, theirs = results
    assert len(ours.costs) == 2
    assert min(ours.costs) > 0
    assert theirs.missing == "not installed"
    assert "Not installed, so not measured: NumPy." in Report(results).text()


def test_a_case_may_tell_what_a_step_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = types.SimpleNamespace(numpy=lambda: None, cost=lambda step, times, clock: 7.0)
    monkeypatch.setitem(sys.modules, "benchmarks.cases.told", case)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    worker.main("told", "numpy", 1, {})
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[1:] == [{"cost": 7.0}] * 2
    assert importlib.import_module("benchmarks.cases.imports").cost(lambda: 3.0, 2, None) == 3.0


@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_has_the_same_settings_as_this_library(
    monkeypatch: pytest.MonkeyPatch, peer: str
) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    for threads, keeps in ((1, True), (2, False)):
        ours, theirs = (environment(name, threads, keeps) for name in (OURS, peer))
        for own in (ours, theirs):
            own.pop("PYTHONPATH")  # where karpathy/micrograd lies, which has our name
        assert theirs == ours
        assert ("MALLOC_TRIM_THRESHOLD_" in theirs) is keeps
        assert theirs["OMP_NUM_THREADS"] == str(threads)


@pytest.mark.slow
def test_a_peer_that_fails_is_named_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "karpathy", PEERS["numpy"])
    case = CASES["einsum"]
    monkeypatch.setitem(
        case.variants, "(32, 16, 16)", type(case.variants["(32, 16, 16)"])({}, (OURS, "karpathy"))
    )
    results = list(measure(case, [OURS, "karpathy"], 1, lambda sentence: None))
    assert results[1].missing == "AttributeError"
    assert "failed in bij,bjk->bik, (32, 16, 16): AttributeError." in Report(results).text()


def test_tables_have_the_ratios_and_the_bars() -> None:
    results = [
        Result("imports", "a fresh process", OURS, [1.1, 1.2]),
        Result("imports", "a fresh process", "numpy", [1.0, 1.0]),
        Result("chain", "1,000 nodes", OURS, [1.0], bytes=0),
        Result("chain", "1,000,000 nodes", OURS, [2000.0], bytes=200_000_000),
    ]
    text = Report(results).text(markdown=True)
    assert "| an import: a fresh process | 1.15 |" in text
    assert "| an import: a fresh process | NumPy by hand, with care | 1.15 | 1.2 | yes |" in text
    assert "| a chain of scalars: 1,000,000 nodes | 2.00 | 200 |" in text
    assert "| cost a node, 1,000 nodes | 2.00 | 1.5 | no |" in text
    rows = json.loads(Report(results).json())
    assert [row.get("ours_over_theirs") for row in rows] == [
        None,
        pytest.approx(1.15),
        None,
        None,
    ]


@pytest.mark.parametrize("peer", ["micrograd", "book"])
def test_each_way_of_the_mnist_step_has_the_losses_of_numpy_by_hand(peer: str) -> None:
    mnist = importlib.import_module("benchmarks.cases.mnist")
    step, by_hand = (getattr(mnist, name)([20, 12, 10], 8, "float64") for name in (peer, "numpy"))
    losses = [[float(take()) for _ in range(5)] for take in (step, by_hand)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)  # the book adds 1e-7 in the logarithm
    assert losses[0][4] < losses[0][0]


def _step(case: str, peer: str, *settings: Any) -> Any:
    """Return what a peer's step of a case gives, at each call."""
    if not PEERS[peer].is_installed():
        pytest.skip(f"{PEERS[peer].title} is not installed")
    module = importlib.import_module(f"benchmarks.cases.{case}")
    return getattr(module, peer.replace("-", "_"))(*settings)


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["casadi", "xad"])
def test_each_way_of_the_demo_step_has_its_losses_and_accuracies(peer: str) -> None:
    eager, theirs = _step("compiled_demo", "eager"), _step("compiled_demo", peer)
    for _ in range(3):
        (loss, accuracy), (their_loss, their_accuracy) = eager(), theirs()
        assert their_loss == pytest.approx(loss, rel=1e-12)
        assert their_accuracy == accuracy


def test_an_irregular_graph_has_the_gradients_of_casadi() -> None:
    settings = 300, 20, 0.3
    theirs = _step("compiled_irregular", "casadi", *settings)
    assert theirs() == pytest.approx(_step("compiled_irregular", "eager", *settings)(), rel=1e-11)


@pytest.mark.parametrize(
    "peer",
    [
        "numpy",
        *[pytest.param(name, marks=pytest.mark.slow) for name in ("jax-jit", "torch-compile")],
    ],
)
def test_each_way_of_the_compiled_step_has_the_losses_of_the_eager_one(peer: str) -> None:
    settings = [20, 12, 10], 8, "float32"
    eager, theirs = (_step("compiled_mnist", each, *settings) for each in ("eager", peer))
    for _ in range(4):
        assert float(theirs()) == pytest.approx(eager(), rel=1e-5)


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        pytest.param("compiled_demo", (), marks=pytest.mark.slow),
        ("compiled_chain", (100, False)),
        ("compiled_chain", (100, True)),
        ("compiled_irregular", (200, 10, 0.3)),
        ("compiled_mnist", ([20, 12, 10], 8, "float32")),
        ("compiled_adam", ([20, 12, 10], 8, "float32")),
        ("compiled_run", (12, 50, 200)),
        pytest.param("compiled_hvp", (), marks=pytest.mark.slow),
    ],
)
def test_a_compiled_step_has_the_numbers_of_the_eager_one(
    case: str, settings: tuple[Any, ...]
) -> None:
    made, eager = (_step(case, peer, *settings) for peer in ("micrograd", "eager"))
    for _ in range(0 if case == "compiled_run" else decorated.CALLS):
        eager()  # as often as what is compiled was called before it was handed out
    for _ in range(3):
        np.testing.assert_equal(made(), eager())


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["pytorch", "jax-jit"])
def test_each_way_of_the_second_derivative_has_the_numbers_of_the_eager_one(peer: str) -> None:
    eager, theirs = _step("compiled_hvp", "eager")(), _step("compiled_hvp", peer)()
    for ours, other in zip(eager, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(other), rtol=1e-9, atol=1e-12)


def test_a_whole_run_by_hand_has_the_losses_of_the_eager_one() -> None:
    eager, by_hand = (_step("compiled_run", peer, 12, 50, 1000)() for peer in ("eager", "numpy"))
    assert by_hand == pytest.approx(eager, rel=1e-4)
    assert by_hand[-1] < by_hand[0]


def test_what_a_step_allocates_is_told_in_bytes() -> None:
    case = importlib.import_module("benchmarks.cases.compiled_memory")
    assert 2**20 < case.cost(lambda: np.empty(2**17), 1, None) < 2**21


def test_tables_have_only_the_peers_of_their_cases() -> None:
    name = "MLP(2, [16, 16, 1])"
    results = [
        Result("demo", name, OURS, [1.0]),
        Result("demo", name, "karpathy", [4.0]),
        Result("compiled_demo", name, OURS, [1.0]),
        Result("compiled_demo", name, "casadi", [2.0]),
    ]
    text = Report(results).text(markdown=True)
    assert "| case | karpathy/micrograd |\n|---|---|\n" in text
    assert "The time of our compiled step, as a multiple of theirs:\n\n| case | CasADi" in text


def test_only_some_variants_are_measured() -> None:
    said: list[str] = []
    results = measure(CASES["mnist"], ["casadi"], 1, said.append, only="batch 100, float32")
    assert list(results) == []
    assert said == [
        "mnist: 784-50-10, batch 100, float32",
        "mnist: 784-50-10, batch 100, float32, 2 threads",
    ]


def test_the_elementwise_step_by_hand_has_the_gradients_of_the_engine() -> None:
    case = importlib.import_module("benchmarks.cases.elementwise")
    total, x_grad, w_grad, b_grad = case.numpy([3, 2], "float64")()
    function, arrays = case.build([3, 2], "float64")
    leaves = [mg.Tensor(array) for array in arrays]
    loss = function(mg, *leaves)
    loss.backward()
    assert total == pytest.approx(loss.item())
    for leaf, grad in zip(leaves, (x_grad, w_grad, b_grad), strict=True):
        np.testing.assert_allclose(leaf.grad, grad)
