"""Run the benchmarks and print the ratios: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / ".peers"
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


def run(*arguments: str, path: Path = ROOT) -> list[list[float]]:
    """Run Python in a process of its own and return the numbers it printed, line by line."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an import is timed as a user has it
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def demo(rounds: int) -> str:
    """Compare micrograd's demo step with karpathy/micrograd."""
    if not (PEERS / "micrograd").is_dir():
        return "not measured: karpathy/micrograd is missing; add --install-peers"
    script = str(ROOT / "benchmarks" / "demo.py")
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours += [line[0] for line in run(script, "6")[1:]]
        theirs += [line[0] for line in run(script, "4", path=PEERS)[1:]]
    return f"{statistics.median(theirs) / statistics.median(ours):.1f} times faster (bar: 8)"


def chain(rounds: int) -> str:
    """Compare the cost of a node in chains of 10,000 and of 1,000,000."""
    script = str(ROOT / "benchmarks" / "chain.py")
    short = [run(script, "10000", "9")[0][0] for _ in range(rounds)]
    long = [run(script, "1000000", "1")[0] for _ in range(rounds)]
    cost = statistics.median(line[0] for line in long) / statistics.median(short)
    size = statistics.median(line[1] for line in long)
    return f"{cost:.2f} times the cost a node (bar: 1.5), {size:.0f} bytes a node (bar: 400)"


def mnist(rounds: int) -> str:
    """Compare the MNIST step with NumPy written by hand."""
    ratios = [
        engine / hand for _ in range(rounds) for hand, engine in run("-m", "benchmarks.mnist")[2:]
    ]
    return f"{statistics.median(ratios):.2f} times NumPy by hand (bar: 1.25)"


def imports(rounds: int) -> str:
    """Compare `import micrograd` with `import numpy`."""
    code = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"
    ratios: list[float] = []
    for _ in range(5 * rounds):
        numpy, micrograd = (run("-c", code.format(name))[0][0] for name in ("numpy", "micrograd"))
        ratios.append(micrograd / numpy)
    return f"{statistics.median(ratios):.2f} times import numpy (bar: 1.3)"


def debug(rounds: int) -> str:
    """Compare a training step under `debug()` with a plain one."""
    ratios: dict[str, list[float]] = {}
    for line in run("-m", "benchmarks.debugging", str(5 * rounds)):
        for name, ratio in zip(("Values", "Tensors"), line, strict=True):
            ratios.setdefault(name, []).append(ratio)
    parts = [f"{statistics.median(found):.2f} times ({name})" for name, found in ratios.items()]
    return "a step under debug() takes " + ", ".join(parts)


def drawing(rounds: int) -> str:
    """Compare drawing graphs of 30 to 10,000 nodes, with the `dot` program and without it."""
    measured = [run("-m", "benchmarks.drawing") for _ in range(rounds)]
    parts: list[str] = []
    for i, how in ((1, "with dot"), (2, "without")):
        smallest = statistics.median(lines[0][i] for lines in measured)
        costs: list[str] = []
        for k, (nodes, *_) in enumerate(measured[0]):
            cost = statistics.median(lines[k][i] for lines in measured)
            unfolded = " unfolded" if k == len(measured[0]) - 1 else ""
            costs.append(f"{nodes:,.0f}{unfolded}: {cost:.2f} s ({cost / smallest:.1f})")
        parts.append(f"{how} {', '.join(costs)}")
    return "nodes: seconds (times the smallest); " + "; ".join(parts)


CASES = {
    "demo": demo,
    "chain": chain,
    "mnist": mnist,
    "imports": imports,
    "debug": debug,
    "drawing": drawing,
}


def install_peers() -> None:
    """Install karpathy/micrograd in a folder of its own, since it has the same import name."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--upgrade", "--target", str(PEERS), "micrograd==0.1.0"], check=True)


def main() -> None:
    """Measure the chosen cases and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all if none")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run in turn")
    parser.add_argument("--install-peers", action="store_true", help="install the peers first")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown or options.rounds < 1:
        parser.error(f"expected --rounds of 1 or more and cases of {', '.join(CASES)}")
    if options.install_peers:
        install_peers()
    for name in options.cases or CASES:
        print(f"{name:8}", CASES[name](options.rounds), flush=True)


if __name__ == "__main__":
    main()
