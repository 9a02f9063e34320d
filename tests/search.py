"""Searches anew for what breaks the property tests: fresh examples, in random order.

    python -m tests.search [FILE ...] [--seed N] [--seeds K] [--times T] [--jobs J] [--state FILE]

The tests are those that are marked `hypothesis`, as every test with `@given` is. A piece of work is
one file under one seed. Pieces that passed are kept in the state file, so that a search which was
interrupted goes on where it was; a failure is shown with the command that repeats it, and searched
again by the next run. Without --seed it is made of the commit, so that each commit is searched
anew, and alike by everybody.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
PYTEST = ("-m", "pytest", "-q", "--no-header", "-n", "0", "-m", "hypothesis")


@dataclass(frozen=True)
class Piece:
    """One file under one seed, with so many times its usual examples."""

    file: str
    seed: int
    times: int

    @property
    def arguments(self) -> list[str]:
        """What to call Python with."""
        profile, seed = "--hypothesis-profile=search", self.seed
        seeds = [f"--hypothesis-seed={seed}", f"--randomly-seed={seed}"]
        return [*PYTEST, profile, *seeds, f"--times={self.times}", self.file]


@dataclass(frozen=True)
class Outcome:
    """What came of a piece."""

    piece: Piece
    summary: str
    seconds: float
    output: str = ""  # of a failure


def seed_of_the_commit() -> int:
    """Return a number made of the commit's hash; 0 outside a repository."""
    git = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        print("There is no commit to make a seed of, so it is 0.")
        return 0
    return int(found.stdout[:7], 16)


def files_with_tests(paths: Sequence[str]) -> list[str]:
    """Return the files that have property tests, those with most tests first."""
    collect = [sys.executable, *PYTEST, "--collect-only", *paths]
    found = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"The tests cannot be collected:\n{found.stdout}{found.stderr}")
    tests = Counter(re.findall(r"^(\S+?\.py)::", found.stdout, re.MULTILINE))
    return [file for file, _ in tests.most_common()]


def run(piece: Piece) -> Outcome:
    """Search one piece."""
    start = time.perf_counter()
    command = [sys.executable, *piece.arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    summary = done.stdout.strip().rpartition("\n")[2]
    output = done.stdout + done.stderr if done.returncode else ""
    return Outcome(piece, summary, time.perf_counter() - start, output)


def pieces_done(state: Path) -> set[Piece]:
    """Return the pieces that passed before."""
    if not state.exists():
        return set()
    lines = map(json.loads, state.read_text().splitlines())
    return {Piece(**line["piece"]) for line in lines if line["passed"]}


def note(outcome: Outcome, state: Path) -> None:
    """Add what came of a piece to the state file."""
    line = asdict(outcome) | {"passed": not outcome.output}
    state.parent.mkdir(parents=True, exist_ok=True)
    with state.open("a") as file:
        file.write(json.dumps(line) + "\n")


def searched(pieces: Sequence[Piece], jobs: int) -> Iterator[Outcome]:
    """Yield the outcomes as they come."""
    with ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(run, piece) for piece in pieces]
        try:
            for done in tqdm(as_completed(work), total=len(work), unit="file", disable=None):
                yield done.result()
        finally:  # when interrupted, begin no other
            pool.shutdown(wait=False, cancel_futures=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser("python -m tests.search", description=summary)
    parser.add_argument("files", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--seed", type=int, help="the first; made of the commit if left out")
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting up")
    parser.add_argument("--times", type=int, default=1, help="so many times the usual examples")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    state = ROOT / ".pytest_cache" / "search.jsonl"
    parser.add_argument("--state", type=Path, default=state, help="where the outcomes are kept")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    options = parsed(arguments)
    first = seed_of_the_commit() if options.seed is None else options.seed
    files, before = files_with_tests(options.files), pieces_done(options.state)
    seeds = range(first, first + options.seeds)
    pieces = [Piece(file, seed, options.times) for seed in seeds for file in files]
    left = [piece for piece in pieces if piece not in before]
    print(
        f"Seeds {seeds[0]} to {seeds[-1]}, {options.times} times the examples: "
        f"{len(pieces)} pieces, {len(pieces) - len(left)} of which passed before."
    )
    failed = 0
    for outcome in searched(left, options.jobs):
        note(outcome, options.state)
        piece = outcome.piece
        tqdm.write(f"{piece.file}, seed {piece.seed}: {outcome.summary}")
        if outcome.output:
            failed += 1
            tqdm.write(f"{outcome.output}\nRepeat it with\npython {shlex.join(piece.arguments)}")
    print(f"{len(left) - failed} pieces passed, {failed} failed; see {options.state}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
