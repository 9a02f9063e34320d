"""Large graphs: what is folded, what is collapsed, and the boxes around groups."""

from __future__ import annotations

import os
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd import Node, Tensor, Value, relu, scope, topological_order
from micrograd.errors import ArgumentError
from micrograd.nn import MLP
from tests.drawn import read_dot
from viz import draw
from viz.folding.equivalence import Graph
from viz.folding.fold import Folded, fold
from viz.folding.group import OUTSIDE, Group, Tree, groups_of, siblings, topological_sort
from viz.folding.limit import fold_to_limit
from viz.graph.snapshot import Snapshot, take_snapshot
from viz.graph.summary import span
from viz.picture.layout import Layout, lay_out
from viz.picture.picture import picture_of
from viz.picture.sizes import Box
from viz.text.numbers import Writer

RANKDIRS = ("LR", "TB")


# -- random programs, some of them in scopes


@st.composite
def programs(choose: st.DrawFn) -> Value:
    """Return the last node of a random program whose nodes stand in random scopes."""
    nodes = [Value(float(i)) for i in range(choose(st.integers(1, 3)))]
    stack, open_scopes = ExitStack(), 0
    with stack:
        for _ in range(choose(st.integers(1, 25))):
            step = choose(st.sampled_from("+*r2+*r2+*r2<>"))
            if step == "<" and open_scopes < 3:
                stack.enter_context(scope(choose(st.sampled_from(["a0", "a1", "b"]))))
                open_scopes += 1
            elif step == ">" and open_scopes:
                stack.close()
                open_scopes = 0
            else:
                a, b = (nodes[choose(st.integers(0, len(nodes) - 1))] for _ in "ab")
                results = {"+": a + b, "*": a * b, "r": relu(a)}
                nodes.append(results.get(step, a * 2.0))
                nodes[-1].label = choose(st.sampled_from([None, None, None, "h1", "h2"]))
    return nodes[-1]


@st.composite
def tangles(choose: st.DrawFn) -> Value:
    """Return the last node of a random program whose nodes stand in any scopes at all."""
    root = choose(programs())
    scopes = [scope(name) for name in ("a0", "a1", "b")]
    scopes[2].parent = scopes[0]
    for node in topological_order(root):
        if not node.is_leaf:
            choose(st.sampled_from(scopes)).on_record(node)
    return root


def outline(root: Value) -> Graph:
    """Return the graph of a root as numbers."""
    nodes = topological_order(root)
    place = {node: i for i, node in enumerate(nodes)}
    inputs = [tuple(place[parent] for parent in node.parents) for node in nodes]
    groups, group_of = groups_of(nodes, inputs)
    kinds = [node.op and node.op.name for node in nodes]
    names = [node.label or "" for node in nodes]
    return Graph(kinds, inputs, groups, group_of, names, frozenset([len(nodes) - 1]))


def assert_sound(graph: Graph, folded: Folded) -> None:
    """Assert that the items are a partition, in order, with the images of all edges."""
    assert sorted(i for members in folded.members for i in members) == list(
        range(len(graph.inputs))
    )
    item_of = {i: item for item, members in enumerate(folded.members) for i in members}
    images = {
        (item_of[tail], item_of[head])
        for head, tails in enumerate(graph.inputs)
        for tail in tails
        if item_of[tail] != item_of[head]
    }
    assert {(t, h) for h, tails in enumerate(folded.inputs) for t in tails} == images
    assert all(tail < head for tail, head in images)  # so that there is no cycle
    assert len(folded.group_of) == len(folded.boxed) == len(folded.members)
    count = len(folded.members)
    levels = siblings(Tree(folded.groups), count, folded.group_of, images)
    total = count + len(folded.groups)
    assert len(topological_sort(total, levels)) == total  # each box can be drawn as one thing


