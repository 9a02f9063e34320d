"""How the tests draw: the same at every run, or anew for `python -m tests.search`."""

import gc
import os
import random
import signal
import warnings
from collections.abc import Sequence
from contextlib import suppress
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option of the search."""
    help = "draw so many times the examples of each property test"
    parser.addoption("--times", type=int, default=1, help=help)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the clock, the shell and numbers in the code from changing what is drawn and seen."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell's jobs in the background run
        signal.signal(signal.SIGINT, signal.default_int_handler)
    engine.MAX_SHRINKING_SECONDS = 3600  # examples shrink as far on a slow machine
    if config.getoption("hypothesis_profile", None) != "search":
        with suppress(ImportError):  # older versions do not look for numbers
            from hypothesis.internal.conjecture import providers

            setattr(providers, "is_local_module_file", lambda path: False)  # noqa: B010


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Multiply the examples of each property test, once for all its parameters."""
    times: int = config.getoption("times")
    done: set[Any] = set()
    for item in items:
        test, machine = (getattr(item, name, None) for name in ("obj", "cls"))
        for holder, name in ((test, _OF_A_TEST), (machine, "settings")):
            own = getattr(holder, name, None)
            if isinstance(own, settings) and holder not in done:
                setattr(holder, name, settings(own, max_examples=times * own.max_examples))
                done.add(holder)


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> int:
    """Return how many times the usual examples to draw, where a test draws for itself."""
    return pytestconfig.getoption("times")


def pytest_collection_finish() -> None:
    """Keep the collector from going through thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _same_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed NumPy's generators without a seed, as pytest-randomly seeds those of all modules."""
    seeds, fresh = random.Random(random.getrandbits(64)), np.random.default_rng
    monkeypatch.setattr(
        np.random,
        "default_rng",
        lambda seed=None: fresh(seeds.getrandbits(64) if seed is None else seed),
    )


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
