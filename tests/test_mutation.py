"""That faults planted in derivatives are caught, and that what catches them can fail to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from micrograd.core.op import Op, registry
from micrograd.testing.laws import a_diagram_has_a_symbol_for_it
from tests import mutation
from tests.faults import KINDS, planted
from tests.mutation import Outcome, examine, main, table

SIMPLE = ("sign", "factor-2", "factor-1.001", "zeroed")


@pytest.fixture(autouse=True)
def few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "COMPARED", 60)  # drawing the calls takes the most time


def statuses(outcomes: Sequence[Outcome]) -> set[str]:
    return {outcome.status for outcome in outcomes}


@pytest.mark.slow
def test_faults_of_every_kind_are_caught() -> None:
    outcomes = [
        o for name in ("multiply", "tanh", "sum", "matmul", "getitem") for o in examine(name)
    ]
    changed = [o for o in outcomes if o.status not in ("equivalent", "invalid")]

    assert [o for o in changed if o.status != "caught"] == []
    assert {o.kind for o in changed} == set(KINDS)
    assert len(changed) > 80


@pytest.mark.parametrize("laws", [(), (a_diagram_has_a_symbol_for_it,)], ids=["none", "symbol"])
def test_without_the_laws_of_gradients_every_fault_survives(laws: Sequence[mutation.Law]) -> None:
    outcomes = examine("multiply", SIMPLE, laws=laws)

    assert len(outcomes) == 8
    assert statuses(outcomes) == {"survived"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("add", "swapped-arguments"),  # neither rule asks for them
        ("tanh", "no-broadcast-sum"),  # nothing is repeated
    ],
)
def test_a_fault_that_changes_no_gradient_is_equivalent(name: str, kind: str) -> None:
    assert statuses(examine(name, [kind])) == {"equivalent"}


@pytest.mark.slow
def test_a_fault_that_always_raises_is_invalid() -> None:
    outcomes = examine("tile", ["dropped-term"])

    invalid = {o.variant for o in outcomes if o.status == "invalid"}
    assert invalid == {"(1,) * (len(reps) - x.ndim) → len(reps) - x.ndim"}


@pytest.mark.parametrize("name", ["multiply", "stack"])
def test_a_fault_is_taken_out_again(name: str) -> None:
    op = registry[name]
    rules = op.derivatives

    def interrupted() -> None:
        with planted(op, 1, lambda *args, **options: "planted"):
            assert op.derivatives[1]() == "planted"
            assert op.derivatives[0] is not op.derivatives[1]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert op.derivatives is rules


def test_an_operation_that_breaks_a_law_by_itself_is_refused() -> None:
    tanh = registry["tanh"]
    with (
        planted(tanh, 0, lambda g, y, x: g),
        pytest.raises(RuntimeError, match="fails for tanh without a fault"),
    ):
        examine("tanh", ["sign"])


def test_each_term_of_a_formula_and_of_its_helpers_is_dropped() -> None:
    found = {text for text, _ in KINDS["dropped-term"](registry["maximum"], 0)}
    textbook = Op("textbook", np.tanh, (lambda g, y, x: g * (1 - y * y),))
    textbook.trust()
    formula = {text for text, _ in KINDS["dropped-term"](textbook, 0)}

    assert found == {"g / 2 → g", "g / 2 → 2"}
    assert formula == {
        "g * (1 - y * y) → g",
        "g * (1 - y * y) → 1 - y * y",
        "1 - y * y → 1",
        "1 - y * y → y * y",
        "y * y → y",
    }


def test_the_exit_code_tells_of_survivors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--ops", "add", "--kinds", "sign", "--jobs", "1", "--examples", "5"]

    assert main(arguments) == 0
    assert "survived" not in capsys.readouterr().out
    monkeypatch.setattr(mutation, "laws_of", lambda name: [])
    assert main(arguments) == 1
    assert "survived: add, argument 0, sign, negated" in capsys.readouterr().out


def test_the_table_leaves_equivalent_mutants_out_of_the_share() -> None:
    rows = table(
        [
            Outcome("add", 0, "sign", "negated", status, 0.5)
            for status in ("caught", "caught", "equivalent", "survived", "invalid")
        ]
    ).splitlines()

    assert rows[1].split() == ["sign", "5", "1", "1", "2", "66.7%", "2.5"]
    assert rows[-1].split()[1:] == rows[1].split()[1:]
