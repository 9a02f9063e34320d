"""Who is measured, in which process, and what may be missing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from micrograd.training.memory import KEPT, LARGEST

ROOT = Path(__file__).resolve().parent.parent
APART = Path(__file__).resolve().parent / ".peers"
KARPATHY = "micrograd==0.1.0"
THREADS = ("MKL", "NUMEXPR", "OMP", "OPENBLAS", "VECLIB_MAXIMUM")


@dataclass(frozen=True)
class Peer:
    """A library, or a way of writing NumPy by hand.

    Attributes:
        title: what tables call it.
        module: what has to be importable.
        apart: whether it lies in a folder of its own, since it has our import name.
    """

    title: str
    module: str
    apart: bool = False

    def is_installed(self) -> bool:
        """Tell whether it can be measured."""
        return (APART / self.module).is_dir() if self.apart else find_spec(self.module) is not None


OURS = "micrograd"
PEERS = {
    OURS: Peer("this library", "micrograd"),
    "eager": Peer("this library, not compiled", "micrograd"),
    "numpy": Peer("NumPy by hand, with care", "numpy"),
    "book": Peer("the book's layers in NumPy", "numpy"),
    "karpathy": Peer("karpathy/micrograd", "micrograd", apart=True),
    "mygrad": Peer("MyGrad", "mygrad"),
    "autograd": Peer("autograd", "autograd"),
    "dezero": Peer("DeZero", "dezero"),
    "casadi": Peer("CasADi's SX machine", "casadi"),
    "xad": Peer("XAD", "xad"),
    "pytorch": Peer("PyTorch", "torch"),
    "torch-compile": Peer("torch.compile", "torch"),
    "jax": Peer("JAX", "jax"),
    "jax-jit": Peer("JAX, jitted", "jax"),
}


def environment_of_kept_memory() -> dict[str, str]:
    """Return what tells glibc from the start what `keep_freed_memory()` tells it: the same for all.

    >>> environment_of_kept_memory()
    {'MALLOC_MMAP_THRESHOLD_': '33554432', 'MALLOC_TRIM_THRESHOLD_': '536870912'}
    """
    return {"MALLOC_MMAP_THRESHOLD_": str(LARGEST), "MALLOC_TRIM_THRESHOLD_": str(KEPT)}


def environment(peer: str, threads: int, keeps_memory: bool = True) -> dict[str, str]:
    """Return the environment of a process that measures a peer on so many threads."""
    path = [str(APART)] * PEERS[peer].apart + [str(ROOT)]
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in THREADS},
        **(environment_of_kept_memory() if keeps_memory else {}),
        "JAX_PLATFORMS": "cpu",
        "PYTHONDONTWRITEBYTECODE": "",  # an import that compiles anew tells of the compiler
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONWARNINGS": "ignore",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
    }


def install() -> None:
    """Install the peers: the extra `bench`, and karpathy/micrograd in its folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-e", f"{ROOT}[bench]"], check=True)
    install_apart()


def install_apart() -> None:
    """Install karpathy/micrograd, which has the same import name as this library."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    subprocess.run([*pip, "--target", str(APART), KARPATHY], check=True)