@settings(deadline=None)
@given(programs(), st.booleans(), st.sets(st.sampled_from(["a0", "a", "b"])))
def test_items_are_a_partition_without_cycles(root: Value, repeats: bool, names: set[str]) -> None:
    graph = outline(root)

    def collapse(i: int) -> bool:
        return graph.groups[i].name in names or graph.groups[i].name[0] in names

    assert_sound(graph, fold(graph, repeats=repeats, collapse=collapse))


@settings(deadline=None)
@given(tangles(), st.booleans(), st.booleans())
def test_scopes_that_no_box_could_hold_are_left_out(
    root: Value, repeats: bool, collapse: bool
) -> None:
    graph = outline(root)
    assert_sound(graph, fold(graph, repeats=repeats, collapse=lambda _: collapse))


@settings(deadline=None)
@given(programs())
def test_nodes_in_one_item_are_of_one_kind(root: Value) -> None:
    graph = outline(root)
    for members in fold(graph, repeats=True).members:
        assert len({graph.kinds[i] for i in members}) == 1
        assert len({graph.names[i] for i in members} - {""}) <= 1


@settings(deadline=None)
@given(programs())
def test_without_folding_an_item_is_a_node(root: Value) -> None:
    graph = outline(root)
    folded = fold(graph, repeats=False)
    assert folded.members == [[i] for i in range(len(graph.inputs))]
    assert folded.inputs == graph.inputs
    assert draw(root).source == draw(root, fold=False, limit=10_000).source


@settings(deadline=None)
@given(programs())
def test_the_numbers_of_items_are_those_of_their_nodes(root: Value) -> None:
    snapshot = take_snapshot((root,), fold=True)
    order: list[Any] = topological_order(root)
    assert snapshot.node_count == len(order)
    shown = {number for item in snapshot.items for line in item.value for number in numbers(line)}
    assert shown <= {f"{node.data + 0.0:.4g}" for node in order}


def numbers(line: object) -> list[str]:
    """Return the numbers in a line, which may be a range."""
    return str(line).split(" … ") if not str(line).startswith("⚠") else []


@settings(deadline=None, max_examples=30)
@given(programs())
def test_folding_is_the_same_each_time(root: Value) -> None:
    assert draw(root, fold=True).source == draw(root, fold=True).source
    assert draw(root, fold=True).svg == draw(root, fold=True).svg


# -- what folds


def called(snapshot: Snapshot) -> Counter[tuple[str, int]]:
    """Return how often each thing is drawn: by its symbol or name, and its count."""
    return Counter((item.symbol or item.name or item.number, item.count) for item in snapshot.items)


def test_a_long_sum_is_one_item_that_shows_the_total() -> None:
    terms = [Value(float(i), label=f"x{i}") for i in range(100)]
    total = sum(terms[1:], terms[0])
    total.backward()
    snapshot = take_snapshot((total,), fold=True)
    assert called(snapshot)["+", 99] == 1
    assert snapshot.items[-1].value == ("4950",)
    assert snapshot.items[-1].gradient == ("1",)
    assert called(snapshot) == {("+", 99): 1, ("x", 99): 1, ("x0", 1): 1}


def test_a_long_chain_is_one_item() -> None:
    x = Value(2.0, label="x")
    y = x
    for _ in range(1_000):
        y = relu(y)
    texts, arrows = read_dot(draw(y).source)
    assert texts == {"0": ["x", "2", "–"], "1": ["relu", "× 1,000", "2", "–"]}
    assert arrows.total() == 2


def test_parallel_nodes_show_their_count_and_range() -> None:
    x = Value(3.0, label="x")
    total = sum((x * Value(float(i), label=f"w{i}")).relu() for i in range(5))
    assert isinstance(total, Value)
    total.backward()
    items = {item.symbol or item.name: item for item in take_snapshot((total,), fold=True).items}
    assert (items["w"].count, items["w"].value) == (5, ("0 … 4",))
    assert (items["×"].count, items["×"].value) == (5, ("0 … 12",))
    assert (items["w"].gradient, items["x"].gradient) == (("0 … 3",), ("10",))


