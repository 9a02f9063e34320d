"""How Hypothesis searches, and where the real MNIST is."""

import gc
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# As many workers as cores: threads beside them would only wait for each other.
for _library in ("MKL", "OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# At random at a desk, always the same examples in CI.
_shared = {
    "deadline": None,
    "database": None,
    "max_examples": 50,
    "suppress_health_check": [HealthCheck.too_slow],  # a slow machine is not a failure
}
settings.register_profile("default", **_shared)
settings.register_profile("ci", **_shared, derandomize=True, print_blob=True)
# By --hypothesis-profile deep, for one file at a time: tests/test_machine.py.
settings.register_profile("deep", **_shared | {"max_examples": 10_000}, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_finish() -> None:
    """Keep the collector from going through thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Return the folder with the published files; CI must have them, others may not."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
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
