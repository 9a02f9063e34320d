"""Measure peers side by side: a process each, told in turn to run a round."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cases import Case, Variant
from benchmarks.peers import OURS, PEERS, environment


@dataclass
class Result:
    """What one peer took in one variant of a case.

    Attributes:
        costs: of a step, round by round: its seconds, or what the case tells instead.
        bytes: how far the process grew during its first step.
        missing: why there are no figures, if so.
    """

    case: str
    variant: str
    peer: str
    costs: list[float] = field(default_factory=list[float])
    bytes: int = 0
    missing: str = ""


@dataclass
class _Worker:
    """A process that measures a peer, and the result that grows."""

    result: Result
    process: subprocess.Popen[str]

    def hear(self) -> dict[str, Any]:
        """Return what the process says next; an empty answer if it has failed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        assert self.process.stderr is not None
        told = re.findall(
            r"^(?:\w+\.)*(\w+(?:Error|Exception))\b", self.process.stderr.read(), re.MULTILINE
        )
        self.result.missing = told[-1] if told else "it ended without an error"
        self.result.costs.clear()
        return {}

    def run_round(self) -> None:
        """Let the process run a round, unless it has failed."""
        if not self.result.missing:
            assert self.process.stdin is not None
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self.result.costs += [answer["cost"] for answer in [self.hear()] if answer]


def measure(
    case: Case,
    chosen: Sequence[str],
    rounds: int,
    say: Callable[[str], None],
    only: str = "",
) -> Iterable[Result]:
    """Yield the results of a case, for the peers that were chosen and are part of it.

    Only those variants are measured whose names contain the text `only`.
    """
    names = [name for name in case.variants if only in name]
    groups = [names] if case.together else [[name] for name in names]
    for names in groups:
        say(f"{case.name}: {', '.join(names)}")
        yield from _measure_together(case, names, chosen, rounds)


def _measure_together(
    case: Case, names: Iterable[str], chosen: Sequence[str], rounds: int
) -> list[Result]:
    results: list[Result] = []
    with ExitStack() as stack:
        workers: list[_Worker] = []
        for name in names:
            variant = case.variants[name]
            for peer in [peer for peer in variant.peers if peer in chosen]:
                result = Result(case.name, name, peer)
                results.append(result)
                if not PEERS[peer].is_installed():
                    result.missing = "not installed"
                    continue
                workers.append(_start(case, variant, result))
                stack.callback(_stop, workers[-1].process)
                result.bytes = workers[-1].hear().get("bytes", 0)
        for _ in range(rounds):
            for worker in workers:
                worker.run_round()
    return results


def _start(case: Case, variant: Variant, result: Result) -> _Worker:
    settings = json.dumps(variant.settings)
    command = [sys.executable, "-P", "-m", "benchmarks.worker", case.name, result.peer]
    process = subprocess.Popen(
        [*command, str(variant.threads), settings],
        env=environment(result.peer, variant.threads, variant.keeps_memory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return _Worker(result, process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def ratio(ours: Result, theirs: Result) -> float | None:
    """Return our cost over theirs: the median over rounds of what was measured one after the other.

    >>> ratio(Result("", "", OURS, [1.0, 2.0]), Result("", "", "numpy", [2.0, 4.0]))
    0.5
    """
    pairs = list(zip(ours.costs, theirs.costs, strict=False))
    return statistics.median(a / b for a, b in pairs) if pairs else None


__all__ = ["OURS", "Result", "measure", "ratio"]