def test_a_run_ends_where_something_else_uses_it() -> None:
    x = Value(2.0, label="x")
    middle = relu(relu(x))
    y = relu(relu(middle)) * middle
    assert called(take_snapshot((y,), fold=True)) == {("x", 1): 1, ("relu", 2): 2, ("×", 1): 1}


def test_names_keep_nodes_apart() -> None:
    x, y = Value(1.0, label="apples"), Value(2.0, label="pears")
    z = relu(x) + relu(y)
    assert called(take_snapshot((z,), fold=True))["relu", 1] == 2


def test_x_times_x_is_not_folded_with_x_times_y() -> None:
    x, y = Value(1.0), Value(2.0)
    z = (x * x).exp() + (x * y).exp()
    assert called(take_snapshot((z,), fold=True))["exp", 1] == 2


def test_tensors_of_different_shapes_are_not_folded() -> None:
    a, b, c = (Tensor(np.full(shape, 2.0)) for shape in (3, 3, 4))
    y = relu(a).sum() + relu(b).sum() + relu(c).sum()
    items = [item for item in take_snapshot((y,), fold=True).items if item.symbol == "relu"]
    assert [(item.count, item.value) for item in items] == [
        (2, ("(3,) float64", "2")),
        (1, ("(4,) float64", "[2 2 2 2]")),
    ]


def test_a_range_leaves_nan_out_and_counts_it() -> None:
    x = Value(0.0)
    y = sum(x * float(number) for number in ("1", "2", "inf"))
    assert isinstance(y, Value)
    (item,) = (i for i in take_snapshot((y,), fold=True).items if i.symbol == "×")
    assert item.value == ("⚠ 1 nan", "0")


def neuron(x: Value, w: Value, nonlinear: bool = True) -> Value:
    """Return a very small neuron in a scope of its own."""
    return (x * w).relu() if nonlinear else (x * w).exp()


def layer_of(*nonlinear: bool) -> Value:
    """Return the sum of some neurons, each in a numbered scope."""
    x, out = Value(2.0, label="x"), Value(0.0, label="start")
    results: list[Value] = []
    for i, kind in enumerate(nonlinear):
        with scope(f"neuron{i}"):
            results.append(neuron(x, Value(float(i), label=f"w{i}"), kind))
    return sum(results, out)


def test_scopes_of_one_family_that_hold_the_same_fold() -> None:
    snapshot = take_snapshot((layer_of(True, True, True),), fold=True)
    assert snapshot.groups == (Group("neuron", count=3),)
    inside = {item.symbol or item.name for item in snapshot.items if item.group == 0}
    assert inside == {"×", "relu", "w"}  # the weights stand inside, the input outside


def test_scopes_that_hold_something_else_are_kept_apart() -> None:
    snapshot = take_snapshot((layer_of(True, False, True),), fold=True)
    assert snapshot.groups == (Group("neuron", count=2), Group("neuron1"))
    assert called(snapshot)["×", 2] == called(snapshot)["×", 1] == 1


def test_many_calls_of_a_model_fold_to_one() -> None:
    model = MLP(2, [3, 1])
    total = sum(model([Value(float(i)), Value(1.0)]) for i in range(10))
    assert isinstance(total, Value)
    snapshot = take_snapshot((total,), fold=True)
    titles = [(group.title, group.parent) for group in snapshot.groups]
    assert titles == [
        ("layer0 × 10", OUTSIDE),
        ("neuron × 3", 0),
        ("layer1 × 10", OUTSIDE),
        ("neuron0", 2),
    ]
    weights = [item for item in snapshot.items if item.name == "w"]
    assert [(item.count, item.group) for item in weights] == [(3, 3), (6, 1)]


# -- what is collapsed


