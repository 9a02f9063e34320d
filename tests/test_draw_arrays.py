"""Arrays in pictures: as numbers, heat maps and summaries; and where their gradients are summed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Node, Tensor, define_op, matmul, relu, trace_backward
from tests.drawn import own_svg, read_dot, texts_of, with_class
from viz import draw
from viz.picture.measure import CELL
from viz.text.lines import Grid
from viz.text.numbers import Writer, heat_map

RANKDIRS = ("LR", "TB")


# -- arrays


def test_the_numbers_of_a_matrix_stand_in_columns() -> None:
    lines = Writer().value(np.array([[1.0, -2.25], [10.5, 0.125]]))
    assert lines == ("(2, 2) float64", "[\xa0\xa0\xa01 -2.25]", "[10.5 0.125]")


@given(st.integers(1, 30), st.integers(1, 30))
def test_auto_prints_what_is_small_and_every_other_array_fits_into_a_small_space(
    rows: int, columns: int
) -> None:
    array = np.arange(float(rows * columns)).reshape(rows, columns)
    lines = Writer().value(array)
    if rows <= 6 and columns <= 5 and rows * columns <= 20:
        numbers = re.findall(r"[\d.]+", " ".join(str(line) for line in lines[1:]))
        assert [float(number) for number in numbers] == array.ravel().tolist()
    else:
        grid = lines[1]
        assert isinstance(grid, Grid)
        assert (len(grid.cells), len(grid.cells[0])) == (min(rows, 8), min(columns, 16))
        assert lines[2:] == (f"0 … {rows * columns - 1:.4g}",)
    for line in Writer(tensors="numbers").value(array)[1:]:
        assert isinstance(line, str)
        assert len(line.split(" ")) == min(columns, 10)
    assert len(Writer(tensors="numbers").value(array)[1:]) == min(rows, 10)


def test_numbers_leave_out_the_middle_of_what_is_long() -> None:
    (_, line) = Writer(tensors="numbers").value(np.arange(12.0))
    assert line == "[0 1 2 3 4 … 8 9 10 11]"


def test_a_heat_map_shades_by_sign_and_proportion() -> None:
    assert heat_map(np.array([[-8.0, -1.0], [0.0, 4.0]])).cells == ((-4, -1), (0, 2))
    assert heat_map(np.array([[np.nan, np.inf, 1.0]])).cells == ((None, 4, 4),)
    assert heat_map(np.zeros((2, 2))).cells == ((0, 0), (0, 0))
    large = np.repeat(np.arange(16.0)[:, None], 40, axis=1)
    assert [row[0] for row in heat_map(large).cells] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_a_heat_map_has_a_cell_for_each_number_in_both_drawings(rankdir: str) -> None:
    x = Tensor(np.arange(35.0).reshape(5, 7) - 17, label="x")
    paths = with_class(own_svg(x, rankdir=rankdir), "cells")
    assert sum(str(path.get("d")).count("z") for path in paths) == 35
    assert len(paths) == len({path.get("fill") for path in paths})
    (frame,) = (r for r in ET.fromstring(own_svg(x, rankdir=rankdir)).iter() if r.get("x") and
                r.tag.endswith("rect"))  # fmt: skip
    left, top = float(str(frame.get("x"))), float(str(frame.get("y")))
    corners = re.findall(r"M([\d.]+),([\d.]+)", " ".join(str(path.get("d")) for path in paths))
    places = {(round((float(a) - left) / CELL, 3), round((float(b) - top) / CELL, 3))
              for a, b in corners}  # fmt: skip
    assert places == {(column, row) for column in range(7) for row in range(5)}
    cells = re.findall(r"<TD FIXEDSIZE[^>]*>", draw(x, rankdir=rankdir).source)
    spans = [re.search(r'COLSPAN="(\d+)"', cell) for cell in cells]
    assert sum(int(span[1]) if span else 1 for span in spans) == 35


@pytest.mark.parametrize("tensors", ["auto", "numbers", "heat", "summary", "shape"])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)),
        np.full((3, 30), np.nan),
        np.array([[np.inf, -np.inf] * 9]),
        np.ones((2, 2, 2, 9), bool),
        np.arange(30),
        np.array(2.5),
        np.full(40, 1e308),
    ],
)
def test_odd_arrays_are_drawn_in_every_way(array: np.ndarray, tensors: str) -> None:
    diagram = draw(Tensor(array, requires_grad=False, label="x"), tensors=tensors)
    ET.fromstring(diagram.svg)
    assert f"{array.dtype}" in " ".join(texts_of(diagram.source))


def test_a_summary_tells_min_max_mean_and_zeros() -> None:
    x = Tensor(np.array([0.0, 1.0, 2.0, 5.0]), label="x")
    texts = texts_of(draw(x, tensors="summary").source)
    assert texts[:4] == ["x", "(4,) float64", "min 0, max 5", "mean 2, 25 % zeros"]


# -- broadcasting


def notes(root: Node) -> Counter[str]:
    """Return what the edges of both drawings say, which must be the same."""
    found = Counter(re.findall(r">(Σ ax[^<]+)<", draw(root).source))
    assert Counter(re.findall(r">(Σ ax[^<]+)<", own_svg(root))) == found
    return found


def test_an_edge_says_along_which_axes_its_gradient_was_summed() -> None:
    x = Tensor(np.ones((4, 1, 3)))
    b = Tensor(np.ones((2, 1)))
    y = x + b
    assert notes(y) == {}  # nothing was summed so far
    y.backward(np.ones((4, 2, 3)))
    assert notes(y) == {"Σ axis 1": 1, "Σ axes 0, 2": 1}


def test_sums_that_an_operation_s_own_rule_makes_are_not_told() -> None:
    x = Tensor(np.ones((2, 3)))
    y = matmul(x, Tensor(np.ones((3, 4)))).sum()
    y.backward()
    assert notes(y) == {}


def test_broadcasting_in_a_stack_of_matrices_is_told() -> None:
    w = Tensor(np.ones((1, 3, 4)))
    y = matmul(Tensor(np.ones((5, 2, 3)), requires_grad=False), w)
    y.backward(np.ones((5, 2, 4)))
    assert notes(y) == {"Σ axis 0": 1}


def test_broadcasting_in_an_operation_of_one_s_own_is_told() -> None:
    scaled = define_op(
        "draw: scaled",
        lambda x, s: x * s,
        lambda g, y, x, s: g * s,
        lambda g, y, x, s: (g * x).sum(axis=0, keepdims=True),  # sums by itself
    )
    x, s = Tensor(np.ones((4, 3))), Tensor(np.ones((1, 3)))
    y = scaled(x, s)
    y.backward(np.ones((4, 3)))
    assert notes(y) == {}
    t = Tensor(np.ones((1, 1)))
    z = scaled(x, t)
    z.backward(np.ones((4, 3)))
    assert notes(z) == {"Σ axis 1": 1}


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "sum": lambda a, b: a.sum(),
    "mean": lambda a, b: a.mean(),
    "relu": lambda a, b: relu(a),
}


@given(st.data())
def test_the_notes_are_what_a_traced_backward_pass_tells(data: st.DataObject) -> None:
    shapes = [(), (1,), (3,), (2, 1), (2, 3), (4, 1, 3)]
    nodes = [Tensor(np.ones(data.draw(st.sampled_from(shapes)))) for _ in range(3)]
    for _ in range(data.draw(st.integers(1, 5))):
        a, b = (data.draw(st.sampled_from(nodes)) for _ in "ab")
        nodes.append(OPERATIONS[data.draw(st.sampled_from(sorted(OPERATIONS)))](a, b))
    root = nodes[-1]
    root.backward(np.ones(root.shape))
    told = [c.summed for c in trace_backward(root).contributions if c.summed]
    words = [f"Σ {'axis' if len(a) == 1 else 'axes'} {', '.join(map(str, a))}" for a in told]
    assert notes(root) == Counter(words)


def test_an_argument_used_twice_has_a_note_on_each_edge() -> None:
    b = Tensor(np.ones(3), label="b")
    x = Tensor(np.ones((2, 3)), requires_grad=False)
    y = (x + b) * b
    y.backward(np.ones((2, 3)))
    assert notes(y) == {"Σ axis 0": 2}
    _, arrows = read_dot(draw(y).source)
    assert arrows.total() == 4 + 1


def test_a_rule_that_fails_leaves_the_edge_without_a_note() -> None:
    fails = define_op("draw: fails", lambda x: np.ones(2) * x, lambda g, y, x: g.no_such_thing)
    x = Tensor(np.ones(1))
    x.grad = np.ones(1)
    assert notes(fails(x)) == {}
