"""Who follows a program through the engine opens few files and reads few lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from micrograd import Tensor, Value, softmax
from tests import footprint

Make = Callable[[], Callable[[], Any]]


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (footprint.two_values, 5),  # reached: 5
        (footprint.backward_of_two_layers, 6),  # reached: 4
    ],
)
def test_a_program_enters_few_files(make: Make, most: int) -> None:
    assert len(footprint.files_entered(make())) <= most


@pytest.mark.parametrize(
    ("make", "most"),
    [
        pytest.param(
            footprint.two_values,
            100,
            marks=pytest.mark.xfail(
                reason="134 lines: a pass may have to wait, to look, and to be undone"
            ),
        ),
        pytest.param(
            footprint.two_layers,
            200,
            marks=pytest.mark.xfail(reason="353 lines, of which 76 are rules, and 16 NumPy's"),
        ),
        (footprint.backward_of_two_layers, 200),  # reached: 184
    ],
)
def test_a_program_executes_few_lines(make: Make, most: int) -> None:
    assert len(footprint.lines_executed(make())) <= most


def helper(a: Any) -> Any:
    a = softmax(a)
    if a.size > 100:
        a = a + 1
    return a


def test_files_and_lines_are_those_that_ran() -> None:
    a = Tensor([1.0])
    assert __file__ in footprint.files_entered(lambda: helper(a))
    lines = {line for path, line in footprint.lines_executed(lambda: helper(a)) if path == __file__}
    first = helper.__code__.co_firstlineno
    assert lines >= {first + 1, first + 2, first + 4}
    assert first + 3 not in lines
    assert not any(path.startswith("ops/") for path in footprint.files_entered(lambda: helper(a)))
    assert any(path.startswith("ops/") for path, _ in footprint.lines_executed(lambda: helper(a)))


def test_who_watched_before_watches_again() -> None:
    def watch(*_: Any) -> None: ...

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        footprint.files_entered(lambda: Value(2.0).exp())
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(before)
