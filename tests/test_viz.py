"""The pictures: what they show, that they are well formed, and that nothing overlaps."""

from __future__ import annotations

import base64
import os
import re
import shutil
import stat
import time
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import graphviz
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd import Node, Tensor, Value, define_op, exp, matmul, relu, topological_order
from micrograd.errors import ArgumentError, MicrogradError, MissingExtraError, OperandError
from tests.domains import TABLE, calls_of
from tests.drawn import Reading, own_svg, read_dot, read_dot_svg, read_own_svg
from viz import Diagram, draw, draw_dot
from viz.graph.snapshot import take_snapshot
from viz.picture.dot import write_dot
from viz.picture.layered import arrange, place, spread
from viz.picture.layout import Box, Layout, lay_out
from viz.picture.picture import Picture, Strand, picture_of
from viz.picture.svg import write_svg

HAS_DOT = shutil.which("dot") is not None
needs_dot = pytest.mark.skipif(
    not HAS_DOT and not os.environ.get("CI"), reason="needs the dot program"
)
RANKDIRS = ("LR", "TB")
NASTY = '<script>alert(1)</script>"];'


@pytest.fixture
def broken_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a dot program on the PATH that fails."""
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'out of ink' >&2\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


# -- the book's graphs


def apple() -> Value:
    """Return the price of two apples with tax."""
    price = Value(100.0, label="apple") * Value(2.0, label="count") * Value(1.1, label="tax")
    price.label = "price"
    return price


def apples_and_oranges() -> Value:
    """Return the price of two apples and three oranges with tax."""
    apples = Value(100.0, label="apple") * Value(2.0, label="apple count")
    oranges = Value(150.0, label="orange") * Value(3.0, label="orange count")
    total = (apples + oranges) * Value(1.1, label="tax")
    total.label = "total"
    return total


APPLE = {
    "apple": ("100", "2.2"),
    "count": ("2", "110"),
    "tax": ("1.1", "200"),
    "price": ("220", "1"),
}
APPLES_AND_ORANGES = {
    "apple": ("100", "2.2"),
    "apple count": ("2", "110"),
    "orange": ("150", "3.3"),
    "orange count": ("3", "165"),
    "tax": ("1.1", "650"),
    "total": ("715", "1"),
}


# -- reading pictures back


def readings(diagram: Diagram, root: Node, rankdir: str = "LR") -> list[Reading]:
    """Read all the forms of a drawing."""
    found = [read_dot(diagram.source), read_own_svg(own_svg(root, rankdir=rankdir))]
    return [*found, read_dot_svg(diagram.svg)] if HAS_DOT else found


def named(reading: Reading) -> dict[str, tuple[str, str]]:
    """Return the value and gradient of what has a name."""
    texts, _ = reading
    result = {found[0]: (found[1], found[2]) for found in texts.values() if len(found) == 3}
    for node, found in texts.items():
        if node.endswith("_end"):
            _, value, gradient = texts[node.removesuffix("_end")]
            result[found[0]] = (value, gradient)
    return result


# -- what a picture shows


@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize(
    ("build", "numbers"), [(apple, APPLE), (apples_and_oranges, APPLES_AND_ORANGES)]
)
def test_the_book_s_numbers(build: Any, numbers: Any, rankdir: str) -> None:
    root = build()
    root.backward()
    for reading in readings(draw(root, rankdir=rankdir), root, rankdir):
        assert {name: found for name, found in named(reading).items() if name in numbers} == numbers


@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_the_gradient_is_red_and_below_or_right_of_the_line(rankdir: str) -> None:
    (strand,) = lay_out(picture_of(take_snapshot((Value(3.0),))), rankdir).strands
    (node,) = ET.fromstring(own_svg(Value(3.0), rankdir=rankdir)).findall(".//{*}g[@class='node']")
    value, gradient = node.findall("{*}text")
    axis, line = ("y", strand.label.y) if rankdir == "LR" else ("x", strand.label.x)
    assert float(str(value.get(axis))) < line < float(str(gradient.get(axis)))
    assert (value.get("fill"), gradient.get("fill")) == (None, "#b22222")


@needs_dot
@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_the_gradient_is_red_and_below_or_right_with_dot(rankdir: str) -> None:
    value, gradient = ET.fromstring(draw(Value(3.0), rankdir=rankdir).svg).findall(".//{*}text")
    axis = "y" if rankdir == "LR" else "x"
    assert float(str(value.get(axis))) < float(str(gradient.get(axis)))
    assert (value.get("fill"), gradient.get("fill")) == (None, "#b22222")


@needs_dot
def test_dot_is_there() -> None:
    assert HAS_DOT, "CI must have the dot program"


def test_sigmoid_taken_apart() -> None:
    x = Value(1.0, label="x")
    y = Value(1.0, requires_grad=False) / (1 + exp(x * -1))
    y.backward()
    for texts, _ in readings(draw(y), y):
        shown = list(texts.values())
        assert ["exp", "0.3679", "-0.5344"] in shown
        assert ["+", "1.368", "-0.5344"] in shown
        assert ["/", "0.7311", "1"] in shown
        assert ["-1", "-1"] in shown  # a constant: its name and value, and no gradient


def test_a_node_used_twice_has_two_edges() -> None:
    x = Value(3.0)
    y = x * x
    for _, arrows in readings(draw(y), y):
        assert arrows == {("0", "1"): 2, ("1", "1_end"): 1}
    assert repr(draw(y)) == "Diagram(2 nodes, 2 edges)"
    assert draw_dot(y).source.count("n0 -> n1op") == 2


def test_a_dash_stands_for_a_gradient_not_computed() -> None:
    x = Value(3.0, label="x")
    y = x * 0.0
    for texts, _ in readings(draw(y), y):
        assert texts["0"] == ["x", "3", "–"]
    y.backward()
    for texts, _ in readings(draw(y), y):
        assert texts["0"] == ["x", "3", "0"]


def test_a_diagram_keeps_the_moment_it_was_drawn() -> None:
    x = Value(3.0)
    y = x * 2
    before, source = draw(y), draw(y).source
    y.backward()
    assert before.source == source
    assert draw(y).source != source


def test_tensors_show_shape_and_dtype_and_small_ones_their_numbers() -> None:
    x = Tensor(np.ones((100, 50), np.float32), requires_grad=False, label="x")
    w = Tensor(np.ones((50, 2), np.float32), label="w")
    b = Tensor(np.array([1.0, -2.5], np.float32), label="b")
    loss = (matmul(x, w) + b).sum()
    loss.backward()
    for texts, _ in readings(draw(loss), loss):
        assert texts["0"] == ["x", "(100, 50) float32", "all 1"]
        assert texts["1"] == ["w", "(50, 2) float32", "all 1", "(50, 2)", "all 100"]
        assert ["b", "(2,) float32", "[1 -2.5]", "(2,)", "[100 100]"] in texts.values()
        assert ["+", "(100, 2) float32", "47.5 … 51", "(100, 2)", "all 1"] in texts.values()
        assert ["Σ", "9850 float32", "1"] in texts.values()


def test_a_small_matrix_has_a_line_for_each_row() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3), label="x")
    for texts, _ in readings(draw(x), x):
        assert texts == {"0": ["x", "(2, 3) float64", "[0 1 2]", "[3 4 5]", "–"]}


def test_a_gradient_that_is_a_node_shows_its_number() -> None:
    x = Value(3.0, label="x")
    y = x * x
    y.backward(create_graph=True)
    for texts, _ in readings(draw(y), y):
        assert texts["0"] == ["x", "3", "6"]


def test_names_override_labels_and_inner_names_are_shown() -> None:
    x = Value(3.0, label="x")
    inner = x * 2
    y = inner + 1
    for name, node in draw_names(y, names={"apple": x, "twice": inner, "result": y}):
        assert (name, node) in {("apple", "0"), ("twice", "2"), ("result", "4_end")}


def draw_names(root: Value, names: dict[str, Node]) -> list[tuple[str, str]]:
    """Return which name stands where."""
    texts, _ = read_dot(draw(root, names=names).source)
    found = [(t, node) for node, lines in texts.items() for t in lines if t in names]
    assert len(found) == len(names)
    return found


def test_more_roots_share_what_they_share() -> None:
    x = Value(3.0)
    a, b = x * 2, x + 1
    texts, arrows = read_dot(draw(a, b, a).source)
    assert len(texts) == 5
    assert arrows.total() == 4 + 2
    _, arrows = read_dot(draw(a * 1, a).source)  # an output that is used as well
    assert arrows["2", "2_end"] == 1


def test_number_format() -> None:
    assert ">0.33333333<" in draw(Value(1 / 3), number_format=".8f").source
    with pytest.raises(ArgumentError, match=r"'q' cannot write"):
        draw(Value(1.0), number_format="q")


@pytest.mark.parametrize("data", [float("nan"), float("inf"), -0.0, 1e300, 2**53, 10**400])
def test_odd_numbers_are_drawn(data: float) -> None:
    node = Value(data)
    bundle = draw(node * 2)._repr_mimebundle_()
    ET.fromstring(bundle["image/svg+xml"])


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.zeros((1, 1, 2)), np.array(True)])
def test_odd_arrays_are_drawn(array: np.ndarray) -> None:
    ET.fromstring(draw(Tensor(array, requires_grad=False)).svg)


# -- what is refused


def test_a_root_that_is_no_node_is_refused() -> None:
    for bad in (3.0, [Value(1.0)], None, np.ones(2)):
        with pytest.raises(OperandError, match=type(bad).__name__):
            draw(bad)  # pyright: ignore[reportArgumentType]
        with pytest.raises(TypeError, match="expected a node"):
            draw_dot(bad)  # pyright: ignore[reportArgumentType]
    with pytest.raises(OperandError, match=r"names\['x'\]"):
        draw(Value(1.0), names={"x": 1.0})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("function", [draw, draw_dot])
def test_a_rankdir_that_cannot_be_drawn_is_refused(function: Any) -> None:
    with pytest.raises(ArgumentError, match=r"'RL'.*'LR'.*'TB'"):
        function(Value(1.0), rankdir="RL")


def test_a_format_that_graphviz_does_not_know_is_refused() -> None:
    with pytest.raises(ArgumentError, match="'jpag'"):
        draw_dot(Value(1.0), format="jpag")


@pytest.mark.slow
def test_the_limit_is_told_fast_on_a_long_chain() -> None:
    x = Value(0.0)
    for _ in range(200_000):
        x = relu(x)
    start = time.perf_counter()
    with pytest.raises(ArgumentError, match=r"200,001 nodes.*inner node.*limit=200001"):
        draw(x, fold=False)
    assert time.perf_counter() - start < 30


def test_the_limit_counts_nodes() -> None:
    y = apple()
    assert draw(y, limit=5).source == draw(y).source
    with pytest.raises(ArgumentError, match="5 nodes"):
        draw(y, limit=4, fold=False)


@pytest.mark.slow
def test_depth_is_no_limit() -> None:
    x = Value(1.0)
    for _ in range(3_000):
        x = relu(x)
    assert len(read_own_svg(own_svg(x))[0]) == 3_001
    assert draw(x, limit=10_000).source.count("->") == 6_001
    assert draw_dot(x).source.count("->") == 6_000


# -- text is text


@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize(
    "label", [NASTY, "a\\Nb \\G", "&lt;b&gt;", '"', "\\", "{a|b}", "-->", "]]>", "日本語 é"]
)
def test_labels_are_shown_as_they_are(label: str, rankdir: str) -> None:
    y = Value(2.0, label=label) * 3
    y.label = label
    diagram = draw(y, rankdir=rankdir)
    found = [read_own_svg(own_svg(y, rankdir=rankdir))]
    if HAS_DOT:
        found.append(read_dot_svg(diagram.svg))
    for texts, _ in found:
        assert texts["0"][0] == label
        assert texts["2_end"] == [label]
    assert "<script" not in diagram.source + diagram.svg + own_svg(y)


@needs_dot
@pytest.mark.parametrize("label", [NASTY, "a\\Nb", "&lt;", '"', "\\", "{a|b}", "<x>"])
def test_labels_of_records_are_shown_as_they_are(label: str) -> None:
    svg = draw_dot(Value(2.0, label=label)).pipe(encoding="utf-8")
    texts = [text.text for text in ET.fromstring(svg.encode()).findall(".//{*}text")]
    assert texts == [label, "data 2.0000", "grad –"]


def test_what_no_svg_may_contain_is_replaced() -> None:
    y = Value(2.0, label="a\x00b\ud800\x1b\n c") * 2
    for svg in (draw(y).svg, own_svg(y)):
        ET.fromstring(svg.encode())
        assert "a\ufffdb\ufffd\ufffd c" in svg
    draw_dot(y).source.encode()


def test_symbols_are_escaped_and_may_be_long() -> None:
    swap = define_op("viz <swap> &", lambda x: x, lambda g, y, x: g, symbol='<"&">')
    longer = define_op("viz a rather long name", lambda x: x, lambda g, y, x: g)
    y = longer(swap(Value(1.0)))
    for texts, _ in readings(draw(y), y):
        assert texts["1"][0] == '<"&">'
        assert texts["2"][0] == "viz a rather long name"


# -- drawing is repeatable


@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize("build", [apple, apples_and_oranges])
def test_drawing_is_the_same_each_time(build: Any, rankdir: str) -> None:
    one, other = build(), build()
    first, second = draw(one, rankdir=rankdir), draw(other, rankdir=rankdir)
    assert first.source == second.source
    assert first.svg == second.svg
    assert own_svg(one, rankdir=rankdir) == own_svg(other, rankdir=rankdir)
    assert draw_dot(one).source == draw_dot(other).source


# -- any program


@st.composite
def programs(draw_from: st.DrawFn) -> list[Value]:
    """Return the nodes of a random program; any of them may be drawn."""
    nodes = [Value(float(i), label=f"x{i}") for i in range(draw_from(st.integers(1, 3)))]
    for _ in range(draw_from(st.integers(0, 14))):
        a, b = (nodes[draw_from(st.integers(0, len(nodes) - 1))] for _ in "ab")
        kind = draw_from(st.sampled_from("+*-r2"))
        results = {"+": a + b, "*": a * b, "-": a - b, "r": relu(a), "2": a * 2.0}
        nodes.append(results[kind])
    return nodes


@settings(deadline=None)
@given(programs(), st.booleans())
def test_a_drawing_has_the_nodes_and_edges_of_the_graph(
    nodes: list[Value], backwards: bool
) -> None:
    root = nodes[-1]
    if backwards:
        root.backward()
    order = topological_order(root)
    name = {node: str(i) for i, node in enumerate(order)}
    edges = Counter((name[parent], name[node]) for node in order for parent in node.parents)
    outside = Counter({(name[root], f"{name[root]}_end"): 1} if root.parents else {})
    for read, text in ((read_dot, draw(root).source), (read_own_svg, own_svg(root))):
        texts, arrows = read(text)
        assert arrows == edges + outside
        assert set(texts) - {f"{name[root]}_end"} == set(name.values())
        each: list[tuple[Any, str]] = list(name.items())
        for node, key in each:
            assert f"{node.data + 0.0:.4g}" in texts[key]  # zero has no sign
            assert (node.op is None) or texts[key][0] == node.op.symbol_for(node)
    source = draw_dot(root).source
    assert source.count("shape=record") == len(order)
    assert source.count("->") == edges.total() + len(set(head for _, head in edges))


def boxes(layout: Layout) -> list[Box]:
    """Return the boxes of all shapes that have a size."""
    found = [box for strand in layout.strands for box in (strand.head, strand.label)]
    return [box for box in found if box.width > 0 and box.height > 0]


def overlap(a: Box, b: Box) -> bool:
    """Tell whether two boxes share more than their edges."""
    wide = (a.width + b.width) / 2 - abs(a.x - b.x)
    high = (a.height + b.height) / 2 - abs(a.y - b.y)
    return min(wide, high) > 1e-6


@settings(deadline=None)
@given(st.lists(programs(), min_size=1, max_size=3), st.sampled_from(RANKDIRS))
def test_nothing_overlaps_and_nothing_is_clipped(graphs: list[list[Value]], rankdir: str) -> None:
    roots = tuple(nodes[-1] for nodes in graphs)
    layout = lay_out(picture_of(take_snapshot(roots)), rankdir)
    found = boxes(layout)
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]
    for box in found:
        assert box.width / 2 <= box.x <= layout.width - box.width / 2
        assert box.height / 2 <= box.y <= layout.height - box.height / 2
    points = [s.start for s in layout.strands] + [s.end for s in layout.strands]
    for arrow in layout.arrows:
        points += [arrow.tip, *(point for curve in arrow.curves for point in curve)]
        assert all(a[-1] == b[0] for a, b in pairwise(arrow.curves))
    assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in points)
    root = ET.fromstring(write_svg(layout))
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    assert (width, height) == pytest.approx((layout.width, layout.height), abs=0.01)


@settings(deadline=None)
@given(programs(), st.sampled_from(RANKDIRS))
def test_no_arrow_runs_through_a_label(nodes: list[Value], rankdir: str) -> None:
    layout = lay_out(picture_of(take_snapshot((nodes[-1],))), rankdir)
    labels = [strand.label for strand in layout.strands if strand.strand.above]
    for arrow in layout.arrows:
        for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in arrow.curves:
            for t in (i / 20 for i in range(1, 20)):
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                x, y = a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
                assert not any(overlap(Box(x, y, 1e-3, 1e-3), label) for label in labels)


# -- the parts of the layout


def test_a_chain_is_straight() -> None:
    x = Value(1.0)
    for _ in range(5):
        x = relu(x) * 2.0
    layout = lay_out(picture_of(take_snapshot((x,))))
    assert len({s.head.y for s in layout.strands if s.strand.symbol}) == 1


def test_inputs_stand_next_to_what_uses_them() -> None:
    late = Value(1.0, label="late")
    y = relu(relu(relu(Value(1.0)))) + late
    layout = lay_out(picture_of(take_snapshot((y,))))
    place_of = {s.strand.name or s.strand.symbol: s for s in layout.strands}
    assert place_of["late"].label.x == pytest.approx(place_of["relu"].label.x)


@pytest.mark.parametrize("count", [1, 2, 3, 12])
@pytest.mark.parametrize("symbol", ["+", "a long symbol"])
def test_arrows_reach_a_circle_from_the_front_and_apart(count: int, symbol: str) -> None:
    sources = [Strand(str(i), above=("1",)) for i in range(count)]
    target = Strand("target", symbol=symbol, above=("1",))
    far_below = Strand("far", above=tuple("1" * 30))
    # The last source feeds the target many times.
    arrows = [(i, count + 1) for i in range(count)] + [(count - 1, count + 1)] * count
    picture = Picture((*sources, far_below, target), tuple(arrows))
    layout = lay_out(picture)
    head = layout.strands[-1].head
    tips = [arrow.tip for arrow in layout.arrows]
    assert len(set(tips)) == len(arrows)
    for (x, y), arrow in zip(tips, layout.arrows, strict=True):
        assert x < head.x
        on_rim = ((x - head.x) * 2 / head.width) ** 2 + ((y - head.y) * 2 / head.height) ** 2
        assert on_rim == pytest.approx(1)
        assert arrow.curves[-1][3][0] < x  # the arrow head points forwards


def test_two_links_that_need_not_cross_do_not() -> None:
    graph = arrange(6, [(0, 4), (1, 3), (2, 4), (3, 5), (4, 5)])
    row = graph.rows[0]
    assert row.index(1) in (0, 2)


def test_links_that_form_a_permutation_are_untangled() -> None:
    graph = arrange(80, [(i, 40 + (i * 17) % 40) for i in range(40)])
    assert [graph.after[v][0] for v in graph.rows[0]] == graph.rows[1]


@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_the_picture_flows_in_its_direction(rankdir: str) -> None:
    layout = lay_out(picture_of(take_snapshot((apples_and_oranges(),))), rankdir)
    at = {s.strand.key: (s.head.x, s.head.y)[rankdir == "TB"] for s in layout.strands}
    assert all(at[arrow.tail] < at[arrow.head] for arrow in layout.arrows)


def test_what_two_arrows_share_is_drawn_once() -> None:
    x = Value(1.0)
    later = relu(relu(x))
    svg = own_svg((later + x) + (later * x))
    paths = [str(g[0].get("d")) for g in ET.fromstring(svg).findall(".//{*}g[@data-tail='0']")]
    assert len(paths) == 3
    starts = {re.split("[CL]", path)[1] for path in paths}
    assert len(starts) == 3


def test_spread_keeps_distance_and_order() -> None:
    assert spread([[(5.0, 1.0)], [(0.0, 3.0)]], [0.0, 2.0]) == [-2.0, 0.0]
    assert spread([], []) == []


def test_place_makes_a_long_link_straight() -> None:
    graph = arrange(5, [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)])
    at = place(graph, [10.0] * len(graph.before), lambda u, v: 8.0 if min(u, v) >= 5 else 1.0)
    assert at[5] == at[6]


@pytest.mark.parametrize("rankdir", RANKDIRS)
def test_an_empty_picture_is_drawn(rankdir: str) -> None:
    ET.fromstring(write_svg(lay_out(Picture((), ()), rankdir)))
    assert write_dot(Picture((), ()), rankdir).startswith("digraph")


# -- Diagram


def test_svg_is_well_formed() -> None:
    for rankdir in RANKDIRS:
        y = apples_and_oranges()
        for svg in (draw(y, rankdir=rankdir).svg, own_svg(y, rankdir=rankdir)):
            assert svg.startswith("<svg")
            assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_svg_without_dot_is_our_own(no_dot: None) -> None:
    y = apple()
    assert draw(y).svg == own_svg(y)
    assert draw(y, rankdir="TB").svg == own_svg(y, rankdir="TB")


def test_a_dot_that_fails_is_noticed(broken_dot: None, tmp_path: Path) -> None:
    y = apple()
    assert draw(y).svg == own_svg(y)
    for suffix in ("png", "pdf"):
        with pytest.raises(MicrogradError, match=r"exit 3: out of ink"):
            draw(y).save(tmp_path / f"y.{suffix}")
        assert not (tmp_path / f"y.{suffix}").exists()


@needs_dot
def test_svg_with_dot_is_dot_s() -> None:
    assert HAS_DOT
    assert 'class="graph"' in draw(apple()).svg


@pytest.mark.parametrize("suffix", [".svg", ".dot", ".SVG"])
def test_save_text_without_dot(no_dot: None, tmp_path: Path, suffix: str) -> None:
    diagram = draw(apple())
    path = diagram.save(str(tmp_path / f"apple{suffix}"))
    assert path == tmp_path / f"apple{suffix}"
    expected = diagram.source if suffix == ".dot" else diagram.svg
    assert path.read_text(encoding="utf-8") == expected


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_save_images_with_dot(tmp_path: Path, suffix: str, start: bytes) -> None:
    assert draw(apple()).save(tmp_path / f"apple{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_save_images_without_dot_says_what_to_install(
    no_dot: None, tmp_path: Path, suffix: str
) -> None:
    pattern = r"apt-get install graphviz.*brew install graphviz.*\.svg"
    with pytest.raises(MissingExtraError, match=pattern):
        draw(apple()).save(tmp_path / f"apple{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["apple.gif", "apple"])
def test_save_to_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError, match=r"\.svg, \.dot, \.png or \.pdf"):
        draw(apple()).save(tmp_path / name)


def test_a_notebook_gets_svg_an_image_and_text(no_dot: None) -> None:
    diagram = draw(apple())
    bundle = diagram._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/html", "text/plain"}
    assert bundle["image/svg+xml"] == diagram.svg
    assert bundle["text/plain"] == "Diagram(5 nodes, 4 edges)"
    image = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    assert image is not None
    assert base64.b64decode(image[1]).decode() == diagram.svg


def test_a_notebook_may_ask_for_less() -> None:
    diagram = draw(apple())
    assert set(diagram._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert "text/html" not in diagram._repr_mimebundle_(exclude={"text/html"})


def test_the_display_hook_falls_back_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no picture")

    monkeypatch.setattr("viz.diagram.picture_of", fail)
    assert draw(apple())._repr_mimebundle_() == {"text/plain": "Diagram(5 nodes, 4 edges)"}


def test_to_graphviz() -> None:
    diagram = draw(apple())
    assert isinstance(diagram.to_graphviz(), graphviz.Source)
    assert diagram.to_graphviz().source == diagram.source


# -- draw_dot


def test_draw_dot_draws_records() -> None:
    x = Value(2.0, label="x")
    y = x + 1
    y.backward()
    dot = draw_dot(y, format="png", rankdir="TB")
    assert isinstance(dot, graphviz.Digraph)
    assert dot.format == "png"
    lines = [line.strip() for line in dot.source.splitlines()]
    assert lines == [
        "digraph {",
        "graph [rankdir=TB]",
        'n0 [label="{ x | data 2.0000 | grad 1.0000 }" shape=record]',
        'n1 [label="{ data 1.0000 | grad – }" shape=record]',
        'n2 [label="{ data 3.0000 | grad 1.0000 }" shape=record]',
        'n2op [label="+"]',
        "n2op -> n2",
        "n0 -> n2op",
        "n1 -> n2op",
        "}",
    ]


@pytest.mark.slow
def test_a_node_of_every_operation_is_drawn() -> None:
    for name in TABLE:
        sample, _ = calls_of(name, 1, 3)[-1]
        y = sample.call(*sample.leaves())
        y.sum().backward()
        assert "<svg" in draw(y).svg, name
