"""Which tests run, and how they draw: always the same, or anew for `python -m tests.search`."""

import gc
import os
import random
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine

# As many workers as cores: threads beside them would only wait for each other.
for _library in ("MKL", "OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

os.environ["no_proxy"] = "127.0.0.1"  # where the tests' own servers are

_shared: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "max_examples": 50,
    "print_blob": True,
    "suppress_health_check": list(HealthCheck),  # a slow machine is not a failure
}
settings.register_profile("default", **_shared, derandomize=True)
settings.register_profile("search", **_shared, derandomize=False)
settings.load_profile("default")

_OF_A_TEST = "_hypothesis_internal_use_settings"
_SHARE = 0.2  # of the examples, in a run without --all
_SLOW = 0.5  # seconds of processor time from which on an unmarked test is named
_SLOW_EXAMPLES = {  # in docstrings, which have no marks
    "micrograd.testing.program.programs",
    "micrograd.testing.strategies.mutually_broadcastable",
    "micrograd.testing.strategies.tensors",
}
_STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the whole suite, and that of the search."""
    parser.addoption(
        "--all", action="store_true", help="also the slow tests, and all the examples of each"
    )
    help = "draw so many times the examples of each property test; they are fewer without --all"
    parser.addoption("--times", type=int, help=help)


def _is_never(path: str) -> bool:
    """Answer that a file is not one of the project's."""
    return False


def pytest_configure(config: pytest.Config) -> None:
    """Keep the clock, the shell and numbers in the code from changing what is drawn and seen."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell's jobs in the background run
        signal.signal(signal.SIGINT, signal.default_int_handler)
    engine.MAX_SHRINKING_SECONDS = 3600  # examples shrink as far on a slow machine
    if config.getoption("hypothesis_profile", None) != "search":
        with suppress(ImportError):  # older versions do not look for numbers
            from hypothesis.internal.conjecture import providers

            setattr(providers, "is_local_module_file", _is_never)  # noqa: B010


def _examples(config: pytest.Config, usual: int) -> int:
    """Return how many examples to draw in this run, where all are so many."""
    times: int | None = config.getoption("times")
    if times is None and not config.getoption("all"):
        return max(min(usual, 3), round(usual * _SHARE))
    return usual * (times or 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, and set the examples of each test once for all its parameters."""
    done: set[Any] = set()
    for item in items:
        if item.name in _SLOW_EXAMPLES:
            item.add_marker("slow")
        test, machine = (getattr(item, name, None) for name in ("obj", "cls"))
        for holder, name in ((test, _OF_A_TEST), (machine, "settings")):
            own = getattr(holder, name, None)
            if isinstance(own, settings) and holder not in done:
                few = _examples(config, own.max_examples)
                setattr(holder, name, settings(own, max_examples=few))
                done.add(holder)
    chosen = config.getoption("markexpr") or any("::" in arg for arg in config.args)
    if not config.getoption("all") and not chosen:
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def _processor_time() -> float:
    """Return the seconds that this process and the ended ones that it started have used."""
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note when a test begins."""
    item.stash[_STARTED] = _processor_time()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note what a test took that should be quick."""
    took = _processor_time() - item.stash[_STARTED]
    if took > _SLOW and not item.get_closest_marker("slow"):
        item.user_properties.append(("slow", took))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that should be marked as slow; a busy machine is not a failure."""
    reports: list[pytest.TestReport] = terminalreporter.stats.get("", [])
    took = {
        report.nodeid: seconds
        for report in reports
        if report.when == "teardown"
        for name, seconds in report.user_properties
        if name == "slow"
    }
    if took:
        terminalreporter.section(f"took over {_SLOW} s of processor time, not marked `slow`")
        for test, seconds in sorted(took.items(), key=lambda pair: -float(str(pair[1]))):
            terminalreporter.line(f"{seconds:6.1f} s  {test}")


@pytest.fixture(scope="session")
def examples(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """Return what tells how many examples to draw of so many, where a test draws for itself."""
    return partial(_examples, pytestconfig)


def pytest_collection_finish() -> None:
    """Keep the collector from going through thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _same_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed NumPy's generators without a seed, as pytest-randomly seeds those of all modules."""
    seeds, fresh = random.Random(random.getrandbits(64)), np.random.default_rng

    def generator(seed: Any = None) -> np.random.Generator:
        return fresh(seeds.getrandbits(64) if seed is None else seed)

    monkeypatch.setattr(np.random, "default_rng", generator)


@pytest.fixture(scope="session", autouse=True)
def _patient() -> None:
    """Wait for dot on a busy machine, too, where it may have to look for its fonts first."""
    import viz.diagram

    viz.diagram._PATIENCE = 120.0


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Return the folder with the published files; CI must have them, others may not."""
    shared = Path(__file__).resolve().parents[1] / "shared" / "data" / "mnist"
    folder = Path(os.environ.get("MICROGRAD_DATA") or shared)
    if not folder.is_dir():
        message = "The published MNIST files are missing; set MICROGRAD_DATA to their folder."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take the dot program, and everything else, off the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture(scope="session")
def torch() -> Any:
    """Return PyTorch, on one thread; CI must have it, others may not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of while it is imported is not ours
            import torch
    except ImportError:
        message = "PyTorch is missing; install the extra micrograd-graph[oracle]."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    torch.set_num_threads(1)
    return torch