def test_a_collapsed_scope_is_a_box_with_its_outputs() -> None:
    model = MLP(2, [3, 1])
    for i, weight in enumerate(model.parameters()):
        weight.data = 1.0 + i  # drawn at random, all three neurons may be dead
    y = model([Value(1.0, label="x0"), Value(2.0, label="x1")])
    y.backward()
    snapshot = take_snapshot((y,), collapse=True)
    first, last = snapshot.items[-2:]
    assert (first.symbol, last.symbol, last.inputs) == ("layer0", "layer1", (2,))
    assert first.value[0] == "3 values"
    assert " … " in str(first.value[1])
    assert last.value == (f"{y.data:.4g}",)
    assert last.gradient == ("1",)
    assert snapshot.node_count == len(topological_order(y))
    assert not snapshot.groups


@pytest.mark.parametrize("names", ["layer0", ["layer0"], ("layer0", "layer0")])
def test_a_scope_is_collapsed_by_its_name(names: Any) -> None:
    y = MLP(2, [3, 1])([Value(1.0), Value(2.0)])
    snapshot = take_snapshot((y,), collapse=names)
    assert [item.symbol for item in snapshot.items if item.is_group] == ["layer0"]
    assert [group.name for group in snapshot.groups] == ["layer1", "neuron0"]


def test_a_family_is_collapsed_by_the_name_without_the_number() -> None:
    y = MLP(2, [3, 1])([Value(1.0), Value(2.0)])
    boxes = [i.symbol for i in take_snapshot((y,), collapse="neuron").items if i.is_group]
    assert boxes == ["neuron0", "neuron1", "neuron2", "neuron0"]
    folded = take_snapshot((y,), collapse="neuron", fold=True)
    assert [i.symbol for i in folded.items if i.is_group] == ["neuron × 3", "neuron0"]


def test_a_chain_of_collapsed_scopes_folds_to_a_run() -> None:
    y = Value(1.0, label="x")
    for i in range(20):
        with scope(f"step{i}"):
            y = (y * Value(0.5, label=f"w{i}")).relu()
    snapshot = take_snapshot((y,), collapse="step", fold=True)
    assert [(i.symbol, i.count) for i in snapshot.items] == [("step × 20", 61)]


@pytest.mark.parametrize("collapse", ["attention", ["layer0", "attention"]])
def test_a_scope_that_is_not_there_is_refused(collapse: Any) -> None:
    y = MLP(2, [1])([Value(1.0), Value(2.0)])
    with pytest.raises(ArgumentError, match=r"no scope 'attention'.*'layer', 'neuron'"):
        draw(y, collapse=collapse)
    with pytest.raises(ArgumentError, match=r"It has none; make one with .with micrograd\.scope"):
        draw(Value(1.0) * 2, collapse="attention")


@pytest.mark.parametrize("collapse", [3, [3], None])
def test_a_collapse_that_is_no_name_is_refused(collapse: Any) -> None:
    with pytest.raises(ArgumentError, match="collapse: came as"):
        draw(Value(1.0) * 2, collapse=collapse)


def test_a_fold_that_is_no_flag_is_refused() -> None:
    with pytest.raises(ArgumentError, match="fold: came as 'yes'"):
        draw(Value(1.0) * 2, fold="yes")  # pyright: ignore[reportArgumentType]


# -- the limit


def test_a_graph_within_the_limit_is_not_folded() -> None:
    y = layer_of(True, True)
    count = len(topological_order(y))
    edges = sum(len(node.parents) for node in topological_order(y))
    assert repr(draw(y, limit=count)) == f"Diagram({count} nodes, {edges} edges)"
    assert "folded into" in repr(draw(y, limit=count - 1))


def test_scopes_are_collapsed_from_the_innermost_as_far_as_needed() -> None:
    y = Value(1.0, label="x")
    for name in ("a", "b"):
        with scope(name):
            for inner in ("c", "d"):
                with scope(inner):
                    y = y.exp().relu().tanh()
                y = y.sigmoid()
    graph = outline(y)
    assert len(fold_to_limit(graph, limit=17).members) == 17
    inner = fold_to_limit(graph, limit=12)
    assert [box.name for box in inner.boxed if box] == ["c", "d", "c", "d"]
    outer = fold_to_limit(graph, limit=7)
    assert [box.name for box in outer.boxed if box] == ["a", "b"]


