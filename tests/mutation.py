"""Plants faults in the derivatives of the built-in operations and counts what the laws catch.

    python -m tests.mutation [--ops add matmul] [--kinds sign] [--examples 60] [--jobs 2]

A mutant is an operation with one fault in one of its derivatives. It comes out as

- equivalent, if the fault changes neither a gradient nor the dtype that its rule computes in,
  on any of the calls it is compared on, in float64 and float32;
- invalid, if there is an error on every one of them, so that it cannot be wrong in silence;
- caught, if a law of `micrograd.testing.laws` fails on the calls that `tests.domains` draws;
- survived otherwise, which makes the exit code 1.

The laws are checked on calls that Hypothesis draws once for each operation, the same in every run.
Where a law catches a fault, it is seen to hold without.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from micrograd import Tensor
from micrograd.core.op import Each, Op, registry
from micrograd.core.user_rules import no_gradient
from micrograd.engine.autodiff import gradients
from micrograd.testing import laws as every_law
from micrograd.testing.battery import title
from micrograd.testing.laws import Law
from micrograd.testing.samples import Sample
from tests.domains import TABLE, calls_of
from tests.faults import EXAMPLES, KINDS, planted

Call = tuple[list[Tensor], Tensor, Any]  # the leaves, what was made of them, and its gradient

COMPARED = 300  # calls, each in two dtypes, on which a mutant is compared with the original
FEW = 5  # calls on which every law is tried before any is tried on more


# The comparison with the original


@cache
def recorded_calls(name: str) -> list[Call]:
    """Return calls of an operation in both dtypes, and a gradient to start from."""
    found: list[Call] = []
    for sample, seed in calls_of(name, 1, COMPARED):
        for dtype in (np.float64, np.float32):
            leaves = sample.leaves(sample.cast(dtype))
            node = sample.call(*leaves)
            g = np.random.default_rng(seed).normal(size=node.shape)
            found.append((leaves, node, np.asarray(g, node.dtype)))
    return found


def gradient_and_dtype(op: Op, i: int, call: Call) -> tuple[Any, Any]:
    """Return the gradient of argument i, and the dtype that its rule computes in."""
    leaves, node, g = call
    args = [parent._data for parent in node.parents]
    raw = op.derivatives[i](g, node._data, *args, **node.settings)
    return gradients([node], [g], leaves)[i], np.asarray(raw).dtype


def originals(op: Op, i: int) -> list[tuple[Call, tuple[Any, Any]]]:
    """Return the calls in which argument i is differentiated, with what the original gives."""
    calls = [c for c in recorded_calls(op.name) if i < len(c[0]) and c[0][i].requires_grad]
    return [(call, gradient_and_dtype(op, i, call)) for call in calls]


def same(one: tuple[Any, Any], other: tuple[Any, Any], g: Any) -> bool:
    """Tell whether two gradients are equal but for rounding, and computed in one dtype."""
    (a, came), (b, meant) = one, other
    tolerance = 1e-9 if g.dtype == np.float64 else 1e-5
    largest = max(np.abs(b).max(initial=0), np.abs(g).max(initial=0))
    return came == meant and np.allclose(a, b, tolerance, tolerance * largest, equal_nan=True)


def compare(op: Op, i: int, known: list[tuple[Call, tuple[Any, Any]]]) -> str:
    """Return "equivalent", "invalid" or "changed" for the mutant that is planted."""
    errors = 0
    for call, expected in known:
        try:
            found = gradient_and_dtype(op, i, call)
        except Exception:  # whatever the mutant raises, it is not silent
            errors += 1
        else:
            if not same(found, expected, call[-1]):
                return "changed"
    if errors:
        return "invalid" if errors == len(known) else "changed"
    return "equivalent"


# The laws


def laws_of(name: str) -> list[Law]:
    """Return the laws of an operation, in the order that catches faults fast."""
    first = every_law.the_gradient_is_the_numerical_derivative
    last = every_law.the_second_gradient_is_the_numerical_derivative_of_the_first
    numbers = every_law.LAWS_OF_NUMBERS if TABLE[name].function else ()
    return sorted((*every_law.LAWS, *numbers), key=lambda law: (law is last) - (law is first))


def calls_for(law: Law, name: str, examples: int) -> list[tuple[Sample, int]]:
    """Return the calls of an operation on which to check a law."""
    return calls_of(name, 0 if law in every_law.ALSO_EMPTY else 1, examples)


def error_of(law: Law, name: str, call: tuple[Sample, int]) -> str | None:
    """Return the name of the error by which a law fails on a call; None if it holds."""
    sample, seed = call
    try:
        law(registry[name], sample, np.random.default_rng(seed))
    except Exception as error:  # any error is louder than a wrong gradient
        return type(error).__name__
    return None


def failure(name: str, laws: Sequence[Law], examples: int) -> tuple[Law, int, str] | None:
    """Return the law that fails first, at which of its calls, and its error; None if all hold."""
    for start, stop in ((0, FEW), (FEW, examples)):
        for law in laws:
            calls = calls_for(law, name, examples)
            for k in range(start, min(stop, len(calls))):
                error = error_of(law, name, calls[k])
                if error:
                    return law, k, error
    return None


# The run


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant; if it was caught, by which law, at which call, how."""

    op: str
    argument: int
    kind: str
    variant: str
    status: str
    seconds: float
    law: str = ""
    call: int = 0
    error: str = ""


