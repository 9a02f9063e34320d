"""Measure this library beside its peers in one run, and print the ratios.

Each peer has a process of its own; all are told in turn to run a round, and a ratio
is the median over the rounds. Figures are ratios: absolute times would only tell
about the machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.measure import Result, measure
from benchmarks.peers import OURS, PEERS, install, install_apart
from benchmarks.report import Report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; all if none is given"
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=[peer for peer in PEERS if peer != OURS],
        metavar="PEER",
        help=f"of {', '.join(peer for peer in PEERS if peer != OURS)}; all if left out",
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only sizes whose name contains this text"
    )
    parser.add_argument("--rounds", type=int, default=15, help="how many; default: 15")
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help="also write speed.md and speed.json there"
    )
    parser.add_argument(
        "--install-peers",
        choices=["all", "karpathy"],
        nargs="?",
        const="all",
        help="install them first: all, or only karpathy/micrograd, which is small",
    )
    return parser


def main() -> None:
    """Measure the chosen cases and print their tables."""
    parser = _parser()
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown or options.rounds < 1:
        parser.error(f"expected --rounds of 1 or more and cases of {', '.join(CASES)}")
    if options.install_peers:
        (install if options.install_peers == "all" else install_apart)()
    peers = [OURS, *(options.peers or [peer for peer in PEERS if peer != OURS])]
    results: list[Result] = []
    for name in options.cases or CASES:
        results += measure(CASES[name], peers, options.rounds, _say, options.only)
    report = Report(results)
    print(report.text())
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "speed.md").write_text(report.text(markdown=True) + "\n", "utf-8")
        (options.write / "speed.json").write_text(report.json() + "\n", "utf-8")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