def irregular(count: int) -> Value:
    """Return a program in which little repeats."""
    choice = random.Random(0)
    nodes = [Value(1.0)]
    while len(nodes) < count:
        a, b = choice.choice(nodes), choice.choice(nodes[-9:])
        nodes.append(choice.choice([a + b, a * b, relu(b), b.exp()]))
    return nodes[-1]


def test_what_cannot_be_folded_is_told_with_the_ways_out() -> None:
    y = irregular(3_000)
    count = len(topological_order(y))
    with pytest.raises(ArgumentError) as caught:
        draw(y)
    said = str(caught.value)
    found = re.match(
        r"the graph has ([\d,]+) nodes, ([\d,]+) when folded, more than limit=300", said
    )
    assert found is not None
    assert int(found[1].replace(",", "")) == count
    for way in ("micrograd.scope(", "inner node", "around=", "limit="):
        assert way in said
    enough = int(found[2].replace(",", ""))
    assert f"limit={enough} " in said
    assert len(take_snapshot((y,), fold=None, limit=enough).items) == enough


def test_folding_ends_on_a_large_graph() -> None:
    model = MLP(2, [16, 16, 1])
    loss = sum((model([Value(0.1 * i), Value(1.0)]) - 1.0) ** 2 for i in range(16))
    assert isinstance(loss, Value)
    assert len(topological_order(loss)) > 10_000
    ET.fromstring(draw(loss).svg)


# -- boxes


def laid_out(root: Node, rankdir: str) -> Layout:
    """Return the layout that needs no dot."""
    return lay_out(picture_of(take_snapshot((root,))), rankdir)


def holds(outer: Box, inner: Box) -> bool:
    """Tell whether a box lies in another."""
    wide = (outer.width - inner.width) / 2 - abs(outer.x - inner.x)
    high = (outer.height - inner.height) / 2 - abs(outer.y - inner.y)
    return min(wide, high) > -1e-6


def overlap(a: Box, b: Box) -> bool:
    """Tell whether two boxes share more than their edges."""
    wide = (a.width + b.width) / 2 - abs(a.x - b.x)
    high = (a.height + b.height) / 2 - abs(a.y - b.y)
    return min(wide, high) > 1e-6


@settings(deadline=None)
@given(programs(), st.sampled_from(RANKDIRS))
def test_boxes_hold_what_is_theirs_and_nothing_else(root: Value, rankdir: str) -> None:
    layout = laid_out(root, rankdir)
    groups = [placed.group for placed in layout.groups]
    tree = Tree(groups)
    for i, placed in enumerate(layout.groups):
        for strand in layout.strands:
            boxes = [box for box in (strand.head, strand.label) if box.width and box.height]
            if tree.common(strand.strand.group, i) == i:
                assert all(holds(placed.box, box) for box in boxes)
            else:
                assert not any(overlap(placed.box, box) for box in boxes)
    for i, j in combinations(range(len(groups)), 2):
        one, other = layout.groups[i].box, layout.groups[j].box
        assert holds(one, other) if tree.common(i, j) == i else not overlap(one, other)
    everything = Box(layout.width / 2, layout.height / 2, layout.width, layout.height)
    assert all(holds(everything, placed.box) for placed in layout.groups)