def arguments_of(op: Op) -> list[int]:
    """Return the positions of the arguments that have a derivative, the first two if all have."""
    rules = op.derivatives
    count = 2 if isinstance(rules, Each) else len(rules)
    return [i for i in range(count) if rules[i] is not no_gradient]


def examine(
    name: str,
    kinds: Sequence[str] = tuple(KINDS),
    examples: int = EXAMPLES,
    laws: Sequence[Law] | None = None,
) -> list[Outcome]:
    """Return what becomes of every mutant of an operation.

    Raises:
        RuntimeError: if what catches a mutant fails without a fault too.
    """
    op, laws = registry[name], laws_of(name) if laws is None else laws
    found: list[Outcome] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # catching is for the laws, not for NumPy's warnings
        for i in arguments_of(op):
            known = originals(op, i)
            for kind in kinds:
                for variant, rule in KINDS[kind](op, i):
                    start = time.perf_counter()
                    with planted(op, i, rule):
                        status = compare(op, i, known)
                        broken = failure(name, laws, examples) if status == "changed" else None
                    how: tuple[Any, ...] = ()
                    if broken:
                        check_without_a_fault(name, *broken[:2], examples)
                        how = (title(broken[0]), broken[1] + 1, broken[2])
                    if status == "changed":
                        status = "caught" if broken else "survived"
                    seconds = time.perf_counter() - start
                    found.append(Outcome(name, i, kind, variant, status, seconds, *how))
    return found


def check_without_a_fault(name: str, law: Law, k: int, examples: int) -> None:
    """Raise an error if a law fails on a call of the operation as it is."""
    error = error_of(law, name, calls_for(law, name, examples)[k])
    if error:
        raise RuntimeError(
            f"The law '{title(law)}' fails for {name} without a fault, by {error}, so that it "
            "proves nothing. See to that first."
        )


def table(outcomes: Sequence[Outcome]) -> str:
    """Return what became of the mutants of each kind, and of all, as a table."""
    rows = [["kind", "mutants", "equivalent", "invalid", "caught", "share caught", "seconds"]]
    for kind in (*KINDS, "all"):
        group = [o for o in outcomes if kind in (o.kind, "all")]
        number = {s: sum(o.status == s for o in group) for s in ("equivalent", "invalid", "caught")}
        changed = len(group) - number["equivalent"] - number["invalid"]
        share = f"{number['caught'] / changed:.1%}" if changed else "–"
        seconds = f"{sum(o.seconds for o in group):.1f}"
        rows.append([kind, str(len(group)), *map(str, number.values()), share, seconds])
    return "\n".join(f"{row[0]:20}" + "".join(f"{cell:>14}" for cell in row[1:]) for row in rows)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    names = list(TABLE)
    parser = argparse.ArgumentParser(
        "python -m tests.mutation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--ops", nargs="+", choices=names, default=names, metavar="OP")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="calls for each law")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", type=Path, help="a file for the outcome of every mutant")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    options = parsed(arguments)
    start = time.perf_counter()
    work = partial(examine, kinds=options.kinds, examples=options.examples)
    progress = partial(tqdm, total=len(options.ops), unit="op", disable=None)
    if options.jobs == 1:
        found = [*progress(map(work, options.ops))]
    else:
        with get_context("spawn").Pool(options.jobs) as pool:
            found = [*progress(pool.imap_unordered(work, options.ops))]
    outcomes = sorted((o for group in found for o in group), key=lambda o: (o.op, o.argument))
    survivors = [o for o in outcomes if o.status == "survived"]
    print(table(outcomes))
    for o in survivors:
        print(f"survived: {o.op}, argument {o.argument}, {o.kind}, {o.variant}")
    derivatives = len({(o.op, o.argument) for o in outcomes})
    latest = max((o.call for o in outcomes), default=0)
    print(
        f"{len(outcomes)} mutants of {derivatives} derivatives of {len(options.ops)} operations, "
        f"each caught within {latest} of {options.examples} calls, unless it is listed as a "
        f"survivor, in {time.perf_counter() - start:.0f} s."
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(o) for o in outcomes], indent=1) + "\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
