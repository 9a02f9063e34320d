"""check_op: what a user's operation goes through, and what is said of a faulty one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import micrograd as mg
from micrograd import ArgumentError, Op
from micrograd.core.op import Each
from micrograd.testing import Domain, Sample, check_op
from micrograd.testing.battery import check_law, title
from micrograd.testing.laws import LAWS, LAWS_OF_NUMBERS

ROOT = Path(__file__).resolve().parents[1]
_numbers = count()


def op(forward: Any, *derivatives: Any, **options: Any) -> Op:
    return Op(f"mine_{next(_numbers)}", forward, derivatives, **options)


def cubed(g: Any, y: Any, x: Any) -> Any:
    return 3 * g * x * x


@pytest.mark.hypothesis
def test_a_right_operation_obeys_every_law(examples: Callable[[int], int]) -> None:
    cube = op(lambda x: x**3, cubed)
    names = check_op(cube, reference=lambda x: x * x * x, examples=examples(25))

    assert names == [title(law) for law in (*LAWS, *LAWS_OF_NUMBERS)]


def test_domains_shapes_and_options_are_those_asked_for() -> None:
    seen: list[Any] = []

    def forward(a: Any, b: Any, *, axis: int) -> Any:
        seen.append((np.asarray(a), np.asarray(b), axis))
        return np.log(a).sum(axis=axis) / b

    rules = (
        lambda g, y, a, b, *, axis: mg.broadcast_to((g / b).reshape(-1, 1), a.shape) / a,
        lambda g, y, a, b, *, axis: -g * y / b,
    )
    weighted = op(forward, *rules, arrays_only=True)
    below = Domain(-5.0, -1.0)
    shapes = st.sampled_from([((2, 3), (2,)), ((1, 2), (1,))])

    names = check_op(weighted, ["positive", below], shapes=shapes, options={"axis": 1}, examples=10)

    assert names == [title(law) for law in LAWS]
    assert {axis for _, _, axis in seen} == {1}
    assert {a.shape for a, _, _ in seen} == {(2, 3), (1, 2)}


@pytest.mark.slow
def test_an_operation_of_any_number_of_arguments_takes_a_domain_for_each() -> None:
    total = Each(lambda i, g, y, *args: g)
    adding = Op("adding", lambda *args: sum(args[1:], args[0]), total)  # type: ignore[arg-type]

    assert check_op(adding, ["real", "real", "unit"])
    with pytest.raises(ArgumentError, match="any number of arguments"):
        check_op(adding)


FAULTS: dict[str, tuple[Op, str]] = {
    "a wrong value": (
        op(lambda x: np.where(np.abs(x) > 2, x + 1, x), lambda g, y, x: g),
        "the result is that of the reference",
    ),
    "a wrong gradient": (op(lambda x: x**3, lambda g, y, x: g * x), "numerical derivative'"),
    "a gradient that detaches": (
        op(
            lambda x: x**3,
            lambda g, y, x: g * 3 * (x.data if hasattr(x, "requires_grad") else x) ** 2,
        ),
        "the second gradient",
    ),
    "a rule that widens": (
        op(lambda x: x * 1, lambda g, y, x: g * np.ones(1)[0] * np.array([1.0]) if x.ndim else g),
        "a rule computes in the dtype",
    ),
    "a rule that writes": (
        op(np.square, lambda g, y, x: _doubled_in_place(g) * x),
        "derivative writes into",
    ),
    "a rule that needs C order": (
        op(
            np.square,
            lambda g, y, x: (
                2 * g * x
                if not isinstance(x, np.ndarray) or x.flags.c_contiguous or x.ndim < 2
                else g
            ),
        ),
        "memory layout",
    ),
    "a long symbol": (op(np.square, lambda g, y, x: 2 * g * x, symbol="square " * 9), "symbol"),
    "a scalar form of its own": (
        op(np.square, lambda g, y, x: 2 * g * x, scalar=lambda x: x * x + 1),
        "values give what tensors give",
    ),
}


def _doubled_in_place(g: Any) -> Any:
    if isinstance(g, np.ndarray):
        g *= 2
        return g
    return g * 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_the_law_that_is_made_for_it(fault: str) -> None:
    faulty, law = FAULTS[fault]
    reference = (lambda x: x) if fault == "a wrong value" else None

    with pytest.raises(AssertionError, match=law) as caught:
        check_op(faulty, reference=reference)

    assert str(caught.value).startswith(f"{faulty.name} breaks the law '")
    assert f"The simplest call found that shows it: {faulty.name}(array(" in str(caught.value)


@pytest.mark.slow
def test_an_error_of_the_operation_is_named_with_the_call() -> None:
    def fail(x: Any) -> Any:
        raise RuntimeError("on purpose")

    with pytest.raises(AssertionError, match=r"array\(1.\)\)\nRuntimeError: on purpose"):
        check_op(op(fail, cubed))


def test_the_number_of_domains_has_to_fit() -> None:
    with pytest.raises(ArgumentError, match="takes 1 arguments, but came 2 domains"):
        check_op(op(np.square, cubed), ["real", "real"])


@pytest.mark.slow
def test_whole_samples_may_be_given() -> None:
    square = op(np.square, lambda g, y, x: 2 * g * x)
    samples = st.sampled_from([1.0, 2.0]).map(
        lambda x: Sample(square, np.square, (np.array([x]),), name="square")
    )

    check_law(LAWS[0], square, samples)
    assert check_op(square, samples=samples, examples=10)
    with pytest.raises(AssertionError, match=r"it: square\(array\(\[1\.\]\)\)"):
        check_op(op(np.square, cubed), samples=samples)


def test_without_hypothesis_the_strategies_name_the_extra_and_the_rest_works() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import micrograd.testing as t\n"
        "assert t.gradcheck(abs, 1.0)\n"
        "try: t.programs\n"
        "except ImportError as e: print(type(e).__name__, e)\n"
        "try: t.nothing\n"
        "except AttributeError as e: print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT
    )

    assert done.stdout.splitlines() == [
        "MissingExtraError micrograd.testing.programs needs Hypothesis. Install it with "
        "pip install 'micrograd-graph[properties]'.",
        "module 'micrograd.testing' has no attribute 'nothing'",
    ], done.stderr


def test_every_public_name_of_testing_is_there_and_documented() -> None:
    import micrograd.testing as testing

    for name in testing.__all__:
        thing = getattr(testing, name)
        assert not callable(thing) or thing.__doc__, name