@settings(deadline=None)
@given(programs(), st.sampled_from(RANKDIRS))
def test_arrows_run_from_their_tail_to_their_head_through_all_borders(
    root: Value, rankdir: str
) -> None:
    layout = laid_out(root, rankdir)
    strands = {placed.strand.key: placed for placed in layout.strands}
    for arrow in layout.arrows:
        assert arrow.curves[0][0] == pytest.approx(strands[arrow.tail].end)
        head = strands[arrow.head].head
        assert abs(arrow.tip[0] - head.x) <= head.width / 2 + 1e-6
        assert abs(arrow.tip[1] - head.y) <= head.height / 2 + 1e-6
        for one, other in zip(arrow.curves, arrow.curves[1:], strict=False):
            assert one[3] == other[0]
        across = 1 if rankdir == "LR" else 0
        for start, control, _, _ in arrow.curves:  # no line jumps at a border
            assert start[across] == pytest.approx(control[across])


@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_a_box_has_its_name_and_stands_in_the_box_around_it(rankdir: str) -> None:
    with scope("outer <1>"), scope("inner"):
        y = Value(2.0).exp()
    diagram = draw(y.relu(), rankdir=rankdir)
    names = [t.text for t in ET.fromstring(diagram.svg).findall(".//{*}text[@class='group']")]
    assert names == ["outer <1>", "inner"]
    lines = [line.strip() for line in diagram.source.splitlines()]
    assert lines.index("subgraph cluster_0 {") < lines.index("subgraph cluster_1 {")
    assert lines.count("}") == 3
    assert "outer &lt;1&gt;" in diagram.source


def test_a_leaf_stands_in_the_scope_that_alone_uses_it() -> None:
    shared, own = Value(1.0, label="shared"), Value(2.0, label="own")
    with scope("one"):
        a = shared * own
    with scope("two"):
        b = shared.exp()
    items = {item.name: item.group for item in take_snapshot((a + b,)).items}
    assert (items["shared"], items["own"]) == (OUTSIDE, 0)


def test_what_parts_of_a_scope_share_comes_from_outside_of_it() -> None:
    y = MLP(1, [2, 1])([Value(1.0, label="x")])
    items = {item.name: item.group for item in take_snapshot((y,)).items if item.name}
    assert items["x"] == OUTSIDE
    assert items["b"] != OUTSIDE


def test_a_named_constant_is_data_and_stands_outside() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=False, label="x")
    with scope("affine"):
        y = x @ Tensor(np.ones((3, 2)), label="W") * 2.0
    items = {item.name or item.number: item.group for item in take_snapshot((y,)).items}
    assert (items["x"], items["W"], items["2"]) == (OUTSIDE, 0, 0)
    assert [item.symbol for item in take_snapshot((y,), collapse=True).items] == ["", "affine"]


def test_a_range_has_no_negative_zero() -> None:
    assert span([-0.0, -0.0], Writer()) == ("0",)
    assert span([-0.0, 2.0], Writer()) == ("0 … 2",)


@pytest.mark.parametrize("style", ["book", "micrograd", "shapes"])
@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_folded_and_collapsed_items_are_drawn_in_each_style(style: str, rankdir: str) -> None:
    y = layer_of(True, True, False)
    y.backward()
    for collapse, title in ((False, "relu"), ("neuron", "neuron × 2")):
        svg = draw(y, style=style, rankdir=rankdir, fold=True, collapse=collapse).svg
        texts = [text.text for text in ET.fromstring(svg).findall(".//{*}text")]
        assert title in texts
        assert "w × 2" in texts or collapse


@pytest.mark.parametrize("fold", [None, True])
def test_a_collapsed_group_shows_in_dot_as_a_box(fold: bool | None) -> None:
    source = draw(layer_of(True, True), collapse="neuron", fold=fold).source
    assert source.count("shape=box") == (1 if fold else 2)


def test_boxes_are_laid_out_the_same_with_dot_and_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    diagram = draw(layer_of(True, True))
    with_dot = diagram.svg
    monkeypatch.setenv("PATH", str(tmp_path))
    assert diagram.svg == with_dot


def test_a_slow_dot_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\nsleep 60\ntouch {tmp_path}/drawn\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("viz.diagram._PATIENCE", 0.1)
    assert 'class="node"' in draw(Value(2.0) * 3).svg
    assert not (tmp_path / "drawn").exists()
